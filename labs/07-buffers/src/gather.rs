//! Fewer crossings: many small pieces, few writes.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::Write;

use crate::send::Unsent;

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
    /// would have to wait. Then what waits is first filled up to `size` bytes from `piece`, and those
    /// are written, as often as it is needed: all writes of `put` begin with `size` bytes.
    ///
    /// Every byte comes to the writer once and in order.
    ///
    /// An error is that of `send_all`: `Unsent::sent` counts what the writer had taken of the `size`
    /// bytes that were being written, and the rest of those goes on waiting. What had not been filled in
    /// of `piece` is dropped, and nobody is told how much that is: after an error of `put` nothing more
    /// is to be put in.
    pub fn put(&mut self, piece: &[u8]) -> Result<(), Unsent> {
        todo!("take the piece, and write only what cannot wait")
    }

    /// Step 6. Writes what waits. Nobody else does: what is still there when the value is dropped is
    /// lost. After an error, what the writer has not taken goes on waiting, and what it has taken does
    /// not: another `flush` writes the rest.
    pub fn flush(&mut self) -> Result<(), Unsent> {
        todo!("write what waits")
    }
}
