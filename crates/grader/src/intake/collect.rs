//! Which files of a submission are taken, and what is said of those that are not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use course::{Course, Lab};

use super::{LONGEST_FILE, Place};

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

/// What stands behind a folder's name where it was copied or unpacked.
const COPIES: [&str; 5] = ["-main", "-master", " - copy", " copy", "-copy"];
/// How many files that are not taken are named for one lab, or for none.
const MOST_NAMED: usize = 3;

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
    /// Whether it lies in no folder of just the lab's name.
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
    /// The labs' folders, by what else one is called, in lower case: `tcp-echo`.
    topics: BTreeMap<String, String>,
    /// What the labs give beside those files, by its path in lower case: `04-tcp-echo/src/main.rs`.
    given: BTreeSet<String>,
    /// The folders of the labs that are graded.
    graded: BTreeSet<String>,
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
            topics: course
                .labs()
                .iter()
                .map(|lab| (lab.topic.to_lowercase(), lab.folder.clone()))
                .collect(),
            given: course
                .labs()
                .iter()
                .flat_map(|lab| given(course, lab))
                .collect(),
            graded: labs.iter().map(|lab| lab.folder.clone()).collect(),
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

    /// The lab that a folder is called after, in its own name or another: `tcp-echo`, `04-tcp-echo (1)`,
    /// `04-tcp-echo-main`.
    fn lab_of(&self, folder: &str) -> Option<&str> {
        let folder = folder.to_lowercase();
        let plain = COPIES.iter().find_map(|end| folder.strip_suffix(end));
        let plain = plain
            .map(str::to_owned)
            .or_else(|| stem_without_number(&folder));
        [Some(folder), plain]
            .into_iter()
            .flatten()
            .find_map(|name| {
                let own = self
                    .items
                    .values()
                    .find(|item| item.lab.to_lowercase() == name);
                let own = own.map(|item| item.lab.as_str());
                own.or_else(|| self.topics.get(&name).map(String::as_str))
            })
    }

    /// The files of a lab that are taken: `src/client.rs and src/server.rs`.
    fn files(&self, lab: &str) -> String {
        let items = self.items.values().filter(|item| item.lab == lab);
        let files: Vec<String> = items.map(|item| item.path.display().to_string()).collect();
        files.join(" and ")
    }

    /// The names of the files that may lie anywhere: `client.rs and server.rs`.
    fn bare_files(&self) -> String {
        let names: Vec<&str> = self.bare.keys().map(String::as_str).collect();
        names.join(" and ")
    }

    /// What somebody is told of whom nothing can be taken.
    pub(super) fn what_to_hand_in(&self) -> String {
        match self.bare.values().next() {
            Some(item) => format!("hand in {}, or the folder {}", self.bare_files(), item.lab),
            None => "hand in the labs' folders, as in 04-tcp-echo/src/server.rs".to_owned(),
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
    place: Place,
    /// The path as it is shown.
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
    /// Archives within, which are not opened.
    archives: Vec<String>,
    /// A program's files beside those of a lab that are taken, by the lab's folder.
    beside: BTreeMap<String, Vec<String>>,
    /// Files that are called as a lab's are, and lie in no lab's folder: the end of the path, and the whole of it.
    strays: Vec<(String, String)>,
    /// Entries that are files and no archives, and why nothing can be made of them.
    unknown: Vec<String>,
}

/// What is taken of it.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) labs: BTreeMap<String, BTreeMap<PathBuf, String>>,
    pub(super) places: BTreeMap<String, BTreeMap<PathBuf, Place>>,
    pub(super) refused_labs: BTreeMap<String, String>,
    pub(super) notes: Vec<String>,
    /// Archives within, which were not opened; not all of many.
    pub(super) archives: Vec<String>,
    /// Why nothing can be made of entries that are files and no archives.
    pub(super) unknown: Vec<String>,
}

