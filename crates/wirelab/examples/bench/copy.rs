//! A copy of the course, to edit and to build in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

/// What belongs to no clone.
const LEFT_OUT: [&str; 5] = ["target", ".git", ".wirelab", "node_modules", "build"];

pub struct Copy {
    root: PathBuf,
}

impl Copy {
    /// Makes the files in `to` those of the course at `from`; what was built there stays, and files
    /// that are the same are not touched.
    pub fn of(from: &Path, to: &Path) -> anyhow::Result<Copy> {
        let mut copied = BTreeSet::new();
        for path in files(from)? {
            let inside = path.strip_prefix(from).unwrap_or(&path).to_path_buf();
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            write(&to.join(&inside), &bytes)?;
            copied.insert(inside);
        }
        for path in files(to)? {
            if !copied.contains(path.strip_prefix(to).unwrap_or(&path)) {
                fs::remove_file(&path)
                    .with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(Copy {
            root: to.to_path_buf(),
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `cargo ARGS` in the copy, without what belongs to the cargo that runs us.
    pub fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.args(args).current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            let foreign = name.to_str().is_some_and(|name| {
                (name.starts_with("CARGO_") && name != "CARGO_HOME") || name.starts_with("WIRELAB_")
            });
            if foreign {
                command.env_remove(name);
            }
        }
        command.env("CARGO_TARGET_DIR", self.root.join("target"));
        // What is measured is not the network.
        command.env("CARGO_NET_OFFLINE", "true");
        command
    }
}

pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        if !folder.is_dir() {
            continue;
        }
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            if is_folder && !LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
                open.push(entry.path());
            } else if !is_folder {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}
