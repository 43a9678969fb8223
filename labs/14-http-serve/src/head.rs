//! Step 1: from bytes to a request.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::message::{Framing, HEAD_MAX, Head, LINE_MAX, Refusal};

/// Given: the lines of a head, without their ends, of which each is CRLF.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let bytes = rest?;
        match bytes.windows(2).position(|pair| pair == b"\r\n") {
            Some(at) => {
                rest = Some(&bytes[at + 2..]);
                Some(&bytes[..at])
            }
            None => rest.take(),
        }
    })
}

/// Given: whether a CR or LF stands alone in these bytes. A CR at their very end does not: its LF may
/// still come.
fn has_lone_end(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|at| match bytes[at] {
        b'\n' => at == 0 || bytes[at - 1] != b'\r',
        b'\r' => bytes.get(at + 1).is_some_and(|next| *next != b'\n'),
        _ => false,
    })
}

/// Given: whether these bytes are a token (RFC 9110 §5.6.2), as methods and field names are.
pub fn is_token(bytes: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_tchar)
}

/// Given: whether this can be the value of a Host field: a host and perhaps a port, or nothing.
pub fn is_host(value: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=:[]%".contains(&byte);
    value.bytes().all(is_allowed)
}

/// Step 1. The request at the front of `bytes`, up to and including its empty line; `None` while its
/// empty line has not come and may still come. What follows is not looked at.
///
/// Lines end with CRLF. Empty lines before the request line are skipped, and count in `used`. The
/// request line is a method, a target and a version with one blank between them; the method is a token,
/// the target has at least one byte and only bytes from 0x21 to 0x7e. Each field is a name (a token), a
/// colon, and a value, with blanks and tabs around the value that do not belong to it. A value has no
/// control characters but tabs.
///
/// Refusals:
/// - 400 for what is not of this form; for a CR or LF that stands alone, at once.
/// - 505 for a version `HTTP/N.N` whose first digit is not 1. HTTP/1.2 to 1.9 are taken for HTTP/1.1.
/// - 400 for more than one Host, one that [`is_host`] denies, and for HTTP/1.1 without Host.
/// - 414 for a request line of more than [`LINE_MAX`] bytes, 431 for a head of more than [`HEAD_MAX`]:
///   both as soon as so many are there, whether the end is among them or not.
pub fn parse(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    todo!("the head at the front of the bytes, or that it is not all there, or why it is refused")
}

/// Step 1. How long the body is that follows this head.
///
/// With `Content-Length: N`, N decimal digits and nothing else: [`Framing::Length`]. With
/// `Transfer-Encoding: chunked`, in whatever case, and no other coding: [`Framing::Chunked`]. With
/// neither field: [`Framing::None`].
///
/// Refusals: 400 for a Content-Length that is no number. 413 for one that does not fit into 64 bits.
/// Bonus: 400 for several Content-Length that differ, also in one list; for both fields in one head;
/// for Transfer-Encoding in HTTP/1.0; for codings whose last is not chunked, known or not. 501 for
/// codings before chunked.
pub fn framing(head: &Head) -> Result<Framing, Refusal> {
    todo!("none, a length, or chunked; or why nobody can say where the body ends")
}
