//! Given: what becomes of a final response.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::thread;

use crate::fault::Fault;
use crate::framing::{Coding, Framing};
use crate::message::{Head, Wish};
use crate::net::Trace;
use crate::{body, gzip};

// ANCHOR: deliver
/// The body of the response with this head: what `reader` holds of
/// it, decoded, goes to `out`.
pub fn deliver(
    head: &Head,
    wish: &Wish,
    trace: Trace,
    reader: &mut (dyn BufRead + Send),
    out: &mut dyn Write,
) -> Result<u64, Fault> {
    let framing = Framing::of(wish.method, head)?;
    let coding = match framing {
        Framing::None => Coding::Identity,
        _ => Coding::of(wish, head)?,
    };
    trace.response(head, framing, coding);
    let bytes = match coding {
        Coding::Identity => body::copy(framing, reader, out)?,
        Coding::Gzip => through_a_pipe(framing, reader, out)?,
    };
    out.flush()?;
    Ok(bytes)
}
// ANCHOR_END: deliver

/// One thread takes the body out of its frame, another decompresses it; between the two is a
/// pipe, and so neither has all of it.
fn through_a_pipe(
    framing: Framing,
    reader: &mut (dyn BufRead + Send),
    out: &mut dyn Write,
) -> Result<u64, Fault> {
    let (packed, mut end) = io::pipe()?;
    thread::scope(|scope| {
        let copied = scope.spawn(move || body::copy(framing, reader, &mut end));
        let decoded = decode(packed, out);
        match copied.join() {
            // Decompressing has given up and closed its end of the pipe: it knows why.
            Ok(Err(Fault::Io(error))) if error.kind() == io::ErrorKind::BrokenPipe => decoded,
            Ok(copied) => copied.and(decoded),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Decompresses, and closes its end of the pipe in any case.
fn decode(packed: PipeReader, out: &mut dyn Write) -> Result<u64, Fault> {
    gzip::decode(&mut BufReader::new(packed), out)
}
