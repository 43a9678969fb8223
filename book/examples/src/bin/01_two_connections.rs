//! Chapter 1: which addresses and ports the four sockets of two connections have.
use std::net::{TcpListener, TcpStream};

// ANCHOR: main
fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening  {}", listener.local_addr()?);
    let mut open = Vec::new();
    for _ in 0..2 {
        let client = TcpStream::connect(listener.local_addr()?)?;
        let (server, _) = listener.accept()?;
        println!(
            "client     {} > {}",
            client.local_addr()?,
            client.peer_addr()?
        );
        println!(
            "server     {} > {}",
            server.local_addr()?,
            server.peer_addr()?
        );
        open.push((client, server));
    }
    Ok(())
}
// ANCHOR_END: main
