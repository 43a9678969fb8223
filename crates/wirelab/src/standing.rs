//! Where the learner stands: the course beside what is remembered of it.

use course::{Check, Kind, Lab, LabReport, Verdict};
use serde::Serialize;

use crate::clock;
use crate::fingerprint;
use crate::progress::{CheckProgress, LabProgress, Outcome, Passed, Progress};

/// How far a lab has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No check was run yet.
    New,
    /// Some checks were run.
    Started,
    /// Every core check passes; some bonus is open.
    Core,
    /// Every check passes.
    Complete,
    /// Every core check passed once, and the files or the checks have changed since.
    Changed,
}

impl State {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            State::New => "not started",
            State::Started => "under way",
            State::Core => "core complete, bonus open",
            State::Complete => "complete",
            State::Changed => "changed since it passed",
        }
    }

    /// Whether the lab asks for nothing more.
    #[must_use]
    pub fn is_done(self) -> bool {
        matches!(self, State::Core | State::Complete)
    }
}

/// One lab and what is remembered of it. The JSON of `cargo lab status --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabStanding {
    /// The chapter's number.
    pub number: u32,
    /// The topic.
    pub lab: String,
    /// The title.
    pub title: String,
    /// The folder, below the course's.
    pub folder: String,
    /// How far it has come.
    pub state: State,
    /// How many checks passed when they were last run.
    pub passed: usize,
    /// How many checks there are.
    pub checks: usize,
    /// How many core checks passed.
    pub core_passed: usize,
    /// How many core checks there are.
    pub core_checks: usize,
    /// The points of the checks that passed.
    pub points: u32,
    /// The points of all.
    pub max_points: u32,
    /// What the core takes, in minutes.
    pub minutes: u32,
    /// When every core check last passed (RFC 3339).
    pub passed_at: Option<String>,
    /// What to do next in it; `None` when it is complete.
    pub next: Option<Next>,
}

/// The next thing to do in a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The step's number.
    pub step: usize,
    /// The step's title.
    pub title: String,
    /// The first check that has not passed.
    pub check: String,
    /// Where to read: `page.md#id`.
    pub section: String,
}

impl LabStanding {
    /// Looks at a lab's files and at what is remembered of it.
    #[must_use]
    pub fn of(lab: &Lab, progress: &Progress) -> LabStanding {
        let none = LabProgress::default();
        let remembered = progress.labs.get(&lab.topic).unwrap_or(&none);
        let passed = |check: &&Check| has_passed(remembered, check);
        let core = |check: &&Check| check.kind == Kind::Core;
        let core_open = lab.checks().filter(core).find(|check| !passed(check));
        let open = core_open.or_else(|| lab.checks().find(|check| !passed(check)));
        LabStanding {
            number: lab.number,
            lab: lab.topic.clone(),
            title: lab.title.clone(),
            folder: format!("labs/{}", lab.folder),
            state: state(lab, remembered, &fingerprint::of(lab)),
            passed: lab.checks().filter(passed).count(),
            checks: lab.checks().count(),
            core_passed: lab.checks().filter(core).filter(passed).count(),
            core_checks: lab.checks().filter(core).count(),
            points: lab
                .checks()
                .filter(passed)
                .map(|check| check.points.0)
                .sum(),
            max_points: lab.max_points().total().0,
            minutes: lab.minutes,
            passed_at: remembered.passed.as_ref().map(|passed| passed.at.clone()),
            next: open.map(|check| Next {
                step: check.step,
                title: lab
                    .step(check.step)
                    .map(|step| step.title.clone())
                    .unwrap_or_default(),
                check: check.name.clone(),
                section: check.section.to_string(),
            }),
        }
    }
}

fn has_passed(remembered: &LabProgress, check: &Check) -> bool {
    remembered
        .checks
        .get(&check.name)
        .is_some_and(|known| known.verdict == Outcome::Passed)
}

fn state(lab: &Lab, remembered: &LabProgress, judged: &str) -> State {
    // What cannot be run here is neither passed nor in the way.
    let settled = |check: &Check| {
        remembered
            .checks
            .get(&check.name)
            .is_some_and(|known| known.verdict != Outcome::Failed && known.judged == judged)
    };
    let any_passed = lab.checks().any(|check| has_passed(remembered, check));
    let core = lab
        .checks()
        .filter(|check| check.kind == Kind::Core)
        .all(settled);
    if any_passed && lab.checks().all(settled) {
        State::Complete
    } else if any_passed && core {
        State::Core
    } else if remembered.passed.is_some() {
        State::Changed
    } else if remembered.checks.is_empty() {
        State::New
    } else {
        State::Started
    }
}

/// Remembers the verdicts of a run. What did not compile was not judged.
pub fn record(progress: &mut Progress, lab: &Lab, report: &LabReport, judged: &str) {
    if !report.build.ok {
        return;
    }
    let at = clock::now();
    let remembered = progress.labs.entry(lab.topic.clone()).or_default();
    // Checks that the lab no longer has.
    remembered
        .checks
        .retain(|name, _| lab.check(name).is_some());
    for check in &report.checks {
        let verdict = match check.verdict {
            Verdict::Passed => Outcome::Passed,
            Verdict::Failed => Outcome::Failed,
            Verdict::Skipped(_) => Outcome::Skipped,
        };
        remembered.checks.insert(
            check.name.clone(),
            CheckProgress {
                verdict,
                points: check.points.0,
                judged: judged.to_string(),
                at: at.clone(),
            },
        );
    }
    if state(lab, remembered, judged).is_done() {
        remembered.passed = Some(Passed {
            at,
            judged: judged.to_string(),
        });
    }
}

/// The lab to go on with: the first that is not done, else the first with something open.
#[must_use]
pub fn next_lab(standings: &[LabStanding]) -> Option<&LabStanding> {
    standings
        .iter()
        .find(|lab| !lab.state.is_done())
        .or_else(|| standings.iter().find(|lab| lab.next.is_some()))
}
