//! A fixed size: every frame is as long as every other.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::framing::{Fault, Frame, Framing};

/// A frame is `size` bytes: the message, and zero bytes after it up to that length.
pub struct Fixed {
    /// How many bytes a frame has, and a message may have. At least 1.
    pub size: usize,
}

impl Framing for Fixed {
    /// Step 5. [`Fault::TooLong`] for a message of more than `size` bytes, [`Fault::EndsInPadding`] for
    /// one whose last byte is zero: the receiver would take it away.
    fn encode(&self, message: &[u8], stream: &mut Vec<u8>) -> Result<(), Fault> {
        todo!("the frame of the message, or why it has none")
    }

    /// Step 5. The zero bytes at the end of a frame are no part of the message; those before another
    /// byte are.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        todo!("the first frame, or that it is not all there yet")
    }
}
