//! Chapter 4: how many connects complete while nobody calls accept, for several backlogs, and what
//! becomes of the next one.
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// How long a connect may stay unanswered until we call it waiting.
const PATIENCE: Duration = Duration::from_millis(300);

fn main() -> io::Result<()> {
    for backlog in [0, 1, 2, 5, 16, 128] {
        let (listening, addr) = listen(backlog)?;
        let mut completed = Vec::new();
        let next = loop {
            match TcpStream::connect_timeout(&addr, PATIENCE) {
                Ok(client) => completed.push(client),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => break "is refused",
                Err(error) if error.kind() == ErrorKind::TimedOut => break "waits",
                Err(error) => return Err(error),
            }
        };
        let connects = if completed.len() == 1 {
            "connect"
        } else {
            "connects"
        };
        println!(
            "listen({backlog}): {} {connects} completed, the next one {next}",
            completed.len()
        );
        drop(listening);
    }
    one_that_waits()
}

// ANCHOR: waits
/// Fills the queue of `listen(1)`, lets one more client wait, and then calls accept.
fn one_that_waits() -> io::Result<()> {
    let (listening, addr) = listen(1)?;
    let mut completed = Vec::new();
    while let Ok(client) = TcpStream::connect_timeout(&addr, PATIENCE) {
        completed.push(client);
    }

    let waiting = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    waiting.set_nonblocking(true)?;
    // The call returns at once with EINPROGRESS: the SYN is out, the answer is not here yet.
    let _ = waiting.connect(&addr.into());
    let began = Instant::now();
    println!(
        "listen(1), queue full: one more client says connect and is in {}",
        state(&waiting)
    );

    let (_taken, _) = listening.accept()?;
    println!(
        "accept took one from the queue; the client is still in {}",
        state(&waiting)
    );
    while waiting.peer_addr().is_err() && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "its next SYN, {seconds:.0} s after the first, is answered: {}",
        state(&waiting)
    );
    Ok(())
}
// ANCHOR_END: waits

fn listen(backlog: i32) -> io::Result<(Socket, SocketAddr)> {
    let listening = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    listening.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0))))?;
    listening.listen(backlog)?;
    let addr = listening
        .local_addr()?
        .as_socket()
        .expect("an IPv4 address");
    Ok((listening, addr))
}

/// The TCP state of `socket`, as Linux shows it in /proc/net/tcp.
fn state(socket: &Socket) -> &'static str {
    let local = socket.local_addr().ok().and_then(|addr| addr.as_socket());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let Some(local) = local else {
        return "an unknown state";
    };
    // A row: number, local address and port, remote address and port, state; all in hexadecimal.
    let port = format!(":{:04X}", local.port());
    let row = table.lines().find(|row| {
        row.split_whitespace()
            .nth(1)
            .is_some_and(|local| local.ends_with(&port))
    });
    match row.and_then(|row| row.split_whitespace().nth(3)) {
        Some("01") => "ESTABLISHED",
        Some("02") => "SYN-SENT",
        _ => "an unknown state",
    }
}
