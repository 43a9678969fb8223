//! An address that is used again: the two halves of the experiment.
use std::io;
// only:
use std::io::{ErrorKind, Read};
use std::net::Shutdown;
// end
use std::net::SocketAddr;

use socket2::Socket;
// only:
use socket2::{Domain, Protocol, Type};
// end

/// SO_REUSEADDR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    Off,
    On,
}

/// Who ends the connection first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    Server,
    Client,
}

/// Step 4. A TCP socket that is bound to `addr`, an IPv4 or an IPv6 address, with SO_REUSEADDR as
/// `reuse` says. It does not listen yet.
pub fn bind(addr: SocketAddr, reuse: Reuse) -> io::Result<Socket> {
    // write: "a socket with the option as it should be, bound to `addr`"
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // Before bind: it is bind that looks at the option, and afterwards it has decided.
    socket.set_reuse_address(reuse == Reuse::On)?;
    socket.bind(&addr.into())?;
    Ok(socket)
    // end
}

/// Step 4. Ends the server's end of a connection, in order: with a FIN, and never with a reset.
///
/// - [`First::Server`]: our FIN goes out at once. It returns when the client's has come as well, and
///   our end is closed.
/// - [`First::Client`]: our FIN goes out only when the client's has come.
///
/// What the client sends is of no interest, and is received all the same: a close with bytes unread
/// is a reset (chapter 6), and a reset leaves no TIME-WAIT behind. An error is returned, the client's
/// reset too: that connection has not ended in order.
pub fn part(mut connected: Socket, first: First) -> io::Result<()> {
    // write: "both ends' FINs, in this order"
    if first == First::Server {
        // Our FIN, while what the client sends can still be received.
        connected.shutdown(Shutdown::Write)?;
    }
    let mut ignored = [0; 4096];
    loop {
        match connected.read(&mut ignored) {
            // The client's FIN is here. If ours was first we are in TIME-WAIT from now on. Otherwise
            // the close at the end of this function sends it, and TIME-WAIT is the client's.
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Our FIN is out, and that is what was to be done.
            Err(_) if first == First::Server => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    // end
}

/// Step 4. Whether a new socket with this option can be bound to `addr`: false when the address is in
/// use. Any other error is returned.
pub fn can_bind(addr: SocketAddr, reuse: Reuse) -> io::Result<bool> {
    // write: "try to bind to `addr`"
    match bind(addr, reuse) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(false),
        Err(error) => Err(error),
    }
    // end
}
