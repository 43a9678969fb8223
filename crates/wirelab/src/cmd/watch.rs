//! `cargo lab watch`

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use course::{Cancel, Course, Lab, LabReport, Options, RunError, Runner};
use notify::RecursiveMode;
use serde_json::json;

use crate::cli;
use crate::cmd::check::{Stage, colour};
use crate::cmd::hint;
use crate::fingerprint;
use crate::interrupt;
use crate::keys::{Key, Keyboard};
use crate::report::{self, Extent, Judged, Style};
use crate::saves::{Means, Notice, Saves, Scope, files_below};
use crate::session::Session;
use crate::standing::{self, LabStanding, State, next_lab};
use crate::terminal::Tone;

/// Everything that can happen, in one channel.
enum Event {
    Noticed(Notice),
    Pressed(Key),
    Interrupted,
    /// What the run of this number says.
    Heard(u64, course::Event),
    /// The run of this number is over.
    Ended(u64, Box<Result<LabReport, RunError>>),
}

/// Checks on every save until it is told to stop.
///
/// # Errors
/// When there is no such lab, or standard output takes no more.
pub fn run(session: Session, args: &cli::Watch) -> anyhow::Result<u8> {
    let lab = session.lab_or_next(args.lab.as_deref())?.clone();
    let (tell, told) = mpsc::channel();

    let interrupted = tell.clone();
    interrupt::listen(move || {
        let _ = interrupted.send(Event::Interrupted);
    })?;
    let means = if args.poll {
        Means::Looking
    } else {
        Means::Notifications
    };
    let sources = LabSources(session.root().join("labs"));
    let noticed = tell.clone();
    // They look before the first run starts, so that no save falls between the two.
    let _saves = Saves::notice(sources, means, session.store.folder(), move |notice| {
        let _ = noticed.send(Event::Noticed(notice));
    });
    let pressed = tell.clone();
    let keyboard = Keyboard::read(move |key| {
        let _ = pressed.send(Event::Pressed(key));
    });

    let mut watch = Watch {
        before: State::New,
        has_keyboard: keyboard.is_some() && session.terminal.is_interactive(),
        session,
        json: args.json,
        lab,
        tell,
        runs: 0,
        running: None,
        shown: None,
    };
    watch.start(Screen::Clear)?;
    for event in told {
        if watch.handle(event)? == Next::Quit {
            break;
        }
    }
    Ok(0)
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Quit,
}

/// Whether a run begins on an empty screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    Clear,
    Keep,
}

struct Watch {
    session: Session,
    json: bool,
    lab: Lab,
    tell: Sender<Event>,
    has_keyboard: bool,
    runs: u64,
    running: Option<Run>,
    /// How far the lab had come before the run.
    before: State,
    /// The latest report.
    shown: Option<LabReport>,
}

