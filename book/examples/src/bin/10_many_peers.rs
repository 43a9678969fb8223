//! Chapter 10: three clients, and the sockets that a server needs for them.
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

fn main() -> io::Result<()> {
    let mut room = [0; 100];
    // ANCHOR: main
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut clients = Vec::new();
    let mut connections = Vec::new();
    for name in ["Ann", "Bo", "Cy"] {
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        client.write_all(name.as_bytes())?;
        clients.push(client);
        connections.push(listener.accept()?.0);
    }
    // Who speaks is known by the socket.
    for connection in &mut connections {
        let n = connection.read(&mut room)?;
        println!("TCP: {}", String::from_utf8_lossy(&room[..n]));
    }
    println!("     sockets of the server: {}", 1 + connections.len());

    let server = UdpSocket::bind("127.0.0.1:0")?;
    let mut senders = Vec::new();
    for name in ["Ann", "Bo", "Cy"] {
        let client = UdpSocket::bind("127.0.0.1:0")?;
        client.send_to(name.as_bytes(), server.local_addr()?)?;
        senders.push(client);
    }
    // Who speaks is known by the address that comes with each datagram.
    for sender in &senders {
        let (n, from) = server.recv_from(&mut room)?;
        let known = from == sender.local_addr()?;
        let name = String::from_utf8_lossy(&room[..n]);
        println!("UDP: {name}, its address came along: {known}");
    }
    println!("     sockets of the server: 1");
    // ANCHOR_END: main
    Ok(())
}
