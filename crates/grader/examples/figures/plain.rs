//! The plain way: a copy of the learners' workspace for each submission, and `cargo test` in it, one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use course::Course;
use grader::intake;

use crate::copy::{self, Copy};
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

/// How long it takes for the first `sample` students who handed in something for every lab, together.
pub fn measure(
    course: &Course,
    workspace: &Workspace,
    tested: Tested,
    submissions: &Path,
    dir: &Path,
    labs: &[String],
    sample: usize,
) -> anyhow::Result<Duration> {
    let labs = crate::floor::labs(course, labs)?;
    let all = intake::take_in(course, submissions, None, &[])?;
    let students: Vec<_> = all
        .iter()
        .filter(|student| {
            labs.iter()
                .all(|lab| student.labs.contains_key(&lab.folder))
        })
        .take(sample)
        .collect();
    ensure!(
        students.len() == sample,
        "only {} handed in every lab, and --plain asks for {sample}",
        students.len()
    );
    let mut time = Duration::ZERO;
    for student in students {
        println!("the plain way, {tested:?}: {}", student.who.key);
        let began = Instant::now();
        let copy = Copy::of(&workspace.0, dir)?;
        for lab in &labs {
            for (path, text) in &student.labs[&lab.folder] {
                let path = dir.join("labs").join(&lab.folder).join(path);
                copy::write(&path, text.as_bytes())?;
            }
        }
        let mut command = copy.cargo(&["test", "--no-fail-fast"]);
        if tested == Tested::Labs {
            for lab in &labs {
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
