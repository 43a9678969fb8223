//! The program under check: started, typed to, read, waited for.
use std::ffi::OsStr;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{ChildStdin, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::Bytes;
use crate::bytes::{self, count};
use crate::check::{Check, Failure, Remains, Why, lock};
use crate::output::Output;
use crate::process::Running;
use crate::wait::{TICK, Wait, describe_status};

#[cfg(target_os = "linux")]
mod control;
mod finished;

pub use finished::Finished;

/// How long a program that has ended may take to have its last output read. A grandchild that holds
/// its pipes open must not make a check wait for ever.
const LAST_WORDS: Duration = Duration::from_secs(if cfg!(target_os = "linux") { 60 } else { 3 });

/// The path in `WIRELAB_PROGRAM`, the program that a tool wants judged in place of the package's own.
pub fn program_from_environment() -> Option<PathBuf> {
    std::env::var_os("WIRELAB_PROGRAM")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// The program under check; it and all that it started end with this value.
pub struct Program {
    check: Check,
    running: Arc<Running>,
    stdin: Mutex<Option<ChildStdin>>,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
    listening: Option<SocketAddr>,
    shown: String,
}

impl Check {
    /// Starts the lab's program as a server and waits for its first line, `listening ADDR`.
    pub fn start<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Program {
        let mut program = Program::launch(self, args, Input::Nothing);
        program.listening = Some(program.first_line("listening", ""));
        program
    }

    /// As [`Check::start`], for a server that may be unable to listen there; `why` says what it should
    /// have been able to do.
    pub fn start_explaining<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        why: &str,
    ) -> Program {
        let mut program = Program::launch(self, args, Input::Nothing);
        program.listening = Some(program.first_line("listening", why));
        program
    }

    /// Starts the lab's program and waits for its first line `WORD ADDR` (`start` waits for
    /// `listening ADDR`).
    pub fn start_saying<A: AsRef<OsStr>>(
        &self,
        word: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Program {
        let mut program = Program::launch(self, args, Input::Nothing);
        program.listening = Some(program.first_line(word, ""));
        program
    }

    /// Starts the lab's program, a client for example; its standard input stays open.
    pub fn spawn<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Program {
        let program = Program::launch(self, args, Input::Open);
        self.note("started", &program.shown, "");
        program
    }

    /// Runs the lab's program to its end with nothing on its standard input.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Finished {
        let program = Program::launch(self, args, Input::Nothing);
        self.note("ran", &program.shown, "");
        program.wait("")
    }

    /// Runs the lab's program to its end with `input` on its standard input.
    pub fn run_with_input<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        input: impl AsRef<[u8]>,
    ) -> Finished {
        let input = input.as_ref();
        let program = Program::launch(self, args, Input::Open);
        self.note(
            "ran",
            &program.shown,
            format!("standard input {}", Bytes(input)),
        );
        let mut stdin = lock(&program.stdin).take();
        if cfg!(unix) && input.len() <= ALWAYS_FITS {
            // A program may end without reading it all.
            let _ = stdin.as_mut().map(|stdin| stdin.write_all(input));
            drop(stdin);
            return program.wait("");
        }
        // The program is ended in here, whatever comes of it: the thread may be in the middle of what nobody reads.
        std::thread::scope(move |scope| {
            let acting = self.act();
            scope.spawn(move || {
                let _acting = acting;
                // A program may end without reading it all.
                let _ = stdin.map(|mut stdin| stdin.write_all(input));
            });
            program.wait("")
        })
    }
}

/// So many bytes can be written to an empty pipe at once, however little it holds (pipe(7): one page).
const ALWAYS_FITS: usize = 4096;

/// What is on the program's standard input.
#[derive(PartialEq)]
enum Input {
    Nothing,
    Open,
}

