//! What `course.toml`, `lab.toml` and `wrong.toml` may say, and what is said about the rest.

use std::fs;
use std::path::{Path, PathBuf};

use course::{Course, CourseError, Kind, LabError, Points};
use tempfile::TempDir;

const COURSE: &str = r#"version = 1
title = "A small course"

[[lab]]
folder = "04-tcp-echo"
weight = 1.5
due = 2026-10-05T23:59:00+02:00

[[lab]]
folder = "08-framing"

[late]
grace_minutes = 30
per_day_percent = 10
cap_percent = 50
"#;

const LAB: &str = r#"version = 1
title = "Framing"
minutes = 90
edit = ["src/frame.rs"]

[[step]]
title = "Write a frame"
section = "08-framing.md#step-1"
hints = ["Where to look.", "What to think.", """
Nearly the code.
"""]

[[step.check]]
name = "encodes_the_length"
points = 2

[[step]]
title = "Read a frame"
section = "08-framing.md#step-2"
hints = ["a", "b", "c"]

[[step.check]]
name = "reads_a_whole_frame"
points = 3
section = "08-framing.md#whole"

[[step.check]]
name = "reads_across_splits"
points = 4
kind = "bonus"
"#;

/// A course of two labs in a temporary folder.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let fixture = Fixture {
            folder: tempfile::tempdir().unwrap(),
        };
        fixture.put("course.toml", COURSE);
        for lab in ["04-tcp-echo", "08-framing"] {
            fixture.put(&format!("labs/{lab}/lab.toml"), LAB);
            fixture.put(&format!("solutions/{lab}/Cargo.toml"), "");
            fixture.put(
                &format!("solutions/{lab}/src/frame.rs"),
                "pub fn frame() {}\n",
            );
        }
        fixture
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn load(&self) -> Course {
        Course::load(self.root()).unwrap()
    }

    /// What is said of a `course.toml` in which `from` is replaced by `to`.
    fn course_error(&self, from: &str, to: &str) -> String {
        assert!(COURSE.contains(from), "{from}");
        self.put("course.toml", &COURSE.replacen(from, to, 1));
        Course::load(self.root()).unwrap_err().to_string()
    }

    /// What is said of a `lab.toml` in which `from` is replaced by `to`.
    fn lab_error(&self, from: &str, to: &str) -> String {
        assert!(LAB.contains(from), "{from}");
        self.put("labs/08-framing/lab.toml", &LAB.replacen(from, to, 1));
        let course = self.load();
        assert_eq!(course.labs().len(), 1, "the other lab can still be used");
        match course.lab("framing") {
            Err(LabError::Broken(error)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// What is said of this `wrong.toml`.
    fn wrong_error(&self, text: &str) -> String {
        self.put("solutions/08-framing/wrong/one-read/wrong.toml", text);
        self.put(
            "solutions/08-framing/wrong/one-read/src/frame.rs",
            "pub fn wrong() {}\n",
        );
        self.load()
            .lab("framing")
            .unwrap()
            .wrong_answers()
            .unwrap_err()
            .to_string()
    }
}

#[test]
fn a_course_is_read() {
    let fixture = Fixture::new();
    let course = Course::find(&fixture.root().join("labs/08-framing")).unwrap();
    assert_eq!(course.root(), fixture.root());
    assert_eq!(course.title, "A small course");
    assert_eq!(course.late.grace_minutes, 30);
    assert_eq!(
        (course.late.per_day_percent, course.late.cap_percent),
        (10.0, 50.0)
    );
    assert_eq!(course.entries()[0].weight, 1.5);
    assert_eq!(
        course.entries()[0].due.unwrap().to_string(),
        "2026-10-05T23:59:00+02:00"
    );
    assert_eq!(
        (course.entries()[1].weight, course.entries()[1].due),
        (1.0, None)
    );
    assert_eq!(course.labs().len(), 2);

    let lab = course.lab("framing").unwrap();
    assert_eq!(
        (lab.number, &*lab.topic, &*lab.title, lab.minutes),
        (8, "framing", "Framing", 90)
    );
    assert_eq!(lab.edit, [Path::new("src/frame.rs")]);
    assert_eq!(lab.dir(), fixture.root().join("labs/08-framing"));
    assert_eq!(
        lab.solution_dir(),
        Some(fixture.root().join("solutions/08-framing"))
    );
    assert_eq!(
        (lab.max_points().core, lab.max_points().bonus),
        (Points(5), Points(4))
    );
    assert_eq!(lab.max_points().total(), Points(9));
    assert_eq!(lab.steps[0].hints[2], "Nearly the code.");
    let names: Vec<String> = lab.checks().map(course::Check::path).collect();
    assert_eq!(
        names,
        [
            "step_1::encodes_the_length",
            "step_2::reads_a_whole_frame",
            "step_2::reads_across_splits"
        ]
    );
    let bonus = lab.check("reads_across_splits").unwrap();
    assert_eq!(
        (bonus.kind, bonus.step, &*bonus.section.to_string()),
        (Kind::Bonus, 2, "08-framing.md#step-2")
    );
    assert_eq!(
        lab.check("reads_a_whole_frame").unwrap().section.id(),
        "whole"
    );
    assert!(lab.check("nothing").is_none() && lab.step(0).is_none() && lab.step(3).is_none());
}

#[test]
fn a_lab_has_many_names() {
    let fixture = Fixture::new();
    let course = fixture.load();
    let names = [
        "framing",
        "8",
        "08",
        "08-framing",
        "FRAMING",
        "08-Framing",
        "labs/08-framing",
        "labs/08-framing/",
        "./labs/08-framing",
    ];
    for name in names {
        assert_eq!(course.lab(name).unwrap().folder, "08-framing", "{name}");
    }
}

#[test]
fn an_unknown_lab_is_told_which_is_nearest_and_which_there_are() {
    let fixture = Fixture::new();
    let course = fixture.load();
    let said = |name: &str| course.lab(name).unwrap_err().to_string();
    assert_eq!(
        said("framin"),
        "there is no lab `framin`: did you mean `framing`? The labs are tcp-echo, framing"
    );
    assert_eq!(
        said("Farming"),
        "there is no lab `Farming`: did you mean `framing`? The labs are tcp-echo, framing"
    );
    assert_eq!(
        said("echo"),
        "there is no lab `echo`: did you mean `tcp-echo`? The labs are tcp-echo, framing"
    );
    assert_eq!(
        said("17"),
        "there is no lab `17`; the labs are tcp-echo, framing"
    );
    assert_eq!(
        said(""),
        "there is no lab ``; the labs are tcp-echo, framing"
    );
}

#[test]
fn outside_a_course_it_is_said_what_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let error = Course::find(folder.path()).unwrap_err();
    assert!(
        matches!(&error, CourseError::NotFound { from } if from == folder.path()),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        format!(
            "there is no course.toml in {} or in any folder above it; change into your copy of the course and try again",
            folder.path().display()
        )
    );
}

#[test]
fn a_broken_course_toml_is_named_with_line_and_key() {
    let fixture = Fixture::new();
    let cases = [
        (
            "version = 1",
            "version = 2",
            "course.toml:1: key `version`: version 2 is not supported, only 1; get the tools that belong to this file, or write `version = 1`",
        ),
        (
            "version = 1\n",
            "",
            "course.toml: key `version`: is missing; add `version = 1`",
        ),
        (
            "title = ",
            "titel = ",
            "course.toml:2: key `titel`: there is no such key; did you mean `title`?",
        ),
        (
            "\"08-framing\"",
            "\"8-framing\"",
            "course.toml:10: lab 2, key `folder`: `8-framing` is no lab's folder; write two digits, a hyphen and the topic in lower case, as in \"08-framing\"",
        ),
        (
            "\"08-framing\"",
            "\"04-framing\"",
            "course.toml:10: lab 2, key `folder`: there is a lab 04 already; give this one another number",
        ),
        (
            "\"08-framing\"",
            "\"08-tcp-echo\"",
            "course.toml:10: lab 2, key `folder`: there is a lab `tcp-echo` already; give this one another topic",
        ),
        (
            "weight = 1.5",
            "weight = -1",
            "course.toml:6: lab 1, key `weight`: is -1; write a number from 0",
        ),
        (
            "weight = 1.5",
            "weight = nan",
            "course.toml:6: lab 1, key `weight`: is nan; write a number from 0",
        ),
        (
            "weight = 1.5",
            "wieght = 1.5",
            "course.toml:6: lab 1, key `wieght`: there is no such key; did you mean `weight`?",
        ),
        (
            "+02:00",
            "",
            "course.toml:7: lab 1, key `due`: `2026-10-05T23:59:00` is not a date, a time and an offset from UTC; write them all, as in 2026-10-05T23:59:00+02:00",
        ),
        (
            "2026-10-05T23:59:00+02:00",
            "\"tomorrow\"",
            "course.toml:7: lab 1, key `due`: is \"tomorrow\"; write a date, a time and an offset from UTC, as in 2026-10-05T23:59:00+02:00",
        ),
        (
            "cap_percent = 50",
            "cap_percent = 150",
            "course.toml:15: table `late`, key `cap_percent`: is 150; write a number from 0 to 100",
        ),
        (
            "grace_minutes = 30",
            "grace_minutes = 1.5",
            "course.toml:13: table `late`, key `grace_minutes`: is of type float; write a whole number from 0 to 4294967295",
        ),
        (
            "[late]",
            "[later]",
            "course.toml:12: key `later`: there is no such key; did you mean `late`?",
        ),
    ];
    for (from, to, said) in cases {
        assert_eq!(fixture.course_error(from, to), said);
    }
    fixture.put("course.toml", "version = 1\ntitle = \"Empty\"\n");
    assert_eq!(
        Course::load(fixture.root()).unwrap_err().to_string(),
        "course.toml: there is no lab; add a `[[lab]]` with its folder"
    );
}

#[test]
fn a_broken_lab_toml_is_named_with_line_and_key() {
    let fixture = Fixture::new();
    let hints = "write exactly three: where to look, what to think about, nearly the code";
    let cases = [
        ("version = 1", "version = 7", "labs/08-framing/lab.toml:1: key `version`: version 7 is not supported, only 1; get the tools that belong to this file, or write `version = 1`".to_owned()),
        ("minutes = 90", "minutes = 0", "labs/08-framing/lab.toml:3: key `minutes`: is 0; write a whole number from 1 to 1440".to_owned()),
        ("minutes = 90", "minutes = \"90\"", "labs/08-framing/lab.toml:3: key `minutes`: is of type string; write a whole number from 1 to 1440".to_owned()),
        ("minutes = 90\n", "", "labs/08-framing/lab.toml: key `minutes`: is missing; say how long the core takes, in minutes".to_owned()),
        ("minutes = 90", "minuts = 90", "labs/08-framing/lab.toml:3: key `minuts`: there is no such key; did you mean `minutes`?".to_owned()),
        ("minutes = 90", "minutes = 90\ncolour = 3", "labs/08-framing/lab.toml:4: key `colour`: there is no such key; the keys here are `version`, `title`, `minutes`, `edit`, `step`".to_owned()),
        ("src/frame.rs", "src/other.rs", "labs/08-framing/lab.toml:4: key `edit`: `src/other.rs` is not there: the starter is made from solutions/08-framing, and solutions/08-framing/src/other.rs does not exist; write that file or correct the path".to_owned()),
        ("src/frame.rs", "../src/frame.rs", "labs/08-framing/lab.toml:4: key `edit`: `../src/frame.rs` does not lie in the lab's src; write a path like \"src/serve.rs\"".to_owned()),
        ("src/frame.rs", "src/../Cargo.toml", "labs/08-framing/lab.toml:4: key `edit`: `src/../Cargo.toml` does not lie in the lab's src; write a path like \"src/serve.rs\"".to_owned()),
        ("[\"src/frame.rs\"]", "[]", "labs/08-framing/lab.toml:4: key `edit`: is empty; list the learner's files, as in `edit = [\"src/serve.rs\"]`".to_owned()),
        ("[\"src/frame.rs\"]", "[\"src/frame.rs\", \"src/frame.rs\"]", "labs/08-framing/lab.toml:4: key `edit`: `src/frame.rs` is listed twice; take one away".to_owned()),
        ("08-framing.md#step-1", "08-framing.md", "labs/08-framing/lab.toml:8: step 1, key `section`: `08-framing.md` is no section; write the page and a heading's id, as in \"04-tcp-echo.md#step-1\"".to_owned()),
        ("08-framing.md#whole", "framing#whole", "labs/08-framing/lab.toml:25: step 2, check 1, key `section`: `framing#whole` is no section; write the page and a heading's id, as in \"04-tcp-echo.md#step-1\"".to_owned()),
        ("[\"a\", \"b\", \"c\"]", "[\"a\", \"b\"]", format!("labs/08-framing/lab.toml:20: step 2, key `hints`: there are 2 hints; {hints}")),
        ("[\"a\", \"b\", \"c\"]", "[]", format!("labs/08-framing/lab.toml:20: step 2, key `hints`: there is no hint; {hints}")),
        ("[\"a\", \"b\", \"c\"]", "[\"a\", \"b\", \" \"]", "labs/08-framing/lab.toml:20: step 2, key `hints`: is empty; write something there".to_owned()),
        ("hints = [\"a\", \"b\", \"c\"]\n", "", "labs/08-framing/lab.toml:17: step 2, key `hints`: is missing; write three: where to look, what to think about, nearly the code".to_owned()),
        ("points = 3", "points = 0", "labs/08-framing/lab.toml:24: step 2, check 1, key `points`: is 0; write a whole number from 1 to 1000".to_owned()),
        ("points = 3\n", "", "labs/08-framing/lab.toml:22: step 2, check 1, key `points`: is missing; say what passing it earns, at least 1".to_owned()),
        ("\"bonus\"", "\"bonsu\"", "labs/08-framing/lab.toml:30: step 2, check 2, key `kind`: `bonsu` is no kind of check; did you mean \"bonus\"?".to_owned()),
        ("\"reads_across_splits\"", "\"reads_a_whole_frame\"", "labs/08-framing/lab.toml:28: step 2, check 2, key `name`: there is a check `reads_a_whole_frame` already; every check needs a name of its own".to_owned()),
        ("\"reads_across_splits\"", "\"encodes_the_length\"", "labs/08-framing/lab.toml:28: step 2, check 2, key `name`: there is a check `encodes_the_length` already; every check needs a name of its own".to_owned()),
        ("\"reads_across_splits\"", "\"reads across splits\"", "labs/08-framing/lab.toml:28: step 2, check 2, key `name`: `reads across splits` is no test function's name; write it as in the code, in lower case with underscores".to_owned()),
        ("[[step.check]]\nname = \"encodes_the_length\"\npoints = 2\n", "", "labs/08-framing/lab.toml:6: step 1: has no check; add a `[[step.check]]`, or take the step away".to_owned()),
        ("[[step.check]]", "[step.check]", "labs/08-framing/lab.toml:13: step 1, key `check`: must be tables, each under `[[step.check]]`".to_owned()),
        ("title = \"Read a frame\"", "title = Read", "labs/08-framing/lab.toml:18: this is not TOML: string values must be quoted, expected literal string; mend the line".to_owned()),
    ];
    for (from, to, said) in cases {
        assert_eq!(fixture.lab_error(from, to), said);
    }
    fixture.put(
        "labs/08-framing/lab.toml",
        "version = 1\ntitle = \"Empty\"\nminutes = 1\nedit = [\"src/frame.rs\"]\n",
    );
    let error = fixture.load().lab("8").unwrap_err().to_string();
    assert_eq!(
        error,
        "labs/08-framing/lab.toml: there is no step; add a `[[step]]` with its checks"
    );
    fs::remove_file(fixture.root().join("labs/08-framing/lab.toml")).unwrap();
    let error = fixture.load().lab("8").unwrap_err().to_string();
    assert!(
        error.contains("lab.toml cannot be read: ") && error.ends_with("or take the lab out there"),
        "{error}"
    );
}

#[test]
fn labs_are_named_in_any_order_and_come_in_the_courses() {
    let fixture = Fixture::new();
    let course = fixture.load();
    let topics = |names: &[&str]| {
        let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
        let labs = course.labs_named(&names)?;
        Ok::<Vec<_>, LabError>(labs.into_iter().map(|lab| lab.topic.as_str()).collect())
    };
    let all: Vec<&str> = course.labs().iter().map(|lab| lab.topic.as_str()).collect();
    assert_eq!(topics(&[]).unwrap(), all);
    let backwards: Vec<&str> = all.iter().rev().copied().collect();
    assert_eq!(topics(&backwards).unwrap(), all);
    assert_eq!(topics(&["8", "framing"]).unwrap(), ["framing"]);
    assert!(topics(&["framing", "nothing"]).is_err());
}

#[test]
fn a_handout_has_no_solution_and_is_read_all_the_same() {
    let fixture = Fixture::new();
    fs::remove_dir_all(fixture.root().join("solutions")).unwrap();
    let course = fixture.load();
    assert!(course.broken().is_empty());
    let lab = course.lab("framing").unwrap();
    assert_eq!((lab.solution_dir(), lab.starter_source()), (None, None));
    assert!(lab.wrong_answers().unwrap().is_empty());
    assert!(
        course::derive::lab(lab, &fixture.root().join("scratch"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn wrong_answers_are_read() {
    let fixture = Fixture::new();
    let wrong = "solutions/08-framing/wrong";
    fixture.put(&format!("{wrong}/b/wrong.toml"), "fails = \"reads_across_splits\"\nbelieves = \"One read is one frame.\"\nmisconception = 1\n");
    fixture.put(&format!("{wrong}/b/src/frame.rs"), "pub fn b() {}\n");
    fixture.put(&format!("{wrong}/a/wrong.toml"), "version = 1\nfails = [\"encodes_the_length\", \"reads_across_splits\"]\nbelieves = \"x\"\n");
    fixture.put(&format!("{wrong}/a/src/new.rs"), "");
    let course = fixture.load();
    let answers = course.lab("framing").unwrap().wrong_answers().unwrap();
    assert_eq!(
        answers
            .iter()
            .map(|answer| &*answer.name)
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(
        answers[0].fails,
        ["encodes_the_length", "reads_across_splits"]
    );
    assert_eq!(
        (answers[1].misconception, &*answers[1].believes),
        (Some(1), "One read is one frame.")
    );
    assert_eq!(answers[1].files, [Path::new("src/frame.rs")]);
}

#[test]
fn a_broken_wrong_toml_is_named_with_line_and_key() {
    let fixture = Fixture::new();
    let file = "solutions/08-framing/wrong/one-read";
    let cases = [
        (
            "fails = \"reads_across_split\"\nbelieves = \"x\"\n",
            format!(
                "{file}/wrong.toml:1: key `fails`: framing has no check `reads_across_split`; did you mean `reads_across_splits`?"
            ),
        ),
        (
            "fails = \"zzz\"\nbelieves = \"x\"\n",
            format!(
                "{file}/wrong.toml:1: key `fails`: framing has no check `zzz`; the checks are in labs/08-framing/lab.toml"
            ),
        ),
        (
            "fails = []\nbelieves = \"x\"\n",
            format!(
                "{file}/wrong.toml:1: key `fails`: names no check; a wrong answer fails at least one"
            ),
        ),
        (
            "fails = \"encodes_the_length\"\n",
            format!(
                "{file}/wrong.toml: key `believes`: is missing; say in one sentence what its author believes"
            ),
        ),
        (
            "fails = \"encodes_the_length\"\nbeleives = \"x\"\n",
            format!(
                "{file}/wrong.toml:2: key `beleives`: there is no such key; did you mean `believes`?"
            ),
        ),
        (
            "fails = \"encodes_the_length\"\nbelieves = \"x\"\nmisconception = 31\n",
            format!(
                "{file}/wrong.toml:3: key `misconception`: is 31; write a whole number from 1 to 30"
            ),
        ),
        (
            "fails = \"encodes_the_length\"\nbelieves = \"x\"\nwhy = 1\n",
            format!(
                "{file}/wrong.toml:3: key `why`: there is no such key; the keys here are `version`, `fails`, `believes`, `misconception`"
            ),
        ),
    ];
    for (text, said) in cases {
        assert_eq!(fixture.wrong_error(text), said);
    }
    let good = "fails = \"encodes_the_length\"\nbelieves = \"x\"\n";
    fixture.put(&format!("{file}/wrong.toml"), good);
    fixture.put(&format!("{file}/src/frame.rs"), "pub fn frame() {}\n");
    let error = fixture
        .load()
        .lab("framing")
        .unwrap()
        .wrong_answers()
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!("{file}: src/frame.rs is the solution's; take the file away, or make it differ")
    );
    fs::remove_file(fixture.root().join(file).join("src/frame.rs")).unwrap();
    let error = fixture
        .load()
        .lab("framing")
        .unwrap()
        .wrong_answers()
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!(
            "{file}: there is no file in its src; put there the files that differ from the solution's"
        )
    );
}

#[test]
fn a_starter_is_derived_compared_and_written() {
    use course::derive::Difference;
    let fixture = Fixture::new();
    let solution = "solutions/08-framing/src";
    fixture.put(
        &format!("{solution}/frame.rs"),
        "pub fn f() -> u8 {\n    // write: \"a number\"\n    7\n    // end\n}\n",
    );
    fixture.put(&format!("{solution}/main.rs"), "mod frame;\nfn main() {}\n");
    fixture.put(&format!("{solution}/deeper/data.bin"), "x");
    fixture.put("labs/08-framing/src/mine.rs", "");
    fixture.put("labs/08-framing/src/main.rs", "mod frame;\nfn main() {}\n");
    fixture.put(
        "labs/08-framing/src/frame.rs",
        "pub fn f() -> u8 {\n    7\n}\n",
    );
    let course = fixture.load();
    let lab = course.lab("framing").unwrap();
    let starter = lab.starter_source().unwrap().starter(lab).unwrap();
    assert_eq!(starter.file(Path::new("src/frame.rs")).unwrap().regions, 1);
    let differences = starter.differences(&lab.dir()).unwrap();
    assert_eq!(
        differences,
        [
            (PathBuf::from("src/deeper/data.bin"), Difference::Missing),
            (PathBuf::from("src/frame.rs"), Difference::Changed),
            (PathBuf::from("src/mine.rs"), Difference::Extra),
        ]
    );
    let written = course::derive::lab(lab, &lab.dir()).unwrap();
    assert_eq!(
        written,
        [Path::new("src/deeper/data.bin"), Path::new("src/frame.rs")]
    );
    let text = fs::read_to_string(lab.dir().join("src/frame.rs")).unwrap();
    assert_eq!(
        text,
        format!(
            "{}pub fn f() -> u8 {{\n    todo!(\"a number\")\n}}\n",
            course::derive::LINTS
        )
    );
    assert!(
        course::derive::lab(lab, &lab.dir()).unwrap().is_empty(),
        "nothing differs any more"
    );
    assert!(lab.dir().join("src/mine.rs").is_file());
    let other_ends = text.replace('\n', "\r\n");
    fixture.put("labs/08-framing/src/frame.rs", &other_ends);
    assert!(
        course::derive::lab(lab, &lab.dir()).unwrap().is_empty(),
        "only its lines end otherwise"
    );
}
