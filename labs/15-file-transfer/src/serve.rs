//! A receiver for several senders at once.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::TcpListener;

use crate::inbox::Inbox;

/// Step 6. Accepts senders for ever, and hands each connection to [`report::handle`](crate::report::handle),
/// which calls your `receive` and says what became of it. A sender that keeps still must not keep the
/// others waiting. Nothing that goes wrong with one connection, or in accepting it, ends the server.
pub fn serve(listener: &TcpListener, inbox: &Inbox) -> io::Result<()> {
    todo!("accept after accept, and each connection by itself")
}
