//! TCP (RFC 9293 §3.1): from a port to a port, a stream of bytes cut into segments.
//!
//! | bytes | field |
//! |---|---|
//! | 0–1 | source port |
//! | 2–3 | destination port |
//! | 4–7 | sequence number |
//! | 8–11 | acknowledgment number |
//! | 12 | data offset (upper four bits): header length in units of 4 bytes |
//! | 13 | control bits, from the lowest: FIN SYN RST PSH ACK URG ECE CWR |
//! | 14–15 | window |
//! | 16–17 | checksum |
//! | 18–19 | urgent pointer |
//! | 20–… | options, when the data offset is more than 5 |
use std::fmt;

use crate::piece::{Fault, Piece};

/// The length of a TCP header without options, in bytes.
pub const SHORTEST_HEADER: usize = 20;

/// The control bits' names, from the lowest bit up.
const NAMES: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];

/// A TCP header.
#[derive(Debug)]
pub struct Tcp {
    /// The port it was sent from.
    pub source: u16,
    /// The port it is for.
    pub destination: u16,
    /// The number of the payload's first byte in the stream.
    pub sequence: u32,
    /// The number of the byte that the sender expects next.
    pub acknowledgment: u32,
    /// In bytes, options included: 20 to 60.
    pub header_length: usize,
    /// The control bits: byte 13 as it stands.
    pub flags: u8,
    /// How many bytes the sender is ready to take.
    pub window: u16,
    /// The checksum as it stands in the header.
    pub checksum: u16,
}

/// Reads the header that `segment` begins with. Its options are skipped, not read.
///
/// # Errors
/// - [`Fault::Short`] or [`Fault::Cut`] when there are fewer than 20 bytes.
/// - [`Fault::Invalid`] with the words `data offset` when the header length is below 20 or more
///   than `segment.length`.
pub fn parse(segment: Piece) -> Result<Tcp, Fault> {
    let header = segment.header("tcp", SHORTEST_HEADER)?;
    // write: "the header as a Tcp, or the Fault that fits"
    let header_length = usize::from(header[12] >> 4) * 4;
    if header_length < SHORTEST_HEADER || header_length > segment.length {
        let problem = format!(
            "a data offset of {header_length} bytes; it is at least 20, and IP delivered {}",
            segment.length
        );
        return Err(Fault::invalid("tcp", problem));
    }
    Ok(Tcp {
        source: u16::from_be_bytes([header[0], header[1]]),
        destination: u16::from_be_bytes([header[2], header[3]]),
        sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        acknowledgment: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        header_length,
        flags: header[13] & 0x3f,
        window: u16::from_be_bytes([header[14], header[15]]),
        checksum: u16::from_be_bytes([header[16], header[17]]),
    })
    // end
}

impl fmt::Display for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let set: Vec<&str> = (0..8)
            .filter(|bit| self.flags >> bit & 1 == 1)
            .map(|bit| NAMES[bit])
            .collect();
        let flags = if set.is_empty() {
            "-".to_string()
        } else {
            set.join(",")
        };
        write!(
            f,
            "tcp {} > {} seq {} ack {} header {} flags {flags} window {} checksum 0x{:04x}",
            self.source,
            self.destination,
            self.sequence,
            self.acknowledgment,
            self.header_length,
            self.window,
            self.checksum,
        )
    }
}
