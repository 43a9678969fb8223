//! The receiver: every block once, in order, whatever the network does.
use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};
// only:
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
// end

use crate::partial::Partial;
// only:
use crate::datagram::{Datagram, Kind};
use crate::socket::receive_until;

/// How many numbers, from the next one on, the receiver keeps what comes early of.
const AHEAD: u32 = 64;

/// Says that `number` is here.
fn acknowledge(socket: &UdpSocket, transfer: u32, number: u32, to: SocketAddr) -> io::Result<()> {
    let ack = Datagram {
        kind: Kind::Ack,
        transfer,
        number,
        block: Vec::new(),
    };
    socket.send_to(&ack.encode(), to)?;
    Ok(())
}
// end

/// Steps 2 and 5. Receives one transfer into `file`, and returns when it has its name and the FIN is
/// acknowledged.
///
/// The transfer begins with the first datagram of number 0, DATA or FIN, and is from then on the one
/// of this sender's address and this `transfer`; every other datagram is passed over, without an
/// answer.
///
/// - DATA with the number that comes next: append it, then acknowledge that number.
/// - DATA that was here before: acknowledge it again, and do not write it again.
/// - DATA further ahead: pass over it, without an answer (step 2); or keep up to 64 numbers, the next
///   one included, and acknowledge it (step 5).
/// - FIN with the number that comes next: `complete` the file, then acknowledge that number, return.
/// - FIN with another number, or an ACK: pass over it, without an answer.
///
/// An acknowledgement goes back at once, one for each datagram, and is a promise: its sender forgets
/// the block. When for the time of `idle` nothing of the transfer has come, the error is
/// [`ErrorKind::TimedOut`](std::io::ErrorKind::TimedOut). Every datagram of the transfer starts that
/// time anew, also one that is here already or is passed over; nobody else's does. Before the
/// transfer has begun the wait has no end: see `receive_until` in `socket.rs`. Returns whom to
/// answer, for [`linger`].
pub fn receive(socket: &UdpSocket, file: &mut Partial, idle: Duration) -> io::Result<Ended> {
    // write: "one transfer into the file"
    // The first datagram decides who the peer is; nobody is asked, so nobody else may join later.
    let mut peer: Option<(SocketAddr, u32)> = None;
    let mut next = 0;
    let mut early: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    let mut until = Instant::now() + idle;
    loop {
        let Some((datagram, from)) = receive_until(socket, until)? else {
            if peer.is_some() {
                return Err(ErrorKind::TimedOut.into());
            }
            until = Instant::now() + idle;
            continue;
        };
        let Datagram {
            kind,
            transfer,
            number,
            block,
        } = datagram;
        if peer.is_none() && number == 0 && kind != Kind::Ack {
            peer = Some((from, transfer));
        }
        if peer != Some((from, transfer)) {
            continue;
        }
        until = Instant::now() + idle;
        match kind {
            Kind::Data if number < next => acknowledge(socket, transfer, number, from)?,
            Kind::Data if number - next < AHEAD => {
                // The next one and those that waited for it go to the file; the others wait.
                early.entry(number).or_insert(block);
                while let Some(block) = early.remove(&next) {
                    file.append(&block)?;
                    next += 1;
                }
                // Only now: whoever reads this acknowledgement forgets the block.
                acknowledge(socket, transfer, number, from)?;
            }
            Kind::Fin if number == next => {
                file.complete()?;
                acknowledge(socket, transfer, number, from)?;
                return Ok(Ended {
                    peer: from,
                    transfer,
                    number,
                });
            }
            _ => {}
        }
    }
    // end
}

/// A transfer that is complete.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// The sender's address.
    pub peer: std::net::SocketAddr,
    /// Its transfer.
    pub transfer: u32,
    /// The FIN's number.
    pub number: u32,
}

/// Step 2. For the time of `linger` since the last one, answers each FIN of this transfer that comes
/// again: then the acknowledgement of the one before was lost.
pub fn linger(socket: &UdpSocket, ended: Ended, linger: Duration) -> io::Result<()> {
    // write: "answer FINs that come again, until none has come for a while"
    // Silence has not begun while anything comes.
    while let Some((datagram, from)) = receive_until(socket, Instant::now() + linger)? {
        let again = datagram.kind == Kind::Fin
            && datagram.number == ended.number
            && datagram.transfer == ended.transfer;
        if again && from == ended.peer {
            acknowledge(socket, ended.transfer, ended.number, from)?;
        }
    }
    Ok(())
    // end
}
