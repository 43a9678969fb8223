//! Given: what can go wrong, in words. A receiver sends them to the sender, in a NO.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::fmt;
use std::io::{self, ErrorKind};

/// Why a file was not sent, or not received.
#[derive(Debug)]
pub enum Fault {
    /// A message of more bytes than one may have, or of none, is announced.
    Length(u32),
    /// The bytes of a message are none of this protocol.
    Malformed,
    /// The stream ended within a message, or where another one had to come.
    Cut,
    /// The stream ended within the content of a file.
    CutContent {
        /// How many bytes of it had come.
        got: u64,
        /// How many it has.
        size: u64,
    },
    /// The other end neither sent nor took anything for longer than `--idle`.
    Silent,
    /// Another message was due.
    Unexpected {
        /// Its kind.
        due: &'static str,
        /// The kind of the one that came.
        came: &'static str,
    },
    /// DATA that begins where it may not.
    Offset(u64),
    /// The name may not be used.
    Name(BadName),
    /// More bytes than the receiver takes.
    TooLarge {
        /// How many are offered.
        size: u64,
        /// How many are allowed.
        max: u64,
    },
    /// There is a file of this name.
    Exists,
    /// Another sender is sending a file of this name at this moment.
    Busy,
    /// The content is not what was sent.
    Checksum {
        /// What the sender computed.
        announced: u32,
        /// What the receiver computed.
        computed: u32,
    },
    /// The file that is being sent has fewer bytes than were offered.
    Shrunk {
        /// How many it has.
        got: u64,
        /// How many were offered.
        size: u64,
    },
    /// The receiver has said NO, and this is why.
    Refused(String),
    /// The receiver has confirmed something else than what was sent.
    Confirmed {
        /// How many bytes it says it has.
        size: u64,
        /// What their checksum is.
        crc: u32,
    },
    /// A file or folder of this computer.
    Disk(io::Error),
    /// The connection.
    Network(io::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Length(length) => write!(
                f,
                "a message of {length} bytes is announced, and 1 to {} are allowed",
                crate::message::MAX
            ),
            Fault::Malformed => write!(f, "that is no message of this protocol"),
            Fault::Cut => write!(f, "the stream ended too early"),
            Fault::CutContent { got, size } => {
                write!(f, "the stream ended after {got} of {size} bytes")
            }
            Fault::Silent => write!(f, "the other end kept still for too long"),
            Fault::Unexpected { due, came } => write!(f, "{due} was due, and {came} came"),
            Fault::Offset(offset) => {
                write!(f, "DATA begins at {offset}, and nobody asked for that")
            }
            Fault::Name(bad) => write!(f, "{bad}"),
            Fault::TooLarge { size, max } => {
                write!(f, "{size} bytes are too many, at most {max} are allowed")
            }
            Fault::Exists => write!(f, "there is a file of this name"),
            Fault::Busy => write!(f, "a file of this name is being received"),
            Fault::Checksum {
                announced,
                computed,
            } => write!(
                f,
                "the checksum is wrong: {announced:08x} was announced, {computed:08x} came"
            ),
            Fault::Shrunk { got, size } => {
                write!(f, "the file has only {got} of the {size} bytes offered")
            }
            // What a stranger has written is shown so that it cannot command the terminal.
            Fault::Refused(reason) => write!(f, "the receiver said no: {}", reason.escape_debug()),
            Fault::Confirmed { size, crc } => write!(
                f,
                "the receiver confirmed another file: {size} bytes, crc32 {crc:08x}"
            ),
            Fault::Disk(error) => write!(f, "the file system said no: {error}"),
            Fault::Network(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

/// For `?` on what reads from and writes to the connection. An error of a file is not one of these:
/// `map_err(Fault::Disk)`.
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        match error.kind() {
            ErrorKind::UnexpectedEof => Fault::Cut,
            // What a read or a write says whose time is over: the one on Unix, the other on Windows.
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Fault::Silent,
            _ => Fault::Network(error),
        }
    }
}

/// Why a name may not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadName {
    /// It has no bytes.
    Empty,
    /// It has this many bytes, and more than [`MAX`](crate::name::MAX).
    TooLong(usize),
    /// It is no text in UTF-8.
    NotUtf8,
    /// It holds a character that separates folders, or disks, on some system.
    Separator(char),
    /// It holds a control character, such as a zero byte or the end of a line.
    Control,
    /// It is `.` or `..`, which are folders.
    Folder,
    /// It ends like a file that is not complete yet.
    Part,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadName::Empty => write!(f, "the name is empty"),
            BadName::TooLong(length) => write!(
                f,
                "the name has {length} bytes, at most {} are allowed",
                crate::name::MAX
            ),
            BadName::NotUtf8 => write!(f, "the name is no UTF-8"),
            BadName::Separator(separator) => write!(f, "the name holds the separator {separator}"),
            BadName::Control => write!(f, "the name holds a control character"),
            BadName::Folder => write!(f, "the name means a folder"),
            BadName::Part => write!(f, "the name ends in .part"),
        }
    }
}

impl From<BadName> for Fault {
    fn from(bad: BadName) -> Fault {
        Fault::Name(bad)
    }
}
