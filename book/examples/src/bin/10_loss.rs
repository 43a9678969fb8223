//! Chapter 10: the same bytes by UDP and by TCP, over a path that loses one packet in five.
//!
//! The path is a device in a network of this program's own, for which it needs Linux. A seed decides
//! which packets are lost.
use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::time::Duration;

    use wire::netns::{self, Path, Quality};

    pub fn run() -> io::Result<()> {
        netns::enter().map_err(io::Error::other)?;
        let _path = Path::new(Quality {
            loss: 0.2,
            delay: Duration::from_millis(1),
            seed: 10,
        })?;
        udp()?;
        tcp()
    }

    // ANCHOR: udp
    fn udp() -> io::Result<()> {
        let receiver = UdpSocket::bind((Path::SERVER, 0))?;
        receiver.set_read_timeout(Some(Duration::from_millis(500)))?;
        let sender = UdpSocket::bind("0.0.0.0:0")?;
        let to = (Path::CLIENT_TO, receiver.local_addr()?.port());
        for number in 1..=20 {
            sender.send_to(&[number], to)?;
        }
        println!("UDP: sent 1 to 20, no error");
        let mut arrived = Vec::new();
        let mut number = [0];
        while receiver.recv(&mut number).is_ok() {
            arrived.push(number[0].to_string());
        }
        println!("     arrived: {}", arrived.join(" "));
        Ok(())
    }
    // ANCHOR_END: udp

    // ANCHOR: tcp
    fn tcp() -> io::Result<()> {
        let listener = TcpListener::bind((Path::SERVER, 0))?;
        let to = (Path::CLIENT_TO, listener.local_addr()?.port());
        let mut sender = TcpStream::connect(to)?;
        let (mut receiver, _) = listener.accept()?;
        let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        sender.write_all(&bytes)?;
        drop(sender);
        println!("TCP: sent {} bytes, no error", bytes.len());
        let mut arrived = Vec::new();
        receiver.read_to_end(&mut arrived)?;
        println!("     arrived: the same bytes: {}", arrived == bytes);
        Ok(())
    }
    // ANCHOR_END: tcp
}

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Err(error) = linux::run() {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    #[cfg(not(target_os = "linux"))]
    eprintln!("error: this program needs Linux");
    ExitCode::from(u8::from(cfg!(not(target_os = "linux"))))
}
