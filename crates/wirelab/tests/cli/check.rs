//! `check`: verdicts in words, as JSON and as an exit code.

use predicates::prelude::*;
use predicates::str::contains;

use crate::course::{BEGUN, BROKEN, CORE, Course, SOLVED};

#[test]
fn a_starter_fails_and_shows_where_to_begin() {
    let course = Course::new();
    course
        .lab(&["check", "one"])
        .assert()
        .code(1)
        .stdout(contains("Step 1  The first words"))
        .stdout(contains("Step 2  The other words"))
        .stdout(contains("NOT WRITTEN  says_one   step 1 of 2").count(1))
        .stdout(contains("NOT WRITTEN").count(1))
        .stdout(contains(
            "3 not written yet; cargo lab check one --all shows all",
        ))
        .stdout(contains("0 of 4 checks passed"))
        .stdout(contains('\u{1b}').not());
}

#[test]
fn the_first_failure_is_the_first_of_the_first_unfinished_step() {
    let course = Course::new();
    course.edit(BEGUN);
    course
        .lab(&["check", "1"])
        .assert()
        .code(1)
        .stdout(contains(
            "FAILED  says_two   step 1 of 2\n  1  expected  two\n     got  wrong\n",
        ))
        .stdout(contains("2 more failed"))
        .stdout(contains("1 of 4 checks passed · 2 of 10 points"));
    course
        .lab(&["check", "1", "--all"])
        .assert()
        .code(1)
        .stdout(contains("FAILED  says_two "))
        .stdout(contains("FAILED  says_three "))
        .stdout(contains("FAILED  says_four "));
}

#[test]
fn a_solved_lab_is_complete() {
    let course = Course::new();
    course.edit(SOLVED);
    course
        .lab(&["check", "01-one"])
        .assert()
        .success()
        .stdout(contains("4 of 4 checks passed · 10 of 10 points"))
        .stdout(contains("Complete. Compare with the reference"));
}

#[test]
fn a_copy_without_solutions_names_none() {
    let course = Course::new();
    course.edit(SOLVED);
    std::fs::remove_dir_all(course.path("solutions")).unwrap();
    course.write(
        "Cargo.toml",
        &course.read("Cargo.toml").replace(", \"solutions/*\"", ""),
    );
    course
        .lab(&["check", "01-one"])
        .assert()
        .success()
        .stdout(contains("Complete.").and(contains("lab solution").not()));
}

#[test]
fn an_open_bonus_leaves_the_core_complete() {
    let course = Course::new();
    course.edit(CORE);
    course
        .lab(&["check", "one"])
        .assert()
        .code(1)
        .stdout(contains("Core complete, bonus open."))
        .stdout(contains("FAILED  says_four"));
    assert_eq!(course.standing("one")["state"], "core");
}

#[test]
fn only_the_first_compiler_error_is_shown_and_the_rest_counted() {
    let course = Course::new();
    course.edit(BROKEN);
    course
        .lab(&["check", "one"])
        .assert()
        .code(1)
        .stdout(contains(
            "one does not compile: 2 errors, of which this is the first.",
        ))
        .stdout(contains("labs/01-one/src/words.rs:6:22").or(contains("src/words.rs:6:22")))
        .stdout(contains("words.rs:7").not())
        .stdout(contains(
            "1 more error; cargo lab check one --all shows all",
        ));
    course
        .lab(&["check", "one", "--all"])
        .assert()
        .code(1)
        .stdout(contains("words.rs:6:22"))
        .stdout(contains("words.rs:7:23"));
}

#[test]
fn the_json_is_the_contract() {
    let course = Course::new();
    course.edit(BEGUN);
    let report = course.json(&["check", "one", "--json"]);
    assert_eq!(report["version"], 1);
    assert_eq!(report["lab"], "one");
    assert_eq!(report["passed"], 1);
    assert_eq!(report["failed"], 3);
    assert_eq!(report["skipped"], 0);
    assert_eq!(report["points"], 2);
    assert_eq!(report["max_points"], 10);
    assert!(report["seconds"].is_number());
    assert_eq!(report["build"]["ok"], true);
    assert!(report["build"]["seconds"].is_number());
    assert!(report["build"]["output"].is_string());
    let check = &report["checks"][1];
    assert_eq!(check["name"], "says_two");
    assert_eq!(check["verdict"], "failed");
    assert_eq!(check["points"], 0);
    assert_eq!(check["max_points"], 1);
    assert_eq!(check["step"], 1);
    assert_eq!(check["kind"], "core");
    assert!(check["message"].as_str().unwrap().contains("expected  two"));
    assert_eq!(check["section"], "one.md#step-1");
    assert_eq!(report["checks"][3]["kind"], "bonus");
}

#[test]
fn one_check_or_one_step_can_be_run_alone() {
    let course = Course::new();
    course.edit(BEGUN);
    course
        .lab(&["check", "one", "--check", "says_one"])
        .assert()
        .success()
        .stdout(contains("1 of 1 checks passed"))
        .stdout(contains("says_two").not());
    course
        .lab(&["check", "one", "--step", "2"])
        .assert()
        .code(1)
        .stdout(contains("0 of 2 checks passed"));
    assert_eq!(course.standing("one")["passed"], 1);
}

#[test]
fn another_program_is_judged_and_not_remembered() {
    let course = Course::new();
    course
        .lab(&["check", "one", "--solution"])
        .assert()
        .success()
        .stdout(contains("judged: the solution"))
        .stdout(contains("4 of 4 checks passed"));
    let program = course.path("target/debug/one-solution");
    course
        .lab(&["check", "one", "--program", program.to_str().unwrap()])
        .assert()
        .success()
        .stdout(contains("4 of 4 checks passed"));
    assert_eq!(course.standing("one")["state"], "new");
}

#[test]
fn without_a_name_the_next_lab_is_checked() {
    let course = Course::new();
    course.edit(SOLVED);
    course.lab(&["check"]).assert().success();
    course
        .lab(&["check"])
        .assert()
        .code(1)
        .stdout(contains("two · Saying words"));
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let course = Course::new();
    let mut child = course
        .spawn(&["status"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
