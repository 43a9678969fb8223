//! Given: from the kernel's addresses to those of the internet.
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use socket2::{SockAddr, Socket};

/// The address and port of `socket` itself (getsockname).
pub fn of(socket: &Socket) -> io::Result<SocketAddr> {
    internet(socket.local_addr()?)
}

/// `addr` as an IP address with a port.
///
/// A socket address can be of many families. Here only IPv4 and IPv6 can occur, and none at all: some
/// systems name no address for a client that is gone again. That is `ConnectionAborted`.
pub fn internet(addr: SockAddr) -> io::Result<SocketAddr> {
    let gone = || {
        io::Error::new(
            ErrorKind::ConnectionAborted,
            "the other end is gone, and its address with it",
        )
    };
    addr.as_socket().ok_or_else(gone)
}
