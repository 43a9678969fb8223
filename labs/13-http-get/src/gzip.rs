//! Compressed bodies: gzip (RFC 1952) around DEFLATE (RFC 1951).
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{BufRead, Write};

use crate::bits::{Bits, Crc, DISTANCES, LENGTHS, ORDER, WINDOW};
use crate::fault::Fault;

/// Step 6, a bonus. Decompresses what `reader` holds to `out`, and says how many bytes came out.
///
/// The data is one or more members (RFC 1952 §2.2), and nothing behind them; no data at all is a
/// fault. Each has a header, DEFLATE blocks, and in the end a checksum and the length, which must
/// both be right. No more than the last [`WINDOW`] bytes of what came out are kept.
///
/// Errors: [`Fault::Gzip`] for whatever cannot be decompressed; [`Fault::Cut`] when it ends too early.
pub fn decode(reader: &mut dyn BufRead, out: &mut dyn Write) -> Result<u64, Fault> {
    todo!("members, each with header, blocks and trailer")
}
