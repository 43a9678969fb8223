//! Entries that the roster gives to one student, though nobody can say that they are this one's.
//!
//! What stands in an entry's name beside its key, a name or the end of a login, may be another student's as well. It
//! is enough where nothing speaks against it; two numbers are never one student.

use std::collections::BTreeSet;

use super::Entry;
use super::entry::Number;
use crate::report::safe;

/// How the roster came to an entry's student.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Not at all.
    Nobody,
    /// By the entry's key, or by that of which it is a copy.
    Surely,
    /// By this other word of its name.
    By(String),
    /// By two words, of which one means this other student.
    Or(String),
}

/// An entry, by its folder and its place there.
type Place = (usize, usize);

/// Takes what is in doubt away from the students of the roster, and says so. All attempts are looked at together, each
/// in a folder of its own.
pub(super) fn settle(folders: &mut [Vec<Entry>]) {
    for entry in folders.iter_mut().flatten() {
        if let Found::Or(other) = &entry.found {
            eprintln!(
                "warning: {} may be of {}, or as a copy of {}: counted for neither; rename it, so that it says one of them",
                safe::list([entry.name.as_str()].into_iter()),
                safe::list([entry.student.as_str()].into_iter()),
                safe::list([other.as_str()].into_iter()),
            );
            entry.is_nobodys();
        }
    }
    let entries = folders.iter().flatten();
    let guessed = entries.filter(|entry| entry.is_guessed());
    let students: BTreeSet<String> = guessed.map(|entry| entry.student.clone()).collect();
    for student in students {
        let places: Vec<Place> = all(folders)
            .filter(|place| of(folders, *place).student == student)
            .collect();
        let doubted = doubted(folders, &places);
        if doubted.is_empty() {
            continue;
        }
        say(folders, &student, &places, &doubted);
        for (folder, place) in doubted {
            folders[folder][place].is_nobodys();
        }
    }
}

fn all(folders: &[Vec<Entry>]) -> impl Iterator<Item = Place> {
    let folders = folders.iter().enumerate();
    folders.flat_map(|(folder, entries)| (0..entries.len()).map(move |place| (folder, place)))
}

fn of(folders: &[Vec<Entry>], (folder, place): Place) -> &Entry {
    &folders[folder][place]
}

/// Which of one student's entries may as well be another's.
fn doubted(folders: &[Vec<Entry>], places: &[Place]) -> BTreeSet<Place> {
    let of = |place: Place| of(folders, place);
    let differ = |a: Place, b: Place| {
        let everywhere = |place| of(place).who.number == Number::Everywhere;
        let comparable = a.0 == b.0 || everywhere(a) && everywhere(b);
        comparable && of(a).who.key != of(b).who.key
    };
    let guesses = || {
        places
            .iter()
            .copied()
            .filter(|place| of(*place).is_guessed())
    };
    let mut doubted: BTreeSet<Place> = guesses()
        .filter(|guess| places.iter().any(|other| differ(*guess, *other)))
        .filter(|guess| has_longer_login(of(*guess), &folders[guess.0]))
        .collect();
    let rest: Vec<Place> = guesses().filter(|place| !doubted.contains(place)).collect();
    let is_numbered = |place: Place| of(place).who.number != Number::None;
    let numbered: Vec<Place> = places
        .iter()
        .copied()
        .filter(|place| is_numbered(*place))
        .collect();
    let unclear = rest.iter().copied().filter(|guess| {
        let other_number = || numbered.iter().any(|other| differ(*guess, *other));
        rest.iter().any(|other| differ(*guess, *other)) || is_numbered(*guess) && other_number()
    });
    let unclear: Vec<Place> = unclear.collect();
    // A name that two have says nothing in another folder either.
    if unclear.iter().any(|place| is_numbered(*place)) {
        doubted.extend(rest.iter().filter(|place| is_numbered(**place)));
    }
    doubted.extend(unclear);
    doubted
}

/// Whether the entries beside tell that more of the name is the login than was looked for: in `wirelab-old-ada` all
/// of `old-ada`, where there is a `wirelab-bob`.
fn has_longer_login(entry: &Entry, beside: &[Entry]) -> bool {
    let Found::By(word) = &entry.found else {
        return false;
    };
    let key = &entry.who.key;
    let Some(before) = key.strip_suffix(word.as_str()) else {
        return false;
    };
    let Some(assignment) = before.split_inclusive('-').next() else {
        return false;
    };
    beside
        .iter()
        .any(|other| other.who.key.starts_with(assignment) && !other.who.key.starts_with(before))
}

fn say(folders: &[Vec<Entry>], student: &str, places: &[Place], doubted: &BTreeSet<Place>) {
    let names = |places: &mut dyn Iterator<Item = &Place>| {
        safe::list(places.map(|place| of(folders, *place).name.as_str()))
    };
    let others = names(&mut places.iter().filter(|place| !doubted.contains(place)));
    let beside = if others.is_empty() {
        String::new()
    } else {
        format!(", who handed in {others}")
    };
    let keys: BTreeSet<&str> = doubted
        .iter()
        .map(|place| of(folders, *place).who.key.as_str())
        .collect();
    let student = safe::list([student].into_iter());
    eprintln!(
        "warning: {} may be of {student}{beside}, or of somebody else who is called so: not counted for {student}; put the number or the login of each student on the roster (here {}), or take away what is another's",
        names(&mut doubted.iter()),
        safe::list(keys.into_iter()),
    );
}
