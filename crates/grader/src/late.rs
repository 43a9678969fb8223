//! Lateness: when what was handed in, what was due when, and what the difference costs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use course::{Course, DueDate, LatePolicy};
use serde::{Deserialize, Serialize};

use crate::people::People;
use crate::report::{Row, number, safe};
use crate::table::{self, Record};

const DAY: i64 = 86_400;
/// How many lines of tables that are of no use here are named.
const MOST_NAMED: usize = 10;

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
    /// How long after that it was handed in, in minutes that have begun; 0 where it was in time.
    #[serde(default)]
    pub minutes: i64,
    /// Minutes after the due date in which nothing is late yet.
    #[serde(default)]
    pub grace_minutes: u32,
    /// Days that have begun after the due date and the grace.
    pub days: u32,
    /// What is taken off what was earned, in percent.
    pub percent: f64,
}

impl Late {
    /// What the student is told of it; nothing where it was in time, by neither an extension nor the grace.
    #[must_use]
    pub fn said(&self) -> Option<String> {
        if self.days == 0 && self.minutes == 0 && !self.extended {
            return None;
        }
        let mut said = format!(
            "Handed in {}, due {}",
            moment(&self.submitted),
            moment(&self.due)
        );
        if self.extended {
            said.push_str(" by an extension");
        }
        if self.days == 0 {
            said.push_str(if self.minutes > 0 {
                ": within the grace, nothing is taken off."
            } else {
                ": in time."
            });
            return Some(said);
        }
        let _ = write!(said, ": {} late", span(self.minutes));
        if self.grace_minutes > 0 {
            let _ = write!(said, ", {} of it grace", span(self.grace_minutes.into()));
        }
        let days = if self.days == 1 { "day" } else { "days" };
        let _ = write!(
            said,
            "; {} {days} begun, {} % less.",
            self.days,
            number(self.percent)
        );
        Some(said)
    }
}

/// `2026-10-05T23:59:00+02:00` → `2026-10-05 23:59 +02:00`
fn moment(text: &str) -> String {
    let text = safe::plain(text);
    let (head, offset) = match text.strip_suffix('Z') {
        Some(head) => (head, "UTC"),
        None => text
            .len()
            .checked_sub(6)
            .and_then(|at| text.split_at_checked(at))
            .unwrap_or((&text, "")),
    };
    let head = head
        .strip_suffix(":00")
        .filter(|head| head.len() > 13)
        .unwrap_or(head);
    format!("{} {offset}", head.replacen('T', " ", 1))
}

/// `25 h 31 min`
fn span(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
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
pub struct About {
    /// The table's word for the student.
    student: String,
    /// The topic; none for every lab.
    lab: Option<String>,
    place: String,
}

impl About {
    fn of(record: &Record, course: &Course) -> anyhow::Result<About> {
        Ok(About {
            student: record.text("student").unwrap_or_default().to_owned(),
            lab: record.lab(course)?,
            place: record.place(),
        })
    }
}

/// The lines of a table, by whom they are about.
#[derive(Debug)]
pub struct Lines<T> {
    all: Vec<(About, T)>,
    /// By the `student` of the grades: the places of the lines.
    by_student: HashMap<String, Vec<usize>>,
}

impl<T> Default for Lines<T> {
    fn default() -> Lines<T> {
        Lines {
            all: Vec::new(),
            by_student: HashMap::new(),
        }
    }
}

impl<T> Lines<T> {
    fn push(&mut self, about: About, line: T) {
        self.all.push((about, line));
    }

    /// Finds out whom each line is about: until then none is about anybody. What is to be said of those that are about
    /// nobody.
    ///
    /// # Errors
    /// A line may be about any of several.
    pub fn resolve(&mut self, people: &People) -> anyhow::Result<Vec<String>> {
        let mut nobody = Vec::new();
        for (index, (about, _)) in self.all.iter().enumerate() {
            let (place, word) = (&about.place, &about.student);
            match people.find(word).with_context(|| place.clone())? {
                Some(student) => {
                    let lines = self.by_student.entry(student.to_owned()).or_default();
                    lines.push(index);
                }
                None => nobody.push(format!("{place}: {}", people.nobody(word))),
            }
        }
        let more = nobody.len().saturating_sub(MOST_NAMED);
        nobody.truncate(MOST_NAMED);
        if more > 0 {
            nobody.push(format!("and {more} lines more that are about nobody here"));
        }
        Ok(nobody)
    }

    /// Those about a lab of a student, in the order of the file.
    fn about(&self, student: &str, topic: &str) -> impl Iterator<Item = (&About, &T)> {
        let places = self.by_student.get(student).into_iter().flatten();
        let lines = places.map(|place| &self.all[*place]);
        lines
            .filter(move |(about, _)| about.lab.as_deref().is_none_or(|lab| lab == topic))
            .map(|(about, line)| (about, line))
    }
}

/// The times of the submissions, as a table gives them.
#[derive(Debug, Default)]
pub struct Times {
    /// The attempt, where one is named, and the moment.
    pub lines: Lines<(Option<usize>, DueDate)>,
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
        let mut lines = Lines::default();
        for record in records {
            let at = record
                .moment("submitted")?
                .with_context(|| format!("{}: `submitted` is missing", record.place()))?;
            let attempt = record.number("attempt")?.map(|number| number as usize);
            lines.push(About::of(&record, course)?, (attempt, at));
        }
        Ok(Times { lines })
    }

    /// Whether there are times, and none of them says which attempt it is of.
    #[must_use]
    pub fn are_of_no_attempt(&self) -> bool {
        let mut lines = self.lines.all.iter();
        !self.lines.all.is_empty() && lines.all(|(_, (which, _))| which.is_none())
    }

    /// When this attempt, counted from 1, of a lab was handed in: the line that names the lab wins over one that does
    /// not, and among equals the last one.
    #[must_use]
    pub fn of(&self, student: &str, topic: &str, attempt: usize) -> Option<DueDate> {
        let lines = self.lines.about(student, topic);
        lines
            .filter(|(_, (which, _))| which.is_none_or(|which| which == attempt))
            .max_by_key(|(about, (which, _))| (which.is_some(), about.lab.is_some()))
            .map(|(_, (_, at))| *at)
    }
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
    let mut lines = Lines::default();
    for submission in all {
        let Some(text) = submission.submitted_at else {
            continue;
        };
        let at = table::moment(&text).map_err(anyhow::Error::msg)?;
        let about = About {
            student: submission.user_id.to_string(),
            lab: None,
            place: path.display().to_string(),
        };
        lines.push(about, (None, at));
    }
    Ok(Times { lines })
}

