//! Chapter 6: a peer to try `hangup` on. It serves one client, leaves it in the way that its argument
//! names, and ends.
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

fn main() -> io::Result<()> {
    let how = std::env::args().nth(1).unwrap_or_default();
    if ![
        "close",
        "half-close",
        "unread",
        "reply",
        "late-reply",
        "reset",
        "silent",
        "full",
    ]
    .contains(&&*how)
    {
        eprintln!(
            "06_peer close | half-close | unread | reply | late-reply | reset | silent | full"
        );
        std::process::exit(2);
    }
    let listening = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    listening.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listening.listen(if how == "full" { 0 } else { 5 })?;
    let addr = listening
        .local_addr()?
        .as_socket()
        .expect("an IPv4 address");
    if how == "full" {
        let _waiting = fill(addr)?;
        println!("listening {addr}");
        // Nobody is accepted; Ctrl-C ends this.
        loop {
            std::thread::park();
        }
    }
    println!("listening {addr}");
    let (mut connected, _) = listening.accept()?;
    let mut buffer = Vec::new();
    // ANCHOR: ways
    match how.as_str() {
        // Nothing has arrived, so nothing is left unread.
        "close" => drop(connected),
        // This end's stream is over; the other's is read to its end.
        "half-close" => {
            connected.shutdown(Shutdown::Write)?;
            connected.read_to_end(&mut buffer)?;
            print!("{}", String::from_utf8_lossy(&buffer));
        }
        // Waits until bytes have come, and does not read them.
        "unread" => {
            wait_for_bytes(&connected)?;
            drop(connected);
        }
        // The same, and a reply before it.
        "reply" => {
            connected.write_all(b"the reply")?;
            wait_for_bytes(&connected)?;
            drop(connected);
        }
        // Reads to the other end's end, and replies only then.
        "late-reply" => {
            connected.read_to_end(&mut buffer)?;
            connected.write_all(b"the reply")?;
        }
        // Lingering for no time at all turns close into a reset.
        "reset" => {
            connected.set_linger(Some(Duration::ZERO))?;
            drop(connected);
        }
        // Stays until the other end leaves.
        _ => {
            connected.read_to_end(&mut buffer)?;
        }
    }
    // ANCHOR_END: ways
    Ok(())
}

/// A peek waits as a read does, and takes nothing.
fn wait_for_bytes(connected: &Socket) -> io::Result<()> {
    connected.peek(&mut [std::mem::MaybeUninit::uninit()])?;
    Ok(())
}

/// Connects to `addr`, where nobody accepts, until there is no room for another one.
fn fill(addr: SocketAddr) -> io::Result<Vec<Socket>> {
    let mut waiting = Vec::new();
    loop {
        let client = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        match client.connect_timeout(&addr.into(), Duration::from_millis(500)) {
            Ok(()) => waiting.push(client),
            Err(_) => return Ok(waiting),
        }
    }
}
