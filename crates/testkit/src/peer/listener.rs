//! Servers of ours, and ports where none listens.
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::{Buffers, Peer};
use crate::check::{Check, Failure};
use crate::program::Program;
use crate::wait::Wait;

impl Check {
    /// A server of ours for the program's client.
    pub fn listen(&self) -> Listener {
        self.listen_with(Buffers::usual())
    }

    /// A server whose connections have socket buffers of these sizes.
    pub fn listen_with(&self, buffers: Buffers) -> Listener {
        let listen = || -> std::io::Result<(Socket, SocketAddr)> {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            buffers.set(&socket);
            socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
            socket.listen(128)?;
            socket.set_nonblocking(true)?;
            let addr = socket
                .local_addr()?
                .as_socket()
                .ok_or(ErrorKind::AddrNotAvailable)?;
            Ok((socket, addr))
        };
        match listen() {
            Ok((socket, addr)) => {
                self.note("listening", format!("on {addr}"), "a server of ours");
                Listener {
                    check: self.clone(),
                    socket,
                    addr,
                }
            }
            Err(error) => panic!("no socket on 127.0.0.1 can be had for a server: {error}"),
        }
    }

    /// A port on loopback that refuses connections: a socket is bound to it and does not listen.
    pub fn refusing(&self) -> Refusing {
        let bind = || -> std::io::Result<(Socket, SocketAddr)> {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
            let addr = socket
                .local_addr()?
                .as_socket()
                .ok_or(ErrorKind::AddrNotAvailable)?;
            Ok((socket, addr))
        };
        match bind() {
            Ok((socket, addr)) => {
                self.note("reserved", addr, "where nothing listens");
                Refusing {
                    _socket: socket,
                    addr,
                }
            }
            Err(error) => panic!("no port on 127.0.0.1 can be had: {error}"),
        }
    }
}

/// A port that refuses connections for as long as this value lives.
pub struct Refusing {
    _socket: Socket,
    addr: SocketAddr,
}

impl Refusing {
    /// Its address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// A server of ours.
pub struct Listener {
    check: Check,
    socket: Socket,
    addr: SocketAddr,
}

impl Listener {
    /// Its address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the program to connect.
    pub fn accept<'p>(&self, program: &'p Program) -> Peer<'p> {
        let mut wait = Wait::new(&self.check, Some(program));
        loop {
            match self.socket.accept() {
                Ok((socket, _)) => {
                    let _ = socket.set_nonblocking(false);
                    self.check.note("accepted", "its connection", "");
                    return Peer::new(&self.check, program, socket);
                }
                Err(_) => {
                    if let Some(ending) = wait.look() {
                        self.check.end(Failure {
                            expected: format!("the program connects to {}", self.addr),
                            got: format!("no connection: {}", wait.describe(&ending)),
                            bytes: None,
                            remains: program.remains(),
                            why: String::new(),
                        });
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }
}
