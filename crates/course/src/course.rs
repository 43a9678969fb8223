//! The course: what `course.toml` says, and its labs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::document::{Document, Table, nearest};
use crate::problem::Problem;
use crate::{CourseError, DueDate, Lab, LatePolicy};

/// The whole course, read from the folder with `course.toml`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Course {
    /// The course's title.
    pub title: String,
    /// What lateness costs.
    pub late: LatePolicy,
    root: PathBuf,
    entries: Vec<Entry>,
    labs: Vec<Lab>,
    broken: Vec<BrokenLab>,
}

/// What `course.toml` says about one lab.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The lab's folder, in `labs` and in `solutions`.
    pub folder: String,
    /// How much the lab counts in the course's total, against the other labs; 1 where nothing is
    /// said.
    pub weight: f64,
    /// When it is due, where a date is given.
    pub due: Option<DueDate>,
}

/// A lab whose `lab.toml` cannot be used. The others can, so this keeps nobody from them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BrokenLab {
    /// Its folder.
    pub folder: String,
    /// What is wrong.
    pub error: Arc<CourseError>,
}

/// Why a lab cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabError {
    /// There is none of that name.
    #[error(transparent)]
    Unknown(#[from] UnknownLab),
    /// There is one, but its `lab.toml` cannot be used.
    #[error("{0}")]
    Broken(Arc<CourseError>),
}

/// A name that no lab has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no lab `{wanted}`{} labs are {}", self.did_you_mean(), self.labs.join(", "))]
#[non_exhaustive]
pub struct UnknownLab {
    /// What was asked for.
    pub wanted: String,
    /// The topic that looks most like it.
    pub nearest: Option<String>,
    /// Every lab's topic, in order.
    pub labs: Vec<String>,
}

impl UnknownLab {
    fn did_you_mean(&self) -> String {
        self.nearest.as_ref().map_or("; the".to_owned(), |near| {
            format!(": did you mean `{near}`? The")
        })
    }
}

impl Course {
    /// Reads the course that `from` lies in: the nearest folder with a `course.toml`, there or
    /// above.
    ///
    /// # Errors
    /// No such folder, or a `course.toml` that cannot be used. A broken `lab.toml` is no error
    /// here, see [`broken`](Course::broken).
    pub fn find(from: &Path) -> Result<Course, CourseError> {
        let unreadable = |source| CourseError::Unreadable {
            path: from.to_owned(),
            source,
            advice: "name a folder inside your copy of the course",
        };
        let start = std::path::absolute(from).map_err(unreadable)?;
        match start
            .ancestors()
            .find(|folder| folder.join("course.toml").is_file())
        {
            Some(root) => Course::load(root),
            None => Err(CourseError::NotFound { from: start }),
        }
    }

    /// Reads the course in the folder `root`.
    ///
    /// # Errors
    /// A `course.toml` that is missing or cannot be used.
    pub fn load(root: impl AsRef<Path>) -> Result<Course, CourseError> {
        let root = root.as_ref();
        let unreadable = |source| CourseError::Unreadable {
            path: root.to_owned(),
            source,
            advice: "name the folder that holds course.toml",
        };
        let root = std::path::absolute(root).map_err(unreadable)?;
        let file = root.join("course.toml");
        let document = Document::read(&root, &file, "name the folder that holds course.toml")?;
        let (title, entries, late) = document.parse(read)?;
        let mut labs = Vec::new();
        let mut broken = Vec::new();
        for entry in &entries {
            match Lab::load(&root, &entry.folder) {
                Ok(lab) => labs.push(lab),
                Err(error) => broken.push(BrokenLab {
                    folder: entry.folder.clone(),
                    error: Arc::new(error),
                }),
            }
        }
        Ok(Course {
            title,
            late,
            root,
            entries,
            labs,
            broken,
        })
    }

    /// The folder with `course.toml`; absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The book's sources.
    pub fn book_src(&self) -> PathBuf {
        self.root.join("book/src")
    }

