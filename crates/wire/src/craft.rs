//! Crafting frames: right ones, and ones that are wrong in exactly one respect.
//!
//! [`Frame`] builds one frame, [`Conversation`] whole TCP connections with the numbers kept right.
//!
//! ```no_run
//! use wire::craft::{Damage, Flags, Frame, Segment};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, server) = ("10.0.0.1:40000".parse()?, "10.0.0.2:53".parse()?);
//! let datagram = Frame::udp(client, server, b"x").padded().bytes()?;
//! let syn = Frame::tcp(client, server, Segment::new(Flags::SYN).seq(1_000)).bytes()?;
//! let lying = Frame::udp(client, server, b"x").damage(Damage::UdpLength(500)).bytes()?;
//! # Ok(())
//! # }
//! ```

mod conversation;
mod segment;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use etherparse::checksum::Sum16BitWords;
use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, Ethernet2Header, IpNumber, Ipv4Header,
    Ipv4Options, Ipv6Header, TcpHeader, UdpHeader, ip_number,
};
use thiserror::Error;

pub use conversation::{Connection, Conversation, End, Held, START, Sent};
pub use segment::{Flags, Segment};

pub use etherparse::TcpOptionElement as TcpOption;

/// A link-layer address.
pub type Mac = [u8; 6];

/// The link-layer address frames come from, unless [`Frame::macs`] says otherwise. Locally administered.
pub const CLIENT_MAC: Mac = [0x02, 0, 0, 0, 0, 0x01];
/// The link-layer address frames go to, unless [`Frame::macs`] says otherwise. Locally administered.
pub const SERVER_MAC: Mac = [0x02, 0, 0, 0, 0, 0x02];

/// The length of an Ethernet II header, in bytes.
pub const ETHERNET_HEADER: usize = 14;
/// The least length of an Ethernet frame as captures show it, in bytes: 64 without the frame check sequence.
pub const LEAST_FRAME: usize = 60;

/// Why a frame cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CraftError {
    /// One address is IPv4, the other IPv6.
    #[error("{from} and {to} are of different families; give two IPv4 or two IPv6 addresses")]
    MixedFamilies {
        /// Where from.
        from: IpAddr,
        /// Where to.
        to: IpAddr,
    },
    /// The options do not fit into the header.
    #[error("{length} bytes of {protocol} options: a header holds {most} at most")]
    OptionsTooLong {
        /// `IPv4` or `TCP`.
        protocol: &'static str,
        /// The bytes given.
        length: usize,
        /// The bytes that fit.
        most: usize,
    },
    /// Something that only IPv4 has was asked for in another packet.
    #[error("{what}: only an IPv4 packet has them")]
    NotIpv4 {
        /// What was asked for.
        what: &'static str,
    },
    /// The payload does not fit into an IP packet.
    #[error("a payload of {length} bytes does not fit into one packet")]
    PayloadTooLong {
        /// The bytes given.
        length: usize,
    },
    /// The damage is to a field this frame does not have.
    #[error("{damage:?} is not possible here: the frame has no {field}")]
    NoSuchField {
        /// The damage asked for.
        damage: Damage,
        /// The field or header that is missing.
        field: &'static str,
    },
}

/// A way in which a frame is to be wrong. All else stays right: an IPv4 header's checksum is computed after its
/// other fields were damaged, a TCP or UDP checksum over what is really there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The IPv4 header's checksum with all bits inverted.
    WrongIpChecksum,
    /// The TCP or UDP checksum with all bits inverted (and never 0, which in UDP says "none").
    WrongChecksum,
    /// The TCP or UDP checksum is 0: not computed. Over IPv4, UDP permits it (RFC 768).
    NoChecksum,
    /// The TCP or UDP checksum holds what Linux leaves for the network card to complete ("offload"): the sum of the
    /// pseudo-header alone, not inverted.
    PartialChecksum,
    /// The Ethernet type.
    EtherType(u16),
    /// The IP version, 0 to 15.
    Version(u8),
    /// The IPv4 header length (IHL), in 32-bit words, 0 to 15.
    HeaderLength(u8),
    /// The IPv4 total length, or the IPv6 payload length, in bytes.
    IpLength(u16),
    /// The IPv4 protocol, or the IPv6 next header.
    Protocol(u8),
    /// The TCP data offset, in 32-bit words, 0 to 15.
    DataOffset(u8),
    /// The UDP length, in bytes.
    UdpLength(u16),
    /// One byte of the finished frame, counted from 0, is replaced.
    Byte {
        /// Which.
        at: usize,
        /// By what.
        value: u8,
    },
    /// The finished frame ends before this byte.
    Truncate(usize),
}

