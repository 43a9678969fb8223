//! The report: `DIR/report/index.html` for the class, and a page for each student.
//!
//! It is made from the grades alone, needs neither a script nor a network, and shows text from submissions as text:
//! every value goes through [`safe::html`], whatever the template says.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use anyhow::Context as _;
use course::{Kind, Verdict};
use minijinja::{Environment, Value};
use serde::Serialize;

use super::{Cell, Class, Column, Row, Status, feedback, number, safe, sources, state};

/// How many of the checks that most fail are shown.
const MOST_CHECKS: usize = 12;

/// Writes the report into `dir`, the folder of a run.
///
/// # Errors
/// A file cannot be written.
pub fn write(class: &Class, dir: &Path) -> anyhow::Result<()> {
    let report = dir.join("report");
    // Students who are gone have no page any more.
    if report.exists() {
        fs::remove_dir_all(&report)
            .with_context(|| format!("{} cannot be emptied", report.display()))?;
    }
    let students = report.join("students");
    fs::create_dir_all(&students)
        .with_context(|| format!("{} cannot be made", students.display()))?;
    let put = |path: &Path, page: String| {
        fs::write(path, page).with_context(|| format!("{} cannot be written", path.display()))
    };
    let templates = templates()?;
    let names = class.file_names();
    put(
        &report.join("index.html"),
        index(&templates, class, &names)?,
    )?;
    let pages: Vec<_> = class.students.iter().zip(&names).collect();
    let some = pages
        .len()
        .div_ceil(thread::available_parallelism().map_or(1, usize::from));
    thread::scope(|scope| {
        let parts = pages.chunks(some.max(1)).map(|part| {
            scope.spawn(|| {
                part.iter().try_for_each(|(row, name)| {
                    let page = student(&templates, class, row, name, dir)?;
                    put(&students.join(format!("{name}.html")), page)
                })
            })
        });
        let parts: Vec<_> = parts.collect();
        let done = parts
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
        done.collect()
    })
}

/// The templates of all pages that the grader writes.
pub(crate) fn templates() -> anyhow::Result<Environment<'static>> {
    let mut templates = Environment::new();
    // Whatever a template prints is plain text first, and escaped then.
    templates.set_formatter(|out, state, value| match value.as_str() {
        Some(text) => {
            let text = Value::from_safe_string(safe::html(text));
            minijinja::escape_formatter(out, state, &text)
        }
        _ => minijinja::escape_formatter(out, state, value),
    });
    for (name, text) in [
        ("base.html", include_str!("html/base.html")),
        ("style.css", include_str!("html/style.css")),
        ("index.html", include_str!("html/index.html")),
        ("student.html", include_str!("html/student.html")),
    ] {
        templates.add_template(name, text)?;
    }
    Ok(templates)
}

/// Fills a template in.
pub(crate) fn render(
    templates: &Environment<'_>,
    name: &str,
    page: &impl Serialize,
) -> anyhow::Result<String> {
    let template = templates.get_template(name)?;
    Ok(template.render(minijinja::value::Serde(page))?)
}

/// A figure in words.
#[derive(Serialize)]
struct Tile {
    value: String,
    label: &'static str,
    loud: bool,
}

impl Tile {
    fn new(value: impl ToString, label: &'static str) -> Tile {
        Tile {
            value: value.to_string(),
            label,
            loud: false,
        }
    }

    /// Something that somebody should see to, unless there is none of it.
    fn loud(count: usize, label: &'static str) -> Tile {
        Tile {
            loud: count > 0,
            ..Tile::new(count, label)
        }
    }
}

/// A word about a row.
#[derive(Serialize)]
struct Flag {
    text: String,
    loud: bool,
}

fn flags(row: &Row) -> Vec<Flag> {
    let flag = |text: &String| Flag {
        text: text.clone(),
        loud: matches!(
            kind_of(text),
            "error"
                | "unsteady"
                | "refused"
                | "twice"
                | "whose"
                | "uncommitted"
                | "adjusted-before"
        ),
    };
    row.flags.iter().map(flag).collect()
}

/// `does-not-compile:framing` → `does-not-compile`
fn kind_of(flag: &str) -> &str {
    flag.split(':').next().unwrap_or(flag)
}

