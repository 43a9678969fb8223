//! The terms of a grade: when it was due, what was changed by hand, which attempt counts, what a student sees.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{Class, ECHO, FIRST, cargo_grade, course_in, echo_after, journaled, table};

/// One lab, due on a Monday a minute before midnight, in Berlin. Its core earns 9 points.
const DUE: &str = "version = 1
title = \"Networks\"

[[lab]]
folder = \"00-first-contact\"
weight = 2
due = 2026-10-05T23:59:00+02:00

[late]
grace_minutes = 10
per_day_percent = 10
cap_percent = 30
";

/// A commit of the folder as it is, made at a time.
fn commit(folder: &Path, at: &str) {
    let git = |args: &[&str]| {
        let done = Command::new("git")
            .args(args)
            .current_dir(folder)
            .env("GIT_COMMITTER_DATE", at)
            .env("GIT_AUTHOR_DATE", at)
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("HOME", "/nowhere")])
            .output()
            .expect("git is installed");
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "-A"]);
    git(&[
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.org",
        "commit",
        "-m",
        "Hand in",
    ]);
}

#[test]
fn lateness_extensions_and_changes_by_hand() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let course = course_in(scratch.path(), DUE);
    let class = Class::new(scratch.path().join("submissions"));
    let students = [
        "punctual", "graceful", "late", "later", "latest", "extended", "moved", "changed",
        "cloned", "silent",
    ];
    for student in students {
        class.solution(student, FIRST);
    }
    class.zip(
        "lovelaceada_LATE_1001_77_labs.zip",
        &support::sources("solutions", FIRST),
    );
    // In its own configuration a clone may name programs to run: none of them is.
    let clone = class.dir.join("cloned");
    let mark = scratch.path().join("git-ran-it");
    commit(&clone, "2026-10-07T12:00:00+02:00");
    let evil = format!(
        "[core]\n\tfsmonitor = touch {0}\n\tpager = touch {0}\n[log]\n\tshowSignature = true\n[gpg]\n\tprogram = touch {0}\n",
        mark.display()
    );
    fs::write(clone.join(".git/config"), evil).unwrap();

    let times = scratch.path().join("times.csv");
    fs::write(
        &times,
        "student,lab,submitted
punctual,first-contact,2026-10-05T21:59:00Z
graceful,0,2026-10-06T00:09:00+02:00
late,,2026-10-06T00:09:01+02:00
later,,2026-10-07T00:09:01+02:00
latest,,2026-10-12T00:00:00+02:00
extended,,2026-10-07T00:00:00+02:00
moved,,2026-10-09T23:00:00+02:00
changed,,2026-10-06T12:00:00+02:00
nobody,,2026-10-06T12:00:00+02:00
",
    )
    .unwrap();
    let extensions = scratch.path().join("extensions.toml");
    fs::write(
        &extensions,
        "version = 1
[[extension]]
student = \"extended\"
hours = 12
reason = \"ill\"
[[extension]]
student = \"MOVED\"
lab = \"first-contact\"
due = 2026-10-09T23:59:00+02:00
[[extension]]
student = \"Ada Lovelace\"
days = 3
",
    )
    .unwrap();
    let out = scratch.path().join("out");
    fs::create_dir(&out).unwrap();
    let adjustments = out.join("adjustments.csv");
    fs::write(
        &adjustments,
        "student,lab,points,set,reason\nchanged,0,+1.5,,explained it well\nsilent,0,,4,agreed\n",
    )
    .unwrap();
    let grade = |more: &[&str]| {
        cargo_grade(&course)
            .args([
                "run".as_ref(),
                class.dir.as_os_str(),
                "--out".as_ref(),
                out.as_os_str(),
            ])
            .args(["--times".as_ref(), times.as_os_str()])
            .args(["--extensions".as_ref(), extensions.as_os_str()])
            .args(more)
            .assert()
    };
    grade(&[]).success().stderr(
        contains("times.csv:10: nobody here is called nobody")
            .and(contains("nobody here is called silent").not())
            .and(contains("nobody knows when 2 of 11 handed in").and(contains("1001, silent")))
            .and(contains(
                "changed, first-contact: changed by hand to 9.6, of 9",
            )),
    );
    let rows = table(&out.join("grades.csv"));
    let expected = [
        ("punctual", "9", "0", ""),
        ("graceful", "9", "0", ""),
        ("late", "8.1", "1", "late:first-contact"),
        ("later", "7.2", "2", "late:first-contact"),
        ("latest", "6.3", "6", "late:first-contact"),
        // 2026-10-06T11:59 and ten minutes of grace: one day.
        ("extended", "8.1", "1", "late:first-contact"),
        ("moved", "9", "0", ""),
        (
            "changed",
            "9.6",
            "1",
            "late:first-contact adjusted:first-contact",
        ),
        ("cloned", "7.2", "2", "late:first-contact"),
        ("silent", "4", "0", "no-time adjusted:first-contact"),
        ("1001", "9", "0", "late no-time"),
    ];
    for (student, score, days, flags) in expected {
        let row = &rows[student];
        let got = [
            row["first-contact"].as_str(),
            &row["late_days"],
            &row["flags"],
        ];
        assert_eq!(got, [score, days, flags], "{student}");
        let total = 2.0 * score.parse::<f64>().unwrap();
        assert_eq!(row["total"].parse::<f64>().unwrap(), total, "{student}");
        assert_eq!(row["max"], "18");
    }
    assert_eq!(rows.len(), expected.len());
    assert!(!mark.exists(), "a clone's configuration was obeyed");
    // All of them handed in the same: it was judged once.
    assert_eq!(journaled(&out), 1);
    let page = fs::read_to_string(out.join("feedback/changed.md")).unwrap();
    let html = fs::read_to_string(out.join("report/students/changed.html")).unwrap();
    for page in [&page, &html] {
        for words in [
            "Handed in 2026-10-06 12:00 +02:00, due 2026-10-05 23:59 +02:00: 12 h 1 min late, 10 min of it grace; 1 day begun, 10 % less.",
            "Changed by hand, 1.5 more: explained it well",
            "9 earned, 9.6 count.",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
    }
    // What counts twice says so, or the sum would be another.
    assert!(page.contains("| 9.6 | 9 | × 2 |  |"), "{page}");
    assert!(html.contains("<td class=\"n\">× 2</td>"), "{html}");
    let page = fs::read_to_string(out.join("feedback/graceful.md")).unwrap();
    assert!(page.contains(": within the grace"), "{page}");
    let page = fs::read_to_string(out.join("feedback/punctual.md")).unwrap();
    assert!(!page.contains("Handed in"), "{page}");
    let page = fs::read_to_string(out.join("feedback/moved.md")).unwrap();
    assert!(
        page.contains("due 2026-10-09 23:59 +02:00 by an extension: in time."),
        "{page}"
    );

    // Graded again, what was changed by hand is still changed, and what changes in the file is said.
    fs::write(
        &adjustments,
        "student,lab,points,set,reason\nchanged,0,-1,,copied\n",
    )
    .unwrap();
    grade(&["--resume"])
        .success()
        .stdout(contains("changed  first-contact  9.6 → 7.1").and(contains("2 changes")));
    assert_eq!(journaled(&out), 1);
    let rows = table(&out.join("grades.csv"));
    assert_eq!(rows["changed"]["first-contact"], "7.1");
    assert_eq!(rows["silent"]["first-contact"], "9");
    let changes = fs::read_to_string(out.join("changes.csv")).unwrap();
    assert!(changes.contains("silent,first-contact,4,9,"), "{changes}");
    // What has changed once is not forgotten, and pages of nobody do not stay.
    let stale = out.join("feedback/somebody.md");
    fs::write(&stale, "").unwrap();
    fs::remove_file(&adjustments).unwrap();
    grade(&["--resume"])
        .success()
        .stdout(contains("no change by hand any more").and(contains("1 change, ")));
    let more = fs::read_to_string(out.join("changes.csv")).unwrap();
    assert!(
        more.len() > changes.len() && more.starts_with(&changes),
        "{more}"
    );
    assert!(!stale.exists());

    // What cannot be meant is said, with its place.
    for (text, words) in [
        (
            "student,points,reason\nchanged,1,kind\n",
            "adjustments.csv:2: name the lab",
        ),
        (
            "student,lab,points\nchanged,0,1\n",
            "adjustments.csv:2: `reason` is missing",
        ),
        (
            "student;lab;points;reason\nnobody;0;x;y\n",
            "adjustments.csv:2: `x` in `points` is no number",
        ),
        (
            "student,lab,points,reason\nchanged,0,set 4,agreed\n",
            "adjustments.csv:2: `set 4` in `points`: what a lab counts instead stands in a column of its own, `set`",
        ),
    ] {
        fs::write(&adjustments, text).unwrap();
        grade(&["--resume"]).code(1).stderr(contains(words));
    }
}

