//! What a process may use, as the kernel counts it (setrlimit(2)), set before a program takes this process's place.

use anyhow::Context as _;
use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit,
};
use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;

/// Limits of one process, inherited by what it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processor time, in seconds.
    pub cpu_seconds: u64,
    /// Address space, in bytes.
    pub address_space: u64,
    /// Processes and threads, in the user namespace in which the limit is set. The kernel does not hold the machine's
    /// root to it, so nothing of a submission runs as root.
    pub processes: u64,
    /// The longest file that can be written, in bytes.
    pub file_size: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

impl Limits {
    /// Those of a sandbox around a program: all of a lab's programs, sixteen at a time, have their processes in one
    /// count there.
    #[must_use]
    pub fn sandbox() -> Limits {
        Limits {
            processes: 16 * 1024,
            ..Limits::program()
        }
    }

    /// Those of the program under check.
    #[must_use]
    pub fn program() -> Limits {
        Limits {
            cpu_seconds: 60,
            address_space: 4096 * MIB,
            processes: 512,
            file_size: 64 * MIB,
            // What most systems give by themselves: a learner's program has no more at home.
            descriptors: 1024,
        }
    }

    /// Those of a program behind a fence: the kernel counts the processes of all of a submission's programs together.
    #[must_use]
    pub fn fenced() -> Limits {
        Limits {
            processes: 1024,
            ..Limits::program()
        }
    }

    /// Those of the compiler.
    #[must_use]
    pub fn compiler() -> Limits {
        Limits {
            cpu_seconds: 60,
            address_space: 4096 * MIB,
            processes: 2048,
            file_size: 256 * MIB,
            descriptors: 4096,
        }
    }

    /// Each of them.
    fn each(&self) -> [(Resource, u64); 7] {
        [
            (Resource::Cpu, self.cpu_seconds),
            (Resource::As, self.address_space),
            (Resource::Nproc, self.processes),
            (Resource::Fsize, self.file_size),
            (Resource::Nofile, self.descriptors),
            (Resource::Core, 0),
            // Nor does anything keep pages in memory that stand in no process (socket(7), SO_ZEROCOPY).
            (Resource::Memlock, 0),
        ]
    }

    /// Those of this process as they are: other processes of its user can lower them (prlimit(2)).
    pub(crate) fn now() -> [Rlimit; 7] {
        let each = Limits::program().each();
        each.map(|(resource, _)| getrlimit(resource))
    }

    /// Sets them for this process. A hard limit that is lower already stays.
    ///
    /// # Errors
    /// The system refuses.
    pub fn apply(&self) -> anyhow::Result<()> {
        for (resource, limit) in self.each() {
            let limit = getrlimit(resource)
                .maximum
                .map_or(limit, |most| most.min(limit));
            let both = Rlimit {
                current: Some(limit),
                maximum: Some(limit),
            };
            setrlimit(resource, both)
                .with_context(|| format!("the limit {resource:?} cannot be set to {limit}"))?;
        }
        Ok(())
    }
}

/// Does for the program what testkit does where there is no launcher: it ends with the check that has started it, and
/// where a file may not grow any more it sees an error, as on a full disk, and no signal (setrlimit(2)).
pub(crate) fn as_a_check_starts_it() -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    ignore_full_files()
}

#[expect(unsafe_code, reason = "signal(2) has no safe name")]
fn ignore_full_files() -> anyhow::Result<()> {
    // SAFETY: no handler is set, and no memory is touched.
    match unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) } {
        libc::SIG_ERR => Err(std::io::Error::last_os_error()).context("SIGXFSZ cannot be ignored"),
        _ => Ok(()),
    }
}

/// Has every descriptor but the three standard streams close when a program takes this process's place. Whoever started
/// the grader may have left some open, and they would go all the way into the sandbox.
///
/// # Errors
/// The system refuses.
pub(crate) fn inherit_nothing() -> anyhow::Result<()> {
    close_range(libc::CLOSE_RANGE_CLOEXEC).context(
        "the descriptors that were inherited cannot be closed (close_range(2): Linux 5.11)",
    )
}

/// Closes every descriptor but the three standard streams at once. Whoever calls this uses none of them any more.
///
/// # Errors
/// The system refuses.
pub(crate) fn close_all() -> anyhow::Result<()> {
    close_range(0).context("descriptors cannot be closed")
}

#[expect(unsafe_code, reason = "close_range(2) has no safe name")]
fn close_range(flags: libc::c_uint) -> std::io::Result<()> {
    // SAFETY: this touches no memory; what is closed at once, nobody uses any more (`close_all`).
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, flags) };
    if done == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}
