//! Hidden checks: those that only the grader runs, and that no handout holds.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::lab::{Check, Kind, Lab, MaxPoints, Points};
use crate::problem::Problem;
use crate::{CourseError, lab};

/// What a student gets to see of hidden checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// The points of all of them together.
    #[default]
    Nothing,
    /// Each one's name, verdict and points.
    Names,
    /// The transcripts too.
    Transcripts,
}

/// A lab's hidden checks, as a `hidden.toml` lists them; their code is beside it, in `checks.rs`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Hidden {
    /// What a student gets to see of them.
    pub show: Show,
    /// The checks, in order; there is at least one.
    pub checks: Vec<Check>,
    /// The text of the `hidden.toml`, from which [`Hidden::parse`] makes the same again.
    pub text: String,
    dir: PathBuf,
}

impl Hidden {
    /// The hidden checks that come with the course: those beside the solution; none where there
    /// are none.
    ///
    /// # Errors
    /// As [`Hidden::read`].
    pub fn of(lab: &Lab) -> Result<Option<Hidden>, CourseError> {
        match lab.solution_dir() {
            Some(solution) => Hidden::read(lab, &solution.join("hidden")),
            None => Ok(None),
        }
    }

    /// The hidden checks of `lab` in a folder with one folder a lab, as `solutions` is:
    /// `NN-topic/hidden` or `NN-topic` itself.
    ///
    /// # Errors
    /// As [`Hidden::read`].
    pub fn below(lab: &Lab, folder: &Path) -> Result<Option<Hidden>, CourseError> {
        let dir = folder.join(&lab.folder);
        match Hidden::read(lab, &dir.join("hidden"))? {
            Some(hidden) => Ok(Some(hidden)),
            None => Hidden::read(lab, &dir),
        }
    }

    /// The hidden checks in the folder `dir`; none where it has no `hidden.toml`.
    ///
    /// # Errors
    /// The `hidden.toml` cannot be used, or there is no `checks.rs` beside it.
    pub fn read(lab: &Lab, dir: &Path) -> Result<Option<Hidden>, CourseError> {
        let file = dir.join("hidden.toml");
        if !file.is_file() {
            return Ok(None);
        }
        let advice = "make it readable and try again";
        let document = Document::read(lab.root(), &file, advice)?;
        let mut hidden = parse(lab, document)?;
        hidden.dir = dir.to_owned();
        let code = hidden.code();
        if !code.is_file() {
            return Err(CourseError::Unreadable {
                path: code,
                source: std::io::ErrorKind::NotFound.into(),
                advice: "the checks that hidden.toml lists are written there",
            });
        }
        Ok(Some(hidden))
    }

    /// The hidden checks that the text of a `hidden.toml` lists.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn parse(lab: &Lab, text: &str) -> Result<Hidden, CourseError> {
        parse(lab, Document::given("hidden.toml", text))
    }

    /// The folder with the `hidden.toml`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file with the checks.
    pub fn code(&self) -> PathBuf {
        self.dir.join("checks.rs")
    }

    /// The most points that they can earn.
    pub fn max_points(&self) -> MaxPoints {
        let of = |kind| -> Points {
            let checks = self.checks.iter().filter(|check| check.kind == kind);
            checks.map(|check| check.points).sum()
        };
        MaxPoints {
            core: of(Kind::Core),
            bonus: of(Kind::Bonus),
        }
    }

    /// The lab with these checks in place of its own: what a [`Runner`](crate::Runner) runs.
    pub fn in_place(&self, lab: &Lab) -> Lab {
        let mut lab = lab.clone();
        for step in &mut lab.steps {
            let own = self.checks.iter().filter(|check| check.step == step.number);
            step.checks = own.cloned().collect();
        }
        lab
    }
}

fn parse(lab: &Lab, document: Document) -> Result<Hidden, CourseError> {
    let mut hidden = document.parse(|table| {
        let show = match table.get("show") {
            None => Show::default(),
            Some(value) => match value.text()? {
                "nothing" => Show::Nothing,
                "names" => Show::Names,
                "transcripts" => Show::Transcripts,
                other => {
                    return Err(value.problem(format!(
                        "`{other}` is none of \"nothing\", \"names\", \"transcripts\": what a student sees of hidden checks"
                    )));
                }
            },
        };
        let mut seen: Vec<String> = lab.checks().map(|check| check.name.clone()).collect();
        let checks = table.tables("check", |_, check| read_check(lab, check, &mut seen))?;
        if checks.is_empty() {
            return Err(table.problem("there is no check; add a `[[check]]`, or take the file away"));
        }
        Ok(Hidden {
            show,
            checks,
            text: String::new(),
            dir: PathBuf::new(),
        })
    })?;
    hidden.text = document.into_text();
    Ok(hidden)
}

fn read_check(
    lab: &Lab,
    table: &crate::document::Table<'_>,
    seen: &mut Vec<String>,
) -> Result<Check, Problem> {
    let value = table.required("step", "say which of the lab's steps it belongs to, from 1")?;
    let steps = lab.steps.len();
    let number = value.whole(1..=steps as u64)?;
    let number = usize::try_from(number).unwrap_or(steps);
    let Some(step) = lab.step(number) else {
        return Err(value.problem(format!("{} has steps 1 to {steps}", lab.topic)));
    };
    lab::read_check(number, &step.section, table, seen)
}
