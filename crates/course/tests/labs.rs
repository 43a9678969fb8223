//! The course checks itself: every lab, starter, solution and wrong answer of this repository.
//!
//! In a handout there are no solutions, and nothing here has anything to do.
//! `WIRELAB_ONLY=04-` limits it to the labs whose folder's name begins so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use course::workshop::{Program, What};
use course::{
    Cancel, CheckReport, Course, Kind, Lab, Options, Points, Runner, Selection, Subject, Verdict,
    Workshop,
};
use serde_json::Value;

/// How many programs are judged at a time: checks mostly wait.
const JUDGES: usize = 8;

fn course() -> &'static Course {
    static COURSE: OnceLock<Course> = OnceLock::new();
    COURSE.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("the repository");
        Course::load(root).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// All labs, or those whose folder's name begins with the value of `WIRELAB_ONLY`.
fn labs() -> impl Iterator<Item = &'static Lab> {
    let only = std::env::var("WIRELAB_ONLY").unwrap_or_default();
    let labs = course().labs();
    assert!(
        labs.iter().any(|lab| lab.folder.starts_with(&only)),
        "WIRELAB_ONLY={only} names no lab: write the two digits of its folder, as in 04-"
    );
    labs.iter().filter(move |lab| lab.folder.starts_with(&only))
}

/// Those of them that have a solution.
fn solved() -> impl Iterator<Item = &'static Lab> {
    labs().filter(|lab| lab.solution_dir().is_some())
}

