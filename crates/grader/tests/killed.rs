//! Killed at any moment and resumed, a run comes to the same as if nothing had happened, and leaves nothing behind.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assert_cmd::assert::OutputAssertExt as _;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process_group, set_child_subreaper, wait,
};
use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{files, grades, journaled, root, run, six};

/// How long what was started may live on after the grader; the machine may be busy.
const AFTERLIFE: Duration = Duration::from_secs(30);

/// One test at a time: each looks at all children of this process.
static ALONE: Mutex<()> = Mutex::new(());

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

/// Names in `folder` that begin with `kind`, a dash and the number of one of these processes.
fn left_by(pids: &[u32], folder: &Path, kind: &str) -> Vec<String> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| {
            let mut pids = pids.iter();
            pids.any(|pid| name.starts_with(&format!("{kind}-{pid}-")))
        })
        .collect()
}

/// Kills a run `times` times at moments that dice choose, and lets it go on each time.
fn killed(times: usize) {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    set_child_subreaper(Some(getpid())).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let temporary = scratch.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    for folder in [scratch.path(), &temporary] {
        // Where root grades, the checks run as somebody else.
        fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let class = six(scratch.path().join("submissions"));
    let one = scratch.path().join("one");
    // Once without the clock: it may have to build the checks.
    run(&class.dir, &one, &[]).assert().success();
    let warm = scratch.path().join("warm");
    let began = Instant::now();
    run(&class.dir, &warm, &[]).assert().success();
    let length = began.elapsed();

    let out = scratch.path().join("out");
    let resume = || run(&class.dir, &out, &["--resume"]);
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let (mut pids, mut kills) = (Vec::new(), 0);
    while kills < times {
        let mut child = start(resume(), &temporary);
        pids.push(child.id());
        let moment = length.mul_f64(dice.throw());
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
    let mut last = resume();
    last.env("TMPDIR", &temporary).assert().success();

    // Against a run of its own, all but times and ports is the same.
    let csv = |out: &Path| fs::read(out.join("grades.csv")).unwrap();
    assert_eq!(csv(&out), csv(&one));
    assert_eq!(grades(&out), grades(&one));
    // Against a run that was never killed and had the same verdicts before it, every byte.
    let whole = scratch.path().join("whole");
    fs::create_dir(&whole).unwrap();
    fs::copy(out.join("journal.jsonl"), whole.join("journal.jsonl")).unwrap();
    let known = journaled(&whole);
    run(&class.dir, &whole, &["--resume"]).assert().success();
    assert_eq!(journaled(&whole), known, "nothing was judged again");
    assert_eq!(files(&out), files(&whole));

    // Nothing is left, in the folder of the grades or anywhere else.
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    let home = root().join("target/grade");
    for (folder, kind) in [
        (home.clone(), "dependencies"),
        (home.join("hidden"), ".unfinished"),
        (out.clone(), ".unfinished"),
        (out.join("feedback"), ".unfinished"),
    ] {
        let left = left_by(&pids, &folder, kind);
        assert!(left.is_empty(), "{}: {left:?}", folder.display());
    }
}

#[test]
fn killed_and_resumed_it_comes_to_the_same_and_leaves_nothing() {
    killed(4);
}

#[test]
#[ignore = "takes minutes: cargo test -p grader --test killed -- --ignored"]
fn killed_twenty_times_it_comes_to_the_same_and_leaves_nothing() {
    killed(20);
}
