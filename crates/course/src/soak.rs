//! A lab's checks, many times over: what fails once in a hundred runs fails a learner some day, and what a wrong answer
//! passes once in a hundred is a grade that is not deserved.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use serde::Serialize;

use crate::runner::{Event, Options, RunError, Runner, Selection, Subject};
use crate::workshop::{What, Workshop, WorkshopError};
use crate::{Cancel, CheckReport, Course, Lab, VERSION, Verdict, WrongAnswer};

/// How many wrong answers are judged at a time: checks mostly wait.
const JUDGES: usize = 8;

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

/// What came of a lab's wrong answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WrongReport {
    /// The version of this format.
    pub version: u32,
    /// The lab's topic.
    pub lab: String,
    /// How many wrong answers there are.
    pub answers: usize,
    /// How long all runs took, without the build.
    pub seconds: f64,
    /// One entry for each check that a wrong answer has to fail, in the order of the wrong answers' names.
    pub checks: Vec<WrongCheck>,
}

/// How one check did with one wrong answer that has to fail it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WrongCheck {
    /// The wrong answer's name.
    pub answer: String,
    /// The check's name.
    pub name: String,
    /// How many runs came to their end; fewer than were asked for when it was cancelled.
    pub runs: usize,
    /// In how many of them it was passed.
    pub passes: usize,
    /// How often it was skipped.
    pub skipped: usize,
    /// The seed with which it was passed first.
    pub first_seed: Option<String>,
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
        let executable = checks_of(runner, cancel, &mut on_event)?;
        let _busy = Busy::under(self.load);
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
            let run_began = Instant::now();
            let options = runner.options().clone();
            let reports = match judge(runner.lab(), options, run, &executable, cancel) {
                Err(RunError::Cancelled) => break,
                other => other?,
            };
            report.add(run, &reports, run_began.elapsed().as_secs_f64());
            on_run(run, &reports);
        }
        report.seconds = began.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Builds the lab's wrong answers once and has each judged again and again, a few at a time, by the checks that it
    /// has to fail. `on_run` is told after each run how many there were, of all answers together, and in how many of
    /// them something got through.
    ///
    /// # Errors
    /// See [`WorkshopError`]; a wrong answer that does not compile is one.
    pub fn run_wrong(
        &self,
        course: &Course,
        lab: &Lab,
        options: &Options,
        cancel: &Cancel,
        mut on_event: impl FnMut(Event),
        on_run: impl FnMut(usize, usize) + Send,
    ) -> Result<WrongReport, WorkshopError> {
        let programs = Workshop::new(course).build([lab], cancel, &mut on_event)?;
        let mut wrong = Vec::new();
        for program in &programs {
            let What::Wrong(answer) = &program.what else {
                continue;
            };
            let Some(path) = &program.path else {
                return Err(RunError::DoesNotCompile {
                    package: program.title(),
                    output: program
                        .diagnostics
                        .iter()
                        .map(|said| said.rendered.as_str())
                        .collect(),
                }
                .into());
            };
            wrong.push((answer, path.as_path()));
        }
        let mut of_solution = options.clone();
        of_solution.subject = Subject::Solution;
        let runner = Runner::new(lab, of_solution);
        let executable = checks_of(&runner, cancel, &mut on_event)?;
        let began = Instant::now();
        let checks = self.judge_wrong(&runner, &executable, &wrong, cancel, on_run)?;
        Ok(WrongReport {
            version: VERSION,
            lab: lab.topic.clone(),
            answers: wrong.len(),
            seconds: began.elapsed().as_secs_f64(),
            checks,
        })
    }

    fn judge_wrong(
        &self,
        runner: &Runner<'_>,
        executable: &Path,
        wrong: &[(&WrongAnswer, &Path)],
        cancel: &Cancel,
        on_run: impl FnMut(usize, usize) + Send,
    ) -> Result<Vec<WrongCheck>, RunError> {
        let _busy = Busy::under(self.load);
        let jobs = (1..=self.times).flat_map(|run| (0..wrong.len()).map(move |n| (run, n)));
        let jobs = Mutex::new(jobs);
        let checks = wrong
            .iter()
            .map(|(answer, _)| WrongCheck::of(answer))
            .collect::<Vec<_>>();
        let tally = Mutex::new((checks, 0, 0, on_run));
        let judge_some = || -> Result<(), RunError> {
            loop {
                let next = locked(&jobs).next();
                let Some((run, n)) = next else {
                    return Ok(());
                };
                let (answer, program) = wrong[n];
                let mut options = runner.options().clone();
                options.program = Some(program.to_owned());
                options.selection = Selection::Checks(answer.fails.clone());
                let reports = match judge(runner.lab(), options, run, executable, cancel) {
                    Err(RunError::Cancelled) => return Ok(()),
                    other => other?,
                };
                let (checks, runs, through, on_run) = &mut *locked(&tally);
                *runs += 1;
                let passed = |report: &CheckReport| report.verdict == Verdict::Passed;
                *through += usize::from(reports.iter().any(passed));
                for report in &reports {
                    let mut of_answer = checks[n].iter_mut();
                    if let Some(check) = of_answer.find(|check| check.name == report.name) {
                        check.add(report);
                    }
                }
                on_run(*runs, *through);
            }
        };
        thread::scope(|scope| {
            let judges: Vec<_> = (0..JUDGES).map(|_| scope.spawn(judge_some)).collect();
            judges.into_iter().try_for_each(|judge| {
                let ended = judge.join();
                ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
        let (checks, ..) = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(checks.into_iter().flatten().collect())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds the runner's subject; the executable of its checks.
fn checks_of(
    runner: &Runner<'_>,
    cancel: &Cancel,
    mut on_event: impl FnMut(Event),
) -> Result<PathBuf, RunError> {
    on_event(Event::Building);
    let built = runner.build(cancel, &mut on_event)?;
    on_event(Event::Built(built.report.clone()));
    match built.checks {
        Some(executable) => Ok(executable),
        None => Err(RunError::DoesNotCompile {
            package: runner.package()?,
            output: built.report.output,
        }),
    }
}

/// One run, with a seed of its own unless the options fix one.
fn judge(
    lab: &Lab,
    mut options: Options,
    run: usize,
    executable: &Path,
    cancel: &Cancel,
) -> Result<Vec<CheckReport>, RunError> {
    options.seed.get_or_insert_with(|| format!("soak-{run}"));
    Runner::new(lab, options).judge(executable, cancel, |_| {})
}

impl WrongReport {
    /// Whether each wrong answer failed what it has to, in every run.
    pub fn all_failed(&self) -> bool {
        self.checks.iter().all(|check| check.passes == 0)
    }
}

impl WrongCheck {
    /// One for each check that the wrong answer has to fail.
    fn of(answer: &WrongAnswer) -> Vec<WrongCheck> {
        let check = |name: &String| WrongCheck {
            answer: answer.name.clone(),
            name: name.clone(),
            runs: 0,
            passes: 0,
            skipped: 0,
            first_seed: None,
        };
        answer.fails.iter().map(check).collect()
    }

    fn add(&mut self, report: &CheckReport) {
        self.runs += 1;
        match report.verdict {
            Verdict::Failed => {}
            Verdict::Skipped(_) => self.skipped += 1,
            Verdict::Passed => {
                self.passes += 1;
                if self.first_seed.is_none() {
                    self.first_seed.clone_from(&report.seed);
                }
            }
        }
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
    fn under(load: Load) -> Option<Busy> {
        (load == Load::Busy).then(Busy::begin)
    }

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
