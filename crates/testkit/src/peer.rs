//! The other end of a TCP connection with the program.
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod listener;
mod receive;

pub use listener::{Listener, Refusing};
use receive::Came;

use socket2::{Domain, Socket, Type};

use crate::Bytes;
use crate::bytes::count;
use crate::check::{Check, Failure, Why, lock};
use crate::program::Program;
use crate::wait::{Ending, TICK, Wait};

/// How long a peer waits, in all of one send, for a program that does not read.
const SETTLE: Duration = Duration::from_secs(1);

/// How long a program must sleep and take nothing to count as one that takes no more. Longer than
/// the 40 ms for which a kernel may keep back an acknowledgement.
const FULL: Duration = Duration::from_millis(100);
/// How long a program may go on taking what it is sent before it is believed to have taken enough.
const LONGEST_FULL: Duration = Duration::from_secs(60);

/// An exchange in which bytes came less than this before the end was slow, and did not stand still.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// Sizes of a peer's socket buffers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Buffers {
    send: Option<usize>,
    receive: Option<usize>,
}

impl Buffers {
    /// As the system has them.
    pub fn usual() -> Self {
        Buffers::default()
    }

    /// 4 KiB each way (the kernel doubles it): full after a few writes.
    pub fn small() -> Self {
        Buffers {
            send: Some(4096),
            receive: Some(4096),
        }
    }

    /// `bytes` each way.
    pub fn of(bytes: usize) -> Self {
        Buffers {
            send: Some(bytes),
            receive: Some(bytes),
        }
    }

    fn set(self, socket: &Socket) {
        // A system that refuses keeps its own sizes; a check then detects less.
        let _ = self.send.map(|size| socket.set_send_buffer_size(size));
        let _ = self.receive.map(|size| socket.set_recv_buffer_size(size));
    }
}

/// The other end of a connection with the program.
pub struct Peer<'p> {
    check: Check,
    program: &'p Program,
    socket: Arc<Socket>,
    reset: bool,
}

impl Check {
    /// Connects to a program that listens.
    pub fn connect<'p>(&self, program: &'p Program) -> Peer<'p> {
        self.connect_with(program, Buffers::usual())
    }

    /// Connects with socket buffers of these sizes.
    pub fn connect_with<'p>(&self, program: &'p Program, buffers: Buffers) -> Peer<'p> {
        self.try_connect(program, buffers, "The program said that it listens there. A refused connection means that no socket of it listens (any more).")
    }

    /// Connects to a program that may have ended by now; `why` says what it should have survived.
    pub fn connect_explaining<'p>(&self, program: &'p Program, why: impl Why) -> Peer<'p> {
        self.try_connect(program, Buffers::usual(), why)
    }

    fn try_connect<'p>(&self, program: &'p Program, buffers: Buffers, why: impl Why) -> Peer<'p> {
        let addr = program.addr();
        let connect = || -> std::io::Result<(Socket, bool)> {
            let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
            buffers.set(&socket);
            let left = self.deadline().saturating_duration_since(Instant::now());
            match socket.connect_timeout(&addr.into(), left.max(TICK)) {
                // There was a connection, and it was reset before this call woke up.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok((socket, true)),
                other => other.map(|()| (socket, false)),
            }
        };
        match connect() {
            Ok((socket, reset)) => {
                self.note("connected", format!("to {addr}"), "");
                let mut peer = Peer::new(self, program, socket);
                peer.reset = reset;
                peer
            }
            Err(error) => self.end(Failure {
                expected: format!("to connect to {addr}"),
                got: error.to_string(),
                bytes: None,
                remains: program.remains(),
                why: why.explain(&[]),
            }),
        }
    }

    /// Tries to connect to the program's address and expects that it is refused.
    pub fn expect_refused(&self, program: &Program, why: impl Why) {
        let addr = program.addr();
        match std::net::TcpStream::connect_timeout(&addr, Duration::from_secs(5)) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                self.note("refused", format!("by {addr}"), "");
            }
            Err(error) => self.fail("connection refused", error, why),
            Ok(_) => self.fail("connection refused", "connected", why),
        }
    }
}

impl<'p> Peer<'p> {
    fn new(check: &Check, program: &'p Program, socket: Socket) -> Self {
        // Each piece that a check sends is a segment of its own.
        let _ = socket.set_tcp_nodelay(true);
        let _ = socket.set_read_timeout(Some(TICK));
        let socket = Arc::new(socket);
        lock(&check.inner.sockets).push(Arc::downgrade(&socket));
        Peer {
            check: check.clone(),
            program,
            socket,
            reset: false,
        }
    }

