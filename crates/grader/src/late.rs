//! Lateness: when what was handed in, what was due when, and what the difference costs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use course::{Course, DueDate, LatePolicy};
use serde::{Deserialize, Serialize};

use crate::table::{self, Record};

const DAY: i64 = 86_400;

/// What lateness costs one lab of one student.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// When it was handed in.
    pub submitted: String,
    /// How that is known: `times`, `git`.
    pub source: String,
    /// When it was due, an extension taken in.
    pub due: String,
    /// Whether that is by an extension of this student's.
    pub extended: bool,
    /// Days that have begun after the due date and the grace.
    pub days: u32,
    /// What is taken off what was earned, in percent.
    pub percent: f64,
}

/// Days that count and what they cost, in percent, for what was handed in at `submitted`, in seconds since 1970.
///
/// Grace comes first: within it nothing is late, and after it the days are counted from its end.
#[must_use]
pub fn cost(policy: &LatePolicy, due: i64, submitted: i64) -> (u32, f64) {
    let late = submitted - due - i64::from(policy.grace_minutes) * 60;
    if late <= 0 {
        return (0, 0.0);
    }
    let days = u32::try_from((late + DAY - 1) / DAY).unwrap_or(u32::MAX);
    let percent = f64::from(days) * policy.per_day_percent;
    (days, percent.min(policy.cap_percent))
}

/// Whom and what a line of a table is about.
#[derive(Debug)]
struct About {
    student: String,
    /// The topic; none for every lab.
    lab: Option<String>,
    place: String,
    used: std::cell::Cell<bool>,
}

impl About {
    fn of(record: &Record, course: &Course) -> anyhow::Result<About> {
        Ok(About {
            student: record.text("student").unwrap_or_default().to_owned(),
            lab: record.lab(course)?,
            place: record.place(),
            used: false.into(),
        })
    }

    /// Whether it is about this student, who goes by any of `names`, and this lab.
    fn fits(&self, names: &[String], topic: &str) -> bool {
        let fits = is_one_of(&self.student, names);
        self.used.set(self.used.get() || fits);
        fits && self.lab.as_deref().is_none_or(|lab| lab == topic)
    }
}

/// Whether a table's word for a student is one of the names of this one.
#[must_use]
pub fn is_one_of(word: &str, names: &[String]) -> bool {
    let word = word.to_lowercase();
    names
        .iter()
        .any(|name| !name.is_empty() && name.to_lowercase() == word)
}

/// The times of the submissions, as a table gives them.
#[derive(Debug, Default)]
pub struct Times {
    lines: Vec<(About, Option<usize>, DueDate)>,
}

impl Times {
    /// Reads `--times`: CSV or TOML with `student`, `submitted` and, where they matter, `lab` and `attempt`; also a
    /// GitHub Classroom's list of grades, and, where the name ends in `.json`, what Canvas answers when it is asked for
    /// an assignment's submissions.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path, course: &Course) -> anyhow::Result<Times> {
        if path.extension().is_some_and(|ending| ending == "json") {
            return canvas(path).with_context(|| format!("{} cannot be read", path.display()));
        }
        let columns = ["student", "lab", "submitted", "attempt", "name", "email"];
        let records = match table::read_foreign(path, &CLASSROOM)? {
            Some(records) => records,
            None => table::read(path, "time", &columns)?,
        };
        let mut lines = Vec::new();
        for record in records {
            let at = record
                .moment("submitted")?
                .with_context(|| format!("{}: `submitted` is missing", record.place()))?;
            let attempt = record.number("attempt")?.map(|number| number as usize);
            lines.push((About::of(&record, course)?, attempt, at));
        }
        Ok(Times { lines })
    }

    /// When this attempt, counted from 1, of a lab was handed in: the line that names the lab wins over one that does
    /// not, and among equals the last one.
    #[must_use]
    pub fn of(&self, names: &[String], topic: &str, attempt: usize) -> Option<DueDate> {
        let fitting = self.lines.iter().filter(|(about, which, _)| {
            about.fits(names, topic) && which.is_none_or(|which| which == attempt)
        });
        fitting
            .max_by_key(|(about, which, _)| (which.is_some(), about.lab.is_some()))
            .map(|(_, _, at)| *at)
    }

    /// Places of the lines that were about nobody.
    pub fn unused(&self) -> impl Iterator<Item = (&str, &str)> {
        unused(self.lines.iter().map(|(about, ..)| about))
    }
}

fn unused<'a>(all: impl Iterator<Item = &'a About>) -> impl Iterator<Item = (&'a str, &'a str)> {
    all.filter(|about| !about.used.get())
        .map(|about| (about.place.as_str(), about.student.as_str()))
}

