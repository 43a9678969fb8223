//! Chapter 7: the same bytes in many writes and in few.
use std::io::{self, BufWriter, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const BYTES: usize = 200_000;

// ANCHOR: main
fn main() -> io::Result<()> {
    let (calls, singly) = timed(|stream| {
        let mut counted = Counted::new(stream);
        for _ in 0..BYTES {
            counted.write_all(b"x")?;
        }
        Ok(counted.calls)
    })?;
    println!("byte by byte:        {calls:>6} writes");

    let (calls, gathered) = timed(|stream| {
        let counted = Counted::new(stream);
        let mut buffered = BufWriter::with_capacity(8192, counted);
        for _ in 0..BYTES {
            buffered.write_all(b"x")?;
        }
        buffered.flush()?;
        Ok(buffered.get_ref().calls)
    })?;
    println!("through BufWriter:   {calls:>6} writes");
    let faster = if singly > 5 * gathered { "yes" } else { "no" };
    println!("the second is at least 5 times as fast: {faster}");
    Ok(())
}
// ANCHOR_END: main

/// Counts the calls of `write` that go through it.
struct Counted<W> {
    inner: W,
    calls: u32,
}

impl<W: Write> Counted<W> {
    fn new(inner: W) -> Self {
        Counted { inner, calls: 0 }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Runs `send` on a connection whose other end reads all the time.
fn timed<T>(send: impl FnOnce(&TcpStream) -> io::Result<T>) -> io::Result<(T, Duration)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stream = TcpStream::connect(listener.local_addr()?)?;
    let (mut reader, _) = listener.accept()?;
    let reading = thread::spawn(move || io::copy(&mut reader, &mut io::sink()));
    let began = Instant::now();
    let result = send(&stream)?;
    let took = began.elapsed();
    drop(stream);
    let _ = reading.join();
    Ok((result, took))
}
