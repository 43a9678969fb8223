//! Receiving into a buffer that has room.
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
    // write: "what arrives goes to output as it arrives, until the end; count it"
    // Length, not capacity: read fills a slice, and a slice has no memory but what it can see.
    let mut buffer = vec![0; chunk];
    let mut received = Received::default();
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return Ok(received),
            Ok(n) => {
                received.bytes += n as u64;
                received.reads += 1;
                output.write(&buffer[..n])?;
                output.flush()?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // end
}