/// Fails with every problem at once, each on a paragraph of its own.
fn assert_none(problems: &[String], what: &str) {
    if !problems.is_empty() {
        eprintln!("{what}:\n\n{}\n", problems.join("\n\n"));
        // No panic message and no backtrace: they would say nothing about the lab.
        std::panic::resume_unwind(Box::new(()));
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

#[test]
fn every_lab_can_be_read() {
    let problems: Vec<String> = course()
        .broken()
        .iter()
        .map(|broken| broken.error.to_string())
        .collect();
    assert_none(&problems, "these labs cannot be read");
}

#[test]
fn every_folder_of_a_lab_is_listed_in_course_toml() {
    let listed: BTreeSet<String> = course()
        .entries()
        .iter()
        .map(|entry| entry.folder.clone())
        .collect();
    let mut problems = Vec::new();
    for parent in ["labs", "solutions"] {
        let Ok(folders) = std::fs::read_dir(course().root().join(parent)) else {
            continue;
        };
        for folder in folders.flatten().filter(|folder| folder.path().is_dir()) {
            let name = folder.file_name().to_string_lossy().into_owned();
            if !listed.contains(&name) {
                problems.push(format!(
                    "{parent}/{name}: course.toml has no `[[lab]]` with this folder"
                ));
            }
        }
    }
    assert_none(&problems, "these folders are no part of the course");
}

#[test]
fn every_lab_has_enough_steps_checks_and_wrong_answers() {
    let mut problems = Vec::new();
    for lab in labs() {
        let (steps, checks, wrong) = if lab.number == 0 {
            (2..=6, 3, 2)
        } else {
            (3..=6, 8, 4)
        };
        if !steps.contains(&lab.steps.len()) {
            problems.push(format!(
                "{}: {} steps; {} to {} are wanted",
                lab.topic,
                lab.steps.len(),
                steps.start(),
                steps.end()
            ));
        }
        let count = lab.checks().count();
        if count < checks {
            problems.push(format!(
                "{}: {count} checks; at least {checks} are wanted",
                lab.topic
            ));
        }
        if lab.max_points().core == Points(0) {
            problems.push(format!("{}: no core check", lab.topic));
        }
        if lab.solution_dir().is_none() {
            continue;
        }
        match lab.wrong_answers() {
            Err(error) => problems.push(error.to_string()),
            Ok(answers) if answers.len() < wrong => {
                problems.push(format!(
                    "{}: {} wrong answers; at least {wrong} are wanted",
                    lab.topic,
                    answers.len()
                ));
            }
            Ok(_) => {}
        }
    }
    assert_none(&problems, "these labs have too little or too much");
}

#[test]
fn the_checks_in_the_code_and_in_lab_toml_are_the_same() {
    let mut problems = Vec::new();
    for lab in solved() {
        let Some(checks) = checks_of(lab, &mut problems) else {
            continue;
        };
        let listed = Command::new(checks)
            .arg("--list")
            .output()
            .expect("the checks' executable lists its tests");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let code: BTreeSet<&str> = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .collect();
        let file: BTreeMap<String, &str> = lab
            .checks()
            .map(|check| (check.path(), check.name.as_str()))
            .collect();
        let place = format!("labs/{}", lab.folder);
        for (path, name) in &file {
            if code.contains(path.as_str()) {
                continue;
            }
            match code.iter().find(|other| other.rsplit("::").next() == Some(name)) {
                Some(other) => problems.push(format!(
                    "{place}: lab.toml has `{name}` in the step of `{path}`, and tests/checks.rs has it as `{other}`"
                )),
                None => problems.push(format!("{place}: lab.toml has `{name}`, and tests/checks.rs has no test `{path}`")),
            }
        }
        for path in code {
            let name = path.rsplit("::").next().unwrap_or(path);
            if lab.check(name).is_none() {
                problems.push(format!(
                    "{place}: tests/checks.rs has `{path}`, and lab.toml does not list it"
                ));
            }
        }
    }
    assert_none(
        &problems,
        "the checks in tests/checks.rs and in lab.toml differ",
    );
}

#[test]
fn every_section_is_in_the_book() {
    let mut ids: HashMap<String, Option<BTreeSet<String>>> = HashMap::new();
    let mut problems = Vec::new();
    for lab in labs() {
        let steps = lab
            .steps
            .iter()
            .map(|step| (format!("step {}", step.number), &step.section));
        let checks = lab
            .checks()
            .map(|check| (format!("check {}", check.name), &check.section));
        for (who, section) in steps.chain(checks) {
            let on_page = ids.entry(section.page().to_owned()).or_insert_with(|| {
                let page = course().book_src().join(section.page());
                std::fs::read_to_string(page)
                    .ok()
                    .map(|text| explicit_ids(&text))
            });
            match on_page {
                None => problems.push(format!(
                    "{}, {who}: there is no book/src/{}",
                    lab.topic,
                    section.page()
                )),
                Some(ids) if !ids.contains(section.id()) => problems.push(format!(
                    "{}, {who}: book/src/{} has no heading with {{#{}}}",
                    lab.topic,
                    section.page(),
                    section.id()
                )),
                Some(_) => {}
            }
        }
    }
    problems.dedup();
    assert_none(&problems, "these sections are not in the book");
}

/// The ids that headings are given: `## Half-close {#half-close}`.
fn explicit_ids(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter(|line| line.starts_with('#'))
        .filter_map(|line| line.split_once("{#"))
        .filter_map(|(_, rest)| rest.split([' ', '}']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_name_clashes_with_another() {
    let root = course().root();
    let metadata = Command::new(env!("CARGO"))
        .current_dir(root)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .output()
        .expect("cargo can be started");
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("cargo metadata is JSON");
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).expect("Cargo.lock");
    let lock: toml::Table = lock.parse().expect("Cargo.lock is TOML");
    let foreign: BTreeSet<&str> = lock["package"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| package.get("source").is_some())
        .filter_map(|package| package.get("name")?.as_str())
        .collect();

    let mut problems = Vec::new();
    let mut binaries: HashMap<&str, &str> = HashMap::new();
    let mut packages: HashMap<&str, PathBuf> = HashMap::new();
    for package in array(&metadata["packages"]) {
        let name = text(&package["name"]);
        packages.insert(name, text(&package["manifest_path"]).into());
        if foreign.contains(name) {
            problems.push(format!(
                "package {name}: Cargo.lock has a crate of that name, and `-p {name}` is ambiguous"
            ));
        }
        for target in array(&package["targets"]) {
            let (target_name, kind) = (text(&target["name"]), text(&target["kind"][0]));
            if kind != "bin" {
                continue;
            }
            // Cargo keeps folders of these names beside the binaries.
            if ["build", "deps", "examples", "incremental"].contains(&target_name) {
                problems.push(format!(
                    "package {name}: cargo allows no binary `{target_name}`"
                ));
            }
            if foreign.contains(target_name) {
                problems.push(format!("package {name}: its binary `{target_name}` has the name of a crate of Cargo.lock"));
            }
            if let Some(other) = binaries.insert(target_name, name) {
                problems.push(format!(
                    "packages {other} and {name} both have a binary `{target_name}`: one overwrites the other, and is judged in its place"
                ));
            }
        }
    }
    let place = |path: PathBuf| path.canonicalize().unwrap_or(path);
    for lab in labs() {
        let mut expected = vec![(lab.package().to_owned(), lab.dir())];
        expected.extend(lab.solution_dir().map(|dir| (lab.solution_package(), dir)));
        for (name, dir) in expected {
            let found = packages.get(name.as_str()).cloned().map(place);
            if found != Some(place(dir.join("Cargo.toml"))) || !binaries.contains_key(name.as_str())
            {
                problems.push(format!(
                    "{}: its package and its binary must be called `{name}`",
                    dir.display()
                ));
            }
        }
    }
    assert_none(&problems, "these names clash");
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn a_solution_uses_nothing_that_the_learner_has_not() {
    let mut problems = Vec::new();
    for lab in solved() {
        let dependencies = |dir: PathBuf| {
            let text = std::fs::read_to_string(dir.join("Cargo.toml")).expect("a manifest");
            let manifest: toml::Table = text.parse().expect("a manifest is TOML");
            (
                manifest.get("dependencies").cloned(),
                manifest.get("target").cloned(),
            )
        };
        if lab.solution_dir().map(dependencies) != Some(dependencies(lab.dir())) {
            problems.push(format!(
                "{}: labs/{1}/Cargo.toml and solutions/{1}/Cargo.toml have other `[dependencies]`",
                lab.topic, lab.folder
            ));
        }
    }
    assert_none(&problems, "these manifests differ");
}

#[test]
fn what_is_to_be_written_lies_in_the_files_to_edit() {
    let mut problems = Vec::new();
    for lab in solved() {
        let Some(source) = lab.starter_source() else {
            continue;
        };
        let starter = match source.starter(lab) {
            Ok(starter) => starter,
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        };
        for file in &starter.files {
            let listed = lab.edit.contains(&file.path);
            let shown = file.path.display();
            if file.regions > 0 && !listed {
                problems.push(format!(
                    "{}: {shown} has a region, and `edit` in lab.toml does not list it",
                    lab.topic
                ));
            }
            if file.regions == 0 && listed && !file.bytes.is_empty() {
                problems.push(format!(
                    "{}: `edit` in lab.toml lists {shown}, which has no region",
                    lab.topic
                ));
            }
        }
    }
    assert_none(&problems, "these starters and their lab.toml disagree");
}

#[test]
fn the_committed_starters_are_the_derived_ones() {
    // On a learner's own machine they are the learner's: only CI looks.
    if std::env::var("CI").as_deref() != Ok("true") {
        return;
    }
    let mut problems = Vec::new();
    for lab in solved() {
        let Some(source) = lab.starter_source() else {
            continue;
        };
        match source
            .starter(lab)
            .and_then(|starter| starter.differences(&lab.dir()))
        {
            Err(error) => problems.push(error.to_string()),
            Ok(differences) => problems.extend(
                differences
                    .iter()
                    .map(|(path, how)| format!("labs/{}/{}: {how:?}", lab.folder, path.display())),
            ),
        }
    }
    assert_none(
        &problems,
        "run `cargo lab derive`: these are not what the solutions give",
    );
}

#[test]
fn starters_compile_without_a_warning() {
    let mut problems = Vec::new();
    for program in programs()
        .iter()
        .filter(|program| program.what == What::Starter)
    {
        if program.path.is_none() || !program.diagnostics.is_empty() {
            let said: String = program
                .diagnostics
                .iter()
                .map(|said| indented(&said.rendered))
                .collect();
            problems.push(format!("{}:\n{said}", program.title()));
        }
    }
    assert_none(
        &problems,
        "these starters do not compile, or not without a warning",
    );
}

#[test]
fn starters_fail_and_earn_less_than_a_fifth() {
    let mut problems = Vec::new();
    let starters: Vec<Job> = programs()
        .iter()
        .filter(|program| program.what == What::Starter && program.path.is_some())
        .map(|program| Job {
            program,
            selection: Selection::All,
        })
        .collect();
    for (job, reports) in judge(&starters, &mut problems) {
        let earned: u32 = reports.iter().map(|report| report.points.0).sum();
        let max: u32 = reports
            .iter()
            .filter(|report| !is_skipped(report))
            .map(|report| report.max_points.0)
            .sum();
        let passed: Vec<&str> = reports
            .iter()
            .filter(|report| report.verdict == Verdict::Passed)
            .map(|report| &*report.name)
            .collect();
        if passed.len() == reports.len() || earned * 5 >= max {
            problems.push(format!(
                "{}: earns {earned} of {max} points without a line written, with {}",
                job.program.title(),
                passed.join(", ")
            ));
        }
    }
    assert_none(&problems, "these starters do too well");
}

#[test]
fn wrong_answers_compile() {
    let mut problems = Vec::new();
    for program in programs()
        .iter()
        .filter(|program| program.what != What::Starter && program.path.is_none())
    {
        let said: String = program
            .diagnostics
            .iter()
            .map(|said| indented(&said.rendered))
            .collect();
        problems.push(format!("{}:\n{said}", program.title()));
    }
    assert_none(&problems, "these wrong answers do not compile");
}

#[test]
fn wrong_answers_fail_the_checks_that_they_name() {
    let mut problems = Vec::new();
    let answers: Vec<Job> = programs()
        .iter()
        .filter(|program| program.path.is_some())
        .filter_map(|program| match &program.what {
            What::Starter => None,
            What::Wrong(answer) => Some(Job {
                program,
                selection: Selection::Checks(answer.fails.clone()),
            }),
        })
        .collect();
    let mut judged = judge(&answers, &mut problems);
    // A check is lenient with a program that a busy machine holds up, also with a wrong one: what got through is judged
    // once more, by itself.
    for (job, reports) in &mut judged {
        for report in reports
            .iter_mut()
            .filter(|report| report.verdict == Verdict::Passed)
        {
            eprintln!("{}: {} again", job.program.title(), report.name);
            let again = Job {
                program: job.program,
                selection: Selection::Checks(vec![report.name.clone()]),
            };
            let mut reports = judge(std::slice::from_ref(&again), &mut problems);
            if let Some(second) = reports.pop().and_then(|(_, mut reports)| reports.pop()) {
                *report = second;
            }
        }
    }
    for (job, reports) in judged {
        for report in &reports {
            let title = job.program.title();
            match &report.verdict {
                Verdict::Failed => {}
                Verdict::Passed => problems.push(format!("{title}: passes {}", report.name)),
                // What cannot run here is judged elsewhere; what never can is no check.
                Verdict::Skipped(reason) => {
                    eprintln!("{title}: {} is skipped here: {reason}", report.name)
                }
            }
        }
    }
    assert_none(&problems, "these wrong answers get through");
}

#[test]
fn solutions_earn_everything() {
    let mut problems = Vec::new();
    for lab in solved() {
        let Some(checks) = checks_of(lab, &mut problems) else {
            continue;
        };
        let mut options = Options::default();
        options.subject = Subject::Solution;
        match Runner::new(lab, options).judge(checks, &Cancel::new(), |_| {}) {
            Err(error) => problems.push(format!("{}: {error}", lab.topic)),
            Ok(reports) => {
                for report in reports
                    .iter()
                    .filter(|report| report.verdict == Verdict::Failed)
                {
                    let message = report.message.as_deref().unwrap_or_default();
                    let bonus = if report.kind == Kind::Bonus {
                        " (bonus)"
                    } else {
                        ""
                    };
                    problems.push(format!(
                        "{}: fails {}{bonus}\n{}",
                        lab.topic,
                        report.name,
                        indented(message)
                    ));
                }
            }
        }
    }
    assert_none(&problems, "these solutions do not pass");
}

/// A program to judge, and by which checks.
struct Job {
    program: &'static Program,
    selection: Selection,
}

/// Judges the programs, a few at a time.
fn judge<'j>(jobs: &'j [Job], problems: &mut Vec<String>) -> Vec<(&'j Job, Vec<CheckReport>)> {
    let queue = Mutex::new(jobs.iter());
    let judged = Mutex::new(Vec::new());
    let complaints = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..JUDGES {
            scope.spawn(|| {
                loop {
                    let Some(job) = queue.lock().expect("no judge panics").next() else {
                        return;
                    };
                    let lab = course()
                        .lab(&job.program.lab)
                        .expect("a program is of a lab");
                    let Some(checks) = checks_of(lab, &mut Vec::new()) else {
                        complaints
                            .lock()
                            .expect("no judge panics")
                            .insert(lab.topic.clone());
                        continue;
                    };
                    let mut options = Options::default();
                    options.program.clone_from(&job.program.path);
                    options.selection = job.selection.clone();
                    let reports = Runner::new(lab, options).judge(checks, &Cancel::new(), |_| {});
                    judged.lock().expect("no judge panics").push((job, reports));
                }
            });
        }
    });
    let missing: BTreeSet<String> = complaints.into_inner().expect("no judge panics");
    problems.extend(
        missing
            .iter()
            .map(|topic| format!("{topic}: its checks do not compile")),
    );
    let mut out = Vec::new();
    for (job, reports) in judged.into_inner().expect("no judge panics") {
        match reports {
            Ok(reports) => out.push((job, reports)),
            Err(error) => problems.push(format!("{}: {error}", job.program.title())),
        }
    }
    out.sort_by_key(|(job, _)| job.program.title());
    out
}

fn is_skipped(report: &CheckReport) -> bool {
    matches!(report.verdict, Verdict::Skipped(_))
}

/// Every starter and wrong answer, built once for all tests here.
fn programs() -> &'static [Program] {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        // A lab that cannot be made must not hide the others; the tests above say what is wrong.
        let sound = solved().filter(|lab| {
            let source = lab.starter_source();
            source.is_some_and(|source| source.starter(lab).is_ok()) && lab.wrong_answers().is_ok()
        });
        Workshop::new(course())
            .build(sound, &Cancel::new(), |_| {})
            .unwrap_or_else(|error| panic!("{error}"))
    })
}

