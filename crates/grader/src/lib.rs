//! The instructor's tool, `cargo grade`: it hands the course out to a class, and grades what comes back.
//!
//! [`cli`] is what may be written after `cargo grade`. [`handout`] makes a learner's copy, from which
//! [`handout::leaks`] keeps the solutions.
//!
//! `run` grades a class: [`intake`] takes the learners' files in, `build` compiles them, `judge` has the checks run,
//! both behind `sandbox`; [`journal`] keeps each result, and [`report`] writes the grades.

use std::process::ExitCode;

use clap::Parser as _;
use course::Course;

#[cfg(target_os = "linux")]
pub mod build;
pub mod cli;
pub mod digest;
pub mod handout;
pub mod intake;
pub mod journal;
#[cfg(target_os = "linux")]
pub mod judge;
#[cfg(target_os = "linux")]
pub mod process;
pub mod report;
pub mod roster;
#[cfg(target_os = "linux")]
pub mod run;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
pub mod scratch;

use cli::{Cli, Command};

/// Does what the command line asks for: exit code 0, 1 where something failed, 3 where some grades could not be given.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(done) = sandbox::other_role() {
        return done;
    }
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let here = std::env::current_dir()?;
    let course = Course::find(&here)?;
    match cli.command {
        #[cfg(target_os = "linux")]
        Command::Run(args) => run::run(&course, &args),
        Command::Handout(args) => handout::run(&course, &args).map(|()| ExitCode::SUCCESS),
    }
}
