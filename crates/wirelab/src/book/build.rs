//! Building the book.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// What a build did.
#[derive(Clone, Debug)]
pub struct BuildReport {
    /// The folder that now holds the pages; `index.html` is the front page.
    pub folder: PathBuf,
    /// How many pages the table of contents lists.
    pub pages: usize,
    /// How long it took.
    pub elapsed: Duration,
}

/// Builds the book at `root`, the folder of `book.toml`, into `dest`.
///
/// `dest` is replaced as a whole once the new pages are complete, so a reader
/// never meets half a book and a failed build leaves the former one in place.
/// Everything else in `dest` is lost: give the book a folder of its own.
///
/// # Errors
/// When the book cannot be read or written, and when mdBook logs a warning or an
/// error; the message holds what it said.
pub fn build(root: &Path, dest: &Path) -> anyhow::Result<BuildReport> {
    let started = Instant::now();
    // mdBook joins a relative folder to the book's own.
    let dest = std::path::absolute(dest)
        .with_context(|| format!("cannot tell where {} is", dest.display()))?;
    let parent = dest
        .parent()
        .with_context(|| format!("cannot build a book into {}", dest.display()))?;
    fs::create_dir_all(parent)
        .with_context(|| format!("cannot create the folder {}", parent.display()))?;
    let name = dest
        .file_name()
        .with_context(|| format!("cannot build a book into {}", dest.display()))?
        .to_string_lossy();
    // Beside the destination, because a rename cannot cross file systems.
    let fresh = Scratch(parent.join(format!(".{name}.{}.new", std::process::id())));
    let former = Scratch(parent.join(format!(".{name}.{}.old", std::process::id())));

    let (pages, said) = render(root, &fresh.0);
    let pages = pages.map(|pages| pages.len());
    if !said.is_empty() {
        let mut text = String::new();
        for line in &said {
            let _ = write!(text, "\n  {line}");
        }
        bail!("the book at {} has mistakes:{text}", root.display());
    }
    let pages = pages?;

    if dest.exists() {
        fs::rename(&dest, &former.0)
            .with_context(|| format!("cannot replace {}", dest.display()))?;
    }
    fs::rename(&fresh.0, &dest)
        .with_context(|| format!("cannot put the new book into {}", dest.display()))?;
    Ok(BuildReport {
        folder: dest,
        pages,
        elapsed: started.elapsed(),
    })
}

/// Renders into `dest`, and returns the pages, as paths below the folder of the
/// sources, and all that mdBook complained of.
pub(super) fn render(root: &Path, dest: &Path) -> (anyhow::Result<Vec<PathBuf>>, Vec<String>) {
    let complaints = Complaints::default();
    let pages = tracing::subscriber::with_default(complaints.clone(), || {
        let file = root.join("book.toml");
        // Not `MDBook::load`: it lets environment variables change the book.
        let mut config = Config::from_disk(&file)
            .with_context(|| format!("cannot read {}: is this a book?", file.display()))?;
        config.build.build_dir = dest.to_path_buf();
        // A typo in SUMMARY.md is a mistake, never a reason to write a file.
        config.build.create_missing = false;
        let book = MDBook::load_with_config(root, config)
            .with_context(|| format!("cannot load the book at {}", root.display()))?;
        book.build()
            .with_context(|| format!("cannot build the book at {}", root.display()))?;
        Ok(book.iter().filter_map(path_of_page).collect())
    });
    (pages, complaints.into_lines())
}

fn path_of_page(item: &mdbook_driver::book::BookItem) -> Option<PathBuf> {
    match item {
        mdbook_driver::book::BookItem::Chapter(chapter) => chapter.path.clone(),
        _ => None,
    }
}

/// A folder that goes when its owner does.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may never have been made, or have been renamed away.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Keeps every warning and error that mdBook logs on this thread.
#[derive(Clone, Default)]
struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    fn into_lines(self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Subscriber for Complaints {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The text of an event: its message, then its other fields.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = if field.name() == "message" {
            write!(self.0, "{value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
    }
}
