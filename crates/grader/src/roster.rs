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

/// Whom a submission is from, by its key first and then by the other words of its name. An alias that fits several
/// students fits none.
#[must_use]
pub fn find<'r>(roster: &'r [Student], who: &Who) -> Option<&'r Student> {
    let same = |a: &str, b: &str| !a.is_empty() && a.to_lowercase() == b.to_lowercase();
    if let Some(found) = roster
        .iter()
        .find(|student| same(&student.student, &who.key))
    {
        return Some(found);
    }
    let mut found = roster.iter().filter(|student| {
        who.aliases
            .iter()
            .any(|alias| same(&student.student, alias) || same(&student.name, alias))
    });
    found.next().filter(|_| found.next().is_none())
}
