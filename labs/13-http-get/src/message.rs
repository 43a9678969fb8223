//! Given: the parts of a request and of a response, and the limits that a client sets.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::fmt;

/// How many bytes all that comes before a body may have: interim responses, status line, fields. A
/// chunked body's trailer may have as many.
pub const MAX_HEAD: usize = 64 * 1024;

/// How many bytes the line with a chunk's size may have, with its extensions and its end.
pub const MAX_CHUNK_LINE: usize = 4 * 1024;

/// What is asked for, beside the URL.
pub struct Wish {
    /// With which method.
    pub method: Method,
    /// Whether the body may come compressed.
    pub gzip: bool,
    /// How many redirects are followed.
    pub max_redirects: usize,
}

/// The two methods that only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The head and the body.
    Get,
    /// The same head, and no body.
    Head,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
        })
    }
}

// ANCHOR: head
/// What comes before a body: the status line and the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The digit behind `HTTP/1.`: 0 or 1, mostly.
    pub minor: u8,
    /// Three digits: 200.
    pub status: u16,
    /// The words behind them: `Not Found`. May be empty.
    pub reason: String,
    /// In the order in which they came.
    pub fields: Vec<Field>,
}

/// One field: `content-type: text/html`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// In small letters, whatever the server wrote.
    pub name: String,
    /// Without the blanks and tabs around it.
    pub value: String,
}

impl Head {
    /// The values of all fields of this name (which is in small letters), in
    /// the order in which they came.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|field| field.name == name);
        named.map(|field| field.value.as_str()).collect()
    }

    /// The same values, each taken apart at its commas: `a, b` and then `c`
    /// are three. Without the blanks and tabs around them. A list that has
    /// an empty place has an empty element.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let values = self.values(name).into_iter();
        let elements = values.flat_map(|value| value.split(','));
        elements
            .map(|element| element.trim_matches([' ', '\t']))
            .collect()
    }
}
// ANCHOR_END: head

impl fmt::Display for Head {
    /// The head as lines, as they are printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("HTTP/1.{} {} {}", self.minor, self.status, self.reason);
        writeln!(f, "{}", line.trim_end())?;
        for Field { name, value } in &self.fields {
            writeln!(f, "{}", format!("{name}: {value}").trim_end())?;
        }
        Ok(())
    }
}
