//! A beacon says that it is there; listeners hear it, and answer those who ask.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};

use crate::message::Message;

/// Step 2. Sends one `Announce` with `name` to `to`. If it cannot be sent, that is an error.
pub fn announce(socket: &UdpSocket, to: SocketAddrV4, name: &str) -> io::Result<()> {
    todo!("one datagram")
}

/// Steps 3 and 4. Receives for ever. Calls `report` with the name and the sender's address for each
/// `Announce`, also for one heard before. With a `name`, it answers each `Query` with an `Answer` of
/// the same ID, sent from `socket` to the asker alone; without one it does not answer. Every other
/// datagram is ignored: one that is longer than [`MAX`](crate::message::MAX) bytes, too. An answer
/// that cannot be sent is lost, and nothing more. Returns only when receiving fails.
/// (On Windows, a datagram longer than the buffer is an error of its receive, 10040, and an answer
/// that a closed port has refused one of the next, `ConnectionReset`. Both are ignored.)
pub fn listen(
    socket: &UdpSocket,
    name: Option<&str>,
    report: &mut dyn FnMut(&str, SocketAddr),
) -> io::Result<()> {
    todo!("hear announcements, answer queries, ignore the rest")
}
