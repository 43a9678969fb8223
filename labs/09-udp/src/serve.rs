//! A responder: what comes goes back to where it came from.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::UdpSocket;

/// Step 2. Sends each datagram back to its sender: the same bytes, as one datagram, once. It does so
/// for any number of senders, for an empty datagram and for the longest. An answer that cannot be
/// sent is lost, and nothing more. Nor does it end anything when a receive reports that an earlier
/// answer was refused, as Windows does (ConnectionReset). Returns only when receiving fails otherwise.
pub fn serve(socket: &UdpSocket) -> io::Result<()> {
    todo!("each datagram back to its sender, for ever")
}