#[derive(Clone, Debug)]
enum Payload {
    Tcp {
        from: u16,
        to: u16,
        segment: Segment,
    },
    Udp {
        from: u16,
        to: u16,
        data: Vec<u8>,
    },
    Other {
        protocol: u8,
        data: Vec<u8>,
    },
}

#[derive(Clone, Debug)]
enum Content {
    Ip {
        from: IpAddr,
        to: IpAddr,
        payload: Payload,
    },
    Other {
        ether_type: u16,
        data: Vec<u8>,
    },
}

/// One Ethernet II frame in the making.
#[derive(Clone, Debug)]
pub struct Frame {
    macs: (Mac, Mac),
    content: Content,
    ttl: u8,
    identification: u16,
    dont_fragment: bool,
    fragment: (u16, bool),
    ip_options: Vec<u8>,
    padding: usize,
    trailer: Vec<u8>,
    damages: Vec<Damage>,
}

impl Frame {
    fn new(content: Content) -> Frame {
        Frame {
            macs: (CLIENT_MAC, SERVER_MAC),
            content,
            ttl: 64,
            identification: 0,
            dont_fragment: true,
            fragment: (0, false),
            ip_options: Vec::new(),
            padding: 0,
            trailer: Vec::new(),
            damages: Vec::new(),
        }
    }

    /// A TCP segment over IPv4 or IPv6, as the addresses are.
    pub fn tcp(from: SocketAddr, to: SocketAddr, segment: Segment) -> Frame {
        let payload = Payload::Tcp {
            from: from.port(),
            to: to.port(),
            segment,
        };
        Frame::new(Content::Ip {
            from: from.ip(),
            to: to.ip(),
            payload,
        })
    }

    /// A UDP datagram over IPv4 or IPv6, as the addresses are.
    pub fn udp(from: SocketAddr, to: SocketAddr, data: impl AsRef<[u8]>) -> Frame {
        let payload = Payload::Udp {
            from: from.port(),
            to: to.port(),
            data: data.as_ref().to_vec(),
        };
        Frame::new(Content::Ip {
            from: from.ip(),
            to: to.ip(),
            payload,
        })
    }

    /// An IP packet of another protocol (1 is ICMP); its payload as given.
    pub fn ip(from: IpAddr, to: IpAddr, protocol: u8, data: impl AsRef<[u8]>) -> Frame {
        let payload = Payload::Other {
            protocol,
            data: data.as_ref().to_vec(),
        };
        Frame::new(Content::Ip { from, to, payload })
    }

    /// A frame of another Ethernet type; its payload as given.
    pub fn ethernet(ether_type: u16, data: impl AsRef<[u8]>) -> Frame {
        Frame::new(Content::Other {
            ether_type,
            data: data.as_ref().to_vec(),
        })
    }

    /// The ARP request (RFC 826) "who has `target`? tell `sender`", sent to everyone.
    pub fn arp_request(sender: Ipv4Addr, target: Ipv4Addr) -> Frame {
        arp(
            ArpOperation::REQUEST,
            (CLIENT_MAC, sender),
            ([0; 6], target),
        )
        .macs(CLIENT_MAC, [0xff; 6])
    }

    /// The ARP reply to [`Frame::arp_request`]: `sender`, asked by `target`, has [`SERVER_MAC`].
    pub fn arp_reply(sender: Ipv4Addr, target: Ipv4Addr) -> Frame {
        arp(
            ArpOperation::REPLY,
            (SERVER_MAC, sender),
            (CLIENT_MAC, target),
        )
        .macs(SERVER_MAC, CLIENT_MAC)
    }

    /// The link-layer addresses; otherwise [`CLIENT_MAC`] and [`SERVER_MAC`].
    #[must_use]
    pub fn macs(mut self, from: Mac, to: Mac) -> Frame {
        self.macs = (from, to);
        self
    }

    /// The IPv4 time to live or the IPv6 hop limit; otherwise 64.
    #[must_use]
    pub fn ttl(mut self, ttl: u8) -> Frame {
        self.ttl = ttl;
        self
    }

    /// The IPv4 identification; otherwise 0.
    #[must_use]
    pub fn identification(mut self, identification: u16) -> Frame {
        self.identification = identification;
        self
    }

