//! A check's own folder, in which its program writes as well.
//!
//! A program may put there what it likes, and in the place of a file that a check is about to read a link to another, a
//! FIFO that nobody writes into, a device without an end. The check is not behind the program's wall: what it opened
//! would be opened with all its own rights. So on Unix every name is looked up from the folder's descriptor, name by
//! name, no link is followed, nothing but a regular file is opened, and none is read that is without measure.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The longest file that is read, in bytes: more than any check hands out or asks for.
const LONGEST: u64 = 64 << 20;

/// The folder of one check. A path is one below it, or is taken from it.
///
/// The errors are those of the system, and besides: a name leads out of the folder, or is a link or no regular file.
#[derive(Debug)]
pub struct Files {
    path: PathBuf,
    /// The folder itself, whatever takes its name.
    #[cfg(unix)]
    top: std::os::fd::OwnedFd,
}

/// What is to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Read,
    /// Another content; the file is made where there is none.
    Write,
    Append,
}

impl Files {
    /// A folder that is there.
    pub(crate) fn of(path: PathBuf) -> io::Result<Files> {
        Ok(Files {
            #[cfg(unix)]
            top: crate::folder::unix::open(rustix::fs::CWD, &path)?,
            path,
        })
    }

    /// Gives back to the folder's owner the rights that a program may have taken: its next one could not be started there.
    pub(crate) fn unlock(&self) {
        #[cfg(unix)]
        {
            let owners = rustix::fs::Mode::RWXU;
            let now = rustix::fs::fstat(&self.top);
            let now = now.map(|is| rustix::fs::Mode::from_raw_mode(is.st_mode));
            if let Some(now) = now.ok().filter(|now| !now.contains(owners)) {
                let _ = rustix::fs::fchmod(&self.top, now | owners);
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The content of a file. One of more than 64 MiB is an error.
    pub fn read(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let file = self.open(path)?;
        let mut bytes = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            return Err(io::Error::other("it is longer than 64 MiB"));
        }
        Ok(bytes)
    }

    /// A file, to be read.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.regular(path.as_ref(), To::Read)
    }

    /// Gives a file this content, where it stands: who has it open sees it change.
    pub fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let mut file = self.regular(path.as_ref(), To::Write)?;
        file.set_len(0)?;
        file.write_all(bytes.as_ref())
    }

    /// Writes at the end of a file that is there.
    pub fn append(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.regular(path.as_ref(), To::Append)?
            .write_all(bytes.as_ref())
    }

    /// Makes a file of this length, all zeros and without room on the disk where the system knows such.
    pub fn zeros(&self, path: impl AsRef<Path>, length: u64) -> io::Result<()> {
        self.regular(path.as_ref(), To::Write)?.set_len(length)
    }

    /// How long a file is, in bytes.
    pub fn length(&self, path: impl AsRef<Path>) -> io::Result<u64> {
        Ok(self.open(path)?.metadata()?.len())
    }

