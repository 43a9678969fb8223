//! `cargo grade similar`: which submissions are alike. It says where to look, and judges nobody.
//!
//! [`code`] takes away what is easily changed in a program, [`pairs`] compares what is left, and [`dolos`] hands over
//! to a tool that shows programs side by side.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use course::{Course, Lab};
use serde::Serialize;

use crate::cli::Similar;
use crate::files::put;
use crate::intake::{self, Submission};
use crate::late::Times;
use crate::people::{People, Person};
use crate::report::safe;
use crate::roster::{self, Roster, Student};

mod code;
mod dolos;
mod pairs;

use pairs::{Given, Kind, Work};

/// What must be said beside everything that is found.
const NOTE: &str = "This is no verdict. Pairs are alike for many reasons: a short lab has few solutions, people work \
together where they may, and ask the same books. Read both programs, and ask both people.";

/// How many pairs of a lab the terminal shows.
const SHOWN: usize = 20;

/// Who wrote something that is compared.
#[derive(Debug)]
struct Author {
    id: String,
    name: String,
    /// The folder of `--against`; none for the class itself.
    from: Option<String>,
    /// What tables may call this one, beside that.
    person: Person,
    labs: BTreeMap<String, BTreeMap<PathBuf, String>>,
}

impl Author {
    fn of(submission: Submission, roster: Option<&Roster>, from: Option<&str>) -> Author {
        let who = submission.who;
        let known = roster.and_then(|roster| roster.find(&who));
        let student = known.cloned().unwrap_or_else(|| Student {
            student: who.key.clone(),
            name: who.name.clone(),
            ..Student::default()
        });
        let mut person = Person::from(&student);
        person.words.push(who.key);
        person.words.extend(who.aliases);
        Author {
            id: student.student,
            name: student.name,
            from: from.map(str::to_owned),
            person,
            labs: submission.labs,
        }
    }

    /// What of a lab cannot be compared, and why.
    fn gaps(&self, lab: &Lab, given: &Given) -> Vec<String> {
        let files = self.labs.get(&lab.folder).into_iter().flatten();
        let own = files.filter(|(path, text)| given.starter.get(*path) != Some(*text));
        let gaps = own.filter_map(|(path, text)| {
            let path = Path::new(&lab.folder).join(path);
            let gap = code::gap(text)?;
            Some(format!("{}: {}: {gap}", self.id, path.display()))
        });
        gaps.map(|gap| safe::plain(&gap)).collect()
    }

    fn label(&self) -> &str {
        self.from.as_deref().unwrap_or("class")
    }
}

/// All that is compared: the class first.
#[derive(Debug, Default)]
struct Authors {
    all: Vec<Author>,
    /// How many are of the class.
    own: usize,
    /// What was not compared, and why.
    left_out: Vec<String>,
}

impl Authors {
    fn of(course: &Course, args: &Similar, labs: &[&Lab]) -> anyhow::Result<Authors> {
        let roster = args.roster.as_deref().map(roster::read).transpose()?;
        let mut authors = Authors::default();
        authors.take(course, &args.submissions, roster.as_ref(), labs, None)?;
        authors.own = authors.all.len();
        for dir in &args.against {
            let name = dir.canonicalize().unwrap_or_else(|_| dir.clone());
            let name = name.file_name().unwrap_or(name.as_os_str());
            let name = name.to_string_lossy().into_owned();
            let solutions = lab_folders(course, dir)?;
            if solutions.is_empty() {
                authors.take(course, dir, None, labs, Some(&name))?;
            } else {
                authors.all.push(Author {
                    id: name.clone(),
                    name: String::new(),
                    from: Some(name),
                    person: Person::default(),
                    labs: solutions,
                });
            }
        }
        Ok(authors)
    }

