//! Step 6, bonus: requests that depend on what the client has already.
use crate::file::Validators;
use crate::message::Head;
// only:
use crate::date;
// end

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
/// 1. If-Match: a list of tags, or `*`. Where none is the file's: [`Outcome::Failed`]. `*` is every file's,
///    and no file has a tag where there is none.
/// 2. If-Unmodified-Since, but not when there is an If-Match: [`Outcome::Failed`] for a file that was
///    modified later.
/// 3. If-None-Match: where one of the tags is the file's, [`Outcome::NotModified`] for GET and HEAD, and
///    [`Outcome::Failed`] for the others.
/// 4. If-Modified-Since, for GET and HEAD, but not when there is an If-None-Match: [`Outcome::NotModified`]
///    for a file that was not modified later.
///
/// A tag with `W/` before it is compared without that in If-None-Match, and is nobody's in If-Match. A date
/// that `date::parse` cannot read is no condition. Dates are no condition for a file that is not there.
pub fn evaluate(head: &Head, current: Option<&Validators>) -> Outcome {
    // write: "the four conditions, in their order"
    let reads = matches!(head.method.as_str(), "GET" | "HEAD");
    let has = |name| head.value(name).is_some();
    let modified_after = |name| {
        let since = head.value(name).and_then(date::parse)?;
        Some(current?.modified > since)
    };
    let names_it = |name: &str, ignore: &str| {
        let mut tags = head.list(name);
        current.is_some_and(|current| {
            tags.any(|tag| tag == "*" || tag.strip_prefix(ignore).unwrap_or(tag) == current.etag)
        })
    };
    // The strong ones first: they keep a client from overwriting what it has not seen.
    if has("If-Match") {
        if !names_it("If-Match", "W/") {
            return Outcome::Failed;
        }
    } else if modified_after("If-Unmodified-Since") == Some(true) {
        return Outcome::Failed;
    }
    // A tag tells more than a date, which has whole seconds: where there is one, the date says nothing.
    if has("If-None-Match") {
        return match (names_it("If-None-Match", "W/"), reads) {
            (false, _) => Outcome::Proceed,
            (true, true) => Outcome::NotModified,
            (true, false) => Outcome::Failed,
        };
    }
    match reads && modified_after("If-Modified-Since") == Some(false) {
        true => Outcome::NotModified,
        false => Outcome::Proceed,
    }
    // end
}
