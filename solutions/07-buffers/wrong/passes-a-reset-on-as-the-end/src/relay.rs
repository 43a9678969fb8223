//! Copying from one connection to another, with a bounded amount of memory.
use std::io::{self, Read};
use std::net::Shutdown;

use socket2::Socket;

// only:
use crate::send::send_all;
// end

/// Step 5. Sends every byte that arrives on `from` on to `to`, as it arrives, until `from` has ended
/// its stream; then ends that direction of `to` (`shutdown` for writing). Returns how many bytes it
/// were.
///
/// Holds at most `chunk` bytes at a time, however much passes through. While `to` takes nothing,
/// nothing is read from `from`. `chunk` is at least 1. [`ErrorKind::Interrupted`] is no failure: read
/// again. Any other error of either side is returned; that of `crate::send::send_all` is in its
/// `Unsent::error`.
pub fn copy(mut from: &Socket, mut to: &Socket, chunk: usize) -> io::Result<u64> {
    // write: "pass on what comes, and then the end; hold little"
    let mut buffer = vec![0; chunk];
    let mut copied = 0;
    loop {
        let n = match from.read(&mut buffer) {
            // The end is part of the stream: the far reader must hear of it, and can still answer.
            Ok(0) | Err(_) => {
                to.shutdown(Shutdown::Write)?;
                return Ok(copied);
            }
            Ok(n) => n,
        };
        // This is the whole of backpressure. While send_all waits, nobody reads from `from`: its
        // receive buffer fills, its window closes, and its sender waits as we do.
        send_all(&mut to, &buffer[..n]).map_err(|unsent| unsent.error)?;
        copied += n as u64;
    }
    // end
}
