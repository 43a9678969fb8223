//! The launcher: what testkit starts in place of the program under check (DESIGN, "A launcher").
//!
//! It is the grader's own executable under another name, with its orders in a file beside it. It sets limits, and
//! becomes bubblewrap, which starts the grader's executable once more, inside, which becomes the program.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use rustix::io::FdFlags;
use serde::{Deserialize, Serialize};

use super::{Limits, limits};

/// The launcher's name.
pub const NAME: &str = "wirelab-launch";
/// The name under which the grader is a program that says it has been started.
pub const PROBE: &str = "wirelab-probe";
/// What it says.
pub const PROBED: &str = "started\n";

/// Variables that belong to the checks and not to the program.
const KEPT_BACK: [&str; 3] = ["HOME", "PATH", "TMPDIR"];

/// A launcher's orders.
#[derive(Debug, Serialize, Deserialize)]
pub struct Launch {
    /// bubblewrap.
    pub bwrap: PathBuf,
    /// Its arguments, up to those that are different for each program.
    pub args: Vec<String>,
    /// The system call filter.
    pub filter: PathBuf,
    /// The grader's executable, which sets the program's limits from inside.
    pub own: PathBuf,
    /// The limits of bubblewrap, which hold for all programs of a lab together where the kernel counts by user.
    pub around: Limits,
    /// The limits of the program.
    pub limits: Limits,
}

impl Launch {
    /// Writes the orders beside the launcher.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, launcher: &Path) -> anyhow::Result<()> {
        let orders = orders(launcher);
        fs::write(&orders, serde_json::to_vec(self)?)
            .with_context(|| format!("{} cannot be written", orders.display()))
    }
}

fn orders(launcher: &Path) -> PathBuf {
    launcher.with_extension("json")
}

/// Becomes the program that the arguments name, in a sandbox. `own` is the path of the launcher.
pub(super) fn main(own: &Path) -> anyhow::Result<()> {
    let orders = orders(own);
    let text = fs::read(&orders).with_context(|| format!("{} cannot be read", orders.display()))?;
    let launch: Launch = serde_json::from_slice(&text)?;
    let mut args = std::env::args_os().skip(1);
    let program = PathBuf::from(args.next().context("the program is missing")?);
    let inside = Path::new("/program").join(program.file_name().unwrap_or_default());
    let args: Vec<_> = args.collect();

    let mut command = Command::new(&launch.bwrap);
    command.args(&launch.args);
    for (name, value) in std::env::vars_os() {
        if !KEPT_BACK.iter().any(|kept| name == *kept) {
            command.arg("--setenv").arg(name).arg(value);
        }
    }
    command.env_clear();
    // The check's own folder, which is the current one, is the program's too; the checks' other folders are not.
    let here = std::env::current_dir()?;
    let scratch = std::env::temp_dir();
    let scratch = scratch.canonicalize().unwrap_or(scratch);
    if here.starts_with(&scratch) && here != scratch {
        command.arg("--bind").arg(&here).arg(&here);
        command.arg("--chdir").arg(&here);
    } else {
        command.args(["--chdir", "/tmp"]);
    }
    // A check may name files of the course to the program.
    for arg in &args {
        let path = Path::new(arg);
        if path.is_absolute() && path.is_file() && !path.starts_with(&here) {
            command.arg("--ro-bind").arg(path).arg(path);
        }
    }
    limits::inherit_nothing()?;
    let filter = File::open(&launch.filter)
        .with_context(|| format!("{} cannot be read", launch.filter.display()))?;
    rustix::io::fcntl_setfd(&filter, FdFlags::empty())?;
    command.arg("--seccomp").arg(filter.as_raw_fd().to_string());
    command.arg("--ro-bind").arg(&program).arg(&inside);
    // The number of processes is counted anew in the program's own user namespace, so its limit is set in there.
    let limiter = Path::new("/").join(limits::NAME);
    command.arg("--ro-bind").arg(&launch.own).arg(&limiter);
    command.args(["--remount-ro", "/", "--"]).arg(&limiter);
    command.arg(serde_json::to_string(&launch.limits)?);
    command.arg(&inside);
    launch.around.apply()?;
    let error = command.args(&args).exec();
    super::not_started(&launch.bwrap, &error)
}

/// Says that it has been started.
pub(super) fn probed() -> anyhow::Result<()> {
    std::io::stdout().write_all(PROBED.as_bytes())?;
    Ok(())
}
