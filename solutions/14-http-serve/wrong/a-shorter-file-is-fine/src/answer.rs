//! Step 3: from a request to an answer, and the answer as bytes.
use std::io::{self, Write};
use std::path::PathBuf;
// only:
use std::io::{ErrorKind, Read};
use std::time::SystemTime;
// end

use crate::message::{After, Head, Refusal, Response};
// only:
use crate::condition::{self, Outcome};
use crate::file::{self, Validators};
use crate::message::{Payload, reason_phrase};
use crate::{capability, change, date, target};
// end

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
    // write: "by method: the file, 405 with Allow, or 501"
    match head.method.as_str() {
        // The two that every server has (RFC 9110 §9.1).
        "GET" | "HEAD" => get(site, head),
        "OPTIONS" => capability::options(site, head),
        "TRACE" => Ok(capability::trace(head)),
        "PUT" if site.writable => change::put(site, head, body),
        "POST" if site.writable => change::post(site, head, body),
        "DELETE" if site.writable => change::delete(site, head),
        "POST" | "PUT" | "DELETE" => {
            let refusal = Refusal::new(405, "the files cannot be changed here");
            Err(refusal.with("Allow", capability::allowed(site)))
        }
        _ => Err(Refusal::new(501, "this server does not know the method")),
    }
    // end
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
    // write: "the file as a response"
    let path = target::resolve(&site.root, &head.target)?;
    let (file, about) = file::open(&path)?;
    let validators = Validators::of(&about);
    let mut response = Response {
        status: 200,
        fields: vec![("Content-Type", file::media_type(&path).into())],
        payload: Payload::File {
            file,
            // What the file gets later is not part of this answer.
            length: about.len(),
        },
    };
    response.fields.extend(validators.fields());
    match condition::evaluate(head, Some(&validators)) {
        Outcome::Proceed => Ok(response),
        Outcome::NotModified => Ok(Response {
            status: 304,
            fields: validators.fields().into(),
            payload: Payload::Nothing,
        }),
        Outcome::Failed => Err(Refusal::new(412, "the file is not as the client thinks")),
    }
    // end
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
    // write: "status line, fields, empty line, and the payload unless there is to be none"
    let status = response.status;
    let mut bytes = format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status));
    bytes += &format!("Date: {}\r\n", date::format(SystemTime::now()));
    for (name, value) in &response.fields {
        bytes += &format!("{name}: {value}\r\n");
    }
    let has_body = !matches!(status, 100..=199 | 204 | 304);
    if has_body {
        bytes += &format!("Content-Length: {}\r\n", response.payload.length());
    }
    if after == After::Close {
        bytes += "Connection: close\r\n";
    }
    bytes += "\r\n";
    let mut bytes = bytes.into_bytes();
    let mut file = None;
    if has_body && method != "HEAD" {
        match response.payload {
            Payload::Nothing => {}
            // In one write with the head: chapter 8 says what two of them cost.
            Payload::Bytes(body) => bytes.extend_from_slice(&body),
            Payload::File { file: open, length } => file = Some((open, length)),
        }
    }
    let Some((open, length)) = file else {
        out.write_all(&bytes)?;
        return out.flush();
    };
    // The beginning of the file goes along with the head; for a small one that is all of it.
    let mut rest = open.take(length);
    let in_first = (&mut rest).take(8192).read_to_end(&mut bytes)? as u64;
    out.write_all(&bytes)?;
    let copied = match in_first < length {
        true => io::copy(&mut rest, out)?,
        false => 0,
    };
    if false {
        // The client waits for bytes that do not exist. Only the end of the stream tells it.
        let reason = "the file has become shorter";
        return Err(io::Error::new(ErrorKind::UnexpectedEof, reason));
    }
    out.flush()
    // end
}