impl Program {
    fn launch<A: AsRef<OsStr>>(
        check: &Check,
        args: impl IntoIterator<Item = A>,
        input: Input,
    ) -> Self {
        let args: Vec<_> = args
            .into_iter()
            .map(|arg| arg.as_ref().to_os_string())
            .collect();
        let shown = shown(check, &args);
        check.starting();
        check.files().unlock();
        let running = match Running::start(
            &check.inner.program,
            &args,
            &check.folder(),
            input == Input::Open,
            &check.inner.servers,
        ) {
            Ok(running) => Arc::new(running),
            Err(error) => check.not_started(&error),
        };
        let (stdin, stdout, stderr) = running.pipes();
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            unreachable!("both are piped")
        };
        let [stdout, stderr] = Output::collect(stdout, stderr);
        lock(&check.inner.programs).push(Arc::downgrade(&running));
        lock(&check.inner.stderrs).push(stderr.clone());
        Program {
            check: check.clone(),
            running,
            stdin: Mutex::new(stdin),
            stdout,
            stderr,
            listening: None,
            shown,
        }
    }

    /// Waits for the line `WORD ADDR`; `why` explains that it does not come, where that says more than
    /// the rule.
    fn first_line(&self, word: &str, why: &str) -> SocketAddr {
        // Whom it waits for cannot come.
        let nobody = (word == "listening")
            .then_some("nobody can reach it before it has said where it listens");
        let line = match self.next_line_or(nobody) {
            Ok(line) => line,
            Err((got, ending)) => {
                self.check.note("started", &self.shown, "");
                let got = if got.is_empty() {
                    ending
                } else {
                    format!("{}, then {ending}", Bytes(&got))
                };
                self.check.end(Failure {
                    expected: format!("\"{word} ADDR\" as its first line"),
                    got,
                    bytes: None,
                    remains: self.remains(),
                    why: match why {
                        "" => format!(
                            "The program prints \"{word} ADDR\\n\" and flushes standard output before it waits for anybody or does anything else."
                        ),
                        why => why.into(),
                    },
                })
            }
        };
        let text = String::from_utf8_lossy(&line).into_owned();
        let addr = text
            .trim_end()
            .strip_prefix(word)
            .and_then(|rest| rest.trim().parse::<SocketAddr>().ok());
        match addr {
            Some(addr) if addr.port() != 0 => {
                self.check.note("started", &self.shown, text.trim_end());
                addr
            }
            _ => {
                self.check.note("started", &self.shown, "");
                self.check.end(Failure {
                    expected: format!("\"{word} ADDR\" as its first line"),
                    got: Bytes(&line).to_string(),
                    bytes: None,
                    remains: self.remains(),
                    why: "ADDR is the address that the socket really has (getsockname), such as 127.0.0.1:41233; with port 0 the kernel chooses it at bind.".into(),
                })
            }
        }
    }

    /// The address it said it listens on; a wildcard address is reached through loopback.
    ///
    /// # Panics
    /// When the program was not started by [`Check::start`].
    pub fn addr(&self) -> SocketAddr {
        let mut addr = self
            .listening
            .expect("only a program started as a server has an address");
        match addr {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
                addr.set_ip(Ipv4Addr::LOCALHOST.into())
            }
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
                addr.set_ip(Ipv6Addr::LOCALHOST.into())
            }
            _ => {}
        }
        addr
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Whether it has ended by now.
    pub fn has_ended(&self) -> bool {
        self.ended().is_some()
    }

    /// Writes to its standard input.
    pub fn type_in(&self, bytes: impl AsRef<[u8]>) -> &Self {
        let bytes = bytes.as_ref();
        if let Some(stdin) = lock(&self.stdin).as_mut() {
            // Should the program have ended, the next expectation says so better.
            let _ = stdin.write_all(bytes);
        }
        self.check
            .note("typed", Bytes(bytes), "on its standard input");
        self
    }

    /// Writes all of `bytes` to its standard input, in a thread of its own, and then ends it: for more
    /// than a pipe holds.
    pub fn feed(&self, bytes: impl AsRef<[u8]>) -> &Self {
        let bytes = bytes.as_ref().to_vec();
        let aside = format!("{} on its standard input, then its end", count(bytes.len()));
        self.check.note("typed", Bytes(&bytes), aside);
        if let Some(mut stdin) = lock(&self.stdin).take() {
            let acting = self.check.act();
            std::thread::spawn(move || {
                let _acting = acting;
                // A program may end without reading it all.
                let _ = stdin.write_all(&bytes);
            });
        }
        self
    }

    /// Ends its standard input.
    pub fn close_input(&self) -> &Self {
        if lock(&self.stdin).take().is_some() {
            self.check.disturb();
            self.check.note("ended", "its standard input", "");
        }
        self
    }

    /// The next line of its standard output is `text`.
    pub fn expect_line(&self, text: &str, why: impl Why) {
        match self.next_line() {
            Ok(line) if line.strip_suffix(b"\n").map(trim_cr) == Some(text.as_bytes()) => {
                self.check.note("printed", Bytes(&line), "");
            }
            Ok(line) => self.differs(&[text.as_bytes(), b"\n"].concat(), &line, "", why),
            Err((got, ending)) => {
                self.differs(&[text.as_bytes(), b"\n"].concat(), &got, &ending, why)
            }
        }
    }

    /// The next line of its standard output, without its end, for checks that look inside it.
    pub fn read_line(&self, expected: &str, why: impl Why) -> String {
        match self.next_line() {
            Ok(line) => {
                let text = String::from_utf8_lossy(&line).trim_end().to_string();
                self.check.note("printed", Bytes(&line), "");
                text
            }
            Err((got, ending)) => self.check.end(Failure {
                expected: expected.into(),
                got: join(&got, &ending),
                bytes: None,
                remains: self.remains(),
                why: why.explain(&got),
            }),
        }
    }

    /// The next bytes of its standard output are exactly `expected`.
    pub fn expect_output(&self, expected: impl AsRef<[u8]>, why: impl Why) {
        let expected = expected.as_ref();
        let mut wait = Wait::new(&self.check, Some(self));
        loop {
            let done = self.stdout.take(TICK, |unread, _| {
                let wrong = !expected.starts_with(&unread[..unread.len().min(expected.len())]);
                (wrong || unread.len() >= expected.len())
                    .then_some((!wrong, if wrong { 0 } else { expected.len() }))
            });
            match done {
                Some(true) => {
                    self.check
                        .note("printed", Bytes(expected), count(expected.len()));
                    return;
                }
                Some(false) => self.differs(expected, &self.stdout.unread(), "", why),
                None => {
                    if let Some(ending) = wait.look() {
                        let ending = wait.describe(&ending);
                        self.differs(expected, &self.stdout.unread(), &ending, why)
                    }
                }
            }
        }
    }

    /// Closes its standard input and waits until it has ended.
    pub fn finish(&self) -> Finished {
        self.close_input();
        self.wait("")
    }

    /// Waits until it has ended by itself, its standard input still open.
    pub fn expect_ends(&self, why: impl Why) -> Finished {
        self.wait(why)
    }

    fn wait(&self, why: impl Why) -> Finished {
        let mut wait = Wait::new(&self.check, Some(self));
        while self.ended().is_none() {
            if let Some(ending) = wait.look() {
                if matches!(ending, crate::wait::Ending::Ended(_)) {
                    break;
                }
                let ending = wait.describe(&ending);
                self.check.end(Failure {
                    expected: "the program ends".into(),
                    got: join(&self.stdout.unread(), &ending),
                    bytes: None,
                    remains: self.remains(),
                    why: why.explain(&self.stdout.unread()),
                });
            }
            self.running.wait(TICK);
        }
        self.wait_for_output();
        let status = self.ended().unwrap_or_default();
        if self.is_flooded() {
            self.check.end(Failure {
                expected: format!("at most {} of output", Output::limit()),
                got: "more".into(),
                bytes: None,
                remains: self.remains(),
                why: String::new(),
            });
        }
        Finished {
            check: self.check.clone(),
            code: status.code(),
            stdout: self.stdout.all(),
            stderr: String::from_utf8_lossy(&self.stderr.all()).into_owned(),
            status,
        }
    }

    /// The next whole line with its end, or what came of it and why no more will.
    fn next_line(&self) -> Result<Vec<u8>, (Vec<u8>, String)> {
        self.next_line_or(None)
    }

    /// As [`Program::next_line`]; `peer` says what keeps the one that the program waits for, where that is something else
    /// than usual.
    fn next_line_or(&self, peer: Option<&str>) -> Result<Vec<u8>, (Vec<u8>, String)> {
        let mut wait = Wait::new(&self.check, Some(self));
        loop {
            let line = self.stdout.take(TICK, |unread, ended| {
                let end = unread
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map(|at| at + 1);
                let end = end.or((ended && !unread.is_empty()).then_some(unread.len()))?;
                Some((unread[..end].to_vec(), end))
            });
            if let Some(line) = line {
                return Ok(line);
            }
            if let Some(ending) = wait.look() {
                let said = match peer {
                    Some(peer) => wait.describe_with(&ending, peer),
                    None => wait.describe(&ending),
                };
                return Err((self.stdout.unread(), said));
            }
        }
    }

    fn differs(&self, expected: &[u8], got: &[u8], ending: &str, why: impl Why) -> ! {
        self.check.end(Failure {
            expected: format!("{} on its standard output", Bytes(expected)),
            got: join(got, ending),
            bytes: Some((expected, got)),
            remains: self.remains(),
            why: why.explain(got),
        })
    }

    /// It has nothing to do, and does nothing: looked at again and again, it sleeps, at least now and
    /// then. A loop that asks without a pause never does. Linux only: elsewhere nothing is looked at.
    pub fn expect_rest(&self, why: impl Why) -> &Self {
        /// How often it is looked at, and how often it must be found asleep.
        const LOOKS: u32 = 200;
        const ASLEEP: u32 = 20;
        let mut asleep = 0;
        for _ in 0..LOOKS {
            if !cfg!(target_os = "linux") || asleep == ASLEEP || self.ended().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(3));
            asleep += u32::from(self.is_asleep());
        }
        if let Some(status) = self.ended() {
            self.wait_for_output();
            self.check.end(Failure {
                expected: "the program goes on, and has nothing to do".into(),
                got: format!("the program ended ({})", describe_status(status)),
                bytes: None,
                remains: self.remains(),
                why: why.explain(&[]),
            });
        }
        if cfg!(target_os = "linux") && asleep < ASLEEP {
            self.check.end(Failure {
                expected: "the program has nothing to do, and sleeps".into(),
                got: format!("it is running: looked at {LOOKS} times, it slept {asleep} times"),
                bytes: None,
                remains: self.remains(),
                why: why.explain(&[]),
            });
        }
        self.check.note("found", "it asleep", "");
        self
    }

    /// Whether every thread of it sleeps at this moment; true where that cannot be seen.
    pub(crate) fn is_asleep(&self) -> bool {
        #[cfg(target_os = "linux")]
        return crate::blocked::all_asleep(self.pid());
        #[cfg(not(target_os = "linux"))]
        true
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.running.ended()
    }

    pub(crate) fn is_flooded(&self) -> bool {
        self.stdout.is_flooded() || self.stderr.is_flooded()
    }

    /// Whether all that it printed has been collected.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_collected(&self) -> bool {
        self.stdout.is_collected() && self.stderr.is_collected()
    }

    /// Lets the readers come to the end of what a program that has ended printed.
    pub(crate) fn wait_for_output(&self) {
        self.stdout.wait_for_end(LAST_WORDS);
        self.stderr.wait_for_end(LAST_WORDS);
    }

    /// The most memory that it has had at a time so far, in bytes (`VmHWM`, proc_pid_status(5)). None
    /// where that cannot be seen.
    pub fn peak_memory(&self) -> Option<usize> {
        #[cfg(target_os = "linux")]
        return crate::blocked::peak_memory(self.pid());
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// As [`Program::peak_memory`], once it has slept for a while and has not grown meanwhile: what it has come to
    /// when nobody takes anything from it. One that goes on growing is looked at for ten seconds.
    pub fn peak_memory_at_rest(&self) -> Option<usize> {
        /// Whoever feeds it may have had no processor for so long.
        const QUIET: Duration = Duration::from_millis(300);
        const LONGEST: Duration = Duration::from_secs(10);
        let began = Instant::now();
        let (mut peak, mut since) = (self.peak_memory(), began);
        while since.elapsed() < QUIET && began.elapsed() < LONGEST && self.ended().is_none() {
            std::thread::sleep(Duration::from_millis(5));
            let now = self.peak_memory();
            if now != peak || !self.is_asleep() {
                (peak, since) = (now, Instant::now());
            }
        }
        peak
    }

    /// Where its threads wait, in words; empty where that cannot be seen.
    pub(crate) fn whereabouts(&self) -> String {
        #[cfg(target_os = "linux")]
        return crate::blocked::whereabouts(self.pid(), self.listening);
        #[cfg(not(target_os = "linux"))]
        String::new()
    }

    /// Whether it has left nothing unread of what has arrived from `address`: what it does not take then is still on its
    /// way. Never where that cannot be seen.
    pub(crate) fn has_read_all_from(&self, address: SocketAddr) -> bool {
        #[cfg(target_os = "linux")]
        return crate::blocked::has_read_all_from(self.pid(), address);
        #[cfg(not(target_os = "linux"))]
        {
            let _ = address;
            false
        }
    }

    /// Waits until the program has read what was sent on `socket` and sleeps again. Where that cannot
    /// be seen it waits a moment, which can only make a check detect less.
    pub(crate) fn settle(&self, socket: &socket2::Socket, patience: Duration) -> bool {
        #[cfg(target_os = "linux")]
        return crate::blocked::settle(self.pid(), socket, patience);
        #[cfg(not(target_os = "linux"))]
        {
            let _ = socket;
            std::thread::sleep(patience.min(TICK));
            true
        }
    }

    /// As [`Program::settle`], for datagrams: until it has taken all that arrived and sleeps.
    pub(crate) fn settle_datagrams(&self, patience: Duration) -> bool {
        #[cfg(target_os = "linux")]
        return crate::blocked::settle_datagrams(self.pid(), patience);
        #[cfg(not(target_os = "linux"))]
        {
            std::thread::sleep(patience.min(TICK));
            true
        }
    }

    /// What explains a failure: a panic's place and text, the rest of standard error. A program that
    /// has just closed its connection gets a moment to end, or its panic would be missed.
    pub(crate) fn remains(&self) -> Remains {
        crate::wait::last_moment(|| self.ended().is_some());
        if self.ended().is_some() {
            self.wait_for_output();
        }
        Remains::read(&String::from_utf8_lossy(&self.stderr.all()))
    }
}

