//! A child process that is read while it runs, ends at a deadline or on request, and takes its
//! descendants with it.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(windows)]
use process_wrap::std::JobObject;
#[cfg(unix)]
use process_wrap::std::ProcessGroup;
use process_wrap::std::{ChildWrapper, CommandWrap};
#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};
#[cfg(unix)]
use std::os::fd::AsFd as Stream;

/// What a child's output is read from.
#[cfg(not(unix))]
trait Stream {}
#[cfg(not(unix))]
impl<T> Stream for T {}

/// How often a wait looks up from its channel: for a cancellation, the deadline, or a child that
/// has ended while a stray descendant keeps its pipes open.
const TICK: Duration = Duration::from_millis(20);

/// How long the pipes of a child that has ended may still deliver. On Unix its readers know by
/// themselves when nothing more is in them, and this is for what should never be; elsewhere a
/// descendant that keeps a pipe open costs so much.
const LAST_WORDS: Duration = Duration::from_secs(if cfg!(unix) { 60 } else { 2 });

/// Asks a run to end early, from any thread. Clones share one request.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Nobody has asked yet.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Asks: within a moment the run returns [`RunError::Cancelled`](crate::RunError::Cancelled)
    /// and everything that it started has been killed.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// By itself.
    Exited(ExitStatus),
    /// Killed at the deadline.
    TimedOut,
    /// Killed on request.
    Cancelled,
}

/// A line of a process's output.
pub(crate) enum Heard<'a> {
    /// Of its standard output.
    Out(&'a str),
    /// Of its standard error.
    Err(&'a str),
}

/// Runs `command` to its end, handing over each line it writes as it comes.
pub(crate) fn run(
    mut command: Command,
    deadline: Instant,
    cancel: &Cancel,
    mut hear: impl FnMut(Heard<'_>),
) -> io::Result<Ending> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Process::spawn(command)?;
    // Bounded, so that a program that writes faster than we read waits instead of filling memory.
    let (lines, incoming) = sync_channel(256);
    let over = Arc::new(AtomicBool::new(false));
    // The threads are not joined: a descendant that escaped may hold the pipes for ever.
    if let Some(stdout) = process.child.stdout().take() {
        let (lines, over) = (lines.clone(), over.clone());
        thread::spawn(move || split(stdout, &over, |line| lines.send(Line::Out(line)).is_ok()));
    }
    if let Some(stderr) = process.child.stderr().take() {
        let (lines, over) = (lines, over.clone());
        thread::spawn(move || split(stderr, &over, |line| lines.send(Line::Err(line)).is_ok()));
    }
    attend(&mut process, &incoming, &over, deadline, cancel, &mut hear)
}

enum Line {
    Out(String),
    Err(String),
}

fn attend(
    process: &mut Process,
    incoming: &Receiver<Line>,
    over: &AtomicBool,
    deadline: Instant,
    cancel: &Cancel,
    hear: &mut impl FnMut(Heard<'_>),
) -> io::Result<Ending> {
    let mut pass = |line: &Line| match line {
        Line::Out(line) => hear(Heard::Out(line)),
        Line::Err(line) => hear(Heard::Err(line)),
    };
    loop {
        let heard = incoming.recv_timeout(TICK);
        if let Ok(line) = &heard {
            pass(line);
        }
        if cancel.is_cancelled() {
            return Ok(Ending::Cancelled);
        }
        if Instant::now() >= deadline {
            return Ok(Ending::TimedOut);
        }
        if heard.is_ok() {
            continue;
        }
        if let Some(status) = process.ended()? {
            over.store(true, Ordering::Release);
            let until = Instant::now() + LAST_WORDS;
            while let Ok(line) =
                incoming.recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                pass(&line);
                if Instant::now() >= until {
                    break;
                }
            }
            return Ok(Ending::Exited(status));
        }
        if matches!(heard, Err(RecvTimeoutError::Disconnected)) {
            // It closed its streams before its end: look again soon, without spinning.
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Waits until `stream` can be read. False when the child is `over` and nothing is left in it: what
/// the child wrote was there before it ended, and whoever else holds the stream does not count.
#[cfg(unix)]
fn delivers(stream: &impl Stream, over: &AtomicBool) -> bool {
    loop {
        // Asked before the stream is looked at: what comes in between was written before the end.
        let last = over.load(Ordering::Acquire);
        let time = Timespec {
            tv_sec: 0,
            tv_nsec: if last { 0 } else { 20_000_000 },
        };
        let mut asked = [PollFd::new(stream, PollFlags::IN)];
        match poll(&mut asked, Some(&time)) {
            Ok(0) if last => return false,
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            _ => return true,
        }
    }
}

/// Where streams cannot be asked, a read tells.
#[cfg(not(unix))]
fn delivers(_: &impl Stream, _: &AtomicBool) -> bool {
    true
}

/// Hands over each line; one that never ends is cut, so that a program cannot fill our memory
/// with it.
fn split(
    mut stream: impl Read + Stream,
    over: &AtomicBool,
    mut hand_over: impl FnMut(String) -> bool,
) {
    /// Cargo writes a whole diagnostic on one line.
    const LONGEST: usize = 4 * 1024 * 1024;
    let text = |line: &[u8]| {
        String::from_utf8_lossy(line)
            .trim_end_matches(['\n', '\r'])
            .to_owned()
    };
    let mut buffer = [0; 8192];
    let mut line = Vec::new();
    while delivers(&stream, over) {
        let n = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for part in buffer[..n].split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") || line.len() > LONGEST {
                if !hand_over(text(&line)) {
                    return;
                }
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        hand_over(text(&line));
    }
}

/// The last lines that were written; older ones are dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
}

impl Tail {
    const LINES: usize = 2000;

    pub(crate) fn push(&mut self, line: &str) {
        if self.lines.len() == Self::LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.chars().take(2000).collect());
    }

    /// What follows the line `head`, up to the next line of its kind, each after `indent`; none
    /// where the line is not there.
    pub(crate) fn section(&self, head: &str, indent: &str) -> Option<String> {
        let mut lines = self.lines.iter().skip_while(|line| *line != head);
        lines.next()?;
        let lines: Vec<&String> = lines
            .take_while(|line| !line.starts_with("---- ") && *line != "failures:")
            .collect();
        let text = lines.iter().map(|line| format!("{indent}{line}\n"));
        let filled = lines
            .iter()
            .rposition(|line| !line.is_empty())
            .map_or(0, |last| last + 1);
        Some(text.take(filled).collect())
    }

    /// The last `n` lines, each after `indent`.
    pub(crate) fn text(&self, n: usize, indent: &str) -> String {
        let from = self.lines.len().saturating_sub(n);
        self.lines
            .iter()
            .skip(from)
            .map(|line| format!("{indent}{line}\n"))
            .collect()
    }
}

/// A running child in a process group or job of its own; killed with its descendants at the
/// latest when dropped.
struct Process {
    child: Box<dyn ChildWrapper>,
    status: Option<ExitStatus>,
}

impl Process {
    fn spawn(command: Command) -> io::Result<Process> {
        let mut wrap = CommandWrap::from(command);
        #[cfg(unix)]
        wrap.wrap(ProcessGroup::leader());
        #[cfg(windows)]
        wrap.wrap(JobObject);
        let mut tries = 0;
        loop {
            match wrap.spawn() {
                // A file written a moment ago may still be open for writing in a process that
                // another thread is forking; that passes by itself.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < 100 => {
                    tries += 1;
                    thread::sleep(Duration::from_millis(5));
                }
                Err(error) => return Err(error),
                Ok(child) => {
                    return Ok(Process {
                        child,
                        status: None,
                    });
                }
            }
        }
    }

    /// How the child itself ended, once it has, whatever its descendants do.
    fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child.inner_mut().try_wait()?;
        }
        Ok(self.status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.ended(), Ok(Some(_))) {
            // The group may have outlived its leader.
            let _ = self.child.start_kill();
            return;
        }
        // The programs that checks start have groups of their own: find them before their parent
        // is gone and they cannot be told from others'.
        #[cfg(unix)]
        let tree = descendants(self.child.id());
        let _ = self.child.start_kill();
        #[cfg(unix)]
        for pid in tree {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        let _ = self.child.inner_mut().wait();
    }
}

