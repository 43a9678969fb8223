//! Chapter 15's file transfer beside `nc`: one file of 1 GiB over loopback, in turns.
//!
//! The file transfer confirms a file when it is on the disk. `nc` waits for no disk, so what it has
//! stored is put there too before its time ends: otherwise the disk would be compared with nothing.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::table::{Table, median, seconds};

const SIZE: u64 = 1 << 30;
const ROUNDS: usize = 5;
const MEMORY: u64 = 16 << 20;
const MEMORY_FIGURE: &str = "file-transfer, 1 GiB: most memory of either end";
const RATE_FIGURE: &str = "file-transfer, 1 GiB onto the disk: rate, of nc's and a sync";

/// A child that does not outlive this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures `program`, the solution of chapter 15, in an empty folder of its own below `folder`.
pub fn measure(program: &Path, folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let measured = measure_in(program, folder, table);
    // Some gigabytes.
    let _ = fs::remove_dir_all(folder);
    measured
}

fn measure_in(program: &Path, folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    let file = folder.join("file");
    make_file(&file).context("cannot make a file of 1 GiB")?;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak = Some(0);
    let mut missing = None;
    for _ in 0..ROUNDS {
        let (took, memory) = with_file_transfer(program, &file, folder)?;
        ours.push(took);
        peak = peak.zip(memory).map(|(a, b)| u64::max(a, b));
        if missing.is_none() {
            match with_nc(&file, &folder.join("from-nc"))? {
                Ok(of_nc) => {
                    theirs.push(of_nc);
                    ratios.push(of_nc.as_secs_f64() / took.as_secs_f64());
                }
                Err(reason) => missing = Some(reason),
            }
        }
    }

    match peak {
        Some(peak) => table.row(
            MEMORY_FIGURE,
            "at most 16 MiB",
            format!("{:.1} MiB", peak as f64 / f64::from(1 << 20)),
            peak <= MEMORY,
        ),
        None => table.unavailable(MEMORY_FIGURE, "at most 16 MiB", "no VmHWM here".into()),
    }
    let ours = median(ours);
    if let Some(reason) = missing {
        table.only_measured("file-transfer, 1 GiB", seconds(ours));
        table.unavailable(RATE_FIGURE, "at least 0.5", reason);
        return Ok(());
    }
    // What else the machine does changes from round to round, and hardly within one.
    ratios.sort_unstable_by(f64::total_cmp);
    let (least, ratio, most) = (ratios[0], ratios[ROUNDS / 2], ratios[ROUNDS - 1]);
    let theirs = median(theirs);
    table.row(
        RATE_FIGURE,
        "at least 0.5",
        format!(
            "{ratio:.2} ({least:.2} to {most:.2}; {} to {})",
            seconds(ours),
            seconds(theirs)
        ),
        ratio >= 0.5,
    );
    Ok(())
}

/// Bytes that are not all alike, and not on the disk as a hole.
fn make_file(path: &Path) -> std::io::Result<()> {
    let piece: Vec<u8> = (0..1_u32 << 20).map(|i| (i * 7 % 251) as u8).collect();
    let mut file = File::create(path)?;
    for _ in 0..SIZE / piece.len() as u64 {
        file.write_all(&piece)?;
    }
    file.sync_all()
}

/// How long the sender takes until it is confirmed, and the most memory either end has had.
fn with_file_transfer(
    program: &Path,
    file: &Path,
    folder: &Path,
) -> anyhow::Result<(Duration, Option<u64>)> {
    let inbox = folder.join("inbox");
    fs::create_dir_all(&inbox)?;
    let mut receiver = Running(
        Command::new(program)
            .args(["receive", "--dir"])
            .arg(&inbox)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the receiver")?,
    );
    let out = receiver.0.stdout.take().context("no output")?;
    let mut lines = BufReader::new(out).lines();
    let line = lines.next().context("the receiver has ended")??;
    let addr = line.strip_prefix("listening ").context("no address")?;

    let began = Instant::now();
    let mut sender = Running(
        Command::new(program)
            .args(["send", addr])
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the sender")?,
    );
    let mut of_sender = None;
    let status = loop {
        // The last look before it ends counts: VmHWM only grows.
        of_sender = peak_memory(&sender.0).or(of_sender);
        if let Some(status) = sender.0.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let took = began.elapsed();
    if !status.success() {
        bail!("the sender of chapter 15 failed");
    }
    if fs::metadata(inbox.join("file"))?.len() != SIZE {
        bail!("the file that came has another size");
    }
    let of_receiver = peak_memory(&receiver.0);
    fs::remove_dir_all(&inbox)?;
    let peak = of_sender.zip(of_receiver).map(|(a, b)| a.max(b));
    Ok((took, peak))
}

/// How long `nc` takes from its start until the file that the other one has stored is on the disk; or
/// why there is no figure.
fn with_nc(file: &Path, to: &Path) -> anyhow::Result<Result<Duration, String>> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let port = port.to_string();
    let receiver = Command::new("nc")
        .args(["-l", "127.0.0.1", &port])
        .stdin(Stdio::null())
        .stdout(File::create(to)?)
        .stderr(Stdio::null())
        .spawn();
    let Ok(receiver) = receiver else {
        return Ok(Err("there is no nc here".into()));
    };
    let mut receiver = Running(receiver);
    let stored = File::open(to)?;
    let deadline = Instant::now() + Duration::from_secs(5);
    // Refused until the other one listens.
    let began = loop {
        let began = Instant::now();
        let sent = Command::new("nc")
            .args(["-N", "127.0.0.1", &port])
            .stdin(File::open(file)?)
            .stderr(Stdio::null())
            .status()?;
        if sent.success() {
            break began;
        }
        if Instant::now() > deadline {
            return Ok(Err("this nc does not know -l ADDR PORT and -N".into()));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    receiver.0.wait()?;
    stored.sync_all()?;
    let took = began.elapsed();
    let came = fs::metadata(to)?.len();
    fs::remove_file(to)?;
    match came == SIZE {
        true => Ok(Ok(took)),
        false => Ok(Err(format!("nc has stored {came} bytes"))),
    }
}

/// The most memory this process has had at a time, in bytes, where the system says so.
fn peak_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}
