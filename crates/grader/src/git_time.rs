//! When a lab was committed, where a submission is a clone with its history.
//!
//! A repository's own configuration can name programs to run, so git is never started in one that came from a student.
//! It is started in an empty one of ours, and is shown the objects of theirs.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use course::DueDate;
use sha1::{Digest as _, Sha1};
use tempfile::TempDir;

use crate::table;
use crate::{digest, process};

/// How long git may take for an answer.
const LIMIT: Duration = Duration::from_secs(10);
/// How much memory it may take, in KiB: an object that unpacks to more is no commit.
const MOST_MEMORY: u64 = 1 << 20;
/// How many clones are looked for in one entry.
const MOST_CLONES: usize = 8;
/// How much git may say of the files of a commit, in bytes.
const LONGEST_LIST: usize = 32 << 20;
/// How many files a clone's objects may lie in.
const MOST_FILES: usize = 200_000;

/// A clone's history.
pub struct History {
    /// Where the clone lies in its entry, with `/` behind it; nothing where it is the entry itself.
    below: String,
    objects: PathBuf,
    /// The commit that is checked out.
    head: String,
    /// The repository that git is started in.
    ours: TempDir,
    /// Whether git took too long for an answer: it is asked no more.
    slow: Cell<bool>,
    /// The files of the commit that is checked out, as `git ls-tree -z` lists them; none where it cannot.
    listed: OnceCell<Option<String>>,
}

impl History {
    /// Those of the clones in an entry: the entry itself, or else the folders that lie directly in it, as an archive of a
    /// repository leaves them when it is unpacked.
    #[must_use]
    pub fn all_of(entry: &Path) -> Vec<History> {
        if let Some(history) = History::of(entry) {
            return vec![history];
        }
        let below = fs::read_dir(entry).into_iter().flatten().flatten();
        let folders = below.filter(|below| below.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut folders: Vec<PathBuf> = folders.map(|folder| folder.path()).collect();
        folders.sort();
        let histories = folders.iter().filter_map(|folder| {
            let name = folder.file_name()?.to_str()?;
            Some(History {
                below: format!("{name}/"),
                ..History::of(folder)?
            })
        });
        histories.take(MOST_CLONES).collect()
    }

    /// That of the clone at `entry`; none where it is no clone, or one that git is not to be shown.
    #[must_use]
    pub fn of(entry: &Path) -> Option<History> {
        // git is started in another folder, so a path that is relative to ours would lead nowhere there.
        let theirs = fs::canonicalize(entry).ok()?.join(".git");
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
            below: String::new(),
            objects,
            head,
            ours,
            slow: Cell::new(false),
            listed: OnceCell::new(),
        })
    }

    /// Whether a place of the entry is in this clone.
    #[must_use]
    pub fn holds(&self, place: &str) -> bool {
        self.within(place).is_some()
    }

    /// The time of the last commit that touched what lies at one of these places of the entry, folders or files, as far
    /// as they are in this clone; of the last commit at all where none did. None where it cannot be read.
    #[must_use]
    pub fn last_commit(&self, places: &BTreeSet<&str>) -> Option<DueDate> {
        let here = places.iter().filter_map(|place| self.within(place));
        // Where one of them is the clone itself, all of it is meant.
        let named: Vec<String> = here
            .map(|place| match place {
                "" => ":(top)".to_owned(),
                place => format!(":(top,literal,icase){place}"),
            })
            .collect();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        self.ask(&named).or_else(|| self.ask(&[]))
    }

    /// The path in the clone of a place of the entry, where that is in it.
    fn within<'p>(&self, place: &'p str) -> Option<&'p str> {
        place.strip_prefix(&self.below).or_else(|| {
            let is_itself = self.below.strip_suffix('/') == Some(place);
            is_itself.then_some("")
        })
    }

    /// Whether the commit that is checked out has a file at this place of the entry that holds this text. Of line ends and
    /// the mark before UTF-8 nothing is made: git and editors change both. None where that cannot be known.
    #[must_use]
    pub fn has(&self, place: &str, text: &str) -> Option<bool> {
        let listed = self
            .listed
            .get_or_init(|| self.git(&["ls-tree", "-r", "-z", &self.head], LONGEST_LIST));
        let listed = listed.as_ref()?;
        let Some(place) = self.within(place) else {
            return Some(false);
        };
        let mut theirs = listed.split('\0').filter_map(|line| {
            let (about, path) = line.split_once('\t')?;
            let is_there = path.eq_ignore_ascii_case(place);
            is_there.then(|| about.rsplit(' ').next())?
        });
        let ours = ids_of(text);
        Some(theirs.any(|id| ours.iter().any(|other| other == id)))
    }

    fn ask(&self, paths: &[&str]) -> Option<DueDate> {
        let log = [
            "log",
            "-1",
            "--no-show-signature",
            "--no-patch",
            "--format=%cI",
            &self.head,
            "--",
        ];
        let said = self.git(&[&log, paths].concat(), 4096)?;
        table::moment(said.trim()).ok()
    }

    /// What git says, of which so many bytes are read; none where it fails or takes too long.
    fn git(&self, arguments: &[&str], most: usize) -> Option<String> {
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
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("HOME", self.ours.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OBJECT_DIRECTORY", &self.objects)
            .current_dir(self.ours.path());
        let ended = process::run(command, LIMIT, most).ok()?;
        self.slow.set(ended.status.is_none());
        ended.success().then_some(ended.stdout)
    }
}

