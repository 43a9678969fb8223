//! Datagrams to all of 127.0.0.0/8 (chapter 12).
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::{Probe, System, outcome};

const ALL: [u8; 4] = [127, 255, 255, 255];

pub fn probes() -> Vec<Probe> {
    vec![
        Probe {
            asked: "a send to 127.255.255.255 without SO_BROADCAST, and with it",
            book: "PermissionDenied, Ok",
            system: System::Linux,
            tries: 20,
            run: permission,
        },
        Probe {
            asked: "of two sockets bound to 127.255.255.255 and one bound to 127.0.0.1, those that hear a broadcast are",
            book: "hears, hears, does not",
            system: System::Linux,
            tries: 5,
            run: who_hears,
        },
        Probe {
            asked: "what is sent to 127.0.0.255, a socket bound to 127.255.255.255",
            book: "does not",
            system: System::Linux,
            tries: 5,
            run: last_number,
        },
    ]
}

fn receiver(ip: [u8; 4], port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((ip, port)).into())?;
    // On Linux's loopback a datagram is with its receivers when the send returns.
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    Ok(socket.into())
}

fn sender() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_broadcast(true)?;
    Ok(socket)
}

fn hears(socket: &UdpSocket) -> io::Result<&'static str> {
    match socket.recv(&mut [0; 10]) {
        Ok(_) => Ok("hears"),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok("does not")
        }
        Err(error) => Err(error),
    }
}

fn permission() -> io::Result<String> {
    let ear = receiver(ALL, 0)?;
    let to = SocketAddr::from((ALL, ear.local_addr()?.port()));
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let without = outcome(socket.send_to(b"a", to));
    socket.set_broadcast(true)?;
    Ok(format!("{without}, {}", outcome(socket.send_to(b"a", to))))
}

fn who_hears() -> io::Result<String> {
    let first = receiver(ALL, 0)?;
    let port = first.local_addr()?.port();
    let (second, third) = (receiver(ALL, port)?, receiver([127, 0, 0, 1], port)?);
    sender()?.send_to(b"a", SocketAddr::from((ALL, port)))?;
    let heard = [hears(&first)?, hears(&second)?, hears(&third)?];
    Ok(heard.join(", "))
}

fn last_number() -> io::Result<String> {
    let ear = receiver(ALL, 0)?;
    let to = SocketAddr::from(([127, 0, 0, 255], ear.local_addr()?.port()));
    sender()?.send_to(b"a", to)?;
    Ok(hears(&ear)?.into())
}
