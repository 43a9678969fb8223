//! Running the commands of a transcript.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::script::{Action, Command, Entry, Program, Script};
use crate::text::Names;

/// More output than this is a program that does not stop printing.
const MOST_LINES: usize = 2000;

/// One run of one transcript: its jobs, its scratch files, the last exit code.
pub struct Session {
    folder: PathBuf,
    kept: Vec<String>,
    jobs: Vec<Running>,
    code: Option<i32>,
}

impl Session {
    pub fn new() -> Result<Session, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "transcript-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&folder)
            .map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
        Ok(Session {
            folder,
            kept: Vec::new(),
            jobs: Vec::new(),
            code: None,
        })
    }

    /// Does what the entry says and returns the lines to show for it.
    pub fn perform(&mut self, entry: &Entry, names: &Names) -> Result<Vec<String>, String> {
        let deadline = Instant::now() + patience();
        match &entry.action {
            Action::Run(command) => {
                let mut running = self.launch(command, names)?;
                let lines = running.rest(deadline)?;
                self.code = running.code(deadline)?;
                Ok(lines)
            }
            Action::Start(command) => {
                let mut running = self.launch(command, names)?;
                let first = running.line(deadline)?;
                self.jobs.push(running);
                Ok(vec![first])
            }
            Action::Wait => {
                let mut lines = Vec::new();
                for (index, job) in self.jobs.iter_mut().enumerate() {
                    for line in job.rest(deadline)? {
                        lines.push(format!("[{}] {line}", index + 1));
                    }
                    self.code = job.code(deadline)?;
                }
                Ok(lines)
            }
            Action::Kill(number) => {
                self.job(*number)?.end();
                Ok(Vec::new())
            }
            Action::ShowCode => Ok(vec![match self.code {
                Some(code) => code.to_string(),
                None => return Err("no exit code: nothing has ended, or by a signal".to_owned()),
            }]),
            Action::Write(name, bytes) => {
                let path = self.folder.join(name);
                std::fs::write(path, bytes).map_err(|e| format!("cannot write {name}: {e}"))?;
                self.kept.push(name.clone());
                Ok(Vec::new())
            }
            Action::MakeFolder(name) => {
                let folder = self.folder.join(name);
                std::fs::create_dir(&folder).map_err(|e| format!("cannot make {name}: {e}"))?;
                self.kept.push(name.clone());
                Ok(Vec::new())
            }
            Action::List(name) => {
                let entries = std::fs::read_dir(self.folder.join(name));
                let entries = entries.map_err(|e| format!("cannot list {name}: {e}"))?;
                let names = entries.flatten().map(|entry| entry.file_name());
                let mut names: Vec<_> = names
                    .map(|name| name.to_string_lossy().into_owned())
                    .collect();
                names.sort();
                Ok(names)
            }
            Action::Lines(jobs) => jobs
                .iter()
                .map(|&number| {
                    let line = self.job(number)?.line(deadline)?;
                    Ok(format!("[{number}] {line}"))
                })
                .collect(),
        }
    }

    fn job(&mut self, number: usize) -> Result<&mut Running, String> {
        let count = self.jobs.len();
        number
            .checked_sub(1)
            .and_then(|index| self.jobs.get_mut(index))
            .ok_or_else(|| format!("there is no job {number}: {count} started"))
    }

    fn launch(&mut self, command: &Command, names: &Names) -> Result<Running, String> {
        let program = path_of(&command.program)?;
        let mut process = Process::new(&program);
        for word in &command.args {
            let word = names.resolve(word);
            process.arg(if self.kept.contains(&word) {
                self.folder.join(word).into_os_string()
            } else {
                OsString::from(word)
            });
        }
        process.current_dir(crate::workspace());
        // One pipe for both, so that lines stay in the order they were written.
        let broken = |e: std::io::Error| format!("cannot run {}: {e}", program.display());
        let (reader, writer) = std::io::pipe().map_err(broken)?;
        process.stderr(writer.try_clone().map_err(broken)?);
        match &command.keep {
            Some(name) => {
                process.stdout(File::create(self.folder.join(name)).map_err(broken)?);
                self.kept.push(name.clone());
            }
            None => {
                process.stdout(writer);
            }
        }
        process.stdin(if command.input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        });
        let mut child = process.spawn().map_err(broken)?;
        // It holds the pipe's writing end: kept, the output would never end.
        drop(process);
        if let Some(mut stdin) = child.stdin.take() {
            let input = command.input.clone();
            // A program may end, or print a lot, before it has read everything.
            std::thread::spawn(move || {
                let _ = stdin.write_all(&input);
            });
        }
        Ok(Running {
            child,
            lines: read_lines(reader),
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.jobs.clear();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A child and the lines it prints. Dropping it ends the child.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    /// The next line.
    fn line(&mut self, deadline: Instant) -> Result<String, String> {
        match self.lines.recv_timeout(left(deadline)) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => Err("printed no further line in time".to_owned()),
            Err(RecvTimeoutError::Disconnected) => {
                Err("ended without printing a further line".to_owned())
            }
        }
    }

    /// Every line up to the end of its output.
    fn rest(&mut self, deadline: Instant) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        loop {
            match self.lines.recv_timeout(left(deadline)) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => return Ok(lines),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!(
                        "did not end in time, after these lines: {lines:#?}\n  \
                         A program that goes on belongs in the background: `$ COMMAND &`"
                    ));
                }
            }
            if lines.len() > MOST_LINES {
                return Err(format!("printed more than {MOST_LINES} lines"));
            }
        }
    }

    fn code(&mut self, deadline: Instant) -> Result<Option<i32>, String> {
        loop {
            if let Some(status) = self.child.try_wait().map_err(|e| e.to_string())? {
                return Ok(status.code());
            }
            if left(deadline).is_zero() {
                return Err("closed its output and did not end".to_owned());
            }
            // Its output has ended already; the exit follows at once.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn read_lines(reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while let Ok(1..) = reader.read_until(b'\n', &mut line) {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']).to_owned();
            if sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn patience() -> Duration {
    let factor = std::env::var("WIRELAB_PATIENCE")
        .ok()
        .and_then(|text| text.parse::<f64>().ok())
        .filter(|factor| (0.1..=1000.0).contains(factor))
        .unwrap_or(1.0);
    Duration::from_secs(20).mul_f64(factor)
}

/// Why the transcript cannot be run here at all: in a learner's copy there are no solutions.
pub fn missing(script: &Script) -> Option<String> {
    if let Some(system) = script.system.filter(|system| !system.is_this_one()) {
        return Some(format!("{system} only"));
    }
    let uses_a_lab = script.entries.iter().any(|entry| {
        matches!(
            &entry.action,
            Action::Run(Command {
                program: Program::Lab(_),
                ..
            }) | Action::Start(Command {
                program: Program::Lab(_),
                ..
            })
        )
    });
    (uses_a_lab && !crate::workspace().join("solutions").is_dir())
        .then(|| "it shows a reference's program, and this copy has no solutions".to_owned())
}

fn path_of(program: &Program) -> Result<PathBuf, String> {
    match program {
        Program::Example(name) => {
            let path = programs().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            if path.is_file() {
                return Ok(path);
            }
            Err(format!("no program {name} in book/examples/src/bin"))
        }
        Program::Lab(topic) => built(topic),
    }
}

/// The folder where cargo put the programs of this package.
fn programs() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.parent().and_then(Path::parent);
    folder.expect("cargo runs tests from …/deps").to_owned()
}

/// The reference's program of a lab, built once a run.
fn built(topic: &str) -> Result<PathBuf, String> {
    static BUILT: Mutex<BTreeMap<String, Result<PathBuf, String>>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built
        .entry(topic.to_owned())
        .or_insert_with(|| build(topic))
        .clone()
}

fn build(topic: &str) -> Result<PathBuf, String> {
    let solutions = crate::workspace().join("solutions");
    let known = std::fs::read_dir(&solutions)
        .map_err(|e| format!("cannot read {}: {e}", solutions.display()))?
        .flatten()
        .any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.split_once('-').is_some_and(|(_, rest)| rest == topic)
        });
    if !known {
        return Err(format!(
            "{topic} is no lab, and transcripts run nothing else but \
             `cargo run -q -p examples --bin NAME`"
        ));
    }
    let programs = programs();
    let release = programs.file_name().is_some_and(|name| name == "release");
    let mut cargo = Process::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--quiet",
            "--package",
            &format!("{topic}-solution"),
        ])
        .args(release.then_some("--release"))
        .arg("--target-dir")
        .arg(programs.parent().unwrap_or(&programs))
        .current_dir(crate::workspace())
        .stdin(Stdio::null());
    let output = cargo
        .output()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    if !output.status.success() {
        return Err(format!(
            "{topic}-solution does not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(programs.join(format!("{topic}-solution{}", std::env::consts::EXE_SUFFIX)))
}