/// How GitHub Classroom's list of grades calls what matters here.
const CLASSROOM: [(&str, &str); 2] = [
    ("github_username", "student"),
    ("submission_timestamp", "submitted"),
];

/// <https://canvas.instructure.com/doc/api/submissions.html>
fn canvas(path: &Path) -> anyhow::Result<Times> {
    #[derive(Deserialize)]
    struct Submission {
        user_id: u64,
        submitted_at: Option<String>,
    }
    let all: Vec<Submission> = serde_json::from_slice(&std::fs::read(path)?)?;
    let mut lines = Vec::new();
    for submission in all {
        let Some(text) = submission.submitted_at else {
            continue;
        };
        let at = table::moment(&text).map_err(anyhow::Error::msg)?;
        let about = About {
            student: submission.user_id.to_string(),
            lab: None,
            place: path.display().to_string(),
            used: false.into(),
        };
        lines.push((about, None, at));
    }
    Ok(Times { lines })
}

/// More time for some.
#[derive(Debug, Default)]
pub struct Extensions {
    lines: Vec<(About, Until)>,
}

#[derive(Debug)]
enum Until {
    Moment(DueDate),
    /// After the due date of everybody.
    Seconds(i64),
}

impl Extensions {
    /// Reads `--extensions`: CSV or TOML with `student`, `lab` (all of them where nothing is said), and `due`, `days`
    /// or `hours`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path, course: &Course) -> anyhow::Result<Extensions> {
        let columns = ["student", "lab", "due", "days", "hours", "reason"];
        let mut lines = Vec::new();
        for record in table::read(path, "extension", &columns)? {
            let until = match (
                record.moment("due")?,
                record.number("days")?,
                record.number("hours")?,
            ) {
                (Some(due), None, None) => Until::Moment(due),
                (None, Some(days), None) => Until::Seconds((days * 86_400.0) as i64),
                (None, None, Some(hours)) => Until::Seconds((hours * 3600.0) as i64),
                _ => anyhow::bail!("{}: say one of `due`, `days` and `hours`", record.place()),
            };
            lines.push((About::of(&record, course)?, until));
        }
        Ok(Extensions { lines })
    }

    /// When a lab that everybody has until `due` is due for this student: the latest that any line gives. And whether
    /// it is by an extension.
    fn of(&self, names: &[String], topic: &str, due: DueDate) -> (i64, String, bool) {
        let usual = (due.unix_seconds(), due.to_string(), false);
        let extended = self
            .lines
            .iter()
            .filter(|(about, _)| about.fits(names, topic));
        let extended = extended.map(|(_, until)| match until {
            Until::Moment(moment) => (moment.unix_seconds(), moment.to_string(), true),
            Until::Seconds(more) => (
                due.unix_seconds() + more,
                format!("{due} and {} h more", more / 3600),
                true,
            ),
        });
        extended
            .chain([usual.clone()])
            .max_by_key(|(seconds, ..)| *seconds)
            .unwrap_or(usual)
    }

    /// Places of the lines that were about nobody.
    pub fn unused(&self) -> impl Iterator<Item = (&str, &str)> {
        unused(self.lines.iter().map(|(about, _)| about))
    }
}

/// All that decides how late something is.
#[derive(Debug)]
pub struct Calendar<'c> {
    /// The course, with due dates and policy.
    pub course: &'c Course,
    /// `--times`
    pub times: Times,
    /// `--extensions`
    pub extensions: Extensions,
}

impl Calendar<'_> {
    /// How late a lab is; none where it has no due date, or nobody knows when it was handed in. `git` is when it was
    /// committed, where that is known; a table's word wins.
    #[must_use]
    pub fn late(
        &self,
        names: &[String],
        topic: &str,
        attempt: usize,
        git: impl FnOnce() -> Option<DueDate>,
    ) -> Option<Late> {
        let due = self.due(topic)?;
        let (submitted, source) = match self.times.of(names, topic, attempt) {
            Some(at) => (at, "times"),
            None => (git()?, "git"),
        };
        let (until, shown, extended) = self.extensions.of(names, topic, due);
        let (days, percent) = cost(&self.course.late, until, submitted.unix_seconds());
        Some(Late {
            submitted: submitted.to_string(),
            source: source.to_owned(),
            due: shown,
            extended,
            days,
            percent,
        })
    }

    /// When everybody has to hand a lab in.
    #[must_use]
    pub fn due(&self, topic: &str) -> Option<DueDate> {
        let lab = self.course.labs().iter().find(|lab| lab.topic == topic)?;
        self.course.entry(lab)?.due
    }
}

/// A change by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// What the lab counts instead of what it earned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<f64>,
    /// Points more, or fewer where it is negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<f64>,
    /// Why, for the student.
    pub reason: String,
}

