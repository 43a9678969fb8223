//! UDP (RFC 768): from a port to a port, one datagram at a time.
//!
//! | bytes | field |
//! |---|---|
//! | 0–1 | source port |
//! | 2–3 | destination port |
//! | 4–5 | length: these 8 bytes and the payload |
//! | 6–7 | checksum; zero means that the sender did not compute one |
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;

use crate::piece::{Fault, Piece};

/// The length of a UDP header, in bytes.
pub const HEADER: usize = 8;

/// A UDP header.
#[derive(Debug)]
pub struct Udp {
    /// The port it was sent from.
    pub source: u16,
    /// The port it is for.
    pub destination: u16,
    /// In bytes: this header and the payload.
    pub length: usize,
    /// The checksum as it stands in the header.
    pub checksum: u16,
}

/// Reads the header that `datagram` begins with.
///
/// # Errors
/// - [`Fault::Short`] or [`Fault::Cut`] when there are fewer than 8 bytes.
/// - [`Fault::Invalid`] with the word `length` when the length is below 8 or more than
///   `datagram.length`.
pub fn parse(datagram: Piece) -> Result<Udp, Fault> {
    let header = datagram.header("udp", HEADER)?;
    todo!("the header as a Udp, or the Fault that fits")
}

impl fmt::Display for Udp {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "udp {} > {} length {} checksum 0x{:04x}",
            self.source, self.destination, self.length, self.checksum,
        )
    }
}
