//! Given: the checksum CRC-32, as Ethernet, gzip and PNG use it (IEEE 802.3 §3.2.9), of bytes that come
//! piece by piece.
//!
//! It is the function of chapter 10, and gives the same numbers. That one goes through each byte bit by
//! bit. This one looks up what the eight bits would do, for sixteen bytes at a time: a file of a
//! gigabyte should wait for the network, and not for this.
#![allow(dead_code, reason = "some of it waits for your functions")]

/// The CRC-32 of all bytes that were added so far; of `123456789` it is `cbf43926`, of nothing it is 0.
#[derive(Debug, Clone)]
pub struct Crc(u32);

impl Crc {
    /// Of nothing.
    pub fn new() -> Crc {
        Crc(u32::MAX)
    }

    /// Adds the next bytes. In which pieces they come does not matter.
    pub fn add(&mut self, bytes: &[u8]) {
        let mut crc = self.0;
        let (pieces, rest) = bytes.as_chunks::<AT_ONCE>();
        for piece in pieces {
            let [a, b, c, d] = crc.to_le_bytes();
            let first = [piece[0] ^ a, piece[1] ^ b, piece[2] ^ c, piece[3] ^ d];
            crc = TABLES[15][usize::from(first[0])]
                ^ TABLES[14][usize::from(first[1])]
                ^ TABLES[13][usize::from(first[2])]
                ^ TABLES[12][usize::from(first[3])]
                ^ TABLES[11][usize::from(piece[4])]
                ^ TABLES[10][usize::from(piece[5])]
                ^ TABLES[9][usize::from(piece[6])]
                ^ TABLES[8][usize::from(piece[7])]
                ^ TABLES[7][usize::from(piece[8])]
                ^ TABLES[6][usize::from(piece[9])]
                ^ TABLES[5][usize::from(piece[10])]
                ^ TABLES[4][usize::from(piece[11])]
                ^ TABLES[3][usize::from(piece[12])]
                ^ TABLES[2][usize::from(piece[13])]
                ^ TABLES[1][usize::from(piece[14])]
                ^ TABLES[0][usize::from(piece[15])];
        }
        for byte in rest {
            let [low, ..] = crc.to_le_bytes();
            crc = (crc >> 8) ^ TABLES[0][usize::from(byte ^ low)];
        }
        self.0 = crc;
    }

    /// The checksum of what was added.
    pub fn value(&self) -> u32 {
        !self.0
    }
}

/// How many bytes are looked up at a time.
const AT_ONCE: usize = 16;

/// `TABLES[n][byte]`: what `byte` makes of the checksum when `n` bytes follow it.
static TABLES: [[u32; 256]; AT_ONCE] = tables();

const fn tables() -> [[u32; 256]; AT_ONCE] {
    let mut tables = [[0; 256]; AT_ONCE];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut n = 1;
    while n < AT_ONCE {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[n - 1][byte];
            tables[n][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        n += 1;
    }
    tables
}
