//! Chapter 6: is SIGPIPE ignored, in a Rust program and in a child of it? (Linux)
use std::io;
use std::process::Command;

// ANCHOR: main
fn main() -> io::Result<()> {
    let ours = std::fs::read_to_string("/proc/self/status")?;
    let childs = Command::new("cat").arg("/proc/self/status").output()?;
    println!("this program   {}", sigpipe(&ours));
    println!(
        "its child      {}",
        sigpipe(&String::from_utf8_lossy(&childs.stdout))
    );
    Ok(())
}
// ANCHOR_END: main

/// `SigIgn` is the set of ignored signals, as bits: signal 1 is the lowest. SIGPIPE is number 13.
fn sigpipe(status: &str) -> &'static str {
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    match ignored {
        Some(bits) if bits >> 12 & 1 == 1 => "ignores SIGPIPE: a write returns EPIPE",
        Some(_) => "does not ignore SIGPIPE: a write may end it",
        None => "does not say",
    }
}
