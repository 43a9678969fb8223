//! The grader's figures to reach, measured: the second half of `make bench`.
//!
//! A made-up class is graded below `target/bench/class`, as `cargo grade run` does it. What that takes is held against
//! the floor (the same calls of the compiler and the same checks, bare, with every core full) and against the plain
//! way (a copy of the learners' workspace for each submission, `cargo test`, one after the other), in one run. Whoever
//! does the latter with care names the labs' packages, so that the tests of everything else stay out: measured too.
//! Nothing here asserts anything.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use course::{Course, Lab};
use grader::intake::Submission;

#[path = "../../../wirelab/examples/bench/copy.rs"]
#[allow(dead_code, reason = "the other bench asks for more")]
mod copy;
mod floor;
mod graded;
mod plain;
#[path = "../../../wirelab/examples/bench/table.rs"]
#[allow(dead_code, reason = "the other bench has times of its own")]
mod table;

use floor::Floor;
use graded::Grading;
use plain::{Tested, Workspace};
use table::{Table, seconds};

/// The most memory of the grader itself that is right, in KiB.
const MOST_MEMORY: u64 = 256 << 10;

/// Measures the grader's figures to reach and prints them beside their goals.
#[derive(Debug, Parser)]
#[command(name = "figures", bin_name = "make bench CLASS='…'")]
struct Arguments {
    /// How many students hand in something for every lab
    #[arg(long, default_value_t = 200, value_name = "N")]
    students: usize,
    /// Only these labs: topics or numbers, with commas between
    #[arg(long, value_name = "LABS", value_delimiter = ',')]
    labs: Vec<String>,
    /// How many submissions are graded in the plain way
    #[arg(long, default_value_t = 2, value_name = "N")]
    plain: usize,
    /// How many students hand in the first lab alone, for the growth from a tenth of them; 0 leaves that out
    #[arg(long, default_value_t = 2000, value_name = "N")]
    growth: usize,
}

