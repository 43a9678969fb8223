//! What can be wrong with the course's own files, in words that say what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a course, a lab or a wrong answer could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CourseError {
    /// There is no `course.toml` here or above.
    #[error(
        "there is no course.toml in {} or in any folder above it; change into your copy of the course and try again",
        from.display()
    )]
    NotFound {
        /// Where the search began.
        from: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("{} cannot be read: {source}; {advice}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// What to do next.
        advice: &'static str,
    },
    /// A file or folder cannot be written.
    #[error("{} cannot be written: {source}; make the folder writable and try again", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file says something that is not allowed.
    #[error(transparent)]
    Invalid(#[from] Problem),
}

/// One thing that is wrong in a file of the course.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub struct Problem {
    /// The file, relative to the course's folder where it lies inside.
    pub file: PathBuf,
    /// The line, counted from 1; none where the whole file is meant.
    pub line: Option<usize>,
    /// Where in the file, in words: ``step 2, key `hints` ``.
    pub place: Option<String>,
    /// What is wrong and what to do next.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", shown(&self.file))?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if let Some(place) = &self.place {
            write!(f, " {place}:")?;
        }
        write!(f, " {}", self.reason)
    }
}

/// A path of the course as people write it, the same on every system.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    if cfg!(windows) {
        text.replace('\\', "/")
    } else {
        text
    }
}