    /// Where cargo builds: what `CARGO_TARGET_DIR` says, else `target`.
    pub fn target_dir(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| dir.into()),
            None => self.root.join("target"),
        }
    }

    /// The labs that can be used, in the course's order.
    pub fn labs(&self) -> &[Lab] {
        &self.labs
    }

    /// The labs whose `lab.toml` cannot be used.
    pub fn broken(&self) -> &[BrokenLab] {
        &self.broken
    }

    /// What `course.toml` says about each lab, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What `course.toml` says about this lab.
    pub fn entry(&self, lab: &Lab) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.folder == lab.folder)
    }

    /// The lab called `name`: its topic (`framing`), its number (`8`, `08`) or its folder's name
    /// (`08-framing`, `labs/08-framing`), in upper or lower case.
    ///
    /// # Errors
    /// There is none, or its `lab.toml` cannot be used.
    pub fn lab(&self, name: &str) -> Result<&Lab, LabError> {
        let wanted = name.trim().replace('\\', "/").to_lowercase();
        let wanted = wanted.trim_start_matches("./").trim_end_matches('/');
        let wanted = wanted.strip_prefix("labs/").unwrap_or(wanted);
        let folder = self
            .entries
            .iter()
            .map(|entry| entry.folder.as_str())
            .find(|folder| {
                let (number, topic) = split(folder).unwrap_or((u32::MAX, folder));
                wanted == *folder || wanted == topic || wanted.parse() == Ok(number)
            });
        let unknown = |nearest: Option<&str>| UnknownLab {
            wanted: name.to_owned(),
            nearest: nearest.map(str::to_owned),
            labs: self
                .entries
                .iter()
                .map(|entry| topic(&entry.folder).to_owned())
                .collect(),
        };
        let Some(folder) = folder else {
            let near = nearest(
                topic(wanted),
                self.entries.iter().map(|entry| topic(&entry.folder)),
            );
            return Err(unknown(near).into());
        };
        if let Some(broken) = self.broken.iter().find(|broken| broken.folder == folder) {
            return Err(LabError::Broken(Arc::clone(&broken.error)));
        }
        self.labs
            .iter()
            .find(|lab| lab.folder == folder)
            .ok_or_else(|| unknown(None).into())
    }

    /// The labs of these names, in the course's order; all where there are no names.
    ///
    /// # Errors
    /// One of them is none, as for [`Course::lab`].
    pub fn labs_named(&self, names: &[String]) -> Result<Vec<&Lab>, LabError> {
        let mut named = Vec::new();
        for name in names {
            named.push(&self.lab(name)?.folder);
        }
        let labs = self.labs.iter();
        Ok(labs
            .filter(|lab| named.is_empty() || named.contains(&&lab.folder))
            .collect())
    }
}

/// `08-framing` → 8 and `framing`.
pub(crate) fn split(folder: &str) -> Option<(u32, &str)> {
    let (number, topic) = folder.split_once('-')?;
    let digits = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let plain = topic.starts_with(|c: char| c.is_ascii_lowercase()) && topic.split('-').all(word);
    (digits && plain).then_some((number.parse().ok()?, topic))
}

fn topic(folder: &str) -> &str {
    split(folder).map_or(folder, |(_, topic)| topic)
}

fn read(table: &Table<'_>) -> Result<(String, Vec<Entry>, LatePolicy), Problem> {
    let title = table
        .required("title", "add the course's title")?
        .text()?
        .to_owned();
    let mut seen: Vec<(u32, String)> = Vec::new();
    let entries = table.tables("lab", |_, lab| read_entry(lab, &mut seen))?;
    if entries.is_empty() {
        return Err(table.problem("there is no lab; add a `[[lab]]` with its folder"));
    }
    let late = table.table("late", |late| {
        let percent = |key, default| {
            late.get(key)
                .map_or(Ok(default), |value| value.number(0.0..=100.0))
        };
        let grace = late
            .get("grace_minutes")
            .map_or(Ok(0), |value| value.whole(0..=u64::from(u32::MAX)))?;
        Ok(LatePolicy {
            grace_minutes: u32::try_from(grace).unwrap_or(u32::MAX),
            per_day_percent: percent("per_day_percent", 0.0)?,
            cap_percent: percent("cap_percent", 100.0)?,
        })
    })?;
    Ok((title, entries, late.unwrap_or_default()))
}

fn read_entry(lab: &Table<'_>, seen: &mut Vec<(u32, String)>) -> Result<Entry, Problem> {
    let folder = lab.required(
        "folder",
        "name the lab's folder, as in `folder = \"08-framing\"`",
    )?;
    let name = folder.text()?;
    let Some((number, topic)) = split(name) else {
        return Err(folder.problem(format!(
            "`{name}` is no lab's folder; write two digits, a hyphen and the topic in lower case, as in \"08-framing\""
        )));
    };
    if seen.iter().any(|(other, _)| *other == number) {
        return Err(folder.problem(format!(
            "there is a lab {number:02} already; give this one another number"
        )));
    }
    if seen.iter().any(|(_, other)| other == topic) {
        return Err(folder.problem(format!(
            "there is a lab `{topic}` already; give this one another topic"
        )));
    }
    seen.push((number, topic.to_owned()));
    let weight = lab
        .get("weight")
        .map_or(Ok(1.0), |weight| weight.number(0.0..=f64::INFINITY))?;
    let due = match lab.get("due") {
        None => None,
        Some(value) => {
            Some(DueDate::try_from(value.datetime()?).map_err(|reason| value.problem(reason))?)
        }
    };
    Ok(Entry {
        folder: name.to_owned(),
        weight,
        due,
    })
}
