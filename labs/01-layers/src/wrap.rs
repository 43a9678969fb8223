//! The way back: from a payload outwards to a frame.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
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
    todo!("the datagram, its checksum included")
}

/// Bonus: a TCP header (the table in `tcp.rs`) of 20 bytes and `payload`: sequence and
/// acknowledgment number 1, PSH and ACK set, window 65535, urgent pointer 0.
pub fn tcp_segment(source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    todo!("the segment, its checksum included")
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
    todo!("the packet, its header's checksum included")
}

/// An Ethernet header from [`SOURCE`] to [`DESTINATION`], `packet`, and zero bytes up to
/// [`SMALLEST_FRAME`] where the frame would be shorter.
pub fn ethernet_frame(packet: &[u8]) -> Vec<u8> {
    todo!("the frame, filled up where it is short")
}
