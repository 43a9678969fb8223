//! The calls of a client, each with the event that it comes to.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::event::Event;
use crate::outcome::outcome;

/// How many bytes one read takes at most.
pub const ROOM: usize = 4096;

/// Step 1. A socket that is connected to `addr`.
///
/// `timeout` is how long connect may take, and afterwards each read on the socket: connect then fails
/// with `TimedOut`, a read with `WouldBlock` or `TimedOut`. Without one they wait as long as the
/// system does.
pub fn connect(addr: SocketAddr, timeout: Option<Duration>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    todo!("connect to addr; the timeout, if there is one, holds for that and for later reads")
}

/// Step 2. One read of at most [`ROOM`] bytes: `Received`, `End`, or what the error stands for.
pub fn read(mut connected: &Socket) -> io::Result<Event> {
    let mut buffer = [0; ROOM];
    todo!("one read, and the event that it comes to")
}

/// Step 3. One write of `bytes`: `Sent` with the number of bytes that were taken, or what the error
/// stands for.
pub fn write(mut connected: &Socket, bytes: &[u8]) -> io::Result<Event> {
    todo!("one write, and the event that it comes to")
}

/// Step 3. Ends our stream and keeps the peer's: `HalfClosed`, or what the error stands for.
pub fn half_close(connected: &Socket) -> io::Result<Event> {
    todo!("end our stream, and not the peer's")
}
