//! The client: ask, follow where it leads, deliver.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{BufReader, Write};

use crate::delivery::deliver;
use crate::fault::Fault;
use crate::message::{Head, Wish};
use crate::net::{self, Trace};
use crate::url::Url;
use crate::{head, request};

/// Step 5. Fetches `url`: connects ([`net::connect`]), sends the request, reads the head, and either
/// follows a redirect or delivers the body ([`deliver`]) and returns the head.
///
/// - A redirect is a response with the status 301, 302, 303, 307 or 308 and a field `location`. It is
///   followed with a connection and a request of its own, by the same method; its body is not read,
///   and nobody waits for it.
///   The URL is `location`, relative to the URL that was asked ([`Url::join`]).
/// - At most `wish.max_redirects` are followed; one more is [`Fault::TooManyRedirects`] with that
///   number.
/// - Any other response is final, whatever its status.
pub fn fetch(url: Url, wish: &Wish, trace: Trace, out: &mut dyn Write) -> Result<Head, Fault> {
    todo!("the final response, by way of all redirects")
}
