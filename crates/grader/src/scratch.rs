//! Folders that last as long as a run. What a run that was killed left behind, the next one removes.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use rustix::fs::OFlags;
use tempfile::TempDir;
use testkit::folder;

/// A folder that is removed with the value. It is locked as long (flock(2)), so that graders in other process
/// namespaces, or on other machines that share the disk, see that its run goes on.
#[derive(Debug)]
pub struct Scratch {
    dir: TempDir,
    _lock: File,
}

impl Scratch {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Programs of submissions have written here, and it may be deep.
        folder::remove(self.path());
    }
}

/// Makes a folder in `parent`; first removes those of the same kind whose run is over.
///
/// # Errors
/// Nothing can be written there.
pub fn make(parent: &Path, kind: &str) -> anyhow::Result<Scratch> {
    sweep(parent, kind);
    let dir = tempfile::Builder::new()
        .prefix(&format!("{kind}-{}-", std::process::id()))
        .tempdir_in(parent)
        .with_context(|| {
            format!(
                "nothing can be written into {}; free some space, or make it writable",
                parent.display()
            )
        })?;
    let lock = File::open(dir.path())?;
    lock.lock_shared()
        .with_context(|| format!("{} cannot be locked", dir.path().display()))?;
    Ok(Scratch { dir, _lock: lock })
}

/// Removes those of a kind whose run is over, files and folders.
pub fn sweep(parent: &Path, kind: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let run = name
            .to_str()
            .and_then(|name| name.strip_prefix(kind)?.strip_prefix('-')?.split_once('-'))
            .and_then(|(run, _)| run.parse::<u32>().ok());
        if let Some(run) = run
            && !Path::new("/proc").join(run.to_string()).exists()
            && !is_locked(&entry.path())
        {
            // Somebody else's stays.
            let path = entry.path();
            if fs::remove_file(&path).is_err() {
                folder::remove(&path);
            }
        }
    }
}

/// Whether a run that cannot be seen from here has it. Only folders are locked: anybody may have given the name to
/// something else, such as a named pipe, which is waited for when it is opened (fifo(7)), or a link to one.
fn is_locked(path: &Path) -> bool {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Copies a file, with this mode whatever that of the original: everybody is to read it where the original is closed.
///
/// # Errors
/// It cannot be copied, and where to.
pub fn copy_with_mode(from: &Path, to: &Path, mode: u32) -> anyhow::Result<()> {
    fs::copy(from, to)
        .and_then(|_| fs::set_permissions(to, Permissions::from_mode(mode)))
        .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
}

/// How much room there is for what is written into `folder`, in bytes (statvfs(3)).
///
/// # Errors
/// The folder cannot be asked.
pub fn free(folder: &Path) -> anyhow::Result<u64> {
    let room = rustix::fs::statvfs(folder)
        .with_context(|| format!("{} cannot be asked for its room", folder.display()))?;
    Ok(room.f_bavail * room.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_elsewhere_has_stays() {
        let parent = tempfile::tempdir().unwrap();
        let theirs = parent.path().join("kind-4194999-abc");
        fs::create_dir(&theirs).unwrap();
        let lock = File::open(&theirs).unwrap();
        lock.lock_shared().unwrap();
        sweep(parent.path(), "kind");
        assert!(theirs.exists());
        drop(lock);
        sweep(parent.path(), "kind");
        assert!(!theirs.exists());
    }

    #[test]
    fn what_only_has_the_name_is_not_waited_for_nor_followed() {
        let parent = tempfile::tempdir().unwrap();
        let here = |name: &str| parent.path().join(name);
        let named_pipe = |path: &Path| {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
        };
        named_pipe(&here("kind-4194999-pipe"));
        named_pipe(&here("other"));
        fs::create_dir(here("theirs")).unwrap();
        for (to, link) in [
            ("other", "kind-4194999-link"),
            ("theirs", "kind-4194999-to"),
        ] {
            std::os::unix::fs::symlink(here(to), here(link)).unwrap();
        }
        let lock = File::open(here("theirs")).unwrap();
        lock.lock_shared().unwrap();
        let (done, swept) = std::sync::mpsc::channel();
        let place = parent.path().to_owned();
        std::thread::spawn(move || {
            sweep(&place, "kind");
            done.send(())
        });
        let limit = std::time::Duration::from_secs(20);
        assert_eq!(swept.recv_timeout(limit), Ok(()), "it waits for ever");
        for name in ["pipe", "link", "to"] {
            let path = here(&format!("kind-4194999-{name}"));
            assert!(fs::symlink_metadata(&path).is_err(), "{name} is left");
        }
        assert!(here("other").exists() && here("theirs").exists());
    }

    #[test]
    fn what_a_run_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let here = |name: &str| parent.path().join(name);
        // No process has this number: it is above the highest that Linux gives.
        for name in ["kind-4194999-abc", "kind-x", "other-4194999-abc"] {
            fs::create_dir(here(name)).unwrap();
        }
        fs::write(here("kind-4194999-file"), "cut off").unwrap();
        let made = make(parent.path(), "kind").unwrap();
        let again = make(parent.path(), "kind").unwrap();
        assert!(made.path().is_dir() && again.path().is_dir());
        assert!(!here("kind-4194999-abc").exists() && !here("kind-4194999-file").exists());
        assert!(here("kind-x").exists() && here("other-4194999-abc").exists());
    }
}
