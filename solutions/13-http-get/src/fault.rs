//! Given: what can go wrong.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::fmt;
use std::io;

/// Why a URL cannot be fetched, or a response cannot be read.
#[derive(Debug)]
pub enum Fault {
    /// This is no URL that this program can fetch, and why.
    Url {
        /// As it was written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No connection to the host of the URL.
    Connect {
        /// The host and the port.
        to: String,
        /// Why.
        error: io::Error,
    },
    /// The stream ended inside of this part of the response: `a line`, `a chunk`.
    Cut(&'static str),
    /// The stream ended inside of a body whose length is known.
    CutBody {
        /// How many bytes of it came.
        came: u64,
        /// How many were announced.
        of: u64,
    },
    /// This part of the response, `the head` or `a chunk's line`, is longer than it may be.
    TooLong(&'static str),
    /// The response does not begin with a status line.
    StatusLine(String),
    /// A line of the head that is no field.
    Field(String),
    /// The server switched to another protocol (101), and nobody has asked it to.
    Switched,
    /// A Content-Length that is no number, or several that differ.
    Length(String),
    /// A coding that this program has not asked for, or does not know.
    Coding(String),
    /// A size of a chunk that is no number, or a chunk that does not end where it should.
    Chunk(String),
    /// More redirects than were wished for.
    TooManyRedirects(usize),
    /// Compressed data that cannot be decompressed, and why.
    Gzip(&'static str),
    /// Reading or writing has failed.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Url { text, reason } => write!(f, "cannot fetch {}: {reason}", line(text)),
            Fault::Connect { to, error } => write!(f, "cannot connect to {to}: {error}"),
            Fault::Cut(part) => write!(f, "the stream ended within {part}"),
            Fault::CutBody { came, of } => {
                write!(
                    f,
                    "the stream ended within the body, after {came} of {of} bytes"
                )
            }
            Fault::TooLong(part) => write!(f, "{part} is too long"),
            Fault::StatusLine(text) => write!(f, "no status line: {}", line(text)),
            Fault::Field(text) => write!(f, "no field: {}", line(text)),
            Fault::Switched => write!(f, "the server switches to a protocol nobody asked for"),
            Fault::Length(text) => write!(f, "no length of a body: {}", line(text)),
            Fault::Coding(text) => write!(f, "a coding that was not asked for: {}", line(text)),
            Fault::Chunk(text) => write!(f, "no chunk: {}", line(text)),
            Fault::TooManyRedirects(max) => write!(f, "more than {max} redirects"),
            Fault::Gzip(reason) => write!(f, "cannot decompress: {reason}"),
            Fault::Io(error) => error.fmt(f),
        }
    }
}

/// What a stranger wrote, on one line of a sensible length.
fn line(text: &str) -> String {
    let shown: String = text.chars().take(80).collect();
    format!("{shown:?}")
}
