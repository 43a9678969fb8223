//! Reading and writing the course's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::CourseError;

pub(crate) fn read(path: &Path, advice: &'static str) -> Result<String, CourseError> {
    fs::read_to_string(path).map_err(|source| CourseError::Unreadable {
        path: path.to_owned(),
        source,
        advice,
    })
}

/// Every file below `dir`, relative to it, in order. Editors' and systems' hidden files are left
/// out; a folder that is not there has none.
pub(crate) fn below(dir: &Path) -> Result<Vec<PathBuf>, CourseError> {
    fn walk(
        dir: &Path,
        prefix: &Path,
        found: &mut Vec<PathBuf>,
    ) -> Result<(), (PathBuf, io::Error)> {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err((dir.to_owned(), error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| (dir.to_owned(), error))?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            let kind = entry.file_type().map_err(|error| (entry.path(), error))?;
            if kind.is_dir() {
                walk(&entry.path(), &prefix.join(&name), found)?;
            } else {
                found.push(prefix.join(&name));
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(dir, Path::new(""), &mut found).map_err(|(path, source)| CourseError::Unreadable {
        path,
        source,
        advice: "make it readable and try again",
    })?;
    found.sort();
    Ok(found)
}

/// The folders directly in `dir`, by name; none where it is not there.
pub(crate) fn folders(dir: &Path) -> Result<Vec<String>, CourseError> {
    let unreadable = |source| CourseError::Unreadable {
        path: dir.to_owned(),
        source,
        advice: "make it readable and try again",
    };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Writes `bytes` unless they are there already, so that cargo sees only what changed; whole or
/// not at all. Says whether it wrote.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<bool, CourseError> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    write(path, bytes).map_err(|source| CourseError::Unwritable {
        path: path.to_owned(),
        source,
    })?;
    Ok(true)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut unfinished = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut unfinished, bytes)?;
    // A temporary file is its owner's alone; a source file may be read by all, and one that was
    // there keeps the permissions it had.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_or(0o644, |there| there.permissions().mode() & 0o777);
        unfinished
            .as_file()
            .set_permissions(fs::Permissions::from_mode(mode))?;
    }
    unfinished.persist(path).map_err(|error| error.error)?;
    Ok(())
}
