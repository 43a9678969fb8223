//! Grades in the gradebook that Canvas or Moodle exports: the cells of the asked columns, and nothing else, are
//! changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, bail, ensure};
use course::Course;

use crate::cli;
use crate::intake::entry;
use crate::people::{People, Person};
use crate::report::{self, Class, number, safe};

mod table;

use table::Table;

/// How many cells that got another number are named.
const MOST_REPLACED: usize = 10;

/// Fills the gradebook in, and says who did not match.
///
/// # Errors
/// It cannot be read, has none of the columns, or two rows are the same student.
pub fn run(course: &Course, args: &cli::Gradebook) -> anyhow::Result<()> {
    let class = Class::of(&args.grades)?;
    let text = fs::read_to_string(&args.gradebook).with_context(|| {
        format!(
            "{} cannot be read; export the gradebook as CSV, in UTF-8",
            args.gradebook.display()
        )
    })?;
    let mut table = Table::parse(&text);
    ensure!(
        table.rows() > 1,
        "{} has no rows; export the gradebook as CSV",
        args.gradebook.display()
    );
    let telling = Telling::of(&table)?;
    let columns = columns(course, &class, &table, args)?;
    let done = fill(&mut table, &telling, &columns, &class, args.scale)?;
    report::put(&args.out, table.text().as_bytes())?;
    let headings = table.values(0);
    for column in &columns {
        let name = match column.what {
            What::Lab(place) => &class.labs[place].topic,
            What::Total => "the total",
        };
        println!("{} ← {name}", headings[column.index].trim());
    }
    let is_told = |place| {
        let mut columns = columns.iter();
        columns.any(|column| [What::Total, What::Lab(place)].contains(&column.what))
    };
    let places = class.labs.iter().enumerate();
    for (_, lab) in places.filter(|(place, _)| !is_told(*place)) {
        eprintln!(
            "warning: no column for {topic}: say which it is with --column 'HEADING={topic}'",
            topic = lab.topic
        );
    }
    println!(
        "{}: {} students, {} cells changed",
        args.out.display(),
        done.matched,
        done.changed
    );
    for line in done.said() {
        eprintln!("{line}");
    }
    Ok(())
}

/// What goes into a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The lab at this place of [`Class::labs`].
    Lab(usize),
    Total,
}

struct Column {
    index: usize,
    what: What,
}

/// A heading without what Canvas puts behind it: `Framing (12345)` → `framing`.
fn plain(heading: &str) -> String {
    let heading = heading.trim();
    let bare = heading.rsplit_once(" (").filter(|(_, id)| {
        let id = id.strip_suffix(')').unwrap_or(id);
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
    });
    bare.map_or(heading, |(bare, _)| bare).trim().to_lowercase()
}

/// As [`plain`], and without the words that Moodle puts before and behind: `Assignment: Framing (Real)` → `framing`.
fn bare(heading: &str) -> String {
    let heading = plain(heading);
    let bare = heading.strip_prefix("assignment: ").unwrap_or(&heading);
    bare.strip_suffix(" (real)").unwrap_or(bare).to_owned()
}

