//! Step 6, bonus: a body in chunks.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::connection::{Incoming, Trouble};

/// The longest line that is taken within a chunked body, in bytes, without its CRLF.
pub const CHUNK_LINE_MAX: usize = 1024;
/// How many trailer fields are taken.
pub const TRAILERS_MAX: usize = 64;

/// Step 6. Receives a chunked body (RFC 9112 §7.1), takes all of it out of `incoming.arrived`, and returns
/// it without its framing.
///
/// A chunk is a line with its size in hexadecimal digits, which may go on with `;` and extensions that mean
/// nothing to us, then as many bytes, then CRLF. A chunk of size 0 is the last, and has no bytes and no
/// CRLF of its own: lines of trailer fields follow, which are thrown away, and an empty line.
///
/// Refusals: 400 for what is not of this form, also for a line of more than [`CHUNK_LINE_MAX`] bytes and
/// more than [`TRAILERS_MAX`] trailer fields; 413 for more than `max` bytes in all, as soon as a size
/// announces that.
pub fn receive(incoming: &mut Incoming<'_>, max: u64) -> Result<Vec<u8>, Trouble> {
    todo!("chunk after chunk until the one of size 0, then the trailer")
}
