//! Given: the states, what is known of each end, and the order in which your functions are asked.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::fmt;
use std::net::SocketAddr;

use crate::connections::Connection;
use crate::segment::Segment;
use crate::sequence::{before, covers};
use crate::{close, open};

/// The states of RFC 9293 §3.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

impl State {
    /// Whether the handshake is behind this end and the connection not yet over.
    pub fn is_synchronized(self) -> bool {
        !matches!(
            self,
            State::Closed | State::Listen | State::SynSent | State::SynReceived | State::TimeWait
        )
    }

    /// Whether this end has finished with the connection.
    pub fn is_over(self) -> bool {
        matches!(self, State::Closed | State::TimeWait)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Closed => "CLOSED",
            State::Listen => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
        })
    }
}

/// What the segments so far tell of one end.
#[derive(Debug, Clone)]
pub struct End {
    pub addr: SocketAddr,
    /// Its state. [`State::Listen`] as long as it has sent nothing.
    pub state: State,
    /// The states it has been in after a segment, in order, each change once. Empty before the first segment.
    pub path: Vec<State>,
    /// The sequence number of its SYN, if the list shows one.
    pub syn: Option<u32>,
    /// The sequence number of its FIN, if the list shows one.
    pub fin: Option<u32>,
    /// One past the last sequence number it has sent, or is known to have sent.
    pub next: Option<u32>,
    /// The next sequence number it expects from the other end: all before has arrived, in order.
    pub expects: Option<u32>,
    /// What has arrived ahead of `expects`: first number, and one past the last.
    early: Vec<(u32, u32)>,
}

impl End {
    fn new(addr: SocketAddr) -> Self {
        End {
            addr,
            state: State::Listen,
            path: Vec::new(),
            syn: None,
            fin: None,
            next: None,
            expects: None,
            early: Vec::new(),
        }
    }

    /// Whether `segment`, which the other end sent, acknowledges this end's SYN.
    pub fn syn_is_covered_by(&self, segment: &Segment) -> bool {
        self.is_covered(self.syn, segment)
    }

    /// Whether `segment`, which the other end sent, acknowledges this end's FIN.
    pub fn fin_is_covered_by(&self, segment: &Segment) -> bool {
        self.is_covered(self.fin, segment)
    }

    fn is_covered(&self, number: Option<u32>, segment: &Segment) -> bool {
        let (Some(number), Some(next)) = (number, self.next) else {
            return false;
        };
        segment.flags.ack && covers(segment.ack, number, next)
    }

    /// Whether everything up to and including the FIN of `other` has arrived at this end, with no gap before it.
    pub fn has_got_the_fin_of(&self, other: &End) -> bool {
        other
            .fin
            .zip(self.expects)
            .is_some_and(|(fin, expects)| before(fin, expects))
    }

    /// Notes what this end sends.
    fn notes_sent(&mut self, segment: &Segment, other: &End) {
        if segment.flags.syn {
            self.syn.get_or_insert(segment.seq);
        }
        if segment.flags.fin {
            self.fin.get_or_insert(segment.next().wrapping_sub(1));
        }
        if self.next.is_none_or(|next| before(next, segment.next())) {
            self.next = Some(segment.next());
        }
        if segment.flags.ack
            && self
                .expects
                .is_none_or(|expects| before(expects, segment.ack))
        {
            // The end's own word is better evidence than what this list happens to show.
            self.expects = Some(segment.ack);
            self.catch_up();
        } else if self.expects.is_none() {
            // A SYN that crosses the other one: that one has arrived by now.
            self.expects = other.syn.map(|syn| syn.wrapping_add(1));
        }
    }

    /// Notes what arrives at this end.
    fn notes_arrived(&mut self, segment: &Segment) {
        if segment.flags.ack && self.next.is_none() {
            self.next = Some(segment.ack);
            // A SYN,ACK proves the SYN that it answers, even where the list begins after it.
            if segment.flags.syn {
                self.syn = Some(segment.ack.wrapping_sub(1));
            }
        }
        match (self.state, self.expects) {
            // The other end's numbers begin with its SYN, whatever came before.
            (State::SynSent, _) if segment.flags.syn => self.expects = Some(segment.seq),
            (State::SynSent, _) => return,
            // Whether a SYN meets anybody who listens only the answer tells.
            (State::Listen | State::Closed, None) if segment.flags.syn && !segment.flags.ack => {
                return;
            }
            (_, None) => self.expects = Some(segment.seq),
            _ => {}
        }
        self.early.push((segment.seq, segment.next()));
        self.catch_up();
    }

