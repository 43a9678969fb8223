//! A delay: nothing around the message, and a pause after it.
use std::time::Duration;

use crate::framing::{Fault, Frame, Framing};

/// A frame is the message and nothing else. The sender pauses after each one, and the receiver takes
/// what is there for one message.
pub struct Delay {
    /// How long the sender waits.
    pub pause: Duration,
}

impl Framing for Delay {
    /// Step 5. [`Fault::Empty`] for an empty message: it would leave nothing in the stream.
    fn encode(&self, message: &[u8], stream: &mut Vec<u8>) -> Result<(), Fault> {
        // write: "the message as it is, or why it cannot be sent"
        if message.is_empty() {
            return Err(Fault::Empty);
        }
        stream.extend_from_slice(message);
        Ok(())
        // end
    }

    /// Step 5. All that is there, if there is something.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        // write: "what is there, as one message"
        // Nothing in these bytes says where a message ends. This is a guess, and as good as any.
        if bytes.is_empty() {
            return Ok(None);
        }
        Ok(Some(Frame {
            message: bytes.to_vec(),
            used: bytes.len(),
        }))
        // end
    }

    fn pause(&self) -> Duration {
        self.pause
    }
}
