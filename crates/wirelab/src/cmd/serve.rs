//! `cargo lab`: the live book.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::book;
use crate::cli;
use crate::cmd::status;
use crate::interrupt;
use crate::saves::{Means, Notice, Saves};
use crate::serve::{BookSources, Edition, LastServed, Port, Server};
use crate::session::Session;
use crate::terminal::{Tone, tell};

/// Builds the book, serves it and opens it; ends with Ctrl-C.
///
/// # Errors
/// When the book cannot be built, or the port not be taken.
pub fn run(session: &Session, args: &cli::Serve) -> anyhow::Result<u8> {
    let port = match (args.port, LastServed::read(session.store.folder())) {
        (Some(0), _) | (None, None) => Port::Any,
        (Some(port), _) => Port::Fixed(port),
        // The same address again: open pages come back to life, and settings belong to it.
        (None, Some(last)) => Port::Preferred(last.port),
    };
    // Before the book is built: a port in use is no reason to wait.
    let server = Server::bind(port)?;

    let (end, ended) = watch::channel(false);
    interrupt::listen(move || {
        let _ = end.send(true);
    })?;

    let press = Press::open(session)?;
    session.terminal.status("building the book…");
    let (first, trouble) = match press.print() {
        Ok(folder) => (Edition::first(folder), None),
        Err(error) => {
            // An author mends it and sees it; a learner needs the pages all the same.
            let trouble = format!("{error:#}");
            (Edition::first(press.folder(0)), Some(trouble))
        }
    };
    session.terminal.clear_status();
    let first = match &trouble {
        Some(trouble) => {
            tell(&format!("error: {trouble}"));
            press.print_notice(trouble)?;
            first.with_trouble(trouble.clone())
        }
        None => first,
    };

    let (publish, editions) = watch::channel(first);
    let last = LastServed {
        version: 1,
        port: server.port(),
    };
    // Only a convenience for the next run.
    let _ = last.write(session.store.folder());

    let url = server.url();
    // Whoever reads the address from a pipe may have left: that is no reason to stop serving.
    let _ = session.terminal.write(&greeting(session, &url));
    if !args.no_open {
        open(&url);
    }

    let means = if args.poll {
        Means::Looking
    } else {
        Means::Notifications
    };
    let sources = BookSources(session.book());
    let saves = Saves::notice(
        sources,
        means,
        session.store.folder(),
        move |notice| match notice {
            Notice::Looking(reason) => {
                tell(&format!(
                    "note: looking for changes twice a second: {reason}"
                ));
            }
            Notice::Saved(_) => {
                let edition = match press.print() {
                    Ok(folder) => {
                        tell("the book was built anew");
                        Edition::next(folder)
                    }
                    Err(error) => {
                        let trouble = format!("{error:#}");
                        tell(&format!("error: {trouble}"));
                        publish.borrow().with_trouble(trouble)
                    }
                };
                publish.send_replace(edition);
            }
        },
    );
    let served = server.run(editions, args.host.clone(), ended);
    drop(saves);
    served?;
    Ok(0)
}

/// Where the book is, and where the learner stands.
fn greeting(session: &Session, url: &str) -> String {
    let terminal = &session.terminal;
    let address = terminal.paint(Tone::Strong, &terminal.link(url, url));
    let standings = session.standings();
    let done = standings.iter().filter(|lab| lab.state.is_done()).count();
    let next = status::next_step(&standings)
        .map(|next| terminal.with_links(&next, session.root(), Some(url)) + "\n")
        .unwrap_or_default();
    format!(
        "The book is at {address}   (Ctrl-C ends)\n{done} of {} labs done\n{next}",
        standings.len()
    )
}

fn open(url: &str) {
    if let Err(error) = opener::open_browser(url) {
        tell(&format!(
            "note: no browser could be opened ({error}); open the address yourself"
        ));
    }
}

/// Prints editions of the book, each into a folder of its own: who reads the former one still can.
#[derive(Debug)]
struct Press {
    book: PathBuf,
    folder: TempDir,
    printed: Mutex<usize>,
}

impl Press {
    fn open(session: &Session) -> anyhow::Result<Press> {
        Ok(Press {
            book: session.book(),
            folder: scratch(session.root())?,
            printed: Mutex::new(0),
        })
    }

    fn folder(&self, number: usize) -> PathBuf {
        self.folder.path().join(number.to_string())
    }

    fn print(&self) -> anyhow::Result<PathBuf> {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.folder(*printed + 1);
        book::build(&self.book, &folder)?;
        *printed += 1;
        if let Some(old) = printed.checked_sub(2) {
            // What cannot be removed now goes with the rest at the end.
            let _ = std::fs::remove_dir_all(self.folder(old));
        }
        Ok(folder)
    }

    /// A page in place of the book, for as long as there is none.
    fn print_notice(&self, trouble: &str) -> anyhow::Result<()> {
        let folder = self.folder(0);
        let text = trouble
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>The book cannot be built</title><body><h1>The book cannot be built</h1><pre style=\"white-space:pre-wrap\">{text}</pre></body></html>\n"
        );
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(folder.join("index.html"), page))
            .with_context(|| format!("cannot write into {}", folder.display()))
    }
}

/// A folder that goes with the run: below the course's `target`, or where the system keeps such.
fn scratch(root: &Path) -> anyhow::Result<TempDir> {
    let target = root.join("target").join("wirelab");
    let named = |prefix| tempfile::Builder::new().prefix(prefix).to_owned();
    if std::fs::create_dir_all(&target).is_ok()
        && let Ok(folder) = named("book-").tempdir_in(&target)
    {
        return Ok(folder);
    }
    named("wirelab-book-")
        .tempdir()
        .context("no folder for the built book can be made")
}
