//! The bytes of a request (RFC 9112 §3, §5).
use crate::message::Wish;
use crate::url::Url;

/// Step 1. The request for `url`, as it goes over the wire:
///
/// ```text
/// METHOD TARGET HTTP/1.1
/// Host: AUTHORITY
/// User-Agent: wirelab
/// Accept: */*
/// Accept-Encoding: identity      (gzip, where `wish.gzip`)
/// Connection: close
///
/// ```
///
/// Each line ends with a carriage return and a line feed, and after the last field comes an empty
/// line, which ends the request: it has no body. Without Accept-Encoding a server might choose any
/// coding; `identity` means none.
pub fn bytes(url: &Url, wish: &Wish) -> Vec<u8> {
    // write: "the request line, the fields and the empty line"
    let coding = if wish.gzip { "gzip" } else { "identity" };
    // Host comes first, because it is what a server wants to know first (RFC 9110 §7.2).
    let lines = [
        format!("{} {} HTTP/1.1", wish.method, url.target),
        format!("Host: {}", url.authority()),
        "User-Agent: wirelab".to_string(),
        "Accept: */*".to_string(),
        format!("Accept-Encoding: {coding}"),
        String::new(),
    ];
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
    // end
}
