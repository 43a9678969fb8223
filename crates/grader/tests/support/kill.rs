//! Runs of the grader that are killed at moments that look like chance, and go on.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process_group, set_child_subreaper, wait,
};

/// How long what was started may live on after the grader; the machine may be busy.
const AFTERLIFE: Duration = Duration::from_secs(30);

/// Lets one test at a time go on: whoever kills looks at all children of this process.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moments and lengths that look like chance, the same in each run (xorshift64).
struct Dice(u64);

impl Dice {
    /// From 0 to 1.
    fn throw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

/// Starts a run as the leader of a process group, its temporary files in `temporary`.
fn start(mut command: Command, temporary: &Path) -> Child {
    command
        .env("TMPDIR", temporary)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Kills its process group after `moment`; whether it came to its end before.
fn kill_after(child: &mut Child, moment: Duration) -> bool {
    let until = Instant::now() + moment;
    while Instant::now() < until && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let _ = kill_process_group(group, Signal::KILL);
    child.wait().unwrap().success()
}

/// Waits until none of what was started lives on. Orphans are this process's children, which asked for them.
fn expect_no_orphans() {
    let until = Instant::now() + AFTERLIFE;
    loop {
        match wait(WaitOptions::NOHANG) {
            Err(_) => return,
            Ok(Some(_)) => {}
            Ok(None) => {
                assert!(Instant::now() < until, "still there:\n{}", orphans());
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// Kills a run as soon as one of its processes has all these words among its arguments, and waits until nothing of it
/// lives on. This process gets its orphans.
#[allow(dead_code, reason = "not every test asks")]
pub fn once_there_is(words: &[&str], temporary: &Path, run: Command) {
    set_child_subreaper(Some(getpid())).unwrap();
    let mut child = start(run, temporary);
    let until = Instant::now() + AFTERLIFE;
    let is_there = |pid: u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        words.iter().all(|word| line.contains(word))
    };
    while !launch::tree::descendants(child.id())
        .into_iter()
        .any(is_there)
    {
        assert!(child.try_wait().unwrap().is_none(), "the run has ended");
        assert!(Instant::now() < until, "nothing has {words:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_after(&mut child, Duration::ZERO);
    expect_no_orphans();
}

/// A run leaves no process to whoever has started it, not even a dead one: a container's first process may collect none.
#[allow(dead_code, reason = "not every test asks")]
pub fn leaving_nothing(run: impl FnOnce()) {
    set_child_subreaper(Some(getpid())).unwrap();
    run();
    let left = wait(WaitOptions::NOHANG);
    assert_eq!(left.err(), Some(Errno::CHILD), "{left:?}\n{}", orphans());
}

fn orphans() -> String {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let pids: String = tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .collect();
    let lines = pids.split_whitespace().map(|pid| {
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        format!("{pid} {}\n", line.replace('\0', " "))
    });
    lines.collect()
}

/// Kills the run that `resume` starts so many times, each after no more than `longest`, and lets it go on in `out`; its
/// temporary files are in `temporary`. The numbers of all these processes. This process gets their orphans.
pub fn again_and_again(
    times: usize,
    longest: Duration,
    temporary: &Path,
    out: &Path,
    resume: impl Fn() -> Command,
) -> Vec<u32> {
    set_child_subreaper(Some(getpid())).unwrap();
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let (mut pids, mut kills) = (Vec::new(), 0);
    while kills < times {
        let mut child = start(resume(), temporary);
        pids.push(child.id());
        let moment = longest.mul_f64(dice.throw());
        let finished = kill_after(&mut child, moment);
        expect_no_orphans();
        if finished {
            // It came to its end before it was killed: on with a part of what is known, cut anywhere.
            let journal = out.join("journal.jsonl");
            let text = fs::read(&journal).unwrap();
            let kept = (text.len() as f64 * dice.throw()) as usize;
            fs::write(&journal, &text[..kept]).unwrap();
        } else {
            kills += 1;
            eprintln!("killed {kills} of {times} times, after {moment:?}");
        }
    }
    pids
}
