//! What the kernel's limits do not count: the memory of a whole tree of processes.
//!
//! A limit of setrlimit(2) on memory holds for one process. So a thread of the judge looks at the tree of every program
//! under check a few times a second, and kills one that is too large, in memory or in number, which would otherwise go
//! on at its limit until the check's deadline. What a socket, a pipe or an eventfd takes is the kernel's memory, and
//! stands in no process; so their number is bounded instead, that of mappings too, what lies in the [`queues`] of
//! sockets, and the [`ports`] that they take from others.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use launch::tree::{Process, descendants, signal};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::fence::EVERYBODYS;
use super::ports;
use super::queues::{self, Whose};

/// The most processes and threads of one program: fewer than the kernel allows it ([`launch::Limits::program`]).
const MOST_TASKS: u64 = 400;
/// The most memory of one program with all that it started, in bytes.
pub(crate) const MOST_MEMORY: u64 = 1 << 30;
/// The most descriptors of one program with all that it started: twice what one process may have
/// ([`launch::Limits::program`]).
const MOST_DESCRIPTORS: u64 = 2048;
/// The most mappings of one program with all that it started (mmap(2)): each takes some hundred bytes of the kernel's.
const MOST_MAPPINGS: usize = 1 << 18;
/// So few processes have hardly more: one has 65,530 at most (proc_sys_vm(5), `max_map_count`).
const FEW_PROCESSES: usize = 4;
/// The deepest that a program's folders may lie in each other.
const DEEPEST: usize = 64;
/// How long is waited between two looks: what a program takes meanwhile, on a few processors, this machine can spare.
const PAUSE: Duration = Duration::from_millis(100);

/// The most that programs write into the checks' folders where those do not lie in memory with a bound, in bytes.
const MOST_WRITTEN: u64 = 256 << 20;

/// The most files and folders in the checks' folders together.
const MOST_FILES: u64 = 16 * 1024;

/// What has to be watched besides, where no namespace bounds it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Open {
    /// The folder of the checks' folders.
    pub(crate) folder: PathBuf,
    /// The user that the programs run as and nothing else does, and what ends all processes of that user at once.
    pub(crate) user: Option<(u32, PathBuf)>,
    /// Whether the judge has a network of its own.
    pub(crate) network: bool,
    /// Whether no other submission is judged in the same network meanwhile.
    pub(crate) alone: bool,
    /// Whether the programs can write where everybody may.
    pub(crate) elsewhere: bool,
}

/// Watches everything that this process starts, for as long as it lives.
pub(crate) fn begin(open: Option<Open>) {
    let whose = whose(open.as_ref());
    // Whose connections keep ports when they have ended, nobody can tell: they are blamed on nobody where it may be
    // another submission's.
    let blamed = open.as_ref().filter(|open| !open.network && open.alone);
    let most_ports = blamed.map(|_| ports::taken() + ports::range() / 4);
    thread::spawn(move || {
        loop {
            // Our children are checks, theirs the programs, and what programs have left behind.
            let checks = Process::of(std::process::id()).children.into_iter();
            let programs: Vec<u32> = checks
                .flat_map(|check| Process::of(check).children)
                .collect();
            let too_full = whose.is_some_and(queues::are_too_full)
                || open.is_none() && has_too_many()
                || most_ports.is_some_and(|most| ports::taken() > most);
            match &open {
                None => programs
                    .into_iter()
                    .filter(|program| too_full || too_large(&[*program]))
                    .for_each(end),
                // Each process of a bomb may be nobody's child, so they count together.
                Some(open) => {
                    if too_full || too_large(&programs) || open.is_too_full(&programs) {
                        open.end(programs);
                    }
                }
            }
            thread::sleep(PAUSE);
        }
    });
}

/// Whether there are too many files in the checks' folders, where those lie in memory: its size does not count empty
/// ones, nor links.
fn has_too_many() -> bool {
    let all = rustix::fs::statvfs(std::env::temp_dir());
    all.is_ok_and(|all| all.f_files.saturating_sub(all.f_ffree) > MOST_FILES)
}

/// Whose sockets are the programs', if that can be told.
fn whose(open: Option<&Open>) -> Option<Whose> {
    match open {
        None | Some(Open { network: true, .. }) => Some(Whose::Network),
        Some(open) => open.user.as_ref().map(|(uid, _)| Whose::User(*uid)),
    }
}

impl Open {
    /// Whether these programs, or others before them, hold too much room on the disk.
    fn is_too_full(&self, programs: &[u32]) -> bool {
        let all = programs.iter().flat_map(|program| {
            let below = descendants(*program).into_iter();
            below.chain([*program])
        });
        let unlinked: u64 = all.map(unlinked).sum();
        let folders = self.user.iter().filter(|_| self.elsewhere);
        let elsewhere = folders.flat_map(|(uid, _)| EVERYBODYS.map(|folder| of_user(folder, *uid)));
        let places = [self.folder.clone()].into_iter();
        let written = places
            .chain(elsewhere.flatten())
            .try_fold(unlinked, |sum, place| Some(sum + written(&place)?));
        written.is_none_or(|bytes| bytes > MOST_WRITTEN)
    }

