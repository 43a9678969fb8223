//! Chapter 12: three receivers on one port, a fourth on another, and three datagrams. Who hears which?
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

fn main() -> io::Result<()> {
    // ANCHOR: main
    let all = receiver([127, 255, 255, 255], 0)?;
    let port = all.local_addr()?.port();
    let receivers = [
        ("127.255.255.255", all),
        ("127.0.0.1", receiver([127, 0, 0, 1], port)?),
        ("127.0.0.255", receiver([127, 0, 0, 255], port)?),
        (
            "127.255.255.255, another port",
            receiver([127, 255, 255, 255], 0)?,
        ),
    ];
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    let refused = sender.send_to(b"hello", ("127.255.255.255", port));
    println!(
        "without SO_BROADCAST: {:?}",
        refused.map_err(|error| error.kind())
    );
    sender.set_broadcast(true)?;
    for to in ["127.255.255.255", "127.0.0.255", "127.0.0.1"] {
        println!("to {to}:");
        sender.send_to(to.as_bytes(), (to, port))?;
        for (name, socket) in &receivers {
            println!("  bound to {name:<30} {}", hears(socket, to)?);
        }
    }
    // ANCHOR_END: main
    Ok(())
}

fn receiver(ip: [u8; 4], port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::from(ip), port)).into())?;
    // On loopback a datagram is with its receivers when the send returns.
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    Ok(socket.into())
}

fn hears(socket: &UdpSocket, text: &str) -> io::Result<&'static str> {
    let mut buffer = [0; 64];
    match socket.recv(&mut buffer) {
        Ok(n) if &buffer[..n] == text.as_bytes() => Ok("hears it"),
        Ok(_) => Ok("hears something else"),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            Ok("-")
        }
        Err(error) => Err(error),
    }
}