/// More time for some.
#[derive(Debug, Default)]
pub struct Extensions {
    /// The new time.
    pub lines: Lines<Until>,
}

/// When it is due.
#[derive(Debug)]
pub enum Until {
    /// At this moment.
    Moment(DueDate),
    /// After the due date of everybody.
    Seconds(i64),
}

/// The longest extension, in days: who needs a longer one has a due date of their own (`due`).
const MOST_DAYS: f64 = 3660.0;

/// The most points that are given or taken by hand.
const MOST_POINTS: f64 = 1e6;

impl Extensions {
    /// Reads `--extensions`: CSV or TOML with `student`, `lab` (all of them where nothing is said), and `due`, `days`
    /// or `hours`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path, course: &Course) -> anyhow::Result<Extensions> {
        let columns = ["student", "lab", "due", "days", "hours", "reason"];
        let mut lines = Lines::default();
        for record in table::read(path, "extension", &columns)? {
            let until = match (
                record.moment("due")?,
                record.number_within("days", 0.0..=MOST_DAYS)?,
                record.number_within("hours", 0.0..=MOST_DAYS * 24.0)?,
            ) {
                (Some(due), None, None) => Until::Moment(due),
                (None, Some(days), None) => Until::Seconds((days * 86_400.0) as i64),
                (None, None, Some(hours)) => Until::Seconds((hours * 3600.0) as i64),
                _ => anyhow::bail!("{}: say one of `due`, `days` and `hours`", record.place()),
            };
            lines.push(About::of(&record, course)?, until);
        }
        Ok(Extensions { lines })
    }

    /// When a lab that everybody has until `due` is due for this student: the latest that any line gives. And whether
    /// it is by an extension.
    fn of(&self, student: &str, topic: &str, due: DueDate) -> (DueDate, bool) {
        let extended = self.lines.about(student, topic);
        let latest = extended
            .map(|(_, until)| match until {
                Until::Moment(moment) => *moment,
                Until::Seconds(more) => due.later(*more),
            })
            .max_by_key(|moment| moment.unix_seconds());
        match latest {
            Some(latest) if latest.unix_seconds() > due.unix_seconds() => (latest, true),
            _ => (due, false),
        }
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
        student: &str,
        topic: &str,
        attempt: usize,
        git: impl FnOnce() -> Option<DueDate>,
    ) -> Option<Late> {
        let due = self.due(topic)?;
        let (submitted, source) = match self.times.of(student, topic, attempt) {
            Some(at) => (at, "times"),
            None => (git()?, "git"),
        };
        let (until, extended) = self.extensions.of(student, topic, due);
        let policy = &self.course.late;
        let (days, percent) = cost(policy, until.unix_seconds(), submitted.unix_seconds());
        let late = submitted.unix_seconds() - until.unix_seconds();
        Some(Late {
            // Both as the due date has it, so that they can be compared at a glance.
            submitted: submitted.beside(until).to_string(),
            source: source.to_owned(),
            due: until.to_string(),
            extended,
            minutes: (late + 59).max(0) / 60,
            grace_minutes: policy.grace_minutes,
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

impl std::fmt::Display for Adjustment {
    /// `2 more: explained it well`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.set, self.points) {
            (Some(set), _) => write!(f, "set to {}", number(set))?,
            (None, Some(less)) if less < 0.0 => write!(f, "{} fewer", number(-less))?,
            (None, more) => write!(f, "{} more", number(more.unwrap_or_default()))?,
        }
        write!(f, ": {}", self.reason)
    }
}

/// The changes by hand of a class. They stand in a file that the grader only reads, so they are there whenever it is
/// graded again.
#[derive(Debug, Default)]
pub struct Adjustments {
    /// The changes.
    pub lines: Lines<Adjustment>,
}

impl Adjustments {
    /// The file of a folder of grades; none where there is none.
    #[must_use]
    pub fn beside(grades: &Path) -> Option<PathBuf> {
        let names = ["adjustments.csv", "adjustments.toml"];
        let mut beside = names.iter().map(|name| grades.join(name));
        beside.find(|path| path.is_file())
    }

    /// Reads `--adjustments`: CSV or TOML with `student`, `lab`, `points` (more or fewer) or `set`, and `reason`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path, course: &Course) -> anyhow::Result<Adjustments> {
        let columns = ["student", "lab", "points", "set", "reason"];
        let mut lines = Lines::default();
        for record in table::read(path, "adjustment", &columns)? {
            let points = record.text("points").unwrap_or_default();
            anyhow::ensure!(
                !points.starts_with("set"),
                "{}: `{points}` in `points`: what a lab counts instead stands in a column of its own, `set`, and `points` stays empty",
                record.place()
            );
            let adjustment = Adjustment {
                set: record.number_within("set", 0.0..=MOST_POINTS)?,
                points: record.number_within("points", -MOST_POINTS..=MOST_POINTS)?,
                reason: record
                    .text("reason")
                    .with_context(|| {
                        format!(
                            "{}: `reason` is missing; the student reads it",
                            record.place()
                        )
                    })?
                    .to_owned(),
            };
            anyhow::ensure!(
                adjustment.set.is_some() != adjustment.points.is_some(),
                "{}: say either `points`, more or fewer, or `set`",
                record.place()
            );
            let about = About::of(&record, course)?;
            anyhow::ensure!(about.lab.is_some(), "{}: name the lab", record.place());
            lines.push(about, adjustment);
        }
        Ok(Adjustments { lines })
    }

    /// What is to be said of the lines about labs that are not among these.
    #[must_use]
    pub fn elsewhere(&self, topics: &[&str]) -> Vec<String> {
        let lines = self.lines.all.iter();
        let labs = lines.filter_map(|(about, _)| Some((&about.place, about.lab.as_deref()?)));
        labs.filter(|(_, lab)| !topics.contains(lab))
            .map(|(place, lab)| {
                format!(
                    "{place}: {lab} is not graded here, so nothing is changed; name it with --labs"
                )
            })
            .collect()
    }

    /// Those of a lab of a student, in the order of the file.
    #[must_use]
    pub fn of(&self, student: &str, topic: &str) -> Vec<Adjustment> {
        let fitting = self.lines.about(student, topic);
        fitting.map(|(_, adjustment)| adjustment.clone()).collect()
    }

    /// Says of each lab of a student what is changed.
    pub fn change(&self, row: &mut Row) {
        for cell in &mut row.labs {
            cell.adjustments = self.of(&row.student, &cell.topic);
        }
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
    fn what_it_costs_is_said_with_its_reasons() {
        let mut late = Late {
            submitted: "2026-11-28T01:05:00+01:00".to_owned(),
            source: "times".to_owned(),
            due: "2026-11-27T23:59:00+01:00".to_owned(),
            extended: false,
            minutes: 66,
            grace_minutes: 60,
            days: 1,
            percent: 10.0,
        };
        assert_eq!(
            late.said().unwrap(),
            "Handed in 2026-11-28 01:05 +01:00, due 2026-11-27 23:59 +01:00: 1 h 6 min late, 1 h of it grace; 1 day begun, 10 % less."
        );
        late.days = 0;
        late.minutes = 50;
        late.submitted = "2026-11-28T00:49:00+01:00".to_owned();
        assert_eq!(
            late.said().unwrap(),
            "Handed in 2026-11-28 00:49 +01:00, due 2026-11-27 23:59 +01:00: within the grace, nothing is taken off."
        );
        late.minutes = 0;
        assert_eq!(late.said(), None);
        late.extended = true;
        late.submitted = "2026-11-27T20:00:05Z".to_owned();
        assert_eq!(
            late.said().unwrap(),
            "Handed in 2026-11-27 20:00:05 UTC, due 2026-11-27 23:59 +01:00 by an extension: in time."
        );
    }

    #[test]
    fn a_change_by_hand_comes_last() {
        let late = Late {
            submitted: String::new(),
            source: String::new(),
            due: String::new(),
            extended: false,
            minutes: 90,
            grace_minutes: 60,
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
