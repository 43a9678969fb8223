//! Ethernet II: from one interface to the next on the same link.
//!
//! | bytes | field |
//! |---|---|
//! | 0–5 | destination |
//! | 6–11 | source |
//! | 12–13 | ethertype: whose packet is inside |
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;

use crate::piece::{Fault, Piece};

/// The length of an Ethernet II header, in bytes.
pub const HEADER: usize = 14;
/// The ethertype that says: an IPv4 packet is inside.
pub const IPV4: u16 = 0x0800;
/// The ethertype that says: an IPv6 packet is inside.
#[allow(dead_code, reason = "used by the bonus")]
pub const IPV6: u16 = 0x86dd;

/// An Ethernet II header.
#[derive(Clone, Debug)]
pub struct Ethernet {
    /// Who is to take the frame.
    pub destination: [u8; 6],
    /// Who sent it.
    pub source: [u8; 6],
    /// Whose packet is inside; below 0x0600 it is a length instead (IEEE 802.3).
    pub ethertype: u16,
}

/// Reads the header that `frame` begins with.
///
/// Numbers of more than one byte are sent with the most significant byte first, here and in every
/// header of this lab: `u16::from_be_bytes([header[12], header[13]])`.
///
/// # Errors
/// [`Fault::Short`] or [`Fault::Cut`] when there are fewer than 14 bytes.
pub fn parse(frame: Piece) -> Result<Ethernet, Fault> {
    // Exactly 14 bytes, or the error that names this layer. Every parser begins like this.
    let header = frame.header("ethernet", HEADER)?;
    let mut destination = [0; 6];
    destination.copy_from_slice(&header[0..6]);
    todo!("the header as an Ethernet")
}

impl fmt::Display for Ethernet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (source, destination) = (mac(self.source), mac(self.destination));
        write!(
            f,
            "ethernet {source} > {destination} type 0x{:04x}",
            self.ethertype
        )
    }
}

/// An Ethernet address as people write it.
fn mac(address: [u8; 6]) -> String {
    address.map(|byte| format!("{byte:02x}")).join(":")
}
