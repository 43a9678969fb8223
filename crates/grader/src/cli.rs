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
    /// from NN-topic/src anywhere in it; where --labs names one lab alone, from anywhere, and as single files. They are
    /// compiled with the course's own files, and judged by the course's own checks, in a sandbox.
    ///
    /// DIR gets grades.csv, grades.json, report/index.html, feedback/STUDENT.md, the sources that were graded, run.json and
    /// journal.jsonl; with --resume changes.csv; with --earlier attempts.json; with --shard shard.json, sources and
    /// journal.jsonl only. Feedback for a class from Canvas or Moodle is packed as well, ready to be uploaded there.
    ///
    /// A lab's score is what its checks earn, less what lateness costs (due dates and [late] of course.toml; each day
    /// that has begun after the due date and the grace), with what the adjustments change.
    ///
    /// Exit code: 0 when every row has a grade, 1 when the run could not be made, 3 when rows are flagged `error`: the
    /// machine was at fault there, not the student. Run those again with --resume.
    #[cfg(target_os = "linux")]
    #[command(verbatim_doc_comment)]
    Run(Box<Run>),
    /// Build what grading needs before anything is handed in: for an image, or a machine that is to grade without a network
    #[cfg(target_os = "linux")]
    Prepare(Prepare),
    /// Carry grading to another system, or grades into its gradebook
    #[command(subcommand)]
    Export(Export),
    /// Judge one submission where a harness has put it, and write what the harness reads
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    Harness(Harness),
    /// Make the report of a run anew, from its grades.json
    Report(Report),
    /// Make a learner's copy of the course: no solutions, no hidden checks
    Handout(Handout),
    /// Try the course on itself: grade its own solutions, starters and wrong answers
    ///
    /// They are handed in as a class would, and graded as `run` does it. Each solution must earn everything, hidden checks
    /// too; each starter less than a fifth of the points; each wrong answer must fail the checks that its wrong.toml names.
    /// Prints a table for each lab: what each program earned, and where it came to something else than it should.
    ///
    /// Exit code: 0 when all is as it should be, 1 when something is not, or could not be judged.
    #[cfg(target_os = "linux")]
    #[command(verbatim_doc_comment)]
    Selfcheck(Selfcheck),
    /// Join the shards of a class that was graded with `run --shard`
    ///
    /// OUT gets what one run of the whole class would have written, with the changes of an adjustments.csv or .toml in OUT.
    /// Where OUT has grades already, prints what is other than before, and adds it to changes.csv.
    Merge(Merge),
    /// Compare submissions with one another, and with earlier ones
    ///
    /// For each lab: pairs that are the same, byte for byte; pairs that are the same but for comments, layout, names and
    /// the order of their items; and pairs that share passages which are not in what the lab gives, the closest first.
    ///
    /// OUT gets similar.csv, similar.json and, for each lab, a folder for Dolos, which is run where it is installed.
    ///
    /// None of it is a verdict: it says where to look.
    Similar(Similar),
}

/// `cargo grade similar`
#[derive(Debug, Args)]
pub struct Similar {
    /// The folder with one entry a student
    pub submissions: PathBuf,
    /// Compare only these labs: topics or numbers, with commas between
    #[arg(long, value_name = "LABS", value_delimiter = ',')]
    pub labs: Vec<String>,
    /// What to compare with as well: a folder of an earlier class's submissions, or one of solutions (NN-topic/src in
    /// it). Pairs within it are not reported. May be given several times
    #[arg(long, value_name = "DIR")]
    pub against: Vec<PathBuf>,
    /// Where what was found goes
    #[arg(long, value_name = "OUT")]
    pub out: Option<PathBuf>,
    /// Who is in the class: a CSV file with the columns student,name,email, or what Canvas, Moodle or GitHub Classroom
    /// exports
    #[arg(long, value_name = "CSV")]
    pub roster: Option<PathBuf>,
    /// When what was handed in, for Dolos's timeline: as `cargo grade run --times` takes it
    #[arg(long, value_name = "FILE")]
    pub times: Option<PathBuf>,
}

