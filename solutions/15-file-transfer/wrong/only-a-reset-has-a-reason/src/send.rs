//! The sender's half of the conversation.
use std::fs::File;
use std::net::TcpStream;

use crate::fault::Fault;
use crate::progress::Progress;
// only:
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};

use crate::crc::Crc;
use crate::message::{Message, read_message};
// end

/// Step 3. Sends one file, and returns its CRC-32 when the receiver has confirmed it, and not before.
///
/// 1. OFFER, with `size` and `name` as they are.
/// 2. Waits for the answer. HAVE: go on. NO: [`Fault::Refused`].
/// 3. DATA, with the offset 0; the content, exactly `size` bytes, a piece at a time; the CRC-32 of these.
///    `progress` hears of each piece. A `file` that has fewer bytes by now is [`Fault::Shrunk`]: no
///    checksum is sent. One that has more is sent as it was offered.
/// 4. Waits for the answer. DONE with this size and this CRC-32: success. DONE with others:
///    [`Fault::Confirmed`]. NO: [`Fault::Refused`].
///
/// Any other message is [`Fault::Unexpected`], and the end of the stream, where an answer is due,
/// [`Fault::Cut`]. A receiver may say NO at any time, also in the middle of the content: a write that
/// fails is the reason to look whether it has.
///
/// Step 6. When HAVE says that the receiver has the first n bytes, and they are the first n bytes of
/// `file`, DATA has the offset n, and the content begins there. Otherwise the offset is 0. The checksum
/// is that of the whole file in both cases.
///
/// `stream` stays open: another file may follow.
pub fn send(
    stream: &TcpStream,
    name: &[u8],
    file: &mut File,
    size: u64,
    progress: &mut Progress,
) -> Result<u32, Fault> {
    // write: "the offer, the content, the checksum, and the two answers"
    let offer = Message::Offer {
        size,
        name: name.to_vec(),
    };
    write(stream, &offer.encode())?;
    // Nothing of the content goes out before somebody wants it.
    let (has, its_crc) = match answer(stream)? {
        Message::Have { offset, crc } => (offset, crc),
        other => return Err(other.unexpected("HAVE")),
    };

    let mut crc = Crc::new();
    let mut offset = 0;
    if has > 0 && has <= size {
        // The receiver's bytes may be those of an older file under this name. Its checksum tells.
        add_first(file, has, &mut crc)?;
        if crc.value() == its_crc {
            offset = has;
        } else {
            crc = Crc::new();
            file.seek(SeekFrom::Start(0)).map_err(Fault::Disk)?;
        }
    }
    write(stream, &Message::Data { offset }.encode())?;
    progress.at(offset);

    // One piece in memory at a time, however long the file is. Not past `size`, either: what was
    // offered is what is sent, though somebody may be writing to the file.
    let mut room = vec![0; 256 << 10];
    let mut sent = offset;
    while sent < size {
        let n = read_piece(file, &mut room, size - sent)?;
        if n == 0 {
            return Err(Fault::Shrunk { got: sent, size });
        }
        write(stream, &room[..n])?;
        crc.add(&room[..n]);
        sent += n as u64;
        progress.at(sent);
    }
    write(stream, &crc.value().to_be_bytes())?;

    // Until here the kernel has taken everything, and no more than that is known. Now the program at
    // the other end has its say.
    match answer(stream)? {
        Message::Done {
            size: its_size,
            crc: its_crc,
        } => {
            if (its_size, its_crc) != (size, crc.value()) {
                return Err(Fault::Confirmed {
                    size: its_size,
                    crc: its_crc,
                });
            }
            Ok(its_crc)
        }
        other => Err(other.unexpected("DONE")),
    }
    // end
}

// only:

/// Writes all of `bytes`; where that fails, the receiver's reason if it has given one.
fn write(mut stream: &TcpStream, bytes: &[u8]) -> Result<(), Fault> {
    let Err(error) = stream.write_all(bytes) else {
        return Ok(());
    };
    // It has closed, and its last words may still lie in our receive buffer (chapter 6).
    if error.kind() != ErrorKind::ConnectionReset {
        return Err(error.into());
    }
    match read_message(&mut stream) {
        Ok(Some(Message::No { reason })) => Err(Fault::Refused(reason)),
        _ => Err(error.into()),
    }
}

/// The receiver's next message. NO is an error like any other.
fn answer(mut stream: &TcpStream) -> Result<Message, Fault> {
    match read_message(&mut stream)? {
        Some(Message::No { reason }) => Err(Fault::Refused(reason)),
        Some(message) => Ok(message),
        None => Err(Fault::Cut),
    }
}

/// The next piece of the file, of at most `left` bytes; 0 at its end.
fn read_piece(file: &mut File, room: &mut [u8], left: u64) -> Result<usize, Fault> {
    let most = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
    loop {
        match file.read(&mut room[..most]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read.map_err(Fault::Disk),
        }
    }
}

/// Adds the first `n` bytes of the file to `crc`, as many of them as there are.
fn add_first(file: &mut File, n: u64, crc: &mut Crc) -> Result<(), Fault> {
    let mut room = vec![0; 256 << 10];
    let mut left = n;
    while left > 0 {
        match read_piece(file, &mut room, left)? {
            0 => break,
            n => {
                crc.add(&room[..n]);
                left -= n as u64;
            }
        }
    }
    Ok(())
}
// end
