//! Building a lab and running its checks, on a small course of labs made for it.
//!
//! Their checks do not use testkit: they write the verdict files that testkit would write, and
//! some that it never would.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use course::soak::Load;
use course::workshop::What;
use course::{
    Cancel, CheckReport, Course, Event, Kind, Lab, LabReport, Level, Options, Points, RunError,
    Runner, Selection, Soak, Subject, Verdict, Workshop,
};

/// What every lab's checks begin with.
const PRELUDE: &str = r##"
#![allow(dead_code)]
use std::path::PathBuf;
fn write(check: &str, text: &str) {
    if let Some(folder) = std::env::var_os("WIRELAB_VERDICTS") {
        std::fs::write(PathBuf::from(folder).join(format!("{check}.json")), text).unwrap();
    }
}
fn verdict(check: &str, verdict: &str, message: &str) {
    let seed = std::env::var("WIRELAB_SEED").unwrap_or_default();
    write(check, &format!(
        r#"{{"version":1,"check":"{check}","verdict":"{verdict}","seconds":0.0125,"message":"{message}","seed":"{seed}"}}"#
    ));
}
fn program() -> PathBuf {
    std::env::var_os("WIRELAB_PROGRAM").map_or(env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME"))).into(), PathBuf::from)
}
fn says(check: &str, wanted: &str) {
    let launcher = std::env::var_os("WIRELAB_LAUNCHER");
    let mut command = match launcher {
        None => std::process::Command::new(program()),
        Some(launcher) => { let mut c = std::process::Command::new(launcher); c.arg(program()); c }
    };
    let out = command.output().unwrap();
    let got = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    if got == wanted { verdict(check, "passed", "") } else { verdict(check, "failed", &format!("got {got}")); panic!() }
}
"##;

/// A lab: folder, steps of checks (name, what of it is bonus), code of the checks, main.rs.
struct Small {
    folder: &'static str,
    steps: &'static [&'static [(&'static str, Kind)]],
    checks: &'static str,
    main: &'static str,
}

const LABS: [Small; 5] = [
    Small {
        folder: "01-verdicts",
        steps: &[
            &[("passes", Kind::Core), ("skips", Kind::Core)],
            &[
                ("is_extra", Kind::Bonus),
                ("fails", Kind::Core),
                ("needs_mars", Kind::Core),
            ],
            &[
                ("leaves_no_verdict", Kind::Core),
                ("panics_without_verdict", Kind::Core),
                ("writes_nonsense", Kind::Core),
                ("is_of_another_version", Kind::Core),
                ("is_not_there", Kind::Core),
            ],
        ],
        checks: r###"
            mod step_1 {
                #[test] fn passes() { super::says("passes", "right") }
                #[test] fn skips() { super::verdict("skips", "skipped", "no netns here") }
            }
            mod step_2 {
                #[test] fn is_extra() { super::verdict("is_extra", "failed", "more is wanted"); panic!() }
                #[test] fn fails() { super::verdict("fails", "failed", "expected 1, got 2"); panic!() }
                #[test] #[ignore = "needs Mars, or the moon"] fn needs_mars() {}
            }
            mod step_3 {
                #[test] fn leaves_no_verdict() {}
                #[test] fn panics_without_verdict() {
                    println!("test step_1::skips ... ignored, a lie");
                    panic!("an accident");
                }
                #[test] fn writes_nonsense() { super::write("writes_nonsense", "passed") }
                #[test] fn is_of_another_version() {
                    super::write("is_of_another_version",
                        r##"{"version":2,"check":"is_of_another_version","verdict":"passed","seconds":0}"##)
                }
            }
        "###,
        main: "fn main() { println!(\"right\") }\n",
    },
    Small {
        folder: "02-crash",
        steps: &[&[("works", Kind::Core), ("aborts", Kind::Core)]],
        checks: r#"
            mod step_1 {
                #[test] fn works() { super::verdict("works", "failed", "explained") }
                #[test] fn aborts() {
                    while !std::path::PathBuf::from(std::env::var_os("WIRELAB_VERDICTS").unwrap()).join("works.json").exists() {}
                    use std::io::Write;
                    std::io::stderr().write_all(b"going down\n").unwrap();
                    std::process::abort()
                }
            }
        "#,
        main: "fn main() {}\n",
    },
    Small {
        folder: "03-hang",
        steps: &[&[("works", Kind::Core), ("hangs", Kind::Core)]],
        checks: r#"
            mod step_1 {
                #[test] fn works() { super::verdict("works", "passed", "") }
                #[test] fn hangs() {
                    let child = super::spawn();
                    std::fs::write(std::env::var_os("PID_FILE").unwrap(), child.to_string()).unwrap();
                    loop { std::thread::park() }
                }
            }
            fn spawn() -> u32 {
                let mut command = std::process::Command::new(program());
                #[cfg(unix)]
                std::os::unix::process::CommandExt::process_group(&mut command, 0);
                command.spawn().unwrap().id()
            }
        "#,
        main: "fn main() { loop { std::thread::park() } }\n",
    },
    Small {
        folder: "04-broken",
        steps: &[&[("works", Kind::Core), ("is_extra", Kind::Bonus)]],
        checks: r#"
            mod step_1 {
                #[test] fn works() { super::says("works", "right") }
                #[test] fn is_extra() { super::says("is_extra", "right") }
            }
        "#,
        main: "fn main() {\n    let n: u8 = \"one\";\n    let m: u8 = \"two\";\n}\n",
    },
    Small {
        folder: "05-marked",
        steps: &[&[("says_right", Kind::Core)]],
        checks: r#"mod step_1 { #[test] fn says_right() { super::says("says_right", "right") } }"#,
        main: "mod say;\nfn main() { println!(\"{}\", say::say(\"right\")) }\n",
    },
];

