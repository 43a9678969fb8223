//! How a program of a submission is started: what the grader orders, and what the launcher does.
//!
//! The grader judges a submission's program by the same checks that a learner runs, and they start a launcher in its
//! place (DESIGN, "A launcher"). The launcher is the program of this crate under the name [`LAUNCHER`], with its
//! [`Orders`] in a file beside it. It is a program of its own, and a small one, because it stands before every start of
//! every program of a class.
#![cfg(target_os = "linux")]

mod fence;
mod filter;
mod fork_server;
mod gift;
mod inside;
mod keep;
mod limits;
mod orders;
mod record;
pub mod tree;

pub use fence::{Fence, User};
pub use filter::{Family, Others, filter};
pub use inside::Inside;
pub use keep::Keeper;
pub use limits::Limits;
pub use orders::{Orders, RECORD, Wall};
pub use record::Record;

/// The launcher's name: `LAUNCHER PROGRAM ARGS…`, or `LAUNCHER --fork-server PROGRAM FILES…` for many starts behind one
/// wall. Its orders are the file of the same name with `.json` after it.
pub const LAUNCHER: &str = "wirelab-launch";
/// The name of what sets limits before a program takes its place: `NAME LIMITS DESCRIPTOR PROGRAM ARGS…`. The descriptor
/// is where it says that it was reached.
pub const STARTER: &str = "wirelab-start";
/// The name of what puts a fence around itself and becomes a program: `NAME FENCE LIMITS RECORD PROGRAM ARGS…`.
pub const FENCED: &str = "wirelab-fenced";
/// The name of what runs bubblewrap: `NAME GRADER RECORD BWRAP ARGS…`; among the arguments [`RECORD`] stands for the
/// record's descriptor. The first argument is the process that asks for it, with which all of it ends.
pub const BEHIND: &str = "wirelab-behind";
/// The name of what ends every process of the user that it runs as, itself among them.
pub const END: &str = "wirelab-end";
/// The name under which this program only says that it has been started.
pub const PROBE: &str = "wirelab-probe";
/// With this argument the probe says by its exit code whether Landlock is enforced.
pub const IS_ENFORCED: &str = "landlock";
/// What it says.
pub const PROBED: &str = "started\n";

/// Does what the name says under which this process was started.
///
/// # Errors
/// The program could not be started as ordered. It never returns otherwise, the probe aside.
pub fn main() -> anyhow::Result<()> {
    orders::main()
}

/// Says what has failed, and gives the exit code that says it too.
pub fn failed(error: &anyhow::Error) -> i32 {
    eprintln!("{LAUNCHER}: {error:#}");
    125
}
