//! A lab: what `lab.toml` says.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::derive::Source;
use crate::document::{Document, Table, nearest};
use crate::problem::Problem;
use crate::{CourseError, WrongAnswer, course};

/// Points, as earned by passing checks.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Points(pub u32);

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::iter::Sum for Points {
    fn sum<I: Iterator<Item = Points>>(points: I) -> Points {
        Points(points.map(|points| points.0).sum())
    }
}

impl std::ops::Add for Points {
    type Output = Points;

    fn add(self, other: Points) -> Points {
        Points(self.0 + other.0)
    }
}

/// Whether a check belongs to what the chapter teaches, or to what goes beyond it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What the chapter teaches; the lab is done when all of these pass.
    #[default]
    Core,
    /// For those who want more; never blocks "done".
    Bonus,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Core => "core",
            Kind::Bonus => "bonus",
        })
    }
}

/// A section of the book: a page below `book/src` and the id of a heading on it. Shown, and
/// written as JSON, as `page.md#id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Section {
    page: String,
    id: String,
}

impl Section {
    /// The page, relative to `book/src`.
    pub fn page(&self) -> &str {
        &self.page
    }

    /// The heading's explicit id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.page, self.id)
    }
}

impl From<Section> for String {
    fn from(section: Section) -> String {
        section.to_string()
    }
}

impl std::str::FromStr for Section {
    type Err = String;

    fn from_str(text: &str) -> Result<Section, String> {
        let wrong = || {
            format!(
                "`{text}` is no section; write the page and a heading's id, as in \"04-tcp-echo.md#step-1\""
            )
        };
        let (page, id) = text.split_once('#').ok_or_else(wrong)?;
        let plain = |text: &str| {
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '#')
        };
        let inside =
            !page.starts_with('/') && !page.split('/').any(|part| part.is_empty() || part == "..");
        if !(plain(page) && plain(id) && inside && page.ends_with(".md") && !page.contains('\\')) {
            return Err(wrong());
        }
        Ok(Section {
            page: page.to_owned(),
            id: id.to_owned(),
        })
    }
}

impl TryFrom<String> for Section {
    type Error = String;

    fn try_from(text: String) -> Result<Section, String> {
        text.parse()
    }
}

/// One lab: its folder, its steps, its checks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Lab {
    /// The chapter's number.
    pub number: u32,
    /// What it is about, and the name of its package and program: `framing`.
    pub topic: String,
    /// The folder's name, in `labs` and in `solutions`: `08-framing`.
    pub folder: String,
    /// The title, for people.
    pub title: String,
    /// How long the core takes, in minutes.
    pub minutes: u32,
    /// The learner's files, relative to the lab's folder; the learner edits nothing else.
    pub edit: Vec<PathBuf>,
    /// The steps, in order; there is at least one.
    pub steps: Vec<Step>,
    pub(crate) root: PathBuf,
}

/// One step of a lab.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Step {
    /// Its number, counted from 1; its checks stand in `mod step_N`.
    pub number: usize,
    /// What is done in it.
    pub title: String,
    /// Where the book explains it.
    pub section: Section,
    /// Where to look, what to think about, nearly the code.
    pub hints: [String; 3],
    /// Its checks, in order; there is at least one.
    pub checks: Vec<Check>,
}

/// One check: a test function and what passing it is worth.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Check {
    /// The test function's name, a sentence.
    pub name: String,
    /// What passing it earns; at least 1.
    pub points: Points,
    /// Core or bonus.
    pub kind: Kind,
    /// The number of the step it belongs to, counted from 1.
    pub step: usize,
    /// Where the book explains it: its own section, or else the step's.
    pub section: Section,
}

impl Check {
    /// The test's full name in the checks' executable: `step_2::answers_what_it_was_sent`.
    pub fn path(&self) -> String {
        format!("step_{}::{}", self.step, self.name)
    }
}

/// The most points a lab can earn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MaxPoints {
    /// From core checks.
    pub core: Points,
    /// From bonus checks.
    pub bonus: Points,
}

