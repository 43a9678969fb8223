//! What stands between a submission and the machine.
//!
//! There are two walls. The compiler runs in [`Sandbox::compiler`]: a mount namespace that holds the toolchain, the
//! dependencies and the source. The program under check runs behind the launcher ([`launch`]), with its own process,
//! ipc, uts and mount namespaces, in the network namespace of its checks and of nobody else. Which tier is in use is
//! decided once, by trying it, and is never changed on the way.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use tempfile::TempDir;

pub mod apart;
mod filter;
pub mod launch;
pub mod limits;
pub mod watch;

use crate::scratch;
use launch::Launch;
pub use limits::Limits;

/// What keeps submissions apart from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// bubblewrap: namespaces, a read-only root, no capabilities, a system call filter, limits.
    Bubblewrap,
    /// Nothing: submissions run with all the rights of whoever grades them.
    None,
}

impl Tier {
    /// Its name on the command line and in the results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tier::Bubblewrap => "bubblewrap",
            Tier::None => "none",
        }
    }
}

/// A sandbox that has been tried and works.
#[derive(Debug)]
pub struct Sandbox {
    tier: Tier,
    bwrap: PathBuf,
    launcher: PathBuf,
    /// Holds the launcher and what it reads.
    _dir: TempDir,
}

/// What the compiler sees, each with its place on this machine.
#[derive(Debug)]
pub struct Sight<'a> {
    /// The toolchain (`rustc --print sysroot`).
    pub toolchain: &'a Path,
    /// The dependencies that have been compiled.
    pub dependencies: &'a Path,
    /// A folder in which the source lies as it does in the course.
    pub source: &'a Path,
    /// Where the program is written; the only folder that can be written to, /tmp aside.
    pub out: &'a Path,
}

impl Sandbox {
    /// Tries the tier that was asked for, or the best.
    ///
    /// # Errors
    /// It does not work here, with what could be done about it.
    pub fn probe(asked: Option<Tier>) -> anyhow::Result<Sandbox> {
        let dir = scratch::make(&std::env::temp_dir(), "wirelab-sandbox")?;
        let launcher = dir.path().join(launch::NAME);
        let mut sandbox = Sandbox {
            tier: asked.unwrap_or(Tier::Bubblewrap),
            bwrap: PathBuf::new(),
            launcher,
            _dir: dir,
        };
        if sandbox.tier == Tier::Bubblewrap {
            sandbox.set_up().context(
                "no sandbox, so nothing was graded; `--sandbox none` grades without one, with all your rights for every submission",
            )?;
        }
        Ok(sandbox)
    }

    /// Which tier it is.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// What testkit starts programs with; none where nothing comes between.
    #[must_use]
    pub fn launcher(&self) -> Option<&Path> {
        (self.tier == Tier::Bubblewrap).then_some(self.launcher.as_path())
    }

    /// Has a submission judged in a network and a process namespace of its own: everything in there ends with it, and
    /// with the grader.
    ///
    /// # Errors
    /// See [`apart::run`].
    pub fn judge(&self, args: &[&Path], temporary: &Path, limit: Duration) -> anyhow::Result<()> {
        let judge = self.launcher.with_file_name(crate::judge::NAME);
        // The checks' folders lie in memory, with a bound: what a program writes there fills no disk.
        let place = ["--size", SCRATCH_SIZE, "--tmpfs"].map(Path::new);
        let place = [&place[..], &[temporary]].concat();
        self.apart(&place, &judge, args, temporary, limit)
            .map(|_| ())
    }

    fn apart(
        &self,
        place: &[&Path],
        program: &Path,
        args: &[&Path],
        temporary: &Path,
        limit: Duration,
    ) -> anyhow::Result<String> {
        let mut all: Vec<&Path> = [
            "--die-with-parent",
            "--unshare-pid",
            "--dev-bind",
            "/",
            "/",
            "--proc",
            "/proc",
        ]
        .map(Path::new)
        .to_vec();
        all.extend(place);
        all.extend([Path::new("--"), program]);
        all.extend(args);
        apart::run(&self.bwrap, &all, temporary, limit)
    }

    fn set_up(&mut self) -> anyhow::Result<()> {
        self.bwrap = in_path("bwrap").context(
            "bubblewrap is not installed; install it with `apt-get install bubblewrap`, `dnf install bubblewrap` or the like",
        )?;
        let dir = self.launcher.parent().unwrap_or(Path::new("/")).to_owned();
        let own = std::env::current_exe().context("the grader cannot find its own executable")?;
        apart::is_readable(&own)?;
        fs::set_permissions(&dir, Permissions::from_mode(0o755))?;
        let probe = dir.join(launch::PROBE);
        for link in [&self.launcher, &probe, &dir.join(crate::judge::NAME)] {
            symlink(&own, link).with_context(|| format!("{} cannot be made", link.display()))?;
        }
        let filter = dir.join("filter");
        fs::write(&filter, filter::bytes()?)
            .with_context(|| format!("{} cannot be written", filter.display()))?;
        Launch {
            bwrap: self.bwrap.clone(),
            args: program_args(),
            filter,
            own,
            around: Limits::sandbox(),
            limits: Limits::program(),
        }
        .write(&self.launcher)?;
        // Exactly as a program under check is started: from a network of its own.
        let tried = self.apart(
            &[],
            &self.launcher,
            &[&probe],
            &dir,
            Duration::from_secs(60),
        );
        let works = tried.and_then(|said| {
            ensure!(said == launch::PROBED, "it started nothing");
            Ok(())
        });
        works.with_context(|| {
            format!(
                "{} does not work here (user namespaces may be forbidden: see `sysctl kernel.apparmor_restrict_unprivileged_userns kernel.unprivileged_userns_clone`, or the container's seccomp profile)",
                self.bwrap.display()
            )
        })
    }

