//! Chapter 6, find the bug: records are forwarded to a collector, and none is to be lost. Four
//! collectors leave in four ways.
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

// ANCHOR: bug
/// Sends every record to the collector. When the connection is
/// gone, it goes over a new one, so that none is lost.
fn forward(
    records: impl Iterator<Item = String>,
    mut connect: impl FnMut() -> io::Result<TcpStream>,
) -> io::Result<()> {
    let mut connection = connect()?;
    for record in records {
        if connection.write_all(record.as_bytes()).is_err() {
            connection = connect()?;
            connection.write_all(record.as_bytes())?;
        }
    }
    Ok(())
}
// ANCHOR_END: bug

/// What a collector does when it has read two records. A new connection it reads to the end.
#[derive(Clone, Copy, PartialEq)]
enum Leaves {
    Stays,
    HalfCloses,
    Closes,
    Resets,
}

fn main() -> io::Result<()> {
    for (name, leaves) in [
        ("A  reads on", Leaves::Stays),
        ("B  half-closes, and reads on", Leaves::HalfCloses),
        ("C  closes", Leaves::Closes),
        ("D  resets the connection", Leaves::Resets),
    ] {
        println!("{name:<30} has got {}", collected(leaves)?);
    }
    Ok(())
}

/// Forwards four records, and says which of them have come to the collector.
fn collected(leaves: Leaves) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let first = TcpStream::connect(addr)?;
    let watched = first.try_clone()?;
    let mut collector = Some(BufReader::new(listener.accept()?.0));
    let mut got = Vec::new();

    // The collector's part is played between two records, so that everybody has seen everything.
    let records = (1..=4).map(|n| {
        match n {
            3 => {
                let reader = collector.as_mut().expect("it has not left yet");
                got.push(line(reader));
                got.push(line(reader));
                match leaves {
                    Leaves::Stays => {}
                    Leaves::HalfCloses => {
                        let _ = reader.get_ref().shutdown(Shutdown::Write);
                    }
                    Leaves::Closes => collector = None,
                    Leaves::Resets => {
                        let socket = socket2::SockRef::from(reader.get_ref());
                        let _ = socket.set_linger(Some(Duration::ZERO));
                        collector = None;
                        wait_until_a_reset_has_arrived(&watched);
                    }
                }
            }
            4 if leaves == Leaves::Closes => wait_until_a_reset_has_arrived(&watched),
            _ => {}
        }
        format!("{n}\n")
    });
    let mut first = Some(first);
    forward(records, || match first.take() {
        Some(first) => Ok(first),
        None => TcpStream::connect(addr),
    })?;
    drop(watched);

    if collector.is_none() {
        collector = Some(BufReader::new(listener.accept()?.0));
    }
    let rest = collector.expect("one of the two").lines();
    got.extend(rest.map_while(Result::ok));
    Ok(got.join(", "))
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    let _ = reader.read_line(&mut line);
    line.trim_end().to_string()
}

fn wait_until_a_reset_has_arrived(socket: &TcpStream) {
    while socket.peer_addr().is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
}
