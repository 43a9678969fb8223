//! What the learner has done so far, in `.wirelab/progress.json`.
//!
//! The file is written whole or not at all, and under a lock: a crash leaves the former one, and two
//! runs at once lose nothing of each other's.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::clock;

/// The version of the file that this program reads and writes.
pub const VERSION: u32 = 1;

/// How long one run waits for another to have written its progress.
const LOCK_DEADLINE: Duration = Duration::from_secs(5);

/// Everything that is remembered between two runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The version of the format.
    pub version: u32,
    /// By topic.
    #[serde(default)]
    pub labs: BTreeMap<String, LabProgress>,
}

/// What is remembered of one lab.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LabProgress {
    /// The latest verdict on each check, by its name.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckProgress>,
    /// When every core check last passed, and on what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<Passed>,
    /// The rungs shown of each step's ladder of hints, by the step's number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<usize, usize>,
}

/// The latest verdict on one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckProgress {
    /// What it came to.
    pub verdict: Outcome,
    /// The points that it earned.
    pub points: u32,
    /// The fingerprint of what was judged: the learner's files and the checks.
    pub judged: String,
    /// When, in UTC (RFC 3339).
    pub at: String,
}

/// A verdict, without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The check passed.
    Passed,
    /// The check failed.
    Failed,
    /// The check could not be run here.
    Skipped,
}

/// The moment at which every core check of a lab had passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passed {
    /// When, in UTC (RFC 3339).
    pub at: String,
    /// The fingerprint of what was judged.
    pub judged: String,
}

/// Why progress could not be read or written.
#[derive(Debug)]
pub enum Trouble {
    /// The folder or the file cannot be read or written.
    Files(PathBuf, io::Error),
    /// Another run holds the lock for too long.
    Busy(PathBuf),
    /// A newer version of this program wrote it.
    Newer(PathBuf, u32),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Files(path, error) => write!(f, "{}: {error}", path.display()),
            Trouble::Busy(path) => write!(
                f,
                "{}: another run has held this lock for {} s; end it, or delete the file",
                path.display(),
                LOCK_DEADLINE.as_secs()
            ),
            Trouble::Newer(path, version) => write!(
                f,
                "{} has version {version} and this program knows version {VERSION}; update the course",
                path.display()
            ),
        }
    }
}

impl std::error::Error for Trouble {}

/// The place where progress is kept.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// Progress as it was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The progress; empty where there is none yet.
    pub progress: Progress,
    /// Where a file that could not be read now lies, when there was one.
    pub set_aside: Option<PathBuf>,
}

impl Store {
    /// The store of the course at `root`.
    #[must_use]
    pub fn at(root: &Path) -> Store {
        Store {
            folder: root.join(".wirelab"),
        }
    }

    /// The folder `.wirelab`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file with the progress.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join("progress.json")
    }

    /// Reads what is there. A file that is no progress is set aside, never overwritten.
    ///
    /// # Errors
    /// When the file cannot be read, or is of a newer version.
    pub fn read(&self) -> Result<Found, Trouble> {
        match self.parse()? {
            Parsed::Progress(progress) => Ok(Found {
                progress,
                set_aside: None,
            }),
            Parsed::Damaged => {
                // Another run may be mending it: look again with the lock held.
                let _lock = self.lock()?;
                self.read_or_set_aside()
            }
        }
    }

    /// Changes the progress under the lock and writes it.
    ///
    /// # Errors
    /// When it cannot be read or written; the file is then as it was.
    pub fn update(&self, change: impl FnOnce(&mut Progress)) -> Result<Found, Trouble> {
        let _lock = self.lock()?;
        let mut found = self.read_or_set_aside()?;
        change(&mut found.progress);
        found.progress.version = VERSION;
        let text = serde_json::to_string_pretty(&found.progress)
            .map_err(|error| Trouble::Files(self.file(), error.into()))?;
        write_whole(&self.file(), (text + "\n").as_bytes())
            .map_err(|error| Trouble::Files(self.file(), error))?;
        Ok(found)
    }

    fn read_or_set_aside(&self) -> Result<Found, Trouble> {
        match self.parse()? {
            Parsed::Progress(progress) => Ok(Found {
                progress,
                set_aside: None,
            }),
            Parsed::Damaged => {
                let aside = free_name(
                    &self
                        .folder
                        .join(format!("progress.damaged-{}.json", clock::for_file_names())),
                );
                fs::rename(self.file(), &aside)
                    .map_err(|error| Trouble::Files(self.file(), error))?;
                Ok(Found {
                    progress: Progress::default(),
                    set_aside: Some(aside),
                })
            }
        }
    }

    fn parse(&self) -> Result<Parsed, Trouble> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }

        let text = match fs::read(self.file()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Parsed::Progress(Progress::default()));
            }
            Err(error) => return Err(Trouble::Files(self.file(), error)),
        };
        match serde_json::from_slice::<Version>(&text) {
            Ok(Version { version }) if version > VERSION => {
                return Err(Trouble::Newer(self.file(), version));
            }
            Ok(_) => {}
            Err(_) => return Ok(Parsed::Damaged),
        }
        Ok(serde_json::from_slice(&text).map_or(Parsed::Damaged, Parsed::Progress))
    }

    /// Holds the lock until the file is dropped; the system takes it back from a run that crashed.
    fn lock(&self) -> Result<File, Trouble> {
        let path = self.folder.join("lock");
        let files = |error| Trouble::Files(path.clone(), error);
        fs::create_dir_all(&self.folder).map_err(files)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(files)?;
        let deadline = Instant::now() + LOCK_DEADLINE;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => return Err(Trouble::Busy(path)),
                // Some network file systems know no locks; a lost update is better than none.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(lock);
                }
                Err(TryLockError::Error(error)) => return Err(files(error)),
            }
        }
    }
}

