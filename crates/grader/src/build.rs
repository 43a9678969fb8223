//! Building: a lab's checks and dependencies once, with cargo; a submission with one call of the compiler.
//!
//! Cargo never sees a submission, so nothing of one can get into a target folder, a build script or another's build.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use course::{Course, Hidden, Lab};
use launch::Record;
use rustix::process::Signal;

use crate::digest;
use crate::files;
use crate::process;
use crate::sandbox::{Sandbox, Sight};
use crate::scratch;

pub(crate) mod cargo;
mod hidden;

pub use cargo::{BUILDING, ELSEWHERE, Packages, SCRATCH};

/// How long the compiler may wait for something: none of its files is anything to wait for.
const LONGEST_REST: Duration = Duration::from_secs(30);
/// How long the compiler may take for one submission, before `WIRELAB_PATIENCE`. Its processor time is bounded as well
/// ([`launch::Limits::compiler`]), and is what a submission answers for; that the machine has other things to do is
/// nobody's fault.
const LIMIT: Duration = Duration::from_secs(900);
/// With less room than this on the disk, in bytes, what the compiler says is not held against a submission.
const LEAST_FREE: u64 = 64 << 20;
/// How much of what the compiler says is kept, in bytes.
const MOST_SAID: usize = 64 << 10;

/// The toolchain that builds everything.
#[derive(Debug)]
pub struct Toolchain {
    /// Where it is installed.
    pub sysroot: PathBuf,
    /// What `rustc -vV` says.
    pub version: String,
}

impl Toolchain {
    /// The system that it runs on and compiles for, as in `x86_64-unknown-linux-gnu`.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let mut lines = self.version.lines();
        lines.find_map(|line| line.strip_prefix("host: "))
    }

    /// Finds it as cargo does in the course's folder.
    ///
    /// # Errors
    /// There is none.
    pub fn find(course: &Course) -> anyhow::Result<Toolchain> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let ask = |args: &[&str]| -> anyhow::Result<String> {
            let output = std::process::Command::new(&rustc)
                .args(args)
                .current_dir(course.root())
                .output()
                .context("rustc cannot be started; install Rust from https://rustup.rs")?;
            ensure!(
                output.status.success(),
                "rustc {} fails: {}",
                args.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        Ok(Toolchain {
            sysroot: ask(&["--print", "sysroot"])?.into(),
            version: ask(&["-vV"])?,
        })
    }

    /// The first line of what it says of itself.
    #[must_use]
    pub fn name(&self) -> &str {
        self.version.lines().next().unwrap_or("rustc")
    }
}

/// The files of a lab's `src`, by their path in the lab's folder.
pub type Sources = BTreeMap<PathBuf, Vec<u8>>;

/// A lab, ready to build submissions of it.
#[derive(Debug)]
pub struct Kitchen<'c> {
    /// The lab.
    pub lab: &'c Lab,
    /// The starter: given files and those that are the learner's, unwritten.
    starter: Sources,
    /// The executable with the checks, and the dependencies; none while no submission needs them.
    ready: Option<cargo::Ready>,
    /// The hidden checks, where there are any.
    pub hidden: Option<Hidden>,
    /// The executable with the hidden checks.
    hidden_checks: Option<PathBuf>,
    /// The hash of the checks: of their executable, of what it reads, and of what the hidden ones are made from.
    pub checks_hash: String,
}

/// Where hidden checks come from.
#[derive(Debug, Clone, Copy)]
pub enum HiddenFrom<'a> {
    /// Beside the solutions.
    Solutions,
    /// From this folder, which has one folder a lab.
    Folder(&'a Path),
    /// From nowhere: there are none.
    Nowhere,
}

/// What came of a submission's build.
#[derive(Debug)]
pub enum Built {
    /// The program.
    Program(PathBuf),
    /// The compiler's message.
    DoesNotCompile(String),
}

