//! Compressed bodies: gzip (RFC 1952) around DEFLATE (RFC 1951).
use std::io::{BufRead, Write};

use crate::bits::{Bits, Crc, DISTANCES, LENGTHS, ORDER, WINDOW};
use crate::fault::Fault;

/// Step 6, a bonus. Decompresses what `reader` holds to `out`, and says how many bytes came out.
///
/// The data is one or more members (RFC 1952 §2.2), and nothing behind them; no data at all is a
/// fault. Each has a header, DEFLATE blocks, and in the end a checksum and the length, which must
/// both be right. No more than the last [`WINDOW`] bytes of what came out are kept.
///
/// Errors: [`Fault::Gzip`] for whatever cannot be decompressed; [`Fault::Cut`] when it ends too early.
pub fn decode(reader: &mut dyn BufRead, out: &mut dyn Write) -> Result<u64, Fault> {
    // write: "members, each with header, blocks and trailer"
    let mut bits = Bits::new(reader);
    let mut total = 0;
    loop {
        header(&mut bits)?;
        let mut output = Output::new(out);
        blocks(&mut bits, &mut output)?;
        output.flush()?;
        let mut trailer = [0; 8];
        for byte in &mut trailer {
            *byte = bits.byte()?;
        }
        let expected = [
            output.crc.value().to_le_bytes(),
            (output.total as u32).to_le_bytes(),
        ];
        if trailer != *expected.as_flattened() {
            return Err(Fault::Gzip("its checksum or its length is not right"));
        }
        total += output.total;
        if bits.is_at_end()? {
            return Ok(total);
        }
    }
    // end
}

// only:

/// The header of a member (RFC 1952 §2.3): ten bytes, and then what its flags announce.
fn header(bits: &mut Bits<'_>) -> Result<(), Fault> {
    let mut fixed = [0; 10];
    for byte in &mut fixed {
        *byte = bits.byte()?;
    }
    if !fixed.starts_with(&[0x1f, 0x8b, 8]) {
        return Err(Fault::Gzip("it does not begin like gzip"));
    }
    let flags = fixed[3];
    if flags & 0b1110_0000 != 0 {
        return Err(Fault::Gzip("a flag is set that has no meaning"));
    }
    if flags & 4 != 0 {
        let length = u16::from_le_bytes([bits.byte()?, bits.byte()?]);
        for _ in 0..length {
            bits.byte()?;
        }
    }
    // A name, and a comment: each ends with a zero byte.
    for flag in [8, 16] {
        while flags & flag != 0 && bits.byte()? != 0 {}
    }
    if flags & 2 != 0 {
        bits.byte()?;
        bits.byte()?;
    }
    Ok(())
}

