//! Step 4: one connection, and the requests that come on it.
use std::io::{self, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
// only:
use std::io::{ErrorKind, Read};
// end

use crate::answer::Site;
use crate::message::{After, Head, Refusal, Response};
// only:
use crate::message::Version;
use crate::{answer, body, head};
// end

/// How a conversation ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client has ended its stream between two requests.
    Theirs,
    /// It is for the server to close: after its last answer, or when no request came in time.
    Ours,
}

/// Why a request is not answered.
pub enum Trouble {
    /// It is answered with a refusal, and nothing that comes after it can be trusted.
    Refused(Refusal),
    /// There is nobody left to answer.
    Gone(io::Error),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Trouble::Refused(refusal)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Gone(error)
    }
}

/// What comes in on a connection.
pub struct Incoming<'s> {
    socket: &'s TcpStream,
    /// What has arrived and is not used up.
    pub arrived: Vec<u8>,
    /// When the request that is under way has to be there, all of it.
    pub deadline: Instant,
}

impl<'s> Incoming<'s> {
    pub fn new(socket: &'s TcpStream) -> Self {
        Incoming {
            socket,
            arrived: Vec::new(),
            deadline: Instant::now(),
        }
    }

    /// Given: sends something to the client, in the middle of its request.
    #[allow(dead_code, reason = "step 6 may want it")]
    pub fn reply(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// Step 4. Waits for more bytes, appends what came to `arrived`, and returns how many that were: 0
    /// when the client has ended its stream. One `read` is enough.
    ///
    /// Waits no longer than until `deadline`, and then returns a refusal with 408. A timeout of the socket
    /// (`set_read_timeout`) is for one `read`: set it to what is left, each time. It must not be zero.
    pub fn more(&mut self) -> Result<usize, Trouble> {
        // write: "read once, for no longer than until the deadline"
        let late = || Refusal::new(408, "the request did not come in time");
        loop {
            // Who sends a byte now and then gets no more time by that.
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late().into());
            }
            self.socket.set_read_timeout(Some(left))?;
            let mut piece = [0; 4096];
            match self.socket.read(&mut piece) {
                Ok(n) => {
                    self.arrived.extend_from_slice(&piece[..n]);
                    return Ok(n);
                }
                // Windows says TimedOut, the others WouldBlock.
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Err(late().into());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        // end
    }

    /// Step 4. The next head, in whatever pieces it comes; `None` when the client ends its stream and
    /// nothing of a head has come (after an empty line alone, `None` and 400 are both right). What follows
    /// the head stays in `arrived`.
    ///
    /// A refusal with 400 when the stream ends within a head.
    pub fn head(&mut self) -> Result<Option<Head>, Trouble> {
        // write: "look whether the head is there, and wait for more while it is not"
        loop {
            // First look, then wait: the head may have come along with the request before it.
            if let Some(head) = head::parse(&self.arrived)? {
                self.arrived.drain(..head.used);
                return Ok(Some(head));
            }
            if self.more()? == 0 {
                return match self.arrived.is_empty() {
                    true => Ok(None),
                    false => Err(Refusal::new(400, "the stream ends within a head").into()),
                };
            }
        }
        // end
    }
}

/// Step 4. What happens to the connection after the answer to this request (RFC 9112 §9.3): it is closed
/// where the request says `Connection: close` (a member of a list, in whatever case), and after every
/// HTTP/1.0 request. Otherwise it stays open.
pub fn after(head: &Head) -> After {
    // write: "whether the connection stays open after this request"
    let asks = |word: &str| word.eq_ignore_ascii_case("close");
    match head.version {
        Version::Http11 if !head.list("Connection").any(asks) => After::KeepOpen,
        Version::Http10
            if head
                .list("Connection")
                .any(|w| w.eq_ignore_ascii_case("keep-alive")) =>
        {
            After::KeepOpen
        }
        _ => After::Close,
    }
    // end
}

/// Step 4. Answers the requests on a connection, one after the other, until it is to be closed.
///
/// Each request has `patience` from the moment at which the server begins to wait for it until its last
/// byte is there. It is received (`Incoming::head`, `head::framing`, `body::receive`), then answered
/// (`answer::answer`, `answer::send` to `socket`). A refusal of `answer` is an answer like any other, and
/// the conversation goes on. A refusal of what was received is sent as well, to HEAD without a body, and is
/// the last answer: nobody knows where the next request would begin. When a deadline is over before anything
/// of a request has come, nothing is sent; a head that was taken out of `arrived` has come.
///
/// Returns why the conversation is over, and what `read` or `write` said when the client is gone.
pub fn converse(mut socket: &TcpStream, site: &Site, patience: Duration) -> io::Result<End> {
    // write: "receive a request and answer it, until one of the two ends it"
    let mut incoming = Incoming::new(socket);
    loop {
        incoming.deadline = Instant::now() + patience;
        let mut method = String::new();
        let (response, after) = match exchange(&mut incoming, site, &mut method) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(End::Theirs),
            Err(Trouble::Gone(error)) => return Err(error),
            // Nobody asked for anything: nobody expects an answer.
            Err(Trouble::Refused(refusal))
                if refusal.status == 408 && method.is_empty() && incoming.arrived.is_empty() =>
            {
                return Ok(End::Ours);
            }
            Err(Trouble::Refused(refusal)) => (refusal.into(), After::Close),
        };
        answer::send(response, &method, after, &mut socket)?;
        if after == After::Close {
            return Ok(End::Ours);
        }
    }
    // end
}

// only:
/// Receives one request and finds its answer; `None` at the end of the stream. Nothing of it is left
/// in `incoming`, so that the next one begins where this one has ended.
fn exchange(
    incoming: &mut Incoming<'_>,
    site: &Site,
    method: &mut String,
) -> Result<Option<(Response, After)>, Trouble> {
    let Some(head) = incoming.head()? else {
        return Ok(None);
    };
    method.clone_from(&head.method);
    let framing = head::framing(&head)?;
    let body = body::receive(incoming, &head, framing, site.max_body)?;
    let response = answer::answer(site, &head, body.as_deref());
    let response = response.unwrap_or_else(Response::from);
    Ok(Some((response, after(&head))))
}
// end
