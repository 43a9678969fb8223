//! `cargo grade run`: from a folder of submissions to grades.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use course::{Course, Lab};

use crate::build::{self, HiddenFrom, Kitchen, Packages, Toolchain};
use crate::draft::Draft;
use crate::intake::{self, Submission};
use crate::journal::Journal;
use crate::people::{People, Person};
use crate::regrade::{self, Handed, Wanted};
use crate::report::{self, Cell, Class, Column, Row, Status, sources};
use crate::roster::{self, Roster};
use crate::sandbox::{Sandbox, Tier, apart};
use crate::{cli, digest, merge, scratch};

mod attempts;
mod bench;
mod crowd;
mod meant;
mod oom;
mod pace;
mod rows;
mod rules;
mod stays;
mod told;
mod work;

use attempts::Attempts;
use bench::Bench;
use crowd::Crowd;
use pace::Pace;
use rules::Rules;
use stays::Stays;
use work::{Do, Work};

/// Grades what `args` names.
///
/// # Errors
/// The run cannot be made at all; trouble with single submissions is in the grades.
pub fn run(course: &Course, args: &cli::Run) -> anyhow::Result<ExitCode> {
    check(args)?;
    let out = prepare(course, args)?;
    let earlier = if args.resume {
        Draft::kept(&out)?
    } else {
        None
    };
    if !args.resume {
        eprintln!(
            "Verdicts are kept as they are made: Ctrl-C stops, and the same with --resume goes on"
        );
    }
    let grades = earlier.as_ref().map(|draft| &draft.class);
    let args = &told::recalled(course, args, &out, grades)?;
    let draft = draft(course, args, &out, earlier.as_ref())?;
    if draft.shard.is_some() {
        let path = out.join(merge::SHARD);
        draft.write(&path)?;
        println!("{}", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    if !args.alone {
        meant::holds_something(&draft.class, &args.submissions)?;
    }
    // Read once more at the end, rather than kept all the time: a large class is large.
    let is_again = earlier.is_some();
    drop(earlier);
    draft.keep(&out)?;
    let class = draft.finish();
    let earlier = is_again.then(|| Class::read(&out)).transpose()?.flatten();
    class.write(&out)?;
    if let Some(earlier) = earlier {
        regrade::say(&earlier, &class, &out)?;
    }
    Ok(class.said(&out))
}

/// Grades a whole class like [`run`], and writes no report.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn class(course: &Course, args: &cli::Run) -> anyhow::Result<Class> {
    let out = prepare(course, args)?;
    Ok(draft(course, args, &out, None)?.finish())
}

/// Makes the folder of the grades.
fn prepare(course: &Course, args: &cli::Run) -> anyhow::Result<PathBuf> {
    // Names, points and everybody's programs are nobody else's business.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&args.out)
        .with_context(|| format!("{} cannot be made", args.out.display()))?;
    let out = fs::canonicalize(&args.out)?;
    clear(course, &out);
    Ok(out)
}

/// Removes what a run that was killed has left behind, whatever this one comes to need.
fn clear(course: &Course, out: &Path) {
    let (temporary, home) = (std::env::temp_dir(), build::cargo::home(course));
    for (folder, kind) in [
        (temporary.as_path(), bench::SCRATCH),
        (&temporary, build::ELSEWHERE),
        (&home, build::SCRATCH),
        (&home, build::BUILDING),
        (&home.join("hidden"), report::UNFINISHED),
        (out, report::UNFINISHED),
        (&out.join("feedback"), report::UNFINISHED),
    ] {
        scratch::sweep(folder, kind);
    }
}

/// Options that make no sense together.
fn check(args: &cli::Run) -> anyhow::Result<()> {
    for folder in args.earlier.iter().chain([&args.submissions]) {
        intake::is_not_among(&args.out, folder)?;
    }
    let selective = args.failures || !args.students.is_empty();
    ensure!(
        !selective || args.resume,
        "--student and --failures judge a part of what was graded before: add --resume"
    );
    if let Some(shard) = args.shard {
        ensure!(
            args.secret.is_some(),
            "every shard must make the same seeds: add --secret with the same words to each"
        );
        ensure!(
            !selective,
            "--student and --failures go with the joined grades, not with one shard of {}",
            shard.of
        );
    }
    Ok(())
}

/// Judges everything, and says what it came to.
fn draft(
    course: &Course,
    args: &cli::Run,
    out: &Path,
    earlier: Option<&Draft>,
) -> anyhow::Result<Draft> {
    if let Some(broken) = course.broken().first() {
        bail!("{} cannot be used: {}", broken.folder, broken.error);
    }
    let roster = args.roster.as_deref().map(roster::read).transpose()?;
    let mut rules = Rules::read(course, args, out)?;
    let mut wanted = Wanted {
        students: args.students.clone(),
        failures: args.failures,
        labs: asked_for(course, &args.labs)?,
    };
    let labs = labs(course, &wanted.labs, earlier.map(|draft| &draft.class));
    let now = asked(&labs, &wanted.labs);
    let attempts = Attempts::take_in(course, args, roster.as_ref(), &now)?;
    let submissions = &attempts.submissions;
    let introduced: Vec<Row> = submissions
        .iter()
        .map(|submission| rows::introduce(submission, roster.as_ref()))
        .collect();
    if let (Some(path), Some(roster)) = (&args.roster, &roster) {
        meant::compare(path, roster, submissions, &introduced)?;
    }
    let others = earlier.filter(|_| wanted.is_a_part());
    let people = people(submissions, &introduced, roster.as_ref(), others);
    rules.resolve(&people)?;
    wanted.resolve(&people)?;
    if let Some(draft) = earlier {
        let before = draft.attempts.iter().copied().max().unwrap_or(1);
        let now = attempts.count();
        ensure!(
            before <= now,
            "the grades in {} are of {before} attempts, and this run names {now}: add --earlier with the folder of each attempt before, or what was earned in those is lost",
            out.display()
        );
    }
    let journal = Journal::open(&out.join("journal.jsonl"), args.resume)?;
    let secret = match &args.secret {
        Some(secret) => secret.clone(),
        None => secret(&out.join("secret"))?,
    };
    told::keep(args, &now, &secret, out)?;
    let (mut sandbox, toolchain) = machine(course, args, out)?;

    let mut kitchens = kitchens(labs, args)?;
    let topics: Vec<&str> = kitchens
        .iter()
        .map(|kitchen| kitchen.lab.topic.as_str())
        .collect();
    rules.say_elsewhere(&topics);
    // What an earlier run came to, where it is to stay.
    let kept = |who: usize, index: usize, hash: Option<&str>| {
        let handed = Handed {
            student: &introduced[who].student,
            attempt: attempts.numbers[who],
            entries: &submissions[who].entries,
            sources: hash,
        };
        wanted.kept(earlier?, &handed, topics[index])
    };
    let mut work = Work::new(&kitchens, submissions, &secret, |who, index, hash| {
        if kept(who, index, Some(hash)).is_some() {
            Do::Keep
        } else if wanted.is_selective() {
            Do::Again
        } else {
            Do::Judge
        }
    });
    let is_asked = |index: usize| wanted.is_asked(topics[index]);
    let mut stays = Stays::of(&kitchens, submissions, &work.hashes, kept, is_asked);
    stays.say_unjudged(&kitchens, submissions, &introduced);
    let mut graded: BTreeMap<(&str, &str), &Cell> = BTreeMap::new();
    for row in earlier.iter().flat_map(|draft| &draft.class.students) {
        let cells = row.labs.iter();
        graded.extend(cells.map(|cell| ((&*row.student, &*cell.topic), cell)));
    }
    work.expect(|who, index| {
        let place = (&*introduced[who].student, topics[index]);
        graded.get(&place).copied()
    });

    let shard = args.shard.map(|shard| (shard.number, shard.of));
    let is_needed = |index: usize| {
        let mut jobs = work.jobs.iter();
        jobs.any(|job| job.kitchen == index && bench::does(shard, job))
    };
    build_checks(course, &toolchain, &mut kitchens, is_needed)?;
    if let Some(draft) = earlier {
        meant::say_other_checks(&kitchens, &draft.class, |lab| stays.verdicts(lab));
    }
    for job in &mut work.jobs {
        let kitchen = &kitchens[job.kitchen];
        job.set_key(kitchen, &toolchain, &sandbox)?;
        let edit = &kitchen.lab.edit;
        let all = job.sources(kitchen, submissions);
        let learners = all.iter().filter(|(path, _)| edit.contains(path));
        sources::keep(out, &job.hash, learners)?;
    }
    // In one network programs could reach each other's servers, so nobody else's is there.
    let alone = sandbox.tier() != Tier::None && !sandbox.has_networks();
    let jobs = args.jobs.map(usize::from).or(alone.then_some(1));
    if jobs == Some(1) {
        sandbox.judges_one_at_a_time();
    }
    let bench = Bench {
        kitchens: &kitchens,
        submissions,
        sandbox: &sandbox,
        toolchain: &toolchain,
        journal: &journal,
        shard,
        crowd: Crowd::default(),
    };
    let results = bench.all(&work.jobs, &Pace::new(jobs, &pace::gauge));

    let mut numbers = attempts.numbers.clone();
    let mut students = rows::all(&bench, introduced, &work, &results, |who, index| {
        stays.take(who, index)
    });
    for (who, row) in students.iter_mut().enumerate() {
        let stays = |index: usize| stays.keeps_terms(who, index);
        rules.apply(row, &kitchens, numbers[who], &attempts.clones(who), stays);
    }
    let mut more = earlier.map_or_else(Vec::new, |draft| {
        let is_here = |before: &Row, attempt: usize| {
            let of_attempt = students.iter().zip(&attempts.numbers);
            let of_attempt = of_attempt.filter(|(_, number)| **number == attempt);
            rows::is_among(before, of_attempt.map(|(row, _)| row))
        };
        wanted.others(draft, is_here, &topics)
    });
    let listed = roster.as_ref().map_or(&[][..], Roster::students);
    let here = students.iter().chain(&more);
    let absent = rows::absent(&kitchens, listed, here, submissions);
    more.extend(absent);
    for mut row in more {
        rules.adjust(&mut row);
        numbers.push(row.attempt);
        students.push(row);
    }
    let before = earlier.map_or(&[][..], |draft| &draft.class.students);
    regrade::note_programs(&mut students, before);
    Ok(Draft {
        version: course::VERSION,
        shard,
        secret: digest::of(&["shard", &secret]),
        people: people.into_all(),
        counts: args.attempt.unwrap_or_default(),
        class: Class {
            version: course::VERSION,
            course: course.title.clone(),
            sandbox: sandbox.tier().name().to_owned(),
            sandbox_notes: sandbox.notes().to_vec(),
            toolchain: toolchain.name().to_owned(),
            labs: kitchens
                .iter()
                .enumerate()
                .map(|(index, kitchen)| {
                    let graded = |row: &Row| row.labs[index].status == Status::Graded;
                    let column = column(course, kitchen);
                    let before = earlier.map(|draft| &draft.class);
                    stays::as_graded(column, before, students.iter().any(graded))
                })
                .collect(),
            students,
        },
        attempts: numbers,
    })
}

/// What this machine judges with: a sandbox from which nothing of the class can be seen, and the compiler. Says which.
fn machine(course: &Course, args: &cli::Run, out: &Path) -> anyhow::Result<(Sandbox, Toolchain)> {
    let sandbox = Sandbox::probe(args.sandbox, course)?;
    let ours = [course.root(), out, &args.submissions, &std::env::temp_dir()];
    let more = args.earlier.iter().chain(&args.hidden);
    for path in ours.into_iter().chain(more.map(PathBuf::as_path)) {
        sandbox.is_unseen(path)?;
    }
    if sandbox.tier() == Tier::Bubblewrap {
        apart::is_readable(&course.root().join("course.toml"))?;
    }
    let toolchain = Toolchain::find(course)?;
    eprintln!("Sandbox  {}", sandbox.tier().name());
    if sandbox.tier() == Tier::None {
        eprintln!("         Every submission runs with all your rights, as was asked for.");
    }
    for note in sandbox.notes() {
        eprintln!("         {note}");
    }
    eprintln!("Compiler {}", toolchain.name());
    Ok((sandbox, toolchain))
}

/// Where each lab is built, with its hidden checks from where `args` has them.
fn kitchens<'c>(labs: Vec<&'c Lab>, args: &cli::Run) -> anyhow::Result<Vec<Kitchen<'c>>> {
    let hidden = match (&args.hidden, args.no_hidden) {
        (Some(folder), _) => HiddenFrom::Folder(folder),
        (None, false) => HiddenFrom::Solutions,
        (None, true) => HiddenFrom::Nowhere,
    };
    let kitchens = labs.into_iter().map(|lab| Kitchen::new(lab, hidden));
    let kitchens = kitchens.collect::<anyhow::Result<Vec<_>>>()?;
    meant::say_hidden(&kitchens, args.hidden.as_deref())?;
    Ok(kitchens)
}

