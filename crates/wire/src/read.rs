//! Reading a frame: its layers, the verdict on its checksums, and where it stops making sense.
//!
//! [`frame`] never fails: what cannot be read is missing, and [`Layers::stopped`] says why. It is meant as a second
//! opinion in checks; how a learner's program treats a broken frame is the lab's business.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use etherparse::checksum::Sum16BitWords;
use etherparse::{
    Icmpv4Slice, Icmpv6Slice, LaxNetSlice, LaxSlicedPacket, LinkSlice, TransportSlice, UdpHeader,
    UdpSlice, ip_number,
};

use crate::craft::{Flags, Mac, Segment, TcpOption};

/// A frame's layers, from the link up.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers<'a> {
    /// The Ethernet II header.
    pub ethernet: Option<Ethernet>,
    /// What the frame carries.
    pub net: Option<Net>,
    /// What the packet carries. Missing in every fragment.
    pub transport: Option<Transport>,
    /// The bytes above the highest layer that could be read, without padding.
    pub payload: &'a [u8],
    /// The bytes after the IP packet: padding.
    pub trailer: &'a [u8],
    /// Why reading stopped before the end, in words.
    pub stopped: Option<String>,
}

/// An Ethernet II header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ethernet {
    /// From which link-layer address.
    pub source: Mac,
    /// To which.
    pub destination: Mac,
    /// What follows: 0x0800 IPv4, 0x86dd IPv6, 0x0806 ARP.
    pub ether_type: u16,
}

/// The layer above the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Net {
    /// An IPv4 header (RFC 791).
    V4(Ipv4),
    /// An IPv6 header (RFC 8200).
    V6(Ipv6),
    /// An ARP packet (RFC 826) between IPv4 addresses.
    Arp(Arp),
}

/// An IPv4 header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// From where.
    pub source: Ipv4Addr,
    /// To where.
    pub destination: Ipv4Addr,
    /// The header's length, in bytes.
    pub header_length: usize,
    /// The length of the packet as its header states it, in bytes.
    pub total_length: u16,
    /// Which datagram the fragments belong to.
    pub identification: u16,
    /// Whether routers must not fragment it.
    pub dont_fragment: bool,
    /// Whether further fragments follow.
    pub more_fragments: bool,
    /// Where the fragment belongs, in bytes.
    pub fragment_offset: usize,
    /// The hops it may still go.
    pub ttl: u8,
    /// What follows: 6 TCP, 17 UDP, 1 ICMP.
    pub protocol: u8,
    /// The options, as they are.
    pub options: Vec<u8>,
    /// The header's checksum and whether it is right.
    pub checksum: Checksum,
}

/// An IPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// From where.
    pub source: Ipv6Addr,
    /// To where.
    pub destination: Ipv6Addr,
    /// The length after this header as the header states it, in bytes.
    pub payload_length: u16,
    /// What follows directly, which may be an extension header.
    pub next_header: u8,
    /// What follows the extension headers: 6 TCP, 17 UDP, 58 ICMPv6.
    pub protocol: u8,
    /// The hops it may still go.
    pub hop_limit: u8,
    /// The flow label.
    pub flow_label: u32,
}

/// An ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 asks, 2 answers.
    pub operation: u16,
    /// The sender's addresses.
    pub sender: (Mac, Ipv4Addr),
    /// The target's; a request does not know the first.
    pub target: (Mac, Ipv4Addr),
}

/// The layer above IP.
#[derive(Clone, Debug, PartialEq)]
pub enum Transport {
    /// A TCP segment.
    Tcp(Tcp),
    /// A UDP datagram.
    Udp(Udp),
    /// An ICMP or ICMPv6 message.
    Icmp {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
    },
}

/// A TCP header.
#[derive(Clone, Debug, PartialEq)]
pub struct Tcp {
    /// From which port.
    pub source_port: u16,
    /// To which port.
    pub destination_port: u16,
    /// The sequence number.
    pub seq: u32,
    /// The acknowledgment number.
    pub ack: u32,
    /// The control bits.
    pub flags: Flags,
    /// The header's length, in bytes.
    pub header_length: usize,
    /// The window, in bytes, before scaling.
    pub window: u16,
    /// The urgent pointer.
    pub urgent: u16,
    /// The options, as far as they can be read.
    pub options: Vec<TcpOption>,
    /// The checksum and whether it is right.
    pub checksum: Checksum,
}

/// A UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp {
    /// From which port.
    pub source_port: u16,
    /// To which port.
    pub destination_port: u16,
    /// The datagram's length as its header states it, in bytes.
    pub length: u16,
    /// The checksum and whether it is right.
    pub checksum: Checksum,
}

/// A checksum and what is to be thought of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The field.
    pub value: u16,
    /// Whether it is right.
    pub verdict: Verdict,
}

