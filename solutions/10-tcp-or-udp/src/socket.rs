//! Given: one datagram of ours at a time, with a limit to the wait.
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::datagram::{BLOCK, Datagram, HEADER};

/// The next datagram that arrives before `until` and can be decoded, and who sent it; none when the
/// time is up. What cannot be decoded is passed over, as if it had been lost.
///
/// For a wait without an end, call it in a loop, each time with a moment far away, say in an hour.
/// (`Instant::now() + Duration::MAX` is no moment, and panics.)
#[allow(dead_code, reason = "your code calls it")]
pub fn receive_until(
    socket: &UdpSocket,
    until: Instant,
) -> io::Result<Option<(Datagram, SocketAddr)>> {
    // One byte more than the longest, so that a longer one does not pass for it after it is cut.
    let mut room = [0; HEADER + BLOCK + 1];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match socket.recv_from(&mut room) {
            Ok((n, from)) => {
                if let Some(datagram) = Datagram::decode(&room[..n]) {
                    return Ok(Some((datagram, from)));
                }
            }
            // A timeout has two names. A reset is what some systems make of an ICMP message about an
            // earlier datagram; Windows also has an error for one that is too long.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock
                        | ErrorKind::TimedOut
                        | ErrorKind::Interrupted
                        | ErrorKind::ConnectionReset
                        | ErrorKind::ConnectionRefused
                ) => {}
            Err(error) => return Err(error),
        }
    }
}
