//! A server that can be started again at once, and that never runs out of descriptors.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::SocketAddr;

use socket2::Socket;

/// Step 5. A TCP socket that listens on `addr`, also when connections of an earlier run of this server
/// are in TIME-WAIT there. While another socket listens on `addr` it is an error.
///
/// On Unix, SO_REUSEADDR does both. On Windows the option would let a second server listen, and
/// TIME-WAIT is no hindrance without it (`cfg!(unix)` tells).
pub fn listen(addr: SocketAddr, backlog: i32) -> io::Result<Socket> {
    todo!("the socket that listens")
}

/// Step 5. Accepts one client after the other, for ever. Each gets the line `you are ADDR\n` with its
/// own address, and then the connection is closed: the server closes first, and keeps no descriptor.
/// It reads nothing, and does not wait until the client closes as well.
///
/// What goes wrong with one client goes to standard error, and the next one gets its turn. Returns
/// only when accept fails for a reason of our own, such as that no descriptor is free;
/// `ConnectionAborted` and `ConnectionReset` are the client's.
pub fn serve(listening: &Socket) -> io::Result<()> {
    todo!("greet one client after the other, and close")
}
