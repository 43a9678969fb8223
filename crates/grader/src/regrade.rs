//! Grading again: what stays of an earlier run, and what has changed since.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use course::{DueDate, Verdict};

use crate::draft::Draft;
use crate::people::People;
use crate::report::{self, Cell, Class, Row, Status, number, safe};

/// The columns of `changes.csv`.
const COLUMNS: [&str; 6] = ["student", "lab", "before", "after", "what", "at"];

/// What is judged anew, where something is asked for by name.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only these students, as they were named until [`Wanted::resolve`], then as the grades have them.
    pub students: Vec<String>,
    /// Only what did not earn everything.
    pub failures: bool,
    /// Only these labs, by topic; all of them where there is none.
    pub labs: Vec<String>,
}

impl Wanted {
    /// Finds out which students are meant.
    ///
    /// # Errors
    /// One of them is nobody, or may be more than one.
    pub fn resolve(&mut self, people: &People) -> anyhow::Result<()> {
        for word in &mut self.students {
            let found = people.find(word).context("--student")?;
            *word = found.with_context(|| people.nobody(word))?.to_owned();
        }
        Ok(())
    }

    /// Whether a lab is asked for, whosever.
    #[must_use]
    pub fn is_asked(&self, topic: &str) -> bool {
        self.labs.is_empty() || self.labs.iter().any(|lab| lab == topic)
    }

    /// Whether it names anything but labs.
    #[must_use]
    pub fn is_selective(&self) -> bool {
        self.failures || !self.students.is_empty()
    }

    /// Whether a lab of a student is wanted; `earlier` is what an earlier run came to.
    #[must_use]
    pub fn wants(&self, student: &str, topic: &str, earlier: Option<&Cell>) -> bool {
        let student =
            self.students.is_empty() || self.students.iter().any(|wanted| wanted == student);
        let lab = self.is_asked(topic);
        let failure = !self.failures || earlier.is_none_or(is_failure);
        student && lab && failure
    }

    /// What stays of an earlier run for a lab of a submission; none where it is to be judged. An attempt that came after
    /// that run stays as it was as well: missing.
    #[must_use]
    pub fn kept(&self, earlier: &Draft, handed: &Handed<'_>, topic: &str) -> Option<Cell> {
        let rows = earlier.class.students.iter().zip(&earlier.attempts);
        let mut cells = rows
            .filter(|(row, _)| row.student == handed.student)
            .filter_map(|(row, attempt)| {
                let cell = row.labs.iter().find(|cell| cell.topic == topic)?;
                let same = handed.sources.is_some() && cell.sources.as_deref() == handed.sources;
                let attempt = *attempt == handed.attempt;
                Some((cell, (same, attempt, row.entries == handed.entries)))
            });
        // Its own is what was made of the same sources, wherever they lay; else what the same attempt came to.
        let own = cells
            .clone()
            .filter(|(_, (same, attempt, _))| *same || *attempt)
            .max_by_key(|(_, likeness)| *likeness)
            .map(|(cell, _)| cell);
        let known = own.or_else(|| cells.next_back().map(|(cell, _)| cell))?;
        // What has failed and is not among the submissions now is no failure that could be judged anew.
        let is_elsewhere = self.failures && handed.sources.is_none() && known.sources.is_some();
        let wants = self.wants(handed.student, topic, Some(known)) && !is_elsewhere;
        if known.status == Status::Error || wants {
            return None;
        }
        let missing = || Cell::plain(topic, Status::Missing, None);
        Some(own.map_or_else(missing, as_judged))
    }

    /// Whether some of what was graded before is to stay.
    #[must_use]
    pub fn is_a_part(&self) -> bool {
        self.is_selective() || !self.labs.is_empty()
    }

