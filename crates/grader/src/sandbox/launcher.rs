//! Building the launcher, as the checks are built: by cargo, in the grader's own target folder.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use course::Course;

use crate::build::cargo;

/// Where it is, once it has been built. It stands before every start of a program, so it is built to be quick.
pub(super) fn build(course: &Course) -> anyhow::Result<PathBuf> {
    let target = cargo::target(course);
    let output = cargo::command(course)
        .args(["build", "--quiet", "--locked", "--release"])
        .args(["--package", "launch", "--bin", "launch"])
        .arg("--target-dir")
        .arg(&target)
        .output()
        .context("cargo cannot be started; install Rust from https://rustup.rs")?;
    ensure!(
        output.status.success(),
        "the launcher cannot be built: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let built = target.join("release/launch");
    built
        .canonicalize()
        .with_context(|| format!("{} is not there", built.display()))
}
