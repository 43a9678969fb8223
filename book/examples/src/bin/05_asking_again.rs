//! Chapter 5: three ways to wait for five bytes that come after a fifth of a second.
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

fn main() -> io::Result<()> {
    let (mut stream, sender) = in_a_moment()?;
    let n = stream.read(&mut [0; 100])?;
    println!("blocking      recv was called once, slept, and brought {n} bytes");
    sender.join().expect("it does not panic");

    let (stream, sender) = in_a_moment()?;
    let (calls, n) = ask_again(stream)?;
    println!("non-blocking  recv was called {calls} times, and brought {n} bytes at last");
    println!(
        "              more than a thousand calls: {}",
        if calls > 1000 { "yes" } else { "no" }
    );
    sender.join().expect("it does not panic");

    #[cfg(unix)]
    {
        let (stream, sender) = in_a_moment()?;
        let (calls, n) = poll_first(stream)?;
        println!("poll          poll slept, recv was called {calls} time, and brought {n} bytes");
        sender.join().expect("it does not panic");
    }
    Ok(())
}

// ANCHOR: again
/// Asks a non-blocking socket until it says something else than "not yet".
fn ask_again(mut stream: TcpStream) -> io::Result<(u64, usize)> {
    stream.set_nonblocking(true)?;
    let mut calls = 0;
    loop {
        calls += 1;
        match stream.read(&mut [0; 100]) {
            Ok(n) => return Ok((calls, n)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sleeps in poll until the socket has something to receive, and asks it then.
#[cfg(unix)]
fn poll_first(mut stream: TcpStream) -> io::Result<(u64, usize)> {
    use rustix::event::{PollFd, PollFlags, poll};
    stream.set_nonblocking(true)?;
    poll(&mut [PollFd::new(&stream, PollFlags::IN)], None)?;
    let n = stream.read(&mut [0; 100])?;
    Ok((1, n))
}
// ANCHOR_END: again

/// A connection whose other end sends five bytes after a fifth of a second.
fn in_a_moment() -> io::Result<(TcpStream, thread::JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stream = TcpStream::connect(listener.local_addr()?)?;
    let (mut other, _) = listener.accept()?;
    let sender = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        let _ = other.write_all(b"hello");
    });
    Ok((stream, sender))
}
