//! Chapter 7: one thread plays both ends of a connection, and writes until there is no room.
use std::io::{self, ErrorKind, Read, Write};

use socket2::{Domain, Socket, Type};

// ANCHOR: main
fn main() -> io::Result<()> {
    let (mut writer, mut reader) = connection(4096)?;
    writer.set_nonblocking(true)?;
    let million = vec![b'x'; 1_000_000];

    let first = writer.write(&million);
    println!("the first write:   {}", in_words(&first));
    let second = write_until_it_would_block(&mut writer, &million)?;
    println!("some more, then:   it would have to wait");

    let taken = first? + second;
    let mut room = vec![0; taken];
    reader.read_exact(&mut room)?;
    println!("the reader reads:  as many bytes as were taken");

    let third = write_once_there_is_room(&mut writer, &million);
    println!("a write after it:  {}", in_words(&third));
    Ok(())
}
// ANCHOR_END: main

fn in_words(result: &io::Result<usize>) -> String {
    match result {
        Ok(1_000_000) => "took all of it".into(),
        Ok(0) => "took nothing".into(),
        Ok(_) => "took a part of it".into(),
        Err(error) => error.to_string(),
    }
}

/// Writes on, as long as something is taken; how much that was.
fn write_until_it_would_block(writer: &mut Socket, bytes: &[u8]) -> io::Result<usize> {
    let mut total = 0;
    loop {
        match writer.write(bytes) {
            Ok(n) => total += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(total),
            Err(error) => return Err(error),
        }
    }
}

/// The first write that need not wait: the reader's kernel may take a moment to report the room.
fn write_once_there_is_room(writer: &mut Socket, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match writer.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            other => return other,
        }
    }
}

/// The two ends of a connection whose buffers are asked to be of `size` bytes.
fn connection(size: usize) -> io::Result<(Socket, Socket)> {
    let listening = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listening.set_recv_buffer_size(size)?;
    listening.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listening.listen(1)?;
    let writer = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    writer.set_send_buffer_size(size)?;
    writer.connect(&listening.local_addr()?)?;
    let (reader, _) = listening.accept()?;
    Ok((writer, reader))
}
