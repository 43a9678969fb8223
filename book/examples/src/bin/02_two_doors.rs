//! Chapter 2: a port is a port of one protocol at one address.
use std::io;
use std::net::{TcpListener, UdpSocket};

// ANCHOR: main
fn main() -> io::Result<()> {
    let (stream, datagram) = same_number()?;
    println!("tcp  {}  bound", stream.local_addr()?);
    println!("udp  {}  bound too", datagram.local_addr()?);
    match TcpListener::bind(stream.local_addr()?) {
        Ok(_) => println!("tcp  the same again: bound"),
        Err(error) => println!("tcp  the same again: {:?}", error.kind()),
    }
    Ok(())
}
// ANCHOR_END: main

/// A TCP and a UDP socket with one port number, which the system chose for the first of them.
fn same_number() -> io::Result<(TcpListener, UdpSocket)> {
    let mut tries = 0;
    loop {
        let stream = TcpListener::bind("127.0.0.1:0")?;
        match UdpSocket::bind(stream.local_addr()?) {
            Ok(datagram) => return Ok((stream, datagram)),
            // Another program has that UDP port: take the next number.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < 100 => tries += 1,
            Err(error) => return Err(error),
        }
    }
}
