//! Chapter 0: a server that takes one read for one name, and two clients that send it the same bytes.
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

// ANCHOR: server
fn greet(mut client: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let n = client.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        let name = String::from_utf8_lossy(&buffer[..n]);
        let greeting = format!("hello {}\n", name.trim_end());
        client.write_all(greeting.as_bytes())?;
    }
}
// ANCHOR_END: server

/// Sends the pieces, each one when the answer to the one before has come.
fn send(server: &str, pieces: &[&str]) -> io::Result<()> {
    let mut stream = TcpStream::connect(server)?;
    for piece in pieces {
        stream.write_all(piece.as_bytes())?;
        let mut answer = [0; 64];
        let n = stream.read(&mut answer)?;
        println!(
            "  sent {piece:?}, got {:?}",
            String::from_utf8_lossy(&answer[..n])
        );
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let _ = greet(client);
        }
    });

    println!("the whole line in one write");
    send(&addr, &["Ada\n"])?;
    println!("the same line, one byte at a time");
    send(&addr, &["A", "d", "a", "\n"])
}