/// What of a name is letters and digits, without capitals: `TCP echo` → `tcpecho`
fn letters(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// What a heading may call a lab.
fn names(course: &Course, lab: &report::Column) -> Vec<String> {
    let folder = course.lab(&lab.topic).map(|lab| lab.folder.clone());
    let mut names = vec![lab.topic.clone(), lab.title.clone()];
    names.extend(folder);
    names.iter().map(|name| name.to_lowercase()).collect()
}

/// The columns that have a lab's name: as it is, or in the only one that has its letters and digits.
fn named(course: &Course, class: &Class, headings: &[String]) -> Vec<Column> {
    let labs = class.labs.iter().map(|lab| names(course, lab));
    let labs: Vec<Vec<String>> = labs.collect();
    let headings: Vec<String> = headings.iter().map(|heading| bare(heading)).collect();
    let like = |heading: &String, place: usize| {
        let heading = letters(heading);
        let mut names = labs[place].iter();
        !heading.is_empty() && names.any(|name| letters(name) == heading)
    };
    // What may mean two labs means neither.
    let fits = |heading: &String, place: usize| {
        let mut others = (0..labs.len()).filter(|other| *other != place);
        like(heading, place) && !others.any(|other| like(heading, other))
    };
    let mut found = Vec::new();
    for (place, names) in labs.iter().enumerate() {
        let all = headings.iter().enumerate();
        let fitting: Vec<_> = all.filter(|(_, heading)| fits(heading, place)).collect();
        let exact = fitting.iter().find(|(_, heading)| names.contains(heading));
        let only = fitting.first().filter(|_| fitting.len() == 1);
        found.extend(exact.or(only).map(|(index, _)| Column {
            index: *index,
            what: What::Lab(place),
        }));
    }
    found
}

fn columns(
    course: &Course,
    class: &Class,
    table: &Table<'_>,
    args: &cli::Gradebook,
) -> anyhow::Result<Vec<Column>> {
    let headings = table.values(0);
    if args.column.is_empty() {
        let mut found = named(course, class, &headings);
        if found.is_empty() {
            // Moodle's grading worksheet is of one assignment, and has one column for it.
            let only = headings
                .iter()
                .position(|heading| plain(heading) == "grade");
            let what = if class.labs.len() == 1 {
                What::Lab(0)
            } else {
                What::Total
            };
            found.extend(only.map(|index| Column { index, what }));
        }
        // Canvas has a number behind what is an assignment's.
        let mut all = headings.iter();
        let assignment = all.find(|heading| plain(heading) != heading.trim().to_lowercase());
        ensure!(
            !found.is_empty(),
            "no column has a lab's name; say which is which with --column HEADING=LAB or HEADING=total, as in --column '{}={}'. The columns are {}",
            assignment
                .or(headings.last())
                .map_or("", |heading| heading.trim()),
            class.labs.first().map_or("total", |lab| &*lab.topic),
            headings.join(", ")
        );
        return Ok(found);
    }
    let column = |asked: &String| -> anyhow::Result<Column> {
        let (heading, lab) = asked
            .rsplit_once('=')
            .with_context(|| format!("`{asked}` is not HEADING=LAB"))?;
        let index = headings
            .iter()
            .position(|other| other.trim() == heading.trim())
            .or_else(|| {
                headings
                    .iter()
                    .position(|other| plain(other) == plain(heading))
            })
            .with_context(|| {
                format!(
                    "there is no column {heading:?}; the columns are {}",
                    headings.join(", ")
                )
            })?;
        if lab == "total" {
            let what = What::Total;
            return Ok(Column { index, what });
        }
        let topic = &course.lab(lab)?.topic;
        let place = class.labs.iter().position(|lab| lab.topic == *topic);
        let what = What::Lab(place.with_context(|| format!("{topic} was not graded in this run"))?);
        Ok(Column { index, what })
    };
    args.column.iter().map(column).collect()
}

/// Which columns tell who a row is.
struct Telling {
    ids: Vec<usize>,
    emails: Vec<usize>,
    names: Vec<usize>,
    first_and_last: Option<(usize, usize)>,
}

impl Telling {
    fn of(table: &Table<'_>) -> anyhow::Result<Telling> {
        let headings: Vec<String> = table
            .values(0)
            .iter()
            .map(|heading| heading.trim_start_matches('\u{feff}').trim().to_lowercase())
            .collect();
        let among = |known: &[&str]| -> Vec<usize> {
            let all = headings.iter().enumerate();
            all.filter(|(_, heading)| known.contains(&heading.as_str()))
                .map(|(index, _)| index)
                .collect()
        };
        let one = |known: &[&str]| among(known).first().copied();
        let telling = Telling {
            ids: among(&[
                "id",
                "sis user id",
                "sis login id",
                "identifier",
                "id number",
                "username",
                "student id",
            ]),
            emails: among(&["email address", "email"]),
            names: among(&["student", "full name", "name"]),
            first_and_last: one(&["first name"]).zip(one(&["last name", "surname"])),
        };
        if telling.ids.is_empty() && telling.emails.is_empty() && telling.names.is_empty() {
            bail!(
                "no column tells who a row is: there is neither an id nor an address nor a name among {}",
                headings.join(", ")
            );
        }
        Ok(telling)
    }

    /// Whom a row is about. None where it is nobody.
    fn whom<'p>(&self, values: &[String], everybody: &'p Everybody) -> Option<Meant<'p>> {
        let at = |index: &usize| values.get(*index).map_or("", |value| value.trim());
        let all = |indices: &[usize]| -> Vec<String> {
            let words = indices.iter().map(at);
            let words = words.map(|word| word.trim_start_matches("Participant ").to_owned());
            words.filter(|word| !word.trim().is_empty()).collect()
        };
        let (ids, emails, mut names) = (all(&self.ids), all(&self.emails), all(&self.names));
        let both = self.first_and_last.iter();
        names.extend(both.map(|(first, last)| format!("{} {}", at(first), at(last))));
        names.retain(|name| !name.trim().is_empty());
        let row = names.iter().chain(&ids).chain(&emails).next()?.clone();
        // A row of Canvas's that is about the columns.
        if row == "Points Possible" {
            return None;
        }
        // A number is an id, and no name.
        names.retain(|name| name.contains(char::is_alphabetic));
        let mut students = BTreeSet::new();
        students.extend(everybody.by_id.whom(ids.iter().map(String::as_str)));
        students.extend(everybody.by_id.whom(emails.iter().map(String::as_str)));
        let is_sure = !students.is_empty();
        let named = names.iter().map(|name| everybody.by_name.find(name));
        students.extend(named.filter_map(|found| found.ok().flatten()));
        Some(Meant {
            row,
            students,
            is_sure,
        })
    }
}

