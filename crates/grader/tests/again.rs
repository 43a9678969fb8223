//! Grading again, and in parts: always the same grades as in one go.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::assert::{Assert, OutputAssertExt as _};
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{
    Class, ECHO, FIRST, cargo_grade, echo_after, files, grades, journaled, root, run, six, sources,
    table,
};

#[test]
fn only_what_is_asked_for_is_judged_again() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let class = six(scratch.path().join("submissions"));
    let out = scratch.path().join("out");
    let csv = out.join("grades.csv");
    run(&class.dir, &out, &[]).assert().success();
    // The solution twice is one job; an unedited starter is none.
    assert_eq!(journaled(&out), 5);
    let rows = table(&csv);
    let score = |student: &str| table(&csv)[student]["first-contact"].clone();
    let scores = [
        "ada", "barbara", "grace", "karen", "radia", "broken", "starter",
    ]
    .map(score);
    assert_eq!(scores, ["9", "9", "5", "9", "9", "0", "0"]);

    // Nothing is new: nothing is judged, nothing is other.
    let again = run(&class.dir, &out, &["--resume"]).assert().success();
    again.stdout(contains("0 changes"));
    assert_eq!(journaled(&out), 5);
    assert_eq!(table(&csv), rows);

    // One hands in again: one is judged, and that is what is said.
    class.solution("grace", FIRST);
    class.with_echo("karen", &echo_after("", "let _ = 3;"));
    run(&class.dir, &out, &["--resume", "--student", "karen"])
        .assert()
        .success()
        .stdout(contains("0 changes"));
    assert_eq!(journaled(&out), 6, "karen's, and not grace's");
    run(&class.dir, &out, &["--resume"])
        .assert()
        .success()
        .stdout(
            contains("grace  first-contact  5 → 9  +sends_back_what_it_received")
                .and(contains("1 change, ")),
        );
    assert_eq!(
        journaled(&out),
        6,
        "grace's is the solution, which is known"
    );

    // A student asks for another look: the same sources, judged anew.
    run(&class.dir, &out, &["--resume", "--student", "radia"])
        .assert()
        .success()
        .stdout(contains("0 changes"));
    assert_eq!(journaled(&out), 7);
    // What failed: of all these only the one that does not compile.
    class.with_a_wrong_echo("ada");
    run(&class.dir, &out, &["--resume", "--failures"])
        .assert()
        .success()
        .stdout(contains("0 changes"));
    assert_eq!(journaled(&out), 8);
    assert_eq!(
        score("ada"),
        "9",
        "what passed stays, whatever is handed in"
    );

    run(&class.dir, &out, &["--resume", "--student", "nobody"])
        .assert()
        .code(1)
        .stderr(contains("nobody here is called nobody"));
    run(&class.dir, &out, &["--failures"])
        .assert()
        .code(1)
        .stderr(contains("add --resume"));
}

/// What a run says that grades these submissions into `out`, with success.
fn graded(class: &Class, out: &Path, more: &[&str]) -> Assert {
    cargo_grade(&root())
        .args(["run".as_ref(), class.dir.as_os_str()])
        .args(["--out".as_ref(), out.as_os_str()])
        .args(more)
        .assert()
        .success()
}

