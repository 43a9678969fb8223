//! Is anybody there? One datagram, and what comes back.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

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
    todo!("one datagram, and which of the three findings came of it")
}
