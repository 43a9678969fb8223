//! `results.json`, as Gradescope reads it (<https://gradescope-autograders.readthedocs.io/en/latest/specs/>).

use course::{CheckReport, Course, Kind, Verdict};
use serde::Serialize;

use crate::report::{Cell, Class, Column, Row, Status, safe};

/// What a submission came to.
#[derive(Debug, Serialize)]
pub struct Results {
    /// What is said before the single tests.
    pub output: String,
    /// How `output` and the tests' are shown: as they are.
    pub output_format: &'static str,
    /// Whether the student sees it at once.
    pub visibility: &'static str,
    /// What the grader itself prints is for the instructor.
    pub stdout_visibility: &'static str,
    /// One for each check; their scores add up to the submission's.
    pub tests: Vec<Test>,
}

/// What a check came to.
#[derive(Debug, Serialize)]
pub struct Test {
    /// What was earned.
    pub score: u32,
    /// What can be.
    pub max_score: u32,
    /// `passed` or `failed`; none of what was not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// The lab and the check's sentence.
    pub name: String,
    /// The step and the check in it.
    pub number: String,
    /// The transcript.
    pub output: String,
    /// `visible`, or what the student does not see.
    pub visibility: &'static str,
}

impl Results {
    /// The results of a class of one.
    #[must_use]
    pub fn of(course: &Course, class: &Class, row: &Row) -> Results {
        let mut said: Vec<String> = row.notes.iter().map(|note| safe::plain(note)).collect();
        let mut tests = Vec::new();
        for (lab, cell) in class.labs.iter().zip(&row.labs) {
            said.extend(about(&lab.title, cell));
            let (mut step, mut place) = (0, 0);
            for (of, mut test) in tests_of(course, lab, cell) {
                place = if step == of { place + 1 } else { 1 };
                step = of;
                test.number = format!("{step}.{place}");
                tests.push(test);
            }
        }
        Results {
            output: said.join("\n"),
            output_format: "text",
            visibility: "visible",
            stdout_visibility: "hidden",
            tests,
        }
    }
}

/// What is to be said of a lab as a whole.
fn about(title: &str, cell: &Cell) -> Option<String> {
    let message = safe::plain(cell.message.as_deref().unwrap_or_default());
    match cell.status {
        Status::DoesNotCompile => Some(format!(
            "{title}: it does not compile, so no check could be run.\n\n{message}"
        )),
        Status::Starter => Some(format!("{title}: handed in as it was given out.")),
        Status::Missing => Some(format!("{title}: nothing was handed in.")),
        Status::Refused => Some(format!("{title}: not taken: {message}")),
        _ if !cell.unsteady.is_empty() => Some(format!(
            "{title}: not always the same came of {}; somebody will look at it.",
            cell.unsteady.join(", ")
        )),
        _ => None,
    }
}

fn name(topic: &str, check: &str, kind: Kind) -> String {
    let bonus = if kind == Kind::Bonus { " (bonus)" } else { "" };
    format!("{topic}: {}{bonus}", check.replace('_', " "))
}

/// Each check's test, with the step that it belongs to.
fn tests_of(course: &Course, column: &Column, cell: &Cell) -> Vec<(usize, Test)> {
    if !cell.checks.is_empty() {
        let reports = cell.checks.iter();
        return reports
            .map(|check| (check.step, judged(column, check)))
            .collect();
    }
    // Of a lab that was not judged nothing was earned.
    let lab = course.lab(&cell.topic).ok();
    let checks = lab.into_iter().flat_map(course::Lab::checks);
    let test = |check: &course::Check| Test {
        score: 0,
        max_score: check.points.0,
        status: Some("failed"),
        name: name(&cell.topic, &check.name, check.kind),
        number: String::new(),
        output: "It could not be run: see above.".to_owned(),
        visibility: "visible",
    };
    checks.map(|check| (check.step, test(check))).collect()
}

fn judged(lab: &Column, check: &CheckReport) -> Test {
    let counts = lab.counts(check);
    let (status, output) = match &check.verdict {
        Verdict::Passed => (Some("passed"), String::new()),
        Verdict::Failed => (Some("failed"), check.message.clone().unwrap_or_default()),
        Verdict::Skipped(reason) => (
            None,
            format!("It cannot be judged here, and counts for nobody: {reason}"),
        ),
    };
    Test {
        score: if counts { check.points.0 } else { 0 },
        max_score: if counts { check.max_points.0 } else { 0 },
        status,
        name: name(&lab.topic, &check.name, check.kind),
        number: String::new(),
        output: safe::plain(&output),
        visibility: "visible",
    }
}