#[test]
fn each_lab_may_come_in_a_folder_of_its_own() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| Class::new(scratch.path().join(name)));
    for student in ["ada", "bob", "eve"] {
        first.solution(student, FIRST);
    }
    first.with_a_wrong_echo("ada");
    first.with_a_wrong_echo("eve");
    second.solution("ada", ECHO);
    second.solution("zoe", ECHO);
    let out = scratch.path().join("out");
    let roster = scratch.path().join("roster.csv");
    fs::write(&roster, "student\nada\nbob\n").unwrap();
    let grade = |class: &Class, more: &[&str]| graded(class, &out, more);
    let scores = || {
        let rows = table(&out.join("grades.csv"));
        let score = |student: &str| {
            let row = rows.get(student);
            row.map(|row| [row["first-contact"].clone(), row["tcp-echo"].clone()])
        };
        ["ada", "bob", "eve", "zoe"].map(score)
    };
    let row = |first: &str, second: &str| Some([first.to_owned(), second.to_owned()]);
    let max = "39";
    let both = [row("5", max), row("9", "0"), row("5", "0"), row("0", max)];
    grade(
        &first,
        &[
            "--labs",
            "first-contact",
            "--roster",
            roster.to_str().unwrap(),
        ],
    );
    grade(&second, &["--labs", "tcp-echo", "--resume"])
        .stdout(contains("ada  tcp-echo  ").and(contains("bob").not()))
        .stderr(contains("not judged in this run").not());
    assert_eq!(scores(), both);
    // What failed there is not here, and stays.
    grade(&second, &["--failures", "--resume"]).stdout(contains("0 changes"));
    assert_eq!(scores(), both);
    grade(&first, &["--labs", "first-contact", "--resume"]).stdout(contains("0 changes"));
    assert_eq!(scores(), both);
    // Which lab lies where is known.
    grade(&second, &["--resume"])
        .stdout(contains("0 changes"))
        .stderr(contains("--labs tcp-echo"));
    assert_eq!(scores(), both);
    // All of it from another folder, which has one lab: that is said.
    let third = Class::new(scratch.path().join("third"));
    third.solution("ada", ECHO);
    third.solution("zoe", ECHO);
    grade(&third, &["--resume"]).stderr(contains(
        "counts nothing now: ada (first-contact), bob (first-contact), eve (first-contact); where each lab has a folder of its own",
    ));
    assert_eq!(
        scores(),
        [row("0", max), row("0", "0"), None, row("0", max)]
    );
}

#[test]
fn who_comes_with_a_second_attempt_keeps_the_other_labs() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folders = ["week-0", "week-4", "week-4-late"];
    let [first, second, late] = folders.map(|name| Class::new(scratch.path().join(name)));
    for student in ["ada", "bob"] {
        first.solution(student, FIRST);
    }
    second.solution("ada", ECHO);
    late.solution("bob", ECHO);
    let out = scratch.path().join("out");
    let grade = |class: &Class, more: &[&str]| graded(class, &out, more);
    grade(&first, &["--labs", "first-contact"]);
    grade(&second, &["--labs", "tcp-echo", "--resume"]);
    let earlier = second.dir.to_str().unwrap();
    let more = ["--labs", "tcp-echo", "--resume", "--earlier", earlier];
    for changes in ["1 change, ", "0 changes"] {
        grade(&late, &more)
            .stdout(contains(changes))
            .stderr(contains("counts nothing now").not());
        let rows = table(&out.join("grades.csv"));
        assert_eq!(rows.len(), 2);
        for row in rows.values() {
            assert_eq!([&row["first-contact"], &row["tcp-echo"]], ["9", "39"]);
        }
    }
}

