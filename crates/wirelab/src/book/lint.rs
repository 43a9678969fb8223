//! The lint: what mdBook does not notice and a reader would.
//!
//! The book is built into a scratch folder. The sources are then asked what an
//! author may write (`source`, `chapter`), the pages what a reader gets (`page`,
//! `quiz`, `figure`, `weight`).

mod chapter;
mod figure;
mod page;
mod quiz;
mod source;
mod weight;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::build::render;
use super::html::{self, Element};

/// One mistake in the book.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The page or file, relative to the book's folder.
    pub page: String,
    /// Where in it, counted from 1, if that can be said.
    pub line: Option<usize>,
    /// The rule that it breaks, in one or two words.
    pub rule: &'static str,
    /// What is wrong there, and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.page)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {} [{}]", self.message, self.rule)
    }
}

/// Builds the book at `root`, the folder of `book.toml`, into a scratch folder
/// and returns every mistake found in it, page by page.
///
/// # Errors
/// When the book cannot be read or built at all.
pub fn lint(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let root = &std::path::absolute(root)
        .map(|root| source::tidy(&root))
        .with_context(|| format!("cannot tell where {} is", root.display()))?;
    let scratch = tempfile::tempdir().context("cannot create a scratch folder for the lint")?;
    let built = scratch.path().join("book");
    let (pages, complaints) = render(root, &built);

    let mut findings = Findings::default();
    for line in complaints {
        findings.add("book.toml", None, "mdbook", line);
    }
    let pages = match pages {
        Ok(pages) => pages,
        // A page of SUMMARY.md that is not there stops mdBook at once.
        Err(error) if root.join("src/SUMMARY.md").is_file() => {
            findings.add("src/SUMMARY.md", None, "summary", format!("{error:#}"));
            return Ok(findings.0.into_iter().collect());
        }
        Err(error) => return Err(error),
    };

    let book = Book::read(root, &built, &pages)?;
    for page in &book.pages {
        source::check(&book, page, &mut findings);
        chapter::check(page, &mut findings);
        page::check(&book, page, &mut findings);
        quiz::check(page, &mut findings);
        figure::check(page, &mut findings);
        weight::check(&book, page, &mut findings);
    }
    source::check_files(&book, &mut findings);
    Ok(findings.0.into_iter().collect())
}

/// What was found, in order and without repetition.
#[derive(Default)]
struct Findings(BTreeSet<Finding>);

impl Findings {
    fn add(
        &mut self,
        page: &str,
        line: Option<usize>,
        rule: &'static str,
        message: impl Into<String>,
    ) {
        self.0.insert(Finding {
            page: page.to_owned(),
            line,
            rule,
            message: message.into(),
        });
    }
}

/// Sources and pages, read once.
struct Book {
    /// The folder of `book.toml`.
    root: PathBuf,
    /// The folder of the pages.
    built: PathBuf,
    pages: Vec<Page>,
    /// Every page of the built folder by its path there, and the ids in it.
    ids: BTreeMap<PathBuf, BTreeSet<String>>,
}

/// A page as written and as built.
struct Page {
    /// The source, relative to the book's folder, with slashes.
    name: String,
    source: String,
    /// The built file, relative to the built folder.
    file: PathBuf,
    html: Element,
}

impl Book {
    fn read(root: &Path, built: &Path, pages: &[PathBuf]) -> anyhow::Result<Book> {
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let mut ids = BTreeMap::new();
        let mut found = Vec::new();
        for path in pages {
            let source = root.join("src").join(path);
            let mut file = path.with_extension("html");
            if file.file_name().is_some_and(|name| name == "README.html") {
                file.set_file_name("index.html");
            }
            let html = html::parse(&read(&built.join(&file))?);
            ids.insert(file.clone(), ids_of(&html));
            found.push(Page {
                name: format!("src/{}", path.display()).replace('\\', "/"),
                source: read(&source)?,
                file,
                html,
            });
        }
        Ok(Book {
            root: root.to_owned(),
            built: built.to_owned(),
            pages: found,
            ids,
        })
    }
}

impl Page {
    /// The part that the author wrote.
    fn main(&self) -> &Element {
        self.html
            .find("main")
            .into_iter()
            .next()
            .unwrap_or(&self.html)
    }

    /// Chapters are named `NN-topic.md`, or stand in a folder `NN-topic`.
    fn chapter(&self) -> Option<&str> {
        let name = self.name.strip_prefix("src/")?;
        let number = name.get(..2)?;
        (number.bytes().all(|b| b.is_ascii_digit()) && name.as_bytes().get(2) == Some(&b'-'))
            .then_some(number)
    }
}

fn ids_of(html: &Element) -> BTreeSet<String> {
    html.all()
        .into_iter()
        .filter_map(|element| element.attr("id").map(str::to_owned))
        .collect()
}

/// The line of a byte of `text`, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].bytes().filter(|&byte| byte == b'\n').count() + 1
}
