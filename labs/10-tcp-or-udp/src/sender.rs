//! The sender: stop-and-wait.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// How a transfer is made.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where the receiver is.
    pub to: SocketAddr,
    /// A number that tells this transfer from others.
    pub transfer: u32,
    /// How long to wait for an acknowledgement before a datagram is sent again.
    pub timeout: Duration,
    /// How often one datagram is sent at most.
    pub tries: u32,
    /// How many blocks may be on their way at a time.
    pub window: usize,
}

/// How many datagrams a transfer took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    /// All that were sent.
    pub datagrams: u64,
    /// Those among them that had been sent before.
    pub again: u64,
}

/// Step 3. Sends `bytes` in blocks, numbered from 0, and then the FIN, each only when the one before
/// is acknowledged.
///
/// An acknowledgement counts when it comes from `plan.to` and has our transfer and the number that
/// is waited for; every other datagram is passed over, and the wait goes on to the same moment. When
/// none came in time, the datagram is sent again, up to `plan.tries` times in all. Then the error is
/// [`ErrorKind::TimedOut`](std::io::ErrorKind::TimedOut). A wait may be made longer with each try.
pub fn send(socket: &UdpSocket, bytes: &[u8], plan: &Plan) -> io::Result<Sent> {
    todo!("each block and then the FIN, one after the other; how many datagrams that took")
}
