//! The resolver: the part of the system that knows names and addresses.
use std::io;
use std::net::IpAddr;

use dns_lookup::{get_hostname, getaddrinfo};

use crate::error::NamesError;

/// The name of this host, as `gethostname` gives it.
///
/// # Errors
/// [`NamesError::Host`] with the system's reason.
pub fn host_name() -> Result<String, NamesError> {
    get_hostname().map_err(NamesError::Host)
}

/// The addresses of `name`: in the resolver's order, each one once, at least one.
///
/// `name` is a host name, a domain name, or an address in text, which is its own answer.
///
/// # Errors
/// [`NamesError::NoAddress`] whenever the resolver gives an error, whichever, and when it gives no
/// address at all. [`NamesError::no_address`] makes one from the name and the resolver's error.
pub fn addresses(name: &str) -> Result<Vec<IpAddr>, NamesError> {
    let answers =
        getaddrinfo(Some(name), None, None).map_err(|e| NamesError::no_address(name, e))?;

    let mut found = Vec::new();
    for answer in answers {
        let address = answer
            .map_err(|e| NamesError::no_address(name, e))?
            .sockaddr
            .ip();
        found.push(address);
    }
    if found.is_empty() {
        return Err(NamesError::no_address(name, io::ErrorKind::NotFound));
    }
    Ok(found)
}
