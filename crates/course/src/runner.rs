//! Builds a lab, runs its checks, and says what came of it.

mod build;
mod judge;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::document::nearest;
use crate::process::Cancel;
use crate::{BuildReport, Check, CheckReport, Lab, LabReport};

/// Whose program is built and judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Subject {
    /// The learner's, in `labs`.
    #[default]
    Lab,
    /// The reference, in `solutions`.
    Solution,
}

/// Which checks are run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selection {
    /// All of the lab's.
    #[default]
    All,
    /// Those of one step, counted from 1.
    Step(usize),
    /// Those of these names.
    Checks(Vec<String>),
}

/// How a lab is built and judged.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Whose program.
    pub subject: Subject,
    /// Which checks.
    pub selection: Selection,
    /// Another program to judge in place of the subject's own: any that keeps the lab's contract,
    /// in any language. The path must be absolute. What is built then is the solution, where
    /// there is one, so that it does not matter whether the learner's files compile.
    pub program: Option<PathBuf>,
    /// A program that starts the judged one: it is given the judged program's path and arguments.
    /// The path must be absolute. This is how a sandbox comes between.
    pub launcher: Option<PathBuf>,
    /// The seed of the checks' randomness; none for testkit's own.
    pub seed: Option<String>,
    /// Where the checks' verdicts are written while they run; none for the system's temporary folder.
    pub verdicts: Option<PathBuf>,
    /// Where cargo builds; none for cargo's own choice.
    pub target_dir: Option<PathBuf>,
    /// How long all the checks together may take, before `WIRELAB_PATIENCE`.
    pub deadline: Duration,
    /// How long the build may take.
    pub build_deadline: Duration,
    /// Whether the compiler's messages are coloured.
    pub colour: Colour,
    /// More variables for the checks' process.
    pub environment: Vec<(OsString, OsString)>,
}

/// Whether the compiler's messages are coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Never,
    /// With a terminal's escape sequences.
    Always,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            subject: Subject::default(),
            selection: Selection::default(),
            program: None,
            launcher: None,
            seed: None,
            verdicts: None,
            target_dir: None,
            deadline: Duration::from_secs(180),
            build_deadline: Duration::from_secs(1800),
            colour: Colour::default(),
            environment: Vec::new(),
        }
    }
}

impl Options {
    /// The defaults, with the program, launcher and seed that `WIRELAB_PROGRAM`,
    /// `WIRELAB_LAUNCHER` and `WIRELAB_SEED` name. Without this, a run takes none of the three
    /// from its environment.
    pub fn from_environment() -> Options {
        let variable = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        Options {
            program: variable("WIRELAB_PROGRAM").map(PathBuf::from),
            launcher: variable("WIRELAB_LAUNCHER").map(PathBuf::from),
            seed: variable("WIRELAB_SEED").map(|seed| seed.to_string_lossy().into_owned()),
            ..Options::default()
        }
    }
}

/// What happens during a run, as it happens.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Cargo has been started.
    Building,
    /// Cargo waits: another cargo, often an editor's, holds the target folder.
    Waiting,
    /// A part that was not yet built, of a dependency or of the lab itself, is ready.
    Compiled {
        /// Its name.
        package: String,
    },
    /// The build is over.
    Built(BuildReport),
    /// The checks have been started.
    Running {
        /// How many there are.
        checks: usize,
    },
    /// A check has its verdict. They come in order of completion.
    CheckDone(CheckReport),
}

/// Why there is no report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The selection names a check that the lab does not have.
    #[error(
        "{lab} has no check `{wanted}`{} checks are {}",
        nearest.as_ref().map_or("; its".to_owned(), |near| format!(": did you mean `{near}`? Its")),
        checks.join(", ")
    )]
    UnknownCheck {
        /// The lab's topic.
        lab: String,
        /// What was asked for.
        wanted: String,
        /// The check that looks most like it.
        nearest: Option<String>,
        /// Every check's name.
        checks: Vec<String>,
    },
    /// The selection names a step that the lab does not have.
    #[error("{lab} has no step {wanted}; its steps are 1 to {steps}")]
    UnknownStep {
        /// The lab's topic.
        lab: String,
        /// What was asked for.
        wanted: usize,
        /// How many there are.
        steps: usize,
    },
    /// The solution is asked for where there is none.
    #[error("there is no solution of {lab} here: this copy of the course came without")]
    NoSolution {
        /// The lab's topic.
        lab: String,
    },
    /// The program or launcher to use is not named by an absolute path of a file.
    #[error("the {what} {} is no file with an absolute path; name one", path.display())]
    NoProgram {
        /// `program` or `launcher`.
        what: &'static str,
        /// What was named.
        path: PathBuf,
    },
    /// Cargo cannot be started.
    #[error(
        "cargo cannot be started ({0}); install Rust from https://rustup.rs, or put cargo on the PATH"
    )]
    Cargo(#[source] io::Error),
    /// The build took longer than its deadline.
    #[error("the build of {package} was stopped after {} s; try again, or build it with cargo build -p {package}", after.as_secs())]
    BuildTimedOut {
        /// The package.
        package: String,
        /// The deadline.
        after: Duration,
    },
    /// The program does not compile, where only one that does makes sense.
    #[error("{package} does not compile, so there is nothing to run; mend this first:\n{output}")]
    DoesNotCompile {
        /// The package.
        package: String,
        /// What the compiler or cargo said.
        output: String,
    },
    /// Cargo said that all went well, and named no executable of the checks.
    #[error(
        "cargo built {package}, but no test `checks`; its Cargo.toml must have tests/checks.rs, or a `[[test]]` of that name with its path"
    )]
    NoChecks {
        /// The package.
        package: String,
    },
    /// The checks' executable cannot be started.
    #[error("the checks {} cannot be started: {source}; build them anew", path.display())]
    Checks {
        /// The executable.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No folder for the verdicts can be made.
    #[error(
        "no temporary folder for the verdicts can be made: {0}; free some space, or set TMPDIR to a writable folder"
    )]
    Verdicts(#[source] io::Error),
    /// [`Cancel::cancel`] was called.
    #[error("cancelled")]
    Cancelled,
}

