//! `cargo grade run`: from a folder of submissions to grades.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, bail, ensure};
use course::{Course, Lab, Points};

use crate::build::{Built, Kitchen, Sources, Toolchain};
use crate::intake::{self, Submission};
use crate::journal::{Journal, Outcome};
use crate::report::{Cell, Class, Column, Row, Status};
use crate::roster::{self, Student};
use crate::sandbox::{Limits, Sandbox, Tier, apart};
use crate::{cli, digest, judge, scratch};

/// What says that the machine was at fault in some rows.
const SOME_ERRORS: u8 = 3;

/// How often something is tried before the machine is said to be at fault.
const TRIES: usize = 2;

/// Grades what `args` names.
///
/// # Errors
/// The run cannot be made at all; trouble with single submissions is in the grades.
pub fn run(course: &Course, args: &cli::Run) -> anyhow::Result<ExitCode> {
    if let Some(broken) = course.broken().first() {
        bail!("{} cannot be used: {}", broken.folder, broken.error);
    }
    let labs = selected(course, &args.labs)?;
    let roster = args.roster.as_deref().map(roster::read).transpose()?;
    let submissions = intake::take_in(course, &args.submissions)?;
    fs::create_dir_all(&args.out)
        .with_context(|| format!("{} cannot be made", args.out.display()))?;
    let out = fs::canonicalize(&args.out)?;
    let journal = Journal::open(&out.join("journal.jsonl"), args.resume)?;
    let secret = match &args.secret {
        Some(secret) => secret.clone(),
        None => secret(&out.join("secret"))?,
    };

    let sandbox = Sandbox::probe(args.sandbox)?;
    if sandbox.tier() != Tier::None {
        apart::is_readable(&course.root().join("course.toml"))?;
    }
    let toolchain = Toolchain::find(course)?;
    eprintln!("Sandbox  {}", sandbox.tier().name());
    if sandbox.tier() == Tier::None {
        eprintln!("         Every submission runs with all your rights, as was asked for.");
    }
    eprintln!("Compiler {}", toolchain.name());

    let mut kitchens = labs
        .iter()
        .map(|lab| Kitchen::new(lab))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut work = Work::new(&kitchens, &submissions);
    for (index, kitchen) in kitchens.iter_mut().enumerate() {
        if work.jobs.iter().any(|job| job.kitchen == index) {
            eprintln!("Building the checks of {} …", kitchen.lab.topic);
            kitchen.prepare(course)?;
        }
    }
    for job in &mut work.jobs {
        let kitchen = &kitchens[job.kitchen];
        job.key = key(job, kitchen, &toolchain, &sandbox)?;
        job.seed = seed(&secret, &job.student, &job.hash);
    }
    let bench = Bench {
        kitchens: &kitchens,
        sandbox: &sandbox,
        toolchain: &toolchain,
        journal: &journal,
    };
    let outcomes = bench.all(&work.jobs, jobs(args));

    let class = Class {
        version: course::VERSION,
        course: course.title.clone(),
        sandbox: sandbox.tier().name().to_owned(),
        toolchain: toolchain.name().to_owned(),
        labs: kitchens
            .iter()
            .map(|kitchen| column(course, kitchen))
            .collect(),
        students: rows(&kitchens, &submissions, &work, &outcomes, roster.as_deref()),
    };
    let class = totals(class);
    class.write(&out)?;
    let errors = class
        .students
        .iter()
        .filter(|row| row.total.is_none())
        .count();
    println!(
        "{} students, {}",
        class.students.len(),
        out.join("grades.csv").display()
    );
    if errors > 0 {
        eprintln!(
            "error: {errors} of them have no grade yet, because this machine was at fault: see the flag `error`, and run this again with --resume"
        );
        return Ok(ExitCode::from(SOME_ERRORS));
    }
    Ok(ExitCode::SUCCESS)
}

fn selected<'c>(course: &'c Course, names: &[String]) -> anyhow::Result<Vec<&'c Lab>> {
    if names.is_empty() {
        return Ok(course.labs().iter().collect());
    }
    let mut wanted = BTreeSet::new();
    for name in names {
        wanted.insert(course.lab(name)?.folder.clone());
    }
    let labs = course.labs().iter();
    Ok(labs.filter(|lab| wanted.contains(&lab.folder)).collect())
}

