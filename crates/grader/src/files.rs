//! Finding, reading, writing and copying files, with errors that name them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Every file below `dir`, in order; none where it is not there. Build folders are left out.
pub(crate) fn files_below(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder == dir => break,
            entries => entries.with_context(|| format!("{} cannot be read", folder.display()))?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if name != "target" && name != "node_modules" {
                    folders.push(entry.path());
                }
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Every file below `dir`, each as its path there and then its content; none where it is not there.
pub(crate) fn contents(dir: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut parts = Vec::new();
    for file in files_below(dir)? {
        let name = file.strip_prefix(dir).unwrap_or(&file);
        parts.push(name.as_os_str().as_encoded_bytes().to_vec());
        let text = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        parts.push(text);
    }
    Ok(parts)
}

/// Copies a file or all of a folder; editors' and systems' hidden files stay behind.
pub(crate) fn copy_tree(root: &Path, copy: &Path, what: &Path) -> anyhow::Result<()> {
    let from = root.join(what);
    if from.is_file() {
        return copy_file(&from, &copy.join(what));
    }
    for path in files_below(&from)? {
        let below = path.strip_prefix(root).unwrap_or(&path);
        let hidden = below
            .components()
            .any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
        if !hidden {
            copy_file(&path, &copy.join(below))?;
        }
    }
    Ok(())
}

pub(crate) fn copy_file(from: &Path, to: &Path) -> anyhow::Result<()> {
    make_parent(to)?;
    fs::copy(from, to)
        .map(|_| ())
        .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
}

pub(crate) fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    make_parent(path)?;
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

pub(crate) fn make_parent(path: &Path) -> anyhow::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))
}

pub(crate) fn read(dir: &Path, file: &str) -> anyhow::Result<String> {
    let path = dir.join(file);
    fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_of_every_file_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let there = || contents(dir.path()).unwrap();
        assert!(contents(&dir.path().join("nowhere")).unwrap().is_empty());
        put(&dir.path().join("b/services"), "echo 7").unwrap();
        put(&dir.path().join("a"), "x").unwrap();
        let before: [&[u8]; 4] = [b"a", b"x", b"b/services", b"echo 7"];
        assert_eq!(there(), before);
    }
}
