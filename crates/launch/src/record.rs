//! Whether the sandboxes of a lab's programs came up, said outside of anything that a program can write to.
//!
//! The launcher notes each start in a file, and what stands last before the program, behind the wall, notes that it was
//! reached, or what came before it that it failed: the machine's fault. A start of which neither is noted was cut short,
//! by its check or by whoever watches the programs.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

/// The file of starts.
#[derive(Debug)]
pub struct Record(File);

impl Record {
    const BEGUN: u8 = b'b';
    const REACHED: u8 = b'r';
    const FAILED: u8 = b'f';

    /// Opens it, and notes that a start has begun.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn begin(path: &Path) -> anyhow::Result<Record> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).open(path);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        let record = Record(file);
        record.note(Record::BEGUN)?;
        Ok(record)
    }

    /// The one on this descriptor, which was inherited.
    pub(crate) fn inherited(file: File) -> Record {
        Record(file)
    }

    /// Notes that what stands last before the program was reached.
    pub(crate) fn reached(&self) -> anyhow::Result<()> {
        self.note(Record::REACHED)
    }

    /// Notes that a start failed, where what comes before the program did.
    pub(crate) fn heed<T>(&self, done: anyhow::Result<T>) -> anyhow::Result<T> {
        if done.is_err() {
            self.note(Record::FAILED)?;
        }
        done
    }

    fn note(&self, what: u8) -> anyhow::Result<()> {
        (&self.0)
            .write_all(&[what])
            .context("a start cannot be noted")
    }

    pub(crate) fn file(&self) -> &File {
        &self.0
    }

    /// How many starts of the record at `path` nobody reached.
    #[must_use]
    pub fn lost(path: &Path) -> usize {
        Record::count(path, Record::BEGUN).saturating_sub(Record::count(path, Record::REACHED))
    }

    /// How many starts of the record at `path` failed.
    #[must_use]
    pub fn failed(path: &Path) -> usize {
        Record::count(path, Record::FAILED)
    }

    fn count(path: &Path, what: u8) -> usize {
        let notes = fs::read(path).unwrap_or_default();
        notes.into_iter().filter(|note| *note == what).count()
    }
}
