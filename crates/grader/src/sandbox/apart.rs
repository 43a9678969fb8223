//! Running a program in a network of its own, and, where the grader is the machine's root, as somebody else.
//!
//! The kernel holds root to no limit on processes, so neither the checks nor the programs under check run as root. A
//! process of the grader's own takes the other user's id first, and makes the namespaces then.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Signal, geteuid, getppid, set_parent_process_death_signal};

use crate::process;

/// The name under which the grader runs a program apart: `NAME PARENT SECONDS PROGRAM ARGS…`.
pub const NAME: &str = "wirelab-apart";

/// The name under which the grader does nothing, and ends well.
pub const NOTHING: &str = "wirelab-nothing";

/// How much of what a judge says is kept, in bytes.
const MOST_SAID: usize = 1 << 20;

/// Who judges in root's place: an id that no system gives to anybody for good.
const OTHER: u32 = 61_842;

/// Whether the grader is the machine's root.
#[must_use]
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// The user that the grader runs as.
#[must_use]
pub fn user() -> u32 {
    geteuid().as_raw()
}

/// The user id that the checks run with, where it is not the grader's own.
fn other_user() -> Option<u32> {
    is_root().then_some(OTHER)
}

/// Gives files and folders to whom the checks run as.
///
/// # Errors
/// They cannot be given.
pub fn give_away(paths: &[&Path]) -> anyhow::Result<()> {
    if let Some(other) = other_user() {
        for path in paths {
            chown(path, Some(other), Some(other))
                .with_context(|| format!("{} cannot be given away", path.display()))?;
        }
    }
    Ok(())
}

/// Makes sure that the checks can read what lies at `path`.
///
/// # Errors
/// They cannot.
pub fn is_readable(path: &Path) -> anyhow::Result<()> {
    let Some(other) = other_user() else {
        return Ok(());
    };
    is_readable_by_others(path).with_context(|| {
        format!(
            "root grades with another user's id ({other}); put the course into a folder that everybody may read (not below /root), or grade as an ordinary user"
        )
    })
}

/// Whether everybody may read what lies at `path`.
///
/// # Errors
/// Not everybody may, and why.
pub(super) fn is_readable_by_others(path: &Path) -> anyhow::Result<()> {
    for part in path.ancestors() {
        let mode = part
            .metadata()
            .with_context(|| format!("{} cannot be read", part.display()))?
            .mode();
        let needed = if part.is_dir() { 0o001 } else { 0o004 };
        ensure!(
            mode & needed == needed,
            "not everybody may read {}",
            part.display()
        );
    }
    Ok(())
}

/// Whether a network of one's own can be had here.
#[must_use]
pub fn has_networks() -> bool {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(NOTHING).env_clear();
    wire::netns::run(command, Duration::from_secs(60)).is_ok_and(|done| done.success())
}

/// Sets the environment of a judge.
pub(super) fn environment(command: &mut Command, temporary: &Path) {
    command
        .env("LANG", "C.UTF-8")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("TMPDIR", temporary);
    if let Some(patience) = std::env::var_os("WIRELAB_PATIENCE") {
        command.env("WIRELAB_PATIENCE", patience);
    }
}

/// Runs `command` to its end; what it printed, when it ended well.
///
/// # Errors
/// It did not, or could not be started.
pub(super) fn finish(command: Command, limit: Duration) -> anyhow::Result<String> {
    let program = command.get_program().to_owned();
    let ended = process::run(command, limit, MOST_SAID)
        .with_context(|| format!("{} cannot be started", program.display()))?;
    ensure!(ended.success(), "{}", ended.stderr.trim());
    Ok(ended.stdout)
}

/// Runs `program` apart from everything else, for `limit` at most; what it printed, when it ended well.
///
/// # Errors
/// It did not, or could not be started.
pub fn run<A: AsRef<std::ffi::OsStr>>(
    program: &Path,
    args: &[A],
    temporary: &Path,
    limit: Duration,
) -> anyhow::Result<String> {
    let own = std::env::current_exe().context("the grader cannot find its own executable")?;
    let mut command = Command::new(&own);
    command
        .arg0(NAME)
        .arg(std::process::id().to_string())
        .arg(limit.as_secs().to_string())
        .arg(program)
        .args(args)
        .current_dir("/")
        .env_clear();
    environment(&mut command, temporary);
    if let Some(other) = other_user() {
        command.uid(other).gid(other);
    }
    let ended = process::run(command, limit + Duration::from_secs(60), MOST_SAID)
        .with_context(|| match other_user() {
            Some(other) => format!(
                "{} cannot be started as another user ({other}), as root does it: root needs CAP_SETUID and CAP_SETGID for that, or be an ordinary user",
                own.display()
            ),
            None => format!("{} cannot be started", own.display()),
        })?;
    ensure!(ended.success(), "{}", ended.stderr.trim());
    Ok(ended.stdout)
}

/// Runs its third argument apart, for as many seconds as its second says; its first is the process that asks for it.
pub(super) fn main() -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut args = std::env::args_os().skip(1);
    let parent = args.next().context("the parent is missing")?;
    // It may have ended before the signal was asked for.
    ensure!(
        getppid().is_some_and(|pid| parent == *pid.as_raw_nonzero().to_string()),
        "the grader has ended"
    );
    let limit = args.next().context("the limit is missing")?;
    let limit: u64 = limit.to_string_lossy().parse()?;
    let program = PathBuf::from(args.next().context("the program is missing")?);
    let mut command = Command::new(program);
    command.args(args);
    let finished = wire::netns::run(command, Duration::from_secs(limit))?;
    if !finished.success() {
        bail!("{finished}");
    }
    std::io::stdout().write_all(&finished.stdout)?;
    Ok(())
}
