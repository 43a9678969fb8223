//! What stays of an earlier run.

use std::collections::{BTreeMap, BTreeSet};

use super::{meant, rows};
use crate::build::Kitchen;
use crate::intake::Submission;
use crate::report::{Cell, Row, Status};

/// By submission and lab: what stays of an earlier run.
#[derive(Default)]
pub(super) struct Stays {
    cells: BTreeMap<(usize, usize), Cell>,
    /// Of which something else is there now than was graded.
    unjudged: BTreeSet<(usize, usize)>,
}

impl Stays {
    /// `kept` says what stays of a submission's lab, both by their numbers.
    pub(super) fn of(
        kitchens: &[Kitchen<'_>],
        submissions: &[Submission],
        hashes: &BTreeMap<(usize, usize), String>,
        kept: impl Fn(usize, usize, Option<&str>) -> Option<Cell>,
    ) -> Stays {
        let mut stays = Stays::default();
        for (who, submission) in submissions.iter().enumerate() {
            for (index, kitchen) in kitchens.iter().enumerate() {
                let hash = hashes.get(&(who, index)).map(String::as_str);
                let Some(cell) = kept(who, index, hash) else {
                    continue;
                };
                if !rows::is_of(&cell, kitchen, submission, hash) {
                    stays.unjudged.insert((who, index));
                }
                stays.cells.insert((who, index), cell);
            }
        }
        stays
    }

    /// Says of which students something else is there now.
    pub(super) fn say_unjudged(
        &self,
        kitchens: &[Kitchen<'_>],
        submissions: &[Submission],
        introduced: &[Row],
    ) {
        let here = self.unjudged.iter().filter(|(who, index)| {
            let folder = &kitchens[*index].lab.folder;
            submissions[*who].has_something_of(folder)
        });
        meant::say_unjudged(here.map(|(who, index)| {
            let topic = kitchens[*index].lab.topic.as_str();
            (introduced[*who].student.as_str(), topic)
        }));
    }

    /// Of how many students the verdicts of a lab stay.
    pub(super) fn verdicts(&self, lab: usize) -> usize {
        let of_lab = self.cells.iter().filter(|((_, index), _)| *index == lab);
        let judged = of_lab.filter(|(_, cell)| cell.status == Status::Graded);
        judged.count()
    }

    /// What stays of a submission's lab, for its row.
    pub(super) fn take(&mut self, who: usize, index: usize) -> Option<Cell> {
        self.cells.remove(&(who, index))
    }

    /// Whether something else is there now than was graded.
    pub(super) fn is_unjudged(&self, who: usize, index: usize) -> bool {
        self.unjudged.contains(&(who, index))
    }
}
