//! One wait of a check: until something comes, nothing can come any more, or time is up.
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::check::Check;
use crate::load::Silence;
use crate::program::Program;

/// How long one attempt to read may block before the program is looked at again.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// How long a wait is, and how long it goes on, before it is looked at where the programs' threads wait. That takes
/// dozens of calls, and many checks run at a time.
#[cfg(target_os = "linux")]
const PAUSE: Duration = Duration::from_millis(20);

/// How long a program is left alone at most that was found at work again and again.
#[cfg(target_os = "linux")]
const LONGEST_PAUSE: Duration = Duration::from_millis(80);

/// How long a wait is before it is noted what the programs do in it: most waits are shorter.
const AWHILE: Duration = Duration::from_millis(500);

/// How long a program that has just closed its connection may take to end, so that its panic is not
/// missed.
const LAST_MOMENT: Duration = Duration::from_millis(100);

/// Gives programs a moment to end: returns as soon as they have `ended`.
pub(crate) fn last_moment(ended: impl Fn() -> bool) {
    let until = Instant::now() + LAST_MOMENT;
    while !ended() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Why there is no use in waiting longer.
pub(crate) enum Ending {
    /// The program has ended, and all that it sent has been looked at.
    Ended(ExitStatus),
    /// Every thread of it waits for something that cannot come.
    Stuck,
    /// It printed more than is kept.
    Flooded,
    /// The check's time is up.
    TimedOut(Duration),
}

/// The state of one wait.
pub(crate) struct Wait<'a> {
    check: &'a Check,
    program: Option<&'a Program>,
    began: Instant,
    /// Since a while after it began.
    silence: Option<Silence>,
    ended: bool,
    /// Stuck at the last look; one more attempt is made before that counts.
    #[cfg(target_os = "linux")]
    stuck: bool,
    #[cfg(target_os = "linux")]
    watch: crate::blocked::Watch,
    /// When it is looked at next, and how long is waited after that.
    #[cfg(target_os = "linux")]
    watched_next: Instant,
    #[cfg(target_os = "linux")]
    pause: Duration,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(check: &'a Check, program: Option<&'a Program>) -> Self {
        Wait {
            check,
            program,
            began: Instant::now(),
            silence: None,
            ended: false,
            #[cfg(target_os = "linux")]
            stuck: false,
            #[cfg(target_os = "linux")]
            watch: crate::blocked::Watch::default(),
            #[cfg(target_os = "linux")]
            watched_next: Instant::now() + PAUSE,
            #[cfg(target_os = "linux")]
            pause: PAUSE,
        }
    }

    pub(crate) fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// To be called after each attempt in vain. Gives an ending only when one more attempt has been
    /// made after the program ended.
    pub(crate) fn look(&mut self) -> Option<Ending> {
        if let Some(program) = self.program {
            if program.is_flooded() {
                return Some(Ending::Flooded);
            }
            if let Some(status) = program.ended() {
                if self.ended {
                    return Some(Ending::Ended(status));
                }
                self.ended = true;
                // What it printed at last is still on its way through the readers.
                program.wait_for_output();
                return None;
            }
        }
        #[cfg(target_os = "linux")]
        if self.stuck || Instant::now() >= self.watched_next {
            let stuck = self.watch.is_stuck(self.check);
            self.pause = if self.watch.sees_sleep() {
                PAUSE
            } else {
                (self.pause * 2).min(LONGEST_PAUSE)
            };
            self.watched_next = Instant::now() + self.pause;
            if stuck && self.program.is_none_or(Program::is_collected) {
                if self.stuck {
                    return Some(Ending::Stuck);
                }
                self.stuck = true;
                return None;
            }
        }
        if self.silence.is_none() && self.took() >= AWHILE {
            self.silence = Some(Silence::begin(&self.check.running()));
        }
        if Instant::now() >= self.check.deadline_after(self.silence.as_ref()) {
            return Some(Ending::TimedOut(self.check.limit()));
        }
        None
    }

    /// The ending in words, to stand after what came.
    pub(crate) fn describe(&self, ending: &Ending) -> String {
        self.describe_with(ending, "its peer has sent all it has to send and waits too")
    }

    /// As [`Wait::describe`], for a peer that waits for something else than an answer.
    pub(crate) fn describe_with(&self, ending: &Ending, peer: &str) -> String {
        let whereabouts = || {
            let place = self.program.map(Program::whereabouts).unwrap_or_default();
            if place.is_empty() {
                String::new()
            } else {
                format!("\nthe program is {place}")
            }
        };
        match ending {
            Ending::Ended(status) => format!("the program ended ({})", describe_status(*status)),
            Ending::Stuck => {
                format!("nothing more can come{};\n{peer}", whereabouts())
            }
            Ending::Flooded => format!(
                "the program printed more than {} and was stopped",
                crate::output::Output::limit()
            ),
            Ending::TimedOut(limit) => {
                format!(
                    "the check's {} s are over{}",
                    limit.as_secs(),
                    whereabouts()
                )
            }
        }
    }
}

/// `exit code 1`, `killed by signal 11, a segmentation fault`.
pub(crate) fn describe_status(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            let meaning = match signal {
                libc::SIGABRT => ", an abort",
                libc::SIGSEGV => ", a segmentation fault",
                libc::SIGKILL => ", SIGKILL",
                libc::SIGPIPE => ", SIGPIPE",
                libc::SIGTERM => ", SIGTERM",
                _ => "",
            };
            return format!("killed by signal {signal}{meaning}");
        }
    }
    match status.code() {
        Some(101) => "exit code 101, a panic".into(),
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}
