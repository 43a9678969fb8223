//! When a check has begun: the moment at which it starts the program under check.
//!
//! testkit starts a program through the launcher that `WIRELAB_LAUNCHER` names. This program serves
//! as one: it writes the time into a file, unless it is there already, and becomes the program.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

const STAMP: &str = "BENCH_STAMP";

/// Acts as the launcher where it was started as one.
pub fn run_as_one() -> Option<ExitCode> {
    let stamp = std::env::var_os(STAMP)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let first = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(stamp);
    if let Ok(mut file) = first {
        let _ = write!(file, "{}", now.as_nanos());
    }
    let mut arguments = std::env::args_os().skip(1);
    let mut command = Command::new(arguments.next()?);
    command.args(arguments).env_remove(STAMP);
    Some(become_program(command))
}

#[cfg(unix)]
fn become_program(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    eprintln!("error: the program cannot be started: {error}");
    ExitCode::FAILURE
}

#[cfg(not(unix))]
fn become_program(mut command: Command) -> ExitCode {
    let code = command.status().ok().and_then(|status| status.code());
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// The stamp of one run.
pub struct Stamp(PathBuf);

impl Stamp {
    /// Not stamped yet.
    pub fn new(folder: &Path) -> anyhow::Result<Stamp> {
        let path = folder.join("first-check");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(Stamp(path)),
        }
    }

    /// Makes `command` stamp when its first check starts a program.
    pub fn set(&self, command: &mut Command) -> anyhow::Result<()> {
        let ourselves = std::env::current_exe().context("cannot tell this program's path")?;
        command
            .env("WIRELAB_LAUNCHER", ourselves)
            .env(STAMP, &self.0);
        Ok(())
    }

    /// How long after `began` the first check ran.
    pub fn since(&self, began: SystemTime) -> anyhow::Result<Duration> {
        let text = fs::read_to_string(&self.0).context("no check has started a program")?;
        let nanoseconds: u64 = text.trim().parse().context("the stamp is no time")?;
        let at = UNIX_EPOCH + Duration::from_nanos(nanoseconds);
        at.duration_since(began).context("the clock went backwards")
    }
}