/// The secret that is kept in the folder of the grades: made where there is none.
fn secret(path: &Path) -> anyhow::Result<String> {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::OpenOptionsExt as _;
    let unusable = || format!("{} cannot be used", path.display());
    if path.exists() {
        let text = fs::read_to_string(path).with_context(unusable)?;
        ensure!(
            !text.trim().is_empty(),
            "{} is empty; remove it, or give --secret",
            path.display()
        );
        return Ok(text.trim().to_owned());
    }
    let mut random = [0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut random))
        .context("no random numbers can be had; give --secret")?;
    let text = digest::of(&[random]);
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{text}"))
        .with_context(unusable)?;
    Ok(text)
}

/// Checks mostly wait, so a little more runs at a time than there are cores.
fn jobs(args: &cli::Run) -> usize {
    args.jobs.map_or_else(
        || {
            let cores = thread::available_parallelism().map_or(2, usize::from);
            cores + cores.div_ceil(2)
        },
        usize::from,
    )
}

/// One lab's sources, which one or more students handed in.
struct Job {
    kitchen: usize,
    sources: Sources,
    hash: String,
    /// The first of those who handed them in.
    student: String,
    key: String,
    seed: String,
}

/// What is to be done, each thing once.
struct Work {
    jobs: Vec<Job>,
    /// By submission and lab: the job, where there is one.
    asked: BTreeMap<(usize, usize), usize>,
}

impl Work {
    fn new(kitchens: &[Kitchen<'_>], submissions: &[Submission]) -> Work {
        let mut work = Work {
            jobs: Vec::new(),
            asked: BTreeMap::new(),
        };
        let mut known: BTreeMap<(usize, String), usize> = BTreeMap::new();
        for (who, submission) in submissions.iter().enumerate() {
            for (index, kitchen) in kitchens.iter().enumerate() {
                let Some(learners) = submission.labs.get(&kitchen.lab.folder) else {
                    continue;
                };
                let sources = kitchen.sources(learners);
                if kitchen.is_starter(&sources) {
                    continue;
                }
                let parts: Vec<&[u8]> = sources
                    .iter()
                    .flat_map(|(path, bytes)| [path.as_os_str().as_encoded_bytes(), bytes])
                    .collect();
                let hash = digest::of(&parts);
                let job = *known.entry((index, hash.clone())).or_insert_with(|| {
                    work.jobs.push(Job {
                        kitchen: index,
                        sources,
                        hash,
                        student: submission.who.key.clone(),
                        key: String::new(),
                        seed: String::new(),
                    });
                    work.jobs.len() - 1
                });
                work.asked.insert((who, index), job);
            }
        }
        work
    }
}

/// What decides whether a result can be used again.
fn key(
    job: &Job,
    kitchen: &Kitchen<'_>,
    toolchain: &Toolchain,
    sandbox: &Sandbox,
) -> anyhow::Result<String> {
    let limits =
        serde_json::to_string(&(Limits::sandbox(), Limits::program(), Limits::compiler()))?;
    Ok(digest::of(&[
        kitchen.lab.topic.as_str(),
        &job.hash,
        &kitchen.checks_hash,
        &toolchain.version,
        sandbox.tier().name(),
        &limits,
    ]))
}

/// The seed of a submission's checks: nobody without the secret can know it beforehand.
fn seed(secret: &str, student: &str, sources: &str) -> String {
    let mut seed = digest::of(&[secret, student, sources]);
    seed.truncate(16);
    seed
}

/// Everything that a job needs.
struct Bench<'r> {
    kitchens: &'r [Kitchen<'r>],
    sandbox: &'r Sandbox,
    toolchain: &'r Toolchain,
    journal: &'r Journal,
}

/// What a job came to, or why it came to nothing.
type Result = std::result::Result<Outcome, String>;

