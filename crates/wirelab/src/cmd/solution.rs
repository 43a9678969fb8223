//! `cargo lab solution`

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use course::Lab;
use similar::{ChangeTag, DiffTag, TextDiff};

use crate::cli::{self, Layout};
use crate::session::Session;
use crate::standing::{LabStanding, State};
use crate::terminal::{Terminal, Tone, tell};

/// Below this width a line of code beside a line of code is too narrow to read.
const ROOM_FOR_TWO: usize = 140;

/// Compares the learner's files with the reference.
///
/// # Errors
/// When there is no such lab, or a file cannot be read.
pub fn run(session: &Session, args: &cli::Solution) -> anyhow::Result<u8> {
    let lab = session.lab(&args.lab)?;
    let Some(reference) = lab.solution_dir() else {
        tell(&format!(
            "This copy of the course has no solutions; whoever gave it to you has the one of {}.",
            lab.topic
        ));
        return Ok(1);
    };
    let standing = LabStanding::of(lab, &session.progress());
    if standing.passed_at.is_none() && !args.spoil {
        tell(&refusal(&standing));
        return Ok(1);
    }
    if args.open {
        for file in &lab.edit {
            let path = reference.join(file);
            opener::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        }
        return Ok(0);
    }
    let terminal = &session.terminal;
    let layout = args.layout.unwrap_or(if terminal.width() >= ROOM_FOR_TWO {
        Layout::Side
    } else {
        Layout::Unified
    });
    for file in &lab.edit {
        let yours = read(&lab.dir().join(file))?;
        let ours = read(&reference.join(file))?;
        let text = match layout {
            Layout::Side => side_by_side(lab, file, &yours, &ours, terminal),
            Layout::Unified => unified(lab, file, &yours, &ours, terminal),
        };
        terminal.write(&text)?;
    }
    let page = lab
        .steps
        .first()
        .map_or_else(String::new, |step| step.section.page().to_string());
    let line = format!("\"After you pass\" asks about one difference: book/src/{page}#after");
    let book = session.live_book();
    terminal.line(&format!(
        "\n{}",
        terminal.with_links(&line, session.root(), book.as_deref())
    ))?;
    Ok(0)
}

fn refusal(standing: &LabStanding) -> String {
    let open = standing.core_checks - standing.core_passed;
    let why = match standing.state {
        State::New => "none of its checks was run yet".to_string(),
        _ => format!(
            "{open} of its {} core checks are open",
            standing.core_checks
        ),
    };
    format!(
        "The solution of {lab} is for afterwards: {why}. `cargo lab hint {lab}` helps in small steps; `cargo lab solution {lab} --spoil` shows it all the same.",
        lab = standing.lab
    )
}

fn read(path: &Path) -> anyhow::Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n")),
        // A file that the learner has removed is an empty one to compare with.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn unified(lab: &Lab, file: &Path, yours: &str, ours: &str, terminal: &Terminal) -> String {
    let file = file.display();
    let diff = TextDiff::from_lines(yours, ours);
    let mut out = String::new();
    out.push_str(&terminal.paint(
        Tone::Strong,
        &format!(
            "--- yours     labs/{0}/{file}\n+++ reference solutions/{0}/{file}\n",
            lab.folder
        ),
    ));
    if yours == ours {
        out.push_str("The same, to the letter.\n");
        return out;
    }
    for group in diff.grouped_ops(3) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let range = |from: std::ops::Range<usize>, to: std::ops::Range<usize>| {
            format!("{},{}", from.start + 1, to.end - from.start)
        };
        let place = format!(
            "@@ -{} +{} @@",
            range(first.old_range(), last.old_range()),
            range(first.new_range(), last.new_range())
        );
        out.push_str(&(terminal.paint(Tone::Quiet, &place) + "\n"));
        for op in group {
            for change in diff.iter_changes(&op) {
                let line = change.value().trim_end_matches('\n');
                let line = match change.tag() {
                    ChangeTag::Equal => format!(" {line}"),
                    ChangeTag::Delete => terminal.paint(Tone::Bad, &format!("-{line}")),
                    ChangeTag::Insert => terminal.paint(Tone::Good, &format!("+{line}")),
                };
                out.push_str(&(line + "\n"));
            }
        }
    }
    out
}

fn side_by_side(lab: &Lab, file: &Path, yours: &str, ours: &str, terminal: &Terminal) -> String {
    let half = (terminal.width().max(60) - 3) / 2;
    let mut out = String::new();
    let name = file.display();
    let mut row = |left: &str, sign: char, right: &str, tones: [Option<Tone>; 2]| {
        let (left, right) = (pieces(left, half), pieces(right, half));
        for n in 0..left.len().max(right.len()) {
            let of = |side: &[String], tone: Option<Tone>| {
                let text = format!("{:<half$}", side.get(n).map_or("", String::as_str));
                match tone {
                    Some(tone) => terminal.paint(tone, &text),
                    None => text,
                }
            };
            let line = format!("{} {sign} {}", of(&left, tones[0]), of(&right, tones[1]));
            out.push_str(line.trim_end());
            out.push('\n');
        }
    };
    let headings = [
        format!("yours: labs/{}/{name}", lab.folder),
        format!("reference: solutions/{}/{name}", lab.folder),
    ];
    row(
        &headings[0],
        '│',
        &headings[1],
        [Some(Tone::Strong), Some(Tone::Strong)],
    );
    let diff = TextDiff::from_lines(yours, ours);
    let left: Vec<&str> = yours.lines().collect();
    let right: Vec<&str> = ours.lines().collect();
    for op in diff.ops() {
        let (old, new) = (op.old_range(), op.new_range());
        let (sign, tones) = match op.tag() {
            DiffTag::Equal => ('│', [None, None]),
            DiffTag::Delete => ('<', [Some(Tone::Bad), None]),
            DiffTag::Insert => ('>', [None, Some(Tone::Good)]),
            DiffTag::Replace => ('≠', [Some(Tone::Bad), Some(Tone::Good)]),
        };
        for n in 0..old.len().max(new.len()) {
            let line = |lines: &[&str], range: &std::ops::Range<usize>| {
                (n < range.len())
                    .then(|| lines.get(range.start + n).copied())
                    .flatten()
                    .unwrap_or_default()
                    .to_string()
            };
            row(&line(&left, &old), sign, &line(&right, &new), tones);
        }
    }
    out
}

/// A line cut into pieces of at most `width` columns; an empty one is one empty piece.
fn pieces(line: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = line.replace('\t', "    ").chars().collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters
        .chunks(width.max(1))
        .map(|piece| piece.iter().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn a_long_line_is_cut_and_nothing_of_it_lost() {
        assert_eq!(pieces("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(pieces("", 3), [""]);
    }
}
