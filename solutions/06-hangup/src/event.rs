//! Given: what can happen to a connection, and the line that is printed for it.
use std::fmt::{self, Display};

/// One thing that happened. `{}` prints it as the chapter's section "The program" lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "most of them are made by the code that you write")]
pub enum Event {
    /// connect succeeded.
    Connected,
    /// connect: the port answered with a reset, because nobody listens there.
    Refused,
    /// The time that a call was given is over.
    Timeout,
    /// A read brought so many bytes, at least one.
    Received(usize),
    /// A read brought 0 bytes: the peer has ended its stream.
    End,
    /// ECONNRESET: a reset has arrived.
    Reset,
    /// EPIPE: nothing can be sent on this connection any more.
    BrokenPipe,
    /// ENOTCONN: the kernel has given the connection up.
    NotConnected,
    /// A write put so many bytes into the send buffer.
    Sent(usize),
    /// Our own stream is ended.
    HalfClosed,
    /// A request of so many bytes has come.
    Request(usize),
    /// So many bytes have been drained.
    Drained(u64),
    /// As many bytes have been drained as the bounds allow.
    Limit,
    /// The kernel has no connection behind the socket any more.
    Gone,
}

impl Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, n) = match *self {
            Event::Received(n) => ("received", n as u64),
            Event::Sent(n) => ("sent", n as u64),
            Event::Request(n) => ("request", n as u64),
            Event::Drained(n) => ("drained", n),
            Event::Connected => return f.write_str("connected"),
            Event::Refused => return f.write_str("refused"),
            Event::Timeout => return f.write_str("timeout"),
            Event::End => return f.write_str("end"),
            Event::Reset => return f.write_str("reset"),
            Event::BrokenPipe => return f.write_str("broken pipe"),
            Event::NotConnected => return f.write_str("not connected"),
            Event::HalfClosed => return f.write_str("half-closed"),
            Event::Limit => return f.write_str("limit"),
            Event::Gone => return f.write_str("gone"),
        };
        write!(f, "{word} {n} byte{}", if n == 1 { "" } else { "s" })
    }
}
