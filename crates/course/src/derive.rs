//! Starters, made from solutions: what is marked becomes `todo!`, the rest stays as it is.
//!
//! Two kinds of region are marked in a solution's files:
//!
//! ```text
//!     // write: "what the learner is to write"
//!     …                                          becomes  todo!("what the learner is to write")
//!     // end
//!
//!     // only:
//!     …                                          vanishes, with the blank lines before it
//!     // end
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use crate::problem::Problem;
use crate::{CourseError, Lab, files};

/// The lines at the top of each derived file with something to write. A bare starter has unused
/// variables and imports everywhere; these keep it quiet, and say themselves when they can go.
pub const LINTS: &str = "#![expect(unused, reason = \"once all of it is written, delete these two lines\")]\n#![warn(unused_must_use)]\n";

const WRITE: &str = "// write:";
const ONLY: &str = "// only:";
const END: &str = "// end";

/// Where a lab's starter comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// It is derived from the solution in this folder.
    Solution(PathBuf),
    /// It is kept in this folder, as a handout has it.
    Kept(PathBuf),
}

/// The folder, beside `labs`, in which a handout keeps its starters.
pub const KEPT: &str = "starters";

/// A lab's starter: the files of its `src`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Starter {
    /// The files, in order.
    pub files: Vec<StarterFile>,
}

/// One file of a starter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StarterFile {
    /// Its path, relative to the lab's folder: `src/serve.rs`.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// How many places of it are to be written.
    pub regions: usize,
}

/// How a file in a folder differs from the starter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is not there.
    Missing,
    /// It has another content.
    Changed,
    /// It is there, and the starter has no such file.
    Extra,
}

impl Source {
    pub(crate) fn of(lab: &Lab) -> Option<Source> {
        let kept = lab.root().join(KEPT).join(&lab.folder);
        lab.solution_dir()
            .map(Source::Solution)
            .or_else(|| kept.is_dir().then_some(Source::Kept(kept)))
    }

    /// The starter of `lab`, made anew.
    ///
    /// # Errors
    /// A file that cannot be read, or marks that do not fit together.
    pub fn starter(&self, lab: &Lab) -> Result<Starter, CourseError> {
        let (dir, derived) = match self {
            Source::Solution(dir) => (dir, true),
            Source::Kept(dir) => (dir, false),
        };
        let mut starter = Starter { files: Vec::new() };
        for name in files::below(&dir.join("src"))? {
            let path = Path::new("src").join(name);
            let from = dir.join(&path);
            let bytes = fs::read(&from).map_err(|source| CourseError::Unreadable {
                path: from.clone(),
                source,
                advice: "make it readable and try again",
            })?;
            let shown = from.strip_prefix(lab.root()).unwrap_or(&from).to_owned();
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            let file = match String::from_utf8(bytes) {
                Ok(text) if is_rust && derived => {
                    let derived = text_of(&text, &shown)?;
                    StarterFile {
                        path,
                        bytes: derived.text.into_bytes(),
                        regions: derived.regions,
                    }
                }
                Ok(text) => StarterFile {
                    path,
                    bytes: text.into_bytes(),
                    regions: 0,
                },
                Err(_) if is_rust && derived => {
                    let reason = "is not UTF-8, which Rust's sources are; write it again as UTF-8"
                        .to_owned();
                    return Err(Problem {
                        file: shown,
                        line: None,
                        place: None,
                        reason,
                    }
                    .into());
                }
                Err(binary) => StarterFile {
                    path,
                    bytes: binary.into_bytes(),
                    regions: 0,
                },
            };
            starter.files.push(file);
        }
        Ok(starter)
    }
}

impl Starter {
    /// Writes the starter into the lab's folder `dest` (its files land in `dest/src`), and only
    /// the files that differ. Returns those that it wrote.
    ///
    /// Files that the starter does not have stay where they are; see
    /// [`differences`](Starter::differences).
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, dest: &Path) -> Result<Vec<PathBuf>, CourseError> {
        let mut written = Vec::new();
        for file in &self.files {
            let path = dest.join(&file.path);
            let there = fs::read(&path).is_ok_and(|there| same(&there, &file.bytes));
            if !there && files::put(&path, &file.bytes)? {
                written.push(file.path.clone());
            }
        }
        Ok(written)
    }

    /// How the `src` in the lab's folder `dest` differs from the starter, in order of the paths.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn differences(&self, dest: &Path) -> Result<Vec<(PathBuf, Difference)>, CourseError> {
        let mut out = Vec::new();
        for file in &self.files {
            match fs::read(dest.join(&file.path)) {
                Ok(there) if same(&there, &file.bytes) => {}
                Ok(_) => out.push((file.path.clone(), Difference::Changed)),
                Err(_) => out.push((file.path.clone(), Difference::Missing)),
            }
        }
        for name in files::below(&dest.join("src"))? {
            let path = Path::new("src").join(name);
            if self.file(&path).is_none() {
                out.push((path, Difference::Extra));
            }
        }
        out.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(out)
    }

    /// The file at this path, relative to the lab's folder.
    pub fn file(&self, path: &Path) -> Option<&StarterFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Whether two files are the same but for how lines end, which git may change on its way.
