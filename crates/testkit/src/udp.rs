//! A UDP peer of the program.
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::Bytes;
use crate::bytes::count;
use crate::check::{Check, Failure, Why};
use crate::program::{Program, join};
use crate::wait::{TICK, Wait};

/// How long a peer waits for the program to take what was sent to it.
const SETTLE: Duration = Duration::from_secs(1);

/// A UDP socket of ours on loopback.
pub struct UdpPeer {
    check: Check,
    socket: UdpSocket,
}

impl Check {
    /// A UDP socket on a free port of 127.0.0.1.
    pub fn udp(&self) -> UdpPeer {
        self.udp_socket(|_| Ok(()))
    }

    /// A UDP port of 127.0.0.1 that refuses every datagram for as long as this value lives, as a port
    /// does that is closed. It can send: an answer to that is refused, too.
    ///
    /// A connected socket holds the port and takes datagrams from its peer alone. Its peer is itself.
    pub fn udp_refusing(&self) -> UdpPeer {
        let peer = self.udp_socket(|socket| socket.connect(socket.local_addr()?));
        self.note("reserved", peer.addr(), "where no socket receives");
        peer
    }

    fn udp_socket(&self, prepare: impl Fn(&UdpSocket) -> std::io::Result<()>) -> UdpPeer {
        let bind = || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_read_timeout(Some(TICK))?;
            prepare(&socket)?;
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
            Ok(_) => format!("a datagram of {} to {to}", count(bytes.len())),
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
                        format!("a datagram of {} from {from}", count(n)),
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
                expected: match expected {
                    [] => "an empty datagram".into(),
                    _ => format!("a datagram {}", Bytes(expected)),
                },
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
                    let aside = format!("a datagram of {} from {from}", count(n));
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

    /// Whether a datagram has come that was not received yet.
    pub fn has_more(&self) -> bool {
        let _ = self.socket.set_nonblocking(true);
        let came = self.socket.peek_from(&mut [0]);
        let _ = self.socket.set_nonblocking(false);
        came.is_ok()
    }

    /// The program has taken every datagram, sleeps, and has sent none to this socket that was not
    /// received yet.
    pub fn expect_nothing_yet(&self, program: &Program, why: impl Why) {
        program.settle_datagrams(SETTLE);
        let mut buffer = vec![0; 65_536];
        let _ = self.socket.set_nonblocking(true);
        let came = self.socket.recv_from(&mut buffer);
        let _ = self.socket.set_nonblocking(false);
        let Ok((n, from)) = came else {
            // An ICMP error for an earlier datagram is nothing that the program sent.
            self.check.note("received", "nothing yet", "");
            return;
        };
        let got = &buffer[..n];
        self.check.end(Failure {
            expected: "nothing yet".into(),
            got: format!("a datagram of {} from {from}: {}", count(n), Bytes(got)),
            bytes: None,
            remains: program.remains(),
            why: why.explain(got),
        })
    }
}
