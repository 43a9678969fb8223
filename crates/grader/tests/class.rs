//! A small class, graded: what every row comes to is known beforehand.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{Class, ECHO, FIRST, echo_after, grade, root, sources};

/// What the labs' core checks earn.
static MAX: LazyLock<(u32, u32)> = LazyLock::new(|| {
    let course = course::Course::load(root()).unwrap();
    let core = |lab: &str| {
        let lab = course.lab(lab).unwrap();
        let hidden = course::Hidden::of(lab).unwrap();
        let hidden = hidden.map_or(0, |hidden| hidden.max_points().core.0);
        lab.max_points().core.0 + hidden
    };
    (core("first-contact"), core("tcp-echo"))
});

/// Looks for everything that a submission must not see, and breaks off where it finds any of it.
fn spy(outside: u16, mark: &Path) -> String {
    let root = root();
    let act = format!(
        r#"
    for path in [
        "/etc/passwd",
        "/etc/shadow",
        "/bin/sh",
        "/usr/bin/env",
        "/root",
        "/home",
        "/work",
        "{root}",
        "{root}/course.toml",
        "{root}/solutions/00-first-contact/src/echo.rs",
        "/proc/1/environ",
    ] {{
        if std::fs::read(path).is_ok_and(|bytes| !bytes.is_empty()) || std::fs::read_dir(path).is_ok() {{
            if path != "/proc/1/environ" || leaks(path) {{
                fail(path);
            }}
        }}
    }}
    for (name, value) in std::env::vars() {{
        if !["RUST_BACKTRACE", "LANG", "PWD"].contains(&name.as_str()) {{
            fail(&format!("{{name}}={{value}}"));
        }}
    }}
    if TcpStream::connect(("127.0.0.1", {outside})).is_ok() {{
        fail("the machine's network");
    }}
    for path in ["{mark}", "/usr/mark", "/program/mark", "/mark", "/dev/shm/mark"] {{
        if std::fs::write(path, "mark").is_ok() && !path.starts_with("/tmp/") {{
            fail(path);
        }}
    }}
    if std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {{
        entry.file_name().to_string_lossy().parse::<u32>().is_ok()
    }}).count() > 3 {{
        fail("the machine's processes");
    }}
"#,
        root = root.display(),
        mark = mark.display(),
    );
    let items = r#"
fn fail(what: &str) -> ! {
    eprintln!("found {what}");
    std::process::exit(3);
}

/// Only what the sandbox itself was given may stand there.
fn leaks(path: &str) -> bool {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    ["HOME=", "CARGO", "WIRELAB", "SECRET"].iter().any(|word| text.contains(word))
}
"#;
    echo_after(items, &act)
}

/// Leaves a process of another session behind, `MARK` among its arguments.
fn daemon(mark: &str) -> String {
    let items = format!(
        r#"
unsafe extern "C" {{
    fn fork() -> i32;
    fn setsid() -> i32;
}}

fn leave_a_daemon() {{
    use std::os::unix::process::CommandExt as _;
    unsafe {{
        if fork() != 0 {{
            return;
        }}
        setsid();
        if fork() != 0 {{
            std::process::exit(0);
        }}
    }}
    let _ = std::process::Command::new("/proc/self/exe").args(["serve", "--listen", "{mark}"]).exec();
}}
"#
    );
    echo_after(&items, "leave_a_daemon();")
}

