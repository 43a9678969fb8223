//! The same transfer over TCP, where the kernels do nearly all of it.
use std::io;
use std::net::{SocketAddr, TcpListener};
// only:
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
// end

use crate::partial::Partial;

/// Step 4. Connects to `to`, sends how many bytes the file has, as eight bytes, most significant
/// first, and then the bytes.
///
/// Returns Ok when the receiver has answered with the same eight bytes. When it ends or breaks off
/// without them, or answers something else, the transfer has failed, with an error of any kind.
pub fn send(to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    // write: "the length and the file out, the answer in"
    let mut stream = TcpStream::connect(to)?;
    let length = (bytes.len() as u64).to_be_bytes();
    stream.write_all(&length)?;
    stream.write_all(bytes)?;
    // Not needed for the length's sake: it tells a receiver that waits for more that there is none.
    stream.shutdown(Shutdown::Write)?;
    // All of it is in our kernel, and no more is known. What the receiver's program says is the proof.
    let mut answer = [0; 8];
    stream.read_exact(&mut answer)?;
    if u64::from_be_bytes(answer) < u64::from_be_bytes(length) {
        return Err(ErrorKind::InvalidData.into());
    }
    Ok(())
    // end
}

/// Step 4. Accepts one sender, reads the length and then so many bytes into `file`, completes the
/// file, and answers with the length, as it came.
///
/// However large the file is, it takes no more memory than a piece of it. A stream that ends before
/// all is there is an error: [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof).
pub fn receive(listener: &TcpListener, file: &mut Partial) -> io::Result<()> {
    // write: "the length and so many bytes in, the answer out"
    let (mut stream, _) = listener.accept()?;
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    let mut missing = u64::from_be_bytes(length);
    let mut room = vec![0; 16 << 10];
    while missing > 0 {
        // No more than is missing: what follows is not the file's.
        let most = missing.min(room.len() as u64) as usize;
        let n = match stream.read(&mut room[..most]) {
            // The connection has ended in order, and the file has not.
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        file.append(&room[..n])?;
        missing -= n as u64;
    }
    // The answer comes after the name: whoever reads it deletes their own copy, perhaps.
    file.complete()?;
    stream.write_all(&length)
    // end
}
