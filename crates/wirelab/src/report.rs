//! A lab's verdicts in words: every check by step, then the one to begin with.

use std::fmt::Write as _;

use course::{CheckReport, Diagnostic, Kind, Lab, LabReport, Level, Verdict};

use crate::terminal::{Terminal, Tone};

/// How much to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The first failure, and how many more there are.
    First,
    /// Everything.
    All,
}

/// Whose program was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged<'a> {
    /// The learner's.
    Yours,
    /// Another: the solution, or one that was named.
    Other(&'a str),
}

/// How failures are shown, besides what was seen.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    /// Where it goes.
    pub terminal: &'a Terminal,
    /// How much of it.
    pub extent: Extent,
    /// Where the book is served, if it is.
    pub book: Option<&'a str>,
    /// What shows everything, for a person to type or press.
    pub show_all: &'a str,
    /// Whose program was judged.
    pub subject: Judged<'a>,
}

/// The whole report, ending with a line feed.
#[must_use]
pub fn render(lab: &Lab, report: &LabReport, style: &Style<'_>) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}  {}",
        style
            .terminal
            .paint(Tone::Strong, &format!("{} · {}", lab.topic, lab.title)),
        style
            .terminal
            .paint(Tone::Quiet, &format!("labs/{}", lab.folder))
    );
    if let Judged::Other(program) = style.subject {
        let _ = writeln!(out, "judged: {program}, which is not your program");
    }
    if report.build.ok {
        checks(&mut out, lab, report, style);
        failures(&mut out, lab, report, style);
    } else {
        build(&mut out, lab, report, style);
    }
    let _ = writeln!(out, "\n{}", sum(report, style.terminal));
    if style.subject == Judged::Yours
        && let Some(line) = conclusion(lab, report, style.terminal)
    {
        let _ = writeln!(out, "{line}");
    }
    out
}

fn checks(out: &mut String, lab: &Lab, report: &LabReport, style: &Style<'_>) {
    let terminal = style.terminal;
    let width = report
        .checks
        .iter()
        .map(|check| check.name.chars().count())
        .max()
        .unwrap_or(0);
    for step in &lab.steps {
        let mut checks = report
            .checks
            .iter()
            .filter(|check| check.step == step.number)
            .peekable();
        if checks.peek().is_none() {
            continue;
        }
        let heading = format!("Step {}  {}", step.number, step.title);
        let _ = writeln!(out, "\n{}", terminal.paint(Tone::Strong, &heading));
        for check in checks {
            let (tone, word) = word(check);
            let mut aside = points(check.max_points.0);
            if check.kind == Kind::Bonus {
                aside.push_str(" · bonus");
            }
            if let Verdict::Skipped(reason) = &check.verdict {
                let _ = write!(aside, " · {}", first_line(reason));
            } else if check.seconds >= 1.0 {
                let _ = write!(aside, " · {:.1} s", check.seconds);
            }
            let _ = writeln!(
                out,
                "  {}  {:<width$}  {}",
                terminal.paint(tone, &format!("{word:<11}")),
                check.name,
                terminal.paint(Tone::Quiet, &aside)
            );
        }
    }
}

/// A check that reached a `todo!` has not gone wrong: nothing is there yet.
fn word(check: &CheckReport) -> (Tone, &'static str) {
    match &check.verdict {
        Verdict::Passed => (Tone::Good, "passed"),
        Verdict::Skipped(_) => (Tone::Notice, "SKIPPED"),
        Verdict::Failed if is_unwritten(check) => (Tone::Quiet, "not written"),
        Verdict::Failed => (Tone::Bad, "FAILED"),
    }
}

fn is_unwritten(check: &CheckReport) -> bool {
    check
        .message
        .as_deref()
        .is_some_and(|message| message.starts_with("NOT WRITTEN"))
}

fn failures(out: &mut String, lab: &Lab, report: &LabReport, style: &Style<'_>) {
    let Some(first) = report.start_here() else {
        return;
    };
    let _ = writeln!(out, "\n{}", failure(lab, first, style));
    let others = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Failed && check.name != first.name);
    if style.extent == Extent::All {
        for check in others {
            let _ = writeln!(out, "\n{}", failure(lab, check, style));
        }
        return;
    }
    let (unwritten, failed): (Vec<_>, Vec<_>) = others.partition(|check| is_unwritten(check));
    let mut counts = Vec::new();
    if !failed.is_empty() {
        counts.push(match failed.len() {
            1 => "1 more failed".to_string(),
            n => format!("{n} more failed"),
        });
    }
    if !unwritten.is_empty() {
        counts.push(format!("{} not written yet", unwritten.len()));
    }
    if !counts.is_empty() {
        let line = format!("{}; {} shows all", counts.join(", "), style.show_all);
        let _ = writeln!(out, "\n{}", style.terminal.paint(Tone::Quiet, &line));
    }
}