    /// The address of this end.
    pub fn local_addr(&self) -> SocketAddr {
        let addr = self
            .socket
            .local_addr()
            .ok()
            .and_then(|addr| addr.as_socket());
        addr.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
    }

    /// The address of the program's end; 0.0.0.0:0 once the connection is gone.
    pub fn peer_addr(&self) -> SocketAddr {
        let addr = self
            .socket
            .peer_addr()
            .ok()
            .and_then(|addr| addr.as_socket());
        addr.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
    }

    fn write(&mut self, bytes: &[u8]) {
        self.check.disturb();
        let mut left = bytes;
        let mut wait = Wait::new(&self.check, Some(self.program));
        let mut taken = Instant::now();
        let _ = self.socket.set_write_timeout(Some(TICK));
        while !left.is_empty() {
            match (&*self.socket).write(left) {
                Ok(n) => {
                    left = &left[n..];
                    taken = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    if let Some(ending) = wait.look() {
                        self.check.note(
                            "sent",
                            Bytes(bytes),
                            format!("only {} of {} bytes", bytes.len() - left.len(), bytes.len()),
                        );
                        let slow =
                            matches!(ending, Ending::TimedOut(_)) && taken.elapsed() < UNDER_WAY;
                        let why = match slow {
                            true => {
                                "It was still reading when the time was over: nothing is stuck. The program is too slow, by far: it may be that it takes a byte at a time, or moves all that it holds with each piece."
                            }
                            false => {
                                "Both buffers, its receive buffer and the sender's send buffer, are full."
                            }
                        };
                        self.check.end(Failure {
                            expected: format!(
                                "the program reads what is sent to it: {} bytes",
                                bytes.len()
                            ),
                            got: wait.describe(&ending),
                            bytes: None,
                            remains: self.program.remains(),
                            why: why.into(),
                        });
                    }
                }
                // The connection is gone: the next expectation says it better.
                Err(_) => {
                    self.reset = true;
                    return;
                }
            }
        }
    }

