//! What the sandbox costs each time a program starts: the same program with and without it, in turn.
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use grader::sandbox::{self, Sandbox};

/// How often it is started each way.
const TIMES: usize = 200;
/// What it may cost, in milliseconds.
const LIMIT: f64 = 8.0;
const PROGRAM: &str = "/bin/true";

fn main() -> anyhow::Result<ExitCode> {
    // The launcher starts this program once more, inside.
    if let Some(done) = sandbox::other_role() {
        return Ok(done);
    }
    let sandbox = Sandbox::probe(None)?;
    let launcher = sandbox.launcher().context("there is no launcher")?;
    let (mut bare, mut inside) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        bare.push(start(Path::new(PROGRAM), &[])?);
        inside.push(start(launcher, &[PROGRAM])?);
    }
    let (bare, inside) = (sorted(bare), sorted(inside));
    let half = inside[TIMES / 2] - bare[TIMES / 2];
    println!(
        "A program start: {:.1} ms, in the sandbox ({}) {:.1} ms: overhead {half:.1} ms, at best {:.1} ms; to be under {LIMIT} ms",
        bare[TIMES / 2],
        sandbox.tier().name(),
        inside[TIMES / 2],
        inside[0] - bare[0]
    );
    Ok(ExitCode::from(u8::from(half >= LIMIT)))
}

fn start(program: &Path, args: &[&str]) -> anyhow::Result<Duration> {
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
