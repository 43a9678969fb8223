//! An address that is used again, and the queue of a listening socket (chapters 4 and 11).
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::{Probe, System, outcome};

pub fn probes() -> Vec<Probe> {
    vec![
        Probe {
            asked: "the server closed first; bind again with SO_REUSEADDR on neither, the old, the new, both",
            book: "AddrInUse, AddrInUse, AddrInUse, Ok",
            system: System::Linux,
            tries: 5,
            run: rebind,
        },
        Probe {
            asked: "two sockets with SO_REUSEADDR: the second listens on the first one's port",
            book: "AddrInUse",
            system: System::Linux,
            tries: 20,
            run: two_listeners,
        },
        Probe {
            asked: "connections that stand beside listen(2), before any accept",
            book: "3",
            system: System::Linux,
            tries: 2,
            run: backlog,
        },
    ]
}

fn bound(addr: SocketAddr, reuse: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(reuse)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

fn address(socket: &Socket) -> io::Result<SocketAddr> {
    let addr = socket.local_addr()?.as_socket();
    addr.ok_or(io::Error::other("a bound socket has no address"))
}

fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn rebind() -> io::Result<String> {
    let mut outcomes = Vec::new();
    for (old, new) in [(false, false), (true, false), (false, true), (true, true)] {
        let listening = bound(free(), old)?;
        listening.listen(1)?;
        let addr = address(&listening)?;
        let mut client = TcpStream::connect(addr)?;
        let (connected, _) = listening.accept()?;
        drop(connected);
        client.read_to_end(&mut Vec::new())?;
        drop(client);
        drop(listening);
        outcomes.push(outcome(bound(addr, new)));
    }
    Ok(outcomes.join(", "))
}

fn two_listeners() -> io::Result<String> {
    let first = bound(free(), true)?;
    first.listen(1)?;
    let second = bound(address(&first)?, true);
    Ok(outcome(second.and_then(|socket| socket.listen(1))))
}

fn backlog() -> io::Result<String> {
    let listening = bound(free(), true)?;
    listening.listen(2)?;
    let addr = address(&listening)?;
    let mut clients = Vec::new();
    for _ in 0..10 {
        match TcpStream::connect_timeout(&addr, Duration::from_millis(300)) {
            Ok(client) => clients.push(client),
            Err(_) => break,
        }
    }
    Ok(clients.len().to_string())
}
