//! What a run was told by which grades are made, kept beside them: who goes on from them need not say it again.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::cli;
use crate::draft::Counts;
use crate::report::{self, safe};

/// The file in the folder of the grades.
const TOLD: &str = "run.json";

/// What decides grades and lies outside of the folder, or nowhere.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    version: u32,
    submissions: PathBuf,
    roster: Option<PathBuf>,
    times: Option<PathBuf>,
    extensions: Option<PathBuf>,
    adjustments: Option<PathBuf>,
    hidden: Option<PathBuf>,
    no_hidden: bool,
    attempt: Option<Counts>,
    labs: Vec<String>,
}

impl Told {
    /// What these arguments say.
    pub(super) fn of(args: &cli::Run) -> Told {
        let absolute = |path: &Option<PathBuf>| path.as_deref().map(absolute);
        Told {
            version: course::VERSION,
            submissions: self::absolute(&args.submissions),
            roster: absolute(&args.roster),
            times: absolute(&args.times),
            extensions: absolute(&args.extensions),
            adjustments: absolute(&args.adjustments),
            hidden: absolute(&args.hidden),
            no_hidden: args.no_hidden,
            attempt: args.attempt,
            labs: args.labs.clone(),
        }
    }

    /// Keeps it in the folder of the grades.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep(&self, out: &Path) -> anyhow::Result<()> {
        report::put_json(&out.join(TOLD), self)
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The arguments of a run that goes on from the grades in `out`, with what the one before was told where these say
/// nothing, and says so.
///
/// # Errors
/// What was kept cannot be read, or a file that it names is gone.
pub(super) fn recalled(args: &cli::Run, out: &Path, has_grades: bool) -> anyhow::Result<cli::Run> {
    let mut args = args.clone();
    let path = out.join(TOLD);
    if !args.resume || !path.exists() {
        return Ok(args);
    }
    let remedy = "take it away, and name again what the run before was told";
    let told: Told = report::take_json(&path, remedy)?;
    let mut said = Vec::new();
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
        ensure!(
            before.exists(),
            "{} is not there any more, by which the grades in {} were made: say with {option} where it is now, or, to grade without it, take {} away and name what else the run before was told",
            before.display(),
            out.display(),
            path.display()
        );
        ensure!(
            option != "--times" || told.submissions == absolute(&args.submissions),
            "the run before had the times of {} for the submissions in {}: say with --times when those in {} were handed in, or name the same once more where it has them, too",
            before.display(),
            told.submissions.display(),
            args.submissions.display()
        );
        said.push(format!("{option} {}", before.display()));
        *ours = Some(before);
    }
    if told.no_hidden && !args.no_hidden && args.hidden.is_none() {
        args.no_hidden = true;
        said.push("--no-hidden".to_owned());
    }
    if let (None, Some(before)) = (args.attempt, told.attempt) {
        args.attempt = Some(before);
        said.push(format!("--attempt {}", before.word()));
    }
    // Grades say themselves of which labs they are.
    if !has_grades && args.labs.is_empty() && !told.labs.is_empty() {
        said.push(format!("--labs {}", told.labs.join(",")));
        args.labs = told.labs;
    }
    if !said.is_empty() {
        eprintln!("As before: {}", safe::plain(&said.join(" ")));
    }
    Ok(args)
}