    fn end(&self, programs: Vec<u32>) {
        match &self.user {
            Some((uid, ender)) => end_user(ender, *uid),
            None => programs.into_iter().for_each(end),
        }
    }
}

/// Ends all processes of a user at once, so that none is left to start another.
pub(crate) fn end_user(ender: &Path, uid: u32) {
    let mut all = Command::new(ender);
    let _ = all.uid(uid).gid(uid).env_clear().status();
}

/// How many threads of this user there are (the first of the four ids in proc_pid_status(5)).
pub(crate) fn processes(uid: u32) -> u64 {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(|pid: u32| status(pid))
        .filter(|status| field(status, "Uid:") == Some(u64::from(uid)))
        .filter_map(|status| field(&status, "Threads:"))
        .sum()
}

/// What lies directly in a folder and is a user's.
pub(super) fn of_user(folder: impl AsRef<Path>, uid: u32) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let is_theirs = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|it| it.uid() == uid);
    paths.filter(is_theirs).collect()
}

/// The room that a file or all below a folder takes on the disk, in bytes. None where they are too many, or lie too deep in
/// each other: nobody could look after them.
fn written(place: &Path) -> Option<u64> {
    let (mut bytes, mut files) = (0, 0);
    match fs::symlink_metadata(place) {
        Ok(file) if !file.is_dir() => return Some(room(&file)),
        _ => {}
    }
    let mut open = vec![(place.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        if depth > DEEPEST {
            return None;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            files += 1;
            if files > MOST_FILES {
                return None;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push((entry.path(), depth + 1)),
                Ok(_) => bytes += entry.metadata().map_or(0, |file| room(&file)),
                Err(_) => {}
            }
        }
    }
    Some(bytes)
}

/// The room that a file takes, in bytes: more than its length where room was asked for behind its end.
fn room(file: &fs::Metadata) -> u64 {
    file.len().max(file.blocks() * 512)
}

/// The room of the files that a process has open and that have no name any more, in bytes.
fn unlinked(pid: u32) -> u64 {
    let open = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten();
    open.flatten()
        .filter_map(|descriptor| fs::metadata(descriptor.path()).ok())
        .filter(|file| file.is_file() && file.nlink() == 0)
        .map(|file| room(&file))
        .sum()
}

/// Whether these and all that is below them are more than one submission's program may be.
fn too_large(roots: &[u32]) -> bool {
    // Programs that are watched together have sixteen checks' share together.
    let share = if roots.len() > 1 { 2 } else { 1 };
    let (mut tasks, mut memory, mut descriptors) = (0, 0, 0);
    let mut all = roots.to_vec();
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        next += 1;
        let process = Process::of(pid);
        tasks += process.threads.len() as u64;
        descriptors += self::descriptors(pid);
        if tasks > MOST_TASKS * share || descriptors > MOST_DESCRIPTORS * share {
            return true;
        }
        memory += own_memory(pid);
        all.extend(process.children);
    }
    memory > MOST_MEMORY * share
        || all.len() > FEW_PROCESSES && have_more_mappings(&all, MOST_MAPPINGS)
}

/// Whether these processes have more mappings than `most` (proc_pid_maps(5)).
fn have_more_mappings(pids: &[u32], most: usize) -> bool {
    let mut mappings = 0;
    pids.iter().any(|pid| {
        let list = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
        mappings += list.iter().filter(|byte| **byte == b'\n').count();
        mappings > most
    })
}

/// How many descriptors a process has open: the size of that folder (Linux 6.2; none are known before).
fn descriptors(pid: u32) -> u64 {
    fs::metadata(format!("/proc/{pid}/fd")).map_or(0, |folder| folder.len())
}

/// The memory that is a process's own or shared without a file, where it lies now, with the tables that say so, in bytes
/// (proc_pid_status(5)).
fn own_memory(pid: u32) -> u64 {
    let status = status(pid);
    let fields = ["RssAnon:", "RssShmem:", "VmSwap:", "VmPTE:"];
    let all = fields.map(|name| field(&status, name).unwrap_or(0));
    all.into_iter().sum::<u64>() << 10
}

fn status(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()
}

/// The first number of a line of a status.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Ends a program and all below it. Where it has a process namespace, everything in that ends with it.
fn end(program: u32) {
    // Stopped first, so that none of them starts another meanwhile.
    let mut below = Vec::new();
    loop {
        let now = descendants(program);
        now.iter().for_each(|pid| signal(*pid, Signal::STOP));
        if now.len() <= below.len() {
            break;
        }
        below = now;
    }
    signal(program, Signal::KILL);
    below.iter().for_each(|pid| signal(*pid, Signal::KILL));
}
