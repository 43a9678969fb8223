//! Receiving into a buffer that has room.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, ErrorKind, Read, Write};

use socket2::Socket;

/// What was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// How many bytes.
    pub bytes: u64,
    /// In how many calls of `read`, without the last one, which says that it is the end.
    pub reads: u64,
}

/// Step 4. Writes every byte that arrives on `socket` to `output`, at once (flush after each piece),
/// and returns when the sender has ended its stream.
///
/// One `read` brings at most `chunk` bytes. The memory used does not grow with what arrives. `chunk`
/// is at least 1. [`ErrorKind::Interrupted`] is no failure: read again. Any other error is returned.
pub fn receive(mut socket: &Socket, chunk: usize, output: &mut impl Write) -> io::Result<Received> {
    todo!("what arrives goes to output as it arrives, until the end; count it")
}
