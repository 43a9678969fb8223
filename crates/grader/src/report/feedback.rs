//! What a student gets: the points of each lab, and of each check that failed its transcript.

use std::fmt::Write as _;

use course::{CheckReport, Kind, Show, Verdict};

use super::{Cell, Class, Column, Row, Status, number, safe, state};
use crate::late::Late;

pub(super) fn page(class: &Class, row: &Row) -> String {
    let mut page = format!("# {}\n\n", safe::inline(&class.course));
    let who = if row.name.is_empty() {
        &row.student
    } else {
        &row.name
    };
    let total = row.total.map_or("not graded yet".to_owned(), |total| {
        format!("{} of {} points", number(total), number(row.max))
    });
    let _ = writeln!(page, "{}: **{total}**\n", safe::inline(who));
    for note in &row.notes {
        let _ = writeln!(page, "- {}", safe::inline(note));
    }
    if !row.notes.is_empty() {
        page.push('\n');
    }
    page.push_str("| lab | points | of | |\n|---|---:|---:|---|\n");
    for (lab, cell) in class.labs.iter().zip(&row.labs) {
        let points = cell.score.map_or("–".to_owned(), number);
        let title = safe::inline(&lab.title);
        let state = state(cell.status);
        let _ = writeln!(
            page,
            "| {title} | {points} | {} | {state} |",
            lab.max_points
        );
    }
    for lab in &class.labs {
        for check in &lab.uncounted {
            let reason = safe::inline(&check.reason);
            let _ = writeln!(
                page,
                "\n`{}` of {} could not be judged where this was graded, and counts for nobody: {reason}.",
                check.name, lab.topic
            );
        }
    }
    for (lab, cell) in class.labs.iter().zip(&row.labs) {
        section(&mut page, lab, cell);
    }
    page
}

fn section(page: &mut String, lab: &Column, cell: &Cell) {
    if cell.status == Status::Missing && cell.adjustments.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n## {}\n", safe::inline(&lab.title));
    let said = changes(cell);
    for line in &said {
        let _ = writeln!(page, "- {}", safe::inline(line));
    }
    if !said.is_empty() {
        page.push('\n');
    }
    let said = cell.message.as_deref().unwrap_or_default();
    match cell.status {
        Status::Starter => {
            page.push_str("Handed in as it was given out: nothing is written yet.\n")
        }
        Status::Refused => {
            let _ = writeln!(page, "Not taken: {}", safe::inline(said));
        }
        Status::DoesNotCompile => {
            page.push_str("It does not compile, so no check could be run.\n\n");
            page.push_str(&safe::fenced(said));
        }
        Status::Error => {
            page.push_str("Not graded yet: the grading machine was at fault, not the program.\n");
        }
        Status::Elsewhere => {}
        Status::Missing | Status::Graded => {
            let seen = match lab.show_hidden {
                Show::Nothing => &[],
                Show::Names | Show::Transcripts => &cell.hidden[..],
            };
            for check in cell.checks.iter().chain(seen) {
                let mark = match &check.verdict {
                    Verdict::Passed => "passed",
                    Verdict::Failed => "failed",
                    Verdict::Skipped(_) => "skipped",
                };
                let bonus = if check.kind == Kind::Bonus {
                    ", bonus"
                } else {
                    ""
                };
                if !lab.counts(check) {
                    let _ = writeln!(page, "- {mark}, not counted: `{}`", check.name);
                    continue;
                }
                let _ = writeln!(
                    page,
                    "- {mark}: `{}`, {} of {}{bonus}",
                    check.name, check.points, check.max_points
                );
            }
            if seen.is_empty() && !cell.hidden.is_empty() {
                let points: u32 = cell.hidden.iter().map(|check| check.points.0).sum();
                let _ = writeln!(
                    page,
                    "- checks that were not handed out: {points} of {}",
                    lab.max_hidden_points
                );
            }
            for check in &cell.checks {
                transcript(page, check);
            }
            if lab.show_hidden == Show::Transcripts {
                for check in &cell.hidden {
                    transcript(page, check);
                }
            }
        }
    }
}

fn transcript(page: &mut String, check: &CheckReport) {
    if check.verdict == Verdict::Failed {
        let _ = writeln!(page, "\n### `{}`\n", check.name);
        page.push_str(&safe::fenced(check.message.as_deref().unwrap_or_default()));
    }
}

/// Why what counts is not what was earned, a sentence each; nothing where it is.
pub(super) fn changes(cell: &Cell) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(attempt) = cell.attempt {
        said.push(format!("Attempt {attempt} counts."));
    }
    said.extend(cell.late.as_ref().and_then(Late::said));
    let by_hand = cell.adjustments.iter();
    said.extend(by_hand.map(|change| format!("Changed by hand, {change}")));
    if let (false, Some(points), Some(score)) = (said.is_empty(), cell.points, cell.score) {
        said.push(format!("{points} earned, {} count.", number(score)));
    }
    said
}
