//! Taking submissions in: out of a folder with one entry a student, the files that a lab's `edit` lists, as text,
//! and nothing else.
//!
//! What is wrong with one entry is written on that student's row and stops no other. [`entry`] knows how learning
//! management systems name what they hand out, [`archive`] reads folders, zip and tar, [`collect`] decides what of
//! it is taken.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use course::{Course, Lab};

use crate::report::safe;
use crate::roster::Roster;

mod archive;
mod collect;
pub mod entry;
mod whose;

pub use entry::Who;
use whose::Found;

/// The longest file that is taken, in bytes.
pub const LONGEST_FILE: u64 = 1 << 20;

/// What is said of an archive that lies in another one, or deep in a folder.
const NOT_OPENED: &str = "is not opened, hand in what it holds";

/// Why an entry is refused in which there is nothing to grade.
pub const NO_LAB: &str = "no file of any lab in it";

/// Makes sure that what is written to `out` does not become a submission of `folder`.
///
/// # Errors
/// It lies there.
pub fn is_not_among(out: &Path, folder: &Path) -> anyhow::Result<()> {
    let place = std::path::absolute(out).context("--out is no path")?;
    let folders = [std::path::absolute(folder).ok(), folder.canonicalize().ok()];
    let mut folders = folders.iter().flatten();
    ensure!(
        !folders.any(|folder| place.starts_with(folder)),
        "{} lies among the submissions, and would be one of them: name another folder with --out",
        out.display()
    );
    Ok(())
}

/// The flag of an entry of which nobody can say whose it is.
pub const WHOSE: &str = "whose";

/// What lies beside submissions and is none, by the ending of its name.
const TABLES: [&str; 6] = ["csv", "json", "toml", "xls", "xlsx", "ods"];

/// Where a file lay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The entry.
    pub entry: String,
    /// The path in it, with `/` between its parts.
    pub path: String,
}

/// What one student handed in.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Who, as far as the entry's name tells.
    pub who: Who,
    /// The entries of the folder that it was read from, by name.
    pub entries: Vec<String>,
    /// Whom of the roster it may be of, where nobody can say that it is.
    pub may_be: BTreeSet<String>,
    /// The files that were taken, by the lab's folder and then by the path in it (`src/server.rs`).
    pub labs: BTreeMap<String, BTreeMap<PathBuf, String>>,
    /// Where those files lay, by the same.
    pub places: BTreeMap<String, BTreeMap<PathBuf, Place>>,
    /// Labs of which a file was refused: they are not graded from the rest.
    pub refused_labs: BTreeMap<String, String>,
    /// Why all of it was refused, where it was.
    pub refused: Option<String>,
    /// One word for each thing that somebody should look at.
    pub flags: Vec<String>,
    /// What else the student or the instructor should know.
    pub notes: Vec<String>,
}

/// Reads every entry of `dir`, in the order of their names. Hidden ones are passed over. Entries that are of one
/// student, by their own names or by `roster`, make one submission: each lab is taken from the latest that has it.
/// Where one of `labs` alone is graded, its files may lie anywhere, and be entries of their own.
///
/// # Errors
/// The folder itself cannot be read, or is empty.
pub fn take_in(
    course: &Course,
    dir: &Path,
    roster: Option<&Roster>,
    labs: &[&Lab],
) -> anyhow::Result<Vec<Submission>> {
    let taken = take_in_all(course, &[dir], roster, labs, false)?;
    Ok(taken.into_iter().flatten().collect())
}

/// Reads several attempts of one class, each as [`take_in`] does. What is `alone` is one student's, and no folder of
/// submissions whatever is in it.
///
/// # Errors
/// One of the folders cannot be read, or is empty.
pub fn take_in_all(
    course: &Course,
    dirs: &[impl AsRef<Path>],
    roster: Option<&Roster>,
    labs: &[&Lab],
    alone: bool,
) -> anyhow::Result<Vec<Vec<Submission>>> {
    let wanted = collect::Wanted::of(course, labs);
    let mut folders = Vec::new();
    for dir in dirs {
        let paths = list(course, dir.as_ref(), roster, &wanted, alone)?;
        let entries = paths.into_iter().map(|path| Entry::of(path, roster));
        folders.push(entries.collect::<Vec<Entry>>());
    }
    whose::settle(&mut folders);
    let submissions = folders.into_iter().map(|entries| {
        let mut students: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            let student = entry.student.clone();
            students.entry(student).or_default().push(entry);
        }
        let submissions = students.into_values();
        submissions.map(|entries| read(&wanted, entries)).collect()
    });
    Ok(submissions.collect())
}

