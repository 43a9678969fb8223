//! What several probes need: a connection on loopback, and conditions to wait for.
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How long a condition is waited for.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Both ends of a fresh connection: the one that connected, the one that was accepted.
pub fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    client.set_read_timeout(Some(PATIENCE))?;
    server.set_read_timeout(Some(PATIENCE))?;
    Ok((client, server))
}

/// Waits for a condition.
pub fn until(what: &str, mut condition: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    let began = Instant::now();
    while !condition()? {
        if began.elapsed() > PATIENCE {
            return Err(io::Error::new(
                ErrorKind::TimedOut,
                format!("waited in vain: {what}"),
            ));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Waits until `n` bytes can be read at once.
pub fn arrived(stream: &TcpStream, n: usize) -> io::Result<()> {
    let mut buffer = vec![0; n];
    until("the bytes arrive", || Ok(stream.peek(&mut buffer)? == n))
}

/// Waits until the kernel has given the connection up, as it does when a reset arrives.
pub fn reset_arrived(stream: &TcpStream) -> io::Result<()> {
    until("the reset arrives", || Ok(stream.peer_addr().is_err()))
}
