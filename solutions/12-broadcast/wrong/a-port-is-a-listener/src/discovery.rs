//! Who is there? A question to all, and the answers of those that heard it.
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use crate::message::{MAX, Message};

/// One that answered. They are ordered by name, then by address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// What it calls itself.
    pub name: String,
    /// Where the answer came from.
    pub from: SocketAddr,
}

/// Step 5. Sends one `Query` with `id` to `to`, then receives until `want` have answered, or `wait`
/// is over, counted from the call, whatever comes, and if nothing comes. Returns every pair of name
/// and address that answered this very query, in order; each counts once, for `want` too. Other
/// datagrams are ignored: malformed ones, those of more than [`MAX`] bytes, other messages, and
/// answers to other IDs. A query that cannot be sent is an error; that nobody answers is none.
/// (On Windows, a datagram longer than the buffer is an error of its receive, 10040, and a query that
/// a closed port has refused one of the next, `ConnectionReset`. Both are ignored.)
pub fn discover(
    socket: &UdpSocket,
    to: SocketAddrV4,
    id: u32,
    wait: Duration,
    want: usize,
) -> io::Result<BTreeSet<Found>> {
    // write: "ask once, and collect the answers until there are enough or the time is over"
    let deadline = Instant::now() + wait;
    socket.send_to(Message::Query(id).to_string().as_bytes(), to)?;
    let mut found = BTreeSet::new();
    let mut buffer = [0; MAX + 1];
    while found.len() < want {
        // A timeout counts from the call of one receive. Each gets what is left of the whole, or
        // somebody who sends now and then would keep us for ever.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(found);
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv_from(&mut buffer) {
            Ok((n, from)) => {
                // Anybody may send to this port. An answer is ours if it has our number.
                if let Some(Message::Answer(answered, name)) = Message::parse(&buffer[..n])
                    && answered == id
                {
                    let port = from.port();
                    if !found.iter().any(|f: &Found| f.name == name && f.from.port() == port) {
                        found.insert(Found { name, from });
                    }
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // Windows: a datagram that does not fit, and an earlier one that reached nobody.
            #[cfg(windows)]
            Err(error)
                if error.kind() == ErrorKind::ConnectionReset
                    || error.raw_os_error() == Some(10040) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
    // end
}
