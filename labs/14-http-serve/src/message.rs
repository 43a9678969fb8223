//! Given: what a request and an answer are made of.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::fmt;
use std::fs::File;

/// The longest request line that is taken, in bytes, without its CRLF.
pub const LINE_MAX: usize = 8192;
/// The longest head that is taken, in bytes: request line, fields and the empty line.
pub const HEAD_MAX: usize = 16384;

/// Which rules the client knows. Every HTTP/1.x from 1.1 on is `Http11` (RFC 9110 §2.5).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Http10,
    Http11,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        })
    }
}

/// A request without its body.
pub struct Head {
    /// As it was sent: methods are case-sensitive.
    pub method: String,
    /// As it was sent, nothing decoded.
    pub target: String,
    pub version: Version,
    /// In the order in which they were sent.
    pub fields: Vec<Field>,
    /// How many bytes it took, with the empty line, and with any before the request line.
    pub used: usize,
}

/// One header field.
pub struct Field {
    /// As it was sent. Names are the same in whatever case they are written.
    pub name: String,
    /// Without blanks around it. What is no UTF-8 is replaced by U+FFFD.
    pub value: String,
}

impl Head {
    /// The values of all fields with this name, in whatever case it was written.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let same = move |field: &&Field| field.name.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .filter(same)
            .map(|field| field.value.as_str())
    }

    /// The first of them.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The members of the comma-separated lists in all fields with this name.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let members = self.values(name).flat_map(|value| value.split(','));
        members
            .map(|member| member.trim_matches([' ', '\t']))
            .filter(|member| !member.is_empty())
    }
}

/// How long the body of a request is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// No field announces a body: there is none.
    None,
    /// `Content-Length`, in bytes.
    Length(u64),
    /// `Transfer-Encoding: chunked`: the body says itself where it ends.
    Chunked,
}

/// Why a request is not done: a status of three digits, and a reason for whoever reads the answer.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub reason: String,
    /// Fields that the answer needs besides the usual ones.
    pub fields: Vec<(&'static str, String)>,
}

impl Refusal {
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let fields = Vec::new();
        Refusal {
            status,
            reason,
            fields,
        }
    }

    /// Adds a field to the answer.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}

/// What is sent back.
pub struct Response {
    pub status: u16,
    /// All but `Date`, `Content-Length` and `Connection`: `send` adds those.
    pub fields: Vec<(&'static str, String)>,
    pub payload: Payload,
}

/// The body of a response.
pub enum Payload {
    Nothing,
    Bytes(Vec<u8>),
    /// The first `length` bytes of a file.
    File {
        file: File,
        length: u64,
    },
}

impl Payload {
    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        match self {
            Payload::Nothing => 0,
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::File { length, .. } => *length,
        }
    }
}

impl Response {
    /// A response with a line of text.
    pub fn text(status: u16, text: impl fmt::Display) -> Self {
        Response {
            status,
            fields: vec![("Content-Type", "text/plain; charset=utf-8".into())],
            payload: Payload::Bytes(format!("{text}\n").into_bytes()),
        }
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let status = refusal.status;
        let line = format!("{status} {}: {}", reason_phrase(status), refusal.reason);
        let mut response = Response::text(status, line);
        response.fields.extend(refusal.fields);
        response
    }
}

/// What happens to the connection after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It stays open for the next request.
    KeepOpen,
    /// The server closes it.
    Close,
}

/// The words that belong to a status (RFC 9110 §15). No program reads them.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        304 => "Not Modified",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}
