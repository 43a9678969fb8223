//! The client's calls. `main.rs` runs `send_input` and `print_answer` at the same time, in two threads.
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// Step 6. A socket that is connected to `addr`, of the same family as `addr`.
pub fn connect(addr: SocketAddr) -> io::Result<Socket> {
    // write: "a socket that is connected to `addr`"
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // No bind: connect lets the kernel choose our address and a free port, because nobody has to
    // know them in advance.
    socket.connect(&addr.into())?;
    Ok(socket)
    // end
}

/// Sends all of `input`, piece by piece as it comes, and then ends our half of the connection
/// (`shutdown` for writing). The other half stays open: the answer may still be on its way.
pub fn send_input(input: &mut impl Read, mut connected: &Socket) -> io::Result<()> {
    // write: "send all of `input`, then end our half"
    let mut buffer = [0; 4096];
    loop {
        let n = input.read(&mut buffer)?;
        if n == 0 {
            // The server's recv returns 0 now. Without this it would go on waiting for us, and we
            // for it.
            return connected.shutdown(Shutdown::Write);
        }
        connected.write_all(&buffer[..n])?;
    }
    // end
}

/// Writes every byte that arrives on `connected` to `output`, at once (flush after each piece), and
/// returns when the server has ended its stream.
pub fn print_answer(mut connected: &Socket, output: &mut impl Write) -> io::Result<()> {
    // write: "write what arrives to `output`, until the server's end"
    let mut buffer = [0; 4096];
    loop {
        let n = connected.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        output.write(&buffer[..n])?;
        // Standard output keeps back what does not end in a newline.
        output.flush()?;
    }
    // end
}