fn main() -> ExitCode {
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
    let course = Course::find(&here)?;
    let home = course.root().join("target/bench/class");
    if home.exists() {
        fs::remove_dir_all(&home)
            .with_context(|| format!("{} cannot be removed", home.display()))?;
    }
    fs::create_dir_all(&home).with_context(|| format!("{} cannot be made", home.display()))?;
    let labs = &arguments.labs;
    let mut table = Table::default();
    let grading = Grading::new(&course)?;

    let class = make(&course, &home.join("made"), arguments.students, labs, 0)?;
    // The checks are built once for all: by the floor, before its clock starts.
    let floor = floor::measure(&course, &class, labs)?;
    println!(
        "the floor: {} for {} programs",
        seconds(floor.time),
        floor.programs
    );
    let plain = (arguments.plain > 0)
        .then(|| Plain::new(&course, &grading, &class, &home, arguments, &floor))
        .transpose()?;
    // Before the class and after it: a machine is not always as quick.
    let half = arguments.plain / 2;
    let before = plain.as_ref().map(|plain| plain.measure(0..half));
    let before = before.transpose()?;
    let out = home.join("grades");
    let first = grading.run(&class, &out, labs, false)?;
    let ratio = first.time.as_secs_f64() / floor.time.as_secs_f64();
    table.row(
        &format!(
            "{} students × {} labs ÷ the same commands, bare",
            arguments.students,
            floor.labs()
        ),
        "at most 1.3",
        format!(
            "{ratio:.2} ({} ÷ {})",
            seconds(first.time),
            seconds(floor.time)
        ),
        ratio <= 1.3,
    );

    if let (Some(plain), Some(before)) = (&plain, before) {
        let after = plain.measure(half..arguments.plain)?;
        let students = u32::try_from(arguments.students)?;
        let each = first.time / students.max(1);
        let times = |plain: Duration| {
            let times = plain.as_secs_f64() / each.as_secs_f64();
            // What no grader that runs these compilers and these checks can be above.
            let bound = times * ratio;
            let measured = format!(
                "{times:.1} ({} ÷ {}; {bound:.1} for the same commands, bare)",
                seconds(plain),
                seconds(each)
            );
            (times, measured)
        };
        let sample = u32::try_from(arguments.plain)?;
        let [everything, of_labs] = [0, 1].map(|n| (before[n] + after[n]) / sample);
        let (everything, measured) = times(everything);
        table.row(
            "cargo test in a copy of the workspace ÷ the grader, a student",
            "at least 15",
            measured,
            everything >= 15.0,
        );
        let (_, measured) = times(of_labs);
        table.only_measured("… with --package for each lab ÷ the grader", measured);
    }

    let class = make(&course, &home.join("again"), arguments.students, labs, 10)?;
    let again = grading.run(&class, &out, labs, true)?;
    let share = 100.0 * again.time.as_secs_f64() / first.time.as_secs_f64();
    table.row(
        "a tenth hands in again ÷ the first run",
        "at most 12 %",
        format!("{share:.1} % ({})", seconds(again.time)),
        share <= 12.0,
    );

    let mut most = first.memory.max(again.memory);
    if arguments.growth > 0 {
        let lab = [course.labs()[0].topic.clone()];
        let mut each = Vec::new();
        for students in [arguments.growth / 10, arguments.growth] {
            let dir = home.join(format!("of-{students}"));
            let class = make(&course, &dir, students, &lab, 0)?;
            let graded = grading.run(&class, &dir.join("grades"), &lab, false)?;
            each.push(graded.time.as_secs_f64() / students.max(1) as f64);
            most = most.max(graded.memory);
        }
        let growth = each[1] / each[0];
        table.row(
            &format!(
                "{} students with one lab ÷ {}, a student",
                arguments.growth,
                arguments.growth / 10
            ),
            "at most 1.1",
            format!(
                "{growth:.2} ({:.0} ms ÷ {:.0} ms)",
                1000.0 * each[1],
                1000.0 * each[0]
            ),
            growth <= 1.1,
        );
    }
    table.row(
        "the most memory of the grader itself",
        "under 256 MiB",
        format!("{} MiB", most >> 10),
        most < MOST_MEMORY,
    );
    println!("\n{table}");
    Ok(())
}

/// The plain way, ready to be measured.
struct Plain<'r> {
    workspace: Workspace,
    students: Vec<Submission>,
    dir: PathBuf,
    labs: Vec<&'r Lab>,
}

impl<'r> Plain<'r> {
    fn new(
        course: &'r Course,
        grading: &Grading,
        submissions: &Path,
        home: &Path,
        arguments: &Arguments,
        floor: &Floor<'_>,
    ) -> anyhow::Result<Plain<'r>> {
        Ok(Plain {
            workspace: Workspace::hand_out(grading, &home.join("workspace"))?,
            students: plain::sample(course, submissions, floor, arguments.plain)?,
            dir: home.join("plain"),
            labs: course.labs_named(&arguments.labs)?,
        })
    }

    /// How long these students of the sample take together: everything that there is to test, and the labs alone.
    fn measure(&self, which: Range<usize>) -> anyhow::Result<[Duration; 2]> {
        let students = &self.students[which];
        let of = |tested| plain::measure(&self.workspace, tested, students, &self.dir, &self.labs);
        Ok([of(Tested::Everything)?, of(Tested::Labs)?])
    }
}

/// Has the example `class` make a class, and gives the folder of its submissions.
fn make(
    course: &Course,
    dir: &Path,
    students: usize,
    labs: &[String],
    resubmit: usize,
) -> anyhow::Result<PathBuf> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(course.root())
        .args([
            "run",
            "--quiet",
            "--package",
            "grader",
            "--example",
            "class",
        ])
        .args(["--", "make", "--tame"])
        .arg(dir)
        .args(["--students", &students.to_string()])
        .args(["--resubmit", &resubmit.to_string()]);
    if !labs.is_empty() {
        command.args(["--labs", &labs.join(",")]);
    }
    let status = command.status().context("cargo cannot be started")?;
    ensure!(status.success(), "the class could not be made");
    Ok(dir.join("submissions"))
}