fn same(one: &[u8], other: &[u8]) -> bool {
    let plain =
        |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map(|text| text.replace("\r\n", "\n"));
    one == other || matches!((plain(one), plain(other)), (Ok(one), Ok(other)) if one == other)
}

/// Derives the starter of `lab` and writes it into the lab's folder `dest`; only files that differ
/// are written, and named. A lab without a solution has nothing to derive from, and nothing is
/// written.
///
/// # Errors
/// A file that cannot be read or written, or marks that do not fit together.
pub fn lab(lab: &Lab, dest: &Path) -> Result<Vec<PathBuf>, CourseError> {
    match lab.starter_source() {
        Some(source) => source.starter(lab)?.write(dest),
        None => Ok(Vec::new()),
    }
}

/// A derived text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Derived {
    /// The starter's text.
    pub text: String,
    /// How many places of it are to be written.
    pub regions: usize,
    /// What the learner does not get, in order.
    pub removed: Vec<Removed>,
}

/// A marked region of a solution, without its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removed {
    /// The number of its first line, counted from 1.
    pub line: usize,
    /// Its lines.
    pub text: String,
}

/// The starter's text for a solution's text; `file` is how complaints name it.
///
/// # Errors
/// Marks that do not fit together, with file and line.
pub fn text_of(solution: &str, file: &Path) -> Result<Derived, Problem> {
    let lines: Vec<&str> = solution.lines().collect();
    let problem = |index: usize, reason: String| Problem {
        file: file.to_owned(),
        line: Some(index + 1),
        place: None,
        reason,
    };
    let mut out: Vec<String> = Vec::new();
    let mut regions = 0;
    let mut removed = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        match mark(line).map_err(|reason| problem(at, reason))? {
            None => {
                // What vanished may leave a blank line at the head of a block.
                let opens = out
                    .last()
                    .is_none_or(|last| last.is_empty() || last.ends_with('{'));
                let vanished = at > 0 && lines[at - 1].trim() == END;
                if !(vanished && line.trim().is_empty() && opens) {
                    out.push(line.to_owned());
                }
                at += 1;
            }
            Some(Mark::End) => {
                return Err(problem(
                    at,
                    format!(
                        "`{END}` without a region before it; begin one with `{WRITE} \"…\"` or `{ONLY}`, or take the line away"
                    ),
                ));
            }
            Some(Mark::Only) => {
                let end = end_of(&lines, at, &problem)?;
                removed.push(Removed::between(&lines, at, end));
                while out.last().is_some_and(String::is_empty) {
                    out.pop();
                }
                at = end + 1;
                // Where nothing is left above, no blank line is wanted either.
                if out.is_empty() {
                    while lines.get(at).is_some_and(|line| line.trim().is_empty()) {
                        at += 1;
                    }
                }
            }
            Some(Mark::Write(what)) => {
                let end = end_of(&lines, at, &problem)?;
                place(&lines, at, end, &problem)?;
                removed.push(Removed::between(&lines, at, end));
                out.push(todo(indent(line), &what));
                regions += 1;
                at = end + 1;
            }
        }
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    let mut text: String = out.iter().map(|line| format!("{line}\n")).collect();
    if regions > 0 {
        let documentation = text.lines().take_while(|line| line.starts_with("//!"));
        let top = documentation.map(|line| line.len() + 1).sum();
        text.insert_str(top, LINTS);
    }
    Ok(Derived {
        text,
        regions,
        removed,
    })
}

impl Removed {
    /// The region whose marks stand in the lines `start` and `end`, counted from 0.
    fn between(lines: &[&str], start: usize, end: usize) -> Removed {
        Removed {
            line: start + 2,
            text: lines[start + 1..end].join("\n"),
        }
    }
}

enum Mark {
    Write(String),
    Only,
    End,
}

