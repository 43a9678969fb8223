//! `cargo lab soak`

use std::fmt::Write as _;

use course::soak::Load;
use course::{Cancel, Lab, Options, RunError, Runner, Soak, SoakReport, Subject, Verdict};
use serde::Serialize;

use crate::cli;
use crate::interrupt;
use crate::report::count_of;
use crate::session::{Session, Unusable};
use crate::terminal::{Terminal, Tone};

/// The JSON.
#[derive(Serialize)]
struct Soaked {
    version: u32,
    times: usize,
    busy: bool,
    labs: Vec<SoakReport>,
}

/// Runs a lab's checks, or every lab's, many times; 1 when one of them failed once.
///
/// # Errors
/// When there is no such lab, or its program cannot be built.
pub fn run(session: &Session, args: &cli::Soak) -> anyhow::Result<u8> {
    let labs: Vec<&Lab> = match &args.lab {
        Some(name) => vec![session.lab(name)?],
        None => session.course.labs().iter().collect(),
    };
    let mut options = Options::from_environment();
    options.subject = if args.mine {
        Subject::Lab
    } else {
        Subject::Solution
    };
    let load = if args.busy { Load::Busy } else { Load::Idle };
    let soak = Soak::times(args.times).under(load);

    let cancel = Cancel::new();
    let interrupted = cancel.clone();
    interrupt::listen(move || interrupted.cancel())?;

    let terminal = &session.terminal;
    let mut reports = Vec::new();
    for lab in labs {
        if cancel.is_cancelled() {
            break;
        }
        let mut failed = 0;
        let runner = Runner::new(lab, options.clone());
        let report = soak.run(
            &runner,
            &cancel,
            |_| terminal.status(&format!("building {}…", lab.topic)),
            |run, checks| {
                failed += usize::from(checks.iter().any(|check| check.verdict == Verdict::Failed));
                terminal.status(&format!(
                    "{}: {run} of {} runs, {failed} with a failure…",
                    lab.topic, args.times
                ));
            },
        );
        let report = match report {
            Ok(report) => report,
            Err(RunError::Cancelled) => break,
            Err(error) => return Err(Unusable(error.to_string()).into()),
        };
        terminal.clear_status();
        if !args.json {
            terminal.write(&in_words(&report, args.times, terminal))?;
        }
        reports.push(report);
    }
    let all_passed = reports.iter().all(SoakReport::all_passed);
    if args.json {
        let soaked = Soaked {
            version: 1,
            times: args.times,
            busy: args.busy,
            labs: reports,
        };
        terminal.line(&serde_json::to_string_pretty(&soaked)?)?;
    }
    Ok(match (cancel.is_cancelled(), all_passed) {
        (_, false) => 1,
        (true, true) => interrupt::EXIT_CODE,
        (false, true) => 0,
    })
}

fn in_words(report: &SoakReport, times: usize, terminal: &Terminal) -> String {
    let mut out = String::new();
    let verdict = if report.all_passed() {
        terminal.paint(Tone::Good, "no failure")
    } else {
        let text = format!("{} with a failure", count_of(report.failed_runs, "run"));
        terminal.paint(Tone::Bad, &text)
    };
    let runs = if report.runs == times {
        count_of(times, "run")
    } else {
        format!("{} of {times} runs, then interrupted", report.runs)
    };
    let _ = writeln!(
        out,
        "{:<20} {runs}: {verdict} · {:.1} s, the slowest {:.2} s",
        report.lab, report.seconds, report.slowest_run_seconds
    );
    for check in &report.checks {
        if check.skipped > 0 {
            let _ = writeln!(
                out,
                "  SKIPPED {} times, which is not passed: {}",
                check.skipped, check.name
            );
        }
        if check.failures > 0 {
            let _ = writeln!(
                out,
                "  {} {} times: {}, at most {:.2} s",
                terminal.paint(Tone::Bad, "FAILED"),
                check.failures,
                check.name,
                check.slowest_seconds
            );
        }
    }
    let first = report
        .checks
        .iter()
        .filter_map(|check| Some((check, check.first_failure.as_ref()?)))
        .min_by_key(|(_, failure)| failure.run);
    if let Some((_, failure)) = first {
        let _ = writeln!(out, "\nThe first, in run {}:", failure.run);
        if let Some(seed) = &failure.seed {
            let _ = writeln!(out, "with WIRELAB_SEED={seed}");
        }
        let _ = writeln!(out, "{}", failure.message.trim_end());
    }
    out
}
