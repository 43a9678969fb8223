//! Prints what the book states beside what this system does. Exit code 0, whatever it is.
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let rows = facts::run();
    let mut section = "";
    for row in &rows {
        if row.section != section {
            section = row.section;
            writeln!(out, "{section}")?;
        }
        writeln!(out, "{row}")?;
    }
    let count = |wanted: fn(&facts::Verdict) -> bool| {
        rows.iter().filter(|row| wanted(&row.verdict)).count()
    };
    writeln!(
        out,
        "{} same, {} different, {} not on this system",
        count(|verdict| *verdict == facts::Verdict::Same),
        count(|verdict| *verdict == facts::Verdict::Differs),
        count(|verdict| matches!(verdict, facts::Verdict::NotHere(_))),
    )
}