/// The blocks of a member, up to the one that says that it is the last (RFC 1951 §3.2.3).
fn blocks(bits: &mut Bits<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    loop {
        let is_last = bits.bit()? == 1;
        match bits.number(2)? {
            0 => stored(bits, output)?,
            1 => {
                let mut lengths = [8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                compressed(bits, output, &Code::new(&lengths)?, &Code::new(&[5; 30])?)?;
            }
            2 => {
                let (literals, distances) = codes(bits)?;
                compressed(bits, output, &literals, &distances)?;
            }
            _ => return Err(Fault::Gzip("a block of a kind that does not exist")),
        }
        if is_last {
            return Ok(());
        }
    }
}

/// A block that is not compressed: its length, the same with all bits inverted, and the bytes.
fn stored(bits: &mut Bits<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    let length = u16::from_le_bytes([bits.byte()?, bits.byte()?]);
    bits.byte()?;
    bits.byte()?;
    for _ in 0..length {
        output.push(bits.byte()?)?;
    }
    Ok(())
}

/// The two codes that a block brings along, themselves in a code (RFC 1951 §3.2.7).
fn codes(bits: &mut Bits<'_>) -> Result<(Code, Code), Fault> {
    let literals = usize::from(bits.number(5)?) + 257;
    let distances = usize::from(bits.number(5)?) + 1;
    let count = usize::from(bits.number(4)?) + 4;
    let mut lengths = [0; 19];
    for at in &ORDER[..count] {
        lengths[*at] = bits.number(3)? as u8;
    }
    let code = Code::new(&lengths)?;
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match code.symbol(bits)? {
            16 => {
                let last = lengths.last().copied();
                let last = last.ok_or(Fault::Gzip("a length is repeated before there is one"))?;
                (last, bits.number(2)? + 3)
            }
            17 => (0, bits.number(3)? + 3),
            18 => (0, bits.number(7)? + 11),
            length => (length as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(length, usize::from(times)));
    }
    // A repetition may go on from the one code into the other, and not beyond both.
    if lengths.len() != literals + distances {
        return Err(Fault::Gzip("it has too many lengths of a code"));
    }
    let (first, second) = lengths.split_at(literals);
    Ok((Code::new(first)?, Code::new(second)?))
}

/// A block of literal bytes and of copies from what came out before (RFC 1951 §3.2.5).
fn compressed(
    bits: &mut Bits<'_>,
    output: &mut Output<'_>,
    literals: &Code,
    distances: &Code,
) -> Result<(), Fault> {
    let unknown = Fault::Gzip("a symbol that does not exist");
    loop {
        let symbol = literals.symbol(bits)?;
        if symbol < 256 {
            output.push(symbol as u8)?;
            continue;
        }
        if symbol == 256 {
            return Ok(());
        }
        let Some((length, extra)) = LENGTHS.get(usize::from(symbol) - 257) else {
            return Err(unknown);
        };
        let length = length + bits.number(*extra)?;
        let symbol = distances.symbol(bits)?;
        let Some((distance, extra)) = DISTANCES.get(usize::from(symbol)) else {
            return Err(unknown);
        };
        let distance = distance + bits.number(*extra)?;
        output.copy(usize::from(length), usize::from(distance))?;
    }
}

/// A Huffman code, of which only the lengths of its words are sent (RFC 1951 §3.2.2).
struct Code {
    /// How many words have 1 bit, 2 bits, and so on.
    counts: [u16; 15],
    /// The symbols in the order of their words: the shorter words first.
    symbols: Vec<u16>,
}

impl Code {
    /// The code in which the word of symbol n has `lengths[n]` bits; 0 for a symbol without a word.
    fn new(lengths: &[u8]) -> Result<Code, Fault> {
        let mut counts = [0; 15];
        let mut symbols = Vec::new();
        for bits in 1..=15_u8 {
            let of_this_length = (0..).zip(lengths).filter(|(_, length)| **length == bits);
            let before = symbols.len();
            symbols.extend(of_this_length.map(|(symbol, _)| symbol));
            counts[usize::from(bits) - 1] = (symbols.len() - before) as u16;
        }
        // Words of one bit are worth half of all that can be said, of two bits a quarter: together
        // they must not be worth more than all.
        let worth: u32 = (1..)
            .zip(counts)
            .map(|(bits, n)| u32::from(n) << (15 - bits))
            .sum();
        if worth > 1 << 15 {
            return Err(Fault::Gzip("a code that cannot be"));
        }
        Ok(Code { counts, symbols })
    }

    /// The symbol whose word comes next.
    fn symbol(&self, bits: &mut Bits<'_>) -> Result<u16, Fault> {
        // The words of one length are consecutive numbers, and follow on those that are shorter.
        let (mut word, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for count in self.counts {
            word = word << 1 | u32::from(bits.bit()?);
            first <<= 1;
            let count = u32::from(count);
            if word - first < count {
                return Ok(self.symbols[(index + word - first) as usize]);
            }
            first += count;
            index += count;
        }
        Err(Fault::Gzip("a word that no symbol has"))
    }
}

/// What comes out, and the part of it that a copy may reach.
struct Output<'a> {
    out: &'a mut dyn Write,
    /// The last bytes that came out: byte number n is at n modulo [`WINDOW`].
    window: Box<[u8]>,
    total: u64,
    crc: Crc,
}

impl<'a> Output<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Output {
            out,
            window: vec![0; WINDOW].into(),
            total: 0,
            crc: Crc::new(),
        }
    }

    fn push(&mut self, byte: u8) -> Result<(), Fault> {
        let at = (self.total % WINDOW as u64) as usize;
        self.window[at] = byte;
        self.total += 1;
        self.crc.add(byte);
        if at + 1 == WINDOW {
            self.out.write_all(&self.window)?;
        }
        Ok(())
    }

    /// Writes what the window holds since it was last full.
    fn flush(&mut self) -> Result<(), Fault> {
        let rest = (self.total % WINDOW as u64) as usize;
        Ok(self.out.write_all(&self.window[..rest])?)
    }

    /// Byte by byte: a copy may reach into what it writes itself. A distance of 1 repeats one byte.
    fn copy(&mut self, length: usize, distance: usize) -> Result<(), Fault> {
        if distance as u64 > self.total {
            return Err(Fault::Gzip("a copy from before the beginning"));
        }
        for _ in 0..length {
            let from = (self.total - distance as u64) % WINDOW as u64;
            self.push(self.window[from as usize])?;
        }
        Ok(())
    }
}
// end
