//! Chapter 10: five differences between TCP and UDP, each by running both.
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};

fn main() -> io::Result<()> {
    nobody_there()?;
    boundaries()?;
    many_peers()
}

// ANCHOR: nobody
fn nobody_there() -> io::Result<()> {
    // A port that is bound and closed again: nobody is there.
    let gone = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    let tcp = TcpStream::connect(gone).map(|_| "connected");
    println!("TCP, nobody there: {:?}", tcp.map_err(|e| e.kind()));

    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let udp = socket.send_to(b"hello", gone);
    println!("UDP, nobody there: {:?}", udp.map_err(|e| e.kind()));
    Ok(())
}
// ANCHOR_END: nobody

// ANCHOR: boundaries
fn boundaries() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut sender = TcpStream::connect(listener.local_addr()?)?;
    let (mut receiver, _) = listener.accept()?;
    sender.write_all(b"one")?;
    sender.write_all(b"two")?;
    sender.shutdown(Shutdown::Write)?;
    let mut all = String::new();
    receiver.read_to_string(&mut all)?;
    println!("TCP, two writes: the stream is {all:?}");

    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    sender.send_to(b"one", receiver.local_addr()?)?;
    sender.send_to(b"two", receiver.local_addr()?)?;
    let mut room = [0; 100];
    for _ in 0..2 {
        let (n, _) = receiver.recv_from(&mut room)?;
        let text = String::from_utf8_lossy(&room[..n]);
        println!("UDP, two sends: a datagram {text:?}");
    }
    Ok(())
}
// ANCHOR_END: boundaries

// ANCHOR: many
fn many_peers() -> io::Result<()> {
    let server = UdpSocket::bind("127.0.0.1:0")?;
    let mut room = [0; 100];
    let mut peers = Vec::new();
    for _ in 0..3 {
        let client = UdpSocket::bind("127.0.0.1:0")?;
        client.send_to(b"hi", server.local_addr()?)?;
        peers.push(server.recv_from(&mut room)?.1);
    }
    peers.dedup();
    println!("UDP: one socket has heard {} peers", peers.len());
    Ok(())
}
// ANCHOR_END: many
