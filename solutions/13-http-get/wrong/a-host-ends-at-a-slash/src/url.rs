//! A URL: which host to ask, at which port, and for what (RFC 3986, RFC 9110 §4.2).
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
        // write: "the host, the port and the target, or why it has none"
        let fault = |reason| Fault::Url {
            text: text.to_string(),
            reason,
        };
        // First of all: whatever stands here goes into lines that end with CR LF. A line end in a
        // URL would end our line, and what is behind it would be a header of somebody else's making.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(fault("it has a byte that must be written as %XX"));
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or(fault("it does not begin with http://"))?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(fault("its scheme is not http"));
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let target = target.split('#').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(fault("it has a user name in it"));
        }

        // The last colon, unless it belongs to the address in the brackets.
        let (host, port) = match authority.rfind(':') {
            Some(at) if !authority[at..].contains(']') => (&authority[..at], &authority[at + 1..]),
            _ => (authority, ""),
        };
        let is_host = match host.strip_prefix('[') {
            Some(inner) => inner
                .strip_suffix(']')
                .is_some_and(|inner| !inner.is_empty() && !inner.contains(['[', ']'])),
            None => !host.is_empty() && !host.contains(['[', ']', ':']),
        };
        if !is_host {
            return Err(fault("it has no host"));
        }
        // `parse` alone would take "+80", too.
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = match port {
            "" => Some(80),
            port => port.parse().ok().filter(|port| digits && *port != 0),
        };
        Ok(Url {
            host: host.to_string(),
            port: port.ok_or(fault("its port is no number from 1 to 65535"))?,
            target: match target.starts_with('/') {
                true => target.to_string(),
                false => format!("/{target}"),
            },
        })
        // end
    }

    /// Step 1. The host, and after a colon the port, which is left out where it is 80: what the field
    /// Host says (RFC 9110 §7.2).
    pub fn authority(&self) -> String {
        // write: "the host and the port"
        match self.port {
            80 => self.host.clone(),
            port => format!("{}:{port}", self.host),
        }
        // end
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
        // write: "the URL that is meant"
        let reference = reference.split('#').next().unwrap_or_default();
        let base = self.target.split('?').next().unwrap_or_default();
        // A colon belongs to a scheme when it comes before any slash and any question mark.
        let first = reference.find([':', '/', '?']);
        let has_scheme = first.is_some_and(|at| at > 0 && reference[at..].starts_with(':'));
        let at_this_host = |target: &str| format!("http://{}{target}", self.authority());
        let text = match reference.chars().next() {
            _ if has_scheme => reference.to_string(),
            _ if reference.starts_with("//") => format!("http:{reference}"),
            None => at_this_host(&self.target),
            Some('?') => at_this_host(&format!("{base}{reference}")),
            Some('/') => at_this_host(reference),
            Some(_) => {
                let folder = base.rfind('/').map_or("/", |at| &base[..=at]);
                at_this_host(&format!("{folder}{reference}"))
            }
        };
        // Through `parse`, so that what a server writes is looked at like what a person writes.
        let mut url = Url::parse(&text)?;
        let end = url.target.find('?').unwrap_or(url.target.len());
        let (path, query) = url.target.split_at(end);
        url.target = without_dots(path) + query;
        Ok(url)
        // end
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
