//! What the head says of the body: where it ends, and how it is coded (RFC 9112 §6, RFC 9110 §8.4).
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
        // write: "which of the four it is"
        if method == Method::Head || matches!(head.status, 204 | 304) {
            return Ok(Framing::None);
        }
        let mut codings = head.list("transfer-encoding");
        codings.retain(|coding| !coding.is_empty());
        if let [first, more @ ..] = codings.as_slice() {
            // We have sent no TE field: a server must not use another one (RFC 9112 §7.4).
            let is_known = first.eq_ignore_ascii_case("chunked") && more.is_empty();
            return match is_known && head.minor > 0 {
                true => Ok(Framing::Chunked),
                false => Err(Fault::Coding(codings.join(", "))),
            };
        }
        let lengths = head.list("content-length");
        if let [first, more @ ..] = lengths.as_slice() {
            // Two lengths that differ are two bodies, and somebody between us and the server may
            // have read the other one. Two that do not differ are a clumsy server's.
            let fault = || Fault::Length(lengths.join(", "));
            let length = decimal(first).ok_or_else(fault)?;
            if more.iter().any(|other| decimal(other) != Some(length)) {
                return Err(fault());
            }
            return Ok(Framing::Length(length));
        }
        Ok(Framing::Close)
        // end
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
        // write: "which of the two it is"
        let mut codings = head.list("content-encoding");
        codings.retain(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
        match codings.as_slice() {
            [] => Ok(Coding::Identity),
            [one] if wish.gzip && is_gzip(one) => Ok(Coding::Gzip),
            _ => Err(Fault::Coding(codings.join(", "))),
        }
        // end
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

// only:

/// Digits and nothing else: `parse` alone would take "+5", too.
fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn is_gzip(coding: &str) -> bool {
    ["gzip", "x-gzip"]
        .iter()
        .any(|name| coding.eq_ignore_ascii_case(name))
}
// end
