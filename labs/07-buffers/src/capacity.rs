//! How much a path takes while nobody reads at its other end.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
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
    todo!("fill the path; count what went in, and in how many writes")
}
