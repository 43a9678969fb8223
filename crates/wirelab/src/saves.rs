//! Noticing that a file was saved.
//!
//! Notifications of the file system are taken as hints to look, nothing more: what counts is that a
//! file differs from what it was. So it does not matter how an editor saves (in place, through a
//! temporary file, by renaming), and where notifications do not come (network folders, some
//! containers) looking every half second does the same.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

/// How often to look where there are no notifications.
const POLL: Duration = Duration::from_millis(400);
/// How often to look all the same: what a notification that got lost costs at most.
const SAFETY_NET: Duration = Duration::from_secs(3);
/// A save is over when nothing has changed for so long.
const SETTLED: Duration = Duration::from_millis(30);
/// The longest time to wait for that.
const UNSETTLED: Duration = Duration::from_secs(1);
/// How long the notification of our own file may take.
const PROBE: Duration = Duration::from_secs(1);

/// How to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// By notifications, or by looking where those do not come.
    Notifications,
    /// By looking.
    Looking,
}

/// What was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// These files were written, created or removed, and have settled.
    Saved(Vec<PathBuf>),
    /// Files are looked at instead of waited for, for this reason.
    Looking(String),
}

/// The files in question.
pub trait Scope: Send + 'static {
    /// Every file in question that exists now.
    fn files(&self) -> Vec<PathBuf>;
    /// The folders whose notifications are wanted.
    fn folders(&self) -> Vec<(PathBuf, RecursiveMode)>;
}

/// Notices saves until it is dropped.
#[derive(Debug)]
pub struct Saves {
    hints: Sender<Hint>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug)]
enum Hint {
    Look,
    Stop,
}

impl Saves {
    /// Begins to notice. What is there at this moment is taken as saved before. `scratch` is a
    /// folder of ours in which a file may be written, to see whether a notification comes.
    pub fn notice(
        scope: impl Scope,
        means: Means,
        scratch: &Path,
        tell: impl Fn(Notice) + Send + 'static,
    ) -> Saves {
        let (hints, looks) = mpsc::channel();
        let mut seen = Snapshot::take(&scope);
        let scratch = scratch.to_path_buf();
        let own = hints.clone();
        let thread = std::thread::spawn(move || {
            let watcher = match means {
                Means::Looking => None,
                Means::Notifications => match subscribe(&scope, &scratch, own) {
                    Ok(watcher) => Some(watcher),
                    Err(reason) => {
                        tell(Notice::Looking(reason));
                        None
                    }
                },
            };
            let pause = if watcher.is_some() { SAFETY_NET } else { POLL };
            while wait(&looks, pause) {
                let now = Snapshot::take(&scope);
                if now == seen {
                    continue;
                }
                let now = settled(&scope, now);
                let changed = now.changed_since(&seen);
                seen = now;
                if !changed.is_empty() {
                    tell(Notice::Saved(changed));
                }
            }
            drop(watcher);
        });
        Saves {
            hints,
            thread: Some(thread),
        }
    }
}

