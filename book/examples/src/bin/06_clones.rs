//! Chapter 6: two handles of one socket, and what the peer hears when they are dropped.
use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

// ANCHOR: main
fn main() -> io::Result<()> {
    let (first, peer) = connection()?;
    let second = first.try_clone()?;
    drop(first);
    println!("one of two dropped   read: {}", read(&peer));
    drop(second);
    println!("both dropped         read: {}", read(&peer));

    let (first, peer) = connection()?;
    let _second = first.try_clone()?;
    first.shutdown(Shutdown::Write)?;
    println!("shutdown on one      read: {}", read(&peer));
    Ok(())
}
// ANCHOR_END: main

/// Both ends of one connection. The second one's reads wait for 0.3 s at most.
fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let ours = TcpStream::connect(listener.local_addr()?)?;
    let (peer, _) = listener.accept()?;
    peer.set_read_timeout(Some(Duration::from_millis(300)))?;
    Ok((ours, peer))
}

fn read(mut socket: &TcpStream) -> String {
    match socket.read(&mut [0; 16]) {
        Ok(0) => "0 bytes, the end".to_string(),
        Ok(n) => format!("{n} bytes"),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            "nothing in 0.3 s".to_string()
        }
        Err(error) => format!("{:?}", error.kind()),
    }
}
