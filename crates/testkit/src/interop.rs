//! Programs that a reference is held against, and the reference beside them.
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A program that a test talks to by its standard streams. It ends with this value, whatever becomes of the
/// test.
pub struct Partner {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Partner {
    /// Starts it; what it says on standard error is the test's.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(command: &mut Command) -> Partner {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Partner { child, output }
    }

    /// The next line of its output, without its end.
    ///
    /// # Panics
    /// It is no text.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line of text");
        line.trim_end().to_string()
    }

    /// The address in its next line, which says `listening ADDR`, or the address alone.
    pub fn address(&mut self) -> String {
        let line = self.line();
        line.strip_prefix("listening ").unwrap_or(&line).to_string()
    }

    /// Writes all of its input, and ends it.
    ///
    /// # Panics
    /// It does not take it, or its input has ended before.
    pub fn say(&mut self, text: &str) {
        let mut input = self.child.stdin.take().expect("not ended yet");
        let said = input.write_all(text.as_bytes());
        said.expect("it takes its input");
    }

    /// The rest of its output, to its end.
    ///
    /// # Panics
    /// It is no text.
    pub fn output(&mut self) -> String {
        let mut rest = String::new();
        let read = self.output.read_to_string(&mut rest);
        read.expect("text, readable to its end");
        rest.replace("\r\n", "\n")
    }

    /// As [`Partner::output`], of one that ends with success.
    ///
    /// # Panics
    /// It does not.
    pub fn rest(&mut self) -> String {
        let rest = self.output();
        assert!(self.succeeds(), "it printed {rest}");
        rest
    }

    /// Waits for its end; whether that is a success.
    ///
    /// # Panics
    /// It cannot be waited for.
    pub fn succeeds(&mut self) -> bool {
        self.child.wait().expect("it has ended").success()
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
