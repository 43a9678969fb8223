//! The roster: who is in the class. A CSV file with the columns `student`, `name` and `email`, or what Canvas, Moodle or
//! GitHub Classroom exports.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::intake::Who;
use crate::people::{People, Person};
use crate::table::{self, Record};

/// One student.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Student {
    /// What tells this student from all others: an id, a login.
    pub student: String,
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// Other words for this student, where the roster has some.
    pub logins: Vec<String>,
}

/// All of them, in the order of the file.
#[derive(Debug)]
pub struct Roster {
    students: Vec<Student>,
    people: People,
}

impl Roster {
    /// Nobody must be there twice.
    pub(crate) fn new(students: Vec<Student>) -> Roster {
        let people = People::new(students.iter().map(Person::from));
        Roster { students, people }
    }

    /// Everybody.
    #[must_use]
    pub fn students(&self) -> &[Student] {
        &self.students
    }

    /// Whom a submission is from: by its key first, then by the other words of the entry.
    #[must_use]
    pub fn find(&self, who: &Who) -> Option<&Student> {
        who.words().find_map(|word| self.called(word))
    }

    /// Whom a word means.
    #[must_use]
    pub fn called(&self, word: &str) -> Option<&Student> {
        let student = self.people.whom([word])?;
        self.students.iter().find(|other| other.student == student)
    }
}

/// What a file of another program's calls the columns that matter here. It is one of theirs where it has all of them.
struct Layout {
    student: &'static str,
    name: &'static str,
    email: &'static str,
    logins: &'static [&'static str],
    /// What else tells that it is one.
    has: &'static str,
    /// What stands before each id and is no part of it.
    before: &'static str,
}

/// Whom Canvas lists at the end of each course in which a teacher has looked at the student's view.
const CANVAS_NOBODY: &str = "Student, Test";

const LAYOUTS: [Layout; 4] = [
    // Ours, whatever else it has.
    Layout {
        student: "student",
        name: "name",
        email: "email",
        logins: &["login"],
        has: "name",
        before: "",
    },
    // Canvas's gradebook: the number is that of the entries' names.
    Layout {
        student: "id",
        name: "student",
        email: "email",
        logins: &["sis login id", "sis user id"],
        has: "student",
        before: "",
    },
    // Moodle's grading worksheet, likewise.
    Layout {
        student: "identifier",
        name: "full name",
        email: "email address",
        logins: &["id number"],
        has: "full name",
        before: "Participant ",
    },
    // GitHub Classroom's roster.
    Layout {
        student: "github_username",
        name: "name",
        email: "email",
        logins: &["identifier"],
        has: "identifier",
        before: "",
    },
];

/// Reads a roster.
///
/// # Errors
/// It cannot be read, has no column that tells who is who, or names somebody twice.
pub fn read(path: &Path) -> anyhow::Result<Roster> {
    let (headings, records) = table::rows(path)?;
    let has = |heading: &str| headings.iter().any(|other| other == heading);
    let mut layouts = LAYOUTS.iter();
    let layout = layouts.find(|layout| has(layout.student) && has(layout.has));
    let Some(layout) = layout.or(LAYOUTS.first().filter(|ours| has(ours.student))) else {
        bail!(
            "{} has no column `student`; its first line must be student,name,email, or it is what Canvas, Moodle or GitHub Classroom exports. It is {}",
            path.display(),
            headings.join(",")
        );
    };
    let columns = [layout.student, layout.name, layout.email];
    let read = columns.iter().chain(layout.logins).copied();
    let read: Vec<&str> = read.filter(|column| !column.is_empty()).collect();
    table::each_once(&headings, &read).with_context(|| path.display().to_string())?;
    let mut students: Vec<Student> = Vec::new();
    for record in &records {
        let Some(student) = layout.read(record) else {
            ensure!(
                layout.student != LAYOUTS[0].student,
                "{} has nothing in the column `{}`: whom it is about cannot be told; write an id or a login there, or take the line away",
                record.place(),
                layout.student
            );
            continue;
        };
        ensure!(
            students
                .iter()
                .all(|other| other.student != student.student),
            "{} names {} twice; take one line away",
            record.place(),
            student.student
        );
        students.push(student);
    }
    Ok(Roster::new(students))
}

