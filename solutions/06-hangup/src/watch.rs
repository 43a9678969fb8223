//! Listens to a peer until there is nothing more to hear.
use std::io;

use socket2::Socket;

use crate::calls::read;
use crate::event::Event;

/// Step 2. Reads on `connected` as long as bytes come. Calls `report` with each `Received`, as it
/// happens, and returns the event that was none: the last one, which the caller reports.
pub fn watch(connected: &Socket, report: &mut dyn FnMut(Event)) -> io::Result<Event> {
    // write: "report what is received, and return what is not"
    loop {
        match read(connected)? {
            // However few bytes they are, more may follow.
            received @ Event::Received(_) => report(received),
            // After an end comes no byte, and after a reset neither. After a timeout one may come:
            // whoever called this has said how long it is worth waiting.
            last => return Ok(last),
        }
    }
    // end
}
