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
/// nothing is read from `from`. An error of either side is returned.
pub fn copy(mut from: &Socket, mut to: &Socket, chunk: usize) -> io::Result<u64> {
    let mut all = Vec::with_capacity(chunk);
    from.read_to_end(&mut all)?;
    send_all(&mut to, &all).map_err(|unsent| unsent.error)?;
    to.shutdown(Shutdown::Write)?;
    Ok(all.len() as u64)
}
