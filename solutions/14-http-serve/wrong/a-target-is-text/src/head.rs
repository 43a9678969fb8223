//! Step 1: from bytes to a request.
use crate::message::{Framing, HEAD_MAX, Head, LINE_MAX, Refusal};
// only:
use crate::message::{Field, Version};
// end

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
    // write: "the head at the front of the bytes, or that it is not all there, or why it is refused"
    // No head ends behind this window. To look no further makes the answer the same in whatever
    // pieces the bytes come.
    let window = &bytes[..bytes.len().min(HEAD_MAX)];
    let mut start = 0;
    while window[start..].starts_with(b"\r\n") {
        start += 2;
    }
    let rest = &window[start..];
    let end = rest.windows(4).position(|four| four == b"\r\n\r\n");
    let head = &rest[..end.unwrap_or(rest.len())];
    if has_lone_end(head) {
        return Err(Refusal::new(400, "a CR or LF stands alone"));
    }
    let mut lines = lines(head);
    let first = lines.next().unwrap_or_default();
    if first.len() > LINE_MAX {
        let reason = format!("the request line has more than {LINE_MAX} bytes");
        return Err(Refusal::new(414, reason));
    }
    let Some(end) = end else {
        if window.len() < HEAD_MAX {
            return Ok(None);
        }
        let reason = format!("the head has more than {HEAD_MAX} bytes");
        return Err(Refusal::new(431, reason));
    };
    let (method, target, version) = request_line(first)?;
    let head = Head {
        method,
        target,
        version,
        fields: lines.map(field).collect::<Result<_, _>>()?,
        used: start + end + 4,
    };
    let hosts: Vec<&str> = head.values("Host").collect();
    match hosts[..] {
        [host] if is_host(host) => Ok(Some(head)),
        [] if version == Version::Http10 => Ok(Some(head)),
        [] => Err(Refusal::new(400, "there is no Host")),
        [_] => Err(Refusal::new(400, "the Host is no host")),
        _ => Err(Refusal::new(400, "there is more than one Host")),
    }
    // end
}

// only:
/// RFC 9112 §3. One blank between the parts, and nothing else.
fn request_line(line: &[u8]) -> Result<(String, String, Version), Refusal> {
    let bad = |reason| Refusal::new(400, reason);
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else {
        return Err(bad("the request line has not three parts"));
    };
    if !is_token(method) {
        return Err(bad("the method is no token"));
    }
    if target.is_empty() || target.iter().any(u8::is_ascii_control) {
        return Err(bad("the target has bytes that cannot be in one"));
    }
    let version = match version {
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Version::Http11,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Refusal::new(505, "this server speaks HTTP/1.1"));
        }
        _ => return Err(bad("the version is none of HTTP")),
    };
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(method), text(target), version))
}

/// RFC 9112 §5. A blank before the colon makes the name no token: a proxy in front of us may have read
/// another name there. A line that begins with a blank, once the continuation of the line before it,
/// is refused by the same rule.
fn field(line: &[u8]) -> Result<Field, Refusal> {
    let colon = line.iter().position(|byte| *byte == b':');
    let colon = colon.ok_or_else(|| Refusal::new(400, "a field has no colon"))?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) {
        return Err(Refusal::new(400, "the name of a field is no token"));
    }
    if value
        .iter()
        .any(|byte| byte.is_ascii_control() && *byte != b'\t')
    {
        let reason = "a value has a control character";
        return Err(Refusal::new(400, reason));
    }
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let value = text(value).trim_matches([' ', '\t']).to_string();
    Ok(Field {
        name: text(name),
        value,
    })
}
// end

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
    // write: "none, a length, or chunked; or why nobody can say where the body ends"
    let bad = |reason| Refusal::new(400, reason);
    if head.value("Transfer-Encoding").is_some() {
        // Whoever wrote both wants two readers to disagree about where the next request begins, or
        // has forwarded what such a one wrote (RFC 9112 §6.1 and §11.2).
        if head.value("Content-Length").is_some() {
            return Err(bad("there are a Content-Length and a Transfer-Encoding"));
        }
        if head.version == Version::Http10 {
            return Err(bad("HTTP/1.0 has no Transfer-Encoding"));
        }
        let codings: Vec<&str> = head.list("Transfer-Encoding").collect();
        return match codings[..] {
            [one] if one.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            [.., last] if last.eq_ignore_ascii_case("chunked") => {
                Err(Refusal::new(501, "only the coding chunked is known"))
            }
            _ => Err(bad("the last coding is not chunked")),
        };
    }
    let mut announced = None;
    for member in head
        .values("Content-Length")
        .flat_map(|value| value.split(','))
    {
        let digits = member.trim_matches([' ', '\t']);
        // `parse` alone would take "+5".
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad("the Content-Length is no number"));
        }
        let length = digits.parse::<u64>();
        let length = length.map_err(|_| Refusal::new(413, "no body is so long"))?;
        if announced.is_some_and(|other| other != length) {
            return Err(bad("there are two Content-Length"));
        }
        announced = Some(length);
    }
    Ok(announced.map_or(Framing::None, Framing::Length))
    // end
}
