//! Keeping a sandbox: whatever comes, it ends with the grader.
//!
//! Asking the kernel for a signal to the child is not enough. bubblewrap is two processes that tie their lives to each
//! other only once all is laid out, and the inner one would live on if the outer one was killed before.

use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, ensure};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, set_child_subreaper,
    set_parent_process_death_signal,
};

use crate::tree::end_all;

/// Sees to it that this process and all that it starts end when the grader does.
#[derive(Debug)]
pub struct Keeper(Arc<AtomicBool>);

impl Keeper {
    /// From now on, when the process of this number ends, which must be this one's parent, everything that this process
    /// has started is ended, and then this process. What loses its parent meanwhile comes to this process
    /// (PR_SET_CHILD_SUBREAPER(2const)).
    ///
    /// # Errors
    /// It has ended already, or cannot be watched.
    pub fn of(grader: &str) -> anyhow::Result<Keeper> {
        let grader = number(grader)?;
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
            end_all();
            std::process::exit(1);
        });
        Ok(keeper)
    }

    /// Goes on only if the grader lives: else everything is being ended, and this process at last. Ends what is left of
    /// what this process has started, since bubblewrap's inner process may outlive the outer one.
    pub fn clear(self) {
        while self.0.load(Ordering::SeqCst) {
            thread::park();
        }
        end_all();
    }
}

/// The number of the grader's process, as it has told it.
pub(crate) fn number(grader: &str) -> anyhow::Result<Pid> {
    let grader = grader.parse().ok().and_then(Pid::from_raw);
    grader.context("the grader's process is no number")
}

/// Runs what is a sandbox with a process namespace of its own, and how it ended.
pub(crate) fn run(grader: &str, mut command: Command) -> anyhow::Result<ExitStatus> {
    let keeper = Keeper::of(grader)?;
    let status = command.status();
    keeper.clear();
    status.with_context(|| format!("{} cannot be started", command.get_program().display()))
}
