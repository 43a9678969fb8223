//! Step 3: from a request to an answer, and the answer as bytes.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, Write};
use std::path::PathBuf;

use crate::message::{After, Head, Refusal, Response};

/// Given: what is served, and how.
pub struct Site {
    /// The folder of the files, all its links resolved.
    pub root: PathBuf,
    /// Whether POST, PUT and DELETE may change what is in it.
    #[allow(dead_code, reason = "step 6 looks at it")]
    pub writable: bool,
    /// The longest body of a request that is taken, in bytes.
    #[allow(dead_code, reason = "step 4 looks at it")]
    pub max_body: u64,
}

/// Step 3. The answer to a request, whatever its method. `body` is `None` where the request has none.
///
/// GET and HEAD: what [`get`] says; HEAD is answered as GET, and [`send`] leaves the body out. CONNECT and
/// every method that is none of the eight (GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE): 501.
/// Methods are case-sensitive: `get` is none of the eight. For the other five: 405, with the field Allow
/// naming the methods that the server does know, separated by `, `; until step 6 those are GET and HEAD.
///
/// Step 6, bonus: OPTIONS, TRACE, and with `site.writable` also POST, PUT and DELETE are answered by
/// `capability` and `change`.
pub fn answer(
    site: &Site,
    head: &Head,
    #[allow(unused_variables, reason = "step 6 looks at it")] body: Option<&[u8]>,
) -> Result<Response, Refusal> {
    todo!("by method: the file, 405 with Allow, or 501")
}

/// Step 3. The file that the target names, with status 200: its Content-Type, its [`Validators`] as
/// fields, and as payload the file with the length that it has now.
///
/// `target::resolve` finds it, `file::open` opens it and says its length, `file::media_type` and
/// `file::Validators` know the rest.
///
/// Step 6, bonus: when the request has one of the fields If-Match, If-None-Match, If-Modified-Since and
/// If-Unmodified-Since, `condition::evaluate` decides between this, 304 (with the validators and no
/// body) and 412.
pub fn get(site: &Site, head: &Head) -> Result<Response, Refusal> {
    todo!("the file as a response")
}

/// Step 3. Writes the response to a request with this method: the status line, the response's fields,
/// the fields below, an empty line, and the payload.
///
/// - `Date`: now.
/// - `Content-Length`: the payload's length, also where the payload is not sent. Not with a status of
///   1xx or 204, which have no body, nor with 304.
/// - `Connection: close` where the connection is closed after it.
///
/// The payload is sent unless the method is HEAD or the status says that there is none. A file is not
/// read into memory as a whole. Exactly as many bytes are sent as were announced; a file that has become
/// shorter is an error, of the kind UnexpectedEof.
pub fn send(
    response: Response,
    method: &str,
    after: After,
    out: &mut impl Write,
) -> io::Result<()> {
    todo!("status line, fields, empty line, and the payload unless there is to be none")
}
