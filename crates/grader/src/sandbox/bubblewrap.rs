//! The first tier: bubblewrap's namespaces.
//!
//! bubblewrap stands around the compiler and around each judge. A judge's root for programs is laid out with it once:
//! libraries, devices, the program. The launcher takes that root as it is, in namespaces of the program's own
//! (`launch::Inside`), as bubblewrap would, and without bubblewrap itself being started before each program. What one
//! check starts in turn is behind the same wall, as long as no program leaves anything there (`launch::fork_server`).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use launch::{Family, Inside, Limits, Others, RECORD, STARTER, Wall, filter};

use super::{
    ALTERNATIVES, DEVICES, LIBRARIES, PROGRAMS, RESOLVER, Sight, Trial, apart, in_path, in_role,
    rustc, there,
};

/// How much all the programs of a lab may write into their checks' folders, in bytes.
const SCRATCH_SIZE: &str = "268435456";
/// How much a program may write to its /tmp, in bytes.
const TMP_SIZE: u64 = 64 << 20;

const TOOLCHAIN: &str = "/toolchain";
const DEPENDENCIES: &str = "/dependencies";
const SOURCE: &str = "/course";
const OUT: &str = "/out";
const PROGRAM: &str = "/program";

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

#[derive(Debug)]
pub(super) struct Walls {
    pub(super) bwrap: PathBuf,
    filter: PathBuf,
    roles: PathBuf,
    ids: apart::Ids,
}

impl Walls {
    /// Finds what it needs; whether it works is another question.
    pub(super) fn set_up(roles: &Path) -> anyhow::Result<Walls> {
        let bwrap = in_path("bwrap").context(
            "it is not installed; install it with `apt-get install bubblewrap`, `dnf install bubblewrap` or the like",
        )?;
        let bytes = filter(&[Family::Unix, Family::Internet], Others::Unseen)?;
        let filter = roles.join("filter");
        fs::write(&filter, bytes)
            .with_context(|| format!("{} cannot be written", filter.display()))?;
        Ok(Walls {
            bwrap,
            filter,
            roles: roles.to_owned(),
            ids: apart::Ids::default(),
        })
    }

    /// What to do where it does not work.
    pub(super) fn advice(&self) -> String {
        format!(
            "{} does not work here (user namespaces may be forbidden: see `sysctl kernel.apparmor_restrict_unprivileged_userns kernel.unprivileged_userns_clone`, or the container's seccomp profile)",
            self.bwrap.display()
        )
    }

    fn root(trial: &Trial<'_>) -> PathBuf {
        trial.scratch.join("root")
    }

    /// What stands around each program.
    pub(super) fn wall(&self, trial: &Trial<'_>) -> Wall {
        Wall::Namespaces(Inside {
            root: Walls::root(trial),
            tmp_size: TMP_SIZE,
            filter: self.filter.clone(),
            around: Limits::sandbox(),
            program: inside(trial),
            data: trial.data.clone(),
        })
    }

    /// Gives a judge's folders to whom it runs as.
    pub(super) fn open(&self, trial: &Trial<'_>) -> anyhow::Result<()> {
        let folders = [trial.scratch, &trial.temporary(), &trial.verdicts()];
        let user = self.ids.of(trial.scratch);
        user.map_or(Ok(()), |user| apart::give_away(&folders, user))
    }

    /// Runs a judge.
    pub(super) fn run(
        &self,
        trial: &Trial<'_>,
        args: &[PathBuf],
        limit: Duration,
    ) -> anyhow::Result<String> {
        let mut all = self.around(trial);
        all.extend(args.iter().map(|arg| arg.as_os_str().to_owned()));
        let user = self.ids.of(trial.scratch);
        apart::run(&self.bwrap, &all, &trial.temporary(), user, limit)
    }

