//! Given: what an error of accept is about.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::io::{self, ErrorKind};

/// A client is gone before accept handed it over. Linux reports this later, in recv.
pub fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// Something has run out that other programs, or our own clients, may give back: descriptors of this
/// process (EMFILE) or of the whole system (ENFILE), or memory for sockets (ENOBUFS, ENOMEM).
///
/// The standard library has no name for these, so they are told by their numbers.
pub fn is_shortage(error: &io::Error) -> bool {
    const EMFILE: i32 = if cfg!(windows) { 10_024 } else { 24 };
    const ENFILE: i32 = 23;
    const ENOMEM: i32 = 12;
    const ENOBUFS: i32 = match () {
        () if cfg!(windows) => 10_055,
        () if cfg!(any(target_os = "linux", target_os = "android")) => 105,
        () => 55,
    };
    error
        .raw_os_error()
        .is_some_and(|number| [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(&number))
}
