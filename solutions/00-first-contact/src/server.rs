//! Given: a server that talks to one client after the other.
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};

/// Listens on `addr`, prints `listening ADDR`, and has a conversation with each client in turn.
pub fn serve(addr: &str, converse: fn(TcpStream) -> io::Result<()>) -> io::Result<()> {
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {addr}: {error}"))
    })?;
    println!("listening {}", listener.local_addr()?);
    io::stdout().flush()?;
    for client in listener.incoming() {
        // A client that breaks off must not end the server.
        if let Err(error) = client.and_then(converse) {
            eprintln!("a client broke off: {error}");
        }
    }
    Ok(())
}
