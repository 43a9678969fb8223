//! What the kernel's limits do not count: the memory of a whole tree of processes.
//!
//! A limit of setrlimit(2) on memory holds for one process. So a thread of the judge looks at the tree of every program
//! under check a few times a second, and kills one that is too large, in memory or in number, which would otherwise go
//! on at its limit until the check's deadline.

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The most processes and threads of one program: fewer than the kernel allows it ([`super::Limits::program`]).
const MOST_TASKS: u64 = 400;
/// The most memory of one program with all that it started, in bytes.
const MOST_MEMORY: u64 = 1 << 30;
/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(50);

/// Watches everything that this process starts, for as long as it lives.
pub(crate) fn begin() {
    thread::spawn(|| {
        loop {
            // Our children are checks, theirs the programs.
            for program in children(std::process::id()).into_iter().flat_map(children) {
                if is_too_large(program) {
                    kill(program);
                }
            }
            thread::sleep(PAUSE);
        }
    });
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
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()
            })
            .unwrap_or(0_u64)
    };
    let memory = (field("RssAnon:") + field("RssShmem:")) << 10;
    (field("Threads:"), memory)
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

/// Kills bubblewrap; its process namespace, and so everything in it, ends with it.
fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
