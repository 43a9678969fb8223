//! Chapter 10: two sends, and what the other end gets of them, with room enough and with too little.
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};

fn main() -> io::Result<()> {
    // ANCHOR: main
    for room in [100, 3] {
        println!("room for {room} bytes");
        let mut buffer = vec![0; room];

        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut sender = TcpStream::connect(listener.local_addr()?)?;
        let (mut receiver, _) = listener.accept()?;
        sender.write_all(b"hello")?;
        sender.write_all(b"world")?;
        sender.shutdown(Shutdown::Write)?;
        wait_for(10, &receiver)?;
        loop {
            let n = receiver.read(&mut buffer)?;
            println!("  TCP {:?}", String::from_utf8_lossy(&buffer[..n]));
            if n == 0 {
                break;
            }
        }

        let receiver = UdpSocket::bind("127.0.0.1:0")?;
        let sender = UdpSocket::bind("127.0.0.1:0")?;
        for word in ["hello", "", "world"] {
            sender.send_to(word.as_bytes(), receiver.local_addr()?)?;
        }
        for _ in 0..3 {
            let (n, _) = receiver.recv_from(&mut buffer)?;
            println!("  UDP {:?}", String::from_utf8_lossy(&buffer[..n]));
        }
    }
    // ANCHOR_END: main
    Ok(())
}

/// Waits until so many bytes lie in the receive buffer.
fn wait_for(bytes: usize, stream: &TcpStream) -> io::Result<()> {
    let mut room = vec![0; bytes];
    while stream.peek(&mut room)? < bytes {
        std::thread::yield_now();
    }
    Ok(())
}
