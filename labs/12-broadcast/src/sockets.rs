//! The two sockets of this lab.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// Step 2. A UDP socket that may send to a broadcast address (`SO_BROADCAST`). It is not bound: the
/// first send chooses its address and port.
pub fn sender() -> io::Result<UdpSocket> {
    todo!("a UDP socket with the permission")
}

/// Step 3. A UDP socket bound to `addr`. Several of them can be bound to the same `addr` at a time,
/// also by several programs, and each gets its copy of every broadcast (`SO_REUSEADDR`; BSD and
/// macOS want `SO_REUSEPORT`).
pub fn receiver(addr: SocketAddrV4) -> io::Result<UdpSocket> {
    todo!("a UDP socket that shares its address and port")
}
