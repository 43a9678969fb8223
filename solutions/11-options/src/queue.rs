//! How many connections fit into the queue of a listening socket.
use std::io;
// only:
use std::net::TcpStream;
// end
use std::time::Duration;

// only:
use crate::address;
use crate::reuse::{self, Reuse};
// end

/// Step 6. Listens with this backlog on a free port of 127.0.0.1, accepts nobody, and connects to it
/// again and again. Returns how many connects were completed before the first that was not: because it
/// took longer than `patience`, or because it was refused. Any other error is returned: that no
/// descriptor is free says nothing about the queue.
///
/// Connects at most `at_most` times. All the connections stay open until it is decided.
pub fn connects(backlog: i32, at_most: usize, patience: Duration) -> io::Result<usize> {
    // write: "count the connects that are completed although nobody accepts"
    let listening = reuse::bind(address::free(), Reuse::Off)?;
    listening.listen(backlog)?;
    let addr = address::of(&listening)?;
    let mut clients = Vec::new();
    while clients.len() < at_most {
        // The one that finds no room gets no answer at all on Linux. Only our patience ends it.
        match TcpStream::connect_timeout(&addr, patience) {
            Ok(client) => clients.push(client),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::TimedOut
                        | io::ErrorKind::WouldBlock
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionReset
                ) =>
            {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(clients.len())
    // end
}