/// `cargo grade prepare`
#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub struct Prepare {
    /// The labs to build the checks of: topics or numbers, with spaces or commas between [default: all]
    #[arg(value_name = "LAB", value_delimiter = ',')]
    pub labs: Vec<String>,
}

/// `cargo grade selfcheck`
#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub struct Selfcheck {
    /// The labs to try: topics or numbers [default: all]
    #[arg(value_name = "LAB")]
    pub labs: Vec<String>,
    /// How many programs are graded at a time [default: two a core, and up to four as long as there is processor and memory to spare; one where programs share the machine's network]
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// What keeps the programs from the machine; `none` gives each of them all your rights [default: the first
    /// that works of bubblewrap, uid for root or landlock for others]
    #[arg(long, value_name = "TIER")]
    pub sandbox: Option<crate::sandbox::Tier>,
}

/// `cargo grade merge`
#[derive(Debug, Args)]
pub struct Merge {
    /// The folders that the shards were graded into, all of them, in any order
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Where the grades go
    #[arg(long, value_name = "OUT")]
    pub out: PathBuf,
}

/// `cargo grade export`
#[derive(Debug, Subcommand)]
pub enum Export {
    /// Make an autograder for Gradescope: a zip with setup.sh, run_autograder and the course without its solutions
    Gradescope(Gradescope),
    /// Write a workflow for GitHub Classroom that gives credit for each check
    Classroom(Classroom),
    /// Fill grades into the gradebook that Canvas exports
    Canvas(Gradebook),
    /// Fill grades into a grading worksheet or a gradebook that Moodle exports
    Moodle(Gradebook),
}

/// `cargo grade export gradescope`
#[derive(Debug, Args)]
pub struct Gradescope {
    /// The labs that the assignment asks for: topics or numbers [default: all]
    pub labs: Vec<String>,
    /// The zip to write
    #[arg(long, value_name = "ZIP", default_value = "autograder.zip")]
    pub out: PathBuf,
}

/// `cargo grade export classroom`
#[derive(Debug, Args)]
pub struct Classroom {
    /// The labs that the assignment asks for: topics or numbers [default: all]
    pub labs: Vec<String>,
    /// The learner's copy that students start from, as `cargo grade handout` made it
    #[arg(long, value_name = "DIR")]
    pub handout: PathBuf,
}

/// `cargo grade export canvas` and `moodle`
#[derive(Debug, Args)]
pub struct Gradebook {
    /// The file that was exported there
    pub gradebook: PathBuf,
    /// The folder that `cargo grade run --out` wrote
    #[arg(long, value_name = "DIR")]
    pub grades: PathBuf,
    /// The file to write and to import there
    #[arg(long, value_name = "CSV")]
    pub out: PathBuf,
    /// What goes into which column: its heading and a lab, or `total` [default: the columns that have a lab's name]
    #[arg(long, value_name = "HEADING=LAB")]
    pub column: Vec<String>,
    /// Reckon the points into those that the gradebook says can be had
    #[arg(long)]
    pub scale: bool,
}

/// `cargo grade harness`
#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub struct Harness {
    /// The folder with the student's files
    pub submission: PathBuf,
    /// Where the results go
    #[arg(long, value_name = "JSON")]
    pub results: PathBuf,
    /// Who it is from, as Gradescope writes it
    #[arg(long, value_name = "JSON")]
    pub metadata: Option<PathBuf>,
    /// The file with what seeds are made from
    #[arg(long, value_name = "FILE")]
    pub secret: Option<PathBuf>,
    /// What else `cargo grade run` is told
    #[arg(last = true)]
    pub run: Vec<String>,
}

