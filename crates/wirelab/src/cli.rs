//! What may be written after `cargo lab`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The workbook's own tool: read the book, check your labs.
///
/// Without a command it builds the book, serves it on this machine and opens it in your browser.
/// A LAB is a topic (tcp-echo), a number (4) or a folder (04-tcp-echo). Without this tool,
/// `cargo test -p LAB` does the same checks.
#[derive(Debug, Parser)]
#[command(
    name = "cargo lab",
    bin_name = "cargo lab",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "To begin: cargo lab, read chapter 0, then cargo lab watch."
)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The options of the live book
    #[command(flatten)]
    pub serve: Serve,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the book and open it (what `cargo lab` alone does)
    Serve(Serve),
    /// Show every lab: checks passed, points, what to do next
    Status(Status),
    /// Build one lab and run its checks
    ///
    /// Exit codes: 0 when all passed, 1 when not, 2 when nothing could be checked (an unknown lab,
    /// no cargo).
    Check(Check),
    /// Check on every save, and move on when a lab is done
    Watch(Watch),
    /// Show the next hint of a step: where to look, what to think about, nearly the code
    Hint(Hint),
    /// Put a lab's starter back; your files are kept aside
    Reset(Reset),
    /// Compare your files with the reference, once the lab has passed
    Solution(Solution),
    /// Build the book into a folder
    Book(Book),
    /// For authors: find mistakes in the book
    Lint(Lint),
    /// For authors: make the starters in `labs` from the solutions
    Derive(Derive),
    /// For authors: run a lab's checks many times on its solution
    Soak(Soak),
}

/// `cargo lab serve`
#[derive(Debug, Default, Args)]
pub struct Serve {
    /// Listen on this port of 127.0.0.1 instead of a free one
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Do not open a browser
    #[arg(long)]
    pub no_open: bool,
    /// Look for changes twice a second instead of waiting for the system's notifications
    #[arg(long)]
    pub poll: bool,
    /// Answer to this host name as well, as when a port is forwarded from elsewhere
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
}

/// `cargo lab status`
#[derive(Debug, Args)]
pub struct Status {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `cargo lab check`
#[derive(Debug, Args)]
pub struct Check {
    /// The lab; the next one to do when left out
    pub lab: Option<String>,
    /// Show every failure and every compiler message, not the first alone
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Run this check only; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with = "step")]
    pub check: Vec<String>,
    /// Run the checks of this step only
    #[arg(long, value_name = "N")]
    pub step: Option<usize>,
    /// Judge this program instead of your own; nothing is remembered
    #[arg(long, value_name = "PATH")]
    pub program: Option<PathBuf>,
    /// Judge the reference solution; nothing is remembered
    #[arg(long, conflicts_with = "program")]
    pub solution: bool,
}

/// `cargo lab watch`
#[derive(Debug, Args)]
pub struct Watch {
    /// The lab; the next one to do when left out
    pub lab: Option<String>,
    /// Look for saved files twice a second instead of waiting for the system's notifications
    #[arg(long)]
    pub poll: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `cargo lab hint`
#[derive(Debug, Args)]
pub struct Hint {
    /// The lab; the next one to do when left out
    pub lab: Option<String>,
    /// A check, or the number of a step, whose hints to show; the first unfinished step when left out
    pub check: Option<String>,
    /// Show the rungs seen so far, and no new one
    #[arg(long, conflicts_with = "reset")]
    pub again: bool,
    /// Begin the ladder anew
    #[arg(long)]
    pub reset: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `cargo lab reset`
#[derive(Debug, Args)]
pub struct Reset {
    /// The lab
    pub lab: String,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// `cargo lab solution`
#[derive(Debug, Args)]
pub struct Solution {
    /// The lab
    pub lab: String,
    /// Show it although the lab has not passed
    #[arg(long)]
    pub spoil: bool,
    /// Open the reference's files instead of comparing
    #[arg(long)]
    pub open: bool,
    /// How to show the difference; side by side where there is room
    #[arg(long, value_enum)]
    pub layout: Option<Layout>,
}

/// How two files are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// Yours on the left, the reference on the right
    Side,
    /// As a patch, from yours to the reference
    Unified,
}

/// `cargo lab book`
#[derive(Debug, Args)]
pub struct Book {
    /// The folder for the pages; it is replaced as a whole
    #[arg(long, value_name = "DIR", default_value = "book/build")]
    pub dest: PathBuf,
}

/// `cargo lab lint`
#[derive(Debug, Args)]
pub struct Lint {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `cargo lab derive`
#[derive(Debug, Args)]
pub struct Derive {
    /// One lab; all of them when left out
    pub lab: Option<String>,
    /// Write nothing; fail when a starter in `labs` differs
    #[arg(long)]
    pub check: bool,
}

/// `cargo lab soak`
#[derive(Debug, Args)]
pub struct Soak {
    /// The lab
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub lab: Option<String>,
    /// Every lab
    #[arg(long)]
    pub all: bool,
    /// How many times
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub times: usize,
    /// Keep every core busy meanwhile
    #[arg(long)]
    pub busy: bool,
    /// Judge your own program instead of the solution
    #[arg(long)]
    pub mine: bool,
    /// Judge the wrong answers instead, by the checks that they have to fail: what gets through, and how often
    #[arg(long, conflicts_with = "mine")]
    pub wrong: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_make_sense() {
        Cli::command().debug_assert();
    }
}
