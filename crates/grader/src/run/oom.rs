//! Whether the kernel has ended processes because there was no memory left.
//!
//! It picks the largest one, whoever's fault it is: the compiler of a right submission, or a program under check. What
//! came of a submission meanwhile says nothing about it.

use std::fs;
use std::path::Path;

/// How many processes it has ended so, since whenever: of our control group, where it counts them (`memory.events`,
/// cgroups(7), version 2), and of the whole machine elsewhere (`/proc/vmstat`). Nothing where the kernel does not tell.
pub(super) fn killed() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    own_group(&groups)
        .and_then(|group| {
            let events = Path::new("/sys/fs/cgroup").join(group);
            fs::read_to_string(events.join("memory.events")).ok()
        })
        .and_then(|events| counted(&events))
        .or_else(|| counted(&fs::read_to_string("/proc/vmstat").ok()?))
}

/// The path of our control group, of version 2, below where they are mounted.
fn own_group(groups: &str) -> Option<&str> {
    let line = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // Ours lies outside of what can be seen from here.
    (!line.starts_with("..")).then_some(line)
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
        assert_eq!(own_group("0::/\n"), Some(""));
        assert_eq!(
            own_group("4:memory:/a\n0::/user.slice/b\n"),
            Some("user.slice/b")
        );
        assert_eq!(own_group("0::/../c\n"), None);
        assert_eq!(own_group("4:memory:/a\n"), None);
        let events = "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n";
        assert_eq!(counted(events), Some(1));
        assert_eq!(
            counted("pgfault 7\noom_kill 12\ndrop_pagecache 0\n"),
            Some(12)
        );
        assert_eq!(counted("oom 2\n"), None);
    }
}
