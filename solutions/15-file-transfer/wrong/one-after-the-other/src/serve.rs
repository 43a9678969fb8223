//! A receiver for several senders at once.
use std::io;
use std::net::TcpListener;

use crate::inbox::Inbox;
// only:
use std::thread;
use std::time::Duration;

use crate::report;
// end

/// Step 6. Accepts senders for ever, and hands each connection to [`report::handle`](crate::report::handle),
/// which calls your `receive` and says what became of it. A sender that keeps still must not keep the
/// others waiting. Nothing that goes wrong with one connection, or in accepting it, ends the server.
pub fn serve(listener: &TcpListener, inbox: &Inbox) -> io::Result<()> {
    // write: "accept after accept, and each connection by itself"
    {
        loop {
            let (stream, from) = match listener.accept() {
                Ok(accepted) => accepted,
                // A sender that left before its turn, or no descriptor free: the next one may do
                // better, after a moment in which something can be closed (chapter 5).
                Err(error) => {
                    report::failed(&format!("cannot accept: {error}"));
                    thread::sleep(Duration::from_millis(100));
                    continue;
                }
            };
            report::handle(&stream, from, inbox);
        }
    }
    // end
}
