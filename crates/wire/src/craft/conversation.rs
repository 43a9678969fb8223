use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use super::{CLIENT_MAC, CraftError, Flags, Frame, SERVER_MAC, Segment, TcpOption};
use crate::capture::{Capture, Packet};

/// When every crafted conversation begins: 2026-01-01T00:00:00Z, since 1970.
pub const START: Duration = Duration::from_secs(1_767_225_600);

/// The time between two segments, unless [`Conversation::wait`] adds to it.
const STEP: Duration = Duration::from_micros(100);

/// TCP conversations, written down segment by segment as a capture would show them.
///
/// Every [`End`] keeps its numbers: what it sends next, and what it has received. A segment arrives at once,
/// unless it was sent inside [`Conversation::crossing`] or [`Conversation::lost`].
///
/// ```no_run
/// # use wire::craft::Conversation;
/// let talk = Conversation::new();
/// let (client, server) = talk.connection("10.0.0.1:40000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
/// client.open(&server);
/// client.data(b"hello");
/// server.ack();
/// talk.crossing(|| { client.fin(); server.fin(); });
/// talk.crossing(|| { client.ack(); server.ack(); });
/// let capture = talk.capture().unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Conversation {
    shared: Rc<RefCell<Shared>>,
}

/// Both ends of one connection: the client's, then the server's.
pub type Connection = (End, End);

#[derive(Default)]
struct Shared {
    elapsed: Duration,
    sent: Vec<Sent>,
    ends: Vec<State>,
    /// Segments under way: (receiver, segment).
    under_way: Vec<(usize, Segment)>,
    manner: Manner,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Manner {
    #[default]
    Arriving,
    Crossing,
    Lost,
    Unseen,
}

/// What one end knows (RFC 9293 §3.3.1).
struct State {
    addr: SocketAddr,
    is_client: bool,
    initial: u32,
    send_next: u32,
    receive_next: Option<u32>,
    /// Received ahead of `receive_next`: (sequence number, length).
    ahead: Vec<(u32, u32)>,
    last_received: Option<Segment>,
    window: u16,
    syn_options: Vec<TcpOption>,
}

/// One segment of a conversation, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When, since 1970-01-01T00:00:00Z.
    pub time: Duration,
    /// From where.
    pub from: SocketAddr,
    /// To where.
    pub to: SocketAddr,
    /// What.
    pub segment: Segment,
    is_client: bool,
}

impl Sent {
    /// The segment in a frame, still to be damaged or padded.
    pub fn frame(&self) -> Frame {
        let (from, to) = if self.is_client {
            (CLIENT_MAC, SERVER_MAC)
        } else {
            (SERVER_MAC, CLIENT_MAC)
        };
        Frame::tcp(self.from, self.to, self.segment.clone()).macs(from, to)
    }
}

/// A segment that has its place in the sequence space, but is not on the wire yet: [`End::release`] sends it.
#[derive(Clone, Debug)]
#[must_use = "it is not sent before End::release"]
pub struct Held(Segment);

/// One end of a connection. A copy is the same end.
#[derive(Clone)]
pub struct End {
    shared: Rc<RefCell<Shared>>,
    this: usize,
    peer: usize,
}

impl Conversation {
    /// Nothing sent yet.
    pub fn new() -> Conversation {
        Conversation::default()
    }

    /// The two ends of a connection that is still closed; the first is the client's.
    ///
    /// Initial sequence numbers differ from one end to the next, and are the same in every run;
    /// [`End::initial`] sets others.
    pub fn connection(&self, client: SocketAddr, server: SocketAddr) -> Connection {
        let mut shared = self.shared.borrow_mut();
        let first = shared.ends.len();
        for (index, addr) in [(first, client), (first + 1, server)] {
            // Far apart, and not round, so that a mistaken number shows.
            let initial = 1_000_003_u32
                .wrapping_mul(2 * index as u32 + 1)
                .wrapping_add(271_828);
            shared.ends.push(State {
                addr,
                is_client: index == first,
                initial,
                send_next: initial,
                receive_next: None,
                ahead: Vec::new(),
                last_received: None,
                window: 65_535,
                syn_options: vec![TcpOption::MaximumSegmentSize(1_460)],
            });
        }
        let end = |this, peer| End {
            shared: Rc::clone(&self.shared),
            this,
            peer,
        };
        (end(first, first + 1), end(first + 1, first))
    }

    /// Lets time pass before the next segment.
    pub fn wait(&self, time: Duration) {
        self.shared.borrow_mut().elapsed += time;
    }

