//! Chapter 13, find the bug: a client that collects the head, looks for the length, and reads the body.
//! Six servers answer it; what each `read` brings is written down, so that it is the same every time.
use std::collections::VecDeque;
use std::io::{self, Read};

// ANCHOR: bug
/// The body of the response.
fn body(server: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut came = Vec::new();
    let mut piece = [0; 512];
    // The head may come in pieces: collect until the empty line is there.
    let end = loop {
        let n = server.read(&mut piece)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        came.extend_from_slice(&piece[..n]);
        if let Some(at) = came.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let mut body = came.split_off(end);
    let head = String::from_utf8_lossy(&came).into_owned();
    let mut lines = head.split("\r\n");
    let value = lines.find_map(|line| line.strip_prefix("Content-Length: "));
    let length = value.and_then(|value| value.parse().ok()).unwrap_or(0);
    // So may the body: read on until it is complete.
    while body.len() < length {
        let n = server.read(&mut piece)?;
        if n == 0 {
            break;
        }
        body.extend_from_slice(&piece[..n]);
    }
    Ok(body)
}
// ANCHOR_END: bug

/// A server whose bytes arrive in these pieces.
struct Server(VecDeque<&'static [u8]>);

impl Read for Server {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.0.pop_front().unwrap_or_default();
        buffer[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

fn main() -> io::Result<()> {
    let servers: [(char, &[&[u8]]); 6] = [
        ('A', &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"]),
        (
            'B',
            &[
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r",
                b"\nhel",
                b"lo",
            ],
        ),
        (
            'C',
            &[b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", b"hello"],
        ),
        (
            'D',
            &[
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
                b"loHTTP/1.1 404 ",
            ],
        ),
        ('E', &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"]),
        (
            'F',
            &[
                b"HTTP/1.1 100 Continue\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            ],
        ),
    ];
    for (name, pieces) in servers {
        let mut server = Server(pieces.iter().copied().collect());
        let body = body(&mut server)?;
        println!("{name}:  {:?}", String::from_utf8_lossy(&body));
    }
    Ok(())
}
