//! The head of a response: status line, fields, empty line (RFC 9112 §4, §5).
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
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
    todo!("the bytes up to the next line feed")
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
    todo!("the first head whose status is not 1xx")
}
