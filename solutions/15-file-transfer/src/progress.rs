//! Given: how far a file is, on standard error.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How long a number stays on a terminal at least.
const PAUSE: Duration = Duration::from_millis(100);

/// A line about one file. On a terminal it is written over again and again; anywhere else only its last
/// state is written, `"NAME": SIZE of SIZE bytes, 100 %`.
pub struct Progress {
    name: String,
    size: u64,
    shown: Option<Instant>,
    ended: bool,
}

impl Progress {
    /// Nothing yet.
    pub fn new(name: &str, size: u64) -> Progress {
        Progress {
            name: name.into(),
            size,
            shown: None,
            ended: false,
        }
    }

    /// Says that the first `done` bytes have been handed to the kernel. Call it after each piece, and
    /// before the first one: a file of no bytes has no piece.
    pub fn at(&mut self, done: u64) {
        let all = done >= self.size;
        let terminal = std::io::stderr().is_terminal();
        let is_time = self.shown.is_none_or(|shown| shown.elapsed() >= PAUSE);
        if self.ended || !(all || terminal && is_time) {
            return;
        }
        let percent = match self.size {
            0 => 100,
            size => u128::from(done) * 100 / u128::from(size),
        };
        let (before, after) = match (terminal, all) {
            (true, false) => ("\r", ""),
            (true, true) => ("\r", "\n"),
            (false, _) => ("", "\n"),
        };
        let (name, size) = (&self.name, self.size);
        let mut err = std::io::stderr().lock();
        // Nobody needs this line as much as the file.
        let _ = write!(
            err,
            "{before}{name:?}: {done} of {size} bytes, {percent} %{after}"
        );
        let _ = err.flush();
        self.shown = Some(Instant::now());
        self.ended = all;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // What comes next begins a line.
        if self.shown.is_some() && !self.ended {
            eprintln!();
        }
    }
}
