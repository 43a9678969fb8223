//! Which segments belong together.
use std::net::SocketAddr;

use crate::segment::Segment;

/// One connection of the list.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its two ends. The first one is the end that opened, as far as the list tells.
    pub ends: [SocketAddr; 2],
    /// Its segments, by their place in the list: 0 is the first one.
    pub segments: Vec<usize>,
}

/// Whether `segment` goes from one of these two ends to the other, in either direction.
pub fn is_between(segment: &Segment, ends: &[SocketAddr; 2]) -> bool {
    // write: "whether `segment` goes between these two ends"
    let pair = [segment.source, segment.destination];
    pair == *ends || pair == [ends[1], ends[0]]
    // end
}

/// Whether `segment` begins a new connection between two ends that have had one before.
///
/// `so_far` holds the segments of the latest connection between these two ends, in order; there is
/// at least one. Ports are used again, so the two ends alone do not tell:
///
/// - Only a SYN without ACK begins a connection.
/// - The same SYN once more, with the same sequence number from the same end, is a retransmission.
/// - The first thing that an end sends may be a SYN that crosses the other end's SYN: `so_far` holds
///   nothing from this end, and a SYN without ACK from the other. That is one connection.
/// - Every other SYN without ACK begins a new one.
pub fn begins_another(segment: &Segment, so_far: &[&Segment]) -> bool {
    // write: "whether `segment` begins a new connection"
    if !segment.flags.syn || segment.flags.ack {
        return false;
    }
    let mut own = so_far
        .iter()
        .filter(|earlier| earlier.source == segment.source)
        .peekable();
    if own.peek().is_none() {
        return false;
    }
    // A new connection gets a new initial sequence number (RFC 9293 §3.4.1): that is how a
    // retransmission and a reuse of the port are told apart.
    !own.any(|earlier| earlier.flags.syn && earlier.seq == segment.seq)
    // end
}

/// Given: sorts the list into connections, in the order of their first segments.
pub fn group(segments: &[Segment]) -> Vec<Connection> {
    let mut connections: Vec<Connection> = Vec::new();
    let mut contents: Vec<Vec<&Segment>> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let latest = connections
            .iter()
            .rposition(|connection| is_between(segment, &connection.ends));
        if let Some(latest) = latest.filter(|latest| !begins_another(segment, &contents[*latest])) {
            connections[latest].segments.push(index);
            contents[latest].push(segment);
            continue;
        }
        // A SYN,ACK answers the end that opened.
        let ends = if segment.flags.syn && segment.flags.ack {
            [segment.destination, segment.source]
        } else {
            [segment.source, segment.destination]
        };
        connections.push(Connection {
            ends,
            segments: vec![index],
        });
        contents.push(vec![segment]);
    }
    connections
}
