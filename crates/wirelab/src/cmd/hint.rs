//! `cargo lab hint`

use course::{Lab, Step};
use serde::Serialize;

use crate::cli;
use crate::progress::Progress;
use crate::session::{Session, Unusable};
use crate::standing::LabStanding;
use crate::terminal::Tone;

/// The JSON.
#[derive(Serialize)]
struct Ladder<'a> {
    version: u32,
    lab: &'a str,
    step: usize,
    title: &'a str,
    section: String,
    /// The rungs seen so far, the latest one last.
    hints: &'a [String],
    rungs: usize,
}

/// Shows the next rung.
///
/// # Errors
/// When there is no such lab or check, or standard output takes no more.
pub fn run(session: &Session, args: &cli::Hint) -> anyhow::Result<u8> {
    let lab = session.lab_or_next(args.lab.as_deref())?;
    let step = step(session, lab, args.check.as_deref())?;
    if args.reset {
        session.remember(|progress| {
            rungs(progress, lab).remove(&step.number);
        });
        session.terminal.line(&format!(
            "The hints of {}, step {} begin anew.",
            lab.topic, step.number
        ))?;
        return Ok(0);
    }
    let seen = if args.again {
        seen(&session.progress(), lab, step)
    } else {
        climb(session, lab, step)
    };
    let shown = &step.hints[..seen];
    if args.json {
        let ladder = Ladder {
            version: 1,
            lab: &lab.topic,
            step: step.number,
            title: &step.title,
            section: step.section.to_string(),
            hints: shown,
            rungs: step.hints.len(),
        };
        session
            .terminal
            .line(&serde_json::to_string_pretty(&ladder)?)?;
    } else {
        session
            .terminal
            .write(&in_words(session, lab, step, shown, args.again))?;
    }
    Ok(0)
}

/// The hint that follows, in words, for the first unfinished step.
#[must_use]
pub fn next(session: &Session, lab: &Lab) -> String {
    match step(session, lab, None) {
        Ok(step) => {
            let seen = climb(session, lab, step);
            in_words(session, lab, step, &step.hints[..seen], false)
        }
        Err(error) => format!("{error}\n"),
    }
}

/// The step of the check; or the first unfinished one.
fn step<'a>(session: &Session, lab: &'a Lab, check: Option<&str>) -> anyhow::Result<&'a Step> {
    let number = match check {
        Some(name) => lab
            .check(name)
            .map(|check| check.step)
            .or_else(|| name.parse().ok())
            .ok_or_else(|| {
                let names: Vec<&str> = lab.checks().map(|check| check.name.as_str()).collect();
                Unusable(format!(
                    "{} has no check `{name}`; its checks are {}",
                    lab.topic,
                    names.join(", ")
                ))
            })?,
        None => LabStanding::of(lab, &session.progress())
            .next
            .map_or(lab.steps.len(), |next| next.step),
    };
    lab.step(number).ok_or_else(|| {
        Unusable(format!(
            "{} has no step {number}; it has {}",
            lab.topic,
            lab.steps.len()
        ))
        .into()
    })
}

fn rungs<'a>(
    progress: &'a mut Progress,
    lab: &Lab,
) -> &'a mut std::collections::BTreeMap<usize, usize> {
    &mut progress.labs.entry(lab.topic.clone()).or_default().hints
}

fn seen(progress: &Progress, lab: &Lab, step: &Step) -> usize {
    progress
        .labs
        .get(&lab.topic)
        .and_then(|lab| lab.hints.get(&step.number))
        .map_or(0, |seen| (*seen).min(step.hints.len()))
}

/// Remembers one rung more and returns how many have been seen.
fn climb(session: &Session, lab: &Lab, step: &Step) -> usize {
    let mut now = seen(&session.progress(), lab, step);
    now = (now + 1).min(step.hints.len());
    session.remember(|progress| {
        // Another run may have climbed meanwhile.
        let rung = rungs(progress, lab).entry(step.number).or_default();
        *rung = now.max((*rung).min(step.hints.len()));
    });
    now
}

fn in_words(session: &Session, lab: &Lab, step: &Step, shown: &[String], all: bool) -> String {
    let terminal = &session.terminal;
    let heading = format!("{}, step {}: {}", lab.topic, step.number, step.title);
    let mut out = terminal.paint(Tone::Strong, &heading) + "\n";
    let from = if all {
        0
    } else {
        shown.len().saturating_sub(1)
    };
    if shown.is_empty() {
        out.push_str("No hint was shown yet.\n");
    }
    for (n, hint) in shown.iter().enumerate().skip(from) {
        out.push_str(&format!("\n{} of {}  ", n + 1, step.hints.len()));
        out.push_str(&wrapped(hint, 8, terminal.width().min(88)));
        out.push('\n');
    }
    let more = if shown.len() < step.hints.len() {
        format!("cargo lab hint {} shows more. ", lab.topic)
    } else {
        "That was the last one. ".to_string()
    };
    let reading = format!("{more}The chapter: book/src/{}", step.section);
    let book = session.live_book();
    out.push('\n');
    let reading = terminal.with_links(&reading, session.root(), book.as_deref());
    out.push_str(&terminal.paint(Tone::Quiet, &reading));
    out.push('\n');
    out
}

/// `text` in lines of at most `width` columns, all but the first indented. Lines that the author
/// broke stay as they are.
fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let mut lines = Vec::new();
    for line in text.trim_end().lines() {
        let margin: String = line.chars().take_while(|c| *c == ' ').collect();
        let mut current = margin.clone();
        for word in line.split_whitespace() {
            let empty = current.trim().is_empty();
            if !empty && current.chars().count() + 1 + word.chars().count() > room {
                lines.push(std::mem::replace(&mut current, margin.clone()));
            }
            if !current.trim().is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn a_hint_is_wrapped_between_words() {
        assert_eq!(
            wrapped("aaaa bbbb cccc dddd eeee ffff", 4, 24),
            "aaaa bbbb cccc dddd\n    eeee ffff"
        );
        assert_eq!(wrapped("one\n    two three", 2, 80), "one\n      two three");
    }
}
