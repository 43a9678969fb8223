//! How a connection opened and closed, told from the path that each end took through the states.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;
use std::net::SocketAddr;

use crate::states::{End, State, Track};

/// How a connection opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// SYN, SYN,ACK, ACK.
    ThreeWay,
    /// Both ends sent a SYN before they had the other's.
    Simultaneous,
    /// The SYN was answered with a reset.
    Refused,
    /// The list begins in the middle of the connection.
    AlreadyOpen,
    /// A SYN, and no connection came of it.
    Unfinished,
}

/// How a connection closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The first FIN was acknowledged before the second one came.
    FourWay,
    /// The second FIN brought the acknowledgment of the first.
    ThreePacket,
    /// The two FINs crossed.
    Simultaneous,
    /// One end reset it.
    Reset,
    /// One end has lost the connection and the other does not know (RFC 9293 §3.5.1).
    HalfOpen,
    /// At least one FIN, but the close was not finished when the list ended.
    Unfinished,
    /// Nobody has closed it.
    StillOpen,
    /// There was nothing to close.
    NeverOpen,
}

/// How the connection opened; `end.path` holds the states that an end has been in, in order.
///
/// 1. Neither end has been in SYN-SENT or SYN-RECEIVED: [`Opened::AlreadyOpen`].
/// 2. One end at least has never been synchronized ([`State::is_synchronized`]), so it did not open.
///    If an end went from SYN-SENT to CLOSED in one step, it was [`Opened::Refused`], otherwise it is
///    [`Opened::Unfinished`].
/// 3. Both ends have been in SYN-RECEIVED: [`Opened::Simultaneous`]. Otherwise [`Opened::ThreeWay`].
pub fn opened(track: &Track) -> Opened {
    todo!("how the connection opened")
}

/// How the connection closed. The first rule that fits counts:
///
/// 1. `opened` is [`Opened::Refused`]: [`Closed::NeverOpen`].
/// 2. `track.reset_by` names an end: [`Closed::Reset`].
/// 3. Both ends are over now ([`State::is_over`]): look at the end, or the ends, that came to
///    TIME-WAIT, and by which way. By CLOSING: [`Closed::Simultaneous`]. By FIN-WAIT-2:
///    [`Closed::FourWay`]. From FIN-WAIT-1 directly: [`Closed::ThreePacket`].
/// 4. One end is synchronized now, and the other is in SYN-SENT, or a later connection between the
///    same two ends follows (`track.followed`): [`Closed::HalfOpen`].
/// 5. `opened` is [`Opened::Unfinished`]: [`Closed::NeverOpen`].
/// 6. An end has sent a FIN: [`Closed::Unfinished`]. Otherwise [`Closed::StillOpen`].
pub fn closed(track: &Track, opened: Opened) -> Closed {
    todo!("how the connection closed")
}

/// The ends that came to TIME-WAIT, in the order of `track.ends`: none, one or both.
pub fn held_time_wait(track: &Track) -> Vec<SocketAddr> {
    todo!("the ends that came to TIME-WAIT")
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Opened::ThreeWay => "three-way",
            Opened::Simultaneous => "simultaneous",
            Opened::Refused => "refused",
            Opened::AlreadyOpen => "already open",
            Opened::Unfinished => "unfinished",
        })
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Closed::FourWay => "four-way",
            Closed::ThreePacket => "three-packet",
            Closed::Simultaneous => "simultaneous",
            Closed::Reset => "reset",
            Closed::HalfOpen => "half-open",
            Closed::Unfinished => "unfinished",
            Closed::StillOpen => "still open",
            Closed::NeverOpen => "never open",
        })
    }
}