fn meaning(flag: &str) -> &'static str {
    match flag {
        "error" => "The machine was at fault: grade again with --resume.",
        "unsteady" => "A check did not always say the same.",
        "refused" => "Nothing, or a lab, could not be taken.",
        "refused-in-part" => "One of several entries could not be taken.",
        "twice" => "Two submissions of one student.",
        "whose" => "More than one student may be meant: put the number on the roster.",
        "not-on-roster" => "The roster has nobody of that name.",
        "late" => "Came after its time.",
        "no-time" => "When it came is not known.",
        "uncommitted" => "A clone whose last commit is another program.",
        "adjusted" => "Changed by hand.",
        "adjusted-before" => "Changed by hand when another program was there.",
        "does-not-compile" => "The compiler refused it.",
        "starter" => "Handed in as it was given out.",
        "missing" => "Nothing was handed in.",
        _ => "",
    }
}

fn shown(row: &Row) -> &str {
    if row.name.is_empty() {
        &row.student
    } else {
        &row.name
    }
}

/// What was earned, in percent of what the core checks can earn.
fn percent(points: f64, max: f64) -> f64 {
    if max > 0.0 { points / max * 100.0 } else { 0.0 }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}

/// A bar of a chart that is 244 wide, with its foot at 66.
#[derive(Serialize)]
struct Bar {
    x: usize,
    middle: usize,
    y: String,
    height: String,
    label: String,
    count: usize,
    bonus: bool,
}