    /// Makes it an IPv4 fragment: the payload's offset in units of 8 bytes (13 bits), and whether more follow.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool) -> Frame {
        self.fragment = (offset & 0x1fff, more);
        self.dont_fragment = false;
        self
    }

    /// IPv4 options, filled up with zeros ("end of options") to a multiple of four bytes; at most 40 bytes.
    #[must_use]
    pub fn ip_options(mut self, options: impl AsRef<[u8]>) -> Frame {
        self.ip_options = options.as_ref().to_vec();
        self
    }

    /// Zeros after the packet, up to [`LEAST_FRAME`], as a network card adds them to a short frame.
    #[must_use]
    pub fn padded(mut self) -> Frame {
        self.padding = LEAST_FRAME;
        self
    }

    /// These bytes after the packet, which belong to no layer above the link.
    #[must_use]
    pub fn trailer(mut self, bytes: impl AsRef<[u8]>) -> Frame {
        self.trailer = bytes.as_ref().to_vec();
        self
    }

    /// Makes the frame wrong in this respect. Several damages are done in the order given.
    #[must_use]
    pub fn damage(mut self, damage: Damage) -> Frame {
        self.damages.push(damage);
        self
    }

    /// The frame's bytes.
    ///
    /// # Errors
    /// The addresses are of two families, something is too long, or a damage is to a field the frame does not have.
    pub fn bytes(&self) -> Result<Vec<u8>, CraftError> {
        let mut built = match &self.content {
            Content::Other { ether_type, data } => {
                let mut bytes = self.link_header(EtherType(*ether_type));
                bytes.extend(data);
                Built {
                    bytes,
                    ip: None,
                    transport: None,
                }
            }
            Content::Ip {
                from: IpAddr::V4(from),
                to: IpAddr::V4(to),
                payload,
            } => self.ipv4(*from, *to, payload)?,
            Content::Ip {
                from: IpAddr::V6(from),
                to: IpAddr::V6(to),
                payload,
            } => self.ipv6(*from, *to, payload)?,
            Content::Ip { from, to, .. } => {
                return Err(CraftError::MixedFamilies {
                    from: *from,
                    to: *to,
                });
            }
        };
        for damage in &self.damages {
            built.spoil_header(*damage)?;
        }
        built.bytes.extend(&self.trailer);
        if built.bytes.len() < self.padding {
            built.bytes.resize(self.padding, 0);
        }
        for damage in &self.damages {
            built.spoil_bytes(*damage)?;
        }
        Ok(built.bytes)
    }

    fn link_header(&self, ether_type: EtherType) -> Vec<u8> {
        let (source, destination) = self.macs;
        Ethernet2Header {
            source,
            destination,
            ether_type,
        }
        .to_bytes()
        .to_vec()
    }

    fn ipv4(&self, from: Ipv4Addr, to: Ipv4Addr, payload: &Payload) -> Result<Built, CraftError> {
        let mut options = self.ip_options.clone();
        options.resize(options.len().next_multiple_of(4), 0);
        let options =
            Ipv4Options::try_from(options.as_slice()).map_err(|_| CraftError::OptionsTooLong {
                protocol: "IPv4",
                length: self.ip_options.len(),
                most: 40,
            })?;
        let (transport, protocol) = payload.bytes(&Pseudo::V4(from.octets(), to.octets()))?;
        let too_long = CraftError::PayloadTooLong {
            length: transport.len(),
        };
        let mut header = Ipv4Header {
            time_to_live: self.ttl,
            identification: self.identification,
            dont_fragment: self.dont_fragment,
            more_fragments: self.fragment.1,
            fragment_offset: self.fragment.0.try_into().map_err(|_| too_long.clone())?,
            protocol,
            source: from.octets(),
            destination: to.octets(),
            options,
            ..Ipv4Header::default()
        };
        header
            .set_payload_len(transport.len())
            .map_err(|_| too_long)?;
        header.header_checksum = header.calc_header_checksum();

        let mut bytes = self.link_header(EtherType::IPV4);
        bytes.extend(header.to_bytes());
        let transport_at = bytes.len();
        bytes.extend(&transport);
        Ok(Built {
            bytes,
            ip: Some(Ip::V4 {
                header: header.header_len(),
            }),
            transport: payload.transport(
                transport_at,
                &Pseudo::V4(from.octets(), to.octets()),
                transport.len(),
            ),
        })
    }

    fn ipv6(&self, from: Ipv6Addr, to: Ipv6Addr, payload: &Payload) -> Result<Built, CraftError> {
        if !self.ip_options.is_empty() {
            return Err(CraftError::NotIpv4 {
                what: "IPv4 options",
            });
        }
        if self.fragment != (0, false) {
            return Err(CraftError::NotIpv4 {
                what: "fragments in the IP header",
            });
        }
        let pseudo = Pseudo::V6(from.octets(), to.octets());
        let (transport, protocol) = payload.bytes(&pseudo)?;
        let payload_length =
            u16::try_from(transport.len()).map_err(|_| CraftError::PayloadTooLong {
                length: transport.len(),
            })?;
        let header = Ipv6Header {
            payload_length,
            next_header: protocol,
            hop_limit: self.ttl,
            source: from.octets(),
            destination: to.octets(),
            ..Ipv6Header::default()
        };
        let mut bytes = self.link_header(EtherType::IPV6);
        bytes.extend(header.to_bytes());
        let transport_at = bytes.len();
        bytes.extend(&transport);
        Ok(Built {
            bytes,
            ip: Some(Ip::V6),
            transport: payload.transport(transport_at, &pseudo, transport.len()),
        })
    }
}