    /// The rows of the attempts of which nothing is among the submissions now, though something was before: what is not
    /// asked for by name stays as it is. None where all is judged, since then they have taken it away.
    /// `topics` are the labs of the grades.
    #[must_use]
    pub fn others(
        &self,
        earlier: &Draft,
        is_here: impl Fn(&Row, usize) -> bool,
        topics: &[&str],
    ) -> Vec<Row> {
        let rows = earlier.class.students.iter().zip(&earlier.attempts);
        let rows = rows.filter(|(row, _)| self.is_a_part() && !row.entries.is_empty());
        rows.filter(|(row, attempt)| !is_here(row, **attempt))
            .map(|(row, attempt)| {
                let named = self.students.contains(&row.student);
                let asked = named || self.students.is_empty() && !self.failures;
                let cell = |topic: &&str| {
                    let cell = row.labs.iter().find(|cell| cell.topic == *topic);
                    let cell = cell.filter(|_| !(asked && self.is_asked(topic)));
                    cell.map_or_else(|| Cell::plain(topic, Status::Missing, None), as_judged)
                };
                // What is said of single labs is said anew.
                let of_a_lab = |note: &&String| {
                    let mut topics = topics.iter();
                    topics.any(|topic| note.starts_with(&format!("{topic}: not taken: ")))
                };
                let notes = row.notes.iter().filter(|note| !of_a_lab(note));
                let flags = row.flags.iter();
                Row {
                    labs: topics.iter().map(cell).collect(),
                    flags: flags
                        .filter(|flag| !flag.contains(':') && *flag != "twice")
                        .cloned()
                        .collect(),
                    notes: notes.cloned().collect(),
                    attempt: *attempt,
                    ..row.clone()
                }
            })
            .filter(|row| row.labs.iter().any(|cell| cell.status != Status::Missing))
            .collect()
    }
}

/// What a lab came to before lateness and changes by hand, and before checks that some could not be judged by were taken
/// out of everybody's points.
fn as_judged(cell: &Cell) -> Cell {
    let is_graded = cell.status == Status::Graded;
    let earned = || cell.all_checks().map(|check| check.points.0).sum();
    Cell {
        points: if is_graded {
            Some(earned())
        } else {
            cell.points
        },
        score: None,
        adjustments: Vec::new(),
        adjusted_for: None,
        attempt: None,
        ..cell.clone()
    }
}

/// Notes of each lab that is changed by hand for which program that was: the one that was there when the same changes
/// were first made, which `earlier` rows tell.
pub fn note_programs(rows: &mut [Row], earlier: &[Row]) {
    for row in rows {
        for cell in row
            .labs
            .iter_mut()
            .filter(|cell| !cell.adjustments.is_empty())
        {
            let rows = earlier.iter().filter(|other| other.student == row.student);
            let cells = rows.flat_map(|row| &row.labs);
            let same = cells
                .filter(|other| other.topic == cell.topic && other.adjustments == cell.adjustments);
            let before = same.max_by_key(|other| other.sources == cell.sources);
            let sources = |cell: &Cell| cell.sources.clone().unwrap_or_default();
            cell.adjusted_for = Some(before.map_or_else(
                || sources(cell),
                |before| {
                    before
                        .adjusted_for
                        .clone()
                        .unwrap_or_else(|| sources(before))
                },
            ));
        }
    }
}

/// A lab of a submission, as it is there now.
#[derive(Debug, Clone, Copy)]
pub struct Handed<'h> {
    /// Whose, as the grades have it.
    pub student: &'h str,
    /// Which attempt, from 1.
    pub attempt: usize,
    /// What was read.
    pub entries: &'h [String],
    /// The hash of its sources, where something was written.
    pub sources: Option<&'h str>,
}

/// Whether a lab did not earn everything: it broke off, did not compile, a check failed, or nothing was there to judge,
/// which may be there by now.
fn is_failure(cell: &Cell) -> bool {
    match cell.status {
        Status::Graded => cell
            .checks
            .iter()
            .chain(&cell.hidden)
            .any(|check| check.verdict != Verdict::Passed),
        Status::DoesNotCompile
        | Status::Error
        | Status::Starter
        | Status::Missing
        | Status::Refused => true,
        Status::Elsewhere => false,
    }
}

