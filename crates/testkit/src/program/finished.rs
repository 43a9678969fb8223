//! A program that has ended.
use std::process::ExitStatus;

use crate::Bytes;
use crate::bytes::{self, count, count_of};
use crate::check::{Check, Failure, Remains, Why};
use crate::wait::describe_status;

/// A program that has ended, and what it printed.
pub struct Finished {
    pub(super) check: Check,
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// All of its standard error, as text.
    pub stderr: String,
    pub(super) status: ExitStatus,
}

impl Finished {
    /// It ended with exit code 0.
    pub fn expect_success(&self, why: impl Why) -> &Self {
        self.expect_exit(0, why)
    }

    /// It ended with exit code `code`.
    pub fn expect_exit(&self, code: i32, why: impl Why) -> &Self {
        if self.code == Some(code) {
            self.check.note("ended", format!("exit code {code}"), "");
            return self;
        }
        self.fail(
            format!("exit code {code}"),
            describe_status(self.status),
            None,
            why,
        )
    }

    /// Its standard output was exactly `expected`.
    pub fn expect_stdout(&self, expected: impl AsRef<[u8]>, why: impl Why) -> &Self {
        let expected = expected.as_ref();
        if self.stdout == expected {
            self.check
                .note("printed", Bytes(expected), count(expected.len()));
            return self;
        }
        let got = if self.stdout.is_empty() {
            format!("nothing, {}", describe_status(self.status))
        } else {
            Bytes(&self.stdout).to_string()
        };
        self.fail(
            format!("{} on its standard output", Bytes(expected)),
            got,
            Some((expected, &self.stdout)),
            why,
        )
    }

    /// Its standard output was exactly these lines. A `\r` before a line's end and a missing end of
    /// the last line are forgiven.
    pub fn expect_stdout_lines<S: AsRef<str>>(&self, expected: &[S], why: impl Why) -> &Self {
        let text = String::from_utf8_lossy(&self.stdout).into_owned();
        let got: Vec<&str> = text.lines().collect();
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        if got == expected {
            self.check.note(
                "printed",
                format!("{} as expected", count_of(got.len(), "line")),
                "",
            );
            return self;
        }
        let at = got
            .iter()
            .zip(&expected)
            .take_while(|(a, b)| a == b)
            .count();
        let line = |lines: &[&str]| match lines.get(at) {
            Some(line) => format!("line {}  {line:?}", at + 1),
            None => format!("the end after {}", count_of(lines.len(), "line")),
        };
        let mut got_text = line(&got);
        if got.len() <= at {
            got_text += &format!(", {}", describe_status(self.status));
        }
        self.fail(line(&expected), got_text, None, why)
    }

    /// Its standard error holds exactly one line that begins with `error: `, and that line has every
    /// one of `words` in it (whatever their case). Other lines are the program's own business.
    pub fn expect_error<S: AsRef<str>>(&self, words: &[S], why: impl Why) -> &Self {
        let errors: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let has_all = |line: &str| {
            words
                .iter()
                .all(|word| line.to_lowercase().contains(&word.to_lowercase()))
        };
        if let [line] = errors[..]
            && has_all(line)
        {
            self.check
                .note("said", bytes::visible(line), "on its standard error");
            return self;
        }
        let wanted = if words.is_empty() {
            String::new()
        } else {
            format!(" with {}", words.join(", "))
        };
        let got = match errors[..] {
            [] if self.stderr.trim().is_empty() => format!(
                "nothing on its standard error, {}",
                describe_status(self.status)
            ),
            [] => format!("no such line, {}", describe_status(self.status)),
            [line] => bytes::visible(line),
            _ => format!("{} such lines", errors.len()),
        };
        self.fail(
            format!("one line `error: …`{wanted} on its standard error"),
            got,
            None,
            why,
        )
    }

    fn fail(
        &self,
        expected: String,
        got: String,
        bytes: Option<(&[u8], &[u8])>,
        why: impl Why,
    ) -> ! {
        self.check.end(Failure {
            expected,
            got,
            bytes,
            remains: Remains::read(&self.stderr),
            why: why.explain(&self.stdout),
        })
    }
}
