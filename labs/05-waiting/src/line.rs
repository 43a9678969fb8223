//! Given: one line out of a stream. Chapter 8 says why this is not one recv.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;

/// The longest line that is accepted, in bytes.
const LONGEST: usize = 64 << 10;

/// Receives up to and including the next newline, and returns the line without it. Waits until the
/// newline has come: a line without one is not complete.
///
/// Errors: `UnexpectedEof` when the peer ends its stream before the newline, `InvalidData` when the
/// line is longer than 64 KiB, and what recv says.
pub fn read_line(mut connected: &TcpStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    // One byte at a time: what follows the newline stays in the receive buffer.
    let mut byte = [0];
    loop {
        match connected.read(&mut byte) {
            Ok(0) => {
                let reason = "the stream ended too early";
                return Err(io::Error::new(ErrorKind::UnexpectedEof, reason));
            }
            Ok(_) if byte[0] == b'\n' => return Ok(line),
            Ok(_) if line.len() == LONGEST => {
                let reason = "the line is longer than 64 KiB";
                return Err(io::Error::new(ErrorKind::InvalidData, reason));
            }
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
