//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Hands the course out to a class, and grades what comes back.
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
    /// Grade a folder of submissions
    ///
    /// SUBMISSIONS has one entry a student: a folder, a .zip or a .tar.gz, as it comes out of Canvas, Moodle or GitHub
    /// Classroom, or named after the student. Of each, only the files that a lab's lab.toml lists under `edit` are taken,
    /// from NN-topic/src anywhere in it. They are compiled with the course's own files, and judged by the course's own
    /// checks, in a sandbox.
    ///
    /// DIR gets grades.csv, grades.json, feedback/STUDENT.md and journal.jsonl.
    ///
    /// Exit code: 0 when every row has a grade, 1 when the run could not be made, 3 when rows are flagged `error`: the
    /// machine was at fault there, not the student. Run those again with --resume.
    #[cfg(target_os = "linux")]
    #[command(verbatim_doc_comment)]
    Run(Run),
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

/// `cargo grade run`
#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub struct Run {
    /// The folder with one entry a student
    pub submissions: PathBuf,
    /// Where the grades go
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Grade only these labs: topics or numbers, with commas between
    #[arg(long, value_name = "LABS", value_delimiter = ',')]
    pub labs: Vec<String>,
    /// How many submissions are graded at a time [default: cores and a half]
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Who is in the class: a CSV file with the columns student,name,email
    #[arg(long, value_name = "CSV")]
    pub roster: Option<PathBuf>,
    /// Go on from the results that an interrupted run left in DIR
    #[arg(long)]
    pub resume: bool,
    /// What keeps submissions from the machine; `none` gives each of them all your rights [default: bubblewrap]
    #[arg(long, value_name = "TIER")]
    pub sandbox: Option<crate::sandbox::Tier>,
    /// What seeds are made from; kept in DIR/secret where nothing is said, and made there the first time
    #[arg(long, value_name = "TEXT")]
    pub secret: Option<String>,
}
