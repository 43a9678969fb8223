//! What is expected of each row, and whether it came.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use grader::report::{Cell, Class, Row, Status};
use serde::{Deserialize, Serialize};

/// What a lab must come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// Exactly these points, from checks that were run.
    Points(u32),
    /// These checks fail; no more than that is known of a wrong answer.
    Fails(Vec<String>),
    DoesNotCompile,
    Starter,
    Missing,
    /// Refused, with these words in the reason.
    Refused(String),
}

/// What a row must come to.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExpectedRow {
    /// What of the row's flags is not about one lab.
    pub flags: Vec<String>,
    /// By topic.
    pub labs: BTreeMap<String, Expected>,
}

/// By student.
pub type Rows = BTreeMap<String, ExpectedRow>;

/// `verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The folder that `make` wrote
    class: PathBuf,
    /// The folder that `cargo grade run --out` wrote
    grades: PathBuf,
}

pub fn verify(args: &Verify) -> anyhow::Result<()> {
    let path = args.class.join("expected.json");
    let text =
        std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let rows: Rows = serde_json::from_slice(&text)?;
    let class = Class::of(&args.grades)?;
    let mut wrong = Vec::new();
    for row in &class.students {
        match rows.get(&row.student) {
            Some(expected) => differences(expected, row, &mut wrong),
            None => wrong.push(format!("{}: nobody of that name was made", row.student)),
        }
    }
    for student in rows.keys() {
        if !class.students.iter().any(|row| row.student == *student) {
            wrong.push(format!("{student}: there is no row"));
        }
    }
    if !wrong.is_empty() {
        bail!(
            "{} things are not as expected:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
    println!("{} rows, every one as expected", class.students.len());
    Ok(())
}

fn differences(expected: &ExpectedRow, row: &Row, wrong: &mut Vec<String>) {
    let about_all = row.flags.iter().filter(|flag| !flag.contains(':'));
    let flags: Vec<&String> = about_all.collect();
    if flags != expected.flags.iter().collect::<Vec<_>>() {
        wrong.push(format!(
            "{}: flags {flags:?}, not {:?}",
            row.student, expected.flags
        ));
    }
    for cell in &row.labs {
        let Some(expected) = expected.labs.get(&cell.topic) else {
            continue;
        };
        if !fits(expected, cell) {
            wrong.push(format!(
                "{}, {}: {:?} with {:?} points, not {expected:?}",
                row.student, cell.topic, cell.status, cell.points
            ));
        }
    }
}

fn fits(expected: &Expected, cell: &Cell) -> bool {
    let is = |status| cell.status == status;
    match expected {
        Expected::Points(points) => is(Status::Graded) && cell.points == Some(*points),
        Expected::Fails(checks) => {
            is(Status::Graded)
                && checks.iter().all(|name| {
                    let mut reports = cell.checks.iter().filter(|check| check.name == *name);
                    reports.all(|check| check.verdict == course::Verdict::Failed)
                })
        }
        Expected::DoesNotCompile => is(Status::DoesNotCompile) && cell.points == Some(0),
        Expected::Starter => is(Status::Starter) && cell.points == Some(0),
        Expected::Missing => is(Status::Missing) && cell.points == Some(0),
        Expected::Refused(words) => {
            let reason = cell.message.as_deref().unwrap_or_default();
            is(Status::Refused) && cell.points == Some(0) && reason.contains(words)
        }
    }
}
