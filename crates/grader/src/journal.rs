//! The journal: each result, written down as soon as it is there, so that nothing is judged twice after an
//! interruption.
//!
//! One JSON object a line. A line that was cut off by the interruption is passed over. What is kept in memory is where
//! each result stands: it is read when it is needed, and the results of a large class are never there all at once.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: File,
    /// By key: where its latest result begins in the file, and how long that is, both in bytes.
    places: HashMap<String, (u64, usize)>,
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
        let is_new = file.metadata().with_context(unusable)?.len() == 0;
        if !is_new && !resume {
            bail!(
                "{} has results of an earlier run; add --resume to go on from them, or name another folder",
                path.display()
            );
        }
        let mut places = HashMap::new();
        let mut text = BufReader::new(&file);
        let (mut begin, mut bytes) = (0, Vec::new());
        while text.read_until(b'\n', &mut bytes).with_context(unusable)? > 0 {
            if let Ok(line) = serde_json::from_slice::<Line>(&bytes)
                && line.version == course::VERSION
            {
                places.insert(line.key, (begin, bytes.len()));
            }
            begin += bytes.len() as u64;
            if !bytes.ends_with(b"\n") {
                file.write_all(b"\n").with_context(unusable)?;
                break;
            }
            bytes.clear();
        }
        Ok(Journal {
            path: path.to_owned(),
            kept: Mutex::new(Kept { file, places }),
        })
    }

    /// Whether there is a result under `key`.
    #[must_use]
    pub fn knows(&self, key: &str) -> bool {
        self.kept().places.contains_key(key)
    }

    /// The latest result under `key`.
    ///
    /// # Errors
    /// There is none, or it cannot be read any more.
    pub fn read(&self, key: &str) -> anyhow::Result<Outcome> {
        let kept = self.kept();
        let read = || -> anyhow::Result<Line> {
            let (begin, length) = *kept.places.get(key).context("it has no such result")?;
            let mut bytes = vec![0; length];
            kept.file.read_exact_at(&mut bytes, begin)?;
            Ok(serde_json::from_slice(&bytes)?)
        };
        let line = read().with_context(|| format!("{} cannot be read", self.path.display()))?;
        Ok(line.outcome)
    }

    /// Writes a result down.
    ///
    /// # Errors
    /// The disk is full, or the file gone.
    pub fn add(&self, key: &str, topic: &str, outcome: Outcome) -> anyhow::Result<()> {
        let line = Line {
            version: course::VERSION,
            key: key.to_owned(),
            topic: topic.to_owned(),
            outcome,
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        let mut kept = self.kept();
        let write = |file: &mut File| -> io::Result<u64> {
            file.write_all(&bytes)?;
            file.sync_data()?;
            // Behind what was written, which is at the end of the file, wherever that was.
            file.stream_position()
        };
        let end = write(&mut kept.file)
            .with_context(|| format!("{} cannot be written", self.path.display()))?;
        let begin = end.saturating_sub(bytes.len() as u64);
        kept.places.insert(line.key, (begin, bytes.len()));
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(seed: &str) -> Outcome {
        Outcome {
            does_not_compile: Some("no\nline".to_owned()),
            checks: Vec::new(),
            hidden: Vec::new(),
            unsteady: vec!["zwölf".to_owned()],
            seed: seed.to_owned(),
        }
    }

    #[test]
    fn the_latest_result_is_read_wherever_it_stands() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let journal = Journal::open(&path, false).unwrap();
        for (key, seed) in [("a", "1"), ("b", "2"), ("a", "3")] {
            journal.add(key, "udp", outcome(seed)).unwrap();
        }
        let seeds = |journal: &Journal| ["a", "b"].map(|key| journal.read(key).unwrap().seed);
        assert_eq!(seeds(&journal), ["3", "2"]);
        assert!(!journal.knows("c") && journal.read("c").is_err());
        drop(journal);

        // Killed while it wrote: the last line has no end.
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        let journal = Journal::open(&path, true).unwrap();
        assert_eq!(seeds(&journal), ["1", "2"]);
        journal.add("a", "udp", outcome("4")).unwrap();
        // Somebody else writes as well, of a version that is not ours.
        let mut other = OpenOptions::new().append(true).open(&path).unwrap();
        let foreign = br#"{"version":0,"key":"b","topic":"udp","outcome":{}}"#;
        other.write_all(foreign).unwrap();
        other.write_all(b"\n").unwrap();
        journal.add("b", "udp", outcome("5")).unwrap();
        assert_eq!(journal.read("b").unwrap(), outcome("5"));
        assert_eq!(seeds(&journal), ["4", "5"]);
        assert_eq!(seeds(&Journal::open(&path, true).unwrap()), ["4", "5"]);
        let refused = Journal::open(&path, false).unwrap_err().to_string();
        assert!(refused.contains("--resume"), "{refused}");
    }
}
