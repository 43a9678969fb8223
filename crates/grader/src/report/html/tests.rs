//! The report of a class that does its worst.

use course::{CheckReport, Points};

use super::*;
use crate::report::Uncounted;

const HOSTILE: &str =
    "<script>alert(1)</script>\u{1b}[31m\u{202e}</pre><img src=x onerror=alert(1)>\"'&";

fn check(name: &str, verdict: &str, message: &str) -> CheckReport {
    let json = serde_json::json!({
        "name": name, "verdict": verdict, "points": u32::from(verdict == "passed"), "max_points": 1,
        "seconds": 0.1, "step": 1, "kind": "core", "message": message, "section": "a.md#b",
    });
    serde_json::from_value(json).unwrap()
}

fn class() -> Class {
    let mut graded = Cell::plain("echo", Status::Graded, None);
    graded.points = Some(1);
    graded.score = Some(1.0);
    graded.sources = Some("abc".to_owned());
    graded.checks = vec![
        check("passes_well", "passed", ""),
        check("fails_it", "failed", HOSTILE),
    ];
    let row = |student: &str, name: &str, cell: Cell, flags: &[&str]| Row {
        student: student.to_owned(),
        name: name.to_owned(),
        email: HOSTILE.to_owned(),
        entries: vec![HOSTILE.to_owned()],
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        notes: vec![HOSTILE.to_owned()],
        total: cell.score,
        max: 2.0,
        labs: vec![cell],
        ..Row::default()
    };
    let mut broken = Cell::plain("echo", Status::DoesNotCompile, Some(HOSTILE.to_owned()));
    broken.score = Some(0.0);
    let error = Cell::plain("echo", Status::Error, Some("the disk is full".to_owned()));
    let missing = Cell::plain("echo", Status::Missing, None);
    Class {
        version: 1,
        course: "wirelab".to_owned(),
        sandbox: "bubblewrap".to_owned(),
        sandbox_notes: vec!["They share a network.".to_owned()],
        toolchain: "rustc".to_owned(),
        labs: vec![Column {
            topic: "echo".to_owned(),
            title: "Echo".to_owned(),
            weight: 1.0,
            max_points: Points(2).0,
            max_bonus_points: 0,
            max_hidden_points: 0,
            show_hidden: course::Show::default(),
            due: None,
            checks: None,
            uncounted: vec![Uncounted {
                name: "needs_a_cable".to_owned(),
                reason: HOSTILE.to_owned(),
                points: 1,
                kind: course::Kind::Core,
                hidden: false,
            }],
        }],
        students: vec![
            row("../a", HOSTILE, graded, &["late"]),
            row("b", "", broken, &["does-not-compile:echo"]),
            row("c", "", error, &["error:echo"]),
            row("d", "Dora", missing, &["missing"]),
        ],
    }
}

fn pages(dir: &Path) -> Vec<(String, String)> {
    let report = dir.join("report");
    let files = crate::files::files_below(&report).unwrap();
    let page = |path: std::path::PathBuf| {
        let name = path.strip_prefix(&report).unwrap().display().to_string();
        (name, fs::read_to_string(&path).unwrap())
    };
    files.into_iter().map(page).collect()
}

#[test]
fn what_a_submission_says_stays_text() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("sources/abc/src")).unwrap();
    fs::write(dir.path().join("sources/abc/src/echo.rs"), HOSTILE).unwrap();
    write(&class(), dir.path()).unwrap();
    let pages = pages(dir.path());
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "index.html",
            "students/_a.html",
            "students/b.html",
            "students/c.html",
            "students/d.html"
        ]
    );
    for (name, page) in &pages {
        for bad in [
            "<script", "<img", "\u{1b}", "\u{202e}", "http://", "https://", "url(", "@import",
            "src=",
        ] {
            let harmless = page.replace("&lt;img src=x", "");
            assert!(!harmless.contains(bad), "{name} has {bad}");
        }
        assert!(page.contains("default-src 'none'"), "{name}");
    }
    let ada = &pages[1].1;
    // Note, name, address, transcript and source.
    assert!(ada.matches("&lt;script&gt;").count() >= 5, "{ada}");
    assert!(
        ada.contains("src/echo.rs") && ada.contains("1 lines"),
        "{ada}"
    );
}

