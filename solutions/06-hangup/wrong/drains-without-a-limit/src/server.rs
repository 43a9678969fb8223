//! A server that hangs up without cutting anybody off.
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
    // write: "a request, its answer, our end"
    let request = match read_request(reader) {
        Ok(request) => request,
        Err(error) => return outcome(error),
    };
    // A request without a newline ends with the client's stream. That closes one direction only: the
    // client waits for the answer in the other.
    if request.is_empty() {
        return Ok(Event::End);
    }
    report(Event::Request(request.len()));
    let reply = reply(&request);
    if let Err(error) = writer.write_all(reply.as_bytes()) {
        return outcome(error);
    }
    report(Event::Sent(reply.len()));
    // shutdown works on the connection, drop on this handle: the caller has another one, and as long
    // as one is open the kernel sends no FIN (close(2), shutdown(2)).
    match writer.shutdown(Shutdown::Write) {
        Ok(()) => Ok(Event::HalfClosed),
        Err(error) => outcome(error),
    }
    // end
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
    // write: "throw away what comes, until one of the four is there"
    let deadline = Instant::now() + bounds.time;
    let mut drained = 0;
    let mut buffer = [0; 4096];
    loop {
        // A timeout counts from the call of one read. A client that sends a byte now and then would
        // stay for ever: each read gets what is left of the whole.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok((drained, Event::Timeout));
        }
        reader.get_ref().set_read_timeout(Some(left))?;
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((drained, Event::End)),
            Ok(n) => drained += n as u64,
            Err(error) => return Ok((drained, outcome(error)?)),
        }
    }
    // end
}
