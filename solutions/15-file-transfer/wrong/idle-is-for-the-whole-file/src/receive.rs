//! The receiver's half of the conversation.
use std::net::TcpStream;

use crate::fault::Fault;
use crate::inbox::Inbox;
// only:
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::message::{self, Message, read_message};
use crate::name;
use crate::part::Part;
use crate::report;
// end

/// Step 5. Receives all files that one sender offers, one after the other, until its stream ends between
/// two of them.
///
/// 1. An OFFER. Its name is checked, then its size against `inbox.max`, then whether the name is free.
///    Then a [`Part`](crate::part::Part) is made: HAVE promises that there is a place for the content.
/// 2. HAVE, with the offset 0 and the CRC-32 of nothing, which is 0.
/// 3. DATA, with the offset 0; the content, as many bytes as were offered, into the part, a piece at a
///    time; four bytes of CRC-32. It is compared: [`Fault::Checksum`].
/// 4. The part becomes the file. Then [`report::received`](crate::report::received), then DONE with the
///    size and the CRC-32 that were computed here.
///
/// Any other message is [`Fault::Unexpected`], another offset in DATA [`Fault::Offset`], the end of the
/// stream within the content [`Fault::CutContent`], elsewhere [`Fault::Cut`].
///
/// Whatever goes wrong before the file has its name, nothing is left of it. The sender is told in a NO,
/// with the words of the fault, and the fault is returned. The connection is over then: the sending half
/// is ended, and what the sender still has on its way is read for about a second and no longer, since a
/// close with unread bytes is a reset, and may destroy the NO.
///
/// Step 6. With `inbox.keep` the part stays after every fault but a wrong checksum; one without a byte
/// may go. The next OFFER of that name continues it: HAVE says how many bytes are there, and their
/// CRC-32. DATA with that offset goes on behind them, DATA with 0 begins anew, DATA with any other is
/// [`Fault::Offset`]. A part that is longer than the offer is begun anew without a question.
///
/// While a name is being received, another OFFER of it is [`Fault::Busy`]; see `inbox.busy`.
pub fn receive(stream: &TcpStream, inbox: &Inbox) -> Result<(), Fault> {
    // write: "file after file, and a NO when something goes wrong"
    let result = receive_all(stream, inbox);
    if let Err(fault) = &result {
        refuse(stream, fault);
    }
    result
    // end
}

// only:

/// File after file. All errors come out here, so that there is one place that tells the sender.
fn receive_all(mut stream: &TcpStream, inbox: &Inbox) -> Result<(), Fault> {
    // The stream may end here, between two files, and nowhere else.
    while let Some(message) = read_message(&mut stream)? {
        let Message::Offer { size, name } = message else {
            return Err(message.unexpected("OFFER"));
        };
        // In the order of what it costs: the name and the size are only looked at.
        let name = name::check(&name)?;
        if size > inbox.max {
            return Err(Fault::TooLarge {
                size,
                max: inbox.max,
            });
        }
        let _busy = Busy::claim(inbox, name)?;
        let mut part = if inbox.keep {
            Part::resume(&inbox.dir, name)?
        } else {
            Part::create(&inbox.dir, name)?
        };
        // From here on, whichever `?` returns, the part is dropped, and is gone.
        receive_content(stream, &mut part, size)?;
        let crc = part.crc.value();
        part.complete()?;
        // First the file, then the word: DONE promises something that is already true.
        report::received(name, size, crc);
        stream.write_all(&Message::Done { size, crc }.encode())?;
    }
    Ok(())
}

/// From HAVE to the checksum, which must be that of the part.
fn receive_content(mut stream: &TcpStream, part: &mut Part, size: u64) -> Result<(), Fault> {
    if part.size > size {
        part.restart()?;
    }
    let have = Message::Have {
        offset: part.size,
        crc: part.crc.value(),
    };
    stream.write_all(&have.encode())?;
    match read_message(&mut stream)?.ok_or(Fault::Cut)? {
        Message::Data { offset } if offset == part.size => {}
        Message::Data { offset: 0 } => part.restart()?,
        Message::Data { offset } => return Err(Fault::Offset(offset)),
        other => return Err(other.unexpected("DATA")),
    }

    // Never more than what is missing: the byte behind the content belongs to the checksum.
    let mut room = vec![0; 256 << 10];
    let idle = stream.read_timeout()?.unwrap_or(Duration::MAX);
    let began = Instant::now();
    while part.size < size {
        if began.elapsed() > idle {
            return Err(Fault::Silent);
        }
        let left = usize::try_from(size - part.size).unwrap_or(usize::MAX);
        let most = left.min(room.len());
        match stream.read(&mut room[..most]) {
            Ok(0) => {
                return Err(Fault::CutContent {
                    got: part.size,
                    size,
                });
            }
            Ok(n) => part.append(&room[..n])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut announced = [0; 4];
    stream.read_exact(&mut announced)?;
    let (announced, computed) = (u32::from_be_bytes(announced), part.crc.value());
    if announced != computed {
        // Nobody can tell which bytes are the wrong ones: there is nothing to resume.
        part.keep = false;
        return Err(Fault::Checksum {
            announced,
            computed,
        });
    }
    Ok(())
}

/// Tells the sender why, and ends the connection so that it can hear it.
fn refuse(mut stream: &TcpStream, fault: &Fault) {
    /// How much of what is still coming is read, and for how long, before the connection is closed
    /// all the same: a sender must not be able to keep us here.
    const BYTES: usize = 64 << 20;
    const TIME: Duration = Duration::from_secs(1);

    let mut reason = fault.to_string();
    reason.truncate(reason.floor_char_boundary(message::MAX - 1));
    // The sender may be gone, and then there is nobody to tell. What went wrong is returned anyway.
    let _ = stream.write_all(&Message::No { reason }.encode());
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(TIME));
    let until = Instant::now() + TIME;
    let mut room = vec![0; 64 << 10];
    let mut drained = 0;
    while drained < BYTES && Instant::now() < until {
        match stream.read(&mut room) {
            Ok(n) if n > 0 => drained += n,
            _ => return,
        }
    }
}

/// A name that is being received, until the value is dropped.
struct Busy<'i> {
    inbox: &'i Inbox,
    name: String,
}

impl<'i> Busy<'i> {
    fn claim(inbox: &'i Inbox, name: &str) -> Result<Busy<'i>, Fault> {
        // To look and to enter is one step, under one lock.
        let mut names = inbox.busy.lock().unwrap_or_else(|lock| lock.into_inner());
        if !names.insert(name.into()) {
            return Err(Fault::Busy);
        }
        Ok(Busy {
            inbox,
            name: name.into(),
        })
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut names = self
            .inbox
            .busy
            .lock()
            .unwrap_or_else(|lock| lock.into_inner());
        names.remove(&self.name);
    }
}
// end