/// The small course, written below the target folder so that cargo builds it only once.
fn course() -> &'static Course {
    static COURSE: OnceLock<Course> = OnceLock::new();
    COURSE.get_or_init(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("small-course");
        let mut listed = String::from("version = 1\ntitle = \"Small\"\n");
        for lab in LABS {
            listed += &format!("[[lab]]\nfolder = \"{}\"\n", lab.folder);
            put_lab(&root, &lab);
        }
        put(&root.join("course.toml"), &listed);
        let wrong = root.join("solutions/05-marked/wrong");
        put(&wrong.join("says-left/wrong.toml"), "fails = \"says_right\"\nbelieves = \"Left is right.\"\n");
        put(&wrong.join("says-left/src/say.rs"), "pub fn say(_: &str) -> &'static str {\n    \"left\"\n}\n");
        put(&wrong.join("does-not-compile/wrong.toml"), "fails = \"says_right\"\nbelieves = \"Types do not matter.\"\n");
        put(&wrong.join("does-not-compile/src/say.rs"), "pub fn say(_: &str) -> u8 {\n    \"left\"\n}\n");
        put(
            &root.join("solutions/05-marked/src/say.rs"),
            "pub fn say(what: &'static str) -> &'static str {\n    // write: \"say it\"\n    what\n    // end\n}\n",
        );
        put(&root.join("labs/05-marked/src/say.rs"), "pub fn say(_: &str) -> &str {\n    todo!()\n}\n");
        put(
            &root.join("Cargo.toml"),
            "[workspace]\nresolver = \"3\"\nmembers = [\"labs/*\", \"solutions/*\"]\n[workspace.package]\nedition = \"2024\"\n",
        );
        Course::load(&root).unwrap()
    })
}

