//! Chapter 7: where `read` puts what it brings, and what it does when there is no such place.
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

// ANCHOR: main
fn main() -> io::Result<()> {
    let (mut sender, mut receiver) = connection()?;
    sender.write_all(b"hello")?;

    let mut buffer = Vec::with_capacity(100);
    describe("Vec::with_capacity(100)", &mut buffer, &mut receiver)?;

    let mut buffer = vec![0; 100];
    describe("vec![0; 100]", &mut buffer, &mut receiver)?;

    // The buffer is used again, and somebody tidies up first.
    buffer.clear();
    sender.write_all(b"again")?;
    describe("the same, cleared", &mut buffer, &mut receiver)?;
    Ok(())
}
// ANCHOR_END: main

fn describe(name: &str, buffer: &mut Vec<u8>, receiver: &mut TcpStream) -> io::Result<()> {
    let (length, has_memory) = (buffer.len(), buffer.capacity() >= 100);
    let memory = if has_memory { "100 or more" } else { "less" };
    let n = receiver.read(buffer)?;
    println!("{name:<24} capacity {memory}, length {length:>3}: read returned {n}");
    Ok(())
}

fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let sender = TcpStream::connect(listener.local_addr()?)?;
    let (receiver, _) = listener.accept()?;
    Ok((sender, receiver))
}
