//! Chapter 5: a TCP client and a UDP socket on the same port, and the other way round.
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

// ANCHOR: main
fn main() -> io::Result<()> {
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    let addr = udp.local_addr()?;
    println!("a UDP socket is bound to {addr}");
    match TcpStream::connect(addr) {
        Ok(_) => println!("   TCP connect: succeeded"),
        Err(error) => println!("   TCP connect: {error}"),
    }
    udp.set_read_timeout(Some(Duration::from_millis(300)))?;
    match udp.recv_from(&mut [0; 100]) {
        Ok((n, from)) => println!("   the UDP socket got {n} bytes from {from}"),
        Err(_) => println!("   the UDP socket got nothing"),
    }

    let tcp = TcpListener::bind(addr)?;
    println!("a TCP socket listens on {}, beside it", tcp.local_addr()?);
    match TcpStream::connect(addr) {
        Ok(_) => println!("   TCP connect: succeeded"),
        Err(error) => println!("   TCP connect: {error}"),
    }

    drop(udp);
    println!("the UDP socket is closed, the TCP socket listens on");
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    sender.connect(addr)?;
    println!("   UDP send: {} bytes, no error", sender.send(b"hello")?);
    sender.set_read_timeout(Some(Duration::from_secs(2)))?;
    match sender.recv(&mut [0; 100]) {
        Ok(n) => println!("   UDP recv: {n} bytes"),
        Err(error) => println!("   UDP recv: {error}"),
    }
    Ok(())
}
// ANCHOR_END: main
