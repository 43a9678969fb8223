//! A network of one's own: a fresh user and network namespace, without privileges, in which `lo` is up and nothing
//! else exists (Linux: `user_namespaces(7)`, `network_namespaces(7)`).
//!
//! A process with several threads cannot enter a user namespace, and every test process has several. So a test
//! starts its own binary once more, for itself alone, with the namespaces made before that begins:
//!
//! ```no_run
//! use wire::netns::{self, Side};
//!
//! #[test]
//! fn uses_port_80() {
//!     match netns::inside("uses_port_80") {
//!         Ok(Side::Inside) => {}
//!         Ok(Side::Outside(finished)) => {
//!             assert!(finished.success(), "{finished}");
//!             return;
//!         }
//!         Err(unavailable) => {
//!             eprintln!("SKIPPED: {unavailable}");
//!             return;
//!         }
//!     }
//!     std::net::TcpListener::bind("127.0.0.1:80").unwrap();
//! }
//! ```
//!
//! A program with one thread enters directly with [`enter`]; another program is run with [`run`].

use std::fmt;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use thiserror::Error;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod path;
#[cfg(target_os = "linux")]
mod veth;

#[cfg(target_os = "linux")]
pub use path::{Path, Quality};
#[cfg(target_os = "linux")]
pub use veth::{Answer, Host, Veth};

/// How long what runs in a network of its own may take, unless the caller says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The most that is kept of each output of what runs inside, in bytes; the rest is read and dropped.
pub const MOST_OUTPUT: usize = 1 << 20;

/// Names the test that is to run inside, in the environment of a test binary that started itself anew.
pub const INSIDE: &str = "WIRELAB_INSIDE";

/// The descriptor on which the inside reports that the test was reached.
#[cfg(target_os = "linux")]
const REACHED: &str = "WIRELAB_INSIDE_REACHED";

/// Why there is no network of one's own here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The system is not Linux.
    #[error("a network namespace needs Linux; this is {system}")]
    NotLinux {
        /// The system's name, as Rust has it.
        system: &'static str,
    },
    /// The kernel, or who configured it, forbids one of the steps.
    #[error("no network namespace: {step}: {reason}; {advice}")]
    Forbidden {
        /// What was tried.
        step: &'static str,
        /// The system's answer.
        reason: String,
        /// What could be done about it.
        advice: &'static str,
    },
    /// The process has several threads already.
    #[error(
        "a process with {threads} threads cannot enter a user namespace; call this before the first is started"
    )]
    Threads {
        /// How many there are.
        threads: usize,
    },
    /// The program could not be started, or not be waited for.
    #[error("{program}: cannot {verb} it: {reason}")]
    Program {
        /// Which.
        program: String,
        /// `start`, `watch`.
        verb: &'static str,
        /// The system's answer.
        reason: String,
    },
    /// The test binary, started anew, knows no test of this name.
    #[error(
        "started anew, this test binary ran no test named {name:?}: give its whole path, with its modules"
    )]
    NoSuchTest {
        /// The name that was given.
        name: String,
    },
}

/// On which side of the border this process is.
#[derive(Debug)]
pub enum Side {
    /// Inside: go on with the test.
    Inside,
    /// Outside, and the inside has ended: the test ends as that did.
    Outside(Finished),
}

/// How a program in a network of its own ended. By then every process in that network is gone.
#[derive(Debug)]
pub struct Finished {
    /// Its end.
    pub ending: Ending,
    /// What it wrote to its standard output, up to [`MOST_OUTPUT`] bytes.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error, up to [`MOST_OUTPUT`] bytes.
    pub stderr: Vec<u8>,
}

/// The end of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It ended by itself.
    Exited(ExitStatus),
    /// It did not, and was killed after this long.
    TimedOut(Duration),
}

impl Finished {
    /// The signal that has ended it, where one has.
    pub fn signal(&self) -> Option<i32> {
        match self.ending {
            #[cfg(unix)]
            Ending::Exited(status) => std::os::unix::process::ExitStatusExt::signal(&status),
            _ => None,
        }
    }

    /// Whether it ended by itself, with exit code 0.
    pub fn success(&self) -> bool {
        matches!(self.ending, Ending::Exited(status) if status.success())
    }
}

/// The ending, then both outputs.
impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ending {
            Ending::Exited(status) => write!(f, "in a network of its own: {status}")?,
            Ending::TimedOut(after) => {
                write!(f, "in a network of its own: killed after {after:?}")?
            }
        }
        for (name, output) in [
            ("standard output", &self.stdout),
            ("standard error", &self.stderr),
        ] {
            if !output.is_empty() {
                write!(
                    f,
                    "\n--- {name}\n{}",
                    String::from_utf8_lossy(output).trim_end()
                )?;
            }
        }
        Ok(())
    }
}

/// Whether a network of one's own can be had here. It is tried once in a process, with a child that ends at once.
///
/// # Errors
/// Why not.
pub fn available() -> Result<(), Unavailable> {
    #[cfg(target_os = "linux")]
    return linux::available();
    #[cfg(not(target_os = "linux"))]
    return Err(elsewhere());
}

/// Whether a `Path` can be made here: whether there are networks of one's own, and `/dev/net/tun` may be opened.
pub fn can_make_a_path() -> bool {
    #[cfg(target_os = "linux")]
    return available().is_ok() && path::device_may_be_opened();
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// Runs this test in a network of its own: says on which side of the border the caller is. `test` is the test's
/// path as libtest has it, `module::name`. The deadline is [`DEADLINE`].
///
/// # Errors
/// There is no such network here, or no such test.
pub fn inside(test: &str) -> Result<Side, Unavailable> {
    inside_within(test, DEADLINE)
}

/// As [`inside`], with a deadline of the caller's.
///
/// # Errors
/// As [`inside`].
pub fn inside_within(test: &str, deadline: Duration) -> Result<Side, Unavailable> {
    #[cfg(target_os = "linux")]
    return linux::inside(test, deadline);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (test, deadline);
        Err(elsewhere())
    }
}

/// Runs a program in a network of its own, to its end or to the deadline; then kills whatever it left there. Its
/// standard input is empty, its outputs are kept.
///
/// # Errors
/// There is no such network here, or the program cannot be started.
pub fn run(command: Command, deadline: Duration) -> Result<Finished, Unavailable> {
    #[cfg(target_os = "linux")]
    return linux::run(command, deadline);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (command, deadline);
        Err(elsewhere())
    }
}

/// Takes this process into a network of its own, for good. It must have one thread only.
///
/// # Errors
/// It has several, or there is no such network here.
pub fn enter() -> Result<(), Unavailable> {
    #[cfg(target_os = "linux")]
    return linux::enter();
    #[cfg(not(target_os = "linux"))]
    return Err(elsewhere());
}

#[cfg(not(target_os = "linux"))]
fn elsewhere() -> Unavailable {
    Unavailable::NotLinux {
        system: std::env::consts::OS,
    }
}