/// What is to be thought of a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    Right,
    /// It should be this.
    Wrong {
        /// The right one.
        expected: u16,
    },
    /// It holds the pseudo-header's sum alone: the sender left the rest to its network card, and the capture was made
    /// before that (offload). Nothing is wrong with the packet.
    Offloaded,
    /// UDP over IPv4 with 0: the sender computed none (RFC 768).
    Absent,
    /// Not all of what it covers is there.
    Unverifiable,
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x} ", self.value)?;
        match self.verdict {
            Verdict::Right => f.write_str("right"),
            Verdict::Wrong { expected } => write!(f, "wrong, should be {expected:#06x}"),
            Verdict::Offloaded => f.write_str("offloaded"),
            Verdict::Absent => f.write_str("absent"),
            Verdict::Unverifiable => f.write_str("unverifiable"),
        }
    }
}

impl Layers<'_> {
    /// The IP addresses, from and to.
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match self.net.as_ref()? {
            Net::V4(ip) => Some((ip.source.into(), ip.destination.into())),
            Net::V6(ip) => Some((ip.source.into(), ip.destination.into())),
            Net::Arp(_) => None,
        }
    }

    /// The addresses with their ports, from and to, of a TCP segment or UDP datagram.
    pub fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let (from, to) = self.addresses()?;
        let (source, destination) = match self.transport.as_ref()? {
            Transport::Tcp(tcp) => (tcp.source_port, tcp.destination_port),
            Transport::Udp(udp) => (udp.source_port, udp.destination_port),
            Transport::Icmp { .. } => return None,
        };
        Some((
            SocketAddr::new(from, source),
            SocketAddr::new(to, destination),
        ))
    }

    /// The TCP header, if it is a TCP segment.
    pub fn tcp(&self) -> Option<&Tcp> {
        match self.transport.as_ref()? {
            Transport::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    /// The UDP header, if it is a UDP datagram.
    pub fn udp(&self) -> Option<&Udp> {
        match self.transport.as_ref()? {
            Transport::Udp(udp) => Some(udp),
            _ => None,
        }
    }

    /// From where, to where and what, of a TCP segment: as [`crate::craft::Frame::tcp`] takes it.
    pub fn segment(&self) -> Option<(SocketAddr, SocketAddr, Segment)> {
        let (from, to) = self.ends()?;
        let tcp = self.tcp()?;
        let segment = Segment {
            flags: tcp.flags,
            seq: tcp.seq,
            ack: tcp.ack,
            window: tcp.window,
            urgent: tcp.urgent,
            options: tcp.options.clone(),
            payload: self.payload.to_vec(),
        };
        Some((from, to, segment))
    }
}

/// Reads an Ethernet frame as far as it can be read.
pub fn frame(bytes: &[u8]) -> Layers<'_> {
    let mut layers = Layers {
        ethernet: None,
        net: None,
        transport: None,
        payload: bytes,
        trailer: &[],
        stopped: None,
    };
    let sliced = match LaxSlicedPacket::from_ethernet(bytes) {
        Ok(sliced) => sliced,
        Err(error) => {
            layers.stopped = Some(error.to_string());
            return layers;
        }
    };
    if let Some(LinkSlice::Ethernet2(ethernet)) = &sliced.link {
        layers.ethernet = Some(Ethernet {
            source: ethernet.source(),
            destination: ethernet.destination(),
            ether_type: ethernet.ether_type().0,
        });
        layers.payload = ethernet.payload_slice();
    }
    // Padding is what lies behind the IP packet's stated length.
    let trailer = |ip_payload: &[u8]| {
        let end = ip_payload.as_ptr() as usize - bytes.as_ptr() as usize + ip_payload.len();
        &bytes[end..]
    };
    // Lengths that say more than there is: cut by the capture, or lying.
    let mut whole = true;
    match &sliced.net {
        None => {}
        Some(LaxNetSlice::Arp(arp)) => {
            if let Ok(arp) = arp.to_packet().try_eth_ipv4() {
                layers.net = Some(Net::Arp(Arp {
                    operation: arp.operation.0,
                    sender: (arp.sender_mac, arp.sender_ipv4.into()),
                    target: (arp.target_mac, arp.target_ipv4.into()),
                }));
            }
            let length = arp.slice().len();
            (layers.payload, layers.trailer) = (&[], &layers.payload[length..]);
        }
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let expected = header.to_header().calc_header_checksum();
            let value = header.header_checksum();
            layers.net = Some(Net::V4(Ipv4 {
                source: header.source_addr(),
                destination: header.destination_addr(),
                header_length: header.slice().len(),
                total_length: header.total_len(),
                identification: header.identification(),
                dont_fragment: header.dont_fragment(),
                more_fragments: header.more_fragments(),
                fragment_offset: usize::from(header.fragments_offset().value()) * 8,
                ttl: header.ttl(),
                protocol: header.protocol().0,
                options: header.options().to_vec(),
                checksum: Checksum {
                    value,
                    verdict: if value == expected {
                        Verdict::Right
                    } else {
                        Verdict::Wrong { expected }
                    },
                },
            }));
            layers.payload = ip.payload().payload;
            layers.trailer = trailer(layers.payload);
            whole = !ip.payload().incomplete && !ip.payload().fragmented;
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            layers.net = Some(Net::V6(Ipv6 {
                source: header.source_addr(),
                destination: header.destination_addr(),
                payload_length: header.payload_length(),
                next_header: header.next_header().0,
                protocol: ip.payload().ip_number.0,
                hop_limit: header.hop_limit(),
                flow_label: header.flow_label().value(),
            }));
            layers.payload = ip.payload().payload;
            layers.trailer = trailer(layers.payload);
            whole = !ip.payload().incomplete && !ip.payload().fragmented;
        }
    }
    if let Some(ip_payload) = sliced.ip_payload()
        && ip_payload.incomplete
    {
        layers.stopped = Some("the IP header states more bytes than there are".to_owned());
    }
    let addresses = layers.addresses();
    match &sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            layers.payload = tcp.payload();
            let header_length = tcp.header_slice().len();
            let verdict = verdict(
                tcp.checksum(),
                tcp.slice(),
                whole,
                addresses,
                ip_number::TCP.0,
            );
            layers.transport = Some(Transport::Tcp(Tcp {
                source_port: tcp.source_port(),
                destination_port: tcp.destination_port(),
                seq: tcp.sequence_number(),
                ack: tcp.acknowledgment_number(),
                flags: Flags::from_bits(tcp.slice()[13]),
                header_length,
                window: tcp.window_size(),
                urgent: tcp.urgent_pointer(),
                options: tcp.options_iterator().map_while(Result::ok).collect(),
                checksum: Checksum {
                    value: tcp.checksum(),
                    verdict,
                },
            }));
        }
        Some(TransportSlice::Udp(udp)) => {
            let stated = usize::from(udp.length());
            let there = udp.slice().len();
            if stated > there || (stated < UdpHeader::LEN && stated != 0) {
                whole = false;
                layers.stopped.get_or_insert(format!(
                    "the UDP header states a length of {stated} bytes; there are {there}"
                ));
            }
            layers.payload = udp.payload();
            layers.transport = Some(Transport::Udp(Udp {
                source_port: udp.source_port(),
                destination_port: udp.destination_port(),
                length: udp.length(),
                checksum: Checksum {
                    value: udp.checksum(),
                    verdict: udp_verdict(udp, whole, addresses),
                },
            }));
        }
        Some(TransportSlice::Icmpv4(icmp)) => (layers.transport, layers.payload) = icmpv4(icmp),
        Some(TransportSlice::Icmpv6(icmp)) => (layers.transport, layers.payload) = icmpv6(icmp),
        Some(TransportSlice::Igmp(_)) | None => {}
    }
    if let Some((error, _)) = &sliced.stop_err {
        layers.stopped = Some(error.to_string());
    }
    layers
}

