//! From what each attempt came to, to the grades of a class.
//!
//! A run ends with a draft: one row an attempt, its cells as they were judged, lateness and changes by hand beside
//! them. [`Draft::finish`] makes the class of it. It does so in one place, whether the draft is of one run or joined
//! from several shards', so both come to the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use course::{CheckReport, Verdict};
use serde::{Deserialize, Serialize};

use crate::late;
use crate::people::Person;
use crate::report::{self, Cell, Class, Column, Other, Row, Status, Uncounted};

/// The file beside the grades that has every attempt, where somebody has more than one.
const ATTEMPTS: &str = "attempts.json";

/// Which attempt at a lab counts, where there are several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Counts {
    /// The last one that holds the lab.
    #[default]
    Latest,
    /// The one with the highest score, lateness included.
    Best,
}

/// A class before the sums are made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Draft {
    /// The version of this format.
    pub version: u32,
    /// Which of how many shards this is; none where it is whole.
    pub shard: Option<(usize, usize)>,
    /// The digest of what seeds were made from.
    pub secret: String,
    /// Everybody whom a change by hand may name.
    pub people: Vec<Person>,
    /// Which attempt counts.
    pub counts: Counts,
    /// The class, one row an attempt.
    pub class: Class,
    /// By row: which attempt it is, from 1.
    pub attempts: Vec<usize>,
}

impl Draft {
    /// Reads what [`Draft::write`] wrote.
    ///
    /// # Errors
    /// It cannot be read, or is of another version.
    pub fn read(path: &Path) -> anyhow::Result<Draft> {
        report::take_json(path, "grade anew, into another folder")
    }

    /// Writes it as it is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        report::put_json(path, self)
    }

    /// Keeps every attempt beside the grades in `dir`, for a run that judges a part anew. Where nobody has more than
    /// one, the grades have them all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, dir: &Path) -> anyhow::Result<()> {
        let path = dir.join(ATTEMPTS);
        if self.attempts.iter().any(|attempt| *attempt > 1) {
            return self.write(&path);
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Every attempt of the run whose grades are in `dir`; none where there are none.
    ///
    /// # Errors
    /// What was kept cannot be read.
    pub fn kept(dir: &Path) -> anyhow::Result<Option<Draft>> {
        let Some(class) = Class::read(dir)? else {
            return Ok(None);
        };
        let path = dir.join(ATTEMPTS);
        if path.exists() {
            return Draft::read(&path).map(Some);
        }
        Ok(Some(Draft {
            version: course::VERSION,
            shard: None,
            secret: String::new(),
            people: Vec::new(),
            counts: Counts::default(),
            attempts: vec![1; class.students.len()],
            class,
        }))
    }

    /// Makes the sums.
    #[must_use]
    pub fn finish(self) -> Class {
        let Draft {
            counts,
            mut class,
            attempts,
            ..
        } = self;
        for (index, lab) in class.labs.iter_mut().enumerate() {
            uncount(lab, index, &mut class.students);
        }
        for (row, attempt) in class.students.iter_mut().zip(attempts) {
            row.attempt = attempt;
            for cell in &mut row.labs {
                cell.score = late::score(cell.points, cell.late.as_ref(), &cell.adjustments);
                cell.others.clear();
            }
        }
        class.students.sort_by(|a, b| {
            (&a.student, a.attempt, &a.entries).cmp(&(&b.student, b.attempt, &b.entries))
        });
        class.students = join(class.students, counts);
        let labs: Vec<(f64, u32)> = class
            .labs
            .iter()
            .map(|lab| (lab.weight, lab.max_points))
            .collect();
        let mut seen: Vec<String> = Vec::new();
        let twice: Vec<String> = class
            .students
            .iter()
            .filter(|row| {
                let again = seen.contains(&row.student);
                seen.push(row.student.clone());
                again
            })
            .map(|row| row.student.clone())
            .collect();
        for row in &mut class.students {
            for cell in row.labs.clone() {
                remark(row, &cell);
            }
            if twice.contains(&row.student) {
                row.flags.push("twice".to_owned());
                row.notes
                    .push("There is another submission of the same student.".to_owned());
            }
            row.late_days = row
                .labs
                .iter()
                .filter_map(|cell| Some(cell.late.as_ref()?.days))
                .sum();
            row.max = labs
                .iter()
                .map(|(weight, max)| weight * f64::from(*max))
                .sum();
            row.total = row
                .labs
                .iter()
                .zip(&labs)
                .map(|(cell, (weight, _))| cell.score.map(|score| weight * score))
                .sum();
        }
        class
    }
}

