//! Step 1: a connect that does not wait for ever.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What a TCP connect to an address finds there.
pub enum Finding {
    /// A TCP socket listens: the connection stands.
    Open,
    /// Nothing listens there for TCP: the other machine said so.
    Refused,
    /// No answer came in time.
    Silent,
}

/// Given: `open`, `refused`, `silent`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Finding::Open => "open",
            Finding::Refused => "refused",
            Finding::Silent => "silent",
        })
    }
}

/// Step 1. Tries to open a TCP connection to `addr`, waits for at most `patience`, sends nothing, and
/// closes the connection if there is one.
///
/// Errors other than "refused" and "timed out" are returned.
pub fn probe(addr: SocketAddr, patience: Duration) -> io::Result<Finding> {
    todo!("connect to addr, for no longer than patience; tell the three outcomes apart")
}