fn icmpv4<'a>(icmp: &Icmpv4Slice<'a>) -> (Option<Transport>, &'a [u8]) {
    (
        Some(Transport::Icmp {
            kind: icmp.type_u8(),
            code: icmp.code_u8(),
        }),
        &icmp.slice()[4..],
    )
}

fn icmpv6<'a>(icmp: &Icmpv6Slice<'a>) -> (Option<Transport>, &'a [u8]) {
    (
        Some(Transport::Icmp {
            kind: icmp.type_u8(),
            code: icmp.code_u8(),
        }),
        &icmp.slice()[4..],
    )
}

fn udp_verdict(udp: &UdpSlice<'_>, whole: bool, addresses: Option<(IpAddr, IpAddr)>) -> Verdict {
    if udp.checksum() == 0 && matches!(addresses, Some((IpAddr::V4(_), _))) {
        return Verdict::Absent;
    }
    verdict(
        udp.checksum(),
        udp.slice(),
        whole,
        addresses,
        ip_number::UDP.0,
    )
}

/// The verdict on a transport checksum, over the header and its data.
fn verdict(
    value: u16,
    bytes: &[u8],
    whole: bool,
    addresses: Option<(IpAddr, IpAddr)>,
    protocol: u8,
) -> Verdict {
    let Some((from, to)) = addresses.filter(|_| whole) else {
        return Verdict::Unverifiable;
    };
    let pseudo = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => Sum16BitWords::new()
            .add_4bytes(from.octets())
            .add_4bytes(to.octets()),
        (IpAddr::V6(from), IpAddr::V6(to)) => Sum16BitWords::new()
            .add_16bytes(from.octets())
            .add_16bytes(to.octets()),
        _ => return Verdict::Unverifiable,
    };
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let pseudo = pseudo
        .clone()
        .add_2bytes([0, protocol])
        .clone()
        .add_4bytes(length.to_be_bytes());
    // The field itself is taken out again: in one's complement, adding the complement subtracts.
    let expected = pseudo
        .clone()
        .add_slice(bytes)
        .add_2bytes((!value).to_be_bytes())
        .ones_complement()
        .to_be();
    // 0 and 0xffff are the same number in one's complement; UDP sends 0xffff, because 0 there says "none".
    let same = |a: u16, b: u16| a == b || (a == 0 || a == 0xffff) && (b == 0 || b == 0xffff);
    if same(value, expected) {
        Verdict::Right
    } else if value == !pseudo.ones_complement().to_be() {
        Verdict::Offloaded
    } else {
        Verdict::Wrong {
            expected: if expected == 0 && protocol == ip_number::UDP.0 {
                0xffff
            } else {
                expected
            },
        }
    }
}