#[test]
fn what_a_run_was_told_once_holds_when_it_goes_on() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let course = course_in(scratch.path(), DUE);
    let class = Class::new(scratch.path().join("submissions"));
    for student in ["late", "cloned", "edited", "pushed"] {
        class.solution(student, FIRST);
    }
    for student in ["cloned", "edited", "pushed"] {
        commit(&class.dir.join(student), "2026-10-07T12:00:00+02:00");
    }
    class.with_echo("edited", &echo_after("", "let _ = 1;"));
    class.with_echo("pushed", &echo_after("", "let _ = 1;"));
    let times = scratch.path().join("times.csv");
    fs::write(
        &times,
        "student,submitted\nlate,2026-10-06T00:09:01+02:00\npushed,2026-10-05T12:00:00Z\n",
    )
    .unwrap();
    let out = scratch.path().join("out");
    fs::create_dir(&out).unwrap();
    let adjustments = out.join("adjustments.csv");
    let by_hand = |reason: &str| {
        let text = format!("student,lab,points,reason\nlate,0,-1,{reason}\n");
        fs::write(&adjustments, text).unwrap();
    };
    by_hand("copied");
    // The folder of submissions is named from here, as most people do.
    let grade = |more: &[&str]| {
        cargo_grade(&course)
            .args(["run", "../submissions", "--out", "../out"])
            .args(more)
            .assert()
    };
    let rows = || {
        let rows = table(&out.join("grades.csv"));
        ["late", "cloned", "edited", "pushed"].map(|student| {
            let row = &rows[student];
            (row["first-contact"].clone(), row["flags"].clone())
        })
    };
    let expected = [
        ("7.1", "late:first-contact adjusted:first-contact"),
        ("7.2", "late:first-contact"),
        ("7.2", "uncommitted:first-contact late:first-contact"),
        ("9", "uncommitted:first-contact"),
    ]
    .map(|(score, flags)| (score.to_owned(), flags.to_owned()));
    grade(&["--times", "../times.csv"]).success();
    assert_eq!(rows(), expected);
    grade(&["--resume"])
        .success()
        .stdout(contains("0 changes"))
        .stderr(contains("As before: --times "));
    assert_eq!(rows(), expected);

    // What was changed by hand was changed for that program.
    class.with_echo("late", &echo_after("", "let _ = 2;"));
    let another = "changed by hand when another program was there: late (first-contact);";
    for _ in 0..2 {
        grade(&["--resume"]).success().stderr(contains(another));
        assert!(
            rows()[0].1.ends_with("adjusted-before:first-contact"),
            "{:?}",
            rows()
        );
    }
    by_hand("copied again");
    grade(&["--resume"])
        .success()
        .stderr(contains(another).not());
    assert_eq!(rows(), expected);

    // When something was handed in is not known of another folder.
    let other = Class::new(scratch.path().join("others"));
    other.solution("late", FIRST);
    let grade_others = |more: &[&str]| {
        cargo_grade(&course)
            .args(["run", "../others", "--out", "../out", "--resume"])
            .args(["--labs", "first-contact", "--student", "late"])
            .args(more)
            .assert()
    };
    grade_others(&[]).code(1).stderr(contains(
        "say with --times when those in ../others were handed in",
    ));
    grade_others(&["--times", "../times.csv"]).success();
    grade(&["--resume", "--times", "../times.csv"]).success();
    assert_eq!(rows(), expected);

    fs::remove_file(&times).unwrap();
    grade(&["--resume"]).code(1).stderr(contains(
        "times.csv is not there any more, by which the grades in ",
    ));
    // Somebody whose entry is gone, and who is on no roster, is not forgotten in silence.
    fs::write(&times, "student,submitted\n").unwrap();
    fs::remove_dir_all(class.dir.join("cloned")).unwrap();
    grade(&["--resume"])
        .success()
        .stdout(contains("cloned  first-contact  7.2 → –  graded → gone"))
        .stderr(contains("counts nothing now: cloned (first-contact);"));
}

