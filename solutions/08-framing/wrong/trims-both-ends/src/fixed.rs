//! A fixed size: every frame is as long as every other.
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
        // write: "the frame of the message, or why it has none"
        if message.len() > self.size {
            return Err(Fault::TooLong {
                length: message.len(),
                max: self.size,
            });
        }
        if message.last() == Some(&0) {
            return Err(Fault::EndsInPadding);
        }
        let end = stream.len() + self.size;
        stream.extend_from_slice(message);
        stream.resize(end, 0);
        Ok(())
        // end
    }

    /// Step 5. The zero bytes at the end of a frame are no part of the message; those before another
    /// byte are.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        // write: "the first frame, or that it is not all there yet"
        let Some(block) = bytes.get(..self.size) else {
            return Ok(None);
        };
        // From the back, so that a zero byte inside stays.
        let length = block.iter().rposition(|byte| *byte != 0);
        let length = length.map_or(0, |last| last + 1);
        Ok(Some(Frame {
            message: block[..length]
                .iter()
                .skip_while(|b| **b == 0)
                .copied()
                .collect(),
            used: self.size,
        }))
        // end
    }
}
