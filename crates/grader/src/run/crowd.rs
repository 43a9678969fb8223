//! Those that are judged at the same time, and what has the machine alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// So many jobs of one lab in a row that came to nothing, alone too: then it is not others' doing.
const ENOUGH: usize = 3;

/// Everybody who is at work.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    machine: RwLock<()>,
    /// By the number of the lab: how many of its jobs in a row came to nothing.
    in_vain: Mutex<BTreeMap<usize, usize>>,
}

impl Crowd {
    /// Does a job of a lab among others; where that comes to nothing, once more alone, since what went wrong may have
    /// been others' doing. `again` hears of it before. All others wait meanwhile, so a lab that comes to nothing
    /// whatever is tried has no more than a few of its jobs repeated: until one of them comes to something.
    pub(super) fn attempt<T>(
        &self,
        lab: usize,
        job: impl Fn() -> anyhow::Result<T>,
        again: impl FnOnce(&anyhow::Error),
    ) -> anyhow::Result<T> {
        let together = {
            let _others = self.machine.read().unwrap_or_else(PoisonError::into_inner);
            job()
        };
        let done = match together {
            Err(error) if self.in_vain().get(&lab).is_none_or(|jobs| *jobs < ENOUGH) => {
                again(&error);
                let _alone = self.machine.write().unwrap_or_else(PoisonError::into_inner);
                job()
            }
            together => together,
        };
        let mut in_vain = self.in_vain();
        match done {
            Ok(_) => drop(in_vain.remove(&lab)),
            Err(_) => *in_vain.entry(lab).or_default() += 1,
        }
        done
    }

    fn in_vain(&self) -> MutexGuard<'_, BTreeMap<usize, usize>> {
        self.in_vain.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use anyhow::bail;

    use super::*;

    #[test]
    fn a_lab_that_comes_to_nothing_does_not_keep_the_others_waiting() {
        let crowd = Crowd::default();
        let times = |lab: usize, comes_to_something: bool| {
            let times = Cell::new(0);
            let job = || {
                times.set(times.get() + 1);
                if !comes_to_something {
                    bail!("no disk");
                }
                Ok(())
            };
            let done = crowd.attempt(lab, job, |error| assert_eq!(error.to_string(), "no disk"));
            assert_eq!(done.is_ok(), comes_to_something);
            times.get()
        };
        assert_eq!([(); 5].map(|()| times(1, false)), [2, 2, 2, 1, 1]);
        assert_eq!(times(2, false), 2);
        assert_eq!(times(1, true), 1);
        assert_eq!(times(1, false), 2);
    }
}
