//! Killed at any moment and resumed, a run comes to the same as if nothing had happened, and leaves nothing behind.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::time::Instant;

use assert_cmd::assert::OutputAssertExt as _;
use testkit::Need;

#[path = "support/kill.rs"]
mod kill;
#[path = "support/class.rs"]
mod support;

use support::{Class, echo_after, fence, files, grades, journaled, open_scratch, root, run, six};

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
    let _alone = kill::alone();
    let (scratch, temporary) = open_scratch();
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
    let pids = kill::again_and_again(times, length, &temporary, &out, resume);
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
fn behind_a_fence_a_compiler_that_waits_for_nothing_ends_with_the_grader() {
    let Some(tier) = fence() else { return };
    let _alone = kill::alone();
    let (scratch, temporary) = open_scratch();
    let class = Class::new(scratch.path().join("submissions"));
    let waits = "const X: &[u8] = include_bytes!(\"/proc/self/fd/1\");";
    class.with_echo("ada", &echo_after(waits, ""));
    let out = scratch.path().join("out");
    let grade = run(&class.dir, &out, &["--sandbox", tier.name()]);
    let here = temporary.to_str().unwrap();
    kill::once_there_is(&["bin/rustc", here], &temporary, grade);
}

#[test]
#[ignore = "takes minutes: cargo test -p grader --test killed -- --ignored"]
fn killed_twenty_times_it_comes_to_the_same_and_leaves_nothing() {
    killed(20);
}
