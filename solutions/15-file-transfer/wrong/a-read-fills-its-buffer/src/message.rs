//! The five messages, and how they go into the stream: what both ends agree on.
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
        // write: "the frame of the message, as the table above has it"
        let mut message = Vec::new();
        match self {
            Message::Offer { size, name } => {
                message.push(1);
                message.extend(size.to_be_bytes());
                message.extend(name);
            }
            Message::Have { offset, crc } => {
                message.push(2);
                message.extend(offset.to_be_bytes());
                message.extend(crc.to_be_bytes());
            }
            Message::Data { offset } => {
                message.push(3);
                message.extend(offset.to_be_bytes());
            }
            Message::Done { size, crc } => {
                message.push(4);
                message.extend(size.to_be_bytes());
                message.extend(crc.to_be_bytes());
            }
            Message::No { reason } => {
                message.push(5);
                message.extend(reason.as_bytes());
            }
        }
        // Names come from a file system and reasons are sentences of ours: neither is near 4 GiB.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let mut frame = length.to_be_bytes().to_vec();
        frame.append(&mut message);
        frame
        // end
    }

    /// Step 1. The message in `bytes`, which are all of it and no more, without the length.
    /// [`Fault::Malformed`] where they are none: no such kind, too few bytes for it, or too many. A
    /// reason that is no UTF-8 is no error: what cannot be read is replaced.
    pub fn decode(bytes: &[u8]) -> Result<Message, Fault> {
        // write: "the message in these bytes, if it is one"
        let (kind, rest) = bytes.split_first().ok_or(Fault::Malformed)?;
        match kind {
            1 => {
                let (size, name) = rest.split_first_chunk().ok_or(Fault::Malformed)?;
                Ok(Message::Offer {
                    size: u64::from_be_bytes(*size),
                    name: name.to_vec(),
                })
            }
            2 => {
                let (offset, crc) = two_numbers(rest)?;
                Ok(Message::Have { offset, crc })
            }
            3 => Ok(Message::Data {
                offset: u64::from_be_bytes(rest.try_into().map_err(|_| Fault::Malformed)?),
            }),
            4 => {
                let (size, crc) = two_numbers(rest)?;
                Ok(Message::Done { size, crc })
            }
            5 => Ok(Message::No {
                reason: String::from_utf8_lossy(rest).into_owned(),
            }),
            _ => Err(Fault::Malformed),
        }
        // end
    }
}

/// Step 1. Reads the next message, and not a byte more: behind DATA comes something else.
///
/// - `Ok(None)`: the stream has ended before the first byte of one.
/// - [`Fault::Length`]: none can be so long. Said as soon as the length is there.
/// - [`Fault::Cut`]: the stream has ended within one.
/// - Otherwise what [`Message::decode`] says of it.
pub fn read_message(stream: &mut impl Read) -> Result<Option<Message>, Fault> {
    // write: "the next message of the stream, or that it has ended in order"
    // The first byte alone, because only here an end is in order. `read_exact` cannot tell no bytes
    // from too few.
    let mut length = [0; 4];
    if !read_first(stream, &mut length[..1])? {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..])?;
    let length = u32::from_be_bytes(length);
    // A stranger's number: compared before it becomes memory, or a wait (chapter 8).
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if !(1..=MAX).contains(&size) {
        return Err(Fault::Length(length));
    }
    let mut bytes = vec![0; size];
    let _ = stream.read(&mut bytes)?;
    Message::decode(&bytes).map(Some)
    // end
}

// only:

/// Fills `byte`, which has room for one; false at the end of the stream.
fn read_first(stream: &mut impl Read, byte: &mut [u8]) -> Result<bool, Fault> {
    loop {
        match stream.read(byte) {
            Ok(n) => return Ok(n > 0),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The rest of HAVE and of DONE.
fn two_numbers(rest: &[u8]) -> Result<(u64, u32), Fault> {
    let (first, second) = rest.split_first_chunk().ok_or(Fault::Malformed)?;
    let second = second.try_into().map_err(|_| Fault::Malformed)?;
    Ok((u64::from_be_bytes(*first), u32::from_be_bytes(second)))
}
// end
