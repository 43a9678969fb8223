//! What is remembered: status, hints, solutions, resets.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::course::{BEGUN, BROKEN, CORE, Course, SOLVED};

#[test]
fn status_knows_new_begun_done_and_changed_labs() {
    let course = Course::new();
    assert_eq!(course.standing("one")["state"], "new");
    course
        .lab(&["status"])
        .assert()
        .success()
        .stdout(contains("A small course"))
        .stdout(contains("not started"))
        .stdout(contains("cargo lab watch one"));

    course.edit(BEGUN);
    course.lab(&["check", "one"]).assert().code(1);
    let standing = course.standing("one");
    assert_eq!(standing["state"], "started");
    assert_eq!(standing["passed"], 1);
    assert_eq!(standing["points"], 2);
    assert_eq!(standing["next"]["check"], "says_two");

    course.edit(CORE);
    course.lab(&["check", "one"]).assert().code(1);
    assert_eq!(course.standing("one")["state"], "core");
    let status = course.json(&["status", "--json"]);
    assert_eq!(status["version"], 1);
    assert_eq!(status["next"]["lab"], "two");

    course.edit(SOLVED);
    assert_eq!(course.standing("one")["state"], "changed");
    course
        .lab(&["status"])
        .assert()
        .success()
        .stdout(contains("changed since it passed"));
    course.lab(&["check", "one"]).assert().success();
    assert_eq!(course.standing("one")["state"], "complete");
}

#[test]
fn what_does_not_compile_changes_no_verdict() {
    let course = Course::new();
    course.edit(SOLVED);
    course.lab(&["check", "one"]).assert().success();
    course.edit(BROKEN);
    course.lab(&["check", "one"]).assert().code(1);
    let standing = course.standing("one");
    assert_eq!(standing["state"], "changed");
    assert_eq!(standing["passed"], 4);
    course.edit(SOLVED);
    assert_eq!(course.standing("one")["state"], "complete");
}

#[test]
fn a_changed_check_counts_as_a_change() {
    let course = Course::new();
    course.edit(SOLVED);
    course.lab(&["check", "one"]).assert().success();
    let checks = course.read("labs/01-one/tests/checks.rs");
    course.write(
        "labs/01-one/tests/checks.rs",
        &format!("{checks}\n// more\n"),
    );
    assert_eq!(course.standing("one")["state"], "changed");
}

#[test]
fn hints_climb_a_ladder() {
    let course = Course::new();
    let hint = |args: &[&str]| {
        let mut all = vec!["hint"];
        all.extend_from_slice(args);
        course.lab(&all).assert().success()
    };
    hint(&["one"])
        .stdout(contains("one, step 1: The first words"))
        .stdout(contains("1 of 3  Look at one."))
        .stdout(contains("Think").not());
    hint(&["one", "says_two"])
        .stdout(contains("2 of 3  Think of one and two."))
        .stdout(contains("Look").not());
    hint(&["one", "says_three"]).stdout(contains("1 of 3  Look at three."));
    hint(&["one"]).stdout(contains("3 of 3  Nearly: one => one."));
    hint(&["one"])
        .stdout(contains("3 of 3  Nearly: one => one."))
        .stdout(contains("That was the last one."));
    hint(&["one", "--again"])
        .stdout(contains("1 of 3  Look at one."))
        .stdout(contains("2 of 3  Think of one and two."))
        .stdout(contains("3 of 3  Nearly: one => one."));
    hint(&["one", "--reset"]);
    hint(&["one"]).stdout(contains("1 of 3"));
    let ladder = course.json(&["hint", "one", "says_three", "--again", "--json"]);
    assert_eq!(ladder["version"], 1);
    assert_eq!(ladder["step"], 2);
    assert_eq!(ladder["hints"], serde_json::json!(["Look at three."]));
}

#[test]
fn without_a_check_the_first_unfinished_step_is_meant() {
    let course = Course::new();
    course.edit(&SOLVED.replace("\"three\"", "\"thrice\""));
    course.lab(&["check", "one"]).assert().code(1);
    course
        .lab(&["hint", "one"])
        .assert()
        .success()
        .stdout(contains("step 2: The other words"));
}

