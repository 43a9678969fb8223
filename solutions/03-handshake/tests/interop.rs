//! tshark and the solution agree, on what tshark reports: which segments belong together, their flags, their
//! sequence and acknowledgment numbers, absolute and relative, and what a conversation consists of.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Need, need};
use wire::craft::Conversation;

#[test]
fn agrees_with_tshark_on_every_capture_of_the_repository() {
    if !need(Need::Tshark) {
        return;
    }
    let labs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs");
    let mut captures = Vec::new();
    for lab in files(&labs) {
        captures.extend(
            files(&lab.join("tests/data"))
                .into_iter()
                .filter(|file| file.extension().is_some_and(|e| e == "pcap")),
        );
    }
    let mut segments = 0;
    for capture in &captures {
        segments += agrees(capture);
    }
    eprintln!(
        "{} captures of the repository, {segments} segments",
        captures.len()
    );
}

#[test]
fn agrees_with_tshark_on_what_a_kernel_does_not_do_on_demand() {
    if !need(Need::Tshark) {
        return;
    }
    for (name, talk) in crafted() {
        let folder = tempfile();
        let file = folder.join(format!("{name}.pcap"));
        talk.capture().unwrap().write(&file).unwrap();
        assert_eq!(agrees(&file), talk.sent().len(), "{name}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

fn crafted() -> Vec<(&'static str, Conversation)> {
    let new = || {
        let talk = Conversation::new();
        let ends = talk.connection(
            "10.0.0.1:40000".parse().unwrap(),
            "10.0.0.2:80".parse().unwrap(),
        );
        (talk, ends)
    };
    let mut all = Vec::new();

    let (talk, (a, b)) = new();
    a.open(&b);
    a.data(b"hello");
    a.fin();
    b.ack();
    b.data(b"world");
    b.fin();
    a.ack();
    all.push(("four-way", talk));

    let (talk, (a, b)) = new();
    talk.crossing(|| {
        a.syn();
        b.syn();
    });
    talk.crossing(|| {
        a.syn_ack();
        b.syn_ack();
    });
    talk.crossing(|| {
        a.fin();
        b.fin();
    });
    talk.crossing(|| {
        a.ack();
        b.ack();
    });
    all.push(("simultaneous", talk));

    let (talk, (a, b)) = new();
    a.initial(u32::MAX - 2);
    b.initial(u32::MAX);
    a.open(&b);
    a.data(b"round and round");
    b.data(b"round");
    a.data_fin(b"end");
    b.fin();
    a.ack();
    all.push(("goes-round", talk));

    let (talk, (a, b)) = new();
    let syn = talk.lost(|| a.syn());
    a.retransmit(&syn);
    let answer = talk.lost(|| b.syn_ack());
    b.retransmit(&answer);
    a.ack();
    let fin = talk.lost(|| a.fin());
    a.retransmit(&fin);
    b.fin();
    a.ack();
    all.push(("retransmissions", talk));

    let (talk, (a, b)) = new();
    a.syn();
    b.rst_reply();
    all.push(("refused", talk));

    let (talk, (a, b)) = new();
    a.open(&b);
    a.data(b"hello");
    b.rst();
    all.push(("reset", talk));

    let (talk, (a, b)) = new();
    a.open(&b);
    a.forget();
    a.syn();
    b.ack();
    a.rst_reply();
    all.push(("half-open", talk));

    let (talk, (a, b)) = new();
    talk.unseen(|| a.open(&b));
    a.data(b"in the middle");
    b.fin();
    a.fin();
    b.ack();
    all.push(("already-open", talk));

    let (talk, (a, b)) = new();
    a.open(&b);
    b.fin();
    a.fin();
    b.ack();
    a.forget();
    b.forget();
    a.open(&b);
    a.data(b"again");
    all.push(("port-reuse", talk));

    let (talk, (a, b)) = new();
    a.open(&b);
    let early = a.hold(b"first");
    a.data_fin(b"second");
    a.release(early);
    b.fin();
    a.ack();
    all.push(("out-of-order", talk));

    let talk = Conversation::new();
    let pairs: Vec<_> = (0..5)
        .map(|n| {
            talk.connection(
                format!("10.0.0.1:{}", 40000 + n).parse().unwrap(),
                "10.0.0.2:80".parse().unwrap(),
            )
        })
        .collect();
    pairs.iter().for_each(|(a, _)| drop(a.syn()));
    pairs.iter().rev().for_each(|(_, b)| drop(b.syn_ack()));
    pairs.iter().for_each(|(a, _)| drop(a.ack()));
    pairs.iter().rev().for_each(|(a, _)| drop(a.fin()));
    all.push(("interleaved", talk));
    all
}

/// One segment, as either program sees it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    flags: String,
    seq: u32,
    ack: Option<u32>,
    len: u32,
    relative_seq: u32,
    relative_ack: Option<u32>,
}

/// Compares; how many segments there were. A file that the solution refuses is one that is cut, or has other frames.
fn agrees(capture: &Path) -> usize {
    let Some(absolute) = handshake(&["connections", path(capture)]) else {
        eprintln!("not read: {}", capture.display());
        return 0;
    };
    let relative = handshake(&["connections", "--relative", path(capture)]).expect("the same file");
    let ours = ours(&absolute, &relative);
    let (theirs, completeness) = theirs(capture);
    assert_eq!(
        ours.len(),
        theirs.len(),
        "{}: how many segments",
        capture.display()
    );
    let (mut to_stream, mut to_connection) = (BTreeMap::new(), BTreeMap::new());
    for ((place, (connection, our)), (stream, their)) in ours.iter().zip(&theirs) {
        assert_eq!(our, their, "{}: segment {place}", capture.display());
        let (stream_before, connection_before) = (
            *to_stream.entry(*connection).or_insert(*stream),
            *to_connection.entry(*stream).or_insert(*connection),
        );
        assert_eq!(
            (stream_before, connection_before),
            (*stream, *connection),
            "{}: segment {place}: stream",
            capture.display()
        );
    }
    let report = handshake(&["report", path(capture)]).expect("the same file");
    for (number, (opened, closed)) in opened_and_closed(&report).into_iter().enumerate() {
        let stream = to_stream[&(number + 1)];
        fits(
            completeness[&stream],
            &opened,
            &closed,
            &format!("{}: connection {}", capture.display(), number + 1),
        );
    }
    ours.len()
}

/// What a conversation must consist of, if it opened and closed like that. The bits are tshark's.
fn fits(completeness: u32, opened: &str, closed: &str, place: &str) {
    const SYN: u32 = 1;
    const SYN_ACK: u32 = 2;
    const FIN: u32 = 16;
    const RST: u32 = 32;
    let has = |bits: u32| completeness & bits == bits;
    let context = format!("{place}: opened {opened}, closed {closed}, completeness {completeness}");
    match opened {
        "three-way" | "simultaneous" => assert!(has(SYN) || has(SYN_ACK), "{context}"),
        "refused" => assert!(has(SYN | RST), "{context}"),
        "already open" => assert!(!has(SYN) && !has(SYN_ACK), "{context}"),
        _ => {}
    }
    match closed.split(',').next().unwrap_or_default() {
        "four-way" | "three-packet" | "simultaneous" | "unfinished" => {
            assert!(has(FIN), "{context}")
        }
        "reset" => assert!(has(RST), "{context}"),
        "still open" => assert!(!has(FIN), "{context}"),
        _ => {}
    }
}

fn handshake(args: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_handshake-solution"))
        .args(args)
        .output()
        .unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{args:?}: {output:?}"
    );
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

/// By the place in the capture: the number of the connection, and the segment.
fn ours(absolute: &str, relative: &str) -> BTreeMap<usize, (usize, Seen)> {
    let mut seen = BTreeMap::new();
    let mut connection = 0;
    for (line, relative) in absolute.lines().zip(relative.lines()) {
        if line.starts_with("connection ") {
            connection += 1;
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let relative: Vec<&str> = relative.split_whitespace().collect();
        let field = |words: &[&str], key: &str| -> Option<u32> {
            words
                .iter()
                .find_map(|word| word.strip_prefix(key))
                .map(|number| number.parse().unwrap())
        };
        // PLACE TIME SOURCE > DESTINATION FLAGS …
        let segment = Seen {
            flags: words[5].to_string(),
            seq: field(&words, "seq=").unwrap(),
            ack: field(&words, "ack="),
            len: field(&words, "len=").unwrap_or(0),
            relative_seq: field(&relative, "seq=").unwrap(),
            relative_ack: field(&relative, "ack="),
        };
        seen.insert(words[0].parse().unwrap(), (connection, segment));
    }
    seen
}

/// In the order of the capture: the number of the stream, and the segment. And how complete each stream is.
fn theirs(capture: &Path) -> (Vec<(u32, Seen)>, BTreeMap<u32, u32>) {
    const FIELDS: [&str; 14] = [
        "tcp.stream",
        "tcp.flags",
        "tcp.seq_raw",
        "tcp.ack_raw",
        "tcp.len",
        "tcp.seq",
        "tcp.ack",
        "tcp.completeness",
        "frame.cap_len",
        "ip.hdr_len",
        "tcp.hdr_len",
        "ip.flags.mf",
        "ip.frag_offset",
        "ipv6.nxt",
    ];
    let mut command = Command::new("tshark");
    // -2: completeness is the whole conversation's, not that so far.
    command.args([
        "-2",
        "-n",
        "-o",
        "ip.defragment:FALSE",
        "-o",
        "tcp.relative_sequence_numbers:TRUE",
    ]);
    command.args([
        "-Y",
        "tcp && !icmp && !icmpv6",
        "-T",
        "fields",
        "-E",
        "separator=/t",
        "-r",
        path(capture),
    ]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}: {}",
        capture.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let (mut seen, mut completeness) = (Vec::new(), BTreeMap::new());
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let values: Vec<&str> = line.split('\t').collect();
        let text = |name: &str| {
            FIELDS
                .iter()
                .position(|field| *field == name)
                .map_or("", |at| values.get(at).unwrap_or(&""))
        };
        let number = |name: &str| text(name).parse::<u32>().ok();
        let is_fragment = matches!(text("ip.flags.mf"), "1" | "True")
            || number("ip.frag_offset").unwrap_or(0) != 0;
        let header = number("ip.hdr_len").unwrap_or(40);
        let is_whole = number("tcp.hdr_len")
            .is_some_and(|tcp| number("frame.cap_len") >= Some(14 + header + 20) && tcp >= 20);
        let has_extension = number("ipv6.nxt").is_some_and(|next| next != 6);
        if is_fragment || !is_whole || has_extension {
            continue;
        }
        let bits = u32::from_str_radix(text("tcp.flags").trim_start_matches("0x"), 16).unwrap();
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
        let names: Vec<&str> = names
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| bits >> bit & 1 == 1)
            .map(|(_, name)| name)
            .collect();
        let has_ack = bits & 0x10 != 0;
        let stream = number("tcp.stream").unwrap();
        completeness.insert(stream, number("tcp.completeness").unwrap());
        let segment = Seen {
            flags: if names.is_empty() {
                "-".into()
            } else {
                names.join(",")
            },
            seq: number("tcp.seq_raw").unwrap(),
            ack: number("tcp.ack_raw").filter(|_| has_ack),
            len: number("tcp.len").unwrap(),
            relative_seq: number("tcp.seq").unwrap(),
            relative_ack: number("tcp.ack").filter(|_| has_ack),
        };
        seen.push((stream, segment));
    }
    (seen, completeness)
}

/// Of every connection, in order.
fn opened_and_closed(report: &str) -> Vec<(String, String)> {
    let of = |key: &'static str| {
        report
            .lines()
            .filter_map(move |line| line.strip_prefix(key))
            .map(|rest| rest.trim().to_string())
    };
    of("  opened").zip(of("  closed")).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.sort();
    files
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn tempfile() -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("handshake-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
