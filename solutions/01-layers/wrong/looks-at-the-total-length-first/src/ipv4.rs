//! IPv4 (RFC 791): from one host to another, over as many links as it takes.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | version (upper four bits) · IHL (lower four bits): header length in units of 4 bytes |
//! | 1 | type of service |
//! | 2–3 | total length: header and what it carries, in bytes |
//! | 4–5 | identification |
//! | 6–7 | flags (upper three bits: 0x8000 reserved, 0x4000 don't fragment, 0x2000 more fragments) · fragment offset (lower thirteen bits) in units of 8 bytes |
//! | 8 | time to live |
//! | 9 | protocol: whose bytes are inside |
//! | 10–11 | header checksum |
//! | 12–15 | source address |
//! | 16–19 | destination address |
//! | 20–… | options, when IHL is more than 5 |
use std::fmt;
use std::net::Ipv4Addr;

use crate::checksum::{self, Checked};
use crate::piece::{Fault, Piece};

/// The length of an IPv4 header without options, in bytes.
pub const SHORTEST_HEADER: usize = 20;
/// The protocol number of TCP.
pub const TCP: u8 = 6;
/// The protocol number of UDP.
pub const UDP: u8 = 17;

/// An IPv4 header.
#[derive(Clone, Debug)]
pub struct Ipv4 {
    /// Which host sent the packet.
    pub source: Ipv4Addr,
    /// Which host it is for.
    pub destination: Ipv4Addr,
    /// Whose bytes are inside.
    pub protocol: u8,
    /// How many more routers may pass it on.
    pub ttl: u8,
    /// In bytes, options included: 20 to 60.
    pub header_length: usize,
    /// In bytes: this header and what it carries.
    pub total_length: usize,
    /// The same in all fragments of one packet.
    pub identification: u16,
    /// No router may cut the packet into fragments.
    pub dont_fragment: bool,
    /// This is a fragment, and not the last one.
    pub more_fragments: bool,
    /// Where in the whole payload this fragment's begins, in bytes: eight times the field.
    pub fragment_offset: usize,
    /// The header checksum as it stands in the header.
    pub checksum: u16,
    /// [`Checked::Right`] when the whole header, options and checksum included, sums to 0xffff;
    /// else [`Checked::Wrong`]. A wrong checksum is no error.
    pub checked: Checked,
    /// The header's options. Core: leave it empty, `Vec::new()`. Bonus: see [`options`].
    pub options: Vec<Ipv4Option>,
}

/// One option of an IPv4 header.
#[derive(Clone, Debug)]
pub struct Ipv4Option {
    /// The option's first byte.
    pub kind: u8,
    /// What follows its length byte; empty for the one-byte options.
    pub data: Vec<u8>,
}

/// Reads the header that `packet` begins with. `packet` may go on after the packet's end (padding).
///
/// # Errors
/// - [`Fault::Short`] or [`Fault::Cut`] when there are fewer than 20 bytes, or fewer than the
///   header says that it has.
/// - [`Fault::Invalid`] with the word `version` when the version is not 4, `header length` when IHL
///   is below 5, `total length` when the total length is less than the header length or more than
///   `packet.length`. Check them in this order, and before you need more than 20 bytes.
pub fn parse(packet: Piece) -> Result<Ipv4, Fault> {
    let header = packet.header("ipv4", SHORTEST_HEADER)?;
    let version = header[0] >> 4;
    if version != 4 {
        return Err(Fault::invalid(
            "ipv4",
            format!("the version is {version}, not 4"),
        ));
    }
    // write: "the header as an Ipv4, or the Fault that fits"
    // Two lengths, and neither may be trusted: one says where the payload begins, the other where
    // it ends. Both are checked before anything is cut by them.
    let total_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if total_length > packet.length {
        let problem = format!(
            "a total length of {total_length} bytes, but the frame carries {}",
            packet.length
        );
        return Err(Fault::invalid("ipv4", problem));
    }
    let header_length = usize::from(header[0] & 0x0f) * 4;
    if header_length < SHORTEST_HEADER {
        let problem = format!("a header length of {header_length} bytes; the shortest is 20");
        return Err(Fault::invalid("ipv4", problem));
    }
    if total_length < header_length {
        let problem = format!(
            "a total length of {total_length} bytes is less than the header's {header_length}"
        );
        return Err(Fault::invalid("ipv4", problem));
    }

    // From here on the header is as long as it says: its checksum covers the options too.
    let header = packet.header("ipv4", header_length)?;
    let checked = if checksum::sum(header) == 0xffff {
        Checked::Right
    } else {
        Checked::Wrong
    };
    let fragment = u16::from_be_bytes([header[6], header[7]]);
    Ok(Ipv4 {
        source: Ipv4Addr::new(header[12], header[13], header[14], header[15]),
        destination: Ipv4Addr::new(header[16], header[17], header[18], header[19]),
        protocol: header[9],
        ttl: header[8],
        header_length,
        total_length,
        identification: u16::from_be_bytes([header[4], header[5]]),
        dont_fragment: fragment & 0x4000 != 0,
        more_fragments: fragment & 0x2000 != 0,
        fragment_offset: usize::from(fragment & 0x1fff) * 8,
        checksum: u16::from_be_bytes([header[10], header[11]]),
        checked,
        options: options(&header[SHORTEST_HEADER..])?,
    })
    // end
}

