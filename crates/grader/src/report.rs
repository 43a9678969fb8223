//! What a run comes to: `grades.csv`, `grades.json` and a page of feedback for each student.
//!
//! Names, messages and sources come from submissions; [`safe`] makes them harmless where they are written.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use course::CheckReport;
use serde::Serialize;

mod feedback;
pub mod safe;

/// A graded class: `grades.json` is this, as it stands here.
#[derive(Debug, Serialize)]
pub struct Class {
    /// The version of this format.
    pub version: u32,
    /// The course's title.
    pub course: String,
    /// What kept the submissions from the machine.
    pub sandbox: String,
    /// What compiled them.
    pub toolchain: String,
    /// The labs that were graded, in the course's order.
    pub labs: Vec<Column>,
    /// One row a student.
    pub students: Vec<Row>,
}

/// One lab.
#[derive(Debug, Serialize)]
pub struct Column {
    /// Its topic.
    pub topic: String,
    /// Its title.
    pub title: String,
    /// How many times its points count.
    pub weight: f64,
    /// The points of its core checks.
    pub max_points: u32,
    /// The points of its bonus checks, which come on top.
    pub max_bonus_points: u32,
    /// The hash of the checks' executable; none where no submission needed it.
    pub checks: Option<String>,
}

/// One student.
#[derive(Debug, Default, Serialize)]
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
    /// The points of all labs, each times its weight; none where one could not be graded.
    pub total: Option<f64>,
    /// What the core checks of all labs can earn, each times its weight.
    pub max: f64,
    /// Days that count as late: none are known without times.
    pub late_days: u32,
}

/// How a lab of a student ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
}

/// What a lab of a student came to.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    /// The lab's topic.
    pub topic: String,
    /// How it ended.
    pub status: Status,
    /// What was earned; none where there is no grade yet.
    pub points: Option<u32>,
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
}

impl Cell {
    /// A cell without checks.
    #[must_use]
    pub fn plain(topic: &str, status: Status, message: Option<String>) -> Cell {
        Cell {
            topic: topic.to_owned(),
            status,
            points: (status != Status::Error).then_some(0),
            message,
            sources: None,
            seed: None,
            unsteady: Vec::new(),
            checks: Vec::new(),
        }
    }
}

impl Class {
    /// Writes everything into `dir`. Each file is there whole or not at all.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let feedback = dir.join("feedback");
        fs::create_dir_all(&feedback)
            .with_context(|| format!("{} cannot be made", feedback.display()))?;
        let mut taken = BTreeSet::new();
        for row in &self.students {
            let name = safe::file_name(&row.student, &mut taken);
            let page = feedback::page(self, row);
            put(&feedback.join(format!("{name}.md")), page.as_bytes())?;
        }
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        put(&dir.join("grades.json"), &json)?;
        put(&dir.join("grades.csv"), &self.csv()?)
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
            let points = row.labs.iter().map(|cell| cell.points);
            record.extend(
                points.map(|points| points.map_or(String::new(), |points| points.to_string())),
            );
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

/// `7`, `7.5`, `7.25`
#[must_use]
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// Writes a file whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".unfinished-")
            .tempfile_in(dir)?;
        file.write_all(bytes)?;
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
