//! Given: the number by which the kernel knows a socket of this process.
#![allow(dead_code, reason = "some of it waits for your functions")]
use socket2::Socket;

/// A file descriptor: a number that is not negative.
#[cfg(unix)]
pub type Fileno = std::os::fd::RawFd;

/// What Windows has in its place: a handle, and no small number.
#[cfg(windows)]
pub type Fileno = std::os::windows::io::RawSocket;

/// The number of `socket` (Python's `fileno()`).
#[cfg(unix)]
pub fn of(socket: &Socket) -> Fileno {
    std::os::fd::AsRawFd::as_raw_fd(socket)
}

/// The number of `socket` (Python's `fileno()`).
#[cfg(windows)]
pub fn of(socket: &Socket) -> Fileno {
    std::os::windows::io::AsRawSocket::as_raw_socket(socket)
}
