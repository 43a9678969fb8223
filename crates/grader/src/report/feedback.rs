//! What a student gets: the points of each lab, and of each check that failed its transcript.

use std::fmt::Write as _;

use course::{Kind, Verdict};

use super::{Cell, Class, Column, Row, Status, number, safe};

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
    page.push_str("| lab | points | of |\n|---|---:|---:|\n");
    for (lab, cell) in class.labs.iter().zip(&row.labs) {
        let points = cell
            .points
            .map_or("–".to_owned(), |points| points.to_string());
        let title = safe::inline(&lab.title);
        let _ = writeln!(page, "| {title} | {points} | {} |", lab.max_points);
    }
    for (lab, cell) in class.labs.iter().zip(&row.labs) {
        section(&mut page, lab, cell);
    }
    page
}

fn section(page: &mut String, lab: &Column, cell: &Cell) {
    if cell.status == Status::Missing {
        return;
    }
    let _ = writeln!(page, "\n## {}\n", safe::inline(&lab.title));
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
        Status::Missing | Status::Graded => {
            for check in &cell.checks {
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
                let _ = writeln!(
                    page,
                    "- {mark}: `{}`, {} of {}{bonus}",
                    check.name, check.points, check.max_points
                );
            }
            for check in cell
                .checks
                .iter()
                .filter(|check| check.verdict == Verdict::Failed)
            {
                let _ = writeln!(page, "\n### `{}`\n", check.name);
                page.push_str(&safe::fenced(check.message.as_deref().unwrap_or_default()));
            }
        }
    }
}
