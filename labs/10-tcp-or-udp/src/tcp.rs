//! The same transfer over TCP, where the kernels do nearly all of it.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::partial::Partial;

/// Step 4. Connects to `to`, sends how many bytes the file has, as eight bytes, most significant
/// first, and then the bytes.
///
/// Returns Ok when the receiver has answered with the same eight bytes. When it ends or breaks off
/// without them, or answers something else, the transfer has failed, with an error of any kind.
pub fn send(to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    todo!("the length and the file out, the answer in")
}

/// Step 4. Accepts one sender, reads the length and then so many bytes into `file`, completes the
/// file, and answers with the length, as it came.
///
/// However large the file is, it takes no more memory than a piece of it. A stream that ends before
/// all is there is an error: [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof).
pub fn receive(listener: &TcpListener, file: &mut Partial) -> io::Result<()> {
    todo!("the length and so many bytes in, the answer out")
}
