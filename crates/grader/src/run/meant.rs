//! What an instructor may have meant otherwise: it is said, and nothing is graded where nothing right can come of it.

use std::path::Path;

use anyhow::bail;

use super::rows;
use crate::build::Kitchen;
use crate::intake::{self, Submission};
use crate::report::{Cell, Class, Row, safe};
use crate::roster::{self, Roster};

/// Makes sure that there was something to grade.
///
/// # Errors
/// None of the entries has a file of a lab: this is another folder than was meant.
pub(super) fn holds_something(class: &Class, folder: &Path) -> anyhow::Result<()> {
    let mut here = class.students.iter().filter(|row| !row.entries.is_empty());
    let is_empty = |cell: &Cell| {
        let message = cell.message.as_deref();
        message.is_some_and(|message| message.starts_with(intake::NO_LAB))
    };
    if !here.all(|row| row.labs.iter().all(is_empty)) {
        return Ok(());
    }
    bail!(
        "no entry of {} holds a file of a lab, so nothing was graded: name the folder with one entry a student, in which labs lie as 04-tcp-echo/src/server.rs",
        folder.display()
    )
}

/// Says who is not on the roster.
///
/// # Errors
/// Nobody is: then it is another class's, or in other words than the entries'.
pub(super) fn compare(
    path: &Path,
    roster: &Roster,
    submissions: &[Submission],
    introduced: &[Row],
) -> anyhow::Result<()> {
    let foreign: Vec<&Submission> = introduced
        .iter()
        .zip(submissions)
        .filter(|(row, _)| row.flags.iter().any(|flag| flag == rows::NOT_ON_ROSTER))
        .map(|(_, submission)| submission)
        .collect();
    if foreign.len() == submissions.len() {
        let entries: Vec<_> = foreign.iter().map(|submission| &submission.who).collect();
        bail!("{}", roster::fits_nobody(path, roster, &entries));
    }
    if !foreign.is_empty() {
        let names = foreign.iter().map(|submission| submission.who.key.as_str());
        eprintln!(
            "warning: {}: not on the roster: {}",
            path.display(),
            safe::list(names)
        );
    }
    Ok(())
}

/// Says which labs have hidden checks, as their points are in the grades.
///
/// # Errors
/// `folder`, which was named for them, has none.
pub(super) fn say_hidden(kitchens: &[Kitchen<'_>], folder: Option<&Path>) -> anyhow::Result<()> {
    let labs: Vec<String> = kitchens
        .iter()
        .filter_map(|kitchen| {
            let points = kitchen.hidden.as_ref()?.max_points().total();
            Some(format!("{} ({points} points)", kitchen.lab.topic))
        })
        .collect();
    if let Some(folder) = folder
        && labs.is_empty()
    {
        let lab = kitchens.first().map_or("", |kitchen| &kitchen.lab.folder);
        bail!(
            "{} has hidden checks for none of the labs: there is no {}; name the folder that has one folder a lab, or say --no-hidden",
            folder.display(),
            folder.join(lab).join("hidden.toml").display()
        );
    }
    if !labs.is_empty() {
        eprintln!("Hidden checks: {}", labs.join(", "));
    }
    Ok(())
}

/// Says of which students, each with a lab, something else is there than what stays graded.
pub(super) fn say_unjudged<'l>(labs: impl Iterator<Item = (&'l str, &'l str)>) {
    let labs: Vec<String> = labs
        .map(|(student, topic)| format!("{student} ({topic})"))
        .collect();
    if !labs.is_empty() {
        eprintln!(
            "warning: not what was graded before, and not judged in this run: {}; their grades stay as they were until they are asked for, or a run with --resume alone judges everything that is here",
            safe::list(labs.iter().map(String::as_str))
        );
    }
}

/// Says of which labs a part keeps what other checks have found than those by which the rest is judged now. `stays` says
/// of how many students a lab's grade does.
pub(super) fn say_other_checks(
    kitchens: &[Kitchen<'_>],
    earlier: &Class,
    stays: impl Fn(usize) -> usize,
) {
    for (index, kitchen) in kitchens.iter().enumerate() {
        let topic = &kitchen.lab.topic;
        let column = earlier.labs.iter().find(|column| column.topic == *topic);
        let before = column.and_then(|column| column.checks.as_ref());
        // They are built only where something is judged by them.
        let now = Some(&kitchen.checks_hash).filter(|hash| !hash.is_empty());
        let (Some(before), Some(now), stay @ 1..) = (before, now, stays(index)) else {
            continue;
        };
        if before != now {
            eprintln!(
                "warning: the checks of {topic}, or its hidden ones, are not those by which {stay} of the grades were found that stay as they are; a run with --resume alone judges all by the new ones"
            );
        }
    }
}
