//! Chapter 5: a server that counts the letters of a word, to be asked by `waiting ask`.
//!
//! The client speaks first; with `--greets` the server does. To a client that says nothing for two
//! seconds it says nothing more either, and closes: a server that meets strangers needs such a limit.
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn main() -> io::Result<()> {
    let greets = std::env::args().any(|word| word == "--greets");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening {}", listener.local_addr()?);
    for client in listener.incoming().flatten() {
        match converse(&client, greets) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                println!("nobody has spoken for 2 s: this client is sent away");
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

// ANCHOR: converse
fn converse(mut client: &TcpStream, greets: bool) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(2)))?;
    if greets {
        client.write_all(b"welcome, which word?\n")?;
    }
    for line in BufReader::new(client).lines() {
        let word = line?;
        let letters = word.chars().count();
        client.write_all(format!("{word} has {letters} letters\n").as_bytes())?;
    }
    Ok(())
}
// ANCHOR_END: converse
