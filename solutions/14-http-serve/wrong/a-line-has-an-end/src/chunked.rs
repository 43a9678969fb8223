//! Step 6, bonus: a body in chunks.
use crate::connection::{Incoming, Trouble};
// only:
use crate::message::Refusal;
// end

#[allow(dead_code)]
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
    // write: "chunk after chunk until the one of size 0, then the trailer"
    let bad = |reason| Trouble::from(Refusal::new(400, reason));
    let mut body = Vec::new();
    loop {
        let line = line(incoming)?;
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let digits = digits.trim_ascii_end();
        // Sixteen digits are the most that fit; `from_str_radix` alone would take a sign.
        if digits.is_empty() || digits.len() > 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(bad("the size of a chunk is no number"));
        }
        let size = u64::from_str_radix(&String::from_utf8_lossy(digits), 16);
        let size = size.map_err(|_| bad("the size of a chunk is no number"))?;
        if size > max - body.len() as u64 {
            let reason = format!("a body has at most {max} bytes here");
            return Err(Refusal::new(413, reason).into());
        }
        if size == 0 {
            break;
        }
        let size = size as usize;
        while incoming.arrived.len() < size + 2 {
            wait(incoming)?;
        }
        body.extend_from_slice(&incoming.arrived[..size]);
        if &incoming.arrived[size..size + 2] != b"\r\n" {
            return Err(bad("a chunk does not end where it should"));
        }
        incoming.arrived.drain(..size + 2);
    }
    for _ in 0..=TRAILERS_MAX {
        if line(incoming)?.is_empty() {
            return Ok(body);
        }
    }
    Err(bad("there are too many trailer fields"))
    // end
}

// only:
/// The next line, without its end.
fn line(incoming: &mut Incoming<'_>) -> Result<Vec<u8>, Trouble> {
    loop {
        let window = &incoming.arrived;
        if let Some(at) = window.windows(2).position(|pair| pair == b"\r\n") {
            let line = incoming
                .arrived
                .drain(..at + 2)
                .take(at)
                .collect::<Vec<_>>();
            // A bare LF is no end: it must not look like one to anybody else either.
            if line.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
                return Err(Refusal::new(400, "a CR or LF stands alone").into());
            }
            return Ok(line);
        }
        wait(incoming)?;
    }
}

fn wait(incoming: &mut Incoming<'_>) -> Result<(), Trouble> {
    match incoming.more()? {
        0 => Err(Refusal::new(400, "the stream ends within a body").into()),
        _ => Ok(()),
    }
}
// end
