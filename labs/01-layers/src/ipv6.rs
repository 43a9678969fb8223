//! Bonus: IPv6 (RFC 8200), its fixed header. Extension headers are left in the payload.
//!
//! | bytes | field |
//! |---|---|
//! | 0–3 | version (upper four bits) · traffic class · flow label |
//! | 4–5 | payload length: what follows these 40 bytes |
//! | 6 | next header: whose bytes are inside; the same numbers as IPv4's protocol |
//! | 7 | hop limit |
//! | 8–23 | source address |
//! | 24–39 | destination address |
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;
use std::net::Ipv6Addr;

use crate::piece::{Fault, Piece};

/// The length of the fixed header, in bytes.
pub const HEADER: usize = 40;

/// An IPv6 header.
#[derive(Debug)]
pub struct Ipv6 {
    /// Which host sent the packet.
    pub source: Ipv6Addr,
    /// Which host it is for.
    pub destination: Ipv6Addr,
    /// Whose bytes are inside.
    pub next_header: u8,
    /// How many more routers may pass it on.
    pub hop_limit: u8,
    /// In bytes, without this header.
    pub payload_length: usize,
}

/// Reads the header that `packet` begins with. `packet` may go on after the packet's end.
/// `Ipv6Addr::from` makes an address of an array of 16 bytes.
///
/// # Errors
/// - [`Fault::Short`] or [`Fault::Cut`] when there are fewer than 40 bytes.
/// - [`Fault::Invalid`] with the word `version` when the version is not 6, `payload length` when
///   `packet` does not have so many bytes after its header.
pub fn parse(packet: Piece) -> Result<Ipv6, Fault> {
    let header = packet.header("ipv6", HEADER)?;
    todo!("the header as an Ipv6, or the Fault that fits")
}

/// The 40 bytes that UDP and TCP put in front of their own when they compute a checksum
/// (RFC 8200 §8.1): source, destination, `length` in four bytes, three zero bytes, `next_header`.
pub fn pseudo_header(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    next_header: u8,
    length: u32,
) -> [u8; 40] {
    todo!("the 40 bytes of the comment above")
}

impl fmt::Display for Ipv6 {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "ipv6 {} > {} next {} hop {} payload {}",
            self.source, self.destination, self.next_header, self.hop_limit, self.payload_length,
        )
    }
}
