//! `cargo lab check`

use anyhow::Context as _;
use course::runner::Colour;
use course::{Cancel, Event, Lab, Options, RunError, Runner, Selection, Subject};

use crate::cli;
use crate::fingerprint;
use crate::interrupt;
use crate::report::{self, Extent, Judged, Style};
use crate::session::{Session, Unusable};
use crate::standing;
use crate::terminal::Terminal;

/// Builds a lab, runs its checks, shows what came of it; 0 when all passed, else 1.
///
/// # Errors
/// When nothing could be checked.
pub fn run(session: &Session, args: &cli::Check) -> anyhow::Result<u8> {
    let lab = session.lab_or_next(args.lab.as_deref())?;
    let options = options(session, args)?;
    let other = match (&options.program, options.subject) {
        (Some(program), _) => Some(program.display().to_string()),
        (None, Subject::Solution) => Some("the solution".to_string()),
        (None, Subject::Lab) => None,
    };
    let subject = other.as_deref().map_or(Judged::Yours, Judged::Other);

    let cancel = Cancel::new();
    let interrupted = cancel.clone();
    interrupt::listen(move || interrupted.cancel())?;
    let judged = fingerprint::of(lab);
    let mut stage = Stage::default();
    let ran = Runner::new(lab, options).run(&cancel, |event| {
        if let Some(status) = stage.after(lab, &event)
            && !args.json
        {
            session.terminal.status(&status);
        }
    });
    session.terminal.clear_status();
    let report = match ran {
        Ok(report) => report,
        Err(RunError::Cancelled) => return Ok(interrupt::EXIT_CODE),
        Err(error) => return Err(Unusable(error.to_string()).into()),
    };

    let text = if args.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        let book = session.live_book();
        let show_all = format!("cargo lab check {} --all", lab.topic);
        let style = Style {
            terminal: &session.terminal,
            extent: if args.all { Extent::All } else { Extent::First },
            book: book.as_deref(),
            show_all: &show_all,
            subject,
        };
        report::render(lab, &report, &style)
    };
    let written = session.terminal.write(&text);
    if subject == Judged::Yours {
        session.remember(|progress| standing::record(progress, lab, &report, &judged));
    }
    match written {
        // The verdict holds, however much of it was read.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    Ok(u8::from(!report.all_passed()))
}

fn options(session: &Session, args: &cli::Check) -> anyhow::Result<Options> {
    let mut options = Options::from_environment();
    options.colour = colour(&session.terminal);
    if args.solution {
        options.subject = Subject::Solution;
    }
    if let Some(program) = &args.program {
        let program = std::path::absolute(program)
            .with_context(|| format!("cannot tell where {} is", program.display()))?;
        options.program = Some(program);
    }
    options.selection = match (args.step, args.check.as_slice()) {
        (Some(step), _) => Selection::Step(step),
        (None, []) => Selection::All,
        (None, names) => Selection::Checks(names.to_vec()),
    };
    Ok(options)
}

/// Whether the compiler is to colour its messages.
#[must_use]
pub fn colour(terminal: &Terminal) -> Colour {
    if terminal.has_colour() {
        Colour::Always
    } else {
        Colour::Never
    }
}

/// How far a run has come, for the status line.
#[derive(Debug, Default)]
pub struct Stage {
    checks: usize,
    done: usize,
}

impl Stage {
    /// The line to show after this event.
    pub fn after(&mut self, lab: &Lab, event: &Event) -> Option<String> {
        match event {
            Event::Building => Some(format!("building {}…", lab.topic)),
            Event::Waiting => Some(
                "waiting for another cargo, often an editor's, that holds the target folder…"
                    .to_string(),
            ),
            Event::Compiled { package } => {
                Some(format!("building {}… {package} is ready", lab.topic))
            }
            Event::Running { checks } => {
                self.checks = *checks;
                Some(format!("checking {}…", lab.topic))
            }
            Event::CheckDone(_) => {
                self.done += 1;
                Some(format!(
                    "checking {}… {} of {}",
                    lab.topic, self.done, self.checks
                ))
            }
            _ => None,
        }
    }
}
