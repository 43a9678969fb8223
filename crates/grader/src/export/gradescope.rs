//! An autograder for Gradescope (<https://gradescope-autograders.readthedocs.io>): a zip that it unpacks into
//! `/autograder/source`, with `setup.sh`, which makes the image, and `run_autograder`, which judges one submission.
//!
//! The course is in it without its solutions, so nothing of them is where a submission runs.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use anyhow::Context as _;
use course::Course;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::handout::{self, leaks::Secrets};
use crate::{cli, digest, files, report};

#[cfg(target_os = "linux")]
pub mod harness;
#[cfg(target_os = "linux")]
pub mod results;

/// The crates that grading needs; the learner's own tools are none of them.
const CRATES: [&str; 5] = ["testkit", "wire", "course", "launch", "grader"];

/// Makes the zip.
///
/// # Errors
/// The course has no solutions to derive starters from, or the zip cannot be written.
pub fn run(course: &Course, args: &cli::Gradescope) -> anyhow::Result<()> {
    let labs = course.labs_named(&args.labs)?;
    files::make_parent(&args.out)?;
    let work = course.target_dir().join("export");
    let _alone = handout::alone(&work)?;
    let copy = work.join("gradescope");
    assemble(course, &copy)?;
    let leaks = Secrets::of(course)?.below(&copy.join("labs"))?;
    anyhow::ensure!(
        leaks.is_empty(),
        "the labs hold passages of solutions; `cargo grade handout` says which"
    );
    handout::prune_lock_file(&copy)?;
    let topics: Vec<&str> = labs.iter().map(|lab| lab.topic.as_str()).collect();
    let fill = |script: &str| script.replace("@TOPICS@", &topics.join(","));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default().unix_permissions(0o644);
    let program = SimpleFileOptions::default().unix_permissions(0o755);
    for (name, text) in [
        ("setup.sh", include_str!("gradescope/setup.sh")),
        ("run_autograder", include_str!("gradescope/run_autograder")),
    ] {
        zip.start_file(name, program)?;
        zip.write_all(fill(text).as_bytes())?;
    }
    zip.start_file(
        "secret",
        SimpleFileOptions::default().unix_permissions(0o600),
    )?;
    zip.write_all(secret()?.as_bytes())?;
    for path in files::files_below(&copy)? {
        let below = path.strip_prefix(&copy).unwrap_or(&path);
        zip.start_file(format!("course/{}", below.display()), plain)?;
        zip.write_all(&fs::read(&path)?)?;
    }
    report::put(&args.out, zip.finish()?.get_ref())?;
    println!(
        "{}: upload it as the autograder of an assignment that asks for {}",
        args.out.display(),
        topics.join(", ")
    );
    for lab in labs {
        if let Some(due) = course.entry(lab).and_then(|entry| entry.due) {
            println!(
                "{}: due {due}, or when Gradescope says later for a student; what comes later costs what `[late]` in course.toml says",
                lab.topic
            );
        }
        super::say_hidden(lab)?;
    }
    Ok(())
}

/// What the seeds of this assignment's checks are made from.
fn secret() -> anyhow::Result<String> {
    // Keys of a hash table are the system's random numbers, which the standard library gives to nobody directly.
    use std::hash::{BuildHasher as _, RandomState};
    let random: Vec<[u8; 8]> = (0..4)
        .map(|n: u8| RandomState::new().hash_one(n).to_be_bytes())
        .collect();
    Ok(digest::of(&random) + "\n")
}

fn assemble(course: &Course, copy: &Path) -> anyhow::Result<()> {
    let root = course.root();
    handout::empty(copy)?;
    for file in ["Cargo.lock", "course.toml", ".cargo/config.toml"] {
        files::copy_file(&root.join(file), &copy.join(file))?;
    }
    let manifest = files::read(root, "Cargo.toml").context("the course has no workspace")?;
    let members = ["crates/*", "labs/*"];
    files::put(
        &copy.join("Cargo.toml"),
        &handout::workspace(&manifest, &members, &members)?,
    )?;
    for name in CRATES {
        handout::copy_package(root, copy, &Path::new("crates").join(name))?;
    }
    handout::copy_labs(course, copy)
}
