//! Chapter 9: the longest datagram, and one byte more.
use std::io;
use std::net::UdpSocket;

fn main() -> io::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    for size in [65_507, 65_508] {
        match sender.send_to(&vec![0; size], receiver.local_addr()?) {
            Ok(n) => println!("{size} bytes: sent {n}"),
            Err(error) => println!("{size} bytes: {error}"),
        }
    }
    Ok(())
}
