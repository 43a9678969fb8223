//! The resolver: the part of the system that knows names and addresses.
use std::io;
use std::net::IpAddr;

use dns_lookup::{AddrInfoHints, SockType, get_hostname, getaddrinfo};

use crate::error::NamesError;

/// The name of this host, as `gethostname` gives it.
///
/// # Errors
/// [`NamesError::Host`] with the system's reason.
pub fn host_name() -> Result<String, NamesError> {
    // write: "the name of this host, or why there is none"
    // gethostname(2): the name that the administrator gave this system. It needs no network, and
    // nothing promises that anybody else can look it up.
    get_hostname().map_err(NamesError::Host)
    // end
}

/// The addresses of `name`: in the resolver's order, each one once, at least one.
///
/// `name` is a host name, a domain name, or an address in text, which is its own answer.
///
/// # Errors
/// [`NamesError::NoAddress`] whenever the resolver gives an error, whichever, and when it gives no
/// address at all. [`NamesError::no_address`] makes one from the name and the resolver's error; where
/// the resolver gave none, the reason is [`io::ErrorKind::NotFound`].
pub fn addresses(name: &str) -> Result<Vec<IpAddr>, NamesError> {
    // write: "the addresses of `name`, or why there is none"
    // getaddrinfo(3) answers with one entry for every pair of address and socket type. The hint
    // says that only streams matter, so that an address comes once and not three times.
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let answers =
        getaddrinfo(Some(name), None, Some(hints)).map_err(|e| NamesError::no_address(name, e))?;

    // A name can still lead to one address by two ways, for example by two lines of the hosts
    // file. The order is advice (RFC 6724: try the first one first), so it is kept.
    let mut found = Vec::new();
    for answer in answers {
        let address = answer
            .map_err(|e| NamesError::no_address(name, e))?
            .sockaddr
            .ip();
        if !found.contains(&address) {
            found.push(address);
        }
    }
    if found.is_empty() {
        return Err(NamesError::no_address(name, io::ErrorKind::NotFound));
    }
    Ok(found)
    // end
}