impl Bench<'_> {
    /// Does all jobs, several at a time; the results stand in the order of the jobs.
    fn all(&self, jobs: &[Job], at_a_time: usize) -> Vec<Result> {
        let results: Mutex<BTreeMap<usize, Result>> = Mutex::default();
        let next = AtomicUsize::new(0);
        let lock = || results.lock().unwrap_or_else(PoisonError::into_inner);
        thread::scope(|scope| {
            for _ in 0..at_a_time.min(jobs.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(job) = jobs.get(index) else { break };
                        let result = self.one(job);
                        let mut results = lock();
                        results.insert(index, result);
                        let topic = &self.kitchens[job.kitchen].lab.topic;
                        eprintln!("{:>4} of {}  {topic}", results.len(), jobs.len());
                    }
                });
            }
        });
        let mut results = lock();
        (0..jobs.len())
            .map(|index| {
                results
                    .remove(&index)
                    .unwrap_or_else(|| Err("it was not reached".to_owned()))
            })
            .collect()
    }

    fn one(&self, job: &Job) -> Result {
        if let Some(outcome) = self.journal.known(&job.key) {
            return Ok(outcome.clone());
        }
        let mut reason = String::new();
        for _ in 0..TRIES {
            match self.attempt(job) {
                Ok(outcome) => return Ok(outcome),
                Err(error) => reason = format!("{error:#}"),
            }
        }
        Err(reason)
    }

    fn attempt(&self, job: &Job) -> anyhow::Result<Outcome> {
        let kitchen = &self.kitchens[job.kitchen];
        let scratch = scratch::make(&std::env::temp_dir(), "wirelab-grade")?;
        let built = kitchen.build(self.sandbox, self.toolchain, &job.sources, scratch.path())?;
        let mut outcome = Outcome {
            does_not_compile: None,
            checks: Vec::new(),
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
                    &program,
                    &job.seed,
                    scratch.path(),
                )?;
                outcome.checks = answer.checks;
                outcome.unsteady = answer.unsteady;
            }
        }
        self.journal.add(&job.key, &kitchen.lab.topic, &outcome)?;
        Ok(outcome)
    }
}

fn column(course: &Course, kitchen: &Kitchen<'_>) -> Column {
    let lab = kitchen.lab;
    let max = lab.max_points();
    Column {
        topic: lab.topic.clone(),
        title: lab.title.clone(),
        weight: course.entry(lab).map_or(1.0, |entry| entry.weight),
        max_points: max.core.0,
        max_bonus_points: max.bonus.0,
        checks: Some(kitchen.checks_hash.clone()).filter(|hash| !hash.is_empty()),
    }
}

