//! How much a path takes while nobody reads at its other end.
use std::io::{self, ErrorKind, Write};

use socket2::Socket;

/// What was put into a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filled {
    /// How many bytes the kernel has taken.
    pub bytes: u64,
    /// How many calls of `write` that were, without those that took nothing.
    pub writes: u64,
}

/// Step 1. Writes pieces of `chunk` bytes to `socket`, never waiting, until the kernel takes no more.
///
/// Makes the socket non-blocking: a `write` that would have to wait then fails with
/// [`ErrorKind::WouldBlock`]. Here that is the answer to the question, and no error. A piece may be
/// taken in part, and that is not the end: the next one may find room again. [`ErrorKind::Interrupted`]
/// says nothing about the path. Any other error is returned. What the bytes are does not matter.
/// `chunk` is at least 1.
pub fn fill(mut socket: &Socket, chunk: usize) -> io::Result<Filled> {
    socket.set_nonblocking(true)?;
    let piece = vec![b'.'; chunk];
    let mut filled = Filled::default();
    loop {
        match socket.write(&piece) {
            // Not `chunk`: a piece is often taken in part. It is no reason to stop: meanwhile the
            // kernels have moved bytes on, and there may be room again.
            Ok(n) => {
                filled.bytes += n as u64;
                filled.writes += 1;
                if n < chunk {
                    return Ok(filled);
                }
            }
            // The send buffer is full. Why it does not empty we cannot see from here: the reader's
            // receive buffer is full, and its kernel says so with a window of 0.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(filled),
            // A signal came first (signal(7)): nothing was written, and nothing is wrong.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
