//! A file over a long and lossy path: by TCP, by stop-and-wait, and through a window.
//!
//! All three go through the same device, with the same delay and the same probability of a loss. A
//! path needs a network of its own, and that needs a process with one thread: so this program starts
//! itself once more for each probability.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::table::Table;

/// The probabilities of a loss, in percent, on each of the two ways.
const LOSSES: [u32; 5] = [0, 1, 2, 5, 10];
/// A way to send the file.
struct Way {
    name: &'static str,
    flags: &'static [&'static str],
    /// How long the file is, in blocks. Stop-and-wait has the same pace however long it goes on, and
    /// would go on for a minute.
    blocks: usize,
}

/// In the order in which they are measured.
const WAYS: [Way; 3] = [
    Way {
        name: "tcp",
        flags: &["--tcp"],
        blocks: 500,
    },
    Way {
        name: "stop-and-wait",
        flags: &["--window", "1", "--timeout", "150", "--tries", "1000"],
        blocks: 40,
    },
    Way {
        name: "window",
        flags: &["--window", "16", "--timeout", "150", "--tries", "1000"],
        blocks: 500,
    },
];
/// Each is measured so often, in turns; the median counts.
const ROUNDS: u64 = 3;
/// How long a packet is under way.
const DELAY: Duration = Duration::from_millis(50);
const BLOCK: usize = 1024;
const WINDOW: f64 = 16.0;

/// What a window of 16 blocks can bring in a second, if nothing is lost: 16 blocks in each round trip.
fn most() -> f64 {
    WINDOW * BLOCK as f64 / (2 * DELAY).as_secs_f64() / 1000.0
}

/// Measures all, adds rows to the table, and writes the rates into `csv` where that is wanted.
pub fn measure(program: &Path, csv: Option<&Path>, table: &mut Table) -> anyhow::Result<()> {
    let goal = "window of 16 at 10 % lost ÷ 16 blocks a round trip";
    println!(
        "transfers over a path of {} ms each way, at {LOSSES:?} % lost on each",
        DELAY.as_millis()
    );
    let rates = match rates(program)? {
        Ok(rates) => rates,
        Err(reason) => {
            table.unavailable(goal, "at least 0.5", reason);
            return Ok(());
        }
    };
    let mut text = format!("loss,{}\n", WAYS.map(|way| way.name).join(","));
    for (loss, rates) in LOSSES.iter().zip(&rates) {
        let [tcp, wait, window] = rates;
        println!(
            "{loss:>3} % lost: TCP {tcp:.0} kB/s · stop-and-wait {wait:.0} kB/s · window {window:.0} kB/s"
        );
        let _ = writeln!(text, "{loss},{tcp:.1},{wait:.1},{window:.1}");
    }
    if let Some(csv) = csv {
        fs::write(csv, text).with_context(|| format!("cannot write {}", csv.display()))?;
    }
    let [tcp, wait, window] = rates[LOSSES.len() - 1];
    let ratio = window / most();
    table.row(
        goal,
        "at least 0.5",
        format!("{ratio:.2} ({window:.0} ÷ {:.0} kB/s)", most()),
        ratio >= 0.5,
    );
    let ratio = window / wait;
    table.row(
        "… ÷ stop-and-wait over the same path",
        "at least 8",
        format!("{ratio:.1} ({window:.0} ÷ {wait:.0} kB/s)"),
        ratio >= 8.0,
    );
    table.only_measured(
        "… ÷ TCP over the same path",
        format!("{:.1} ({window:.0} ÷ {tcp:.0} kB/s)", window / tcp),
    );
    Ok(())
}

