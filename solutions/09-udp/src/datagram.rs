//! A datagram socket, and one datagram out of it.
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
    // write: "a datagram socket with this address"
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind(&addr.into())?;
    // The same socket under std's name for it, with `recv_from` and `send_to`.
    Ok(socket.into())
    // end
}

/// Step 1. Waits for one datagram and returns it with its sender. Of a datagram with more than `size`
/// bytes it returns the first `size`, and says that it was cut. One with exactly `size` bytes is not
/// cut, and one with none is a datagram like any other. (Windows reports a datagram that is longer than
/// the room by an error, WSAEMSGSIZE; there that may be returned.)
pub fn receive(socket: &UdpSocket, size: usize) -> io::Result<Received> {
    // write: "the next datagram, its sender, and whether it was too long"
    // recv_from fills the room and says nothing of what it threw away. With one byte more room than
    // may be used, a datagram that was too long shows itself. (Linux can also be asked: MSG_TRUNC,
    // recv(2).)
    let mut bytes = vec![0; size + 1];
    let (n, from) = socket.recv_from(&mut bytes)?;
    bytes.truncate(n.min(size));
    Ok(Received {
        bytes,
        from,
        cut: n > size,
    })
    // end
}
