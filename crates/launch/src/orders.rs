//! A launcher's orders, and how they are carried out.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use rustix::io::FdFlags;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use crate::fork_server::FORK_SERVER;
use crate::inside::SIGNALLED;
use crate::limits::{as_a_check_starts_it, inherit_nothing};
use crate::{
    BEHIND, END, FENCED, Fence, IS_ENFORCED, Inside, LAUNCHER, Limits, PROBE, PROBED, Record,
    STARTER,
};
use crate::{gift, keep};

/// Stands for the record's descriptor in the arguments of [`BEHIND`].
pub const RECORD: &str = "{record}";

/// Variables that belong to the checks and not to the program.
const KEPT_BACK: [&str; 3] = ["HOME", "PATH", "TMPDIR"];

/// A launcher's orders, for the programs of one lab of one submission.
#[derive(Debug, Serialize, Deserialize)]
pub struct Orders {
    /// The program that may be started, and no other.
    pub program: PathBuf,
    /// Where starts are noted ([`Record`]); no program can reach it.
    pub record: PathBuf,
    /// The program's limits.
    pub limits: Limits,
    /// What stands around the program.
    pub wall: Wall,
}

/// What stands around a program.
#[derive(Debug, Serialize, Deserialize)]
pub enum Wall {
    /// Namespaces of its own, with a root that has been prepared: everything that is the same for all starts is in it
    /// already.
    Namespaces(Inside),
    /// Rules that the program cannot shake off, in the midst of the machine.
    Fence(Fence),
}

impl Orders {
    /// Writes them beside the launcher that is to follow them.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, launcher: &Path) -> anyhow::Result<()> {
        let orders = file(launcher);
        fs::write(&orders, serde_json::to_vec(self)?)
            .with_context(|| format!("{} cannot be written", orders.display()))
    }

    fn read(launcher: &Path) -> anyhow::Result<Orders> {
        let orders = file(launcher);
        let text =
            fs::read(&orders).with_context(|| format!("{} cannot be read", orders.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }
}

fn file(launcher: &Path) -> PathBuf {
    launcher.with_extension("json")
}

pub(crate) fn main() -> anyhow::Result<()> {
    ends_first();
    let mut args = std::env::args_os();
    let own = PathBuf::from(args.next().unwrap_or_default());
    match own.file_name().and_then(OsStr::to_str) {
        Some(LAUNCHER) => launch(&own, args),
        Some(STARTER) => start(args),
        Some(FENCED) => fenced(args),
        Some(BEHIND) => behind(args),
        Some(END) => end(),
        Some(PROBE) => probed(args),
        _ => bail!(
            "{} is started by `cargo grade`, under names of its own",
            own.display()
        ),
    }
}

/// Where the machine's memory ends, the kernel takes this process and what it starts before any other
/// (proc_pid_oom_score_adj(5)). It may refuse that: then it takes whom it likes, as before.
fn ends_first() {
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}

/// Becomes the program that the arguments name, behind the wall.
fn launch(own: &Path, mut args: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    as_a_check_starts_it()?;
    let orders = Orders::read(own)?;
    let mut first = args.next();
    let is_server = first.as_deref() == Some(OsStr::new(FORK_SERVER));
    if is_server {
        first = args.next();
    }
    let program = PathBuf::from(first.context("the program is missing")?);
    ensure!(
        program == orders.program,
        "{} is not the program that is judged here",
        program.display()
    );
    let args: Vec<OsString> = args.collect();
    let record = Record::begin(&orders.record)?;
    let fence = match &orders.wall {
        Wall::Namespaces(inside) if is_server => {
            match inside.serve(&orders.limits, &args, &record)? {}
        }
        Wall::Namespaces(inside) => match inside.run(&orders.limits, &args, &record)? {},
        Wall::Fence(_) if is_server => bail!("there is no fork server behind a fence"),
        Wall::Fence(fence) => fence,
    };
    let command = record.heed(behind_fence(fence, &orders.limits, &program, &args))?;
    record.reached()?;
    Err(become_program(command))
}

/// Puts a fence around itself for a program; how it is started there.
fn behind_fence(
    fence: &Fence,
    limits: &Limits,
    program: &Path,
    args: &[OsString],
) -> anyhow::Result<Command> {
    let here = scratch_folder()?;
    if let (Some(user), Some(here)) = (&fence.user, &here) {
        gift::give(here, user.uid)
            .with_context(|| format!("{} cannot be given away", here.display()))?;
    }
    let mut seen: Vec<PathBuf> = named_files(args, here.as_deref()).collect();
    seen.push(program.to_owned());
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(kept_variables());
    if let Some(here) = &here {
        command.env("TMPDIR", here);
    }
    inherit_nothing()?;
    limits.apply()?;
    fence.close(&seen, here.as_deref())?;
    Ok(command)
}

/// The variables that are a program's too.
pub(crate) fn kept_variables() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| !KEPT_BACK.iter().any(|kept| name == *kept))
}

