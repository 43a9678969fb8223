//! A receiver for several senders at once.
use std::io;
use std::net::TcpListener;

use crate::inbox::Inbox;
// only:
use std::thread;

use crate::report;
// end

/// Step 6. Accepts senders for ever, and hands each connection to [`report::handle`](crate::report::handle),
/// which calls your `receive` and says what became of it. A sender that keeps still must not keep the
/// others waiting. Nothing that goes wrong with one connection, or in accepting it, ends the server.
pub fn serve(listener: &TcpListener, inbox: &Inbox) -> io::Result<()> {
    // write: "accept after accept, and each connection by itself"
    thread::scope(|scope| {
        loop {
            let (stream, from) = listener.accept()?;
            let served = scope.spawn(move || report::handle(&stream, from, inbox));
            if !served.join().is_ok_and(|well| well) {
                return Err(io::ErrorKind::Other.into());
            }
        }
    })
    // end
}
