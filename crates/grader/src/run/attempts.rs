//! The submissions of every attempt, and what the clones among them tell.

use std::cell::OnceCell;
use std::path::PathBuf;

use course::{Course, DueDate, Lab};

use crate::cli;
use crate::git_time::History;
use crate::intake::{self, Submission};
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
    histories: OnceCell<Vec<History>>,
}

impl Clones<'_> {
    fn histories(&self) -> &[History] {
        let Attempts {
            submissions,
            numbers,
            folders,
        } = self.attempts;
        let home = &folders[numbers[self.who] - 1];
        self.histories.get_or_init(|| {
            let entries = submissions[self.who].entries.iter();
            let histories = entries.map(|entry| History::all_of(&home.join(entry)));
            histories.flatten().collect()
        })
    }

    /// When a lab's folder was last committed to, where something was handed in for it.
    pub(super) fn last_commit(&self, folder: &str) -> Option<DueDate> {
        let handed_in = self.attempts.submissions[self.who]
            .labs
            .contains_key(folder);
        let histories = handed_in.then(|| self.histories())?.iter();
        let times = histories.filter_map(|clone| clone.last_commit(folder));
        times.max_by_key(|at| at.unix_seconds())
    }

    /// Whether a file of a lab is in none of the commits that are checked out.
    pub(super) fn is_uncommitted(&self, folder: &str) -> bool {
        let files = self.attempts.submissions[self.who].labs.get(folder);
        let mut files = files.into_iter().flatten();
        let histories = self.histories();
        !histories.is_empty()
            && files.any(|(path, text)| {
                let place = format!("{folder}/{}", path.display());
                let mut clones = histories.iter();
                clones.all(|clone| clone.has(&place, text) == Some(false))
            })
    }
}
