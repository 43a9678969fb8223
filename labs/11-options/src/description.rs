//! What a socket says about itself.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::fileno::Fileno;
use socket2::{Domain, Socket, Type};

/// Five things that every socket knows of itself, without asking anybody.
pub struct Description {
    /// What its addresses look like (Python's `family`): IPv4 or IPv6.
    pub family: Domain,
    /// What it carries (Python's `type`): a stream or datagrams.
    pub kind: Type,
    /// Its number in this process (Python's `fileno()`).
    pub fileno: Fileno,
    /// The address of this end (getsockname).
    pub local: SocketAddr,
    /// The address of the other end (getpeername); `None` where there is no other end.
    pub peer: Option<SocketAddr>,
}

/// Step 1. Describes `socket`, which has an address of its own already.
///
/// A socket without a peer is no error: getpeername then fails with `NotConnected`. Any other error
/// is returned.
pub fn describe(socket: &Socket) -> io::Result<Description> {
    todo!("the five things, each asked of the socket")
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Domain::IPV4 => writeln!(f, "family AF_INET")?,
            Domain::IPV6 => writeln!(f, "family AF_INET6")?,
            other => writeln!(f, "family {}", i32::from(other))?,
        }
        match self.kind {
            Type::STREAM => writeln!(f, "type SOCK_STREAM")?,
            Type::DGRAM => writeln!(f, "type SOCK_DGRAM")?,
            other => writeln!(f, "type {}", i32::from(other))?,
        }
        writeln!(f, "fileno {}", self.fileno)?;
        writeln!(f, "local {}", self.local)?;
        match self.peer {
            Some(peer) => write!(f, "peer {peer}"),
            None => write!(f, "peer none"),
        }
    }
}
