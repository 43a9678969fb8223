//! Numbered requests, and the replies that come back.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::request::request;
use crate::tally::{Reply, Tally};

/// What to send, and how.
pub struct Plan {
    /// Where the responder is.
    pub to: SocketAddr,
    /// A number that tells this run of the program from others.
    pub run: u32,
    /// How many requests.
    pub count: u32,
    /// How long after one request the next is sent.
    pub interval: Duration,
    /// How long after its request a reply is in time.
    pub wait: Duration,
    /// How many bytes a request has, more than [`HEADER`](crate::request::HEADER).
    pub size: usize,
}

/// Step 5. Sends `plan.count` requests from `socket`, made by [`request`] and numbered from 1, the
/// first at once and each further one when `plan.interval` has passed since the one before, whether
/// or not there was a reply. Meanwhile it receives. Counts every reply in the tally, and then calls
/// `report` with the number, what the reply is, and the time since its request was sent.
///
/// A reply is a datagram from `plan.to` that is equal to a request of this run, byte for byte. It is
/// in time up to `plan.wait` after its request. Everything else is passed over, uncounted and
/// unreported: what others send, what is damaged or too short or empty, a refusal, and a reply that is
/// [`Reply::Foreign`]. A refusal that a send reports belongs to an earlier request: this one was not
/// sent, so send it again.
///
/// Returns as soon as every request has had a reply, in time or late, and otherwise `plan.wait` after
/// the last request, whatever still arrives. Errors are returned, but for a refusal and a receive that
/// has brought nothing: `WouldBlock`, `TimedOut` (that one on Windows) and `Interrupted`. `socket` is
/// bound and not connected; connect it if you like.
pub fn ping(
    socket: &UdpSocket,
    plan: &Plan,
    report: &mut dyn FnMut(u32, Reply, Duration),
) -> io::Result<Tally> {
    todo!("requests when they are due, replies when they come, and an end")
}
