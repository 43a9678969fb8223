//! Chapter 9, find the bug: a client that asks three questions of each of four servers.
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

// ANCHOR: bug
/// Asks a question; the answer, or `None` when none came within a quarter
/// of a second. `server` is connected, so nobody else can answer.
fn ask(server: &UdpSocket, question: &str) -> io::Result<Option<String>> {
    server.set_read_timeout(Some(Duration::from_millis(250)))?;
    server.send(question.as_bytes())?;
    let mut answer = [0; 100];
    match server.recv(&mut answer) {
        Ok(n) => Ok(Some(String::from_utf8_lossy(&answer[..n]).into())),
        Err(error) if is_timeout(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
// ANCHOR_END: bug

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Which answers a server sends when it has got its first question, its second and its third.
type Script = [&'static [&'static str]; 3];

fn main() -> io::Result<()> {
    let servers: [(char, Script); 4] = [
        ('A', [&["1 ant"], &["2 bee"], &["3 cat"]]),
        ('B', [&["1 ant"], &[], &["3 cat"]]),
        ('C', [&["1 ant", "1 ant"], &["2 bee"], &["3 cat"]]),
        ('D', [&[], &["1 ant", "2 bee"], &["3 cat"]]),
    ];
    for (name, script) in servers {
        let server = UdpSocket::bind("127.0.0.1:0")?;
        let client = UdpSocket::bind("127.0.0.1:0")?;
        client.connect(server.local_addr()?)?;
        let serving = thread::spawn(move || play(&server, script));
        let mut line = format!("{name}:");
        for question in ["1?", "2?", "3?"] {
            let answer = ask(&client, question)?;
            line += &format!("  {question} {:<5}", answer.as_deref().unwrap_or("none"));
        }
        println!("{}", line.trim_end());
        serving.join().expect("a server does not panic")?;
    }
    Ok(())
}

fn play(server: &UdpSocket, script: Script) -> io::Result<()> {
    for answers in script {
        let (_, client) = server.recv_from(&mut [0; 100])?;
        for answer in answers {
            server.send_to(answer.as_bytes(), client)?;
        }
    }
    Ok(())
}
