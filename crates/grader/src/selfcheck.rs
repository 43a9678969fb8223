//! `cargo grade selfcheck`: the course's own solutions, starters and wrong answers, graded as a class is.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Parser as _;
use course::derive::Starter;
use course::{Course, Lab, Verdict, WrongAnswer};

use crate::cli::{self, Cli, Command};
use crate::report::{Cell, Class, Status};
use crate::scratch;

/// What makes a starter's sources others than those handed out: a starter as it was is known and not judged.
const TOUCHED: &[u8] = b"\n// Nothing is written here yet.\n";

/// Judges what `args` names, and prints a table for each lab.
///
/// # Errors
/// The programs cannot be graded at all. Where one comes to something else than it should, the exit code says so.
pub fn run(course: &Course, args: &cli::Selfcheck) -> anyhow::Result<ExitCode> {
    let labs = labs(course, &args.labs)?;
    let scratch = scratch::make(&std::env::temp_dir(), "wirelab-selfcheck")?;
    let submissions = scratch.path().join("class");
    let mut programs = Vec::new();
    for lab in &labs {
        programs.extend(Program::all(lab)?);
    }
    for program in &programs {
        program.hand_in(&submissions.join(program.entry()))?;
    }
    let orders = orders(&submissions, &scratch.path().join("out"), &labs, args)?;
    let class = crate::run::class(course, &orders)?;

    let mut mismatches = 0;
    for lab in &labs {
        let programs = programs
            .iter()
            .filter(|program| program.lab.topic == lab.topic);
        let table = Table::of(&class, lab, programs)?;
        mismatches += table.mismatches;
        println!("{}", table.text);
    }
    let tried = format!("{} labs, {} programs", labs.len(), programs.len());
    if mismatches > 0 {
        println!("{tried}, and {mismatches} of them came to something else than they should");
        return Ok(ExitCode::FAILURE);
    }
    println!("{tried}, all as they should be");
    Ok(ExitCode::SUCCESS)
}

/// The labs that are asked for, in the course's order; all of them, where none is.
fn labs<'c>(course: &'c Course, names: &[String]) -> anyhow::Result<Vec<&'c Lab>> {
    let labs = course.labs_named(names)?;
    ensure!(!labs.is_empty(), "the course has no lab that can be used");
    if let Some(lab) = labs.iter().find(|lab| lab.solution_dir().is_none()) {
        bail!(
            "{} has no solution here, which a learner's copy never has; run this in the course itself",
            lab.topic
        );
    }
    Ok(labs)
}

/// What `cargo grade run` would be told.
fn orders(
    submissions: &Path,
    out: &Path,
    labs: &[&Lab],
    args: &cli::Selfcheck,
) -> anyhow::Result<cli::Run> {
    let topics: Vec<&str> = labs.iter().map(|lab| lab.topic.as_str()).collect();
    let mut words: Vec<OsString> = vec!["grade".into(), "run".into(), submissions.into()];
    words.extend(["--out".into(), out.into()]);
    words.extend(["--labs".into(), topics.join(",").into()]);
    let Command::Run(mut orders) = Cli::try_parse_from(words)?.command else {
        bail!("`run` is no command");
    };
    orders.jobs = args.jobs;
    orders.sandbox = args.sandbox;
    Ok(*orders)
}

/// What a program is, and so what it must come to.
enum What {
    Solution,
    Starter(Starter),
    Wrong(WrongAnswer),
}

/// A program that the course itself has of a lab.
struct Program<'c> {
    lab: &'c Lab,
    what: What,
}

