//! Structure: the length of the message stands in front of it.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::framing::{Fault, Frame, Framing};

/// How many bytes the length takes up.
pub const PREFIX: usize = 4;

/// A frame is the number of bytes of the message, as [`PREFIX`] bytes, most significant first (what
/// Python's `struct.pack(">I", n)` makes), and then the message.
pub struct Prefix {
    /// How many bytes a message may have, without the prefix.
    pub max: usize,
}

impl Framing for Prefix {
    /// Step 1. [`Fault::TooLong`] for a message of more than `max` bytes. An empty message has a frame
    /// like any other.
    fn encode(&self, message: &[u8], stream: &mut Vec<u8>) -> Result<(), Fault> {
        todo!("the frame of the message, or why it has none")
    }

    /// Step 2. [`Fault::TooLong`] as soon as the prefix announces more than `max` bytes: before any of
    /// them has come, and before memory is asked for.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        todo!("the first frame, or that it is not all there yet, or that it cannot be one")
    }
}
