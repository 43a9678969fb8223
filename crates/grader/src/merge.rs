//! `cargo grade merge`: the shards of a class, joined to what one run would have come to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};

use crate::cli;
use crate::draft::Draft;
use crate::report::{self, Cell, Status, sources};

/// The file in which a shard leaves what it came to.
pub const SHARD: &str = "shard.json";

/// Joins the shards that `args` names.
///
/// # Errors
/// One is missing or there twice, or they are not of the same class.
pub fn run(args: &cli::Merge) -> anyhow::Result<ExitCode> {
    let mut shards: BTreeMap<usize, (PathBuf, Draft)> = BTreeMap::new();
    for dir in &args.dirs {
        let draft = read(dir)?;
        let Some((number, of)) = draft.shard else {
            bail!("{} is not of one shard", dir.display());
        };
        if let Some((other, first)) = shards.values().next()
            && first.shard.map(|(_, of)| of) != Some(of)
        {
            bail!(
                "{} is one of {of} shards, {} one of another number",
                dir.display(),
                other.display()
            );
        }
        if let Some((other, _)) = shards.insert(number, (dir.clone(), draft)) {
            bail!(
                "{} and {} are both shard {number}",
                other.display(),
                dir.display()
            );
        }
    }
    let of = shards
        .values()
        .find_map(|(_, draft)| draft.shard)
        .map_or(0, |(_, of)| of);
    let missing: Vec<String> = (1..=of)
        .filter(|number| !shards.contains_key(number))
        .map(|number| number.to_string())
        .collect();
    ensure!(
        missing.is_empty(),
        "of {of} shards these are missing: {}",
        missing.join(", ")
    );
    let journals: Vec<PathBuf> = shards
        .values()
        .map(|(dir, _)| dir.join("journal.jsonl"))
        .collect();
    let whole = join(shards.into_values())?;

    fs::create_dir_all(&args.out)
        .with_context(|| format!("{} cannot be made", args.out.display()))?;
    for dir in &args.dirs {
        sources::copy(dir, &args.out)?;
    }
    let class = whole.finish();
    class.write(&args.out)?;
    let mut journal = Vec::new();
    for path in journals {
        let text = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        journal.extend(text);
        if journal.last().is_some_and(|byte| *byte != b'\n') {
            journal.push(b'\n');
        }
    }
    report::put(&args.out.join("journal.jsonl"), &journal)?;
    Ok(class.said(&args.out))
}

fn read(dir: &Path) -> anyhow::Result<Draft> {
    let path = dir.join(SHARD);
    let text = fs::read(&path).with_context(|| {
        format!(
            "{} cannot be read; it is written at the end of `cargo grade run --shard`",
            path.display()
        )
    })?;
    let draft: Draft = serde_json::from_slice(&text)
        .with_context(|| format!("{} is none of ours", path.display()))?;
    ensure!(
        draft.version == course::VERSION,
        "{} has version {}, not {}",
        path.display(),
        draft.version,
        course::VERSION
    );
    Ok(draft)
}

/// Lays shards upon each other: what the one leaves out, another has.
fn join(shards: impl Iterator<Item = (PathBuf, Draft)>) -> anyhow::Result<Draft> {
    let mut whole: Option<(PathBuf, Draft, String)> = None;
    for (dir, shard) in shards {
        let outline = outline(&shard)?;
        let Some((first, whole, known)) = &mut whole else {
            whole = Some((dir, shard, outline));
            continue;
        };
        ensure!(
            *known == outline,
            "{} and {} are not of the same class: the submissions, the course, the compiler, the sandbox and all options must be the same in every shard",
            first.display(),
            dir.display()
        );
        for (ours, theirs) in whole.class.labs.iter_mut().zip(shard.class.labs) {
            match (&ours.checks, theirs.checks) {
                (Some(ours), Some(theirs)) => ensure!(
                    *ours == theirs,
                    "{} and {} were judged by other checks: grade every part with the same course and the same compiler, at the same path",
                    first.display(),
                    dir.display()
                ),
                (None, theirs) => ours.checks = theirs,
                (Some(_), None) => {}
            }
        }
        for (ours, theirs) in whole.class.students.iter_mut().zip(shard.class.students) {
            for (ours, theirs) in ours.labs.iter_mut().zip(theirs.labs) {
                if ours.status == Status::Elsewhere {
                    *ours = theirs;
                }
            }
        }
    }
    let (_, mut whole, _) = whole.context("name the shards' folders")?;
    whole.shard = None;
    Ok(whole)
}

/// What must be the same in every shard: everything but what the checks said.
fn outline(draft: &Draft) -> anyhow::Result<String> {
    let mut draft = draft.clone();
    draft.shard = None;
    for lab in &mut draft.class.labs {
        lab.checks = None;
    }
    for cell in draft
        .class
        .students
        .iter_mut()
        .flat_map(|row| &mut row.labs)
    {
        // What no checks are run for is the same everywhere.
        let judged = cell.sources.is_some();
        let outline = Cell {
            late: cell.late.clone(),
            adjustments: cell.adjustments.clone(),
            sources: cell.sources.clone(),
            ..Cell::plain(
                &cell.topic,
                if judged {
                    Status::Elsewhere
                } else {
                    cell.status
                },
                cell.message.clone().filter(|_| !judged),
            )
        };
        *cell = outline;
    }
    Ok(serde_json::to_string(&draft)?)
}
