//! Datagrams (chapter 9).
use std::io;
use std::net::UdpSocket;

use socket2::SockRef;

use crate::pair::PATIENCE;
use crate::{Probe, System, outcome};

pub fn probes() -> Vec<Probe> {
    vec![
        Probe {
            asked: "a datagram of 10 bytes, then one of 2; two receives into 4 bytes bring",
            book: "4, then 2 bytes",
            system: System::Linux,
            tries: 50,
            run: truncated,
        },
        Probe {
            asked: "an empty datagram, then one of 2 bytes; two receives bring",
            book: "0, then 2 bytes",
            system: System::Any,
            tries: 50,
            run: empty,
        },
        Probe {
            asked: "a send of 65507 bytes, and one of 65508",
            book: "sent, and refused",
            system: System::Linux,
            tries: 20,
            run: largest,
        },
        Probe {
            asked: "connected to a closed port: send, receive",
            book: "Ok, ConnectionRefused",
            system: System::Linux,
            tries: 50,
            run: closed,
        },
        Probe {
            asked: "1000 datagrams to a small receive buffer that nobody reads: sends, receipts",
            book: "all Ok, fewer received",
            system: System::Linux,
            tries: 5,
            run: overflow,
        },
    ]
}

fn two() -> io::Result<(UdpSocket, UdpSocket)> {
    let (from, to) = (
        UdpSocket::bind("127.0.0.1:0")?,
        UdpSocket::bind("127.0.0.1:0")?,
    );
    from.connect(to.local_addr()?)?;
    to.set_read_timeout(Some(PATIENCE))?;
    Ok((from, to))
}

fn truncated() -> io::Result<String> {
    let (from, to) = two()?;
    from.send(b"0123456789")?;
    from.send(b"ab")?;
    let receive = || to.recv(&mut [0; 4]);
    Ok(format!("{}, then {} bytes", receive()?, receive()?))
}

fn empty() -> io::Result<String> {
    let (from, to) = two()?;
    from.send(b"")?;
    from.send(b"ab")?;
    let receive = || to.recv(&mut [0; 4]);
    Ok(format!("{}, then {} bytes", receive()?, receive()?))
}

fn largest() -> io::Result<String> {
    let (from, _to) = two()?;
    let said = |n: usize| match from.send(&vec![0; n]) {
        Ok(_) => "sent",
        Err(_) => "refused",
    };
    Ok(format!("{}, and {}", said(65_507), said(65_508)))
}

fn closed() -> io::Result<String> {
    let (from, to) = two()?;
    drop(to);
    from.set_read_timeout(Some(PATIENCE))?;
    let sent = outcome(from.send(b"a"));
    Ok(format!("{sent}, {}", outcome(from.recv(&mut [0; 4]))))
}

fn overflow() -> io::Result<String> {
    let (from, to) = two()?;
    SockRef::from(&to).set_recv_buffer_size(4096)?;
    let sent = (0..1000).filter(|_| from.send(&[0; 100]).is_ok()).count();
    to.set_nonblocking(true)?;
    let mut received = 0;
    while to.recv(&mut [0; 100]).is_ok() {
        received += 1;
    }
    Ok(match (sent, received) {
        (1000, 1000) => "all Ok, all received".into(),
        (1000, _) => "all Ok, fewer received".into(),
        (sent, _) => format!("{sent} Ok"),
    })
}
