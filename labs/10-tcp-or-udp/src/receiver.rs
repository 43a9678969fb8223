//! The receiver: every block once, in order, whatever the network does.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use crate::partial::Partial;

/// Steps 2 and 5. Receives one transfer into `file`, and returns when it has its name and the FIN is
/// acknowledged.
///
/// The transfer begins with the first datagram of number 0, DATA or FIN, and is from then on the one
/// of this sender's address and this `transfer`; every other datagram is passed over, without an
/// answer.
///
/// - DATA with the number that comes next: append it, then acknowledge that number.
/// - DATA that was here before: acknowledge it again, and do not write it again.
/// - DATA further ahead: pass over it, without an answer (step 2); or keep up to 64 numbers, the next
///   one included, and acknowledge it (step 5).
/// - FIN with the number that comes next: `complete` the file, then acknowledge that number, return.
/// - FIN with another number, or an ACK: pass over it, without an answer.
///
/// An acknowledgement goes back at once, one for each datagram, and is a promise: its sender forgets
/// the block. When for the time of `idle` nothing of the transfer has come, the error is
/// [`ErrorKind::TimedOut`](std::io::ErrorKind::TimedOut). Every datagram of the transfer starts that
/// time anew, also one that is here already or is passed over; nobody else's does. Before the
/// transfer has begun the wait has no end: see `receive_until` in `socket.rs`. Returns whom to
/// answer, for [`linger`].
pub fn receive(socket: &UdpSocket, file: &mut Partial, idle: Duration) -> io::Result<Ended> {
    todo!("one transfer into the file")
}

/// A transfer that is complete.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// The sender's address.
    pub peer: std::net::SocketAddr,
    /// Its transfer.
    pub transfer: u32,
    /// The FIN's number.
    pub number: u32,
}

/// Step 2. For the time of `linger` since the last one, answers each FIN of this transfer that comes
/// again: then the acknowledgement of the one before was lost.
pub fn linger(socket: &UdpSocket, ended: Ended, linger: Duration) -> io::Result<()> {
    todo!("answer FINs that come again, until none has come for a while")
}
