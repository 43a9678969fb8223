//! Running a program in a network of its own, and, where the grader is the machine's root, as somebody else.
//!
//! The kernel holds root to no limit on processes, so neither the checks nor the programs under check run as root. A
//! process of the grader's own takes the other user's id first, and makes the namespaces then.

use std::fs;
use std::io::Write as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use launch::Keeper;
use rustix::process::geteuid;

use crate::process;

/// The name under which the grader runs a program apart: `NAME GRADER SECONDS PROGRAM ARGS…`.
pub const NAME: &str = "wirelab-apart";

/// How much of what a judge says is kept, in bytes.
const MOST_SAID: usize = 1 << 20;

/// The ids of those who judge, or are judged, in root's place: as many as there are from the first. No system gives
/// them to anybody for good.
const FIRST: u32 = 62_000;
const IDS: u32 = 3_000;
/// How many of them one grader takes, in turn: more than it grades submissions at a time.
const OWN: u32 = 250;

/// Gives each submission another user's id, where root grades. What the kernel counts by user, the watches of
/// epoll(7) for one, a submission then takes from nobody. No other grader of this machine gives the same ones meanwhile:
/// all processes of such a user are ended when its submission has been judged.
#[derive(Debug, Default)]
pub(super) struct Ids {
    own: OnceLock<Own>,
    turn: AtomicU32,
}

/// The ids of one grader, for as long as it has this name.
#[derive(Debug)]
struct Own {
    first: u32,
    _name: Option<UnixListener>,
}

impl Own {
    /// The first that nobody has, looked for from a place that depends on the process. An abstract name (unix(7)) is
    /// given back with the end of whoever has it. Where all are taken, or there are no such names, it is this place's.
    fn find() -> Own {
        let slots = IDS / OWN;
        let place = std::process::id() % slots;
        let free = (0..slots).find_map(|turn| {
            let first = FIRST + (place + turn) % slots * OWN;
            let name = SocketAddr::from_abstract_name(format!("wirelab-ids-{first}"));
            let name = UnixListener::bind_addr(&name.ok()?).ok()?;
            Some(Own {
                first,
                _name: Some(name),
            })
        });
        free.unwrap_or(Own {
            first: FIRST + place * OWN,
            _name: None,
        })
    }
}

impl Ids {
    /// The id of what lies in `scratch`: the same each time it is asked. None where an ordinary user grades.
    pub(super) fn of(&self, scratch: &Path) -> Option<u32> {
        if !is_root() {
            return None;
        }
        // Kept in a file's name, so that it lasts as long as the folder does.
        let names = fs::read_dir(scratch).into_iter().flatten().flatten();
        let known = names
            .filter_map(|entry| {
                let name = entry.file_name();
                name.to_str()?.strip_prefix("uid-")?.parse().ok()
            })
            .next();
        Some(known.unwrap_or_else(|| {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % OWN;
            let uid = self.own.get_or_init(Own::find).first + turn;
            let _ = fs::write(scratch.join(format!("uid-{uid}")), "");
            uid
        }))
    }
}

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

/// Gives files and folders to a user.
///
/// # Errors
/// They cannot be given.
pub(super) fn give_away(paths: &[&Path], user: u32) -> anyhow::Result<()> {
    paths.iter().try_for_each(|path| {
        chown(path, Some(user), Some(user))
            .with_context(|| format!("{} cannot be given away", path.display()))
    })
}

/// Makes sure that the checks can read what lies at `path`.
///
/// # Errors
/// They cannot.
pub fn is_readable(path: &Path) -> anyhow::Result<()> {
    if !is_root() {
        return Ok(());
    }
    is_readable_by_others(path).context(
        "root grades with other users' ids; put the course into a folder that everybody may read (not below /root), or grade as an ordinary user",
    )
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
    // Any program that does nothing and ends well.
    wire::netns::run(Command::new("true"), Duration::from_secs(60)).is_ok_and(|done| done.success())
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

/// Runs `program` apart from everything else, as `user` where one is named, for `limit` at most; what it printed, when
/// it ended well.
///
/// # Errors
/// It did not, or could not be started.
pub fn run<A: AsRef<std::ffi::OsStr>>(
    program: &Path,
    args: &[A],
    temporary: &Path,
    user: Option<u32>,
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
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let ended = process::run(command, limit + Duration::from_secs(60), MOST_SAID)
        .with_context(|| match user {
            Some(user) => format!(
                "{} cannot be started as another user ({user}), as root does it: root needs CAP_SETUID and CAP_SETGID for that, or be an ordinary user",
                own.display()
            ),
            None => format!("{} cannot be started", own.display()),
        })?;
    ensure!(ended.success(), "{}", ended.stderr.trim());
    Ok(ended.stdout)
}

/// Runs its third argument apart, for as many seconds as its second says; its first is the process that asks for it.
pub(super) fn main() -> anyhow::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let grader = args.next().context("the grader is missing")?;
    let keeper = Keeper::of(&grader.to_string_lossy())?;
    let limit = args.next().context("the limit is missing")?;
    let limit: u64 = limit.to_string_lossy().parse()?;
    let program = PathBuf::from(args.next().context("the program is missing")?);
    let mut command = Command::new(program);
    command.args(args);
    let finished = wire::netns::run(command, Duration::from_secs(limit));
    keeper.clear();
    let finished = finished?;
    if !finished.success() {
        bail!("{finished}");
    }
    std::io::stdout().write_all(&finished.stdout)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_submission_has_an_id_of_its_own() {
        let ids = Ids::default();
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let given: Vec<_> = folders.iter().map(|folder| ids.of(folder.path())).collect();
        assert_eq!(given[0].is_some(), is_root());
        let again: Vec<_> = folders.iter().map(|folder| ids.of(folder.path())).collect();
        assert_eq!(given, again);
        if is_root() {
            assert!(given[0] != given[1] && given[1] != given[2] && given[0] != given[2]);
            // As another grader would.
            let others = Ids::default().of(tempfile::tempdir().unwrap().path());
            assert!(others.is_some() && !given.contains(&others));
        }
    }
}