/// The mark that a line is, or a complaint about one that is nearly a mark.
fn mark(line: &str) -> Result<Option<Mark>, String> {
    let trimmed = line.trim();
    let Some(comment) = trimmed.strip_prefix("//") else {
        return Ok(None);
    };
    if comment.starts_with(['/', '!']) {
        return Ok(None);
    }
    if trimmed == END {
        return Ok(Some(Mark::End));
    }
    if trimmed == ONLY {
        return Ok(Some(Mark::Only));
    }
    if let Some(what) = trimmed.strip_prefix(WRITE) {
        let what = what.trim();
        let text = what
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        return match text {
            Some(text) if !text.is_empty() && quotes_are_escaped(text) => {
                Ok(Some(Mark::Write(text.to_owned())))
            }
            _ => Err(format!(
                "`{WRITE}` needs on its own line what to write, in double quotes: `{WRITE} \"…\"`"
            )),
        };
    }
    let words = comment.trim().to_lowercase();
    for (near, exact) in [("end", END), ("only", ONLY), ("write", WRITE)] {
        let alike = match words.strip_prefix(near).map(str::trim_start) {
            Some("" | ":" | ".") => true,
            Some(rest) => near == "write" && rest.starts_with(':'),
            None => false,
        };
        if alike {
            let quoted = if exact == WRITE { " \"…\"" } else { "" };
            return Err(format!(
                "`{trimmed}` is nearly a mark; write exactly `{exact}{quoted}`, or say it in other words"
            ));
        }
    }
    Ok(None)
}