    fn take(
        &mut self,
        course: &Course,
        dir: &Path,
        roster: Option<&Roster>,
        labs: &[&Lab],
        from: Option<&str>,
    ) -> anyhow::Result<()> {
        for submission in intake::take_in(course, dir, roster, labs)? {
            let entry = submission.entries.join(" and ");
            let whole = submission.refused.iter().cloned();
            let labs = submission.refused_labs.iter();
            let labs = labs.map(|(lab, reason)| format!("{entry}: {lab}: {reason}"));
            let whole = whole.map(|reason| {
                let names_it = submission
                    .entries
                    .iter()
                    .any(|entry| reason.starts_with(entry));
                if names_it {
                    reason
                } else {
                    format!("{entry}: {reason}")
                }
            });
            let reasons = whole.chain(labs);
            self.left_out
                .extend(reasons.map(|reason| safe::plain(&reason)));
            self.all.push(Author::of(submission, roster, from));
        }
        Ok(())
    }
}

/// The labs in a folder that has them beside each other, as that of the solutions.
fn lab_folders(
    course: &Course,
    dir: &Path,
) -> anyhow::Result<BTreeMap<String, BTreeMap<PathBuf, String>>> {
    let mut labs = BTreeMap::new();
    for lab in course.labs() {
        let mut files = BTreeMap::new();
        for path in &lab.edit {
            let from = dir.join(&lab.folder).join(path);
            if from.is_file() {
                let text = fs::read_to_string(&from)
                    .with_context(|| format!("{} cannot be read", from.display()))?;
                files.insert(path.clone(), text);
            }
        }
        if !files.is_empty() {
            labs.insert(lab.folder.clone(), files);
        }
    }
    Ok(labs)
}

/// One lab, compared.
#[derive(Debug, Serialize)]
struct Compared {
    lab: String,
    /// How many of the class wrote something.
    submissions: usize,
    /// How many others they were compared with.
    against: usize,
    pairs: Vec<Alike>,
}

impl Compared {
    /// A group in parts, in each of which all have every file the same, byte for byte.
    fn by_bytes<'g>(&self, group: &'g [&Side]) -> Vec<Vec<&'g Side>> {
        let is_exact = |one: &Side, other: &Side| {
            let mut pairs = self.pairs.iter().filter(|pair| pair.kind == Kind::Exact);
            pairs.any(|pair| {
                pair.left.is(one) && pair.right.is(other)
                    || pair.left.is(other) && pair.right.is(one)
            })
        };
        let mut parts: Vec<Vec<&Side>> = Vec::new();
        for side in group {
            match parts.iter_mut().find(|part| is_exact(part[0], side)) {
                Some(part) => part.push(side),
                None => parts.push(vec![side]),
            }
        }
        parts
    }

    /// Those of three or more who all have the same but for layout and names.
    fn groups(&self) -> Vec<Vec<&Side>> {
        let same = |pair: &&Alike| pair.kind != Kind::Similar;
        let mut groups: Vec<Vec<&Side>> = Vec::new();
        for pair in self.pairs.iter().filter(same) {
            let has = |group: &Vec<&Side>| {
                let mut sides = group.iter();
                sides.any(|side| side.is(&pair.left) || side.is(&pair.right))
            };
            let (mut joined, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(has);
            let mut group: Vec<&Side> = joined.drain(..).flatten().collect();
            for side in [&pair.left, &pair.right] {
                if !group.iter().any(|other| other.is(side)) {
                    group.push(side);
                }
            }
            groups = others;
            groups.push(group);
        }
        groups.retain(|group| group.len() > 2);
        groups
    }
}

/// Two that are alike.
#[derive(Debug, Serialize)]
struct Alike {
    kind: Kind,
    share: f64,
    shared: usize,
    left: Side,
    right: Side,
}

#[derive(Debug, Serialize)]
struct Side {
    student: String,
    name: String,
    from: Option<String>,
    /// How many shingles are its own, and none of the lab's.
    shingles: usize,
}

impl Side {
    fn of((author, work): &(&Author, Work)) -> Side {
        Side {
            student: author.id.clone(),
            name: author.name.clone(),
            from: author.from.clone(),
            shingles: work.shingles.len(),
        }
    }

    fn is(&self, other: &Side) -> bool {
        self.student == other.student && self.from == other.from
    }

