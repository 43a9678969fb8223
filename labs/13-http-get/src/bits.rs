//! Given: a stream as bits, and the numbers of RFC 1951.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::io::BufRead;

use crate::fault::Fault;

/// How far back a copy may reach, in bytes.
pub const WINDOW: usize = 32 * 1024;

/// For the symbols 257 to 285: the shortest length, and how many extra bits are added to it.
pub const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// For the distance symbols 0 to 29: the shortest distance, and how many extra bits are added to it.
pub const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

/// In which order the lengths of the code for the code lengths are sent.
pub const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// A stream, bit by bit: the least significant bit of each byte first (RFC 1951 §3.1.1).
pub struct Bits<'a> {
    reader: &'a mut dyn BufRead,
    /// What is left of the byte begun, and how many bits that are.
    byte: u8,
    left: u8,
}

impl<'a> Bits<'a> {
    /// The bits of what `reader` holds.
    pub fn new(reader: &'a mut dyn BufRead) -> Self {
        Bits {
            reader,
            byte: 0,
            left: 0,
        }
    }

    /// The next bit, 0 or 1.
    pub fn bit(&mut self) -> Result<u16, Fault> {
        if self.left == 0 {
            self.byte = self.byte()?;
            self.left = 8;
        }
        let bit = self.byte & 1;
        self.byte >>= 1;
        self.left -= 1;
        Ok(u16::from(bit))
    }

    /// The next `n` bits, at most 16, as a number: the first one is its least significant.
    pub fn number(&mut self, n: u8) -> Result<u16, Fault> {
        let mut number = 0;
        for at in 0..n {
            number |= self.bit()? << at;
        }
        Ok(number)
    }

    /// The next whole byte: what is left of the one begun is passed over.
    pub fn byte(&mut self) -> Result<u8, Fault> {
        self.left = 0;
        let mut byte = [0];
        match self.reader.read_exact(&mut byte) {
            Ok(()) => Ok(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(Fault::Cut("the compressed data"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the stream ends after the byte begun.
    pub fn is_at_end(&mut self) -> Result<bool, Fault> {
        loop {
            match self.reader.fill_buf() {
                Ok(bytes) => return Ok(bytes.is_empty()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A checksum of 32 bits, as gzip has it at its end (RFC 1952 §8).
pub struct Crc(u32);

impl Crc {
    /// Of no bytes.
    pub fn new() -> Self {
        Crc(!0)
    }

    /// Adds a byte.
    pub fn add(&mut self, byte: u8) {
        self.0 ^= u32::from(byte);
        for _ in 0..8 {
            self.0 = (self.0 >> 1) ^ (0xedb8_8320 & (self.0 & 1).wrapping_neg());
        }
    }

    /// Of the bytes so far.
    pub fn value(&self) -> u32 {
        !self.0
    }
}
