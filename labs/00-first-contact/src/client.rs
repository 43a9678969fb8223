//! Given: a client that sends its standard input and prints what comes back.
use std::io;
use std::net::{Shutdown, TcpStream};
use std::thread;

/// Connects to `addr`; ends when the server has closed the connection.
pub fn connect(addr: &str) -> io::Result<()> {
    let stream = TcpStream::connect(addr).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot connect to {addr}: {error}"))
    })?;
    let mut sending = stream.try_clone()?;
    // Sends in a thread of its own, so that neither direction waits for the other.
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut sending);
        let _ = sending.shutdown(Shutdown::Write);
    });
    let mut receiving = stream;
    io::copy(&mut receiving, &mut io::stdout())?;
    Ok(())
}
