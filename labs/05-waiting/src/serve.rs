//! Steps 4 to 6: an echo that lets no client wait for another.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::error;

/// Given: the echo of chapter 4. It returns when the client has ended its stream, and waits in recv,
/// or in send, for as long as the client likes.
pub fn echo(mut connected: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let n = connected.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        connected.write_all(&buffer[..n])?;
    }
}

/// Step 4. Accepts clients and echoes to all of them at the same time, as many as come, each in a
/// thread of its own. For ever: returns only what [`after_error`] returns as an error.
///
/// When a conversation is over, its connection is closed. An error of `echo` goes to standard error
/// and ends that conversation alone; so does a thread that cannot be started
/// ([`thread::Builder::spawn`] says so, [`thread::spawn`] panics). An error of accept is handed to
/// [`after_error`].
pub fn serve(listening: &TcpListener) -> io::Result<()> {
    todo!("accept for ever; each client in a thread of its own; an error of accept to after_error")
}

/// Step 5. What the server does when accept has failed: returns `Ok` when it shall go on accepting,
/// and the error when it shall end.
///
/// It goes on at once where the error is about one client ([`error::is_of_one_client`]). It goes on
/// where something has run out ([`error::is_shortage`]), but not at once: accept would fail again in the
/// next microsecond, and the next, until a client leaves. So it sleeps before it returns, some
/// milliseconds, a tenth of a second at most. The clients in the queue wait meanwhile. Any other error
/// ends the server.
pub fn after_error(error: io::Error) -> io::Result<()> {
    todo!("three kinds of error: of one client, of a shortage, and all others")
}

/// Step 6, bonus. As [`serve`], for at most `limit` clients at a time. A client that comes when all
/// places are taken waits, connected but not served, until one of the others has left, in whatever way
/// it left; then it gets that place.
pub fn serve_at_most(listening: &TcpListener, limit: usize) -> io::Result<()> {
    todo!("as serve, with at most limit clients at a time")
}
