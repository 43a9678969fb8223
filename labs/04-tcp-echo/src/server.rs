//! The server's calls, in the order in which a server makes them.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

use crate::address;

/// Step 1. A TCP socket that owns the address `addr`, and does not listen yet.
///
/// The family of the socket is that of `addr`: IPv4 or IPv6. Port 0 asks the kernel for a free port.
pub fn bind(addr: SocketAddr) -> io::Result<Socket> {
    todo!("a socket that owns `addr`")
}

/// Step 2. A socket that is bound to `addr` and listens, with `backlog` as the length of its queue.
pub fn listen(addr: SocketAddr, backlog: i32) -> io::Result<Socket> {
    let socket = bind(addr)?;
    todo!("the socket, listening")
}

/// One connection, as accept hands it over. Dropping its socket closes it.
pub struct Connection {
    /// The connected socket: `connfd`. Not the one that listens.
    pub socket: Socket,
    /// The client's address.
    pub peer: SocketAddr,
    /// The address of our own end.
    pub local: SocketAddr,
}

/// Step 3. Takes the next connection from the queue of `listening`, or waits for one.
///
/// `address::internet` turns the address that accept returns into a [`SocketAddr`], `address::of`
/// asks a socket for its own.
pub fn accept(listening: &Socket) -> io::Result<Connection> {
    todo!("the next Connection")
}

/// Step 4. Sends back every byte that arrives on `connected`, as it arrives, and returns when the
/// client has ended its stream.
///
/// On a [`Socket`], `read` is recv and `write_all` is send, repeated until all of it is sent. Errors
/// are returned to the caller.
pub fn echo(mut connected: &Socket) -> io::Result<()> {
    todo!("send back what arrives, until the client's end")
}

/// Step 5. Accepts one client after the other, echoes to each until it ends its stream, and closes
/// that connection. For ever: returns only when accept fails for a reason of our own.
///
/// What happens to one client is no reason to end. An error of `echo` goes to standard error, and the
/// next client gets its turn. The same holds for a client that is gone before accept hands it over:
/// Linux reports that later, in recv; elsewhere accept says `ConnectionAborted` or `ConnectionReset`.
pub fn serve(listening: &Socket) -> io::Result<()> {
    todo!("serve one client after the other")
}