/// The changes by hand of a class. They stand in a file that the grader only reads, so they are there whenever it is
/// graded again.
#[derive(Debug, Default)]
pub struct Adjustments {
    lines: Vec<(About, Adjustment)>,
}

impl Adjustments {
    /// Reads `--adjustments`: CSV or TOML with `student`, `lab`, `points` (more or fewer) or `set`, and `reason`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path, course: &Course) -> anyhow::Result<Adjustments> {
        let columns = ["student", "lab", "points", "set", "reason"];
        let mut lines = Vec::new();
        for record in table::read(path, "adjustment", &columns)? {
            let adjustment = Adjustment {
                set: record.number("set")?,
                points: record.number("points")?,
                reason: record.text("reason").unwrap_or_default().to_owned(),
            };
            anyhow::ensure!(
                adjustment.set.is_some() != adjustment.points.is_some(),
                "{}: say either `points`, more or fewer, or `set`",
                record.place()
            );
            let about = About::of(&record, course)?;
            anyhow::ensure!(about.lab.is_some(), "{}: name the lab", record.place());
            lines.push((about, adjustment));
        }
        Ok(Adjustments { lines })
    }

    /// Those of a lab of a student, in the order of the file.
    #[must_use]
    pub fn of(&self, names: &[String], topic: &str) -> Vec<Adjustment> {
        let fitting = self
            .lines
            .iter()
            .filter(|(about, _)| about.fits(names, topic));
        fitting.map(|(_, adjustment)| adjustment.clone()).collect()
    }

    /// Places of the lines that were about nobody.
    pub fn unused(&self) -> impl Iterator<Item = (&str, &str)> {
        unused(self.lines.iter().map(|(about, _)| about))
    }
}

/// What a lab counts: what was earned, less what lateness costs, with what was changed by hand. None where there is no
/// grade.
#[must_use]
pub fn score(earned: Option<u32>, late: Option<&Late>, adjustments: &[Adjustment]) -> Option<f64> {
    let percent = late.map_or(0.0, |late| late.percent);
    let mut score = earned.map(|points| f64::from(points) * (1.0 - percent / 100.0));
    for adjustment in adjustments {
        score = match (adjustment.set, adjustment.points) {
            (Some(set), _) => Some(set),
            (None, more) => score.map(|score| (score + more.unwrap_or(0.0)).max(0.0)),
        };
    }
    // To the hundredth, as it is shown.
    score.map(|score| (score * 100.0).round() / 100.0)
}

/// The words by which lines that were about nobody are reported.
#[must_use]
pub fn nobody<'a>(unused: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    unused
        .map(|(place, student)| (place.to_owned(), student.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(grace: u32, per_day: f64, cap: f64) -> LatePolicy {
        let mut policy = LatePolicy::default();
        policy.grace_minutes = grace;
        policy.per_day_percent = per_day;
        policy.cap_percent = cap;
        policy
    }

    #[test]
    fn each_day_that_has_begun_costs_up_to_the_cap() {
        let policy = policy(0, 10.0, 25.0);
        assert_eq!(cost(&policy, 1000, 1000), (0, 0.0));
        assert_eq!(cost(&policy, 1000, 1001), (1, 10.0));
        assert_eq!(cost(&policy, 1000, 1000 + DAY), (1, 10.0));
        assert_eq!(cost(&policy, 1000, 1001 + DAY), (2, 20.0));
        assert_eq!(cost(&policy, 1000, 1001 + 2 * DAY), (3, 25.0));
        assert_eq!(cost(&policy, 1000, 0), (0, 0.0));
    }

    #[test]
    fn grace_comes_before_the_days() {
        let policy = policy(30, 10.0, 100.0);
        assert_eq!(cost(&policy, 0, 1800), (0, 0.0));
        assert_eq!(cost(&policy, 0, 1801), (1, 10.0));
        assert_eq!(cost(&policy, 0, 1800 + DAY), (1, 10.0));
    }

    #[test]
    fn a_change_by_hand_comes_last() {
        let late = Late {
            submitted: String::new(),
            source: String::new(),
            due: String::new(),
            extended: false,
            days: 1,
            percent: 10.0,
        };
        let change = |set, points| Adjustment {
            set,
            points,
            reason: String::new(),
        };
        assert_eq!(score(Some(9), Some(&late), &[]), Some(8.1));
        assert_eq!(
            score(Some(9), Some(&late), &[change(None, Some(1.0))]),
            Some(9.1)
        );
        assert_eq!(score(Some(1), None, &[change(None, Some(-4.0))]), Some(0.0));
        assert_eq!(score(None, None, &[change(Some(4.0), None)]), Some(4.0));
        assert_eq!(score(None, None, &[change(None, Some(4.0))]), None);
    }
}
