//! From a fresh clone, its dependencies downloaded, to the first verdict and to the first page.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::copy::Copy;
use crate::table::{Table, seconds};

const DEADLINE: Duration = Duration::from_secs(900);
const LAB: &str = "layers";

pub fn measure(from: &Path, to: &Path, table: &mut Table) -> anyhow::Result<()> {
    let verdict = in_fresh_copy(from, to, first_verdict)?;
    table.row(
        &format!("fresh clone → first verdict of cargo test -p {LAB}"),
        "under 40 s",
        seconds(verdict),
        verdict < Duration::from_secs(40),
    );
    let page = in_fresh_copy(from, to, first_page)?;
    table.row(
        "fresh clone → first page of cargo lab",
        "under 120 s",
        seconds(page),
        page < Duration::from_secs(120),
    );
    Ok(())
}

fn in_fresh_copy(
    from: &Path,
    to: &Path,
    measure: impl FnOnce(&Copy) -> anyhow::Result<Duration>,
) -> anyhow::Result<Duration> {
    remove(to)?;
    let measured = measure(&Copy::of(from, to)?);
    remove(to)?;
    measured
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn first_verdict(copy: &Copy) -> anyhow::Result<Duration> {
    let verdicts = copy.root().join("verdicts");
    fs::create_dir_all(&verdicts)?;
    println!("cargo test -p {LAB} in a fresh copy");
    let began = Instant::now();
    let mut command = copy.cargo(&["test", "--quiet", "-p", LAB]);
    command
        .env("WIRELAB_VERDICTS", &verdicts)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut run = Run::start(&mut command)?;
    loop {
        let first = fs::read_dir(&verdicts)?.flatten().any(|file| {
            file.path()
                .extension()
                .is_some_and(|ending| ending == "json")
        });
        if first {
            return Ok(began.elapsed());
        }
        if let Some(status) = run.0.try_wait()? {
            bail!("cargo test -p {LAB} ended without a verdict ({status})");
        }
        wait(began)?;
    }
}

fn first_page(copy: &Copy) -> anyhow::Result<Duration> {
    println!("cargo lab in a fresh copy");
    let began = Instant::now();
    let mut command = copy.cargo(&["lab", "--no-open"]);
    command.stdout(Stdio::piped());
    let mut run = Run::start(&mut command)?;
    let output = run.0.stdout.take().context("no output to read")?;
    let mut address = None;
    let mut lines = BufReader::new(output).lines();
    for line in lines.by_ref() {
        let line = line?;
        if let Some((_, rest)) = line.split_once("http://") {
            address = rest.split('/').next().map(str::to_string);
            break;
        }
    }
    let address = address.context("cargo lab printed no address")?;
    loop {
        let mut stream = TcpStream::connect(&address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") {
            return Ok(began.elapsed());
        }
        wait(began)?;
    }
}

fn wait(began: Instant) -> anyhow::Result<()> {
    if began.elapsed() > DEADLINE {
        bail!("stopped after {} s", DEADLINE.as_secs());
    }
    std::thread::sleep(Duration::from_millis(5));
    Ok(())
}

/// A cargo that ends with this value, and what it runs with it.
struct Run(Child);

impl Run {
    fn start(command: &mut Command) -> anyhow::Result<Run> {
        command
            .stdin(Stdio::null())
            .spawn()
            .map(Run)
            .context("cannot start cargo")
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // `cargo lab` has become the server (Unix), or takes it with it (a job object).
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
