//! The two sockets of this lab.
use std::io;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// Step 2. A UDP socket that may send to a broadcast address (`SO_BROADCAST`). It is not bound: the
/// first send chooses its address and port.
pub fn sender() -> io::Result<UdpSocket> {
    // write: "a UDP socket with the permission"
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Without it, sendto fails with EACCES: nobody shall disturb a whole network by a slip (ip(7)).
    socket.set_broadcast(true)?;
    Ok(socket.into())
    // end
}

/// Step 3. A UDP socket bound to `addr`. Several of them can be bound to the same `addr` at a time,
/// also by several programs, and each gets its copy of every broadcast (`SO_REUSEADDR`; BSD and
/// macOS want `SO_REUSEPORT`).
pub fn receiver(addr: SocketAddrV4) -> io::Result<UdpSocket> {
    // write: "a UDP socket that shares its address and port"
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Before bind, and on every socket that shares the port (socket(7)).
    socket.set_reuse_address(true)?;
    // BSD and macOS ask for this one where the address is no multicast address.
    #[cfg(all(unix, not(target_os = "linux")))]
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddr::V4(addr).into())?;
    Ok(socket.into())
    // end
}
