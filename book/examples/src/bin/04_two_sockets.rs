//! Chapter 4: a listening socket and the connected sockets that accept takes from it.
use std::io;
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Protocol, Socket, Type};

// ANCHOR: main
fn main() -> io::Result<()> {
    let listening = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    listening.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listening.listen(5)?;
    let addr = listening
        .local_addr()?
        .as_socket()
        .expect("an IPv4 address");

    let first_client = TcpStream::connect(addr)?;
    let second_client = TcpStream::connect(addr)?;
    let (first, _) = listening.accept()?;
    let (second, _) = listening.accept()?;

    println!("server  listening socket   {}", names(&listening));
    println!("server  first connection   {}", names(&first));
    println!("server  second connection  {}", names(&second));
    println!("client  first              {}", names(&first_client.into()));
    println!(
        "client  second             {}",
        names(&second_client.into())
    );

    drop(listening);
    println!("the listening socket is closed; the first connection is still");
    println!("server  first connection   {}", names(&first));
    Ok(())
}

/// What getsockname and getpeername say about `socket`.
fn names(socket: &Socket) -> String {
    let shown = |addr: io::Result<socket2::SockAddr>| match addr.map(|addr| addr.as_socket()) {
        Ok(Some(addr)) => addr.to_string(),
        Ok(None) => "of another family".to_string(),
        Err(error) => format!("none ({:?})", error.kind()),
    };
    let (local, peer) = (shown(socket.local_addr()), shown(socket.peer_addr()));
    format!("local {local}  peer {peer}")
}
// ANCHOR_END: main
