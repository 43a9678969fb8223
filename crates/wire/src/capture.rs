//! Capture files: classic pcap, in both byte orders and both resolutions of time.
//!
//! The format is the one of [draft-ietf-opsawg-pcap](https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/):
//! a header of 24 bytes, then for every packet a header of 16 bytes and its bytes.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapParser, PcapWriter, RawPcapPacket};
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};
use thiserror::Error;

/// The length of a capture file's header, in bytes.
pub const FILE_HEADER: usize = 24;
/// The length of the header before every packet, in bytes.
pub const PACKET_HEADER: usize = 16;
/// The link type of Ethernet frames.
pub const ETHERNET: u32 = 1;

/// The order of the bytes in a capture file's own numbers. What is inside the packets is not affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first: the file begins `d4 c3 b2 a1`, or `4d 3c b2 a1` with nanoseconds.
    Little,
    /// Most significant byte first: the file begins `a1 b2 c3 d4`, or `a1 b2 3c 4d` with nanoseconds.
    Big,
}

/// What the second half of a packet's time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Millionths of a second.
    Microseconds,
    /// Billionths of a second.
    Nanoseconds,
}

/// One packet of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When it was captured, since 1970-01-01T00:00:00Z.
    pub time: Duration,
    /// Its bytes, from the link header on, as far as they were captured.
    pub data: Vec<u8>,
    /// How long it was on the wire, in bytes: more than `data` holds if the capture cut it.
    pub original_length: u32,
}

impl Packet {
    /// A packet captured whole.
    pub fn new(time: Duration, data: impl Into<Vec<u8>>) -> Packet {
        let data = data.into();
        let original_length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        Packet {
            time,
            data,
            original_length,
        }
    }

    /// The packet as a capture with this snap length (in bytes) would have kept it.
    #[must_use]
    pub fn cut(mut self, snap_length: u32) -> Packet {
        self.data
            .truncate(usize::try_from(snap_length).unwrap_or(usize::MAX));
        self
    }

    /// Whether the capture kept less than there was.
    pub fn is_cut(&self) -> bool {
        u32::try_from(self.data.len()).is_ok_and(|kept| kept < self.original_length)
    }
}

/// A capture: what its file's header says, and its packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The order of the bytes in the file's numbers.
    pub byte_order: ByteOrder,
    /// What the times count.
    pub resolution: Resolution,
    /// The most bytes kept of a packet.
    pub snap_length: u32,
    /// What the packets' bytes begin with; [`ETHERNET`] is 1.
    pub link_type: u32,
    /// The packets, in the file's order.
    pub packets: Vec<Packet>,
}

impl Default for Capture {
    fn default() -> Capture {
        Capture {
            byte_order: ByteOrder::Little,
            resolution: Resolution::Microseconds,
            snap_length: 65_535,
            link_type: ETHERNET,
            packets: Vec::new(),
        }
    }
}