    /// As the terminal shows it.
    fn shown(&self) -> String {
        let from = self.from.as_ref().filter(|from| **from != self.student);
        let from = from.map_or(String::new(), |from| format!(" ({from})"));
        let name = if self.name.is_empty() || self.name == self.student {
            String::new()
        } else {
            format!(" {}", self.name)
        };
        safe::plain(&format!("{}{name}{from}", self.student)).replace(['\n', '\t'], " ")
    }
}

/// What is written as similar.json.
#[derive(Debug, Serialize)]
struct Found {
    version: u32,
    note: &'static str,
    labs: Vec<Compared>,
    left_out: Vec<String>,
}

/// Compares what `args` names.
///
/// # Errors
/// Something cannot be read or written, or Dolos failed.
pub fn run(course: &Course, args: &Similar) -> anyhow::Result<()> {
    if let Some(out) = &args.out {
        intake::is_not_among(out, &args.submissions)?;
        make_room(out)?;
    }
    let mut times = match &args.times {
        Some(path) => Times::read(path, course)?,
        None => Times::default(),
    };
    let labs = course.labs_named(&args.labs)?;
    let authors = Authors::of(course, args, &labs)?;
    let own = authors.all[..authors.own].iter();
    let people = People::new(own.map(|author| author.person.clone()));
    for nobody in times.lines.resolve(&people)? {
        eprintln!("warning: {nobody}");
    }
    let mut left_out = authors.left_out;
    let mut bundles = Vec::new();
    let mut compared = Vec::new();
    for lab in labs {
        let class = &authors.all[..authors.own];
        if !class
            .iter()
            .any(|author| author.labs.contains_key(&lab.folder))
        {
            continue;
        }
        let given = Given::of(lab)?;
        for author in &authors.all {
            left_out.extend(author.gaps(lab, &given));
        }
        let written: Vec<(&Author, Work)> = authors
            .all
            .iter()
            .filter_map(|author| Some((author, Work::of(&given, author.labs.get(&lab.folder)?)?)))
            .collect();
        // The class comes first.
        if written
            .first()
            .is_none_or(|(author, _)| author.from.is_some())
        {
            continue;
        }
        if let Some(out) = &args.out
            && written.len() > 1
        {
            let dir = out.join("dolos").join(&lab.folder);
            bundle(&dir, lab, &given, &written, &times)?;
            bundles.push(dir);
        }
        compared.push(compare(lab, written));
    }
    let found = Found {
        version: course::VERSION,
        note: NOTE,
        labs: compared,
        left_out,
    };
    print!("{}", found.table());
    let Some(out) = &args.out else {
        return Ok(());
    };
    let json = serde_json::to_string_pretty(&found)? + "\n";
    put(&out.join("similar.json"), &json)?;
    put(&out.join("similar.csv"), &found.csv()?)?;
    for dir in &bundles {
        if !dolos::run(dir)? {
            println!(
                "Dolos is not installed. Where it is, run in each folder of {}: {}",
                out.join("dolos").display(),
                dolos::by_hand()
            );
            return Ok(());
        }
        println!("Dolos has written {}", dir.join("report").display());
    }
    Ok(())
}

/// Takes away what an earlier comparison left for Dolos, and nothing that is not of one.
fn make_room(out: &Path) -> anyhow::Result<()> {
    if out.join("similar.json").is_file() {
        let old = out.join("dolos");
        if old.is_dir() {
            fs::remove_dir_all(&old)
                .with_context(|| format!("{} cannot be replaced", old.display()))?;
        }
    } else if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty; name a folder of its own", out.display());
    }
    Ok(())
}

fn compare(lab: &Lab, written: Vec<(&Author, Work)>) -> Compared {
    let own = written
        .iter()
        .take_while(|(author, _)| author.from.is_none())
        .count();
    let sides: Vec<&(&Author, Work)> = written.iter().collect();
    let works: Vec<&Work> = written.iter().map(|(_, work)| work).collect();
    let pairs = pairs::of(&works, own).into_iter().map(|pair| Alike {
        kind: pair.kind,
        share: (pair.share * 1000.0).round() / 1000.0,
        shared: pair.shared,
        left: Side::of(sides[pair.left]),
        right: Side::of(sides[pair.right]),
    });
    Compared {
        lab: lab.folder.clone(),
        submissions: own,
        against: written.len() - own,
        pairs: pairs.collect(),
    }
}

