//! Every starter and every wrong answer of a course, built at once.
//!
//! They are made under `target/`, in one workspace of their own: a package for each lab, with the
//! lab's own dependencies and lints, and a binary for each starter and each wrong answer. One call
//! of cargo builds them all, without debug information and incremental compilation, and only files
//! that differ are written, so that the next time it builds only what changed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use toml::{Table, Value};

use crate::problem::Problem;
use crate::runner::{CargoBuild, Colour, RunError, cargo};
use crate::{Cancel, Course, CourseError, Diagnostic, Event, Lab, Level, WrongAnswer, files};

/// A folder in which starters and wrong answers are built.
#[derive(Debug, Clone)]
pub struct Workshop {
    dir: PathBuf,
}

/// A program of the workshop.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Program {
    /// The lab's topic.
    pub lab: String,
    /// What it is.
    pub what: What,
    /// The executable; none when it does not compile.
    pub path: Option<PathBuf>,
    /// What the compiler said.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a program of the workshop is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The lab's starter, derived from the solution.
    Starter,
    /// A wrong answer.
    Wrong(WrongAnswer),
}

/// Why a workshop could not do its work. That a program does not compile is no reason.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkshopError {
    /// A file of the course is wrong or cannot be read or written.
    #[error(transparent)]
    Course(#[from] CourseError),
    /// Cargo could not be run to its end.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Cargo failed before it compiled anything.
    #[error("cargo could not build the starters and wrong answers in {}:\n{said}", dir.display())]
    Cargo {
        /// The workshop's folder.
        dir: PathBuf,
        /// What cargo said.
        said: String,
    },
}

impl From<Problem> for WorkshopError {
    fn from(problem: Problem) -> WorkshopError {
        CourseError::from(problem).into()
    }
}

impl Program {
    /// `framing, the starter` or `framing, wrong answer eof-is-success`.
    pub fn title(&self) -> String {
        match &self.what {
            What::Starter => format!("{}, the starter", self.lab),
            What::Wrong(answer) => format!("{}, wrong answer {}", self.lab, answer.name),
        }
    }

    /// What the compiler warned of.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.level == Level::Warning)
    }
}

/// The files of one binary, by path below its folder.
type Sources = Vec<(PathBuf, Vec<u8>)>;

impl Workshop {
    /// The workshop of `course`, in its target folder.
    pub fn new(course: &Course) -> Workshop {
        Workshop::at(course.target_dir().join("workshop"))
    }

