//! What a run comes to: `grades.csv`, `grades.json`, a report in HTML and a page of feedback for each student.
//!
//! Names, messages and sources come from submissions; [`safe`] makes them harmless where they are written.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use course::{CheckReport, Kind, Show};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::late::{Adjustment, Late};

mod feedback;
pub mod html;
mod reupload;
pub mod safe;
pub mod sources;

/// How many reasons why a lab has no grade are said on the terminal; all stand in the report.
const MOST_REASONS: usize = 10;
/// What says that the machine was at fault in some rows.
const SOME_ERRORS: u8 = 3;

/// The file with what a run was told, for those that go on from its grades.
pub(crate) const TOLD: &str = "run.json";

/// The file of the grades as data.
const GRADES: &str = "grades.json";

/// A graded class: `grades.json` is this, as it stands here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Class {
    /// The version of this format.
    pub version: u32,
    /// The course's title.
    pub course: String,
    /// What kept the submissions from the machine.
    pub sandbox: String,
    /// What that did not keep apart, where it is less than it could be.
    #[serde(default)]
    pub sandbox_notes: Vec<String>,
    /// What compiled them.
    pub toolchain: String,
    /// The labs that were graded, in the course's order.
    pub labs: Vec<Column>,
    /// One row a student.
    pub students: Vec<Row>,
}

/// One lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Column {
    /// Its topic.
    pub topic: String,
    /// Its title.
    pub title: String,
    /// How many times its points count.
    pub weight: f64,
    /// The points of its core checks, hidden ones too.
    pub max_points: u32,
    /// The points of its bonus checks, hidden ones too, which come on top.
    pub max_bonus_points: u32,
    /// The points of its hidden checks, which are among those above.
    #[serde(default)]
    pub max_hidden_points: u32,
    /// What a student sees of the hidden checks.
    #[serde(default)]
    pub show_hidden: Show,
    /// When it was due for everybody, where it had a date.
    #[serde(default)]
    pub due: Option<String>,
    /// The hash of the checks, hidden ones too; none where no submission needed it.
    pub checks: Option<String>,
    /// The checks that could not be judged where the class was graded. They count for nobody, and are not in the points
    /// above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncounted: Vec<Uncounted>,
}

/// A check that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncounted {
    /// Its name.
    pub name: String,
    /// Why not.
    pub reason: String,
    /// What it would have earned.
    pub points: u32,
    /// Whether it is core or bonus.
    #[serde(default)]
    pub kind: Kind,
    /// Whether it was hidden.
    #[serde(default)]
    pub hidden: bool,
}

impl Column {
    /// Takes these checks out of what there is to earn.
    pub fn uncount(&mut self, checks: Vec<Uncounted>) {
        self.count(&checks, u32::saturating_sub);
        self.uncounted = checks;
    }

    /// The column as it was before checks were taken out of what there is to earn.
    #[must_use]
    pub fn whole(&self) -> Column {
        let mut whole = self.clone();
        let uncounted = std::mem::take(&mut whole.uncounted);
        whole.count(&uncounted, u32::saturating_add);
        whole
    }

    fn count(&mut self, checks: &[Uncounted], change: fn(u32, u32) -> u32) {
        for check in checks {
            let max = match check.kind {
                Kind::Core => &mut self.max_points,
                Kind::Bonus => &mut self.max_bonus_points,
            };
            *max = change(*max, check.points);
            if check.hidden {
                self.max_hidden_points = change(self.max_hidden_points, check.points);
            }
        }
    }
}

/// One student.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Row {
    /// The roster's word for the student, else the entry's.
    pub student: String,
    /// The name, where it is known.
    pub name: String,
    /// The address, where it is known.
    pub email: String,
    /// What was read.
    pub entries: Vec<String>,
    /// One word for each thing that somebody should look at.
    pub flags: Vec<String>,
    /// The same in sentences.
    pub notes: Vec<String>,
    /// What each lab came to, in the order of [`Class::labs`].
    pub labs: Vec<Cell>,
    /// The scores of all labs, each times its weight; none where one could not be graded.
    pub total: Option<f64>,
    /// What the core checks of all labs can earn, each times its weight.
    pub max: f64,
    /// Days that count as late, of all labs together: none are known without times.
    pub late_days: u32,
    /// Which attempt this is, from 1; in a class, which is made of all attempts, it means nothing.
    #[serde(skip)]
    pub attempt: usize,
}