/// One failure in full, as the check told it.
fn failure(lab: &Lab, check: &CheckReport, style: &Style<'_>) -> String {
    let message = match check.message.as_deref().map(str::trim_end) {
        Some(message) if !message.is_empty() => message.to_string(),
        _ => format!("FAILED  {}\n  The check left no message.", check.name),
    };
    let linked = style.terminal.with_links(&message, lab.root(), style.book);
    for mark in ["FAILED", "NOT WRITTEN"] {
        if let Some(rest) = linked.strip_prefix(mark) {
            return style.terminal.paint(Tone::Bad, mark) + rest;
        }
    }
    linked
}

fn build(out: &mut String, lab: &Lab, report: &LabReport, style: &Style<'_>) {
    let build = &report.build;
    let terminal = style.terminal;
    let links = |text: &str| terminal.with_links(text.trim_end(), lab.root(), style.book);
    let does_not_compile = match build.errors {
        0 => format!("{} cannot be built.", lab.topic),
        1 => format!("{} does not compile.", lab.topic),
        n => format!(
            "{} does not compile: {n} errors, of which this is the first.",
            lab.topic
        ),
    };
    let _ = writeln!(out, "\n{}\n", terminal.paint(Tone::Bad, &does_not_compile));
    match (&build.first_error, style.extent) {
        (Some(first), Extent::First) => {
            let _ = writeln!(out, "{}", links(&first.rendered));
            let mut counts = Vec::new();
            if build.errors > 1 {
                counts.push(count_of(build.errors - 1, "more error"));
            }
            if build.warnings > 0 {
                counts.push(count_of(build.warnings, "warning"));
            }
            if !counts.is_empty() {
                let line = format!("{}; {} shows all", counts.join(", "), style.show_all);
                let _ = writeln!(out, "\n{}", terminal.paint(Tone::Quiet, &line));
            }
        }
        _ => {
            let _ = writeln!(out, "{}", links(&errors_first(build)));
        }
    }
}

/// Everything the compiler said, what stops it first.
fn errors_first(build: &course::BuildReport) -> String {
    if build.diagnostics.is_empty() {
        return build.output.clone();
    }
    let of = |level| {
        build
            .diagnostics
            .iter()
            .filter(move |diagnostic: &&Diagnostic| diagnostic.level == level)
    };
    of(Level::Error)
        .chain(of(Level::Warning))
        .map(|diagnostic| diagnostic.rendered.trim_end())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// The last line but one: how many, how much, how long.
fn sum(report: &LabReport, terminal: &Terminal) -> String {
    let mut parts = vec![format!(
        "{} of {} checks passed",
        report.passed,
        report.passed + report.failed
    )];
    if report.skipped > 0 {
        parts.push(format!("{} SKIPPED, which is not passed", report.skipped));
    }
    parts.push(format!(
        "{} of {}",
        report.points,
        points(report.max_points.0)
    ));
    parts.push(format!(
        "{:.1} s, of which {:.1} s to build",
        report.seconds, report.build.seconds
    ));
    let tone = if report.all_passed() {
        Tone::Good
    } else {
        Tone::Strong
    };
    terminal.paint(tone, &parts.join(" · "))
}

/// What it means for the lab as a whole, where the whole was checked.
fn conclusion(lab: &Lab, report: &LabReport, terminal: &Terminal) -> Option<String> {
    if !report.build.ok || report.checks.len() < lab.checks().count() || report.passed == 0 {
        return None;
    }
    if report.all_passed() {
        let mut line = terminal.paint(Tone::Good, "Complete.");
        // A copy without solutions has nothing to compare with.
        if lab.solution_dir().is_some() {
            let _ = write!(
                line,
                " Compare with the reference: cargo lab solution {}",
                lab.topic
            );
        }
        if report.build.warnings > 0 {
            let _ = write!(
                line,
                "\n{} of the compiler in your files: cargo build -p {} shows what may go",
                count_of(report.build.warnings, "warning"),
                lab.package()
            );
        }
        return Some(line);
    }
    report.done().then(|| {
        format!(
            "{} The lab is done; what still fails is extra.",
            terminal.paint(Tone::Good, "Core complete, bonus open.")
        )
    })
}

/// `1 point`, `2 points`
#[must_use]
pub fn points(points: u32) -> String {
    count_of(points as usize, "point")
}

/// `1 lab`, `2 labs`
#[must_use]
pub fn count_of(count: usize, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
