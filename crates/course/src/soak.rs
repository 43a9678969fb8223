//! A lab's checks, many times over: what fails once in a hundred runs fails a learner some day.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use serde::Serialize;

use crate::runner::{Event, RunError, Runner};
use crate::{Cancel, CheckReport, VERSION, Verdict};

/// How often, and under which load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Soak {
    /// How many times the checks are run.
    pub times: usize,
    /// What else the machine does meanwhile.
    pub load: Load,
}

/// What else the machine does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Load {
    /// Nothing of ours.
    #[default]
    Idle,
    /// A thread on every core spins until the end.
    Busy,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SoakReport {
    /// The version of this format.
    pub version: u32,
    /// The lab's topic.
    pub lab: String,
    /// How many runs came to their end; fewer than were asked for when it was cancelled.
    pub runs: usize,
    /// In how many of them a check failed.
    pub failed_runs: usize,
    /// How long all of them took, without the build.
    pub seconds: f64,
    /// How long the longest run took.
    pub slowest_run_seconds: f64,
    /// One entry for each check, in the order of `lab.toml`.
    pub checks: Vec<SoakedCheck>,
}

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SoakedCheck {
    /// The check's name.
    pub name: String,
    /// How often it failed.
    pub failures: usize,
    /// How often it was skipped.
    pub skipped: usize,
    /// The longest it took.
    pub slowest_seconds: f64,
    /// The first failure.
    pub first_failure: Option<FirstFailure>,
}

/// A failure, to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FirstFailure {
    /// In which run, counted from 1.
    pub run: usize,
    /// The transcript.
    pub message: String,
    /// The seed with which to repeat it.
    pub seed: Option<String>,
}

impl Soak {
    /// So many runs, on a machine that does nothing else of ours.
    pub fn times(times: usize) -> Soak {
        Soak {
            times,
            load: Load::Idle,
        }
    }

    /// The same under this load.
    #[must_use]
    pub fn under(self, load: Load) -> Soak {
        Soak { load, ..self }
    }

    /// Builds the runner's subject once and runs its checks again and again. `on_run` is told
    /// after each run its number, from 1, and its reports. Each run has another seed, unless the
    /// runner's options fix one.
    ///
    /// Cancelled between or within runs, it reports the runs that came to their end.
    ///
    /// # Errors
    /// See [`RunError`]; a program that does not compile is one.
    pub fn run(
        &self,
        runner: &Runner<'_>,
        cancel: &Cancel,
        mut on_event: impl FnMut(Event),
        mut on_run: impl FnMut(usize, &[CheckReport]),
    ) -> Result<SoakReport, RunError> {
        on_event(Event::Building);
        let built = runner.build(cancel, &mut on_event)?;
        on_event(Event::Built(built.report.clone()));
        let Some(executable) = built.checks else {
            return Err(RunError::DoesNotCompile {
                package: runner.package()?,
                output: built.report.output,
            });
        };
        let _busy = match self.load {
            Load::Idle => None,
            Load::Busy => Some(Busy::begin()),
        };
        let began = Instant::now();
        let mut report = SoakReport {
            version: VERSION,
            lab: runner.lab().topic.clone(),
            runs: 0,
            failed_runs: 0,
            seconds: 0.0,
            slowest_run_seconds: 0.0,
            checks: Vec::new(),
        };
        for run in 1..=self.times {
            let mut options = runner.options().clone();
            options.seed.get_or_insert_with(|| format!("soak-{run}"));
            let run_began = Instant::now();
            let reports =
                match Runner::new(runner.lab(), options).judge(&executable, cancel, |_| {}) {
                    Err(RunError::Cancelled) => break,
                    other => other?,
                };
            report.add(run, &reports, run_began.elapsed().as_secs_f64());
            on_run(run, &reports);
        }
        report.seconds = began.elapsed().as_secs_f64();
        Ok(report)
    }
}

impl SoakReport {
    /// Whether no check failed in any run.
    pub fn all_passed(&self) -> bool {
        self.failed_runs == 0
    }

    fn add(&mut self, run: usize, reports: &[CheckReport], seconds: f64) {
        if self.checks.is_empty() {
            self.checks = reports
                .iter()
                .map(|report| SoakedCheck::new(&report.name))
                .collect();
        }
        self.runs += 1;
        self.slowest_run_seconds = self.slowest_run_seconds.max(seconds);
        for (check, report) in self.checks.iter_mut().zip(reports) {
            check.add(run, report);
        }
        self.failed_runs += usize::from(
            reports
                .iter()
                .any(|report| report.verdict == Verdict::Failed),
        );
    }
}

impl SoakedCheck {
    fn new(name: &str) -> SoakedCheck {
        SoakedCheck {
            name: name.to_owned(),
            failures: 0,
            skipped: 0,
            slowest_seconds: 0.0,
            first_failure: None,
        }
    }

    fn add(&mut self, run: usize, report: &CheckReport) {
        self.slowest_seconds = self.slowest_seconds.max(report.seconds);
        match report.verdict {
            Verdict::Passed => {}
            Verdict::Skipped(_) => self.skipped += 1,
            Verdict::Failed => {
                self.failures += 1;
                self.first_failure.get_or_insert_with(|| FirstFailure {
                    run,
                    message: report.message.clone().unwrap_or_default(),
                    seed: report.seed.clone(),
                });
            }
        }
    }
}

/// A thread on every core that does nothing but spin, until this value is dropped.
struct Busy {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Busy {
    fn begin() -> Busy {
        let stop = Arc::new(AtomicBool::new(false));
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let spin = |stop: Arc<AtomicBool>| {
            move || {
                while !stop.load(Ordering::Relaxed) {
                    for _ in 0..1000 {
                        std::hint::spin_loop();
                    }
                }
            }
        };
        let threads = (0..cores)
            .map(|_| thread::spawn(spin(Arc::clone(&stop))))
            .collect();
        Busy { stop, threads }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
