//! `cargo grade handout`: a learner's copy of the course.
//!
//! What goes into it is named here, file by file and folder by folder; whatever else lies in the
//! course's folder does not. The copy is put together and tried in a scratch folder below `target/`,
//! and only what came through is handed over.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use course::derive::{self, Source};
use course::{Cancel, Course, Options, Runner};
use toml::{Table, Value};

use crate::cli;
use crate::files::{copy_file, copy_tree, files_below, put, read};

pub mod leaks;

use leaks::Secrets;

/// What stands at the top of the copy as it stands at the top of the course.
const FILES: [&str; 7] = [
    "Cargo.lock",
    "course.toml",
    ".gitignore",
    ".gitattributes",
    ".vscode/settings.json",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];

/// The learner's crates; the grader is none of them.
const CRATES: [&str; 5] = ["testkit", "wire", "course", "facts", "wirelab"];

/// Makes the copy that `args` asks for.
///
/// # Errors
/// When the folder is in use, the course has no solutions to derive the starters from, a passage of a
/// solution would be left in the copy, or the copy does not build.
pub fn run(course: &Course, args: &cli::Handout) -> anyhow::Result<()> {
    ensure!(
        is_free(&args.dir)?,
        "{} is not empty; name a folder that does not exist yet, or empty it",
        args.dir.display()
    );
    if let Some(broken) = course.broken().first() {
        bail!("{} cannot be used: {}", broken.folder, broken.error);
    }
    let outside = std::path::absolute(&args.dir).is_ok_and(|dir| !is_within(course.root(), &dir));
    ensure!(
        outside,
        "{} lies in the course itself, which would have two of everything then; name a folder beside it, as ../class",
        args.dir.display()
    );
    let work = course.target_dir().join("handout");
    let _alone = alone(&work)?;
    let copy = work.join("copy");
    assemble(course, &copy)?;

    let leaks = Secrets::of(course)?.below(&copy)?;
    if !leaks.is_empty() {
        let list: String = leaks.iter().map(|leak| format!("\n  {leak}")).collect();
        bail!(
            "nothing was handed out: it would give solutions away. Take these passages out, or give them to the learner:{list}"
        );
    }
    prune_lock_file(&copy)?;
    if args.no_verify {
        eprintln!("Not tried, as asked: whether it builds.");
    } else {
        verify(&copy, &work.join("target"))?;
    }
    hand_over(&copy, &args.dir)?;
    println!(
        "{}: {} labs, no solutions. `cargo lab` in it opens the book.",
        args.dir.display(),
        course.labs().len()
    );
    Ok(())
}

fn is_free(dir: &Path) -> anyhow::Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("{} cannot be used", dir.display())),
    }
}

/// Whether a path, of which the end need not be there yet, lies in `root`.
fn is_within(root: &Path, path: &Path) -> bool {
    let there = path.ancestors().find_map(|path| path.canonicalize().ok());
    let root = root.canonicalize();
    root.is_ok_and(|root| there.is_some_and(|there| there.starts_with(root)))
}

/// Waits until nobody else works in a folder of ours, and keeps everybody else out for as long as the file is open.
///
/// # Errors
/// The folder cannot be used.
pub(crate) fn alone(work: &Path) -> anyhow::Result<File> {
    let path = work.join("in-use");
    put(&path, "")?;
    let file = File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        eprintln!(
            "Waiting for another one that is being made in {} …",
            work.display()
        );
        // Where a file system has no locks, nobody else is the rule.
        let _ = file.lock();
    }
    Ok(file)
}

/// Puts the copy together in `copy`, from nothing.
fn assemble(course: &Course, copy: &Path) -> anyhow::Result<()> {
    let root = course.root();
    empty(copy)?;
    for file in FILES {
        if root.join(file).is_file() {
            copy_file(&root.join(file), &copy.join(file))?;
        }
    }
    put(&copy.join("README.md"), include_str!("handout/README.md"))?;
    put(
        &copy.join(".cargo/config.toml"),
        &without(&read(root, ".cargo/config.toml")?, "grade ="),
    )?;
    put(
        &copy.join("Cargo.toml"),
        &workspace(
            &read(root, "Cargo.toml")?,
            &["labs/*", "crates/*", "book/examples"],
            &["labs/*", "crates/*"],
        )?,
    )?;

    for name in CRATES {
        let package = Path::new("crates").join(name);
        copy_package(root, copy, &package)?;
    }
    copy_package(root, copy, Path::new("book/examples"))?;
    copy_labs(course, copy)?;
    // The page for instructors shows them.
    copy_tree(root, copy, Path::new("machines"))?;
    for part in [
        "book.toml",
        "assets",
        "images",
        "src",
        "theme",
        "transcripts",
    ] {
        copy_tree(root, copy, &Path::new("book").join(part))?;
    }
    Ok(())
}

