//! A folder for Dolos (<https://dolos.ugent.be>), which compares programs by their syntax trees and shows them side by
//! side.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use super::pairs::{Given, Work};
use crate::files::put;
use crate::report::safe;

/// What `dolos` is told, in the folder of a lab.
const ARGUMENTS: [&str; 10] = [
    "run",
    "-f",
    "csv",
    "-l",
    "rust",
    "-i",
    "starter.rs",
    "-o",
    "report",
    "info.csv",
];

/// One program as Dolos is told of it.
#[derive(Debug)]
pub struct Entry<'w> {
    /// The file's name, or nearly.
    pub id: &'w str,
    /// Who it is from.
    pub full_name: &'w str,
    /// What it is coloured by.
    pub label: &'w str,
    /// When it was handed in; empty where that is not known.
    pub created_at: String,
    /// What was written.
    pub work: &'w Work,
}

/// Writes the folder of one lab: a file for each program, `info.csv` and what Dolos is to leave out.
pub fn bundle(dir: &Path, given: &Given, entries: &[Entry<'_>]) -> anyhow::Result<()> {
    let mut info = csv::Writer::from_writer(Vec::new());
    info.write_record(["filename", "full_name", "label", "created_at"])?;
    let mut taken = BTreeSet::from(["starter".to_owned()]);
    for entry in entries {
        // No option, and no formula either: the name is the same in the table and in the folder.
        let name = safe::file_name(entry.id.trim_start_matches('-'), &mut taken);
        let name = format!("{name}.rs");
        put(&dir.join(&name), &joined(&entry.work.files))?;
        info.write_record([
            name,
            safe::cell(entry.full_name),
            safe::cell(entry.label),
            safe::cell(&entry.created_at),
        ])?;
    }
    put(&dir.join("starter.rs"), &joined(&given.starter))?;
    put(
        &dir.join("info.csv"),
        &String::from_utf8(info.into_inner()?)?,
    )
}

/// The files of a lab in one.
fn joined(files: &BTreeMap<PathBuf, String>) -> String {
    let files = files
        .iter()
        .map(|(path, text)| format!("// {}\n{}\n", path.display(), text.trim_end()));
    files.collect::<Vec<_>>().join("\n")
}

/// How to run it by hand.
pub fn by_hand() -> String {
    format!("dolos {}", ARGUMENTS.join(" "))
}

/// Runs Dolos in such a folder. Whether it is installed; what it says where it fails.
pub fn run(dir: &Path) -> anyhow::Result<bool> {
    let output = Command::new("dolos")
        .args(ARGUMENTS)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        output => output.context("dolos cannot be started")?,
    };
    anyhow::ensure!(
        output.status.success(),
        "dolos failed in {}: {}",
        dir.display(),
        safe::plain(String::from_utf8_lossy(&output.stderr).trim())
    );
    Ok(true)
}
