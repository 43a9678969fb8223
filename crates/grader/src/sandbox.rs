//! What stands between a submission and the machine.
//!
//! There are two walls. The compiler runs in [`Sandbox::compiler`], which sees the toolchain, the dependencies and the
//! source. The program under check runs behind the launcher (the crate `launch`), in the network of its checks and of
//! nobody else where the machine allows that. Which [`Tier`] is in use is decided once, by trying it, and is never
//! changed on the way.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use course::Course;
use launch::{Limits, Orders, PROBE, PROBED, Record};
use serde::Serialize;

pub mod apart;
mod bubblewrap;
mod fence;
mod launcher;
mod ports;
mod queues;
pub mod watch;

use crate::scratch::Scratch;
use crate::{judge, scratch};

/// What keeps submissions apart from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// bubblewrap: namespaces, a read-only root, no capabilities, a system call filter, limits.
    Bubblewrap,
    /// Landlock, a system call filter and limits, for an ordinary user without bubblewrap.
    Landlock,
    /// Another user's id for each submission, with whatever else there is, for root in a container without namespaces.
    Uid,
    /// Nothing: submissions run with all the rights of whoever grades them.
    None,
}

impl Tier {
    /// Its name on the command line and in the results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tier::Bubblewrap => "bubblewrap",
            Tier::Landlock => "landlock",
            Tier::Uid => "uid",
            Tier::None => "none",
        }
    }
}

/// A sandbox that has been tried and works.
#[derive(Debug)]
pub struct Sandbox {
    walls: Walls,
    /// What it is not, in sentences.
    notes: Vec<String>,
    /// Holds the programs that it needs, under the names of their roles.
    roles: Scratch,
    /// Whether a check can have a network of its own, with a program in it.
    networks: bool,
    /// Whether one submission is judged at a time.
    alone: bool,
}

#[derive(Debug)]
enum Walls {
    Bubblewrap(bubblewrap::Walls),
    Fence(fence::Walls),
    None,
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
    /// A file in which the start is noted ([`Record`]).
    pub record: &'a Path,
}

/// What a judge needs to know of the program under check.
#[derive(Debug)]
pub struct Trial<'a> {
    /// An empty folder for it.
    pub scratch: &'a Path,
    /// The program.
    pub program: &'a Path,
    /// The folder with what the checks may name to the program, where there is one.
    pub data: Option<PathBuf>,
}

impl Trial<'_> {
    /// Where the checks have their folders.
    #[must_use]
    pub fn temporary(&self) -> PathBuf {
        self.scratch.join("tmp")
    }

    /// What is asked of the judge.
    #[must_use]
    pub fn request(&self) -> PathBuf {
        self.scratch.join("request.json")
    }

    /// Where the checks write their verdicts.
    #[must_use]
    pub fn verdicts(&self) -> PathBuf {
        self.scratch.join("verdicts")
    }

    /// What testkit starts in place of the program.
    #[must_use]
    pub fn launcher(&self) -> PathBuf {
        self.scratch.join(launch::LAUNCHER)
    }

    /// Where the launcher notes its starts.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.scratch.join("starts")
    }
}

/// Builds what stands before each program, so that [`Sandbox::probe`] finds it made.
///
/// # Errors
/// It cannot be built.
pub(crate) fn prepare(course: &Course) -> anyhow::Result<()> {
    launcher::build(course).map(drop)
}