fn rows(
    kitchens: &[Kitchen<'_>],
    submissions: &[Submission],
    work: &Work,
    outcomes: &[Result],
    roster: Option<&[Student]>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (who, submission) in submissions.iter().enumerate() {
        let mut row = introduce(submission, roster);
        for (index, kitchen) in kitchens.iter().enumerate() {
            let job = work.asked.get(&(who, index)).copied();
            let cell = cell(
                kitchen,
                submission,
                job.map(|job| (&work.jobs[job], &outcomes[job])),
            );
            remark(&mut row, &cell);
            let learners = submission.labs.get(&kitchen.lab.folder);
            let absent: Vec<&PathBuf> =
                learners.map_or(Vec::new(), |learners| kitchen.missing(learners).collect());
            for path in absent {
                row.notes.push(format!(
                    "{}: {} was not handed in; the starter's was taken.",
                    kitchen.lab.topic,
                    path.display()
                ));
            }
            row.labs.push(cell);
        }
        rows.push(row);
    }
    let here: Vec<String> = rows.iter().map(|row| row.student.clone()).collect();
    for row in &mut rows {
        if here
            .iter()
            .filter(|student| **student == row.student)
            .count()
            > 1
        {
            row.flags.push("twice".to_owned());
            row.notes
                .push("There is another submission of the same student.".to_owned());
        }
    }
    for student in roster.unwrap_or_default() {
        if !here.contains(&student.student) {
            rows.push(Row {
                student: student.student.clone(),
                name: student.name.clone(),
                email: student.email.clone(),
                flags: vec!["missing".to_owned()],
                notes: vec!["Nothing was handed in.".to_owned()],
                labs: kitchens
                    .iter()
                    .map(|kitchen| Cell::plain(&kitchen.lab.topic, Status::Missing, None))
                    .collect(),
                ..Row::default()
            });
        }
    }
    rows.sort_by(|a, b| a.student.cmp(&b.student));
    rows
}

/// Who it is, and what is to be said before any lab is looked at.
fn introduce(submission: &Submission, roster: Option<&[Student]>) -> Row {
    let who = &submission.who;
    let mut row = Row {
        student: who.key.clone(),
        name: who.name.clone(),
        entries: submission.entries.clone(),
        notes: submission.notes.clone(),
        ..Row::default()
    };
    match roster.map(|roster| roster::find(roster, who)) {
        Some(Some(student)) => {
            row.student.clone_from(&student.student);
            row.email.clone_from(&student.email);
            if !student.name.is_empty() {
                row.name.clone_from(&student.name);
            }
        }
        Some(None) => row.flags.push("not-on-roster".to_owned()),
        None => {}
    }
    if who.late {
        row.flags.push("late".to_owned());
    }
    if let Some(reason) = &submission.refused {
        row.flags.push("refused".to_owned());
        row.notes.push(format!("Not taken: {reason}."));
    }
    row
}

fn cell(kitchen: &Kitchen<'_>, submission: &Submission, job: Option<(&Job, &Result)>) -> Cell {
    let topic = &kitchen.lab.topic;
    let folder = &kitchen.lab.folder;
    if let Some((job, result)) = job {
        let mut cell = match result {
            Err(reason) => Cell::plain(topic, Status::Error, Some(reason.clone())),
            Ok(outcome) => graded(topic, outcome),
        };
        cell.sources = Some(job.hash.clone());
        return cell;
    }
    if submission.labs.contains_key(folder) {
        return Cell::plain(topic, Status::Starter, None);
    }
    let reason = submission
        .refused_labs
        .get(folder)
        .or(submission.refused.as_ref());
    match reason {
        Some(reason) => Cell::plain(topic, Status::Refused, Some(reason.clone())),
        None => Cell::plain(topic, Status::Missing, None),
    }
}

fn graded(topic: &str, outcome: &Outcome) -> Cell {
    if let Some(message) = &outcome.does_not_compile {
        return Cell::plain(topic, Status::DoesNotCompile, Some(message.clone()));
    }
    let points: Points = outcome.checks.iter().map(|check| check.points).sum();
    Cell {
        points: Some(points.0),
        seed: Some(outcome.seed.clone()),
        unsteady: outcome.unsteady.clone(),
        checks: outcome.checks.clone(),
        ..Cell::plain(topic, Status::Graded, None)
    }
}

/// Flags what somebody should look at.
fn remark(row: &mut Row, cell: &Cell) {
    let whole = row.flags.iter().any(|flag| flag == "refused");
    let word = match cell.status {
        Status::Graded if !cell.unsteady.is_empty() => "unsteady",
        Status::Refused if !whole => {
            let reason = cell.message.as_deref().unwrap_or_default();
            row.notes
                .push(format!("{}: not taken: {reason}.", cell.topic));
            "refused"
        }
        Status::DoesNotCompile => "does-not-compile",
        Status::Starter => "starter",
        Status::Error => "error",
        Status::Missing if !whole => "missing",
        _ => return,
    };
    row.flags.push(format!("{word}:{}", cell.topic));
}

/// Adds up: each lab's points times its weight.
fn totals(mut class: Class) -> Class {
    let weights: Vec<(f64, u32)> = class
        .labs
        .iter()
        .map(|lab| (lab.weight, lab.max_points))
        .collect();
    for row in &mut class.students {
        row.max = weights
            .iter()
            .map(|(weight, max)| weight * f64::from(*max))
            .sum();
        row.total = row
            .labs
            .iter()
            .zip(&weights)
            .map(|(cell, (weight, _))| cell.points.map(|points| weight * f64::from(points)))
            .sum();
    }
    class
}