/// How a lab of a student ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The checks were run.
    Graded,
    /// The compiler refused it.
    DoesNotCompile,
    /// Nothing was written in it.
    Starter,
    /// Nothing was handed in.
    Missing,
    /// What was handed in was not taken.
    Refused,
    /// The machine was at fault: there is no grade yet.
    Error,
    /// Another shard grades it.
    Elsewhere,
}

/// What an attempt that does not count came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Other {
    /// Which attempt it is, from 1.
    pub attempt: usize,
    /// How it ended.
    pub status: Status,
    /// What was earned; none where there is no grade.
    pub points: Option<u32>,
    /// What would count: as [`Cell::score`].
    pub score: Option<f64>,
}

/// What a lab of a student came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cell {
    /// The lab's topic.
    pub topic: String,
    /// How it ended.
    pub status: Status,
    /// What was earned; none where there is no grade yet.
    pub points: Option<u32>,
    /// What counts: the points less what lateness costs, and what was changed by hand.
    #[serde(default)]
    pub score: Option<f64>,
    /// When it was handed in and what that costs; none where that is not known, or there is no due date.
    #[serde(default)]
    pub late: Option<Late>,
    /// What was changed by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// The hash of the sources that were there when these changes were first made; empty where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted_for: Option<String>,
    /// Which attempt counts, from 1, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<usize>,
    /// What the attempts that do not count came to, those without the lab left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
    /// The compiler's message, or the reason.
    pub message: Option<String>,
    /// The hash of the sources.
    pub sources: Option<String>,
    /// The seed of the checks' randomness.
    pub seed: Option<String>,
    /// The checks that did not always say the same.
    pub unsteady: Vec<String>,
    /// Each check's report, where they were run.
    pub checks: Vec<CheckReport>,
    /// Each hidden check's report. What of them a student sees stands in [`Column::show_hidden`].
    #[serde(default)]
    pub hidden: Vec<CheckReport>,
}

impl Column {
    /// Whether a check's points are in the grades.
    #[must_use]
    pub fn counts(&self, check: &CheckReport) -> bool {
        self.uncounted.iter().all(|other| other.name != check.name)
    }

    /// `× 2`
    fn times(&self) -> String {
        format!("× {}", number(self.weight))
    }

    /// Whether its points count as they are.
    fn counts_once(&self) -> bool {
        (self.weight - 1.0).abs() < f64::EPSILON
    }
}

impl Cell {
    /// Every check's report, hidden ones too.
    pub fn all_checks(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks.iter().chain(&self.hidden)
    }

    /// Whether it is changed by hand, and that was for another program than it is of now.
    #[must_use]
    pub fn is_adjusted_for_another(&self) -> bool {
        let before = self.adjusted_for.as_deref();
        before.is_some_and(|before| before != self.sources.as_deref().unwrap_or_default())
    }

    /// Whether a check of this cell is hidden.
    fn hides(&self, check: &CheckReport) -> bool {
        self.hidden.iter().any(|hidden| hidden.name == check.name)
    }

    /// A cell without checks.
    #[must_use]
    pub fn plain(topic: &str, status: Status, message: Option<String>) -> Cell {
        Cell {
            topic: topic.to_owned(),
            status,
            points: (!matches!(status, Status::Error | Status::Elsewhere)).then_some(0),
            score: None,
            late: None,
            adjustments: Vec::new(),
            adjusted_for: None,
            attempt: None,
            others: Vec::new(),
            message,
            sources: None,
            seed: None,
            unsteady: Vec::new(),
            checks: Vec::new(),
            hidden: Vec::new(),
        }
    }
}

impl Class {
    /// The grades of the run that wrote into `dir`; none where there are none.
    ///
    /// # Errors
    /// They cannot be read, or are of another version.
    pub fn read(dir: &Path) -> anyhow::Result<Option<Class>> {
        let path = dir.join(GRADES);
        if !path.try_exists().unwrap_or(true) {
            return Ok(None);
        }
        let remedy = "take it away, and a run with --resume makes it anew";
        take_json(&path, remedy).map(Some)
    }