impl Sandbox {
    /// Tries the tier that was asked for, or the best that works here: bubblewrap, then another user's id where the
    /// grader is root, then Landlock. Says which ones do not work, and why.
    ///
    /// # Errors
    /// None of them works here, with what could be done about it.
    pub fn probe(asked: Option<Tier>, course: &Course) -> anyhow::Result<Sandbox> {
        let roles = scratch::make(&std::env::temp_dir(), "wirelab-sandbox")?;
        fs::set_permissions(roles.path(), Permissions::from_mode(0o755))?;
        let mut sandbox = Sandbox {
            walls: Walls::None,
            notes: Vec::new(),
            roles,
            networks: false,
            alone: false,
        };
        let second = if apart::is_root() {
            Tier::Uid
        } else {
            Tier::Landlock
        };
        let own = std::env::current_exe().context("the grader cannot find its own executable")?;
        sandbox.assign(judge::NAME, &own)?;
        let tiers = match asked {
            Some(Tier::None) => {
                sandbox.networks = apart::has_networks();
                return Ok(sandbox);
            }
            Some(tier) => vec![tier],
            None => vec![Tier::Bubblewrap, second],
        };
        let mut reasons = Vec::new();
        for tier in &tiers {
            match sandbox.set_up(*tier, course) {
                Ok(()) => {
                    for reason in &reasons {
                        eprintln!("{reason}");
                    }
                    return Ok(sandbox);
                }
                Err(error) => reasons.push(format!("{}: {error:#}", tier.name())),
            }
        }
        bail!(
            "no sandbox, so nothing was graded:\n{}\n`--sandbox none` grades without one, with all your rights for every submission",
            reasons.join("\n")
        )
    }

    /// Puts the launcher where it is found under the names of its roles.
    fn equip(&self, course: &Course) -> anyhow::Result<()> {
        // For the tier that was tried before.
        if self.role(PROBE).exists() {
            return Ok(());
        }
        let built = launcher::build(course)?;
        let launcher = self.role(launch::LAUNCHER);
        if apart::is_readable(&built).is_ok() {
            self.assign(launch::LAUNCHER, &built)?;
        } else {
            // The course and its target folder are closed to everybody; a copy is not.
            scratch::copy_with_mode(&built, &launcher, 0o755)?;
            apart::is_readable(&launcher)?;
        }
        let roles = [launch::BEHIND, launch::FENCED, launch::END, PROBE];
        roles
            .iter()
            .try_for_each(|role| self.assign(role, &launcher))
    }

    /// Puts a program where it is found under the name of its role.
    fn assign(&self, role: &str, program: &Path) -> anyhow::Result<()> {
        let link = self.role(role);
        symlink(program, &link).with_context(|| format!("{} cannot be made", link.display()))
    }

    fn role(&self, name: &str) -> PathBuf {
        self.roles.path().join(name)
    }

    fn set_up(&mut self, tier: Tier, course: &Course) -> anyhow::Result<()> {
        (self.walls, self.notes) = match tier {
            Tier::Bubblewrap => {
                apart::is_readable(&self.role(judge::NAME).canonicalize()?)?;
                let walls = bubblewrap::Walls::set_up(self.roles.path())?;
                self.equip(course)?;
                (Walls::Bubblewrap(walls), Vec::new())
            }
            Tier::Landlock | Tier::Uid => {
                self.equip(course)?;
                let (walls, notes) =
                    fence::Walls::set_up(tier == Tier::Uid, course, self.roles.path())?;
                (Walls::Fence(walls), notes)
            }
            Tier::None => (Walls::None, Vec::new()),
        };
        self.networks = match &self.walls {
            Walls::Bubblewrap(_) => true,
            Walls::Fence(walls) => walls.has_networks(),
            Walls::None => false,
        };
        self.try_out()
    }

