//! From a save to the first check.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};

use crate::copy::{Copy, write};
use crate::launcher::Stamp;
use crate::table::{Table, median, seconds};

pub fn measure(copy: &Copy, lab: &str, rounds: usize, table: &mut Table) -> anyhow::Result<()> {
    let course = course::Course::load(copy.root())?;
    let lab = course.lab(lab)?;
    let solution = lab
        .solution_dir()
        .context("this copy of the course has no solutions to measure with")?;
    // The learner has solved it: every check runs to its end.
    for file in &lab.edit {
        write(&lab.dir().join(file), &fs::read(solution.join(file))?)?;
    }
    let edited = lab.dir().join(&lab.edit[0]);
    let edit = Edit {
        text: fs::read_to_string(&edited)?,
        path: edited,
        number: 0,
    };
    let topic = lab.topic.as_str();
    let mut commands = Commands { copy, edit, topic };

    println!("building the copy below {}", copy.root().display());
    for args in [
        &["build", "--quiet", "-p", topic][..],
        &["test", "--quiet", "--no-run", "-p", topic],
        &["build", "--quiet", "-p", "wirelab"],
    ] {
        let built = copy.cargo(args).status().context("cannot start cargo")?;
        if !built.success() {
            bail!("cargo {} failed", args.join(" "));
        }
    }

    let mut built = Vec::new();
    let (mut first_of_test, mut end_of_test) = (Vec::new(), Vec::new());
    let (mut first_of_check, mut end_of_check) = (Vec::new(), Vec::new());
    // The first round warms the caches and does not count.
    for round in 0..=rounds {
        let build = commands.build()?;
        let (first_test, test) = commands.checks(&["test", "--quiet", "-p", topic])?;
        let (first_check, check) = commands.checks(&["lab", "check", topic])?;
        println!(
            "round {round:>2}: cargo build {} · cargo test {} to the first check, {} to the end · cargo lab check {}, {}",
            seconds(build),
            seconds(first_test),
            seconds(test),
            seconds(first_check),
            seconds(check)
        );
        if round > 0 {
            built.push(build);
            first_of_test.push(first_test);
            end_of_test.push(test);
            first_of_check.push(first_check);
            end_of_check.push(check);
        }
    }

    // Each round's own ratio: what else the machine does weighs on all of a round alike.
    let mut ratios: Vec<f64> = first_of_test
        .iter()
        .zip(&built)
        .map(|(test, build)| test.as_secs_f64() / build.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    let build = median(built);
    table.row(
        &format!("save → first check, cargo test -p {topic} ÷ cargo build"),
        "at most 1.5",
        format!(
            "{ratio:.2} ({} ÷ {})",
            seconds(median(first_of_test.clone())),
            seconds(build)
        ),
        ratio <= 1.5,
    );
    for (what, check, test) in [
        ("first check", first_of_check, first_of_test),
        ("all verdicts", end_of_check, end_of_test),
    ] {
        let mut more: Vec<f64> = check
            .iter()
            .zip(&test)
            .map(|(check, test)| check.as_secs_f64() - test.as_secs_f64())
            .collect();
        more.sort_by(f64::total_cmp);
        let more = more[more.len() / 2];
        table.row(
            &format!("save → {what}, cargo lab check − cargo test"),
            "at most 0.25 s",
            format!(
                "{more:+.2} s ({} − {})",
                seconds(median(check)),
                seconds(median(test))
            ),
            more <= 0.25,
        );
    }
    Ok(())
}

struct Commands<'a> {
    copy: &'a Copy,
    edit: Edit,
    topic: &'a str,
}

impl Commands<'_> {
    fn build(&mut self) -> anyhow::Result<Duration> {
        let mut command = self.copy.cargo(&["build", "--quiet", "-p", self.topic]);
        let began = self.edit.save()?;
        run(&mut command)?;
        Ok(began.elapsed()?)
    }

    /// Until the first check runs, and until the last has ended.
    fn checks(&mut self, args: &[&str]) -> anyhow::Result<(Duration, Duration)> {
        let mut command = self.copy.cargo(args);
        let stamp = Stamp::new(&self.copy.root().join("target"))?;
        stamp.set(&mut command)?;
        let began = self.edit.save()?;
        run(&mut command)?;
        let end = began.elapsed()?;
        Ok((stamp.since(began)?, end))
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!(
            "{command:?} failed:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// The learner's file, which gets another constant at each save.
struct Edit {
    path: PathBuf,
    text: String,
    number: u32,
}

impl Edit {
    fn save(&mut self) -> anyhow::Result<SystemTime> {
        self.number += 1;
        let text = format!("{}\nconst _: u32 = {};\n", self.text, self.number);
        fs::write(&self.path, text)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(SystemTime::now())
    }
}
