//! Chapter 15: a sender whose every call succeeds, and a receiver that reads none of it.
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

// ANCHOR: main
fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let (done_writing, has_written) = mpsc::channel::<()>();
    let receiver = thread::spawn(move || -> io::Result<()> {
        let (stream, _) = listener.accept()?;
        wait_for_bytes(&stream)?;
        // The end of the channel: the sender has made all of its calls.
        let _ = has_written.recv();
        println!("receiver: the file has come, and I have no room for it");
        Ok(())
    });

    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(&[b'x'; 10_000])?;
    println!("sender: write_all has returned Ok");
    stream.shutdown(Shutdown::Write)?;
    println!("sender: shutdown has returned Ok");
    drop(done_writing);
    finish(receiver)?;
    println!("sender: 10000 bytes sent");

    match stream.read(&mut [0; 100]) {
        Ok(n) => println!("sender: a read gives {n} bytes"),
        Err(error) => println!("sender: a read gives {:?}", error.kind()),
    }
    Ok(())
}
// ANCHOR_END: main

/// Waits until something lies in the receive buffer, and takes nothing.
fn wait_for_bytes(stream: &TcpStream) -> io::Result<()> {
    stream.peek(&mut [0; 1]).map(|_| ())
}

fn finish(receiver: thread::JoinHandle<io::Result<()>>) -> io::Result<()> {
    let result = receiver.join();
    result.unwrap_or_else(|_| Err(io::Error::other("the receiver panicked")))
}
