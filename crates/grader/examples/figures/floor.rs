//! The floor: the calls of the compiler and the checks that a class costs, with nothing around them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use course::{Cancel, Course, Lab, Options, Runner, Selection, Verdict};
use grader::build::{Built, HiddenFrom, Kitchen, Packages, Sources, Toolchain};
use grader::intake::{self, Submission};
use grader::sandbox::{Sandbox, Tier};

/// How many programs are built and checked at a time for each core: checks mostly wait. As many as the grader takes at
/// most.
const A_CORE: usize = 4;

pub struct Floor<'c> {
    pub time: Duration,
    /// How many programs were compiled, each of them once.
    pub programs: usize,
    kitchens: Vec<Kitchen<'c>>,
    /// By the number of its lab: each text that does not compile.
    broken: BTreeSet<(usize, Sources)>,
}

impl Floor<'_> {
    pub fn labs(&self) -> usize {
        self.kitchens.len()
    }

    /// Whether a student has handed in every lab, and each compiles: cargo tests nothing where one does not.
    pub fn is_whole(&self, student: &Submission) -> bool {
        self.kitchens.iter().enumerate().all(|(index, kitchen)| {
            let files = student.labs.get(&kitchen.lab.folder);
            files.is_some_and(|files| !self.broken.contains(&(index, kitchen.sources(files))))
        })
    }
}

struct Work<'c> {
    kitchens: Vec<Kitchen<'c>>,
    /// By the number of its lab: each text that was written, once.
    programs: Vec<(usize, Sources)>,
    toolchain: Toolchain,
    bare: Sandbox,
}

pub fn measure<'c>(
    course: &'c Course,
    submissions: &Path,
    names: &[String],
) -> anyhow::Result<Floor<'c>> {
    let toolchain = Toolchain::find(course)?;
    let mut kitchens = Vec::new();
    let mut packages = Packages::default();
    for lab in course.labs_named(names)? {
        println!("building the checks of {}", lab.topic);
        let mut kitchen = Kitchen::new(lab, HiddenFrom::Solutions)?;
        kitchen.prepare(course, &toolchain, &mut packages)?;
        kitchens.push(kitchen);
    }
    let mut seen = BTreeSet::new();
    for student in intake::take_in(course, submissions, None, &[])? {
        for (index, kitchen) in kitchens.iter().enumerate() {
            let Some(files) = student.labs.get(&kitchen.lab.folder) else {
                continue;
            };
            let sources = kitchen.sources(files);
            if !kitchen.is_starter(&sources) {
                seen.insert((index, sources));
            }
        }
    }
    let work = Work {
        kitchens,
        programs: seen.into_iter().collect(),
        toolchain,
        bare: Sandbox::probe(Some(Tier::None), course)?,
    };
    let next = AtomicUsize::new(0);
    let broken = Mutex::new(BTreeSet::new());
    let workers = A_CORE * thread::available_parallelism().map_or(2, usize::from);
    let began = Instant::now();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| -> anyhow::Result<()> {
                    loop {
                        let turn = next.fetch_add(1, Ordering::Relaxed);
                        let Some((kitchen, sources)) = work.programs.get(turn) else {
                            return Ok(());
                        };
                        if !work.one(&work.kitchens[*kitchen], sources)? {
                            let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
                            broken.insert((*kitchen, sources.clone()));
                        }
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Ok(())))
    })?;
    Ok(Floor {
        time: began.elapsed(),
        programs: work.programs.len(),
        kitchens: work.kitchens,
        broken: broken.into_inner().unwrap_or_else(PoisonError::into_inner),
    })
}

impl Work<'_> {
    /// Builds one and has it checked; whether it compiles.
    fn one(&self, kitchen: &Kitchen<'_>, sources: &Sources) -> anyhow::Result<bool> {
        let scratch = tempfile::tempdir().context("no folder can be made")?;
        let built = kitchen.build(&self.bare, &self.toolchain, sources, scratch.path())?;
        let Built::Program(program) = built else {
            return Ok(false);
        };
        check(kitchen.lab, kitchen.checks()?, &program)?;
        if let Some((hidden, checks)) = kitchen.hidden() {
            check(&hidden.in_place(kitchen.lab), checks, &program)?;
        }
        Ok(true)
    }
}

/// The checks of one executable, and those that failed once more, alone.
fn check(lab: &Lab, checks: &Path, program: &Path) -> anyhow::Result<()> {
    let run = |selection| {
        let mut options = Options::default();
        options.program = Some(program.to_owned());
        options.selection = selection;
        Runner::new(lab, options).judge(checks, &Cancel::new(), |_| {})
    };
    for report in run(Selection::All)? {
        if report.verdict == Verdict::Failed {
            run(Selection::Checks(vec![report.name]))?;
        }
    }
    Ok(())
}
