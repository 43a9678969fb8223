//! A class whose every grade is known beforehand, as `examples/class` makes it: graded, and every row is right.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use assert_cmd::assert::OutputAssertExt as _;
use clap::Parser as _;
use course::Course;
use testkit::Need;

#[path = "../examples/class/expect.rs"]
mod expect;
#[path = "../examples/class/hostile.rs"]
mod hostile;
#[path = "support/kill.rs"]
mod kill;
#[path = "../examples/class/make.rs"]
mod make;
#[path = "../examples/class/pack.rs"]
mod pack;

#[derive(Debug, clap::Parser)]
struct Making {
    #[command(flatten)]
    make: make::Make,
}

#[derive(Debug, clap::Parser)]
struct Verifying {
    #[command(flatten)]
    verify: expect::Verify,
}

/// A class of so many students, and those who hand in something odd or hostile.
struct Known {
    scratch: tempfile::TempDir,
    course: Course,
    labs: Vec<&'static str>,
}

impl Known {
    fn make(students: &str, labs: &[&'static str]) -> Known {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let known = Known {
            scratch: tempfile::tempdir().unwrap(),
            course: Course::load(root.canonicalize().unwrap()).unwrap(),
            labs: labs.to_vec(),
        };
        let dir = known.path("class");
        let args = ["make", dir.to_str().unwrap(), "--students", students];
        let args = args.iter().chain(labs);
        make::run(&known.course, &Making::parse_from(args).make).unwrap();
        known
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn grade(&self) -> Command {
        let mut grade = Command::new(env!("CARGO_BIN_EXE_grader"));
        grade
            .current_dir(self.course.root())
            .arg("run")
            .arg(self.path("class/submissions"))
            .arg("--out")
            .arg(self.path("out"))
            .arg("--roster")
            .arg(self.path("class/roster.csv"))
            .args(&self.labs);
        grade
    }

    /// Every row of the grades is what it has to be; else all is kept, to be looked at.
    fn verify(self) {
        let [class, out] = ["class", "out"].map(|name| self.path(name));
        let args = ["verify".as_ref(), class.as_os_str(), out.as_os_str()];
        if let Err(error) = expect::verify(&Verifying::parse_from(args).verify) {
            panic!("{error:?}\nkept in {}", self.scratch.keep().display());
        }
    }
}

/// Grades a class, and looks at each row.
fn every_row(students: &str, labs: &[&'static str]) {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let _alone = kill::alone();
    let known = Known::make(students, labs);
    kill::leaving_nothing(|| drop(known.grade().assert().success()));
    known.verify();
}

/// As [`every_row`], with a grader that is killed so many times and goes on.
fn every_row_though_killed(students: &str, labs: &[&'static str], times: usize, longest: Duration) {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let _alone = kill::alone();
    let known = Known::make(students, labs);
    let temporary = known.path("tmp");
    fs::create_dir(&temporary).unwrap();
    for folder in [known.scratch.path(), &temporary] {
        // Where root grades, the checks run as somebody else.
        fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let resume = || {
        let mut grade = known.grade();
        grade.arg("--resume");
        grade
    };
    kill::again_and_again(times, longest, &temporary, &known.path("out"), resume);
    let mut last = resume();
    last.env("TMPDIR", &temporary).assert().success();
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    known.verify();
}

#[test]
fn every_row_of_a_small_class_is_right() {
    every_row("16", &["--labs", "first-contact"]);
}

#[test]
#[ignore = "takes many minutes: make class"]
fn every_row_of_a_class_of_200_with_every_lab_is_right() {
    every_row("184", &[]);
}

#[test]
#[ignore = "takes many minutes: make class"]
fn every_row_of_a_class_of_200_is_right_though_the_grader_is_killed_20_times() {
    every_row_though_killed("184", &[], 20, Duration::from_secs(150));
}