    /// A call of the compiler with these variables in its environment, up to its own arguments. Paths are given as
    /// [`Sandbox::place`] says.
    ///
    /// # Errors
    /// The grader's own executable cannot be found.
    pub fn compiler(
        &self,
        sight: &Sight<'_>,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Command> {
        let rustc = Path::new("bin/rustc");
        if self.tier == Tier::None {
            let mut command = Command::new(sight.toolchain.join(rustc));
            command
                .current_dir(sight.source)
                .envs(environment.iter().copied());
            return Ok(command);
        }
        let own = std::env::current_exe().context("the grader cannot find its own executable")?;
        let mut command = Command::new(own);
        command
            .arg0(limits::NAME)
            .env_clear()
            .arg(serde_json::to_string(&Limits::compiler())?)
            .arg(&self.bwrap)
            .args(COMMON)
            .args(["--unshare-net", "--setenv", "PATH", "/usr/bin:/bin"])
            .args(system(&[
                "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64",
            ]))
            .args(files(&["/etc/alternatives", "/etc/ld.so.cache"]))
            .args(["--size", "1073741824", "--tmpfs", "/tmp"])
            .args(["--proc", "/proc", "--dev", "/dev"]);
        for (flag, path, place) in [
            ("--ro-bind", sight.toolchain, TOOLCHAIN),
            ("--ro-bind", sight.dependencies, DEPENDENCIES),
            ("--ro-bind", sight.source, SOURCE),
            ("--bind", sight.out, OUT),
        ] {
            command.arg(flag).arg(path).arg(place);
        }
        for (name, value) in environment {
            command.args(["--setenv", name, value]);
        }
        command
            .args(["--remount-ro", "/", "--chdir", SOURCE, "--"])
            .arg(Path::new(TOOLCHAIN).join(rustc));
        Ok(command)
    }

    /// Where the compiler finds the dependencies and writes the program.
    #[must_use]
    pub fn place(&self, sight: &Sight<'_>) -> (PathBuf, PathBuf) {
        match self.tier {
            Tier::Bubblewrap => (DEPENDENCIES.into(), OUT.into()),
            Tier::None => (sight.dependencies.to_owned(), sight.out.to_owned()),
        }
    }
}

/// How much all the programs of a lab may write into their checks' folders, in bytes.
const SCRATCH_SIZE: &str = "268435456";

const TOOLCHAIN: &str = "/toolchain";
const DEPENDENCIES: &str = "/dependencies";
const SOURCE: &str = "/course";
const OUT: &str = "/out";

/// What every sandbox has. `--unshare-user` also where nobody needs it, as for root, so that no user of the machine
/// is anybody inside.
const COMMON: [&str; 14] = [
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
    "--uid",
    "65534",
    "--gid",
    "65534",
    "--clearenv",
];

/// What the program under check sees, itself and its scratch folder aside: libraries, and what the C library's
/// resolver reads. No program, so no shell.
fn program_args() -> Vec<String> {
    let mut args: Vec<String> = COMMON.iter().map(|arg| (*arg).to_owned()).collect();
    args.extend(system(&[
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/lib",
        "/lib32",
        "/lib64",
    ]));
    args.extend(files(&[
        "/etc/ld.so.cache",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/host.conf",
        "/etc/gai.conf",
        "/etc/services",
        "/etc/protocols",
    ]));
    let rest = [
        "--size",
        "67108864",
        "--tmpfs",
        "/tmp",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--remount-ro",
        "/dev",
    ];
    args.extend(rest.map(str::to_owned));
    args
}

/// System folders, read-only: where one is a link on this machine, it is the same link inside.
fn system(folders: &[&str]) -> Vec<String> {
    let mut args = Vec::new();
    for folder in folders {
        match fs::read_link(folder) {
            Ok(to) => args.extend([
                "--symlink".to_owned(),
                to.to_string_lossy().into_owned(),
                (*folder).to_owned(),
            ]),
            Err(_) if Path::new(folder).is_dir() => {
                args.extend(["--ro-bind", folder, folder].map(str::to_owned));
            }
            Err(_) => {}
        }
    }
    args
}

fn files(paths: &[&str]) -> Vec<String> {
    let there = paths.iter().filter(|path| Path::new(path).exists());
    there
        .flat_map(|path| ["--ro-bind", path, path].map(str::to_owned))
        .collect()
}

fn in_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Does the work of another role where this process was started under that role's name; none otherwise.
#[must_use]
pub fn other_role() -> Option<std::process::ExitCode> {
    let own = std::env::args_os().next()?;
    let name = Path::new(&own).file_name()?.to_str()?.to_owned();
    let done = match name.as_str() {
        launch::NAME => launch::main(Path::new(&own)),
        limits::NAME => limits::main(),
        apart::NAME => apart::main(),
        launch::PROBE => launch::probed(),
        crate::judge::NAME => crate::judge::main(),
        _ => return None,
    };
    Some(match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            std::process::ExitCode::from(125)
        }
    })
}

/// For what cannot be: a role that replaces this process returned.
pub(crate) fn not_started(program: &Path, error: &std::io::Error) -> anyhow::Result<()> {
    bail!("{} cannot be started: {error}", program.display())
}
