//! The format of a datagram: what both ends agree on.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]

/// How many bytes of the file one datagram carries at most. Every block but the last is so long.
pub const BLOCK: usize = 1024;

/// How many bytes stand before the block.
pub const HEADER: usize = 13;

/// What a datagram is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A block of the file: 1.
    Data,
    /// The receiver has the block, or the end, of this number: 2.
    Ack,
    /// There are no more blocks than this number says: 3.
    Fin,
}

/// One datagram of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// What it is for.
    pub kind: Kind,
    /// Which transfer it belongs to: chosen by the sender at its start.
    pub transfer: u32,
    /// The number of the block, from 0. The FIN's is the number of blocks.
    pub number: u32,
    /// The block: 1 to [`BLOCK`] bytes in DATA, none in ACK and FIN.
    pub block: Vec<u8>,
}

impl Datagram {
    /// Step 1. The datagram as bytes, all numbers most significant byte first:
    ///
    /// | bytes | hold |
    /// |---|---|
    /// | 0 to 3 | the CRC-32 of everything behind them |
    /// | 4 | the kind: 1 DATA, 2 ACK, 3 FIN |
    /// | 5 to 8 | the transfer |
    /// | 9 to 12 | the number |
    /// | from 13 on | the block |
    pub fn encode(&self) -> Vec<u8> {
        todo!("the datagram as bytes")
    }

    /// Step 1. The datagram in `bytes`; none where they are no datagram of ours: shorter than
    /// [`HEADER`], a wrong checksum, an unknown kind, or a block of a length that its kind cannot have.
    pub fn decode(bytes: &[u8]) -> Option<Datagram> {
        todo!("the datagram in bytes, if it is one")
    }
}
