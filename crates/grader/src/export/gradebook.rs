//! Grades in the gradebook that Canvas or Moodle exports: the cells of the asked columns, and nothing else, are
//! changed.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, bail, ensure};
use course::Course;

use crate::cli;
use crate::intake::entry;
use crate::people::{People, Person};
use crate::report::{self, Class, number};

mod table;

use table::Table;

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
    for who in &done.no_row {
        eprintln!("no row in the gradebook: {who}");
    }
    for who in &done.no_grade {
        eprintln!("no grade for the row of {who}: left as it was");
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

fn columns(
    course: &Course,
    class: &Class,
    table: &Table<'_>,
    args: &cli::Gradebook,
) -> anyhow::Result<Vec<Column>> {
    let headings = table.values(0);
    if args.column.is_empty() {
        let names = |lab: &report::Column| -> Vec<String> {
            let folder = course.lab(&lab.topic).map(|lab| lab.folder.clone());
            let mut names = vec![lab.topic.clone(), lab.title.clone()];
            names.extend(folder);
            names.iter().map(|name| name.to_lowercase()).collect()
        };
        let mut found = Vec::new();
        for (place, lab) in class.labs.iter().enumerate() {
            let names = names(lab);
            // Moodle puts a word before and behind: `Assignment: Framing (Real)`.
            let fits = |heading: &String| {
                let heading = plain(heading);
                let bare = heading.strip_prefix("assignment: ").unwrap_or(&heading);
                let bare = bare.strip_suffix(" (real)").unwrap_or(bare);
                names.iter().any(|name| name == bare)
            };
            found.extend(headings.iter().position(fits).map(|index| Column {
                index,
                what: What::Lab(place),
            }));
        }
        ensure!(
            !found.is_empty(),
            "no column has a lab's name; say which is which with --column HEADING=LAB or HEADING=total. The columns are {}",
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

    /// Whom a row is about: the names, and then the other words, which are ids and addresses. None where it is nobody.
    fn words(&self, values: &[String]) -> Option<Vec<String>> {
        let at = |index: &usize| values.get(*index).map_or("", |value| value.trim());
        let names = self.names.iter().map(|index| at(index).to_owned());
        let both = self.first_and_last.iter();
        let both = both.map(|(first, last)| format!("{} {}", at(first), at(last)));
        let others = self.ids.iter().chain(&self.emails).map(at);
        let others = others.map(|word| word.trim_start_matches("Participant ").to_owned());
        let mut words: Vec<String> = names.chain(both).chain(others).collect();
        words.retain(|word| !word.trim().is_empty());
        // A row of Canvas's that is about the columns.
        let is_person = words.first().is_some_and(|name| name != "Points Possible");
        is_person.then_some(words)
    }
}

/// Everybody of the class, by all that a gradebook may call them.
fn everybody(class: &Class) -> People {
    People::new(class.students.iter().map(|row| {
        let entries = row.entries.iter().map(|name| entry::read(name, false));
        let mut words = vec![row.student.clone()];
        for who in entries {
            words.extend(who.words().map(str::to_owned));
        }
        Person {
            student: row.student.clone(),
            email: row.email.clone(),
            name: row.name.clone(),
            words,
        }
    }))
}

#[derive(Debug, Default)]
struct Done {
    matched: usize,
    changed: usize,
    no_row: Vec<String>,
    no_grade: Vec<String>,
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
    let most_here = headings
        .iter()
        .position(|heading| heading.trim() == "Maximum Grade");
    let possible = (1..table.rows())
        .map(|row| table.values(row))
        .find(|values| {
            values
                .first()
                .is_some_and(|first| first.trim() == "Points Possible")
        });
    let people = everybody(class);
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for index in 1..table.rows() {
        let values = table.values(index);
        let Some(words) = telling.words(&values) else {
            continue;
        };
        let found = people.whom(words.iter().map(String::as_str));
        let Some(row) =
            found.and_then(|student| class.students.iter().find(|row| row.student == student))
        else {
            done.no_grade.extend(words.into_iter().next());
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
            if scale {
                let most = most_here
                    .and_then(|at| values.get(at))
                    .or_else(|| possible.as_ref()?.get(column.index))
                    .and_then(|text| text.trim().parse::<f64>().ok())
                    .with_context(|| {
                        format!(
                            "--scale: the gradebook does not say how many points can be had in {}",
                            headings[column.index]
                        )
                    })?;
                points = if max > 0.0 { points / max * most } else { 0.0 };
            }
            let points = number(points);
            if values.get(column.index).is_none_or(|old| *old != points) {
                table.set(index, column.index, points);
                done.changed += 1;
            }
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
