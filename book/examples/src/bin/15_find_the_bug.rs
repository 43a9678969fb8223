//! Chapter 15, find the bug: a receiver of one file. Five senders send to it.
use std::io::{self, Read};

// ANCHOR: bug
/// Receives the content of a file of `size` bytes, and then its checksum.
fn content(sender: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut piece = [0; 512];
    // All but the last four bytes are the content.
    while content.len() < size + 4 {
        let n = sender.read(&mut piece)?;
        if n == 0 {
            break;
        }
        content.extend_from_slice(&piece[..n]);
    }
    let sum = content.split_off(content.len() - 4);
    match sum == crc32(&content).to_be_bytes() {
        true => Ok(content),
        false => Err(io::Error::other("the checksum is wrong")),
    }
}
// ANCHOR_END: bug

// ANCHOR: crc
/// The CRC-32 of `bytes`, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = 0xffff_ffff;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = match crc & 1 {
                1 => (crc >> 1) ^ 0xedb8_8320,
                _ => crc >> 1,
            };
        }
    }
    !crc
}
// ANCHOR_END: crc

/// A content and the checksum that is right for it.
fn with_sum(content: &[u8]) -> Vec<u8> {
    [content, &crc32(content).to_be_bytes()].concat()
}

fn main() {
    let next_file = b"\0\0\0\x0a\x01\0\0\0\0\0\0\0\x05b".to_vec();
    let senders: [(char, Vec<u8>); 5] = [
        ('A', with_sum(b"hello")),
        ('B', with_sum(b"hell")),
        ('C', with_sum(b"hello")[..7].to_vec()),
        ('D', [with_sum(b"hello"), next_file].concat()),
        ('E', b"he".to_vec()),
    ];
    // What a panic would print is no part of this.
    std::panic::set_hook(Box::new(|_| {}));
    for (name, bytes) in senders {
        let outcome = std::panic::catch_unwind(|| content(&mut &bytes[..], 5));
        match outcome {
            Ok(Ok(content)) => println!("{name}: {:?}", String::from_utf8_lossy(&content)),
            Ok(Err(error)) => println!("{name}: {error}"),
            Err(_) => println!("{name}: a panic"),
        }
    }
}
