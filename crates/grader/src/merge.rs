//! `cargo grade merge`: the shards of a class, joined to what one run would have come to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use course::Course;

use crate::cli;
use crate::draft::Draft;
use crate::late::Adjustments;
use crate::people::People;
use crate::regrade;
use crate::report::{self, Cell, Class, Row, Status, safe, sources};

/// The file in which a shard leaves what it came to.
pub const SHARD: &str = "shard.json";

/// Joins the shards that `args` names.
///
/// # Errors
/// One is missing or there twice, or they are not of the same class.
pub fn run(course: &Course, args: &cli::Merge) -> anyhow::Result<ExitCode> {
    let mut shards: BTreeMap<usize, (PathBuf, Draft)> = BTreeMap::new();
    for dir in &args.dirs {
        let draft = read(dir)?;
        let Some((number, of)) = draft.shard else {
            bail!("{} is not of one shard", dir.display());
        };
        if let Some((other, first)) = shards.values().next()
            && first.shard.map(|(_, of)| of) != Some(of)
        {
            bail!(
                "{} is one of {of} shards, {} one of another number",
                dir.display(),
                other.display()
            );
        }
        if let Some((other, _)) = shards.insert(number, (dir.clone(), draft)) {
            bail!(
                "{} and {} are both shard {number}",
                other.display(),
                dir.display()
            );
        }
    }
    let of = shards
        .values()
        .find_map(|(_, draft)| draft.shard)
        .map_or(0, |(_, of)| of);
    let missing: Vec<String> = (1..=of)
        .filter(|number| !shards.contains_key(number))
        .map(|number| number.to_string())
        .collect();
    ensure!(
        missing.is_empty(),
        "of {of} shards these are missing: {}",
        missing.join(", ")
    );
    let journals: Vec<PathBuf> = shards
        .values()
        .map(|(dir, _)| dir.join("journal.jsonl"))
        .collect();
    let mut whole = join(shards.into_values())?;
    change_by_hand(course, &mut whole, &args.out)?;
    let earlier = Class::read(&args.out)?;
    let before = earlier.as_ref().map_or(&[][..], |class| &class.students);
    regrade::note_programs(&mut whole.class.students, before);

    fs::create_dir_all(&args.out)
        .with_context(|| format!("{} cannot be made", args.out.display()))?;
    for dir in &args.dirs {
        sources::copy(dir, &args.out)?;
    }
    whole.keep(&args.out)?;
    let class = whole.finish();
    class.write(&args.out)?;
    let mut journal = Vec::new();
    for path in journals {
        let text = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        journal.extend(text);
        if journal.last().is_some_and(|byte| *byte != b'\n') {
            journal.push(b'\n');
        }
    }
    report::put(&args.out.join("journal.jsonl"), &journal)?;
    // All parts were told the same: who goes on from the whole goes on from that.
    if let Some(told) = args
        .dirs
        .iter()
        .find_map(|dir| fs::read(dir.join(report::TOLD)).ok())
    {
        report::put(&args.out.join(report::TOLD), &told)?;
    }
    if let Some(earlier) = earlier {
        regrade::say(&earlier, &class, &args.out)?;
    }
    Ok(class.said(&args.out))
}

fn read(dir: &Path) -> anyhow::Result<Draft> {
    let path = dir.join(SHARD);
    ensure!(
        path.exists(),
        "{} is not there; it is written at the end of `cargo grade run --shard`",
        path.display()
    );
    Draft::read(&path)
}

/// Lays shards upon each other: what the one leaves out, another has.
fn join(shards: impl Iterator<Item = (PathBuf, Draft)>) -> anyhow::Result<Draft> {
    let mut whole: Option<(PathBuf, Draft, Draft)> = None;
    for (dir, shard) in shards {
        let outline = outline(&shard);
        let Some((first, whole, known)) = &mut whole else {
            whole = Some((dir, shard, outline));
            continue;
        };
        ensure!(
            whole.secret == shard.secret,
            "{} and {} were graded with different secrets: run one of them again, with --resume and the --secret of the others",
            first.display(),
            dir.display()
        );
        if let Some(what) = differing(known, &outline)? {
            bail!(
                "{} and {} are not of the same class: the submissions, the course, the compiler, the sandbox and all options must be the same in every shard, and {what}",
                first.display(),
                dir.display()
            );
        }
        for (ours, theirs) in whole.class.labs.iter_mut().zip(shard.class.labs) {
            match (&ours.checks, theirs.checks) {
                (Some(ours), Some(theirs)) => ensure!(
                    *ours == theirs,
                    "{} and {} were judged by other checks: grade every part with the same course and the same compiler, at the same path",
                    first.display(),
                    dir.display()
                ),
                (None, theirs) => ours.checks = theirs,
                (Some(_), None) => {}
            }
        }
        for (ours, theirs) in whole.class.students.iter_mut().zip(shard.class.students) {
            for (ours, theirs) in ours.labs.iter_mut().zip(theirs.labs) {
                if ours.status == Status::Elsewhere {
                    *ours = theirs;
                }
            }
        }
    }
    let (_, mut whole, _) = whole.context("name the shards' folders")?;
    for row in &whole.class.students {
        let mut cells = row.labs.iter();
        if let Some(cell) = cells.find(|cell| cell.status == Status::Elsewhere) {
            bail!(
                "no part has judged {} of {}, so one of them is not the part that its {SHARD} says: run the parts again with --resume, each with a --shard of its own",
                cell.topic,
                safe::plain(&row.student)
            );
        }
    }
    whole.shard = None;
    Ok(whole)
}

