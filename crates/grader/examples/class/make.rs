//! Making the class.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use course::{Course, Hidden, Lab};
use grader::digest;

use crate::expect::{Expected, ExpectedRow, Rows};
use crate::hostile;
use crate::pack::{self, Files};

/// `make`
#[derive(Debug, Args)]
pub struct Make {
    /// The folder to make
    dir: PathBuf,
    /// How many students hand something in, odd archives and hostile programs aside
    #[arg(long, default_value_t = 184, value_name = "N")]
    students: usize,
    /// Leave the hostile programs out
    #[arg(long)]
    tame: bool,
    /// Only these labs: topics or numbers, with commas between
    #[arg(long, value_name = "LABS", value_delimiter = ',')]
    labs: Vec<String>,
    /// Another class for another word
    #[arg(long, default_value = "wirelab", value_name = "WORD")]
    seed: String,
    /// So many of the hundred have handed in again, with other text: what is graded when it is graded anew
    #[arg(long, default_value_t = 0, value_name = "PERCENT")]
    resubmit: usize,
}

/// Where a student's choices come from: numbers that the seed and the student decide.
struct Dice<'a> {
    seed: &'a str,
    who: String,
}

impl Dice<'_> {
    fn throw(&self, what: &str, sides: usize) -> usize {
        let hash = digest::of(&[self.seed, &self.who, what]);
        let number = u64::from_str_radix(&hash[..15], 16).unwrap_or(0);
        usize::try_from(number % sides.max(1) as u64).unwrap_or(0)
    }
}

/// What can be handed in for one lab.
struct Shelf<'c> {
    lab: &'c Lab,
    /// What a solution earns, by the hidden checks too.
    all_points: u32,
    /// The learner's files, solved.
    solution: Files,
    starter: Files,
    /// Each wrong answer's files, and the checks that it fails.
    wrong: Vec<(Files, Vec<String>)>,
}

impl Shelf<'_> {
    fn of<'c>(lab: &'c Lab) -> anyhow::Result<Shelf<'c>> {
        let dir = lab
            .solution_dir()
            .with_context(|| format!("{} has no solution here", lab.topic))?;
        let read = |dir: &Path, path: &Path| -> anyhow::Result<(String, Vec<u8>)> {
            let name = format!("labs/{}/{}", lab.folder, path.display());
            Ok((name, fs::read(dir.join(path))?))
        };
        let all = |dir: &Path| -> anyhow::Result<Files> {
            lab.edit.iter().map(|path| read(dir, path)).collect()
        };
        let solution = all(&dir)?;
        let mut wrong = Vec::new();
        for answer in lab.wrong_answers()? {
            // One that takes its word for the given files has nothing that a learner could hand in.
            if !answer.files.iter().all(|file| lab.edit.contains(file)) {
                continue;
            }
            let mut files: BTreeMap<String, Vec<u8>> = solution.iter().cloned().collect();
            for file in &answer.files {
                let (name, bytes) = read(answer.dir(), file)?;
                files.insert(name, bytes);
            }
            wrong.push((files.into_iter().collect(), answer.fails.clone()));
        }
        let hidden = Hidden::of(lab)?.map_or(0, |hidden| hidden.max_points().total().0);
        Ok(Shelf {
            lab,
            all_points: lab.max_points().total().0 + hidden,
            solution,
            starter: all(&lab.dir())?,
            wrong,
        })
    }

    /// What this student hands in for the lab, and what that comes to.
    fn choose(&self, dice: &Dice<'_>) -> (Files, Expected) {
        let topic = &self.lab.topic;
        let (files, expected) = match dice.throw(topic, 100) {
            0..62 => (&self.solution, Expected::Points(self.all_points)),
            62..84 if !self.wrong.is_empty() => {
                let which = dice.throw(&format!("{topic} wrong"), self.wrong.len());
                let (files, fails) = &self.wrong[which];
                (files, Expected::Fails(fails.clone()))
            }
            84..88 => return (self.starter.clone(), Expected::Starter),
            88..92 => {
                let mut files = signed(&self.solution, dice);
                files[0].1.extend(b"\nfn unfinished( {\n");
                return (files, Expected::DoesNotCompile);
            }
            92..100 => return (Files::new(), Expected::Missing),
            _ => (&self.solution, Expected::Points(self.all_points)),
        };
        // Most have texts of their own; some are each other's.
        let copied = dice.throw(&format!("{topic} copied"), 10) == 0;
        let files = if copied {
            files.clone()
        } else {
            signed(files, dice)
        };
        (files, expected)
    }
}

