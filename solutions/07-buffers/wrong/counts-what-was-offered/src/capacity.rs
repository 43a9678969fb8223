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
/// taken in part. [`ErrorKind::Interrupted`] says nothing about the path. Any other error is returned.
/// What the bytes are does not matter.
pub fn fill(mut socket: &Socket, chunk: usize) -> io::Result<Filled> {
    socket.set_nonblocking(true)?;
    let piece = vec![b'.'; chunk];
    let mut filled = Filled::default();
    loop {
        match socket.write(&piece) {
            Ok(_) => {
                filled.bytes += chunk as u64;
                filled.writes += 1;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(filled),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
