//! What the head says of the body: where it ends, and how it is coded (RFC 9112 §6, RFC 9110 §8.4).
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;

use crate::fault::Fault;
use crate::message::{Head, Method, Wish};

// ANCHOR: framing
/// Where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none: the response ends with its head.
    None,
    /// After this many bytes.
    Length(u64),
    /// Each chunk says how long it is, and the last one is empty.
    Chunked,
    /// Where the stream ends.
    Close,
}
// ANCHOR_END: framing

impl Framing {
    /// Step 3. Where the body of this response to a request with `method` ends. The first of these
    /// that fits (RFC 9112 §6.3):
    ///
    /// 1. The answer to HEAD, and any answer with the status 204 or 304, has no body, whatever its
    ///    fields say.
    /// 2. There is a field `transfer-encoding`: its list must be the one coding `chunked`, in small
    ///    letters or capitals; then [`Framing::Chunked`], and a length beside it does not count.
    ///    Otherwise, and in an HTTP/1.0 response (RFC 9112 §6.1), [`Fault::Coding`].
    /// 3. There is a field `content-length`: each element of its list must be digits, nothing else,
    ///    and a number below 2⁶⁴, and all elements must be the same number; then
    ///    [`Framing::Length`]. Otherwise [`Fault::Length`].
    /// 4. Otherwise the body ends with the stream.
    pub fn of(method: Method, head: &Head) -> Result<Framing, Fault> {
        todo!("which of the four it is")
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Framing::None => write!(f, "none"),
            Framing::Length(length) => write!(f, "length {length}"),
            Framing::Chunked => write!(f, "chunked"),
            Framing::Close => write!(f, "close"),
        }
    }
}

/// What was done to the body before it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Nothing.
    Identity,
    /// It was compressed (RFC 1952).
    Gzip,
}

impl Coding {
    /// Step 3. How the body is coded: the list of the field `content-encoding`, in which `identity`
    /// does not count, nor an empty element. Nothing left is [`Coding::Identity`]; one `gzip` (or its
    /// old name `x-gzip`) is [`Coding::Gzip`] where `wish.gzip`. Anything else is [`Fault::Coding`]:
    /// what we cannot decode must not be taken for the page. All of these names mean the same in
    /// small letters and in capitals.
    pub fn of(wish: &Wish, head: &Head) -> Result<Coding, Fault> {
        todo!("which of the two it is")
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Coding::Identity => "identity",
            Coding::Gzip => "gzip",
        })
    }
}
