//! What is to be done: each lab's sources once, whoever handed them in.

use std::collections::BTreeMap;

use crate::build::{Kitchen, Sources, Toolchain};
use crate::digest;
use crate::intake::Submission;
use crate::report::Cell;
use crate::sandbox::Sandbox;

/// One lab's sources, which one or more students handed in.
pub(super) struct Job {
    pub(super) kitchen: usize,
    /// The first submission that holds them.
    pub(super) who: usize,
    pub(super) hash: String,
    /// What decides whether a result can be used again.
    pub(super) key: String,
    pub(super) seed: String,
    /// Whether it is judged anew, whatever is known of it.
    pub(super) again: bool,
    /// How long the checks took together of what its student had handed in before, in seconds; 0 where that was nothing.
    pub(super) took: f64,
}

/// What is done about a lab of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Do {
    /// It is judged, unless the result is known.
    Judge,
    /// It is judged anew.
    Again,
    /// What an earlier run came to stays.
    Keep,
}

/// What is to be done, each thing once.
pub(super) struct Work {
    pub(super) jobs: Vec<Job>,
    /// By submission and lab: the job, where there is one.
    pub(super) asked: BTreeMap<(usize, usize), usize>,
    /// By submission and lab: the hash of the sources, where something was written.
    pub(super) hashes: BTreeMap<(usize, usize), String>,
}

impl Work {
    /// `what` says what is done about a submission's lab, both by their numbers, with the hash of its sources.
    ///
    /// The seed of a job is made from the first student of the whole class who handed its sources in, so that it is the
    /// same in every shard, and whatever is left out this time.
    pub(super) fn new(
        kitchens: &[Kitchen<'_>],
        submissions: &[Submission],
        secret: &str,
        what: impl Fn(usize, usize, &str) -> Do,
    ) -> Work {
        let mut work = Work {
            jobs: Vec::new(),
            asked: BTreeMap::new(),
            hashes: BTreeMap::new(),
        };
        let mut first: BTreeMap<(usize, String), &str> = BTreeMap::new();
        let mut known: BTreeMap<(usize, String), usize> = BTreeMap::new();
        for (who, submission) in submissions.iter().enumerate() {
            for (index, kitchen) in kitchens.iter().enumerate() {
                let Some(learners) = submission.labs.get(&kitchen.lab.folder) else {
                    continue;
                };
                let sources = kitchen.sources(learners);
                if kitchen.is_starter(&sources) {
                    continue;
                }
                let hash = hash(&sources);
                let place = (index, hash.clone());
                let student = *first.entry(place.clone()).or_insert(&submission.who.key);
                let what = what(who, index, &hash);
                work.hashes.insert((who, index), hash.clone());
                if what == Do::Keep {
                    continue;
                }
                let job = *known.entry(place).or_insert_with(|| {
                    work.jobs.push(Job {
                        kitchen: index,
                        who,
                        seed: seed(secret, student, &hash),
                        hash,
                        key: String::new(),
                        again: false,
                        took: 0.0,
                    });
                    work.jobs.len() - 1
                });
                work.jobs[job].again |= what == Do::Again;
                work.asked.insert((who, index), job);
            }
        }
        work
    }

    /// Notes of each job how long it may take: as long as what its student had handed in before. `before` gives the
    /// checks of a submission's lab, by their numbers.
    pub(super) fn expect<'c>(&mut self, before: impl Fn(usize, usize) -> Option<&'c Cell>) {
        for ((who, index), job) in &self.asked {
            let seconds = before(*who, *index).map_or(0.0, |cell| {
                let checks = cell.checks.iter().chain(&cell.hidden);
                checks.map(|check| check.seconds).sum()
            });
            let job = &mut self.jobs[*job];
            job.took = job.took.max(seconds);
        }
    }
}

impl Job {
    /// What is compiled. It is made each time that it is needed: of a large class it would be much.
    pub(super) fn sources(&self, kitchen: &Kitchen<'_>, submissions: &[Submission]) -> Sources {
        kitchen.sources(&submissions[self.who].labs[&kitchen.lab.folder])
    }

    /// Says what decides whether a result can be used again: everything that it depends on.
    pub(super) fn set_key(
        &mut self,
        kitchen: &Kitchen<'_>,
        toolchain: &Toolchain,
        sandbox: &Sandbox,
    ) -> anyhow::Result<()> {
        let limits = serde_json::to_string(&Sandbox::limits())?;
        self.key = digest::of(&[
            kitchen.lab.topic.as_str(),
            &self.hash,
            &kitchen.checks_hash,
            &toolchain.version,
            sandbox.tier().name(),
            &limits,
            &self.seed,
        ]);
        Ok(())
    }

    /// Which of so many shards does it, from 1: by its sources, so that all shards are about as long.
    pub(super) fn shard(&self, shards: usize) -> usize {
        let number = u64::from_str_radix(&self.hash[..16], 16).unwrap_or(0);
        let shards = u64::try_from(shards).unwrap_or(1).max(1);
        usize::try_from(number % shards).unwrap_or(0) + 1
    }
}

/// The hash of a lab's sources.
pub(super) fn hash(sources: &Sources) -> String {
    let parts: Vec<&[u8]> = sources
        .iter()
        .flat_map(|(path, bytes)| [path.as_os_str().as_encoded_bytes(), bytes])
        .collect();
    digest::of(&parts)
}

/// The seed of a submission's checks: nobody without the secret can know it beforehand.
fn seed(secret: &str, student: &str, sources: &str) -> String {
    let mut seed = digest::of(&[secret, student, sources]);
    seed.truncate(16);
    seed
}
