//! Chapter 0, find the bug: an echo that answers most people.
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

// ANCHOR: bug
fn echo(mut client: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let n = client.read(&mut buffer)?;
        client.write_all(&buffer[..n])?;
        if n < buffer.len() {
            return Ok(());
        }
    }
}
// ANCHOR_END: bug

/// Sends each piece when the echo of the one before has come, and says what came back in all.
fn client(name: &str, addr: &str, pieces: &[&[u8]]) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    let (mut sent, mut back) = (0, 0);
    let mut buffer = [0; 4096];
    for piece in pieces {
        if stream.write_all(piece).is_err() {
            break;
        }
        sent += piece.len();
        while back < sent {
            match stream.read(&mut buffer) {
                Ok(n) if n > 0 => back += n,
                _ => {
                    println!("{name}: sent {sent} bytes, got {back} back, then the end");
                    return Ok(());
                }
            }
        }
    }
    stream.shutdown(Shutdown::Write)?;
    println!("{name}: sent {sent} bytes, got {back} back");
    Ok(())
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let _ = echo(client);
        }
    });
    client("A", &addr, &[b"hello"])?;
    client("B", &addr, &[b"hello", b"again"])?;
    client("C", &addr, &[&[7; 1024], &[8; 10]])
}