    /// Starts a program exactly as one under check is started.
    fn try_out(&self) -> anyhow::Result<()> {
        let scratch = scratch::make(&std::env::temp_dir(), "wirelab-probe")?;
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o711))?;
        let program = scratch.path().join(PROBE);
        scratch::copy_with_mode(&self.role(PROBE), &program, 0o755)?;
        let trial = Trial {
            scratch: scratch.path(),
            program: &program,
            data: None,
        };
        let args = [trial.launcher(), program.clone()];
        let said = self.within(&trial, &args, Duration::from_secs(60));
        let said = match &self.walls {
            Walls::Bubblewrap(walls) => said.with_context(|| walls.advice()),
            _ => said,
        }?;
        ensure!(
            said == PROBED && Record::lost(&trial.record()) == 0,
            "it started nothing"
        );
        Ok(())
    }

    /// Which tier it is.
    #[must_use]
    pub fn tier(&self) -> Tier {
        match &self.walls {
            Walls::Bubblewrap(_) => Tier::Bubblewrap,
            Walls::Fence(walls) => walls.tier(),
            Walls::None => Tier::None,
        }
    }

    /// What it does not keep submissions from, in sentences.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether a check can have a network of its own, with a program in it.
    pub(crate) fn has_networks(&self) -> bool {
        self.networks
    }

    /// Says that one submission is judged at a time from now on: what is in its network is its own.
    pub(crate) fn judges_one_at_a_time(&mut self) {
        self.alone = true;
    }

    /// Makes sure that submissions do not see what lies at `path`: they are shown folders of the system, and may read
    /// what somebody has put into one.
    ///
    /// # Errors
    /// They would, and where it lies.
    pub(crate) fn is_unseen(&self, path: &Path) -> anyhow::Result<()> {
        if self.tier() == Tier::None {
            return Ok(());
        }
        let Ok(path) = path.canonicalize() else {
            return Ok(());
        };
        if let Walls::Fence(walls) = &self.walls {
            walls.hides(&path)?;
        }
        for shown in there(PROGRAMS) {
            let shown = Path::new(shown).canonicalize()?;
            ensure!(
                !path.starts_with(&shown) && !shown.starts_with(&path),
                "submissions would see {}, since the compiler reads all of {}: put it elsewhere, below /home or /srv",
                path.display(),
                shown.display()
            );
        }
        Ok(())
    }

    /// Where a program finds the files of `tests/data` that its checks name to it, where not in the course.
    ///
    /// # Errors
    /// They cannot be put there.
    pub(crate) fn data(&self, trial: &Trial<'_>) -> anyhow::Result<Option<PathBuf>> {
        match &self.walls {
            Walls::Fence(walls) => walls.data(trial),
            Walls::Bubblewrap(_) | Walls::None => Ok(None),
        }
    }

    /// What the judge has to watch because nothing else bounds it.
    pub(crate) fn watched(&self, trial: &Trial<'_>) -> Option<watch::Open> {
        match &self.walls {
            Walls::Fence(walls) => Some(walls.watched(trial, self.alone)),
            Walls::Bubblewrap(_) | Walls::None => None,
        }
    }

    /// Has a submission judged by the process that the judge's request asks for.
    ///
    /// # Errors
    /// See [`Sandbox::within`].
    pub fn judge(
        &self,
        trial: &Trial<'_>,
        request: &Path,
        answer: &Path,
        limit: Duration,
    ) -> anyhow::Result<()> {
        let judge = self.role(judge::NAME);
        let args = [judge, request.to_owned(), answer.to_owned()];
        self.within(trial, &args, limit).map(|_| ())
    }

    /// Runs a program of ours, `args` with its arguments, where the program under check is to run too, apart from
    /// everything else; what it printed. All that is in there ends with it, and with the grader.
    ///
    /// # Errors
    /// It could not be started, or did not end well within `limit`.
    pub fn within(
        &self,
        trial: &Trial<'_>,
        args: &[PathBuf],
        limit: Duration,
    ) -> anyhow::Result<String> {
        for folder in [trial.temporary(), trial.verdicts()] {
            fs::create_dir_all(&folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        // The checks' own, whoever a program is.
        fs::set_permissions(trial.verdicts(), Permissions::from_mode(0o700))?;
        self.prepare(trial)?;
        self.run(trial, args, limit)
    }

    /// Lays out what the launcher needs, and gives the folders to whom they are for.
    fn prepare(&self, trial: &Trial<'_>) -> anyhow::Result<()> {
        let (wall, limits) = match &self.walls {
            Walls::Bubblewrap(walls) => (walls.wall(trial), Limits::program()),
            Walls::Fence(walls) => (walls.wall(trial), walls.limits()),
            Walls::None => return Ok(()),
        };
        let orders = Orders {
            program: trial.program.to_owned(),
            record: trial.record(),
            limits,
            wall,
        };
        let launcher = trial.launcher();
        symlink(self.role(launch::LAUNCHER).canonicalize()?, &launcher)
            .with_context(|| format!("{} cannot be made", launcher.display()))?;
        orders.write(&launcher)?;
        match &self.walls {
            Walls::Bubblewrap(walls) => walls.open(trial),
            Walls::Fence(walls) => walls.open(trial),
            Walls::None => Ok(()),
        }
    }

    fn run(&self, trial: &Trial<'_>, args: &[PathBuf], limit: Duration) -> anyhow::Result<String> {
        match &self.walls {
            Walls::Bubblewrap(walls) => walls.run(trial, args, limit),
            Walls::Fence(walls) => walls.run(trial, args, limit),
            Walls::None => {
                let mut command = Command::new(&args[0]);
                command.args(&args[1..]).env("TMPDIR", trial.temporary());
                apart::finish(command, limit)
            }
        }
    }

    /// A call of the compiler with these variables in its environment, up to its own arguments. Paths are given as
    /// [`Sandbox::place`] says.
    ///
    /// # Errors
    /// Its orders cannot be written.
    pub fn compiler(
        &self,
        sight: &Sight<'_>,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Command> {
        match &self.walls {
            Walls::Bubblewrap(walls) => walls.compiler(sight, environment),
            Walls::Fence(walls) => walls.compiler(sight, environment),
            Walls::None => {
                let mut command = Command::new(rustc(sight.toolchain));
                command
                    .current_dir(sight.source)
                    .envs(environment.iter().copied());
                Ok(command)
            }
        }
    }

    /// Where the compiler finds the dependencies and writes the program.
    #[must_use]
    pub fn place(&self, sight: &Sight<'_>) -> (PathBuf, PathBuf) {
        match &self.walls {
            Walls::Bubblewrap(_) => bubblewrap::place(),
            Walls::Fence(_) | Walls::None => (sight.dependencies.to_owned(), sight.out.to_owned()),
        }
    }

    /// The limits that hold, for what depends on them.
    #[must_use]
    pub fn limits() -> [Limits; 4] {
        [
            Limits::sandbox(),
            Limits::program(),
            Limits::fenced(),
            Limits::compiler(),
        ]
    }
}

/// The compiler of a toolchain.
fn rustc(toolchain: &Path) -> PathBuf {
    toolchain.join("bin/rustc")
}

/// The command that does `role`, with nothing in its environment.
fn in_role(roles: &Path, role: &str) -> Command {
    let mut command = Command::new(roles.join(role));
    command.env_clear();
    command
}

fn in_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Folders and files of the system that exist here.
fn there<'p>(paths: &[&'p str]) -> impl Iterator<Item = &'p str> {
    paths
        .iter()
        .copied()
        .filter(|path| Path::new(path).exists())
}

/// What a program needs to run at all: libraries.
const LIBRARIES: &[&str] = &[
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/lib",
    "/lib32",
    "/lib64",
];
/// What every program may read, write and call: no folder of the machine, and of its devices the harmless ones.
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];
/// What the C library's resolver and loader read.
const RESOLVER: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
];
/// What a linker needs besides.
const PROGRAMS: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"];
const ALTERNATIVES: &[&str] = &["/etc/alternatives", "/etc/ld.so.cache"];

/// Does the work of another role where this process was started under that role's name; none otherwise.
#[must_use]
pub fn other_role() -> Option<std::process::ExitCode> {
    let own = std::env::args_os().next()?;
    let name = Path::new(&own).file_name()?.to_str()?.to_owned();
    let done = match name.as_str() {
        apart::NAME => apart::main(),
        judge::NAME => judge::main(),
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