/// Whom a row may mean.
struct Meant<'p> {
    /// What it is called.
    row: String,
    /// Whom its ids mean, its addresses and its names: all the same, or it is in doubt.
    students: BTreeSet<&'p str>,
    /// Whether more than a name tells so: names are chosen by those who have them.
    is_sure: bool,
}

/// Everybody of the class, by all that a gradebook may call them.
struct Everybody {
    by_id: People,
    by_name: People,
}

impl Everybody {
    fn of(class: &Class) -> Everybody {
        let by_id = class.students.iter().map(|row| {
            let words = row.entries.iter().flat_map(|name| {
                let number = entry::numbered(name).map(|number| vec![number]);
                number.unwrap_or_else(|| words(name))
            });
            Person {
                student: row.student.clone(),
                email: row.email.clone(),
                words: words.collect(),
                ..Person::default()
            }
        });
        let by_name = class.students.iter().map(|row| Person {
            student: row.student.clone(),
            name: row.name.clone(),
            words: row.entries.iter().flat_map(|name| words(name)).collect(),
            ..Person::default()
        });
        Everybody {
            by_id: People::new(by_id),
            by_name: People::new(by_name),
        }
    }
}

/// Whom an entry is from, in all words that it has for it.
fn words(entry: &str) -> Vec<String> {
    let who = entry::read(entry, false);
    who.words().map(str::to_owned).collect()
}

#[derive(Debug, Default)]
struct Done {
    matched: usize,
    changed: usize,
    no_row: Vec<String>,
    no_grade: Vec<String>,
    /// Who is excused, by the column and the word that says so.
    excused: BTreeMap<(usize, String), Vec<String>>,
    /// The cells that had something else in them.
    replaced: Vec<String>,
    /// By column: that the gradebook has other points to be had.
    other_points: BTreeMap<usize, String>,
}

impl Done {
    /// What somebody should know of it, a line each.
    fn said(&self) -> Vec<String> {
        let other_points = self.other_points.values();
        let mut lines: Vec<String> = other_points
            .map(|line| format!("warning: {line}"))
            .collect();
        lines.extend(self.replaced.iter().take(MOST_REPLACED).cloned());
        let more = self.replaced.len().saturating_sub(MOST_REPLACED);
        if more > 0 {
            lines.push(format!("and {more} cells more that got another number"));
        }
        for ((_, word), names) in &self.excused {
            let names = names.join("; ");
            lines.push(format!("{word}: left as it was: {names}"));
        }
        let no_row = self.no_row.iter();
        lines.extend(no_row.map(|who| format!("no row in the gradebook: {who}")));
        let no_grade = self.no_grade.iter();
        lines.extend(no_grade.map(|who| format!("no grade for the row of {who}: left as it was")));
        lines
    }
}

/// The word of a cell that says that this student need not do this.
fn excuse(cell: &str) -> Option<String> {
    let word = cell.trim().to_uppercase();
    ["EX", "EXCUSED", "N/A"]
        .contains(&word.as_str())
        .then_some(word)
}

/// Whether a cell has nothing in it, as Canvas writes that and as Moodle does.
fn is_empty(cell: &str) -> bool {
    matches!(cell.trim(), "" | "-")
}

/// What the gradebook says can be had.
struct Possible {
    /// Moodle's column.
    column: Option<usize>,
    /// Canvas's row.
    row: Option<Vec<String>>,
}

