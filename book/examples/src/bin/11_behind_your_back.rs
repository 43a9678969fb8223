//! Chapter 11: what a library sets on a socket without being asked (Linux).
use std::io;

#[cfg(not(unix))]
fn main() -> io::Result<()> {
    println!("this program needs a Unix system");
    Ok(())
}

#[cfg(unix)]
fn main() -> io::Result<()> {
    use socket2::{Domain, Socket, Type};
    use std::net::{TcpListener, TcpStream, UdpSocket};

    // ANCHOR: main
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (connected, _) = listener.accept()?;
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    let checked = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let raw = Socket::new_raw(Domain::IPV4, Type::STREAM, None)?;

    show("std's TcpListener::bind", &listener)?;
    show("  what it accepts", &connected)?;
    show("std's TcpStream::connect", &client)?;
    show("std's UdpSocket::bind", &udp)?;
    show("socket2's Socket::new", &checked)?;
    show("socket2's Socket::new_raw", &raw)?;
    println!("std's listener lets {} clients wait", waiting()?);
    // ANCHOR_END: main
    Ok(())
}

#[cfg(unix)]
fn show(what: &str, socket: &impl std::os::fd::AsFd) -> io::Result<()> {
    use rustix::io::{FdFlags, fcntl_getfd};

    let reuse = match socket2::SockRef::from(socket).reuse_address()? {
        true => "SO_REUSEADDR on ",
        false => "SO_REUSEADDR off",
    };
    let exec = match fcntl_getfd(socket)?.contains(FdFlags::CLOEXEC) {
        true => "closed on exec",
        false => "kept on exec",
    };
    println!("{what:<26} {reuse}  {exec}");
    Ok(())
}

/// How many clients find room in the queue of a listener of std that accepts nobody.
#[cfg(unix)]
fn waiting() -> io::Result<usize> {
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let clients: Vec<_> = (0..1000)
        .map_while(|_| TcpStream::connect_timeout(&addr, Duration::from_millis(500)).ok())
        .collect();
    Ok(clients.len())
}
