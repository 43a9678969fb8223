//! Running a program in a network of its own, and, where the grader is the machine's root, as somebody else.
//!
//! The kernel holds root to no limit on processes, so neither the checks nor the programs under check run as root. A
//! process of the grader's own takes the other user's id first, and makes the namespaces then.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Signal, geteuid, set_parent_process_death_signal};

use crate::process;

/// The name under which the grader runs a program apart: `NAME SECONDS PROGRAM ARGS…`.
pub const NAME: &str = "wirelab-apart";

/// Who judges in root's place: an id that no system gives to anybody for good.
const OTHER: u32 = 61_842;

/// The user id that the checks run with, where it is not the grader's own.
#[must_use]
pub fn other_user() -> Option<u32> {
    geteuid().is_root().then_some(OTHER)
}

/// Makes sure that the checks can read what lies at `path`.
///
/// # Errors
/// They cannot.
pub fn is_readable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let Some(other) = other_user() else {
        return Ok(());
    };
    for part in path.ancestors() {
        let mode = part
            .metadata()
            .with_context(|| format!("{} cannot be read", part.display()))?
            .mode();
        let needed = if part.is_dir() { 0o001 } else { 0o004 };
        ensure!(
            mode & needed == needed,
            "root grades with another user's id ({other}), who may not read {}; put the course into a folder that everybody may read (not below /root), or grade as an ordinary user",
            part.display()
        );
    }
    Ok(())
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
        .arg(limit.as_secs().to_string())
        .arg(program)
        .args(args)
        .current_dir("/")
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("TMPDIR", temporary);
    if let Some(patience) = std::env::var_os("WIRELAB_PATIENCE") {
        command.env("WIRELAB_PATIENCE", patience);
    }
    if let Some(other) = other_user() {
        command.uid(other).gid(other);
    }
    let ended = process::run(command, limit + Duration::from_secs(60), 1 << 20)
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

/// Runs its second argument apart, for as many seconds as its first says.
pub(super) fn main() -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut args = std::env::args_os().skip(1);
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
