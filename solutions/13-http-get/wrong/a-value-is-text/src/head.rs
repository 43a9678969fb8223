//! The head of a response: status line, fields, empty line (RFC 9112 §4, §5).
use std::io::{BufRead, Read};

use crate::fault::Fault;
use crate::message::{Field, Head, MAX_HEAD};

/// Step 2. The next line, without its end. Takes nothing behind that end from `reader`.
///
/// A line ends with a line feed; a carriage return before that belongs to the end (RFC 9112 §2.2).
/// `limit` is how many bytes the line and its end may have, and is made smaller by as many as were
/// read.
///
/// Errors: [`Fault::TooLong`] with `part` when there is no end within `limit` bytes, and never more
/// than these are read; [`Fault::Cut`] with `part` when the stream ends before the line.
pub fn line(
    reader: &mut dyn BufRead,
    limit: &mut usize,
    part: &'static str,
) -> Result<Vec<u8>, Fault> {
    // write: "the bytes up to the next line feed"
    // `read_until` puts the pieces together, whatever each read brings. What it has read too much
    // stays in the reader's own buffer: for the next line, or for the body.
    let mut line = Vec::new();
    let mut within = reader.take(*limit as u64);
    let read = within.read_until(b'\n', &mut line)?;
    *limit -= read;
    if line.pop_if(|byte| *byte == b'\n').is_none() {
        // Two ways to have no end: all that may be read is read, or there is no more to read.
        return Err(match *limit {
            0 => Fault::TooLong(part),
            _ => Fault::Cut(part),
        });
    }
    line.pop_if(|byte| *byte == b'\r');
    Ok(line)
    // end
}

/// Step 2. Reads the head of the final response, and nothing behind its empty line.
///
/// - A response with a status of 1xx is interim: it has no body, and another response follows. They
///   are passed over, as many as come. Only 101 is [`Fault::Switched`].
/// - The status line is `HTTP/1.` and a digit, a blank, three digits, and then either nothing or a
///   blank and the reason, which may be empty. Otherwise [`Fault::StatusLine`] with the line.
/// - A field is a name, a colon and a value. The name is one or more letters, digits and
///   ``!#$%&'*+-.^_`|~`` (RFC 9110 §5.6.2). It is kept in small letters, the value without blanks and
///   tabs around it. A carriage return or a zero byte in a value is a fault (RFC 9110 §5.5); bytes
///   that are no UTF-8 become U+FFFD, here and in the reason.
/// - A line that begins with a blank or a tab continues the value of the field before it: obsolete
///   line folding. The line end and the blanks and tabs around it are replaced by one blank
///   (RFC 9112 §5.2). A line of nothing but blanks and tabs is one of these, and does not end the
///   head. Before the first field, such a line is a fault.
/// - Any other line is [`Fault::Field`], with the line.
/// - All heads together have at most [`MAX_HEAD`] bytes; otherwise [`Fault::TooLong`].
pub fn read(reader: &mut dyn BufRead) -> Result<Head, Fault> {
    // write: "the first head whose status is not 1xx"
    let mut limit = MAX_HEAD;
    loop {
        let head = read_one(reader, &mut limit)?;
        match head.status {
            101 => return Err(Fault::Switched),
            100..200 => {}
            _ => return Ok(head),
        }
    }
    // end
}

// only:

/// What the faults call it.
const PART: &str = "the head";

/// One head, interim or final.
fn read_one(reader: &mut dyn BufRead, limit: &mut usize) -> Result<Head, Fault> {
    let first = line(reader, limit, PART)?;
    let status_line = status_line(&first);
    let (minor, status, reason) = status_line.ok_or_else(|| Fault::StatusLine(text(&first)))?;
    let mut fields: Vec<Field> = Vec::new();
    loop {
        let line = line(reader, limit, PART)?;
        if line.is_empty() {
            break;
        }
        let fault = || Fault::Field(text(&line));
        if line.contains(&b'\r') || line.contains(&0) || std::str::from_utf8(&line).is_err() {
            return Err(fault());
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            // Nobody may send this any more, and some old server still does.
            let field = fields.last_mut().ok_or_else(fault)?;
            field.value = format!("{} {}", field.value, trim(&text(&line)));
            field.value = trim(&field.value).to_string();
            continue;
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .ok_or_else(fault)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(is_of_a_token) {
            return Err(fault());
        }
        fields.push(Field {
            name: text(name).to_ascii_lowercase(),
            value: trim(&text(value)).to_string(),
        });
    }
    Ok(Head {
        minor,
        status,
        reason,
        fields,
    })
}

/// `HTTP/1.1 404 Not Found`: 1, 404 and `Not Found`.
fn status_line(line: &[u8]) -> Option<(u8, u16, String)> {
    let (minor, rest) = line.strip_prefix(b"HTTP/1.")?.split_first()?;
    let (status, reason) = rest.strip_prefix(b" ")?.split_at_checked(3)?;
    if !minor.is_ascii_digit() || !status.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Some servers leave out the blank before a reason that is empty.
    if !reason.is_empty() && !reason.starts_with(b" ") {
        return None;
    }
    let status = text(status).parse().ok()?;
    Some((minor - b'0', status, trim(&text(reason)).to_string()))
}

fn is_of_a_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
// end