fn bundle(
    dir: &Path,
    lab: &Lab,
    given: &Given,
    written: &[(&Author, Work)],
    times: &Times,
) -> anyhow::Result<()> {
    let entries = written.iter().map(|(author, work)| {
        let at = match author.from {
            Some(_) => None,
            None => times.of(&author.id, &lab.topic, 1),
        };
        dolos::Entry {
            id: &author.id,
            full_name: if author.name.is_empty() {
                &author.id
            } else {
                &author.name
            },
            label: author.label(),
            created_at: at.map_or(String::new(), |at| at.to_string()),
            work,
        }
    });
    dolos::bundle(dir, given, &entries.collect::<Vec<_>>())
}

impl Found {
    /// What the terminal shows.
    fn table(&self) -> String {
        let mut lines = Vec::new();
        for lab in &self.labs {
            let mut head = format!("{}: {} of the class", lab.lab, lab.submissions);
            if lab.against > 0 {
                head += &format!(", {} others", lab.against);
            }
            if lab.pairs.is_empty() {
                lines.push(head + ": none are alike");
                continue;
            }
            lines.push(head);
            let groups = lab.groups();
            for group in &groups {
                let names = |sides: &[&Side]| {
                    let names: Vec<String> = sides.iter().map(|side| side.shown()).collect();
                    names.join("; ")
                };
                let exact = lab.by_bytes(group);
                let common = match exact[..] {
                    [_] => "all exact",
                    _ => "the same but for layout and names",
                };
                lines.push(format!("  {common}: {}", names(group)));
                for part in exact
                    .iter()
                    .filter(|part| (2..group.len()).contains(&part.len()))
                {
                    lines.push(format!("    of these exact: {}", names(part)));
                }
            }
            // The first of a group stands for all of it.
            let follows = |side: &Side| {
                let mut others = groups.iter().flat_map(|group| group.iter().skip(1));
                others.any(|other| other.is(side))
            };
            let is_told = |pair: &&Alike| follows(&pair.left) || follows(&pair.right);
            let pairs: Vec<&Alike> = lab.pairs.iter().filter(|pair| !is_told(pair)).collect();
            for pair in pairs.iter().take(SHOWN) {
                lines.push(format!(
                    "  {:<10} {:>4.0} % {:>6} passages  {} and {}",
                    pair.kind.word(),
                    pair.share * 100.0,
                    pair.shared,
                    pair.left.shown(),
                    pair.right.shown()
                ));
            }
            if pairs.len() > SHOWN {
                let more = pairs.len() - SHOWN;
                lines.push(format!("  and {more} more, which --out writes"));
            }
        }
        if self.labs.is_empty() {
            lines.push("Nobody wrote anything in any lab.".to_owned());
        }
        for reason in &self.left_out {
            lines.push(format!("Not compared: {reason}"));
        }
        let no_lab = |reason: &String| reason.contains(intake::NO_LAB);
        if self.labs.len() != 1 && self.left_out.iter().any(no_lab) {
            lines.push(
                "With --labs and one lab alone, its files need not lie in its folder.".to_owned(),
            );
        }
        lines.push(NOTE.to_owned());
        lines.join("\n") + "\n"
    }

    fn csv(&self) -> anyhow::Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record([
            "lab",
            "kind",
            "share",
            "shared",
            "left",
            "left_name",
            "left_shingles",
            "right",
            "right_name",
            "right_shingles",
            "right_from",
        ])?;
        for lab in &self.labs {
            for pair in &lab.pairs {
                writer.write_record([
                    lab.lab.clone(),
                    pair.kind.word().to_owned(),
                    pair.share.to_string(),
                    pair.shared.to_string(),
                    safe::cell(&pair.left.student),
                    safe::cell(&pair.left.name),
                    pair.left.shingles.to_string(),
                    safe::cell(&pair.right.student),
                    safe::cell(&pair.right.name),
                    pair.right.shingles.to_string(),
                    safe::cell(pair.right.from.as_deref().unwrap_or_default()),
                ])?;
            }
        }
        Ok(String::from_utf8(writer.into_inner()?)?)
    }
}