impl MaxPoints {
    /// Core and bonus together.
    pub fn total(self) -> Points {
        self.core + self.bonus
    }
}

impl Lab {
    /// Reads `labs/FOLDER/lab.toml` below `root`, and nothing else of the course.
    ///
    /// # Errors
    /// The file cannot be read, or used.
    pub fn load(root: &Path, folder: &str) -> Result<Lab, CourseError> {
        let file = root.join("labs").join(folder).join("lab.toml");
        let advice = "course.toml names this lab, so write its lab.toml, or take the lab out there";
        let document = Document::read(root, &file, advice)?;
        Ok(document.parse(|table| read(root, folder, table))?)
    }

    /// The course's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The learner's folder: `labs/08-framing`.
    pub fn dir(&self) -> PathBuf {
        self.root.join("labs").join(&self.folder)
    }

    /// The file that describes the lab.
    pub fn file(&self) -> PathBuf {
        self.dir().join("lab.toml")
    }

    /// The solution's folder, `solutions/08-framing`; a handout has none.
    pub fn solution_dir(&self) -> Option<PathBuf> {
        let dir = self.root.join("solutions").join(&self.folder);
        dir.join("Cargo.toml").is_file().then_some(dir)
    }

    /// The learner's package and program.
    pub fn package(&self) -> &str {
        &self.topic
    }

    /// The solution's package and program; never the learner's name, or the one would be
    /// judged by the other's binary.
    pub fn solution_package(&self) -> String {
        format!("{}-solution", self.topic)
    }

    /// Where the starter can be made from; none in a handout that came without.
    pub fn starter_source(&self) -> Option<Source> {
        Source::of(self)
    }

    /// Every check, in order of the steps.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.steps.iter().flat_map(|step| &step.checks)
    }

    /// The check of this name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks().find(|check| check.name == name)
    }

    /// The step of this number, counted from 1.
    pub fn step(&self, number: usize) -> Option<&Step> {
        self.steps.get(number.checked_sub(1)?)
    }

    /// The most points that can be earned.
    pub fn max_points(&self) -> MaxPoints {
        let of = |kind| {
            self.checks()
                .filter(|check| check.kind == kind)
                .map(|check| check.points)
                .sum()
        };
        MaxPoints {
            core: of(Kind::Core),
            bonus: of(Kind::Bonus),
        }
    }

    /// The wrong answers beside the solution, by name; none in a handout.
    ///
    /// # Errors
    /// A `wrong.toml` that is broken or names a check that does not exist.
    pub fn wrong_answers(&self) -> Result<Vec<WrongAnswer>, CourseError> {
        WrongAnswer::all(self)
    }
}

fn read(root: &Path, folder: &str, table: &Table<'_>) -> Result<Lab, Problem> {
    let (number, topic) = course::split(folder).unwrap_or((0, folder));
    let mut lab = Lab {
        number,
        topic: topic.to_owned(),
        folder: folder.to_owned(),
        title: table
            .required("title", "add the lab's title")?
            .text()?
            .to_owned(),
        minutes: 0,
        edit: Vec::new(),
        steps: Vec::new(),
        root: root.to_owned(),
    };
    let minutes = table
        .required("minutes", "say how long the core takes, in minutes")?
        .whole(1..=1440)?;
    lab.minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
    lab.edit = read_edit(&lab, table)?;
    let mut seen: Vec<String> = Vec::new();
    lab.steps = table.tables("step", |number, step| read_step(number, step, &mut seen))?;
    if lab.steps.is_empty() {
        return Err(table.problem("there is no step; add a `[[step]]` with its checks"));
    }
    Ok(lab)
}

