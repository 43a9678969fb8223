//! The figures to reach, measured: `make bench`.
//!
//! Everything happens in a copy of the course below `target/bench`, never in the learner's files.
//! What is compared is measured in turns, in one run; what is printed is the median and a ratio, so
//! that the machine and what else it does matter little. Nothing here asserts anything.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

mod checks;
mod clone;
mod copy;
mod launcher;
mod save;
mod table;

/// Measures the figures to reach and prints them beside their goals.
#[derive(Debug, Parser)]
#[command(name = "bench", bin_name = "make bench BENCH='…'")]
struct Arguments {
    /// How many times each of the compared commands runs after an edit
    #[arg(long, default_value_t = 11, value_name = "N")]
    rounds: usize,
    /// The lab that is edited
    #[arg(long, default_value = "tcp-echo", value_name = "LAB")]
    lab: String,
    /// Measure a fresh clone as well; takes some minutes
    #[arg(long)]
    clone: bool,
    /// Soak the solutions' checks as well, so many times with every core busy; takes many minutes
    #[arg(long, value_name = "N")]
    soak: Option<usize>,
}

fn main() -> ExitCode {
    if let Some(code) = launcher::run_as_one() {
        return code;
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let here = std::env::current_dir().context("the current folder cannot be read")?;
    let course = course::Course::find(&here)?;
    let mut table = table::Table::default();
    let bench = course.root().join("target").join("bench");

    let copy = copy::Copy::of(course.root(), &bench.join("course"))?;
    save::measure(&copy, &arguments.lab, arguments.rounds, &mut table)?;
    checks::measure(&copy, arguments.soak, &mut table)?;
    if arguments.clone {
        clone::measure(course.root(), &bench.join("clone"), &mut table)?;
    } else {
        table.left_out(
            "fresh clone → first verdict of cargo test -p layers",
            "under 40 s",
            "--clone",
        );
        table.left_out(
            "fresh clone → first page of cargo lab",
            "under 120 s",
            "--clone",
        );
    }
    if arguments.soak.is_none() {
        table.left_out(
            "runs of all solutions' checks, every core busy",
            "500, no failure",
            "--soak 500",
        );
    }
    println!("\n{table}");
    Ok(())
}
