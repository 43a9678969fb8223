//! The server's calls, in the order in which a server makes them.
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

use crate::address;

/// Step 1. A TCP socket that owns the address `addr`, and does not listen yet.
///
/// The family of the socket is that of `addr`: IPv4 or IPv6. Port 0 asks the kernel for a free port.
pub fn bind(addr: SocketAddr) -> io::Result<Socket> {
    // write: "a socket that owns `addr`"
    // Family, type and protocol: the first two would do, because TCP is the only stream protocol
    // that the internet families offer by default. A program says what it means.
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&addr.into())?;
    Ok(socket)
    // end
}

/// Step 2. A socket that is bound to `addr` and listens, with `backlog` as the length of its queue.
pub fn listen(addr: SocketAddr, backlog: i32) -> io::Result<Socket> {
    let socket = bind(addr)?;
    // write: "the socket, listening"
    // From here on the kernel answers every SYN by itself. The connections wait in the queue until
    // somebody calls accept.
    socket.listen(backlog)?;
    Ok(socket)
    // end
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
    // write: "the next Connection"
    let (socket, peer) = listening.accept()?;
    let peer = address::internet(peer)?;
    // Asked of the new socket. The listening one may be bound to 0.0.0.0, "any of mine"; a
    // connection has exactly one address at each end.
    let local = address::of(&socket)?;
    Ok(Connection {
        socket,
        peer,
        local,
    })
    // end
}

/// Step 4. Sends back every byte that arrives on `connected`, as it arrives, and returns when the
/// client has ended its stream.
///
/// On a [`Socket`], `read` is recv and `write_all` is send, repeated until all of it is sent. Errors
/// are returned to the caller.
pub fn echo(mut connected: &Socket) -> io::Result<()> {
    // write: "send back what arrives, until the client's end"
    // The size is no limit of what can be echoed, only of what one recv can bring.
    let mut buffer = [0; 4096];
    loop {
        // 0 is not "nothing yet": recv waits as long as nothing is there. It is the end of the
        // client's stream, its FIN (recv(2), "orderly shutdown"), and nothing can follow it.
        let n = connected.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        // The rest of the buffer is zeros, or what an earlier recv left there.
        connected.write_all(&buffer[..n])?;
    }
    // end
}

/// Step 5. Accepts one client after the other, echoes to each until it ends its stream, and closes
/// that connection. For ever: returns only when accept fails for a reason of our own.
///
/// What happens to one client is no reason to end. An error of `echo` goes to standard error, and the
/// next client gets its turn. The same holds for a client that is gone before accept hands it over:
/// Linux reports that later, in recv; elsewhere accept says `ConnectionAborted` or `ConnectionReset`.
pub fn serve(listening: &Socket) -> io::Result<()> {
    // write: "serve one client after the other"
    let mut failed = Vec::new();
    loop {
        // A `?` here would let any client end the server, by leaving at the wrong moment.
        let client = match accept(listening) {
            Ok(client) => client,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
                ) =>
            {
                eprintln!("a client left before accept: {error}");
                continue;
            }
            Err(error) => return Err(error),
        };
        if let Err(error) = echo(&client.socket) {
            // Kept for a summary at the end, which never comes.
            failed.push((client, error));
        }
        // `client` goes out of scope here, and that is close: our FIN leaves, and the descriptor is
        // free for the next connection.
    }
    // end
}