/// A run that is under way; dropped, it ends and nothing of it is left.
struct Run {
    number: u64,
    cancel: Cancel,
    judged: String,
    stage: Stage,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Watch {
    fn handle(&mut self, event: Event) -> anyhow::Result<Next> {
        match event {
            Event::Interrupted | Event::Pressed(Key::Quit) => return Ok(Next::Quit),
            Event::Pressed(key) => self.pressed(key)?,
            Event::Noticed(Notice::Looking(reason)) => self.say(
                &format!("Looking for saved files twice a second: {reason}."),
                &json!({"event": "polling", "reason": reason}),
            )?,
            Event::Noticed(Notice::Saved(files)) => self.saved(&files)?,
            Event::Heard(number, event) => {
                if let Some(run) = &mut self.running
                    && run.number == number
                    && !self.json
                    && let Some(status) = run.stage.after(&self.lab, &event)
                {
                    self.session.terminal.status(&status);
                }
            }
            Event::Ended(number, result) => {
                if self
                    .running
                    .as_ref()
                    .is_some_and(|run| run.number == number)
                {
                    self.ended(*result)?;
                }
            }
        }
        Ok(Next::GoOn)
    }

    /// Begins a run; one that is under way is cancelled.
    fn start(&mut self, screen: Screen) -> anyhow::Result<()> {
        if self.running.take().is_some() {
            self.say(
                "Saved during the run: cancelled, and begun anew.",
                &json!({"event": "cancelled", "lab": self.lab.topic}),
            )?;
        } else if screen == Screen::Clear && !self.json {
            self.session.terminal.clear()?;
        }
        if let Err(error) = self.reload() {
            return self.say(
                &format!("error: {error:#}"),
                &json!({"event": "error", "message": format!("{error:#}")}),
            );
        }
        self.runs += 1;
        let number = self.runs;
        let cancel = Cancel::new();
        let mut options = Options::default();
        options.colour = if self.json {
            course::runner::Colour::Never
        } else {
            colour(&self.session.terminal)
        };
        self.before = LabStanding::of(&self.lab, &self.session.progress()).state;
        let judged = fingerprint::of(&self.lab);
        if self.json {
            self.event(&json!({"event": "started", "lab": self.lab.topic}))?;
        }
        let (lab, tell, cancelled) = (self.lab.clone(), self.tell.clone(), cancel.clone());
        let thread = std::thread::spawn(move || {
            let result = Runner::new(&lab, options).run(&cancelled, |event| {
                let _ = tell.send(Event::Heard(number, event));
            });
            let _ = tell.send(Event::Ended(number, Box::new(result)));
        });
        self.running = Some(Run {
            number,
            cancel,
            judged,
            stage: Stage::default(),
            thread: Some(thread),
        });
        Ok(())
    }

    /// An author may have changed course.toml or lab.toml as well.
    fn reload(&mut self) -> anyhow::Result<()> {
        self.session.course = Course::load(self.session.root())?;
        self.lab = self.session.lab(&self.lab.topic)?.clone();
        Ok(())
    }

    fn ended(&mut self, result: Result<LabReport, RunError>) -> anyhow::Result<()> {
        let Some(run) = self.running.take() else {
            return Ok(());
        };
        self.session.terminal.clear_status();
        let report = match result {
            Ok(report) => report,
            Err(RunError::Cancelled) => return Ok(()),
            Err(error) => {
                return self.say(
                    &format!("error: {error}"),
                    &json!({"event": "error", "message": error.to_string()}),
                );
            }
        };
        if self.json {
            self.event(&json!({"event": "report", "lab": self.lab.topic, "report": report}))?;
        } else {
            self.show(&report, Extent::First)?;
        }
        let lab = &self.lab;
        self.session
            .remember(|progress| standing::record(progress, lab, &report, &run.judged));
        drop(run);
        self.shown = Some(report);

        let now = LabStanding::of(&self.lab, &self.session.progress()).state;
        let got_done = now.is_done() && !self.before.is_done();
        let got_complete = now == State::Complete && self.before != State::Complete;
        if got_done || got_complete {
            return self.move_on();
        }
        self.footer()
    }

    /// On to the next lab that is not done, if there is one.
    fn move_on(&mut self) -> anyhow::Result<()> {
        let standings = self.session.standings();
        let next = next_lab(&standings)
            .filter(|next| !next.state.is_done() && next.lab != self.lab.topic)
            .map(|next| next.lab.clone());
        let done = self.lab.topic.clone();
        self.event_if_json(&json!({"event": "done", "lab": done, "next": next}))?;
        match next {
            Some(next) => {
                self.line(&format!("\n{done} is done. On to {next}.\n"))?;
                self.lab = self.session.lab(&next)?.clone();
                self.start(Screen::Keep)
            }
            None => {
                self.line(&format!("\n{done} is done, and so is every lab."))?;
                self.footer()
            }
        }
    }

    fn saved(&mut self, files: &[PathBuf]) -> anyhow::Result<()> {
        let labs = self.session.root().join("labs");
        let folders: Vec<String> = files
            .iter()
            .filter_map(|file| file.strip_prefix(&labs).ok()?.iter().next())
            .map(|folder| folder.to_string_lossy().into_owned())
            .collect();
        if folders.contains(&self.lab.folder) {
            return self.start(Screen::Clear);
        }
        // The learner works on another lab: so does this.
        let other = folders
            .iter()
            .find_map(|folder| self.session.course.lab(folder).ok())
            .cloned();
        if let Some(other) = other {
            self.running = None;
            self.lab = other;
            return self.start(Screen::Clear);
        }
        Ok(())
    }

    fn pressed(&mut self, key: Key) -> anyhow::Result<()> {
        match key {
            Key::Again => self.start(Screen::Clear)?,
            Key::Hint => {
                self.session.terminal.clear_status();
                let hint = hint::next(&self.session, &self.lab);
                self.session.terminal.write(&format!("\n{hint}"))?;
            }
            Key::All => {
                if let Some(report) = self.shown.clone() {
                    self.show(&report, Extent::All)?;
                    self.footer()?;
                }
            }
            Key::Next => {
                let labs = self.session.course.labs();
                let at = labs.iter().position(|lab| lab.topic == self.lab.topic);
                let next = at.map_or(0, |at| at + 1) % labs.len().max(1);
                if let Some(next) = labs.get(next) {
                    self.lab = next.clone();
                    self.running = None;
                    self.start(Screen::Clear)?;
                }
            }
            Key::Quit => {}
        }
        Ok(())
    }

    fn show(&self, report: &LabReport, extent: Extent) -> anyhow::Result<()> {
        let book = self.session.live_book();
        let show_all = if self.has_keyboard {
            "the key a".to_string()
        } else {
            format!("cargo lab check {} --all", self.lab.topic)
        };
        let style = Style {
            terminal: &self.session.terminal,
            extent,
            book: book.as_deref(),
            show_all: &show_all,
            subject: Judged::Yours,
        };
        Ok(self
            .session
            .terminal
            .write(&report::render(&self.lab, report, &style))?)
    }

    fn footer(&self) -> anyhow::Result<()> {
        let keys = if self.has_keyboard {
            " · Enter checks again · h hint · a all failures · n next lab · q quit"
        } else {
            ""
        };
        let files: Vec<String> = self
            .lab
            .edit
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        let line = format!(
            "\nWatching labs/{}: {}{keys}",
            self.lab.folder,
            files.join(", ")
        );
        self.line(&self.session.terminal.paint(Tone::Quiet, &line))
    }

    /// In words, or as JSON where that was asked for.
    fn say(&self, words: &str, event: &serde_json::Value) -> anyhow::Result<()> {
        if self.json {
            self.event(event)
        } else {
            self.line(words)
        }
    }

    fn line(&self, words: &str) -> anyhow::Result<()> {
        if !self.json {
            self.session.terminal.line(words)?;
        }
        Ok(())
    }

    fn event_if_json(&self, event: &serde_json::Value) -> anyhow::Result<()> {
        if self.json { self.event(event) } else { Ok(()) }
    }

    fn event(&self, event: &serde_json::Value) -> anyhow::Result<()> {
        let mut event = event.clone();
        event["version"] = json!(1);
        Ok(self.session.terminal.line(&event.to_string())?)
    }
}

/// The learners' files, the given ones beside them, the checks and what lab.toml says of them.
struct LabSources(PathBuf);

impl Scope for LabSources {
    fn files(&self) -> Vec<PathBuf> {
        files_below(&self.0, &|path| {
            path.is_dir() || is_source(path) || path.iter().any(|part| part == "data")
        })
    }

    fn folders(&self) -> Vec<(PathBuf, RecursiveMode)> {
        vec![(self.0.clone(), RecursiveMode::Recursive)]
    }
}

fn is_source(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending == "rs" || ending == "toml")
}
