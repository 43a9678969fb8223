//! Whom a word of a table or of the command line means.

use std::collections::{BTreeSet, HashMap};

use anyhow::ensure;

use crate::report::safe;
use crate::roster::{Student, is_name, login, same};

/// Somebody of the class, with everything that they may be called.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// What tells this one from all others: the `student` of the grades.
    pub student: String,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The other words: what stands in the names of the entries, and a login.
    pub words: Vec<String>,
}

impl From<&Student> for Person {
    fn from(student: &Student) -> Person {
        Person {
            student: student.student.clone(),
            email: student.email.clone(),
            name: student.name.clone(),
            words: vec![student.login.clone()],
        }
    }
}

/// All of a class. Somebody may be there more than once, as one who handed in twice.
#[derive(Debug, Default)]
pub struct People {
    all: Vec<Person>,
    /// By the `student` in small letters: their places.
    by_student: HashMap<String, Vec<usize>>,
}

impl People {
    /// These.
    pub fn new(all: impl IntoIterator<Item = Person>) -> People {
        let all: Vec<Person> = all.into_iter().collect();
        let mut by_student: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, person) in all.iter().enumerate() {
            let student = person.student.to_lowercase();
            by_student.entry(student).or_default().push(place);
        }
        People { all, by_student }
    }

    /// Whom `word` means: by the `student` first, then by the address, the name, and whatever else somebody is called.
    /// Capitals do not count, nor does the order of a name's words. None where nobody is called so.
    ///
    /// # Errors
    /// It may be any of several.
    pub fn find(&self, word: &str) -> anyhow::Result<Option<&str>> {
        let of_the_number = self.by_student.get(&word.to_lowercase());
        let of_the_number = of_the_number.into_iter().flatten();
        let students = of_the_number.map(|place| self.all[*place].student.as_str());
        if let Some(student) = only(word, students)? {
            return Ok(Some(student));
        }
        let tiers: [&dyn Fn(&Person) -> bool; 3] = [
            &|person| same(&person.email, word),
            &|person| is_name(&person.name, word),
            &|person| {
                let mut words = person.words.iter().map(String::as_str);
                same(login(&person.email), word)
                    || words.any(|other| same(other, word) || is_name(word, other))
            },
        ];
        for fits in tiers {
            let fitting = self.all.iter().filter(|person| fits(person));
            let students = fitting.map(|person| person.student.as_str());
            if let Some(student) = only(word, students)? {
                return Ok(Some(student));
            }
        }
        Ok(None)
    }

    /// What to say of a word that means nobody.
    #[must_use]
    pub fn nobody(&self, word: &str) -> String {
        let like = self.all.first();
        let like = like.map_or(String::new(), |person| format!(", like {}", person.student));
        format!("nobody here is called {word}; name a student as grades.csv does{like}")
    }
}

/// The one student of those whom a word fits, if it fits any.
fn only<'p>(
    word: &str,
    students: impl Iterator<Item = &'p str>,
) -> anyhow::Result<Option<&'p str>> {
    let found: BTreeSet<&str> = students.filter(|student| !student.is_empty()).collect();
    ensure!(
        found.len() <= 1,
        "{word} may be any of {}; write one of these",
        safe::list(found.iter().copied())
    );
    Ok(found.into_iter().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(student: &str, name: &str, email: &str, words: &[&str]) -> Person {
        Person {
            student: student.to_owned(),
            email: email.to_owned(),
            name: name.to_owned(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    #[test]
    fn a_word_means_one_or_nobody() {
        let people = People::new([
            person("10001", "Ada Lovelace", "ada@example.org", &["lovelaceada"]),
            person("10001", "Ada Lovelace", "ada@example.org", &["second"]),
            person("10002", "", "", &["hoppergrace", "grace"]),
            person("10003", "Alan Turing", "", &[]),
            person("10004", "Turing, Alan", "", &[]),
            person("alan", "", "", &[""]),
        ]);
        let found = |word| people.find(word).ok().flatten();
        for word in [
            "10001",
            "ADA@example.org",
            "Lovelace, Ada",
            "ada lovelace",
            "ada",
            "lovelaceada",
            "second",
        ] {
            assert_eq!(found(word), Some("10001"), "{word}");
        }
        // By the entry's name alone.
        assert_eq!(found("Grace Hopper"), Some("10002"));
        assert_eq!(found("alan"), Some("alan"));
        assert_eq!(found("nobody"), None);
        assert_eq!(found(""), None);
        let error = people.find("Alan Turing").unwrap_err().to_string();
        assert!(error.contains("any of 10003, 10004"), "{error}");
    }
}