    /// Writes everything into `dir`. Each file is there whole or not at all.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let feedback = dir.join("feedback");
        fs::create_dir_all(&feedback)
            .with_context(|| format!("{} cannot be made", feedback.display()))?;
        let mut pages = Vec::new();
        let mut written = BTreeSet::new();
        for (row, name) in self.students.iter().zip(self.file_names()) {
            let page = feedback::page(self, row);
            let name = format!("{name}.md");
            put(&feedback.join(&name), page.as_bytes())?;
            written.insert(name);
            pages.push((row, page));
        }
        remove_others(&feedback, &written)?;
        reupload::write(&pages, &feedback)?;
        put_json(&dir.join(GRADES), self)?;
        put(&dir.join("grades.csv"), &self.csv()?)?;
        html::write(self, dir)
    }

    /// The grades of the run that wrote into `dir`.
    ///
    /// # Errors
    /// There are none, or they are of another version.
    pub fn of(dir: &Path) -> anyhow::Result<Class> {
        Class::read(dir)?.with_context(|| {
            format!(
                "there are no grades in {}; name the folder that `cargo grade run --out` wrote",
                dir.display()
            )
        })
    }

    /// Whether the points of some lab do not count as they are.
    fn is_weighted(&self) -> bool {
        !self.labs.iter().all(Column::counts_once)
    }

    /// The name of each row's files, in the order of the rows.
    #[must_use]
    pub fn file_names(&self) -> Vec<String> {
        let mut taken = BTreeSet::new();
        let rows = self.students.iter();
        rows.map(|row| safe::file_name(&row.student, &mut taken))
            .collect()
    }

    /// Says what came of it, on the terminal; the exit code that goes with it.
    #[must_use]
    pub fn said(&self, dir: &Path) -> ExitCode {
        let missing = |row: &&Row| row.flags.iter().any(|flag| flag == "missing");
        let missing = match self.students.iter().filter(missing).count() {
            0 => String::new(),
            missing => format!(" ({missing} handed nothing in)"),
        };
        println!(
            "{} students{missing}, {}, {}",
            self.students.len(),
            dir.join("grades.csv").display(),
            dir.join("report/index.html").display()
        );
        for lab in &self.labs {
            for check in &lab.uncounted {
                eprintln!(
                    "note: {}: {} was not judged, and counts for nobody (points: {}): {}",
                    lab.topic,
                    check.name,
                    check.points,
                    safe::plain(&check.reason)
                );
            }
        }
        for warning in self.warnings() {
            eprintln!("warning: {warning}");
        }
        let errors = self.students.iter().filter(|row| row.total.is_none());
        let errors = errors.count();
        if errors == 0 {
            return ExitCode::SUCCESS;
        }
        let without = self.students.iter().flat_map(|row| {
            let cells = row.labs.iter();
            cells
                .filter(|cell| cell.status == Status::Error)
                .map(move |cell| (row, cell))
        });
        for (row, cell) in without.take(MOST_REASONS) {
            let reason = safe::plain(cell.message.as_deref().unwrap_or("no reason was given"));
            let student = safe::plain(&row.student);
            eprintln!("error: {student}, {}: {reason}", cell.topic);
        }
        eprintln!(
            "error: {errors} of them have no grade yet, because this machine was at fault: see the flag `error`, and run this again with --resume"
        );
        ExitCode::from(SOME_ERRORS)
    }

    /// What is in the grades that somebody may not have meant.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let here = || self.students.iter().filter(|row| !row.entries.is_empty());
        let is_missing = |index: usize| {
            let cells = here().filter_map(move |row| row.labs.get(index));
            cells.map(|cell| cell.status == Status::Missing)
        };
        let nobodys: Vec<&Column> = self
            .labs
            .iter()
            .enumerate()
            .filter(|(index, _)| is_missing(*index).all(|missing| missing))
            .map(|(_, lab)| lab)
            .collect();
        let points = |labs: &[&Column]| -> f64 {
            let each = labs.iter();
            each.map(|lab| lab.weight * f64::from(lab.max_points)).sum()
        };
        if !nobodys.is_empty() && nobodys.len() < self.labs.len() {
            warnings.push(format!(
                "{} of the {} points are for labs that nobody handed in ({}): if they were not set, name those that were with --labs",
                number(points(&nobodys)),
                number(points(&self.labs.iter().collect::<Vec<_>>())),
                safe::list(nobodys.iter().map(|lab| lab.topic.as_str()))
            ));
        }
        let without = here().filter(|row| row.flags.iter().any(|flag| flag == "no-time"));
        let without: Vec<&str> = without.map(|row| row.student.as_str()).collect();
        if !without.is_empty() {
            warnings.push(format!(
                "nobody knows when {} of {} handed in, so nothing is taken off for lateness: say it with --times ({})",
                without.len(),
                here().count(),
                safe::list(without.into_iter())
            ));
        }
        let cells = || {
            let rows = self.students.iter();
            rows.flat_map(|row| row.labs.iter().map(move |cell| (row, cell)))
        };
        let adjusted = cells().filter(|(_, cell)| cell.is_adjusted_for_another());
        let adjusted: Vec<String> = adjusted
            .map(|(row, cell)| format!("{} ({})", row.student, cell.topic))
            .collect();
        if !adjusted.is_empty() {
            warnings.push(format!(
                "changed by hand when another program was there: {}; look whether that is still meant, and say so by another reason, or take the line away",
                safe::list(adjusted.iter().map(String::as_str))
            ));
        }
        for row in &self.students {
            for (cell, lab) in row.labs.iter().zip(&self.labs) {
                let most = f64::from(lab.max_points + lab.max_bonus_points);
                if let Some(score) = cell.score.filter(|score| *score > most) {
                    warnings.push(format!(
                        "{}, {}: changed by hand to {}, of {} that can be had",
                        safe::plain(&row.student),
                        lab.topic,
                        number(score),
                        number(most)
                    ));
                }
            }
        }
        warnings
    }

    fn csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut head = vec!["student", "name", "email"];
        head.extend(self.labs.iter().map(|lab| lab.topic.as_str()));
        head.extend(["total", "max", "late_days", "flags"]);
        writer.write_record(head)?;
        for row in &self.students {
            let mut record = vec![
                safe::cell(&row.student),
                safe::cell(&row.name),
                safe::cell(&row.email),
            ];
            let scores = row.labs.iter().map(|cell| cell.score);
            record.extend(scores.map(|score| score.map_or(String::new(), number)));
            record.push(row.total.map_or(String::new(), number));
            record.push(number(row.max));
            record.push(row.late_days.to_string());
            record.push(safe::cell(&row.flags.join(" ")));
            writer.write_record(record)?;
        }
        writer
            .into_inner()
            .map_err(|error| anyhow::anyhow!("the grades cannot be written: {error}"))
    }
}

