//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Hands the course out to a class.
#[derive(Debug, Parser)]
#[command(name = "cargo grade", bin_name = "cargo grade", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a learner's copy of the course: no solutions, no hidden checks
    Handout(Handout),
}

/// `cargo grade handout`
#[derive(Debug, Args)]
pub struct Handout {
    /// The folder to make; it must not exist or be empty
    pub dir: PathBuf,
    /// Do not build the copy and run its checks before it is handed over
    #[arg(long)]
    pub no_verify: bool,
}
