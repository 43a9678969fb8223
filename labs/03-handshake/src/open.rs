//! How a connection opens: what SYN and SYN,ACK and the first ACK do to the state of each end.
//!
//! Both functions are asked about every segment that is no reset; first the sender's, then, as the
//! segment arrives, the receiver's. What they do not mention leaves the state as it is; `end.state`
//! is the state so far.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::segment::Segment;
use crate::states::{End, State};

/// The state of `end` after it has sent `segment`; `other` is the end it sends to.
///
/// - A SYN without ACK, from CLOSED or LISTEN: SYN-SENT. But if `other` is in SYN-SENT already, the
///   two SYNs cross: the other one has arrived too, and the state is SYN-RECEIVED.
/// - A SYN,ACK, from CLOSED, LISTEN or SYN-SENT: SYN-RECEIVED.
/// - No SYN, from LISTEN or SYN-SENT: ESTABLISHED. An end speaks like this only when its connection
///   is open: the list does not show how it came to be.
pub fn after_sending(end: &End, other: &End, segment: &Segment) -> State {
    todo!("the state of `end` after it has sent `segment`")
}

/// The state of `end` after `segment` has arrived at it. Whether it covers the end's SYN says
/// `end.syn_is_covered_by(segment)`.
///
/// - In SYN-SENT, a SYN,ACK that covers the end's SYN: ESTABLISHED. A SYN without ACK: SYN-RECEIVED.
/// - In SYN-RECEIVED, a segment that covers the end's SYN: ESTABLISHED.
/// - In LISTEN, a SYN without ACK changes nothing: only the answer tells whether anybody listens.
///   Anything else in LISTEN comes from the middle of a connection: ESTABLISHED.
/// - In CLOSED, a SYN without ACK: LISTEN. The end may be listening again.
pub fn after_receiving(end: &End, segment: &Segment) -> State {
    todo!("the state of `end` after `segment` has arrived")
}
