//! Given: what the receiver says about itself, and one connection from its beginning to its end.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use crate::inbox::Inbox;
use crate::receive::receive;

/// Prints `received "NAME", SIZE bytes, crc32 CRC`.
pub fn received(name: &str, size: u64, crc: u32) {
    say(&format!("received {}", receipt(name, size, crc)));
}

/// Prints `error: …` on standard error.
pub fn failed(reason: &str) {
    eprintln!("error: {reason}");
}

/// `"NAME", SIZE bytes, crc32 CRC`.
pub fn receipt(name: &str, size: u64, crc: u32) -> String {
    format!("{name:?}, {size} bytes, crc32 {crc:08x}")
}

/// Prints a line. Nobody may be there to read it, and the files matter more.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Gives the connection its time limits, receives what comes, and says what went wrong, if something
/// did. Whether all went well.
pub fn handle(stream: &TcpStream, from: SocketAddr, inbox: &Inbox) -> bool {
    let limits = limit(stream, inbox.idle);
    match limits
        .map_err(Into::into)
        .and_then(|()| receive(stream, inbox))
    {
        Ok(()) => true,
        Err(fault) => {
            failed(&format!("from {from}: {fault}"));
            false
        }
    }
}

/// Lets no read and no write wait for longer than `idle`. And small messages go out at once: each of
/// them is waited for (chapter 8).
pub fn limit(stream: &TcpStream, idle: std::time::Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(idle))?;
    stream.set_write_timeout(Some(idle))
}
