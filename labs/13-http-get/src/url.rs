//! A URL: which host to ask, at which port, and for what (RFC 3986, RFC 9110 §4.2).
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;

use crate::fault::Fault;

// ANCHOR: url
/// An `http` URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// A name or an address, as it was written; an IPv6 address with its
    /// brackets.
    pub host: String,
    /// 80 where none was written.
    pub port: u16,
    /// The path and the query: what stands in the request line. Begins with
    /// a slash.
    pub target: String,
}
// ANCHOR_END: url

impl Url {
    /// Step 1. Takes `http://HOST[:PORT][/PATH][?QUERY][#FRAGMENT]` apart.
    ///
    /// - The scheme may be written in capitals. Any other scheme is a fault.
    /// - The host ends before the first `/`, `?` or `#`. It may be an IPv6 address in brackets,
    ///   `[::1]`; without brackets, a colon ends the host. An empty host is a fault, and so is one
    ///   with an `@` in it: no names and passwords in URLs (RFC 9110 §4.2.4).
    /// - The port is all that stands between the colon and the path: digits, and a number from 1 to
    ///   65535. After a colon with nothing behind it, it is 80.
    /// - An empty path is `/`, also before a query. The fragment is the browser's own business, and
    ///   not sent.
    /// - Every byte of the URL is a visible character of ASCII (`!` to `~`). A blank, a control
    ///   character or a letter beyond ASCII is a fault: it had to be written as `%XX`.
    pub fn parse(text: &str) -> Result<Url, Fault> {
        todo!("the host, the port and the target, or why it has none")
    }

    /// Step 1. The host, and after a colon the port, which is left out where it is 80: what the field
    /// Host says (RFC 9110 §7.2).
    pub fn authority(&self) -> String {
        todo!("the host and the port")
    }

    /// Step 5. The URL that `reference` means in a response from this URL (RFC 3986 §5.2), as it
    /// stands in the field Location:
    ///
    /// - with a scheme, `http://…` or any other (a colon before any `/`, `?` and `#`): it is a URL by
    ///   itself;
    /// - `//host/path`: of the same scheme;
    /// - `/path`: at the same host and port;
    /// - `?query`: the same path, another query;
    /// - empty, or a fragment alone: this URL;
    /// - anything else: in place of what stands behind the last slash of this path. (A slash in
    ///   *this* URL's query is no slash of the path.)
    ///
    /// In the path that comes out, wherever it is from, `.` and `..` are done: [`without_dots`]. They
    /// mean nothing in a query.
    pub fn join(&self, reference: &str) -> Result<Url, Fault> {
        todo!("the URL that is meant")
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.target)
    }
}

/// Given. A path that begins with a slash, without its `.` and `..` (RFC 3986 §5.2.4): `/a/./b/../c`
/// is `/a/c`. None of them leads above the first slash.
pub fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                // `/a/.` is a folder, and stays one.
                if is_last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
}