fn read_edit(lab: &Lab, table: &Table<'_>) -> Result<Vec<PathBuf>, Problem> {
    let edit = table.required(
        "edit",
        "list the learner's files, as in `edit = [\"src/serve.rs\"]`",
    )?;
    let mut files: Vec<PathBuf> = Vec::new();
    for value in edit.texts()? {
        let name = value.text()?;
        let parts: Vec<&str> = name.split('/').collect();
        let inside = parts.len() > 1
            && parts[0] == "src"
            && !name.contains('\\')
            && !parts.iter().any(|part| matches!(*part, "" | "." | ".."));
        if !inside {
            return Err(value.problem(format!(
                "`{name}` does not lie in the lab's src; write a path like \"src/serve.rs\""
            )));
        }
        let path = PathBuf::from(name);
        if files.contains(&path) {
            return Err(value.problem(format!("`{name}` is listed twice; take one away")));
        }
        // The learner may have lost the file, and must then be able to get it back: what counts is
        // whether the starter has it.
        let from = lab.solution_dir();
        if from.is_some_and(|dir| !dir.join(&path).is_file()) {
            return Err(value.problem(format!(
                "`{name}` is not there: the starter is made from solutions/{0}, and solutions/{0}/{name} does not exist; write that file or correct the path",
                lab.folder
            )));
        }
        files.push(path);
    }
    if files.is_empty() {
        return Err(
            edit.problem("is empty; list the learner's files, as in `edit = [\"src/serve.rs\"]`")
        );
    }
    Ok(files)
}

fn read_step(number: usize, table: &Table<'_>, seen: &mut Vec<String>) -> Result<Step, Problem> {
    let title = table
        .required("title", "say what is done in this step")?
        .text()?
        .to_owned();
    let section = read_section(&table.required(
        "section",
        "name where the book explains it, as in `section = \"04-tcp-echo.md#step-1\"`",
    )?)?;
    let hints = table.required(
        "hints",
        "write three: where to look, what to think about, nearly the code",
    )?;
    let ladder = hints
        .texts()?
        .iter()
        .map(|hint| Ok(hint.prose()?.to_owned()))
        .collect::<Result<Vec<String>, Problem>>()?;
    let hints = <[String; 3]>::try_from(ladder).map_err(|ladder| {
        hints.problem(format!(
            "there {}; write exactly three: where to look, what to think about, nearly the code",
            match ladder.len() {
                0 => "is no hint".to_owned(),
                1 => "is 1 hint".to_owned(),
                n => format!("are {n} hints"),
            }
        ))
    })?;
    let checks = table.tables("check", |_, check| {
        read_check(number, &section, check, seen)
    })?;
    if checks.is_empty() {
        return Err(table.problem("has no check; add a `[[step.check]]`, or take the step away"));
    }
    Ok(Step {
        number,
        title,
        section,
        hints,
        checks,
    })
}

pub(crate) fn read_check(
    step: usize,
    section: &Section,
    table: &Table<'_>,
    seen: &mut Vec<String>,
) -> Result<Check, Problem> {
    let value = table.required("name", "write the test function's name")?;
    let name = value.text()?;
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !plain {
        return Err(value.problem(format!(
            "`{name}` is no test function's name; write it as in the code, in lower case with underscores"
        )));
    }
    if seen.iter().any(|other| other == name) {
        return Err(value.problem(format!(
            "there is a check `{name}` already; every check needs a name of its own"
        )));
    }
    seen.push(name.to_owned());
    let points = table
        .required("points", "say what passing it earns, at least 1")?
        .whole(1..=1000)?;
    let kind = match table.get("kind") {
        None => Kind::Core,
        Some(value) => match value.text()? {
            "core" => Kind::Core,
            "bonus" => Kind::Bonus,
            other => {
                let advice = match nearest(other, ["core", "bonus"]) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "write \"core\" or \"bonus\"".to_owned(),
                };
                return Err(value.problem(format!("`{other}` is no kind of check; {advice}")));
            }
        },
    };
    let section = match table.get("section") {
        None => section.clone(),
        Some(value) => read_section(&value)?,
    };
    let points = Points(u32::try_from(points).unwrap_or(u32::MAX));
    Ok(Check {
        name: name.to_owned(),
        points,
        kind,
        step,
        section,
    })
}

fn read_section(value: &crate::document::Value<'_>) -> Result<Section, Problem> {
    value
        .text()?
        .parse()
        .map_err(|reason: String| value.problem(reason))
}