/// Every process below `pid`, children before grandchildren.
#[cfg(unix)]
fn descendants(pid: u32) -> Vec<rustix::process::Pid> {
    let pairs = parents();
    let mut tree = vec![pid];
    let mut next = 0;
    while let Some(parent) = tree.get(next).copied() {
        next += 1;
        let children = pairs
            .iter()
            .filter(|(_, of)| *of == parent)
            .map(|(child, _)| *child);
        let new: Vec<u32> = children.filter(|child| !tree.contains(child)).collect();
        tree.extend(new);
    }
    tree.into_iter()
        .skip(1)
        .filter_map(|pid| {
            i32::try_from(pid)
                .ok()
                .and_then(rustix::process::Pid::from_raw)
        })
        .collect()
}

/// Every process that can be seen, with its parent.
#[cfg(target_os = "linux")]
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name may hold spaces and brackets, so count from the last bracket (proc(5)).
            let parent = stat
                .rsplit_once(')')?
                .1
                .split_whitespace()
                .nth(1)?
                .parse()
                .ok()?;
            Some((pid, parent))
        })
        .collect()
}

/// Every process that can be seen, with its parent.
#[cfg(all(unix, not(target_os = "linux")))]
fn parents() -> Vec<(u32, u32)> {
    let Ok(listed) = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output() else {
        return Vec::new();
    };
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What `script` wrote to standard output, and how long it took to know that this was all.
    fn run_shell(script: &str) -> (Vec<String>, Duration) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut lines = Vec::new();
        let began = Instant::now();
        let ending = run(
            command,
            began + Duration::from_secs(60),
            &Cancel::new(),
            |heard| {
                if let Heard::Out(line) = heard {
                    lines.push(line.to_owned());
                }
            },
        )
        .expect("sh runs");
        assert!(matches!(ending, Ending::Exited(status) if status.success()));
        (lines, began.elapsed())
    }

    #[test]
    fn every_line_is_heard_however_late_it_is_read() {
        let (lines, _) = run_shell("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done");
        assert_eq!(lines.len(), 20000);
        assert_eq!(lines.last().map(String::as_str), Some("19999"));
    }

    #[test]
    fn a_descendant_that_keeps_the_pipes_open_is_not_waited_for() {
        let (lines, took) = run_shell("sleep 50 & echo last words");
        assert_eq!(lines, ["last words"]);
        assert!(took < Duration::from_secs(40), "{took:?}");
    }
}
