//! Chapter 14: a server answers and closes, and has not read all of the request. Then another that does
//! one thing more. Each waits until all of the request has arrived, so that it is the same every time.
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const HEAD: &[u8] = b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n";
static BODY: [u8; 20_000] = [b'x'; 20_000];
const ANSWER: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";

// ANCHOR: servers
/// Reads the head, answers, and closes (the drop of `client`).
fn hasty(mut client: TcpStream) -> io::Result<()> {
    client.read_exact(&mut [0; HEAD.len()])?;
    client.write_all(ANSWER)
}

/// Reads the head, answers, ends its half, and reads on before it closes.
fn patient(mut client: TcpStream) -> io::Result<()> {
    client.read_exact(&mut [0; HEAD.len()])?;
    client.write_all(ANSWER)?;
    client.shutdown(Shutdown::Write)?;
    io::copy(&mut client, &mut io::sink()).map(|_| ())
}
// ANCHOR_END: servers

/// What three reads of the client bring.
fn read_three(mut server: &TcpStream) {
    for number in 1..=3 {
        let mut buffer = [0; 1000];
        let came = match server.read(&mut buffer) {
            Ok(0) => "the end of the stream".into(),
            Ok(n) => {
                let text = String::from_utf8_lossy(&buffer[..n]);
                text.lines().next().unwrap_or_default().to_string()
            }
            Err(error) => format!("{:?}", error.kind()),
        };
        println!("  read {number}: {came}");
    }
}

/// Both ends of a connection, all of the request lying in the receive buffer of the second.
fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    client.write_all(&[HEAD, &BODY].concat())?;
    let mut seen = [0; HEAD.len() + BODY.len()];
    while server.peek(&mut seen)? < seen.len() {
        thread::sleep(Duration::from_millis(1));
    }
    Ok((client, server))
}

fn main() -> io::Result<()> {
    println!("It answers and closes:");
    let (client, server) = connection()?;
    hasty(server)?;
    // Once the reset has arrived, the socket has no peer.
    while client.peer_addr().is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    read_three(&client);

    println!("It answers, ends its half, and reads on:");
    let (client, server) = connection()?;
    let serving = thread::spawn(move || patient(server));
    read_three(&client);
    drop(client);
    serving
        .join()
        .map_err(|_| io::Error::other("the server panicked"))?
}
