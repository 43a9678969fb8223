//! A UDP peer of the program.
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use crate::Bytes;
use crate::check::{Check, Failure, Why};
use crate::program::{Program, join};
use crate::wait::{TICK, Wait};

/// A UDP socket of ours on loopback.
pub struct UdpPeer {
    check: Check,
    socket: UdpSocket,
}

impl Check {
    /// A UDP socket on a free port of 127.0.0.1.
    pub fn udp(&self) -> UdpPeer {
        let bind = || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_read_timeout(Some(TICK))?;
            std::io::Result::Ok(socket)
        };
        match bind() {
            Ok(socket) => UdpPeer {
                check: self.clone(),
                socket,
            },
            Err(error) => panic!("no UDP socket on 127.0.0.1 can be had: {error}"),
        }
    }
}

impl UdpPeer {
    /// Its address.
    pub fn addr(&self) -> SocketAddr {
        self.socket
            .local_addr()
            .unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// Sends one datagram.
    pub fn send_to(&self, bytes: impl AsRef<[u8]>, to: SocketAddr) -> &Self {
        let bytes = bytes.as_ref();
        self.check.disturb();
        let aside = match self.socket.send_to(bytes, to) {
            Ok(_) => format!("a datagram of {} bytes to {to}", bytes.len()),
            Err(error) => format!("to {to} failed: {error}"),
        };
        self.check.note("sent", Bytes(bytes), aside);
        self
    }

    /// The next datagram holds exactly `expected`; gives its sender.
    pub fn expect(
        &self,
        program: &Program,
        expected: impl AsRef<[u8]>,
        why: impl Why,
    ) -> SocketAddr {
        let expected = expected.as_ref();
        let mut wait = Wait::new(&self.check, Some(program));
        let mut buffer = vec![0; 65_536];
        loop {
            let (got, ending) = match self.socket.recv_from(&mut buffer) {
                Ok((n, from)) if &buffer[..n] == expected => {
                    self.check.note(
                        "received",
                        Bytes(expected),
                        format!("a datagram of {n} bytes from {from}"),
                    );
                    return from;
                }
                Ok((n, _)) => (&buffer[..n], String::new()),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    match wait.look() {
                        Some(ending) => (&[][..], wait.describe(&ending)),
                        None => continue,
                    }
                }
                // An ICMP error for an earlier datagram: what was asked for may still come.
                Err(_) => continue,
            };
            self.check.end(Failure {
                expected: format!("a datagram {}", Bytes(expected)),
                got: join(got, &ending),
                bytes: Some((expected, got)),
                remains: program.remains(),
                why: why.explain(got),
            })
        }
    }

    /// The next datagram, for a check that looks inside it, and its sender.
    pub fn receive(
        &self,
        program: &Program,
        expected: &str,
        why: impl Why,
    ) -> (Vec<u8>, SocketAddr) {
        let mut wait = Wait::new(&self.check, Some(program));
        let mut buffer = vec![0; 65_536];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((n, from)) => {
                    buffer.truncate(n);
                    let aside = format!("a datagram of {n} bytes from {from}");
                    self.check.note("received", Bytes(&buffer), aside);
                    return (buffer, from);
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if let Some(ending) = wait.look() {
                        self.check.end(Failure {
                            expected: expected.into(),
                            got: join(&[], &wait.describe(&ending)),
                            bytes: None,
                            remains: program.remains(),
                            why: why.explain(&[]),
                        });
                    }
                }
                // An ICMP error for an earlier datagram: what was asked for may still come.
                Err(_) => {}
            }
        }
    }
}
