//! Chapter 3: how long it takes to be refused, and to be let in where nobody accepts.
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

fn main() -> io::Result<()> {
    // ANCHOR: refused
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    try_to_connect("nobody accepts", addr);
    drop(listener);
    try_to_connect("nobody listens", addr);
    // ANCHOR_END: refused
    Ok(())
}

fn try_to_connect(what: &str, addr: SocketAddr) {
    match TcpStream::connect(addr) {
        Ok(_) => println!("{what}: connected"),
        Err(error) => println!("{what}: {:?}", error.kind()),
    }
}