/// The executable of the lab's checks, as the solution's package builds it.
fn checks_of(lab: &Lab, problems: &mut Vec<String>) -> Option<&'static PathBuf> {
    let (executables, said) = executables();
    let found = executables.get(&lab.solution_package());
    if found.is_none() {
        problems.push(format!(
            "{}: the checks do not compile\n{}",
            lab.topic,
            indented(said)
        ));
    }
    found
}

/// The executables of all solutions' checks, by package, and what cargo said.
///
/// Asked of cargo in the very words of `cargo test` without `-p`: then the features of the
/// dependencies are the same, and all has been built already.
fn executables() -> &'static (HashMap<String, PathBuf>, String) {
    static EXECUTABLES: OnceLock<(HashMap<String, PathBuf>, String)> = OnceLock::new();
    EXECUTABLES.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .current_dir(course().root())
            .args([
                "test",
                "--quiet",
                "--no-run",
                "--no-fail-fast",
                "--test",
                "checks",
                "--message-format=json",
            ])
            .output()
            .expect("cargo can be started");
        let mut found = HashMap::new();
        let mut said = String::new();
        for line in String::from_utf8_lossy(&built.stdout).lines() {
            let Ok(message) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            if text(&message["message"]["level"]) == "error" {
                let _ = write!(said, "{}", text(&message["message"]["rendered"]));
            }
            let Some(executable) = message["executable"].as_str() else {
                continue;
            };
            if text(&message["target"]["kind"][0]) == "test" {
                let id = text(&message["package_id"]);
                let name = id.rsplit_once('#').map_or(id, |(_, name)| name);
                let name = name.split('@').next().unwrap_or(name);
                found.insert(name.to_owned(), PathBuf::from(executable));
            }
        }
        if !built.status.success() && said.is_empty() {
            said = String::from_utf8_lossy(&built.stderr).into_owned();
        }
        (found, said)
    })
}