    /// What is left of it after a reset: nothing but its path.
    fn forgets(&mut self) {
        *self = End {
            path: std::mem::take(&mut self.path),
            state: State::Closed,
            ..End::new(self.addr)
        };
    }

    /// Moves `expects` over everything that has arrived without a gap.
    fn catch_up(&mut self) {
        let Some(mut expects) = self.expects else {
            return;
        };
        while let Some(place) = self
            .early
            .iter()
            .position(|(first, end)| !before(expects, *first) && before(expects, *end))
        {
            expects = self.early.swap_remove(place).1;
        }
        self.early.retain(|(first, _)| before(expects, *first));
        self.expects = Some(expects);
    }

    fn enters(&mut self, state: State) {
        self.state = state;
        if self.path.last() != Some(&state) {
            self.path.push(state);
        }
    }
}

/// A connection, followed segment by segment.
#[derive(Debug, Clone)]
pub struct Track {
    /// The ends, in the order of [`Connection::ends`].
    pub ends: [End; 2],
    /// The end whose reset was accepted while the connection was not yet over.
    pub reset_by: Option<SocketAddr>,
    /// Whether a later connection of the list lies between the same two ends.
    pub followed: bool,
}

/// What one segment did.
pub struct Step<'a> {
    /// Its place in the list.
    pub index: usize,
    pub segment: &'a Segment,
    /// The states of both ends after it.
    pub states: [State; 2],
}

impl Track {
    fn new(connection: &Connection, followed: bool) -> Self {
        Track {
            ends: connection.ends.map(End::new),
            reset_by: None,
            followed,
        }
    }

    /// Takes in the next segment.
    fn observe(&mut self, segment: &Segment, is_first: bool) {
        let [first, second] = &mut self.ends;
        let (sender, receiver) = if segment.source == first.addr {
            (first, second)
        } else {
            (second, first)
        };
        let was_orderly = sender.fin.is_some() && receiver.fin.is_some();
        if segment.flags.syn && was_orderly && sender.state.is_over() && receiver.state.is_over() {
            // An old SYN or SYN,ACK that turns up late: whoever sent it once has closed since.
        } else if segment.flags.rst {
            // Where the list begins with a reset nothing is known that could speak against it.
            if is_first || close::reset_is_acceptable(receiver, segment) {
                if !(sender.state.is_over() && receiver.state.is_over()) {
                    self.reset_by.get_or_insert(sender.addr);
                }
                receiver.forgets();
                // An end in SYN-SENT rejects with its reset what is no answer to its SYN; it still waits for one.
                if sender.state != State::SynSent {
                    sender.forgets();
                }
            }
        } else {
            if segment.flags.syn && !segment.flags.ack {
                // After a reset the opener may try once more, with the same SYN.
                self.reset_by = None;
            }
            // First what the sender does by sending, then what the receiver does when it arrives.
            sender.notes_sent(segment, receiver);
            sender.state = open::after_sending(sender, receiver, segment);
            // Without a FIN nobody closes, and your functions for it are not needed yet.
            if sender.fin.is_some() || receiver.fin.is_some() {
                sender.state = close::after_sending(sender, receiver, segment);
            }
            // A socket can be connected to itself: then both ends are one.
            let is_one = sender.addr == receiver.addr;
            if is_one {
                *receiver = sender.clone();
            }
            receiver.notes_arrived(segment);
            receiver.state = open::after_receiving(receiver, segment);
            if sender.fin.is_some() || receiver.fin.is_some() {
                receiver.state = close::after_receiving(receiver, sender, segment);
            }
            if is_one {
                *sender = receiver.clone();
            }
        }
        for end in &mut self.ends {
            end.enters(end.state);
        }
    }
}

/// Follows the connection with this number from its first segment to its last.
pub fn follow<'a>(
    segments: &'a [Segment],
    connections: &[Connection],
    number: usize,
) -> (Track, Vec<Step<'a>>) {
    let connection = &connections[number];
    let [a, b] = connection.ends;
    let followed = connections[number + 1..]
        .iter()
        .any(|later| later.ends == [a, b] || later.ends == [b, a]);
    let mut track = Track::new(connection, followed);
    let steps = connection
        .segments
        .iter()
        .enumerate()
        .map(|(place, &index)| {
            track.observe(&segments[index], place == 0);
            Step {
                index,
                segment: &segments[index],
                states: [track.ends[0].state, track.ends[1].state],
            }
        });
    let steps = steps.collect();
    (track, steps)
}
