//! A server that can be started again at once, and that never runs out of descriptors.
use std::io;
// only:
use std::io::{ErrorKind, Write};
// end
use std::net::SocketAddr;

use socket2::Socket;

// only:
use crate::address;
use crate::reuse::{self, Reuse};
// end

/// Step 5. A TCP socket that listens on `addr`, also when connections of an earlier run of this server
/// are in TIME-WAIT there. While another socket listens on `addr` it is an error.
///
/// On Unix, SO_REUSEADDR does both. On Windows the option would let a second server listen, and
/// TIME-WAIT is no hindrance without it (`cfg!(unix)` tells).
pub fn listen(addr: SocketAddr, _backlog: i32) -> io::Result<Socket> {
    // write: "the socket that listens"
    let reuse = if cfg!(unix) { Reuse::On } else { Reuse::Off };
    // In every run, also in the first: on Linux it counts that the old socket had the option. A
    // connection inherits it from the socket that listened, and keeps it in TIME-WAIT.
    let socket = reuse::bind(addr, reuse)?;
    socket.listen(128)?;
    Ok(socket)
    // end
}

/// Step 5. Accepts one client after the other, for ever. Each gets the line `you are ADDR\n` with its
/// own address, and then the connection is closed: the server closes first, and keeps no descriptor.
/// It reads nothing, and does not wait until the client closes as well.
///
/// What goes wrong with one client goes to standard error, and the next one gets its turn. Returns
/// only when accept fails for a reason of our own, such as that no descriptor is free;
/// `ConnectionAborted` and `ConnectionReset` are the client's.
pub fn serve(listening: &Socket) -> io::Result<()> {
    // write: "greet one client after the other, and close"
    loop {
        let (mut connected, client) = match listening.accept() {
            Ok((connected, client)) => (connected, address::internet(client)),
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
        let greeted =
            client.and_then(|client| connected.write_all(format!("you are {client}\n").as_bytes()));
        if let Err(error) = greeted {
            eprintln!("a client left early: {error}");
        }
        // `connected` ends here, on every way through the loop: the FIN goes out, and the next client
        // gets the same descriptor.
    }
    // end
}