/// The same program in nobody else's words: what is compiled once for one is not for the other.
fn signed(files: &Files, dice: &Dice<'_>) -> Files {
    let mut files = files.clone();
    if let Some((_, text)) = files.first_mut() {
        text.extend(format!("\n// {} of {}\n", dice.who, dice.seed).bytes());
    }
    files
}

const GIVEN: [&str; 16] = [
    "Ada", "Alan", "Barbara", "Donald", "Edsger", "Frances", "Grace", "Hedy", "John", "Karen",
    "Leslie", "Margaret", "Niklaus", "Radia", "Shafi", "Tim",
];
const FAMILY: [&str; 15] = [
    "Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper",
    "Katsura", "Linden", "Maple", "Oak", "Pine",
];

pub fn run(course: &Course, args: &Make) -> anyhow::Result<()> {
    let inbox = args.dir.join("submissions");
    if inbox.exists() {
        fs::remove_dir_all(&inbox)?;
    }
    fs::create_dir_all(&inbox)?;
    let labs = course.labs_named(&args.labs)?;
    let shelves = labs
        .iter()
        .map(|lab| Shelf::of(lab))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut rows = Rows::new();
    let mut roster = csv::Writer::from_path(args.dir.join("roster.csv"))?;
    roster.write_record(["student", "name", "email"])?;
    for number in 0..args.students {
        let student = format!("s{number:04}");
        let dice = Dice {
            seed: &args.seed,
            who: student.clone(),
        };
        let given = GIVEN[number % GIVEN.len()];
        let family = FAMILY[number / GIVEN.len() % FAMILY.len()];
        let middle = number / (GIVEN.len() * FAMILY.len());
        let name = if middle == 0 {
            format!("{given} {family}")
        } else {
            format!("{given} {middle} {family}")
        };
        roster.write_record([&student, &name, &format!("{student}@example.org")])?;
        let again = dice.throw("again", 100) < args.resubmit;
        let mut row = ExpectedRow {
            flags: Vec::new(),
            labs: BTreeMap::new(),
        };
        let mut files = Files::new();
        for shelf in &shelves {
            let (mut part, expected) = shelf.choose(&dice);
            let written = matches!(expected, Expected::Points(_) | Expected::Fails(_));
            if again
                && written
                && let Some((_, text)) = part.first_mut()
            {
                text.extend(b"\n// once more\n");
            }
            files.append(&mut part);
            row.labs.insert(shelf.lab.topic.clone(), expected);
        }
        if files.is_empty() {
            row.flags.push("missing".to_owned());
        } else {
            row.flags
                .extend(hand_in(&inbox, number, &student, &name, &files)?);
        }
        rows.insert(student, row);
    }
    odd(&inbox, &shelves, &mut rows)?;
    if !args.tame
        && let Some(shelf) = shelves
            .iter()
            .find(|shelf| shelf.lab.folder == hostile::FOLDER)
    {
        harmful(course, &inbox, shelf, &shelves, &mut rows)?;
    }
    roster.write_record(["absent", "Nobody Absent", ""])?;
    expect_all(
        &mut rows,
        "absent",
        &shelves,
        &["missing"],
        &Expected::Missing,
    );
    roster.flush()?;
    let expected = args.dir.join("expected.json");
    fs::write(&expected, serde_json::to_vec_pretty(&rows)?)?;
    println!("{} rows, {}", rows.len(), expected.display());
    Ok(())
}

/// Packs a submission in one of the ways in which it may come; what flags its way gives it.
fn hand_in(
    inbox: &Path,
    number: usize,
    student: &str,
    name: &str,
    files: &Files,
) -> anyhow::Result<Vec<String>> {
    let words: Vec<&str> = name.split(' ').collect();
    let (first, last) = words.split_at(words.len() - 1);
    let sortable = (last.concat() + &first.concat()).to_lowercase();
    let mut flags = Vec::new();
    match number % 6 {
        0 => pack::zip(
            &inbox.join(format!(
                "{sortable}_{}_{}_labs.zip",
                2000 + number,
                9000 + number
            )),
            files,
        )?,
        1 => {
            let late = number % 12 == 1;
            let mark = if late { "LATE_" } else { "" };
            if late {
                flags.push("late".to_owned());
            }
            let entry = format!(
                "{sortable}_{mark}{}_{}_labs.zip",
                2000 + number,
                9000 + number
            );
            pack::zip(&inbox.join(entry), files)?;
        }
        2 => pack::folder(
            &inbox.join(format!("{name}_{}_assignsubmission_file_", 4000 + number)),
            files,
        )?,
        3 => pack::folder(&inbox.join(format!("wirelab-{student}")), files)?,
        4 => pack::tar_gz(&inbox.join(format!("{student}.tar.gz")), files)?,
        _ => pack::zip(&inbox.join(format!("{student}.zip")), files)?,
    }
    Ok(flags)
}