impl<'c> Kitchen<'c> {
    /// Reads the lab's starter.
    ///
    /// # Errors
    /// The starter cannot be derived, or the hidden checks not be read.
    pub fn new(lab: &'c Lab, hidden: HiddenFrom<'_>) -> anyhow::Result<Kitchen<'c>> {
        let hidden = match hidden {
            HiddenFrom::Solutions => Hidden::of(lab)?,
            HiddenFrom::Folder(folder) => Hidden::below(lab, folder)?,
            HiddenFrom::Nowhere => None,
        };
        let source = lab.starter_source().with_context(|| {
            format!(
                "there is neither a solution nor a kept starter of {}: grade from the whole course",
                lab.topic
            )
        })?;
        let files = source.starter(lab)?.files;
        Ok(Kitchen {
            lab,
            starter: files
                .into_iter()
                .map(|file| (file.path, file.bytes))
                .collect(),
            ready: None,
            hidden,
            hidden_checks: None,
            checks_hash: String::new(),
        })
    }

    /// Compiles the checks and the dependencies, or finds them compiled.
    ///
    /// # Errors
    /// Cargo fails.
    pub fn prepare(
        &mut self,
        course: &Course,
        toolchain: &Toolchain,
        packages: &mut Packages,
    ) -> anyhow::Result<()> {
        let ready = cargo::prepare(course, self.lab, packages)?;
        let checks = fs::read(&ready.checks)
            .with_context(|| format!("{} cannot be read", ready.checks.display()))?;
        // What checks read when they run is as much of them as what they were compiled from.
        let mut parts = vec![checks];
        parts.append(&mut files::contents(&self.lab.dir().join("tests/data"))?);
        self.checks_hash = digest::of(&parts);
        if let Some(hidden) = &self.hidden {
            let (executable, hash) = hidden::compile(
                course,
                self.lab,
                hidden,
                &ready,
                toolchain,
                &self.checks_hash,
            )
            .with_context(|| format!("the hidden checks of {} cannot be built", self.lab.topic))?;
            self.hidden_checks = Some(executable);
            self.checks_hash = hash;
        }
        self.ready = Some(ready);
        Ok(())
    }

    /// The checks' executable.
    ///
    /// # Errors
    /// [`Kitchen::prepare`] was not called.
    pub fn checks(&self) -> anyhow::Result<&Path> {
        Ok(&self.ready()?.checks)
    }

    /// The hidden checks and their executable, where there are any.
    #[must_use]
    pub fn hidden(&self) -> Option<(&Hidden, &Path)> {
        Some((self.hidden.as_ref()?, self.hidden_checks.as_deref()?))
    }

    fn ready(&self) -> anyhow::Result<&cargo::Ready> {
        self.ready
            .as_ref()
            .with_context(|| format!("{} has not been prepared", self.lab.topic))
    }

    /// What is compiled for a submission: our files, and the learner's in place of the starter's.
    #[must_use]
    pub fn sources(&self, learners: &BTreeMap<PathBuf, String>) -> Sources {
        let mut sources = self.starter.clone();
        for (path, text) in learners {
            // A line feed is one however an editor writes it; the compiler says so too.
            sources.insert(path.clone(), text.replace("\r\n", "\n").into_bytes());
        }
        sources
    }

    /// The files of `edit` that are not in a submission.
    pub fn missing<'a>(
        &'a self,
        learners: &'a BTreeMap<PathBuf, String>,
    ) -> impl Iterator<Item = &'a PathBuf> {
        let edit = self.lab.edit.iter();
        edit.filter(|path| !learners.contains_key(*path))
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_starter(&self, sources: &Sources) -> bool {
        let same = |(path, bytes): (&PathBuf, &Vec<u8>)| {
            let starter = self.starter.get(path);
            starter.is_some_and(|starter| trimmed(starter) == trimmed(bytes))
        };
        sources.iter().all(same)
    }

    /// Compiles a submission in `scratch`, an empty folder for this purpose.
    ///
    /// # Errors
    /// Trouble with the machine: it says nothing about the submission.
    pub fn build(
        &self,
        sandbox: &Sandbox,
        toolchain: &Toolchain,
        sources: &Sources,
        scratch: &Path,
    ) -> anyhow::Result<Built> {
        let ready = self.ready()?;
        // As in the course, so that a panic names the file that the learner knows.
        let package = Path::new("labs").join(&self.lab.folder);
        let (source, out) = (scratch.join("source"), scratch.join("out"));
        let record = scratch.join("compiler");
        for (path, bytes) in sources {
            let path = source.join(&package).join(path);
            let parent = path.parent().unwrap_or(&source);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&path, bytes))
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
        let sight = Sight {
            toolchain: &toolchain.sysroot,
            dependencies: ready.dependencies.path(),
            source: &source,
            out: &out,
            record: &record,
        };
        let (dependencies, place) = sandbox.place(&sight);
        let name = &self.lab.topic;
        // As cargo has it for a package's program.
        let crate_name = name.replace('-', "_");
        let environment = [
            ("CARGO_PKG_NAME", name.as_str()),
            ("CARGO_PKG_VERSION", &ready.version),
            ("CARGO_CRATE_NAME", &crate_name),
            ("CARGO_BIN_NAME", name),
            // A compiler with jemalloc in it, as Rust's own is, then takes fewer and larger pages from the kernel, and a
            // twentieth less of the processor's time. To any other this says nothing.
            ("MALLOC_CONF", "thp:always,narenas:1"),
        ];
        let mut command = sandbox.compiler(&sight, &environment)?;
        command
            .arg(package.join("src/main.rs"))
            .args(["--crate-type", "bin", "--emit", "link", "-A", "warnings"])
            .args(["--error-format", "human", "--color", "never"])
            .args(["--crate-name", &crate_name])
            // The other processors have submissions of their own.
            .args(["-C", "codegen-units=1"])
            // The standard library's, eight times as long as the program itself.
            .args(["-C", "strip=debuginfo"])
            .args(["--edition", &ready.edition])
            .arg("-o")
            .arg(place.join(name))
            .arg("-L")
            .arg(format!("dependency={}", dependencies.display()))
            .arg("-L")
            .arg(format!("native={}", dependencies.display()));
        for (name, file) in &ready.externs {
            let file = dependencies.join(file);
            command
                .arg("--extern")
                .arg(format!("{name}={}", file.display()));
        }
        let limit = LIMIT.mul_f64(patience());
        let ended = process::run_unless_it_rests(command, LONGEST_REST, limit, MOST_SAID)?;
        let program = out.join(name);
        if ended.success() && program.is_file() {
            return Ok(Built::Program(program));
        }
        let said = ended.stderr.trim();
        // What the compiler says may be the submission's own words, so no words tell whose fault this is.
        ensure!(
            Record::lost(&record) == 0,
            "the compiler did not start: {}",
            said.lines().next().unwrap_or("it said nothing")
        );
        let free = scratch::free(&out)?;
        ensure!(
            free >= LEAST_FREE,
            "only {} MiB are free in {}: make some room there, or set TMPDIR to a folder that has some",
            free >> 20,
            std::env::temp_dir().display()
        );
        Ok(Built::DoesNotCompile(match ended.status {
            None => {
                ensure!(
                    ended.rested,
                    "the compiler had not done its work after {} s: the machine is too busy with other things",
                    limit.as_secs()
                );
                format!(
                    "The compiler was stopped: something in the files has it wait for what never comes.\n{said}"
                )
            }
            Some(status) => blame(status, said)?,
        }))
    }
}

