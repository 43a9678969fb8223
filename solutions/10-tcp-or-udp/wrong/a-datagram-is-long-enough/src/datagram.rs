//! The format of a datagram: what both ends agree on.
// only:
use crate::crc::crc32;
// end

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
        // write: "the datagram as bytes"
        let mut rest = vec![match self.kind {
            Kind::Data => 1,
            Kind::Ack => 2,
            Kind::Fin => 3,
        }];
        rest.extend(self.transfer.to_be_bytes());
        rest.extend(self.number.to_be_bytes());
        rest.extend(&self.block);
        let mut bytes = crc32(&rest).to_be_bytes().to_vec();
        bytes.extend(rest);
        bytes
        // end
    }

    /// Step 1. The datagram in `bytes`; none where they are no datagram of ours: shorter than
    /// [`HEADER`], a wrong checksum, an unknown kind, or a block of a length that its kind cannot have.
    pub fn decode(bytes: &[u8]) -> Option<Datagram> {
        // write: "the datagram in bytes, if it is one"
        // The length first: everything else is read at fixed places.
        if bytes.is_empty() {
            return None;
        }
        let (sum, rest) = bytes.split_at(4);
        if sum != crc32(rest).to_be_bytes() {
            return None;
        }
        let kind = match rest[0] {
            1 => Kind::Data,
            2 => Kind::Ack,
            3 => Kind::Fin,
            _ => return None,
        };
        let number_at = |at: usize| {
            let four = rest[at..].first_chunk()?;
            Some(u32::from_be_bytes(*four))
        };
        let block = bytes[HEADER..].to_vec();
        let possible = match kind {
            Kind::Data => (1..=BLOCK).contains(&block.len()),
            Kind::Ack | Kind::Fin => block.is_empty(),
        };
        possible.then_some(Datagram {
            kind,
            transfer: number_at(1)?,
            number: number_at(5)?,
            block,
        })
        // end
    }
}