    /// Whether there is anything of this name, a link that leads nowhere included.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.kind(path.as_ref()).is_ok()
    }

    /// Whether a folder has this name.
    pub fn is_folder(&self, path: impl AsRef<Path>) -> bool {
        self.kind(path.as_ref()).is_ok_and(|is_folder| is_folder)
    }

    /// What the entries of a folder are called, in order.
    pub fn names(&self, path: impl AsRef<Path>) -> io::Result<Vec<String>> {
        let mut names = self.entries(path.as_ref())?;
        names.sort();
        Ok(names)
    }

    /// Makes a folder, and those around it.
    pub fn make_folder(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.make(path.as_ref())
    }

    /// Removes a file, or a link itself.
    pub fn remove(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.remove_entry(path.as_ref(), false)
    }

    /// Removes an empty folder.
    pub fn remove_folder(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.remove_entry(path.as_ref(), true)
    }

    /// The names that lead from the folder to this path.
    fn below<'p>(&self, path: &'p Path) -> io::Result<Vec<&'p std::ffi::OsStr>> {
        use std::path::Component;
        let below = path.strip_prefix(&self.path).unwrap_or(path);
        let names = below.components().map(|part| match part {
            Component::Normal(name) => Ok(name),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} leads out of the check's folder", path.display()),
            )),
        });
        names.collect()
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::fd::OwnedFd;

    use rustix::fs::{
        AtFlags, FileType, Mode, OFlags, fstat, mkdirat, openat, statat, symlinkat, unlinkat,
    };
    use rustix::io::Errno;

    use super::*;
    use crate::folder::unix::{contents, open};

    impl Files {
        /// The folder that these names lead to.
        fn into(&self, names: &[&OsStr]) -> io::Result<OwnedFd> {
            let top = self.top.try_clone()?;
            let folder = names
                .iter()
                .try_fold(top, |parent, name| open(parent, *name));
            Ok(folder?)
        }

        /// The folder around a path, and the path's last name.
        fn around<'p>(&self, path: &'p Path) -> io::Result<(OwnedFd, &'p OsStr)> {
            let names = self.below(path)?;
            let (name, folders) = names.split_last().ok_or(Errno::INVAL)?;
            Ok((self.into(folders)?, name))
        }

        pub(super) fn regular(&self, path: &Path, to: To) -> io::Result<File> {
            let (parent, name) = self.around(path)?;
            let how = match to {
                To::Read => OFlags::RDONLY,
                To::Write => OFlags::WRONLY | OFlags::CREATE,
                To::Append => OFlags::WRONLY | OFlags::APPEND,
            };
            let how = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let everybody_reads = Mode::from_raw_mode(0o644);
            let file = openat(parent, name, how, everybody_reads).map_err(|error| match error {
                Errno::LOOP => io::Error::other("it is a symbolic link"),
                // A FIFO that nobody reads, or a socket.
                Errno::NXIO => io::Error::other("it is no regular file"),
                error => error.into(),
            })?;
            let is = fstat(&file)?;
            if FileType::from_raw_mode(is.st_mode) != FileType::RegularFile {
                return Err(io::Error::other("it is no regular file"));
            }
            if to != To::Read && is.st_nlink != 1 {
                return Err(io::Error::other("it has another name elsewhere"));
            }
            Ok(file.into())
        }

        /// Whether it is a folder.
        pub(super) fn kind(&self, path: &Path) -> io::Result<bool> {
            let (parent, name) = self.around(path)?;
            let is = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(FileType::from_raw_mode(is.st_mode) == FileType::Directory)
        }

        pub(super) fn entries(&self, path: &Path) -> io::Result<Vec<String>> {
            let names = contents(&self.into(&self.below(path)?)?)?;
            let names = names.iter().map(|name| name.to_string_lossy().into_owned());
            Ok(names.collect())
        }

        pub(super) fn make(&self, path: &Path) -> io::Result<()> {
            let everybody_reads = Mode::from_raw_mode(0o755);
            let top = self.top.try_clone()?;
            let names = self.below(path)?;
            names.into_iter().try_fold(top, |parent, name| {
                match mkdirat(&parent, name, everybody_reads) {
                    Ok(()) | Err(Errno::EXIST) => open(&parent, name),
                    Err(error) => Err(error),
                }
            })?;
            Ok(())
        }

        pub(super) fn remove_entry(&self, path: &Path, is_folder: bool) -> io::Result<()> {
            let (parent, name) = self.around(path)?;
            let how = if is_folder {
                AtFlags::REMOVEDIR
            } else {
                AtFlags::empty()
            };
            Ok(unlinkat(parent, name, how)?)
        }

        /// Makes a symbolic link at `path` that leads to `to`.
        pub fn link(&self, to: impl AsRef<Path>, path: impl AsRef<Path>) -> io::Result<()> {
            let (parent, name) = self.around(path.as_ref())?;
            Ok(symlinkat(to.as_ref(), parent, name)?)
        }
    }
}

/// Elsewhere there is no sandbox for strangers' programs, and links are not for everybody to make.
#[cfg(not(unix))]
impl Files {
    fn at(&self, path: &Path) -> io::Result<PathBuf> {
        let names = self.below(path)?;
        Ok(names
            .iter()
            .fold(self.path.clone(), |at, name| at.join(name)))
    }

    fn regular(&self, path: &Path, to: To) -> io::Result<File> {
        let mut options = std::fs::OpenOptions::new();
        match to {
            To::Read => options.read(true),
            To::Write => options.write(true).create(true),
            To::Append => options.append(true),
        };
        let file = options.open(self.at(path)?)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        Ok(file)
    }

    fn kind(&self, path: &Path) -> io::Result<bool> {
        Ok(std::fs::symlink_metadata(self.at(path)?)?.is_dir())
    }