fn row<'c>(class: &'c Class, student: &str) -> Option<&'c Row> {
    class.students.iter().find(|row| row.student == student)
}

/// One thing that is other than before.
#[derive(Debug, PartialEq)]
pub struct Change {
    /// Whose.
    pub student: String,
    /// The lab's topic.
    pub topic: String,
    /// The score before; none where there was none.
    pub before: Option<f64>,
    /// The score now.
    pub after: Option<f64>,
    /// Checks that pass now, each with `+`, and that do not any more, each with `-`; or how the lab ended.
    pub what: String,
}

/// What is other in `after`. Students and labs that were not there before are changes too, and so are students who are
/// gone.
#[must_use]
pub fn changes(before: &Class, after: &Class) -> Vec<Change> {
    let mut changes = Vec::new();
    for row in &after.students {
        let old = self::row(before, &row.student);
        for cell in &row.labs {
            let old = old.and_then(|row| row.labs.iter().find(|old| old.topic == cell.topic));
            if let Some(what) = difference(old, cell) {
                changes.push(Change {
                    student: row.student.clone(),
                    topic: cell.topic.clone(),
                    before: old.and_then(|cell| cell.score),
                    after: cell.score,
                    what,
                });
            }
        }
    }
    let gone = before.students.iter();
    for row in gone.filter(|row| self::row(after, &row.student).is_none()) {
        let cells = row.labs.iter();
        changes.extend(
            cells
                .filter(|cell| {
                    cell.status != Status::Missing || cell.score.is_some_and(|score| score > 0.0)
                })
                .map(|cell| Change {
                    student: row.student.clone(),
                    topic: cell.topic.clone(),
                    before: cell.score,
                    after: None,
                    what: format!("{} → {GONE}", word(cell.status)),
                }),
        );
    }
    changes
}

/// What is said of a student of whom there is neither an entry nor a line on the roster any more.
const GONE: &str = "gone";

fn word(status: Status) -> String {
    let json = serde_json::to_string(&status).unwrap_or_default();
    json.trim_matches('"').to_owned()
}

fn difference(old: Option<&Cell>, new: &Cell) -> Option<String> {
    let Some(old) = old else {
        return (new.status != Status::Missing).then(|| word(new.status));
    };
    if old.status != new.status {
        return Some(format!("{} → {}", word(old.status), word(new.status)));
    }
    let passed = |cell: &Cell, name: &str| {
        let mut all = cell.checks.iter().chain(&cell.hidden);
        all.any(|check| check.name == name && check.verdict == Verdict::Passed)
    };
    let names = |cell: &Cell| -> Vec<String> {
        let all = cell.checks.iter().chain(&cell.hidden);
        all.map(|check| check.name.clone()).collect()
    };
    let mut what = String::new();
    for name in names(new) {
        if passed(new, &name) && !passed(old, &name) {
            let _ = write!(what, "+{name} ");
        }
    }
    for name in names(old) {
        if passed(old, &name) && !passed(new, &name) {
            let _ = write!(what, "-{name} ");
        }
    }
    let what = what.trim_end().to_owned();
    if !what.is_empty() {
        return Some(what);
    }
    (old.score != new.score).then(|| terms(old, new))
}

/// Why the same checks count otherwise.
fn terms(old: &Cell, new: &Cell) -> String {
    let cost = |cell: &Cell| cell.late.as_ref().map_or(0.0, |late| late.percent);
    let mut why = Vec::new();
    if cost(old) != cost(new) {
        why.push(format!(
            "lateness: {} % less, not {} %",
            number(cost(new)),
            number(cost(old))
        ));
    }
    if old.adjustments != new.adjustments {
        let changes: Vec<String> = new.adjustments.iter().map(ToString::to_string).collect();
        why.push(if changes.is_empty() {
            "no change by hand any more".to_owned()
        } else {
            format!("by hand: {}", changes.join("; "))
        });
    }
    if why.is_empty() {
        "what the checks count".to_owned()
    } else {
        why.join("; ")
    }
}

