//! Chapter 7, find the bug: a sender that is patient with slow readers. Three readers talk to it.
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

// ANCHOR: bug
/// Sends all of `report`. A reader may be slow: then it is tried again.
fn deliver(mut socket: &Socket, report: &[u8], slow: &Sender<()>) -> io::Result<()> {
    socket.set_write_timeout(Some(Duration::from_millis(100)))?;
    loop {
        match socket.write_all(report) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // Somebody may want to know.
                let _ = slow.send(());
            }
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: bug

fn main() -> io::Result<()> {
    println!(
        "A  300000 bytes, reads all the time         {}",
        read_by(300_000, |_| {})?
    );
    println!(
        "B  300000 bytes, pauses before it reads     {}",
        read_by(300_000, |slow| {
            // As long as it takes the sender to notice.
            let _ = slow.recv();
        })?
    );
    println!(
        "C  1000 bytes, pauses before it reads       {}",
        read_by(1000, |slow| {
            // The sender does not notice at all; so much for waiting.
            let _ = slow.recv_timeout(Duration::from_millis(300));
        })?
    );
    Ok(())
}

/// Lets a reader with a small buffer read a report, after it has done what `before` does.
fn read_by(length: usize, before: impl FnOnce(&Receiver<()>)) -> io::Result<String> {
    let listening = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listening.set_recv_buffer_size(4096)?;
    listening.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listening.listen(1)?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_send_buffer_size(4096)?;
    socket.connect(&listening.local_addr()?)?;
    let (mut reader, _) = listening.accept()?;
    let (slow, notices) = channel();
    let sending = thread::spawn(move || {
        let result = deliver(&socket, &vec![b'x'; length], &slow);
        result.and_then(|()| socket.shutdown(Shutdown::Write))
    });
    before(&notices);
    let mut came = Vec::new();
    reader.read_to_end(&mut came)?;
    match sending.join() {
        Ok(result) => result?,
        Err(_) => return Err(ErrorKind::Other.into()),
    }
    Ok(match came.len() {
        n if n == length => "gets the report".into(),
        n if n > length => "gets more than the report".into(),
        _ => "gets less than the report".to_string(),
    })
}
