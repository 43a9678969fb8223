//! Chapter 14: sends standard input to a server as it is, ends its half, and prints all that comes back.
use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

fn main() -> io::Result<()> {
    let Some(addr) = std::env::args().nth(1) else {
        return Err(io::Error::other("usage: 14_raw ADDR < REQUESTS"));
    };
    let mut server = TcpStream::connect(addr)?;
    server.set_read_timeout(Some(Duration::from_secs(10)))?;
    io::copy(&mut io::stdin(), &mut server)?;
    server.shutdown(Shutdown::Write)?;
    let mut all = Vec::new();
    server.read_to_end(&mut all)?;
    // A terminal would do strange things with a picture.
    print!("{}", String::from_utf8_lossy(&all).replace('\r', ""));
    Ok(())
}
