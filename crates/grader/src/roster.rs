//! The roster: who is in the class. A CSV file with the columns `student`, `name` and `email`.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::intake::Who;

/// One student.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Student {
    /// What tells this student from all others: an id, a login.
    pub student: String,
    /// The name.
    #[serde(default)]
    pub name: String,
    /// The address.
    #[serde(default)]
    pub email: String,
}

/// Reads a roster.
///
/// # Errors
/// It cannot be read, has no column `student`, or names somebody twice.
pub fn read(path: &Path) -> anyhow::Result<Vec<Student>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_path(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    // What some spreadsheets put before the first word.
    let headers: csv::StringRecord = reader
        .headers()
        .with_context(|| format!("{} cannot be read", path.display()))?
        .iter()
        .map(|header| header.trim_start_matches('\u{feff}').to_lowercase())
        .collect();
    if !headers.iter().any(|header| header == "student") {
        bail!(
            "{} has no column `student`; its first line must be student,name,email",
            path.display()
        );
    }
    let mut students: Vec<Student> = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let student = record
            .and_then(|record| record.deserialize::<Student>(Some(&headers)))
            .with_context(|| format!("{}, line {}, cannot be read", path.display(), index + 2))?;
        if student.student.is_empty() {
            continue;
        }
        if students
            .iter()
            .any(|other| other.student == student.student)
        {
            bail!(
                "{} names {} twice; take one line away",
                path.display(),
                student.student
            );
        }
        students.push(student);
    }
    Ok(students)
}

/// Whom a submission is from: by its key first, then by the address, the name and the other words of the entry. A word
/// that fits several students fits none.
#[must_use]
pub fn find<'r>(roster: &'r [Student], who: &Who) -> Option<&'r Student> {
    let only = |fits: &dyn Fn(&Student) -> bool| {
        let mut found = roster.iter().filter(|student| fits(student));
        found.next().filter(|_| found.next().is_none())
    };
    let words = || std::iter::once(&who.key).chain(&who.aliases);
    words()
        .find_map(|word| only(&|student| same(&student.student, word)))
        .or_else(|| words().find_map(|word| only(&|student| same(&student.email, word))))
        .or_else(|| words().find_map(|word| only(&|student| is_name(&student.name, word))))
        .or_else(|| words().find_map(|word| only(&|student| same(login(&student.email), word))))
}

fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && a.to_lowercase() == b.to_lowercase()
}

/// What stands before the `@`.
fn login(email: &str) -> &str {
    email.split_once('@').map_or("", |(login, _)| login)
}

/// Whether both are the same name: `Ada Lovelace`, `Lovelace, Ada`, and `lovelaceada`, as Canvas writes it.
#[must_use]
pub fn is_name(name: &str, other: &str) -> bool {
    let words: Vec<String> = name.split_whitespace().map(letters).collect();
    let other = letters(other);
    !other.is_empty()
        && (0..words.len()).any(|first| {
            let (before, from) = words.split_at(first);
            from.concat() + &before.concat() == other
        })
}

fn letters(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn student(student: &str, name: &str, email: &str) -> Student {
        Student {
            student: student.to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
        }
    }

    #[test]
    fn a_student_is_found_by_whatever_the_entry_has() {
        let roster = [
            student("s1", "Ada Byron Lovelace", "ada@example.org"),
            student("s2", "Grace Hopper", "grace@example.org"),
            student("s3", "Grace Hopper", "gh@example.org"),
            student("a-b", "", ""),
            student("b", "", ""),
        ];
        let found = |entry: &str| {
            let who = crate::intake::entry::read(entry, false);
            find(&roster, &who).map(|student| student.student.as_str())
        };
        for entry in [
            "S1.zip",
            "ada@example.org.zip",
            "ada.zip",
            "ada-2.zip",
            "Ada Byron Lovelace_7_assignsubmission_file_",
            "lovelaceadabyron_LATE_8_9_labs.zip",
            "Lovelace, Ada Byron.zip",
            "wirelab-s1.zip",
        ] {
            assert_eq!(found(entry), Some("s1"), "{entry}");
        }
        // Two have the name; nobody has the other.
        assert_eq!(found("hoppergrace_8_9_labs.zip"), None);
        assert_eq!(found("gh.zip"), Some("s3"));
        assert_eq!(found("lovelace.zip"), None);
        assert_eq!(found("wirelab-a-b.zip"), Some("a-b"));
        assert_eq!(found("wirelab-b.zip"), Some("b"));
    }
}
