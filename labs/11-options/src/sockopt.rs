//! Reading and setting an option.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;

use socket2::Socket;

use crate::setting::{Name, Setting};

/// Step 2. The value that the option has now (getsockopt).
pub fn get(socket: &Socket, name: Name) -> io::Result<Setting> {
    todo!("the option's value, asked of the kernel")
}

/// Step 2. Sets the option (setsockopt), and returns what the kernel has made of it: the value that
/// [`get`] finds afterwards, which need not be the one that was asked for.
///
/// Two values are refused with [`InvalidInput`](io::ErrorKind::InvalidInput), and nothing is set,
/// because setsockopt would take them for something else and say nothing:
/// - a linger time that is not in whole seconds, since the rest would be cut off: half a second would
///   be none;
/// - a receive timeout of zero, since zero stands for "wait for ever" there, which is `None` here.
///
/// A linger time of zero is no such value. It has a meaning of its own: close sends a reset.
pub fn set(socket: &Socket, setting: Setting) -> io::Result<Setting> {
    todo!("set it, and return what the option is now")
}
