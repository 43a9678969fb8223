//! A workflow for GitHub Classroom (<https://docs.github.com/en/education/manage-coursework-with-github-classroom>):
//! each check is a test of its own, with its own points.
//!
//! Students can write into the whole of their repository. So the workflow first takes away what was not given out,
//! and holds what judges against a list of hashes. Lists and script stand beside it below `.github`;
//! protect that folder in the assignment's settings. Programs run with the rights of the job all the same: it is no wall.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use course::{Course, Kind, Lab};
use sha2::{Digest as _, Sha256};

use crate::{cli, files, report};

/// Where the workflow stands in a repository.
const WORKFLOW: &str = ".github/workflows/classroom.yml";
/// Where the hashes of the files stand that judge, the names of the others, and what looks after both.
const GIVEN: &str = ".github/given.sha256";
const OTHERS: &str = ".github/others";
const SCRIPT: &str = ".github/given.sh";

/// What checks need of the machine.
const REQUIRED: &str = "netns,ipv6,broadcast";

/// How long one check may take, the build before it included, in minutes.
const MINUTES: u32 = 10;

/// Writes the workflow and the hashes into a handout.
///
/// # Errors
/// It is no handout, or cannot be written.
pub fn run(course: &Course, args: &cli::Classroom) -> anyhow::Result<()> {
    let labs = course.labs_named(&args.labs)?;
    ensure!(
        args.handout.join("course.toml").is_file() && !args.handout.join("solutions").exists(),
        "{} is no handout; make one with `cargo grade handout`",
        args.handout.display()
    );
    fs::create_dir_all(args.handout.join(".github/workflows"))
        .with_context(|| format!("{} cannot be written", args.handout.display()))?;
    let (given, others) = given(course, &args.handout)?;
    for (path, text) in [
        (GIVEN, given.as_str()),
        (OTHERS, &others),
        (SCRIPT, include_str!("classroom/given.sh")),
        (WORKFLOW, &workflow(&labs)),
    ] {
        report::put(&args.handout.join(path), text.as_bytes())?;
    }
    println!(
        "{}: credit for each check of {} labs. Protect .github in the assignment's settings; that marks who changes it, and keeps nobody from it.",
        args.handout.join(WORKFLOW).display(),
        labs.len()
    );
    for lab in labs {
        let entry = course.entry(lab);
        if let Some(weight) = entry
            .map(|entry| entry.weight)
            .filter(|weight| *weight != 1.0)
        {
            println!(
                "{}: its checks' points count there as they are, without the weight {weight} of course.toml",
                lab.topic
            );
        }
        super::say_hidden(lab)?;
    }
    Ok(())
}

/// What `sha256sum --check` reads: every file that judging depends on and a learner does not edit. And the names of all
/// others, a line each.
fn given(course: &Course, handout: &Path) -> anyhow::Result<(String, String)> {
    let (mut lines, mut others) = (String::new(), String::new());
    for path in files::files_below(handout)? {
        let below = path.strip_prefix(handout).unwrap_or(&path);
        let name = below.display().to_string();
        let judged_by = ["labs/", "crates/", ".cargo/", "Cargo.", "course.toml"];
        let edited = course.labs().iter().any(|lab| {
            let of_lab = below.strip_prefix(Path::new("labs").join(&lab.folder));
            of_lab.is_ok_and(|path| lab.edit.iter().any(|edit| edit == path))
        });
        if edited || !judged_by.iter().any(|start| name.starts_with(start)) {
            let _ = writeln!(others, "{name}");
            continue;
        }
        let bytes =
            fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        for byte in Sha256::digest(&bytes) {
            let _ = write!(lines, "{byte:02x}");
        }
        let _ = writeln!(lines, "  {name}");
    }
    Ok((lines, others))
}

fn workflow(labs: &[&Lab]) -> String {
    let mut steps = String::new();
    let mut runners = Vec::new();
    let mut results = String::new();
    for lab in labs {
        let _ = write!(
            steps,
            "      - name: Build the checks of {topic}\n        run: cargo test --quiet --locked --no-run --package {topic} --test checks\n        continue-on-error: true\n",
            topic = lab.topic
        );
        for (number, check) in lab.checks().enumerate() {
            let id = format!("{}-{}", lab.topic, number + 1);
            let bonus = if check.kind == Kind::Bonus {
                " (bonus)"
            } else {
                ""
            };
            let _ = write!(
                steps,
                "      - name: {id}
        id: {id}
        uses: education/autograding-command-grader@v1
        with:
          test-name: '{topic}: {sentence}{bonus}'
          command: cargo test --quiet --locked --package {topic} --test checks -- --exact {path}
          timeout: {MINUTES}
          max-score: {points}
",
                topic = lab.topic,
                sentence = check.name.replace('_', " "),
                path = check.path(),
                points = check.points,
            );
            let _ = writeln!(
                results,
                "          {}_RESULTS: '${{{{ steps.{id}.outputs.result }}}}'",
                id.to_uppercase()
            );
            runners.push(id);
        }
    }
    format!(
        "name: Autograding Tests
on: [push, workflow_dispatch, repository_dispatch]
permissions:
  checks: write
  actions: read
  contents: read
jobs:
  run-autograding-tests:
    runs-on: ubuntu-latest
    if: github.actor != 'github-classroom[bot]'
    env:
      # A check that this machine cannot run fails, and is not passed over: what is passed over would count as passed.
      WIRELAB_REQUIRE: {REQUIRED}
    steps:
      - uses: actions/checkout@v4
      - name: What was given out is as it was
        run: bash {SCRIPT}
      - name: The machine can judge
        run: |
          # From 24.04 on, Ubuntu keeps programs from making user namespaces.
          sudo sysctl --quiet kernel.apparmor_restrict_unprivileged_userns=0 || true
          unshare --user --map-root-user --net true && grep --quiet ' lo$' /proc/net/if_inet6 ||
            {{ echo '::error::This machine lacks user namespaces or the address ::1, so nothing was judged. That is no fault of yours.'; exit 1; }}
{steps}      - name: Points
        uses: education/autograding-grading-reporter@v1
        env:
{results}        with:
          runners: {}
",
        runners.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_its_points() {
        let course = Course::find(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let lab = course.lab("tcp-echo").unwrap();
        let text = workflow(&[lab]);
        let mut points = 0;
        for check in lab.checks() {
            let command = format!("-- --exact {}\n", check.path());
            assert_eq!(text.matches(&command).count(), 1, "{}", check.name);
        }
        for line in text.lines() {
            if let Some(score) = line.trim().strip_prefix("max-score: ") {
                points += score.parse::<u32>().unwrap();
            }
        }
        assert_eq!(points, lab.max_points().total().0);
        let count = lab.checks().count();
        assert_eq!(
            text.matches("_RESULTS: '${{ steps.tcp-echo-").count(),
            count
        );
        assert!(
            text.contains("TCP-ECHO-1_RESULTS: '${{ steps.tcp-echo-1.outputs.result }}'"),
            "{text}"
        );
        assert!(text.contains(&format!("tcp-echo-{count}\n")), "{text}");
    }
}
