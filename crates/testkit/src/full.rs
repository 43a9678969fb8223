//! A listening socket with no room in its queue.
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

use crate::check::Check;

/// A port whose queue of connections is full, for as long as this value lives: a connect to it is
/// neither answered nor refused.
pub struct Full {
    _listening: Socket,
    _waiting: Socket,
    addr: SocketAddr,
}

impl Full {
    /// Its address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn fill(check: &Check) -> io::Result<Full> {
        let listening = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listening.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        listening.listen(0)?;
        let addr = listening
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        client.connect(&addr.into())?;
        #[cfg(target_os = "linux")]
        wait_until_full(&listening, check.deadline())?;
        #[cfg(not(target_os = "linux"))]
        let _ = check;
        Ok(Full {
            _listening: listening,
            _waiting: client,
            addr,
        })
    }
}

/// connect returns before the kernel has put the connection into the queue, which has room for one
/// more than the backlog says.
#[cfg(target_os = "linux")]
fn wait_until_full(listening: &Socket, deadline: std::time::Instant) -> io::Result<()> {
    while crate::sys::accept_queue(listening).is_some_and(|(waiting, most)| waiting <= most) {
        if std::time::Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(std::time::Duration::from_micros(100));
    }
    Ok(())
}

impl Check {
    /// A port on loopback that listens and has no room for another connection: the kernel drops a
    /// SYN to it, as if the network had lost it. That is certain on Linux; other systems count and
    /// treat a full queue differently.
    pub fn full(&self) -> Full {
        match Full::fill(self) {
            Ok(full) => {
                self.note(
                    "listening",
                    format!("on {}", full.addr),
                    "its queue is full",
                );
                full
            }
            Err(error) => panic!("no queue on 127.0.0.1 can be filled: {error}"),
        }
    }
}
