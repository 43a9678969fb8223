//! `results.json`, as Gradescope reads it (<https://gradescope-autograders.readthedocs.io/en/latest/specs/>).

use course::{CheckReport, Course, Kind, Verdict};
use serde::Serialize;

use crate::late::Late;
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
    /// What the submission counts, where that is not the sum of its tests: something is taken off because it is late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// One for each check; their scores add up to the submission's.
    pub tests: Vec<Test>,
}

/// Points, a lab's weight in them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Score {
    /// As checks have them.
    Whole(u32),
    /// Where there is a weight, or lateness, to the hundredth.
    Part(f64),
}

impl Score {
    fn of(points: f64) -> Score {
        let points = (points * 100.0).round() / 100.0;
        if points.fract() == 0.0 {
            Score::Whole(points as u32)
        } else {
            Score::Part(points)
        }
    }
}

/// What a check came to.
#[derive(Debug, Serialize)]
pub struct Test {
    /// What was earned.
    pub score: Score,
    /// What can be.
    pub max_score: Score,
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
        let is_refused = row.flags.iter().any(|flag| flag == "refused");
        let mut is_less = false;
        for (lab, cell) in class.labs.iter().zip(&row.labs) {
            // Why nothing at all was taken is among the notes.
            if !(is_refused && cell.status == Status::Refused) {
                said.extend(about(&lab.title, cell));
            }
            let late = cell.late.as_ref();
            let told = late.and_then(Late::said);
            said.extend(told.map(|late| format!("{}: {late}", lab.title)));
            is_less |= late.is_some_and(|late| late.percent > 0.0);
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
            score: row.total.filter(|_| is_less).map(Score::of),
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

/// Points of a lab as they count in the sum.
fn points(lab: &Column, points: u32) -> Score {
    Score::of(f64::from(points) * lab.weight)
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
    let why = match cell.status {
        Status::Starter => "It was not run: the lab is as it was given out.",
        Status::Missing => "It was not run: nothing was handed in.",
        Status::Refused => "It was not run: what was handed in was not taken, see above.",
        _ => "It could not be run: see above.",
    };
    let test = |check: &course::Check| Test {
        score: Score::Whole(0),
        max_score: points(column, check.points.0),
        status: Some("failed"),
        name: name(&cell.topic, &check.name, check.kind),
        number: String::new(),
        output: why.to_owned(),
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
        score: points(lab, if counts { check.points.0 } else { 0 }),
        max_score: points(lab, if counts { check.max_points.0 } else { 0 }),
        status,
        name: name(&lab.topic, &check.name, check.kind),
        number: String::new(),
        output: safe::plain(&output),
        visibility: "visible",
    }
}