/// Builds the checks of the labs that are needed, which are told by their numbers.
fn build_checks(
    course: &Course,
    toolchain: &Toolchain,
    kitchens: &mut [Kitchen<'_>],
    is_needed: impl Fn(usize) -> bool,
) -> anyhow::Result<()> {
    let mut packages = Packages::default();
    for (index, kitchen) in kitchens.iter_mut().enumerate() {
        if is_needed(index) {
            eprintln!("Building the checks of {} …", kitchen.lab.topic);
            kitchen.prepare(course, toolchain, &mut packages)?;
        }
    }
    Ok(())
}

/// Everybody: those who handed something in, now or before, and those of the roster.
fn people(
    submissions: &[Submission],
    introduced: &[Row],
    roster: Option<&Roster>,
    earlier: Option<&Draft>,
) -> People {
    let here = introduced.iter().zip(submissions).map(|(row, submission)| {
        let who = &submission.who;
        Person {
            student: row.student.clone(),
            email: row.email.clone(),
            name: row.name.clone(),
            words: who.words().map(str::to_owned).collect(),
        }
    });
    let on_roster = roster.into_iter();
    let on_roster = on_roster.flat_map(Roster::students).map(Person::from);
    let before = earlier.into_iter().flat_map(|draft| &draft.class.students);
    let before = before.map(|row| Person {
        student: row.student.clone(),
        email: row.email.clone(),
        name: row.name.clone(),
        words: Vec::new(),
    });
    People::new(here.chain(on_roster).chain(before))
}

/// The topics that are asked for; none for all.
fn asked_for(course: &Course, names: &[String]) -> anyhow::Result<Vec<String>> {
    let topics = names.iter().map(|name| Ok(course.lab(name)?.topic.clone()));
    topics.collect()
}

/// The labs of the grades, in the course's order: those that are asked for, and those that were graded before.
fn labs<'c>(course: &'c Course, asked: &[String], earlier: Option<&Class>) -> Vec<&'c Lab> {
    let before = earlier.into_iter().flat_map(|class| &class.labs);
    let mut topics: BTreeSet<String> = before.map(|lab| lab.topic.clone()).collect();
    topics.extend(asked.iter().cloned());
    let all = asked.is_empty() && earlier.is_none();
    let labs = course.labs().iter();
    labs.filter(|lab| all || topics.contains(&lab.topic))
        .collect()
}

