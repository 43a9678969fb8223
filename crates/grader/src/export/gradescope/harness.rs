//! Judging one submission in a harness: the way of `cargo grade run`, with a class of one.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Parser as _;
use course::Course;
use serde::Deserialize;

use super::results::Results;
use crate::cli::{self, Cli, Command};
use crate::report::{Class, Status};
use crate::{report, run, scratch};

/// What is not worth copying: no lab's files are taken from there.
const IGNORED: [&str; 3] = ["target", "node_modules", ".git"];

/// Judges what `args` names.
///
/// # Errors
/// The machine is at fault: then there are no results.
pub fn judge(course: &Course, args: &cli::Harness) -> anyhow::Result<()> {
    let scratch = scratch::make(&std::env::temp_dir(), "wirelab-harness")?;
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o700))?;
    let (class, out) = (scratch.path().join("class"), scratch.path().join("out"));
    if let Some(secret) = &args.secret {
        // Where `run` looks for it; on its command line every process of the machine could read it.
        fs::create_dir(&out)?;
        fs::copy(secret, out.join("secret"))
            .with_context(|| format!("{} cannot be read", secret.display()))?;
    }
    let student = args
        .metadata
        .as_deref()
        .and_then(who)
        .unwrap_or_else(|| "student".to_owned());
    // A plain name, so that nobody's address is read as a path.
    let entry: String = student
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    copy(&args.submission, &class.join(&entry))
        .with_context(|| format!("{} cannot be read", args.submission.display()))?;
    let mut words = vec!["grade".into(), "run".into(), class.into_os_string()];
    words.extend(["--out".into(), out.clone().into_os_string()]);
    words.extend(args.run.iter().map(Into::into));
    let Command::Run(mut orders) = Cli::try_parse_from(words)?.command else {
        bail!("`run` is no command");
    };
    // What is nobody's lab is the student's mistake here, and no other folder than was meant.
    orders.alone = true;
    run::run(course, &orders)?;
    let class = Class::of(&out)?;
    let row = class.students.first().context("there is no grade")?;
    if let Some(cell) = row.labs.iter().find(|cell| cell.status == Status::Error) {
        let reason = cell.message.as_deref().unwrap_or_default();
        bail!("{} was not judged: {reason}", cell.topic);
    }
    let results = Results::of(course, &class, row);
    if let Some(parent) = args.results.parent() {
        fs::create_dir_all(parent)?;
    }
    report::put(&args.results, &serde_json::to_vec_pretty(&results)?)
}

/// Who handed it in: what a seed is made from, so that two members of a group get the same.
fn who(metadata: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Metadata {
        users: Vec<User>,
    }
    #[derive(Deserialize)]
    struct User {
        email: String,
    }
    let metadata: Metadata = serde_json::from_slice(&fs::read(metadata).ok()?).ok()?;
    let emails = metadata.users.into_iter().map(|user| user.email);
    emails.filter(|email| !email.is_empty()).min()
}

/// Copies a folder as it is: what is a link stays one, and is refused as one. What lies so deep that its path is too long
/// for the system stays behind: no lab has a file there, and it is no fault of the machine's.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name();
        let to = to.join(&name);
        let copied = if kind.is_dir() && !IGNORED.iter().any(|ignored| name == *ignored) {
            copy(&path, &to)
        } else if kind.is_symlink() {
            fs::read_link(&path).and_then(|target| symlink(target, to))
        } else if kind.is_file() {
            fs::copy(&path, to).map(|_| ())
        } else {
            Ok(())
        };
        if let Err(error) = copied
            && error.kind() != ErrorKind::InvalidFilename
        {
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_too_long_stays_behind() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("a");
        let mut nest = from.clone();
        while nest.as_os_str().len() < 4000 - 100 {
            nest.push("x".repeat(100));
        }
        fs::create_dir_all(&nest).unwrap();
        fs::write(from.join("echo.rs"), "here").unwrap();
        let to = dir.path().join("b".repeat(250));
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("echo.rs")).unwrap(), "here");
    }

    #[test]
    fn an_address_that_is_empty_is_nobodys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("submission_metadata.json");
        for (emails, expected) in [
            (r#"{"email": ""}"#, None),
            (
                r#"{"email": "b@x"}, {"email": ""}, {"email": "a@x"}"#,
                Some("a@x"),
            ),
            ("", None),
        ] {
            fs::write(&path, format!(r#"{{"users": [{emails}]}}"#)).unwrap();
            assert_eq!(who(&path).as_deref(), expected, "{emails}");
        }
    }
}
