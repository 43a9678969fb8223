//! What is said after the last check: the failure to begin with.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Mutex, Once, PoisonError};

use crate::lab::Place;
use crate::verdict::Verdict;

struct Entry {
    /// The text of the `lab.toml`.
    lab: &'static str,
    name: &'static str,
    verdict: Verdict,
    text: String,
}

/// An entry, and where its check stands in the lab.
struct Placed<'e> {
    /// Core checks before bonus ones, each in the order of lab.toml; what is not listed comes last.
    order: (bool, usize),
    /// How many core checks the lab has.
    core: usize,
    entry: &'e Entry,
}

impl Placed<'_> {
    fn of(entry: &Entry) -> Placed<'_> {
        let place = Place::find(entry.lab, entry.name);
        Placed {
            order: (place.bonus, place.number.wrapping_sub(1)),
            core: place.core,
            entry,
        }
    }
}

static ENTRIES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
static ONCE: Once = Once::new();

/// Makes sure that the summary is printed when the process ends.
pub(crate) fn prepare() {
    ONCE.call_once(|| crate::sys::at_exit(print));
}

pub(crate) fn add(lab: &'static str, name: &'static str, verdict: Verdict, text: String) {
    ENTRIES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Entry {
            lab,
            name,
            verdict,
            text,
        });
}

/// Said where every core check has passed: what is open is a choice, however red it looks.
fn core_is_complete(all: &[Placed<'_>]) -> Option<String> {
    let core = all.first()?.core;
    let named = |bonus: bool, verdict: Verdict| {
        let names: BTreeSet<&str> = all
            .iter()
            .filter(|placed| placed.order.0 == bonus && placed.entry.verdict == verdict)
            .map(|placed| placed.entry.name)
            .collect();
        names.len()
    };
    let open = named(true, Verdict::Failed);
    let complete = named(false, Verdict::Failed) + named(false, Verdict::Skipped) == 0
        && named(false, Verdict::Passed) == core;
    (complete && open > 0).then(|| {
        let bonus = if open == 1 {
            "1 bonus check is open: it is".to_string()
        } else {
            format!("{open} bonus checks are open: they are")
        };
        format!(
            "The core is complete: all {core} of its checks pass. {bonus} for whoever wants more."
        )
    })
}

/// libtest prints failures in order of completion; the one to read first is the first by step.
fn failures(all: &[Entry], out: &mut String) {
    let mut all: Vec<Placed<'_>> = all.iter().map(Placed::of).collect();
    all.sort_by_key(|placed| (placed.order, placed.entry.name));
    if let Some(line) = core_is_complete(&all) {
        let _ = writeln!(out, "\n{line}");
    }
    let failed: Vec<&Entry> = all
        .iter()
        .map(|placed| placed.entry)
        .filter(|entry| entry.verdict == Verdict::Failed)
        .collect();
    if let [first, _, ..] = failed.as_slice() {
        let _ = writeln!(
            out,
            "\nStart here, with the first of {} that failed:\n\n{}",
            failed.len(),
            first.text
        );
    }
}

/// What is to be said when the process ends.
extern "C" fn print() {
    let all = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut out = String::new();
    if all.iter().any(|entry| entry.verdict == Verdict::Failed) {
        failures(&all, &mut out);
    }
    let skipped = all
        .iter()
        .filter(|entry| entry.verdict == Verdict::Skipped)
        .count();
    if skipped > 0 {
        let _ = writeln!(
            out,
            "\n{skipped} SKIPPED, which is not passed; the reasons stand above"
        );
    }
    let _ = std::io::stderr().write_all(out.as_bytes());
}
