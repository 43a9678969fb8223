//! A small course in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// Far more than anything takes, also on a machine that is busy with other things.
pub const DEADLINE: Duration = Duration::from_secs(120);

const MANIFEST: &str = r#"
[workspace]
resolver = "3"
members = ["labs/*", "solutions/*"]

[profile.dev]
debug = false
incremental = false
"#;

/// Each verdict goes into a file, as testkit's do.
const CHECKS: &str = r##"
use std::process::Command;

fn program() -> String {
    std::env::var("WIRELAB_PROGRAM")
        .unwrap_or_else(|_| env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME"))).to_string())
}

fn verdict(check: &str, verdict: &str, message: &str) {
    let Ok(folder) = std::env::var("WIRELAB_VERDICTS") else { return };
    let text = format!(
        "{{\"version\":1,\"check\":\"{check}\",\"verdict\":\"{verdict}\",\"seconds\":0.01,\"message\":\"{message}\",\"seed\":\"\"}}"
    );
    std::fs::write(format!("{folder}/{check}.json"), text).unwrap();
}

fn expect(check: &str, step: usize, wanted: &str) {
    let output = Command::new(program()).arg(check).output().unwrap();
    let got = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if got == wanted {
        return verdict(check, "passed", "");
    }
    let topic = env!("CARGO_PKG_NAME").trim_end_matches("-solution");
    let mark = if got.is_empty() { "NOT WRITTEN" } else { "FAILED" };
    verdict(
        check,
        "failed",
        &format!("{mark}  {check}   step {step} of 2\\n  1  expected  {wanted}\\n     got  {got}\\n  Hint  cargo lab hint {topic} {check}"),
    );
    std::panic::resume_unwind(Box::new(()));
}

mod step_1 {
    #[test]
    fn says_one() {
        // A check that takes as long as the file `hold` is there.
        let hold = concat!(env!("CARGO_MANIFEST_DIR"), "/../../hold");
        while std::path::Path::new(hold).exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        super::expect("says_one", 1, "one");
    }
    #[test]
    fn says_two() {
        super::expect("says_two", 1, "two");
    }
}

mod step_2 {
    #[test]
    fn says_three() {
        super::expect("says_three", 2, "three");
    }
    #[test]
    fn says_four() {
        super::expect("says_four", 2, "four");
    }
}
"##;

const LAB: &str = r#"version = 1
title = "Saying words"
minutes = 10
edit = ["src/words.rs"]

[[step]]
title = "The first words"
section = "one.md#step-1"
hints = ["Look at one.", "Think of one and two.", "Nearly: one => one."]

[[step.check]]
name = "says_one"
points = 2

[[step.check]]
name = "says_two"
points = 1

[[step]]
title = "The other words"
section = "one.md#step-2"
hints = ["Look at three.", "Think of three.", "Nearly: three => three."]

[[step.check]]
name = "says_three"
points = 3

[[step.check]]
name = "says_four"
points = 4
kind = "bonus"
"#;

const PROGRAM: &str = "mod words;\n\nfn main() {\n    let check = std::env::args().nth(1).unwrap_or_default();\n    println!(\"{}\", words::word(&check));\n}\n";

/// What the learner is to write.
pub const SOLVED: &str = r#"//! The words.

/// The word that a check wants.
pub fn word(check: &str) -> &'static str {
    // write: "the word that `check` names"
    match check {
        "says_one" => "one",
        "says_two" => "two",
        "says_three" => "three",
        "says_four" => "four",
        _ => "",
    }
    // end
}
"#;

/// Every core check passes with this.
pub const CORE: &str = r#"//! The words.

/// The word that a check wants.
pub fn word(check: &str) -> &'static str {
    match check {
        "says_one" => "one",
        "says_two" => "two",
        "says_three" => "three",
        _ => "for",
    }
}
"#;

/// The first check passes with this.
pub const BEGUN: &str = r#"//! The words.

/// The word that a check wants.
pub fn word(check: &str) -> &'static str {
    if check == "says_one" { "one" } else { "wrong" }
}
"#;

/// Does not compile, for two reasons; warns for one.
pub const BROKEN: &str = r#"//! The words.

/// The word that a check wants.
pub fn word(check: &str) -> &'static str {
    let unused = 1;
    let first: u32 = "text";
    let second: u32 = 'c';
    "one"
}
"#;

/// A course of two labs, `one` and `two`, whose starters say nothing.
pub struct Course {
    folder: TempDir,
}

