//! The figures to reach, measured: `make bench`.
//!
//! Everything happens in a copy of the course below `target/bench`, never in the learner's files.
//! What is compared is measured in turns, in one run; what is printed is the median and a ratio, so
//! that the machine and what else it does matter little. Nothing here asserts anything.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use clap::Parser;

mod checks;
mod clone;
mod copy;
mod http;
mod launcher;
mod path;
mod save;
mod table;
mod transfer;

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
    /// Measure nothing but the transfers of chapter 10 over a lossy path
    #[arg(long)]
    path: bool,
    /// Write the rates of these transfers into a file, for the figure of chapter 10
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Measure nothing but the server of chapter 14 beside http.server and nginx
    #[arg(long)]
    http: bool,
    /// Measure nothing but the file transfer of chapter 15 beside nc
    #[arg(long)]
    transfer: bool,
}

fn main() -> ExitCode {
    if let Some(code) = launcher::run_as_one().or_else(path::run_inside) {
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

    if arguments.path {
        measure_paths(course.root(), arguments.csv.as_deref(), &mut table)?;
        println!("\n{table}");
        return Ok(());
    }
    if arguments.transfer {
        measure_transfer(course.root(), &bench, &mut table)?;
        println!("\n{table}");
        return Ok(());
    }
    let copy = copy::Copy::of(course.root(), &bench.join("course"))?;
    if arguments.http {
        http::measure(&copy, &bench.join("http"), &mut table)?;
        println!("\n{table}");
        return Ok(());
    }
    save::measure(&copy, &arguments.lab, arguments.rounds, &mut table)?;
    checks::measure(&copy, arguments.soak, &mut table)?;
    measure_paths(copy.root(), arguments.csv.as_deref(), &mut table)?;
    http::measure(&copy, &bench.join("http"), &mut table)?;
    measure_transfer(copy.root(), &bench, &mut table)?;
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

/// Builds `program`, a solution of the course at `root`; its path.
fn build(root: &Path, program: &str, release: bool) -> anyhow::Result<PathBuf> {
    let target = root.join("target");
    println!("building {program}");
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--package", program, "--target-dir"])
        .arg(&target)
        .args(release.then_some("--release"))
        .current_dir(root)
        .status()
        .context("cannot start cargo")?;
    if !built.success() {
        bail!("{program} does not compile");
    }
    let profile = if release { "release" } else { "debug" };
    Ok(target.join(profile).join(program))
}

/// The file transfer of chapter 15, by the solution of the course at `root`, in a folder below `bench`.
fn measure_transfer(root: &Path, bench: &Path, table: &mut table::Table) -> anyhow::Result<()> {
    let program = build(root, "file-transfer-solution", true)?;
    transfer::measure(&program, &bench.join("transfer"), table)
}

/// The transfers of chapter 10, made by the solution of the course at `root`.
fn measure_paths(root: &Path, csv: Option<&Path>, table: &mut table::Table) -> anyhow::Result<()> {
    path::measure(&build(root, "tcp-or-udp-solution", false)?, csv, table)
}