impl Possible {
    fn of(table: &Table<'_>) -> Possible {
        let mut headings = table.values(0).into_iter();
        let mut rows = (1..table.rows()).map(|row| table.values(row));
        let is_it = |values: &Vec<String>| {
            let first = values.first();
            first.is_some_and(|first| first.trim() == "Points Possible")
        };
        Possible {
            column: headings.position(|heading| heading.trim() == "Maximum Grade"),
            row: rows.find(is_it),
        }
    }

    /// In a column, by one in whose row these values are; none where it does not say.
    fn points(&self, values: &[String], column: usize) -> Option<f64> {
        let here = self.column.and_then(|at| values.get(at));
        let text = here.or_else(|| self.row.as_ref()?.get(column))?;
        text.trim().parse().ok()
    }
}

/// What a cell says, in one line.
fn line(cell: &str) -> String {
    safe::plain(cell.trim()).replace(['\n', '\t'], " ")
}

fn fill(
    table: &mut Table<'_>,
    telling: &Telling,
    columns: &[Column],
    class: &Class,
    scale: bool,
) -> anyhow::Result<Done> {
    let mut done = Done::default();
    let headings = table.values(0);
    let headings: Vec<String> = headings.iter().map(|heading| line(heading)).collect();
    let possible = Possible::of(table);
    let everybody = Everybody::of(class);
    let rows: Vec<_> = (1..table.rows())
        .filter_map(|index| Some((index, telling.whom(&table.values(index), &everybody)?)))
        .collect();
    let sure = rows.iter().map(|(_, meant)| meant);
    let sure = sure.filter(|meant| meant.is_sure && meant.students.len() == 1);
    let sure: BTreeSet<&str> = sure.flat_map(|meant| &meant.students).copied().collect();
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for (index, meant) in rows {
        let values = table.values(index);
        let name = line(&meant.row);
        let mut students = meant.students.iter().copied();
        let (student, other) = (students.next(), students.next());
        if other.is_some() {
            let may_be = safe::list(meant.students.into_iter());
            done.no_grade
                .push(format!("{name}, whose columns mean {may_be}"));
            continue;
        }
        let student = student.filter(|student| meant.is_sure || !sure.contains(student));
        let mut graded = class.students.iter();
        let Some(row) = graded.find(|row| student == Some(&row.student)) else {
            done.no_grade.push(name);
            continue;
        };
        if let Some(other) = seen.insert(&row.student, values.join(",")) {
            bail!(
                "two rows are {}: {other} and {}; take one away",
                row.student,
                values.join(",")
            );
        }
        done.matched += 1;
        for column in columns {
            let heading = &headings[column.index];
            let old = values.get(column.index).map_or("", String::as_str);
            if let Some(word) = excuse(old) {
                let word = format!("{heading}: excused ({word})");
                let excused = done.excused.entry((column.index, word)).or_default();
                excused.push(name.clone());
                continue;
            }
            let (earned, max) = match column.what {
                What::Total => (row.total, row.max),
                What::Lab(place) => (
                    row.labs.get(place).and_then(|cell| cell.score),
                    f64::from(class.labs[place].max_points),
                ),
            };
            let Some(mut points) = earned else {
                done.no_grade
                    .push(format!("{} (not graded yet)", row.student));
                continue;
            };
            let there = possible.points(&values, column.index);
            if scale {
                let most = there.with_context(|| {
                    format!(
                        "--scale: the gradebook does not say how many points can be had in {heading}"
                    )
                })?;
                points = if max > 0.0 { points / max * most } else { 0.0 };
            } else if let Some(there) = there.map(number).filter(|most| *most != number(max)) {
                done.other_points.entry(column.index).or_insert_with(|| {
                    format!(
                        "{heading}: {there} points can be had there, and {} here; --scale turns the one into the other",
                        number(max)
                    )
                });
            }
            let points = number(points);
            if old.trim().parse().is_ok_and(|old| number(old) == points) {
                continue;
            }
            if !is_empty(old) {
                let old = line(old);
                done.replaced
                    .push(format!("{name}, {heading}: {old} → {points}"));
            }
            table.set(index, column.index, points);
            done.changed += 1;
        }
    }
    for row in &class.students {
        if !seen.contains_key(row.student.as_str()) {
            let name = if row.name.is_empty() {
                String::new()
            } else {
                format!(" ({})", row.name)
            };
            done.no_row.push(format!("{}{name}", row.student));
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests;
