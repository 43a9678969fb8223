//! Chapter 5, find the bug: an echo that serves at most two clients at a time. Four pairs come first,
//! and after each of them one more client.
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

// ANCHOR: bug
const AT_ONCE: usize = 2;

/// Echoes to at most two clients at a time.
fn serve(listener: TcpListener) {
    let mut conversations = VecDeque::new();
    for stream in listener.incoming().flatten() {
        if conversations.len() == AT_ONCE {
            // There is no place: wait until a conversation is over.
            let oldest: thread::JoinHandle<_> = conversations.pop_front().expect("there are two");
            let _ = oldest.join();
        }
        conversations.push_back(thread::spawn(move || echo(stream)));
    }
}
// ANCHOR_END: bug

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut room = [0; 4096];
    loop {
        let count = stream.read(&mut room)?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&room[..count])?;
    }
}

fn main() -> io::Result<()> {
    println!(
        "A  both leave                              {}",
        third(|_| true)?
    );
    println!(
        "B  the first stays, the second leaves      {}",
        third(|n| n == 1)?
    );
    println!(
        "C  the first leaves, the second stays      {}",
        third(|n| n == 0)?
    );
    println!(
        "D  both stay                               {}",
        third(|_| false)?
    );
    Ok(())
}

/// Two clients come to a new server and say something; some of them leave. Then a third one comes.
fn third(leaves: impl Fn(usize) -> bool) -> io::Result<&'static str> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    thread::spawn(move || serve(listener));
    let mut stay = Vec::new();
    for n in 0..2 {
        let mut client = TcpStream::connect(addr)?;
        say_hello(&mut client)?;
        if leaves(n) {
            client.shutdown(Shutdown::Write)?;
            // The server's end: its conversation is over.
            client.read_to_end(&mut Vec::new())?;
        } else {
            stay.push(client);
        }
    }
    one_more(addr)
}

fn one_more(addr: SocketAddr) -> io::Result<&'static str> {
    let mut client = TcpStream::connect(addr)?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;
    Ok(match say_hello(&mut client) {
        Ok(()) => "the third is served",
        Err(_) => "the third has no answer after a second",
    })
}

fn say_hello(client: &mut TcpStream) -> io::Result<()> {
    client.write_all(b"hello")?;
    client.read_exact(&mut [0; 5])
}
