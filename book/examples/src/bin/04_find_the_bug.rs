//! Chapter 4, find the bug: an echo that is right for most peers. Four peers talk to it.
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

// ANCHOR: bug
const ROOM: usize = 4096;

/// Echoes until the client has nothing more to say.
fn converse(mut stream: TcpStream) -> io::Result<()> {
    let mut room = [0; ROOM];
    loop {
        let count = stream.read(&mut room)?;
        stream.write_all(&room[..count])?;
        if count < ROOM {
            return Ok(());
        }
    }
}
// ANCHOR_END: bug

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that leaves at the wrong moment is no reason to end.
            let _ = converse(stream);
        }
    });
    println!(
        "A  sends 5 bytes, half-closes              {}",
        all_at_once(addr, 5)?
    );
    println!(
        "B  sends 4096 bytes, half-closes           {}",
        all_at_once(addr, ROOM)?
    );
    println!(
        "C  sends nothing, half-closes              {}",
        all_at_once(addr, 0)?
    );
    println!(
        "D  sends 5 bytes, waits, sends 5 more      {}",
        in_turn(addr)?
    );
    Ok(())
}

/// Sends `length` bytes and the end of the stream, and reads until the server's end.
fn all_at_once(addr: SocketAddr, length: usize) -> io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(&vec![b'x'; length])?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(format!("{} bytes come back, then the end", answer.len()))
}

/// Says something, hears it, says something again.
fn in_turn(addr: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    let mut answer = [0; 5];
    stream.write_all(b"hello")?;
    stream.read_exact(&mut answer)?;
    stream.write_all(b"again")?;
    // A close that left bytes unread arrives as a reset, any other one as the end. Which of the two
    // comes here depends on who was faster.
    let second = match stream.read(&mut answer) {
        Ok(0) | Err(_) => "no more: the server has closed".to_string(),
        Ok(n) => format!("{n} bytes"),
    };
    Ok(format!("5 bytes come back, then {second}"))
}