impl Course {
    pub fn new() -> Course {
        let course = Course {
            folder: tempfile::Builder::new()
                .prefix("course ")
                .tempdir()
                .unwrap(),
        };
        course.write("Cargo.toml", MANIFEST);
        course.write(
            "course.toml",
            "version = 1\ntitle = \"A small course\"\n\n[[lab]]\nfolder = \"01-one\"\n\n[[lab]]\nfolder = \"02-two\"\n",
        );
        for folder in ["01-one", "02-two"] {
            let topic = &folder[3..];
            course.write(&format!("labs/{folder}/Cargo.toml"), &package(topic, ""));
            course.write(&format!("labs/{folder}/lab.toml"), LAB);
            course.write(&format!("labs/{folder}/tests/checks.rs"), CHECKS);
            course.write(
                &format!("solutions/{folder}/Cargo.toml"),
                &package(
                    &format!("{topic}-solution"),
                    &format!("[[test]]\nname = \"checks\"\npath = \"../../labs/{folder}/tests/checks.rs\"\n"),
                ),
            );
            course.write(&format!("solutions/{folder}/src/main.rs"), PROGRAM);
            course.write(&format!("solutions/{folder}/src/words.rs"), SOLVED);
        }
        course.write(
            "book/book.toml",
            "[book]\ntitle = \"A small book\"\nlanguage = \"en\"\n",
        );
        course.write("book/src/SUMMARY.md", "# Summary\n\n- [One](one.md)\n");
        course.write(
            "book/src/one.md",
            "# One {#one}\n\nThe first page.\n\n## Step 1 {#step-1}\n\nText.\n\n## Step 2 {#step-2}\n\nText.\n",
        );
        course.lab(&["derive"]).assert().success();
        course
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Writes the learner's file of lab `one`.
    pub fn edit(&self, text: &str) {
        self.write("labs/01-one/src/words.rs", text);
    }

    /// `cargo lab ARGS` in this course.
    pub fn lab(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelab"));
        command
            .args(args)
            .current_dir(self.root())
            .timeout(DEADLINE);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.env("CARGO_NET_OFFLINE", "true");
        command
    }

    /// The same, for a process that is talked to while it runs.
    pub fn spawn(&self, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wirelab"));
        command.args(args).current_dir(self.root());
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.env("CARGO_NET_OFFLINE", "true");
        command
    }

    /// The JSON that `cargo lab ARGS` prints.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.lab(args).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!(
                "{args:?} printed no JSON ({error}):\n{}\n{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// What `status` says of a lab.
    pub fn standing(&self, lab: &str) -> Value {
        let status = self.json(&["status", "--json"]);
        status["labs"]
            .as_array()
            .unwrap()
            .iter()
            .find(|standing| standing["lab"] == lab)
            .unwrap_or_else(|| panic!("no lab {lab} in {status}"))
            .clone()
    }
}

/// What the run of these tests brings along and a learner's shell does not have.
pub const FOREIGN: [&str; 12] = [
    "CARGO_TARGET_DIR",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_NAME",
    "RUST_TEST_THREADS",
    "RUSTFLAGS",
    "WIRELAB_PROGRAM",
    "WIRELAB_LAUNCHER",
    "WIRELAB_SEED",
    "WIRELAB_REQUIRE",
    "CLICOLOR_FORCE",
    "FORCE_HYPERLINK",
];

fn package(name: &str, more: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[[bin]]\nname = \"{name}\"\npath = \"src/main.rs\"\n\n{more}"
    )
}

/// Waits until `condition` holds.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process that is talked to while it runs; ended at the latest when this value goes.
pub struct Running {
    child: std::process::Child,
    lines: std::sync::mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    /// Starts it, with its standard output and standard error as lines.
    pub fn start(mut command: std::process::Command) -> Running {
        let mut child = command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = std::sync::mpsc::channel();
        forward(child.stdout.take().unwrap(), send.clone());
        forward(child.stderr.take().unwrap(), send);
        Running {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line for which `wanted` holds.
    pub fn line(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no {what}; it printed:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if wanted(&line) {
                return line;
            }
        }
    }

    /// The next JSON event of this kind; any other before it is passed over.
    pub fn event(&mut self, kind: &str) -> Value {
        let line = self.line(&format!("event {kind}"), |line| {
            serde_json::from_str::<Value>(line).is_ok_and(|event| event["event"] == kind)
        });
        serde_json::from_str(&line).unwrap()
    }

    /// The kinds of the events seen so far.
    pub fn kinds(&self) -> Vec<String> {
        self.seen
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter_map(|event| event["event"].as_str().map(str::to_string))
            .collect()
    }

    /// Ctrl-C, or another signal.
    #[cfg(unix)]
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.pid()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn end(&mut self) -> std::process::ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forward(stream: impl std::io::Read + Send + 'static, lines: std::sync::mpsc::Sender<String>) {
    use std::io::BufRead as _;
    std::thread::spawn(move || {
        for line in std::io::BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}

/// The command lines of the processes whose program lies below `root`.
#[cfg(target_os = "linux")]
pub fn processes_of(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(program) = fs::read_link(entry.path().join("exe")) else {
            continue;
        };
        if program.starts_with(root) {
            let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&words).replace('\0', " "));
        }
    }
    found
}
