//! Chapter 2: which texts the standard library takes for a host and a port.
use std::net::ToSocketAddrs;

// ANCHOR: main
fn main() {
    for text in [
        "127.0.0.1:80",
        "[::1]:80",
        "127.0.0.1:http",
        "127.0.0.1:70000",
        "127.0.0.1",
        "::1:80",
    ] {
        match text.to_socket_addrs() {
            Ok(found) => println!("{text:<16} {:?}", Vec::from_iter(found)),
            Err(error) => println!("{text:<16} {error}"),
        }
    }
}
// ANCHOR_END: main
