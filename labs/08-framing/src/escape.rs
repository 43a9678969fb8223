//! A delimiter that may be in a message: it is written in another way there (RFC 1055, SLIP).
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::framing::{Fault, Frame, Framing};

/// What ends a message.
pub const END: u8 = 0xc0;
/// What stands before a byte that is to be read in another way.
pub const ESC: u8 = 0xdb;
/// After [`ESC`]: the byte [`END`] of a message.
pub const ESC_END: u8 = 0xdc;
/// After [`ESC`]: the byte [`ESC`] of a message.
pub const ESC_ESC: u8 = 0xdd;

/// A frame is the message, with every [`END`] in it written as [`ESC`] [`ESC_END`] and every [`ESC`] as
/// [`ESC`] [`ESC_ESC`], and then [`END`]. Any message can be sent, the empty one too.
pub struct Escape {
    /// How many bytes a message may have, before any is escaped.
    pub max: usize,
}

impl Framing for Escape {
    /// Step 6. [`Fault::TooLong`] for a message of more than `max` bytes.
    fn encode(&self, message: &[u8], stream: &mut Vec<u8>) -> Result<(), Fault> {
        todo!("the frame of the message, or why it has none")
    }

    /// Step 6. [`Fault::WrongEscape`] for an [`ESC`] before any other byte than those two, also before
    /// [`END`]; [`Fault::NoEnd`] when more than `max` bytes of a message have come.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        todo!("the first frame, or that it is not all there yet, or that it cannot be one")
    }
}
