//! The echo: what the client sent goes back to it. Steps 1 and 2.
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Sends back what the client sends, until the client sends no more.
pub fn converse(mut client: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let n = client.read(&mut buffer)?;
        if n > 0 {
            client.write_all(reply(&buffer, n))?;
        }
        if is_over(n) {
            return Ok(());
        }
    }
}

/// Step 1. The bytes to send back, after a read of `n` bytes into `buffer`.
///
/// The buffer has room for 1024 bytes, whatever came from the client.
fn reply(buffer: &[u8], n: usize) -> &[u8] {
    // write: "the bytes to send back"
    let end = buffer[..n].iter().position(|byte| *byte == 0);
    &buffer[..end.unwrap_or(n)]
    // end
}

/// Step 2. Whether the conversation is over, after a read of `n` bytes.
///
/// A read waits while there is nothing to read, so one value of `n` is left to mean the end.
fn is_over(n: usize) -> bool {
    // write: "whether the conversation is over"
    n == 0
    // end
}
