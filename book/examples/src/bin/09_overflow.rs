//! Chapter 9: a receiver that does not receive, and a sender that hears nothing of it. Linux counts what
//! it throws away.
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::SockRef;

// ANCHOR: main
fn main() -> io::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    // A small queue. Nobody takes anything out of it for now.
    SockRef::from(&receiver).set_recv_buffer_size(10_000)?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    let addr = receiver.local_addr()?;

    let mut sent = 0;
    for _ in 0..1000 {
        sent += u32::from(sender.send_to(b"a reading", addr).is_ok());
    }
    println!("sent:      {sent} of 1000, each with Ok");

    receiver.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut received = 0;
    while receiver.recv(&mut [0; 100]).is_ok() {
        received += 1;
    }
    println!("received:  {received}");
    println!("dropped:   {}, says the receiver's kernel", dropped(addr)?);
    Ok(())
}
// ANCHOR_END: main

/// How many datagrams the kernel has dropped for the socket at `addr`: the last column of
/// `/proc/net/udp`.
fn dropped(addr: SocketAddr) -> io::Result<String> {
    let table = std::fs::read_to_string("/proc/net/udp")?;
    let port = format!(":{:04X}", addr.port());
    let row = table.lines().find(|row| {
        let own = row.split_whitespace().nth(1);
        own.is_some_and(|own| own.ends_with(&port))
    });
    let count = row.and_then(|row| row.split_whitespace().last());
    Ok(count.unwrap_or("unknown").to_string())
}
