//! The plain way: a copy of the learners' workspace for each submission, and `cargo test` in it, one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use course::{Course, Lab};
use grader::intake::{self, Submission};

use crate::copy::{self, Copy};
use crate::floor::Floor;
use crate::graded::Grading;

/// What is tested in each copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tested {
    /// Whatever `cargo test` tests there.
    Everything,
    /// Only the packages of the labs that are graded.
    Labs,
}

/// The learners' workspace, as it is handed out.
pub struct Workspace(PathBuf);

impl Workspace {
    pub fn hand_out(grading: &Grading, dir: &Path) -> anyhow::Result<Workspace> {
        println!("handing out the workspace");
        let output = grading
            .command()
            .args(["handout", "--no-verify"])
            .arg(dir)
            .output()
            .context("the grader cannot be started")?;
        ensure!(
            output.status.success(),
            "nothing was handed out:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(Workspace(dir.to_owned()))
    }
}

/// So many students of a class, who are whole in the sense of the floor.
///
/// # Errors
/// There are not so many.
pub fn sample(
    course: &Course,
    submissions: &Path,
    floor: &Floor<'_>,
    many: usize,
) -> anyhow::Result<Vec<Submission>> {
    let mut students = intake::take_in(course, submissions, None, &[])?;
    students.retain(|student| floor.is_whole(student));
    ensure!(
        students.len() >= many,
        "only {} handed in something that compiles for every lab, and --plain asks for {many}",
        students.len()
    );
    students.truncate(many);
    Ok(students)
}

/// How long it takes for these students, together.
pub fn measure(
    workspace: &Workspace,
    tested: Tested,
    students: &[Submission],
    dir: &Path,
    labs: &[&Lab],
) -> anyhow::Result<Duration> {
    let mut time = Duration::ZERO;
    for student in students {
        println!("the plain way, {tested:?}: {}", student.who.key);
        let began = Instant::now();
        let copy = Copy::of(&workspace.0, dir)?;
        for lab in labs {
            for (path, text) in &student.labs[&lab.folder] {
                let path = dir.join("labs").join(&lab.folder).join(path);
                copy::write(&path, text.as_bytes())?;
            }
        }
        let mut command = copy.cargo(&["test", "--no-fail-fast"]);
        if tested == Tested::Labs {
            for lab in labs {
                command.args(["--package", &lab.topic]);
            }
        }
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("cargo cannot be started")?;
        time += began.elapsed();
        fs::remove_dir_all(dir).with_context(|| format!("{} cannot be removed", dir.display()))?;
    }
    Ok(time)
}