#[test]
fn the_class_is_told_at_a_glance() {
    let dir = tempfile::tempdir().unwrap();
    write(&class(), dir.path()).unwrap();
    let index = pages(dir.path()).remove(0).1;
    for part in [
        "<b>3</b><span>handed in",
        "<b>1</b><span>missing",
        "the disk is full",
        "fails it</td><td class=\"key\">echo</td><td class=\"n\">1 of 1",
        "does not compile",
        "students/b.html#echo",
        ">Dora</a>",
        "median 25&nbsp;%",
        "counted for nobody: needs a cable (&lt;script&gt;",
        "They share a network.",
        "1 judged · 1 do not compile · 1 not graded · 1 missing",
    ] {
        assert!(index.contains(part), "no {part} in {index}");
    }
}

#[test]
fn what_is_hidden_and_what_counts_otherwise_is_marked() {
    let dir = tempfile::tempdir().unwrap();
    let mut class = class();
    write(&class, dir.path()).unwrap();
    for (name, page) in pages(dir.path()) {
        let body = page.split("</style>").nth(1).unwrap();
        for word in ["×", ">counts<", ">hidden<", ", hidden"] {
            assert!(!body.contains(word), "{name} has {word}");
        }
    }
    class.labs[0].weight = 2.0;
    class.students[0].labs[0].hidden = vec![
        check("hides_well", "failed", "why"),
        check("hides", "passed", ""),
    ];
    write(&class, dir.path()).unwrap();
    let pages = pages(dir.path());
    for (page, part) in [
        (0, "hides well <span class=\"word\">hidden</span></td>"),
        (0, "fails it</td>"),
        (0, "echo · 2 points · counts × 2"),
        (
            1,
            "hides well <span class=\"small\">failed, 0 of 1, hidden</span>",
        ),
        (
            1,
            "hides <span class=\"small\">passed, 1 of 1, hidden</span>",
        ),
        (1, "hides well <span class=\"small\">step 1, hidden</span>"),
        (1, "fails it <span class=\"small\">step 1</span>"),
        (1, "<th class=\"n\">counts</th>"),
        (1, "<td class=\"n\">× 2</td>"),
    ] {
        let (name, page) = &pages[page];
        assert!(page.contains(part), "no {part} in {name}: {page}");
    }
}

#[test]
fn days_late_are_those_of_all_labs() {
    let dir = tempfile::tempdir().unwrap();
    let mut class = class();
    class.students[0].late_days = 3;
    write(&class, dir.path()).unwrap();
    let index = pages(dir.path()).remove(0).1;
    assert!(index.contains("days late,<br>all labs</th>"), "{index}");
}

#[test]
fn an_untouched_lab_that_counts_says_what_else_there_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut class = class();
    let mut cell = serde_json::to_value(Cell::plain("echo", Status::Starter, None)).unwrap();
    cell["attempt"] = 2.into();
    cell["others"] = serde_json::json!([
        { "attempt": 1, "status": "graded", "points": 2, "score": 2.0 },
    ]);
    class.students[0].labs[0] = serde_json::from_value(cell).unwrap();
    write(&class, dir.path()).unwrap();
    let ada = pages(dir.path()).remove(1).1;
    let said = "Attempt 2 counts; attempt 1 earned 2.";
    assert!(ada.contains(said), "{ada}");
}

#[test]
fn a_page_of_somebody_who_is_gone_goes_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut class = class();
    write(&class, dir.path()).unwrap();
    class.students.pop();
    write(&class, dir.path()).unwrap();
    assert_eq!(pages(dir.path()).len(), 4);
}

#[test]
fn each_percentage_has_its_bar() {
    let counts =
        |percents: &[f64]| -> Vec<usize> { bars(percents).iter().map(|bar| bar.count).collect() };
    assert_eq!(
        counts(&[0.0, 9.9, 10.0, 99.0, 100.0, 100.1, 150.0]),
        [2, 1, 0, 0, 0, 0, 0, 0, 0, 2, 2]
    );
}