impl Remains {
    /// Reads the standard error of a program.
    pub(crate) fn read(stderr: &str) -> Remains {
        let mut remains = Remains::default();
        let mut lines = stderr.lines();
        let mut shown = 0;
        while let Some(line) = lines.next() {
            if let Some(at) = line.find("panicked at ") {
                let place = line[at + "panicked at ".len()..].trim_end_matches(':');
                let message = lines.next().unwrap_or_default();
                match message.strip_prefix("not yet implemented") {
                    Some(what) => {
                        remains
                            .unwritten
                            .get_or_insert_with(|| match what.strip_prefix(": ") {
                                Some(what) => format!("{place}  write: {what}"),
                                None => {
                                    format!("{place}  write what the documentation comment says")
                                }
                            });
                    }
                    None => {
                        remains.panicked = true;
                        remains.lines.push(bytes::visible_lines(&format!(
                            "It panicked at {place}: {message}"
                        )));
                    }
                }
            } else if !line.starts_with("note: run with") && !line.trim().is_empty() {
                shown += 1;
                if shown <= 8 {
                    remains.lines.push(format!(
                        "stderr  {}",
                        bytes::visible(&line.chars().take(200).collect::<String>())
                    ));
                }
            }
        }
        if shown > 8 {
            remains
                .lines
                .push(format!("stderr  … {} lines more", shown - 8));
        }
        remains
    }
}

