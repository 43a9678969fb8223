//! Building the launcher, as the checks are built: by cargo, in the grader's own target folder.

use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context as _, ensure};
use course::Course;

use crate::build::{Toolchain, cargo};

/// With the C library in it, and at a place of its own that is known beforehand, so that nothing is left to be done
/// before it begins.
const FLAGS: &str = "-C target-feature=+crt-static -C relocation-model=static";

/// Where it is, once it has been built. It stands before every start of a program, twice, so it is built to be quick:
/// with the C library in it where that can be had (glibc's static library is a package of its own in some systems),
/// which spares each start the search for shared ones.
pub(super) fn build(course: &Course) -> anyhow::Result<PathBuf> {
    let target = cargo::target(course);
    let build = |more: &[&str]| -> anyhow::Result<Output> {
        let mut command = cargo::command(course);
        command
            .args(["build", "--quiet", "--locked", "--release"])
            .args(["--package", "launch", "--bin", "launch"])
            .args(more)
            .arg("--target-dir")
            .arg(&target);
        if !more.is_empty() {
            command.env("RUSTFLAGS", FLAGS);
        }
        cargo::output(course, &mut command)
    };
    let toolchain = Toolchain::find(course)?;
    // With a target that is named, the flags are for the launcher alone, and not for what runs while it is built.
    let host = toolchain.host().unwrap_or_default();
    let built = if !host.is_empty() && build(&["--target", host])?.status.success() {
        target.join(host).join("release/launch")
    } else {
        let output = build(&[])?;
        ensure!(
            output.status.success(),
            "the launcher cannot be built: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        target.join("release/launch")
    };
    built
        .canonicalize()
        .with_context(|| format!("{} is not there", built.display()))
}