fn put_lab(root: &Path, small: &Small) {
    let topic = &small.folder[3..];
    let dir = root.join("labs").join(small.folder);
    let mut toml =
        String::from("version = 1\ntitle = \"Small\"\nminutes = 1\nedit = [\"src/main.rs\"]\n");
    for step in small.steps {
        toml +=
            "[[step]]\ntitle = \"A step\"\nsection = \"a.md#b\"\nhints = [\"a\", \"b\", \"c\"]\n";
        for (name, kind) in *step {
            toml += &format!("[[step.check]]\nname = \"{name}\"\npoints = 2\nkind = \"{kind}\"\n");
        }
    }
    put(&dir.join("lab.toml"), &toml);
    let package = |name: &str| {
        format!("[package]\nname = \"{name}\"\nedition.workspace = true\n[dependencies]\n")
    };
    put(&dir.join("Cargo.toml"), &package(topic));
    put(&dir.join("src/main.rs"), small.main);
    put(
        &dir.join("tests/checks.rs"),
        &format!("{PRELUDE}{}", small.checks),
    );
    if matches!(small.folder, "04-broken" | "05-marked") {
        let solution = root.join("solutions").join(small.folder);
        let test = format!(
            "[[test]]\nname = \"checks\"\npath = \"../../labs/{}/tests/checks.rs\"\n",
            small.folder
        );
        put(
            &solution.join("Cargo.toml"),
            &format!("{}{test}", package(&format!("{topic}-solution"))),
        );
        let main = if topic == "broken" {
            "fn main() { println!(\"right\") }\n"
        } else {
            small.main
        };
        put(&solution.join("src/main.rs"), main);
    }
}

fn put(path: &Path, text: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn lab(topic: &str) -> &'static Lab {
    course().lab(topic).unwrap()
}

fn options() -> Options {
    let mut options = Options::default();
    options.target_dir = Some(course().root().join("target"));
    options
}

fn run(topic: &str, options: Options) -> Result<LabReport, RunError> {
    Runner::new(lab(topic), options).run(&Cancel::new(), |_| {})
}

fn message<'r>(report: &'r LabReport, check: &str) -> &'r str {
    let report = report.check(check).unwrap();
    assert_eq!(
        (&report.verdict, report.points),
        (&Verdict::Failed, Points(0)),
        "{check}"
    );
    report.message.as_deref().unwrap()
}

