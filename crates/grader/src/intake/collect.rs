//! Which files of a submission are taken, and what is said of those that are not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use course::{Course, Lab};

use super::LONGEST_FILE;

/// Folders in which a learner's work does not lie, though files of the same names do: what is built, what came with
/// the course, what a tool put by.
const IGNORED: [&str; 6] = [
    "target",
    "node_modules",
    "solutions",
    "starters",
    "wrong",
    "__MACOSX",
];

/// How much of the labs' files is taken of one submission, in bytes; each of them once.
const MOST_TAKEN: usize = 64 << 20;
/// How much of a name is shown, in characters.
const SHOWN: usize = 160;

/// A file that some lab's `edit` lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    /// The lab's folder.
    lab: String,
    /// The path in it.
    path: PathBuf,
}

/// A file that is wanted, as it was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fit {
    item: Item,
    /// Whether it lies in no folder of the lab's name.
    bare: bool,
}

/// What is wanted.
pub(super) struct Wanted {
    /// Every file, by its path in lower case: `04-tcp-echo/src/server.rs`.
    items: BTreeMap<String, Item>,
    /// How many parts the path has that has most.
    most_parts: usize,
    /// The files of the only lab that is graded, by their own names in lower case: `server.rs`.
    bare: BTreeMap<String, Item>,
    /// The labs' folders, in lower case.
    folders: BTreeSet<String>,
}

impl Wanted {
    /// All files of the course's labs. Where one of `labs` alone is graded, its files need not lie in its folder: nobody
    /// can mistake them.
    pub(super) fn of(course: &Course, labs: &[&Lab]) -> Wanted {
        let items: BTreeMap<String, Item> = course
            .labs()
            .iter()
            .flat_map(|lab| {
                lab.edit.iter().map(|path| {
                    let key = format!("{}/{}", lab.folder, path.display()).to_lowercase();
                    let item = Item {
                        lab: lab.folder.clone(),
                        path: path.clone(),
                    };
                    (key, item)
                })
            })
            .collect();
        let parts = items.keys().map(|key| key.split('/').count());
        let most_parts = parts.max().unwrap_or(0);
        let is_of_the_only_one = |item: &Item| matches!(labs, [lab] if lab.folder == item.lab);
        let bare = items.iter().filter_map(|(key, item)| {
            let (_, name) = key.rsplit_once('/')?;
            is_of_the_only_one(item).then(|| (name.to_owned(), item.clone()))
        });
        Wanted {
            most_parts,
            bare: bare.collect(),
            folders: course
                .labs()
                .iter()
                .map(|lab| lab.folder.to_lowercase())
                .collect(),
            items,
        }
    }

    /// Whether a name is that of a lab's folder, or of the folder of all, or of a file that is wanted wherever it lies.
    pub(super) fn is_a_labs(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        name == "labs"
            || self.folders.contains(&name)
            || self.bare.contains_key(&without_number(&name))
    }
}

/// One file as it was found.
struct Found {
    /// The entry that it was in.
    source: String,
    name: String,
    /// Whether it lies in no folder of the lab's name.
    bare: bool,
    content: Result<String, String>,
}

/// What has been found of one submission.
pub(super) struct Collection<'w> {
    wanted: &'w Wanted,
    found: BTreeMap<Item, Vec<Found>>,
    notes: Vec<String>,
    /// How much has been taken, in bytes.
    taken: usize,
    /// The entry that is being read.
    source: String,
    /// An archive within, which is not opened.
    archive: Option<String>,
}

/// What is taken of it.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) labs: BTreeMap<String, BTreeMap<PathBuf, String>>,
    pub(super) refused_labs: BTreeMap<String, String>,
    pub(super) notes: Vec<String>,
    /// An archive within, which was not opened.
    pub(super) archive: Option<String>,
}

