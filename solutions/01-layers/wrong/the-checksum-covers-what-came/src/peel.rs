//! Peeling: every header says whose bytes come next, and how many of them belong to it.
use crate::checksum::{self, Addresses, Checked};
use crate::layer::Layer;
use crate::piece::{Fault, Piece};
use crate::{ethernet, ipv4, tcp, udp};
// only:
use crate::ipv6;
// end

/// The layers that have been found so far, from the outermost inwards.
type Layers<'a> = Vec<Layer<'a>>;

/// The layers of `frame`, from the outermost inwards; the last one is a [`Layer::Fault`] when
/// peeling had to stop.
pub fn peel(frame: Piece) -> Layers {
    let mut layers = Vec::new();
    if let Err(fault) = peel_ethernet(frame, &mut layers) {
        layers.push(Layer::Fault(fault));
    }
    layers
}

/// Pushes the Ethernet header, then what is inside: an IPv4 packet where the ethertype says so (see
/// [`peel_ipv4`]), else a [`Layer::Payload`] of all that follows the header.
///
/// Bonus: an IPv6 packet too. Its header, then UDP or TCP (see [`peel_transport`]) or a payload,
/// then padding, all as for IPv4.
fn peel_ethernet<'a>(frame: Piece<'a>, layers: &mut Layers<'a>) -> Result<(), Fault> {
    let header = ethernet::parse(frame)?;
    let inside = frame.after(ethernet::HEADER);
    layers.push(Layer::Ethernet(header.clone()));
    // write: "push what is inside the frame"
    match header.ethertype {
        ethernet::IPV4 => peel_ipv4(inside, layers),
        ethernet::IPV6 => peel_ipv6(inside, layers),
        // ARP, a VLAN tag, a length of IEEE 802.3: carried, but not ours to read.
        _ => {
            layers.push(Layer::Payload(inside));
            Ok(())
        }
    }
    // end
}

/// Pushes the IPv4 header, then what is inside, then the padding.
///
/// - `packet` is all that the frame has after its Ethernet header. The IPv4 packet ends where its
///   total length says; what the frame has beyond that is [`Layer::Padding`] (nothing when it is
///   0 bytes).
/// - What is inside begins after the header, options included.
/// - Protocols UDP and TCP go to [`peel_transport`]; every other one is a [`Layer::Payload`].
/// - A fragment is a payload too, whatever its protocol: one with more fragments to come, or with
///   an offset other than 0.
fn peel_ipv4<'a>(packet: Piece<'a>, layers: &mut Layers<'a>) -> Result<(), Fault> {
    let header = ipv4::parse(packet)?;
    layers.push(Layer::Ipv4(header.clone()));
    // write: "push what is inside the packet, then the padding"
    // The end first, then the beginning: after this nothing can mistake padding for payload.
    let inside = packet
        .first(header.total_length)
        .after(header.header_length);
    let padding = packet.after(header.total_length).length;
    let addresses = Addresses::V4(header.source, header.destination);
    let is_fragment = header.more_fragments || header.fragment_offset > 0;

    // Only the first fragment holds ports, and not even that one all that its length and checksum
    // speak of: the transport layer's header means something only once all are put together.
    if is_fragment {
        layers.push(Layer::Payload(inside));
    } else {
        peel_transport(addresses, header.protocol, inside, layers)?;
    }
    if padding > 0 {
        layers.push(Layer::Padding(padding));
    }
    Ok(())
    // end
}

/// Pushes the UDP or TCP header that `segment` begins with, and its payload, be it empty; or, when
/// `protocol` is neither, all of `segment` as a payload.
///
/// - A UDP payload ends where UDP's length says, a TCP payload where `segment` does.
/// - What a checksum is worth says [`checksum::judge`]; but a UDP checksum of zero over IPv4 is
///   [`Checked::Absent`]. UDP's covers as many bytes as its length says, TCP's all of `segment`.
fn peel_transport<'a>(
    addresses: Addresses,
    protocol: u8,
    segment: Piece<'a>,
    layers: &mut Layers<'a>,
) -> Result<(), Fault> {
    // write: "push the header and the payload, or a payload alone"
    match protocol {
        ipv4::UDP => {
            let header = udp::parse(segment)?;
            let datagram = segment.first(header.length);
            // Over IPv6, whose header has no checksum of its own, UDP may not leave its out.
            let checked = match (addresses, header.checksum) {
                (Addresses::V4(..), 0) => Checked::Absent,
                _ => checksum::judge(addresses, protocol, segment, header.checksum),
            };
            layers.push(Layer::Udp(header, checked));
            layers.push(Layer::Payload(datagram.after(udp::HEADER)));
        }
        ipv4::TCP => {
            let header = tcp::parse(segment)?;
            let checked = checksum::judge(addresses, protocol, segment, header.checksum);
            let payload = segment.after(header.header_length);
            layers.push(Layer::Tcp(header, checked));
            layers.push(Layer::Payload(payload));
        }
        _ => layers.push(Layer::Payload(segment)),
    }
    Ok(())
    // end
}

// only:
fn peel_ipv6<'a>(packet: Piece<'a>, layers: &mut Layers<'a>) -> Result<(), Fault> {
    let header = ipv6::parse(packet)?;
    let inside = packet.after(ipv6::HEADER).first(header.payload_length);
    let padding = packet.after(ipv6::HEADER + header.payload_length).length;
    let protocol = header.next_header;
    let addresses = Addresses::V6(header.source, header.destination);
    layers.push(Layer::Ipv6(header));
    peel_transport(addresses, protocol, inside, layers)?;
    if padding > 0 {
        layers.push(Layer::Padding(padding));
    }
    Ok(())
}
// end
