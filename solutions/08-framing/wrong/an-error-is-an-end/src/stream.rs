//! Messages over a stream: whatever the cure, one function sends and one receives.
use std::io::{ErrorKind, Read, Write};
use std::thread;

use crate::framing::{Fault, Framing};

/// Step 3. Sends one message: all of its frame, flushed, and then waits for [`Framing::pause`].
///
/// The whole frame is offered to one `write`. What that does not take follows in further ones, and an
/// interrupted `write` is made again ([`Write::write_all`] does both). Of a message that cannot be encoded nothing is sent.
pub fn send(framing: &dyn Framing, message: &[u8], writer: &mut impl Write) -> Result<(), Fault> {
    // write: "one message, and the pause after it"
    let mut frame = Vec::new();
    framing.encode(message, &mut frame)?;
    // Prefix and message in one write. In two, Nagle's algorithm may hold back the second until the
    // first is acknowledged, and the receiver may delay that acknowledgement.
    writer.write_all(&frame)?;
    writer.flush()?;
    thread::sleep(framing.pause());
    Ok(())
    // end
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
        // write: "the next message, however it was cut and whatever it was joined with"
        loop {
            // First what is there. One read may have brought many messages.
            if let Some(frame) = self.framing.decode(&self.arrived)? {
                self.arrived.drain(..frame.used);
                return Ok(Some(frame.message));
            }
            match self.reader.read(&mut self.piece) {
                // The end says only that no more comes. Whether that is a good place to end is
                // for the framing to know: only between two frames.
                Ok(0) if self.arrived.is_empty() => return Ok(None),
                Ok(0) => {
                    return Err(Fault::EndWithin {
                        bytes: self.arrived.len(),
                    });
                }
                // As many bytes as came, and not as many as were asked for.
                Ok(n) => self.arrived.extend_from_slice(&self.piece[..n]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Ok(None),
            }
        }
        // end
    }
}
