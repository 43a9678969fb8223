//! The sender with a window: selective repeat.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::UdpSocket;

use crate::sender::{Plan, Sent};

/// Step 5, a bonus. As [`sender::send`](crate::sender::send), with several blocks on their way.
///
/// - At most `plan.window` blocks have been sent and are not acknowledged, at any time; and so many
///   are, while there are blocks: as many as fit are sent before an acknowledgement is waited for.
/// - No block is sent that is 64 or more ahead of the first one that is not acknowledged: the
///   receiver keeps no more.
/// - Each block has its own timeout. Only what was not acknowledged in time is sent again.
/// - The FIN goes out when all blocks are acknowledged.
pub fn send(socket: &UdpSocket, bytes: &[u8], plan: &Plan) -> io::Result<Sent> {
    todo!("the blocks through a window, then the FIN; how many datagrams that took")
}
