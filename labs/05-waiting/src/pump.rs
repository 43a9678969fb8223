//! Step 3: both directions at the same time.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

/// Step 3. Sends all of `input` on `connected`, as it comes, and ends our half of the connection after
/// it. Meanwhile writes all that arrives to `output`, each piece as soon as it has come (flush).
///
/// `input` may be larger than everything that both ends can hold, the answer may come early, late or
/// in pieces of any size, and in memory there is never more than a few buffers of either.
///
/// Returns when the server has ended its stream, even if `input` has not come to its end by then. An
/// error while receiving is returned. One while sending only ends the sending: the server is gone, and
/// receiving says how.
pub fn pump(
    connected: TcpStream,
    input: impl Read + Send + 'static,
    output: &mut impl Write,
) -> io::Result<()> {
    todo!("sending and receiving, neither of which ever has to wait for the other")
}