/// `cargo grade report`
#[derive(Debug, Args)]
pub struct Report {
    /// The folder that `cargo grade run --out` wrote
    pub dir: PathBuf,
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
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// The folder with one entry a student
    pub submissions: PathBuf,
    /// Where the grades go
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Grade only these labs: topics or numbers, with commas between. With --resume the labs that DIR has already stay
    #[arg(long, value_name = "LABS", value_delimiter = ',')]
    pub labs: Vec<String>,
    /// How many submissions are graded at a time [default: two a core, and up to four as long as there is processor and memory to spare; one where programs share the machine's network]
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Who is in the class: a CSV file with the columns student,name,email, or what Canvas, Moodle or GitHub Classroom
    /// exports
    #[arg(long, value_name = "CSV")]
    pub roster: Option<PathBuf>,
    /// Go on from the results in DIR, of a run that was interrupted or one that came to its end: what has the same sources,
    /// checks, compiler, limits and seed is not judged again. Prints what is other than before, and adds it to changes.csv.
    /// A roster, times, extensions, adjustments, hidden checks and --attempt are those of the run before, unless they are
    /// named anew (DIR/run.json)
    #[arg(long)]
    pub resume: bool,
    /// What keeps submissions from the machine; `none` gives each of them all your rights [default: the first
    /// that works of bubblewrap, uid for root or landlock for others]
    #[arg(long, value_name = "TIER")]
    pub sandbox: Option<crate::sandbox::Tier>,
    /// Grade this part of the class only: its number, from 1, and how many parts there are, as in 2/4. Needs --secret;
    /// `cargo grade merge` joins the parts
    #[arg(long, value_name = "I/N")]
    pub shard: Option<crate::run::Shard>,
    /// Where hidden checks come from, a folder with NN-topic/hidden.toml and checks.rs for each lab that has some
    /// [default: hidden/ beside each solution]
    #[arg(long, value_name = "DIR")]
    pub hidden: Option<PathBuf>,
    /// Leave hidden checks out
    #[arg(long, conflicts_with = "hidden")]
    pub no_hidden: bool,
    /// When what was handed in: CSV or TOML ([[time]]) with student,lab,submitted (RFC 3339; no lab means all of them;
    /// a column `attempt` tells attempts apart), GitHub Classroom's grades.csv, or Canvas's answer for an assignment's
    /// submissions (.json). For an entry that is a clone, the time of the last commit to a lab is known without it
    #[arg(long, value_name = "FILE")]
    pub times: Option<PathBuf>,
    /// More time for some: CSV or TOML ([[extension]]) with student,lab, and one of due, days and hours
    #[arg(long, value_name = "FILE")]
    pub extensions: Option<PathBuf>,
    /// Changes by hand, made after everything else and whenever the class is graded again: CSV or TOML ([[adjustment]])
    /// with student,lab, one of points (+2, -1.5) and set, and reason [default: adjustments.csv or .toml in DIR, if there]
    #[arg(long, value_name = "FILE")]
    pub adjustments: Option<PathBuf>,
    /// An earlier attempt of the class, in a folder of its own; oldest first, where there are several
    #[arg(long, value_name = "SUBMISSIONS")]
    pub earlier: Vec<PathBuf>,
    /// Which attempt at a lab counts, where there are several [default: latest]
    #[arg(long, value_enum)]
    pub attempt: Option<crate::draft::Counts>,
    /// With --resume: judge only these students anew; everything else stays as it is in DIR. May be given several times
    #[arg(long = "student", value_name = "STUDENT")]
    pub students: Vec<String>,
    /// With --resume: judge only what did not earn everything anew; everything else stays as it is in DIR
    #[arg(long)]
    pub failures: bool,
    /// What seeds are made from; kept in DIR/secret where nothing is said, and made there the first time. In the
    /// environment nobody else on the machine can read it
    #[arg(
        long,
        value_name = "TEXT",
        env = "WIRELAB_SECRET",
        hide_env_values = true,
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    pub secret: Option<String>,
    /// Whether the folder has one student's entry, and no class: where a harness judges
    #[arg(skip)]
    pub alone: bool,
}
