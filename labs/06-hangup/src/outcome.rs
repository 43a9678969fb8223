//! From an error to what it says about the connection.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, ErrorKind};

use crate::event::Event;

/// Step 1. The event that `error` stands for; an error that stands for none of them is returned as it
/// is.
///
/// Five events are errors to the system: `Refused`, `Timeout`, `Reset`, `BrokenPipe` and
/// `NotConnected`. A timeout has two kinds: `connect_timeout` says `TimedOut`, and so does the kernel
/// when it gives up by itself; a read that has waited long enough says `WouldBlock` on Unix and
/// `TimedOut` on Windows.
pub fn outcome(error: io::Error) -> io::Result<Event> {
    todo!("the event that an error of this kind is, or the error itself")
}
