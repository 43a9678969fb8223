//! Doing what is to be done, several things at a time.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::ensure;
use indicatif::{ProgressBar, ProgressStyle};

use super::crowd::Crowd;
use super::oom;
use super::pace::Pace;
use super::work::Job;
use crate::build::{Built, Kitchen, Toolchain};
use crate::intake::Submission;
use crate::journal::{Journal, Outcome};
use crate::report::safe;
use crate::sandbox::Sandbox;
use crate::{judge, scratch};

/// What the folders are called in which submissions are built and judged.
pub(super) const SCRATCH: &str = "wirelab-grade";

/// Everything that a job needs.
pub(super) struct Bench<'r> {
    pub(super) kitchens: &'r [Kitchen<'r>],
    pub(super) submissions: &'r [Submission],
    pub(super) sandbox: &'r Sandbox,
    pub(super) toolchain: &'r Toolchain,
    pub(super) journal: &'r Journal,
    /// Which of how many shards this is.
    pub(super) shard: Option<(usize, usize)>,
    pub(super) crowd: Crowd,
}

/// What a job came to stands in the journal under its key; or why it came to nothing. None where another shard does it.
pub(super) type Result = Option<std::result::Result<(), String>>;

/// How far a run is: a bar with the time left on a terminal, a line for each job elsewhere.
struct Progress {
    of: usize,
    bar: Option<ProgressBar>,
}

impl Progress {
    fn new(of: usize) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos} of {len}  {eta} left  {msg}");
            ProgressBar::new(of as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Progress { of, bar }
    }

    /// What is to be known besides.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// One more has been done, of the lab `topic`; these are `count`.
    fn done(&self, count: usize, topic: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(topic.to_owned());
                bar.inc(1);
            }
            None => eprintln!("{count:>4} of {}  {topic}", self.of),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Bench<'_> {
    /// Whether it is done here.
    pub(super) fn does(&self, job: &Job) -> bool {
        does(self.shard, job)
    }

    /// Does all jobs, several at a time; the results stand in the order of the jobs.
    pub(super) fn all(&self, jobs: &[Job], pace: &Pace<'_>) -> Vec<Result> {
        let mut results = BTreeMap::new();
        let mut here = Vec::new();
        for n in (0..jobs.len()).filter(|n| self.does(&jobs[*n])) {
            if self.is_known(&jobs[n]) {
                results.insert(n, Ok(()));
            } else {
                here.push(n);
            }
        }
        // What took long before comes first: at the end it would be waited for alone.
        here.sort_by(|a, b| jobs[*b].took.total_cmp(&jobs[*a].took));
        let known = results.len();
        if known > 0 {
            eprintln!("{known} known from before, {} to judge", here.len());
        }
        let results: Mutex<BTreeMap<usize, std::result::Result<(), String>>> = Mutex::new(results);
        let next = AtomicUsize::new(0);
        let lock = || results.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = Progress::new(here.len());
        thread::scope(|scope| {
            for _ in 0..pace.most().min(here.len()) {
                scope.spawn(|| {
                    loop {
                        let _place = pace.enter();
                        let turn = next.fetch_add(1, Ordering::Relaxed);
                        let Some(index) = here.get(turn) else { break };
                        let job = &jobs[*index];
                        let result = self.one(job, &progress);
                        let mut results = lock();
                        results.insert(*index, result);
                        let topic = &self.kitchens[job.kitchen].lab.topic;
                        progress.done(results.len() - known, topic);
                    }
                });
            }
        });
        let mut results = lock();
        jobs.iter()
            .enumerate()
            .map(|(index, job)| {
                self.does(job).then(|| {
                    results
                        .remove(&index)
                        .unwrap_or_else(|| Err("it was not reached".to_owned()))
                })
            })
            .collect()
    }

    /// Whether an earlier run came to something that is to stay.
    fn is_known(&self, job: &Job) -> bool {
        !job.again && self.journal.knows(&job.key)
    }

    fn one(&self, job: &Job, progress: &Progress) -> std::result::Result<(), String> {
        let again = |error: &anyhow::Error| {
            let topic = &self.kitchens[job.kitchen].lab.topic;
            let error = safe::plain(&format!("{error:#}"));
            progress.say(&format!("{topic} is tried once more, alone: {error}"));
        };
        let result = self.crowd.attempt(job.kitchen, || self.attempt(job), again);
        result.map_err(|error| format!("{error:#}"))
    }

    fn attempt(&self, job: &Job) -> anyhow::Result<()> {
        let before = oom::killed();
        let outcome = self.outcome(job);
        let since = before.zip(oom::killed());
        ensure!(
            since.is_none_or(|(before, now)| now == before),
            "the machine ran out of memory meanwhile, and the kernel ended a process: give it more, or have fewer graded at a time (--jobs 1)"
        );
        let outcome = outcome?;
        let kitchen = &self.kitchens[job.kitchen];
        self.journal.add(&job.key, &kitchen.lab.topic, outcome)
    }

    fn outcome(&self, job: &Job) -> anyhow::Result<Outcome> {
        let kitchen = &self.kitchens[job.kitchen];
        let scratch = scratch::make(&std::env::temp_dir(), SCRATCH)?;
        let sources = job.sources(kitchen, self.submissions);
        let built = kitchen.build(self.sandbox, self.toolchain, &sources, scratch.path())?;
        let mut outcome = Outcome {
            does_not_compile: None,
            checks: Vec::new(),
            hidden: Vec::new(),
            unsteady: Vec::new(),
            seed: job.seed.clone(),
        };
        match built {
            Built::DoesNotCompile(message) => outcome.does_not_compile = Some(message),
            Built::Program(program) => {
                let answer = judge::judge(
                    self.sandbox,
                    kitchen.lab,
                    kitchen.checks()?,
                    kitchen.hidden(),
                    &program,
                    &job.seed,
                    scratch.path(),
                )?;
                outcome.checks = answer.checks;
                outcome.hidden = answer.hidden;
                outcome.unsteady = answer.unsteady;
            }
        }
        Ok(outcome)
    }
}

/// Whether a job is done in this shard.
pub(super) fn does(shard: Option<(usize, usize)>, job: &Job) -> bool {
    shard.is_none_or(|(number, shards)| job.shard(shards) == number)
}
