//! The instructor's tool, `cargo grade`: it hands the course out to a class, and grades what comes back.
//!
//! [`cli`] is what may be written after `cargo grade`. [`handout`] makes a learner's copy, from which
//! [`handout::leaks`] keeps the solutions.
//!
//! `run` grades a class: [`intake`] takes the learners' files in, `build` compiles them, `judge` has the checks run,
//! both behind `sandbox`; [`journal`] keeps each result, and [`report`] writes the grades. `selfcheck` does the same with
//! the course's own programs. [`similar`] compares submissions with one another.

use std::process::ExitCode;

use clap::Parser as _;
use course::Course;

#[cfg(target_os = "linux")]
pub mod build;
pub mod cli;
pub mod digest;
pub mod draft;
pub mod export;
mod files;
#[cfg(target_os = "linux")]
pub mod git_time;
pub mod handout;
pub mod intake;
pub mod journal;
#[cfg(target_os = "linux")]
pub mod judge;
pub mod late;
pub mod merge;
pub mod people;
#[cfg(target_os = "linux")]
pub mod prepare;
#[cfg(target_os = "linux")]
pub mod process;
pub mod regrade;
pub mod report;
pub mod roster;
#[cfg(target_os = "linux")]
pub mod run;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
pub mod scratch;
#[cfg(target_os = "linux")]
pub mod selfcheck;
pub mod similar;
pub mod table;

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
        Command::Export(what) => export::run(&course, &what).map(|()| ExitCode::SUCCESS),
        #[cfg(target_os = "linux")]
        Command::Harness(args) => {
            export::gradescope::harness::judge(&course, &args).map(|()| ExitCode::SUCCESS)
        }
        #[cfg(target_os = "linux")]
        Command::Prepare(args) => prepare::run(&course, &args).map(|()| ExitCode::SUCCESS),
        Command::Report(args) => report::run(&args.dir).map(|()| ExitCode::SUCCESS),
        Command::Handout(args) => handout::run(&course, &args).map(|()| ExitCode::SUCCESS),
        #[cfg(target_os = "linux")]
        Command::Selfcheck(args) => selfcheck::run(&course, &args),
        Command::Merge(args) => merge::run(&course, &args),
        Command::Similar(args) => similar::run(&course, &args).map(|()| ExitCode::SUCCESS),
    }
}
