//! Chapter 3: what each call does to the state of both ends, as the kernel has it (Linux).
//!
//! `client` or `server` as the argument says who closes first.
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

fn main() -> io::Result<()> {
    let server_first = std::env::args().nth(1).as_deref() == Some("server");
    println!("{:<24}{:<14}server", "call", "client");

    // ANCHOR: calls
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = listener.local_addr()?;

    let sockfd = TcpStream::connect(server)?;
    let client = sockfd.local_addr()?;
    show("connect", client, server, |_, _| true)?;

    let (connfd, _) = listener.accept()?;
    show("accept", client, server, |_, _| true)?;

    if server_first {
        drop(connfd);
        show("server: close", client, server, |_, s| s == "FIN-WAIT-2")?;
        drop(sockfd);
        show("client: close", client, server, |c, _| c == "-")?;
    } else {
        sockfd.shutdown(Shutdown::Write)?;
        show("client: shutdown", client, server, |c, _| c == "FIN-WAIT-2")?;
        drop(connfd);
        show("server: close", client, server, |_, s| s == "-")?;
        drop(sockfd);
        show("client: close", client, server, |_, _| true)?;
    }
    // ANCHOR_END: calls
    Ok(())
}

/// Prints the states of both ends, once `settled` says that the answer to the last segment is there.
fn show(
    call: &str,
    client: SocketAddr,
    server: SocketAddr,
    settled: impl Fn(&str, &str) -> bool,
) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let (c, s) = (state(client, server)?, state(server, client)?);
        if settled(c, s) || Instant::now() > deadline {
            println!("{call:<24}{c:<14}{s}");
            return Ok(());
        }
        // The kernel may hold an acknowledgment back for a while, and tells nobody when it goes.
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The state of the socket with these two addresses, or `-` where the kernel has none.
fn state(local: SocketAddr, peer: SocketAddr) -> io::Result<&'static str> {
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let has_port = |word: Option<&str>, addr: SocketAddr| {
        word.is_some_and(|word| word.ends_with(&format!(":{:04X}", addr.port())))
    };
    for line in table.lines().skip(1) {
        // `0: 0100007F:9C41 0100007F:C350 01 …`: number, local, peer, state.
        let mut words = line.split_whitespace().skip(1);
        if has_port(words.next(), local) && has_port(words.next(), peer) {
            return Ok(name(words.next().unwrap_or_default()));
        }
    }
    Ok("-")
}

/// The RFC's name of a state that `/proc/net/tcp` gives as a number.
fn name(number: &str) -> &'static str {
    match number {
        "01" => "ESTABLISHED",
        "02" => "SYN-SENT",
        "03" => "SYN-RECEIVED",
        "04" => "FIN-WAIT-1",
        "05" => "FIN-WAIT-2",
        "06" => "TIME-WAIT",
        "07" => "CLOSED",
        "08" => "CLOSE-WAIT",
        "09" => "LAST-ACK",
        "0A" => "LISTEN",
        "0B" => "CLOSING",
        _ => "?",
    }
}