/// Of these, the labs that are asked for now. Where it is one alone, its files need not lie in its folder, whatever else
/// has been graded before.
fn asked<'c>(labs: &[&'c Lab], topics: &[String]) -> Vec<&'c Lab> {
    let asked = |lab: &&&Lab| topics.is_empty() || topics.contains(&lab.topic);
    labs.iter().filter(asked).copied().collect()
}

/// The secret that is kept in the folder of the grades: made where there is none.
fn secret(path: &Path) -> anyhow::Result<String> {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::OpenOptionsExt as _;
    let unusable = || format!("{} cannot be used", path.display());
    if path.exists() {
        let text = fs::read_to_string(path).with_context(unusable)?;
        ensure!(
            !text.trim().is_empty(),
            "{} is empty; remove it, or give --secret",
            path.display()
        );
        return Ok(text.trim().to_owned());
    }
    let mut random = [0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut random))
        .context("no random numbers can be had; give --secret")?;
    let text = digest::of(&[random]);
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{text}"))
        .with_context(unusable)?;
    Ok(text)
}

/// What the course says of a lab.
fn column(course: &Course, kitchen: &Kitchen<'_>) -> Column {
    let lab = kitchen.lab;
    let max = lab.max_points();
    let hidden = kitchen
        .hidden
        .as_ref()
        .map(|hidden| (hidden.max_points(), hidden.show));
    let (hidden, show_hidden) = hidden.unwrap_or_default();
    let entry = course.entry(lab);
    Column {
        topic: lab.topic.clone(),
        title: lab.title.clone(),
        weight: entry.map_or(1.0, |entry| entry.weight),
        max_points: (max.core + hidden.core).0,
        max_bonus_points: (max.bonus + hidden.bonus).0,
        max_hidden_points: hidden.total().0,
        show_hidden,
        due: entry.and_then(|entry| entry.due).map(|due| due.to_string()),
        checks: Some(kitchen.checks_hash.clone()).filter(|hash| !hash.is_empty()),
        // Told when all verdicts are there.
        uncounted: Vec::new(),
    }
}

/// Which part of a class is graded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let wrong = || {
            format!("`{text}` is no shard; write its number, from 1, and how many there are: 1/4")
        };
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        let shard = Shard {
            number: number.trim().parse().map_err(|_| wrong())?,
            of: of.trim().parse().map_err(|_| wrong())?,
        };
        if (1..=shard.of).contains(&shard.number) {
            Ok(shard)
        } else {
            Err(wrong())
        }
    }
}
