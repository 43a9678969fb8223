//! An address that is used again: the two halves of the experiment.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::SocketAddr;

use socket2::Socket;

/// SO_REUSEADDR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    Off,
    On,
}

/// Who ends the connection first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    Server,
    Client,
}

/// Step 4. A TCP socket that is bound to `addr`, an IPv4 or an IPv6 address, with SO_REUSEADDR as
/// `reuse` says. It does not listen yet.
pub fn bind(addr: SocketAddr, reuse: Reuse) -> io::Result<Socket> {
    todo!("a socket with the option as it should be, bound to `addr`")
}

/// Step 4. Ends the server's end of a connection, in order: with a FIN, and never with a reset.
///
/// - [`First::Server`]: our FIN goes out at once. It returns when the client's has come as well, and
///   our end is closed.
/// - [`First::Client`]: our FIN goes out only when the client's has come.
///
/// What the client sends is of no interest, and is received all the same: a close with bytes unread
/// is a reset (chapter 6), and a reset leaves no TIME-WAIT behind. An error is returned, the client's
/// reset too: that connection has not ended in order.
pub fn part(mut connected: Socket, first: First) -> io::Result<()> {
    todo!("both ends' FINs, in this order")
}

/// Step 4. Whether a new socket with this option can be bound to `addr`: false when the address is in
/// use. Any other error is returned.
pub fn can_bind(addr: SocketAddr, reuse: Reuse) -> io::Result<bool> {
    todo!("try to bind to `addr`")
}
