//! Chapter 8: three writes and the reads that follow. The reader looks when all has arrived.
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

// ANCHOR: main
fn main() -> io::Result<()> {
    for room in [100, 4] {
        let (mut sender, mut receiver) = connection()?;
        for message in ["one", "two", "three"] {
            sender.write_all(message.as_bytes())?;
        }
        drop(sender);

        wait_until_there_are(11, &receiver)?;
        let mut buffer = vec![0; room];
        print!("room for {room:>3} bytes:");
        loop {
            let n = receiver.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            print!("  {:?}", String::from_utf8_lossy(&buffer[..n]));
        }
        println!();
    }
    Ok(())
}
// ANCHOR_END: main

/// Waits until `n` bytes lie in the receive buffer, and takes none of them.
fn wait_until_there_are(n: usize, stream: &TcpStream) -> io::Result<()> {
    while stream.peek(&mut [0; 100])? < n {
        thread::yield_now();
    }
    Ok(())
}

fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let sender = TcpStream::connect(listener.local_addr()?)?;
    let (receiver, _) = listener.accept()?;
    Ok((sender, receiver))
}
