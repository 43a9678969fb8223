//! Step 6, bonus: what the server can do, and what it has received.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::answer::Site;
use crate::message::{Head, Refusal, Response};

/// Step 6. The value of the field Allow: the methods that are answered with something else than 405 or
/// 501, separated by `, `.
pub fn allowed(site: &Site) -> &'static str {
    todo!("the methods that this server knows")
}

/// Step 6. OPTIONS: status 204 with the field Allow. The target `*` means the server as a whole; any other
/// is a path, of which nothing need exist, but whose [`crate::target::names`] must not be refused with 400.
pub fn options(site: &Site, head: &Head) -> Result<Response, Refusal> {
    todo!("204 and Allow")
}

/// Step 6. TRACE: status 200, Content-Type `message/http`, and as body the head as it was received: the
/// request line, and each field as `Name: value`, each with CRLF, and an empty line. Without the fields
/// Authorization, Proxy-Authorization and Cookie, whose values are nobody else's business.
pub fn trace(head: &Head) -> Response {
    todo!("the head as a body")
}
