//! The files beside a class that decide grades: when something was handed in, who has more time, changes by hand.

use std::path::Path;

use course::{Course, DueDate};

use super::attempts::Clones;
use crate::build::Kitchen;
use crate::cli;
use crate::late::{Adjustments, Calendar, Extensions, Times};
use crate::people::People;
use crate::report::{Row, Status};

/// What they say.
pub(super) struct Rules<'c> {
    calendar: Calendar<'c>,
    adjustments: Adjustments,
}

impl<'c> Rules<'c> {
    /// Reads the files that `args` names; changes by hand are also those beside the grades in `out`.
    pub(super) fn read(course: &'c Course, args: &cli::Run, out: &Path) -> anyhow::Result<Self> {
        let calendar = Calendar {
            course,
            times: table(args.times.as_deref(), |path| Times::read(path, course))?,
            extensions: table(args.extensions.as_deref(), |path| {
                Extensions::read(path, course)
            })?,
        };
        if !args.earlier.is_empty() && calendar.times.are_of_no_attempt() {
            eprintln!(
                "warning: --times says of no time which attempt it is of, so each counts for all attempts of its student: add a column `attempt`, from 1 in the order of --earlier"
            );
        }
        let beside = || Adjustments::beside(out);
        let adjustments = args.adjustments.clone().or_else(beside);
        let adjustments = table(adjustments.as_deref(), |path| {
            Adjustments::read(path, course)
        })?;
        Ok(Rules {
            calendar,
            adjustments,
        })
    }

    /// Finds out whom they mean, and warns of those who are nobody.
    pub(super) fn resolve(&mut self, people: &People) -> anyhow::Result<()> {
        for nobody in [
            self.calendar.times.lines.resolve(people)?,
            self.calendar.extensions.lines.resolve(people)?,
            self.adjustments.lines.resolve(people)?,
        ]
        .concat()
        {
            eprintln!("warning: {nobody}");
        }
        Ok(())
    }

    /// Warns of changes by hand to labs that are not in the grades.
    pub(super) fn say_elsewhere(&self, topics: &[&str]) {
        for line in self.adjustments.elsewhere(topics) {
            eprintln!("warning: {line}");
        }
    }

    /// Makes the changes by hand.
    pub(super) fn adjust(&self, row: &mut Row) {
        self.adjustments.change(row);
    }

    /// Says of each lab how late it is, where that is known, flags what was not committed, and makes the changes by hand.
    /// What `stays` as it was graded keeps its own lateness.
    pub(super) fn apply(
        &self,
        row: &mut Row,
        kitchens: &[Kitchen<'_>],
        attempt: usize,
        clones: &Clones<'_>,
        stays: impl Fn(usize) -> bool,
    ) {
        let git = |folder: &str| clones.last_commit(folder);
        judge_times(row, kitchens, &self.calendar, attempt, git, stays);
        say_uncommitted(row, kitchens, clones);
        self.adjust(row);
    }
}

fn table<T: Default>(
    path: Option<&Path>,
    read: impl FnOnce(&Path) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    path.map_or_else(|| Ok(T::default()), read)
}

/// Flags a lab of a clone whose last commit does not hold what was handed in.
fn say_uncommitted(row: &mut Row, kitchens: &[Kitchen<'_>], clones: &Clones<'_>) {
    for (cell, kitchen) in row.labs.iter().zip(kitchens) {
        if cell.late.is_some() && clones.is_uncommitted(&kitchen.lab.folder) {
            let topic = &cell.topic;
            row.flags.push(format!("uncommitted:{topic}"));
            row.notes.push(format!(
                "{topic}: what was handed in is not what was committed last, and its time may be that of the commit."
            ));
        }
    }
}

/// Says of each lab how late it is, where that is known, and flags a row of which it is not. What `stays` as it was graded
/// keeps its own lateness.
fn judge_times(
    row: &mut Row,
    kitchens: &[Kitchen<'_>],
    calendar: &Calendar<'_>,
    attempt: usize,
    git: impl Fn(&str) -> Option<DueDate>,
    stays: impl Fn(usize) -> bool,
) {
    let mut unknown = false;
    let mut known = false;
    for (index, (cell, kitchen)) in row.labs.iter_mut().zip(kitchens).enumerate() {
        let handed_in = !matches!(cell.status, Status::Missing | Status::Refused);
        let counts = handed_in && calendar.due(&cell.topic).is_some();
        if !stays(index) {
            let git = || git(&kitchen.lab.folder);
            let late = || calendar.late(&row.student, &cell.topic, attempt, git);
            cell.late = counts.then(late).flatten();
        }
        known |= cell.late.is_some();
        unknown |= counts && cell.late.is_none();
    }
    if known && !unknown {
        // How late is known now, and is said lab by lab.
        row.flags.retain(|flag| flag != "late");
    }
    if unknown {
        row.flags.push("no-time".to_owned());
        row.notes
            .push("When it was handed in is not known, so nothing is taken off.".to_owned());
    }
}
