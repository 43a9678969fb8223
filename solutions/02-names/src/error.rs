//! Given: why a question has no answer, in words and as an exit code.
#![allow(
    dead_code,
    reason = "some of it is used only once your modules are written"
)]
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::endpoint::BadEndpoint;
use crate::services::BadLine;

/// Why there is no answer.
#[derive(Debug)]
pub enum NamesError {
    /// The command line makes no sense. Exit code 2.
    Usage(String),
    /// The argument of `endpoint` is no endpoint. Exit code 2.
    Endpoint(BadEndpoint),
    /// A port that is a number, and none from 0 to 65535. Exit code 2.
    NotAPort(String),
    /// The argument of `line` is no entry. Exit code 1.
    Line(BadLine),
    /// The system does not tell its own name. Exit code 1.
    Host(io::Error),
    /// The services file cannot be read. Exit code 1.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The resolver has no address for this name. Exit code 3.
    NoAddress {
        /// The name.
        name: String,
        /// What the resolver said.
        reason: io::Error,
    },
    /// The services file was read and holds no such service or port. Exit code 3.
    UnknownService {
        /// The service or port that was asked for.
        asked: String,
        /// The protocol it was asked for, if any.
        protocol: Option<String>,
    },
}

impl NamesError {
    /// The services file at `path` cannot be read.
    pub fn unreadable(path: &Path, reason: io::Error) -> Self {
        NamesError::Unreadable {
            path: path.to_owned(),
            reason,
        }
    }

    /// The resolver has no address for `name`.
    pub fn no_address(name: &str, reason: impl Into<io::Error>) -> Self {
        NamesError::NoAddress {
            name: name.to_owned(),
            reason: reason.into(),
        }
    }

    /// The services file holds no such service or port.
    pub fn unknown_service(asked: &str, protocol: Option<&str>) -> Self {
        NamesError::UnknownService {
            asked: asked.to_owned(),
            protocol: protocol.map(str::to_owned),
        }
    }

    /// 2: the question is wrong. 1: no answer could be looked for. 3: there is none.
    pub fn exit_code(&self) -> u8 {
        match self {
            NamesError::Usage(_) | NamesError::Endpoint(_) | NamesError::NotAPort(_) => 2,
            NamesError::Line(_) | NamesError::Host(_) | NamesError::Unreadable { .. } => 1,
            NamesError::NoAddress { .. } | NamesError::UnknownService { .. } => 3,
        }
    }
}

impl fmt::Display for NamesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamesError::Usage(what) => write!(f, "{what}"),
            NamesError::Endpoint(bad) => write!(f, "{bad}"),
            NamesError::NotAPort(port) => {
                write!(f, "{port:?} is not a port: a number from 0 to 65535")
            }
            NamesError::Line(bad) => write!(f, "{bad}"),
            NamesError::Host(reason) => write!(f, "cannot read this host's name: {reason}"),
            NamesError::Unreadable { path, reason } => {
                write!(
                    f,
                    "cannot read the services file {}: {reason}",
                    path.display()
                )
            }
            NamesError::NoAddress { name, reason } => {
                write!(f, "no address for {name:?}: {reason}")
            }
            NamesError::UnknownService {
                asked,
                protocol: Some(protocol),
            } => write!(f, "no service {asked:?} over {protocol}"),
            NamesError::UnknownService {
                asked,
                protocol: None,
            } => write!(f, "no service {asked:?}"),
        }
    }
}

impl From<BadLine> for NamesError {
    fn from(bad: BadLine) -> Self {
        NamesError::Line(bad)
    }
}

impl From<BadEndpoint> for NamesError {
    fn from(bad: BadEndpoint) -> Self {
        NamesError::Endpoint(bad)
    }
}
