//! What the book states about the kernel, tried on this system and put beside the book's words.
//!
//! A [`Probe`] asks one question on loopback and says in a few words what came of it. The book's answer
//! stands beside the question and nowhere else. Nothing leaves the machine.

use std::fmt;
use std::io;

mod broadcast;
mod buffers;
mod gone;
mod names;
mod pair;
mod reuse;
mod states;
mod stream;
mod udp;

/// One stated behaviour, and how to see it.
pub struct Probe {
    /// What is done and asked.
    pub asked: &'static str,
    /// What the book says comes of it.
    pub book: &'static str,
    /// Where the book says so.
    pub system: System,
    /// How often it is tried.
    pub tries: usize,
    /// Tries it once.
    pub run: fn() -> io::Result<String>,
}

/// Where a probe can run, and the book's answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Everywhere.
    Any,
    /// On Linux; elsewhere it is not tried.
    Linux,
}

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every try gave what the book says.
    Same,
    /// Some did not.
    Differs,
    /// It could not be tried; why.
    NotHere(String),
}

/// A row of the table.
pub struct Row {
    /// The section it belongs to.
    pub section: &'static str,
    /// The question and the book's answer.
    pub probe: Probe,
    /// What the tries gave, and how often, in order of appearance.
    pub here: Vec<(String, usize)>,
    /// The comparison.
    pub verdict: Verdict,
}

/// All probes, by section, in the book's order.
pub fn sections() -> Vec<(&'static str, Vec<Probe>)> {
    vec![
        ("Names", names::probes()),
        ("States", states::probes()),
        ("Stream, not messages", stream::probes()),
        ("Buffers", buffers::probes()),
        ("A peer that is gone", gone::probes()),
        ("UDP", udp::probes()),
        ("Reuse and backlog", reuse::probes()),
        ("Broadcast", broadcast::probes()),
    ]
}

/// Runs every probe, one after the other.
pub fn run() -> Vec<Row> {
    let sections = sections().into_iter();
    sections
        .flat_map(|(section, probes)| probes.into_iter().map(move |probe| try_it(section, probe)))
        .collect()
}

/// Runs every probe and prints the table to `out`.
///
/// # Errors
/// It cannot be written.
pub fn print(out: &mut impl io::Write) -> io::Result<()> {
    let rows = run();
    let mut section = "";
    for row in &rows {
        if row.section != section {
            section = row.section;
            writeln!(out, "{section}")?;
        }
        writeln!(out, "{row}")?;
    }
    let count =
        |wanted: fn(&Verdict) -> bool| rows.iter().filter(|row| wanted(&row.verdict)).count();
    writeln!(
        out,
        "{} same, {} different, {} not on this system",
        count(|verdict| *verdict == Verdict::Same),
        count(|verdict| *verdict == Verdict::Differs),
        count(|verdict| matches!(verdict, Verdict::NotHere(_))),
    )
}

fn try_it(section: &'static str, probe: Probe) -> Row {
    let mut here: Vec<(String, usize)> = Vec::new();
    let mut verdict = Verdict::Same;
    if probe.system == System::Linux && !cfg!(target_os = "linux") {
        verdict = Verdict::NotHere("the book says so of Linux only".into());
    } else {
        for _ in 0..probe.tries {
            match (probe.run)() {
                Ok(got) => match here.iter_mut().find(|(known, _)| *known == got) {
                    Some((_, times)) => *times += 1,
                    None => here.push((got, 1)),
                },
                Err(error) => {
                    verdict = Verdict::NotHere(error.to_string());
                    break;
                }
            }
        }
    }
    if verdict == Verdict::Same && here.iter().any(|(got, _)| got != probe.book) {
        verdict = Verdict::Differs;
    }
    Row {
        section,
        probe,
        here,
        verdict,
    }
}

/// Four lines: the question, the book, this system, the comparison.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here: Vec<String> = self
            .here
            .iter()
            .map(|(got, times)| format!("{got} ({times} of {})", self.probe.tries))
            .collect();
        let verdict = match &self.verdict {
            Verdict::Same => "same".to_string(),
            Verdict::Differs => "differs".to_string(),
            Verdict::NotHere(reason) => format!("not on this system: {reason}"),
        };
        writeln!(f, "  {}", self.probe.asked)?;
        writeln!(f, "    the book  {}", self.probe.book)?;
        if !here.is_empty() {
            writeln!(f, "    here      {}", here.join("; "))?;
        }
        writeln!(f, "    {verdict}")
    }
}

/// The name of a call's result: `Ok`, or the kind of its error.
fn outcome<T>(result: io::Result<T>) -> String {
    match result {
        Ok(_) => "Ok".into(),
        Err(error) => format!("{:?}", error.kind()),
    }
}
