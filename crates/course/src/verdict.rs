//! What came of a run: verdicts, points, and the JSON that other programs read.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Kind, Points, Section, VERSION};

/// What a check said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The program does what the check asks.
    Passed,
    /// It does not; the report's message says how that was seen.
    Failed,
    /// The check cannot run here, with the reason. Not passed: neither its points nor its
    /// maximum count.
    Skipped(String),
}

impl Verdict {
    /// The word of the JSON: `passed`, `failed` or `skipped`.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Skipped(_) => "skipped",
        }
    }
}

/// One check's verdict, with what a person or a tool wants to know beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "CheckRecord", into = "CheckRecord")]
#[non_exhaustive]
pub struct CheckReport {
    /// The check's name.
    pub name: String,
    /// What it said.
    pub verdict: Verdict,
    /// What it earned: all of `max_points`, or nothing.
    pub points: Points,
    /// What it can earn.
    pub max_points: Points,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// Its step's number, counted from 1.
    pub step: usize,
    /// Core or bonus.
    pub kind: Kind,
    /// Of a failed check: the transcript. None of a passed one; a skipped one has its reason
    /// in the verdict.
    pub message: Option<String>,
    /// Where the book explains it.
    pub section: Section,
    /// The seed of the check's randomness, in hexadecimal, where it used any.
    pub seed: Option<String>,
    /// What a skipped check needs that is not here, by testkit's word for it (`netns`, `ipv6` …), where the check itself
    /// has said so.
    pub need: Option<String>,
    /// Whether the check itself came to this verdict. Where it did not, because its process broke off or was
    /// stopped, a failure says nothing about the program. In the JSON only where it is false.
    pub judged: bool,
}

/// How a [`CheckReport`] is written.
#[derive(Serialize, Deserialize)]
struct CheckRecord {
    name: String,
    verdict: String,
    points: Points,
    max_points: Points,
    seconds: f64,
    step: usize,
    kind: Kind,
    message: Option<String>,
    section: Section,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    need: Option<String>,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    judged: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_yes(judged: &bool) -> bool {
    *judged
}

impl From<CheckReport> for CheckRecord {
    fn from(report: CheckReport) -> CheckRecord {
        CheckRecord {
            verdict: report.verdict.word().to_owned(),
            message: match report.verdict {
                Verdict::Skipped(reason) => Some(reason),
                _ => report.message,
            },
            name: report.name,
            points: report.points,
            max_points: report.max_points,
            seconds: report.seconds,
            step: report.step,
            kind: report.kind,
            section: report.section,
            seed: report.seed,
            need: report.need,
            judged: report.judged,
        }
    }
}

impl From<CheckRecord> for CheckReport {
    fn from(record: CheckRecord) -> CheckReport {
        let (verdict, message) = match record.verdict.as_str() {
            "passed" => (Verdict::Passed, record.message),
            "skipped" => (Verdict::Skipped(record.message.unwrap_or_default()), None),
            // Whatever else is written there, it does not say "passed".
            _ => (Verdict::Failed, record.message),
        };
        CheckReport {
            verdict,
            message,
            name: record.name,
            points: record.points,
            max_points: record.max_points,
            seconds: record.seconds,
            step: record.step,
            kind: record.kind,
            section: record.section,
            seed: record.seed,
            need: record.need,
            judged: record.judged,
        }
    }
}

/// How serious the compiler found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The program cannot be built.
    Error,
    /// It can.
    Warning,
}

/// One thing the compiler said about the lab's own files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// An error or a warning.
    pub level: Level,
    /// The first line, without the place.
    pub message: String,
    /// As the compiler shows it, with the source lines; ends with a line feed.
    pub rendered: String,
    /// The name of the program or test that was being compiled.
    pub target: String,
    /// The file, relative to the course's folder as the compiler writes it; none where it
    /// names none (the linker's errors).
    pub file: Option<PathBuf>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The column, counted from 1.
    pub column: Option<u32>,
}

/// What came of building.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BuildReport {
    /// Whether there is a program to check.
    pub ok: bool,
    /// How long it took.
    pub seconds: f64,
    /// Everything the compiler said about the lab, as it shows it; what cargo said where the
    /// compiler was not reached.
    pub output: String,
    /// How many errors there are in the lab.
    pub errors: usize,
    /// How many warnings there are in the lab.
    pub warnings: usize,
    /// The error to mend first.
    pub first_error: Option<Diagnostic>,
    /// Every error and warning in the lab, in the compiler's order; not part of the JSON, as
    /// `output` has the same in words.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// What came of building a lab and running its checks: the JSON of `cargo lab check --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LabReport {
    /// The version of this format.
    pub version: u32,
    /// The lab's topic.
    pub lab: String,
    /// How many checks passed.
    pub passed: usize,
    /// How many failed; all of them, when the build did.
    pub failed: usize,
    /// How many were skipped.
    pub skipped: usize,
    /// What the passed checks earn, core and bonus.
    pub points: Points,
    /// What they could earn, core and bonus, without what was skipped.
    pub max_points: Points,
    /// The part of `points` that is bonus.
    pub bonus_points: Points,
    /// The part of `max_points` that is bonus.
    pub max_bonus_points: Points,
    /// How long everything took, the build included.
    pub seconds: f64,
    /// How the build went.
    pub build: BuildReport,
    /// One report for each check that was asked for, in the order of `lab.toml`.
    pub checks: Vec<CheckReport>,
}

impl LabReport {
    /// Adds up the checks' reports, which stand in the order of `lab.toml`.
    pub fn new(lab: &str, build: BuildReport, checks: Vec<CheckReport>, seconds: f64) -> LabReport {
        let count = |word| {
            checks
                .iter()
                .filter(|check| check.verdict.word() == word)
                .count()
        };
        let counted = || {
            checks
                .iter()
                .filter(|check| !matches!(check.verdict, Verdict::Skipped(_)))
        };
        let bonus = || counted().filter(|check| check.kind == Kind::Bonus);
        LabReport {
            version: VERSION,
            lab: lab.to_owned(),
            passed: count("passed"),
            failed: count("failed"),
            skipped: count("skipped"),
            points: counted().map(|check| check.points).sum(),
            max_points: counted().map(|check| check.max_points).sum(),
            bonus_points: bonus().map(|check| check.points).sum(),
            max_bonus_points: bonus().map(|check| check.max_points).sum(),
            seconds,
            build,
            checks,
        }
    }

    /// Whether no check failed, bonus included. Skipped ones are no failures.
    pub fn all_passed(&self) -> bool {
        self.build.ok && self.failed == 0
    }

    /// Whether no core check failed: the lab is done, whatever its bonus.
    pub fn done(&self) -> bool {
        self.build.ok
            && !self
                .checks
                .iter()
                .any(|check| check.kind == Kind::Core && check.verdict == Verdict::Failed)
    }

    /// The report of this check.
    pub fn check(&self, name: &str) -> Option<&CheckReport> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// What to look at first: the first failing check of the first unfinished step. Bonus
    /// checks come when every core check has passed.
    pub fn start_here(&self) -> Option<&CheckReport> {
        let failed = |kind| {
            self.checks
                .iter()
                .filter(move |check| check.kind == kind && check.verdict == Verdict::Failed)
        };
        // The order of `lab.toml` is the order of the steps, so the first is in the first step.
        failed(Kind::Core).chain(failed(Kind::Bonus)).next()
    }
}
