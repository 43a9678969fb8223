//! Chapter 10: a sender that does not stop, and a receiver that does not read: by UDP, and by TCP.
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use socket2::SockRef;

const BLOCK: [u8; 1000] = [7; 1000];
const BLOCKS: usize = 10_000;

fn main() -> io::Result<()> {
    udp()?;
    tcp()
}

// ANCHOR: udp
fn udp() -> io::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    SockRef::from(&receiver).set_recv_buffer_size(64 << 10)?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    let mut sent = 0;
    for _ in 0..BLOCKS {
        sent += sender.send_to(&BLOCK, receiver.local_addr()?)?;
    }
    println!("UDP: sent {sent} bytes, no error");

    // Only now does the receiver read, until nothing comes any more.
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut arrived = 0;
    while let Ok(n) = receiver.recv(&mut [0; 2000]) {
        arrived += n;
    }
    println!("     a tenth of it has arrived: {}", arrived > sent / 10);
    println!("     something has arrived:     {}", arrived > 0);
    Ok(())
}
// ANCHOR_END: udp

// ANCHOR: tcp
fn tcp() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    SockRef::from(&listener).set_recv_buffer_size(64 << 10)?;
    let mut sender = connect(listener.local_addr()?)?;
    let (mut receiver, _) = listener.accept()?;
    sender.set_nonblocking(true)?;
    let mut sent = 0;
    while sent < BLOCK.len() * BLOCKS {
        match sender.write(&BLOCK) {
            Ok(n) => sent += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    let is_little = sent < BLOCK.len() * BLOCKS / 10;
    println!("TCP: a write would wait before a tenth: {is_little}");

    // Only now does the receiver read, and the sender goes on.
    sender.set_nonblocking(false)?;
    let writer = std::thread::spawn(move || -> io::Result<usize> {
        while sent < BLOCK.len() * BLOCKS {
            let left = BLOCK.len() * BLOCKS - sent;
            sent += sender.write(&BLOCK[..left.min(BLOCK.len())])?;
        }
        Ok(sent)
    });
    let mut all = Vec::new();
    receiver.read_to_end(&mut all)?;
    let sent = writer.join().expect("the writer does not panic")?;
    println!("     sent {sent} bytes, and {} have arrived", all.len());
    Ok(())
}
// ANCHOR_END: tcp

/// A connection whose send buffer is small.
fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_send_buffer_size(64 << 10)?;
    socket.connect(&addr.into())?;
    Ok(socket.into())
}