impl<'c> Program<'c> {
    fn all(lab: &'c Lab) -> anyhow::Result<Vec<Program<'c>>> {
        let source = lab
            .starter_source()
            .with_context(|| format!("{} has no starter", lab.topic))?;
        let mut all = vec![What::Solution, What::Starter(source.starter(lab)?)];
        all.extend(lab.wrong_answers()?.into_iter().map(What::Wrong));
        Ok(all.into_iter().map(|what| Program { lab, what }).collect())
    }

    /// What its row in the table is called.
    fn name(&self) -> String {
        match &self.what {
            What::Solution => "solution".to_owned(),
            What::Starter(_) => "starter".to_owned(),
            What::Wrong(answer) => format!("wrong/{}", answer.name),
        }
    }

    /// The student whose submission it is.
    fn entry(&self) -> String {
        format!("{}.{}", self.lab.topic, self.name().replace('/', "."))
    }

    /// Puts the files that a learner hands in into the entry of a submission.
    fn hand_in(&self, entry: &Path) -> anyhow::Result<()> {
        for (index, path) in self.lab.edit.iter().enumerate() {
            let mut bytes = self.file(path)?;
            if index == 0 && matches!(self.what, What::Starter(_)) {
                bytes.extend(TOUCHED);
            }
            let to = entry.join(&self.lab.folder).join(path);
            let write = || -> std::io::Result<()> {
                fs::create_dir_all(to.parent().unwrap_or(entry))?;
                fs::write(&to, bytes)
            };
            write().with_context(|| format!("{} cannot be written", to.display()))?;
        }
        Ok(())
    }

    fn file(&self, path: &Path) -> anyhow::Result<Vec<u8>> {
        let solution = self.lab.solution_dir().unwrap_or_default();
        let from = match &self.what {
            What::Starter(starter) => {
                let file = starter.file(path).with_context(|| {
                    format!(
                        "the starter of {} has no {}",
                        self.lab.topic,
                        path.display()
                    )
                })?;
                return Ok(file.bytes.clone());
            }
            What::Wrong(answer) if answer.files.iter().any(|file| file == path) => {
                answer.dir().join(path)
            }
            What::Wrong(_) | What::Solution => solution.join(path),
        };
        fs::read(&from).with_context(|| format!("{} cannot be read", from.display()))
    }

    /// How what it came to differs from what it should: nothing, where all is well. `max` is what the lab can earn.
    /// Whoever has a grade has a verdict for every check.
    fn mismatches(&self, cell: &Cell, max: u32) -> Vec<String> {
        let said = cell.message.as_deref().unwrap_or_default();
        match cell.status {
            Status::Graded => {}
            Status::DoesNotCompile => return vec![format!("does not compile\n{said}")],
            Status::Starter => return vec!["is the starter".to_owned()],
            Status::Missing | Status::Refused => return vec![format!("was not taken: {said}")],
            Status::Error | Status::Elsewhere => return vec![format!("was not judged: {said}")],
        }
        let points = cell.points.unwrap_or_default();
        let earns = format!("earns {points} of {max} points");
        match &self.what {
            What::Solution => {
                let failed = cell
                    .all_checks()
                    .filter(|check| check.verdict == Verdict::Failed);
                let mut all: Vec<String> = failed
                    .map(|check| {
                        let said = check.message.as_deref().unwrap_or_default();
                        format!("fails {}\n{said}", check.name)
                    })
                    .collect();
                if all.is_empty() && points != max {
                    all.push(earns);
                }
                all
            }
            What::Starter(_) => {
                let passed: Vec<&str> = cell
                    .all_checks()
                    .filter(|check| check.verdict == Verdict::Passed)
                    .map(|check| check.name.as_str())
                    .collect();
                let well = points * 5 >= max.max(1);
                let earns = format!("{earns}, with {}", passed.join(", "));
                well.then_some(earns).into_iter().collect()
            }
            What::Wrong(answer) => {
                let mut all = Vec::new();
                for name in &answer.fails {
                    match cell.checks.iter().find(|check| check.name == *name) {
                        Some(check) if check.verdict == Verdict::Passed => {
                            all.push(format!("passes {name}, which its wrong.toml says it fails"));
                        }
                        Some(_) => {}
                        None => all.push(format!("{name} was not run")),
                    }
                }
                all
            }
        }
    }

    /// What it does, where that is what it should.
    fn as_it_should(&self, cell: &Cell) -> String {
        match &self.what {
            What::Wrong(answer) if answer.fails.iter().all(|name| is_skipped(cell, name)) => {
                format!("cannot be told here: {}", answer.fails.join(", "))
            }
            What::Solution => "earns everything".to_owned(),
            What::Starter(_) => "earns less than a fifth".to_owned(),
            What::Wrong(answer) => format!("fails {}", answer.fails.join(", ")),
        }
    }
}

fn is_skipped(cell: &Cell, name: &str) -> bool {
    let mut checks = cell.checks.iter();
    checks.any(|check| check.name == name && matches!(check.verdict, Verdict::Skipped(_)))
}

/// What is said of a lab.
struct Table {
    text: String,
    /// How many programs came to something else than they should.
    mismatches: usize,
}

impl Table {
    fn of<'p>(
        class: &Class,
        lab: &Lab,
        programs: impl Iterator<Item = &'p Program<'p>>,
    ) -> anyhow::Result<Table> {
        let programs: Vec<&Program<'_>> = programs.collect();
        let column = class
            .labs
            .iter()
            .position(|column| column.topic == lab.topic);
        let column = column.with_context(|| format!("{} was not graded", lab.topic))?;
        let max = class.labs[column].max_points + class.labs[column].max_bonus_points;
        let width = programs.iter().map(|program| program.name().len()).max();
        let width = width.unwrap_or_default();
        let mut table = Table {
            text: format!("{}, {max} points\n", lab.topic),
            mismatches: 0,
        };
        for check in &class.labs[column].uncounted {
            let _ = writeln!(table.text, "  SKIPPED  {}: {}", check.name, check.reason);
        }
        for program in programs {
            let entry = program.entry();
            let row = class.students.iter().find(|row| row.student == entry);
            let cell = row
                .and_then(|row| row.labs.get(column))
                .with_context(|| format!("there is no grade for {entry}"))?;
            let mismatches = program.mismatches(cell, max);
            let unsteady = cell.unsteady.iter();
            let unsteady = unsteady.map(|check| format!("{check} did not always say the same"));
            let mut lines: Vec<String> = unsteady.collect();
            let (mark, first) = if mismatches.is_empty() {
                ("ok", program.as_it_should(cell))
            } else {
                table.mismatches += 1;
                let mut mismatches = mismatches.into_iter();
                let first = mismatches.next().unwrap_or_default();
                lines.splice(0..0, mismatches);
                ("FAILED", first)
            };
            let points = cell
                .points
                .map_or("-".to_owned(), |points| points.to_string());
            lines.insert(0, first);
            let mut lines = lines.iter().flat_map(|line| line.lines());
            let first = lines.next().unwrap_or_default();
            let name = program.name();
            let _ = writeln!(
                table.text,
                "  {mark:<6}  {name:<width$}  {points:>3}  {first}"
            );
            for line in lines {
                let _ = writeln!(table.text, "          {line}");
            }
        }
        Ok(table)
    }
}