/// The distribution of percentages: ten bars up to 100, and one beyond.
fn bars(percents: &[f64]) -> Vec<Bar> {
    let mut counts = [0_usize; 11];
    for percent in percents {
        let place = match *percent {
            p if p > 100.0 => 10,
            // Who has all of it stands in the last of the ten.
            p => (0..9).take_while(|n| p >= f64::from(n + 1) * 10.0).count(),
        };
        counts[place] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |(place, count): (usize, &usize)| {
        let height = 52.0 * *count as f64 / most as f64;
        let x = place * 22 + if place == 10 { 6 } else { 0 };
        Bar {
            x,
            middle: x + 9,
            y: format!("{:.1}", 66.0 - height),
            height: format!("{height:.1}"),
            label: format!("{:.1}", 62.0 - height),
            count: *count,
            bonus: place == 10,
        }
    };
    counts.iter().enumerate().map(bar).collect()
}

#[derive(Serialize)]
struct LabCard {
    topic: String,
    title: String,
    max: u32,
    bonus: u32,
    /// What its points count times, where that is not 1.
    counts: Option<String>,
    median: Option<String>,
    spoken: String,
    bars: Vec<Bar>,
    words: Vec<String>,
    uncounted: Vec<String>,
}

fn card(lab: &Column, cells: &[&Cell]) -> LabCard {
    let judged = cells
        .iter()
        .filter(|cell| matches!(cell.status, Status::Graded | Status::DoesNotCompile));
    let percents: Vec<f64> = judged
        .filter_map(|cell| cell.score)
        .map(|points| percent(points, f64::from(lab.max_points)))
        .collect();
    let count = |status| cells.iter().filter(|cell| cell.status == status).count();
    let counts = [
        (count(Status::Graded), "judged"),
        (count(Status::DoesNotCompile), "do not compile"),
        (count(Status::Starter), "as given out"),
        (count(Status::Refused), "refused"),
        (count(Status::Error), "not graded"),
        (count(Status::Missing), "missing"),
    ];
    let median = median(&percents).map(whole);
    LabCard {
        topic: lab.topic.clone(),
        title: lab.title.clone(),
        max: lab.max_points,
        bonus: lab.max_bonus_points,
        counts: (!lab.counts_once()).then(|| lab.times()),
        spoken: format!(
            "{}: {} programs, {}",
            lab.title,
            percents.len(),
            median
                .as_ref()
                .map_or("no median".to_owned(), |median| format!(
                    "the median is {median} percent of the core points"
                ))
        ),
        median,
        bars: bars(&percents),
        uncounted: lab
            .uncounted
            .iter()
            .map(|check| format!("{} ({})", words(&check.name), safe::plain(&check.reason)))
            .collect(),
        words: counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect(),
    }
}

#[derive(Serialize)]
struct HardCheck {
    topic: String,
    name: String,
    bonus: bool,
    hidden: bool,
    failed: usize,
    of: usize,
    percent: String,
}

/// The checks that fail in the largest part of the programs that were judged, and how many more fail.
fn hard_checks(class: &Class) -> (Vec<HardCheck>, usize) {
    let mut all = Vec::new();
    for (index, lab) in class.labs.iter().enumerate() {
        let mut counts: BTreeMap<&str, HardCheck> = BTreeMap::new();
        let cells = class.students.iter().filter_map(|row| row.labs.get(index));
        let checks = cells.flat_map(|cell| cell.all_checks().map(move |check| (cell, check)));
        for (cell, check) in checks {
            let count = counts.entry(&check.name).or_insert_with(|| HardCheck {
                topic: lab.topic.clone(),
                name: words(&check.name),
                bonus: check.kind == Kind::Bonus,
                hidden: cell.hides(check),
                failed: 0,
                of: 0,
                percent: String::new(),
            });
            count.of += usize::from(!matches!(check.verdict, Verdict::Skipped(_)));
            count.failed += usize::from(check.verdict == Verdict::Failed);
        }
        let failing = counts.into_values().filter(|check| check.failed > 0);
        let mut failing: Vec<HardCheck> = failing
            .map(|check| HardCheck {
                percent: whole(percent(check.failed as f64, check.of as f64)),
                ..check
            })
            .collect();
        failing.sort_by(harder);
        all.extend(failing.into_iter().enumerate());
    }
    // Among equals one of each lab after the other, so that no lab hides the others.
    all.sort_by(|(rank_a, a), (rank_b, b)| harder(a, b).then(rank_a.cmp(rank_b)));
    let more = all.len().saturating_sub(MOST_CHECKS);
    all.truncate(MOST_CHECKS);
    (all.into_iter().map(|(_, check)| check).collect(), more)
}

/// What fails in the larger part comes first, and then what fails more often.
fn harder(a: &HardCheck, b: &HardCheck) -> Ordering {
    let part = |check: &HardCheck| check.failed as f64 / check.of.max(1) as f64;
    part(b).total_cmp(&part(a)).then(b.failed.cmp(&a.failed))
}

/// A check's name is a sentence.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[derive(Serialize)]
struct Place {
    page: String,
    name: String,
}

#[derive(Serialize)]
struct FlagGroup {
    word: String,
    meaning: &'static str,
    rows: Vec<Place>,
}

/// Who has which flag. What a lab's card or the table says anyway is left out.
fn flag_groups(class: &Class, places: &[Place]) -> Vec<FlagGroup> {
    let mut groups: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
    for (row, place) in class.students.iter().zip(places) {
        for flag in &row.flags {
            let kind = kind_of(flag);
            let told = match kind {
                "missing" => flag.contains(':'),
                "starter" => true,
                _ => false,
            };
            if told {
                continue;
            }
            let topic = flag.split_once(':').map(|(_, topic)| topic);
            groups.entry(kind).or_default().push(Place {
                page: match topic {
                    Some(topic) => format!("{}#{topic}", place.page),
                    None => place.page.clone(),
                },
                name: match topic {
                    Some(topic) => format!("{} ({topic})", place.name),
                    None => place.name.clone(),
                },
            });
        }
    }
    let order = |word: &str| {
        let first = [
            "error",
            "unsteady",
            "refused",
            "refused-in-part",
            "twice",
            "whose",
        ];
        first
            .iter()
            .position(|known| *known == word)
            .unwrap_or(first.len())
    };
    let mut groups: Vec<FlagGroup> = groups
        .into_iter()
        .map(|(word, rows)| FlagGroup {
            meaning: meaning(word),
            word: word.replace('-', " "),
            rows,
        })
        .collect();
    groups.sort_by_key(|group| order(&group.word.replace(' ', "-")));
    groups
}

#[derive(Serialize)]
struct TableCell {
    points: String,
    word: &'static str,
    heat: Option<u8>,
}

fn table_cell(lab: &Column, cell: &Cell) -> TableCell {
    let points = cell.score;
    let ratio = points.map(|points| percent(points, f64::from(lab.max_points)));
    let graded = cell.status == Status::Graded;
    TableCell {
        points: points.map(number).unwrap_or_default(),
        word: match cell.status {
            Status::Missing => "–",
            status => state(status),
        },
        heat: ratio.filter(|_| graded).map(|ratio| match ratio {
            r if r >= 95.0 => 4,
            r if r >= 75.0 => 3,
            r if r >= 50.0 => 2,
            r if r >= 25.0 => 1,
            _ => 0,
        }),
    }
}

#[derive(Serialize)]
struct TableRow {
    page: String,
    name: String,
    cells: Vec<TableCell>,
    total: String,
    max: String,
    late_days: u32,
    flags: Vec<Flag>,
}

#[derive(Serialize)]
struct Trouble {
    page: String,
    name: String,
    topic: String,
    reason: String,
}

fn index(templates: &Environment<'_>, class: &Class, names: &[String]) -> anyhow::Result<String> {
    let places: Vec<Place> = class
        .students
        .iter()
        .zip(names)
        .map(|(row, file)| Place {
            page: format!("students/{file}.html"),
            name: shown(row).to_owned(),
        })
        .collect();
    let flagged = |is: &dyn Fn(&str) -> bool| {
        let rows = class.students.iter();
        rows.filter(|row| row.flags.iter().any(|flag| is(flag)))
            .count()
    };
    let totals: Vec<f64> = class
        .students
        .iter()
        .filter(|row| !row.flags.iter().any(|flag| flag == "missing"))
        .filter_map(|row| Some(percent(row.total?, row.max)))
        .collect();
    let missing = flagged(&|flag| flag == "missing");
    let mut errors = Vec::new();
    for (row, place) in class.students.iter().zip(&places) {
        for cell in row.labs.iter().filter(|cell| cell.status == Status::Error) {
            errors.push(Trouble {
                page: place.page.clone(),
                name: place.name.clone(),
                topic: cell.topic.clone(),
                reason: cell.message.clone().unwrap_or_default(),
            });
        }
    }
    let median = median(&totals).map_or("–".to_owned(), |median| format!("{median:.0} %"));
    let tiles = [
        Tile::new(class.students.len() - missing, "handed in"),
        Tile::new(missing, "missing"),
        Tile::new(median, "median of the totals"),
        // Also of whom one lab alone could not be taken.
        Tile::loud(flagged(&|flag| kind_of(flag) == "refused"), "refused"),
        Tile::loud(errors.len(), "labs not graded yet"),
    ];
    let labs: Vec<LabCard> = class
        .labs
        .iter()
        .enumerate()
        .map(|(index, lab)| {
            let rows = class.students.iter();
            let cells: Vec<&Cell> = rows.filter_map(|row| row.labs.get(index)).collect();
            card(lab, &cells)
        })
        .collect();
    let rows: Vec<TableRow> = class
        .students
        .iter()
        .zip(&places)
        .map(|(row, place)| TableRow {
            page: place.page.clone(),
            name: place.name.clone(),
            cells: class
                .labs
                .iter()
                .zip(&row.labs)
                .map(|(lab, cell)| table_cell(lab, cell))
                .collect(),
            total: row.total.map_or("–".to_owned(), number),
            max: number(row.max),
            late_days: row.late_days,
            // What a cell says anyway is not said twice.
            flags: flags(row)
                .into_iter()
                .filter(|flag| !flag.text.contains(':') || flag.loud)
                .collect(),
        })
        .collect();
    let (checks, more_checks) = hard_checks(class);
    let page = ClassPage {
        course: &class.course,
        sandbox: &class.sandbox,
        notes: &class.sandbox_notes,
        toolchain: &class.toolchain,
        late: class.students.iter().any(|row| row.late_days > 0),
        checks,
        more_checks,
        flags: flag_groups(class, &places),
        tiles,
        errors,
        labs,
        rows,
    };
    render(templates, "index.html", &page)
}

/// What `index.html` shows.
#[derive(Serialize)]
struct ClassPage<'c> {
    course: &'c str,
    sandbox: &'c str,
    notes: &'c [String],
    toolchain: &'c str,
    late: bool,
    checks: Vec<HardCheck>,
    more_checks: usize,
    flags: Vec<FlagGroup>,
    tiles: [Tile; 5],
    errors: Vec<Trouble>,
    labs: Vec<LabCard>,
    rows: Vec<TableRow>,
}

