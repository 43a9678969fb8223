//! Bonus: the segments of a capture file. What chapter 1 taught you to peel, put to use: copy your
//! modules' functions into this file, or write the few lines that are needed anew.
use std::net::SocketAddr;

use crate::segment::{Flags, Segment};

/// Whether `bytes` begin with the magic number of a classic pcap file, in either byte order, with
/// times in micro- or nanoseconds.
pub fn is_capture(bytes: &[u8]) -> bool {
    let magic: Option<[u8; 4]> = bytes.get(..4).and_then(|magic| magic.try_into().ok());
    magic.is_some_and(|magic| {
        let known = |number| matches!(number, 0xa1b2_c3d4_u32 | 0xa1b2_3c4d);
        known(u32::from_be_bytes(magic)) || known(u32::from_le_bytes(magic))
    })
}

/// The TCP segments of a classic pcap file of link type Ethernet (1), in their order.
///
/// - `is_capture(bytes)` is true: the magic number tells the byte order of the file's own numbers,
///   and whether the fraction of a time counts micro- or nanoseconds.
/// - What is not TCP over IPv4 or IPv6 (without extension headers), a fragment, or a packet of whose
///   TCP header the capture holds fewer than 20 bytes, is left out. Cut options do no harm.
/// - `len` comes from the IP header's length, not from the number of bytes captured: an Ethernet
///   frame may end in padding, and a capture may have cut it.
/// - `time` is the time since the first packet of the file, TCP or not, in seconds with six decimals
///   (rounded down). A packet that is earlier than the first one gets `0.000000`.
///
/// # Errors
/// One sentence: the link type is not Ethernet; or the file ends within its header or within a packet, which
/// the sentence says with the word `ends`.
pub fn segments(bytes: &[u8]) -> Result<Vec<Segment>, String> {
    // write: "the TCP segments of the file, or what is wrong with it"
    // RFC-draft-ietf-opsawg-pcap: magic, version, two unused words, snapshot length, link type.
    let is_big = bytes.starts_with(&[0xa1, 0xb2]);
    let word = |at: usize| -> Option<u32> {
        let four = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if is_big {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        })
    };
    let per_second: u128 = if word(0) == Some(0xa1b2_3c4d) {
        1_000_000_000
    } else {
        1_000_000
    };
    let link = word(20).ok_or("the file ends within its header of 24 bytes")?;
    // The upper half of the word may say that frames end in a checksum.
    if link & 0xffff != 1 {
        return Err(format!(
            "link type {}: only Ethernet, 1, is read",
            link & 0xffff
        ));
    }
    let mut segments = Vec::new();
    let (mut at, mut first) = (24, None);
    while at < bytes.len() {
        let cut = || format!("the file ends within the packet that begins at byte {at}");
        let (seconds, fraction) = word(at).zip(word(at + 4)).ok_or_else(cut)?;
        let captured = word(at + 8)
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(cut)?;
        let frame = (at + 16)
            .checked_add(captured)
            .and_then(|end| bytes.get(at + 16..end))
            .ok_or_else(cut)?;
        let ticks = u128::from(seconds) * per_second + u128::from(fraction);
        let micros = ticks.saturating_sub(*first.get_or_insert(ticks)) * 1_000_000 / per_second;
        if let Some(segment) = peel(frame) {
            let time = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
            segments.push(Segment {
                time: Some(time),
                ..segment
            });
        }
        at += 16 + captured;
    }
    Ok(segments)
    // end
}

// only:
/// The segment in an Ethernet frame, without its time.
fn peel(frame: &[u8]) -> Option<Segment> {
    let packet = frame.get(14..)?;
    let number = |at: usize| Some(u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?));
    // Source, destination, where TCP begins, where the packet ends by its own word.
    let (source, destination, start, end) =
        match u16::from_be_bytes(frame.get(12..14)?.try_into().ok()?) {
            0x0800 => {
                let header = 20;
                let is_fragment = number(6)? & 0x3fff != 0;
                if packet[0] >> 4 != 4 || is_fragment || *packet.get(9)? != 6 {
                    return None;
                }
                let [source, destination] =
                    [12, 16].map(|at| <[u8; 4]>::try_from(packet.get(at..at + 4)?).ok());
                (
                    source?.into(),
                    destination?.into(),
                    header,
                    usize::from(number(2)?),
                )
            }
            0x86dd => {
                if packet.first()? >> 4 != 6 || *packet.get(6)? != 6 {
                    return None;
                }
                let [source, destination] =
                    [8, 24].map(|at| <[u8; 16]>::try_from(packet.get(at..at + 16)?).ok());
                (
                    source?.into(),
                    destination?.into(),
                    40,
                    40 + usize::from(number(4)?),
                )
            }
            _ => return None,
        };
    let header = usize::from(packet.get(start + 12)? >> 4) * 4;
    if header < 20 || packet.len() < start + 20 {
        return None;
    }
    let len = u32::try_from(end.checked_sub(start + header)?).ok()?;
    let long = |at: usize| Some(u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?));
    let bits = packet[start + 13];
    let flags = Flags {
        fin: bits & 0x01 != 0,
        syn: bits & 0x02 != 0,
        rst: bits & 0x04 != 0,
        psh: bits & 0x08 != 0,
        ack: bits & 0x10 != 0,
        urg: bits & 0x20 != 0,
        ece: bits & 0x40 != 0,
        cwr: bits & 0x80 != 0,
    };
    Some(Segment {
        time: None,
        source: SocketAddr::new(source, number(start)?),
        destination: SocketAddr::new(destination, number(start + 2)?),
        flags,
        seq: long(start + 4)?,
        ack: if flags.ack { long(start + 8)? } else { 0 },
        len,
    })
}
// end
