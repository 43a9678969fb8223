//! The wrappers of `machines/`: what each of them calls covers a class once, and comes to the same as one run.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::assert::OutputAssertExt as _;
use clap::Parser as _;
use course::Course;
use grader::cli::{self, Cli};
use grader::run::Shard;
use grader::sandbox::Tier;
use serde_json::Value;
use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{grades, journaled, root, run, six};

/// A folder in which a program called `cargo` is this script.
fn cargo_that(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cargo");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Starts `program` where `cargo` is the one in `folder`.
fn with_cargo(folder: &Path, program: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(
        std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path)),
    );
    let mut command = Command::new(program);
    command.env("PATH", path.unwrap());
    command
}

fn machines(file: &str) -> PathBuf {
    root().join("machines").join(file)
}

fn yaml(file: &str) -> Value {
    let text = fs::read_to_string(machines(file)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Notes down what `cargo` is called with, in place of doing it.
struct Notes {
    cargo: tempfile::TempDir,
    /// Where the wrappers run.
    here: tempfile::TempDir,
}

impl Notes {
    fn new() -> Notes {
        Notes {
            cargo: cargo_that(r#"printf '%s\n' "$@" > "$CALLED""#),
            here: tempfile::tempdir().unwrap(),
        }
    }

    /// `program`, in the folder where the wrappers run.
    fn command(&self, program: &str) -> Command {
        let mut command = with_cargo(self.cargo.path(), program);
        command
            .current_dir(self.here.path())
            .env("CALLED", self.cargo.path().join("called"))
            .env("CARGO_TARGET_DIR", self.cargo.path());
        command
    }

    /// What `cargo grade` understands of the call that `command` makes.
    fn of(&self, command: &mut Command) -> cli::Command {
        command.assert().success();
        let called = fs::read_to_string(self.cargo.path().join("called")).unwrap();
        let mut words = called.lines();
        assert_eq!(words.next(), Some("grade"), "{called}");
        let arguments = std::iter::once("cargo grade").chain(words);
        Cli::try_parse_from(arguments)
            .unwrap_or_else(|error| panic!("{called}: {error}"))
            .command
    }

    fn run(&self, command: &mut Command) -> cli::Run {
        match self.of(command) {
            cli::Command::Run(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    fn merge(&self, command: &mut Command) -> cli::Merge {
        match self.of(command) {
            cli::Command::Merge(merge) => merge,
            other => panic!("{other:?}"),
        }
    }

    /// What `parts` calls are all parts of a class, each into a folder of its own; `merge` joins just these folders.
    fn cover_a_class(&self, parts: usize, part: impl Fn(usize) -> Command, merge: &mut Command) {
        let mut folders = Vec::new();
        for number in 1..=parts {
            let run = self.run(&mut part(number));
            let shard = Shard { number, of: parts };
            assert_eq!(run.shard, Some(shard));
            // None judges behind other walls than the rest without saying so.
            assert_eq!(run.sandbox, Some(Tier::Bubblewrap));
            let out = self.here.path().join(run.out);
            assert!(!folders.contains(&out), "{} twice", out.display());
            fs::create_dir_all(&out).unwrap();
            folders.push(out);
        }
        let merge = self.merge(merge);
        let merged: Vec<PathBuf> = merge
            .dirs
            .iter()
            .map(|dir| self.here.path().join(dir))
            .collect();
        assert_eq!(merged, folders);
        assert!(!folders.contains(&self.here.path().join(merge.out)));
    }
}

#[test]
fn a_slurm_array_covers_a_class() {
    let notes = Notes::new();
    let part = |number: usize| {
        let mut command = notes.command("bash");
        command
            .arg(machines("slurm.sh"))
            .args(["parts", "class/submissions", "--roster", "roster.csv"])
            .env("SLURM_ARRAY_TASK_ID", number.to_string())
            .env("SLURM_ARRAY_TASK_COUNT", "4");
        command
    };
    let first = notes.run(&mut part(1));
    assert!(first.resume, "a task that was put back goes on");
    assert_eq!(first.submissions, Path::new("class/submissions"));
    assert_eq!(first.roster.as_deref(), Some(Path::new("roster.csv")));
    let mut merge = notes.command("bash");
    merge
        .arg(machines("slurm-merge.sh"))
        .args(["parts", "grades"]);
    notes.cover_a_class(4, part, &mut merge);
    // Without Slurm, or with a count that is none, nothing is graded.
    part(1)
        .env_remove("SLURM_ARRAY_TASK_COUNT")
        .assert()
        .failure();
}

#[test]
fn a_matrix_covers_a_class() {
    let notes = Notes::new();
    let workflow = yaml("ci-matrix.yml");
    let script = |job: &str, command: &str| {
        let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
        let mut runs = steps.iter().filter_map(|step| step["run"].as_str());
        runs.find(|run| run.starts_with(command)).unwrap()
    };
    let job = &workflow["jobs"]["part"];
    let numbers = job["strategy"]["matrix"]["part"].as_array().unwrap();
    let counted: Vec<u64> = numbers.iter().filter_map(Value::as_u64).collect();
    assert_eq!(counted, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert!(job["env"]["WIRELAB_SECRET"].is_string());

    let filled_in = |text: &str, number: usize| {
        let text = text
            .replace("${{ matrix.part }}", &number.to_string())
            .replace("${{ strategy.job-total }}", &numbers.len().to_string());
        assert!(!text.contains("${{"), "{text}");
        text
    };
    let part = |number: usize| {
        let mut command = notes.command("bash");
        command.args(["-euc", &filled_in(script("part", "cargo grade"), number)]);
        command
    };
    let mut merge = notes.command("bash");
    merge.args(["-euc", script("merge", "cargo grade")]);
    notes.cover_a_class(numbers.len(), part, &mut merge);

    // What a part leaves is what the merge fetches, into a folder of the same name.
    assert_eq!(workflow["jobs"]["merge"]["needs"], "part");
    let with = |job: &str, action: &str| {
        let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
        let mut steps = steps.iter();
        let step = steps.find(|step| {
            let uses = step["uses"].as_str();
            uses.is_some_and(|uses| uses.starts_with(action))
        });
        step.unwrap()["with"].clone()
    };
    let up = with("part", "actions/upload-artifact@");
    let down = with("merge", "actions/download-artifact@");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let left = filled_in(&text(&up["path"]), 2);
    let name = filled_in(&text(&up["name"]), 2);
    assert_eq!(left, format!("{}/{name}", text(&down["path"])));
    let start = text(&down["pattern"]);
    assert!(name.starts_with(start.trim_end_matches('*')));
}

#[test]
fn an_indexed_job_covers_a_class() {
    let notes = Notes::new();
    let (job, merge) = (yaml("kubernetes.yaml"), yaml("kubernetes-merge.yaml"));
    let spec = &job["spec"];
    assert_eq!(spec["completionMode"], "Indexed");
    let container = |job: &Value| job["spec"]["template"]["spec"]["containers"][0].clone();
    let (grade, join) = (container(&job), container(&merge));
    assert_eq!(grade["image"], join["image"]);
    assert_eq!(grade["volumeMounts"], join["volumeMounts"]);
    let variable = |name: &str| {
        let all = grade["env"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap().clone()
    };
    assert!(variable("WIRELAB_SECRET")["valueFrom"]["secretKeyRef"].is_object());
    let parts = spec["completions"].as_u64().unwrap();
    assert_eq!(variable("PARTS")["value"], parts.to_string());

    // The volume is a folder here.
    let class = notes.here.path().to_str().unwrap();
    let call = |container: &Value| {
        let words = ["command", "args"].map(|key| container[key].as_array().unwrap().clone());
        let words = words.concat();
        let words: Vec<String> = words
            .iter()
            .map(|word| {
                word.as_str()
                    .unwrap()
                    .replace("/class/", &format!("{class}/"))
            })
            .collect();
        let mut command = notes.command(&words[0]);
        command.args(&words[1..]);
        command
    };
    let part = |number: usize| {
        let mut command = call(&grade);
        command
            .env("PARTS", parts.to_string())
            // From 0.
            .env("JOB_COMPLETION_INDEX", (number - 1).to_string());
        command
    };
    assert!(notes.run(&mut part(1)).resume, "a new pod goes on");
    let parts = usize::try_from(parts).unwrap();
    notes.cover_a_class(parts, part, &mut call(&join));
}

#[test]
fn what_slurm_runs_comes_to_the_same_as_one_run() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let class = six(scratch.path().join("submissions"));
    let one = scratch.path().join("one");
    run(&class.dir, &one, &[]).assert().success();

    let grader = env!("CARGO_BIN_EXE_grader");
    let cargo = cargo_that(&format!("shift\nexec '{grader}' \"$@\""));
    let target = Course::load(root()).unwrap().target_dir();
    let parts = scratch.path().join("parts");
    let wrapper = |file: &str| {
        let mut command = with_cargo(cargo.path(), "bash");
        command
            .current_dir(root())
            .arg(machines(file))
            .arg(&parts)
            // The grader's own calls are for cargo itself.
            .env("CARGO", env!("CARGO"))
            .env("CARGO_TARGET_DIR", &target)
            .env("WIRELAB_SECRET", "once upon a time");
        command
    };
    let task = |number: &str| {
        let mut command = wrapper("slurm.sh");
        command
            .arg(&class.dir)
            .args(["--labs", "first-contact"])
            .env("SLURM_ARRAY_TASK_ID", number)
            .env("SLURM_ARRAY_TASK_COUNT", "3");
        command
    };
    for number in ["1", "2", "3"] {
        task(number).assert().success();
    }
    // A task that was put back finds its verdicts.
    let done = || ["1", "2", "3"].map(|number| journaled(&parts.join(format!("part-{number}"))));
    let before = done();
    assert_eq!(before.iter().sum::<usize>(), journaled(&one));
    task("2").assert().success();
    assert_eq!(done(), before);
    // A CI secret that nobody has set is an empty one.
    task("2").env("WIRELAB_SECRET", "").assert().failure();

    let merged = scratch.path().join("merged");
    wrapper("slurm-merge.sh").arg(&merged).assert().success();
    let csv = |out: &Path| fs::read(out.join("grades.csv")).unwrap();
    assert_eq!(csv(&merged), csv(&one));
    assert_eq!(grades(&merged), grades(&one));
}

#[test]
fn the_scripts_are_bash() {
    for file in ["slurm.sh", "slurm-merge.sh", "slurm-on-one-machine.sh"] {
        let mut bash = Command::new("bash");
        bash.arg("-n").arg(machines(file)).assert().success();
        let mode = machines(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{file} cannot be executed");
    }
}
