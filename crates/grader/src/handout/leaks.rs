//! Passages of the solutions that are left in a copy: found by shingles, runs of tokens that occur
//! in both. Single lines are alike everywhere; thirty tokens in a row are not.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use course::derive;
use course::{Course, Lab};

use crate::files::files_below;

/// How many tokens in a row make a passage.
const RUN: usize = 32;
/// A region shorter than this has nothing of its own: `Ok(n)` is everywhere.
pub(crate) const LEAST: usize = 24;

/// A passage that must not be handed out, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The file of the copy, relative to its folder.
    pub found: PathBuf,
    /// The line of it where the passage begins, counted from 1.
    pub line: usize,
    /// Where it comes from: `solutions/08-framing/src/frame.rs:12`.
    pub from: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{} has a passage of {}",
            self.found.display(),
            self.line,
            self.from
        )
    }
}

/// What must not be handed out.
#[derive(Debug, Default)]
pub struct Secrets {
    /// Each run of tokens with where it comes from, by length.
    runs: HashMap<usize, HashMap<Run, String>>,
}

impl Secrets {
    /// The marked regions of all solutions and the hidden checks of `course`. What stands in given
    /// code as well is no secret.
    ///
    /// # Errors
    /// A file that cannot be read, or marks that do not fit together.
    pub fn of(course: &Course) -> anyhow::Result<Secrets> {
        let mut secrets = Secrets::default();
        let mut given = HashSet::new();
        for lab in course.labs() {
            secrets.take(lab, &mut given)?;
        }
        for runs in secrets.runs.values_mut() {
            runs.retain(|run, _| !given.contains(run));
        }
        Ok(secrets)
    }

    fn take(&mut self, lab: &Lab, given: &mut HashSet<Run>) -> anyhow::Result<()> {
        let Some(solution) = lab.solution_dir() else {
            return Ok(());
        };
        for path in files_below(&solution.join("src"))? {
            let Some(text) = rust(&path)? else { continue };
            let shown = path.strip_prefix(lab.root()).unwrap_or(&path);
            let derived =
                derive::text_of(&text, shown).map_err(|problem| anyhow::anyhow!("{problem}"))?;
            for removed in &derived.removed {
                self.add(
                    &removed.text,
                    format!("{}:{}", shown.display(), removed.line),
                );
            }
            let tokens = tokens(&derived.text);
            for length in LEAST..=RUN {
                given.extend(runs(&tokens, length).map(|(_, run)| run));
            }
        }
        for path in files_below(&solution.join("hidden"))? {
            if let Some(text) = rust(&path)? {
                let shown = path.strip_prefix(lab.root()).unwrap_or(&path);
                self.add(&text, shown.display().to_string());
            }
        }
        Ok(())
    }

    fn add(&mut self, text: &str, from: String) {
        let tokens = tokens(text);
        if tokens.len() < LEAST {
            return;
        }
        let length = tokens.len().min(RUN);
        let of_length = self.runs.entry(length).or_default();
        for (_, run) in runs(&tokens, length) {
            of_length.entry(run).or_insert_with(|| from.clone());
        }
    }

    /// The first passage in `text` of each region that is in it.
    fn in_text(&self, text: &str) -> Vec<(usize, &str)> {
        let tokens = tokens(text);
        let mut found: Vec<(usize, &str)> = Vec::new();
        for (length, secret) in &self.runs {
            for (line, run) in runs(&tokens, *length) {
                if let Some(from) = secret.get(&run)
                    && !found.iter().any(|(_, known)| known == from)
                {
                    found.push((line, from));
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Every passage in the files below `dir`, each region once a file. The hints of a `lab.toml`
    /// lead up to the code by intention and are not looked at.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn below(&self, dir: &Path) -> anyhow::Result<Vec<Leak>> {
        let mut leaks = Vec::new();
        for path in files_below(dir)? {
            let bytes =
                fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            let Ok(mut text) = String::from_utf8(bytes) else {
                continue;
            };
            if path.file_name().is_some_and(|name| name == "lab.toml") {
                text = without_hints(&text);
            }
            let found = path.strip_prefix(dir).unwrap_or(&path);
            leaks.extend(self.in_text(&text).into_iter().map(|(line, from)| Leak {
                found: found.to_owned(),
                line,
                from: from.to_owned(),
            }));
        }
        Ok(leaks)
    }
}

fn rust(path: &Path) -> anyhow::Result<Option<String>> {
    if path.extension().is_none_or(|extension| extension != "rs") {
        return Ok(None);
    }
    fs::read_to_string(path)
        .map(Some)
        .with_context(|| format!("{} cannot be read", path.display()))
}

/// The text with its hints' lines emptied, so that lines keep their numbers.
fn without_hints(text: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in text.lines() {
        inside |= line.starts_with("hints");
        if !inside {
            out.push_str(line);
        }
        out.push('\n');
        inside &= !line.trim_end().ends_with(']');
    }
    out
}

/// A token and the line it stands in.
pub(crate) type Token<'t> = (usize, &'t str);

/// Words and single signs, without comments and white space.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let mut rest = line.find("//").map_or(line, |at| &line[..at]);
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            if !first.is_whitespace() {
                tokens.push((n + 1, token));
            }
            rest = after;
        }
    }
    tokens
}

/// The hash of a run of tokens.
pub(crate) type Run = u64;

/// Every run of `length` tokens, with the line where it begins.
pub(crate) fn runs(tokens: &[Token<'_>], length: usize) -> impl Iterator<Item = (usize, Run)> {
    tokens.windows(length).map(|window| {
        let mut hasher = DefaultHasher::new();
        for (_, token) in window {
            token.hash(&mut hasher);
        }
        (window[0].0, hasher.finish())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: &str = "let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;\nsocket.bind(&addr.into())?; // an address\nOk(socket)";

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add(REGION, "solutions/a/src/b.rs:3".into());
        secrets
    }

    #[test]
    fn finds_a_passage_however_it_is_laid_out() {
        let copied = format!(
            "one\ntwo\nfn f() {{\n    {} }}",
            REGION
                .replace('\n', " /**/ ")
                .replace("/**/", "\n\n")
                .replace("// an address", "")
        );
        let found = secrets()
            .in_text(&copied)
            .into_iter()
            .map(|(line, _)| line)
            .collect::<Vec<_>>();
        assert_eq!(found, [4]);
    }

    #[test]
    fn a_line_alone_is_no_passage() {
        let line = REGION.lines().next().expect("a line");
        let short = &line[..line.len() - 12];
        assert_eq!(secrets().in_text(short), []);
        assert_eq!(secrets().in_text("Ok(socket)"), []);
    }

    #[test]
    fn hints_are_left_out_and_nothing_else() {
        let toml = format!("hints = [\n  \"a\",\n  '''{REGION}''',\n]\nafter = '''\n{REGION}'''\n");
        let found = secrets().in_text(&without_hints(&toml)).len();
        assert_eq!(found, 1);
        assert_eq!(
            secrets().in_text(&without_hints(&toml[..toml.find("after").expect("it")])),
            []
        );
    }
}
