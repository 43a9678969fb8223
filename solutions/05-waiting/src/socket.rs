//! Given: the sockets of this lab. Chapter 4 took these calls apart.
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Protocol, Socket, Type};

/// A socket that is connected to `addr`. `buffers` is the size to ask for, in bytes, for its send
/// buffer and its receive buffer; `None` leaves both to the system.
pub fn connect(addr: SocketAddr, buffers: Option<usize>) -> io::Result<TcpStream> {
    let socket = new(addr, buffers)?;
    socket.connect(&addr.into())?;
    Ok(socket.into())
}

/// A socket that listens on `addr`. Connections inherit the sizes of its buffers.
pub fn listen(addr: SocketAddr, buffers: Option<usize>) -> io::Result<TcpListener> {
    let socket = new(addr, buffers)?;
    socket.bind(&addr.into())?;
    socket.listen(128)?;
    Ok(socket.into())
}

/// Sizes are set first: after connect or listen it is too late for the receive buffer (tcp(7)).
fn new(addr: SocketAddr, buffers: Option<usize>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(size) = buffers {
        socket.set_send_buffer_size(size)?;
        socket.set_recv_buffer_size(size)?;
    }
    Ok(socket)
}
