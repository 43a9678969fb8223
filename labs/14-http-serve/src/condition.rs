//! Step 6, bonus: requests that depend on what the client has already.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::file::Validators;
use crate::message::Head;

/// What the conditions of a request come to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// They hold, or there are none: do what the request asks.
    Proceed,
    /// The client's copy is still good: 304.
    NotModified,
    /// They do not hold: 412.
    Failed,
}

/// Step 6. Evaluates the conditions of a request for a file in its current state, `None` where there is no
/// such file, in the order of RFC 9110 §13.2.2:
///
/// 1. If-Match: a list of tags, or `*`. Where none is the file's: [`Outcome::Failed`]. No file has a tag where
///    there is none.
/// 2. If-Unmodified-Since, but not when there is an If-Match: [`Outcome::Failed`] for a file that was
///    modified later.
/// 3. If-None-Match, a list of tags or `*` as well: where one is the file's, [`Outcome::NotModified`] for
///    GET and HEAD, and [`Outcome::Failed`] for the others.
/// 4. If-Modified-Since, for GET and HEAD, but not when there is an If-None-Match: [`Outcome::NotModified`]
///    for a file that was not modified later.
///
/// `*` stands for the tag of every file that is there. A tag with `W/` before it is compared without that in
/// If-None-Match, and is nobody's in If-Match. A date that `date::parse` cannot read is no condition, and
/// dates are no condition for a file that is not there.
pub fn evaluate(head: &Head, current: Option<&Validators>) -> Outcome {
    todo!("the four conditions, in their order")
}
