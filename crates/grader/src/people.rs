//! Whom a word of a table or of the command line means.

use std::collections::{BTreeSet, HashMap};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::report::safe;
use crate::roster::Student;

/// Somebody of the class, with everything that they may be called.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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
            words: student.logins.clone(),
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

/// By what else than the `student` a word tells somebody, the surest first. Capitals do not count, nor does the order of
/// a name's words.
const SIGNS: [fn(&Person, &str) -> bool; 3] = [
    |person, word| same(&person.email, word),
    |person, word| is_name(&person.name, word),
    |person, word| {
        let mut words = person.words.iter();
        same(login(&person.email), word)
            || words
                .any(|other| same(other, word) || same(login(other), word) || is_name(word, other))
    },
];

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

    /// These again.
    #[must_use]
    pub fn into_all(self) -> Vec<Person> {
        self.all
    }

    /// Whom `word` means: by the `student` first, then by the address, the name, and whatever else somebody is called.
    /// None where nobody is called so.
    ///
    /// # Errors
    /// It may be any of several.
    pub fn find(&self, word: &str) -> anyhow::Result<Option<&str>> {
        let mut found = self.by_each_sign(word).filter(|found| !found.is_empty());
        let found = found.next().unwrap_or_default();
        ensure!(
            found.len() <= 1,
            "{word} may be any of {}; write one of these",
            safe::list(found.iter().copied())
        );
        Ok(found.into_iter().next())
    }

    /// Whom `words` mean that are all of one and the same: by the `student` first, as in [`find`](People::find). A word
    /// that fits several says nothing.
    #[must_use]
    pub fn whom<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Option<&str> {
        let words = words.into_iter().map(|word| self.by_each_sign(word));
        let mut words: Vec<_> = words.collect();
        (0..=SIGNS.len()).find_map(|_| {
            let mut found = words.iter_mut().filter_map(Iterator::next);
            let found = found.find(|found| found.len() == 1);
            found.into_iter().flatten().next()
        })
    }

    /// The students whom `word` fits, by the `student` and then by each of [`SIGNS`]; looked for as they are asked for.
    fn by_each_sign(&self, word: &str) -> impl Iterator<Item = BTreeSet<&str>> {
        let places = self.by_student.get(&word.to_lowercase());
        let here = places.into_iter().flatten().map(|place| &self.all[*place]);
        let first = std::iter::once_with(|| students(here));
        let signs = SIGNS.iter().map(move |fits| {
            let fitting = self.all.iter().filter(|person| fits(person, word));
            students(fitting)
        });
        first.chain(signs)
    }

    /// What to say of a word that means nobody.
    #[must_use]
    pub fn nobody(&self, word: &str) -> String {
        let like = self.all.first();
        let like = like.map_or(String::new(), |person| format!(", like {}", person.student));
        format!("nobody here is called {word}; name a student as grades.csv does{like}")
    }
}

fn students<'p>(people: impl Iterator<Item = &'p Person>) -> BTreeSet<&'p str> {
    let students = people.map(|person| person.student.as_str());
    students.filter(|student| !student.is_empty()).collect()
}

/// Whether both are the same, capitals or not, and say anything.
fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && a.to_lowercase() == b.to_lowercase()
}

/// What stands before the `@`.
fn login(email: &str) -> &str {
    email.split_once('@').map_or("", |(login, _)| login)
}

/// Whether both are the same name: `Ada Lovelace`, `Lovelace, Ada`, and `lovelaceada`, as Canvas writes it.
fn is_name(name: &str, other: &str) -> bool {
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
            person("10002", "", "", &["hoppergrace", "grace@example.org"]),
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
        // Of several words that which tells most counts, and one that tells nothing is passed over.
        let whom = |words: &[&str]| people.whom(words.iter().copied());
        assert_eq!(whom(&["Grace Hopper", "10001"]), Some("10001"));
        assert_eq!(whom(&["Alan Turing", "grace"]), Some("10002"));
        assert_eq!(whom(&["Alan Turing", "nobody", ""]), None);
    }
}
