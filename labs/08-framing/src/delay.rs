//! A delay: nothing around the message, and a pause after it.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
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
        todo!("the message as it is, or why it cannot be sent")
    }

    /// Step 5. All that is there, if there is something.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        todo!("what is there, as one message")
    }

    fn pause(&self) -> Duration {
        self.pause
    }
}