/// A lab that has been built.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Built {
    /// How the build went.
    pub report: BuildReport,
    /// The checks' executable; none when the build failed.
    pub checks: Option<PathBuf>,
    /// The subject's own program; none when the build failed.
    pub program: Option<PathBuf>,
}

/// Runs one lab's checks.
#[derive(Debug, Clone)]
pub struct Runner<'l> {
    lab: &'l Lab,
    options: Options,
}

impl<'l> Runner<'l> {
    /// A runner for `lab` with these options.
    pub fn new(lab: &'l Lab, options: Options) -> Runner<'l> {
        Runner { lab, options }
    }

    /// Builds the lab and runs the selected checks. `on_event` hears what happens meanwhile, in
    /// this thread; `cancel` ends it from any other.
    ///
    /// A program that does not compile is no error: the report's build says so, and all its
    /// checks have failed.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn run(
        &self,
        cancel: &Cancel,
        mut on_event: impl FnMut(Event),
    ) -> Result<LabReport, RunError> {
        let began = Instant::now();
        let selected = self.selected()?;
        self.validate_programs()?;
        on_event(Event::Building);
        let built = self.build_with(cancel, &mut on_event)?;
        on_event(Event::Built(built.report.clone()));
        let reports = match &built.checks {
            Some(executable) => judge::judge(self, executable, &selected, cancel, &mut on_event)?,
            None => selected.iter().map(|check| judge::not_run(check)).collect(),
        };
        Ok(LabReport::new(
            &self.lab.topic,
            built.report,
            reports,
            seconds(began.elapsed()),
        ))
    }

    /// Builds the lab's program and its checks, and only those.
    ///
    /// # Errors
    /// See [`RunError`]; a program that does not compile is none.
    pub fn build(
        &self,
        cancel: &Cancel,
        mut on_event: impl FnMut(Event),
    ) -> Result<Built, RunError> {
        self.build_with(cancel, &mut on_event)
    }

    /// Runs the selected checks of an executable that has been built before; the reports stand in
    /// the order of `lab.toml`.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn judge(
        &self,
        checks: &Path,
        cancel: &Cancel,
        mut on_event: impl FnMut(Event),
    ) -> Result<Vec<CheckReport>, RunError> {
        self.validate_programs()?;
        judge::judge(self, checks, &self.selected()?, cancel, &mut on_event)
    }

    /// The lab whose checks are run.
    pub fn lab(&self) -> &'l Lab {
        self.lab
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    fn build_with(
        &self,
        cancel: &Cancel,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Built, RunError> {
        build::build(self, cancel, on_event)
    }

    /// The folder of the package that is built: the subject's, or, for a program from elsewhere,
    /// one that is sure to compile.
    fn package_dir(&self) -> Result<PathBuf, RunError> {
        let solution = self.lab.solution_dir();
        match (self.options.subject, solution) {
            (Subject::Solution, None) => Err(RunError::NoSolution {
                lab: self.lab.topic.clone(),
            }),
            (Subject::Solution, Some(dir)) => Ok(dir),
            (Subject::Lab, Some(dir)) if self.options.program.is_some() => Ok(dir),
            (Subject::Lab, _) => Ok(self.lab.dir()),
        }
    }

    /// The name of the package that is built.
    pub(crate) fn package(&self) -> Result<String, RunError> {
        let learners = self.package_dir()? == self.lab.dir();
        Ok(if learners {
            self.lab.topic.clone()
        } else {
            self.lab.solution_package()
        })
    }

    fn selected(&self) -> Result<Vec<&'l Check>, RunError> {
        match &self.options.selection {
            Selection::All => Ok(self.lab.checks().collect()),
            Selection::Step(number) => match self.lab.step(*number) {
                Some(step) => Ok(step.checks.iter().collect()),
                None => Err(RunError::UnknownStep {
                    lab: self.lab.topic.clone(),
                    wanted: *number,
                    steps: self.lab.steps.len(),
                }),
            },
            Selection::Checks(names) => {
                if let Some(unknown) = names.iter().find(|name| self.lab.check(name).is_none()) {
                    let names = || self.lab.checks().map(|check| check.name.as_str());
                    return Err(RunError::UnknownCheck {
                        lab: self.lab.topic.clone(),
                        wanted: unknown.clone(),
                        nearest: nearest(unknown, names()).map(str::to_owned),
                        checks: names().map(str::to_owned).collect(),
                    });
                }
                Ok(self
                    .lab
                    .checks()
                    .filter(|check| names.contains(&check.name))
                    .collect())
            }
        }
    }

    fn validate_programs(&self) -> Result<(), RunError> {
        let named = [
            ("program", &self.options.program),
            ("launcher", &self.options.launcher),
        ];
        for (what, path) in named {
            if let Some(path) = path
                && !(path.is_absolute() && path.is_file())
            {
                return Err(RunError::NoProgram {
                    what,
                    path: path.clone(),
                });
            }
        }
        Ok(())
    }
}

/// In seconds, to the millisecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// `WIRELAB_PATIENCE`: the factor on every deadline.
fn patience() -> f64 {
    std::env::var("WIRELAB_PATIENCE")
        .ok()
        .and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|factor| factor.is_finite())
        .map_or(1.0, |factor| factor.clamp(0.1, 100.0))
}

pub(crate) use build::{CargoBuild, cargo};