/// Makes the changes by hand that lie in the folder of the grades, as one run would.
fn change_by_hand(course: &Course, whole: &mut Draft, out: &Path) -> anyhow::Result<()> {
    let Some(path) = Adjustments::beside(out) else {
        return Ok(());
    };
    let mut adjustments = Adjustments::read(&path, course)?;
    let nobody = adjustments
        .lines
        .resolve(&People::new(whole.people.iter().cloned()))?;
    let labs = whole.class.labs.iter();
    let topics: Vec<&str> = labs.map(|lab| lab.topic.as_str()).collect();
    for line in nobody.into_iter().chain(adjustments.elsewhere(&topics)) {
        eprintln!("warning: {line}");
    }
    let cells = || {
        let rows = whole.class.students.iter();
        rows.flat_map(|row| row.labs.iter().map(move |cell| (row, cell)))
    };
    if cells().any(|(_, cell)| !cell.adjustments.is_empty()) {
        let other = |(row, cell): &(&Row, &Cell)| {
            cell.adjustments != adjustments.of(&row.student, &cell.topic)
        };
        if let Some((row, cell)) = cells().find(other) {
            bail!(
                "{} has other changes for {} of {} than the parts: run these again with --resume and without adjustments of their own, and merge again",
                path.display(),
                cell.topic,
                safe::plain(&row.student)
            );
        }
    }
    for row in &mut whole.class.students {
        adjustments.change(row);
    }
    Ok(())
}

/// What must be the same in every shard: everything but what the checks said.
fn outline(draft: &Draft) -> Draft {
    let mut draft = draft.clone();
    draft.shard = None;
    for lab in &mut draft.class.labs {
        lab.checks = None;
    }
    for cell in draft
        .class
        .students
        .iter_mut()
        .flat_map(|row| &mut row.labs)
    {
        // What no checks are run for is the same everywhere.
        let judged = cell.sources.is_some();
        let outline = Cell {
            late: cell.late.clone(),
            adjustments: cell.adjustments.clone(),
            sources: cell.sources.clone(),
            ..Cell::plain(
                &cell.topic,
                if judged {
                    Status::Elsewhere
                } else {
                    cell.status
                },
                cell.message.clone().filter(|_| !judged),
            )
        };
        *cell = outline;
    }
    draft
}

