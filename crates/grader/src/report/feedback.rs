//! What a student gets: the points of each lab, and of each check that failed its transcript.

use std::fmt::Write as _;

use course::{CheckReport, Kind, Show, Verdict};

use super::{Cell, Class, Column, Other, Row, Status, number, safe, state};
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
    page.push_str(if class.is_weighted() {
        "| lab | points | of | counts | |\n|---|---:|---:|---:|---|\n"
    } else {
        "| lab | points | of | |\n|---|---:|---:|---|\n"
    });
    for (lab, cell) in class.labs.iter().zip(&row.labs) {
        let points = cell.score.map_or("–".to_owned(), number);
        let title = safe::inline(&lab.title);
        let state = state(cell.status);
        let counts = if class.is_weighted() {
            format!(" {} |", lab.times())
        } else {
            String::new()
        };
        let _ = writeln!(
            page,
            "| {title} | {points} | {} |{counts} {state} |",
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
                    "- checks that were not handed out: {points} of {} points",
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
        let others: String = cell.others.iter().map(other).collect();
        said.push(format!("Attempt {attempt} counts{others}."));
    }
    said.extend(cell.late.as_ref().and_then(Late::said));
    let by_hand = cell.adjustments.iter();
    said.extend(by_hand.map(|change| format!("Changed by hand, {change}")));
    if let (false, Some(points), Some(score)) = (said.is_empty(), cell.points, cell.score) {
        said.push(format!("{points} earned, {} count.", number(score)));
    }
    said
}

/// `; attempt 1 earned 31, 27.9 count`
fn other(other: &Other) -> String {
    let attempt = other.attempt;
    let Some(points) = other.points.filter(|_| other.status == Status::Graded) else {
        return format!("; attempt {attempt}: {}", state(other.status));
    };
    let counts = other.score.map(number);
    let counts = counts.filter(|score| *score != points.to_string());
    let counts = counts.map_or(String::new(), |score| format!(", {score} count"));
    format!("; attempt {attempt} earned {points}{counts}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two labs of one student, who has tried the first one more than once.
    fn class(weight: f64) -> Class {
        let lab = |topic: &str, weight: f64| {
            serde_json::json!({
                "topic": topic, "title": topic, "weight": weight, "max_points": 39, "max_bonus_points": 0,
                "max_hidden_points": 3, "checks": null,
            })
        };
        let hidden = serde_json::json!({
            "name": "hides", "verdict": "passed", "points": 1, "max_points": 1, "seconds": 0.0, "step": 1,
            "kind": "core", "message": null, "section": "a.md#b",
        });
        let cell = |topic: &str| {
            serde_json::json!({
                "topic": topic, "status": "graded", "points": 36, "score": 36.0, "message": null, "sources": null,
                "seed": null, "unsteady": [], "checks": [], "hidden": [hidden],
            })
        };
        let mut tried = cell("echo");
        tried["attempt"] = 3.into();
        tried["others"] = serde_json::json!([
            { "attempt": 1, "status": "graded", "points": 31, "score": 27.9 },
            { "attempt": 2, "status": "does-not-compile", "points": 0, "score": 0.0 },
            { "attempt": 4, "status": "graded", "points": 8, "score": 8.0 },
        ]);
        let row = serde_json::json!({
            "student": "ada", "name": "", "email": "", "entries": [], "flags": [], "notes": [],
            "labs": [tried, cell("names")], "total": 108.0, "max": 117.0, "late_days": 0,
        });
        serde_json::from_value(serde_json::json!({
            "version": course::VERSION, "course": "", "sandbox": "", "toolchain": "", "students": [row],
            "labs": [lab("echo", weight), lab("names", 1.0)],
        }))
        .unwrap()
    }

    fn said(weight: f64) -> String {
        let class = class(weight);
        page(&class, &class.students[0])
    }

    #[test]
    fn what_a_lab_counts_is_said_where_labs_count_differently() {
        let twice = said(2.0);
        for line in [
            "| lab | points | of | counts | |\n|---|---:|---:|---:|---|\n",
            "| echo | 36 | 39 | × 2 |  |\n",
            "| names | 36 | 39 | × 1 |  |\n",
        ] {
            assert!(twice.contains(line), "no {line} in {twice}");
        }
        let same = said(1.0);
        assert!(
            same.contains("| lab | points | of | |\n|---|---:|---:|---|\n| echo | 36 | 39 |  |\n"),
            "{same}"
        );
    }

    #[test]
    fn hidden_points_are_points() {
        let page = said(1.0);
        assert!(page.contains("not handed out: 1 of 3 points\n"), "{page}");
    }

    #[test]
    fn each_other_attempt_is_told() {
        let page = said(1.0);
        let told = "- Attempt 3 counts; attempt 1 earned 31, 27.9 count; attempt 2: does not compile; attempt 4 earned 8.\n";
        assert!(page.contains(told), "{page}");
    }
}