    /// What is sent in here is on its way together: nothing of it arrives before all of it has been sent.
    /// Simultaneous opens and closes are made with it.
    pub fn crossing<T>(&self, send: impl FnOnce() -> T) -> T {
        let result = self.in_manner(Manner::Crossing, send);
        let under_way = std::mem::take(&mut self.shared.borrow_mut().under_way);
        for (receiver, segment) in under_way {
            self.shared.borrow_mut().ends[receiver].receive(segment);
        }
        result
    }

    /// What is sent in here is captured, but gets lost behind the place where the capture was made.
    pub fn lost<T>(&self, send: impl FnOnce() -> T) -> T {
        self.in_manner(Manner::Lost, send)
    }

    /// What is sent in here arrives, but is not in the capture: it was before the capture began, or the capture
    /// missed it.
    pub fn unseen<T>(&self, send: impl FnOnce() -> T) -> T {
        self.in_manner(Manner::Unseen, send)
    }

    /// The segments so far, in the order in which they were sent.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.borrow().sent.clone()
    }

    /// The conversation as a capture of Ethernet frames.
    ///
    /// # Errors
    /// The two ends' addresses are of different families, or a segment is too long for one packet.
    pub fn capture(&self) -> Result<Capture, CraftError> {
        let packet = |sent: &Sent| Ok(Packet::new(sent.time, sent.frame().bytes()?));
        Ok(Capture::new(
            self.shared
                .borrow()
                .sent
                .iter()
                .map(packet)
                .collect::<Result<_, _>>()?,
        ))
    }

    fn in_manner<T>(&self, manner: Manner, send: impl FnOnce() -> T) -> T {
        let before = std::mem::replace(&mut self.shared.borrow_mut().manner, manner);
        let result = send();
        self.shared.borrow_mut().manner = before;
        result
    }
}

impl State {
    fn receive(&mut self, segment: Segment) {
        let length = segment.len();
        if segment.flags.contains(Flags::SYN) && self.receive_next.is_none() {
            self.receive_next = Some(segment.seq);
        }
        if let Some(next) = &mut self.receive_next
            && length > 0
        {
            self.ahead.push((segment.seq, length));
            // Whatever begins at or before what is expected, and ends after it, takes the expectation further.
            while let Some(found) = self.ahead.iter().position(|(seq, length)| {
                let behind = next.wrapping_sub(*seq);
                behind < 1 << 31 && behind < *length
            }) {
                let (seq, length) = self.ahead.swap_remove(found);
                *next = seq.wrapping_add(length);
            }
        }
        self.last_received = Some(segment);
    }
}

impl End {
    /// Its address.
    pub fn addr(&self) -> SocketAddr {
        self.shared.borrow().ends[self.this].addr
    }

    /// The sequence number of the next new byte it sends.
    pub fn send_next(&self) -> u32 {
        self.shared.borrow().ends[self.this].send_next
    }

    /// The sequence number it expects next, once it has received a SYN.
    pub fn receive_next(&self) -> Option<u32> {
        self.shared.borrow().ends[self.this].receive_next
    }

    /// Sets its initial sequence number; before its SYN only.
    pub fn initial(&self, seq: u32) {
        let state = &mut self.shared.borrow_mut().ends[self.this];
        state.initial = seq;
        state.send_next = seq;
    }

    /// The window it offers from now on, in bytes.
    pub fn window(&self, window: u16) {
        self.shared.borrow_mut().ends[self.this].window = window;
    }

    /// The options of its SYN; otherwise a maximum segment size of 1,460.
    pub fn syn_options(&self, options: &[TcpOption]) {
        self.shared.borrow_mut().ends[self.this].syn_options = options.to_vec();
    }

    /// The whole three-way handshake, this end being the one that connects.
    pub fn open(&self, server: &End) {
        self.syn();
        server.syn_ack();
        self.ack();
    }

    /// SYN.
    pub fn syn(&self) -> Sent {
        let segment = self.shared.borrow().ends[self.this].syn();
        self.send(segment)
    }

    /// SYN,ACK: the second segment of a three-way handshake, or in a simultaneous open either end's answer.
    pub fn syn_ack(&self) -> Sent {
        let segment = self.acknowledging(self.shared.borrow().ends[self.this].syn());
        self.send(segment)
    }

    /// ACK without data, of everything received in order.
    pub fn ack(&self) -> Sent {
        self.send(self.acknowledging(self.next(Flags::NONE)))
    }

    /// Data, with PSH,ACK.
    pub fn data(&self, data: impl AsRef<[u8]>) -> Sent {
        self.send(self.acknowledging(self.next(Flags::PSH)).payload(data))
    }

