//! Chapter 4: one client tries to connect at three moments of a server's life.
//!
//! One thread plays both parts. That it can is part of the answer.
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};

use socket2::{Domain, Protocol, Socket, Type};

// ANCHOR: main
fn main() -> io::Result<()> {
    let server = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    server.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let addr = server.local_addr()?.as_socket().expect("an IPv4 address");

    println!("1. socket and bind are done, listen is not:");
    try_to_connect(addr);

    server.listen(1)?;
    println!("2. listen is done, accept is not:");
    let mut client = try_to_connect(addr).expect("a listening socket takes connections");
    client.write_all(b"hello")?;
    client.shutdown(Shutdown::Write)?;
    println!("   client: sent 5 bytes, and will send no more");

    println!("3. the server calls accept at last:");
    let (mut connected, peer) = server.accept()?;
    let peer = peer.as_socket().expect("an IPv4 address");
    println!("   server: accept gave a connection with {peer}");
    let mut text = String::new();
    connected.read_to_string(&mut text)?;
    println!("   server: it holds {text:?} and the end of the stream");

    drop(connected);
    drop(server);
    println!("4. the listening socket is closed:");
    try_to_connect(addr);
    Ok(())
}
// ANCHOR_END: main

/// Connects to `addr` and says how that went.
fn try_to_connect(addr: SocketAddr) -> Option<TcpStream> {
    match TcpStream::connect(addr) {
        Ok(client) => {
            let own = client
                .local_addr()
                .expect("a connected socket has an address");
            println!("   client: connect to {addr} succeeded; my own address is {own}");
            Some(client)
        }
        Err(error) => {
            println!("   client: connect to {addr} failed: {:?}", error.kind());
            None
        }
    }
}