    /// A workshop in the folder `dir`, which is its own: files that it does not know are removed.
    pub fn at(dir: impl Into<PathBuf>) -> Workshop {
        Workshop { dir: dir.into() }
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes and builds the starter and the wrong answers of each of `labs`, which are of one
    /// course. Labs without a solution have none.
    ///
    /// # Errors
    /// See [`WorkshopError`].
    pub fn build<'l>(
        &self,
        labs: impl IntoIterator<Item = &'l Lab>,
        cancel: &Cancel,
        mut on_event: impl FnMut(Event),
    ) -> Result<Vec<Program>, WorkshopError> {
        let mut programs: Vec<(String, Program)> = Vec::new();
        let mut members = Vec::new();
        let mut root = None;
        for lab in labs.into_iter().filter(|lab| lab.solution_dir().is_some()) {
            root.get_or_insert_with(|| lab.root().to_owned());
            members.push(lab.folder.clone());
            programs.extend(self.make(lab)?);
        }
        let Some(root) = root else {
            return Ok(Vec::new());
        };
        self.put_workspace(&root, &members)?;
        let mut command = cargo();
        command
            .current_dir(&root)
            .args(["build", "--keep-going", "--manifest-path"])
            .arg(self.dir.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(self.dir.join("target"));
        on_event(Event::Building);
        let run = CargoBuild {
            command,
            colour: Colour::Never,
            deadline: Duration::from_secs(1800),
        };
        let outcome = run.run("the starters and wrong answers", cancel, &mut on_event)?;
        let by_name: HashMap<String, usize> = programs
            .iter()
            .enumerate()
            .map(|(n, (binary, _))| (binary.clone(), n))
            .collect();
        for artifact in outcome.artifacts {
            if let Some(n) = by_name.get(&artifact.target) {
                programs[*n].1.path = artifact.executable;
            }
        }
        let mut explained = outcome.ok;
        for (_, diagnostic) in outcome.diagnostics {
            if let Some(n) = by_name.get(&diagnostic.target) {
                explained |= diagnostic.level == Level::Error;
                programs[*n].1.diagnostics.push(diagnostic);
            }
        }
        if !explained {
            return Err(WorkshopError::Cargo {
                dir: self.dir.clone(),
                said: outcome.said.text(usize::MAX, ""),
            });
        }
        Ok(programs.into_iter().map(|(_, program)| program).collect())
    }

    /// Writes a lab's package. Returns its programs, not yet built, with their binaries' names.
    fn make(&self, lab: &Lab) -> Result<Vec<(String, Program)>, WorkshopError> {
        let Some(solution) = lab.solution_dir() else {
            return Ok(Vec::new());
        };
        let Some(source) = lab.starter_source() else {
            return Ok(Vec::new());
        };
        let package = self.dir.join(&lab.folder);
        let mut wanted = vec![PathBuf::from("Cargo.toml")];
        let mut programs = Vec::new();
        let mut put = |binary: String, what: What, sources: Sources| {
            for (path, bytes) in sources {
                let path = Path::new(&binary).join(path);
                files::put(&package.join(&path), &bytes)?;
                wanted.push(path);
            }
            let program = Program {
                lab: lab.topic.clone(),
                what,
                path: None,
                diagnostics: Vec::new(),
            };
            programs.push((binary, program));
            Ok::<(), CourseError>(())
        };

        let below_src = |path: &Path| path.strip_prefix("src").unwrap_or(path).to_owned();
        let starter = source.starter(lab)?.files;
        let sources = starter
            .into_iter()
            .map(|file| (below_src(&file.path), file.bytes))
            .collect();
        put(format!("{}--starter", lab.topic), What::Starter, sources)?;

        let given = contents(&solution.join("src"))?;
        for answer in lab.wrong_answers()? {
            let mut sources = contents(&answer.dir().join("src"))?;
            // The wrong answer's files win over the solution's.
            let kept = given
                .iter()
                .filter(|(path, _)| !sources.iter().any(|(replaced, _)| replaced == path));
            let kept: Sources = kept.cloned().collect();
            sources.extend(kept);
            put(
                format!("{}--wrong--{}", lab.topic, answer.name),
                What::Wrong(answer),
                sources,
            )?;
        }

        let binaries = programs.iter().map(|(binary, _)| binary.as_str());
        files::put(
            &package.join("Cargo.toml"),
            manifest(lab, binaries)?.as_bytes(),
        )?;
        for file in files::below(&package)? {
            if !wanted.contains(&file) {
                let path = package.join(file);
                fs::remove_file(&path)
                    .map_err(|source| CourseError::Unwritable { path, source })?;
            }
        }
        Ok(programs)
    }

    /// Writes the workspace's manifest and lock file.
    fn put_workspace(&self, root: &Path, members: &[String]) -> Result<(), WorkshopError> {
        let ours = parse(root, &root.join("Cargo.toml"))?;
        let mut workspace = Table::new();
        workspace.insert("resolver".into(), "3".into());
        workspace.insert("members".into(), members.to_vec().into());
        if let Some(Value::Table(given)) = ours.get("workspace") {
            for key in ["resolver", "package", "dependencies", "lints"] {
                if let Some(value) = given.get(key) {
                    let mut value = value.clone();
                    make_paths_absolute(&mut value, root);
                    workspace.insert(key.into(), value);
                }
            }
        }
        let mut dev = Table::new();
        dev.insert("debug".into(), false.into());
        dev.insert("incremental".into(), false.into());
        let profile = Table::from_iter([("dev".to_owned(), Value::Table(dev))]);
        let whole = Table::from_iter([
            ("workspace".to_owned(), Value::Table(workspace)),
            ("profile".to_owned(), Value::Table(profile)),
        ]);
        files::put(&self.dir.join("Cargo.toml"), whole.to_string().as_bytes())?;

        // Cargo strikes from the copy what is not used here, so what it was made from is kept
        // beside it: otherwise the two would differ every time.
        let Ok(lock) = fs::read(root.join("Cargo.lock")) else {
            return Ok(());
        };
        let copied = files::put(&self.dir.join("Cargo.lock.copied"), &lock)?;
        if copied || !self.dir.join("Cargo.lock").is_file() {
            files::put(&self.dir.join("Cargo.lock"), &lock)?;
        }
        Ok(())
    }
}

/// The manifest of a lab's package in the workshop: the lab's own, with other binaries.
fn manifest<'b>(
    lab: &Lab,
    binaries: impl Iterator<Item = &'b str>,
) -> Result<String, WorkshopError> {
    let dir = lab.dir();
    let given = parse(lab.root(), &dir.join("Cargo.toml"))?;
    let mut ours = Table::new();
    let mut package = match given.get("package") {
        Some(Value::Table(package)) => package.clone(),
        _ => Table::new(),
    };
    for key in [
        "autobins",
        "autotests",
        "autoexamples",
        "autobenches",
        "autolib",
        "build",
    ] {
        package.insert(key.into(), false.into());
    }
    package.remove("default-run");
    ours.insert("package".into(), Value::Table(package));
    for key in ["dependencies", "lints", "features"] {
        if let Some(value) = given.get(key) {
            let mut value = value.clone();
            make_paths_absolute(&mut value, &dir);
            ours.insert(key.into(), value);
        }
    }
    if let Some(Value::Table(targets)) = given.get("target") {
        let mut targets = targets.clone();
        for (_, target) in &mut targets {
            if let Value::Table(target) = target {
                target.retain(|key, _| key == "dependencies");
                for (_, dependencies) in target.iter_mut() {
                    make_paths_absolute(dependencies, &dir);
                }
            }
        }
        ours.insert("target".into(), Value::Table(targets));
    }
    let binary = |name: &str| {
        Value::Table(Table::from_iter([
            ("name".to_owned(), name.into()),
            ("path".to_owned(), format!("{name}/main.rs").into()),
            ("test".to_owned(), false.into()),
            ("doc".to_owned(), false.into()),
        ]))
    };
    ours.insert("bin".into(), Value::Array(binaries.map(binary).collect()));
    Ok(ours.to_string())
}

