//! Whether the kernel has ended processes because there was no memory left.
//!
//! It picks the largest one, whoever's fault it is: the compiler of a right submission, or a program under check. What
//! came of a submission meanwhile says nothing about it.

use std::fs;
use std::path::Path;

/// Where control groups are mounted.
const GROUPS: &str = "/sys/fs/cgroup";

/// How many processes it has ended so, since whenever: of our control group where it counts them (`memory.events` or
/// `memory.oom_control`, cgroups(7)), for others' trouble is not ours, and of the whole machine elsewhere
/// (`/proc/vmstat`). Nothing where the kernel does not tell.
pub(super) fn killed() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let counts = [own_events(&groups), own_control(&groups)];
    let own = counts.into_iter().flatten().find_map(|file| {
        let text = fs::read_to_string(Path::new(GROUPS).join(file)).ok()?;
        counted(&text)
    });
    own.or_else(|| counted(&fs::read_to_string("/proc/vmstat").ok()?))
}

/// Where version 2 counts for our group.
fn own_events(groups: &str) -> Option<String> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    visible(group).then(|| {
        format!("{group}/memory.events")
            .trim_start_matches('/')
            .to_owned()
    })
}

/// Where version 1 does, by its usual place.
fn own_control(groups: &str) -> Option<String> {
    let group = groups.lines().find_map(|line| {
        let (controllers, group) = line.split_once(':')?.1.split_once(":/")?;
        let mut controllers = controllers.split(',');
        controllers.any(|name| name == "memory").then_some(group)
    })?;
    visible(group).then(|| format!("memory/{group}/memory.oom_control"))
}

/// Whether a group lies below what can be seen from here.
fn visible(group: &str) -> bool {
    !group.starts_with("..")
}

/// The number on the line `oom_kill`.
fn counted(lines: &str) -> Option<u64> {
    let line = lines
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_understood() {
        assert_eq!(own_events("0::/\n").as_deref(), Some("memory.events"));
        assert_eq!(
            own_events("4:memory:/a\n0::/user.slice/b\n").as_deref(),
            Some("user.slice/b/memory.events")
        );
        assert_eq!(own_events("0::/../c\n"), None);
        assert_eq!(own_events("4:memory:/a\n"), None);
        assert_eq!(
            own_control("5:cpu:/x\n4:hugetlb,memory:/a/b\n0::/\n").as_deref(),
            Some("memory/a/b/memory.oom_control")
        );
        assert_eq!(own_control("0::/a\n"), None);
        assert_eq!(
            counted("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
            Some(3)
        );
        let events = "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n";
        assert_eq!(counted(events), Some(1));
        assert_eq!(
            counted("pgfault 7\noom_kill 12\ndrop_pagecache 0\n"),
            Some(12)
        );
        assert_eq!(counted("oom 2\n"), None);
    }
}
