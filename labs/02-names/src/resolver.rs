//! The resolver: the part of the system that knows names and addresses.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
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
    todo!("the name of this host, or why there is none")
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
    todo!("the addresses of `name`, or why there is none")
}
