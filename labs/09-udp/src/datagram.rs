//! A datagram socket, and one datagram out of it.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// What one receive brought.
pub struct Received {
    /// The datagram, or its beginning.
    pub bytes: Vec<u8>,
    /// Who sent it.
    pub from: SocketAddr,
    /// It was longer than there was room for, and the rest of it is gone.
    pub cut: bool,
}

/// Step 1. A datagram socket, bound to `addr`. Two calls, `socket` and `bind`, and none more: nobody
/// listens and nobody is accepted.
pub fn open(addr: SocketAddr) -> io::Result<UdpSocket> {
    todo!("a datagram socket with this address")
}

/// Step 1. Waits for one datagram and returns it with its sender. Of a datagram with more than `size`
/// bytes it returns the first `size`, and says that it was cut. One with exactly `size` bytes is not
/// cut, and one with none is a datagram like any other. (Windows reports a datagram that is longer than
/// the room by an error, WSAEMSGSIZE; there that may be returned.)
pub fn receive(socket: &UdpSocket, size: usize) -> io::Result<Received> {
    todo!("the next datagram, its sender, and whether it was too long")
}
