//! What a run was told by which grades are made, kept beside them: who goes on from them need not say it again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::ValueEnum as _;
use course::{Course, Lab};
use serde::{Deserialize, Serialize};

use crate::draft::Counts;
use crate::report::{self, Class, TOLD, safe};
use crate::{cli, digest};

/// What decides grades and lies outside of their folder, or nowhere.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    version: u32,
    submissions: PathBuf,
    earlier: Vec<PathBuf>,
    roster: Option<PathBuf>,
    times: Option<PathBuf>,
    extensions: Option<PathBuf>,
    adjustments: Option<PathBuf>,
    hidden: Option<PathBuf>,
    no_hidden: bool,
    attempt: Option<Counts>,
    /// Of which folder each lab was graded last, by its topic.
    labs: BTreeMap<String, PathBuf>,
    /// The digest of what seeds were made from.
    secret: String,
}

impl Told {
    /// What the run before was told; none where that was not kept.
    fn read(out: &Path) -> anyhow::Result<Option<Told>> {
        let path = out.join(TOLD);
        let remedy = "take it away, and name again what the run before was told";
        let told = path.exists().then(|| report::take_json(&path, remedy));
        told.transpose()
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Keeps what a run is told that grades these labs into `out`.
///
/// # Errors
/// It cannot be written, or the grades that are there were made with another secret.
pub(super) fn keep(args: &cli::Run, labs: &[&Lab], secret: &str, out: &Path) -> anyhow::Result<()> {
    let before = Told::read(out)?.filter(|_| args.resume);
    let secret = digest::of(&["told", secret]);
    ensure!(
        before.as_ref().is_none_or(|told| told.secret == secret),
        "the results in {} were made with another secret, so everything would be judged anew, with other inputs: give the --secret of before; or, if that is meant, take {} away",
        out.display(),
        out.join(TOLD).display()
    );
    let mut of_labs = before.map(|told| told.labs).unwrap_or_default();
    let submissions = absolute(&args.submissions);
    let graded = labs.iter().map(|lab| lab.topic.clone());
    of_labs.extend(graded.map(|topic| (topic, submissions.clone())));
    let path = |path: &Option<PathBuf>| path.as_deref().map(absolute);
    let told = Told {
        version: course::VERSION,
        submissions,
        earlier: args.earlier.iter().map(|folder| absolute(folder)).collect(),
        roster: path(&args.roster),
        times: path(&args.times),
        extensions: path(&args.extensions),
        adjustments: path(&args.adjustments),
        hidden: path(&args.hidden),
        no_hidden: args.no_hidden,
        attempt: args.attempt,
        labs: of_labs,
        secret,
    };
    report::put_json(&out.join(TOLD), &told)
}

/// The arguments of a run that goes on from the results in `out`, and from `grades` where there are some, with what the
/// one before was told where these say nothing; and says so.
///
/// # Errors
/// What was kept cannot be read, or what it names is gone, or is of other submissions.
pub(super) fn recalled(
    course: &Course,
    args: &cli::Run,
    out: &Path,
    grades: Option<&Class>,
) -> anyhow::Result<cli::Run> {
    let mut args = args.clone();
    let told = if args.resume { Told::read(out)? } else { None };
    let Some(told) = told else {
        return Ok(args);
    };
    let submissions = absolute(&args.submissions);
    let is_same = told.submissions == submissions;
    let mut said = Vec::new();
    let is_there = |option: &str, path: &Path| {
        ensure!(
            path.exists(),
            "{} is not there any more, by which the grades in {} were made: say with {option} where it is now; or, to grade without it, take {} away and name what else the run before was told",
            path.display(),
            out.display(),
            out.join(TOLD).display()
        );
        Ok(())
    };
    for (option, ours, before) in [
        ("--roster", &mut args.roster, told.roster),
        ("--times", &mut args.times, told.times),
        ("--extensions", &mut args.extensions, told.extensions),
        ("--adjustments", &mut args.adjustments, told.adjustments),
        (
            "--hidden",
            &mut args.hidden,
            told.hidden.filter(|_| !args.no_hidden),
        ),
    ] {
        let (None, Some(before)) = (&ours, before) else {
            continue;
        };
        is_there(option, &before)?;
        ensure!(
            option != "--times" || is_same,
            "the run before had the times of {} for the submissions in {}: say with --times when those in {} were handed in, or name the same once more where it has them, too",
            before.display(),
            told.submissions.display(),
            args.submissions.display()
        );
        said.push(format!("{option} {}", before.display()));
        *ours = Some(before);
    }
    if args.earlier.is_empty() && is_same {
        for folder in told.earlier {
            is_there("--earlier", &folder)?;
            said.push(format!("--earlier {}", folder.display()));
            args.earlier.push(folder);
        }
    }
    if told.no_hidden && !args.no_hidden && args.hidden.is_none() {
        args.no_hidden = true;
        said.push("--no-hidden".to_owned());
    }
    if let (None, Some(before)) = (args.attempt, told.attempt) {
        args.attempt = Some(before);
        let value = before.to_possible_value();
        said.extend(value.map(|value| format!("--attempt {}", value.get_name())));
    }
    // Where each lab has a folder of its own, this one has only some of them.
    let all = grades.map_or(course.labs().len(), |class| class.labs.len());
    let of_here = told.labs.into_iter();
    let of_here = of_here.filter(|(_, folder)| *folder == submissions);
    let of_here: Vec<String> = of_here.map(|(topic, _)| topic).collect();
    if args.labs.is_empty() && (1..all).contains(&of_here.len()) {
        said.push(format!("--labs {}", of_here.join(",")));
        args.labs = of_here;
    }
    if !said.is_empty() {
        eprintln!("As before: {}", safe::plain(&said.join(" ")));
    }
    Ok(args)
}
