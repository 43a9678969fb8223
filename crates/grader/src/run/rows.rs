//! Rows: what is known of each submission, and what its labs came to.

use std::path::PathBuf;

use course::Points;

use super::bench::{self, Bench};
use super::work::{Job, Work};
use crate::build::Kitchen;
use crate::intake::{self, Submission};
use crate::journal::Outcome;
use crate::report::{Cell, Row, Status};
use crate::roster::{Roster, Student};

/// The flag of an entry of whom the roster has nobody.
pub(super) const NOT_ON_ROSTER: &str = "not-on-roster";

/// Who it is, and what is to be said before any lab is looked at.
pub(super) fn introduce(submission: &Submission, roster: Option<&Roster>) -> Row {
    let who = &submission.who;
    let mut row = Row {
        student: who.key.clone(),
        name: who.name.clone(),
        entries: submission.entries.clone(),
        flags: submission.flags.clone(),
        notes: submission.notes.clone(),
        ..Row::default()
    };
    match roster.map(|roster| roster.find(who)) {
        Some(Some(student)) => {
            row.student.clone_from(&student.student);
            row.email.clone_from(&student.email);
            if !student.name.is_empty() {
                row.name.clone_from(&student.name);
            }
        }
        Some(None) => row.flags.push(NOT_ON_ROSTER.to_owned()),
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

/// The rows of all submissions, `introduced` already; `kept` has what stays of an earlier run, and `results` has what
/// came of each job, in their order.
pub(super) fn all(
    bench: &Bench<'_>,
    introduced: Vec<Row>,
    work: &Work,
    results: &[bench::Result],
    mut kept: impl FnMut(usize, usize) -> Option<Cell>,
) -> Vec<Row> {
    let (kitchens, submissions) = (bench.kitchens, bench.submissions);
    let mut rows = introduced;
    for (who, (row, submission)) in rows.iter_mut().zip(submissions).enumerate() {
        row.notes.extend(other_labs(kitchens, submission));
        for (index, kitchen) in kitchens.iter().enumerate() {
            let job = work.asked.get(&(who, index)).copied();
            let cell = kept(who, index).unwrap_or_else(|| match job {
                Some(job) => judged(bench, kitchen, &work.jobs[job], &results[job]),
                None => not_judged(kitchen, submission),
            });
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
    }
    rows
}

/// What is said of one who handed in other labs than those that are graded, and none of these.
fn other_labs(kitchens: &[Kitchen<'_>], submission: &Submission) -> Option<String> {
    let mut graded = kitchens.iter().map(|kitchen| &kitchen.lab.folder);
    let has_one = graded.any(|folder| submission.has_something_of(folder));
    let others: Vec<&str> = submission.labs.keys().map(String::as_str).collect();
    (!has_one && !others.is_empty()).then(|| {
        let others = others.join(", ");
        format!("Of other labs than those that are graded here, this was handed in: {others}.")
    })
}

/// Whether what stays of an earlier run is of what is there now; `hash` is its sources', where something was written.
pub(super) fn is_of(
    cell: &Cell,
    kitchen: &Kitchen<'_>,
    submission: &Submission,
    hash: Option<&str>,
) -> bool {
    match hash {
        Some(_) => cell.sources.as_deref() == hash,
        None => cell.status == not_judged(kitchen, submission).status,
    }
}

/// Whether who was graded `before` is among these rows of the same attempt, or what was handed in then is: by another
/// roster it may be another's.
pub(super) fn is_among<'r>(before: &Row, mut rows: impl Iterator<Item = &'r Row>) -> bool {
    rows.any(|row| {
        let mut entries = row.entries.iter();
        row.student == before.student || entries.any(|entry| before.entries.contains(entry))
    })
}

/// Those of the roster who handed nothing in, which is who has no row `here`.
pub(super) fn absent<'r>(
    kitchens: &[Kitchen<'_>],
    roster: &[Student],
    here: impl Iterator<Item = &'r Row> + Clone,
    submissions: &[Submission],
) -> Vec<Row> {
    let absent = roster
        .iter()
        .filter(|student| here.clone().all(|row| row.student != student.student));
    absent
        .map(|student| {
            let mut row = Row {
                student: student.student.clone(),
                name: student.name.clone(),
                email: student.email.clone(),
                flags: vec!["missing".to_owned()],
                notes: vec!["Nothing was handed in.".to_owned()],
                labs: kitchens
                    .iter()
                    .map(|kitchen| Cell::plain(&kitchen.lab.topic, Status::Missing, None))
                    .collect(),
                attempt: 1,
                ..Row::default()
            };
            may_have(&mut row, submissions);
            row
        })
        .collect()
}

/// Says of one who handed nothing in that there is something of which nobody can say whose it is.
fn may_have(row: &mut Row, submissions: &[Submission]) {
    let mut all = submissions.iter();
    if all.any(|submission| submission.may_be.contains(&row.student)) {
        row.flags.push(intake::WHOSE.to_owned());
        row.notes
            .push("An entry may be this student's, and nobody can say so.".to_owned());
    }
}

/// A lab of which something was written.
fn judged(bench: &Bench<'_>, kitchen: &Kitchen<'_>, job: &Job, result: &bench::Result) -> Cell {
    let topic = &kitchen.lab.topic;
    let mut cell = match result {
        None => Cell::plain(topic, Status::Elsewhere, None),
        Some(Err(reason)) => Cell::plain(topic, Status::Error, Some(reason.clone())),
        Some(Ok(())) => match bench.journal.read(&job.key) {
            Ok(outcome) => graded(topic, outcome),
            Err(error) => Cell::plain(topic, Status::Error, Some(format!("{error:#}"))),
        },
    };
    cell.sources = Some(job.hash.clone());
    cell
}

/// A lab that there is nothing to judge of.
fn not_judged(kitchen: &Kitchen<'_>, submission: &Submission) -> Cell {
    let topic = &kitchen.lab.topic;
    let folder = &kitchen.lab.folder;
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

fn graded(topic: &str, outcome: Outcome) -> Cell {
    if let Some(message) = outcome.does_not_compile {
        return Cell::plain(topic, Status::DoesNotCompile, Some(message));
    }
    let all = outcome.checks.iter().chain(&outcome.hidden);
    let points: Points = all.map(|check| check.points).sum();
    Cell {
        points: Some(points.0),
        seed: Some(outcome.seed),
        unsteady: outcome.unsteady,
        checks: outcome.checks,
        hidden: outcome.hidden,
        ..Cell::plain(topic, Status::Graded, None)
    }
}
