//! The tree of processes that somebody has started, and its end.

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

/// How long is waited for the dead, before it is looked again who lives.
const PAUSE: Duration = Duration::from_millis(1);

/// What belongs to a process; nothing once it is gone.
#[derive(Debug, Default)]
pub struct Process {
    /// The numbers of its threads.
    pub threads: Vec<u32>,
    /// The numbers of its children.
    pub children: Vec<u32>,
}

impl Process {
    /// Looks at the process of this number (proc_pid_task(5)).
    #[must_use]
    pub fn of(pid: u32) -> Process {
        let mut process = Process::default();
        let tasks = fs::read_dir(format!("/proc/{pid}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            let tid = task
                .file_name()
                .to_str()
                .and_then(|tid| tid.parse::<u32>().ok());
            process.threads.extend(tid);
            let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let pids = list
                .split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok());
            process.children.extend(pids);
        }
        process
    }
}

/// The numbers of everything below a process, the nearest first.
#[must_use]
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut all = Process::of(pid).children;
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        next += 1;
        all.extend(Process::of(pid).children);
    }
    all
}

/// Sends a signal to the process of this number, if there is one.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Ends everything that this process has started and collects the dead: a container's first process may wait for
/// nobody, and the dead count as processes. What is nobody's child any more has to come to this process
/// (PR_SET_CHILD_SUBREAPER(2const)).
pub fn end_all() {
    loop {
        for pid in descendants(std::process::id()) {
            signal(pid, Signal::KILL);
        }
        // None left to wait for means none left at all.
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        thread::sleep(PAUSE);
    }
}

/// Ends every other process of this one's namespace, in which it is process 1, and collects the dead; whether there was
/// none that lived.
///
/// # Errors
/// They cannot be waited for.
pub(crate) fn end_others() -> rustix::io::Result<bool> {
    let mut there_was_none = true;
    loop {
        let how = if there_was_none {
            WaitOptions::NOHANG
        } else {
            WaitOptions::empty()
        };
        match wait(how) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => {
                there_was_none = false;
                kill_all();
            }
            Err(Errno::CHILD) => return Ok(there_was_none),
            Err(error) => return Err(error),
        }
    }
}

/// Kills every process that this one may send a signal to, but for itself where it is process 1 (kill(2), pid -1).
#[expect(unsafe_code, reason = "kill(2) of all processes has no safe name")]
pub(crate) fn kill_all() {
    // SAFETY: this touches no memory.
    unsafe { libc::kill(-1, libc::SIGKILL) };
}