/// Bonus: the options of a header, in their order; `bytes` is the header after its first 20 bytes.
/// Call it from [`parse`].
///
/// - Kind 0 ends the list and is not part of it; what follows it is filling.
/// - Kind 1 is one byte, and stands for nothing.
/// - Every other kind is followed by a length byte, which counts the whole option: kind, length and
///   data.
///
/// # Errors
/// [`Fault::Invalid`] with the word `option` when a length is below 2, is missing, or leads beyond
/// the header.
pub fn options(bytes: &[u8]) -> Result<Vec<Ipv4Option>, Fault> {
    // write: "the options in their order, or the Fault that fits"
    let mut options = Vec::new();
    let mut rest = bytes;
    while let Some(&kind) = rest.first() {
        let length = match kind {
            0 => break,
            1 => 1,
            _ => {
                // A length of 0 would leave `rest` as it is: a program that trusts it never ends.
                let length = rest.get(1).copied().map_or(0, usize::from);
                if length < 2 || length > rest.len() {
                    let problem = format!(
                        "option {kind} says that it has {length} bytes; {} are left",
                        rest.len()
                    );
                    return Err(Fault::invalid("ipv4", problem));
                }
                length
            }
        };
        let data = rest[..length].get(2..).unwrap_or_default().to_vec();
        options.push(Ipv4Option { kind, data });
        rest = &rest[length..];
    }
    Ok(options)
    // end
}

/// The 12 bytes that UDP and TCP put in front of their own when they compute a checksum
/// (RFC 768, RFC 9293 §3.1). They are summed, never sent.
///
/// | bytes | |
/// |---|---|
/// | 0–3 | source address |
/// | 4–7 | destination address |
/// | 8 | zero |
/// | 9 | protocol |
/// | 10–11 | `length`: of the UDP datagram or TCP segment, its header included, in bytes |
pub fn pseudo_header(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    length: u16,
) -> [u8; 12] {
    // write: "the 12 bytes of the table"
    // With the addresses in the sum, a packet that was delivered to the wrong host fails there.
    let mut bytes = [0; 12];
    bytes[0..4].copy_from_slice(&source.octets());
    bytes[4..8].copy_from_slice(&destination.octets());
    bytes[9] = protocol;
    bytes[10..12].copy_from_slice(&length.to_be_bytes());
    bytes
    // end
}

impl fmt::Display for Ipv4 {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let flags = match (self.dont_fragment, self.more_fragments) {
            (false, false) => "-",
            (true, false) => "DF",
            (false, true) => "MF",
            (true, true) => "DF,MF",
        };
        write!(
            f,
            "ipv4 {} > {} protocol {} ttl {} header {} total {} id 0x{:04x} flags {flags} \
             offset {} checksum 0x{:04x} {}",
            self.source,
            self.destination,
            self.protocol,
            self.ttl,
            self.header_length,
            self.total_length,
            self.identification,
            self.fragment_offset,
            self.checksum,
            self.checked,
        )?;
        for option in &self.options {
            write!(f, "\noption {}", option.kind)?;
            for byte in &option.data {
                write!(f, " {byte:02x}")?;
            }
        }
        Ok(())
    }
}
