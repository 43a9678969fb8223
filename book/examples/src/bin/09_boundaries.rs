//! Chapter 9: three datagrams and the receives that follow.
use std::io;
use std::net::UdpSocket;
use std::time::Duration;

// ANCHOR: main
fn main() -> io::Result<()> {
    for room in [100, 4] {
        let (sender, receiver) = two_sockets()?;
        for message in ["one", "", "three"] {
            sender.send(message.as_bytes())?;
        }

        // A receive that waits in vain for half a second ends the loop.
        receiver.set_read_timeout(Some(Duration::from_millis(500)))?;
        let mut buffer = vec![0; room];
        print!("room for {room:>3} bytes:");
        while let Ok(n) = receiver.recv(&mut buffer) {
            print!("  {:?}", String::from_utf8_lossy(&buffer[..n]));
        }
        println!();
    }
    Ok(())
}
// ANCHOR_END: main

/// A socket, and one that sends to it.
fn two_sockets() -> io::Result<(UdpSocket, UdpSocket)> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    sender.connect(receiver.local_addr()?)?;
    Ok((sender, receiver))
}