/// For each probability the rate of each way, in kilobytes (1000 bytes) a second; or why not.
fn rates(program: &Path) -> anyhow::Result<Result<Vec<[f64; 3]>, String>> {
    if !cfg!(target_os = "linux") {
        return Ok(Err("needs Linux".into()));
    }
    let ourselves = std::env::current_exe().context("cannot tell this program's path")?;
    let runs = std::thread::scope(|scope| {
        let runs = LOSSES.map(|loss| {
            let mut command = Command::new(&ourselves);
            command.env(INSIDE, loss.to_string()).arg(program);
            scope.spawn(move || wire::netns::run(command, Duration::from_secs(600)))
        });
        runs.map(|run| run.join().expect("a run does not panic"))
    });
    let mut rates = Vec::new();
    for run in runs {
        let finished = match run {
            Ok(finished) => finished,
            Err(unavailable) => return Ok(Err(unavailable.to_string())),
        };
        let text = String::from_utf8_lossy(&finished.stdout).into_owned();
        if let Some(reason) = text.strip_prefix(UNAVAILABLE) {
            return Ok(Err(reason.trim().to_string()));
        }
        if !finished.success() {
            bail!("{finished}");
        }
        let mut each: [Vec<f64>; 3] = Default::default();
        for line in text.lines() {
            let (way, rate) = line.split_once(' ').context("not a line of ours")?;
            let way: usize = way.parse()?;
            each.get_mut(way).context("not a way")?.push(rate.parse()?);
        }
        if each.iter().any(|rates| rates.len() != ROUNDS as usize) {
            bail!("it measured too little: {text}");
        }
        rates.push(each.map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        }));
    }
    Ok(Ok(rates))
}

/// Names the loss in percent, in the environment of a process that is inside.
const INSIDE: &str = "BENCH_PATH";
const UNAVAILABLE: &str = "unavailable: ";

/// Measures where this process was started for that, in a network of its own.
pub fn run_inside() -> Option<ExitCode> {
    let loss = std::env::var(INSIDE).ok()?;
    #[cfg(target_os = "linux")]
    return Some(match inside::run(&loss) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    });
    #[cfg(not(target_os = "linux"))]
    {
        let _ = loss;
        None
    }
}

#[cfg(target_os = "linux")]
mod inside {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Child, Stdio};
    use std::time::Instant;

    use wire::netns::{Path as Route, Quality};

    use super::*;

    /// A program that ends with this value.
    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    pub fn run(loss: &str) -> anyhow::Result<()> {
        let loss = loss.parse::<f64>()? / 100.0;
        let program = std::env::args_os().nth(1).context("which program?")?;
        // The same on every system: RFC 5681's congestion control, which takes losses for a full network.
        fs::write("/proc/sys/net/ipv4/tcp_congestion_control", "reno")
            .context("cannot choose TCP's congestion control")?;
        let folder = tempfile::tempdir()?;
        let (file, out) = (folder.path().join("in"), folder.path().join("out"));
        for seed in 0..ROUNDS {
            for (number, way) in WAYS.iter().enumerate() {
                let bytes: Vec<u8> = (0..=250).cycle().take(way.blocks * BLOCK).collect();
                fs::write(&file, &bytes)?;
                let quality = Quality {
                    loss,
                    delay: DELAY,
                    seed,
                };
                let _route = match Route::new(quality) {
                    Ok(route) => route,
                    Err(error) => {
                        println!("{UNAVAILABLE}no TUN device: {error}");
                        return Ok(());
                    }
                };
                let took = transfer(Path::new(&program), way.flags, &file, &out)
                    .with_context(|| format!("{} at {loss} lost", way.name))?;
                if fs::read(&out)? != bytes {
                    bail!("{} at {loss} lost, seed {seed}: another file", way.name);
                }
                let rate = bytes.len() as f64 / took.as_secs_f64() / 1000.0;
                println!("{number} {rate}");
            }
        }
        Ok(())
    }

    /// How long the sender takes, until it knows that the file is there.
    fn transfer(
        program: &Path,
        flags: &[&str],
        file: &Path,
        out: &Path,
    ) -> anyhow::Result<Duration> {
        let mut receive = Command::new(program);
        receive
            .args([
                "receive",
                "--listen",
                "10.0.0.1:0",
                "--linger",
                "10000",
                "--out",
            ])
            .arg(out)
            .args(flags.iter().filter(|flag| **flag == "--tcp"))
            .stdout(Stdio::piped());
        let mut receiver = Running(receive.spawn()?);
        let mut said = BufReader::new(receiver.0.stdout.take().context("no output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        let (_, port) = line
            .trim_end()
            .rsplit_once(':')
            .context("it says no address")?;
        let mut send = Command::new(program);
        send.arg("send")
            .arg(format!("{}:{port}", Route::CLIENT_TO))
            .arg(file)
            .args(flags)
            .stdout(Stdio::null());
        let began = Instant::now();
        let status = send.status()?;
        let took = began.elapsed();
        if !status.success() {
            bail!("the sender has failed");
        }
        line.clear();
        said.read_line(&mut line)?;
        if !line.starts_with("received ") {
            bail!("the receiver has failed");
        }
        Ok(took)
    }
}
