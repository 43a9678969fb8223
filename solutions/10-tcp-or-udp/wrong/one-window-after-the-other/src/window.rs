//! The sender with a window: selective repeat.
use std::io;
use std::net::UdpSocket;
// only:
use std::io::ErrorKind;
use std::time::Instant;
// end

use crate::sender::{Plan, Sent};
// only:
use crate::datagram::{BLOCK, Datagram, Kind};
use crate::sender::deliver;
use crate::socket::receive_until;

/// How far ahead of the first block that is not acknowledged a block may be: the receiver keeps no more.
const AHEAD: u32 = 64;

/// A block that is not acknowledged yet.
struct Flying {
    number: u32,
    bytes: Vec<u8>,
    tries: u32,
    /// When it is to be sent again.
    due: Instant,
}
// end

/// Step 5, a bonus. As [`sender::send`](crate::sender::send), with several blocks on their way.
///
/// - At most `plan.window` blocks have been sent and are not acknowledged, at any time; and so many
///   are, while there are blocks: as many as fit are sent before an acknowledgement is waited for.
/// - No block is sent that is 64 or more ahead of the first one that is not acknowledged: the
///   receiver keeps no more.
/// - Each block has its own timeout. Only what was not acknowledged in time is sent again.
/// - The FIN goes out when all blocks are acknowledged.
pub fn send(socket: &UdpSocket, bytes: &[u8], plan: &Plan) -> io::Result<Sent> {
    // write: "the blocks through a window, then the FIN; how many datagrams that took"
    let mut sent = Sent::default();
    let mut blocks = (0..).zip(bytes.chunks(BLOCK)).peekable();
    // In the order of their numbers: the first is the one that holds up all others.
    let mut flying: Vec<Flying> = Vec::new();
    let mut count = 0;
    loop {
        // All of one window is there before the next one begins.
        let begins = flying.is_empty();
        while begins && flying.len() < plan.window {
            let first = flying.first().map(|block| block.number);
            let in_reach = |(number, _): &(u32, &[u8])| number - first.unwrap_or(*number) < AHEAD;
            let Some((number, block)) = blocks.next_if(in_reach) else {
                break;
            };
            count = number + 1;
            let datagram = Datagram {
                kind: Kind::Data,
                transfer: plan.transfer,
                number,
                block: block.to_vec(),
            };
            flying.push(Flying {
                number,
                bytes: datagram.encode(),
                tries: 0,
                due: Instant::now(),
            });
        }
        // A new block is due at once, and so both kinds of sending are one.
        let now = Instant::now();
        for block in flying.iter_mut().filter(|block| block.due <= now) {
            if block.tries == plan.tries {
                return Err(ErrorKind::TimedOut.into());
            }
            // An error here is a datagram that is lost.
            let _ = socket.send_to(&block.bytes, plan.to);
            sent.datagrams += 1;
            sent.again += u64::from(block.tries > 0);
            block.tries += 1;
            block.due = Instant::now() + plan.timeout;
        }
        let Some(due) = flying.iter().map(|block| block.due).min() else {
            break;
        };
        if let Some((answer, from)) = receive_until(socket, due)? {
            let ours = answer.kind == Kind::Ack && answer.transfer == plan.transfer;
            if ours && from == plan.to {
                flying.retain(|block| block.number != answer.number);
            }
        }
    }
    deliver(socket, plan, Kind::Fin, count, &[], &mut sent)?;
    Ok(sent)
    // end
}
