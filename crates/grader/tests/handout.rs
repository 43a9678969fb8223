//! The learner's copy: what is in it, what is not, and what keeps it from being made.
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use course::{Course, derive};
use grader::handout::leaks::Secrets;
use predicates::prelude::*;
use predicates::str::contains;

fn course() -> Course {
    Course::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the course around this crate")
}

fn handout(dir: &Path) -> assert_cmd::assert::Assert {
    Command::new(env!("CARGO_BIN_EXE_grader"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["handout", "--no-verify"])
        .arg(dir)
        .assert()
}

#[test]
fn a_copy_has_the_starters_and_no_solutions() {
    let scratch = tempfile::tempdir().expect("a folder");
    let copy = scratch.path().join("new/class");
    handout(&copy).success().stdout(contains("no solutions"));
    for gone in [
        "solutions",
        "crates/grader",
        ".ci",
        "target",
        "crates/wirelab/tests",
    ] {
        assert!(!copy.join(gone).exists(), "{gone} is in the copy");
    }
    // A page includes it.
    assert!(copy.join("machines/slurm.sh").is_file());
    let handed_out = Course::load(&copy).expect("a course");
    let course = course();
    assert_eq!(handed_out.labs().len(), course.labs().len());
    for (theirs, ours) in handed_out.labs().iter().zip(course.labs()) {
        let derived = ours
            .starter_source()
            .expect("a solution")
            .starter(ours)
            .expect("a starter");
        assert_eq!(
            derived.differences(&theirs.dir()).expect("read"),
            [],
            "{}",
            ours.topic
        );
        let kept = theirs.starter_source().expect("a starter to reset to");
        assert!(matches!(kept, derive::Source::Kept(_)));
        assert_eq!(
            kept.starter(theirs)
                .expect("a starter")
                .differences(&theirs.dir())
                .expect("read"),
            []
        );
        assert!(theirs.dir().join("tests/checks.rs").is_file());
    }
    let aliases = fs::read_to_string(copy.join(".cargo/config.toml")).expect("read");
    assert!(
        aliases.contains("lab =") && !aliases.contains("grade ="),
        "{aliases}"
    );
    handout(&copy)
        .failure()
        .stderr(contains("is not empty").and(contains("name a folder")));
    handout(&course.root().join("labs/new/class"))
        .failure()
        .stderr(contains("lies in the course itself").and(contains("../class")));
}

#[test]
fn a_passage_of_a_solution_is_found_wherever_it_is() {
    let course = course();
    let secrets = Secrets::of(&course).expect("solutions");
    let lab = course.lab("tcp-echo").expect("a lab");
    let solution = lab
        .solution_dir()
        .expect("a solution")
        .join("src/server.rs");
    let text = fs::read_to_string(solution).expect("read");
    let removed = derive::text_of(&text, Path::new("server.rs"))
        .expect("marks")
        .removed;
    let longest = removed
        .iter()
        .max_by_key(|region| region.text.len())
        .expect("a region");

    let scratch = tempfile::tempdir().expect("a folder");
    let page = scratch.path().join("book/src/page.md");
    fs::create_dir_all(page.parent().expect("one")).expect("made");
    fs::write(&page, "A page\n\nwith nothing\n").expect("written");
    assert_eq!(secrets.below(scratch.path()).expect("read"), []);
    let squeezed = longest
        .text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let without_comments = if longest.text.contains("//") {
        longest.text.clone()
    } else {
        squeezed
    };
    fs::write(&page, format!("A page\n\n```\n{without_comments}\n```\n")).expect("written");
    let leaks = secrets.below(scratch.path()).expect("read");
    assert!(
        leaks
            .iter()
            .any(|leak| leak.found == Path::new("book/src/page.md")
                && leak.from.contains("04-tcp-echo/src/server.rs")),
        "{leaks:?}"
    );
}
