//! Whether a check's time is over because its program is slow, or because the machine is.
use std::time::{Duration, Instant};

/// A program that has used so much of the processors has had its turn. What keeps it busy is its own.
#[cfg(target_os = "linux")]
const ENOUGH: Duration = Duration::from_secs(1);

/// What the kernel says of the load since a moment.
pub(crate) struct Load {
    since: Instant,
    /// How long somebody has waited for a processor or a disk by then.
    stalled: Option<Duration>,
}

impl Load {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Load {
            since: Instant::now(),
            stalled: stalled(),
        }
    }

    /// Whether `programs`, the process ids of what the check runs, may have waited for the machine
    /// most of the time: somebody always has, and they have not had much of one. False where that
    /// cannot be seen.
    #[cfg(target_os = "linux")]
    pub(crate) fn starves(&self, programs: &[u32]) -> bool {
        let Some(stalled) = self
            .stalled
            .and_then(|before| stalled()?.checked_sub(before))
        else {
            return false;
        };
        let used: Duration = programs
            .iter()
            .map(|pid| crate::blocked::processor_time(*pid))
            .sum();
        decide(self.since.elapsed(), stalled, used)
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn starves(&self, _: &[u32]) -> bool {
        let _ = (self.since, self.stalled);
        false
    }
}

#[cfg(target_os = "linux")]
fn decide(elapsed: Duration, stalled: Duration, used: Duration) -> bool {
    stalled >= elapsed / 2 && used < ENOUGH
}

/// How long, since the machine started, at least one task was ready to run and had no processor, or waited for a disk
/// (the `some` lines of `/proc/pressure/cpu` and `io`; Linux 4.20, where they are not switched off).
#[cfg(target_os = "linux")]
fn stalled() -> Option<Duration> {
    let some = |what: &str| -> Option<Duration> {
        let text = std::fs::read_to_string(format!("/proc/pressure/{what}")).ok()?;
        let some = text.lines().find(|line| line.starts_with("some "))?;
        let total = some
            .split_whitespace()
            .find_map(|word| word.strip_prefix("total="))?;
        total.parse().ok().map(Duration::from_micros)
    };
    Some(some("cpu")? + some("io").unwrap_or_default())
}

#[cfg(not(target_os = "linux"))]
fn stalled() -> Option<Duration> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_a_crowded_machine_and_a_program_that_had_no_turn_count() {
        assert!(decide(10 * SECOND, 9 * SECOND, SECOND / 10));
        assert!(
            !decide(10 * SECOND, SECOND, SECOND / 10),
            "nobody had to wait"
        );
        assert!(!decide(10 * SECOND, 9 * SECOND, 2 * SECOND), "it is busy");
    }
}
