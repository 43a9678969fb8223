//! The bytes of a request (RFC 9112 §3, §5).
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
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
    todo!("the request line, the fields and the empty line")
}
