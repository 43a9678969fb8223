//! Keeping a sandbox: whatever comes, it ends with the grader.
//!
//! Asking the kernel for a signal to the child is not enough. bubblewrap is two processes that tie their lives to each
//! other only once all is laid out, and the inner one would live on if the outer one was killed before.

use std::fs;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, getppid, kill_process, pidfd_open,
    set_child_subreaper, set_parent_process_death_signal, wait,
};

/// How long is waited for the dead, before it is looked again who lives.
const PAUSE: Duration = Duration::from_millis(1);

/// Sees to it that this process and all that it starts end when the grader does.
#[derive(Debug)]
pub struct Keeper(Arc<AtomicBool>);

impl Keeper {
    /// From now on, `end` is called when the process of this number has ended, which must be this one's parent, and then
    /// this process ends. What loses its parent meanwhile comes to this process (PR_SET_CHILD_SUBREAPER(2const)).
    ///
    /// # Errors
    /// It has ended already, or cannot be watched.
    pub fn of(grader: &str, end: impl FnOnce() + Send + 'static) -> anyhow::Result<Keeper> {
        let grader = grader.parse().ok().and_then(Pid::from_raw);
        let grader = grader.context("the grader's process is no number")?;
        set_child_subreaper(Some(getpid()))?;
        let process = match pidfd_open(grader, PidfdFlags::empty()) {
            // Where no process can be watched (an old kernel, a container's filter), the signal has to do.
            Err(Errno::NOSYS | Errno::PERM) => {
                set_parent_process_death_signal(Some(Signal::KILL))?;
                None
            }
            process => Some(process.context("the grader has ended")?),
        };
        // It may have ended before, and the number be another's by now.
        ensure!(getppid() == Some(grader), "the grader has ended");
        let keeper = Keeper(Arc::default());
        let Some(process) = process else {
            return Ok(keeper);
        };
        let has_ended = Arc::clone(&keeper.0);
        thread::spawn(move || {
            let mut ends = [PollFd::new(&process, PollFlags::IN)];
            while poll(&mut ends, None) != Ok(1) {}
            has_ended.store(true, Ordering::SeqCst);
            end();
            std::process::exit(1);
        });
        Ok(keeper)
    }

    /// Goes on only if the grader lives: else everything is being ended, and this process at last.
    pub fn go_on(&self) {
        while self.0.load(Ordering::SeqCst) {
            thread::park();
        }
    }
}

/// Runs what is a sandbox with a process namespace of its own, and how it ended.
pub(crate) fn run(grader: &str, mut command: Command) -> anyhow::Result<ExitStatus> {
    let keeper = Keeper::of(grader, end_children)?;
    let status = command.status();
    keeper.go_on();
    // bubblewrap's inner process may outlive the outer one, and come to us. It is dead, and not ours to leave behind: a
    // container's first process may wait for nobody, and the dead count as processes.
    end_children();
    status.with_context(|| format!("{} cannot be started", command.get_program().display()))
}

/// Ends all children, and those who become it.
fn end_children() {
    loop {
        let list = format!("/proc/self/task/{}/children", std::process::id());
        for pid in fs::read_to_string(list)
            .unwrap_or_default()
            .split_whitespace()
        {
            if let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        match wait(WaitOptions::NOHANG) {
            Err(Errno::CHILD) => return,
            _ => thread::sleep(PAUSE),
        }
    }
}
