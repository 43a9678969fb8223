//! A delimiter that may be in a message: it is written in another way there (RFC 1055, SLIP).
use crate::framing::{Fault, Frame, Framing};

/// What ends a message.
pub const END: u8 = 0xc0;
/// What stands before a byte that is to be read in another way.
pub const ESC: u8 = 0xdb;
/// After [`ESC`]: the byte [`END`] of a message.
pub const ESC_END: u8 = 0xdc;
/// After [`ESC`]: the byte [`ESC`] of a message.
pub const ESC_ESC: u8 = 0xdd;

/// A frame is the message, with every [`END`] in it written as [`ESC`] [`ESC_END`] and every [`ESC`] as
/// [`ESC`] [`ESC_ESC`], and then [`END`]. Any message can be sent, the empty one too.
pub struct Escape {
    /// How many bytes a message may have, before any is escaped.
    pub max: usize,
}

impl Framing for Escape {
    /// Step 6. [`Fault::TooLong`] for a message of more than `max` bytes.
    fn encode(&self, message: &[u8], stream: &mut Vec<u8>) -> Result<(), Fault> {
        // write: "the frame of the message, or why it has none"
        if message.len() > self.max {
            return Err(Fault::TooLong {
                length: message.len(),
                max: self.max,
            });
        }
        // Byte by byte, each looked at once: what one replacement has written must not be replaced
        // by the other.
        for byte in message {
            match *byte {
                END => stream.extend_from_slice(&[ESC, ESC_END]),
                ESC => stream.extend_from_slice(&[ESC, ESC_ESC]),
                byte => stream.push(byte),
            }
        }
        stream.push(END);
        Ok(())
        // end
    }

    /// Step 6. [`Fault::WrongEscape`] for an [`ESC`] before any other byte than those two, also before
    /// [`END`]; [`Fault::NoEnd`] when more than `max` bytes of a message have come.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        // write: "the first frame, or that it is not all there yet, or that it cannot be one"
        let mut message = Vec::new();
        let mut bytes = bytes.iter().enumerate();
        while let Some((at, byte)) = bytes.next() {
            let plain = match *byte {
                END => {
                    return Ok(Some(Frame {
                        message,
                        used: at + 1,
                    }));
                }
                ESC => match bytes.next() {
                    Some((_, &ESC_END)) => END,
                    Some((_, &ESC_ESC)) => ESC,
                    Some((_, &byte)) => return Err(Fault::WrongEscape { byte }),
                    // Cut between the two: the other half comes with the next bytes.
                    None => {
                        if message.len() == self.max {
                            return Err(Fault::NoEnd { max: self.max });
                        }
                        return Ok(None);
                    }
                },
                byte => byte,
            };
            if message.len() == self.max {
                return Err(Fault::NoEnd { max: self.max });
            }
            message.push(plain);
        }
        Ok(None)
        // end
    }
}
