//! The other end of a TCP connection with the program.
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::Bytes;
use crate::bytes::count;
use crate::check::{Check, Failure, Why, lock};
use crate::program::{Program, join};
use crate::wait::{Ending, TICK, Wait};

/// How long a peer waits, in all of one send, for a program that does not read.
const SETTLE: Duration = Duration::from_secs(1);

/// How long a program must sleep and take nothing to count as one that takes no more. Longer than
/// the 40 ms for which a kernel may keep back an acknowledgement.
const FULL: Duration = Duration::from_millis(100);

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
        let connect = || -> std::io::Result<Socket> {
            let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
            buffers.set(&socket);
            let left = self.deadline().saturating_duration_since(Instant::now());
            socket.connect_timeout(&addr.into(), left.max(TICK))?;
            Ok(socket)
        };
        match connect() {
            Ok(socket) => {
                self.note("connected", format!("to {addr}"), "");
                Peer::new(self, program, socket)
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

/// What one attempt to read gave.
enum Came {
    Bytes(usize),
    End,
    Reset,
    NotYet,
}

/// How a stream comes to its end.
#[derive(Clone, Copy, PartialEq)]
enum Closing {
    End,
    Reset,
}

impl Closing {
    fn words(self) -> &'static str {
        match self {
            Closing::End => "the end of the stream",
            Closing::Reset => "a reset of the connection",
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
        let _ = self.socket.set_write_timeout(Some(TICK));
        while !left.is_empty() {
            match (&*self.socket).write(left) {
                Ok(n) => left = &left[n..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    if let Some(ending) = wait.look() {
                        self.check.note(
                            "sent",
                            Bytes(bytes),
                            format!("only {} of {} bytes", bytes.len() - left.len(), bytes.len()),
                        );
                        self.check.end(Failure {
                            expected: format!("the program reads what is sent to it: {} bytes", bytes.len()),
                            got: wait.describe(&ending),
                            bytes: None,
                            remains: self.program.remains(),
                            why: "Both buffers, its receive buffer and the sender's send buffer, are full.".into(),
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
    /// full, and it sleeps. Returns how many bytes that were.
    ///
    /// A program that is merely slow is not waited for in the end: then fewer bytes were sent, and a
    /// check detects less.
    pub fn send_until_full(&mut self, bytes: impl AsRef<[u8]>) -> usize {
        let bytes = bytes.as_ref();
        self.check.disturb();
        let _ = self.socket.set_nonblocking(true);
        let mut sent = 0;
        let mut quiet = Instant::now();
        while sent < bytes.len() && quiet.elapsed() < FULL {
            match (&*self.socket).write(&bytes[sent..]) {
                Ok(n) => {
                    sent += n;
                    quiet = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    if !self.program.is_asleep() && Instant::now() < self.check.deadline() {
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
        let ending = loop {
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
                    break format!("a reset of the connection{}", self.ended_too());
                }
                Came::NotYet => {
                    if let Some(ending) = wait.look() {
                        let peer = match left.is_empty() {
                            true => "its peer, an echo, waits in recv() for more",
                            false => {
                                "its peer, an echo, waits in send() too: it receives no more until the answer is taken"
                            }
                        };
                        break wait.describe_with(&ending, peer);
                    }
                }
            }
        };
        self.check
            .note("echoed", count(sent), "and then came to a stop");
        self.check.end(Failure {
            expected: "the program sends, takes what comes back, and ends its stream".into(),
            got: ending,
            bytes: None,
            remains: self.program.remains(),
            why: why.explain(&[]),
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

    /// The next bytes are exactly `expected`. Ends at the first byte that differs, at the end of the
    /// stream, and when nothing can come any more.
    pub fn expect(&mut self, expected: impl AsRef<[u8]>, why: impl Why) -> &mut Self {
        let expected = expected.as_ref();
        let mut got = Vec::new();
        let done = self.receive(expected, &mut got);
        self.received(expected, got, done, why)
    }

    /// Sends `bytes` while it receives what must be exactly `expected`: for more than both ends'
    /// buffers can hold.
    pub fn exchange(
        &mut self,
        bytes: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
        why: impl Why,
    ) -> &mut Self {
        let (bytes, expected) = (bytes.as_ref(), expected.as_ref());
        let mut got = Vec::new();
        let writer = self.socket.clone();
        let done = self.receive_while(&writer, bytes, expected, &mut got);
        self.check.note(
            "sent",
            Bytes(bytes),
            format!("{} bytes, reading meanwhile", bytes.len()),
        );
        self.received(expected, got, done, why)
    }

    /// Sends `bytes` while `other`, a peer of the same check, receives what must be exactly
    /// `expected`: for more than the buffers on the way can hold.
    pub fn send_through(
        &mut self,
        bytes: impl AsRef<[u8]>,
        other: &mut Peer<'_>,
        expected: impl AsRef<[u8]>,
        why: impl Why,
    ) -> &mut Self {
        let (bytes, expected) = (bytes.as_ref(), expected.as_ref());
        let mut got = Vec::new();
        let done = other.receive_while(&self.socket, bytes, expected, &mut got);
        self.check.note(
            "sent",
            Bytes(bytes),
            format!("{} bytes, the other end reading meanwhile", bytes.len()),
        );
        other.received(expected, got, done, why);
        self
    }

    /// As [`Peer::receive`], while a thread sends `bytes` on `writer`.
    fn receive_while(
        &self,
        writer: &Socket,
        bytes: &[u8],
        expected: &[u8],
        got: &mut Vec<u8>,
    ) -> Result<Duration, String> {
        self.check.disturb();
        let _ = writer.set_write_timeout(None);
        std::thread::scope(|scope| {
            let acting = self.check.act();
            scope.spawn(move || {
                let _acting = acting;
                let mut writer = writer;
                // Whether it could be sent shows in what comes back.
                let _ = writer.write_all(bytes);
            });
            let done = self.receive(expected, got);
            if done.is_err() {
                // Frees a writer that nobody reads from.
                let _ = writer.shutdown(Shutdown::Both);
            }
            done
        })
    }

    /// Ends an expectation of bytes: `done` says how long they took, or why they did not come.
    fn received(
        &mut self,
        expected: &[u8],
        got: Vec<u8>,
        done: Result<Duration, String>,
        why: impl Why,
    ) -> &mut Self {
        match done {
            Ok(took) => {
                let aside = format!("{}, after {} ms", count(got.len()), took.as_millis());
                self.check.note("received", Bytes(expected), aside);
                self
            }
            Err(ending) => self.differs(expected, got, &ending, why),
        }
    }

    /// Reads into `got` until it is `expected`; otherwise why it will not be (empty: it differs).
    fn receive(&self, expected: &[u8], got: &mut Vec<u8>) -> Result<Duration, String> {
        let mut wait = Wait::new(&self.check, Some(self.program));
        let mut buffer = vec![0; expected.len().clamp(1, 64 << 10)];
        while got.len() < expected.len() {
            let room = buffer.len().min(expected.len() - got.len());
            match self.read(&mut buffer[..room]) {
                Came::Bytes(n) => {
                    let from = got.len();
                    got.extend_from_slice(&buffer[..n]);
                    if got[from..] != expected[from..from + n] {
                        return Err(String::new());
                    }
                }
                Came::End => return Err(format!("the end of the stream{}", self.ended_too())),
                Came::Reset => {
                    return Err(format!("a reset of the connection{}", self.ended_too()));
                }
                Came::NotYet => {
                    if let Some(ending) = wait.look() {
                        return Err(wait.describe(&ending));
                    }
                }
            }
        }
        Ok(wait.took())
    }

    /// The next `n` bytes, whatever they are: for a check that looks inside them.
    pub fn take(&mut self, n: usize, why: impl Why) -> Vec<u8> {
        let mut wait = Wait::new(&self.check, Some(self.program));
        let mut got = vec![0; n];
        let mut filled = 0;
        while filled < n {
            let ending = match self.read(&mut got[filled..]) {
                Came::Bytes(came) => {
                    filled += came;
                    continue;
                }
                Came::End => format!("the end of the stream{}", self.ended_too()),
                Came::Reset => format!("a reset of the connection{}", self.ended_too()),
                Came::NotYet => match wait.look() {
                    Some(ending) => wait.describe(&ending),
                    None => continue,
                },
            };
            self.unexpected(&count(n), &got[..filled], &ending, why)
        }
        self.check.note("received", Bytes(&got), count(n));
        got
    }

    /// The stream ends here: a receive of 0 bytes.
    pub fn expect_end(&mut self, why: impl Why) -> &mut Self {
        self.expect_closing(Closing::End, why)
    }

    /// The connection is reset.
    pub fn expect_reset(&mut self, why: impl Why) -> &mut Self {
        self.expect_closing(Closing::Reset, why)
    }

    fn expect_closing(&mut self, expected: Closing, why: impl Why) -> &mut Self {
        let mut wait = Wait::new(&self.check, Some(self.program));
        let mut buffer = [0; 1024];
        let came = loop {
            match self.read(&mut buffer) {
                Came::End => break Closing::End,
                Came::Reset => break Closing::Reset,
                Came::Bytes(n) => self.unexpected(expected.words(), &buffer[..n], "", why),
                Came::NotYet => {
                    if let Some(ending) = wait.look() {
                        let ending = wait.describe(&ending);
                        self.unexpected(expected.words(), &[], &ending, why)
                    }
                }
            }
        };
        if came != expected {
            self.unexpected(expected.words(), &[], came.words(), why);
        }
        self.check.note("received", expected.words(), "");
        self
    }

    /// The program has taken all that was sent, sleeps, and has sent nothing. One that does not come to
    /// sleep within a second is looked at all the same: what it does later is for the next expectation.
    pub fn expect_nothing_yet(&mut self, why: impl Why) -> &mut Self {
        let mut buffer = [0; 1024];
        match self.read_settled(&mut buffer) {
            Came::NotYet => {
                self.check.note("received", "nothing yet", "");
                self
            }
            Came::Bytes(n) => self.unexpected("nothing yet", &buffer[..n], "", why),
            Came::End => self.ended_instead(Closing::End, why),
            Came::Reset => self.ended_instead(Closing::Reset, why),
        }
    }

    /// The program has taken all that was sent and has sent no more than was expected; the end of
    /// the stream may have come.
    pub fn expect_no_more(&mut self, why: impl Why) -> &mut Self {
        let mut buffer = [0; 1024];
        match self.read_settled(&mut buffer) {
            Came::Bytes(n) => self.unexpected("no more than that", &buffer[..n], "", why),
            Came::End | Came::Reset | Came::NotYet => {
                self.check.note("received", "no more than that", "");
                self
            }
        }
    }

    /// What is there when the program has taken all that was sent and sleeps, without waiting.
    fn read_settled(&self, buffer: &mut [u8]) -> Came {
        self.program.settle(&self.socket, SETTLE);
        let _ = self.socket.set_nonblocking(true);
        let came = self.read(buffer);
        let _ = self.socket.set_nonblocking(false);
        came
    }

    /// `n` bytes lie unread in this end's receive buffer; none of them is taken. A close now is a
    /// reset (RFC 9293 §3.6.1, RFC 1122 §4.2.2.13).
    pub fn expect_unread(&mut self, n: usize, why: impl Why) -> &mut Self {
        let mut wait = Wait::new(&self.check, Some(self.program));
        let mut buffer = vec![std::mem::MaybeUninit::uninit(); n + 1];
        let (arrived, ending) = loop {
            // A peek returns at once while anything is there: pause between two of them.
            let arrived = match self.socket.peek(&mut buffer) {
                Ok(arrived) if arrived == n => {
                    self.check.note("holds", count(n), "unread");
                    return self;
                }
                Ok(0) => break (0, "the end of the stream".into()),
                Ok(arrived) if arrived > n => break (arrived, String::new()),
                Ok(arrived) => arrived,
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => 0,
                Err(_) => break (0, "a reset of the connection".into()),
            };
            if let Some(ending) = wait.look() {
                break (arrived, wait.describe(&ending));
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let mut got = vec![0; arrived];
        if let Came::Bytes(taken) = self.read(&mut got) {
            got.truncate(taken);
        }
        self.unexpected(&format!("{} to arrive", count(n)), &got, &ending, why)
    }

    /// All that comes until the end of the stream, also from a program that has ended meanwhile; more
    /// than `limit` bytes fail the check.
    pub fn read_to_end(&mut self, limit: usize, why: impl Why) -> Vec<u8> {
        let mut wait = Wait::new(&self.check, Some(self.program));
        let mut all = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        let ending = loop {
            match self.read(&mut buffer) {
                Came::End => {
                    self.check.note(
                        "received",
                        Bytes(&all),
                        format!("{} bytes to the end of the stream", all.len()),
                    );
                    return all;
                }
                Came::Bytes(n) if all.len() + n > limit => {
                    break format!("more than {limit} bytes");
                }
                Came::Bytes(n) => all.extend_from_slice(&buffer[..n]),
                Came::Reset => break "a reset of the connection".into(),
                Came::NotYet => match wait.look() {
                    // What a program had sent before it ended is delivered by its kernel, and the
                    // end of the stream after it.
                    Some(Ending::Ended(_)) if Instant::now() < self.check.deadline() => {}
                    Some(ending) => break wait.describe(&ending),
                    None => {}
                },
            }
        };
        self.unexpected("the end of the stream", &all, &ending, why)
    }

    /// The next bytes, for as long as `wants` wants more: asked with what has come so far, it says how
    /// many bytes more may be read at once, and 0 when that is all. Nothing behind them is taken. For a
    /// message whose end only its own bytes tell; `expected` is its name.
    pub fn read_while(
        &mut self,
        expected: &str,
        wants: impl Fn(&[u8]) -> usize,
        why: impl Why,
    ) -> Vec<u8> {
        let mut wait = Wait::new(&self.check, Some(self.program));
        let mut all = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        let ending = loop {
            let room = wants(&all).min(buffer.len());
            if room == 0 {
                let aside = format!("{}, after {} ms", count(all.len()), wait.took().as_millis());
                self.check.note("received", Bytes(&all), aside);
                return all;
            }
            match self.read(&mut buffer[..room]) {
                Came::Bytes(n) => all.extend_from_slice(&buffer[..n]),
                Came::End => break format!("the end of the stream{}", self.ended_too()),
                Came::Reset => break format!("a reset of the connection{}", self.ended_too()),
                Came::NotYet => {
                    if let Some(ending) = wait.look() {
                        break wait.describe(&ending);
                    }
                }
            }
        };
        self.unexpected(expected, &all, &ending, why)
    }

    /// Sends `byte` over and over, one at a time and some milliseconds apart, until the program answers
    /// or ends the connection: nothing of that is read. A program that is still taking them after 5 s
    /// fails the check.
    pub fn trickle_until_answered(&mut self, byte: u8, why: impl Why) -> &mut Self {
        let mut seen = [std::mem::MaybeUninit::uninit()];
        let socket = self.socket.clone();
        // A peek waits for a tick, which is the pause between two bytes.
        self.trickle(byte, "an answer", why, || match socket.peek(&mut seen) {
            Err(error) => !is_timeout(&error) && error.kind() != ErrorKind::Interrupted,
            Ok(_) => true,
        })
    }

    /// As [`Peer::trickle_until_answered`], after the last answer: until the connection is closed, so
    /// that a byte more cannot be sent.
    pub fn trickle_until_closed(&mut self, byte: u8, why: impl Why) -> &mut Self {
        let expected = "the connection to be closed";
        self.trickle(byte, expected, why, || {
            std::thread::sleep(TICK);
            false
        })
    }

    /// Sends `byte` over and over until `has_answered`, or until it cannot be sent.
    fn trickle(
        &mut self,
        byte: u8,
        expected: &str,
        why: impl Why,
        mut has_answered: impl FnMut() -> bool,
    ) -> &mut Self {
        /// How long a program may go on taking bytes.
        const LIMIT: Duration = Duration::from_secs(5);
        let began = Instant::now();
        let mut sent = 0;
        loop {
            if has_answered() || self.reset {
                let aside = format!("{sent} times, one at a time");
                self.check.note("sent", Bytes(&[byte]), aside);
                return self;
            }
            if began.elapsed() > LIMIT {
                let aside = format!("{sent} times, one at a time");
                self.check.note("sent", Bytes(&[byte]), aside);
                let got = format!(
                    "the program is still taking bytes after {} s",
                    LIMIT.as_secs()
                );
                self.unexpected(expected, &[], &got, why)
            }
            self.write(&[byte]);
            sent += 1;
        }
    }

    fn read(&self, buffer: &mut [u8]) -> Came {
        match (&*self.socket).read(buffer) {
            Ok(0) if self.reset => Came::Reset,
            Ok(0) => Came::End,
            Ok(n) => Came::Bytes(n),
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {
                Came::NotYet
            }
            Err(_) => Came::Reset,
        }
    }

    /// A little more than was asked for, so that a wrong answer is shown whole.
    fn read_on(&mut self, got: &mut Vec<u8>) {
        let until = Instant::now() + Duration::from_millis(20);
        let mut buffer = [0; 256];
        while got.len() < 4096 && Instant::now() < until {
            match self.read(&mut buffer) {
                Came::Bytes(n) => got.extend_from_slice(&buffer[..n]),
                Came::NotYet => {}
                Came::End | Came::Reset => return,
            }
        }
    }

    fn ended_too(&self) -> String {
        let until = Instant::now() + Duration::from_millis(100);
        while self.program.ended().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        let wait = Wait::new(&self.check, Some(self.program));
        self.program
            .ended()
            .map(|status| format!("; {}", wait.describe(&Ending::Ended(status))))
            .unwrap_or_default()
    }

    fn differs(&mut self, expected: &[u8], mut got: Vec<u8>, ending: &str, why: impl Why) -> ! {
        if ending.is_empty() {
            self.read_on(&mut got);
        }
        self.check.end(Failure {
            expected: Bytes(expected).to_string(),
            got: join(&got, ending),
            bytes: Some((expected, &got)),
            remains: self.program.remains(),
            why: why.explain(&got),
        })
    }

    /// The conversation has ended where nothing was to come.
    fn ended_instead(&mut self, closing: Closing, why: impl Why) -> ! {
        let ending = format!("{}{}", closing.words(), self.ended_too());
        self.unexpected("nothing yet", &[], &ending, why)
    }

    fn unexpected(&mut self, expected: &str, got: &[u8], ending: &str, why: impl Why) -> ! {
        self.check.end(Failure {
            expected: expected.into(),
            got: join(got, ending),
            bytes: None,
            remains: self.program.remains(),
            why: why.explain(got),
        })
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
