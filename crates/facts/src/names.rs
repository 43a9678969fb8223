//! Names (chapter 2). Only names that are answered on this machine are asked for.
use std::io;
use std::net::ToSocketAddrs;

use crate::{Probe, System, outcome};

pub fn probes() -> Vec<Probe> {
    vec![
        Probe {
            asked: "\"localhost\" and a port lead to",
            book: "loopback addresses",
            system: System::Any,
            tries: 3,
            run: localhost,
        },
        Probe {
            asked: "std's \"localhost:http\", a service by name",
            book: "InvalidInput",
            system: System::Any,
            tries: 1,
            run: || Ok(outcome("localhost:http".to_socket_addrs())),
        },
    ]
}

fn localhost() -> io::Result<String> {
    let mut addrs = ("localhost", 80).to_socket_addrs()?;
    Ok(if addrs.all(|addr| addr.ip().is_loopback()) {
        "loopback addresses".into()
    } else {
        "other addresses".into()
    })
}
