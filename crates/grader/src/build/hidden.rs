//! Compiling hidden checks: one call of the compiler, against what cargo has built for the lab's own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use course::{Course, Hidden, Lab};

use super::Toolchain;
use super::cargo::{self, Ready};
use crate::digest;
use crate::files;
use crate::report::UNFINISHED;
use crate::scratch;

/// The executable of the hidden checks, and a hash of everything it is made from. `checks_hash` is that of the lab's
/// own checks, whose dependencies these share.
pub(super) fn compile(
    course: &Course,
    lab: &Lab,
    hidden: &Hidden,
    ready: &Ready,
    toolchain: &Toolchain,
    checks_hash: &str,
) -> anyhow::Result<(PathBuf, String)> {
    let mut parts = vec![
        checks_hash.as_bytes().to_vec(),
        toolchain.version.clone().into_bytes(),
    ];
    parts.append(&mut files::contents(hidden.dir())?);
    let hash = digest::of(&parts);

    let home = cargo::home(course).join("hidden");
    fs::create_dir_all(&home).with_context(|| format!("{} cannot be made", home.display()))?;
    let executable = home.join(format!("{}-{}", lab.topic, &hash[..16]));
    if executable.is_file() {
        return Ok((executable, hash));
    }
    let code = hidden.code();
    // Whole or not at all: another grader may do the same at the same time.
    let unfinished = scratch::make(&home, UNFINISHED)?;
    let made = unfinished.path().join("checks");
    let manifest_dir = lab.solution_dir().unwrap_or_else(|| lab.dir());
    let mut command = Command::new(toolchain.sysroot.join("bin/rustc"));
    command
        .current_dir(course.root())
        .arg(&code)
        .args(["--test", "--crate-name", "hidden", "--color", "never"])
        .args(["--edition", &ready.edition, "-A", "warnings"])
        .arg("-o")
        .arg(&made)
        // As cargo has them for a package's tests. The program is named when the checks are run.
        .env("CARGO_PKG_NAME", &lab.topic)
        .env("CARGO_MANIFEST_DIR", manifest_dir)
        .env(format!("CARGO_BIN_EXE_{}", lab.topic), "/nowhere");
    for (name, file) in &ready.checks_externs {
        command
            .arg("--extern")
            .arg(format!("{name}={}", file.display()));
        if let Some(folder) = file.parent() {
            command
                .arg("-L")
                .arg(format!("dependency={}", folder.display()));
            command
                .arg("-L")
                .arg(format!("dependency={}", folder.join("deps").display()));
        }
    }
    let output = cargo::output(course, &mut command)?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let listed = Command::new(&made).arg("--list").output()?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for check in &hidden.checks {
        let line = format!("{}: test", check.path());
        ensure!(
            listed.lines().any(|other| other == line),
            "hidden.toml lists {}, and {} has no such test",
            check.path(),
            code.display()
        );
    }
    fs::rename(&made, &executable)
        .with_context(|| format!("{} cannot be written", executable.display()))?;
    Ok((executable, hash))
}
