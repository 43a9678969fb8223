//! A wall without namespaces: another user's id, Landlock, and a system call filter, in the midst of the machine.
//!
//! It is for machines that allow no namespaces. What it cannot do is said in the results: the program shares the
//! machine's network and sees its own processes among all others.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use crate::filter::{self, Family, Others};
use crate::inside::drop_capabilities;

/// The newest rules that are asked for. Of older kernels' rules as many are used as there are.
const RULES: ABI = ABI::V6;

/// What a process may still do once the fence is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// Whom it becomes first; it stays who it is where there is none.
    pub user: Option<User>,
    /// Whether Landlock has to be there.
    pub landlock: bool,
    /// What it may read and run.
    pub read: Vec<PathBuf>,
    /// What it may write as well.
    pub write: Vec<PathBuf>,
    /// Whether it may have sockets.
    pub network: bool,
}

/// An id that is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's and the group's.
    pub uid: u32,
}

impl Fence {
    /// Closes it around this process, which has one thread, for good. `seen` may be read too, and `here` written.
    ///
    /// # Errors
    /// A part of it does not hold.
    pub(crate) fn close(&self, seen: &[PathBuf], here: Option<&Path>) -> anyhow::Result<()> {
        if let Some(user) = self.user {
            user.become_it()?;
        }
        let read = self.read.iter().chain(seen).map(PathBuf::as_path);
        let write = self.write.iter().map(PathBuf::as_path).chain(here);
        let status = restrict(read, write, self.network)
            .context("Landlock cannot be set up (see `dmesg | grep -i landlock`)")?;
        ensure!(
            !self.landlock || status.ruleset != RulesetStatus::NotEnforced,
            "this kernel has no Landlock, or it is switched off (Linux 5.13; `lsm=` on its command line)"
        );
        drop_capabilities().context("rights cannot be dropped")?;
        let families: &[Family] = if self.network {
            &[Family::Internet]
        } else {
            &[]
        };
        // All the rules hold, that of signals too (Linux 6.12).
        let others = if status.ruleset == RulesetStatus::FullyEnforced {
            Others::OutOfReach
        } else {
            Others::Near
        };
        seccompiler::apply_filter(&filter::program(families, others)?)
            .context("the system call filter cannot be set")?;
        Ok(())
    }

    /// Whether the kernel enforces Landlock's rules. It is asked by a process of its own, which has them then.
    ///
    /// # Errors
    /// They could not be set up.
    pub fn is_enforced() -> anyhow::Result<bool> {
        let status = restrict([Path::new("/")].into_iter(), std::iter::empty(), true)?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }
}

impl User {
    /// Takes the id for good: no group of before is left.
    fn become_it(self) -> anyhow::Result<()> {
        let parent = rustix::process::getppid();
        take(self.uid).with_context(|| {
            format!(
                "root cannot become another user ({}): it needs CAP_SETUID and CAP_SETGID",
                self.uid
            )
        })?;
        // A change of the id forgets it (PR_SET_PDEATHSIG(2const)).
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if rustix::process::getppid() != parent {
            // The check has ended, and this ends with it.
            std::process::exit(1);
        }
        Ok(())
    }
}

#[expect(
    unsafe_code,
    reason = "the ids of a process have no safe setters that take the whole of it"
)]
fn take(id: u32) -> std::io::Result<()> {
    // SAFETY: these change the ids of this process, which has one thread, and touch no memory.
    let done = unsafe {
        libc::setgroups(0, std::ptr::null()) == 0
            && libc::setresgid(id, id, id) == 0
            && libc::setresuid(id, id, id) == 0
    };
    if done {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}

fn restrict<'p>(
    read: impl Iterator<Item = &'p Path>,
    write: impl Iterator<Item = &'p Path>,
    network: bool,
) -> anyhow::Result<RestrictionStatus> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RULES))?
        .scope(Scope::from_all(RULES))?;
    if !network {
        rules = rules.handle_access(AccessNet::from_all(RULES))?;
    }
    let mut rules = rules.create()?;
    let rights = [
        (read.collect::<Vec<_>>(), AccessFs::from_read(RULES)),
        (write.collect(), AccessFs::from_all(RULES)),
    ];
    for (paths, rights) in rights {
        for path in paths {
            // What is not there needs no rule.
            let Ok(fd) = PathFd::new(path) else { continue };
            let rights = if path.is_dir() {
                rights
            } else {
                rights & AccessFs::from_file(RULES)
            };
            rules = rules
                .add_rule(PathBeneath::new(fd, rights))
                .with_context(|| format!("no rule can be made for {}", path.display()))?;
        }
    }
    Ok(rules.restrict_self()?)
}
