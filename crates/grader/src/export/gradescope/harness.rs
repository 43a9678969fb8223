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
use crate::{report, run, scratch, table};

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
    let metadata = args.metadata.as_deref().and_then(Metadata::read);
    let metadata = metadata.unwrap_or_default();
    let student = metadata.who().unwrap_or_else(|| "student".to_owned());
    // A plain name, so that nobody's address is read as a path.
    let entry: String = student
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    copy(&args.submission, &class.join(&entry))
        .with_context(|| format!("{} cannot be read", args.submission.display()))?;
    let mut words = vec!["grade".into(), "run".into(), class.into_os_string()];
    words.extend(["--out".into(), out.clone().into_os_string()]);
    for (option, name, table) in [
        ("--times", "times.csv", metadata.times(&entry)),
        (
            "--extensions",
            "extensions.csv",
            metadata.extensions(&entry),
        ),
    ] {
        if let Some(table) = table {
            let path = scratch.path().join(name);
            fs::write(&path, table)?;
            words.extend([option.into(), path.into_os_string()]);
        }
    }
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

/// What Gradescope says of a submission in `submission_metadata.json`
/// (<https://gradescope-autograders.readthedocs.io/en/latest/submission_metadata/>).
#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    users: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    email: String,
    #[serde(default)]
    assignment: Option<Assignment>,
}

#[derive(Deserialize)]
struct Assignment {
    #[serde(default)]
    due_date: Option<String>,
}

impl Metadata {
    fn read(path: &Path) -> Option<Metadata> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Who handed it in: what a seed is made from, so that two members of a group get the same.
    fn who(&self) -> Option<String> {
        let emails = self.users.iter().map(|user| &user.email);
        emails.filter(|email| !email.is_empty()).min().cloned()
    }

    /// When it was handed in, as `--times` reads it.
    fn times(&self, entry: &str) -> Option<String> {
        let at = table::moment(self.created_at.as_deref()?).ok()?;
        Some(format!("student,submitted\n{entry},{at}\n"))
    }

    /// Until when these students have time, as `--extensions` reads it: what is no later than the course's due date is
    /// none there.
    fn extensions(&self, entry: &str) -> Option<String> {
        let assignments = self
            .users
            .iter()
            .filter_map(|user| user.assignment.as_ref());
        let dates = assignments.filter_map(|assignment| assignment.due_date.as_deref());
        let dates = dates.filter_map(|date| table::moment(date).ok());
        let latest = dates.max_by_key(|date| date.unix_seconds())?;
        Some(format!("student,due\n{entry},{latest}\n"))
    }
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

    fn metadata(json: &str) -> Metadata {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_address_that_is_empty_is_nobodys() {
        for (emails, expected) in [
            (r#"{"email": ""}"#, None),
            (
                r#"{"email": "b@x"}, {"email": ""}, {"email": "a@x"}"#,
                Some("a@x"),
            ),
            ("", None),
        ] {
            let metadata = metadata(&format!(r#"{{"users": [{emails}]}}"#));
            assert_eq!(metadata.who().as_deref(), expected, "{emails}");
        }
    }

    #[test]
    fn times_are_those_of_gradescope() {
        let metadata = metadata(
            r#"{"created_at": "2026-10-05T22:10:07.365935-07:00", "assignment": {"due_date": null}, "users": [
                {"email": "a@x", "assignment": {"due_date": "2026-10-05T23:59:00.000000-07:00"}},
                {"email": "b@x", "assignment": {"due_date": "2026-10-07T23:59:00.000000-07:00"}},
                {"email": "c@x", "assignment": {"due_date": null}}]}"#,
        );
        assert_eq!(
            metadata.times("a_x").unwrap(),
            "student,submitted\na_x,2026-10-05T22:10:07.365935-07:00\n"
        );
        assert_eq!(
            metadata.extensions("a_x").unwrap(),
            "student,due\na_x,2026-10-07T23:59:00.0-07:00\n"
        );
        let nothing = self::metadata(r#"{"created_at": "yesterday"}"#);
        assert_eq!((nothing.times("x"), nothing.extensions("x")), (None, None));
    }
}