/// `ada  framing  12 → 14  +check`
#[must_use]
pub fn line(change: &Change) -> String {
    let score = |score: Option<f64>| score.map_or("–".to_owned(), number);
    format!(
        "{}  {}  {} → {}  {}",
        safe::plain(&change.student),
        change.topic,
        score(change.before),
        score(change.after),
        safe::plain(&change.what)
    )
}

/// Says what is other in `after`, and adds it to `changes.csv` in the folder of the grades.
///
/// # Errors
/// It cannot be written.
pub fn say(before: &Class, after: &Class, out: &Path) -> anyhow::Result<()> {
    let changes = changes(before, after);
    for change in &changes {
        println!("{}", line(change));
    }
    let path = out.join("changes.csv");
    if changes.is_empty() {
        println!("0 changes");
        return Ok(());
    }
    write(&changes, &DueDate::now().to_string(), &path)?;
    let word = if changes.len() == 1 {
        "change"
    } else {
        "changes"
    };
    println!("{} {word}, {}", changes.len(), path.display());
    let lost = changes.iter().filter(|change| {
        let ends = |word: &str| change.what.ends_with(&format!(" → {word}"));
        [GONE, "missing", "refused"].into_iter().any(ends)
            && change.before.is_some_and(|score| score > 0.0)
    });
    let lost: Vec<String> = lost
        .map(|change| format!("{} ({})", change.student, change.topic))
        .collect();
    if !lost.is_empty() {
        eprintln!(
            "warning: what was graded before is not among the submissions any more, and counts nothing now: {}; where each lab has a folder of its own, grade it with --labs LAB --resume",
            safe::list(lost.iter().map(String::as_str))
        );
    }
    Ok(())
}

/// Adds them to `changes.csv`, each with the moment `at` (RFC 3339): what has changed once is not forgotten when the
/// class is graded once more.
///
/// # Errors
/// It cannot be written.
pub fn write(changes: &[Change], at: &str, path: &Path) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    let head = writer
        .into_inner()
        .map_err(|error| anyhow::anyhow!("the changes cannot be written: {error}"))?;
    let before = match fs::read(path) {
        Ok(before) if before.starts_with(&head) => before,
        _ => head,
    };
    let mut writer = csv::Writer::from_writer(before);
    let score = |score: Option<f64>| score.map_or(String::new(), number);
    for change in changes {
        writer.write_record([
            safe::cell(&change.student),
            change.topic.clone(),
            score(change.before),
            score(change.after),
            safe::cell(&change.what),
            at.to_owned(),
        ])?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| anyhow::anyhow!("the changes cannot be written: {error}"))?;
    report::put(path, &bytes)
}

#[cfg(test)]
mod tests {
    use course::CheckReport;

    use super::*;
    use crate::draft::Counts;

    /// A check that passed.
    fn earning(points: u32) -> CheckReport {
        serde_json::from_value(serde_json::json!({
            "name": "a", "verdict": "passed", "points": points, "max_points": points, "seconds": 0.0, "step": 1,
            "kind": "core", "message": null, "section": "a.md#b",
        }))
        .unwrap()
    }

    #[test]
    fn what_counted_for_nobody_counts_again_where_it_was_judged() {
        let mut draft = two_attempts();
        draft.class.students.truncate(1);
        // One more was taken out of what this student had earned, since another could not be judged by it.
        draft.class.students[0].labs[0].checks.push(earning(2));
        let handed = Handed {
            student: "bob",
            attempt: 1,
            entries: &[],
            sources: Some("one"),
        };
        let cell = only(&[], &[], true).kept(&draft, &handed, "names");
        assert_eq!(cell.unwrap().points, Some(7));
    }