/// Two labs, each due in a week of its own.
const TWO_WEEKS: &str = "version = 1
title = \"Networks\"

[[lab]]
folder = \"00-first-contact\"
due = 2026-10-05T23:59:00+02:00

[[lab]]
folder = \"04-tcp-echo\"
due = 2026-11-02T23:59:00+01:00

[late]
per_day_percent = 10
cap_percent = 30
";

#[test]
fn a_lab_that_is_not_asked_for_keeps_its_lateness() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let course = course_in(scratch.path(), TWO_WEEKS);
    let [first, second] = ["week-0", "week-4"].map(|name| Class::new(scratch.path().join(name)));
    for student in ["ada", "bob"] {
        first.solution(student, FIRST);
        // Each week the whole of it, of which one lab is new.
        second.solution(student, FIRST);
        second.solution(student, ECHO);
    }
    let put = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
    put(
        "week-0.csv",
        "student,submitted\nada,2026-10-05T12:00:00Z\nbob,2026-10-06T12:00:00Z\n",
    );
    put(
        "week-4.csv",
        "student,submitted\nada,2026-11-02T12:00:00Z\nbob,2026-11-02T12:00:00Z\n",
    );
    // Of one lab alone.
    put(
        "again.csv",
        "student,lab,submitted\nada,4,2026-11-02T12:00:00Z\nbob,4,2026-11-03T12:00:00Z\n",
    );
    let grade = |folder: &str, times: &str, more: &[&str]| {
        cargo_grade(&course)
            .args(["run", folder, "--out", "../out", "--times", times])
            .args(more)
            .assert()
            .success();
        let rows = table(&scratch.path().join("out/grades.csv"));
        ["ada", "bob"].map(|student| {
            let row = &rows[student];
            let echo = row.get("tcp-echo").cloned().unwrap_or_default();
            [row["first-contact"].clone(), echo, row["flags"].clone()]
        })
    };
    let late = "late:first-contact";
    let only = ["--labs", "first-contact"];
    assert_eq!(
        grade("../week-0", "../week-0.csv", &only),
        [["9", "", ""], ["8.1", "", late]]
    );
    let more = ["--labs", "tcp-echo", "--resume"];
    assert_eq!(
        grade("../week-4", "../week-4.csv", &more),
        [["9", "39", ""], ["8.1", "39", late]]
    );
    assert_eq!(
        grade("../week-4", "../again.csv", &more),
        [
            ["9", "39", ""],
            ["8.1", "35.1", "late:first-contact late:tcp-echo"]
        ]
    );
}

