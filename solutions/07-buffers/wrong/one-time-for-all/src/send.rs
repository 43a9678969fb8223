//! Sending all of it: over any writer, and over a socket whose reader may stall.
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
    // write: "all of bytes, whatever the writer does; on an error, how much it had taken"
    let mut sent = 0;
    while sent < bytes.len() {
        // Always from the first byte that was not taken. How much was taken is known only now.
        match writer.write(&bytes[sent..]) {
            Ok(0) => {
                // Without this the loop would go round for ever.
                let error = ErrorKind::WriteZero.into();
                return Err(Unsent { sent, error });
            }
            Ok(n) => sent += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // To try again at once on WouldBlock would burn a core until the reader moves.
            Err(error) => return Err(Unsent { sent, error }),
        }
    }
    Ok(())
    // end
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
    // write: "all of bytes, then the end; no endless wait for a reader that has stalled"
    // SO_SNDTIMEO. A write that has put something into the buffer when the time is up returns that
    // count, which is a short write, and send_all goes on with a new one. Only a write that could not
    // place a single byte fails. So a reader that stalls is given up after one to two times patience.
    let prepared = socket.set_write_timeout(Some(patience));
    prepared.map_err(|error| Unsent { sent: 0, error })?;
    let end = std::time::Instant::now() + patience;
    let mut sent = 0;
    for piece in bytes.chunks(1024) {
        if std::time::Instant::now() >= end {
            let error = ErrorKind::TimedOut.into();
            return Err(Unsent { sent, error });
        }
        send_all(&mut socket, piece).map_err(|unsent| Unsent {
            sent: sent + unsent.sent,
            error: unsent.error,
        })?;
        sent += piece.len();
    }
    let ended = socket.shutdown(Shutdown::Write);
    ended.map_err(|error| Unsent {
        sent: bytes.len(),
        error,
    })
    // end
}
