//! Running the checks' executable, and joining the verdicts that testkit writes.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Event, RunError, Runner, Selection, patience};
use crate::process::{self, Cancel, Ending, Heard, Tail};
use crate::{Check, CheckReport, Points, VERSION, Verdict};

/// Checks mostly wait, so more of them run at a time than there are cores.
const THREADS: &str = "16";

/// What libtest's own words for a test can be.
const RESULTS: [&str; 3] = ["ok", "FAILED", "ignored"];

pub(super) fn judge(
    runner: &Runner<'_>,
    executable: &Path,
    checks: &[&Check],
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event),
) -> Result<Vec<CheckReport>, RunError> {
    on_event(Event::Running {
        checks: checks.len(),
    });
    let place = runner.options.verdicts.clone();
    let folder = tempfile::Builder::new()
        .prefix("wirelab-")
        .tempdir_in(place.unwrap_or_else(std::env::temp_dir))
        .map_err(RunError::Verdicts)?;
    let mut desk = Desk {
        checks,
        folder: folder.path(),
        reports: HashMap::new(),
        said: HashMap::new(),
        output: Tail::default(),
        listing: true,
    };
    let command = command(runner, executable, checks, folder.path())?;
    let limit = runner.options.deadline.mul_f64(patience());
    let ending = process::run(
        command,
        Instant::now() + limit,
        cancel,
        |heard| match heard {
            Heard::Out(line) => desk.hear(line, on_event),
            Heard::Err(line) => desk.output.push(line),
        },
    )
    .map_err(|source| RunError::Checks {
        path: executable.to_owned(),
        source,
    })?;
    if matches!(ending, Ending::Cancelled) {
        return Err(RunError::Cancelled);
    }
    desk.collect(on_event);
    Ok(checks
        .iter()
        .map(|check| desk.report(check, &ending, limit, on_event))
        .collect())
}

/// The report of a check that could not be run because there is no program.
pub(super) fn not_run(check: &Check) -> CheckReport {
    report(
        check,
        Verdict::Failed,
        0.0,
        Some("Not run: the program does not compile.".to_owned()),
        None,
    )
}

fn command(
    runner: &Runner<'_>,
    executable: &Path,
    checks: &[&Check],
    verdicts: &Path,
) -> Result<Command, RunError> {
    let options = &runner.options;
    let mut command = Command::new(executable);
    // As `cargo test` does, so that relative paths mean the same.
    command.current_dir(runner.package_dir()?);
    if options.selection != Selection::All {
        command
            .arg("--exact")
            .args(checks.iter().map(|check| check.path()));
    }
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        command.env("RUST_TEST_THREADS", THREADS);
    }
    // Where a check of ours panics, its transcript is of use and the way through libtest is not.
    command
        .env("RUST_BACKTRACE", "0")
        .env_remove("RUST_TEST_NOCAPTURE")
        .env("WIRELAB_VERDICTS", verdicts);
    let mut set = |name: &str, value: Option<&std::ffi::OsStr>| {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    };
    set(
        "WIRELAB_PROGRAM",
        options.program.as_deref().map(Path::as_os_str),
    );
    set(
        "WIRELAB_LAUNCHER",
        options.launcher.as_deref().map(Path::as_os_str),
    );
    // Only with a launcher of which it is known.
    set("WIRELAB_FORK_SERVER", None);
    set("WIRELAB_SEED", options.seed.as_deref().map(AsRef::as_ref));
    command.envs(
        options
            .environment
            .iter()
            .map(|(name, value)| (name, value)),
    );
    Ok(command)
}

/// The verdicts as they come in.
struct Desk<'a> {
    checks: &'a [&'a Check],
    folder: &'a Path,
    reports: HashMap<String, CheckReport>,
    /// What libtest says of each test: the word, and why it was ignored.
    said: HashMap<String, (String, Option<String>)>,
    output: Tail,
    /// Whether libtest still lists results. What it prints afterwards is what the tests wrote, and
    /// so may be anything.
    listing: bool,
}

