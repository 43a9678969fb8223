//! The sender's half of the conversation.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fs::File;
use std::net::TcpStream;

use crate::fault::Fault;
use crate::progress::Progress;

/// Step 3. Sends one file, and returns its CRC-32 when the receiver has confirmed it, and not before.
///
/// 1. OFFER, with `size` and `name` as they are.
/// 2. Waits for the answer. HAVE: go on. NO: [`Fault::Refused`].
/// 3. DATA, with the offset 0; the content, exactly `size` bytes, a piece at a time; the CRC-32 of these.
///    `progress` hears of each piece. A `file` that has fewer bytes by now is [`Fault::Shrunk`]: no
///    checksum is sent. One that has more is sent as it was offered.
/// 4. Waits for the answer. DONE with this size and this CRC-32: success. DONE with others:
///    [`Fault::Confirmed`]. NO: [`Fault::Refused`].
///
/// Any other message is [`Fault::Unexpected`], and the end of the stream, where an answer is due,
/// [`Fault::Cut`]. A receiver may say NO at any time, also in the middle of the content: a write that
/// fails is the reason to look whether it has.
///
/// Step 6. When HAVE says that the receiver has the first n bytes, and they are the first n bytes of
/// `file`, DATA has the offset n, and the content begins there. Otherwise the offset is 0. The checksum
/// is that of the whole file in both cases.
///
/// `stream` stays open: another file may follow.
pub fn send(
    stream: &TcpStream,
    name: &[u8],
    file: &mut File,
    size: u64,
    progress: &mut Progress,
) -> Result<u32, Fault> {
    todo!("the offer, the content, the checksum, and the two answers")
}
