//! The course is tried on itself, and what is mislabelled in it is found.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;

use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{FIRST, cargo_grade, course_in, root};

fn selfcheck(course: &Path, more: &[&str]) -> Output {
    let mut command = cargo_grade(course);
    command.arg("selfcheck").args(more);
    command.output().unwrap()
}

/// The row of a program in the table.
fn row<'o>(output: &'o Output, name: &str) -> Vec<&'o str> {
    let text = str::from_utf8(&output.stdout).unwrap();
    let rows = text.lines().map(|line| line.split_whitespace().collect());
    let mut rows = rows.filter(|row: &Vec<&str>| row.get(1) == Some(&name));
    rows.next()
        .unwrap_or_else(|| panic!("there is no {name}: {output:?}"))
}

/// A course whose only lab is the first, with a copy of its solution that may be changed.
fn first_alone(dir: &Path) -> PathBuf {
    let toml = format!("version = 1\ntitle = \"Alone\"\n\n[[lab]]\nfolder = \"{FIRST}\"\n");
    let course = course_in(dir, &toml);
    let solutions = course.join("solutions");
    fs::remove_file(&solutions).unwrap();
    fs::create_dir(&solutions).unwrap();
    for solution in fs::read_dir(root().join("solutions")).unwrap() {
        let solution = solution.unwrap();
        let to = solutions.join(solution.file_name());
        if solution.file_name() == FIRST {
            copy(&solution.path(), &to);
        } else {
            symlink(solution.path(), to).unwrap();
        }
    }
    course
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (
            entry.as_ref().unwrap().path(),
            to.join(entry.unwrap().file_name()),
        );
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn the_first_lab_is_as_it_should_be() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let output = selfcheck(&root(), &["first-contact", "--jobs", "2"]);
    assert!(output.status.success(), "{output:?}");
    let max = course::Course::load(root()).unwrap();
    let max = max.lab("first-contact").unwrap().max_points().total().0;
    assert_eq!(
        row(&output, "solution")[..3],
        ["ok", "solution", &max.to_string()]
    );
    assert_eq!(row(&output, "starter")[0], "ok");
    let wrong = row(&output, "wrong/sends-the-whole-buffer");
    let fails = ["fails", "sends_back_what_it_received"];
    assert_eq!((wrong[0], &wrong[3..]), ("ok", &fails[..]));
    // A starter that was recognised and not judged could earn nothing.
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!said.contains("is the starter"), "{said}");
}

#[test]
fn what_is_mislabelled_is_named() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let course = first_alone(scratch.path());
    let wrong = course.join("solutions").join(FIRST).join("wrong");
    // The answer to another question: its echo is right.
    fs::write(
        wrong.join("keeps-the-line-end/wrong.toml"),
        "fails = \"sends_back_what_it_received\"\nbelieves = \"An echo is a greeting.\"\n",
    )
    .unwrap();
    let broken = wrong.join("never-ends/src/echo.rs");
    fs::write(broken, "pub fn converse( {").unwrap();

    let output = selfcheck(&course, &["first-contact"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let mislabelled = row(&output, "wrong/keeps-the-line-end");
    let says = ["passes", "sends_back_what_it_received,"];
    assert_eq!((mislabelled[0], &mislabelled[3..5]), ("FAILED", &says[..]));
    let broken = row(&output, "wrong/never-ends");
    assert_eq!(
        (broken[0], broken[3..].join(" ").as_str()),
        ("FAILED", "does not compile")
    );
    for sound in ["solution", "starter", "wrong/sends-the-whole-buffer"] {
        assert_eq!(row(&output, sound)[0], "ok", "{output:?}");
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(" programs, and 2 of them"), "{said}");
}

#[test]
fn what_cannot_be_tried_is_said() {
    let output = selfcheck(&root(), &["first-contakt"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("first-contact"), "{said}");

    let scratch = tempfile::tempdir().unwrap();
    let course = first_alone(scratch.path());
    fs::remove_dir_all(course.join("solutions").join(FIRST)).unwrap();
    let output = selfcheck(&course, &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("first-contact has no solution here"),
        "{said}"
    );
}
