//! The learner's tool, `cargo lab`: it serves the book, runs the checks of a lab and shows what came
//! of them.
//!
//! [`cli`] is what may be written after `cargo lab`, [`cmd`] has a module for each command. A command
//! works on a [`session`]: the course, the [`terminal`], and the [`progress`] that is remembered in
//! `.wirelab/progress.json`. [`standing`] compares the two, [`report`] puts verdicts into words.
//! [`saves`] notices that a file was saved, [`serve`] is the web server of the live book, and
//! [`book`] builds it.
//!
//! `cargo test -p LAB` never needs any of this.

use std::io;
use std::process::ExitCode;

use clap::Parser as _;

pub mod book;
pub mod cli;
pub mod clock;
pub mod cmd;
pub mod fingerprint;
pub mod interrupt;
pub mod keys;
pub mod progress;
pub mod report;
pub mod saves;
pub mod serve;
pub mod session;
pub mod standing;
pub mod terminal;

use cli::{Cli, Command};
use session::{Session, Unusable};
use terminal::{Tone, tell};

/// Does what the command line asks for.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = asks_for_json(&cli);
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        // Whoever read this has seen enough, as in `cargo lab status | head -1`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let message = format!("{error:#}");
            let code = if error.is::<Unusable>() { 2 } else { 1 };
            if json {
                let error = serde_json::json!({ "version": 1, "error": message });
                // Where this cannot be written, the words on standard error are left.
                let _ = terminal::Terminal::plain().line(&error.to_string());
            }
            let colour =
                anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
            let label = if colour {
                terminal::Terminal::coloured().paint(Tone::Bad, "error:")
            } else {
                "error:".to_string()
            };
            tell(&format!("{label} {message}"));
            ExitCode::from(code)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<u8> {
    let here = std::env::current_dir()
        .map_err(|error| Unusable(format!("the current folder cannot be read: {error}")))?;
    let session = Session::open(&here)?;
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => cmd::serve::run(&session, &args),
        Command::Status(args) => cmd::status::run(&session, &args),
        Command::Check(args) => cmd::check::run(&session, &args),
        Command::Watch(args) => cmd::watch::run(session, &args),
        Command::Hint(args) => cmd::hint::run(&session, &args),
        Command::Reset(args) => cmd::reset::run(&session, &args),
        Command::Solution(args) => cmd::solution::run(&session, &args),
        Command::Book(args) => cmd::book::build(&session, &args),
        Command::Lint(args) => cmd::book::lint(&session, &args),
        Command::Derive(args) => cmd::derive::run(&session, &args),
        Command::Soak(args) => cmd::soak::run(&session, &args),
    }
}

fn asks_for_json(cli: &Cli) -> bool {
    match &cli.command {
        Some(Command::Status(args)) => args.json,
        Some(Command::Check(args)) => args.json,
        Some(Command::Watch(args)) => args.json,
        Some(Command::Hint(args)) => args.json,
        Some(Command::Lint(args)) => args.json,
        Some(Command::Soak(args)) => args.json,
        _ => false,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
