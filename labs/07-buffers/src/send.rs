//! Sending all of it: over any writer, and over a socket whose reader may stall.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::time::Duration;

use socket2::Socket;

/// Why not all was sent, and how much was: what `write_all` and Python's `sendall` do not say.
#[derive(Debug)]
pub struct Unsent {
    /// How many bytes the writer had taken before.
    pub sent: usize,
    /// What it said then.
    pub error: io::Error,
}

/// Step 2. Writes all of `bytes` to `writer`, in as many calls of `write` as that takes.
///
/// - A `write` may take a part. It is called again for the rest, and only for the rest.
/// - [`ErrorKind::Interrupted`] is no failure: nothing was taken, and the call is made again.
/// - A `write` that takes 0 bytes of a piece that is not empty will never take more: the error is
///   [`ErrorKind::WriteZero`].
/// - Any other error ends it, [`ErrorKind::WouldBlock`] too: to wait is the caller's business.
/// - Empty `bytes` are sent at once, without a call.
///
/// Do not use `write_all`: it forgets how much was sent.
pub fn send_all(writer: &mut impl Write, bytes: &[u8]) -> Result<(), Unsent> {
    todo!("all of bytes, whatever the writer does; on an error, how much it had taken")
}

/// Step 3. Sends all of `bytes` on `socket`, and then ends our half of the connection.
///
/// Waits for a slow reader as long as it takes, but not for one that has stalled: when a single `write`
/// has waited for the time of `patience` and not a byte found room in our send buffer, the error is that
/// of the timeout ([`ErrorKind::WouldBlock`], on some systems [`ErrorKind::TimedOut`]). An error of the
/// half-close is an [`Unsent`] too, with all bytes sent.
///
/// `&Socket` is a [`Write`] itself: `&mut socket` is a writer for `send_all`, which is why the
/// parameter is `mut`.
pub fn send(mut socket: &Socket, bytes: &[u8], patience: Duration) -> Result<(), Unsent> {
    todo!("all of bytes, then the end; no endless wait for a reader that has stalled")
}