#[derive(Serialize)]
struct CheckLine {
    counts: bool,
    name: String,
    verdict: &'static str,
    points: u32,
    max: u32,
    step: usize,
    bonus: bool,
    hidden: bool,
    unsteady: bool,
    message: String,
}

#[derive(Serialize)]
struct SourceFile {
    name: String,
    lines: usize,
    numbers: String,
    text: String,
}

#[derive(Serialize)]
struct LabPart {
    topic: String,
    title: String,
    points: String,
    max: u32,
    bonus: u32,
    counts: String,
    percent: String,
    state: String,
    changes: Vec<String>,
    detail: bool,
    message_title: &'static str,
    message: Option<String>,
    checks: Vec<CheckLine>,
    failed: Vec<CheckLine>,
    files: Vec<SourceFile>,
    seed: Option<String>,
}

fn check_line(lab: &Column, cell: &Cell, check: &course::CheckReport) -> CheckLine {
    CheckLine {
        counts: lab.counts(check),
        name: words(&check.name),
        verdict: check.verdict.word(),
        points: check.points.0,
        max: check.max_points.0,
        step: check.step,
        bonus: check.kind == Kind::Bonus,
        hidden: cell.hides(check),
        unsteady: cell.unsteady.contains(&check.name),
        message: check.message.clone().unwrap_or_default(),
    }
}