/// Takes the checks that were skipped for anybody out of everybody's points, and out of what there is to earn: part of a
/// class may have been judged where they could be.
fn uncount(lab: &mut Column, index: usize, rows: &mut [Row]) {
    let mut skipped: BTreeMap<String, Uncounted> = BTreeMap::new();
    for cell in rows.iter().filter_map(|row| row.labs.get(index)) {
        let hidden = cell.hidden.iter().map(|check| (check, true));
        for (check, hidden) in cell.checks.iter().map(|check| (check, false)).chain(hidden) {
            let Verdict::Skipped(reason) = &check.verdict else {
                continue;
            };
            let name = check.name.clone();
            skipped.entry(name).or_insert_with(|| Uncounted {
                name: check.name.clone(),
                reason: reason.clone(),
                points: check.max_points.0,
                kind: check.kind,
                hidden,
            });
        }
    }
    let counts = |check: &&CheckReport| !skipped.contains_key(&check.name);
    for cell in rows.iter_mut().filter_map(|row| row.labs.get_mut(index)) {
        if !skipped.is_empty() && cell.status == Status::Graded {
            cell.points = Some(
                cell.all_checks()
                    .filter(counts)
                    .map(|check| check.points.0)
                    .sum(),
            );
        }
    }
    lab.uncount(skipped.into_values().collect());
}

/// Joins the attempts of each student: lab by lab the one that counts. Rows of one attempt stay as they are.
fn join(rows: Vec<Row>, counts: Counts) -> Vec<Row> {
    let mut students: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        let mut before = students.iter_mut();
        let before = before.find(|attempts| {
            let last = attempts.last();
            last.is_some_and(|last| last.student == row.student && last.attempt != row.attempt)
        });
        match before {
            Some(attempts) => attempts.push(row),
            None => students.push(vec![row]),
        }
    }
    let students = students.into_iter();
    students
        .filter_map(|mut attempts| {
            if attempts.len() > 1 {
                attempts.iter_mut().for_each(say_which_attempt);
            }
            let attempts = attempts.into_iter();
            attempts.reduce(|before, row| with_later(before, row, counts))
        })
        .collect()
}

/// Says of all that is in a row of which attempt it is.
fn say_which_attempt(row: &mut Row) {
    for cell in &mut row.labs {
        cell.attempt = (cell.status != Status::Missing).then_some(row.attempt);
    }
    for note in &mut row.notes {
        *note = of_attempt(Some(row.attempt), note);
    }
}

/// A note, with the attempt that it is about where there are several.
fn of_attempt(attempt: Option<usize>, note: &str) -> String {
    match attempt {
        Some(attempt) => format!("Attempt {attempt}: {note}"),
        None => note.to_owned(),
    }
}

/// The attempts of a student up to now, and a later one.
fn with_later(before: Row, row: Row, counts: Counts) -> Row {
    let cells = before.labs.into_iter().zip(row.labs);
    Row {
        labs: cells
            .map(|(cell, later)| {
                if counts_more(&later, &cell, counts) {
                    in_place_of(later, cell)
                } else {
                    in_place_of(cell, later)
                }
            })
            .collect(),
        attempt: row.attempt,
        entries: [before.entries, row.entries].concat(),
        // What is said of the last attempt is what is to be looked at.
        flags: row.flags,
        notes: [before.notes, row.notes].concat(),
        ..before
    }
}

/// The cell that counts, which keeps what the other one came to, and those that it knew of.
fn in_place_of(mut counted: Cell, other: Cell) -> Cell {
    counted.others.extend(other.others);
    counted.others.extend(other.attempt.map(|attempt| Other {
        attempt,
        status: other.status,
        points: other.points,
        score: other.score,
    }));
    counted.others.sort_by_key(|other| other.attempt);
    counted
}

/// Whether a later attempt counts in an earlier one's place.
fn counts_more(later: &Cell, earlier: &Cell, counts: Counts) -> bool {
    // What was not handed in, or could not be taken, is no attempt where there is another.
    let worth = |cell: &Cell| match cell.status {
        Status::Missing => 0,
        Status::Refused => 1,
        _ => 2,
    };
    if worth(later) != worth(earlier) {
        return worth(later) > worth(earlier);
    }
    match counts {
        Counts::Latest => true,
        // One without a grade yet may still be the best: it is kept, so that nobody overlooks it.
        Counts::Best => match (later.score, earlier.score) {
            (Some(later), Some(earlier)) => later >= earlier,
            (later, _) => later.is_none(),
        },
    }
}

