//! The journal: each result, written down as soon as it is there, so that nothing is judged twice after an
//! interruption.
//!
//! One JSON object a line. A line that was cut off by the interruption is passed over.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};
use course::CheckReport;
use serde::{Deserialize, Serialize};

/// What came of one lab's sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The compiler's message, where they do not compile.
    pub does_not_compile: Option<String>,
    /// The checks' reports; none where they do not compile.
    pub checks: Vec<CheckReport>,
    /// The hidden checks' reports.
    #[serde(default)]
    pub hidden: Vec<CheckReport>,
    /// The checks that did not always say the same.
    pub unsteady: Vec<String>,
    /// The seed of the checks' randomness.
    pub seed: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    version: u32,
    key: String,
    topic: String,
    outcome: Outcome,
}

/// The journal of one run.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    known: HashMap<String, Outcome>,
}

impl Journal {
    /// Opens or begins the journal at `path`.
    ///
    /// # Errors
    /// It cannot be read or written, or there is one and `resume` was not asked for.
    pub fn open(path: &Path, resume: bool) -> anyhow::Result<Journal> {
        let unusable = || format!("{} cannot be used", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(unusable)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(unusable)?;
        if !text.is_empty() && !resume {
            bail!(
                "{} has results of an earlier run; add --resume to go on from them, or name another folder",
                path.display()
            );
        }
        if !text.is_empty() && !text.ends_with(b"\n") {
            file.write_all(b"\n").with_context(unusable)?;
        }
        let known = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
            .filter(|line| line.version == course::VERSION)
            .map(|line| (line.key, line.outcome))
            .collect();
        Ok(Journal {
            path: path.to_owned(),
            file: Mutex::new(file),
            known,
        })
    }

    /// The result under `key`, where an earlier run came to one.
    #[must_use]
    pub fn known(&self, key: &str) -> Option<&Outcome> {
        self.known.get(key)
    }

    /// Writes a result down.
    ///
    /// # Errors
    /// The disk is full, or the file gone.
    pub fn add(&self, key: &str, topic: &str, outcome: &Outcome) -> anyhow::Result<()> {
        let line = Line {
            version: course::VERSION,
            key: key.to_owned(),
            topic: topic.to_owned(),
            outcome: outcome.clone(),
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&bytes)
            .and_then(|()| file.sync_data())
            .map_err(|error: io::Error| {
                anyhow::anyhow!("{} cannot be written: {error}", self.path.display())
            })
    }
}