#[test]
fn what_took_long_before_is_judged_first() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let class = Class::new(scratch.path().join("submissions"));
    class.solution("ada", FIRST);
    class.with_a_wrong_echo("grace");
    let out = scratch.path().join("out");
    run(&class.dir, &out, &[]).assert().success();
    let path = out.join("grades.json");
    let mut class_json: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for row in class_json["students"].as_array_mut().unwrap() {
        let long = if row["student"] == "grace" { 9.0 } else { 0.5 };
        for check in row["labs"][0]["checks"].as_array_mut().unwrap() {
            check["seconds"] = long.into();
        }
    }
    fs::write(&path, class_json.to_string()).unwrap();

    for student in ["ada", "grace"] {
        let file = format!("{student}/labs/{FIRST}/src/echo.rs");
        let file = class.dir.join(file);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text + "// once more\n").unwrap();
    }
    run(&class.dir, &out, &["--resume", "--jobs", "1"])
        .assert()
        .success();
    let journal = fs::read_to_string(out.join("journal.jsonl")).unwrap();
    let failed: Vec<bool> = journal
        .lines()
        .map(|line| line.contains(r#""verdict":"failed""#))
        .collect();
    assert_eq!(failed[2..], [true, false], "grace's, and then ada's");
}

#[test]
fn who_had_nothing_to_judge_is_among_the_failures() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let class = Class::new(scratch.path().join("submissions"));
    class.put("ada", "labs/README.md", "later");
    fs::write(class.dir.join("bob.rar"), "Rar!").unwrap();
    // Unedited, so that nothing is judged.
    let hand_in = |entry: &str| {
        for (path, text) in sources("labs", FIRST) {
            class.put(entry, &path, text);
        }
    };
    hand_in("carl");
    let out = scratch.path().join("out");
    run(&class.dir, &out, &[]).assert().success();
    fs::remove_file(class.dir.join("bob.rar")).unwrap();
    hand_in("ada");
    hand_in("bob");
    // Grades that mean something else, or nothing, are not passed over.
    let path = out.join("grades.json");
    let written = fs::read_to_string(&path).unwrap();
    let other = written.replacen("\"version\": 1", "\"version\": 7", 1);
    for (text, said) in [
        (&other[..], "of version 7"),
        (&written[..99], "take it away"),
    ] {
        fs::write(&path, text).unwrap();
        let resumed = run(&class.dir, &out, &["--resume"]).assert().code(1);
        resumed.stderr(contains(said));
    }
    fs::write(&path, written).unwrap();
    run(&class.dir, &out, &["--resume", "--failures"])
        .assert()
        .success()
        .stdout(
            contains("ada  first-contact  0 → 0  refused → starter")
                .and(contains("bob  first-contact  0 → 0  refused → starter")),
        );
}

#[test]
fn files_that_lie_by_themselves_are_found_whatever_lab_was_graded_between() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let class = Class::new(scratch.path().join("submissions"));
    // Unedited, so that nothing is judged.
    for (path, text) in sources("labs", FIRST) {
        let name = Path::new(&path).file_name().unwrap().to_str().unwrap();
        class.put("ada", name, text);
    }
    for (path, text) in sources("labs", "02-names") {
        class.put("grace", &path, text);
    }
    let out = scratch.path().join("out");
    let grade = |lab: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
        let folders = [Path::new("run"), &class.dir, Path::new("--out"), &out];
        command.current_dir(root()).args(folders);
        command.args(["--labs", lab, "--resume"]).assert().success()
    };
    grade("first-contact");
    grade("names");
    grade("first-contact").stdout(contains("0 changes"));
    let row = &table(&out.join("grades.csv"))["ada"];
    assert!(row["flags"].contains("starter"), "{row:?}");
}

