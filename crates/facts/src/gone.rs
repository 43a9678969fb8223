//! A peer that has left (chapter 6).
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::pair::{arrived, pair, reset_arrived};
use crate::{Probe, System, outcome};

pub fn probes() -> Vec<Probe> {
    vec![
        Probe {
            asked: "the peer has read all and closed; a write, and one after its answer has come",
            book: "Ok, then BrokenPipe",
            system: System::Linux,
            tries: 50,
            run: clean,
        },
        Probe {
            asked: "the peer closed with bytes unread; two reads",
            book: "ConnectionReset, then 0 bytes",
            system: System::Linux,
            tries: 50,
            run: unread,
        },
        Probe {
            asked: "the peer has half-closed: we read, and our write comes to it as",
            book: "0 bytes, and it arrives",
            system: System::Any,
            tries: 50,
            run: half_closed,
        },
        Probe {
            asked: "connect to a port that is bound and does not listen",
            book: "ConnectionRefused",
            system: System::Any,
            tries: 20,
            run: refused,
        },
    ]
}

fn clean() -> io::Result<String> {
    let (mut client, server) = pair()?;
    drop(server);
    let first = outcome(client.write(b"a"));
    reset_arrived(&client)?;
    Ok(format!("{first}, then {}", outcome(client.write(b"b"))))
}

fn unread() -> io::Result<String> {
    let (mut client, server) = pair()?;
    client.write_all(b"hello")?;
    arrived(&server, 5)?;
    drop(server);
    reset_arrived(&client)?;
    let first = outcome(client.read(&mut [0; 10]));
    let n = client.read(&mut [0; 10])?;
    Ok(format!("{first}, then {n} bytes"))
}

fn half_closed() -> io::Result<String> {
    let (mut client, mut server) = pair()?;
    server.shutdown(Shutdown::Write)?;
    let n = client.read(&mut [0; 10])?;
    client.write_all(b"still here")?;
    arrived(&server, 10)?;
    server.read_exact(&mut [0; 10])?;
    Ok(format!("{n} bytes, and it arrives"))
}

fn refused() -> io::Result<String> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    let addr = socket.local_addr()?.as_socket();
    Ok(outcome(TcpStream::connect(addr.ok_or(
        io::Error::other("a bound socket has no address"),
    )?)))
}
