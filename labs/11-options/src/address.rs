//! Given: addresses, from the command line and from the kernel.
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use socket2::{SockAddr, Socket};

/// The address and port of `socket` itself (getsockname).
pub fn of(socket: &Socket) -> io::Result<SocketAddr> {
    internet(socket.local_addr()?)
}

/// `addr` as an IP address with a port: in this program no other family occurs.
pub fn internet(addr: SockAddr) -> io::Result<SocketAddr> {
    addr.as_socket()
        .ok_or_else(|| ErrorKind::AddrNotAvailable.into())
}

/// 127.0.0.1, and whatever port is free.
pub fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// The address that a word of the command line stands for.
pub fn parse(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text} is no address with a port, like 127.0.0.1:4000"))
}
