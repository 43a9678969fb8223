//! The states of a connection's two ends, out of Linux's `/proc/net/tcp` (chapter 3).
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::pair::{pair, until};
use crate::{Probe, System};

pub fn probes() -> Vec<Probe> {
    vec![
        Probe {
            asked: "connected, and not yet accepted: the client is in",
            book: "ESTABLISHED",
            system: System::Linux,
            tries: 5,
            run: before_accept,
        },
        Probe {
            asked: "one end has half-closed: it, and the other, are in",
            book: "FIN-WAIT-2, CLOSE-WAIT",
            system: System::Linux,
            tries: 5,
            run: half_closed,
        },
        Probe {
            asked: "both have closed: the one that closed first is in",
            book: "TIME-WAIT",
            system: System::Linux,
            tries: 5,
            run: closed,
        },
    ]
}

/// The state of the socket with these two ports (proc_net_tcp, `include/net/tcp_states.h`).
fn state(local: u16, remote: u16) -> io::Result<&'static str> {
    const STATES: [&str; 12] = [
        "none",
        "ESTABLISHED",
        "SYN-SENT",
        "SYN-RECEIVED",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
        "CLOSED",
        "CLOSE-WAIT",
        "LAST-ACK",
        "LISTEN",
        "CLOSING",
    ];
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let (local, remote) = (format!(":{local:04X}"), format!(":{remote:04X}"));
    for line in table.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [_, here, there, state, ..] = words[..]
            && here.ends_with(&local)
            && there.ends_with(&remote)
        {
            let number = usize::from_str_radix(state, 16).unwrap_or(0);
            return Ok(STATES.get(number).copied().unwrap_or("unknown"));
        }
    }
    Ok("none")
}

fn before_accept() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    Ok(state(client.local_addr()?.port(), listener.local_addr()?.port())?.into())
}

fn half_closed() -> io::Result<String> {
    let (client, server) = pair()?;
    let (near, far) = (client.local_addr()?.port(), server.local_addr()?.port());
    client.shutdown(Shutdown::Write)?;
    let passing = |state| matches!(state, "ESTABLISHED" | "FIN-WAIT-1");
    until("the FIN is acknowledged", || {
        Ok(!passing(state(near, far)?) && !passing(state(far, near)?))
    })?;
    Ok(format!("{}, {}", state(near, far)?, state(far, near)?))
}

fn closed() -> io::Result<String> {
    let (client, server) = pair()?;
    let (near, far) = (client.local_addr()?.port(), server.local_addr()?.port());
    drop(client);
    until("the FIN arrives", || Ok(state(far, near)? == "CLOSE-WAIT"))?;
    drop(server);
    until("the close is over", || Ok(state(far, near)? == "none"))?;
    Ok(state(near, far)?.into())
}
