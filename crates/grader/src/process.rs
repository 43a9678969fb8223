//! A child process with a deadline and a bound on what is kept of its output.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How long the pipes of a child that has ended may still deliver.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// How a child ended.
#[derive(Debug)]
pub struct Ended {
    /// Its status; none where it was killed at the deadline.
    pub status: Option<ExitStatus>,
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
pub fn run(mut command: Command, limit: Duration, most: usize) -> io::Result<Ended> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let stdout = keep(child.stdout.take(), most);
    let stderr = keep(child.stderr.take(), most);
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(Some(status)),
            Ok(None) if Instant::now() >= deadline => break Ok(None),
            Ok(None) => {}
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
        stdout: text(&stdout),
        stderr: text(&stderr),
    })
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