impl Desk<'_> {
    /// A line of libtest: mostly that a test has ended, and so that its verdict is there.
    fn hear(&mut self, line: &str, on_event: &mut dyn FnMut(Event)) {
        self.output.push(line);
        if line == "failures:" {
            self.listing = false;
        }
        if let Some((path, word, reason)) = result(line)
            && self.listing
        {
            self.said
                .entry(path.to_owned())
                .or_insert((word.to_owned(), reason.map(str::to_owned)));
            self.collect(on_event);
        }
    }

    /// Reads the verdicts of the tests that have ended since. A test that is still running may
    /// open its check several times, so what it has written so far says nothing yet.
    fn collect(&mut self, on_event: &mut dyn FnMut(Event)) {
        for check in self.checks {
            let Some((word, _)) = self.said.get(&check.path()) else {
                continue;
            };
            if self.reports.contains_key(&check.name) {
                continue;
            }
            let Some(report) = self.read(check) else {
                continue;
            };
            // libtest has the last word: what panicked has not passed.
            if word == "FAILED" && report.verdict == Verdict::Passed {
                continue;
            }
            on_event(Event::CheckDone(report.clone()));
            self.reports.insert(check.name.clone(), report);
        }
    }

    /// What a check's verdict file says.
    fn read(&self, check: &Check) -> Option<CheckReport> {
        let text = std::fs::read(self.folder.join(format!("{}.json", check.name))).ok()?;
        Some(read_verdict(check, &text))
    }

    fn report(
        &mut self,
        check: &Check,
        ending: &Ending,
        limit: Duration,
        on_event: &mut dyn FnMut(Event),
    ) -> CheckReport {
        if let Some(report) = self.reports.remove(&check.name) {
            return report;
        }
        // A test that did not come to its end may still have said why it failed, but not that it
        // passed.
        if let Some(report) = self
            .read(check)
            .filter(|report| report.verdict != Verdict::Passed)
        {
            on_event(Event::CheckDone(report.clone()));
            return report;
        }
        let path = check.path();
        let failed = |why: String| {
            // What libtest kept of the test, or else the last that anybody said.
            let (what, tail) = match self
                .output
                .section(&format!("---- {path} stdout ----"), "  | ")
            {
                Some(section) => ("Its output", section),
                None => ("The end of the output", self.output.text(30, "  | ")),
            };
            let tail = if tail.is_empty() {
                String::new()
            } else {
                format!("\n{what}:\n{tail}")
            };
            report(
                check,
                Verdict::Failed,
                0.0,
                Some(format!("{why}{tail}")),
                None,
            )
        };
        let made = match (self.said.get(&path), ending) {
            (Some((word, reason)), _) if word == "ignored" => {
                let reason = reason
                    .clone()
                    .unwrap_or_else(|| "it is not run on this system".to_owned());
                report(check, Verdict::Skipped(reason), 0.0, None, None)
            }
            (Some((word, _)), _) if word == "ok" => failed(format!(
                "The test {path} ended without a verdict: it does not open a check with `check!()`."
            )),
            (Some(_), _) => failed(format!(
                "The test {path} broke off without a verdict: the check itself is at fault, not your program."
            )),
            (None, Ending::TimedOut) => failed(format!(
                "Stopped: all the checks together took longer than {} s. Set WIRELAB_PATIENCE=3 on a slow machine.",
                limit.as_secs()
            )),
            (None, Ending::Exited(status)) if status.success() || self.said_of_others(&path) => {
                failed(format!(
                    "There is no test {path} in tests/checks.rs: write it there, or take the check out of lab.toml."
                ))
            }
            (None, Ending::Exited(status)) => failed(format!(
                "The check's process ended without a verdict of this check ({}).",
                how(*status)
            )),
            (None, Ending::Cancelled) => failed("Cancelled.".to_owned()),
        };
        on_event(Event::CheckDone(made.clone()));
        made
    }

    /// Whether libtest came to its end, so that a test it did not mention is not there.
    fn said_of_others(&self, path: &str) -> bool {
        let asked: HashSet<String> = self.checks.iter().map(|check| check.path()).collect();
        !self.listing
            && asked
                .iter()
                .filter(|other| *other != path)
                .all(|other| self.said.contains_key(other))
    }
}

/// `test step_1::name ... ignored, needs Linux` → the test's path, libtest's word, the reason.
fn result(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let (path, said) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let (word, reason) = match said.split_once(", ") {
        Some((word, reason)) => (word, Some(reason)),
        None => (said, None),
    };
    RESULTS.contains(&word).then_some((path, word, reason))
}

/// What testkit writes, one file a check.
#[derive(Deserialize)]
struct Record {
    version: u32,
    check: String,
    verdict: String,
    seconds: f64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    seed: String,
    #[serde(default)]
    need: String,
}

fn read_verdict(check: &Check, text: &[u8]) -> CheckReport {
    let unreadable = |why: String| {
        let message = format!(
            "The verdict of this check cannot be read: {why}. Build testkit and the tools anew."
        );
        report(check, Verdict::Failed, 0.0, Some(message), None)
    };
    let record: Record = match serde_json::from_slice(text) {
        Ok(record) => record,
        Err(error) => return unreadable(error.to_string()),
    };
    if record.version != VERSION {
        return unreadable(format!("it has version {}, not {VERSION}", record.version));
    }
    if record.check != check.name {
        return unreadable(format!("it is of `{}`", record.check));
    }
    let message = (!record.message.is_empty()).then_some(record.message);
    let seed = (!record.seed.is_empty()).then_some(record.seed);
    let seconds = if record.seconds.is_finite() {
        record.seconds.max(0.0)
    } else {
        0.0
    };
    let made = match record.verdict.as_str() {
        "passed" => report(check, Verdict::Passed, seconds, None, seed),
        "failed" => report(check, Verdict::Failed, seconds, message, seed),
        // The program could not be started: the check failed, and said nothing of it.
        "unjudged" => return report(check, Verdict::Failed, seconds, message, seed),
        "skipped" => {
            let reason = message.unwrap_or_else(|| "it gave no reason".to_owned());
            report(check, Verdict::Skipped(reason), seconds, None, seed)
        }
        other => return unreadable(format!("`{other}` is no verdict")),
    };
    CheckReport {
        need: Some(record.need).filter(|need| !need.is_empty()),
        judged: true,
        ..made
    }
}

fn report(
    check: &Check,
    verdict: Verdict,
    seconds: f64,
    message: Option<String>,
    seed: Option<String>,
) -> CheckReport {
    CheckReport {
        name: check.name.clone(),
        points: if verdict == Verdict::Passed {
            check.points
        } else {
            Points(0)
        },
        verdict,
        max_points: check.points,
        seconds,
        step: check.step,
        kind: check.kind,
        message,
        section: check.section.clone(),
        seed,
        need: None,
        judged: false,
    }
}

fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return format!("killed by signal {signal}");
        }
    }
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::result;

    #[test]
    fn libtest_says_how_a_test_ended() {
        assert_eq!(
            result("test step_1::works ... ok"),
            Some(("step_1::works", "ok", None))
        );
        assert_eq!(
            result("test step_1::works ... FAILED"),
            Some(("step_1::works", "FAILED", None))
        );
        assert_eq!(
            result("test step_1::works ... ignored, needs Linux, and more"),
            Some(("step_1::works", "ignored", Some("needs Linux, and more")))
        );
        assert_eq!(result("test result: ok. 1 passed"), None);
    }
}
