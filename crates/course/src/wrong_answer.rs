//! Wrong answers: plausible misconceptions, each with the checks that it must fail.

use std::path::{Path, PathBuf};

use crate::document::{Document, Table, nearest};
use crate::problem::{Problem, shown};
use crate::{CourseError, Lab, files};

/// A wrong answer to a lab: the solution with some files replaced, in
/// `solutions/NN-topic/wrong/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongAnswer {
    /// Its folder's name.
    pub name: String,
    /// The lab's topic.
    pub lab: String,
    /// The checks that must fail; there is at least one.
    pub fails: Vec<String>,
    /// What its author believes, in one sentence.
    pub believes: String,
    /// Its number in the list of misconceptions, 1 to 30, where it is one of them.
    pub misconception: Option<u32>,
    /// The files that differ from the solution's, relative to the lab's folder: `src/serve.rs`.
    pub files: Vec<PathBuf>,
    dir: PathBuf,
}

impl WrongAnswer {
    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every wrong answer to `lab`, by name.
    pub(crate) fn all(lab: &Lab) -> Result<Vec<WrongAnswer>, CourseError> {
        let Some(solution) = lab.solution_dir() else {
            return Ok(Vec::new());
        };
        let wrong = solution.join("wrong");
        files::folders(&wrong)?
            .into_iter()
            .map(|name| WrongAnswer::load(lab, name, &solution, &wrong))
            .collect()
    }

    fn load(
        lab: &Lab,
        name: String,
        solution: &Path,
        wrong: &Path,
    ) -> Result<WrongAnswer, CourseError> {
        let dir = wrong.join(&name);
        let place = dir.strip_prefix(lab.root()).unwrap_or(&dir).to_owned();
        let complain = |reason: String| Problem {
            file: place.clone(),
            line: None,
            place: None,
            reason,
        };
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.chars().all(letter) {
            let reason =
                "a wrong answer's folder is named in lower case with hyphens; rename it".to_owned();
            return Err(complain(reason).into());
        }
        let advice = "every wrong answer has a wrong.toml that says which check it `fails` and what it `believes`";
        let document = Document::read(lab.root(), &dir.join("wrong.toml"), advice)?;
        let mut answer = document.parse_any(|table| read(lab, table))?;
        for file in files::below(&dir.join("src"))? {
            let path = Path::new("src").join(file);
            let ours = std::fs::read(dir.join(&path)).ok();
            if ours.is_some() && ours == std::fs::read(solution.join(&path)).ok() {
                let reason = format!(
                    "{} is the solution's; take the file away, or make it differ",
                    shown(&path)
                );
                return Err(complain(reason).into());
            }
            answer.files.push(path);
        }
        if answer.files.is_empty() {
            let reason =
                "there is no file in its src; put there the files that differ from the solution's"
                    .to_owned();
            return Err(complain(reason).into());
        }
        answer.name = name;
        answer.dir = dir;
        Ok(answer)
    }
}

fn read(lab: &Lab, table: &Table<'_>) -> Result<WrongAnswer, Problem> {
    // `version` may be left out: the file is written and read within one repository.
    if let Some(version) = table.get("version") {
        version.whole(1..=1)?;
    }
    let value = table.required("fails", "name the check that it fails, or a list of them")?;
    let mut fails = Vec::new();
    for check in value.text_or_texts()? {
        let name = check.text()?;
        if lab.check(name).is_none() {
            let near = nearest(name, lab.checks().map(|check| check.name.as_str()));
            let advice = near.map_or_else(
                || format!("the checks are in labs/{}/lab.toml", lab.folder),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(check.problem(format!("{} has no check `{name}`; {advice}", lab.topic)));
        }
        if fails.iter().any(|other| other == name) {
            return Err(check.problem(format!("`{name}` is listed twice; take one away")));
        }
        fails.push(name.to_owned());
    }
    if fails.is_empty() {
        return Err(value.problem("names no check; a wrong answer fails at least one"));
    }
    let believes = table
        .required("believes", "say in one sentence what its author believes")?
        .prose()?
        .to_owned();
    let misconception = match table.get("misconception") {
        None => None,
        Some(value) => u32::try_from(value.whole(1..=30)?).ok(),
    };
    Ok(WrongAnswer {
        name: String::new(),
        lab: lab.topic.clone(),
        fails,
        believes,
        misconception,
        files: Vec::new(),
        dir: PathBuf::new(),
    })
}
