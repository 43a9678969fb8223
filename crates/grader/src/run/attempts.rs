//! The submissions of every attempt, and what the clones among them tell.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use course::{Course, DueDate, Lab};

use crate::cli;
use crate::git_time::History;
use crate::intake::{self, Place, Submission};
use crate::roster::Roster;

/// The submissions of every attempt.
pub(super) struct Attempts {
    pub(super) submissions: Vec<Submission>,
    /// By submission: which attempt it is of, from 1.
    pub(super) numbers: Vec<usize>,
    /// By attempt: the folder.
    folders: Vec<PathBuf>,
}

impl Attempts {
    /// Reads the folders that `args` names, the oldest first; `labs` are those that are graded.
    pub(super) fn take_in(
        course: &Course,
        args: &cli::Run,
        roster: Option<&Roster>,
        labs: &[&Lab],
    ) -> anyhow::Result<Attempts> {
        let folders = args.earlier.iter().chain([&args.submissions]);
        let folders: Vec<PathBuf> = folders.cloned().collect();
        let (mut submissions, mut numbers) = (Vec::new(), Vec::new());
        let attempts = intake::take_in_all(course, &folders, roster, labs, args.alone)?;
        for (index, taken) in attempts.into_iter().enumerate() {
            numbers.extend(taken.iter().map(|_| index + 1));
            submissions.extend(taken);
        }
        Ok(Attempts {
            submissions,
            numbers,
            folders,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.folders.len()
    }

    /// What was handed in as a clone, by the submission's number.
    pub(super) fn clones(&self, who: usize) -> Clones<'_> {
        Clones {
            attempts: self,
            who,
            histories: OnceCell::new(),
        }
    }
}

/// The clones that a submission was read from. Their histories are read when they are first asked for.
pub(super) struct Clones<'a> {
    attempts: &'a Attempts,
    who: usize,
    /// Each with the entry that it is in.
    histories: OnceCell<Vec<(&'a str, History)>>,
}

impl<'a> Clones<'a> {
    fn submission(&self) -> &'a Submission {
        &self.attempts.submissions[self.who]
    }

    fn histories(&self) -> &[(&'a str, History)] {
        let Attempts {
            numbers, folders, ..
        } = self.attempts;
        let home = &folders[numbers[self.who] - 1];
        self.histories.get_or_init(|| {
            let entries = self.submission().entries.iter();
            let histories = entries.flat_map(|entry| {
                let histories = History::all_of(&home.join(entry)).into_iter();
                histories.map(|history| (entry.as_str(), history))
            });
            histories.collect()
        })
    }

    /// When a lab was last committed to, where something was handed in for it: by the clones that hold it, and where none
    /// does by all of them.
    pub(super) fn last_commit(&self, folder: &str) -> Option<DueDate> {
        let files = self.submission().places.get(folder)?;
        let mut holding = Vec::new();
        for (entry, clone) in self.histories() {
            let own = files.iter().filter(|(_, place)| place.entry == *entry);
            let places: BTreeSet<&str> = own
                .map(|(file, place)| around(&place.path, file))
                .filter(|place| clone.holds(place))
                .collect();
            if !places.is_empty() {
                holding.push(clone.last_commit(&places));
            }
        }
        if holding.is_empty() {
            let all = self.histories().iter();
            holding = all
                .map(|(_, clone)| clone.last_commit(&BTreeSet::new()))
                .collect();
        }
        let times = holding.into_iter().flatten();
        times.max_by_key(|at| at.unix_seconds())
    }

    /// Whether a file of a lab is in none of the commits that are checked out.
    pub(super) fn is_uncommitted(&self, folder: &str) -> bool {
        let Submission { labs, places, .. } = self.submission();
        let (Some(texts), Some(places)) = (labs.get(folder), places.get(folder)) else {
            return false;
        };
        let histories = self.histories();
        let is_missing = |(file, place): (&PathBuf, &Place)| {
            let text = texts.get(file).map_or("", String::as_str);
            let mut clones = histories.iter().filter(|(entry, _)| *entry == place.entry);
            clones.all(|(_, clone)| clone.has(&place.path, text) == Some(false))
        };
        !histories.is_empty() && places.iter().any(is_missing)
    }
}

/// The lab's folder, as it is called there, around a file of it that lies at this place; the place itself where it lies in
/// no folder of a lab.
fn around<'p>(place: &'p str, file: &Path) -> &'p str {
    let file = file.to_string_lossy();
    let at = place.len().checked_sub(file.len());
    let folder = at.and_then(|at| {
        let (folder, end) = place.split_at_checked(at)?;
        let is_whole = folder.is_empty() || folder.ends_with('/');
        (is_whole && end.eq_ignore_ascii_case(&file)).then(|| folder.trim_end_matches('/'))
    });
    folder.unwrap_or(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_labs_folder_is_what_its_files_lie_in() {
        let file = Path::new("src/server.rs");
        for (place, folder) in [
            ("labs/tcp-echo/src/Server.rs", "labs/tcp-echo"),
            ("src/server.rs", ""),
            ("my-src/server.rs", "my-src/server.rs"),
            ("server (1).rs", "server (1).rs"),
        ] {
            assert_eq!(around(place, file), folder);
        }
    }
}
