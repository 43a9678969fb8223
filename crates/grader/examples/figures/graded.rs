//! A class, graded as `cargo grade run` does it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use course::Course;

const PAUSE: Duration = Duration::from_millis(20);

/// The grader's executable, built as `cargo grade` builds it.
pub struct Grading {
    program: PathBuf,
    root: PathBuf,
}

/// What a run took.
pub struct Graded {
    pub time: Duration,
    /// The most memory of the grader's own process, in KiB (`VmHWM`, proc_pid_status(5)).
    pub memory: u64,
}

impl Grading {
    pub fn new(course: &Course) -> anyhow::Result<Grading> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .current_dir(course.root())
            .args(["build", "--quiet", "--package", "grader", "--bin", "grader"])
            .status()
            .context("cargo cannot be started")?;
        ensure!(built.success(), "the grader does not compile");
        // Beside the folder of examples.
        let own = std::env::current_exe().context("cannot tell this program's path")?;
        let folder = own.parent().and_then(Path::parent);
        let program = folder.context("this program lies nowhere")?.join("grader");
        Ok(Grading {
            program,
            root: course.root().to_owned(),
        })
    }

    /// The grader, in the course's folder.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.root);
        command
    }

    pub fn run(
        &self,
        submissions: &Path,
        out: &Path,
        labs: &[String],
        resume: bool,
    ) -> anyhow::Result<Graded> {
        println!("grading {}", submissions.display());
        let mut command = self.command();
        command.arg("run").arg(submissions).arg("--out").arg(out);
        if !labs.is_empty() {
            command.args(["--labs", &labs.join(",")]);
        }
        if resume {
            command.arg("--resume");
        }
        let began = Instant::now();
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        let mut memory = 0;
        let ended = loop {
            memory = memory.max(peak(&status));
            if let Some(ended) = child.try_wait()? {
                break ended;
            }
            thread::sleep(PAUSE);
        };
        let time = began.elapsed();
        ensure!(ended.success(), "cargo grade run: {ended}");
        Ok(Graded { time, memory })
    }
}

fn peak(status: &Path) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}