#[test]
fn the_solution_is_for_afterwards() {
    let course = Course::new();
    course
        .lab(&["solution", "one"])
        .assert()
        .code(1)
        .stdout("")
        .stderr(contains("none of its checks was run yet"))
        .stderr(contains("--spoil"));
    course.edit(BEGUN);
    course.lab(&["check", "one"]).assert().code(1);
    course
        .lab(&["solution", "one"])
        .assert()
        .code(1)
        .stderr(contains("2 of its 3 core checks are open"));
    course
        .lab(&["solution", "one", "--spoil"])
        .assert()
        .success()
        .stdout(contains("+        \"says_two\" => \"two\","));

    course.edit(CORE);
    course.lab(&["check", "one"]).assert().code(1);
    course
        .lab(&["solution", "one"])
        .assert()
        .success()
        .stdout(contains("--- yours     labs/01-one/src/words.rs"))
        .stdout(contains("-        _ => \"for\","))
        .stdout(contains("+        \"says_four\" => \"four\","));
    course
        .lab(&["solution", "one", "--layout", "side"])
        .assert()
        .success()
        .stdout(contains("≠").or(contains(">")));
}

#[test]
fn reset_keeps_the_old_files() {
    let course = Course::new();
    let starter = course.read("labs/01-one/src/words.rs");
    course.edit(BEGUN);
    course.write("labs/01-one/src/mine.rs", "// mine\n");
    course.lab(&["check", "one"]).assert().code(1);

    course
        .lab(&["reset", "one"])
        .assert()
        .code(1)
        .stderr(contains("add --yes"));
    assert_eq!(course.read("labs/01-one/src/words.rs"), BEGUN);

    course
        .lab(&["reset", "one", "--yes"])
        .assert()
        .success()
        .stdout(contains(".wirelab/kept/one-").or(contains(".wirelab\\kept\\one-")));
    assert_eq!(course.read("labs/01-one/src/words.rs"), starter);
    assert!(!course.path("labs/01-one/src/mine.rs").exists());
    let kept = fs::read_dir(course.path(".wirelab/kept"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert_eq!(
        fs::read_to_string(kept.join("src/words.rs")).unwrap(),
        BEGUN
    );
    assert_eq!(
        fs::read_to_string(kept.join("src/mine.rs")).unwrap(),
        "// mine\n"
    );
    assert_eq!(course.standing("one")["passed"], 0);

    course
        .lab(&["reset", "one"])
        .assert()
        .success()
        .stdout(contains("is the starter already"));
}

#[test]
fn reset_brings_back_a_file_that_was_deleted() {
    let course = Course::new();
    let starter = course.read("labs/01-one/src/words.rs");
    fs::remove_file(course.path("labs/01-one/src/words.rs")).unwrap();
    course
        .lab(&["check", "one"])
        .assert()
        .code(1)
        .stdout(contains("words"));
    course.lab(&["reset", "one", "--yes"]).assert().success();
    assert_eq!(course.read("labs/01-one/src/words.rs"), starter);
}

#[test]
fn a_damaged_file_of_progress_is_kept_aside() {
    let course = Course::new();
    course.edit(SOLVED);
    course.lab(&["check", "one"]).assert().success();
    course.write(".wirelab/progress.json", "{\"version\":1,\"labs\":");
    course
        .lab(&["status"])
        .assert()
        .success()
        .stderr(contains("your progress was damaged"))
        .stderr(contains("progress.damaged-"));
    course.lab(&["status"]).assert().success().stderr("");
    course.lab(&["check", "one"]).assert().success();
    assert_eq!(course.standing("one")["state"], "complete");
}

#[test]
fn runs_at_once_lose_nothing_of_each_others() {
    let course = Course::new();
    course.edit(SOLVED);
    course.write("labs/02-two/src/words.rs", SOLVED);
    std::thread::scope(|scope| {
        for args in [
            ["check", "one"],
            ["check", "two"],
            ["hint", "one"],
            ["hint", "two"],
            ["hint", "1"],
            ["hint", "2"],
        ] {
            let course = &course;
            scope.spawn(move || course.lab(&args).assert().success());
        }
    });
    assert_eq!(course.standing("one")["state"], "complete");
    assert_eq!(course.standing("two")["state"], "complete");
    let progress: Value = serde_json::from_str(&course.read(".wirelab/progress.json")).unwrap();
    assert_eq!(progress["version"], 1);
    assert!(progress["labs"]["two"]["hints"].is_object());
}