/// Why a capture could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file could not be read or written.
    #[error("{path}: cannot {verb} it: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `write`.
        verb: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// What is wrong inside the file of this name.
    #[error("{path}: {source}", path = path.display())]
    Inside {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<CaptureError>,
    },
    /// Too short to hold a capture's header.
    #[error("not a capture: {length} bytes, and a capture's header alone has {FILE_HEADER}")]
    TooShort {
        /// The bytes there are.
        length: usize,
    },
    /// The first four bytes are none of a capture's four magic numbers.
    #[error(
        "not a capture: it begins with {:02x} {:02x} {:02x} {:02x}, not with the magic number of a classic pcap file",
        magic[0], magic[1], magic[2], magic[3]
    )]
    NotACapture {
        /// The first four bytes.
        magic: [u8; 4],
    },
    /// The newer format, pcapng.
    #[error(
        "a pcapng file: this reads classic pcap only; convert it with `editcap -F pcap IN OUT`"
    )]
    PcapNg,
    /// The file ends inside a packet.
    #[error("truncated at packet {packet}: it needs {needed} bytes and {left} are left; {} whole packets come before it", before.packets.len())]
    Truncated {
        /// The number of the packet that is not whole, counted from 1.
        packet: usize,
        /// The bytes that packet needs, its header included.
        needed: u64,
        /// The bytes that are left.
        left: usize,
        /// The capture as far as it is whole.
        before: Box<Capture>,
    },
    /// A packet's header holds a number that cannot be.
    #[error("packet {packet}: {reason}")]
    Invalid {
        /// The number of the packet, counted from 1.
        packet: usize,
        /// What is wrong with it.
        reason: String,
        /// The capture before that packet.
        before: Box<Capture>,
    },
    /// The packet cannot be written to a capture file.
    #[error("packet {packet} cannot be written: {reason}")]
    Unwritable {
        /// The number of the packet, counted from 1.
        packet: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl CaptureError {
    /// The packets before the trouble, if the file was a capture at all.
    pub fn before(&self) -> Option<&Capture> {
        match self {
            CaptureError::Inside { source, .. } => source.before(),
            CaptureError::Truncated { before, .. } | CaptureError::Invalid { before, .. } => {
                Some(before)
            }
            _ => None,
        }
    }
}

impl Capture {
    /// A capture of Ethernet frames: little-endian, microseconds.
    pub fn new(packets: Vec<Packet>) -> Capture {
        Capture {
            packets,
            ..Capture::default()
        }
    }

    /// Reads a capture file.
    ///
    /// # Errors
    /// The file cannot be read, is no capture, or ends within a packet; each names the file.
    pub fn read(path: &Path) -> Result<Capture, CaptureError> {
        let bytes = std::fs::read(path).map_err(|source| CaptureError::File {
            path: path.to_owned(),
            verb: "read",
            source,
        })?;
        Capture::from_bytes(&bytes).map_err(|source| CaptureError::Inside {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Reads the bytes of a capture file.
    ///
    /// # Errors
    /// They are no capture, or end within a packet; the error then holds the packets before it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Capture, CaptureError> {
        if let Some(magic) = bytes.first_chunk::<4>() {
            match magic {
                [0xa1, 0xb2, 0xc3, 0xd4]
                | [0xd4, 0xc3, 0xb2, 0xa1]
                | [0xa1, 0xb2, 0x3c, 0x4d]
                | [0x4d, 0x3c, 0xb2, 0xa1] => {}
                [0x0a, 0x0d, 0x0d, 0x0a] => return Err(CaptureError::PcapNg),
                _ => return Err(CaptureError::NotACapture { magic: *magic }),
            }
        }
        let Ok((mut rest, parser)) = PcapParser::new(bytes) else {
            return Err(CaptureError::TooShort {
                length: bytes.len(),
            });
        };
        let header = parser.header();
        let mut capture = Capture {
            byte_order: match header.endianness {
                Endianness::Big => ByteOrder::Big,
                Endianness::Little => ByteOrder::Little,
            },
            resolution: match header.ts_resolution {
                TsResolution::MicroSecond => Resolution::Microseconds,
                TsResolution::NanoSecond => Resolution::Nanoseconds,
            },
            snap_length: header.snaplen,
            // The upper bits may say whether a frame check sequence follows; the type is in the lower sixteen.
            link_type: u32::from(header.datalink) & 0xffff,
            packets: Vec::new(),
        };
        while !rest.is_empty() {
            let packet = capture.packets.len() + 1;
            let raw = match parser.next_raw_packet(rest) {
                Ok((after, raw)) => {
                    let here = raw;
                    rest = after;
                    here
                }
                Err(_) => {
                    let needed = PACKET_HEADER as u64
                        + u64::from(capture.announced_length(rest).unwrap_or(0));
                    return Err(CaptureError::Truncated {
                        packet,
                        needed,
                        left: rest.len(),
                        before: Box::new(capture),
                    });
                }
            };
            let (per_second, nanoseconds) = match capture.resolution {
                Resolution::Microseconds => (1_000_000, 1_000),
                Resolution::Nanoseconds => (1_000_000_000, 1),
            };
            let trouble = if raw.ts_frac >= per_second {
                Some(format!(
                    "the fraction of its time is {}, a whole second or more",
                    raw.ts_frac
                ))
            } else if raw.incl_len > raw.orig_len {
                Some(format!(
                    "{} bytes of it were captured, and only {} were on the wire",
                    raw.incl_len, raw.orig_len
                ))
            } else {
                None
            };
            if let Some(reason) = trouble {
                return Err(CaptureError::Invalid {
                    packet,
                    reason,
                    before: Box::new(capture),
                });
            }
            capture.packets.push(Packet {
                time: Duration::new(u64::from(raw.ts_sec), raw.ts_frac * nanoseconds),
                data: raw.data.into_owned(),
                original_length: raw.orig_len,
            });
        }
        Ok(capture)
    }

    /// The bytes of the capture file.
    ///
    /// # Errors
    /// A packet's time is after 2106, or more of it was captured than there was on the wire.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CaptureError> {
        let header = PcapHeader {
            snaplen: self.snap_length,
            datalink: DataLink::from(self.link_type),
            ts_resolution: match self.resolution {
                Resolution::Microseconds => TsResolution::MicroSecond,
                Resolution::Nanoseconds => TsResolution::NanoSecond,
            },
            endianness: match self.byte_order {
                ByteOrder::Little => Endianness::Little,
                ByteOrder::Big => Endianness::Big,
            },
            ..PcapHeader::default()
        };
        let unwritable =
            |packet: usize, reason: String| CaptureError::Unwritable { packet, reason };
        let broken = |packet: usize| move |error: PcapError| unwritable(packet, error.to_string());
        let mut writer = PcapWriter::with_header(Vec::new(), header).map_err(broken(0))?;
        for (index, packet) in self.packets.iter().enumerate() {
            let number = index + 1;
            let ts_sec = u32::try_from(packet.time.as_secs()).map_err(|_| {
                unwritable(
                    number,
                    "its time is after 2106, the last year that fits".to_owned(),
                )
            })?;
            let incl_len = u32::try_from(packet.data.len()).map_err(|_| {
                unwritable(number, format!("{} bytes do not fit", packet.data.len()))
            })?;
            if incl_len > packet.original_length {
                let reason = format!(
                    "{incl_len} bytes of it were captured, and only {} were on the wire",
                    packet.original_length
                );
                return Err(unwritable(number, reason));
            }
            let ts_frac = match self.resolution {
                Resolution::Microseconds => packet.time.subsec_micros(),
                Resolution::Nanoseconds => packet.time.subsec_nanos(),
            };
            let raw = RawPcapPacket {
                ts_sec,
                ts_frac,
                incl_len,
                orig_len: packet.original_length,
                data: Cow::Borrowed(&packet.data),
            };
            writer.write_raw_packet(&raw).map_err(broken(number))?;
        }
        Ok(writer.into_writer())
    }

    /// Writes the capture to a file.
    ///
    /// # Errors
    /// As [`Capture::to_bytes`], or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CaptureError> {
        let bytes = self.to_bytes().map_err(|source| CaptureError::Inside {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        std::fs::write(path, bytes).map_err(|source| CaptureError::File {
            path: path.to_owned(),
            verb: "write",
            source,
        })
    }

    /// Moves all times so that the first packet's is `start`; the distances stay.
    #[must_use]
    pub fn starting_at(mut self, start: Duration) -> Capture {
        let first = self
            .packets
            .first()
            .map_or(Duration::ZERO, |packet| packet.time);
        for packet in &mut self.packets {
            packet.time = start + packet.time.saturating_sub(first);
        }
        self
    }

    /// The capture as one with this snap length (in bytes) would have been: every packet cut to it.
    #[must_use]
    pub fn cut(mut self, snap_length: u32) -> Capture {
        self.snap_length = snap_length;
        self.packets = self
            .packets
            .into_iter()
            .map(|packet| packet.cut(snap_length))
            .collect();
        self
    }

    /// How many bytes the packet header at the start of `rest` says that follow it.
    fn announced_length(&self, rest: &[u8]) -> Option<u32> {
        let bytes = *rest.get(8..)?.first_chunk::<4>()?;
        Some(match self.byte_order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        })
    }
}
