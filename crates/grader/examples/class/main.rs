//! A class that never was, with the grade of every row known beforehand.
//!
//! `make` writes the submissions, a roster and what is expected; `verify` holds the grades of a run against that. The
//! same seed makes the same class.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use course::Course;

mod expect;
mod hostile;
mod make;
mod pack;

/// Makes a class with known grades, and holds a run against them.
#[derive(Debug, Parser)]
#[command(name = "class")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write DIR/submissions, DIR/roster.csv and DIR/expected.json
    Make(make::Make),
    /// Hold the grades of a run against what was expected; exit code 1 where a row is wrong
    Verify(expect::Verify),
}

fn main() -> ExitCode {
    let done = std::env::current_dir()
        .map_err(anyhow::Error::from)
        .and_then(|here| Ok(Course::find(&here)?))
        .and_then(|course| match Arguments::parse().command {
            Command::Make(args) => make::run(&course, &args),
            Command::Verify(args) => expect::verify(&args),
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
