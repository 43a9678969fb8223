//! `cargo lab derive`

use course::Lab;
use course::derive::{Difference, Source};

use crate::cli;
use crate::report::count_of;
use crate::session::{Session, Unusable};
use crate::terminal::{Tone, tell};

/// Makes the starters in `labs` from the solutions, or says which of them differ.
///
/// # Errors
/// When a solution's marks do not fit together, or a file cannot be written.
pub fn run(session: &Session, args: &cli::Derive) -> anyhow::Result<u8> {
    let labs: Vec<&Lab> = match &args.lab {
        Some(name) => vec![session.lab(name)?],
        None => session.course.labs().iter().collect(),
    };
    let mut differ = 0;
    for broken in session.course.broken() {
        if args.lab.is_none() {
            tell(&format!(
                "error: {} cannot be used: {}",
                broken.folder, broken.error
            ));
            differ += 1;
        }
    }
    let terminal = &session.terminal;
    for lab in labs {
        // In a learner's copy a starter is kept, and the lab's files are the learner's work.
        let Some(source @ Source::Solution(_)) = lab.starter_source() else {
            return Err(Unusable(format!(
                "there is no solution of {topic} here to derive its starter from; `cargo lab reset {topic}` puts the starter back, and keeps your files",
                topic = lab.topic
            ))
            .into());
        };
        let starter = source.starter(lab)?;
        if args.check {
            for (path, difference) in starter.differences(&lab.dir())? {
                let how = match difference {
                    Difference::Missing => "is missing",
                    Difference::Changed => "differs from the starter that the solution gives",
                    Difference::Extra => "has no counterpart in the solution",
                };
                terminal.line(&format!(
                    "{} labs/{}/{} {how}",
                    terminal.paint(Tone::Bad, "error:"),
                    lab.folder,
                    path.display()
                ))?;
                differ += 1;
            }
            continue;
        }
        let written = starter.write(&lab.dir())?;
        for path in &written {
            terminal.line(&format!("written  labs/{}/{}", lab.folder, path.display()))?;
        }
        for (path, difference) in starter.differences(&lab.dir())? {
            if difference == Difference::Extra {
                tell(&format!(
                    "warning: labs/{}/{} has no counterpart in the solution; remove it",
                    lab.folder,
                    path.display()
                ));
            }
        }
        let regions: usize = starter.files.iter().map(|file| file.regions).sum();
        let files = match written.len() {
            0 => "up to date".to_string(),
            n => format!("{} written", count_of(n, "file")),
        };
        terminal.line(&format!(
            "{}: {files}, {} to write",
            lab.topic,
            count_of(regions, "place")
        ))?;
    }
    if args.check && differ == 0 {
        terminal.line("Every starter is the one that its solution gives.")?;
    } else if args.check {
        tell("`cargo lab derive` makes them anew; mend the solution where the starter is right");
    }
    Ok(u8::from(differ > 0))
}
