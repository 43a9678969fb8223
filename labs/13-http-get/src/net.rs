//! Given: the connection to the host of a URL.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};

use crate::fault::Fault;
use crate::framing::{Coding, Framing};
use crate::message::Head;
use crate::url::Url;

/// Whether what is sent and what comes is told on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Nothing is told.
    Off,
    /// `* …` for what happens, `> …` for each line sent, `< …` for each line of the final head.
    On,
}

impl Trace {
    fn say(self, mark: char, text: &str) {
        if self == Trace::On {
            eprintln!("{}", format!("{mark} {text}").trim_end());
        }
    }

    /// Tells of the final response.
    pub fn response(self, head: &Head, framing: Framing, coding: Coding) {
        for line in head.to_string().lines() {
            self.say('<', line);
        }
        self.say('<', "");
        self.say('*', &format!("body: {framing}, {coding}"));
    }
}

/// A connection that tells what is sent over it.
pub struct Connection {
    socket: TcpStream,
    trace: Trace,
}

/// Connects to the host and port of `url`: to the first of its addresses that answers (chapter 2).
pub fn connect(url: &Url, trace: Trace) -> Result<Connection, Fault> {
    let fault = |error| Fault::Connect {
        to: url.authority(),
        error,
    };
    let host = url.host.trim_matches(['[', ']']);
    let addresses = (host, url.port).to_socket_addrs().map_err(fault)?;
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match TcpStream::connect(address) {
            Ok(socket) => {
                trace.say('*', &format!("connected to {address} for {url}"));
                return Ok(Connection { socket, trace });
            }
            Err(error) => last = error,
        }
    }
    Err(fault(last))
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.socket.write(bytes)?;
        for line in String::from_utf8_lossy(&bytes[..sent]).lines() {
            self.trace.say('>', line);
        }
        Ok(sent)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
