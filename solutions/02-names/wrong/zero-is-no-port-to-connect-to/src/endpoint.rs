//! An endpoint in text: a host and a port, each perhaps a name, as in `localhost:http`.
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use crate::error::NamesError;
use crate::{resolver, services};

/// Why a text is no endpoint. Each holds the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadEndpoint {
    /// No colon separates host and port: `localhost`, `[::1]`, `[::1]80`.
    NoColon(String),
    /// Nothing stands before the colon: `:80`, `[]:80`.
    NoHost(String),
    /// Nothing stands after the colon: `localhost:`.
    NoPort(String),
    /// A bracket that is not closed: `[::1:80`.
    OpenBracket(String),
    /// Several colons without brackets. Is `::1:80` a host and a port, or one address?
    Ambiguous(String),
}

impl fmt::Display for BadEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadEndpoint::NoColon(text) => {
                write!(f, "{text:?} has no port: write HOST:PORT")
            }
            BadEndpoint::NoHost(text) => write!(f, "{text:?} has no host: write HOST:PORT"),
            BadEndpoint::NoPort(text) => {
                write!(f, "{text:?} has no port after the colon: write HOST:PORT")
            }
            BadEndpoint::OpenBracket(text) => {
                write!(f, "{text:?} has no closing bracket: write [ADDRESS]:PORT")
            }
            BadEndpoint::Ambiguous(text) => write!(
                f,
                "{text:?} has several colons: write an IPv6 address in brackets, [ADDRESS]:PORT"
            ),
        }
    }
}

/// Splits `HOST:PORT` or `[HOST]:PORT` into host and port, the brackets taken off.
///
/// `localhost:http` is `("localhost", "http")`, and `[::1]:80` is `("::1", "80")`.
///
/// # Errors
/// The [`BadEndpoint`] that fits; each variant shows examples.
pub fn split(endpoint: &str) -> Result<(&str, &str), BadEndpoint> {
    // write: "host and port, or the BadEndpoint that fits"
    let whole = || endpoint.to_owned();

    // RFC 3986 §3.2.2: an IPv6 address stands in brackets, because it has colons of its own.
    let (host, port) = if let Some(rest) = endpoint.strip_prefix('[') {
        let Some((host, rest)) = rest.split_once(']') else {
            return Err(BadEndpoint::OpenBracket(whole()));
        };
        let Some(port) = rest.strip_prefix(':') else {
            return Err(BadEndpoint::NoColon(whole()));
        };
        (host, port)
    } else {
        // One colon separates. With several, any choice would be a guess: `::1:80` is also a
        // complete IPv6 address.
        let Some((host, port)) = endpoint.split_once(':') else {
            return Err(BadEndpoint::NoColon(whole()));
        };
        if port.contains(':') {
            return Err(BadEndpoint::Ambiguous(whole()));
        }
        (host, port)
    };

    if host.is_empty() {
        return Err(BadEndpoint::NoHost(whole()));
    }
    if port.is_empty() {
        return Err(BadEndpoint::NoPort(whole()));
    }
    Ok((host, port))
    // end
}

/// The port that `port` means: a number is itself, anything else is the name of a service.
///
/// The services file at `file` is read only when `port` is a name. Digits alone are a number, never a
/// name: the name of a service holds a letter (RFC 6335 §5.1).
///
/// # Errors
/// [`NamesError::NotAPort`] when `port` is digits alone and more than 65535: `70000`.
/// [`NamesError::Unreadable`] when the file is needed and cannot be read,
/// [`NamesError::UnknownService`] when it has no such service.
pub fn port_of(port: &str, file: &Path, protocol: Option<&str>) -> Result<u16, NamesError> {
    // write: "the port that `port` means, or why there is none"
    // A number needs no look-up, and so it works where there is no services file at all.
    if let Ok(number) = port.parse() {
        if number == 0 {
            return Err(NamesError::NotAPort(port.to_owned()));
        }
        return Ok(number);
    }
    // Too large for a port, and no name either. To look it up would turn a wrong question into the
    // answer "no such service".
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NamesError::NotAPort(port.to_owned()));
    }
    let entries = services::read(file)?;
    match services::by_name(&entries, port, protocol) {
        Some(entry) => Ok(entry.port),
        None => Err(NamesError::unknown_service(port, protocol)),
    }
    // end
}

/// The socket addresses that `endpoint` means: every address of its host, with its port.
///
/// # Errors
/// Those of [`split`], [`port_of`] and [`resolver::addresses`].
pub fn resolve(
    endpoint: &str,
    file: &Path,
    protocol: Option<&str>,
) -> Result<Vec<SocketAddr>, NamesError> {
    let (host, port) = split(endpoint)?;
    let port = port_of(port, file, protocol)?;
    let addresses = resolver::addresses(host)?;
    Ok(addresses
        .into_iter()
        .map(|address| SocketAddr::new(address, port))
        .collect())
}
