//! `cargo lab` as a learner meets it: on a small course of its own, in a folder that goes away.
//!
//! The labs of that course keep to the protocol between the checks and the tools (a file with the
//! verdict in the folder that `WIRELAB_VERDICTS` names), and need nothing but std, so that each
//! builds in a moment. `hostile.rs` has the ones that need the real testkit.

mod author;
mod bad_input;
mod book;
mod check;
mod course;
#[cfg(target_os = "linux")]
mod hostile;
mod progress;
mod watch;
