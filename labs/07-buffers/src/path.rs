//! Given: the two ends of a path, with buffers of a chosen size.
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// The sizes to ask the kernel for, in bytes; where there is none, the system's own stay.
///
/// The kernel takes a size as a wish. Linux doubles it, to have room for its own bookkeeping, and
/// has a least and a greatest one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// `SO_SNDBUF`: the send buffer.
    pub send: Option<usize>,
    /// `SO_RCVBUF`: the receive buffer.
    pub receive: Option<usize>,
}

// ANCHOR: ask
/// Asks for these sizes. To be called before `connect` or `listen`.
fn ask(socket: &Socket, sizes: Sizes) -> io::Result<()> {
    if let Some(bytes) = sizes.send {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = sizes.receive {
        // The handshake says how large a window can ever become, and the
        // kernel takes that from the receive buffer.
        socket.set_recv_buffer_size(bytes)?;
    }
    Ok(())
}
// ANCHOR_END: ask

/// A socket that is connected to `addr`.
pub fn connect(addr: SocketAddr, sizes: Sizes) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    ask(&socket, sizes)?;
    socket.connect(&addr.into())?;
    Ok(socket)
}

/// A socket that listens on `addr`. The sockets that it accepts have the same sizes.
pub fn listen(addr: SocketAddr, sizes: Sizes) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    ask(&socket, sizes)?;
    socket.bind(&addr.into())?;
    socket.listen(128)?;
    Ok(socket)
}

/// A connection of this program with itself: the end that writes and the end that reads.
pub fn to_myself(sizes: Sizes) -> io::Result<(Socket, Socket)> {
    let listening = listen((Ipv4Addr::LOCALHOST, 0).into(), sizes)?;
    let writer = connect(own_addr(&listening)?, sizes)?;
    let (reader, _) = listening.accept()?;
    Ok((writer, reader))
}

/// The address and port of `socket` itself (getsockname).
pub fn own_addr(socket: &Socket) -> io::Result<SocketAddr> {
    let addr = socket.local_addr()?.as_socket();
    addr.ok_or_else(|| ErrorKind::AddrNotAvailable.into())
}