#[test]
fn shards_come_to_the_same_as_one_run() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let class = six(scratch.path().join("submissions"));
    let roster = scratch.path().join("roster.csv");
    fs::write(&roster, "student,name,email\nada,Ada,\nabsent,Nobody,\n").unwrap();
    let roster = ["--roster", roster.to_str().unwrap()];
    let one = scratch.path().join("one");
    run(&class.dir, &one, &roster).assert().success();

    let mut dirs = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let out = scratch.path().join(format!("shard-{}", &shard[..1]));
        let more = [&roster[..], &["--shard", shard]].concat();
        run(&class.dir, &out, &more).assert().success();
        assert!(!out.join("grades.csv").exists(), "a part is no result");
        dirs.push(out);
    }
    let done: Vec<usize> = dirs.iter().map(|dir| journaled(dir)).collect();
    assert_eq!(done.iter().sum::<usize>(), journaled(&one), "{done:?}");
    let merged = scratch.path().join("merged");
    let merge = |dirs: &[PathBuf]| {
        Command::new(env!("CARGO_BIN_EXE_grader"))
            .current_dir(root())
            .arg("merge")
            .args(dirs)
            .args(["--out".as_ref(), merged.as_os_str()])
            .assert()
    };
    merge(&dirs[..2]).code(1).stderr(contains("missing: 3"));
    merge(&[&dirs[..], &dirs[..1]].concat())
        .code(1)
        .stderr(contains("both shard 1"));
    dirs.reverse();
    merge(&dirs).success();

    // Against a run of its own, all but times and ports is the same.
    let csv = |out: &Path| fs::read(out.join("grades.csv")).unwrap();
    assert_eq!(csv(&merged), csv(&one));
    assert_eq!(grades(&merged), grades(&one));
    // Against one run that had the same verdicts before it, every byte.
    let whole = scratch.path().join("whole");
    fs::create_dir(&whole).unwrap();
    fs::copy(merged.join("journal.jsonl"), whole.join("journal.jsonl")).unwrap();
    let more = [&roster[..], &["--resume"]].concat();
    run(&class.dir, &whole, &more).assert().success();
    assert_eq!(
        journaled(&whole),
        journaled(&one),
        "nothing was judged again"
    );
    assert_eq!(files(&merged), files(&whole));

    // Who goes on from the whole goes on from what the parts were told, with the same inputs.
    let go_on = |secret: &str| {
        Command::new(env!("CARGO_BIN_EXE_grader"))
            .current_dir(root())
            .args(["run".as_ref(), class.dir.as_os_str()])
            .args(["--out".as_ref(), merged.as_os_str()])
            .args(["--resume", "--secret", secret])
            .assert()
    };
    go_on("another")
        .code(1)
        .stderr(contains("made with another secret"));
    go_on("once upon a time")
        .success()
        .stdout(contains("0 changes"))
        .stderr(contains("As before: --roster "));
    assert_eq!(journaled(&merged), journaled(&one));

    // What is changed by hand in the folder of the grades is changed in both, and stays so.
    let lines =
        "student,lab,points,reason\nAda,first-contact,-3,by name\nabsent,first-contact,+1,ill\n";
    for out in [&merged, &whole] {
        fs::write(out.join("adjustments.csv"), lines).unwrap();
    }
    let changed = || {
        contains("ada  first-contact  9 → 6  by hand: 3 fewer: by name").and(contains(
            "absent  first-contact  0 → 1  by hand: 1 more: ill",
        ))
    };
    merge(&dirs).success().stdout(changed());
    run(&class.dir, &whole, &more)
        .assert()
        .success()
        .stdout(changed());
    assert_eq!(files(&merged), files(&whole));
    merge(&dirs).success().stdout(contains("0 changes"));
    assert_eq!(files(&merged), files(&whole));

    // A shard of another class, or without the seeds in common, is refused.
    class.with_echo("karen", &echo_after("", "let _ = 3;"));
    let more = [&roster[..], &["--shard", "1/3", "--resume"]].concat();
    run(&class.dir, &dirs[2], &more).assert().success();
    merge(&dirs)
        .code(1)
        .stderr(contains("not of the same class"));
    let part = |submissions: &Path, out: &Path, more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_grader"))
            .current_dir(root())
            .args(["run".as_ref(), submissions.as_os_str()])
            .args(["--out".as_ref(), out.as_os_str()])
            .args(["--labs", "first-contact", "--resume", "--shard"])
            .args(more)
            .assert()
    };
    part(&class.dir, &whole, &["1/2"])
        .code(1)
        .stderr(contains("add --secret"));
    // Nor can two secrets have made the seeds, even where nothing was judged with them.
    let starters = Class::new(scratch.path().join("starters"));
    for (path, text) in sources("labs", FIRST) {
        starters.put("ada", &path, text);
    }
    let two = ["1/2", "2/2"].map(|shard| {
        let out = scratch.path().join(format!("secret-{}", &shard[..1]));
        part(&starters.dir, &out, &[shard, "--secret", shard]).success();
        out
    });
    merge(&two).code(1).stderr(contains("different secrets"));
}
