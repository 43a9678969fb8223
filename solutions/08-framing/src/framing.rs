//! Given: what every cure has in common, and what can go wrong.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::fmt;
use std::io;
use std::time::Duration;

// ANCHOR: trait
/// A cure for messages that stick together: where a message begins and ends
/// in a stream of bytes.
///
/// A value holds the settings only. What has arrived and is not yet decoded
/// is kept by [`Receiver`](crate::stream::Receiver).
pub trait Framing {
    /// Appends the frame of `message`, as it goes into the stream, to
    /// `stream`.
    ///
    /// A message that this cure cannot carry is a [`Fault`], and `stream` is
    /// left as it was.
    fn encode(&self, message: &[u8], stream: &mut Vec<u8>) -> Result<(), Fault>;

    /// Looks for one whole frame at the front of `bytes`, which are the next
    /// bytes of the stream: all that have arrived, however few or many.
    ///
    /// - `Ok(Some(frame))`: it is there. More may follow it, and is no
    ///   concern of this call.
    /// - `Ok(None)`: nothing is wrong, and it is not all there yet. Of no
    ///   bytes there never is a frame.
    /// - `Err(fault)`: whatever comes now, this will not become a frame.
    ///
    /// The answer to the same bytes is always the same. It does not matter in
    /// which pieces they came.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault>;

    /// How long the sender waits after each message.
    fn pause(&self) -> Duration {
        Duration::ZERO
    }
}
// ANCHOR_END: trait

/// A whole frame that was found at the front of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the sender wanted to say.
    pub message: Vec<u8>,
    /// How many bytes of the stream the frame takes up: the message and what was put around it.
    pub used: usize,
}

/// Why a message cannot be sent, or a stream cannot be read on.
#[derive(Debug)]
pub enum Fault {
    /// The message has, or is announced to have, `length` bytes, and may have `max` bytes.
    TooLong {
        /// Its bytes.
        length: usize,
        /// How many it may have.
        max: usize,
    },
    /// A message that would have to be told apart by a delimiter holds it itself, from byte `at` on.
    HoldsDelimiter {
        /// How many bytes of the message come before it.
        at: usize,
    },
    /// The message ends with a zero byte, which would be taken for padding.
    EndsInPadding,
    /// The message has no bytes, and this cure cannot carry that.
    Empty,
    /// More bytes than a message of `max` bytes can take up, and no end of it among them.
    NoEnd {
        /// How many bytes a message may have.
        max: usize,
    },
    /// An escape byte, and after it one that does not go with it.
    WrongEscape {
        /// The byte after the escape.
        byte: u8,
    },
    /// The stream has ended, and `bytes` bytes of a frame that is not complete are left.
    EndWithin {
        /// How many there are.
        bytes: usize,
    },
    /// Reading or writing has failed.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TooLong { length, max } => {
                write!(f, "a message of {length} bytes is too long: at most {max}")
            }
            Fault::HoldsDelimiter { at } => {
                write!(f, "the message holds the delimiter, at byte {at}")
            }
            Fault::EndsInPadding => {
                write!(f, "the message ends in a zero byte, which is padding here")
            }
            Fault::Empty => write!(f, "an empty message cannot be sent in this way"),
            Fault::NoEnd { max } => write!(f, "no end of a message within {max} bytes"),
            Fault::WrongEscape { byte } => write!(f, "byte {byte:02x} after an escape"),
            Fault::EndWithin { bytes } => write!(
                f,
                "the stream ends within a frame, after {bytes} bytes of it"
            ),
            Fault::Io(error) => error.fmt(f),
        }
    }
}
