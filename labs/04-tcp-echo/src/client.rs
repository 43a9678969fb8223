//! The client's calls. `main.rs` runs `send_input` and `print_answer` at the same time, in two threads.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// Step 6. A socket that is connected to `addr`, of the same family as `addr`.
pub fn connect(addr: SocketAddr) -> io::Result<Socket> {
    todo!("a socket that is connected to `addr`")
}

/// Sends all of `input`, piece by piece as it comes, and then ends our half of the connection
/// (`shutdown` for writing). The other half stays open: the answer may still be on its way.
pub fn send_input(input: &mut impl Read, mut connected: &Socket) -> io::Result<()> {
    todo!("send all of `input`, then end our half")
}

/// Writes every byte that arrives on `connected` to `output`, at once (flush after each piece), and
/// returns when the server has ended its stream.
pub fn print_answer(mut connected: &Socket, output: &mut impl Write) -> io::Result<()> {
    todo!("write what arrives to `output`, until the server's end")
}
