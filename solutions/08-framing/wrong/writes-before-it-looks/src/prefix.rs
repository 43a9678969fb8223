//! Structure: the length of the message stands in front of it.
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
        // write: "the frame of the message, or why it has none"
        let too_long = Fault::TooLong {
            length: message.len(),
            max: self.max,
        };
        // `as u32` would cut off silently what does not fit. This says so.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        // Network byte order: both ends must agree, whatever their processors prefer.
        stream.extend_from_slice(&length.to_be_bytes());
        if message.len() > self.max {
            return Err(too_long);
        }
        stream.extend_from_slice(message);
        Ok(())
        // end
    }

    /// Step 2. [`Fault::TooLong`] as soon as the prefix announces more than `max` bytes: before any of
    /// them has come, and before memory is asked for.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        // write: "the first frame, or that it is not all there yet, or that it cannot be one"
        // The prefix itself may arrive in pieces.
        let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*prefix) as usize;
        // These four bytes are in the hands of whoever connects. Until they are compared with a limit
        // of our own they are a wish for up to 4 GiB of memory.
        if length > self.max {
            return Err(Fault::TooLong {
                length,
                max: self.max,
            });
        }
        // What lies behind the message belongs to the next frame.
        let message = rest.get(..length);
        Ok(message.map(|message| Frame {
            message: message.to_vec(),
            used: PREFIX + length,
        }))
        // end
    }
}