/// In a table of dependencies: `path` as seen from anywhere.
fn make_paths_absolute(dependencies: &mut Value, from: &Path) {
    let Value::Table(dependencies) = dependencies else {
        return;
    };
    for (_, dependency) in dependencies.iter_mut() {
        if let Value::Table(dependency) = dependency
            && let Some(Value::String(path)) = dependency.get_mut("path")
        {
            *path = from.join(path.as_str()).to_string_lossy().into_owned();
        }
    }
}

fn parse(root: &Path, manifest: &Path) -> Result<Table, WorkshopError> {
    let text = files::read(manifest, "every lab needs a Cargo.toml")?;
    text.parse::<Table>().map_err(|error| {
        let line = error.span().map(|at| {
            text.bytes()
                .take(at.start)
                .filter(|byte| *byte == b'\n')
                .count()
                + 1
        });
        let file = manifest.strip_prefix(root).unwrap_or(manifest).to_owned();
        let reason = format!(
            "this is not TOML: {}; mend the line",
            error.message().trim()
        );
        Problem {
            file,
            line,
            place: None,
            reason,
        }
        .into()
    })
}

/// Every file below `dir`, with its content.
fn contents(dir: &Path) -> Result<Sources, CourseError> {
    files::below(dir)?
        .into_iter()
        .map(|path| {
            let from = dir.join(&path);
            let advice = "make it readable and try again";
            let bytes = fs::read(&from).map_err(|source| CourseError::Unreadable {
                path: from,
                source,
                advice,
            })?;
            Ok((path, bytes))
        })
        .collect()
}
