//! Chapter 7, a worked run: how much waits in which buffer, call by call. `many` is 10,000 and more.
use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

fn main() -> io::Result<()> {
    let mut path = Path::new(65_536)?;
    println!("                            written  send buffer  receive buffer    read");
    path.write(3000)?;
    path.arrive()?;
    path.show("write 3000 bytes")?;
    path.write(500)?;
    path.arrive()?;
    path.show("write 500 bytes")?;
    path.read(3200)?;
    path.show("read, with room for 3200")?;
    path.read(3200)?;
    path.show("read, with room for 3200")?;
    while path.write(10_000)? > 0 {}
    path.show("write until it would block")?;
    while path.read(10_000)? > 0 || path.read < path.written {}
    path.show("read until nothing is there")?;
    println!(
        "read as much as was written: {}",
        if path.read == path.written {
            "yes"
        } else {
            "no"
        }
    );
    Ok(())
}

/// Both ends of a connection, and how much went in and came out.
struct Path {
    writer: Socket,
    reader: Socket,
    written: usize,
    read: usize,
}

impl Path {
    fn new(size: usize) -> io::Result<Path> {
        let listening = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listening.set_recv_buffer_size(size)?;
        listening.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        listening.listen(1)?;
        let writer = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        writer.set_send_buffer_size(size)?;
        writer.connect(&listening.local_addr()?)?;
        let (reader, _) = listening.accept()?;
        writer.set_nonblocking(true)?;
        reader.set_nonblocking(true)?;
        Ok(Path {
            writer,
            reader,
            written: 0,
            read: 0,
        })
    }

    /// How much one write of `n` bytes put in: 0 when there was no room.
    fn write(&mut self, n: usize) -> io::Result<usize> {
        let n = or_nothing(self.writer.write(&vec![b'x'; n]))?;
        self.written += n;
        Ok(n)
    }

    /// How much one read with room for `n` bytes brought: 0 when nothing was there.
    fn read(&mut self, n: usize) -> io::Result<usize> {
        let n = or_nothing(self.reader.read(&mut vec![0; n]))?;
        self.read += n;
        Ok(n)
    }

    /// Waits until all that was written is in the receive buffer.
    fn arrive(&self) -> io::Result<()> {
        while self.read + self.received()? < self.written {
            std::thread::yield_now();
        }
        Ok(())
    }

    /// What is in the receive buffer: a look that takes nothing out (MSG_PEEK).
    fn received(&self) -> io::Result<usize> {
        let mut room = vec![MaybeUninit::uninit(); 1 << 20];
        or_nothing(self.reader.peek(&mut room))
    }

    /// What is neither in the receive buffer nor read has not left the sender, or is on its way.
    fn show(&self, what: &str) -> io::Result<()> {
        let received = self.received()?;
        let waiting = self.written - self.read - received;
        println!(
            "{what:<28}{:>7} {:>12} {:>15} {:>7}",
            rough(self.written),
            rough(waiting),
            rough(received),
            rough(self.read)
        );
        Ok(())
    }
}

/// A number that is the same on every machine, or that it is large.
fn rough(n: usize) -> String {
    if n < 10_000 {
        n.to_string()
    } else {
        "many".into()
    }
}

fn or_nothing(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}
