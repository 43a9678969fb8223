//! Building with cargo, whose messages are read as JSON.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Built, Colour, Event, RunError, Runner, seconds};
use crate::process::{self, Cancel, Ending, Heard, Tail};
use crate::{BuildReport, Diagnostic, Level};

/// Builds the program and the checks of the runner's lab.
///
/// `--test checks` builds the package's program too, because an integration test may run it, and
/// leaves out the program's unit tests. `--manifest-path` rather than `-p`, because a package's
/// name may be ambiguous and its folder is not. One call of cargo does it all: each costs a
/// learner a tenth of a second.
pub(super) fn build(
    runner: &Runner<'_>,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Built, RunError> {
    let began = Instant::now();
    let dir = runner.package_dir()?;
    let mut command = cargo();
    command
        .current_dir(runner.lab.root())
        .args(["test", "--no-run", "--test", "checks", "--manifest-path"])
        .arg(dir.join("Cargo.toml"));
    if let Some(target) = &runner.options.target_dir {
        command.arg("--target-dir").arg(target);
    }
    let package = runner.package()?;
    let run = CargoBuild {
        command,
        colour: runner.options.colour,
        deadline: runner.options.build_deadline,
    };
    let outcome = run.run(&package, cancel, on_event)?;
    let ours = Ours(dir.join("Cargo.toml"));
    let mut checks = None;
    let mut program = None;
    for artifact in &outcome.artifacts {
        if !ours.is(&artifact.manifest_path) {
            continue;
        }
        match artifact.kind.as_str() {
            "test" if artifact.target == "checks" => checks.clone_from(&artifact.executable),
            "bin" => program.clone_from(&artifact.executable),
            _ => {}
        }
    }
    if outcome.ok && checks.is_none() {
        return Err(RunError::NoChecks { package });
    }
    // A dependency's warnings are none of the learner's business; an error anywhere is.
    let diagnostics: Vec<Diagnostic> = outcome
        .diagnostics
        .into_iter()
        .filter(|(manifest, diagnostic)| diagnostic.level == Level::Error || ours.is(manifest))
        .map(|(_, diagnostic)| diagnostic)
        .collect();
    let mut output: String = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.rendered.as_str())
        .collect();
    let count = |level| {
        diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.level == level)
            .count()
    };
    let errors = count(Level::Error);
    if !outcome.ok && errors == 0 {
        output.push_str(&outcome.said.text(usize::MAX, ""));
    }
    let report = BuildReport {
        ok: outcome.ok,
        seconds: seconds(began.elapsed()),
        output,
        errors,
        warnings: count(Level::Warning),
        first_error: diagnostics
            .iter()
            .find(|diagnostic| diagnostic.level == Level::Error)
            .cloned(),
        diagnostics,
    };
    if !outcome.ok {
        return Ok(Built {
            report,
            checks: None,
            program: None,
        });
    }
    Ok(Built {
        report,
        checks,
        program,
    })
}

/// Cargo, the one that runs us where one does: that saves rustup's detour.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A call of cargo that builds something.
pub(crate) struct CargoBuild {
    /// The call, without a message format.
    pub(crate) command: Command,
    pub(crate) colour: Colour,
    pub(crate) deadline: Duration,
}

/// What cargo reported.
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    pub(crate) artifacts: Vec<Artifact>,
    /// Each with the manifest of its package.
    pub(crate) diagnostics: Vec<(PathBuf, Diagnostic)>,
    /// The end of what cargo itself said.
    pub(crate) said: Tail,
}

/// Something that cargo built, or found built.
pub(crate) struct Artifact {
    pub(crate) manifest_path: PathBuf,
    pub(crate) target: String,
    pub(crate) kind: String,
    pub(crate) executable: Option<PathBuf>,
}

impl CargoBuild {
    /// Runs it; `package` is for messages.
    pub(crate) fn run(
        mut self,
        package: &str,
        cancel: &Cancel,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Outcome, RunError> {
        self.command.arg(match self.colour {
            Colour::Never => "--message-format=json",
            Colour::Always => "--message-format=json-diagnostic-rendered-ansi",
        });
        let mut outcome = Outcome {
            ok: false,
            artifacts: Vec::new(),
            diagnostics: Vec::new(),
            said: Tail::default(),
        };
        let ending = process::run(
            self.command,
            Instant::now() + self.deadline,
            cancel,
            |heard| match heard {
                Heard::Err(line) => {
                    if line.contains("Blocking waiting for file lock") {
                        on_event(Event::Waiting);
                    }
                    outcome.said.push(line);
                }
                Heard::Out(line) => match serde_json::from_str(line) {
                    Ok(Message::Said {
                        manifest_path,
                        target,
                        message,
                    }) => {
                        if let Some(diagnostic) = message.diagnostic(&target) {
                            outcome.diagnostics.push((manifest_path, diagnostic));
                        }
                    }
                    Ok(Message::Made {
                        manifest_path,
                        target,
                        executable,
                        fresh,
                    }) => {
                        if !fresh {
                            on_event(Event::Compiled {
                                package: target.name.clone(),
                            });
                        }
                        let kind = target.kind.into_iter().next().unwrap_or_default();
                        outcome.artifacts.push(Artifact {
                            manifest_path,
                            target: target.name,
                            kind,
                            executable,
                        });
                    }
                    // What a build script prints and other messages say nothing that we need.
                    Ok(Message::Other) | Err(_) => {}
                },
            },
        )
        .map_err(RunError::Cargo)?;
        match ending {
            Ending::Exited(status) => outcome.ok = status.success(),
            Ending::Cancelled => return Err(RunError::Cancelled),
            Ending::TimedOut => {
                return Err(RunError::BuildTimedOut {
                    package: package.to_owned(),
                    after: self.deadline,
                });
            }
        }
        Ok(outcome)
    }
}

/// The manifest of the package that is meant, in whatever way cargo spells its path.
struct Ours(PathBuf);

impl Ours {
    fn is(&self, manifest: &Path) -> bool {
        if self.0 == manifest {
            return true;
        }
        match (self.0.canonicalize(), manifest.canonicalize()) {
            (Ok(ours), Ok(manifest)) => ours == manifest,
            _ => false,
        }
    }
}

/// Cargo's messages, as far as they matter here
/// (<https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>).
#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-message")]
    Said {
        manifest_path: PathBuf,
        target: Target,
        message: Compiler,
    },
    #[serde(rename = "compiler-artifact")]
    Made {
        manifest_path: PathBuf,
        target: Target,
        executable: Option<PathBuf>,
        fresh: bool,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Compiler {
    level: String,
    message: String,
    rendered: Option<String>,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    file_name: PathBuf,
    line_start: u32,
    column_start: u32,
    is_primary: bool,
}

impl Compiler {
    /// None for what only sums up ("aborting due to 2 previous errors").
    fn diagnostic(self, target: &Target) -> Option<Diagnostic> {
        let level = match self.level.as_str() {
            "warning" => Level::Warning,
            level if level.starts_with("error") => Level::Error,
            _ => return None,
        };
        let sums_up = self.message.starts_with("aborting due to")
            || (level == Level::Warning && self.message.ends_with("emitted"));
        if self.spans.is_empty() && sums_up {
            return None;
        }
        let span = self.spans.iter().find(|span| span.is_primary);
        Some(Diagnostic {
            level,
            rendered: self
                .rendered
                .unwrap_or_else(|| format!("{}: {}\n", self.level, self.message)),
            message: self.message,
            target: target.name.clone(),
            file: span.map(|span| span.file_name.clone()),
            line: span.map(|span| span.line_start),
            column: span.map(|span| span.column_start),
        })
    }
}
