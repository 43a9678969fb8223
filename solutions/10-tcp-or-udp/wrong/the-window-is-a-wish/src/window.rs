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

/// A block on its way.
struct Flying {
    number: u32,
    bytes: Vec<u8>,
    tries: u32,
    /// When it is to be sent again.
    due: Instant,
    arrived: bool,
}
// end

/// Step 4, a bonus. As [`sender::send`](crate::sender::send), with up to `plan.window` blocks on
/// their way: no block is sent before all but the last `plan.window - 1` before it are acknowledged.
///
/// Each block has its own timeout. Only what was not acknowledged in time is sent again. The FIN
/// goes out when all blocks are acknowledged.
pub fn send(socket: &UdpSocket, bytes: &[u8], plan: &Plan) -> io::Result<Sent> {
    // write: "the blocks through a window, then the FIN; how many datagrams that took"
    let mut sent = Sent::default();
    let mut blocks = (0..).zip(bytes.chunks(BLOCK));
    let mut flying: Vec<Flying> = Vec::new();
    let mut number = 0;
    loop {
        // The window moves when its first block has arrived, not when any has.
        let arrived = flying.iter().take_while(|block| block.arrived).count();
        flying.drain(..arrived);
        while flying.len() < 2 * plan.window {
            let Some((n, block)) = blocks.next() else {
                break;
            };
            number = n + 1;
            let datagram = Datagram {
                kind: Kind::Data,
                transfer: plan.transfer,
                number: n,
                block: block.to_vec(),
            };
            flying.push(Flying {
                number: n,
                bytes: datagram.encode(),
                tries: 0,
                due: Instant::now(),
                arrived: false,
            });
        }
        let now = Instant::now();
        for block in flying.iter_mut().filter(|b| !b.arrived && b.due <= now) {
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
        let waiting = flying.iter().filter(|block| !block.arrived);
        let Some(due) = waiting.map(|block| block.due).min() else {
            break;
        };
        if let Some((answer, from)) = receive_until(socket, due)? {
            let ours = answer.kind == Kind::Ack && answer.transfer == plan.transfer;
            let block = flying.iter_mut().find(|b| b.number == answer.number);
            if let Some(block) = block.filter(|_| ours && from == plan.to) {
                block.arrived = true;
            }
        }
    }
    deliver(socket, plan, Kind::Fin, number, &[], &mut sent)?;
    Ok(sent)
    // end
}