    /// Sends all of it in one write.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        self.write(bytes);
        self.check.note("sent", Bytes(bytes), count(bytes.len()));
        self
    }

    /// Sends byte by byte, each one when the program has read the one before and sleeps again.
    pub fn send_one_by_one(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        self.write_pieces(bytes.chunks(1));
        self.check.note(
            "sent",
            Bytes(bytes),
            format!("{}, one at a time", count(bytes.len())),
        );
        self
    }

    /// Sends in pieces that are cut before these offsets, each piece when the program has read the
    /// one before and sleeps again.
    ///
    /// # Panics
    /// When the offsets do not ascend or lie outside.
    pub fn send_split(&mut self, bytes: impl AsRef<[u8]>, at: &[usize]) -> &mut Self {
        let bytes = bytes.as_ref();
        let bounds: Vec<usize> = [0]
            .iter()
            .chain(at)
            .chain([&bytes.len()])
            .copied()
            .collect();
        let pieces: Vec<&[u8]> = bounds
            .windows(2)
            .map(|pair| &bytes[pair[0]..pair[1]])
            .collect();
        self.write_pieces(pieces.iter().copied());
        let shown = pieces
            .iter()
            .map(|piece| Bytes(piece).to_string())
            .collect::<Vec<_>>()
            .join(" | ");
        self.check.note(
            "sent",
            shown,
            format!("{} bytes in {} pieces", bytes.len(), pieces.len()),
        );
        self
    }

    /// Sends of `bytes` what the program takes, until it takes no more: the buffers of both ends are
    /// full, and it sleeps with something unread. Returns how many bytes that were.
    ///
    /// A program that takes more and more is given a minute for it, also where a check's time is over
    /// before: on a crowded machine that time would be too short to see that it takes everything.
    pub fn send_until_full(&mut self, bytes: impl AsRef<[u8]>) -> usize {
        let bytes = bytes.as_ref();
        self.check.disturb();
        let _ = self.socket.set_nonblocking(true);
        let own = self.local_addr();
        let mut sent = 0;
        let mut quiet = Instant::now();
        let until = quiet + LONGEST_FULL;
        while sent < bytes.len() && quiet.elapsed() < FULL {
            match (&*self.socket).write(&bytes[sent..]) {
                Ok(n) => {
                    sent += n;
                    quiet = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    // Where it sleeps with nothing left to read, it has not refused anything: its kernel has yet to say
                    // that there is room again, or ours to ask (RFC 9293 §3.8.6.1).
                    let takes = !self.program.is_asleep() || self.program.has_read_all_from(own);
                    if takes && Instant::now() < until.max(self.check.deadline()) {
                        quiet = Instant::now();
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
                // The connection is gone: the next expectation says it better.
                Err(_) => {
                    self.reset = true;
                    break;
                }
            }
        }
        let _ = self.socket.set_nonblocking(false);
        let aside = if sent < bytes.len() {
            "until the program took no more".to_string()
        } else {
            "all of it taken".to_string()
        };
        self.check.note(
            "sent",
            Bytes(bytes),
            format!("{sent} of {} bytes, {aside}", bytes.len()),
        );
        sent
    }

    /// Acts as an echo that does one thing at a time: receives, sends all of that back before it
    /// receives again, and ends its stream when the program has. Gives how many bytes that were.
    pub fn echo_to_end(&mut self, why: impl Why) -> usize {
        self.check.disturb();
        let _ = self.socket.set_write_timeout(Some(TICK));
        let mut buffer = [0; 4096];
        let mut sent = 0;
        let mut left = 0..0;
        let mut wait = Wait::new(&self.check, Some(self.program));
        let (ending, slow) = loop {
            let came = if left.is_empty() {
                self.read(&mut buffer)
            } else {
                match (&*self.socket).write(&buffer[left.clone()]) {
                    Ok(n) => {
                        left.start += n;
                        sent += n;
                        continue;
                    }
                    Err(error) if is_timeout(&error) => Came::NotYet,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => Came::Reset,
                }
            };
            match came {
                Came::Bytes(n) => {
                    left = 0..n;
                    // Each receive is news: what follows is another wait.
                    wait = Wait::new(&self.check, Some(self.program));
                }
                Came::End => {
                    let _ = self.socket.shutdown(Shutdown::Write);
                    self.check
                        .note("echoed", count(sent), "to the end of the stream");
                    return sent;
                }
                Came::Reset => {
                    let ending = format!("a reset of the connection{}", self.ended_too());
                    break (ending, false);
                }
                Came::NotYet => {
                    if let Some(ending) = wait.look() {
                        let peer = match left.is_empty() {
                            true => "its peer, an echo, waits in recv() for more",
                            false => {
                                "its peer, an echo, waits in send() too: it receives no more until the answer is taken"
                            }
                        };
                        let slow = matches!(ending, Ending::TimedOut(_)) && wait.took() < UNDER_WAY;
                        break (wait.describe_with(&ending, peer), slow);
                    }
                }
            }
        };
        let (aside, why) = match slow {
            true => (
                "and was still under way",
                "Nothing is stuck: bytes went both ways until the time was over. The program is too slow, by far: it may be that it takes a byte at a time, asks again and again instead of waiting, or rests where there is something to do.".into(),
            ),
            false => ("and then came to a stop", why.explain(&[])),
        };
        self.check.note("echoed", count(sent), aside);
        self.check.end(Failure {
            expected: "the program sends, takes what comes back, and ends its stream".into(),
            got: ending,
            bytes: None,
            remains: self.program.remains(),
            why,
        })
    }

    fn write_pieces<'b>(&mut self, pieces: impl Iterator<Item = &'b [u8]>) {
        let until = Instant::now() + SETTLE;
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            self.write(piece);
            // A program that does not read at all must not make this last for ever.
            let patience = until.saturating_duration_since(Instant::now());
            self.program.settle(&self.socket, patience);
        }
    }

    /// Sends no more (shutdown(2), SHUT_WR); the other direction stays open.
    pub fn half_close(&mut self) -> &mut Self {
        self.check.disturb();
        let _ = self.socket.shutdown(Shutdown::Write);
        self.check.note("closed", "the sending half", "");
        self
    }

    /// Closes the connection.
    pub fn close(self) {
        self.check.note("closed", "the connection", "");
    }

    /// Ends the connection with a reset: closes it with a linger time of 0 (socket(7)).
    pub fn reset(self) {
        let _ = self.socket.set_linger(Some(Duration::ZERO));
        self.check.note("reset", "the connection", "");
    }
}

impl Drop for Peer<'_> {
    fn drop(&mut self) {
        self.check.disturb();
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
