//! The instructor's tool, `cargo grade`: it hands the course out to a class.
//!
//! [`cli`] is what may be written after `cargo grade`. [`handout`] makes a learner's copy, from which
//! [`handout::leaks`] keeps the solutions.

use std::process::ExitCode;

use clap::Parser as _;
use course::Course;

pub mod cli;
pub mod handout;

use cli::{Cli, Command};

/// Does what the command line asks for: exit code 0, 1 where something failed.
#[must_use]
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let here = std::env::current_dir()?;
    let course = Course::find(&here)?;
    match cli.command {
        Command::Handout(args) => handout::run(&course, &args),
    }
}
