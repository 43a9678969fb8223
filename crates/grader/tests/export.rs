//! What is carried elsewhere, tried in a copy of where it goes.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use testkit::Need;

#[path = "support/class.rs"]
mod class;
#[path = "support/gradescope.rs"]
mod gradescope;

use class::{FIRST, cargo_grade, root, sources};
use gradescope::Harness;

/// By test: its score, and what can be had.
fn scores(results: &Value) -> BTreeMap<String, (u64, u64)> {
    let tests = results["tests"].as_array().unwrap();
    let test = |test: &Value| {
        let text = |key: &str| test[key].as_str().unwrap().to_owned();
        let number = |key: &str| test[key].as_u64().unwrap();
        assert_eq!(text("visibility"), "visible");
        assert_eq!(
            text("status") == "passed",
            number("score") == number("max_score")
        );
        (text("name"), (number("score"), number("max_score")))
    };
    tests.iter().map(test).collect()
}

#[test]
fn an_autograder_judges_in_gradescopes_folders() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let harness = Harness::of(&["first-contact"]);
    assert!(!harness.path("source/course/solutions").exists());

    harness.solution(FIRST);
    let metadata =
        r#"{"id": 1, "users": [{"email": "../ada@example.org", "id": 2, "name": "Ada"}]}"#;
    fs::write(harness.path("submission_metadata.json"), metadata).unwrap();
    let results = harness.judge();
    let all = scores(&results);
    assert_eq!(all.len(), 6, "{all:?}");
    assert!(all.values().all(|(score, max)| score == max), "{all:?}");
    assert_eq!(results["tests"][1]["number"], "2.1");

    // One that sends its whole buffer back.
    harness.solution(FIRST);
    let wrong = "solutions/00-first-contact/wrong/sends-the-whole-buffer/src/echo.rs";
    harness.put(
        "labs/00-first-contact/src/echo.rs",
        &fs::read(root().join(wrong)).unwrap(),
    );
    let results = harness.judge();
    let failed = scores(&results);
    assert_eq!(failed["first-contact: sends back what it received"], (0, 2));
    assert_eq!(
        failed["first-contact: greets each line"],
        all["first-contact: greets each line"]
    );
    let test = &results["tests"][0];
    assert!(
        test["output"]
            .as_str()
            .unwrap()
            .contains("FAILED  sends_back"),
        "{test}"
    );

    // What does not compile, and what is not taken, earns nothing and says why.
    harness.solution(FIRST);
    harness.put("labs/00-first-contact/src/echo.rs", b"fn broken( {");
    let results = harness.judge();
    assert!(
        scores(&results)
            .values()
            .all(|(score, max)| *score == 0 && *max > 0)
    );
    assert!(
        results["output"]
            .as_str()
            .unwrap()
            .contains("labs/00-first-contact/src/echo.rs")
    );

    harness.solution(FIRST);
    let echo = harness.path("submission/labs/00-first-contact/src/echo.rs");
    fs::remove_file(&echo).unwrap();
    symlink("/etc/passwd", &echo).unwrap();
    let results = harness.judge();
    assert!(
        results["output"]
            .as_str()
            .unwrap()
            .contains("symbolic link"),
        "{results}"
    );

    // Nothing of a lab is the student's mistake, whatever the files are called and whoever it is.
    for file in ["README.md", "a_1_2_x.rs", "b_3_4_x.rs"] {
        harness.put(file, b"sorry");
    }
    let metadata = r#"{"users": [{"email": ""}]}"#;
    fs::write(harness.path("submission_metadata.json"), metadata).unwrap();
    let results = harness.judge();
    let refused = scores(&results);
    assert!(refused.values().all(|(score, _)| *score == 0), "{results}");
    let said = results["output"].as_str().unwrap();
    let refused =
        "no file of any lab in it; hand in echo.rs and greet.rs, or the folder 00-first-contact";
    assert_eq!(said.matches(refused).count(), 1, "{results}");
    assert!(said.contains("a_1_2_x.rs"), "{results}");

    // Of another lab alone, and as it was given out: nothing was run, and that is what is said.
    harness.solution("04-tcp-echo");
    let results = harness.judge();
    assert!(
        results["output"].as_str().unwrap().contains("04-tcp-echo"),
        "{results}"
    );
    for (path, text) in sources("labs", FIRST) {
        harness.put(&format!("labs/{path}"), &text);
    }
    let results = harness.judge();
    assert!(
        results["tests"][0]["output"]
            .as_str()
            .unwrap()
            .contains("as it was given out"),
        "{results}"
    );

    // What is late at Gradescope is late here, by the course's own rules and Gradescope's extensions; a weight counts.
    let course = harness.path("source/course/course.toml");
    let before = fs::read_to_string(&course).unwrap();
    let folder = format!("folder = \"{FIRST}\"\n");
    let due = "due = 2026-10-05T23:59:00-07:00\nweight = 0.5\n";
    let late = "\n[late]\nper_day_percent = 10\ncap_percent = 50\n";
    assert!(before.contains(&folder));
    fs::write(
        &course,
        before.replace(&folder, &format!("{folder}{due}")) + late,
    )
    .unwrap();
    for (at, extended, score, said) in [
        (
            "2026-10-05T22:10:07.365935-07:00",
            "2026-10-05T23:59:00.000000-07:00",
            None,
            "",
        ),
        (
            "2026-10-07T22:10:07.365935-07:00",
            "2026-10-05T23:59:00.000000-07:00",
            Some(3.6),
            "20 % less",
        ),
        (
            "2026-10-07T22:10:07.365935-07:00",
            "2026-10-06T23:59:00.000000-07:00",
            Some(4.05),
            "10 % less",
        ),
    ] {
        harness.solution(FIRST);
        let metadata = serde_json::json!({"created_at": at, "users": [
            {"email": "ada@example.org", "assignment": {"due_date": extended}}]});
        fs::write(
            harness.path("submission_metadata.json"),
            metadata.to_string(),
        )
        .unwrap();
        let results = harness.judge();
        assert_eq!(
            results.get("score").map(|score| score.as_f64().unwrap()),
            score,
            "{results}"
        );
        assert!(
            results["output"].as_str().unwrap().contains(said),
            "{results}"
        );
        let tests = results["tests"].as_array().unwrap().iter();
        let sum = |key: &str| {
            tests
                .clone()
                .map(|test| test[key].as_f64().unwrap())
                .sum::<f64>()
        };
        assert_eq!([sum("score"), sum("max_score")], [4.5, 4.5], "{results}");
    }
    fs::write(&course, before).unwrap();

    // Where the machine is at fault there are no results, not even those of before.
    harness.solution(FIRST);
    fs::remove_dir_all(harness.path("source/course/labs/00-first-contact/tests")).unwrap();
    let done = harness.script("run_autograder");
    assert!(!done.status.success());
    assert!(!harness.path("results/results.json").exists());
}

