//! Copying from one connection to another, with a bounded amount of memory.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;

use socket2::Socket;

/// Step 5. Sends every byte that arrives on `from` on to `to`, as it arrives, until `from` has ended
/// its stream; then ends that direction of `to` (`shutdown` for writing). Returns how many bytes it
/// were.
///
/// Holds at most `chunk` bytes at a time, however much passes through. While `to` takes nothing,
/// nothing is read from `from`. `chunk` is at least 1. [`ErrorKind::Interrupted`] is no failure: read
/// again. Any other error of either side is returned; that of `crate::send::send_all` is in its
/// `Unsent::error`.
pub fn copy(mut from: &Socket, mut to: &Socket, chunk: usize) -> io::Result<u64> {
    todo!("pass on what comes, and then the end; hold little")
}