impl<'w> Collection<'w> {
    pub(super) fn new(wanted: &'w Wanted) -> Collection<'w> {
        Collection {
            wanted,
            found: BTreeMap::new(),
            notes: Vec::new(),
            taken: 0,
            source: String::new(),
            archives: Vec::new(),
            beside: BTreeMap::new(),
            strays: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Whether a folder need not be looked into.
    pub(super) fn is_ignored_folder(&self, name: &str) -> bool {
        name.rsplit('/').next().is_some_and(is_ignored)
    }

    /// Which wanted file this is, if any. Case does not matter: where two names differ by nothing else, the
    /// student's own system had only one of them.
    pub(super) fn wants(&self, name: &str) -> Option<Fit> {
        let parts: Vec<&str> = parts(name).collect();
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
        if folders.iter().any(of_a_lab) {
            return None;
        }
        let mut called = (first..folders.len()).filter_map(|from| {
            let lab = self.wanted.lab_of(folders[from])?;
            Some(format!("{lab}/{}", parts[from + 1..].join("/")).to_lowercase())
        });
        let item = called.find_map(|path| self.wanted.items.get(&path));
        let bare = || self.wanted.bare.get(&without_number(&file.to_lowercase()));
        let item = item.or_else(bare)?.clone();
        Some(Fit { item, bare: true })
    }

    /// A file that is not wanted: if it is a program's, somebody may have meant it otherwise.
    pub(super) fn pass_over(&mut self, name: &str) {
        let parts: Vec<&str> = parts(name).collect();
        if !name.ends_with(".rs") || parts.iter().any(|part| is_ours(part)) {
            return;
        }
        let mut labs = parts.iter().enumerate();
        let lab = labs.find_map(|(at, part)| Some((at, self.wanted.lab_of(part)?.to_owned())));
        if let Some((at, lab)) = lab {
            let place = format!("{lab}/{}", parts[at + 1..].join("/")).to_lowercase();
            if parts.get(at + 1) == Some(&"src") && !self.wanted.given.contains(&place) {
                self.beside.entry(lab).or_default().push(shown(name));
            }
            return;
        }
        // Where one lab alone is graded, its files may lie anywhere, and so may what is meant to go with them.
        if let Some(item) = self.wanted.bare.values().next() {
            let own = parts.last().copied().unwrap_or_default();
            let place = format!("{}/src/{own}", item.lab).to_lowercase();
            if !self.wanted.given.contains(&place) {
                let beside = self.beside.entry(item.lab.clone()).or_default();
                beside.push(shown(name));
            }
            return;
        }
        let end = parts[parts.len().saturating_sub(2)..]
            .join("/")
            .to_lowercase();
        let mut paths = self.wanted.items.values().map(|item| &item.path);
        if paths.any(|path| path.to_string_lossy().to_lowercase() == end) {
            self.strays.push((end, shown(name)));
        }
    }

    /// An entry that is a file of which nothing can be made.
    pub(super) fn pass_over_entry(&mut self, name: &str) {
        let reason = match (name.ends_with(".rs"), self.wanted.bare.is_empty()) {
            (true, false) => format!(
                "is none of the lab's files, which are {}",
                self.wanted.bare_files()
            ),
            (true, true) => {
                "may be of any lab; hand in the labs' folders, as in 04-tcp-echo/src/server.rs"
                    .to_owned()
            }
            _ => "is neither a folder nor an archive; hand in a .zip or a .tar.gz".to_owned(),
        };
        self.unknown.push(format!("{}: {reason}", shown(name)));
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
        let parts: Vec<&str> = name.trim_end_matches('/').split('/').collect();
        let ([.., folder, "src"] | [.., folder]) = parts[..] else {
            return;
        };
        let lab = self.wanted.lab_of(folder);
        let mut items = self.wanted.items.values();
        let item = lab.and_then(|lab| items.find(|item| item.lab == lab));
        if let Some(item) = item.cloned() {
            let bare = !item.lab.eq_ignore_ascii_case(folder);
            let fit = Fit { item, bare };
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
        if !parts(name).any(is_ours) && self.archives.len() < MOST_NAMED {
            self.archives.push(shown(name));
        }
    }

    pub(super) fn note(&mut self, note: String) {
        if self.notes.len() < 20 {
            self.notes.push(note);
        }
    }

    fn add(&mut self, fit: Fit, name: &str, content: Result<String, String>) {
        self.found.entry(fit.item).or_default().push(Found {
            place: Place {
                entry: self.source.clone(),
                path: parts(name).collect::<Vec<_>>().join("/"),
            },
            name: shown(name),
            bare: fit.bare,
            content,
        });
    }

    /// Names the files of programs that a student may believe to have handed in.
    fn say_what_is_not_taken(&mut self) {
        let found: BTreeSet<String> = self.found.keys().map(|item| item.lab.clone()).collect();
        let wanted = self.wanted;
        let beside = std::mem::take(&mut self.beside);
        for (lab, names) in beside
            .iter()
            .filter(|(lab, _)| wanted.graded.contains(*lab))
        {
            let files = wanted.files(lab);
            self.note(format!(
                "{lab}: {} was not taken; of this lab {files} are, and nothing else.",
                some(names)
            ));
        }
        let is_missed = |end: &str| {
            let mut items = wanted.items.values();
            items.any(|item| {
                item.path.to_string_lossy().to_lowercase() == end
                    && wanted.graded.contains(&item.lab)
                    && !found.contains(&item.lab)
            })
        };
        let strays = std::mem::take(&mut self.strays);
        let missed = strays.into_iter().filter(|(end, _)| is_missed(end));
        let missed: Vec<String> = missed.map(|(_, name)| name).collect();
        if !missed.is_empty() {
            self.note(format!(
                "{} was not taken, though a lab's file is called so: it lies in no folder of a lab, as in 04-tcp-echo/src/server.rs.",
                some(&missed)
            ));
        }
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
        self.say_what_is_not_taken();
        let mut taken = Taken {
            notes: self.notes,
            archives: self.archives,
            unknown: self.unknown,
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
            let place = found.first().map(|found| found.place.clone());
            match decide(found) {
                Ok(text) => {
                    taken.notes.extend(note);
                    let places = taken.places.entry(item.lab.clone()).or_default();
                    places.extend(place.map(|place| (item.path.clone(), place)));
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

/// The first of these, and how many more there are.
fn some(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST_NAMED);
    let names = names[..names.len() - more].join(", ");
    if more > 0 {
        format!("{names} and {more} more")
    } else {
        names
    }
}

/// What a lab gives in `src`, by its path in lower case.
fn given(course: &Course, lab: &Lab) -> Vec<String> {
    let src = course.root().join("labs").join(&lab.folder).join("src");
    let files = std::fs::read_dir(src).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    names
        .map(|name| format!("{}/src/{name}", lab.folder).to_lowercase())
        .collect()
}

/// `server-1` and `server (1)` → `server`
fn stem_without_number(stem: &str) -> Option<String> {
    let stem = stem.strip_suffix(')').unwrap_or(stem);
    let (bare, number) = stem.rsplit_once(" (").or_else(|| stem.rsplit_once('-'))?;
    let is_number = (1..=3).contains(&number.len()) && number.parse::<u16>().is_ok();
    is_number.then(|| bare.to_owned())
}

/// `server-1.rs` and `server (1).rs` → `server.rs`: what is handed in again gets a number, and so does what is downloaded
/// once more.
fn without_number(name: &str) -> String {
    let plain = name
        .rsplit_once('.')
        .and_then(|(stem, ending)| Some(format!("{}.{ending}", stem_without_number(stem)?)));
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
                if first.place.entry == second.place.entry {
                    found.name.clone()
                } else {
                    format!("{} of {}", found.name, shown(&found.place.entry))
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

/// The folders of a path and its own name.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split('/').filter(|part| !matches!(*part, "" | "."))
}

/// Whether nothing of a learner's lies below a folder of this name.
fn is_ours(part: &str) -> bool {
    is_ignored(part) || matches!(part, "crates" | "tests" | "book")
}

fn is_ignored(part: &str) -> bool {
    IGNORED.contains(&part) || (part.starts_with('.') && part.len() > 1)
}
