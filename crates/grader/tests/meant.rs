//! What an instructor may have meant otherwise is said: before anything is graded where nothing right can come of it.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{Class, FIRST, cargo_grade, root, sources, table};

/// Two students' entries as Canvas names them, and what it exports of people.
struct Canvas {
    scratch: tempfile::TempDir,
    grades: tempfile::TempDir,
    class: Class,
}

impl Canvas {
    fn new() -> Canvas {
        let scratch = tempfile::tempdir().unwrap();
        let class = Class::new(scratch.path().join("submissions"));
        let solution = sources("solutions", FIRST);
        class.zip("lovelaceada_1001_77_labs.zip", &solution);
        class.zip("hoppergrace_LATE_1002_78_labs.zip", &solution);
        let canvas = Canvas {
            scratch,
            grades: tempfile::tempdir().unwrap(),
            class,
        };
        canvas.put(
            "people.csv",
            "Student,ID,SIS Login ID,Section\n    Points Possible,,,\n\"Lovelace, Ada\",1001,ada,A\n\"Turing, Alan\",1003,alan,A\n",
        );
        canvas
    }

    fn put(&self, name: &str, text: &str) -> String {
        let path = self.scratch.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.scratch.path().join(name).to_str().unwrap().to_owned()
    }

    fn out(&self) -> PathBuf {
        self.grades.path().join("out")
    }

    /// Grades a folder.
    fn run(&self, folder: &Path, more: &[&str]) -> Command {
        let mut command = cargo_grade(&root());
        command
            .args(["run".as_ref(), folder.as_os_str()])
            .args(["--out".as_ref(), self.out().as_os_str()])
            .args(more);
        command
    }

    /// It is not graded, for a reason with these words in it.
    fn is_refused(&self, folder: &Path, more: &[&str], words: &[&str]) {
        let refused = self.run(folder, more).assert().code(1);
        let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(!self.out().join("grades.csv").exists(), "{said}");
    }
}

const LABS: [&str; 2] = ["--labs", "first-contact"];

#[test]
fn a_folder_that_was_not_meant_is_not_graded() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let canvas = Canvas::new();
    let above = canvas.scratch.path();
    canvas.is_refused(
        above,
        &LABS,
        &[
            "people.csv is a table and no submission",
            "name one of them, such as",
            "/submissions",
        ],
    );
    let labs = root().join("labs");
    canvas.is_refused(
        &labs,
        &LABS,
        &["called as the labs are", "one entry a student"],
    );
}

#[test]
fn what_lies_where_every_compiler_reads_is_refused() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let canvas = Canvas::new();
    for option in ["--hidden", "--earlier"] {
        let more = [&LABS[..], &[option, "/usr/bin"]].concat();
        let words = ["submissions would see /usr/bin", "put it elsewhere"];
        canvas.is_refused(&canvas.class.dir, &more, &words);
    }
}

#[test]
fn a_roster_of_others_is_no_roster() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let canvas = Canvas::new();
    let here = &canvas.class.dir;
    let roster = canvas.put("roster.csv", "student,name\nx7,Ada King\n");
    let more = [&LABS[..], &["--roster", &roster]].concat();
    canvas.is_refused(
        here,
        &more,
        &["\"x7\"", "\"1001\"", "for Canvas the column ID"],
    );

    // As Canvas exports it, it is one.
    let people = canvas.path("people.csv");
    let more = [&LABS[..], &["--roster", &people]].concat();
    fs::copy(&people, here.join("people.csv")).unwrap();
    canvas
        .run(here, &more)
        .assert()
        .success()
        .stdout(contains("3 students (1 handed nothing in)"))
        .stderr(contains("not on the roster: 1002").and(contains(
            "people.csv is a table and no submission: passed over",
        )));
    let rows = table(&canvas.out().join("grades.csv"));
    assert_eq!(rows["1001"]["name"], "Lovelace, Ada");
    assert_eq!(rows["1003"]["flags"], "missing");
    assert_eq!(rows.len(), 3);
    // It is nobody else's business.
    let mode = fs::metadata(canvas.out()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    // A name that two have says whose neither is.
    let solution = sources("solutions", FIRST);
    canvas.class.zip("lovelaceada_1004_79_labs.zip", &solution);
    let names = canvas.put(
        "names.csv",
        "student,name\ns1,Ada Lovelace\ns2,Grace Hopper\n",
    );
    let more = [&LABS[..], &["--roster", &names, "--resume"]].concat();
    canvas.run(here, &more).assert().success().stderr(
        contains("lovelaceada_1001_77_labs.zip, lovelaceada_1004_79_labs.zip may be of s1").and(
            contains("put the number or the login of each student on the roster (here 1001, 1004)"),
        ),
    );
    let rows = table(&canvas.out().join("grades.csv"));
    let flags = ["1001", "1004", "s1", "s2"].map(|student| rows[student]["flags"].as_str());
    let nobodys = "whose not-on-roster";
    assert_eq!(flags, [nobodys, nobodys, "missing whose", "late"]);
}

#[test]
fn what_counts_and_was_not_meant_to_is_said() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let canvas = Canvas::new();
    let here = &canvas.class.dir;
    let nowhere = canvas.path("hiden");
    let more = [&LABS[..], &["--hidden", &nowhere]].concat();
    canvas.is_refused(
        here,
        &more,
        &["00-first-contact/hidden.toml", "--no-hidden"],
    );

    let extensions = canvas.put("extensions.csv", "student,days\nLOVELACE Ada,1\nAda,2\n");
    let two = canvas.put(
        "two.csv",
        "student,name\n1001,Ada Lovelace\n1002,Ada Lovelace\n",
    );
    let more = [&LABS[..], &["--roster", &two, "--extensions", &extensions]].concat();
    canvas.is_refused(here, &more, &["extensions.csv:2", "any of 1001, 1002"]);

    let adjustments = canvas.put(
        "adjustments.csv",
        "student,lab,points,reason\n1001,udp,1,kind\n",
    );
    canvas
        .run(
            here,
            &[
                "--labs",
                "first-contact,tcp-echo",
                "--adjustments",
                &adjustments,
                "--extensions",
                &extensions,
            ],
        )
        .assert()
        .success()
        .stderr(
            contains("Hidden checks: tcp-echo (3 points)")
                .and(contains("adjustments.csv:2: udp is not graded here"))
                .and(contains("extensions.csv:3: nobody here is called Ada"))
                .and(contains("extensions.csv:2").not())
                .and(contains(
                    "39 of the 48 points are for labs that nobody handed in (tcp-echo)",
                )),
        );
}
