//! Step 5: to close so that the last answer arrives.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::net::TcpStream;
use std::time::Duration;

/// How many bytes are read and thrown away at the most before the connection is closed.
pub const DRAIN_MAX: usize = 1 << 20;

/// Step 5. Ends our half of the connection, then receives what the client still sends and throws it away,
/// until the client has ended its half too. Then the connection can be closed: no byte of it is unread,
/// and so the close is no reset.
///
/// Within bounds: it receives at most [`DRAIN_MAX`] bytes, and returns when `patience` is over, counted
/// from the beginning. It also returns at an error: the client is gone. The caller closes.
pub fn part(mut socket: &TcpStream, patience: Duration) {
    todo!("a half-close, and then receive until the client ends or a bound is reached")
}
