//! Peeling: every header says whose bytes come next, and how many of them belong to it.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::checksum::{self, Addresses, Checked};
use crate::layer::Layer;
use crate::piece::{Fault, Piece};
use crate::{ethernet, ipv4, tcp, udp};

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
    todo!("push what is inside the frame")
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
    todo!("push what is inside the packet, then the padding")
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
    todo!("push the header and the payload, or a payload alone")
}
