//! Step 2: a question and an answer, in two protocols that differ in who speaks first.
use std::io::{self, Write};
use std::net::TcpStream;

use crate::line;

/// Who speaks first on a new connection. No call can find that out: it is part of the protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The server says nothing until it has a whole line with a question.
    Client,
    /// The server sends a line of greeting, and takes no question before it.
    Server,
}

/// Step 2. Asks one question on `connected` and prints the answer.
///
/// Where the server speaks first, its greeting is received, and written to `output`, before anything
/// is sent. The question is sent as one line: its text and a newline. The answer is one line. Greeting
/// and answer are written to `output` as lines, byte for byte as they came, each as soon as it has come
/// (flush). Then the conversation is over, for us: the server may keep the connection open for another
/// question, and nothing more is received.
///
/// [`line::read_line`] receives a line, and takes its newline off. Who prints it puts that back.
pub fn ask(
    mut connected: &TcpStream,
    question: &str,
    first: First,
    output: &mut impl Write,
) -> io::Result<()> {
    // write: "the greeting, if there is one; the question; the answer, and no more than that"
    // Who is to speak decides who may wait. While the server waits for the question, a recv of ours
    // would be the second of two, and nobody would be left to send.
    if first == First::Server {
        print(line::read_line(connected)?, output)?;
    }
    // The newline is part of the question. The server waits for it.
    connected.write_all(format!("{question}\n").as_bytes())?;
    // One line, not "all there is": the stream has no end as long as the server keeps it open.
    print(line::read_line(connected)?, output)
    // end
}

// only:
/// Writes a line that has lost its newline.
fn print(mut line: Vec<u8>, output: &mut impl Write) -> io::Result<()> {
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}
// end
