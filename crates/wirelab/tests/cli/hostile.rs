//! Programs that behave badly, judged by checks that use the real testkit: each costs its check and
//! nothing else.
//!
//! One course, built in cargo's folder for tests, because testkit's dependencies take a while; its
//! cases share it one after the other.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;

use crate::course::{Course, DEADLINE, FOREIGN, Running, wait_until};

const CHECKS: &str = r#"
use testkit::check;

mod step_1 {
    use super::*;

    #[test]
    fn says_done() {
        let check = check!();
        check
            .run(["say"])
            .expect_stdout_lines(&["done"], "The program says done, and that is all.");
    }
}
"#;

const LAB: &str = r#"version = 1
title = "Behaving well"
minutes = 1
edit = ["src/words.rs"]

[[step]]
title = "Say it"
section = "one.md#step-1"
hints = ["Say.", "Say done.", "println!(\"done\");"]

[[step.check]]
name = "says_done"
points = 1
"#;

const ENDLESS: &str = r#"pub fn say() {
    loop {
        println!("{}", "words without end ".repeat(100));
    }
}
"#;

/// Starts children, one of them in a session of its own; all of them ignore what asks them to end.
fn stubborn(mark: &str) -> String {
    format!(
        r#"pub fn say() {{
    let script = "trap '' TERM INT HUP; setsid sleep {mark} & sleep {mark} & wait";
    let _ = std::process::Command::new("sh").args(["-c", script]).status();
}}
"#
    )
}

/// A number of seconds that nobody else sleeps.
fn mark(n: u32) -> String {
    format!("8{}.{n}", std::process::id())
}

/// The processes that have this word among their arguments.
fn processes_with(word: &str) -> Vec<String> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
        .filter(|words| words.starts_with("sleep") && words.contains(word))
        .collect()
}

#[test]
fn a_program_that_behaves_badly_costs_its_check_and_nothing_else() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let testkit = repository.join("crates/testkit").canonicalize().unwrap();
    write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"labs/*\"]\n",
    );
    fs::copy(repository.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
    write(
        "course.toml",
        "version = 1\ntitle = \"Bad manners\"\n\n[[lab]]\nfolder = \"01-manners\"\n",
    );
    write(
        "labs/01-manners/Cargo.toml",
        &format!(
            "[package]\nname = \"manners\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dev-dependencies]\ntestkit = {{ path = {testkit:?} }}\n"
        ),
    );
    write("labs/01-manners/lab.toml", LAB);
    write("labs/01-manners/tests/checks.rs", CHECKS);
    write(
        "labs/01-manners/src/main.rs",
        "mod words;\n\nfn main() {\n    words::say();\n}\n",
    );
    let lab = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelab"));
        command.current_dir(&root).timeout(DEADLINE * 2);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.env("CARGO_NET_OFFLINE", "true");
        command
    };

    write("labs/01-manners/src/words.rs", ENDLESS);
    lab()
        .args(["check", "manners"])
        .assert()
        .code(1)
        .stdout(contains("FAILED  says_done"))
        .stdout(predicate::function(|text: &str| text.len() < 100_000));

    let first = mark(1);
    write("labs/01-manners/src/words.rs", &stubborn(&first));
    lab()
        .args(["check", "manners"])
        .assert()
        .code(1)
        .stdout(contains("FAILED  says_done"));
    wait_until("nothing of the check is left", || {
        processes_with(&first).is_empty()
    });

    let second = mark(2);
    write("labs/01-manners/src/words.rs", &stubborn(&second));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wirelab"));
    command.args(["check", "manners"]).current_dir(&root);
    for name in FOREIGN {
        command.env_remove(name);
    }
    let mut check = Running::start(command);
    wait_until("the program's children run", || {
        processes_with(&second).len() == 2
    });
    check.signal(nix::sys::signal::Signal::SIGINT);
    assert_eq!(check.end().code(), Some(130));
    wait_until("nothing of the run is left", || {
        processes_with(&second).is_empty()
    });
}

#[test]
fn the_course_of_the_other_tests_has_no_processes_left() {
    let course = Course::new();
    course.edit("pub fn word(_: &str) -> &'static str { loop { print!(\"word\"); } }\n");
    // These checks read to the end of what is printed, and so never end by themselves.
    let mut check = Running::start(course.spawn(&["check", "one"]));
    wait_until("the program runs", || {
        crate::course::processes_of(course.root())
            .iter()
            .any(|words| words.contains("says_two"))
    });
    check.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(check.end().code(), Some(130));
    wait_until("the program has ended", || {
        crate::course::processes_of(course.root()).is_empty()
    });
}
