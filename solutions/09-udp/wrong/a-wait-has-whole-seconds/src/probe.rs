//! Is anybody there? One datagram, and what comes back.
use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;
// only:
use std::io::ErrorKind;
use std::time::Instant;
// end

/// What a probe says.
pub const WORD: &[u8] = b"anybody?";

/// What a probe found.
pub enum Finding {
    /// A datagram came back from that address.
    Answered,
    /// No socket receives there: the other kernel said so.
    Refused,
    /// Neither came in time. Whether the datagram arrived is not known.
    Silent,
}

/// Given: `answered`, `refused`, `silent`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Finding::Answered => "answered",
            Finding::Refused => "refused",
            Finding::Silent => "silent",
        })
    }
}

/// Step 3. Sends one datagram, [`WORD`], from `socket` to `addr`, and waits for what comes of it, until
/// `wait` after the sending, whatever else arrives meanwhile. Any datagram from `addr` is an answer;
/// one from elsewhere is not. An error that is neither a refusal nor a time that is over is returned.
/// `socket` is bound and not connected; connect it if you like.
pub fn probe(socket: &UdpSocket, addr: SocketAddr, wait: Duration) -> io::Result<Finding> {
    // write: "one datagram, and which of the three findings came of it"
    // Nothing is sent by this. From now on the kernel keeps what others send away from this socket,
    // and tells it when a datagram to `addr` was refused.
    socket.connect(addr)?;
    socket.send(WORD)?;
    // That it returned Ok says that the datagram is with our own kernel. The rest is to be heard.
    let until = Instant::now() + Duration::from_secs(wait.as_secs().max(1));
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Finding::Silent);
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv(&mut [0; 16]) {
            // Also with 0 bytes, and also when it was cut: somebody has sent it.
            Ok(_) => return Ok(Finding::Answered),
            Err(error) => match error.kind() {
                // An ICMP message, "port unreachable", came back. Windows calls it a reset.
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
                    return Ok(Finding::Refused);
                }
                // A timeout has two names.
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                // Windows' word for a datagram that is longer than the room.
                _ if cfg!(windows) && error.raw_os_error() == Some(10040) => {
                    return Ok(Finding::Answered);
                }
                _ => return Err(error),
            },
        }
    }
    // end
}
