//! The five messages, and how they go into the stream: what both ends agree on.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::Read;

use crate::fault::Fault;

/// How many bytes a message may have, without the four of its length.
pub const MAX: usize = 1024;

/// What the two ends say to each other.
///
/// A message goes into the stream as a frame: its length in bytes, as four bytes, and then the message.
/// It is never empty, and never longer than [`MAX`]. Its first byte is its kind, and then come, without
/// anything between them:
///
/// | kind | | then |
/// |---|---|---|
/// | 1 | OFFER | the size, 8 bytes; the name, all the rest |
/// | 2 | HAVE | the offset, 8 bytes; the checksum, 4 bytes |
/// | 3 | DATA | the offset, 8 bytes |
/// | 4 | DONE | the size, 8 bytes; the checksum, 4 bytes |
/// | 5 | NO | the reason, all the rest |
///
/// All numbers have their most significant byte first. HAVE, DATA and DONE end where this table ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// From the sender: a file. Its name is what came, and need not be a good one.
    Offer {
        /// How many bytes it has.
        size: u64,
        /// Its name, in UTF-8 if the sender is honest.
        name: Vec<u8>,
    },
    /// From the receiver: go on. I have so many bytes of it, from its beginning.
    Have {
        /// How many.
        offset: u64,
        /// The CRC-32 of these; 0 for none.
        crc: u32,
    },
    /// From the sender: behind this message comes the content, from the offset on, and then the CRC-32
    /// of the whole file, as four bytes.
    Data {
        /// 0, or what HAVE said.
        offset: u64,
    },
    /// From the receiver: the file is complete and has its name.
    Done {
        /// How many bytes it has.
        size: u64,
        /// The CRC-32 of it, as the receiver computed it.
        crc: u32,
    },
    /// From the receiver: this comes to nothing. Nothing of it follows.
    No {
        /// Why, in UTF-8, for people.
        reason: String,
    },
}

impl Message {
    /// Given: what to say when this message came, and `due` was due.
    #[allow(dead_code, reason = "it waits for your functions")]
    pub fn unexpected(&self, due: &'static str) -> Fault {
        let came = match self {
            Message::Offer { .. } => "OFFER",
            Message::Have { .. } => "HAVE",
            Message::Data { .. } => "DATA",
            Message::Done { .. } => "DONE",
            Message::No { .. } => "NO",
        };
        Fault::Unexpected { due, came }
    }

    /// Step 1. The frame: the length of the message as four bytes, and the message.
    pub fn encode(&self) -> Vec<u8> {
        todo!("the frame of the message, as the table above has it")
    }

    /// Step 1. The message in `bytes`, which are all of it and no more, without the length.
    /// [`Fault::Malformed`] where they are none: no such kind, too few bytes for it, or too many. A
    /// reason that is no UTF-8 is no error: what cannot be read is replaced.
    pub fn decode(bytes: &[u8]) -> Result<Message, Fault> {
        todo!("the message in these bytes, if it is one")
    }
}

/// Step 1. Reads the next message, and not a byte more: behind DATA comes something else.
///
/// - `Ok(None)`: the stream has ended before the first byte of one.
/// - [`Fault::Length`]: none can be so long. Said as soon as the length is there.
/// - [`Fault::Cut`]: the stream has ended within one.
/// - Otherwise what [`Message::decode`] says of it.
pub fn read_message(stream: &mut impl Read) -> Result<Option<Message>, Fault> {
    todo!("the next message of the stream, or that it has ended in order")
}
