//! What is said after the last check: the failure to begin with.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Mutex, Once, PoisonError};

use crate::lab::Place;
use crate::verdict::Verdict;

struct Entry {
    /// Core checks before bonus ones, each in the order of lab.toml; what is not listed comes last.
    order: (bool, usize),
    name: &'static str,
    /// How many core checks the lab has.
    core: usize,
    verdict: Verdict,
    text: String,
}

static ENTRIES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
static ONCE: Once = Once::new();

/// Makes sure that the summary is printed when the process ends.
pub(crate) fn prepare() {
    ONCE.call_once(|| crate::sys::at_exit(print));
}

pub(crate) fn add(place: &Place, name: &'static str, verdict: Verdict, text: String) {
    ENTRIES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Entry {
            order: (place.bonus, place.number.wrapping_sub(1)),
            name,
            core: place.core,
            verdict,
            text,
        });
}

/// Said where every core check has passed: what is open is a choice, however red it looks.
fn core_is_complete(all: &[Entry]) -> Option<String> {
    let core = all.first()?.core;
    let named = |bonus: bool, verdict: Verdict| {
        let names: BTreeSet<&str> = all
            .iter()
            .filter(|entry| entry.order.0 == bonus && entry.verdict == verdict)
            .map(|entry| entry.name)
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
extern "C" fn print() {
    let mut all = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|entry| (entry.order, entry.name));
    let mut out = String::new();
    let failed: Vec<&Entry> = all
        .iter()
        .filter(|entry| entry.verdict == Verdict::Failed)
        .collect();
    if let Some(line) = core_is_complete(&all) {
        let _ = writeln!(out, "\n{line}");
    }
    if let [first, _, ..] = failed.as_slice() {
        let _ = writeln!(
            out,
            "\nStart here, with the first of {} that failed:\n\n{}",
            failed.len(),
            first.text
        );
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
