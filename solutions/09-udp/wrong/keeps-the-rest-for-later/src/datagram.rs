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
/// cut, and one with none is a datagram like any other.
pub fn receive(socket: &UdpSocket, size: usize) -> io::Result<Received> {
    // write: "the next datagram, its sender, and whether it was too long"
    let mut room = vec![0; size];
    let (mut n, from) = socket.recv_from(&mut room)?;
    let mut bytes = room[..n].to_vec();
    // The room is full, so there is more of it: the next receive brings the rest.
    while n == size {
        n = socket.recv(&mut room)?;
        bytes.extend_from_slice(&room[..n]);
    }
    let cut = bytes.len() > size;
    bytes.truncate(size);
    Ok(Received { bytes, from, cut })
    // end
}
