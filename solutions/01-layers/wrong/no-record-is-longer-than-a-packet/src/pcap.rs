//! A capture file in the classic pcap format: a file header, then records, one a frame.
//!
//! The file header, 24 bytes:
//!
//! | bytes | field |
//! |---|---|
//! | 0–3 | magic number: says the byte order of every other number, and the unit of the times |
//! | 4–7 | version (2.4) |
//! | 8–15 | unused |
//! | 16–19 | snap length: at most so many bytes of a frame are kept |
//! | 20–23 | link type; 1 is Ethernet |
//!
//! A record: a header of 16 bytes, then the frame.
//!
//! | bytes | field |
//! |---|---|
//! | 0–3 | seconds since 1970-01-01 00:00 UTC |
//! | 4–7 | and microseconds (or nanoseconds) |
//! | 8–11 | how many bytes of the frame follow |
//! | 12–15 | how many bytes the frame had on the wire |
//!
//! | magic number, as bytes | numbers | times |
//! |---|---|---|
//! | `d4 c3 b2 a1` | little-endian | microseconds |
//! | `a1 b2 c3 d4` (bonus) | big-endian | microseconds |
//! | `4d 3c b2 a1` (bonus) | little-endian | nanoseconds |
//! | `a1 b2 3c 4d` (bonus) | big-endian | nanoseconds |
use std::fmt;

use crate::piece::{Fault, Piece};

/// The length of the file header, in bytes.
pub const FILE_HEADER: usize = 24;
/// The length of a record's header, in bytes.
pub const RECORD_HEADER: usize = 16;
/// No record is longer, in bytes: a file that claims more is damaged.
pub const LONGEST_RECORD: usize = 262_144;

/// Which byte of a number comes first. Unlike what is *in* the frames, this differs between files:
/// it is the order of the machine that wrote the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    #[allow(dead_code, reason = "used by the bonus")]
    Big,
}

/// The unit of a time stamp's second number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A millionth of a second.
    Microseconds,
    /// A thousand-millionth of a second.
    #[allow(dead_code, reason = "used by the bonus")]
    Nanoseconds,
}

/// How a file's records are to be read.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The order of the bytes in its numbers.
    pub order: ByteOrder,
    /// The unit of its times.
    pub resolution: Resolution,
    /// At most so many bytes of a frame were kept.
    pub snap_length: u32,
}

/// One record.
#[derive(Debug)]
pub struct Record<'a> {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub seconds: u32,
    /// What the time has beyond that, in the unit of `resolution`.
    pub fraction: u32,
    /// The file's.
    pub resolution: Resolution,
    /// The frame: the bytes in the file, and the length it had on the wire.
    pub frame: Piece<'a>,
}

impl ByteOrder {
    /// The number that the first four of `bytes` spell.
    ///
    /// # Panics
    /// When there are fewer than four.
    pub fn number(self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        match self {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// Reads the file header.
///
/// # Errors
/// - [`Fault::Short`] when `file` has fewer than 24 bytes.
/// - [`Fault::Invalid`] with the words `magic number` when the first four bytes are none of those
///   in the table, with the words `link type` when the link type is not 1.
pub fn read_format(file: &[u8]) -> Result<Format, Fault> {
    // The file is a piece of which everything is here, so a header that is too short is `Short`.
    let header = Piece::whole(file).header("pcap", FILE_HEADER)?;
    if header[..4] == [0x0a, 0x0d, 0x0d, 0x0a] {
        let problem = "this magic number is pcapng's; `editcap -F pcap IN OUT` converts it";
        return Err(Fault::invalid("pcap", problem));
    }
    // write: "the file header as a Format, or the Fault that fits"
    let (order, resolution) = match header[..4] {
        [0xd4, 0xc3, 0xb2, 0xa1] => (ByteOrder::Little, Resolution::Microseconds),
        [0xa1, 0xb2, 0xc3, 0xd4] => (ByteOrder::Big, Resolution::Microseconds),
        [0x4d, 0x3c, 0xb2, 0xa1] => (ByteOrder::Little, Resolution::Nanoseconds),
        [0xa1, 0xb2, 0x3c, 0x4d] => (ByteOrder::Big, Resolution::Nanoseconds),
        _ => {
            let problem = "unknown magic number: this is no capture in the classic pcap format";
            return Err(Fault::invalid("pcap", problem));
        }
    };
    // Only the lower 16 bits are the link type; above them some writers note the length of the
    // frame check sequence.
    let link_type = order.number(&header[20..]) & 0xffff;
    if link_type != 1 {
        let problem = format!("link type {link_type}; only 1, Ethernet, is read here");
        return Err(Fault::invalid("pcap", problem));
    }
    Ok(Format {
        order,
        resolution,
        snap_length: order.number(&header[16..]),
    })
    // end
}

/// Takes the next record from the front of `rest`, and leaves in `rest` what follows it; `None`
/// when `rest` is empty.
///
/// # Errors
/// - [`Fault::Short`] when the file ends within the record: within its header, or before all the
///   bytes that the header announces.
/// - [`Fault::Invalid`] with the word `record` when more than [`LONGEST_RECORD`] bytes are
///   announced.
pub fn next_record<'a>(format: Format, rest: &mut &'a [u8]) -> Result<Option<Record<'a>>, Fault> {
    if rest.is_empty() {
        return Ok(None);
    }
    let header = Piece::whole(rest).header("pcap", RECORD_HEADER)?;
    // write: "the next record, or the Fault that fits; and `rest` behind it"
    let captured = format.order.number(&header[8..]) as usize;
    let on_the_wire = format.order.number(&header[12..]) as usize;
    // A length that cannot be would otherwise only be seen as "the file is too short".
    if captured > 65_535 {
        let problem = format!("a record of {captured} bytes; none has more than {LONGEST_RECORD}");
        return Err(Fault::invalid("pcap", problem));
    }
    let whole = Piece::whole(rest).header("pcap", RECORD_HEADER + captured)?;
    *rest = &rest[whole.len()..];
    Ok(Some(Record {
        seconds: format.order.number(header),
        fraction: format.order.number(&header[4..]),
        resolution: format.resolution,
        frame: Piece::new(&whole[RECORD_HEADER..], on_the_wire),
    }))
    // end
}

/// Given: a capture of one frame, at time zero, little-endian, in microseconds.
pub fn one_record(frame: &[u8]) -> Vec<u8> {
    let length = frame.len() as u32;
    let mut file = Vec::new();
    // The magic number, and the version: two numbers of 16 bits, 2 and 4.
    for number in [0xa1b2_c3d4, 4 << 16 | 2, 0, 0, LONGEST_RECORD as u32, 1] {
        file.extend_from_slice(&u32::to_le_bytes(number));
    }
    for number in [0, 0, length, length] {
        file.extend_from_slice(&u32::to_le_bytes(number));
    }
    file.extend_from_slice(frame);
    file
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let order = match self.order {
            ByteOrder::Little => "little-endian",
            ByteOrder::Big => "big-endian",
        };
        let resolution = match self.resolution {
            Resolution::Microseconds => "microseconds",
            Resolution::Nanoseconds => "nanoseconds",
        };
        write!(f, "pcap {order} {resolution} snap {}", self.snap_length)
    }
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.resolution {
            Resolution::Microseconds => write!(f, "at {}.{:06} ", self.seconds, self.fraction)?,
            Resolution::Nanoseconds => write!(f, "at {}.{:09} ", self.seconds, self.fraction)?,
        }
        if self.frame.is_cut() {
            write!(f, "{} of ", self.frame.captured.len())?;
        }
        write!(f, "{} bytes", self.frame.length)
    }
}
