//! When a lab was committed, where a submission is a clone with its history.
//!
//! A repository's own configuration can name programs to run, so git is never started in one that came from a student.
//! It is started in an empty one of ours, and is shown the objects of theirs.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use course::DueDate;
use tempfile::TempDir;

use crate::process;
use crate::table;

/// How long git may take for an answer.
const LIMIT: Duration = Duration::from_secs(10);
/// How much memory it may take, in KiB: an object that unpacks to more is no commit.
const MOST_MEMORY: u64 = 1 << 20;
/// How many files a clone's objects may lie in.
const MOST_FILES: usize = 200_000;

/// A clone's history.
pub struct History {
    objects: PathBuf,
    /// The commit that is checked out.
    head: String,
    /// The repository that git is started in.
    ours: TempDir,
    /// Whether git took too long for an answer: it is asked no more.
    slow: Cell<bool>,
}

impl History {
    /// That of the clone at `entry`; none where it is no clone, or one that git is not to be shown.
    #[must_use]
    pub fn of(entry: &Path) -> Option<History> {
        let theirs = entry.join(".git");
        let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
        let objects = theirs.join("objects");
        if !is_folder(&theirs) || !is_folder(&objects) || !is_plain(&objects) {
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
        Some(History {
            objects,
            head,
            ours,
            slow: Cell::new(false),
        })
    }

    /// The time of the last commit that touched a file below `folder`, as in `08-framing/src`; of the last commit at
    /// all where none did. None where it cannot be read.
    #[must_use]
    pub fn last_commit(&self, folder: &str) -> Option<DueDate> {
        let anywhere = format!(":(glob)**/{folder}/**");
        self.ask(&[&anywhere]).or_else(|| self.ask(&[]))
    }

    fn ask(&self, paths: &[&str]) -> Option<DueDate> {
        if self.slow.get() {
            return None;
        }
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -v \"$0\" && exec git \"$@\""])
            .arg(MOST_MEMORY.to_string())
            .arg("--no-replace-objects")
            .arg("--git-dir")
            .arg(self.ours.path())
            .args([
                "log",
                "-1",
                "--no-show-signature",
                "--no-patch",
                "--format=%cI",
            ])
            .arg(&self.head)
            .arg("--")
            .args(paths)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("HOME", self.ours.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OBJECT_DIRECTORY", &self.objects)
            .current_dir(self.ours.path());
        let ended = process::run(command, LIMIT, 4096).ok()?;
        self.slow.set(ended.status.is_none());
        table::moment(ended.stdout.trim()).ok()
    }
}

/// Whether there are only files and folders, and no word of objects that lie elsewhere (gitrepository-layout(5)).
fn is_plain(objects: &Path) -> bool {
    let mut files = 0;
    let mut folders = vec![objects.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            files += 1;
            let elsewhere = ["alternates", "http-alternates"];
            if files > MOST_FILES || elsewhere.iter().any(|name| entry.file_name() == *name) {
                return false;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => {}
                _ => return false,
            }
        }
    }
    true
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A clone with one commit of one file.
    fn clone() -> TempDir {
        let clone = tempfile::tempdir().unwrap();
        fs::create_dir_all(clone.path().join("08-framing/src")).unwrap();
        fs::write(clone.path().join("08-framing/src/frame.rs"), "").unwrap();
        let git = |args: &[&str]| {
            let mut command = Command::new("git");
            command
                .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
                .args(args)
                .current_dir(clone.path())
                .env("GIT_COMMITTER_DATE", "2026-10-05T12:00:00Z")
                .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("HOME", "/nowhere")]);
            assert!(command.output().unwrap().status.success());
        };
        git(&["init", "--quiet"]);
        git(&["add", "-A"]);
        git(&["commit", "-m", "Hand in"]);
        clone
    }

    #[test]
    fn a_clone_tells_when() {
        let clone = clone();
        let history = History::of(clone.path()).unwrap();
        for folder in ["08-framing/src", "another"] {
            let at = history.last_commit(folder).unwrap();
            assert_eq!(at.unix_seconds(), 1_791_201_600);
        }
        assert!(History::of(&clone.path().join("08-framing")).is_none());
    }

    #[test]
    fn objects_from_elsewhere_are_not_looked_at() {
        for name in ["info/alternates", "info/http-alternates", "pack/pipe"] {
            let clone = clone();
            let path = clone.path().join(".git/objects").join(name);
            symlink("/dev/zero", path).unwrap();
            assert!(History::of(clone.path()).is_none(), "{name}");
        }
    }
}
