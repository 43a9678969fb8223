//! How an end leaves: by a FIN, or by a reset.
//!
//! The two functions for FIN are asked about every segment that is no reset, as soon as one end of
//! the connection has sent a FIN: first the sender's, then, as the segment arrives, the receiver's.
//! What they do not mention leaves the state as it is.
use crate::segment::Segment;
use crate::states::{End, State};

/// The state of `end` after it has sent `segment`; `other` is the end it sends to.
///
/// - It may be that this segment is the first to show that the FIN of `other` has arrived here
///   (`end.has_got_the_fin_of(other)`): then the rules for arrival in [`after_receiving`] come first.
/// - A FIN, from SYN-RECEIVED or ESTABLISHED: FIN-WAIT-1.
/// - A FIN, from CLOSE-WAIT: LAST-ACK, if the segment covers the FIN of `other`
///   (`other.fin_is_covered_by(segment)`). If it does not, the two FINs crossed: this one was sent
///   before the other came, and the state is CLOSING.
pub fn after_sending(end: &End, other: &End, segment: &Segment) -> State {
    // write: "the state of `end` after it has sent `segment`"
    let state = after_arrival(end, other, end.state);
    match state {
        State::SynReceived | State::Established if segment.flags.fin => State::FinWait1,
        // Whoever has seen the other FIN acknowledges it from then on in every segment.
        State::CloseWait if segment.flags.fin && other.fin_is_covered_by(segment) => State::LastAck,
        State::CloseWait if segment.flags.fin => State::Closing,
        state => state,
    }
    // end
}

/// The state of `end` after `segment`, sent by `other`, has arrived at it. Two things can have
/// happened, and both in one segment; the acknowledgment comes first.
///
/// If the segment covers the FIN of `end` (`end.fin_is_covered_by(segment)`):
/// - FIN-WAIT-1 becomes FIN-WAIT-2,
/// - CLOSING becomes TIME-WAIT,
/// - LAST-ACK becomes CLOSED.
///
/// If the FIN of `other` has arrived, and all data before it (`end.has_got_the_fin_of(other)`):
/// - SYN-RECEIVED and ESTABLISHED become CLOSE-WAIT,
/// - FIN-WAIT-1 becomes CLOSING,
/// - FIN-WAIT-2 becomes TIME-WAIT.
pub fn after_receiving(end: &End, other: &End, segment: &Segment) -> State {
    // write: "the state of `end` after `segment` has arrived"
    let mut state = end.state;
    // An ACK that comes after a FIN need not acknowledge it: only the number tells.
    if end.fin_is_covered_by(segment) {
        state = match state {
            State::FinWait1 => State::FinWait2,
            State::Closing => State::TimeWait,
            State::LastAck => State::Closed,
            state => state,
        };
    }
    after_arrival(end, other, state)
    // end
}

/// Whether an end accepts `segment`, which has RST set: an accepted reset ends the connection at once.
///
/// - In LISTEN and in CLOSED there is nothing to reset: no.
/// - In SYN-SENT: only if the segment covers the end's SYN (`end.syn_is_covered_by(segment)`). A
///   refusal is an answer, and says to what.
/// - In every other state: only if its sequence number is exactly the next that `end` expects
///   (`end.expects`; RFC 9293 §3.10.7.4). Anyone can send a RST with two right addresses; this number he must know.
pub fn reset_is_acceptable(end: &End, segment: &Segment) -> bool {
    // write: "whether `end` accepts this reset"
    match end.state {
        State::Listen | State::Closed => false,
        State::SynSent => end.syn_is_covered_by(segment),
        State::SynReceived => true,
        _ => end.expects == Some(segment.seq),
    }
    // end
}

// only:
/// `state`, or what becomes of it if the FIN of `other` has arrived at `end`.
fn after_arrival(end: &End, other: &End, state: State) -> State {
    if !end.has_got_the_fin_of(other) {
        return state;
    }
    match state {
        State::SynReceived | State::Established => State::CloseWait,
        State::FinWait1 => State::Closing,
        State::FinWait2 => State::TimeWait,
        state => state,
    }
}
// end
