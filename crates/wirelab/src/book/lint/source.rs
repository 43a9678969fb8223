//! What an author may write: includes, Rust, transcripts, and no files left over.

use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::{Book, Findings, Page, line_of};

pub(super) fn check(book: &Book, page: &Page, findings: &mut Findings) {
    check_includes(book, page, findings);
    check_code(book, page, findings);
}

/// A directive `{{#include path:anchor}}`.
struct Include<'a> {
    offset: usize,
    path: &'a str,
    part: Option<&'a str>,
}

fn includes(text: &str) -> Vec<Include<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("{{#").map(|at| at + from) {
        from = start + 3;
        let escaped = text[..start].ends_with('\\');
        let Some(end) = text[start..].find("}}").map(|at| at + start) else {
            break;
        };
        let mut words = text[from..end].split_whitespace();
        if let (false, Some("include" | "rustdoc_include"), Some(target)) =
            (escaped, words.next(), words.next())
        {
            let (path, part) = match target.split_once(':') {
                Some((path, part)) => (path, Some(part)),
                None => (target, None),
            };
            found.push(Include {
                offset: start,
                path,
                part,
            });
        }
    }
    found
}

fn check_includes(book: &Book, page: &Page, findings: &mut Findings) {
    for include in includes(&page.source) {
        let line = Some(line_of(&page.source, include.offset));
        let mut complain = |message: String| {
            findings.add(&page.name, line, "include", message);
        };
        let path = resolve(book, page, include.path);
        let Ok(text) = fs::read_to_string(&path) else {
            complain(format!("there is no file {} to include", include.path));
            continue;
        };
        let Some(part) = include.part else {
            if text.trim().is_empty() {
                complain(format!("{} is empty", include.path));
            }
            continue;
        };
        if part.starts_with(|c: char| c.is_ascii_digit() || c == ':') {
            complain(format!(
                "{}:{part} counts lines, and the next edit moves them: name an ANCHOR",
                include.path
            ));
            continue;
        }
        let marks = |word: &str| {
            text.lines()
                .filter(|line| {
                    line.split_once(word)
                        .is_some_and(|(_, name)| name.trim() == part)
                })
                .count()
        };
        // mdBook prints nothing at all where the anchor is missing.
        match (marks(" ANCHOR:"), marks(" ANCHOR_END:")) {
            (1, 1) => {}
            (0, _) => complain(format!("{} has no `ANCHOR: {part}`", include.path)),
            (_, 0) => complain(format!("{} has no `ANCHOR_END: {part}`", include.path)),
            _ => complain(format!("{} has `ANCHOR: {part}` twice", include.path)),
        }
    }
    for text in page
        .main()
        .all()
        .iter()
        .flat_map(|element| &element.children)
    {
        if let super::super::html::Node::Text(text) = text
            && text.contains("{{#include")
        {
            findings.add(
                &page.name,
                None,
                "include",
                "a directive stands in the page as it was written: is its closing }} there?",
            );
        }
    }
}

fn resolve(book: &Book, page: &Page, path: &str) -> PathBuf {
    let folder = Path::new(&page.name).parent().unwrap_or(Path::new(""));
    tidy(&book.root.join(folder).join(path))
}

/// Without `..`, so that paths can be compared.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                tidy.pop();
            }
            Component::CurDir => {}
            part => tidy.push(part),
        }
    }
    tidy
}

fn check_code(book: &Book, page: &Page, findings: &mut Findings) {
    let mut options = Options::empty();
    options.insert(Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS);
    let mut block: Option<(String, usize, String)> = None;
    for (event, range) in Parser::new_ext(&page.source, options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([',', ' ']).next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                block = Some((language, range.start, String::new()));
            }
            Event::Text(text) => {
                if let Some((.., content)) = &mut block {
                    content.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((language, start, content)) = block.take() {
                    let line = line_of(&page.source, start);
                    check_block(book, page, line, &language, &content, findings);
                }
            }
            _ => {}
        }
    }
}

fn check_block(
    book: &Book,
    page: &Page,
    line: usize,
    language: &str,
    content: &str,
    findings: &mut Findings,
) {
    let mut complain = |rule, message: String| {
        findings.add(&page.name, Some(line), rule, message);
    };
    let included = includes(content);
    let labs = tidy(&book.root.join("../labs"));
    for include in &included {
        let path = resolve(book, page, include.path);
        if path.starts_with(tidy(&book.root.join("../solutions"))) {
            complain(
                "solution",
                format!(
                    "{} is part of a reference, which pages never show",
                    include.path
                ),
            );
        }
        if let Some(file) = edited_by_the_learner(&labs, &path) {
            complain(
                "solution",
                format!("{file} is the learner's to edit: the page would change with it"),
            );
        }
    }
    if matches!(language, "rust" | "rs") {
        let examples = book.root.join("examples");
        let typed = content
            .lines()
            .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with("{{#"));
        if let Some(typed) = typed {
            complain(
                "rust",
                format!(
                    "Rust that nothing compiles: `{}`. Put it into book/examples and include it",
                    typed.trim()
                ),
            );
        }
        for include in &included {
            let path = resolve(book, page, include.path);
            if !path.starts_with(&examples) && !path.starts_with(&labs) {
                complain(
                    "rust",
                    format!("{}: listings come from book/examples or labs", include.path),
                );
            }
        }
    }
    // A command alone tells the reader what to type. With output below it, it is a transcript.
    let mut lines = content.lines().skip_while(|line| !line.starts_with("$ "));
    if let Some(output) = lines.find(|line| {
        !line.is_empty()
            && !["$ ", "# ", "{{#"]
                .iter()
                .any(|start| line.starts_with(start))
    }) {
        complain(
            "transcript",
            format!("typed output: `{output}`. Let it be produced, in book/transcripts"),
        );
    }
}

/// The path within `labs`, if its `lab.toml` gives the file to the learner.
fn edited_by_the_learner(labs: &Path, path: &Path) -> Option<String> {
    let inside = path.strip_prefix(labs).ok()?;
    let lab = inside.components().next()?;
    let text = fs::read_to_string(labs.join(lab).join("lab.toml")).ok()?;
    let table: toml::Table = text.parse().ok()?;
    let file = inside.strip_prefix(lab).ok()?.to_str()?.replace('\\', "/");
    table
        .get("edit")?
        .as_array()?
        .iter()
        .any(|edited| edited.as_str() == Some(&file))
        .then(|| inside.display().to_string())
}

/// Pages, figures and transcripts that the book does not use.
pub(super) fn check_files(book: &Book, findings: &mut Findings) {
    let used: Vec<PathBuf> = book
        .pages
        .iter()
        .flat_map(|page| {
            includes(&page.source)
                .into_iter()
                .map(|include| resolve(book, page, include.path))
        })
        .collect();
    let pages: Vec<PathBuf> = book
        .pages
        .iter()
        .map(|page| book.root.join(&page.name))
        .collect();
    for (folder, ending) in [("src", "md"), ("src", "svg"), ("transcripts", "txt")] {
        for path in files(&book.root.join(folder)) {
            let is_wanted = path.extension().is_some_and(|e| e == ending)
                && path.file_name().is_some_and(|name| name != "SUMMARY.md");
            let known = if ending == "md" { &pages } else { &used };
            if is_wanted && !known.contains(&path) && !(ending == "md" && used.contains(&path)) {
                let name = path.strip_prefix(&book.root).unwrap_or(&path);
                let name = name.display().to_string().replace('\\', "/");
                let message = if ending == "md" {
                    "SUMMARY.md does not list this page"
                } else {
                    "no page includes this file"
                };
                findings.add(&name, None, "unused", message);
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