#[test]
fn every_check_gets_its_verdict_in_the_order_of_lab_toml() {
    let mut events = Vec::new();
    let report = Runner::new(lab("verdicts"), options())
        .run(&Cancel::new(), |event| events.push(event))
        .unwrap();
    let names: Vec<&str> = report.checks.iter().map(|check| &*check.name).collect();
    assert_eq!(
        names,
        lab("verdicts")
            .checks()
            .map(|check| &*check.name)
            .collect::<Vec<_>>()
    );
    assert_eq!((report.passed, report.failed, report.skipped), (1, 7, 2));
    // What was skipped counts in neither.
    assert_eq!((report.points, report.max_points), (Points(2), Points(16)));
    assert_eq!(
        (report.bonus_points, report.max_bonus_points),
        (Points(0), Points(2))
    );
    assert!(
        report.build.ok && report.build.errors == 0,
        "{}",
        report.build.output
    );

    let passed = report.check("passes").unwrap();
    assert_eq!(
        (&passed.verdict, passed.message.as_deref(), passed.seconds),
        (&Verdict::Passed, None, 0.0125)
    );
    assert_eq!(
        report.check("skips").unwrap().verdict,
        Verdict::Skipped("no netns here".into())
    );
    assert_eq!(
        report.check("needs_mars").unwrap().verdict,
        Verdict::Skipped("needs Mars, or the moon".into())
    );
    assert_eq!(message(&report, "fails"), "expected 1, got 2");
    assert!(message(&report, "leaves_no_verdict").starts_with(
        "The test step_3::leaves_no_verdict ended without a verdict: it does not open a check with `check!()`."
    ));
    let accident = message(&report, "panics_without_verdict");
    assert!(
        accident.starts_with("The test step_3::panics_without_verdict broke off without a verdict"),
        "{accident}"
    );
    assert!(!accident.contains("step_2"), "{accident}");
    assert!(accident.contains("  | an accident\n"), "{accident}");
    assert!(
        message(&report, "writes_nonsense")
            .starts_with("The verdict of this check cannot be read: ")
    );
    assert!(message(&report, "is_of_another_version").contains("it has version 2, not 1"));
    assert!(message(&report, "is_not_there").starts_with(
        "There is no test step_3::is_not_there in tests/checks.rs: write it there, or take the check out of lab.toml."
    ));

    // Core before bonus, and the first step before the next.
    assert_eq!(report.start_here().unwrap().name, "fails");
    assert!(!report.done() && !report.all_passed());
    assert!(matches!(events[0], Event::Building));
    let built = events
        .iter()
        .position(|event| matches!(event, Event::Built(built) if built.ok))
        .unwrap();
    assert!(matches!(events[built + 1], Event::Running { checks: 10 }));
    let done: Vec<&CheckReport> = events
        .iter()
        .filter_map(|event| {
            if let Event::CheckDone(report) = event {
                Some(report)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(done.len(), 10);
    assert!(report.checks.iter().all(|check| done.contains(&check)));
}

#[test]
fn a_report_is_the_json_that_other_programs_read() {
    let report = run("verdicts", options()).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        (&json["version"], &json["lab"], &json["failed"]),
        (&1.into(), &"verdicts".into(), &7.into())
    );
    assert_eq!(
        (&json["points"], &json["max_points"]),
        (&2.into(), &16.into())
    );
    assert_eq!(
        (&json["build"]["ok"], &json["build"]["output"]),
        (&true.into(), &"".into())
    );
    assert!(json["seconds"].is_number() && json["build"]["seconds"].is_number());
    assert_eq!(
        json["checks"][1],
        serde_json::json!({
            "name": "skips", "verdict": "skipped", "points": 0, "max_points": 2, "seconds": 0.0125, "step": 1,
            "kind": "core", "message": "no netns here", "section": "a.md#b",
        })
    );
    assert_eq!(json["checks"][0]["message"], serde_json::Value::Null);
    assert_eq!(
        (&json["checks"][2]["kind"], &json["checks"][2]["verdict"]),
        (&"bonus".into(), &"failed".into())
    );
    let back: LabReport = serde_json::from_value(json).unwrap();
    assert_eq!(back.checks, report.checks);
}

#[test]
fn one_step_or_one_check_can_be_chosen() {
    let chosen = |selection| {
        let mut options = options();
        options.selection = selection;
        run("verdicts", options).map(|report| {
            report
                .checks
                .into_iter()
                .map(|check| check.name)
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(chosen(Selection::Step(1)).unwrap(), ["passes", "skips"]);
    assert_eq!(
        chosen(Selection::Checks(vec!["fails".into(), "passes".into()])).unwrap(),
        ["passes", "fails"]
    );
    assert_eq!(
        chosen(Selection::Step(4)).unwrap_err().to_string(),
        "verdicts has no step 4; its steps are 1 to 3"
    );
    let unknown = chosen(Selection::Checks(vec!["fail".into()]))
        .unwrap_err()
        .to_string();
    assert!(
        unknown.starts_with(
            "verdicts has no check `fail`: did you mean `fails`? Its checks are passes, skips,"
        ),
        "{unknown}"
    );
}

#[test]
fn a_check_that_is_not_there_is_told_from_a_crash() {
    let mut options = options();
    options.selection = Selection::Checks(vec!["is_not_there".into()]);
    let report = run("verdicts", options).unwrap();
    assert!(message(&report, "is_not_there").starts_with("There is no test step_3::is_not_there"));
}

#[test]
fn a_crash_of_the_checks_costs_no_explanation_that_was_given() {
    let report = run("crash", options()).unwrap();
    assert_eq!(message(&report, "works"), "explained");
    let message = message(&report, "aborts");
    assert!(
        message.starts_with("The check's process ended without a verdict of this check ("),
        "{message}"
    );
    assert!(message.contains("  | going down\n"), "{message}");
}

#[test]
fn a_run_ends_at_its_deadline_with_all_that_it_started() {
    let pid_file = pid_file("deadline");
    let mut options = options();
    options
        .environment
        .push(("PID_FILE".into(), pid_file.clone().into()));
    let built = Runner::new(lab("hang"), options.clone())
        .build(&Cancel::new(), |_| {})
        .unwrap();
    options.deadline = Duration::from_secs(2);
    let reports = Runner::new(lab("hang"), options)
        .judge(&built.checks.unwrap(), &Cancel::new(), |_| {})
        .unwrap();
    assert_eq!(
        (&reports[0].verdict, &reports[1].verdict),
        (&Verdict::Passed, &Verdict::Failed)
    );
    let message = reports[1].message.as_deref().unwrap();
    assert!(
        message.starts_with("Stopped: all the checks together took longer than "),
        "{message}"
    );
    wait_until_gone(&pid_file);
}

#[test]
fn a_run_can_be_cancelled_from_another_thread() {
    let pid_file = pid_file("cancelled");
    let mut options = options();
    options
        .environment
        .push(("PID_FILE".into(), pid_file.clone().into()));
    let cancel = Cancel::new();
    let canceller = thread::spawn({
        let (cancel, pid_file) = (cancel.clone(), pid_file.clone());
        move || {
            wait(|| fs::read_to_string(&pid_file).is_ok_and(|pid| !pid.is_empty()));
            cancel.cancel();
        }
    });
    let outcome = Runner::new(lab("hang"), options).run(&cancel, |_| {});
    assert!(matches!(outcome, Err(RunError::Cancelled)), "{outcome:?}");
    canceller.join().unwrap();
    wait_until_gone(&pid_file);
    let outcome = Runner::new(lab("verdicts"), self::options()).run(&cancel, |_| {});
    assert!(
        matches!(outcome, Err(RunError::Cancelled)),
        "cancelled before it began: {outcome:?}"
    );
}

fn pid_file(name: &str) -> PathBuf {
    let path = course().root().join(format!("{name}.pid"));
    let _ = fs::remove_file(&path);
    path
}

fn wait(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "what was waited for did not happen"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the process is no more, or is but a zombie that nobody has buried.
fn wait_until_gone(pid_file: &Path) {
    let pid = fs::read_to_string(pid_file).unwrap();
    if cfg!(unix) {
        wait(|| {
            let listed = std::process::Command::new("ps")
                .args(["-o", "stat=", "-p", &pid])
                .output()
                .unwrap();
            let state = String::from_utf8_lossy(&listed.stdout).trim().to_owned();
            state.is_empty() || state.starts_with('Z')
        });
    }
}

#[test]
fn a_program_that_does_not_compile_fails_every_check_and_says_why() {
    let report = run("broken", options()).unwrap();
    assert!(!report.build.ok && !report.done());
    assert_eq!(
        (
            report.build.errors,
            report.failed,
            report.points,
            report.max_points
        ),
        (2, 2, Points(0), Points(4))
    );
    let first = report.build.first_error.clone().unwrap();
    assert_eq!(
        (first.level, first.line, &*first.message),
        (Level::Error, Some(2), "mismatched types")
    );
    assert!(first.file.unwrap().ends_with("labs/04-broken/src/main.rs"));
    assert!(
        first.rendered.contains("let n: u8 = \"one\";"),
        "{}",
        first.rendered
    );
    assert!(
        report.build.output.contains("let m: u8 = \"two\";"),
        "{}",
        report.build.output
    );
    assert_eq!(
        message(&report, "works"),
        "Not run: the program does not compile."
    );
    let soaked = Soak::times(2).run(
        &Runner::new(lab("broken"), options()),
        &Cancel::new(),
        |_| {},
        |_, _| {},
    );
    assert!(
        matches!(soaked, Err(RunError::DoesNotCompile { .. })),
        "{soaked:?}"
    );
}

#[test]
fn the_solution_or_any_other_program_can_be_judged() {
    let mut of_solution = options();
    of_solution.subject = Subject::Solution;
    let report = run("broken", of_solution.clone()).unwrap();
    assert!(report.all_passed() && report.done(), "{report:?}");
    let built = Runner::new(lab("broken"), of_solution)
        .build(&Cancel::new(), |_| {})
        .unwrap();

    // The learner's files do not compile, and need not.
    let mut other = options();
    other.program.clone_from(&built.program);
    assert!(run("broken", other.clone()).unwrap().all_passed());
    other.program = Some("broken".into());
    let relative = run("broken", other.clone()).unwrap_err().to_string();
    assert_eq!(
        relative,
        "the program broken is no file with an absolute path; name one"
    );
    if cfg!(unix) {
        other.program = built.program;
        other.launcher = Some("/bin/echo".into());
        let report = run("broken", other.clone()).unwrap();
        assert!(
            message(&report, "works").starts_with("got /"),
            "the launcher was used"
        );
        other.launcher = Some("/nowhere/launcher".into());
        let missing = run("broken", other).unwrap_err().to_string();
        assert_eq!(
            missing,
            "the launcher /nowhere/launcher is no file with an absolute path; name one"
        );
    }
    let mut none = options();
    none.subject = Subject::Solution;
    let none = run("verdicts", none).unwrap_err().to_string();
    assert_eq!(
        none,
        "there is no solution of verdicts here: this copy of the course came without"
    );
}

#[test]
fn a_seed_reaches_the_checks_and_the_report() {
    let mut options = options();
    options.seed = Some("c0ffee".into());
    options.selection = Selection::Checks(vec!["passes".into()]);
    let report = run("verdicts", options).unwrap();
    assert_eq!(report.checks[0].seed.as_deref(), Some("c0ffee"));
}

#[test]
fn soaking_counts_failures_and_keeps_the_first() {
    let mut options = options();
    options.selection = Selection::Checks(vec!["passes".into(), "skips".into(), "fails".into()]);
    let runner = Runner::new(lab("verdicts"), options);
    let mut runs = 0;
    let report = Soak::times(3)
        .under(Load::Busy)
        .run(&runner, &Cancel::new(), |_| {}, |run, _| runs = run)
        .unwrap();
    assert_eq!(
        (runs, report.runs, report.failed_runs, report.all_passed()),
        (3, 3, 3, false)
    );
    let [passes, skips, fails] = &report.checks[..] else {
        panic!("{report:?}")
    };
    assert_eq!((passes.failures, skips.skipped, fails.failures), (0, 3, 3));
    let first = fails.first_failure.as_ref().unwrap();
    assert_eq!(
        (first.run, &*first.message, first.seed.as_deref()),
        (1, "expected 1, got 2", Some("soak-1"))
    );

    let cancel = Cancel::new();
    let report = Soak::times(1000)
        .run(
            &runner,
            &cancel,
            |_| {},
            |run, _| {
                if run == 2 {
                    cancel.cancel()
                }
            },
        )
        .unwrap();
    assert_eq!(report.runs, 2, "what came to its end is reported");
}

#[test]
fn starters_and_wrong_answers_are_built_together() {
    let workshop = Workshop::at(course().root().join("target/workshop"));
    let programs = workshop
        .build([lab("marked"), lab("verdicts")], &Cancel::new(), |_| {})
        .unwrap();
    let titles: Vec<String> = programs
        .iter()
        .map(course::workshop::Program::title)
        .collect();
    assert_eq!(
        titles,
        [
            "marked, the starter",
            "marked, wrong answer does-not-compile",
            "marked, wrong answer says-left"
        ]
    );
    let [starter, broken, left] = &programs[..] else {
        unreachable!()
    };
    assert_eq!(starter.what, What::Starter);
    assert!(starter.diagnostics.is_empty(), "{:?}", starter.diagnostics);
    assert!(broken.path.is_none());
    assert_eq!(broken.diagnostics[0].message, "mismatched types");
    for (program, said) in [(starter, ""), (left, "left")] {
        let mut options = options();
        options.program.clone_from(&program.path);
        let report = run("marked", options).unwrap();
        assert_eq!(message(&report, "says_right"), format!("got {said}"));
    }
    // What is gone from the course is gone from the workshop, and the rest is not written again.
    let stray = workshop.dir().join("05-marked/stray.rs");
    fs::write(&stray, "").unwrap();
    let main = workshop.dir().join("05-marked/marked--starter/main.rs");
    let written = fs::metadata(&main).unwrap().modified().unwrap();
    workshop
        .build([lab("marked")], &Cancel::new(), |_| {})
        .unwrap();
    assert!(!stray.exists());
    assert_eq!(fs::metadata(&main).unwrap().modified().unwrap(), written);
}