impl Layout {
    /// The student of a line; none where it is about nobody, such as Canvas's line of the points possible. Who has not
    /// joined GitHub Classroom yet is on its roster without a user's name there, and is missing all the same.
    fn read(&self, record: &Record) -> Option<Student> {
        let text = |column: &str| record.text(column).unwrap_or_default().to_owned();
        let student = record.text(self.student);
        let logins = || self.logins.iter().filter_map(|column| record.text(column));
        let student = student.or_else(|| logins().next())?;
        if self.name == "student" && text(self.name) == CANVAS_NOBODY {
            return None;
        }
        Some(Student {
            student: student.trim_start_matches(self.before).to_owned(),
            name: text(self.name),
            email: text(self.email),
            logins: logins().map(str::to_owned).collect(),
        })
    }
}

/// What to say where none of the entries is of anybody on the roster.
#[must_use]
pub fn fits_nobody(path: &Path, roster: &Roster, entries: &[&Who]) -> String {
    let ours = roster
        .students
        .first()
        .map_or("", |student| &student.student);
    let theirs = entries.first().map_or("", |who| &who.key);
    format!(
        "{} has nobody who handed something in: its `student` is like {ours:?}, and the entries say {theirs:?}. It must be the word or the number that the entries' names have: for Canvas the column ID, for Moodle the number behind Participant",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn student(student: &str, name: &str, email: &str) -> Student {
        Student {
            student: student.to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
            logins: Vec::new(),
        }
    }

    #[test]
    fn what_others_export_is_a_roster() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roster.csv");
        for text in [
            "Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n\"Lovelace, Ada\",7,x1,ada,one\n\"Student, Test\",8,,a7f,one\n",
            "\u{feff}Identifier,Full name,Email address,Status\nParticipant 7,Ada Lovelace,ada@example.org,Submitted\n",
            "identifier,github_username,github_id,name\nada@example.org,7,1234,Ada Lovelace\n",
            "Student;Name;Email\n7;Ada Lovelace;ada@example.org\n",
            "student\tname\temail\n7\tAda Lovelace\tada@example.org\n",
        ] {
            std::fs::write(&path, text).unwrap();
            let read = read(&path).unwrap();
            let students: Vec<&str> = read.students.iter().map(|one| &*one.student).collect();
            assert_eq!(students, ["7"], "{text}");
            assert_eq!(read.people.whom(["Ada Lovelace"]), Some("7"), "{text}");
        }
        let text = "identifier,github_username,github_id,name\ngrace@example.org,,,Grace Hopper\n";
        std::fs::write(&path, text).unwrap();
        let read = read(&path).unwrap();
        assert_eq!(read.students[0].student, "grace@example.org");
    }

    #[test]
    fn what_is_no_roster_is_told_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roster.csv");
        for (text, words) in [
            (&b"who,name\nada,Ada\n"[..], "It is who,name"),
            (b"student,name\nada,Ad\xe1\n", "CSV UTF-8"),
            (b"student\nada\nADA\nada\n", "roster.csv:4 names ada twice"),
            (
                b"student,name\nada,Ada\n,Grace\n",
                "roster.csv:3 has nothing in the column `student`",
            ),
            (b"student,name\nada,Ada,Lovelace\n", "line 2 has more cells"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", read(&path).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_student_is_found_by_whatever_the_entry_has() {
        let roster = Roster::new(vec![
            student("s1", "Ada Byron Lovelace", "ada@example.org"),
            student("s2", "Grace Hopper", "grace@example.org"),
            student("s3", "Grace Hopper", "gh@example.org"),
            student("a-b", "", ""),
            student("b", "", ""),
        ]);
        let found = |entry: &str| {
            let who = crate::intake::entry::read(entry, false);
            roster.find(&who).map(|student| student.student.as_str())
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
