//! Step 4: one connection, and the requests that come on it.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::answer::Site;
use crate::message::{After, Head, Refusal, Response};

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
        todo!("read once, for no longer than until the deadline")
    }

    /// Step 4. The next head, in whatever pieces it comes; `None` when the client ends its stream and
    /// nothing of a head has come (after an empty line alone, `None` and 400 are both right). What follows
    /// the head stays in `arrived`.
    ///
    /// A refusal with 400 when the stream ends within a head.
    pub fn head(&mut self) -> Result<Option<Head>, Trouble> {
        todo!("look whether the head is there, and wait for more while it is not")
    }
}

/// Step 4. What happens to the connection after the answer to this request (RFC 9112 §9.3): it is closed
/// where the request says `Connection: close` (a member of a list, in whatever case), and after every
/// HTTP/1.0 request. Otherwise it stays open.
pub fn after(head: &Head) -> After {
    todo!("whether the connection stays open after this request")
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
    todo!("receive a request and answer it, until one of the two ends it")
}
