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
    let (queue, waiting) = std::sync::mpsc::channel::<Vec<u8>>();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || -> io::Result<()> {
            let mut buffer = vec![0; chunk];
            loop {
                match from.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(n) => {
                        if queue.send(buffer[..n].to_vec()).is_err() {
                            return Ok(());
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        });
        let mut copied = 0;
        for piece in waiting {
            send_all(&mut to, &piece).map_err(|unsent| unsent.error)?;
            copied += piece.len() as u64;
        }
        to.shutdown(Shutdown::Write)?;
        match reader.join() {
            Ok(result) => result.map(|()| copied),
            Err(_) => Err(ErrorKind::Other.into()),
        }
    })
}
