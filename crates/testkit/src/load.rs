//! Whether a check's time is over because its program is slow, or because the machine is.
use std::time::{Duration, Instant};

/// A program that has used so much of the processors has had its turn. What keeps it busy is its own.
#[cfg(target_os = "linux")]
const ENOUGH: Duration = Duration::from_secs(1);

/// A program that has not even asked for this part of the time, while its check waited for it, is asleep: it would not
/// have done more on a machine of its own.
#[cfg(target_os = "linux")]
const ASLEEP: u32 = 10;

/// A time in which a check has waited for its programs, and nothing has come.
pub(crate) struct Silence {
    #[cfg(target_os = "linux")]
    since: Instant,
    /// How long the programs had run, or had been ready to run, by then.
    #[cfg(target_os = "linux")]
    wanted: Option<Duration>,
}

impl Silence {
    /// From now on.
    #[cfg(target_os = "linux")]
    pub(crate) fn begin(programs: &[u32]) -> Self {
        Silence {
            since: Instant::now(),
            wanted: crate::blocked::processor_time_wanted(programs),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn begin(_: &[u32]) -> Self {
        Silence {}
    }

    /// Whether the programs have slept through at least half of `limit`, and sleep.
    #[cfg(target_os = "linux")]
    fn is_sleep(&self, limit: Duration, programs: &[u32]) -> bool {
        let length = self.since.elapsed();
        let wanted = crate::blocked::processor_time_wanted(programs);
        // A thread that has ended has taken its share with it.
        let wanted = self
            .wanted
            .zip(wanted)
            .map(|(before, now)| now.saturating_sub(before));
        length >= limit / 2
            && wanted.is_some_and(|wanted| wanted < length / ASLEEP)
            && programs.iter().all(|pid| crate::blocked::all_asleep(*pid))
    }
}

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
    /// most of the time: somebody always has, they have not had much of one, and they have not
    /// simply slept through `silence`, most of the `limit`. False where that cannot be seen.
    #[cfg(target_os = "linux")]
    pub(crate) fn starves(
        &self,
        programs: &[u32],
        limit: Duration,
        silence: Option<&Silence>,
    ) -> bool {
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
            && !silence.is_some_and(|silence| silence.is_sleep(limit, programs))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn starves(&self, _: &[u32], _: Duration, _: Option<&Silence>) -> bool {
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

    /// Stopped, whatever comes of the test.
    struct Child(std::process::Child);

    impl Child {
        fn start(program: &str, args: &[&str]) -> std::io::Result<Self> {
            let mut command = std::process::Command::new(program);
            Ok(Child(command.args(args).spawn()?))
        }
    }

    impl Drop for Child {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_program_that_sleeps_is_told_from_one_that_has_no_processor() -> std::io::Result<()> {
        const WHILE: Duration = Duration::from_millis(400);
        let works = ["-c", "while :; do :; done"];
        // More that works than there are processors, for the machine to be crowded.
        let crowd: Vec<Child> = (0..2 * std::thread::available_parallelism()?.get())
            .map(|_| Child::start("sh", &works))
            .collect::<Result<_, _>>()?;
        let sleeper = Child::start("sleep", &["60"])?;
        let (sleeps, works) = (sleeper.0.id(), crowd[0].0.id());
        let until = Instant::now() + 10 * SECOND;
        while !crate::blocked::all_asleep(sleeps) || !crate::blocked::is_in_its_program(sleeps) {
            assert!(Instant::now() < until, "it does not come to its sleep");
            std::thread::sleep(Duration::from_millis(1));
        }
        let silences = [sleeps, works].map(|pid| Silence::begin(&[pid]));
        std::thread::sleep(WHILE);
        assert!(silences[0].is_sleep(2 * WHILE, &[sleeps]));
        assert!(!silences[0].is_sleep(1000 * WHILE, &[sleeps]), "too short");
        assert!(!silences[1].is_sleep(2 * WHILE, &[works]));
        Ok(())
    }
}
