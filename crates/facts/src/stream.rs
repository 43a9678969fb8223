//! A stream keeps bytes, not messages (chapters 0 and 8).
use std::io::{self, Read, Write};

use crate::pair::{arrived, pair};
use crate::{Probe, System};

pub fn probes() -> Vec<Probe> {
    vec![
        Probe {
            asked: "three writes of 3 bytes; all have arrived; one read brings",
            book: "9 bytes",
            system: System::Any,
            tries: 50,
            run: glued,
        },
        Probe {
            asked: "one write of 9 bytes; reads into 4 bytes bring",
            book: "4, 4, 1 bytes",
            system: System::Any,
            tries: 50,
            run: cut,
        },
    ]
}

fn glued() -> io::Result<String> {
    let (mut client, mut server) = pair()?;
    for _ in 0..3 {
        client.write_all(b"abc")?;
    }
    arrived(&server, 9)?;
    Ok(format!("{} bytes", server.read(&mut [0; 100])?))
}

fn cut() -> io::Result<String> {
    let (mut client, mut server) = pair()?;
    client.write_all(b"abcdefghi")?;
    arrived(&server, 9)?;
    let mut read = || server.read(&mut [0; 4]);
    Ok(format!("{}, {}, {} bytes", read()?, read()?, read()?))
}
