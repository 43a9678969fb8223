//! Fewer crossings: many small pieces, few writes.
use std::io::Write;

use crate::send::Unsent;
// only:
use crate::send::send_all;
// end

/// Collects small pieces and hands them to `writer` in large ones.
pub struct Gather<W> {
    /// Where the bytes go in the end.
    writer: W,
    /// What has been put in and not been written yet: never more than `size` bytes.
    waiting: Vec<u8>,
    /// How many bytes may wait.
    size: usize,
}

impl<W: Write> Gather<W> {
    /// A collector in front of `writer` that lets up to `size` bytes wait. `size` is at least 1.
    pub fn new(writer: W, size: usize) -> Self {
        Gather {
            writer,
            waiting: Vec::with_capacity(size),
            size,
        }
    }

    /// Step 6. Takes `piece`, which may be longer than `size`. Writes only when more than `size` bytes
    /// would have to wait, and then in pieces of `size` bytes where there is so much.
    ///
    /// Every byte comes to the writer once and in order.
    pub fn put(&mut self, piece: &[u8]) -> Result<(), Unsent> {
        // write: "take the piece, and write only what cannot wait"
        let mut rest = piece;
        while self.waiting.len() + rest.len() > self.size {
            let (now, later) = rest.split_at(self.size - self.waiting.len());
            self.waiting.extend_from_slice(now);
            self.flush()?;
            rest = later;
        }
        self.waiting.extend_from_slice(rest);
        Ok(())
        // end
    }

    /// Step 6. Writes what waits. Nobody else does: what is still there when the value is dropped is
    /// lost. After an error, what the writer has not taken goes on waiting.
    pub fn flush(&mut self) -> Result<(), Unsent> {
        // write: "write what waits"
        let result = send_all(&mut self.writer, &self.waiting);
        // Also after an error: what the writer has taken must not be sent again.
        let sent = match &result {
            Ok(()) => self.waiting.len(),
            Err(unsent) => unsent.sent,
        };
        self.waiting.drain(..sent);
        result
        // end
    }
}