#[test]
fn a_clone_is_asked_for_the_folder_in_which_the_lab_lies() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let course = course_in(scratch.path(), DUE);
    let class = Class::new(scratch.path().join("submissions"));
    let files = support::sources("solutions", FIRST);
    // In a folder of another name, in a repository one folder down, and in one that has no folder for it.
    for (student, clone, lab) in [
        ("topic", ".", "first-contact"),
        ("below", "work", "work/First-Contact (1)"),
        ("bare", ".", "."),
    ] {
        for (path, text) in &files {
            let path = path.strip_prefix(FIRST).unwrap();
            class.put(student, &format!("{lab}{path}"), text);
        }
        let clone = class.dir.join(student).join(clone);
        commit(&clone, "2026-10-05T12:00:00+02:00");
        fs::write(clone.join("notes.txt"), "later").unwrap();
        commit(&clone, "2026-10-07T12:00:00+02:00");
    }
    let out = scratch.path().join("out");
    cargo_grade(&course)
        .args(["run", "../submissions", "--out", "../out"])
        .assert()
        .success();
    let rows = table(&out.join("grades.csv"));
    let flags = ["topic", "below", "bare"].map(|student| rows[student]["flags"].as_str());
    // Where the clone is the lab, each of its commits is the lab's.
    assert_eq!(flags, ["", "", "late:first-contact"]);
}

