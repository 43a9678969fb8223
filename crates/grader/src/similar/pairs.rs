//! Which two programs are alike, and how much.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use anyhow::Context as _;
use course::Lab;
use serde::Serialize;

use super::code;
use crate::handout::leaks::Run;

/// The least share that is reported.
const LEAST_SHARE: f64 = 0.25;

/// How two are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The same bytes.
    Exact,
    /// The same but for comments, layout, names and the order of items.
    Normalised,
    /// Some passages are the same.
    Similar,
}

impl Kind {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Exact => "exact",
            Kind::Normalised => "normalised",
            Kind::Similar => "similar",
        }
    }
}

/// Two that are alike, by their places in what was compared.
#[derive(Debug)]
pub struct Pair {
    pub kind: Kind,
    /// How much of the smaller one's shingles is in the other, from 0 to 1.
    pub share: f64,
    /// How many shingles both have.
    pub shared: usize,
    pub left: usize,
    pub right: usize,
}

/// What a lab gives to everybody.
#[derive(Debug)]
pub struct Given {
    items: BTreeMap<PathBuf, Vec<u64>>,
    shingles: HashSet<Run>,
    /// The starter of the files that are to be edited, for others to discount it.
    pub starter: BTreeMap<PathBuf, String>,
}

impl Given {
    pub fn of(lab: &Lab) -> anyhow::Result<Given> {
        let mut given = Given {
            items: BTreeMap::new(),
            shingles: HashSet::new(),
            starter: BTreeMap::new(),
        };
        let Some(source) = lab.starter_source() else {
            return Ok(given);
        };
        let starter = source
            .starter(lab)
            .with_context(|| format!("the starter of {} cannot be made", lab.topic))?;
        for file in starter.files {
            let Ok(text) = String::from_utf8(file.bytes) else {
                continue;
            };
            given.items.insert(file.path.clone(), code::items(&text));
            given.shingles.extend(code::shingles(&text));
            given.starter.insert(file.path, text);
        }
        Ok(given)
    }
}

/// What one wrote, without what was given.
#[derive(Debug)]
pub struct Work {
    /// The files that are not the starter's.
    pub files: BTreeMap<PathBuf, String>,
    items: Vec<u64>,
    pub shingles: HashSet<Run>,
}

impl Work {
    /// None where nothing but the starter was handed in.
    pub fn of(given: &Given, files: &BTreeMap<PathBuf, String>) -> Option<Work> {
        let mut work = Work {
            files: BTreeMap::new(),
            items: Vec::new(),
            shingles: HashSet::new(),
        };
        for (path, text) in files {
            let items = code::items(text);
            if items.is_empty() || given.items.get(path) == Some(&items) {
                continue;
            }
            work.items.extend(items);
            work.files.insert(path.clone(), text.clone());
            work.shingles.extend(code::shingles(text));
        }
        work.items.sort_unstable();
        work.shingles.retain(|run| !given.shingles.contains(run));
        (!work.files.is_empty()).then_some(work)
    }

    fn kind(&self, other: &Work) -> Kind {
        if self.files == other.files {
            Kind::Exact
        } else if self.items == other.items {
            Kind::Normalised
        } else {
            Kind::Similar
        }
    }
}

/// Pairs of which at least one is among the first `own`: duplicates first, then by the share, the closest first.
pub fn of(works: &[&Work], own: usize) -> Vec<Pair> {
    let mut shared: HashMap<(usize, usize), usize> = HashMap::new();
    let mut holders: HashMap<Run, Vec<usize>> = HashMap::new();
    for (at, work) in works.iter().enumerate() {
        for run in &work.shingles {
            holders.entry(*run).or_default().push(at);
        }
    }
    for holders in holders.values() {
        for (nth, left) in holders.iter().enumerate().take_while(|(_, at)| **at < own) {
            for right in &holders[nth + 1..] {
                *shared.entry((*left, *right)).or_default() += 1;
            }
        }
    }
    // Works of a few words have no shingle, and may be the same nevertheless.
    let mut same: HashMap<&[u64], Vec<usize>> = HashMap::new();
    for (at, work) in works.iter().enumerate() {
        same.entry(&work.items).or_default().push(at);
    }
    let duplicates = same.values().flat_map(|group| {
        group
            .iter()
            .enumerate()
            .flat_map(move |(nth, left)| group[nth + 1..].iter().map(move |right| (*left, *right)))
    });
    let candidates: BTreeSet<(usize, usize)> = duplicates
        .filter(|(left, _)| *left < own)
        .chain(shared.keys().copied())
        .collect();
    let mut pairs: Vec<Pair> = candidates
        .into_iter()
        .filter_map(|(left, right)| {
            let shared = shared.get(&(left, right)).copied().unwrap_or_default();
            let (one, other) = (works[left], works[right]);
            let kind = one.kind(other);
            let smaller = one.shingles.len().min(other.shingles.len());
            let share = if kind != Kind::Similar {
                1.0
            } else {
                shared as f64 / smaller as f64
            };
            (share >= LEAST_SHARE).then_some(Pair {
                kind,
                share,
                shared,
                left,
                right,
            })
        })
        .collect();
    pairs.sort_by(|a, b| {
        let closer = b.share.total_cmp(&a.share).then(b.shared.cmp(&a.shared));
        a.kind.cmp(&b.kind).then(closer)
    });
    pairs
}
