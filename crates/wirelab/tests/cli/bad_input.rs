//! What goes wrong is named, with its reason and what to do next; nothing panics or hangs.

use predicates::prelude::*;
use predicates::str::contains;

use crate::course::{Course, SOLVED};

#[test]
fn an_unknown_lab_names_the_nearest() {
    let course = Course::new();
    for command in ["check", "watch", "hint", "reset", "solution", "soak"] {
        course
            .lab(&[command, "on"])
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains("there is no lab `on`"))
            .stderr(contains("did you mean `one`?"));
    }
    let error = course.json(&["check", "on", "--json"]);
    assert_eq!(error["version"], 1);
    assert!(error["error"].as_str().unwrap().contains("no lab `on`"));
}

#[test]
fn an_unknown_check_or_step_is_named() {
    let course = Course::new();
    course
        .lab(&["check", "one", "--check", "says_on"])
        .assert()
        .code(2)
        .stderr(contains("no check `says_on`"))
        .stderr(contains("says_one"));
    course
        .lab(&["check", "one", "--step", "7"])
        .assert()
        .code(2)
        .stderr(contains("no step 7"));
    course
        .lab(&["hint", "one", "nothing"])
        .assert()
        .code(2)
        .stderr(contains("no check `nothing`"));
    course
        .lab(&["check", "one", "--program", "/nowhere/at/all"])
        .assert()
        .code(2)
        .stderr(contains("/nowhere/at/all"));
}

#[test]
fn a_broken_lab_toml_is_named_with_line_and_key_and_the_others_go_on() {
    let course = Course::new();
    let lab = course.read("labs/01-one/lab.toml");
    course.write(
        "labs/01-one/lab.toml",
        &lab.replace("minutes = 10", "minutes = \"ten\""),
    );
    course
        .lab(&["check", "one"])
        .assert()
        .code(2)
        .stderr(contains("lab.toml:3:"))
        .stderr(contains("minutes"));
    course
        .lab(&["status"])
        .assert()
        .success()
        .stdout(contains("01-one cannot be used"))
        .stdout(contains("two"));
    course.write("labs/02-two/src/words.rs", SOLVED);
    course.lab(&["check", "two"]).assert().success();
}

#[test]
fn a_broken_course_toml_is_named() {
    let course = Course::new();
    course.write("course.toml", "version = 1\ntitle = \n");
    course
        .lab(&["status"])
        .assert()
        .code(2)
        .stderr(contains("course.toml:2:"));
}

#[test]
fn outside_of_a_course_it_says_where_to_go() {
    let course = Course::new();
    let elsewhere = tempfile::tempdir().unwrap();
    course
        .lab(&["status"])
        .current_dir(elsewhere.path())
        .assert()
        .code(2)
        .stderr(contains("course.toml"))
        .stderr(contains("change into"));
    course
        .lab(&["status"])
        .current_dir(course.path("labs/01-one/src"))
        .assert()
        .success();
}

#[test]
fn a_missing_solution_is_said() {
    let course = Course::new();
    course.edit(SOLVED);
    course.lab(&["check", "one"]).assert().success();
    std::fs::remove_dir_all(course.path("solutions")).unwrap();
    course.write("Cargo.toml", "[workspace]\nmembers = [\"labs/*\"]\n");
    course
        .lab(&["solution", "one"])
        .assert()
        .code(1)
        .stderr(contains("has no solutions"));
    for args in [
        &["reset", "one", "--yes"][..],
        &["derive"],
        &["soak", "one"],
        &["check", "one", "--solution"],
    ] {
        course.lab(args).assert().code(2).stderr(contains("one"));
    }
    assert_eq!(course.read("labs/01-one/src/words.rs"), SOLVED);
    course.lab(&["check", "one"]).assert().success();
}

#[test]
fn without_cargo_it_says_how_to_get_it() {
    let course = Course::new();
    course
        .lab(&["check", "one"])
        .env("PATH", course.root())
        .env_remove("CARGO")
        .assert()
        .code(2)
        .stderr(contains("cargo cannot be started"))
        .stderr(contains("rustup"));
}

#[test]
fn where_nothing_can_be_written_checking_works_all_the_same() {
    let course = Course::new();
    course.edit(SOLVED);
    // A file in the place of the folder: not even root can write below it.
    course.write(".wirelab", "");
    course
        .lab(&["check", "one"])
        .assert()
        .success()
        .stdout(contains("4 of 4 checks passed"))
        .stderr(contains("progress could not be saved"));
    course
        .lab(&["status"])
        .assert()
        .success()
        .stdout(contains("A small course"));
    course
        .lab(&["hint", "one"])
        .assert()
        .success()
        .stdout(contains("1 of 3"));
    course
        .lab(&["reset", "one", "--yes"])
        .assert()
        .code(1)
        .stderr(contains("nothing was changed"));
    assert_eq!(course.read("labs/01-one/src/words.rs"), SOLVED);
}

#[test]
fn progress_of_a_newer_version_is_left_alone() {
    let course = Course::new();
    course.edit(SOLVED);
    let newer = "{\"version\":2,\"labs\":{}}";
    course.write(".wirelab/progress.json", newer);
    course
        .lab(&["check", "one"])
        .assert()
        .success()
        .stderr(contains("version 2"));
    assert_eq!(course.read(".wirelab/progress.json"), newer);
}

#[test]
fn a_command_that_does_not_exist_is_a_usage_error() {
    let course = Course::new();
    course
        .lab(&["chek"])
        .assert()
        .code(2)
        .stderr(contains("check").and(contains("panicked").not()));
}
