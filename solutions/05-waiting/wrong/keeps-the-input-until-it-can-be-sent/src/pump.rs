//! Step 3: both directions at the same time.
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

/// Step 3. Sends all of `input` on `connected`, as it comes, and ends our half of the connection after
/// it. Meanwhile writes all that arrives to `output`, each piece as soon as it has come (flush).
///
/// `input` may be larger than everything that both ends can hold, the answer may come early, late or
/// in pieces of any size, and in memory there is never more than a few buffers of either.
///
/// Returns when the server has ended its stream, even if `input` has not come to its end by then. An
/// error while receiving is returned. One while sending only ends the sending: the server is gone, and
/// receiving says how.
pub fn pump(
    connected: TcpStream,
    input: impl Read + Send + 'static,
    output: &mut impl Write,
) -> io::Result<()> {
    // write: "sending and receiving, neither of which ever has to wait for the other"
    // Two calls that both may wait need two threads. Both handles are of one socket: the clone is a
    // second descriptor, not a second connection.
    let sending = connected.try_clone()?;
    // Not joined, and not scoped either. It may wait for standard input until the end of time, and no
    // call wakes it from there; when the server has ended, that must not keep us.
    thread::spawn(move || send(input, &sending));
    receive(&connected, output)
    // end
}

// only:
/// Sends until `input` is at its end or the connection is gone, then says so to the server.
fn send(mut input: impl Read + Send + 'static, mut connected: &TcpStream) {
    let (tx, rx) = std::sync::mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        let mut b = [0; 4096];
        while let Ok(n @ 1..) = input.read(&mut b) {
            if tx.send(b[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    for buffer in rx {
        let n = buffer.len();
        // Waits while the buffers are full. The other thread makes room: what it takes out of our
        // receive buffer lets the server send again, and then receive again.
        if connected.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = connected.shutdown(Shutdown::Write);
}

fn receive(mut connected: &TcpStream, output: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let n = connected.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        output.write_all(&buffer[..n])?;
        output.flush()?;
    }
}
// end
