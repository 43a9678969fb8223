//! Chapter 5: a TCP client and a UDP socket on the same port, and the other way round.
use std::io;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

fn main() -> io::Result<()> {
    let (udp, tcp) = one_port_for_both()?;
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

    tcp.listen(1)?;
    println!("a TCP socket listens on {addr}, beside it");
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

/// A UDP socket, and a TCP socket with the same port that does not listen yet: bound only, it refuses
/// connections as if it were not there, and nobody else can take its port.
fn one_port_for_both() -> io::Result<(UdpSocket, Socket)> {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        let addr: SocketAddr = udp.local_addr()?;
        let tcp = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        match tcp.bind(&addr.into()) {
            Ok(()) => return Ok((udp, tcp)),
            // Another program has this port of TCP's, which is no business of UDP's.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}
