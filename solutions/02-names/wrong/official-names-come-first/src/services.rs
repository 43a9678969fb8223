//! The services file: which port belongs to which service, one entry a line (services(5)).
use std::fmt;
use std::fs;
use std::path::Path;

use crate::error::NamesError;

/// One line of the file: `http  80/tcp  www  # the web`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The official name, `http`.
    pub name: String,
    /// The port, 80.
    pub port: u16,
    /// The protocol, `tcp`. Whatever stands there: `tcp`, `udp`, `sctp` …
    pub protocol: String,
    /// The other names, `www`; often none.
    pub aliases: Vec<String>,
}

/// `http 80/tcp www`: what the program prints.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.name, self.port, self.protocol)?;
        for alias in &self.aliases {
            write!(f, " {alias}")?;
        }
        Ok(())
    }
}

/// Why a line is no entry. Each holds what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadLine {
    /// A name and nothing more: `http`.
    NoPort(String),
    /// The second word has no slash: `80`.
    NoSlash(String),
    /// What stands before the slash is no number from 0 to 65535: `70000`.
    BadPort(String),
    /// Nothing stands after the slash: `80/`.
    NoProtocol(String),
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadLine::NoPort(name) => write!(f, "{name:?} has no port: write NAME PORT/PROTOCOL"),
            BadLine::NoSlash(word) => write!(f, "{word:?} has no slash: write PORT/PROTOCOL"),
            BadLine::BadPort(port) => {
                write!(f, "{port:?} is not a port: a number from 0 to 65535")
            }
            BadLine::NoProtocol(word) => {
                write!(f, "{word:?} has no protocol: write PORT/PROTOCOL")
            }
        }
    }
}

/// Reads one line: `NAME PORT/PROTOCOL [ALIAS…]`, then perhaps a comment.
///
/// - A `#` and all that follows it is a comment, wherever in the line it stands.
/// - Words are separated by blanks: spaces or tabs, one or many. Blanks may also stand before the
///   first word and after the last.
/// - A line with nothing in it, or nothing but a comment, is `None`.
/// - The first word is the name, whatever it looks like: `80/tcp` alone is a name without a port.
/// - The second word is cut at its first slash. A further one belongs to the protocol: that of
///   `80/tcp/y` is `tcp/y`.
/// - A port is what `u16` parses. That takes `+80` for 80; you may refuse it, no check asks.
///
/// # Errors
/// The [`BadLine`] that says what is wrong with the second word, or that there is none.
pub fn parse_line(line: &str) -> Result<Option<Entry>, BadLine> {
    // write: "the line as an Entry, None, or the BadLine that fits"
    // The comment goes first. Whatever it says, nothing later can take it for an alias.
    let text = line.split('#').next().unwrap_or_default();

    // split_whitespace takes any run of blanks for one separator, and gives no empty words.
    let mut words = text.split_whitespace();
    let Some(name) = words.next() else {
        return Ok(None);
    };
    let Some(word) = words.next() else {
        return Err(BadLine::NoPort(name.to_owned()));
    };

    // A port has sixteen bits (RFC 9293 §3.1), so u16 refuses 70000. A wider number, cast
    // afterwards, would turn it into 4464 without a word.
    let Some((port, protocol)) = word.split_once('/') else {
        return Err(BadLine::NoSlash(word.to_owned()));
    };
    let Ok(port) = port.parse() else {
        return Err(BadLine::BadPort(port.to_owned()));
    };
    if protocol.is_empty() {
        return Err(BadLine::NoProtocol(word.to_owned()));
    }

    Ok(Some(Entry {
        name: name.to_owned(),
        port,
        protocol: protocol.to_owned(),
        aliases: words.map(str::to_owned).collect(),
    }))
    // end
}

/// The entries of the file at `path`, in the file's order.
///
/// - Lines end in LF or in CRLF; the last one may have no end.
/// - A line that [`parse_line`] refuses is left out, and costs no other line.
/// - The file may hold bytes that are not UTF-8, in old comments for example. They cost no line.
///
/// # Errors
/// [`NamesError::Unreadable`] when the file cannot be read; [`NamesError::unreadable`] makes one
/// from the path and the system's error. A missing file is no empty file.
pub fn read(path: &Path) -> Result<Vec<Entry>, NamesError> {
    // write: "the entries of the file, or why it cannot be read"
    // Bytes first: a file is bytes, and nobody promised that they are UTF-8. from_utf8_lossy puts a
    // replacement character where they are not, and no separator is among those.
    let bytes = fs::read(path).map_err(|reason| NamesError::unreadable(path, reason))?;
    let text = String::from_utf8_lossy(&bytes);

    // A bad line is somebody's slip. getservbyname(3) passes over it too: the other entries are
    // still good.
    Ok(text
        .lines()
        .filter_map(|line| parse_line(line).ok().flatten())
        .collect())
    // end
}

/// The first entry that `name` names, officially or by an alias.
///
/// With a `protocol`, only entries of that protocol count; without one, all do. Names and protocols
/// match whole and letter by letter: `HTTP` and `htt` are not `http`.
pub fn by_name<'a>(entries: &'a [Entry], name: &str, protocol: Option<&str>) -> Option<&'a Entry> {
    // write: "the first entry that `name` names"
    let mut fitting = entries.iter().filter(|entry| fits(entry, protocol));
    let official = fitting.clone().find(|entry| entry.name == name);
    official.or_else(|| fitting.find(|entry| entry.aliases.iter().any(|alias| alias == name)))
    // end
}

/// The first entry with `port`. With a `protocol`, only entries of that protocol count.
pub fn by_port<'a>(entries: &'a [Entry], port: u16, protocol: Option<&str>) -> Option<&'a Entry> {
    // write: "the first entry with `port`"
    entries
        .iter()
        .find(|entry| fits(entry, protocol) && entry.port == port)
    // end
}

// only:
/// A port is a port *of a protocol*: 514/tcp and 514/udp are two doors. Only a question without a
/// protocol takes either.
fn fits(entry: &Entry, protocol: Option<&str>) -> bool {
    protocol.is_none_or(|protocol| entry.protocol == protocol)
}
// end