/// Removes the pages of students who are called otherwise now, or are gone.
fn remove_others(feedback: &Path, written: &BTreeSet<String>) -> anyhow::Result<()> {
    let unreadable = || format!("{} cannot be read", feedback.display());
    for entry in fs::read_dir(feedback).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let is_page = path.extension().is_some_and(|ending| ending == "md") && path.is_file();
        if is_page && name.is_none_or(|name| !written.contains(name)) {
            fs::remove_file(&path)
                .with_context(|| format!("{} cannot be removed", path.display()))?;
        }
    }
    Ok(())
}

/// Makes the report of a run anew.
///
/// # Errors
/// There are no grades, or nothing can be written.
pub fn run(dir: &Path) -> anyhow::Result<()> {
    html::write(&Class::of(dir)?, dir)?;
    println!("{}", dir.join("report/index.html").display());
    Ok(())
}

/// How a lab ended, for people; nothing where it was judged.
fn state(status: Status) -> &'static str {
    match status {
        Status::Graded => "",
        Status::DoesNotCompile => "does not compile",
        Status::Starter => "as given out",
        Status::Missing => "not handed in",
        Status::Refused => "refused",
        Status::Error => "not graded",
        Status::Elsewhere => "in another shard",
    }
}

/// `7`, `7.5`, `7.25`
#[must_use]
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// What a file of results is called until it is whole, with the number of the process that writes it.
pub const UNFINISHED: &str = ".unfinished";

/// As [`put`], of a value as JSON.
pub(crate) fn put_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    put_by(path, |file| {
        let mut file = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut file, value)?;
        file.write_all(b"\n")?;
        file.flush()
    })
}

/// Reads what [`put_json`] wrote, of this version: another's fields may be others.
///
/// # Errors
/// It cannot be read; or it is none of ours, and what is to be done then is `remedy`.
pub(crate) fn take_json<T: DeserializeOwned>(path: &Path, remedy: &str) -> anyhow::Result<T> {
    #[derive(Deserialize)]
    struct Written {
        version: u32,
    }
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let broken = || format!("{} cannot be understood; {remedy}", path.display());
    let Written { version } = serde_json::from_slice(&bytes).with_context(broken)?;
    ensure!(
        version == course::VERSION,
        "{} is of version {version}, and this grader's is {}; grade into another folder, with --out",
        path.display(),
        course::VERSION
    );
    serde_json::from_slice(&bytes).with_context(broken)
}

/// Writes a file whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    put_by(path, |file| file.write_all(bytes))
}

/// As [`put`], of what `write` writes.
fn put_by(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> anyhow::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(&format!("{UNFINISHED}-{}-", std::process::id()))
            .tempfile_in(dir)?;
        write(file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| {
        format!(
            "{} cannot be written; make room, or name another --out",
            path.display()
        )
    })
}
