//! The resolver: the part of the system that knows names and addresses.
#![expect(unused, reason = "all of it is written: delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::IpAddr;

use dns_lookup::{AddrInfoHints, SockType, get_hostname, getaddrinfo};

use crate::error::NamesError;

/// The name of this host, as `gethostname` gives it.
///
/// # Errors
/// [`NamesError::Host`] with the system's reason.
pub fn host_name() -> Result<String, NamesError> {
    todo!("call get_hostname() and put a failure into NamesError::Host")
}

/// The addresses of `name`: in the resolver's order, each one once, at least one.
///
/// `name` is a host name, a domain name, or an address in text, which is its own answer.
///
/// # Errors
/// [`NamesError::NoAddress`] whenever the resolver gives an error, whichever, and when it gives no
/// address at all. [`NamesError::no_address`] makes one from the name and the resolver's error.
pub fn addresses(name: &str) -> Result<Vec<IpAddr>, NamesError> {
    todo!("call getaddrinfo with a hint for one socket type; keep each IP address once, in order")
}
