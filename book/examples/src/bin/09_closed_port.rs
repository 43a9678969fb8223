//! Chapter 9: who hears that a port is closed.
use std::io;
use std::net::UdpSocket;
use std::time::Duration;

// ANCHOR: main
fn main() -> io::Result<()> {
    let closed = closed_port()?;
    let addr = closed.local_addr()?;

    let loose = UdpSocket::bind("127.0.0.1:0")?;
    println!("not connected");
    show("send_to", loose.send_to(b"hello", addr));
    show("recv_from", with_patience(&loose)?.recv_from(&mut [0; 100]));
    show("send_to", loose.send_to(b"hello", addr));

    let connected = UdpSocket::bind("127.0.0.1:0")?;
    connected.connect(addr)?;
    println!("connected");
    show("send", connected.send(b"hello"));
    show("recv", with_patience(&connected)?.recv(&mut [0; 100]));
    show("send", connected.send(b"hello"));
    show("send", connected.send(b"hello"));
    Ok(())
}
// ANCHOR_END: main

/// A port that takes nothing from us: its socket is connected to itself, and hears nobody else.
fn closed_port() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(socket.local_addr()?)?;
    Ok(socket)
}

fn with_patience(socket: &UdpSocket) -> io::Result<&UdpSocket> {
    socket.set_read_timeout(Some(Duration::from_millis(300)))?;
    Ok(socket)
}

fn show<T>(call: &str, outcome: io::Result<T>) {
    match outcome {
        Ok(_) => println!("   {call:<9}  Ok"),
        Err(error) => println!("   {call:<9}  {:?}", error.kind()),
    }
}
