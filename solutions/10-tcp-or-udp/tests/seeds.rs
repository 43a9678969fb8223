//! The reference through two hundred networks, each lossy in its own way: never a wrong byte.
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use testkit::{Check, Loss, check};

const SEEDS: u64 = 200;
/// How many transfers go on at a time: they mostly wait.
const AT_A_TIME: u64 = 16;
const LENGTH: usize = 10 * 1024 + 100;

/// What happened in all transfers together.
#[derive(Default)]
struct Tally {
    whole: AtomicU64,
    dropped: AtomicU64,
    duplicated: AtomicU64,
    reordered: AtomicU64,
    corrupted: AtomicU64,
}

/// One file, through a network that loses, repeats, reorders and corrupts a tenth on both ways.
fn transfer(check: &Check, file: &Path, bytes: &[u8], seed: u64, tally: &Tally) {
    let out = check.folder().join(format!("out-{seed}"));
    let path = out.display().to_string();
    let patience = "60000";
    let receiver = check.start([
        "receive", "--out", &path, "--idle", patience, "--linger", patience,
    ]);
    let loss = Loss::everything(0.1);
    let proxy = check.lossy_with(receiver.addr(), loss, loss, seed);
    let addr = proxy.addr().to_string();
    let file = file.display().to_string();
    // Stop-and-wait and a window, in turns.
    let window = if seed.is_multiple_of(2) { "1" } else { "8" };
    let sender = check.spawn([
        "send",
        &addr,
        &file,
        "--window",
        window,
        "--timeout",
        "20",
        "--tries",
        "1000",
    ]);
    sender.finish().expect_success("the reference arrives");
    let got = std::fs::read(&out).unwrap_or_default();
    assert!(got == bytes, "seed {seed}: another file has arrived");
    tally.whole.fetch_add(1, Ordering::Relaxed);
    for way in [proxy.there(), proxy.back()] {
        tally.dropped.fetch_add(way.dropped, Ordering::Relaxed);
        tally
            .duplicated
            .fetch_add(way.duplicated, Ordering::Relaxed);
        tally.reordered.fetch_add(way.reordered, Ordering::Relaxed);
        tally.corrupted.fetch_add(way.corrupted, Ordering::Relaxed);
    }
}

#[test]
fn never_delivers_a_wrong_byte_over_200_seeds() {
    let check = check!(lab = "../../../labs/10-tcp-or-udp/lab.toml");
    check.allow(Duration::from_secs(600));
    let bytes = check.random(LENGTH);
    let file = check.file("in", &bytes);
    let tally = Tally::default();
    std::thread::scope(|scope| {
        for first in 0..AT_A_TIME {
            let (check, file, bytes, tally) = (&check, &file, &bytes, &tally);
            scope.spawn(move || {
                for seed in (first..SEEDS).step_by(AT_A_TIME as usize) {
                    transfer(check, file, bytes, seed, tally);
                }
            });
        }
    });
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{SEEDS} seeds: {} files whole, no wrong byte; of the datagrams {} dropped, {} duplicated, {} reordered, {} corrupted",
        count(&tally.whole),
        count(&tally.dropped),
        count(&tally.duplicated),
        count(&tally.reordered),
        count(&tally.corrupted)
    );
    assert_eq!(count(&tally.whole), SEEDS);
    // A network that did nothing would prove nothing.
    for counter in [
        &tally.dropped,
        &tally.duplicated,
        &tally.reordered,
        &tally.corrupted,
    ] {
        assert!(count(counter) >= SEEDS);
    }
}