/// In what two outlines are not the same, as the end of a sentence; none where they are.
fn differing(one: &Draft, other: &Draft) -> anyhow::Result<Option<String>> {
    let (ours, theirs) = (&one.class, &other.class);
    for (what, ours, theirs) in [
        ("the sandbox", &ours.sandbox, &theirs.sandbox),
        ("the compiler", &ours.toolchain, &theirs.toolchain),
    ] {
        if ours != theirs {
            return Ok(Some(format!("{what} is not: {ours:?} and {theirs:?}")));
        }
    }
    let topics =
        |class: &Class| -> Vec<String> { class.labs.iter().map(|lab| lab.topic.clone()).collect() };
    if topics(ours) != topics(theirs) {
        let (ours, theirs) = (topics(ours).join(", "), topics(theirs).join(", "));
        return Ok(Some(format!("the labs are not: {ours}; and {theirs}")));
    }
    for (ours, theirs) in ours.labs.iter().zip(&theirs.labs) {
        if serde_json::to_value(ours)? != serde_json::to_value(theirs)? {
            return Ok(Some(format!(
                "what is said of {} is not: its hidden checks, its weight, or when it is due",
                ours.topic
            )));
        }
    }
    if one.counts != other.counts {
        return Ok(Some("--attempt is not".to_owned()));
    }
    for (ours, theirs) in ours.students.iter().zip(&theirs.students) {
        if serde_json::to_value(ours)? != serde_json::to_value(theirs)? {
            return Ok(Some(format!(
                "what is known of {} is not: what was handed in, when, the roster, or a change by hand",
                safe::plain(&ours.student)
            )));
        }
    }
    let same = serde_json::to_string(one)? == serde_json::to_string(other)?;
    Ok((!same)
        .then(|| "who is in the class is not: the entries, the roster, or --earlier".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Person;

    const LAB: &str = "first-contact";

    /// One of two parts of a class of ada and bob: the first has judged ada, the second bob.
    fn part(number: usize) -> Draft {
        let row = |place: usize, student: &str| {
            let mut cell = if place == number {
                Cell {
                    points: Some(9),
                    ..Cell::plain(LAB, Status::Graded, None)
                }
            } else {
                Cell::plain(LAB, Status::Elsewhere, None)
            };
            cell.sources = Some("0".repeat(64));
            Row {
                student: student.to_owned(),
                entries: vec![student.to_owned()],
                labs: vec![cell],
                ..Row::default()
            }
        };
        let lab = serde_json::json!({
            "topic": LAB, "title": "", "weight": 1.0, "max_points": 9, "max_bonus_points": 0, "checks": null,
        });
        let person = |student: &str, login: &str| Person {
            student: student.to_owned(),
            words: vec![login.to_owned()],
            ..Person::default()
        };
        Draft {
            version: course::VERSION,
            shard: Some((number, 2)),
            secret: "a".to_owned(),
            people: vec![person("ada", "a1"), person("bob", "b2")],
            counts: crate::draft::Counts::Latest,
            class: Class {
                version: course::VERSION,
                course: String::new(),
                sandbox: String::new(),
                sandbox_notes: Vec::new(),
                toolchain: String::new(),
                labs: vec![serde_json::from_value(lab).unwrap()],
                students: vec![row(1, "ada"), row(2, "bob")],
            },
            attempts: vec![1, 1],
        }
    }

    /// A folder with what two parts have left, and what merging them comes to.
    struct Parts {
        home: tempfile::TempDir,
        args: cli::Merge,
    }

    impl Parts {
        fn new() -> Parts {
            let home = tempfile::tempdir().unwrap();
            let dirs = ["1", "2"].map(|name| home.path().join(name));
            for dir in &dirs {
                fs::create_dir(dir).unwrap();
                fs::write(dir.join("journal.jsonl"), "").unwrap();
            }
            let args = cli::Merge {
                dirs: dirs.to_vec(),
                out: home.path().join("grades"),
            };
            let parts = Parts { home, args };
            parts.leave(1, &part(1));
            parts.leave(2, &part(2));
            parts
        }

        /// Has the folder of a part hold this.
        fn leave(&self, number: usize, draft: &Draft) {
            let path = self.home.path().join(number.to_string()).join(SHARD);
            fs::write(path, serde_json::to_vec(draft).unwrap()).unwrap();
        }

        /// The scores of ada and bob.
        fn merged(&self) -> anyhow::Result<Vec<Option<f64>>> {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            run(&Course::load(&root)?, &self.args)?;
            let class = Class::of(&self.args.out)?;
            Ok(class.students.iter().map(|row| row.labs[0].score).collect())
        }

        fn refused(&self) -> String {
            self.merged().unwrap_err().to_string()
        }

        fn changes(&self) -> Vec<String> {
            let text = fs::read_to_string(self.args.out.join("changes.csv")).unwrap_or_default();
            let lines = text.lines().skip(1);
            lines
                .map(|line| line.rsplit_once(',').unwrap().0.to_owned())
                .collect()
        }
    }

    #[test]
    fn what_is_changed_by_hand_stays_so_whenever_parts_are_merged() {
        let parts = Parts::new();
        let nine = [Some(9.0), Some(9.0)];
        let less = [Some(9.0), Some(6.0)];
        assert_eq!(parts.merged().unwrap(), nine);
        assert!(!parts.args.out.join("changes.csv").exists());
        let table = parts.args.out.join("adjustments.csv");
        let lines = "student,lab,points,reason\nb2,first-contact,-3,copied\n";
        fs::write(&table, lines).unwrap();
        assert_eq!(parts.merged().unwrap(), less);
        assert_eq!(parts.merged().unwrap(), less);
        let changed = "bob,first-contact,9,6,by hand: 3 fewer: copied";
        assert_eq!(parts.changes(), [changed]);

        // What the parts were told is held against it.
        for number in [1, 2] {
            let mut draft = part(number);
            let adjustment = serde_json::json!({"points": -3.0, "reason": "copied"});
            let adjustment = serde_json::from_value(adjustment).unwrap();
            draft.class.students[1].labs[0].adjustments = vec![adjustment];
            parts.leave(number, &draft);
        }
        assert_eq!(parts.merged().unwrap(), less);
        fs::write(&table, lines.replace("-3", "-2")).unwrap();
        let error = parts.refused();
        assert!(
            error.contains("other changes for first-contact of bob than the parts"),
            "{error}"
        );

        // Taken away on purpose, it is gone, and that is told.
        parts.leave(1, &part(1));
        parts.leave(2, &part(2));
        fs::remove_file(&table).unwrap();
        assert_eq!(parts.merged().unwrap(), nine);
        assert_eq!(
            parts.changes()[1..],
            ["bob,first-contact,6,9,no change by hand any more"]
        );
    }

    #[test]
    fn parts_with_different_secrets_are_refused() {
        let parts = Parts::new();
        let other = Draft {
            secret: "b".to_owned(),
            ..part(2)
        };
        parts.leave(2, &other);
        let error = parts.refused();
        assert!(error.contains("with different secrets"), "{error}");
        assert!(!parts.args.out.exists());
    }

    #[test]
    fn a_part_under_the_number_of_another_is_refused() {
        let parts = Parts::new();
        let other = Draft {
            shard: Some((2, 2)),
            ..part(1)
        };
        parts.leave(2, &other);
        let error = parts.refused();
        assert!(
            error.contains("no part has judged first-contact of bob"),
            "{error}"
        );
        assert!(!parts.args.out.exists());
    }
}
