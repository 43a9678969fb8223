//! What stays of an earlier run.

use std::collections::{BTreeMap, BTreeSet};

use super::{meant, rows};
use crate::build::Kitchen;
use crate::intake::Submission;
use crate::report::{Cell, Class, Column, Row, Status};

/// By submission and lab: what stays of an earlier run.
#[derive(Default)]
pub(super) struct Stays {
    cells: BTreeMap<(usize, usize), Cell>,
    /// Of which something else is there now than was graded.
    unjudged: BTreeSet<(usize, usize)>,
    /// Which keep their lateness too: these, and the labs that are not asked for.
    with_terms: BTreeSet<(usize, usize)>,
}

impl Stays {
    /// `kept` says what stays of a submission's lab, both by their numbers, and `is_asked` whether a lab is asked for.
    pub(super) fn of(
        kitchens: &[Kitchen<'_>],
        submissions: &[Submission],
        hashes: &BTreeMap<(usize, usize), String>,
        kept: impl Fn(usize, usize, Option<&str>) -> Option<Cell>,
        is_asked: impl Fn(usize) -> bool,
    ) -> Stays {
        let mut stays = Stays::default();
        for (who, submission) in submissions.iter().enumerate() {
            for (index, kitchen) in kitchens.iter().enumerate() {
                let hash = hashes.get(&(who, index)).map(String::as_str);
                let Some(cell) = kept(who, index, hash) else {
                    continue;
                };
                let is_of_now = rows::is_of(&cell, kitchen, submission, hash);
                if !is_of_now {
                    stays.unjudged.insert((who, index));
                }
                if !is_of_now || !is_asked(index) {
                    stays.with_terms.insert((who, index));
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

    /// Whether a submission's lab keeps its lateness: it is not that of what is here.
    pub(super) fn keeps_terms(&self, who: usize, index: usize) -> bool {
        self.with_terms.contains(&(who, index))
    }
}

/// What could be earned by a lab of which the course says `now`: where it `is_graded` and its checks were not built, that
/// was all before, and what can be earned now nobody could earn then.
pub(super) fn as_graded(now: Column, earlier: Option<&Class>, is_graded: bool) -> Column {
    let before = earlier.into_iter().flat_map(|class| &class.labs);
    let mut before = before.filter(|before| before.topic == now.topic);
    let Some(before) = before.next().filter(|_| now.checks.is_none()) else {
        return now;
    };
    if is_graded {
        Column {
            title: now.title,
            weight: now.weight,
            due: now.due,
            ..before.whole()
        }
    } else {
        Column {
            checks: before.checks.clone(),
            ..now
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(max: u32, checks: Option<&str>) -> Column {
        let column = serde_json::json!({
            "topic": "names", "title": "Names", "weight": f64::from(max), "max_points": max, "max_bonus_points": 0,
            "checks": checks,
        });
        serde_json::from_value(column).unwrap()
    }

    #[test]
    fn what_could_be_earned_stays_where_all_verdicts_do() {
        // Of twelve points two could not be judged.
        let mut before = column(12, Some("a"));
        let skipped = serde_json::json!([{ "name": "x", "reason": "no network", "points": 2 }]);
        before.uncount(serde_json::from_value(skipped).unwrap());
        assert_eq!(before.max_points, 10);
        let class = serde_json::json!({
            "version": course::VERSION, "course": "", "sandbox": "", "toolchain": "", "students": [],
            "labs": [before],
        });
        let class: Class = serde_json::from_value(class).unwrap();
        let is = |now: Column, is_graded| {
            let column = as_graded(now, Some(&class), is_graded);
            (column.max_points, column.weight, column.checks)
        };
        let checks = |word: &str| Some(word.to_owned());
        assert_eq!(is(column(9, None), true), (12, 9.0, checks("a")));
        assert_eq!(is(column(9, None), false), (9, 9.0, checks("a")));
        assert_eq!(is(column(9, Some("b")), true), (9, 9.0, checks("b")));
    }
}