impl<'w> Collection<'w> {
    pub(super) fn new(wanted: &'w Wanted) -> Collection<'w> {
        Collection {
            wanted,
            found: BTreeMap::new(),
            notes: Vec::new(),
            taken: 0,
            source: String::new(),
            archive: None,
        }
    }

    /// Whether a folder need not be looked into.
    pub(super) fn is_ignored_folder(&self, name: &str) -> bool {
        name.rsplit('/').next().is_some_and(is_ignored)
    }

    /// Which wanted file this is, if any. Case does not matter: where two names differ by nothing else, the
    /// student's own system had only one of them.
    pub(super) fn wants(&self, name: &str) -> Option<Fit> {
        let parts: Vec<&str> = name
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        if parts.iter().any(|part| is_ignored(part)) {
            return None;
        }
        let first = parts.len().saturating_sub(self.wanted.most_parts);
        let mut paths = (first..parts.len()).map(|from| parts[from..].join("/").to_lowercase());
        let item = paths.find_map(|path| self.wanted.items.get(&path));
        if let Some(item) = item.cloned() {
            return Some(Fit { item, bare: false });
        }
        let (file, folders) = parts.split_last()?;
        let of_a_lab = |part: &&str| self.wanted.folders.contains(&part.to_lowercase());
        let item = self.wanted.bare.get(&without_number(&file.to_lowercase()));
        let item = item.filter(|_| !folders.iter().any(of_a_lab))?.clone();
        Some(Fit { item, bare: true })
    }

    /// Takes a file that is wanted.
    pub(super) fn take(&mut self, fit: &Fit, name: &str, bytes: Vec<u8>) {
        let content = if bytes.len() as u64 > LONGEST_FILE {
            Err(format!("it is longer than {} KiB", LONGEST_FILE >> 10))
        } else {
            // The mark that some editors put before it is no part of the text, to the compiler neither.
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            let text = std::str::from_utf8(bytes).map(str::to_owned);
            text.map_err(|_| "it is not UTF-8; save it as UTF-8".to_owned())
        };
        if let (Ok(text), Some(before)) = (&content, self.found.get(&fit.item)) {
            // The same text once more leaves no doubt which is meant.
            let same = |found: &Found| {
                found.bare == fit.bare && found.content.as_ref().is_ok_and(|other| other == text)
            };
            if before.iter().any(same) {
                return;
            }
        }
        self.taken += content.as_ref().map_or(0, String::len);
        let content = if self.taken > MOST_TAKEN {
            Err(format!(
                "with it the labs' files are longer than {} MiB together; hand in each of them once",
                MOST_TAKEN >> 20
            ))
        } else {
            content
        };
        self.add(fit.clone(), name, content);
    }

    /// Refuses what stands at `name`, if a file was wanted there; anything else is passed over.
    pub(super) fn refuse(&mut self, name: &str, reason: &str) {
        if let Some(fit) = self.wants(name) {
            self.add(fit, name, Err(reason.to_owned()));
            return;
        }
        // A link in the place of a folder: whatever it leads to, it is not in the submission.
        let name = name.trim_end_matches('/');
        let lab = self.wanted.items.values().find(|item| {
            [&item.lab, &format!("{}/src", item.lab)]
                .into_iter()
                .any(|folder| name == folder || name.ends_with(&format!("/{folder}")))
        });
        if let Some(item) = lab.cloned() {
            let fit = Fit { item, bare: false };
            self.add(fit, name, Err(reason.to_owned()));
        }
    }

    /// A name that is not UTF-8, as far as it can be shown: among a lab's files nobody can say which it would be.
    pub(super) fn refuse_name(&mut self, shown: &str) {
        let parts: Vec<String> = shown.split('/').map(str::to_lowercase).collect();
        if parts.iter().any(|part| is_ignored(part)) {
            return;
        }
        let among = self.wanted.items.values().find(|item| {
            let folder = parts
                .iter()
                .position(|part| *part == item.lab.to_lowercase());
            folder.is_some_and(|at| at + 1 < parts.len())
        });
        match among.cloned() {
            Some(item) => {
                let reason = "its name is not UTF-8; rename it".to_owned();
                self.add(Fit { item, bare: false }, shown, Err(reason));
            }
            None => self.note(format!(
                "{} was left out: its name is not UTF-8",
                self::shown(shown)
            )),
        }
    }

    /// An archive within an archive, or deeper in a folder than they are handed out.
    pub(super) fn pass_over_archive(&mut self, name: &str) {
        self.archive.get_or_insert_with(|| shown(name));
    }

    pub(super) fn note(&mut self, note: String) {
        if self.notes.len() < 20 {
            self.notes.push(note);
        }
    }

    fn add(&mut self, fit: Fit, name: &str, content: Result<String, String>) {
        self.found.entry(fit.item).or_default().push(Found {
            source: self.source.clone(),
            name: shown(name),
            bare: fit.bare,
            content,
        });
    }

    /// What follows is of this entry.
    pub(super) fn of(&mut self, entry: &str) {
        entry.clone_into(&mut self.source);
    }

    /// Decides: each file once, and a lab of which a file was refused not at all. Where a lab's folder is there, what
    /// lies elsewhere is not meant.
    pub(super) fn finish(mut self) -> Taken {
        let places = self.found.iter();
        let in_folders: BTreeSet<String> = places
            .filter(|(_, found)| found.iter().any(|found| !found.bare))
            .map(|(item, _)| item.lab.clone())
            .collect();
        for (item, found) in &mut self.found {
            found.retain(|found| !found.bare || !in_folders.contains(&item.lab));
        }
        self.found.retain(|_, found| !found.is_empty());
        let mut taken = Taken {
            notes: self.notes,
            archive: self.archive,
            ..Taken::default()
        };
        for (item, found) in self.found {
            let Item { lab, path } = &item;
            let own = |name: &Path| name.file_name().unwrap_or_default().to_ascii_lowercase();
            let otherwise = |found: &&Found| own(Path::new(&found.name)) != own(path);
            let note = found.iter().find(otherwise).map(|found| {
                let path = path.display();
                format!("{lab}: {} was taken for {path}.", found.name)
            });
            match decide(found) {
                Ok(text) => {
                    taken.notes.extend(note);
                    taken
                        .labs
                        .entry(item.lab)
                        .or_default()
                        .insert(item.path, text);
                }
                Err(reason) => {
                    taken.refused_labs.entry(item.lab).or_insert(reason);
                }
            }
        }
        for lab in taken.refused_labs.keys() {
            taken.labs.remove(lab);
        }
        taken
    }
}

/// `server-1.rs` and `server (1).rs` → `server.rs`: what is handed in again gets a number, and so does what is downloaded
/// once more.
fn without_number(name: &str) -> String {
    let bare = |stem: &str| -> Option<String> {
        let stem = stem.strip_suffix(')').unwrap_or(stem);
        let (bare, number) = stem.rsplit_once(" (").or_else(|| stem.rsplit_once('-'))?;
        let is_number = (1..=3).contains(&number.len()) && number.parse::<u16>().is_ok();
        is_number.then(|| bare.to_owned())
    };
    let plain = name
        .rsplit_once('.')
        .and_then(|(stem, ending)| Some(format!("{}.{ending}", bare(stem)?)));
    plain.unwrap_or_else(|| name.to_owned())
}

/// A name in a message, cut where it is very long.
pub(super) fn shown(name: &str) -> String {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn decide(mut found: Vec<Found>) -> Result<String, String> {
    if let Some(bad) = found.iter().find(|found| found.content.is_err())
        && let Err(reason) = &bad.content
    {
        return Err(format!("{}: {reason}", bad.name));
    }
    match &found[..] {
        [first, second, ..] => {
            let how = if first.name.to_lowercase() == second.name.to_lowercase() {
                "twice, with different content"
            } else {
                "in two places, with different content"
            };
            let place = |found: &Found| {
                if first.source == second.source {
                    found.name.clone()
                } else {
                    format!("{} of {}", found.name, shown(&found.source))
                }
            };
            Err(format!(
                "{} and {}: the same file {how}; hand in one",
                place(first),
                place(second)
            ))
        }
        _ => found.pop().map_or_else(
            || Err("nothing was found".to_owned()),
            |found| found.content,
        ),
    }
}

fn is_ignored(part: &str) -> bool {
    IGNORED.contains(&part) || (part.starts_with('.') && part.len() > 1)
}
