//! Listens to a peer until there is nothing more to hear.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;

use socket2::Socket;

use crate::calls::read;
use crate::event::Event;

/// Step 2. Reads on `connected` as long as bytes come. Calls `report` with each `Received`, as it
/// happens, and returns the event that was none: the last one, which the caller reports.
pub fn watch(connected: &Socket, report: &mut dyn FnMut(Event)) -> io::Result<Event> {
    todo!("report what is received, and return what is not")
}