/// What git calls a file that holds this text, in each way that git or an editor may have written it (gitformat-pack(5),
/// "Object types": the hash is over the kind, the length and the content).
fn ids_of(text: &str) -> Vec<String> {
    let lines = text.replace("\r\n", "\n");
    let ends = [text.to_owned(), lines.replace('\n', "\r\n"), lines];
    let marked = ends.iter().map(|text| format!("\u{feff}{text}"));
    let marked: Vec<String> = marked.collect();
    let all = ends.iter().chain(&marked);
    all.map(|text| {
        let mut hash = Sha1::new();
        hash.update(format!("blob {}\0", text.len()));
        hash.update(text);
        digest::hexadecimal(&hash.finalize())
    })
    .collect()
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
        fs::write(
            clone.path().join("08-framing/src/frame.rs"),
            "fn main() {}\n",
        )
        .unwrap();
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
        for place in ["08-framing", "08-FRAMING/src/frame.rs", "another", ""] {
            let at = history.last_commit(&BTreeSet::from([place])).unwrap();
            assert_eq!(at.unix_seconds(), 1_791_201_600);
        }
        assert!(History::of(&clone.path().join("08-framing")).is_none());
    }

    #[test]
    fn a_clone_may_lie_one_folder_down_and_be_named_from_here() {
        let clone = clone();
        let home = tempfile::tempdir_in(".").unwrap();
        let below = home.path().join("s1/wirelab-main");
        fs::create_dir_all(below.parent().unwrap()).unwrap();
        fs::rename(clone.path(), &below)
            .or_else(|_| copy(clone.path(), &below))
            .unwrap();
        let relative = Path::new(home.path().file_name().unwrap()).join("s1");
        let histories = History::all_of(&relative);
        let place = "wirelab-main/08-framing";
        assert!(histories[0].holds(place) && histories[0].holds("wirelab-main"));
        assert!(!histories[0].holds("08-framing") && !histories[0].holds(""));
        let at = histories[0].last_commit(&BTreeSet::from([place])).unwrap();
        assert_eq!((at.unix_seconds(), histories.len()), (1_791_201_600, 1));
        let file = format!("{place}/src/frame.rs");
        assert_eq!(histories[0].has(&file, "fn main() {}\n"), Some(true));
    }

    /// Copies a folder to another file system.
    fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
        let done = Command::new("cp").arg("-a").args([from, to]).status()?;
        assert!(done.success());
        Ok(())
    }

    #[test]
    fn what_is_not_committed_is_known() {
        let clone = clone();
        let history = History::of(clone.path()).unwrap();
        let place = "08-framing/src/frame.rs";
        assert_eq!(history.has(place, "fn main() {}\n"), Some(true));
        assert_eq!(history.has(place, "fn main() {}\r\n"), Some(true));
        assert_eq!(history.has(place, "fn main() { }\n"), Some(false));
        assert_eq!(
            history.has("framing/src/frame.rs", "fn main() {}\n"),
            Some(false)
        );
        fs::remove_dir_all(clone.path().join(".git/objects")).unwrap();
        assert_eq!(History::of(clone.path()).map(|_| ()), None);
        let history = History {
            listed: OnceCell::new(),
            ..history
        };
        assert_eq!(history.has(place, ""), None);
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