    /// bubblewrap's arguments for a judge, up to its program: a process namespace, nothing to write but its own folder,
    /// whatever a program may bring a check to, the checks' folders in memory with a bound, so that what a program writes
    /// there fills no disk, their verdicts', and the root for programs.
    fn around(&self, trial: &Trial<'_>) -> Vec<OsString> {
        let root = Walls::root(trial);
        let mut args = Args::default();
        args.words(&["--die-with-parent", "--unshare-pid", "--ro-bind", "/", "/"]);
        args.words(&["--dev-bind", "/dev", "/dev", "--bind"]);
        args.path(trial.scratch).path(trial.scratch);
        args.words(&["--proc", "/proc", "--size", SCRATCH_SIZE, "--tmpfs"]);
        args.path(&trial.temporary());
        // In another place than what programs write: their verdicts are written however full that is.
        args.words(&["--size", SCRATCH_SIZE, "--tmpfs"]);
        args.path(&trial.verdicts());
        args.words(&["--size", "1048576", "--tmpfs"]).path(&root);
        let at = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
        // No program is among them, so no shell.
        for path in there(LIBRARIES).chain(there(RESOLVER)).map(Path::new) {
            args.bind(path, &at(path));
        }
        args.bind(trial.program, &at(&inside(trial)));
        for device in there(DEVICES).map(Path::new) {
            args.word("--dev-bind").path(device).path(&at(device));
        }
        for (name, descriptor) in [
            ("fd", ""),
            ("stdin", "/0"),
            ("stdout", "/1"),
            ("stderr", "/2"),
        ] {
            let link = Path::new("/dev").join(name);
            args.word("--symlink");
            args.word(&format!("/proc/self/fd{descriptor}"))
                .path(&at(&link));
        }
        for folder in ["/proc", "/tmp"].map(Path::new) {
            args.word("--dir").path(&at(folder));
        }
        // Where each start can put what its check names.
        for folder in trial.data.iter().chain([&trial.temporary()]) {
            args.word("--dir").path(&at(folder));
        }
        args.word("--remount-ro").path(&root).word("--");
        args.0
    }

    pub(super) fn compiler(
        &self,
        sight: &Sight<'_>,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Command> {
        let mut args = Args::default();
        args.words(&COMMON);
        args.words(&["--unshare-net", "--setenv", "PATH", "/usr/bin:/bin"]);
        for path in there(PROGRAMS).chain(there(ALTERNATIVES)).map(Path::new) {
            args.bind(path, path);
        }
        args.words(&["--size", "1073741824", "--tmpfs", "/tmp"]);
        args.words(&["--proc", "/proc", "--dev", "/dev"]);
        let starter = Path::new("/").join(STARTER);
        for (path, place) in [
            (sight.toolchain, TOOLCHAIN),
            (sight.dependencies, DEPENDENCIES),
            (sight.source, SOURCE),
        ] {
            args.bind(path, Path::new(place));
        }
        args.bind(&self.roles.join(launch::LAUNCHER), &starter);
        args.word("--bind").path(sight.out).word(OUT);
        for (name, value) in environment {
            args.words(&["--setenv", name, value]);
        }
        args.words(&["--remount-ro", "/", "--chdir", SOURCE, "--"]);
        args.path(&starter);
        args.word(&serde_json::to_string(&Limits::compiler())?);
        args.word(RECORD).path(&rustc(Path::new(TOOLCHAIN)));
        let mut command = in_role(&self.roles, launch::BEHIND);
        command.arg(std::process::id().to_string());
        command.arg(sight.record).arg(&self.bwrap).args(args.0);
        Ok(command)
    }
}

/// Where the compiler finds the dependencies and writes the program.
pub(super) fn place() -> (PathBuf, PathBuf) {
    (DEPENDENCIES.into(), OUT.into())
}

/// The program's path behind its wall.
fn inside(trial: &Trial<'_>) -> PathBuf {
    Path::new(PROGRAM).join(trial.program.file_name().unwrap_or_default())
}

/// bubblewrap's arguments.
#[derive(Default)]
struct Args(Vec<OsString>);

impl Args {
    fn word(&mut self, word: &str) -> &mut Args {
        self.0.push(word.into());
        self
    }

    fn words(&mut self, words: &[&str]) -> &mut Args {
        self.0.extend(words.iter().map(OsString::from));
        self
    }

    fn path(&mut self, path: &Path) -> &mut Args {
        self.0.push(path.into());
        self
    }

    /// Shows `path` at `place`, read-only; where it is a link on this machine, it is the same link there.
    fn bind(&mut self, path: &Path, place: &Path) {
        let system = PROGRAMS.iter().any(|folder| path == Path::new(folder))
            || LIBRARIES.iter().any(|folder| path == Path::new(folder));
        match fs::read_link(path) {
            Ok(to) if system => self.word("--symlink").path(&to).path(place),
            _ => self.word("--ro-bind").path(path).path(place),
        };
    }
}
