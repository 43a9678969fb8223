//! A class whose every grade is known beforehand, as `examples/class` makes it: graded, and every row is right.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use assert_cmd::assert::OutputAssertExt as _;
use clap::Parser as _;
use course::Course;
use testkit::Need;

#[path = "../examples/class/expect.rs"]
mod expect;
#[path = "../examples/class/hostile.rs"]
mod hostile;
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

/// Grades a class of so many students, and those who hand in something odd or hostile.
fn every_row(students: &str, labs: &[&str]) {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let course = Course::load(root.canonicalize().unwrap()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (class, out) = (scratch.path().join("class"), scratch.path().join("out"));
    let [dir, grades] = [&class, &out].map(|path| path.to_str().unwrap());

    let args = [&["make", dir, "--students", students], labs].concat();
    make::run(&course, &Making::parse_from(args).make).unwrap();
    let mut grade = Command::new(env!("CARGO_BIN_EXE_grader"));
    grade
        .current_dir(course.root())
        .arg("run")
        .arg(class.join("submissions"))
        .arg("--out")
        .arg(&out)
        .arg("--roster")
        .arg(class.join("roster.csv"))
        .args(labs);
    grade.assert().success();
    expect::verify(&Verifying::parse_from(["verify", dir, grades]).verify).unwrap();
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
