//! The client: ask, follow where it leads, deliver.
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
    // write: "the final response, by way of all redirects"
    let mut url = url;
    // The first request, and one for each redirect.
    for _ in 0..=wish.max_redirects {
        let mut connection = net::connect(&url, trace)?;
        connection.write_all(&request::bytes(&url, wish))?;
        // One reader for all that comes: what it has read beyond the head is the body's beginning.
        let mut reader = BufReader::new(connection);
        let head = head::read(&mut reader)?;
        let location = match head.status {
            301 | 302 | 303 | 307 | 308 => head.list("location").first().copied(),
            _ => None,
        };
        match location {
            // The rest of this response stays unread. The server may get a reset for it, and has
            // said all that we wanted to know.
            Some(location) => url = url.join(location)?,
            None => {
                deliver(&head, wish, trace, &mut reader, out)?;
                return Ok(head);
            }
        }
    }
    // A loop is found in this way, too, and so is a chain of URLs that never repeats.
    Err(Fault::TooManyRedirects(wish.max_redirects))
    // end
}
