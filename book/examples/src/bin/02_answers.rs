//! Chapter 2: what getaddrinfo answers without a hint, and with one.
use dns_lookup::{AddrInfoHints, LookupError, SockType, getaddrinfo};

// ANCHOR: main
fn main() -> Result<(), LookupError> {
    println!("without a hint:");
    show(None)?;
    println!("with the hint that only streams matter:");
    show(Some(AddrInfoHints {
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    }))
}

/// Asks for the address of 127.0.0.1, which is its own answer.
fn show(hints: Option<AddrInfoHints>) -> Result<(), LookupError> {
    for answer in getaddrinfo(Some("127.0.0.1"), None, hints)? {
        let answer = answer?;
        println!("  {}  {}", answer.sockaddr.ip(), name_of(answer.socktype));
    }
    Ok(())
}
// ANCHOR_END: main

fn name_of(socktype: i32) -> &'static str {
    match socktype {
        t if t == SockType::Stream => "stream",
        t if t == SockType::DGram => "datagram",
        t if t == SockType::Raw => "raw",
        _ => "another type",
    }
}