/// Flags what somebody should look at.
fn remark(row: &mut Row, cell: &Cell) {
    let whole = row.flags.iter().any(|flag| flag == "refused");
    let nothing = row.flags.iter().any(|flag| flag == "missing");
    let mut flag = |word: &str| row.flags.push(format!("{word}:{}", cell.topic));
    match cell.status {
        Status::Graded if !cell.unsteady.is_empty() => flag("unsteady"),
        Status::Refused if !whole => {
            flag("refused");
            let reason = cell.message.as_deref().unwrap_or_default();
            let note = format!("{}: not taken: {reason}.", cell.topic);
            row.notes.push(of_attempt(cell.attempt, &note));
        }
        Status::DoesNotCompile => flag("does-not-compile"),
        Status::Starter => flag("starter"),
        Status::Error if cell.score.is_none() => flag("error"),
        Status::Missing if !whole && !nothing => flag("missing"),
        _ => {}
    }
    if cell.late.as_ref().is_some_and(|late| late.days > 0) {
        row.flags.push(format!("late:{}", cell.topic));
    }
    if !cell.adjustments.is_empty() {
        row.flags.push(format!("adjusted:{}", cell.topic));
    }
    if cell.is_adjusted_for_another() {
        row.flags.push(format!("adjusted-before:{}", cell.topic));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, verdict: &str, points: u32, kind: &str) -> CheckReport {
        let earned = if verdict == "passed" { points } else { 0 };
        serde_json::from_value(serde_json::json!({
            "name": name, "verdict": verdict, "points": earned, "max_points": points, "seconds": 0.0, "step": 1,
            "kind": kind, "message": "no network", "section": "a.md#b", "need": "netns",
        }))
        .unwrap()
    }

    fn cell(checks: Vec<CheckReport>) -> Cell {
        let points = checks.iter().map(|check| check.points.0).sum();
        Cell {
            points: Some(points),
            checks,
            ..Cell::plain("tcp-echo", Status::Graded, None)
        }
    }

    fn column() -> Column {
        serde_json::from_value(serde_json::json!({
            "topic": "tcp-echo", "title": "TCP", "weight": 1.0, "max_points": 5, "max_bonus_points": 2, "checks": null,
        }))
        .unwrap()
    }

    #[test]
    fn what_could_not_be_judged_for_one_counts_for_nobody() {
        let mut lab = column();
        let judged = |verdict| check("b", verdict, 2, "core");
        let bonus = |verdict| check("c", verdict, 2, "bonus");
        let rows = [
            vec![
                check("a", "passed", 3, "core"),
                judged("passed"),
                bonus("passed"),
            ],
            vec![
                check("a", "passed", 3, "core"),
                judged("skipped"),
                bonus("skipped"),
            ],
        ];
        let mut rows = rows.map(|checks| Row {
            labs: vec![cell(checks)],
            ..Row::default()
        });
        uncount(&mut lab, 0, &mut rows);
        assert_eq!((lab.max_points, lab.max_bonus_points), (3, 0));
        let points = rows.map(|row| row.labs[0].points);
        assert_eq!(points, [Some(3), Some(3)]);
        let names: Vec<&str> = lab
            .uncounted
            .iter()
            .map(|check| check.name.as_str())
            .collect();
        assert_eq!(names, ["b", "c"]);
    }

    #[test]
    fn what_was_judged_for_all_counts() {
        let mut lab = column();
        let mut rows = [Row {
            labs: vec![
                cell(vec![check("a", "passed", 3, "core")]),
                Cell::plain("x", Status::Missing, None),
            ],
            ..Row::default()
        }];
        uncount(&mut lab, 0, &mut rows);
        assert_eq!(
            (lab.max_points, lab.max_bonus_points, lab.uncounted.len()),
            (5, 2, 0)
        );
        assert_eq!(rows[0].labs[0].points, Some(3));
    }

    /// A class of rows, each with the number of its attempt.
    fn draft(rows: Vec<(usize, Row)>) -> Draft {
        let class = serde_json::json!({
            "version": course::VERSION, "course": "", "sandbox": "", "toolchain": "", "students": [],
            "labs": [column()],
        });
        let (attempts, students) = rows.into_iter().unzip();
        Draft {
            version: course::VERSION,
            shard: None,
            secret: String::new(),
            people: Vec::new(),
            counts: Counts::Latest,
            class: Class {
                students,
                ..serde_json::from_value(class).unwrap()
            },
            attempts,
        }
    }

    fn attempt(number: usize, entry: &str, cell: Cell) -> (usize, Row) {
        let row = Row {
            student: "ada".to_owned(),
            entries: vec![entry.to_owned()],
            notes: vec![format!("Read from {entry}.")],
            labs: vec![cell],
            ..Row::default()
        };
        (number, row)
    }

    fn earned(points: u32) -> Cell {
        Cell {
            points: Some(points),
            ..Cell::plain("tcp-echo", Status::Graded, None)
        }
    }

    fn others(row: &Row) -> serde_json::Value {
        serde_json::to_value(&row.labs[0]).unwrap()["others"].take()
    }

    #[test]
    fn what_each_other_attempt_came_to_is_kept_in_their_order() {
        let late = serde_json::json!({
            "submitted": "", "source": "times", "due": "", "extended": false, "days": 1, "percent": 10.0,
        });
        let first = Cell {
            late: serde_json::from_value(late).unwrap(),
            ..earned(31)
        };
        let plain = |status| Cell::plain("tcp-echo", status, Some("no lab".to_owned()));
        let rows = vec![
            attempt(4, "d", plain(Status::Refused)),
            attempt(3, "c", earned(5)),
            attempt(1, "a", first),
            attempt(5, "e", plain(Status::Missing)),
            attempt(2, "b", plain(Status::DoesNotCompile)),
        ];
        let first =
            serde_json::json!({ "attempt": 1, "status": "graded", "points": 31, "score": 27.9 });
        let second = serde_json::json!({ "attempt": 2, "status": "does-not-compile", "points": 0, "score": 0.0 });
        let third =
            serde_json::json!({ "attempt": 3, "status": "graded", "points": 5, "score": 5.0 });
        let fourth =
            serde_json::json!({ "attempt": 4, "status": "refused", "points": 0, "score": 0.0 });
        let latest = draft(rows);
        let best = Draft {
            counts: Counts::Best,
            ..latest.clone()
        };
        let [latest, best] = [latest, best].map(|draft| {
            let students = draft.finish().students;
            assert_eq!(students.len(), 1);
            students.into_iter().next().unwrap()
        });
        assert_eq!(latest.labs[0].attempt, Some(3));
        assert_eq!(others(&latest), serde_json::json!([first, second, fourth]));
        assert_eq!(best.labs[0].attempt, Some(1));
        assert_eq!(others(&best), serde_json::json!([second, third, fourth]));
        assert_eq!(
            best.notes,
            [
                "Attempt 1: Read from a.",
                "Attempt 2: Read from b.",
                "Attempt 3: Read from c.",
                "Attempt 4: Read from d.",
                "Attempt 5: Read from e.",
            ]
        );
    }

    #[test]
    fn one_attempt_says_nothing_of_attempts() {
        let rows = vec![attempt(2, "a", earned(5))];
        let class = draft(rows).finish();
        let row = &class.students[0];
        assert_eq!(
            (row.labs[0].attempt, others(row)),
            (None, serde_json::Value::Null)
        );
        assert_eq!(row.notes, ["Read from a."]);
    }

    #[test]
    fn two_entries_of_one_attempt_are_no_attempts_of_each_other() {
        let rows = vec![
            attempt(2, "c", earned(3)),
            attempt(1, "b", earned(2)),
            attempt(1, "a", earned(1)),
        ];
        let students = draft(rows).finish().students;
        let [first, second] = &students[..] else {
            panic!("{students:?}");
        };
        assert_eq!(first.entries, ["a", "c"]);
        let other =
            serde_json::json!({ "attempt": 1, "status": "graded", "points": 1, "score": 1.0 });
        assert_eq!(others(first), serde_json::json!([other]));
        assert_eq!(
            (second.entries.len(), others(second)),
            (1, serde_json::Value::Null)
        );
        let twice = "There is another submission of the same student.";
        assert_eq!(second.notes, ["Read from b.", twice]);
    }

    #[test]
    fn a_lab_that_was_not_taken_says_in_which_attempt() {
        let refused = Cell::plain("tcp-echo", Status::Refused, Some("no lab".to_owned()));
        let missing = Cell::plain("tcp-echo", Status::Missing, None);
        let rows = vec![attempt(1, "a", refused), attempt(2, "b", missing)];
        let class = draft(rows).finish();
        assert_eq!(
            class.students[0].notes[2],
            "Attempt 1: tcp-echo: not taken: no lab."
        );
    }

    #[test]
    fn every_attempt_is_kept_beside_the_grades() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = draft(vec![attempt(1, "a", earned(3)), attempt(2, "b", earned(3))]);
        let rows = |draft: &Draft| {
            draft.keep(dir.path()).unwrap();
            draft.clone().finish().write(dir.path()).unwrap();
            let kept = Draft::kept(dir.path()).unwrap().unwrap();
            (kept.class.students.len(), kept.attempts)
        };
        assert_eq!(rows(&draft), (2, vec![1, 2]));
        // With one attempt the grades have it, and what was kept of two is gone.
        draft.class.students.truncate(1);
        draft.attempts.truncate(1);
        assert_eq!(rows(&draft), (1, vec![1]));
    }
}