/// The class; what each row's labs earn, and its flags.
fn assemble(class: &Class, outside: u16, mark: &Path, daemon_mark: &str) -> Rows {
    let nothing = (Some(0), Some(0));
    let mut rows = Rows::new();
    let mut row = |student: &str, points: (Option<u32>, Option<u32>), flags: &str| {
        rows.insert(student.to_owned(), (points, flags.to_owned()));
    };
    let only_first = |points| (Some(points), Some(0));

    // Canvas, and late.
    let mut both = sources("solutions", FIRST);
    both.extend(sources("solutions", ECHO));
    class.zip("lovelaceada_LATE_1001_77_labs.zip", &both);
    row("ada", (Some(MAX.0), Some(MAX.1)), "late");

    // Moodle. In its first lab the whole buffer goes back: two checks of two points see that.
    let moodle = "Grace Hopper_1002_assignsubmission_file_";
    let wrong = "solutions/00-first-contact/wrong/sends-the-whole-buffer/src/echo.rs";
    class.with_echo(moodle, &fs::read_to_string(root().join(wrong)).unwrap());
    class.solution(moodle, ECHO);
    row("grace", (Some(MAX.0 - 4), Some(MAX.1)), "");

    for (path, text) in sources("labs", FIRST) {
        class.put("starter", &path, text);
    }
    row(
        "starter",
        nothing,
        "not-on-roster starter:first-contact missing:tcp-echo",
    );

    class.with_echo("broken", "pub fn converse( {");
    row(
        "broken",
        nothing,
        "not-on-roster does-not-compile:first-contact missing:tcp-echo",
    );

    let leak = format!(
        "const _: &str = include_str!({:?});\n{}",
        root().join("solutions/00-first-contact/src/echo.rs"),
        echo_after("", "")
    );
    class.with_echo("includes", &leak);
    row(
        "includes",
        nothing,
        "not-on-roster does-not-compile:first-contact missing:tcp-echo",
    );

    class.zip(
        "dots.zip",
        &[("../../etc/cron.d/x".to_owned(), b"x".to_vec())],
    );
    class.zip("bomb.zip", &[("bomb".to_owned(), vec![0; 20 << 20])]);
    fs::write(class.dir.join("packed.rar"), b"Rar!\x1a\x07\x00").unwrap();
    fs::write(class.dir.join("cut.zip"), b"PK\x03\x04").unwrap();
    class.put("notes", "README.md", "sorry");
    for student in ["dots", "bomb", "packed", "cut", "notes"] {
        row(student, nothing, "not-on-roster refused");
    }

    class.solution("link", FIRST);
    let path = class.dir.join("link/labs").join(FIRST).join("src/echo.rs");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    row(
        "link",
        nothing,
        "not-on-roster refused:first-contact missing:tcp-echo",
    );

    let missing = "not-on-roster missing:tcp-echo";
    class.with_echo(
        "endless",
        &echo_after("", "loop { std::hint::spin_loop(); }"),
    );
    row("endless", only_first(4), missing);

    let forge = r#"for check in ["step_1::sends_back_what_it_received", "step_2::closes_when_the_client_sends_no_more"] {
        println!("test {check} ... ok");
    }
    println!("\u{1b}[32mtest result: ok. 6 passed\u{1b}[0m");
    std::process::exit(0);"#;
    class.with_echo(
        "exits",
        &echo_after("", forge).replace(
            "    let mut buffer",
            "    #[allow(unreachable_code)]\n    let mut buffer",
        ),
    );
    row("exits", only_first(4), missing);

    class.with_echo("spy", &spy(outside, mark));
    row("spy", only_first(MAX.0), missing);

    let forks = "unsafe extern \"C\" { fn fork() -> i32; }";
    class.with_echo("forks", &echo_after(forks, "loop { unsafe { fork(); } }"));
    row("forks", only_first(4), missing);

    let memory = "let mut all = Vec::new(); loop { all.push(vec![1_u8; 16 << 20]); }";
    class.with_echo("memory", &echo_after("", memory));
    row("memory", only_first(4), missing);

    class.with_echo("daemon", &daemon(daemon_mark));
    row("daemon", only_first(MAX.0), missing);

    row("absent", nothing, "missing");
    rows
}

/// By student: the points of both labs, and the flags.
type Rows = BTreeMap<String, ((Option<u32>, Option<u32>), String)>;

fn read(csv: &Path) -> Rows {
    let text = fs::read_to_string(csv).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("student,name,email,first-contact,tcp-echo,total,max,late_days,flags")
    );
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let points = (cells[3].parse().ok(), cells[4].parse().ok());
            assert_eq!(cells[6], (MAX.0 + MAX.1).to_string(), "{line}");
            (cells[0].to_owned(), (points, cells[8].to_owned()))
        })
        .collect()
}

