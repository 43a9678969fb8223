//! The learners' files that were graded, kept beside the grades: `DIR/sources/HASH/src/server.rs`, each text once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The folder of one lab's sources, by the hash that stands in the grades.
fn folder(dir: &Path, hash: &str) -> PathBuf {
    dir.join("sources").join(hash)
}

/// Keeps the files of one lab's sources.
///
/// # Errors
/// Nothing can be written there.
pub fn keep<'f>(
    dir: &Path,
    hash: &str,
    files: impl Iterator<Item = (&'f PathBuf, &'f Vec<u8>)>,
) -> anyhow::Result<()> {
    let folder = folder(dir, hash);
    for (path, bytes) in files {
        let path = folder.join(path);
        if path.exists() {
            continue;
        }
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// Copies what one run has kept to another's folder.
///
/// # Errors
/// It cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let root = from.join("sources");
    for path in crate::files::files_below(&root)? {
        let below = path.strip_prefix(&root).unwrap_or(&path);
        let place = to.join("sources").join(below);
        if !place.exists() {
            crate::files::copy_file(&path, &place)?;
        }
    }
    Ok(())
}

/// The files that were kept under this hash, by their paths in the lab; none where they are gone.
#[must_use]
pub fn read(dir: &Path, hash: &str) -> Vec<(String, String)> {
    // The hash comes from a file that somebody may have edited.
    if hash.is_empty() || !hash.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Vec::new();
    }
    let root = folder(dir, hash);
    let Ok(paths) = crate::files::files_below(&root) else {
        return Vec::new();
    };
    let files = paths.into_iter().filter_map(|path| {
        let name = path.strip_prefix(&root).ok()?.display().to_string();
        Some((name, fs::read_to_string(&path).ok()?))
    });
    files.collect()
}
