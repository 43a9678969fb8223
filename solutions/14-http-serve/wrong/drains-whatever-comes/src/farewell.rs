//! Step 5: to close so that the last answer arrives.
use std::net::TcpStream;
use std::time::Duration;
// only:
use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::time::Instant;
// end

#[allow(dead_code)]
/// How many bytes are read and thrown away at the most before the connection is closed.
pub const DRAIN_MAX: usize = 1 << 20;

/// Step 5. Ends our half of the connection, then receives what the client still sends and throws it away,
/// until the client has ended its half too. Then the connection can be closed: no byte of it is unread,
/// and so the close is no reset.
///
/// Within bounds: it receives at most [`DRAIN_MAX`] bytes, and returns when `patience` is over, counted
/// from the beginning. It also returns at an error: the client is gone. The caller closes.
pub fn part(mut socket: &TcpStream, patience: Duration) {
    // write: "a half-close, and then receive until the client ends or a bound is reached"
    if socket.shutdown(Shutdown::Write).is_err() {
        return;
    }
    let deadline = Instant::now() + patience;
    let mut piece = [0; 4096];
    loop {
        let time = deadline.saturating_duration_since(Instant::now());
        if time.is_zero() || socket.set_read_timeout(Some(time)).is_err() {
            return;
        }
        match socket.read(&mut piece) {
            // The client has read our end, or did not want to: both ends are done.
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
    // end
}
