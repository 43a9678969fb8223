//! What the kernel's limits do not count: the memory of a whole tree of processes.
//!
//! A limit of setrlimit(2) on memory holds for one process. So a thread of the judge looks at the tree of every program
//! under check a few times a second, and kills one that is too large, in memory or in number, which would otherwise go
//! on at its limit until the check's deadline.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process};

/// The most processes and threads of one program: fewer than the kernel allows it ([`launch::Limits::program`]).
const MOST_TASKS: u64 = 400;
/// The most memory of one program with all that it started, in bytes.
const MOST_MEMORY: u64 = 1 << 30;
/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(50);

/// The most that programs write into the checks' folders where those do not lie in memory with a bound, in bytes.
const MOST_WRITTEN: u64 = 256 << 20;

/// Watches everything that this process starts, for as long as it lives. `written` is the folder of the checks' folders,
/// where the system itself sets no bound for it.
pub(crate) fn begin(written: Option<PathBuf>) {
    thread::spawn(move || {
        loop {
            let full = written
                .as_deref()
                .is_some_and(|folder| size_of(folder) > MOST_WRITTEN);
            // Our children are checks, theirs the programs.
            for program in children(std::process::id()).into_iter().flat_map(children) {
                if full || is_too_large(program) {
                    end(program);
                }
            }
            thread::sleep(PAUSE);
        }
    });
}

/// Ends everything that this process has started, also what is nobody's child any more: it comes to this process, which
/// asked for that.
pub(crate) fn end_all() {
    loop {
        let all = descendants(std::process::id());
        if all.is_empty() {
            break;
        }
        all.into_iter().for_each(kill);
        // Collects the dead; none left to wait for means none left at all.
        while rustix::process::wait(WaitOptions::NOHANG).is_ok_and(|dead| dead.is_some()) {}
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process of this user is there (the first of the four ids in proc_pid_status(5)).
pub(crate) fn has_processes(uid: u32) -> bool {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .any(|pid: u32| field(&status(pid), "Uid:") == Some(u64::from(uid)))
}

/// The sizes of all files below a folder, in bytes.
fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size_of(&entry.path()),
            Ok(_) => entry.metadata().map_or(0, |file| file.len()),
            Err(_) => 0,
        })
        .sum()
}

fn is_too_large(root: u32) -> bool {
    let (mut tasks, mut memory) = (0, 0);
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        let (threads, bytes) = size(pid);
        tasks += threads;
        memory += bytes;
        if tasks > MOST_TASKS || memory > MOST_MEMORY {
            return true;
        }
        open.extend(children(pid));
    }
    false
}

/// Its threads, and the memory that is its own or shared without a file, in bytes (proc_pid_status(5)).
fn size(pid: u32) -> (u64, u64) {
    let status = status(pid);
    let field = |name: &str| field(&status, name).unwrap_or(0);
    let memory = (field("RssAnon:") + field("RssShmem:")) << 10;
    (field("Threads:"), memory)
}

fn status(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()
}

/// The first number of a line of a status.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Everything below a process, the nearest first.
fn descendants(pid: u32) -> Vec<u32> {
    let mut all = children(pid);
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        next += 1;
        all.extend(children(pid));
    }
    all
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// Ends a program and all below it. Where it is bubblewrap, its process namespace, and so everything in it, ends with it.
fn end(program: u32) {
    let below = descendants(program);
    kill(program);
    below.into_iter().for_each(kill);
}

fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
