//! When a lab was committed, where a submission is a clone with its history.
//!
//! A repository's own configuration can name programs to run, so git is never started in one that came from a student.
//! It is started in an empty one of ours, and is shown the objects of theirs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use course::DueDate;

use crate::process;
use crate::table;

const LIMIT: Duration = Duration::from_secs(10);

/// The time of the last commit in the clone at `entry` that touched one of `paths`; of the last commit at all where
/// none did. None where it is no clone or cannot be read. Paths are matched at their end: `08-framing/src`.
#[must_use]
pub fn of(entry: &Path, folder: &str) -> Option<DueDate> {
    let theirs = entry.join(".git");
    let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
    let objects = theirs.join("objects");
    if !is_folder(&theirs) || !is_folder(&objects) {
        return None;
    }
    let head = head(&theirs)?;
    let ours = tempfile::Builder::new()
        .prefix("wirelab-git-")
        .tempdir()
        .ok()?;
    for folder in ["objects", "refs"] {
        fs::create_dir(ours.path().join(folder)).ok()?;
    }
    fs::write(ours.path().join("HEAD"), "ref: refs/heads/none\n").ok()?;
    let ask = |more: &[&str]| -> Option<DueDate> {
        let mut command = Command::new("git");
        command
            .arg("--no-replace-objects")
            .arg("--git-dir")
            .arg(ours.path())
            .args([
                "log",
                "-1",
                "--no-show-signature",
                "--no-patch",
                "--format=%cI",
            ])
            .arg(&head)
            .arg("--")
            .args(more)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("HOME", ours.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OBJECT_DIRECTORY", &objects)
            .current_dir(ours.path());
        let ended = process::run(command, LIMIT, 4096).ok()?;
        table::moment(ended.stdout.trim()).ok()
    };
    let anywhere = format!(":(glob)**/{folder}/**");
    ask(&[&anywhere]).or_else(|| ask(&[]))
}

/// The commit that is checked out.
fn head(git: &Path) -> Option<String> {
    let read = |path: &Path| {
        let meta = fs::symlink_metadata(path).ok()?;
        (meta.is_file() && meta.len() < 1 << 20).then(|| fs::read_to_string(path).ok())?
    };
    let is_id = |text: &str| {
        matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let head = read(&git.join("HEAD"))?;
    let Some(name) = head.trim().strip_prefix("ref: ") else {
        return Some(head.trim().to_owned()).filter(|id| is_id(id));
    };
    let plain =
        name.starts_with("refs/") && !name.split('/').any(|part| matches!(part, "" | ".." | "."));
    if !plain {
        return None;
    }
    let loose = read(&git.join(name)).map(|text| text.trim().to_owned());
    let packed = || {
        let refs = read(&git.join("packed-refs"))?;
        refs.lines().find_map(|line| {
            let (id, other) = line.split_once(' ')?;
            (other == name).then(|| id.to_owned())
        })
    };
    loose.or_else(packed).filter(|id| is_id(id))
}