fn source_file((name, text): (String, String)) -> SourceFile {
    let text = safe::plain(&text);
    let lines = text.lines().count();
    let numbers: Vec<String> = (1..=lines).map(|n| n.to_string()).collect();
    SourceFile {
        name,
        lines,
        numbers: numbers.join("\n"),
        text,
    }
}

fn part(lab: &Column, cell: &Cell, dir: &Path) -> LabPart {
    let points = cell.score;
    let checks = || cell.all_checks();
    LabPart {
        topic: lab.topic.clone(),
        title: lab.title.clone(),
        points: points.map_or("–".to_owned(), number),
        max: lab.max_points,
        bonus: lab.max_bonus_points,
        counts: lab.times(),
        percent: whole(percent(points.unwrap_or(0.0), f64::from(lab.max_points)).clamp(0.0, 100.0)),
        changes: feedback::changes(cell),
        state: match cell.status {
            Status::Graded if !cell.unsteady.is_empty() => "unsteady".to_owned(),
            status => state(status).to_owned(),
        },
        detail: !matches!(cell.status, Status::Missing | Status::Starter)
            || !cell.adjustments.is_empty()
            || !cell.others.is_empty(),
        message_title: match cell.status {
            Status::DoesNotCompile => "What the compiler says",
            _ => "Why",
        },
        message: cell.message.clone(),
        failed: checks()
            .filter(|check| {
                check.verdict == Verdict::Failed
                    || check.message.is_some() && cell.unsteady.contains(&check.name)
            })
            .map(|check| check_line(lab, cell, check))
            .collect(),
        checks: checks().map(|check| check_line(lab, cell, check)).collect(),
        files: cell
            .sources
            .iter()
            .flat_map(|hash| sources::read(dir, hash))
            .map(source_file)
            .collect(),
        seed: cell.seed.clone(),
    }
}

fn student(
    templates: &Environment<'_>,
    class: &Class,
    row: &Row,
    file: &str,
    dir: &Path,
) -> anyhow::Result<String> {
    let labs: Vec<LabPart> = class
        .labs
        .iter()
        .zip(&row.labs)
        .map(|(lab, cell)| part(lab, cell, dir))
        .collect();
    let total = row.total.map_or("–".to_owned(), number);
    let failed = row.labs.iter().flat_map(Cell::all_checks);
    let failed = failed.filter(|check| check.verdict == Verdict::Failed);
    let judged = row.labs.iter().filter(|cell| cell.status == Status::Graded);
    let mut tiles = vec![
        Tile::new(total, "points"),
        Tile::new(number(row.max), "can be had"),
        Tile::new(judged.count(), "labs judged"),
        Tile::new(failed.count(), "checks failed"),
    ];
    if row.late_days > 0 {
        tiles.push(Tile::new(row.late_days, "days late, all labs together"));
    }
    let page = StudentPage {
        course: &class.course,
        name: shown(row),
        student: &row.student,
        email: &row.email,
        notes: &row.notes,
        entries: &row.entries,
        flags: flags(row),
        file,
        tiles,
        weighted: class.is_weighted(),
        labs,
    };
    render(templates, "student.html", &page)
}

/// What a student's page shows.
#[derive(Serialize)]
struct StudentPage<'c> {
    course: &'c str,
    name: &'c str,
    student: &'c str,
    email: &'c str,
    notes: &'c [String],
    entries: &'c [String],
    flags: Vec<Flag>,
    file: &'c str,
    tiles: Vec<Tile>,
    /// Whether the points of some lab do not count as they are.
    weighted: bool,
    labs: Vec<LabPart>,
}

#[cfg(test)]
mod tests;