fn trim_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What came, and why no more will.
pub(crate) fn join(got: &[u8], ending: &str) -> String {
    match (got, ending) {
        (got, "") => Bytes(got).to_string(),
        ([], ending) => format!("nothing: {ending}"),
        (got, ending) => format!("{}, then {ending}", Bytes(got)),
    }
}

/// The command line as a learner would type it.
fn shown(check: &Check, args: &[std::ffi::OsString]) -> String {
    let folder = check.folder();
    let words = args.iter().map(|arg| {
        let text = arg.to_string_lossy();
        let text = text
            .strip_prefix(&*folder.to_string_lossy())
            .map_or(&*text, |rest| rest.trim_start_matches(['/', '\\']));
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '#' | '"');
        if text.is_empty() || !text.chars().all(plain) {
            format!("{text:?}")
        } else {
            text.to_string()
        }
    });
    std::iter::once(check.inner.package.to_string())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_todo_is_told_from_another_panic() {
        let remains = Remains::read(
            "\nthread 'main' (7) panicked at labs/a/src/b.rs:3:5:\nnot yet implemented: the length\nnote: run with `RUST_BACKTRACE=1`\n",
        );
        assert_eq!(
            remains.unwritten.as_deref(),
            Some("labs/a/src/b.rs:3:5  write: the length")
        );
        let remains =
            Remains::read("thread 'main' panicked at a.rs:3:5:\nindex out of bounds\nhello\n");
        assert_eq!(
            remains.lines,
            [
                "It panicked at a.rs:3:5: index out of bounds",
                "stderr  hello"
            ]
        );
        assert_eq!(remains.unwritten, None);
    }

    #[test]
    fn a_long_standard_error_is_cut() {
        let remains = Remains::read(&"x\n".repeat(30));
        assert_eq!(remains.lines.len(), 9);
        assert_eq!(remains.lines[8], "stderr  … 22 lines more");
    }
}