enum Parsed {
    Progress(Progress),
    Damaged,
}

/// Replaces `path` by a file that holds `bytes`, or leaves it as it is.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".progress-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The new name is safe once the folder is; only Unix opens folders.
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// `path`, or the first of `path-2`, `path-3` … that does not exist.
#[must_use]
pub fn free_name(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path
        .extension()
        .map(|extension| format!(".{}", extension.to_string_lossy()))
        .unwrap_or_default();
    std::iter::once(path.to_path_buf())
        .chain((2..).map(|n| path.with_file_name(format!("{stem}-{n}{extension}"))))
        .find(|path| !path.exists())
        .unwrap_or_else(|| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let root = tempfile::tempdir().unwrap();
        let store = Store::at(root.path());
        (root, store)
    }

    #[test]
    fn what_was_written_is_read_again() {
        let (_root, store) = store();
        assert_eq!(store.read().unwrap().progress, Progress::default());
        store
            .update(|progress| {
                progress
                    .labs
                    .entry("tcp-echo".into())
                    .or_default()
                    .hints
                    .insert(2, 1);
            })
            .unwrap();
        let progress = store.read().unwrap().progress;
        assert_eq!(progress.version, VERSION);
        assert_eq!(progress.labs["tcp-echo"].hints[&2], 1);
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let (_root, store) = store();
        fs::create_dir_all(store.folder()).unwrap();
        for damaged in ["", "{", "{\"version\":1,\"labs\":[]}", "\u{0}\u{0}"] {
            fs::write(store.file(), damaged).unwrap();
            let found = store.read().unwrap();
            assert_eq!(found.progress, Progress::default());
            assert_eq!(
                fs::read_to_string(found.set_aside.unwrap()).unwrap(),
                damaged
            );
            assert!(!store.file().exists());
        }
    }

    #[test]
    fn a_newer_file_is_left_alone() {
        let (_root, store) = store();
        fs::create_dir_all(store.folder()).unwrap();
        let text = "{\"version\":99,\"new\":true}";
        fs::write(store.file(), text).unwrap();
        assert!(matches!(store.read(), Err(Trouble::Newer(_, 99))));
        assert!(matches!(store.update(|_| {}), Err(Trouble::Newer(_, 99))));
        assert_eq!(fs::read_to_string(store.file()).unwrap(), text);
    }

    #[test]
    fn runs_at_once_lose_nothing_of_each_others() {
        let (_root, store) = store();
        std::thread::scope(|scope| {
            for n in 0..16 {
                let store = &store;
                scope.spawn(move || {
                    store
                        .update(|progress| {
                            progress.labs.entry(format!("lab-{n}")).or_default();
                        })
                        .unwrap();
                });
            }
        });
        assert_eq!(store.read().unwrap().progress.labs.len(), 16);
        let left = fs::read_dir(store.folder()).unwrap().count();
        assert_eq!(
            left, 2,
            "the progress and its lock, and nothing half-written"
        );
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("kept.json");
        assert_eq!(free_name(&path), path);
        fs::write(&path, "").unwrap();
        assert_eq!(free_name(&path), root.path().join("kept-2.json"));
    }
}
