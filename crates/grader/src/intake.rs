//! Taking submissions in: out of a folder with one entry a student, the files that a lab's `edit` lists, as text,
//! and nothing else.
//!
//! What is wrong with one entry is written on that student's row and stops no other. [`entry`] knows how learning
//! management systems name what they hand out, [`archive`] reads folders, zip and tar, [`collect`] decides what of
//! it is taken.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use course::Course;

mod archive;
mod collect;
pub mod entry;

pub use entry::Who;

/// The longest file that is taken, in bytes.
pub const LONGEST_FILE: u64 = 1 << 20;

/// What one student handed in.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Who, as far as the entry's name tells.
    pub who: Who,
    /// The entries of the folder that it was read from, by name.
    pub entries: Vec<String>,
    /// The files that were taken, by the lab's folder and then by the path in it (`src/server.rs`).
    pub labs: BTreeMap<String, BTreeMap<PathBuf, String>>,
    /// Labs of which a file was refused: they are not graded from the rest.
    pub refused_labs: BTreeMap<String, String>,
    /// Why all of it was refused, where it was.
    pub refused: Option<String>,
    /// What else the student or the instructor should know.
    pub notes: Vec<String>,
}

/// Reads every entry of `dir`, in the order of their names. Hidden ones are passed over.
///
/// # Errors
/// The folder itself cannot be read, or is empty.
pub fn take_in(course: &Course, dir: &Path) -> anyhow::Result<Vec<Submission>> {
    let listed = fs::read_dir(dir).with_context(|| {
        format!(
            "{} cannot be read; name the folder with one entry a student",
            dir.display()
        )
    })?;
    let mut paths = Vec::new();
    for entry in listed {
        let path = entry
            .with_context(|| format!("{} cannot be read to its end", dir.display()))?
            .path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        bail!(
            "there is nothing in {}; put one folder, .zip or .tar.gz a student into it",
            dir.display()
        );
    }
    paths.sort();
    let wanted = collect::Wanted::of(course);
    let mut students: BTreeMap<String, Vec<(Who, PathBuf)>> = BTreeMap::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let who = entry::read(&name, path.is_dir());
        students
            .entry(who.key.clone())
            .or_default()
            .push((who, path));
    }
    Ok(students
        .into_values()
        .map(|entries| read(&wanted, entries))
        .collect())
}

/// All the entries of one student, which together are one submission.
fn read(wanted: &collect::Wanted, entries: Vec<(Who, PathBuf)>) -> Submission {
    let mut collection = collect::Collection::new(wanted);
    let mut names = Vec::new();
    let mut refused = None;
    for (_, path) in &entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Err(reason) = archive::read(path, &mut collection) {
            refused = Some(format!("{name}: {reason}"));
        }
        names.push(name.into_owned());
    }
    let taken = collection.finish();
    if refused.is_none() && taken.labs.is_empty() && taken.refused_labs.is_empty() {
        refused = Some(
            "no file of any lab in it; hand in the labs' folders, as in 04-tcp-echo/src/server.rs"
                .to_owned(),
        );
    }
    let mut who = entries
        .into_iter()
        .map(|(who, _)| who)
        .reduce(|first, other| Who {
            late: first.late || other.late,
            ..first
        })
        .unwrap_or_default();
    if who.key.is_empty() {
        who.key = "unnamed".to_owned();
    }
    let all_refused = refused.is_some();
    Submission {
        who,
        entries: names,
        // Of an entry that is refused nothing is graded, not even what came before the reason.
        labs: if all_refused {
            BTreeMap::new()
        } else {
            taken.labs
        },
        refused_labs: if all_refused {
            BTreeMap::new()
        } else {
            taken.refused_labs
        },
        refused,
        notes: taken.notes,
    }
}
