use std::fmt;
use std::ops::BitOr;

use super::TcpOption;

/// The control bits of a TCP segment (RFC 9293 §3.1), as the byte they are.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flags(u8);

impl Flags {
    /// No bit at all.
    pub const NONE: Flags = Flags(0);
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Flags = Flags(0x02);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x04);
    /// Push.
    pub const PSH: Flags = Flags(0x08);
    /// The acknowledgment number is valid.
    pub const ACK: Flags = Flags(0x10);
    /// The urgent pointer is valid.
    pub const URG: Flags = Flags(0x20);
    /// ECN echo (RFC 3168).
    pub const ECE: Flags = Flags(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Flags = Flags(0x80);

    const NAMES: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];

    /// The flags of this byte of the header.
    pub const fn from_bits(bits: u8) -> Flags {
        Flags(bits)
    }

    /// The byte.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of these are set.
    pub const fn contains(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// The names of the bits that are set, from the lowest: `SYN`, `ACK`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Flags::NAMES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| name)
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// `SYN,ACK`; `none` where no bit is set.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        f.pad(&if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(",")
        })
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A TCP segment without its ports: numbers, flags, options, data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The control bits.
    pub flags: Flags,
    /// The sequence number.
    pub seq: u32,
    /// The acknowledgment number; it counts only where [`Flags::ACK`] is set.
    pub ack: u32,
    /// The window, in bytes, before scaling.
    pub window: u16,
    /// The urgent pointer.
    pub urgent: u16,
    /// The options, in order.
    pub options: Vec<TcpOption>,
    /// The data.
    pub payload: Vec<u8>,
}

impl Segment {
    /// A segment with these flags, numbers 0, a window of 65,535, no options and no data.
    pub fn new(flags: Flags) -> Segment {
        Segment {
            flags,
            seq: 0,
            ack: 0,
            window: 65_535,
            urgent: 0,
            options: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Sets the sequence number.
    #[must_use]
    pub fn seq(mut self, seq: u32) -> Segment {
        self.seq = seq;
        self
    }

    /// Sets the acknowledgment number and the flag ACK.
    #[must_use]
    pub fn ack(mut self, ack: u32) -> Segment {
        self.ack = ack;
        self.flags = self.flags | Flags::ACK;
        self
    }

    /// Sets the window, in bytes.
    #[must_use]
    pub fn window(mut self, window: u16) -> Segment {
        self.window = window;
        self
    }

    /// Sets the options; at most 40 bytes of them.
    #[must_use]
    pub fn options(mut self, options: &[TcpOption]) -> Segment {
        self.options = options.to_vec();
        self
    }

    /// Sets the data.
    #[must_use]
    pub fn payload(mut self, payload: impl AsRef<[u8]>) -> Segment {
        self.payload = payload.as_ref().to_vec();
        self
    }

    /// How much of the sequence space it takes (SEG.LEN of RFC 9293): its data, and 1 each for SYN and FIN.
    #[expect(
        clippy::len_without_is_empty,
        reason = "SEG.LEN is the RFC's name; a segment is never empty"
    )]
    pub fn len(&self) -> u32 {
        let data = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        data.wrapping_add(u32::from(self.flags.contains(Flags::SYN)))
            .wrapping_add(u32::from(self.flags.contains(Flags::FIN)))
    }
}
