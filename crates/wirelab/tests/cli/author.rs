//! The authors' commands.

use predicates::prelude::*;
use predicates::str::contains;

use crate::course::{BEGUN, Course};

#[test]
fn derive_makes_the_starters_and_says_where_they_differ() {
    let course = Course::new();
    let starter = course.read("labs/01-one/src/words.rs");
    assert!(
        starter.contains("todo!(\"the word that `check` names\")"),
        "{starter}"
    );
    assert!(!starter.contains("says_one"));
    course
        .lab(&["derive", "--check"])
        .assert()
        .success()
        .stdout(contains(
            "Every starter is the one that its solution gives.",
        ));
    course.edit(BEGUN);
    course
        .lab(&["derive", "--check"])
        .assert()
        .code(1)
        .stdout(contains("src/words.rs differs from the starter"));
    course
        .lab(&["derive", "one"])
        .assert()
        .success()
        .stdout(contains("one: 1 file written, 1 place to write"));
    assert_eq!(course.read("labs/01-one/src/words.rs"), starter);
}

#[test]
fn derive_leaves_a_learners_work_alone() {
    let course = Course::new();
    // A learner's copy: what a lab can be reset to in the solution's place.
    for folder in ["01-one", "02-two"] {
        for file in ["src/main.rs", "src/words.rs"] {
            let starter = course.read(&format!("labs/{folder}/{file}"));
            course.write(&format!("starters/{folder}/{file}"), &starter);
        }
    }
    std::fs::remove_dir_all(course.path("solutions")).unwrap();
    course.edit(BEGUN);
    let mine = course.read("labs/01-one/src/words.rs");
    course
        .lab(&["derive"])
        .assert()
        .failure()
        .stderr(contains("cargo lab reset one"));
    assert_eq!(course.read("labs/01-one/src/words.rs"), mine);
}

#[test]
fn marks_that_do_not_fit_are_named_with_their_line() {
    let course = Course::new();
    let solution = course.read("solutions/01-one/src/words.rs");
    course.write(
        "solutions/01-one/src/words.rs",
        &solution.replace("    // end\n", ""),
    );
    course
        .lab(&["derive"])
        .assert()
        .failure()
        .stderr(contains("words.rs:5:"));
}

#[test]
fn soak_counts_runs_and_shows_the_first_failure() {
    let course = Course::new();
    course
        .lab(&["soak", "--all", "--times", "3", "--busy"])
        .assert()
        .success()
        .stdout(contains("3 runs: no failure").count(2));
    course.edit(BEGUN);
    course
        .lab(&["soak", "one", "--times", "2", "--mine"])
        .assert()
        .code(1)
        .stdout(contains("2 runs with a failure"))
        .stdout(contains("FAILED  says_t"));
    let soaked = course.json(&["soak", "one", "--times", "2", "--json"]);
    assert_eq!(soaked["version"], 1);
    assert_eq!(soaked["labs"][0]["runs"], 2);
    assert_eq!(soaked["labs"][0]["failed_runs"], 0);
}

#[test]
fn soak_counts_how_often_a_wrong_answer_gets_through() {
    let course = Course::new();
    let answer = "solutions/01-one/wrong/forgets-two";
    course.write(&format!("{answer}/src/words.rs"), BEGUN);
    course.write(
        &format!("{answer}/wrong.toml"),
        "fails = [\"says_two\"]\nbelieves = \"One word is enough.\"\n",
    );
    course
        .lab(&["soak", "one", "--wrong", "--times", "3", "--busy"])
        .assert()
        .success()
        .stdout(contains("1 wrong answer, 3 runs each: none gets through"));
    // It is right in this, so what it is said to fail lets it through.
    course.write(
        &format!("{answer}/wrong.toml"),
        "fails = [\"says_one\", \"says_two\"]\nbelieves = \"One word is enough.\"\n",
    );
    course
        .lab(&["soak", "--all", "--wrong", "--times", "3"])
        .assert()
        .code(1)
        .stdout(contains("1 check let one through"))
        .stdout(contains("PASSED 3 of 3 times: says_one with forgets-two"));
    let soaked = course.json(&["soak", "one", "--wrong", "--times", "2", "--json"]);
    let checks = &soaked["labs"][0]["checks"];
    assert_eq!(checks[0]["passes"], 2, "{soaked}");
    assert_eq!(checks[1]["passes"], 0, "{soaked}");
    assert_eq!(checks[1]["runs"], 2, "{soaked}");
    // As in a learner's copy.
    std::fs::remove_dir_all(course.path("solutions/01-one")).unwrap();
    course
        .lab(&["soak", "one", "--wrong"])
        .assert()
        .code(2)
        .stderr(contains("one has no wrong answers here"));
}

#[test]
fn soak_wants_a_lab_or_all() {
    let course = Course::new();
    course
        .lab(&["soak"])
        .assert()
        .code(2)
        .stderr(contains("--all").or(contains("<LAB>")));
}