/// The check's own folder, which is the current one: it is the program's too. The checks' other folders are not.
pub(crate) fn scratch_folder() -> anyhow::Result<Option<PathBuf>> {
    let here = std::env::current_dir()?;
    let scratch = std::env::temp_dir();
    let scratch = scratch.canonicalize().unwrap_or(scratch);
    Ok((here.starts_with(&scratch) && here != scratch).then_some(here))
}

/// The files of the course, or of the check, that are named to the program.
pub(crate) fn named_files(args: &[OsString], here: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    args.iter().map(PathBuf::from).filter(move |path| {
        path.is_absolute() && path.is_file() && here.is_none_or(|here| !path.starts_with(here))
    })
}

/// Sets limits, says that it was reached, and becomes the program.
fn start(mut args: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    let limits = args.next().context("the limits are missing")?;
    let limits: Limits = serde_json::from_slice(limits.as_encoded_bytes())?;
    let record = args.next().context("the record is missing")?;
    let record = inherited(&record)?;
    let command = command(args)?;
    record.heed(limits.apply().and_then(|()| inherit_nothing()))?;
    record.reached()?;
    Err(become_program(command))
}

#[expect(
    unsafe_code,
    reason = "a descriptor that was inherited has no other way into a File"
)]
fn inherited(number: &OsStr) -> anyhow::Result<Record> {
    let number: i32 = number.to_string_lossy().parse()?;
    ensure!(number > 2, "descriptor {number} is no record");
    // SAFETY: the launcher left this descriptor open for us, and nothing else here uses it.
    let file = unsafe { File::from_raw_fd(number) };
    Ok(Record::inherited(file))
}

/// Runs bubblewrap with the arguments that follow, in which the starter is told of the record, and ends as it did.
fn behind(mut args: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    let grader = args.next().context("the grader is missing")?;
    let record = PathBuf::from(args.next().context("the record is missing")?);
    let bwrap = PathBuf::from(args.next().context("bubblewrap is missing")?);
    let record = Record::begin(&record)?;
    inherit_nothing()?;
    rustix::io::fcntl_setfd(record.file(), FdFlags::empty())?;
    let number = record.file().as_raw_fd().to_string();
    let mut command = Command::new(&bwrap);
    for arg in args {
        if arg == RECORD {
            command.arg(&number);
        } else {
            command.arg(arg);
        }
    }
    let ended = keep::run(&grader.to_string_lossy(), command)?;
    let signal = ended.signal().map(|signal| SIGNALLED + signal);
    std::process::exit(ended.code().or(signal).unwrap_or(1))
}

/// Puts a fence around itself, and becomes a program that ends with the grader.
fn fenced(mut args: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    let grader = args.next().context("the grader is missing")?;
    let grader = keep::number(&grader.to_string_lossy())?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have ended before.
    ensure!(getppid() == Some(grader), "the grader has ended");
    let fence = args.next().context("the fence is missing")?;
    let fence: Fence = serde_json::from_slice(fence.as_encoded_bytes())?;
    let limits = args.next().context("the limits are missing")?;
    let limits: Limits = serde_json::from_slice(limits.as_encoded_bytes())?;
    let record = PathBuf::from(args.next().context("the record is missing")?);
    let command = command(args)?;
    let record = Record::begin(&record)?;
    let closed = inherit_nothing().and_then(|()| limits.apply());
    record.heed(closed.and_then(|()| fence.close(&[], None)))?;
    record.reached()?;
    Err(become_program(command))
}

/// Says that it has been started, or whether Landlock is enforced.
fn probed(mut args: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    if args.next().is_some_and(|arg| arg == IS_ENFORCED) {
        ensure!(Fence::is_enforced()?, "there is no Landlock");
    } else {
        std::io::stdout().write_all(PROBED.as_bytes())?;
    }
    Ok(())
}

/// Ends every process of the user that this one runs as, at once, and so itself.
fn end() -> anyhow::Result<()> {
    ensure!(
        !rustix::process::getuid().is_root(),
        "this would end every process of the machine"
    );
    crate::tree::kill_all();
    Ok(())
}

/// The program that the arguments name first, with those that follow.
fn command(mut args: impl Iterator<Item = OsString>) -> anyhow::Result<Command> {
    let mut command = Command::new(args.next().context("the program is missing")?);
    command.args(args);
    Ok(command)
}

/// Takes this process's place; what it says where it could not.
pub(crate) fn become_program(mut command: Command) -> anyhow::Error {
    let error = command.exec();
    anyhow::anyhow!(
        "{} cannot be started: {error}",
        Path::new(command.get_program()).display()
    )
}