fn arp(operation: ArpOperation, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Frame {
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        operation,
        &sender.0,
        &sender.1.octets(),
        &target.0,
        &target.1.octets(),
    )
    .expect("both lengths fit into a byte and agree");
    Frame::ethernet(EtherType::ARP.0, packet.to_bytes())
}

/// The addresses of the pseudo-header that TCP and UDP checksums cover (RFC 9293 §3.1, RFC 8200 §8.1).
enum Pseudo {
    V4([u8; 4], [u8; 4]),
    V6([u8; 16], [u8; 16]),
}

impl Pseudo {
    fn sum(&self, protocol: IpNumber, length: usize) -> Sum16BitWords {
        let sum = match self {
            Pseudo::V4(from, to) => Sum16BitWords::new().add_4bytes(*from).add_4bytes(*to),
            Pseudo::V6(from, to) => Sum16BitWords::new().add_16bytes(*from).add_16bytes(*to),
        };
        // A length over 65,535 has been refused by now, or will be.
        sum.add_2bytes([0, protocol.0])
            .add_2bytes((length as u16).to_be_bytes())
    }
}

impl Payload {
    /// The transport header with its right checksum, and what follows.
    fn bytes(&self, pseudo: &Pseudo) -> Result<(Vec<u8>, IpNumber), CraftError> {
        match self {
            Payload::Other { protocol, data } => Ok((data.clone(), IpNumber(*protocol))),
            Payload::Udp { from, to, data } => {
                let length = UdpHeader::LEN + data.len();
                let mut header = UdpHeader {
                    source_port: *from,
                    destination_port: *to,
                    length: u16::try_from(length)
                        .map_err(|_| CraftError::PayloadTooLong { length: data.len() })?,
                    checksum: 0,
                };
                header.checksum = pseudo
                    .sum(ip_number::UDP, length)
                    .add_slice(&header.to_bytes())
                    .add_slice(data)
                    .to_ones_complement_with_no_zero()
                    .to_be();
                Ok(([&header.to_bytes()[..], data].concat(), ip_number::UDP))
            }
            Payload::Tcp { from, to, segment } => {
                let mut header = TcpHeader::new(*from, *to, segment.seq, segment.window);
                header.acknowledgment_number = segment.ack;
                header.urgent_pointer = segment.urgent;
                let too_long = |length| CraftError::OptionsTooLong {
                    protocol: "TCP",
                    length,
                    most: 40,
                };
                header
                    .set_options(&segment.options)
                    .map_err(|_| too_long(segment.options.len()))?;
                let mut bytes = header.to_bytes().to_vec();
                // etherparse knows the flags one by one; here they are a byte.
                bytes[13] = segment.flags.bits();
                bytes.extend(&segment.payload);
                let sum = pseudo
                    .sum(ip_number::TCP, bytes.len())
                    .add_slice(&bytes)
                    .ones_complement()
                    .to_be();
                bytes[16..18].copy_from_slice(&sum.to_be_bytes());
                Ok((bytes, ip_number::TCP))
            }
        }
    }

    fn transport(&self, at: usize, pseudo: &Pseudo, length: usize) -> Option<Transport> {
        let (protocol, checksum_at) = match self {
            Payload::Tcp { .. } => (ip_number::TCP, at + 16),
            Payload::Udp { .. } => (ip_number::UDP, at + 6),
            Payload::Other { .. } => return None,
        };
        let partial = !pseudo.sum(protocol, length).ones_complement().to_be();
        Some(Transport {
            protocol,
            at,
            checksum_at,
            partial,
        })
    }
}

