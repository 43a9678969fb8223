//! Chapter 15: a sender that says by hand what the protocol asks for, and is cut off in the middle.
use std::io::{self, Error, Read, Write};
use std::net::TcpStream;

// ANCHOR: main
fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1).ok_or(Error::other("which ADDR?"))?;
    let mut stream = TcpStream::connect(addr)?;

    // OFFER: a message of 14 bytes, kind 1, 11 bytes of content, the name.
    stream.write_all(b"\0\0\0\x0e\x01\0\0\0\0\0\0\0\x0bnotes")?;
    let mut have = [0; 17];
    stream.read_exact(&mut have)?;
    println!("HAVE: {have:02x?}");

    // DATA: a message of 9 bytes, kind 3, from the beginning. Then 6 of 11 bytes.
    stream.write_all(b"\0\0\0\x09\x03\0\0\0\0\0\0\0\0hello ")?;
    println!("sent 6 of 11 bytes, and gone");
    Ok(())
}
// ANCHOR_END: main
