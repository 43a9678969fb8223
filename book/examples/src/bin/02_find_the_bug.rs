//! Chapter 2, find the bug: a reader of services files that is right for most files.
use std::io::{BufRead, BufReader, Read};

// ANCHOR: bug
/// The names in a services file, without comments.
fn names(file: impl Read) -> Vec<String> {
    BufReader::new(file)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| {
            let text = line.split('#').next()?;
            text.split_whitespace().next().map(str::to_owned)
        })
        .collect()
}
// ANCHOR_END: bug

// ANCHOR: files
const A: &[u8] = b"one 1/tcp\r\ntwo 2/tcp\r\nthree 3/tcp\r\n";
const B: &[u8] = b"one 1/tcp\n\n\ntwo 2/tcp # 2/udp too\nthree 3/tcp";
const C: &[u8] = b"one 1/tcp\ntwo 2/tcp # caf\xe9\nthree 3/tcp\n";
const D: &[u8] = b"one 1/tcp\ntwo 2/tcp # caf\xc3\xa9\nthree 3/tcp\n";
// ANCHOR_END: files

fn main() {
    for (name, file) in [("A", A), ("B", B), ("C", C), ("D", D)] {
        println!("{name}  {}", names(file).join(" "));
    }
}
