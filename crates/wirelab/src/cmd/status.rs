//! `cargo lab status`

use std::fmt::Write as _;

use serde::Serialize;

use crate::cli;
use crate::report::{count_of, points};
use crate::session::Session;
use crate::standing::{LabStanding, Next, State, next_lab};
use crate::terminal::{Terminal, Tone};

/// The JSON.
#[derive(Serialize)]
struct Status<'a> {
    version: u32,
    title: &'a str,
    passed: usize,
    checks: usize,
    points: u32,
    max_points: u32,
    labs: &'a [LabStanding],
    broken: Vec<Broken<'a>>,
    next: Option<NextLab<'a>>,
}

#[derive(Serialize)]
struct Broken<'a> {
    folder: &'a str,
    problem: String,
}

#[derive(Serialize)]
struct NextLab<'a> {
    lab: &'a str,
    #[serde(flatten)]
    next: &'a Next,
    command: String,
}

/// Shows every lab.
///
/// # Errors
/// When standard output takes no more.
pub fn run(session: &Session, args: &cli::Status) -> anyhow::Result<u8> {
    let standings = session.standings();
    if args.json {
        let status = status(session, &standings);
        let text = serde_json::to_string_pretty(&status)?;
        session.terminal.line(&text)?;
    } else {
        session.terminal.write(&in_words(session, &standings))?;
    }
    Ok(0)
}

fn status<'a>(session: &'a Session, labs: &'a [LabStanding]) -> Status<'a> {
    Status {
        version: 1,
        title: &session.course.title,
        passed: labs.iter().map(|lab| lab.passed).sum(),
        checks: labs.iter().map(|lab| lab.checks).sum(),
        points: labs.iter().map(|lab| lab.points).sum(),
        max_points: labs.iter().map(|lab| lab.max_points).sum(),
        labs,
        broken: session
            .course
            .broken()
            .iter()
            .map(|broken| Broken {
                folder: &broken.folder,
                problem: broken.error.to_string(),
            })
            .collect(),
        next: next_lab(labs).and_then(|lab| {
            Some(NextLab {
                lab: &lab.lab,
                next: lab.next.as_ref()?,
                command: format!("cargo lab watch {}", lab.lab),
            })
        }),
    }
}

fn in_words(session: &Session, labs: &[LabStanding]) -> String {
    let terminal = &session.terminal;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}\n",
        terminal.paint(Tone::Strong, &session.course.title)
    );
    let width = labs
        .iter()
        .map(|lab| lab.lab.chars().count())
        .max()
        .unwrap_or(0);
    for lab in labs {
        let _ = writeln!(out, "{}", row(lab, width, terminal));
    }
    for broken in session.course.broken() {
        let _ = writeln!(
            out,
            "    {}  {} cannot be used: {}",
            terminal.paint(Tone::Bad, "✗"),
            broken.folder,
            broken.error
        );
    }
    let passed: usize = labs.iter().map(|lab| lab.passed).sum();
    let checks: usize = labs.iter().map(|lab| lab.checks).sum();
    let earned: u32 = labs.iter().map(|lab| lab.points).sum();
    let all: u32 = labs.iter().map(|lab| lab.max_points).sum();
    let _ = writeln!(
        out,
        "\n{passed} of {} passed · {earned} of {}",
        count_of(checks, "check"),
        points(all)
    );
    let book = session.live_book();
    if let Some(next) = next_step(labs) {
        let _ = writeln!(
            out,
            "{}",
            terminal.with_links(&next, session.root(), book.as_deref())
        );
    }
    out
}

fn row(lab: &LabStanding, width: usize, terminal: &Terminal) -> String {
    let (tone, sign) = match lab.state {
        State::New => (Tone::Quiet, "·"),
        State::Started => (Tone::Notice, "○"),
        State::Core => (Tone::Good, "●"),
        State::Complete => (Tone::Good, "✓"),
        State::Changed => (Tone::Notice, "≠"),
    };
    let words = if lab.state == State::New {
        format!("{} · {} min", lab.state.words(), lab.minutes)
    } else {
        lab.state.words().to_string()
    };
    format!(
        "{:>3} {}  {:<width$}  {:>2} of {:>2} checks  {:>3} of {:>3} points  {}",
        lab.number,
        terminal.paint(tone, sign),
        lab.lab,
        lab.passed,
        lab.checks,
        lab.points,
        lab.max_points,
        terminal.paint(tone, &words)
    )
}

/// What to do next, in one or two lines.
#[must_use]
pub fn next_step(labs: &[LabStanding]) -> Option<String> {
    let Some(lab) = next_lab(labs) else {
        return (!labs.is_empty()).then(|| "Every check of every lab has passed.".to_string());
    };
    let next = lab.next.as_ref();
    Some(match (lab.state, next) {
        (State::New, Some(next)) => format!(
            "Next   {}: {}\n       read book/src/{}, then cargo lab watch {}",
            lab.lab, lab.title, next.section, lab.lab
        ),
        (State::Changed, _) => format!(
            "Next   {} has changed since it passed: cargo lab check {}",
            lab.lab, lab.lab
        ),
        (State::Core, Some(next)) => format!(
            "Next   every core check has passed; bonus is open in {}, {}: cargo lab watch {}",
            lab.lab, next.check, lab.lab
        ),
        (_, Some(next)) => format!(
            "Next   {}, step {}: {}\n       cargo lab watch {}",
            lab.lab, next.step, next.title, lab.lab
        ),
        (_, None) => format!("Next   cargo lab check {}", lab.lab),
    })
}
