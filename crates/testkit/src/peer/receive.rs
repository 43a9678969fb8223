//! What a peer expects of the program's stream.
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use socket2::Socket;

use super::{Peer, SETTLE, is_timeout};
use crate::Bytes;
use crate::bytes::count;
use crate::check::{Failure, Why};
use crate::program::join;
use crate::wait::{Ending, TICK, Wait};

/// What one attempt to read gave.
pub(super) enum Came {
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

impl Peer<'_> {
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
                let _ = writer.shutdown(std::net::Shutdown::Both);
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

    /// Whether bytes have come, once the program has taken all that was sent and sleeps, or a second is
    /// over. None of them is taken. For a check that acts on either answer.
    pub fn is_answered(&self) -> bool {
        self.program.settle(&self.socket, SETTLE);
        let _ = self.socket.set_nonblocking(true);
        let came = self.socket.peek(&mut [std::mem::MaybeUninit::uninit()]);
        let _ = self.socket.set_nonblocking(false);
        matches!(came, Ok(1..))
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

    pub(super) fn read(&self, buffer: &mut [u8]) -> Came {
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

    pub(super) fn ended_too(&self) -> String {
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
