//! Chapter 6: a peer calls close, twice, and what this side's reads and writes return afterwards.
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

// ANCHOR: main
fn main() -> io::Result<()> {
    println!("the peer has read everything, and closes");
    let (ours, peer) = connection()?;
    drop(peer);
    println!("  read   {}", read(&ours));
    println!("  write  {}", write(&ours));
    wait_until_a_reset_has_arrived(&ours);
    println!("  write  {}", write(&ours));
    println!("  read   {}", read(&ours));

    println!("the peer has replied, has not read our request, and closes");
    let (ours, mut peer) = connection()?;
    peer.write_all(b"the reply")?;
    println!("  write  {}", write(&ours));
    wait_until_unread_bytes_have_arrived(&peer)?;
    drop(peer);
    wait_until_a_reset_has_arrived(&ours);
    println!("  read   {}", read(&ours));
    println!("  read   {}", read(&ours));
    println!("  read   {}", read(&ours));
    println!("  write  {}", write(&ours));
    Ok(())
}
// ANCHOR_END: main

/// Both ends of one connection.
fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let ours = TcpStream::connect(listener.local_addr()?)?;
    let (peer, _) = listener.accept()?;
    Ok((ours, peer))
}

fn read(mut socket: &TcpStream) -> String {
    let mut buffer = [0; 4096];
    match socket.read(&mut buffer) {
        Ok(n) => format!("{n} bytes"),
        Err(error) => format!("{:?}", error.kind()),
    }
}

fn write(mut socket: &TcpStream) -> String {
    match socket.write(b"hello") {
        Ok(n) => format!("{n} bytes taken"),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// From then on the socket has no peer, and `getpeername` says so.
fn wait_until_a_reset_has_arrived(socket: &TcpStream) {
    while socket.peer_addr().is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// A peek waits as a read does, and takes nothing.
fn wait_until_unread_bytes_have_arrived(socket: &TcpStream) -> io::Result<()> {
    socket.peek(&mut [0])?;
    Ok(())
}
