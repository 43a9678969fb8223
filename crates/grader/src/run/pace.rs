//! How many submissions are graded at a time.
//!
//! A right program is judged in a moment, and keeps the processors busy. A wrong one makes its checks wait, for seconds,
//! in which nothing runs. So there are always some at a time, and more of them while the machine has processor and
//! memory to spare; a crowd that nobody needs would only make checks wait for each other.

use std::fs;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::watch;

/// How many for each core, whatever the machine does.
const LEAST_A_CORE: usize = 2;
/// How many for each core at most.
const MOST_A_CORE: usize = 4;
/// How long is looked whether there is processor to spare, before one more or one fewer is let in.
const WINDOW: Duration = Duration::from_millis(300);
/// There is where nobody waited for a processor in so much of that time, in hundredths, ...
const SPARE: u32 = 50;
/// ... and there are too many where it was less than so much.
const CROWDED: u32 = 15;

/// Lets so many go on at a time.
pub(super) struct Pace<'g> {
    least: usize,
    most: usize,
    gauge: &'g (dyn Fn() -> Option<Reading> + Sync),
    state: Mutex<State>,
    changed: Condvar,
}

/// What a machine says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// How long somebody has been ready to run and had no processor, since whenever.
    stalled: Duration,
    /// The memory that is to be had, in bytes.
    memory: u64,
}

struct State {
    running: usize,
    /// How many may go on now.
    places: usize,
    since: Instant,
    stalled: Option<Duration>,
}

/// One that goes on; its place is free when this value is dropped.
pub(super) struct Place<'p>(&'p Pace<'p>);

impl<'g> Pace<'g> {
    /// As many as are asked for, or as many as the machine bears.
    pub(super) fn new(
        asked: Option<usize>,
        gauge: &'g (dyn Fn() -> Option<Reading> + Sync),
    ) -> Pace<'g> {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let (least, most) = match asked {
            Some(jobs) => (jobs, jobs),
            None => (LEAST_A_CORE * cores, MOST_A_CORE * cores),
        };
        Pace {
            least,
            most,
            gauge,
            state: Mutex::new(State {
                running: 0,
                places: least,
                since: Instant::now(),
                stalled: gauge().map(|reading| reading.stalled),
            }),
            changed: Condvar::new(),
        }
    }

    /// The most that go on at a time.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Waits for a place.
    pub(super) fn enter(&self) -> Place<'_> {
        let mut state = self.lock();
        while state.running >= state.places {
            if state.since.elapsed() >= WINDOW {
                self.look(&mut state);
                continue;
            }
            let waited = self.changed.wait_timeout(state, WINDOW / 2);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.running += 1;
        Place(self)
    }

    /// Makes a place, or takes one away, as the machine has been since the last look. All places are taken.
    fn look(&self, state: &mut State) {
        let waited = state.since.elapsed();
        let reading = (self.gauge)();
        let stalled = state
            .stalled
            .zip(reading)
            .map(|(before, now)| now.stalled.saturating_sub(before));
        state.since = Instant::now();
        state.stalled = reading.map(|reading| reading.stalled);
        let spare = stalled.map(|stalled| waited.saturating_sub(stalled) * 100);
        let has_memory = reading.is_some_and(|reading| reading.memory > 2 * watch::MOST_MEMORY);
        if has_memory && spare.is_some_and(|spare| spare >= waited * SPARE) {
            state.places = (state.places + 1).min(self.most);
        } else if !has_memory || spare.is_none_or(|spare| spare < waited * CROWDED) {
            state.places = (state.places - 1).max(self.least);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.changed.notify_all();
    }
}

/// What this machine says, or the container around us where it is one (cgroups(7), version 2): `some` of
/// `cpu.pressure`, and the memory that is left. Nothing where the kernel does not tell.
pub(super) fn gauge() -> Option<Reading> {
    let pressure = fs::read_to_string("/sys/fs/cgroup/cpu.pressure")
        .or_else(|_| fs::read_to_string("/proc/pressure/cpu"))
        .ok()?;
    let number = |path: &str| -> Option<u64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    let limit = number("/sys/fs/cgroup/memory.max");
    let used = number("/sys/fs/cgroup/memory.current");
    let left = limit
        .zip(used)
        .map_or(u64::MAX, |(limit, used)| limit.saturating_sub(used));
    let memory = available(&fs::read_to_string("/proc/meminfo").ok()?)?;
    Some(Reading {
        stalled: some(&pressure)?,
        memory: memory.min(left),
    })
}

/// The total of the line `some`, in microseconds there.
fn some(pressure: &str) -> Option<Duration> {
    let line = pressure.lines().find(|line| line.starts_with("some "))?;
    let total = line
        .split_whitespace()
        .find_map(|word| word.strip_prefix("total="))?;
    total.parse().ok().map(Duration::from_micros)
}

/// `MemAvailable` in bytes; kibibytes there (proc_meminfo(5)).
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const PLENTY: u64 = 1 << 40;

    /// The most that were there at a time, of so many who each stay for three windows.
    fn crowd(asked: Option<usize>, gauge: &(dyn Fn() -> Option<Reading> + Sync)) -> (usize, usize) {
        let pace = Pace::new(asked, gauge);
        let (here, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..pace.least + 3 {
                scope.spawn(|| {
                    let _place = pace.enter();
                    let now = here.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    thread::sleep(WINDOW * 3);
                    here.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        (pace.least, most.into_inner())
    }

    #[test]
    fn an_idle_machine_takes_more() {
        let (least, most) = crowd(None, &|| {
            Some(Reading {
                stalled: Duration::ZERO,
                memory: PLENTY,
            })
        });
        assert!(most > least, "{most}");
    }

    #[test]
    fn a_busy_one_does_not() {
        let began = Instant::now();
        let (least, most) = crowd(None, &|| {
            Some(Reading {
                stalled: began.elapsed() * 3 / 5,
                memory: PLENTY,
            })
        });
        assert_eq!(most, least);
    }

    #[test]
    fn nor_does_one_without_memory_or_without_a_word() {
        let little = || {
            Some(Reading {
                stalled: Duration::ZERO,
                memory: watch::MOST_MEMORY,
            })
        };
        let (least, most) = crowd(None, &little);
        assert_eq!(most, least);
        let (least, most) = crowd(None, &|| None);
        assert_eq!(most, least);
    }

    #[test]
    fn as_many_as_are_asked_for() {
        let idle = || {
            Some(Reading {
                stalled: Duration::ZERO,
                memory: PLENTY,
            })
        };
        assert_eq!(crowd(Some(1), &idle), (1, 1));
    }

    #[test]
    fn the_kernels_words_are_understood() {
        let pressure = "some avg10=0.00 avg60=1.50 avg300=0.20 total=2500\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n";
        assert_eq!(some(pressure), Some(Duration::from_micros(2500)));
        assert_eq!(some(""), None);
        let meminfo = "MemTotal:       24000000 kB\nMemAvailable:   12 kB\n";
        assert_eq!(available(meminfo), Some(12 << 10));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }
}