/// The entries of a folder.
fn list(
    course: &Course,
    dir: &Path,
    roster: Option<&Roster>,
    wanted: &collect::Wanted,
    alone: bool,
) -> anyhow::Result<Vec<PathBuf>> {
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
        // What the archive of a download leaves beside its entries on some systems.
        let stray = path.file_name().is_some_and(|name| name == "__MACOSX");
        if hidden && (path.is_dir() || archive::is_one(&path)) {
            eprintln!("warning: {} is hidden: passed over", shown(&path));
        }
        if !hidden && !stray {
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
    paths.retain(|path| {
        let is_table = is_table(path, roster);
        if is_table {
            eprintln!(
                "warning: {} is a table and no submission: passed over",
                shown(path)
            );
        }
        !is_table
    });
    if let Some(first) = paths.first()
        && !alone
        && paths.iter().all(|path| is_of_submissions(path, wanted))
    {
        bail!(
            "{} holds folders of submissions, and not submissions: name one of them, such as {}",
            dir.display(),
            shown(first)
        );
    }
    let is_a_labs = |path: &PathBuf| {
        let mut labs = course.labs().iter();
        labs.any(|lab| path.file_name().is_some_and(|name| name == &*lab.folder))
    };
    ensure!(
        paths.len() < 2 || !paths.iter().all(is_a_labs),
        "the entries of {} are called as the labs are, and not as students: name the folder with one entry a student",
        dir.display()
    );
    Ok(paths)
}

/// A path as it may stand in a terminal.
fn shown(path: &Path) -> String {
    safe::list([path.display().to_string().as_str()].into_iter())
}

/// Whether it is a table that an instructor keeps beside the submissions: by its name, unless that is a student's.
fn is_table(path: &Path, roster: Option<&Roster>) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_table = ending.is_some_and(|ending| TABLES.contains(&ending.to_lowercase().as_str()));
    if !is_table || path.is_dir() {
        return false;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let who = entry::read(&name, false);
    let of_a_student = roster.is_some_and(|roster| roster.find(&who).is_some());
    !of_a_student && entry::numbered(&name).is_none()
}

/// Whether a folder is one of submissions: it has entries of more than one student, by the numbers in their names, and
/// no lab beside them.
fn is_of_submissions(path: &Path, wanted: &collect::Wanted) -> bool {
    let Ok(entries) = fs::read_dir(path) else {
        return false;
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let names: Vec<String> = names.collect();
    let students = names.iter().filter_map(|name| entry::numbered(name));
    let students: BTreeSet<String> = students.collect();
    let is_a_labs = |name: &String| entry::numbered(name).is_none() && wanted.is_a_labs(name);
    students.len() > 1 && !names.iter().any(is_a_labs)
}

/// One entry of the folder.
struct Entry {
    who: Who,
    /// The roster's word for the student, where it has one; else the entry's.
    student: String,
    /// How the roster came to it.
    found: Found,
    /// Whom of the roster it may be of, where nobody can say that it is.
    may_be: BTreeSet<String>,
    path: PathBuf,
    name: String,
    /// Whether the name is shown as it is.
    utf8: bool,
}

impl Entry {
    fn of(path: PathBuf, roster: Option<&Roster>) -> Entry {
        let bare = path.file_name().unwrap_or_default();
        let (name, utf8) = match bare.to_str() {
            Some(name) => (name.to_owned(), true),
            // Two such names may look the same, and are not: each is somebody of their own.
            None => (bare.as_encoded_bytes().escape_ascii().to_string(), false),
        };
        let mut who = entry::read(&name, path.is_dir());
        if who.key.is_empty() {
            who.key = "unnamed".to_owned();
        }
        let (student, found) = Entry::find(&mut who, roster);
        Entry {
            who,
            student,
            found,
            may_be: BTreeSet::new(),
            path,
            name,
            utf8,
        }
    }

    /// Whom the roster has for it, and how it came to this student.
    fn find(who: &mut Who, roster: Option<&Roster>) -> (String, Found) {
        let nobody = (who.key.clone(), Found::Nobody);
        let Some(roster) = roster else {
            return nobody;
        };
        let called = |word: &str| Some((word.to_owned(), roster.called(word)?));
        let Some((word, student)) = who.words().find_map(called) else {
            return nobody;
        };
        let first = entry::first(&who.key).and_then(|(first, _)| roster.called(first));
        let found = match first {
            _ if word == who.key => Found::Surely,
            Some(first) if first == student => Found::Surely,
            Some(first) => Found::Or(first.student.clone()),
            None => Found::By(word),
        };
        // A word of the name that is somebody else's is not this one's.
        who.aliases
            .retain(|alias| roster.called(alias) == Some(student));
        (student.student.clone(), found)
    }

    /// Whether it is somebody's by another word than its key.
    fn is_guessed(&self) -> bool {
        matches!(self.found, Found::By(_))
    }

    /// Takes it from whom the roster has for it: it stays under its key.
    fn is_nobodys(&mut self) {
        let student = std::mem::replace(&mut self.student, self.who.key.clone());
        self.may_be.insert(student);
        if let Found::Or(other) = std::mem::replace(&mut self.found, Found::Nobody) {
            self.may_be.insert(other);
        }
        self.who.aliases.clear();
    }

    /// Whether it is a file by itself, and nothing that holds others.
    fn is_single_file(&self) -> bool {
        let meta = fs::symlink_metadata(&self.path);
        self.utf8 && meta.is_ok_and(|meta| meta.is_file()) && !archive::is_one(&self.path)
    }

    fn read(&self, collection: &mut collect::Collection<'_>) -> Result<(), String> {
        if !self.utf8 {
            return Err("its name is not UTF-8; rename it".to_owned());
        }
        collection.of(&self.name);
        archive::read(&self.path, collection)
    }
}

/// Makes one attempt of the single files of a student, whatever lies between them: Canvas numbers each of them.
fn join_single_files(entries: &mut [Entry]) {
    let files = entries.iter().filter(|entry| entry.is_single_file());
    let Some(last) = files.map(|entry| entry.who.attempt).max() else {
        return;
    };
    let files = entries.iter_mut().filter(|entry| entry.is_single_file());
    files.for_each(|entry| entry.who.attempt = last);
}

/// All the entries of one student, which together are one submission.
fn read(wanted: &collect::Wanted, mut entries: Vec<Entry>) -> Submission {
    join_single_files(&mut entries);
    entries.sort_by_key(|entry| entry.who.attempt);
    let mut all = Submission {
        who: entries
            .first()
            .map(|entry| entry.who.clone())
            .unwrap_or_default(),
        entries: entries.iter().map(|entry| entry.name.clone()).collect(),
        may_be: entries
            .iter()
            .flat_map(|entry| entry.may_be.clone())
            .collect(),
        labs: BTreeMap::new(),
        places: BTreeMap::new(),
        refused_labs: BTreeMap::new(),
        refused: None,
        flags: Vec::new(),
        notes: Vec::new(),
    };
    for other in &entries[1..] {
        for word in std::iter::once(&other.who.key).chain(&other.who.aliases) {
            if *word != all.who.key && !all.who.aliases.contains(word) {
                all.who.aliases.push(word.clone());
            }
        }
    }
    if !all.may_be.is_empty() {
        all.flags.push(WHOSE.to_owned());
        all.notes.push(
            "Its name may be of more than one student, so it is counted for nobody of the roster."
                .to_owned(),
        );
    }
    let (mut archives, mut unknown) = (Vec::new(), Vec::new());
    all.who.late = entries.iter().any(|entry| entry.who.late);
    for attempt in entries.chunk_by(|a, b| a.who.attempt == b.who.attempt) {
        let mut collection = collect::Collection::new(wanted);
        let refused = attempt.iter().find_map(|entry| {
            let reason = entry.read(&mut collection).err()?;
            Some(format!("{}: {reason}", entry.name))
        });
        let mut taken = collection.finish();
        archives.append(&mut taken.archives);
        unknown.append(&mut taken.unknown);
        match refused {
            // Of an attempt that is refused nothing is graded, not even what came before the reason.
            Some(reason) => {
                all.notes.extend(all.refused.take().map(not_taken));
                all.refused = Some(reason);
            }
            None => all.add(taken, attempt),
        }
    }
    if !all.labs.is_empty() || !all.refused_labs.is_empty() {
        let within = archives.iter();
        let within = within.map(|name| format!("{name} {NOT_OPENED}"));
        let reasons = all.refused.take().into_iter().chain(unknown);
        let reasons: Vec<String> = reasons.chain(within).collect();
        if !reasons.is_empty() {
            all.flags.push("refused-in-part".to_owned());
        }
        all.notes.extend(reasons.into_iter().map(not_taken));
    } else if all.refused.is_none() && !unknown.is_empty() {
        all.refused = unknown.pop();
        all.notes.extend(unknown.into_iter().map(not_taken));
    } else if all.refused.is_none() {
        let within = archives.first().map_or(String::new(), |name| {
            format!("; {name} within it {NOT_OPENED}")
        });
        all.refused = Some(format!("{NO_LAB}; {}{within}", wanted.what_to_hand_in()));
    }
    all
}

fn not_taken(reason: String) -> String {
    format!("Not taken: {reason}.")
}

impl Submission {
    /// Whether something was handed in of the lab in this folder, and be it something that could not be taken.
    #[must_use]
    pub fn has_something_of(&self, folder: &str) -> bool {
        let refused = self.refused.is_some() || self.refused_labs.contains_key(folder);
        refused || self.labs.contains_key(folder)
    }

    /// Takes a later attempt in: a lab that it has replaces the one of before.
    fn add(&mut self, taken: collect::Taken, attempt: &[Entry]) {
        let names: Vec<&str> = attempt.iter().map(|entry| entry.name.as_str()).collect();
        self.notes.extend(taken.notes);
        self.places.extend(taken.places);
        for (lab, files) in taken.labs {
            self.refused_labs.remove(&lab);
            let earlier = self.labs.insert(lab.clone(), files);
            if earlier.is_some_and(|earlier| self.labs.get(&lab) != Some(&earlier)) {
                self.notes.push(format!(
                    "{lab}: handed in more than once; the latest was taken, from {}.",
                    names.join(" and ")
                ));
            }
        }
        for (lab, reason) in taken.refused_labs {
            self.labs.remove(&lab);
            self.refused_labs.insert(lab, reason);
        }
    }
}

#[cfg(test)]
mod tests;
