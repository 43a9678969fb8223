//! Chapter 8, find the bug: a receiver of lines that end with a carriage return and a line feed. Four
//! peers talk to it; what each `read` brings is written down, so that it is the same every time.
use std::collections::VecDeque;
use std::io::{self, Read};

// ANCHOR: bug
/// The next line, without its end; `None` when the stream has ended.
fn next_line(peer: &mut impl Read) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut piece = [0; 512];
    loop {
        let n = peer.read(&mut piece)?;
        if n == 0 {
            return Ok(None);
        }
        line.extend_from_slice(&piece[..n]);
        // Only the new bytes: those before have been looked at.
        if piece[..n].ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
    }
}
// ANCHOR_END: bug

/// A peer whose bytes arrive in these pieces.
struct Peer(VecDeque<&'static [u8]>);

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.0.pop_front().unwrap_or_default();
        buffer[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

fn main() -> io::Result<()> {
    let peers: [(char, &[&[u8]]); 4] = [
        ('A', &[b"hello\r\n", b"bye\r\n"]),
        ('B', &[b"he", b"llo", b"\r\n", b"b", b"ye\r\n"]),
        ('C', &[b"hello\r\nbye\r\n"]),
        ('D', &[b"hello\r\n", b"bye\r", b"\n"]),
    ];
    for (name, pieces) in peers {
        let mut peer = Peer(pieces.iter().copied().collect());
        print!("{name}:");
        while let Some(line) = next_line(&mut peer)? {
            print!("  {line:?}");
        }
        println!();
    }
    Ok(())
}
