//! Numbered requests, and the replies that come back.
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;
// only:
use std::io::ErrorKind;
use std::time::Instant;
// end

use crate::request::request;
use crate::tally::{Reply, Tally};
// only:
use crate::request::HEADER;
// end

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
// only:

/// The number of the request that these bytes are a reply to, if they are one.
fn number_in(bytes: &[u8], plan: &Plan) -> Option<u32> {
    let number = bytes.get(4..HEADER)?.try_into().ok()?;
    let number = u32::from_be_bytes(number);
    // All of it: a reply that is too short, too long, damaged or of another run differs somewhere.
    (bytes == request(plan.run, number, 32)).then_some(number)
}

/// Sends a request to the connected peer.
fn send(socket: &UdpSocket, bytes: &[u8]) -> io::Result<()> {
    match socket.send(bytes) {
        // This tells of an earlier request that was refused, and nothing was sent now. Told once, it
        // is over.
        Err(error) if is_news(&error) => socket.send(bytes)?,
        other => other?,
    };
    Ok(())
}

/// Whether an error tells of an earlier datagram that nobody took. Windows calls it a reset.
fn is_news(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}
// end

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
    // write: "requests when they are due, replies when they come, and an end"
    socket.connect(plan.to)?;
    let mut tally = Tally::of(0);
    let mut sent_at: Vec<Instant> = Vec::new();
    // One byte more than a reply has: a longer one is cut there, and differs.
    let mut room = vec![0; plan.size + 1];
    loop {
        let all_sent = tally.sent == plan.count;
        if all_sent && tally.received + tally.late == tally.sent {
            return Ok(tally);
        }
        // The next moment at which there is something else to do than to receive.
        let pause = if all_sent { plan.wait } else { plan.interval };
        let left = match sent_at.last() {
            Some(last) => pause.saturating_sub(last.elapsed()),
            None => Duration::ZERO,
        };
        if left.is_zero() {
            if all_sent {
                return Ok(tally);
            }
            tally.sent += 1;
            sent_at.push(Instant::now());
            send(socket, &request(plan.run, tally.sent, 32))?;
            continue;
        }
        // Until that moment and no longer, however often something arrives.
        socket.set_read_timeout(Some(left))?;
        let n = match socket.recv(&mut room) {
            Ok(n) => n,
            Err(error)
                if is_news(&error)
                    || matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) =>
            {
                continue;
            }
            // Windows' word for a datagram that is longer than the room.
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(10040) => continue,
            Err(error) => return Err(error),
        };
        let Some(number) = number_in(&room[..n], plan) else {
            continue;
        };
        // Numbers begin at 1. What was never sent has no time, and is no reply.
        let Some(since) = (number as usize)
            .checked_sub(1)
            .and_then(|at| sent_at.get(at))
        else {
            continue;
        };
        let after = since.elapsed();
        let reply = tally.reply(number, after <= plan.wait);
        report(number, reply, after);
    }
    // end
}