#[test]
fn the_latest_attempt_counts_or_the_best() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let course = course_in(scratch.path(), DUE);
    let first = Class::new(scratch.path().join("monday"));
    let second = Class::new(scratch.path().join("friday"));
    // Worse the second time; better and late the second time; only the first time; unreadable the second time.
    first.solution("worse", FIRST);
    second.with_a_wrong_echo("worse");
    first.with_a_wrong_echo("better");
    second.solution("better", FIRST);
    first.solution("once", FIRST);
    first.solution("lost", FIRST);
    fs::write(second.dir.join("lost.rar"), "Rar!").unwrap();
    let times = scratch.path().join("times.csv");
    fs::write(
        &times,
        "student,submitted,attempt
worse,2026-10-01T12:00:00Z,1
worse,2026-10-02T12:00:00Z,2
better,2026-10-01T12:00:00Z,1
better,2026-10-20T12:00:00Z,2
once,2026-10-01T12:00:00Z,
lost,2026-10-01T12:00:00Z,
",
    )
    .unwrap();
    let out = scratch.path().join("out");
    let alone = |more: &[&str]| {
        cargo_grade(&course)
            .args([
                "run".as_ref(),
                second.dir.as_os_str(),
                "--out".as_ref(),
                out.as_os_str(),
            ])
            .args(["--times".as_ref(), times.as_os_str()])
            .args(more)
            .assert()
    };
    let monday = first.dir.to_str().unwrap();
    let run = |more: &[&str]| alone(&[&["--earlier", monday], more].concat()).success();
    let grade = |more: &[&str]| {
        run(more);
        let rows = table(&out.join("grades.csv"));
        assert_eq!(rows.len(), 4);
        ["worse", "better", "once", "lost"].map(|student| rows[student]["first-contact"].clone())
    };
    let says = |student: &str, words: &[&str]| {
        let page = fs::read_to_string(out.join(format!("feedback/{student}.md"))).unwrap();
        let html = out.join(format!("report/students/{student}.html"));
        for page in [page, fs::read_to_string(html).unwrap()] {
            for words in words {
                assert!(page.contains(words), "{student}, {words}: {page}");
            }
        }
    };
    // 5 of 9 for the wrong echo; 30 % off 9 are 6.3.
    assert_eq!(grade(&[]), ["5", "6.3", "9", "9"]);
    says("worse", &["Attempt 2 counts; attempt 1 earned 9."]);
    says("better", &["Attempt 2 counts; attempt 1 earned 5."]);
    says(
        "lost",
        &[
            "Attempt 1 counts; attempt 2: refused.",
            "Attempt 2: Not taken: ",
        ],
    );
    assert_eq!(
        grade(&["--resume", "--attempt", "best"]),
        ["9", "6.3", "9", "9"]
    );
    says("worse", &["Attempt 1 counts; attempt 2 earned 5."]);
    assert_eq!(
        journaled(&out),
        2,
        "the solution and the wrong answer, once each"
    );
    // A part judged anew: each attempt of the others keeps its verdict and its lateness.
    let part = ["--resume", "--attempt", "best", "--student", "once"];
    assert_eq!(grade(&part), ["9", "6.3", "9", "9"]);
    // Another program since, and later: what was graded stays, with its own time, and somebody is told.
    let other = echo_after("", "let _ = 1;");
    second.with_echo("worse", &other);
    second.with_echo("better", &other);
    let later = fs::read_to_string(&times).unwrap() + "better,2026-10-06T12:00:00Z,2\n";
    fs::write(&times, later).unwrap();
    assert_eq!(grade(&part), ["9", "6.3", "9", "9"]);
    let part = ["--resume", "--student", "once", "--attempt", "latest"];
    assert_eq!(grade(&part), ["5", "6.3", "9", "9"]);
    run(&part).stderr(contains(
        "not judged in this run: better (first-contact), worse (first-contact);",
    ));
    // The first attempt is still there when nobody names it; from another folder nobody can know that it is.
    let told = |more: &[&str]| {
        alone(more)
            .success()
            .stderr(contains("As before: --earlier "))
    };
    told(&["--resume", "--student", "once"]);
    fs::rename(&second.dir, scratch.path().join("moved")).unwrap();
    for more in [&["--student", "better"][..], &[]] {
        cargo_grade(&course)
            .args([
                "run",
                "../moved",
                "--out",
                "../out",
                "--resume",
                "--times",
                "../times.csv",
            ])
            .args(more)
            .assert()
            .code(1)
            .stderr(contains("are of 2 attempts, and this run names 1"));
    }
    fs::rename(scratch.path().join("moved"), &second.dir).unwrap();
    told(&["--resume"]);
    let rows = table(&out.join("grades.csv"));
    let scores =
        ["worse", "better", "once", "lost"].map(|student| rows[student]["first-contact"].as_str());
    assert_eq!(scores, ["9", "8.1", "9", "9"]);
}

/// Sends back what it received, but no more than 16 bytes of it: every check of the lab is content with that.
const SHORT: &str = "    let mut buffer = [0; 16];";