#[test]
fn a_handout_gets_a_workflow_that_guards_what_was_given() {
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("class");
    cargo_grade(&root())
        .args(["handout", "--no-verify"])
        .arg(&copy)
        .assert()
        .success();
    let export = |handout: &Path| {
        let mut command = cargo_grade(&root());
        command
            .args(["export", "classroom", "first-contact", "--handout"])
            .arg(handout);
        command.assert()
    };
    export(&copy).success();
    let workflow = fs::read_to_string(copy.join(".github/workflows/classroom.yml")).unwrap();
    // What is not judged must not be credited.
    assert!(workflow.contains("WIRELAB_REQUIRE: netns,"));
    assert!(workflow.contains(
        "--package first-contact --test checks -- --exact step_1::sends_back_what_it_received"
    ));
    let by = |who: &str| {
        let mut command = Command::new("bash");
        command.arg(copy.join(".github/given.sh"));
        command.env("GITHUB_ACTIONS", who);
        command.assert()
    };
    let holds = || by("true");
    by("").success();
    // What would have cargo run another program in the tests' place, and whatever else was not given out, is gone.
    let added = [
        ".cargo/config",
        "rust-toolchain.toml",
        "labs/00-first-contact/build.rs",
        "labs/00-first-contact/src/line\nfeed.rs",
        "target/debug/deps/checks",
    ];
    for path in added {
        let path = copy.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "[target.x86_64-unknown-linux-gnu]\nrunner = \"true\"").unwrap();
    }
    symlink("/etc", copy.join("labs/etc")).unwrap();
    // Only GitHub's copy is one in which nobody's own files lie.
    by("").code(2).stderr(contains("rust-toolchain.toml"));
    for path in added.into_iter().chain(["labs/etc"]) {
        assert!(fs::symlink_metadata(copy.join(path)).is_ok(), "{path}");
    }
    holds()
        .success()
        .stdout(contains("labs/00-first-contact/build.rs"));
    for path in added.into_iter().chain(["labs/etc"]) {
        assert!(fs::symlink_metadata(copy.join(path)).is_err(), "{path}");
    }
    // The learner's own files may change; the checks may not.
    let echo = copy.join("labs/00-first-contact/src/echo.rs");
    fs::write(&echo, "// mine").unwrap();
    holds().success();
    assert_eq!(fs::read_to_string(echo).unwrap(), "// mine");
    fs::write(
        copy.join("labs/00-first-contact/tests/checks.rs"),
        "#[test] fn all() {}",
    )
    .unwrap();
    let checks = contains("labs/00-first-contact/tests/checks.rs");
    holds()
        .failure()
        .stderr(checks.and(contains("git checkout")));
    export(&root()).failure().stderr(contains("is no handout"));
}
