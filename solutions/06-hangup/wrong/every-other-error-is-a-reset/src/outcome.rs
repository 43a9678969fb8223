//! From an error to what it says about the connection.
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
    // write: "the event that an error of this kind is, or the error itself"
    match error.kind() {
        ErrorKind::ConnectionRefused => Ok(Event::Refused),
        // EAGAIN, "try again": the call has waited as long as it was told to. The connection is as
        // good as before (socket(7), SO_RCVTIMEO).
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(Event::Timeout),
        ErrorKind::ConnectionReset => Ok(Event::Reset),
        ErrorKind::BrokenPipe => Ok(Event::BrokenPipe),
        ErrorKind::NotConnected => Ok(Event::NotConnected),
        // Whatever it was, the connection is lost.
        _ => Ok(Event::Reset),
    }
    // end
}
