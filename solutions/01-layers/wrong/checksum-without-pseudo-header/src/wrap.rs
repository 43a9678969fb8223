//! The way back: from a payload outwards to a frame.
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::piece::Fault;
use crate::{checksum, ethernet, ipv4};

/// An Ethernet frame carries at most so many bytes after its header.
pub const LARGEST_PACKET: usize = 1500;
/// An Ethernet frame has at least so many bytes; a card adds four more, its check sequence.
pub const SMALLEST_FRAME: usize = 60;
/// The Ethernet address that frames are sent from.
pub const SOURCE: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
/// The Ethernet address that frames are sent to.
pub const DESTINATION: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];

/// Given: `payload` in a UDP datagram in an IPv4 packet in an Ethernet frame.
///
/// # Errors
/// [`Fault::Invalid`] when the packet would be larger than [`LARGEST_PACKET`].
pub fn udp(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    payload: &[u8],
) -> Result<Vec<u8>, Fault> {
    fits("udp", payload, LARGEST_PACKET - ipv4::SHORTEST_HEADER - 8)?;
    let datagram = udp_datagram(source, destination, payload);
    let packet = ipv4_packet(*source.ip(), *destination.ip(), ipv4::UDP, &datagram);
    Ok(ethernet_frame(&packet))
}

/// Given: the same for one TCP segment.
///
/// # Errors
/// [`Fault::Invalid`] when the packet would be larger than [`LARGEST_PACKET`].
pub fn tcp(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    payload: &[u8],
) -> Result<Vec<u8>, Fault> {
    fits("tcp", payload, LARGEST_PACKET - ipv4::SHORTEST_HEADER - 20)?;
    let segment = tcp_segment(source, destination, payload);
    let packet = ipv4_packet(*source.ip(), *destination.ip(), ipv4::TCP, &segment);
    Ok(ethernet_frame(&packet))
}

/// Given: refuses a payload that would need more than one frame.
fn fits(layer: &'static str, payload: &[u8], limit: usize) -> Result<(), Fault> {
    if payload.len() > limit {
        let problem = format!(
            "a payload of {} bytes; one Ethernet frame has room for {limit}",
            payload.len()
        );
        return Err(Fault::invalid(layer, problem));
    }
    Ok(())
}

/// A UDP header (the table in `udp.rs`) and `payload`.
///
/// The checksum covers the pseudo-header, this header with a checksum of zero, and the payload. One
/// that comes out as 0x0000 is sent as 0xffff, because zero means "none" (RFC 768).
pub fn udp_datagram(source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    // write: "the datagram, its checksum included"
    let length = (8 + payload.len()) as u16;
    let mut datagram = Vec::new();
    datagram.extend_from_slice(&source.port().to_be_bytes());
    datagram.extend_from_slice(&destination.port().to_be_bytes());
    datagram.extend_from_slice(&length.to_be_bytes());
    datagram.extend_from_slice(&[0, 0]);
    datagram.extend_from_slice(payload);
    let mut checksum = transport_checksum(source, destination, ipv4::UDP, &datagram);
    // Both are zero in ones' complement, so that the receiver's sum comes out the same.
    if checksum == 0 {
        checksum = 0xffff;
    }
    datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
    datagram
    // end
}

/// Bonus: a TCP header (the table in `tcp.rs`) of 20 bytes and `payload`: sequence and
/// acknowledgment number 1, PSH and ACK set, window 65535, urgent pointer 0.
pub fn tcp_segment(source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    // write: "the segment, its checksum included"
    let mut segment = Vec::new();
    segment.extend_from_slice(&source.port().to_be_bytes());
    segment.extend_from_slice(&destination.port().to_be_bytes());
    segment.extend_from_slice(&1_u32.to_be_bytes());
    segment.extend_from_slice(&1_u32.to_be_bytes());
    // Five units of four bytes; PSH is 0x08 and ACK 0x10.
    segment.extend_from_slice(&[5 << 4, 0x18]);
    segment.extend_from_slice(&u16::MAX.to_be_bytes());
    segment.extend_from_slice(&[0, 0, 0, 0]);
    segment.extend_from_slice(payload);
    let checksum = transport_checksum(source, destination, ipv4::TCP, &segment);
    segment[16..18].copy_from_slice(&checksum.to_be_bytes());
    segment
    // end
}

/// An IPv4 header (the table in `ipv4.rs`) of 20 bytes and `inside`: type of service and
/// identification 0, don't fragment set, time to live 64.
///
/// The checksum covers the header alone, with a checksum of zero.
pub fn ipv4_packet(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    inside: &[u8],
) -> Vec<u8> {
    // write: "the packet, its header's checksum included"
    let total_length = (ipv4::SHORTEST_HEADER + inside.len()) as u16;
    let mut packet = vec![4 << 4 | 5, 0];
    packet.extend_from_slice(&total_length.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0x40, 0, 64, protocol, 0, 0]);
    packet.extend_from_slice(&source.octets());
    packet.extend_from_slice(&destination.octets());
    // Routers change the time to live, so every one of them computes this checksum anew. That is
    // why it covers no more than the header.
    let checksum = !checksum::sum(&packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend_from_slice(inside);
    packet
    // end
}

/// An Ethernet header from [`SOURCE`] to [`DESTINATION`], `packet`, and zero bytes up to
/// [`SMALLEST_FRAME`] where the frame would be shorter.
pub fn ethernet_frame(packet: &[u8]) -> Vec<u8> {
    // write: "the frame, filled up where it is short"
    let mut frame = Vec::new();
    frame.extend_from_slice(&DESTINATION);
    frame.extend_from_slice(&SOURCE);
    frame.extend_from_slice(&ethernet::IPV4.to_be_bytes());
    frame.extend_from_slice(packet);
    if frame.len() < SMALLEST_FRAME {
        frame.resize(SMALLEST_FRAME, 0);
    }
    frame
    // end
}

// only:
/// The checksum of a datagram or segment whose checksum field is zero.
fn transport_checksum(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    protocol: u8,
    segment: &[u8],
) -> u16 {
    !checksum::sum(segment)
}
// end
