//! What a write does when the peer does not read (chapter 7).
use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use crate::pair::pair;
use crate::{Probe, System};

pub fn probes() -> Vec<Probe> {
    vec![
        Probe {
            asked: "non-blocking writes to a peer that does not read end with",
            book: "WouldBlock",
            system: System::Any,
            tries: 3,
            run: full,
        },
        Probe {
            asked: "one write of 64 MiB with a send timeout, to a peer that does not read, takes",
            book: "a part",
            system: System::Linux,
            tries: 3,
            run: short,
        },
    ]
}

fn full() -> io::Result<String> {
    let (mut client, _server) = pair()?;
    client.set_nonblocking(true)?;
    let bytes = vec![0; 65_536];
    // 64 MiB at most: no system's buffers hold more by default.
    for _ in 0..1024 {
        if let Err(error) = client.write(&bytes) {
            return Ok(format!("{:?}", error.kind()));
        }
    }
    Ok("64 MiB taken".into())
}

fn short() -> io::Result<String> {
    let (mut client, _server) = pair()?;
    client.set_write_timeout(Some(Duration::from_millis(50)))?;
    let bytes = vec![0; 64 << 20];
    Ok(match client.write(&bytes) {
        Ok(n) if n == bytes.len() => "all".into(),
        Ok(_) => "a part".into(),
        Err(error) if error.kind() == ErrorKind::WouldBlock => "nothing".into(),
        Err(error) => return Err(error),
    })
}