#[test]
fn a_hidden_check_counts_and_is_not_shown() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let course = course_in(scratch.path(), DUE);
    let class = Class::new(scratch.path().join("submissions"));
    class.solution("right", FIRST);
    let short = echo_after("", "").replace("    let mut buffer = [0; 1024];", SHORT);
    let short = short.replace("    loop {", "    for _ in 0..3 {") + "\n";
    class.with_echo(
        "short",
        &short.replace(
            "        client.write_all(&buffer[..n])?;\n    }",
            "        client.write_all(&buffer[..n])?;\n    }\n    Ok(())",
        ),
    );
    let hidden = scratch.path().join("hidden").join(FIRST);
    fs::create_dir_all(&hidden).unwrap();
    let list = |show: &str| {
        let text = format!(
            "version = 1\nshow = \"{show}\"\n[[check]]\nname = \"sends_back_a_whole_page\"\nstep = 1\npoints = 3\n"
        );
        fs::write(hidden.join("hidden.toml"), text).unwrap();
    };
    list("nothing");
    fs::write(
        hidden.join("checks.rs"),
        r#"use testkit::check;

mod step_1 {
    use super::*;

    #[test]
    fn sends_back_a_whole_page() {
        let check = check!(lab = "hidden.toml");
        let server = check.start(["serve"]);
        let mut peer = check.connect(&server);
        let page = check.random(2000);
        peer.exchange(&page, &page, "A page is longer than a few reads.");
    }
}
"#,
    )
    .unwrap();
    let out = scratch.path().join("out");
    let folder = scratch.path().join("hidden");
    let grade = |more: &[&str]| {
        cargo_grade(&course)
            .args([
                "run".as_ref(),
                class.dir.as_os_str(),
                "--out".as_ref(),
                out.as_os_str(),
            ])
            .args(more)
            .assert()
    };
    let with = |more: &[&str]| {
        let folder = folder.to_str().unwrap();
        grade(&[&["--hidden", folder], more].concat()).success();
        let rows = table(&out.join("grades.csv"));
        assert_eq!(rows["right"]["first-contact"], "12");
        assert_eq!(rows["short"]["first-contact"], "9");
        assert_eq!(rows["short"]["max"], "24");
        fs::read_to_string(out.join("feedback/short.md")).unwrap()
    };
    let page = with(&[]);
    assert!(
        !page.contains("whole_page") && !page.contains("2000"),
        "{page}"
    );
    assert!(page.contains("not handed out: 0 of 3 points\n"), "{page}");
    let json = fs::read_to_string(out.join("grades.json")).unwrap();
    assert!(
        json.contains("sends_back_a_whole_page"),
        "the instructor sees it"
    );
    // And sees that a student does not.
    let report = fs::read_to_string(out.join("report/index.html")).unwrap();
    let marked = "sends back a whole page <span class=\"word\">hidden</span>";
    assert!(report.contains(marked), "{report}");
    list("names");
    let page = with(&["--resume"]);
    assert!(
        page.contains("- failed: `sends_back_a_whole_page`, 0 of 3"),
        "{page}"
    );
    assert!(!page.contains("few reads"), "{page}");
    list("transcripts");
    let page = with(&["--resume"]);
    assert!(page.contains("longer than a few reads"), "{page}");
    assert!(page.contains("hidden, step 1 · 3 points"), "{page}");
    assert!(
        !page.contains("cargo lab hint first-contact sends_back_a_whole_page"),
        "{page}"
    );

    grade(&["--resume", "--no-hidden"]).success();
    let rows = table(&out.join("grades.csv"));
    assert_eq!(
        (
            rows["short"]["first-contact"].as_str(),
            rows["short"]["max"].as_str()
        ),
        ("9", "18")
    );
    // One of the two, by checks that are not the other's.
    let folder = folder.to_str().unwrap();
    grade(&["--resume", "--student", "short", "--hidden", folder])
        .success()
        .stderr(contains("by which 1 of the grades were found"));

    // Lists that do not fit the code, or the lab, are refused before anything is judged.
    for (name, step, said) in [
        ("sends_back_nothing", 1, "has no such test"),
        ("sends_back_what_it_received", 1, "there is a check"),
        ("sends_back_a_whole_page", 9, "step"),
    ] {
        let text =
            format!("version = 1\n[[check]]\nname = \"{name}\"\nstep = {step}\npoints = 1\n");
        fs::write(hidden.join("hidden.toml"), text).unwrap();
        grade(&["--resume", "--hidden", folder])
            .code(1)
            .stderr(contains(said));
    }
}