#[derive(Clone, Copy)]
enum Ip {
    V4 { header: usize },
    V6,
}

struct Transport {
    protocol: IpNumber,
    at: usize,
    checksum_at: usize,
    partial: u16,
}

/// A frame with its right content, and where its headers are.
struct Built {
    bytes: Vec<u8>,
    ip: Option<Ip>,
    transport: Option<Transport>,
}

impl Built {
    fn spoil_header(&mut self, damage: Damage) -> Result<(), CraftError> {
        const IP: usize = ETHERNET_HEADER;
        let missing = |field| CraftError::NoSuchField { damage, field };
        match damage {
            Damage::WrongIpChecksum => match self.ip {
                Some(Ip::V4 { .. }) => {
                    self.bytes[IP + 10] ^= 0xff;
                    self.bytes[IP + 11] ^= 0xff;
                }
                _ => return Err(missing("IPv4 header")),
            },
            Damage::WrongChecksum => {
                let at = self
                    .transport
                    .as_ref()
                    .ok_or(missing("TCP or UDP header"))?
                    .checksum_at;
                let checksum = u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]);
                let wrong = if checksum == 0xffff {
                    0x5555
                } else {
                    !checksum
                };
                self.put(at, wrong);
            }
            Damage::NoChecksum => {
                let at = self
                    .transport
                    .as_ref()
                    .ok_or(missing("TCP or UDP header"))?
                    .checksum_at;
                self.put(at, 0);
            }
            Damage::PartialChecksum => {
                let transport = self
                    .transport
                    .as_ref()
                    .ok_or(missing("TCP or UDP header"))?;
                let (at, partial) = (transport.checksum_at, transport.partial);
                self.put(at, partial);
            }
            Damage::EtherType(value) => self.put(12, value),
            Damage::Version(value) => {
                self.ip.ok_or(missing("IP header"))?;
                self.bytes[IP] = value << 4 | self.bytes[IP] & 0x0f;
                self.mend_ip_checksum();
            }
            Damage::HeaderLength(value) => match self.ip {
                Some(Ip::V4 { .. }) => {
                    self.bytes[IP] = self.bytes[IP] & 0xf0 | value & 0x0f;
                    self.mend_ip_checksum();
                }
                _ => return Err(missing("IPv4 header")),
            },
            Damage::IpLength(value) => {
                match self.ip.ok_or(missing("IP header"))? {
                    Ip::V4 { .. } => self.put(IP + 2, value),
                    Ip::V6 => self.put(IP + 4, value),
                }
                self.mend_ip_checksum();
            }
            Damage::Protocol(value) => {
                match self.ip.ok_or(missing("IP header"))? {
                    Ip::V4 { .. } => self.bytes[IP + 9] = value,
                    Ip::V6 => self.bytes[IP + 6] = value,
                }
                self.mend_ip_checksum();
            }
            Damage::DataOffset(value) => match &self.transport {
                Some(Transport {
                    protocol: ip_number::TCP,
                    at,
                    ..
                }) => {
                    let at = at + 12;
                    self.bytes[at] = value << 4 | self.bytes[at] & 0x0f;
                }
                _ => return Err(missing("TCP header")),
            },
            Damage::UdpLength(value) => match &self.transport {
                Some(Transport {
                    protocol: ip_number::UDP,
                    at,
                    ..
                }) => self.put(at + 4, value),
                _ => return Err(missing("UDP header")),
            },
            Damage::Byte { .. } | Damage::Truncate(_) => {}
        }
        Ok(())
    }

    fn spoil_bytes(&mut self, damage: Damage) -> Result<(), CraftError> {
        match damage {
            Damage::Byte { at, value } => {
                let missing = CraftError::NoSuchField {
                    damage,
                    field: "such byte",
                };
                *self.bytes.get_mut(at).ok_or(missing)? = value;
            }
            Damage::Truncate(length) => self.bytes.truncate(length),
            _ => {}
        }
        Ok(())
    }

    fn put(&mut self, at: usize, value: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }

    /// Makes the IPv4 checksum right again over the header that is really there.
    fn mend_ip_checksum(&mut self) {
        if let Some(Ip::V4 { header }) = self.ip {
            self.put(ETHERNET_HEADER + 10, 0);
            let bytes = &self.bytes[ETHERNET_HEADER..ETHERNET_HEADER + header];
            let checksum = Sum16BitWords::new()
                .add_slice(bytes)
                .ones_complement()
                .to_be();
            self.put(ETHERNET_HEADER + 10, checksum);
        }
    }
}