fn quotes_are_escaped(text: &str) -> bool {
    let mut escaped = false;
    for c in text.chars() {
        match c {
            '"' if !escaped => return false,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    !escaped
}

/// The line that ends the region that begins at `start`.
fn end_of(
    lines: &[&str],
    start: usize,
    problem: &impl Fn(usize, String) -> Problem,
) -> Result<usize, Problem> {
    for (at, line) in lines.iter().enumerate().skip(start + 1) {
        match mark(line).map_err(|reason| problem(at, reason))? {
            None => {}
            Some(Mark::End) => return Ok(at),
            Some(_) => {
                let reason = format!(
                    "a region begins inside the one of line {}; end that with `{END}` first, for regions do not nest",
                    start + 1
                );
                return Err(problem(at, reason));
            }
        }
    }
    Err(problem(
        start,
        format!("the region that begins here never ends; write `{END}` after its last line"),
    ))
}

/// Whether the `write` region of lines `start` to `end` is the whole rest of a function that can
/// be `todo!`. The sources are formatted, so indentation tells where blocks begin and end.
fn place(
    lines: &[&str],
    start: usize,
    end: usize,
    problem: &impl Fn(usize, String) -> Problem,
) -> Result<(), Problem> {
    let depth = indent(lines[start]).len();
    let outside = |line: &&str| !line.trim().is_empty() && indent(line).len() < depth;
    let header = (0..start)
        .rev()
        .find(|at| outside(&lines[*at]) && !lines[*at].trim_start().starts_with("//"));
    let Some(header) = header else {
        return Err(problem(
            start,
            format!(
                "this region stands in no function; `{WRITE}` is for functions, and `{ONLY}` for what vanishes"
            ),
        ));
    };
    let outer = indent(lines[header]).len();
    // A signature may span lines: its first line is the nearest above with `fn` at that depth.
    let mut first = header;
    let opens = lines[header].trim_end().ends_with('{');
    while opens && !is_function(lines[first]) && first > 0 && indent(lines[header]).len() == outer {
        let above = lines[first - 1];
        let goes_on = !above.trim().is_empty() && !above.trim_end().ends_with(['{', '}', ';']);
        if !goes_on {
            break;
        }
        first -= 1;
    }
    if !opens || !is_function(lines[first]) {
        return Err(problem(
            start,
            format!(
                "this region stands inside `{}` of line {}; a region is the whole rest of its function, so begin it in the function's own block",
                lines[header].trim(),
                header + 1
            ),
        ));
    }
    let signature = lines[first..=header].join(" ");
    let mut words = returned(&signature).split(|c: char| !(c.is_alphanumeric() || c == '_'));
    if words.any(|word| word == "impl") {
        return Err(problem(
            start,
            format!(
                "the function of line {} returns `impl …`, where `todo!` does not compile; return a type with a name or a box",
                first + 1
            ),
        ));
    }
    let Some(next) = (end + 1..lines.len()).find(|at| !lines[*at].trim().is_empty()) else {
        return Err(problem(
            end,
            "the function does not end after this region; close it with `}`".to_owned(),
        ));
    };
    if lines[next].trim() != "}" || indent(lines[next]).len() != outer {
        return Err(problem(
            next,
            format!(
                "given code follows the region of line {}, where nothing is ever reached; move it before the region, or into it",
                start + 1
            ),
        ));
    }
    Ok(())
}

/// What stands after a signature's own arrow, up to its `where`: the arrows of parameters and
/// bounds are in brackets.
fn returned(signature: &str) -> &str {
    let mut depth = 0;
    let bytes = signature.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let arrow = *byte == b'>' && at > 0 && bytes[at - 1] == b'-';
        match byte {
            b'>' if arrow && depth == 0 => {
                return signature[at + 1..]
                    .split(" where")
                    .next()
                    .unwrap_or_default();
            }
            b'>' if arrow => {}
            b'(' | b'[' | b'<' => depth += 1,
            b')' | b']' | b'>' => depth -= 1,
            _ => {}
        }
    }
    ""
}

/// Whether the line begins a function: `pub(crate) fn name`.
fn is_function(line: &str) -> bool {
    let code = line.trim_start();
    let words = code
        .split_whitespace()
        .take_while(|word| !word.contains('{'));
    for word in words {
        if word == "fn" {
            return true;
        }
        let before = ["pub", "const", "async", "unsafe", "extern", "default"];
        if !(before.contains(&word) || word.starts_with("pub(") || word.starts_with('"')) {
            return false;
        }
    }
    false
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The line, or lines where it is long, as rustfmt would have them.
fn todo(indent: &str, what: &str) -> String {
    // The text is a format string to `todo!`.
    let what = what.replace('{', "{{").replace('}', "}}");
    let line = format!("{indent}todo!(\"{what}\")");
    if line.chars().count() <= 100 {
        return line;
    }
    format!("{indent}todo!(\n{indent}    \"{what}\"\n{indent})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derive(solution: &str) -> Result<String, String> {
        text_of(solution, Path::new("solutions/08-framing/src/frame.rs"))
            .map(|derived| derived.text)
            .map_err(|problem| problem.to_string())
    }

    fn complaint(solution: &str) -> String {
        derive(solution).expect_err("there is something to complain about")
    }

    #[test]
    fn a_region_becomes_todo_and_the_file_gets_its_lints() {
        let starter = derive(
            "//! A frame.\n//! Two lines.\nuse std::io;\n\n/// Encodes.\npub fn encode(payload: &[u8]) -> Vec<u8> {\n    let given = 1;\n    // write: \"the length, then the payload\"\n    let mut out = vec![];\n    // a comment\n    out\n    // end\n}\n",
        );
        assert_eq!(
            starter.unwrap(),
            "//! A frame.\n//! Two lines.\n#![expect(unused, reason = \"once all of it is written, delete these two lines\")]\n#![warn(unused_must_use)]\nuse std::io;\n\n/// Encodes.\npub fn encode(payload: &[u8]) -> Vec<u8> {\n    let given = 1;\n    todo!(\"the length, then the payload\")\n}\n"
        );
    }

    #[test]
    fn only_regions_vanish_with_the_blank_lines_before_them() {
        let starter = derive(
            "use std::io;\n// only:\nuse std::fmt;\n// end\n\nfn given() {}\n\n\n// only:\nfn helper() {}\n// end\n\nfn also_given() {}\n\n// only:\nfn last() {}\n// end\n",
        );
        assert_eq!(
            starter.unwrap(),
            "use std::io;\n\nfn given() {}\n\nfn also_given() {}\n"
        );
    }

    #[test]
    fn an_only_region_at_the_head_leaves_no_blank_line() {
        let starter = derive(
            "// only:\nuse std::fmt;\n// end\n\nfn given() {}\n\nimpl A {\n    // only:\n    fn b() {}\n    // end\n\n    fn c() {}\n}\n",
        );
        assert_eq!(
            starter.unwrap(),
            "fn given() {}\n\nimpl A {\n    fn c() {}\n}\n"
        );
    }

    #[test]
    fn a_file_without_regions_stays_as_it_is() {
        let given = "//! Given.\n\nfn main() {}\n";
        assert_eq!(derive(given).unwrap(), given);
    }

    #[test]
    fn a_signature_may_span_lines_and_a_method_is_a_function() {
        let starter = derive(
            "impl A {\n    pub(crate) fn run<R>(\n        &self,\n        from: &mut impl Read,\n    ) -> io::Result<R>\n    where\n        R: Read,\n    {\n        // write: \"all of it\"\n        loop {}\n        // end\n    }\n}\n",
        );
        assert!(
            starter
                .unwrap()
                .contains("    {\n        todo!(\"all of it\")\n    }\n")
        );
    }

    #[test]
    fn braces_in_the_text_are_no_placeholders() {
        let starter =
            derive("fn f() {\n    // write: \"match {it} with \\\"x\\\"\"\n    // end\n}\n");
        assert!(
            starter
                .unwrap()
                .contains("todo!(\"match {{it}} with \\\"x\\\"\")")
        );
    }

    #[test]
    fn a_long_text_stands_on_a_line_of_its_own() {
        let what = "a ".repeat(60) + "b";
        let starter = derive(&format!(
            "fn f() {{\n    // write: \"{what}\"\n    // end\n}}\n"
        ))
        .unwrap();
        assert!(
            starter.contains(&format!("    todo!(\n        \"{what}\"\n    )\n}}\n")),
            "{starter}"
        );
    }

    #[test]
    fn marks_that_do_not_fit_together_are_named_with_their_line() {
        assert_eq!(
            complaint("fn f() {\n    // write: \"x\"\n    1;\n}\n"),
            "solutions/08-framing/src/frame.rs:2: the region that begins here never ends; write `// end` after its last line"
        );
        assert_eq!(
            complaint("fn f() {\n    // write: \"x\"\n    // only:\n    // end\n    // end\n}\n"),
            "solutions/08-framing/src/frame.rs:3: a region begins inside the one of line 2; end that with `// end` first, for regions do not nest"
        );
        assert_eq!(
            complaint("fn f() {}\n// end\n"),
            "solutions/08-framing/src/frame.rs:2: `// end` without a region before it; begin one with `// write: \"…\"` or `// only:`, or take the line away"
        );
        assert_eq!(
            complaint("fn f() {\n    // write: the rest\n    // end\n}\n"),
            "solutions/08-framing/src/frame.rs:2: `// write:` needs on its own line what to write, in double quotes: `// write: \"…\"`"
        );
        assert_eq!(
            complaint("fn f() {\n    //write: \"x\"\n    // end\n}\n"),
            "solutions/08-framing/src/frame.rs:2: `//write: \"x\"` is nearly a mark; write exactly `// write: \"…\"`, or say it in other words"
        );
        assert_eq!(
            complaint("fn f() {\n    // write: \"x\"\n    // End.\n}\n"),
            "solutions/08-framing/src/frame.rs:3: `// End.` is nearly a mark; write exactly `// end`, or say it in other words"
        );
    }

    #[test]
    fn a_region_is_the_rest_of_a_function_that_can_be_todo() {
        assert_eq!(
            complaint(
                "fn f() -> u8 {\n    // write: \"x\"\n    let n = 1;\n    // end\n    n\n}\n"
            ),
            "solutions/08-framing/src/frame.rs:5: given code follows the region of line 2, where nothing is ever reached; move it before the region, or into it"
        );
        assert_eq!(
            complaint("fn f() {\n    loop {\n        // write: \"x\"\n        // end\n    }\n}\n"),
            "solutions/08-framing/src/frame.rs:3: this region stands inside `loop {` of line 2; a region is the whole rest of its function, so begin it in the function's own block"
        );
        assert_eq!(
            complaint("// write: \"x\"\nfn f() {}\n// end\n"),
            "solutions/08-framing/src/frame.rs:1: this region stands in no function; `// write:` is for functions, and `// only:` for what vanishes"
        );
        assert_eq!(
            complaint(
                "fn f(\n    a: u8,\n) -> Box<impl Iterator> {\n    // write: \"x\"\n    // end\n}\n"
            ),
            "solutions/08-framing/src/frame.rs:4: the function of line 1 returns `impl …`, where `todo!` does not compile; return a type with a name or a box"
        );
        assert!(
            derive("fn f(a: impl Fn() -> u8) -> u8 {\n    // write: \"x\"\n    // end\n}\n")
                .is_ok()
        );
        assert!(derive("fn f<G: Fn() -> u8>(a: impl Fn() -> u8, b: impl Read) {\n    // write: \"x\"\n    // end\n}\n").is_ok());
        assert!(derive("fn f(a: impl Fn() -> u8) {\n    // write: \"x\"\n    // end\n}\n").is_ok());
    }
}
