//! Copying from one connection to another, with a bounded amount of memory.
use std::io::{self, ErrorKind, Read};
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
    let mut buffer = vec![0; chunk];
    let mut all = Vec::new();
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => {
                to.shutdown(Shutdown::Write)?;
                return Ok(all.len() as u64);
            }
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        all.extend_from_slice(&buffer[..n]);
        let piece = &all[all.len() - n..];
        send_all(&mut to, piece).map_err(|unsent| unsent.error)?;
    }
}