    /// FIN,ACK.
    pub fn fin(&self) -> Sent {
        self.send(self.acknowledging(self.next(Flags::FIN)))
    }

    /// The last data and the FIN in one segment: FIN,PSH,ACK.
    pub fn data_fin(&self, data: impl AsRef<[u8]>) -> Sent {
        self.send(
            self.acknowledging(self.next(Flags::FIN | Flags::PSH))
                .payload(data),
        )
    }

    /// RST,ACK at the end's own place in the sequence space: what an abort sends.
    pub fn rst(&self) -> Sent {
        self.send(self.acknowledging(self.next(Flags::RST)).window(0))
    }

    /// The reset with which a closed end answers the segment it received last (RFC 9293 §3.5.2, group 1): `RST` with
    /// that segment's acknowledgment number as its sequence number, or, where it had none, `RST,ACK` with sequence
    /// number 0. A refused connection is the latter.
    pub fn rst_reply(&self) -> Sent {
        let received = self.shared.borrow().ends[self.this].last_received.clone();
        let received = received.unwrap_or_else(|| Segment::new(Flags::NONE));
        self.send(if received.flags.contains(Flags::ACK) {
            Segment::new(Flags::RST).seq(received.ack).window(0)
        } else {
            Segment::new(Flags::RST)
                .ack(received.seq.wrapping_add(received.len()))
                .window(0)
        })
    }

    /// The same segment once more, with the acknowledgment as it is by now.
    pub fn retransmit(&self, sent: &Sent) -> Sent {
        let mut segment = sent.segment.clone();
        if segment.flags.contains(Flags::ACK) {
            segment = self.acknowledging(segment);
        }
        self.send(segment)
    }

    /// A data segment that takes its place in the sequence space now and goes onto the wire with
    /// [`End::release`]: out-of-order delivery is made with it.
    pub fn hold(&self, data: impl AsRef<[u8]>) -> Held {
        let segment = self.next(Flags::PSH | Flags::ACK).payload(data);
        self.advance(&segment);
        Held(segment)
    }

    /// Sends what was held.
    pub fn release(&self, held: Held) -> Sent {
        self.send(self.acknowledging(held.0))
    }

    /// Any segment as it is given, numbers and all. It arrives like any other.
    pub fn send(&self, segment: Segment) -> Sent {
        self.advance(&segment);
        let mut shared = self.shared.borrow_mut();
        let sent = Sent {
            time: START + shared.elapsed,
            from: shared.ends[self.this].addr,
            to: shared.ends[self.peer].addr,
            segment: segment.clone(),
            is_client: shared.ends[self.this].is_client,
        };
        if shared.manner != Manner::Unseen {
            shared.elapsed += STEP;
            shared.sent.push(sent.clone());
        }
        match shared.manner {
            Manner::Arriving | Manner::Unseen => shared.ends[self.peer].receive(segment),
            Manner::Crossing => shared.under_way.push((self.peer, segment)),
            Manner::Lost => {}
        }
        sent
    }

    /// Loses all memory of the connection, as a host does that crashes and starts again; its address stays. The
    /// other end knows nothing of it: the connection is half-open (RFC 9293 §3.5.1).
    pub fn forget(&self) {
        let state = &mut self.shared.borrow_mut().ends[self.this];
        state.initial = state.initial.wrapping_add(64_000_000);
        state.send_next = state.initial;
        state.receive_next = None;
        state.ahead.clear();
        state.last_received = None;
    }

    /// A segment at the end's place in the sequence space.
    fn next(&self, flags: Flags) -> Segment {
        let state = &self.shared.borrow().ends[self.this];
        Segment::new(flags)
            .seq(state.send_next)
            .window(state.window)
    }

    fn acknowledging(&self, segment: Segment) -> Segment {
        let state = &self.shared.borrow().ends[self.this];
        segment.ack(state.receive_next.unwrap_or(0))
    }

    /// Moves the end's place behind the segment, if that is further on.
    fn advance(&self, segment: &Segment) {
        let state = &mut self.shared.borrow_mut().ends[self.this];
        let after = segment.seq.wrapping_add(segment.len());
        if segment.len() > 0 && after.wrapping_sub(state.send_next) < 1 << 31 {
            state.send_next = after;
        }
    }
}

impl State {
    fn syn(&self) -> Segment {
        Segment::new(Flags::SYN)
            .seq(self.initial)
            .window(self.window)
            .options(&self.syn_options)
    }
}
