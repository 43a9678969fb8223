//! Grading again: what stays of an earlier run, and what has changed since.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use course::{DueDate, Verdict};

use crate::report::{self, Cell, Class, Row, Status, number, safe};

/// The columns of `changes.csv`.
const COLUMNS: [&str; 6] = ["student", "lab", "before", "after", "what", "at"];

/// What is judged anew, where something is asked for by name.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only these students, as the grades have them.
    pub students: Vec<String>,
    /// Only what did not earn everything.
    pub failures: bool,
    /// Only these labs, by topic; all of them where there is none.
    pub labs: Vec<String>,
}

impl Wanted {
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
        let lab = self.labs.is_empty() || self.labs.iter().any(|lab| lab == topic);
        let failure = !self.failures || earlier.is_none_or(is_failure);
        student && lab && failure
    }
}

/// Whether a lab did not earn everything: it broke off, did not compile, or a check failed.
fn is_failure(cell: &Cell) -> bool {
    match cell.status {
        Status::Graded => cell
            .checks
            .iter()
            .chain(&cell.hidden)
            .any(|check| check.verdict != Verdict::Passed),
        Status::DoesNotCompile | Status::Error => true,
        Status::Starter | Status::Missing | Status::Refused | Status::Elsewhere => false,
    }
}

/// What an earlier run came to for a lab of a student, without what the sums are made from anew.
#[must_use]
pub fn kept(earlier: &Class, student: &str, topic: &str) -> Option<Cell> {
    let row = row(earlier, student)?;
    let cell = row.labs.iter().find(|cell| cell.topic == topic)?;
    Some(Cell {
        score: None,
        late: None,
        adjustments: Vec::new(),
        attempt: None,
        ..cell.clone()
    })
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

/// What is other in `after`. Students and labs that were not there before are changes too.
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
    changes
}

fn difference(old: Option<&Cell>, new: &Cell) -> Option<String> {
    let word = |status: Status| {
        let json = serde_json::to_string(&status).unwrap_or_default();
        json.trim_matches('"').to_owned()
    };
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
    write(&changes, &DueDate::now().to_string(), &path)?;
    let word = if changes.len() == 1 {
        "change"
    } else {
        "changes"
    };
    println!("{} {word}, {}", changes.len(), path.display());
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