fn expect_all(
    rows: &mut Rows,
    student: &str,
    shelves: &[Shelf<'_>],
    flags: &[&str],
    expected: &Expected,
) {
    let labs = shelves
        .iter()
        .map(|shelf| (shelf.lab.topic.clone(), expected.clone()));
    let row = ExpectedRow {
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        labs: labs.collect(),
    };
    rows.insert(student.to_owned(), row);
}

/// Entries that are refused, whole or in part.
fn odd(inbox: &Path, shelves: &[Shelf<'_>], rows: &mut Rows) -> anyhow::Result<()> {
    let Some(shelf) = shelves.first() else {
        return Ok(());
    };
    let (path, text) = shelf.solution[0].clone();
    fs::write(inbox.join("odd-rar.rar"), b"Rar!\x1a\x07\x00")?;
    fs::write(inbox.join("odd-renamed.zip"), b"Rar!\x1a\x07\x01\x00")?;
    fs::write(inbox.join("odd-cut.zip"), b"PK\x03\x04")?;
    pack::zip(
        &inbox.join("odd-dots.zip"),
        &vec![("../../etc/cron.d/x".to_owned(), b"x".to_vec())],
    )?;
    pack::zip(
        &inbox.join("odd-bomb.zip"),
        &vec![("bomb".to_owned(), vec![0; 20 << 20])],
    )?;
    pack::folder(
        &inbox.join("odd-nothing"),
        &vec![("README.md".to_owned(), b"sorry".to_vec())],
    )?;
    for (student, reason) in [
        ("odd-rar", "a .rar file cannot be read here"),
        ("odd-renamed", "a .rar file cannot be read here"),
        ("odd-cut", "the .zip cannot be read"),
        ("odd-dots", "leads out of the folder"),
        ("odd-bomb", "as an archive bomb does"),
        ("odd-nothing", "no file of any lab in it"),
    ] {
        let expected = Expected::Refused(reason.to_owned());
        expect_all(
            rows,
            student,
            shelves,
            &["not-on-roster", "refused"],
            &expected,
        );
    }
    let mut other_case = path.clone();
    other_case.replace_range(other_case.len() - 2.., "RS");
    let twice: Files = vec![(path.clone(), text), (other_case, b"other".to_vec())];
    pack::zip(&inbox.join("odd-case.zip"), &twice)?;
    pack::link(&inbox.join("odd-link.tar.gz"), &path, "/etc/passwd")?;
    pack::folder(
        &inbox.join("odd-long"),
        &vec![(path, vec![b' '; (1 << 20) + 1])],
    )?;
    for (student, reason) in [
        ("odd-case", "the same file twice, with different content"),
        ("odd-link", "it is a symbolic link"),
        ("odd-long", "it is longer than 1024 KiB"),
    ] {
        expect_all(
            rows,
            student,
            shelves,
            &["not-on-roster"],
            &Expected::Missing,
        );
        if let Some(row) = rows.get_mut(student) {
            row.labs.insert(
                shelf.lab.topic.clone(),
                Expected::Refused(reason.to_owned()),
            );
        }
    }
    Ok(())
}

/// Programs that mean harm: only the last step of the first lab does not go through what they replace.
fn harmful(
    course: &Course,
    inbox: &Path,
    shelf: &Shelf<'_>,
    shelves: &[Shelf<'_>],
    rows: &mut Rows,
) -> anyhow::Result<()> {
    let last = shelf.lab.steps.last().context("the first lab has steps")?;
    let rest: u32 = last.checks.iter().map(|check| check.points.0).sum();
    let with_echo = |text: String| -> Files {
        let files = shelf.solution.iter().map(|(path, bytes)| {
            let bytes = if path.ends_with("src/echo.rs") {
                text.clone().into_bytes()
            } else {
                bytes.clone()
            };
            (path.clone(), bytes)
        });
        files.collect()
    };
    let secret = course.root().join("course.toml");
    let mut all: Vec<(String, String, Expected)> = hostile::ACTS
        .iter()
        .enumerate()
        .map(|(n, act)| {
            (
                format!("hostile-{n}"),
                hostile::echo(*act),
                Expected::Points(rest),
            )
        })
        .collect();
    all.push((
        "hostile-include".to_owned(),
        hostile::including(&secret),
        Expected::DoesNotCompile,
    ));
    for (student, text, expected) in all {
        pack::folder(&inbox.join(&student), &with_echo(text))?;
        expect_all(
            rows,
            &student,
            shelves,
            &["not-on-roster"],
            &Expected::Missing,
        );
        if let Some(row) = rows.get_mut(&student) {
            row.labs.insert(shelf.lab.topic.clone(), expected);
        }
    }
    Ok(())
}