    /// Both attempts of bob: the first one was in time, the second one better.
    fn two_attempts() -> Draft {
        let row = |hash: &str, points| Row {
            student: "bob".to_owned(),
            entries: vec!["bob".to_owned()],
            labs: vec![Cell {
                points: Some(points),
                checks: vec![earning(points)],
                sources: Some(hash.to_owned()),
                ..Cell::plain("names", Status::Graded, None)
            }],
            ..Row::default()
        };
        let class = serde_json::from_value(serde_json::json!({
            "version": course::VERSION, "course": "", "sandbox": "", "toolchain": "", "labs": [], "students": [],
        }));
        Draft {
            version: course::VERSION,
            shard: None,
            secret: String::new(),
            people: Vec::new(),
            counts: Counts::Best,
            class: Class {
                students: vec![row("one", 5), row("two", 9)],
                ..class.unwrap()
            },
            attempts: vec![1, 2],
        }
    }

    fn only(students: &[&str], labs: &[&str], failures: bool) -> Wanted {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Wanted {
            students: owned(students),
            failures,
            labs: owned(labs),
        }
    }

    /// How the lab stays, and with which points.
    fn kept(wanted: &Wanted, attempt: usize, sources: &str) -> Option<(Status, Option<u32>)> {
        let handed = Handed {
            student: "bob",
            attempt,
            entries: &["bob".to_owned()],
            sources: Some(sources),
        };
        let cell = wanted.kept(&two_attempts(), &handed, "names")?;
        Some((cell.status, cell.points))
    }

    #[test]
    fn each_attempt_keeps_its_own_verdict() {
        for wanted in [only(&["ada"], &[], false), only(&[], &["framing"], false)] {
            let graded = |points| Some((Status::Graded, Some(points)));
            assert_eq!(kept(&wanted, 1, "one"), graded(5));
            assert_eq!(kept(&wanted, 2, "two"), graded(9));
            // The folders in another order, or one of them alone.
            assert_eq!(kept(&wanted, 1, "two"), graded(9));
            // Another program in the place of the second one, and one that came after both.
            assert_eq!(kept(&wanted, 2, "other"), graded(9));
            assert_eq!(kept(&wanted, 3, "other"), Some((Status::Missing, Some(0))));
        }
    }

    #[test]
    fn a_grade_that_was_given_by_hand_does_not_go_in_silence() {
        let mut before = two_attempts().class;
        let after = Class {
            students: Vec::new(),
            ..before.clone()
        };
        before.students = vec![Row {
            student: "dee".to_owned(),
            labs: vec![
                Cell {
                    score: Some(2.0),
                    ..Cell::plain("names", Status::Missing, None)
                },
                Cell {
                    score: Some(0.0),
                    ..Cell::plain("udp", Status::Missing, None)
                },
            ],
            ..Row::default()
        }];
        let all = changes(&before, &after);
        let lines: Vec<String> = all.iter().map(line).collect();
        assert_eq!(lines, ["dee  names  2 → –  missing → gone"]);
    }

    #[test]
    fn what_is_asked_for_or_has_no_grade_is_judged() {
        assert_eq!(kept(&only(&["bob"], &[], false), 1, "one"), None);
        assert_eq!(kept(&only(&[], &[], false), 3, "other"), None);
        let failures = only(&[], &[], true);
        assert!(kept(&failures, 2, "two").is_some());
        let mut draft = two_attempts();
        draft.class.students[1].labs[0].status = Status::Error;
        let handed = Handed {
            student: "bob",
            attempt: 2,
            entries: &[],
            sources: Some("two"),
        };
        let cell = only(&["ada"], &[], false).kept(&draft, &handed, "names");
        assert!(cell.is_none());
    }
}
