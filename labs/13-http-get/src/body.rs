//! The body: as many bytes as belong to it, and not one more (RFC 9112 §6, §7.1).
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, BufRead, Read, Write};

use crate::fault::Fault;
use crate::framing::Framing;
use crate::head;
use crate::message::{MAX_CHUNK_LINE, MAX_HEAD};

/// Step 4. Copies the body that begins at `reader` to `out`, and says how many bytes it had.
///
/// Returns as soon as the body is complete, whether or not the stream ends there, and takes nothing
/// behind it from `reader`. Holds a piece of the body at a time, never all of it, and never makes room
/// for what was only announced.
///
/// - [`Framing::Length`]: a stream that ends earlier is [`Fault::CutBody`].
/// - [`Framing::Close`]: all that comes.
/// - [`Framing::Chunked`], RFC 9112 §7.1: a line with the size of the chunk, as many bytes, an empty
///   line; and so on up to a chunk of size 0, which has no bytes; then the trailer: lines up to an
///   empty one, which are passed over, at most [`MAX_HEAD`] bytes. A size is hexadecimal digits,
///   nothing else, and a number below 2⁶⁴. It ends with the line or before a `;`, and blanks and tabs
///   before that do not count; what follows the `;` is an extension, and passed over. Each such line
///   has at most [`MAX_CHUNK_LINE`] bytes; how many chunks come has no limit. What is no chunk is [`Fault::Chunk`]; a stream that ends before
///   the empty line of the trailer is [`Fault::Cut`].
pub fn copy(framing: Framing, reader: &mut dyn BufRead, out: &mut dyn Write) -> Result<u64, Fault> {
    todo!("the body, however its end is to be found")
}