/// Every lab's starter, with its checks, and beside it what it can be reset to.
pub(crate) fn copy_labs(course: &Course, copy: &Path) -> anyhow::Result<()> {
    let root = course.root();
    for lab in course.labs() {
        let Some(source @ Source::Solution(_)) = lab.starter_source() else {
            bail!(
                "there is no solution of {} here, so this is a handout itself; make handouts from the whole course",
                lab.topic
            );
        };
        let folder = Path::new("labs").join(&lab.folder);
        for file in ["Cargo.toml", "lab.toml"] {
            copy_file(
                &root.join(&folder).join(file),
                &copy.join(&folder).join(file),
            )?;
        }
        copy_tree(root, copy, &folder.join("tests"))?;
        let starter = source.starter(lab)?;
        starter.write(&copy.join(&folder))?;
        starter.write(&copy.join(derive::KEPT).join(&lab.folder))?;
    }
    Ok(())
}

/// Takes away what stands in a folder of ours.
pub(crate) fn empty(copy: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be emptied", copy.display()))
        }
        _ => Ok(()),
    }
}

/// A package without its tests and examples, which need the solutions.
pub(crate) fn copy_package(root: &Path, copy: &Path, package: &Path) -> anyhow::Result<()> {
    copy_tree(root, copy, &package.join("src"))?;
    let mut manifest = table(&read(&root.join(package), "Cargo.toml")?)?;
    for key in ["dev-dependencies", "example", "test", "bench"] {
        manifest.remove(key);
    }
    if let Some(Value::Table(targets)) = manifest.get_mut("target") {
        for (_, target) in targets.iter_mut() {
            if let Value::Table(target) = target {
                target.remove("dev-dependencies");
            }
        }
    }
    if let Some(Value::Array(binaries)) = manifest.get_mut("bin") {
        binaries.retain(|binary| {
            let path = binary.get("path").and_then(Value::as_str);
            path.is_none_or(|path| path.starts_with("src/"))
        });
    }
    put(
        &copy.join(package).join("Cargo.toml"),
        &manifest.to_string(),
    )
}

/// The root's manifest with other members, of which `default` are what `cargo test` runs.
pub(crate) fn workspace(
    manifest: &str,
    members: &[&str],
    default: &[&str],
) -> anyhow::Result<String> {
    let mut manifest = table(manifest)?;
    let Some(Value::Table(workspace)) = manifest.get_mut("workspace") else {
        bail!("Cargo.toml has no [workspace]");
    };
    workspace.insert("members".into(), Value::from(members.to_vec()));
    workspace.insert("default-members".into(), Value::from(default.to_vec()));
    Ok(manifest.to_string())
}

/// Strikes from the lock file what only the tools and tests needed that were left out.
pub(crate) fn prune_lock_file(copy: &Path) -> anyhow::Result<()> {
    let mut said = String::new();
    for offline in [true, false] {
        let mut command = cargo(copy);
        command.args(["update", "--workspace", "--quiet"]);
        if offline {
            command.arg("--offline");
        }
        let output = command.output().context("cargo cannot be started")?;
        if output.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    bail!("the copy's Cargo.lock cannot be made: {}", said.trim())
}

/// Does with the copy what a learner does first: builds the book, checks every lab. Each starter
/// builds, fails, and earns less than a fifth of its points.
fn verify(copy: &Path, target: &Path) -> anyhow::Result<()> {
    eprintln!("Building the copy and its book; this takes some minutes, once for each change …");
    let output = cargo(copy)
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "wirelab",
            "--target-dir",
        ])
        .arg(target)
        .args(["--", "lint"])
        .output()
        .context("cargo cannot be started")?;
    ensure!(
        output.status.success(),
        "nothing was handed out: in {}, `cargo lab lint` fails:\n{}{}",
        copy.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let course = Course::load(copy)?;
    for lab in course.labs() {
        eprintln!("Checking the starter of {} …", lab.topic);
        let mut options = Options::default();
        options.target_dir = Some(target.to_owned());
        let report = Runner::new(lab, options).run(&Cancel::new(), |_| {})?;
        ensure!(
            report.build.ok,
            "nothing was handed out: the starter of {} does not compile:\n{}",
            lab.topic,
            report.build.output
        );
        ensure!(
            !report.all_passed() && report.points.0 * 5 < report.max_points.0.max(1),
            "nothing was handed out: the starter of {} earns {} of {} points",
            lab.topic,
            report.points,
            report.max_points
        );
    }
    Ok(())
}

/// Copies the finished handout to where it was asked for: whole or not at all.
fn hand_over(copy: &Path, dir: &Path) -> anyhow::Result<()> {
    let parent = dir
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    let beside = tempfile::Builder::new()
        .prefix(".handout-")
        .tempdir_in(parent)
        .with_context(|| format!("nothing can be written into {}", parent.display()))?;
    let whole = beside.path().join("whole");
    for path in files_below(copy)? {
        let below = path.strip_prefix(copy).unwrap_or(&path);
        copy_file(&path, &whole.join(below))?;
    }
    if dir.is_dir() {
        fs::remove_dir(dir).with_context(|| format!("{} cannot be replaced", dir.display()))?;
    }
    fs::rename(&whole, dir).with_context(|| format!("{} cannot be made", dir.display()))
}

fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir);
    command
}

fn table(manifest: &str) -> anyhow::Result<Table> {
    manifest
        .parse::<Table>()
        .context("a Cargo.toml is not TOML")
}

/// The text without the lines that begin with `start`.
fn without(text: &str, start: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with(start))
        .map(|line| format!("{line}\n"))
        .collect()
}