#[test]
fn every_row_of_a_class_is_right() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let class = Class {
        dir: scratch.path().join("submissions"),
    };
    fs::create_dir_all(&class.dir).unwrap();
    let out = scratch.path().join("out");
    let mark = PathBuf::from(format!("/tmp/wirelab-mark-{}", std::process::id()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let outside = listener.local_addr().unwrap().port();
    let daemon_mark = format!("127.77.0.1:{outside}");
    let expected = assemble(&class, outside, &mark, &daemon_mark);
    let roster = scratch.path().join("roster.csv");
    fs::write(
        &roster,
        "student,name,email\nada,lovelaceada,ada@example.org\ngrace,Grace Hopper,=cmd()\nabsent,Nobody,\n",
    )
    .unwrap();
    let more = ["--roster", roster.to_str().unwrap()];

    let done = grade(&class.dir, &out, &more).assert().success();
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(said.contains("Sandbox  bubblewrap"), "{said}");
    let rows = read(&out.join("grades.csv"));
    for (student, row) in &expected {
        let page = fs::read_to_string(out.join(format!("feedback/{student}.md")));
        assert_eq!(
            Some(row),
            rows.get(student),
            "{student}: {}",
            page.unwrap_or_default()
        );
    }
    assert_eq!(rows.len(), expected.len(), "{:?}", rows.keys());

    // Nothing is left of the hostile ones, and nothing got out.
    assert!(!mark.exists(), "{} was written", mark.display());
    let left = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        fs::read_to_string(entry.path().join("cmdline"))
            .is_ok_and(|line| line.contains(&daemon_mark))
    });
    assert_eq!(left.count(), 0, "the daemon is still there");

    // What a student reads.
    let page =
        |student: &str| fs::read_to_string(out.join(format!("feedback/{student}.md"))).unwrap();
    assert!(
        page("broken").contains("labs/00-first-contact/src/echo.rs"),
        "{}",
        page("broken")
    );
    assert!(
        page("packed").contains("hand in a .zip"),
        "{}",
        page("packed")
    );
    assert!(
        page("grace").contains("FAILED  sends\\_back")
            || page("grace").contains("FAILED  sends_back"),
        "{}",
        page("grace")
    );
    assert!(!page("exits").contains('\u{1b}'), "{}", page("exits"));
    let csv = fs::read_to_string(out.join("grades.csv")).unwrap();
    assert!(csv.contains(",'=cmd(),"), "{csv}");
    let json = fs::read_to_string(out.join("grades.json")).unwrap();
    assert!(json.contains("\"sandbox\": \"bubblewrap\""));

    // Without --resume an earlier run is not touched; with it nothing is judged twice, and a line that was cut off
    // is made anew.
    grade(&class.dir, &out, &more)
        .assert()
        .code(1)
        .stderr(predicates::str::contains("add --resume"));
    let journal = out.join("journal.jsonl");
    let text = fs::read(&journal).unwrap();
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    fs::write(&journal, &text[..text.len() - 20]).unwrap();
    grade(&class.dir, &out, &[&more[..], &["--resume"]].concat())
        .assert()
        .success();
    assert_eq!(csv, fs::read_to_string(out.join("grades.csv")).unwrap());
    let text = fs::read_to_string(&journal).unwrap();
    assert_eq!(
        text.lines().count(),
        lines + 1,
        "one line was cut, and one is new"
    );
}

#[test]
fn without_a_sandbox_nothing_is_graded_unless_that_is_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    let class = Class {
        dir: scratch.path().join("submissions"),
    };
    fs::create_dir_all(&class.dir).unwrap();
    class.zip("a.zip", &sources("solutions", FIRST));
    let out = scratch.path().join("out");
    let empty = scratch.path().join("empty");
    fs::create_dir_all(&empty).unwrap();
    grade(&class.dir, &out, &[])
        .env("PATH", &empty)
        .assert()
        .code(1)
        .stderr(predicates::str::contains("bubblewrap: it is not installed"));
    assert!(!out.join("grades.csv").exists());
}
