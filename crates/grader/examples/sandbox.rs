//! What the sandbox costs each time a program starts: the same program with and without it, in turn.
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use course::Course;
use grader::sandbox::{self, Sandbox, Trial};

/// How long all of it may take.
const DEADLINE: Duration = Duration::from_secs(600);
/// How often it is started each way.
const TIMES: usize = 200;
/// What it may cost, in milliseconds.
const LIMIT: f64 = 8.0;
const PROGRAM: &str = "/bin/true";

fn main() -> anyhow::Result<ExitCode> {
    // The sandbox starts this program once more, as a judge.
    if let Some(done) = sandbox::other_role() {
        return Ok(done);
    }
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if let [launcher, program] = &args[..] {
        measure(launcher, program)?;
        return Ok(ExitCode::SUCCESS);
    }
    let course = Course::find(&std::env::current_dir()?)?;
    let sandbox = Sandbox::probe(None, &course)?;
    let scratch = tempfile::tempdir()?;
    // Everybody may run it, so the sandbox's user may.
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
    let program = scratch.path().join("true");
    fs::copy(PROGRAM, &program)?;
    let trial = Trial {
        scratch: scratch.path(),
        program: &program,
        data: None,
    };
    let args = [std::env::current_exe()?, trial.launcher(), program.clone()];
    let said = sandbox.within(&trial, &args, DEADLINE)?;
    let mut times = said.split_whitespace().map(str::parse::<f64>);
    let mut next = || {
        times
            .next()
            .context("a time is missing")?
            .context("no time")
    };
    let (bare, inside, best) = (next()?, next()?, next()?);
    println!(
        "A program start: {bare:.1} ms, in the sandbox ({}) {inside:.1} ms: overhead {:.1} ms, at best {best:.1} ms; to be under {LIMIT} ms",
        sandbox.tier().name(),
        inside - bare,
    );
    Ok(ExitCode::from(u8::from(inside - bare >= LIMIT)))
}

/// Starts the program with and without the launcher, in turn, from where checks do. Prints the medians, and by how much
/// the best time with it is above the best without.
fn measure(launcher: &Path, program: &Path) -> anyhow::Result<()> {
    let (mut bare, mut inside) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        bare.push(start(program, &[])?);
        inside.push(start(launcher, &[program])?);
    }
    let (bare, inside) = (sorted(bare), sorted(inside));
    let best = inside[0] - bare[0];
    println!("{} {} {best}", bare[TIMES / 2], inside[TIMES / 2]);
    Ok(())
}

fn start(program: &Path, args: &[&Path]) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    let status = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "{}: {status}", program.display());
    Ok(begin.elapsed())
}

/// In milliseconds, the quickest first.
fn sorted(times: Vec<Duration>) -> Vec<f64> {
    let mut times: Vec<f64> = times
        .iter()
        .map(|time| time.as_secs_f64() * 1000.0)
        .collect();
    times.sort_by(f64::total_cmp);
    times
}
