//! Chapter 9: two answers to one question, from two senders.
use std::io;
use std::net::UdpSocket;
use std::time::Duration;

// ANCHOR: main
fn main() -> io::Result<()> {
    for connects in [false, true] {
        let server = UdpSocket::bind("127.0.0.1:0")?;
        let stranger = UdpSocket::bind("127.0.0.1:0")?;

        let client = UdpSocket::bind("127.0.0.1:0")?;
        if connects {
            client.connect(server.local_addr()?)?;
        }
        client.send_to(b"is the door open?", server.local_addr()?)?;

        // The stranger has guessed the port, and is quicker.
        stranger.send_to(b"yes", client.local_addr()?)?;
        let (_, asker) = server.recv_from(&mut [0; 100])?;
        server.send_to(b"no", asker)?;

        println!(
            "{}",
            if connects {
                "connected"
            } else {
                "not connected"
            }
        );
        client.set_read_timeout(Some(Duration::from_millis(300)))?;
        let mut answer = [0; 100];
        while let Ok((n, from)) = client.recv_from(&mut answer) {
            println!("   {:?} from {from}", String::from_utf8_lossy(&answer[..n]));
        }
    }
    Ok(())
}
// ANCHOR_END: main
