//! Chapter 4: a client that is gone again, with a reset, before the server calls accept.
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

// ANCHOR: main
fn main() -> io::Result<()> {
    let listening = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    listening.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listening.listen(5)?;
    let addr = listening
        .local_addr()?
        .as_socket()
        .expect("an IPv4 address");

    let client = Socket::from(TcpStream::connect(addr)?);
    println!("client: connect succeeded");
    // Lingering for no time at all turns close into a reset: an RST instead of a FIN.
    client.set_linger(Some(Duration::ZERO))?;
    drop(client);
    println!("client: closed with a reset");

    match listening.accept() {
        Err(error) => println!("server: accept failed: {error}"),
        Ok((mut connected, _)) => {
            println!("server: accept succeeded");
            match connected.read(&mut [0; 4096]) {
                Ok(n) => println!("server: recv returned {n} bytes"),
                Err(error) => println!("server: recv failed: {error}"),
            }
        }
    }

    let _next = TcpStream::connect(addr)?;
    listening.accept()?;
    println!("server: the next client is accepted as if nothing had happened");
    Ok(())
}
// ANCHOR_END: main
