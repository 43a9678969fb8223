//! The body: as many bytes as belong to it, and not one more (RFC 9112 §6, §7.1).
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
    // write: "the body, however its end is to be found"
    match framing {
        Framing::None => Ok(0),
        Framing::Close => Ok(io::copy(reader, out)?),
        Framing::Length(length) => match exactly(length, reader, out)? {
            came if came < length => Err(Fault::CutBody { came, of: length }),
            came => Ok(came),
        },
        Framing::Chunked => chunked(reader, out),
    }
    // end
}

// only:

/// Copies `length` bytes, or fewer where the stream ends earlier, and says how many.
fn exactly(length: u64, reader: &mut dyn BufRead, out: &mut dyn Write) -> Result<u64, Fault> {
    let mut came = 0;
    while came < length {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        let n = piece
            .len()
            .min(usize::try_from(length - came).unwrap_or(usize::MAX));
        let _ = out.write(&piece[..n])?;
        reader.consume(n);
        came += n as u64;
    }
    Ok(came)
}

fn chunked(reader: &mut dyn BufRead, out: &mut dyn Write) -> Result<u64, Fault> {
    let mut total = 0;
    loop {
        let line = head::line(reader, &mut { MAX_CHUNK_LINE }, "a chunk's line")?;
        let size = size(&line).ok_or_else(|| chunk(&line))?;
        if size == 0 {
            break;
        }
        let came = exactly(size, reader, out)?;
        total += came;
        if came < size {
            return Err(Fault::Cut("a chunk"));
        }
        // Behind the bytes of a chunk is the end of a line, and nothing else: otherwise the size was
        // a lie, and nobody can say where the next chunk begins.
        match head::line(reader, &mut 2, "a chunk") {
            Ok(rest) if rest.is_empty() => {}
            Ok(rest) => return Err(chunk(&rest)),
            Err(Fault::TooLong(_)) => return Err(Fault::Chunk("longer than its size".into())),
            Err(fault) => return Err(fault),
        }
    }
    // What comes as trailer is not for us. It has to be read to know that the body was complete.
    let mut limit = MAX_HEAD;
    while !head::line(reader, &mut limit, "the trailer")?.is_empty() {}
    Ok(total)
}

/// The size in front of a chunk.
fn size(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line.split(|byte| *byte == b';').next()?).ok()?;
    let text = text.trim_end_matches([' ', '\t']);
    // `from_str_radix` alone would take "+5", too.
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| digits)
}

fn chunk(line: &[u8]) -> Fault {
    Fault::Chunk(String::from_utf8_lossy(line).into_owned())
}
// end