    fn entries(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = std::fs::read_dir(self.at(path)?)?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn make(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(self.at(path)?)
    }

    fn remove_entry(&self, path: &Path, is_folder: bool) -> io::Result<()> {
        let at = self.at(path)?;
        if is_folder {
            std::fs::remove_dir(at)
        } else {
            std::fs::remove_file(at)
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// A folder in a folder; outside of the inner one lies what nobody may reach from it.
    fn folder() -> (PathBuf, Files) {
        let name = format!(
            "wirelab-files-{}-{:08x}",
            std::process::id(),
            fastrand::u32(..)
        );
        let outer = std::env::temp_dir().join(name);
        let inner = outer.join("inner");
        fs::create_dir_all(&inner).unwrap();
        fs::write(outer.join("secret"), "secret").unwrap();
        (outer, Files::of(inner).unwrap())
    }

    #[test]
    fn what_is_written_is_read_by_either_name() {
        let (outer, files) = folder();
        files.make_folder("a/b").unwrap();
        files.write("a/b/file", "text").unwrap();
        let whole = files.path().join("a/b/file");
        assert_eq!(files.read(&whole).unwrap(), b"text");
        files.write(&whole, "te").unwrap();
        files.append(&whole, "n").unwrap();
        assert_eq!(files.read("a/b/file").unwrap(), b"ten");
        assert_eq!(files.length("a/b/file").unwrap(), 3);
        files.zeros("a/zeros", 1 << 40).unwrap();
        assert_eq!(files.length("a/zeros").unwrap(), 1 << 40);
        assert!(
            files
                .read("a/zeros")
                .unwrap_err()
                .to_string()
                .contains("64 MiB")
        );
        assert_eq!(files.names("a").unwrap(), ["b", "zeros"]);
        assert_eq!(files.names("").unwrap(), ["a"]);
        assert!(files.is_folder("a") && !files.is_folder("a/zeros") && !files.exists("b"));
        assert!(files.remove("a/b").is_err() && files.remove_folder("a/b").is_err());
        files.remove("a/b/file").unwrap();
        files.remove_folder("a/b").unwrap();
        fs::remove_dir_all(outer).unwrap();
    }

    #[test]
    fn a_folder_that_a_program_has_closed_is_opened_again() {
        let (outer, files) = folder();
        let mode = || fs::metadata(files.path()).unwrap().permissions().mode() & 0o777;
        let before = mode();
        fs::set_permissions(files.path(), fs::Permissions::from_mode(before & 0o055)).unwrap();
        files.unlock();
        assert_eq!(mode(), before);
        fs::remove_dir_all(outer).unwrap();
    }

    #[test]
    fn no_link_is_followed_and_nothing_but_a_file_is_opened() {
        let (outer, files) = folder();
        let inner = files.path().to_owned();
        symlink("../secret", inner.join("link")).unwrap();
        symlink("..", inner.join("up")).unwrap();
        symlink("/dev/zero", inner.join("zero")).unwrap();
        fs::hard_link(outer.join("secret"), inner.join("hard")).unwrap();
        let fifo = std::process::Command::new("mkfifo")
            .arg(inner.join("fifo"))
            .status();
        assert!(fifo.unwrap().success());
        for name in [
            "link",
            "up/secret",
            "zero",
            "fifo",
            "up",
            "../secret",
            "/etc/passwd",
        ] {
            assert!(files.read(name).is_err(), "{name}");
            assert!(files.write(name, "x").is_err(), "{name}");
            assert!(files.append(name, "x").is_err(), "{name}");
            assert!(files.length(name).is_err(), "{name}");
        }
        assert!(files.write("hard", "x").is_err() && files.zeros("hard", 0).is_err());
        for name in ["up", "up/new", "../new", "/tmp"] {
            assert!(files.names(name).is_err(), "{name}");
            assert!(files.make_folder(name).is_err(), "{name}");
        }
        assert!(files.remove("up/secret").is_err() && files.link("x", "up/x").is_err());
        assert!(files.exists("link") && !files.exists("up/secret"));
        // The folder keeps its place when another takes its name.
        fs::rename(&inner, outer.join("moved")).unwrap();
        symlink(&outer, &inner).unwrap();
        assert!(!files.exists("secret") && files.exists("moved/..").eq(&false));
        assert_eq!(fs::read(outer.join("secret")).unwrap(), b"secret");
        assert!(!outer.join("new").exists());
        fs::remove_dir_all(outer).unwrap();
    }
}