/// What the compiler's end says of the submission.
///
/// # Errors
/// It says nothing of it, but something of this machine: somebody has ended the compiler.
fn blame(status: ExitStatus, said: &str) -> anyhow::Result<String> {
    use std::os::unix::process::ExitStatusExt as _;
    // bubblewrap gives a signal as 128 and its number.
    let behind = status.code().filter(|code| *code > 128);
    let signal = status.signal().or(behind.map(|code| code - 128));
    match (signal.and_then(Signal::from_named_raw), status.code()) {
        (None, Some(1)) if !said.is_empty() => Ok(said.to_owned()),
        (None, Some(code)) if code != 0 => {
            Ok(format!("The compiler gave up (exit code {code}):\n{said}"))
        }
        // Its limit of processor time, of memory or of room.
        (
            Some(
                Signal::ABORT
                | Signal::BUS
                | Signal::KILL
                | Signal::SEGV
                | Signal::XCPU
                | Signal::XFSZ,
            ),
            _,
        ) => Ok(format!(
            "The compiler needed more time, memory or room than one lab may take.\n{said}"
        )),
        // A fault of its own that these files bring about, such as a division of the assembler's.
        (Some(Signal::ILL | Signal::TRAP | Signal::FPE | Signal::SYS), _) => Ok(format!(
            "The compiler crashed ({status}): something in the files is too much for it.\n{said}"
        )),
        _ => bail!(
            "the compiler ended without a message ({status}): {}",
            said.lines().next().unwrap_or_default()
        ),
    }
}

fn trimmed(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    text.trim_end().as_bytes().to_vec()
}

/// `WIRELAB_PATIENCE`: the factor on every deadline.
pub(crate) fn patience() -> f64 {
    std::env::var("WIRELAB_PATIENCE")
        .ok()
        .and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|factor| factor.is_finite())
        .map_or(1.0, |factor| factor.clamp(1.0, 100.0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn what_ends_the_compiler_is_the_submission_or_somebody_with_a_reason() {
        let by_signal = |signal| blame(ExitStatus::from_raw(signal), "");
        let with_code = |code: i32, said| blame(ExitStatus::from_raw(code << 8), said);
        let needed = "The compiler needed more";
        let crashed = "The compiler crashed";
        for (ended, begins) in [
            (with_code(1, "error: no"), "error: no"),
            (with_code(1, ""), "The compiler gave up (exit code 1)"),
            (
                with_code(101, "panicked"),
                "The compiler gave up (exit code 101):\npanicked",
            ),
            (by_signal(9), needed),
            (with_code(128 + 6, ""), needed),
            (by_signal(8), crashed),
            (with_code(128 + 8, ""), crashed),
        ] {
            let ended = ended.unwrap();
            assert!(ended.starts_with(begins), "{ended}");
        }
        // Somebody has stopped the compiler, or it left no program.
        for ended in [by_signal(2), with_code(128 + 15, ""), with_code(0, "")] {
            ended.unwrap_err();
        }
    }
}
