//! Chapter 8: ten messages with a pause after each, and two readers: one that waits in `read`, and one
//! that is held up until the sender is done.
use std::io::{self, Error, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

// ANCHOR: main
fn main() -> io::Result<()> {
    for pause in [0, 1, 20].map(Duration::from_millis) {
        let began = Instant::now();
        let waiting = reads(pause, Reader::Waits)?;
        let took = began.elapsed().as_millis();
        let held_up = reads(pause, Reader::IsHeldUp)?;
        println!("pause of {} ms, {took} ms in all", pause.as_millis());
        println!("  a reader that waits in read:  reads {waiting}");
        println!("  a reader that is held up:     reads {held_up}");
    }
    Ok(())
}

/// Sends ten messages of five bytes, with a pause after each. Gives how many
/// reads bring them.
fn reads(pause: Duration, reader: Reader) -> io::Result<usize> {
    let (mut sender, mut receiver) = connection()?;
    let sending = thread::spawn(move || -> io::Result<()> {
        for n in 0..10 {
            sender.write_all(format!("msg {n}").as_bytes())?;
            thread::sleep(pause);
        }
        Ok(())
    });
    let mut sending = Some(sending);
    if let Reader::IsHeldUp = reader {
        finish(&mut sending)?;
    }
    let mut buffer = [0; 1000];
    let mut reads = 0;
    while receiver.read(&mut buffer)? > 0 {
        reads += 1;
    }
    finish(&mut sending)?;
    Ok(reads)
}
// ANCHOR_END: main

enum Reader {
    /// It is in `read` before the first message is sent, and again after each one.
    Waits,
    /// It does something else until all is sent.
    IsHeldUp,
}

/// Waits until all is sent, if nobody has yet.
fn finish(sending: &mut Option<thread::JoinHandle<io::Result<()>>>) -> io::Result<()> {
    match sending.take().map(thread::JoinHandle::join) {
        None => Ok(()),
        Some(Ok(result)) => result,
        Some(Err(_)) => Err(Error::other("the sender panicked")),
    }
}

fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let sender = TcpStream::connect(listener.local_addr()?)?;
    sender.set_nodelay(true)?;
    let (receiver, _) = listener.accept()?;
    Ok((sender, receiver))
}