impl Drop for Saves {
    fn drop(&mut self) {
        // A thread that has ended already needs no telling.
        let _ = self.hints.send(Hint::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Waits for a hint, or for `pause`; false when it is time to stop.
fn wait(looks: &Receiver<Hint>, pause: Duration) -> bool {
    let mut hint = looks.recv_timeout(pause);
    loop {
        match hint {
            Ok(Hint::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => return true,
            // One look answers every hint that is here.
            Ok(Hint::Look) => match looks.try_recv() {
                Ok(next) => hint = Ok(next),
                Err(_) => return true,
            },
        }
    }
}

/// Looks until two looks in a row see the same.
fn settled(scope: &impl Scope, mut now: Snapshot) -> Snapshot {
    let deadline = Instant::now() + UNSETTLED;
    loop {
        std::thread::sleep(SETTLED);
        let next = Snapshot::take(scope);
        if next == now || Instant::now() > deadline {
            return next;
        }
        now = next;
    }
}

/// What the files are: when written, how long, and a hash of what they hold.
#[derive(Debug, Default, PartialEq, Eq)]
struct Snapshot(BTreeMap<PathBuf, (Option<SystemTime>, u64, u64)>);

impl Snapshot {
    fn take(scope: &impl Scope) -> Snapshot {
        Snapshot(
            scope
                .files()
                .into_iter()
                .filter_map(|path| {
                    let bytes = fs::read(&path).ok()?;
                    let modified = fs::metadata(&path).and_then(|data| data.modified()).ok();
                    let mut hasher = DefaultHasher::new();
                    bytes.hash(&mut hasher);
                    Some((path, (modified, bytes.len() as u64, hasher.finish())))
                })
                .collect(),
        )
    }

    fn changed_since(&self, before: &Snapshot) -> Vec<PathBuf> {
        let gone = before.0.keys().filter(|path| !self.0.contains_key(*path));
        self.0
            .iter()
            .filter(|(path, state)| before.0.get(*path) != Some(state))
            .map(|(path, _)| path)
            .chain(gone)
            .cloned()
            .collect()
    }
}

/// Subscribes to notifications and makes sure, with a file of our own, that they come.
fn subscribe(
    scope: &impl Scope,
    scratch: &Path,
    hints: Sender<Hint>,
) -> Result<RecommendedWatcher, String> {
    let (probed, probe) = mpsc::channel();
    let scratch_name = format!("probe-{}", std::process::id());
    let marker = scratch_name.clone();
    let mut watcher =
        notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
            Ok(event) if event.kind.is_access() => {}
            Ok(event) => {
                let is_probe = |path: &PathBuf| path.iter().any(|part| part == marker.as_str());
                if event.paths.iter().any(is_probe) {
                    let _ = probed.send(());
                } else {
                    let _ = hints.send(Hint::Look);
                }
            }
            // Notifications may have been lost: look.
            Err(_) => {
                let _ = hints.send(Hint::Look);
            }
        })
        .map_err(|error| plain(&error))?;
    for (folder, depth) in scope.folders() {
        watcher
            .watch(&folder, depth)
            .map_err(|error| format!("{}: {}", folder.display(), plain(&error)))?;
    }

    let Ok(folder) = Probe::make(scratch, &scratch_name) else {
        // Nothing can be written here, so nothing can be tried; the safety net remains.
        return Ok(watcher);
    };
    watcher
        .watch(&folder.0, RecursiveMode::NonRecursive)
        .map_err(|error| plain(&error))?;
    let written = fs::write(folder.0.join("file"), "a notification should follow");
    if written.is_ok() && probe.recv_timeout(PROBE).is_err() {
        return Err("no notification came for a file written as a trial".into());
    }
    let _ = watcher.unwatch(&folder.0);
    Ok(watcher)
}

fn plain(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "the system's limit of watched files is reached".to_string()
        }
        notify::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// A folder for the trial, which goes with it.
struct Probe(PathBuf);

impl Probe {
    fn make(scratch: &Path, name: &str) -> io::Result<Probe> {
        let folder = scratch.join(name);
        fs::create_dir_all(&folder)?;
        Ok(Probe(folder))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Every file below `folder` for which `wanted` holds. Folders whose names begin with a dot, and
/// those that `wanted` refuses, are not entered.
#[must_use]
pub fn files_below(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if is_temporary(&path) || !wanted(&path) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(_) => files.push(path),
                Err(_) => {}
            }
        }
    }
    files.sort();
    files
}

/// Whether this is a file that an editor keeps beside the one that is edited.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    name.starts_with(['.', '#'])
        || name.ends_with(['~', '#'])
        || name.ends_with("___jb_tmp___")
        || name.ends_with("___jb_old___")
        || matches!(ending, "tmp" | "swp" | "swx" | "swo" | "bak" | "orig")
        || name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Scope for Folder {
        fn files(&self) -> Vec<PathBuf> {
            files_below(&self.0, &|_| true)
        }
        fn folders(&self) -> Vec<(PathBuf, RecursiveMode)> {
            vec![(self.0.clone(), RecursiveMode::Recursive)]
        }
    }

    const DEADLINE: Duration = Duration::from_secs(20);

    fn notices(means: Means) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("src");
        let scratch = root.path().join("scratch");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("main.rs");
        fs::write(&file, "one").unwrap();
        let (tell, told) = mpsc::channel();
        let saves = Saves::notice(Folder(folder.clone()), means, &scratch, move |notice| {
            let _ = tell.send(notice);
        });
        let next_save = || loop {
            if let Notice::Saved(paths) = told.recv_timeout(DEADLINE).unwrap() {
                return paths;
            }
        };

        fs::write(&file, "two").unwrap();
        assert_eq!(next_save(), std::slice::from_ref(&file));

        // As editors do: a temporary file first, then the rename.
        fs::write(folder.join("4913"), "").unwrap();
        fs::write(folder.join("main.rs~"), "two").unwrap();
        fs::write(folder.join(".main.rs.swp"), "three").unwrap();
        fs::rename(folder.join(".main.rs.swp"), &file).unwrap();
        assert_eq!(next_save(), std::slice::from_ref(&file));

        fs::remove_file(&file).unwrap();
        assert_eq!(next_save(), [file]);
        drop(saves);
        assert!(told.try_recv().is_err(), "nothing else was noticed");
    }

    #[test]
    fn notices_saves_by_notifications() {
        notices(Means::Notifications);
    }

    #[test]
    fn notices_saves_by_looking() {
        notices(Means::Looking);
    }

    #[test]
    fn files_of_editors_are_none_of_ours() {
        for name in [
            ".#main.rs",
            "main.rs~",
            "#main.rs#",
            ".main.rs.swp",
            "4913",
            "main.rs.tmp",
            "main.rs___jb_tmp___",
        ] {
            assert!(is_temporary(Path::new(name)), "{name}");
        }
        for name in ["main.rs", "lab.toml", "04-tcp-echo.md", "data"] {
            assert!(!is_temporary(Path::new(name)), "{name}");
        }
    }
}
