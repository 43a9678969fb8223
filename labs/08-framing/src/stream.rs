//! Messages over a stream: whatever the cure, one function sends and one receives.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{Read, Write};

use crate::framing::{Fault, Framing};

/// Step 3. Sends one message: all of its frame, flushed, and then waits for [`Framing::pause`].
///
/// The whole frame is offered to one `write`. What that does not take follows in further ones, and an
/// interrupted `write` is made again ([`Write::write_all`] does both). Of a message that cannot be encoded nothing is sent.
pub fn send(framing: &dyn Framing, message: &[u8], writer: &mut impl Write) -> Result<(), Fault> {
    todo!("one message, and the pause after it")
}

/// Receives messages from a stream.
pub struct Receiver<'a, R> {
    framing: &'a dyn Framing,
    reader: R,
    /// Room for what one `read` brings.
    piece: Vec<u8>,
    /// What has arrived, and is not yet part of a message that was returned.
    arrived: Vec<u8>,
}

impl<'a, R: Read> Receiver<'a, R> {
    /// A receiver of what arrives on `reader`. Each `read` gets room for `chunk` bytes, which is at least 1.
    pub fn new(framing: &'a dyn Framing, reader: R, chunk: usize) -> Self {
        Receiver {
            framing,
            reader,
            piece: vec![0; chunk],
            arrived: Vec::new(),
        }
    }

    /// Step 3. The next message, as soon as it is complete; `None` when the stream has ended between
    /// two frames.
    ///
    /// Returns a message that has arrived already without reading more. Gives each `read` room for
    /// `chunk` bytes, no more and no less: what one `read` brings is at most that. Holds no more than a
    /// frame that is not complete and one such piece. An interrupted `read` is made again.
    ///
    /// Errors: what `decode` says; [`Fault::EndWithin`] when the stream ends within a frame;
    /// [`Fault::Io`] when a `read` fails.
    pub fn receive(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        todo!("the next message, however it was cut and whatever it was joined with")
    }
}
