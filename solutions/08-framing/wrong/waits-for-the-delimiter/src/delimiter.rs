//! A delimiter: bytes after each message that say that it ends there.
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
        // write: "the frame of the message, or why it has none"
        if message.len() > self.max {
            return Err(Fault::TooLong {
                length: message.len(),
                max: self.max,
            });
        }
        // The receiver could not tell this delimiter from the one that we add: it would read two
        // messages, and never know.
        if let Some(at) = find(message) {
            return Err(Fault::HoldsDelimiter { at });
        }
        stream.extend_from_slice(message);
        stream.extend_from_slice(DELIMITER);
        Ok(())
        // end
    }

    /// Step 4. [`Fault::NoEnd`] when `max` + 2 bytes are there, or more, and no delimiter begins at byte
    /// `max` or before (the first byte is byte 0); also when one begins later.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        // write: "the first frame, or that it is not all there yet, or that it cannot be one"
        match find(bytes) {
            Some(at) if at > self.max => Err(Fault::NoEnd { max: self.max }),
            Some(at) => Ok(Some(Frame {
                message: bytes[..at].to_vec(),
                used: at + DELIMITER.len(),
            })),
            None => Ok(None),
        }
        // end
    }
}

// only:

/// Where the first delimiter begins.
fn find(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(DELIMITER.len())
        .position(|pair| pair == DELIMITER)
}
// end
