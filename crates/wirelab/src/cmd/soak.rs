//! `cargo lab soak`

use std::fmt::Write as _;

use course::soak::{Load, WrongReport};
use course::workshop::WorkshopError;
use course::{Cancel, Lab, Options, RunError, Runner, Soak, SoakReport, Subject, Verdict};
use serde::Serialize;

use crate::cli;
use crate::interrupt;
use crate::report::count_of;
use crate::session::{Session, Unusable};
use crate::terminal::{Terminal, Tone};

/// The JSON.
#[derive(Serialize)]
struct Soaked<'r, R> {
    version: u32,
    times: usize,
    busy: bool,
    labs: &'r [R],
}

/// Runs a lab's checks, or every lab's, many times; 1 when one of them failed once, or was passed once by a wrong answer.
///
/// # Errors
/// When there is no such lab, or its program cannot be built.
pub fn run(session: &Session, args: &cli::Soak) -> anyhow::Result<u8> {
    let labs: Vec<&Lab> = match &args.lab {
        Some(name) => vec![session.lab(name)?],
        None => session.course.labs().iter().collect(),
    };
    let load = if args.busy { Load::Busy } else { Load::Idle };
    let soak = Soaking {
        session,
        args,
        soak: Soak::times(args.times).under(load),
        cancel: Cancel::new(),
    };
    let interrupted = soak.cancel.clone();
    interrupt::listen(move || interrupted.cancel())?;
    let good = if args.wrong {
        soak.each(
            &labs,
            |lab| soak.wrong_answers_of(lab),
            WrongReport::all_failed,
        )?
    } else {
        soak.each(&labs, |lab| soak.checks_of(lab), SoakReport::all_passed)?
    };
    Ok(match (soak.cancel.is_cancelled(), good) {
        (_, false) => 1,
        (true, true) => interrupt::EXIT_CODE,
        (false, true) => 0,
    })
}

/// What all labs are run with.
struct Soaking<'s> {
    session: &'s Session,
    args: &'s cli::Soak,
    soak: Soak,
    cancel: Cancel,
}

impl Soaking<'_> {
    /// Does so with each lab, none where it is cancelled meanwhile, and prints the reports; whether all are good.
    fn each<R: Serialize + InWords>(
        &self,
        labs: &[&Lab],
        report_on: impl Fn(&Lab) -> anyhow::Result<Option<R>>,
        is_good: impl Fn(&R) -> bool,
    ) -> anyhow::Result<bool> {
        let terminal = &self.session.terminal;
        let mut reports = Vec::new();
        for lab in labs {
            if self.cancel.is_cancelled() {
                break;
            }
            let Some(report) = report_on(lab)? else {
                break;
            };
            terminal.clear_status();
            if !self.args.json {
                terminal.write(&report.in_words(self.args.times, terminal))?;
            }
            reports.push(report);
        }
        if self.args.json {
            let soaked = Soaked {
                version: 1,
                times: self.args.times,
                busy: self.args.busy,
                labs: &reports,
            };
            terminal.line(&serde_json::to_string_pretty(&soaked)?)?;
        }
        Ok(reports.iter().all(is_good))
    }

    fn building(&self, lab: &Lab) {
        let line = format!("building {}…", lab.topic);
        self.session.terminal.status(&line);
    }

    fn checks_of(&self, lab: &Lab) -> anyhow::Result<Option<SoakReport>> {
        let mut options = Options::from_environment();
        options.subject = if self.args.mine {
            Subject::Lab
        } else {
            Subject::Solution
        };
        let mut failed = 0;
        let report = self.soak.run(
            &Runner::new(lab, options),
            &self.cancel,
            |_| self.building(lab),
            |run, checks| {
                failed += usize::from(checks.iter().any(|check| check.verdict == Verdict::Failed));
                self.session.terminal.status(&format!(
                    "{}: {run} of {} runs, {failed} with a failure…",
                    lab.topic, self.args.times
                ));
            },
        );
        match report {
            Ok(report) => Ok(Some(report)),
            Err(RunError::Cancelled) => Ok(None),
            Err(error) => Err(Unusable(error.to_string()).into()),
        }
    }

    fn wrong_answers_of(&self, lab: &Lab) -> anyhow::Result<Option<WrongReport>> {
        if lab.solution_dir().is_none() {
            let why = format!(
                "{} has no wrong answers here: they lie with the solutions",
                lab.topic
            );
            return Err(Unusable(why).into());
        }
        let report = self.soak.run_wrong(
            &self.session.course,
            lab,
            &Options::from_environment(),
            &self.cancel,
            |_| self.building(lab),
            |runs, through| {
                self.session.terminal.status(&format!(
                    "{}: {runs} runs of its wrong answers, {through} got through…",
                    lab.topic
                ));
            },
        );
        match report {
            Ok(report) => Ok(Some(report)),
            Err(WorkshopError::Run(RunError::Cancelled)) => Ok(None),
            Err(error) => Err(Unusable(error.to_string()).into()),
        }
    }
}

/// What can be said to a person.
trait InWords {
    fn in_words(&self, times: usize, terminal: &Terminal) -> String;
}

/// How many runs came to their end, of so many that were asked for.
fn runs_of(runs: usize, times: usize) -> String {
    if runs == times {
        count_of(times, "run")
    } else {
        format!("{runs} of {times} runs, then interrupted")
    }
}

impl InWords for WrongReport {
    fn in_words(&self, times: usize, terminal: &Terminal) -> String {
        let through = self.checks.iter().filter(|check| check.passes > 0).count();
        let verdict = if self.all_failed() {
            terminal.paint(Tone::Good, "none gets through")
        } else {
            let text = format!("{} let one through", count_of(through, "check"));
            terminal.paint(Tone::Bad, &text)
        };
        let fewest = self.checks.iter().map(|check| check.runs).min();
        let runs = runs_of(fewest.unwrap_or(times), times);
        let answers = count_of(self.answers, "wrong answer");
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{:<20} {answers}, {runs} each: {verdict} · {:.1} s",
            self.lab, self.seconds
        );
        for check in &self.checks {
            if check.skipped > 0 {
                let _ = writeln!(
                    out,
                    "  SKIPPED {} times, which is not failed: {} with {}",
                    check.skipped, check.name, check.answer
                );
            }
            if check.passes > 0 {
                let seed = check.first_seed.as_ref();
                let seed = seed.map_or_else(String::new, |seed| {
                    format!(", first with WIRELAB_SEED={seed}")
                });
                let _ = writeln!(
                    out,
                    "  {} {} of {} times: {} with {}{seed}",
                    terminal.paint(Tone::Bad, "PASSED"),
                    check.passes,
                    check.runs,
                    check.name,
                    check.answer
                );
            }
        }
        out
    }
}

impl InWords for SoakReport {
    fn in_words(&self, times: usize, terminal: &Terminal) -> String {
        let mut out = String::new();
        let verdict = if self.all_passed() {
            terminal.paint(Tone::Good, "no failure")
        } else {
            let text = format!("{} with a failure", count_of(self.failed_runs, "run"));
            terminal.paint(Tone::Bad, &text)
        };
        let runs = runs_of(self.runs, times);
        let _ = writeln!(
            out,
            "{:<20} {runs}: {verdict} · {:.1} s, the slowest {:.2} s",
            self.lab, self.seconds, self.slowest_run_seconds
        );
        for check in &self.checks {
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
        let first = self
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
}
