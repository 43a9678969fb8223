//! Chapter 4: an echo, one call after the other, with what each call returned.
//!
//! Client and server take turns in one thread, so that the order of the lines is the order of the
//! calls. The left half is the client, the right half the server.
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

fn main() -> io::Result<()> {
    println!("{:<34}server", "client");

    let listening = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    server(format!(
        "socket(IPV4, STREAM, TCP) -> {}",
        number(&listening)
    ));
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    listening.bind(&any_port.into())?;
    let addr = address(listening.local_addr()?);
    server(format!(
        "bind({}, {any_port}): got {addr}",
        number(&listening)
    ));
    listening.listen(128)?;
    server(format!("listen({}, 128)", number(&listening)));

    let mut sockfd = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    client(format!("socket(IPV4, STREAM, TCP) -> {}", number(&sockfd)));
    sockfd.connect(&addr.into())?;
    client(format!("connect({}, {addr})", number(&sockfd)));
    client(format!("  my address is {}", address(sockfd.local_addr()?)));

    let (mut connfd, peer) = listening.accept()?;
    server(format!(
        "accept({}) -> {}, {}",
        number(&listening),
        number(&connfd),
        address(peer)
    ));

    for text in ["hello", "again"] {
        let n = sockfd.write(text.as_bytes())?;
        client(format!("send({}, {text:?}) -> {n}", number(&sockfd)));
        let mut buffer = [0; 4096];
        let n = connfd.read(&mut buffer)?;
        server(format!(
            "recv({}, 4096) -> {n} {:?}",
            number(&connfd),
            text_of(&buffer[..n])
        ));
        let n = connfd.write(&buffer[..n])?;
        server(format!("send({}, {text:?}) -> {n}", number(&connfd)));
        let n = sockfd.read(&mut buffer)?;
        client(format!(
            "recv({}, 4096) -> {n} {:?}",
            number(&sockfd),
            text_of(&buffer[..n])
        ));
    }

    sockfd.shutdown(Shutdown::Write)?;
    client(format!("shutdown({}, WRITE)", number(&sockfd)));
    let mut buffer = [0; 4096];
    let n = connfd.read(&mut buffer)?;
    server(format!("recv({}, 4096) -> {n}", number(&connfd)));
    server(format!("close({})", number(&connfd)));
    drop(connfd);
    let n = sockfd.read(&mut buffer)?;
    client(format!("recv({}, 4096) -> {n}", number(&sockfd)));
    client(format!("close({})", number(&sockfd)));
    drop(sockfd);
    server(format!(
        "accept({}) ... the next client",
        number(&listening)
    ));
    Ok(())
}

fn client(line: String) {
    println!("{line}");
}

fn server(line: String) {
    println!("{:<34}{line}", "");
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn address(addr: SockAddr) -> SocketAddr {
    addr.as_socket().expect("an IPv4 address")
}

/// The number by which the program knows the socket: its file descriptor.
#[cfg(unix)]
fn number(socket: &Socket) -> String {
    use std::os::fd::AsRawFd;
    socket.as_raw_fd().to_string()
}

/// The number by which the program knows the socket: its handle.
#[cfg(windows)]
fn number(socket: &Socket) -> String {
    use std::os::windows::io::AsRawSocket;
    socket.as_raw_socket().to_string()
}
