//! The sender with a window: selective repeat.
#![expect(unused, reason = "all of it is written: delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::UdpSocket;

use crate::sender::{Plan, Sent};

/// Step 4, a bonus. As [`sender::send`](crate::sender::send), with up to `plan.window` blocks on
/// their way: no block is sent before all but the last `plan.window - 1` before it are acknowledged.
///
/// Each block has its own timeout. Only what was not acknowledged in time is sent again. The FIN
/// goes out when all blocks are acknowledged.
pub fn send(socket: &UdpSocket, bytes: &[u8], plan: &Plan) -> io::Result<Sent> {
    todo!("the blocks through a window, then the FIN; how many datagrams that took")
}
