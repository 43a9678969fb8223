//! The receiver's half of the conversation.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::net::TcpStream;

use crate::fault::Fault;
use crate::inbox::Inbox;

/// Step 5. Receives all files that one sender offers, one after the other, until its stream ends between
/// two of them.
///
/// 1. An OFFER. Its name is checked, then its size against `inbox.max`, then whether the name is free.
///    Then a [`Part`](crate::part::Part) is made: HAVE promises that there is a place for the content.
/// 2. HAVE, with the offset 0 and the CRC-32 of nothing, which is 0.
/// 3. DATA, with the offset 0; the content, as many bytes as were offered, into the part, a piece at a
///    time; four bytes of CRC-32. It is compared: [`Fault::Checksum`].
/// 4. The part becomes the file. Then [`report::received`](crate::report::received), then DONE with the
///    size and the CRC-32 that were computed here.
///
/// Any other message is [`Fault::Unexpected`], another offset in DATA [`Fault::Offset`], the end of the
/// stream within the content [`Fault::CutContent`], elsewhere [`Fault::Cut`].
///
/// Whatever goes wrong before the file has its name, nothing is left of it. The sender is told in a NO,
/// with the words of the fault, and the fault is returned. The connection is over then: the sending half
/// is ended, and what the sender still has on its way is read for about a second and no longer, since a
/// close with unread bytes is a reset, and may destroy the NO.
///
/// Step 6. With `inbox.keep` the part stays after every fault but a wrong checksum; one without a byte
/// may go. The next OFFER of that name continues it: HAVE says how many bytes are there, and their
/// CRC-32. DATA with that offset goes on behind them, DATA with 0 begins anew, DATA with any other is
/// [`Fault::Offset`]. A part that is longer than the offer is begun anew without a question.
///
/// While a name is being received, another OFFER of it is [`Fault::Busy`]; see `inbox.busy`.
pub fn receive(stream: &TcpStream, inbox: &Inbox) -> Result<(), Fault> {
    todo!("file after file, and a NO when something goes wrong")
}
