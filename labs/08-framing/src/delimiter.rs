//! A delimiter: bytes after each message that say that it ends there.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::framing::{Fault, Frame, Framing};

/// What ends a message: a carriage return and a line feed, as in most text protocols of the internet.
pub const DELIMITER: &[u8; 2] = b"\r\n";

/// A frame is the message and then [`DELIMITER`]. A carriage return alone and a line feed alone are
/// bytes like any other.
pub struct Delimiter {
    /// How many bytes a message may have, without the delimiter.
    pub max: usize,
}

impl Framing for Delimiter {
    /// Step 4. [`Fault::TooLong`] for a message of more than `max` bytes, [`Fault::HoldsDelimiter`] for
    /// one that has the delimiter inside, with the place of the first.
    fn encode(&self, message: &[u8], stream: &mut Vec<u8>) -> Result<(), Fault> {
        todo!("the frame of the message, or why it has none")
    }

    /// Step 4. [`Fault::NoEnd`] when `max` + 2 bytes are there, or more, and no delimiter begins at byte
    /// `max` or before (the first byte is byte 0); also when one begins later.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        todo!("the first frame, or that it is not all there yet, or that it cannot be one")
    }
}
