//! A child process with a deadline and a bound on what is kept of its output.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use launch::tree::{Process, descendants};
use rustix::process::{Pid, Signal, kill_process_group};

/// How long the pipes of a child that has ended may still deliver.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// How a child ended.
#[derive(Debug)]
pub struct Ended {
    /// Its status; none where it was killed at the deadline, or because it rested.
    pub status: Option<ExitStatus>,
    /// Whether it was killed because it waited for something that did not come.
    pub rested: bool,
    /// What it wrote to standard output, as far as it was kept.
    pub stdout: String,
    /// What it wrote to standard error, as far as it was kept.
    pub stderr: String,
}

impl Ended {
    /// Whether it ended by itself, with exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// Runs `command` to its end or for `limit`, and keeps at most `most` bytes of each of its outputs. Its process group
/// ends with it.
///
/// # Errors
/// It cannot be started or waited for.
pub fn run(command: Command, limit: Duration, most: usize) -> io::Result<Ended> {
    run_unless_it_rests(command, Duration::MAX, limit, most)
}

/// As [`run`], and ends it as well when it has done nothing for as long as `rest`: neither run nor wanted to. What comes
/// late because the machine is busy or slow does not rest.
///
/// # Errors
/// As those of [`run`].
pub fn run_unless_it_rests(
    mut command: Command,
    rest: Duration,
    limit: Duration,
    most: usize,
) -> io::Result<Ended> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let stdout = keep(child.stdout.take(), most);
    let stderr = keep(child.stderr.take(), most);
    let deadline = Instant::now() + limit;
    let mut work = Work::of(child.id());
    let mut rested = false;
    let mut pause = Duration::from_millis(1);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(Some(status)),
            Ok(None) => {
                rested = rest < Duration::MAX && work.has_rested(rest);
                if rested || Instant::now() >= deadline {
                    break Ok(None);
                }
            }
            Err(error) => break Err(error),
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
    Ok(Ended {
        status: status?,
        rested,
        stdout: text(&stdout),
        stderr: text(&stderr),
    })
}

/// What a process and all below it do, looked at now and then.
struct Work {
    root: u32,
    /// For how long it was seen to do nothing.
    rested: Duration,
    /// When it was last looked at.
    looked: Instant,
    /// By thread: how often it has left a processor; none where one was not asleep.
    switches: Option<Vec<(u32, u64)>>,
}

impl Work {
    fn of(root: u32) -> Work {
        Work {
            root,
            rested: Duration::ZERO,
            looked: Instant::now(),
            switches: None,
        }
    }

    /// Whether, in all looks for as long as `rest`, every thread was asleep and none had run in between.
    fn has_rested(&mut self, rest: Duration) -> bool {
        let between = (rest / 16).min(Duration::from_secs(1));
        let since = self.looked.elapsed();
        if since < between {
            return false;
        }
        self.looked = Instant::now();
        let switches = asleep(self.root);
        if switches.is_some() && switches == self.switches {
            // Where nobody could look for a while, the machine may have stood still for everybody.
            self.rested += since.min(between * 2);
        } else {
            self.rested = Duration::ZERO;
            self.switches = switches;
        }
        self.rested >= rest
    }
}

/// How often each thread of a process and of all below it has left a processor; none where one of them runs, is ready to,
/// or waits for a disk (proc_pid_status(5), proc_pid_stat(5)).
fn asleep(root: u32) -> Option<Vec<(u32, u64)>> {
    let mut threads = Vec::new();
    for pid in descendants(root).into_iter().chain([root]) {
        for tid in Process::of(pid).threads {
            // One that has ended meanwhile has done something.
            let status = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).ok()?;
            let value = |name: &str| {
                let mut lines = status.lines();
                Some(lines.find_map(|line| line.strip_prefix(name))?.trim())
            };
            let number = |name: &str| value(name)?.parse::<u64>().ok();
            if !value("State:")?.starts_with(['S', 'Z']) {
                return None;
            }
            let left = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"].map(number);
            threads.push((tid, left[0]? + left[1]?));
        }
    }
    Some(threads)
}

type Kept = std::sync::mpsc::Receiver<Vec<u8>>;

/// Reads a stream to its end in a thread of its own; what is too much is read and dropped.
fn keep(stream: Option<impl Read + Send + 'static>, most: usize) -> Kept {
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut stream) = stream {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                let room = most - kept.len();
                kept.extend(&buffer[..n.min(room)]);
            }
        }
        let _ = sender.send(kept);
    });
    receiver
}

fn text(kept: &Kept) -> String {
    let bytes = kept.recv_timeout(LAST_WORDS).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// How long a process may rest in these tests.
    const REST: Duration = Duration::from_millis(300);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn who_waits_for_nothing_is_ended_before_the_deadline() {
        // A child of it does, and the pipe that it reads from is its own.
        let command = shell("(read never < /proc/self/fd/1); echo done");
        let ended = run_unless_it_rests(command, REST, LONG, 100).unwrap();
        assert!(ended.rested && ended.status.is_none(), "{ended:?}");
        assert_eq!(ended.stdout, "");
    }

    #[test]
    fn who_works_or_comes_back_is_given_time() {
        let command = shell("for n in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; echo done");
        let ended = run_unless_it_rests(command, REST * 2, LONG, 100).unwrap();
        assert!(ended.success() && !ended.rested, "{ended:?}");
        let command = shell("while :; do :; done");
        let ended = run_unless_it_rests(command, REST, REST * 5, 100).unwrap();
        assert!(ended.status.is_none() && !ended.rested, "{ended:?}");
    }

    #[test]
    fn who_is_stopped_does_not_rest() {
        let command = shell("kill -STOP $$");
        let ended = run_unless_it_rests(command, REST, REST * 5, 100).unwrap();
        assert!(ended.status.is_none() && !ended.rested, "{ended:?}");
    }
}
