//! What every command starts from: the course, the terminal, what is remembered.

use std::fmt;
use std::path::{Path, PathBuf};

use course::{Course, Lab, LabError};

use crate::progress::{Progress, Store, Trouble};
use crate::serve::LastServed;
use crate::standing::{LabStanding, next_lab};
use crate::terminal::{Terminal, tell};

/// What was asked for makes no sense here: exit code 2.
#[derive(Debug)]
pub struct Unusable(pub String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unusable {}

/// One run of the tool.
#[derive(Debug)]
pub struct Session {
    /// The course around the current folder.
    pub course: Course,
    /// Standard output.
    pub terminal: Terminal,
    /// What is remembered.
    pub store: Store,
}

impl Session {
    /// Finds the course around the folder `from`.
    ///
    /// # Errors
    /// When there is none, or its `course.toml` is broken.
    pub fn open(from: &Path) -> anyhow::Result<Session> {
        let course = Course::find(from).map_err(|error| Unusable(error.to_string()))?;
        Ok(Session {
            terminal: Terminal::detect(),
            store: Store::at(course.root()),
            course,
        })
    }

    /// The course's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.course.root()
    }

    /// The folder of the book.
    #[must_use]
    pub fn book(&self) -> PathBuf {
        self.root().join("book")
    }

    /// The lab of this name.
    ///
    /// # Errors
    /// When there is none, or its `lab.toml` is broken.
    pub fn lab(&self, name: &str) -> anyhow::Result<&Lab> {
        self.course.lab(name).map_err(|error| {
            let what = match error {
                LabError::Broken(_) => "the lab cannot be used: ",
                _ => "",
            };
            Unusable(format!("{what}{error}")).into()
        })
    }

    /// The lab of this name, or the next one to do.
    ///
    /// # Errors
    /// When there is none of this name, or no lab at all.
    pub fn lab_or_next(&self, name: Option<&str>) -> anyhow::Result<&Lab> {
        if let Some(name) = name {
            return self.lab(name);
        }
        let standings = self.standings();
        let next = next_lab(&standings).or(standings.last());
        match next {
            Some(next) => self.lab(&next.lab),
            None => Err(Unusable(match self.course.broken().first() {
                Some(broken) => {
                    format!("the lab {} cannot be used: {}", broken.folder, broken.error)
                }
                None => "course.toml lists no lab".to_string(),
            })
            .into()),
        }
    }

    /// What is remembered; nothing, with a word about it, where it cannot be read.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match self.store.read() {
            Ok(found) => {
                if let Some(aside) = found.set_aside {
                    self.say_set_aside(&aside);
                }
                found.progress
            }
            Err(trouble) => {
                tell(&format!("warning: progress cannot be read: {trouble}"));
                Progress::default()
            }
        }
    }

    /// Changes what is remembered. That this may fail keeps nobody from working.
    pub fn remember(&self, change: impl FnOnce(&mut Progress)) {
        match self.store.update(change) {
            Ok(found) => {
                if let Some(aside) = found.set_aside {
                    self.say_set_aside(&aside);
                }
            }
            Err(trouble) => self.say_not_saved(&trouble),
        }
    }

    fn say_not_saved(&self, trouble: &Trouble) {
        tell(&format!(
            "warning: progress could not be saved: {trouble}; all else works"
        ));
    }

    fn say_set_aside(&self, aside: &Path) {
        let aside = aside.strip_prefix(self.root()).unwrap_or(aside);
        tell(&format!(
            "warning: the file with your progress was damaged; it is kept as {}, and a new one is begun; check your labs again to fill it",
            aside.display()
        ));
    }

    /// Where the learner stands in each lab that can be used.
    #[must_use]
    pub fn standings(&self) -> Vec<LabStanding> {
        let progress = self.progress();
        self.course
            .labs()
            .iter()
            .map(|lab| LabStanding::of(lab, &progress))
            .collect()
    }

    /// Where the book is served at this moment, asked only where links can be shown.
    #[must_use]
    pub fn live_book(&self) -> Option<String> {
        if !self.terminal.has_links() {
            return None;
        }
        LastServed::read(self.store.folder())?.url_if_live()
    }
}
