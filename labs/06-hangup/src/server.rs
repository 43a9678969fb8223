//! A server that hangs up without cutting anybody off.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::event::Event;
use crate::outcome::outcome;

/// How long a request may be. What follows is not part of it.
const REQUEST_MAX: u64 = 8192;

/// How much is drained at most from a client that has its answer, and how long that may take in all.
pub struct Bounds {
    /// Bytes.
    pub bytes: u64,
    /// For all reads together, from the call of [`drain`] on.
    pub time: Duration,
}

/// Given. A request: everything up to the first newline, the newline with it, or up to the end of the
/// client's stream, whichever comes first. Empty when the client ends its stream at once.
pub fn read_request(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut limited = io::Read::take(reader, REQUEST_MAX);
    limited.read_until(b'\n', &mut request)?;
    Ok(request)
}

/// Given. The answer to a request.
pub fn reply(request: &[u8]) -> String {
    format!("your request has {} bytes\n", request.len())
}

/// Step 4. Reads one request, answers it, and ends our stream, so that the client's read returns 0.
///
/// `reader` and `writer` are two handles of one socket: `writer` was made with `try_clone`. The caller
/// goes on reading with `reader`.
///
/// Calls `report` with `Request` when the request is there, and with `Sent` when all of the answer is
/// written. Returns the last event, and does not report it:
///
/// - `HalfClosed`: the request is answered and our stream is ended.
/// - `End`: the client ended its stream without a request. It gets no answer.
/// - what the error stands for, if reading, writing or ending the stream fails.
pub fn answer(
    reader: &mut BufReader<Socket>,
    mut writer: Socket,
    report: &mut dyn FnMut(Event),
) -> io::Result<Event> {
    todo!("a request, its answer, our end")
}

/// Step 5. Reads and throws away what the client still sends, within `bounds`. Returns how many bytes
/// that were, and why it stopped:
///
/// - `End`: the client has ended its stream. Now a close harms nobody.
/// - `Limit`: `bounds.bytes` bytes have been read, or a few more, and no end. All of them count.
/// - `Timeout`: `bounds.time` is over, counted from the call of this function, however many reads
///   there were and whatever they brought. (A socket's read timeout below 1 µs is none at all: the read
///   waits for ever.)
/// - what the error stands for: `Reset` above all.
pub fn drain(reader: &mut BufReader<Socket>, bounds: &Bounds) -> io::Result<(u64, Event)> {
    todo!("throw away what comes, until one of the four is there")
}
