//! The solution and tshark agree, on what both report, about every capture of the repository and
//! about crafted ones; and tshark finds nothing wrong with what `wrap` makes.
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use testkit::{Need, need};
use wire::capture::{ByteOrder, Capture, Packet, Resolution};
use wire::craft::{Damage, Flags, Frame, Segment, TcpOption};

/// What tshark is asked for; an empty answer means that the frame has no such field.
const FIELDS: [&str; 46] = [
    "frame.number",
    "frame.time_epoch",
    "frame.len",
    "frame.cap_len",
    "eth.src",
    "eth.dst",
    "eth.type",
    "eth.padding",
    "eth.trailer",
    "ip.src",
    "ip.dst",
    "ip.proto",
    "ip.ttl",
    "ip.hdr_len",
    "ip.len",
    "ip.id",
    "ip.flags.df",
    "ip.flags.mf",
    "ip.frag_offset",
    "ip.checksum",
    "ip.checksum.status",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.nxt",
    "ipv6.hlim",
    "ipv6.plen",
    "udp.srcport",
    "udp.dstport",
    "udp.length",
    "udp.checksum",
    "udp.checksum.status",
    "udp.payload",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.hdr_len",
    "tcp.flags",
    "tcp.window_size_value",
    "tcp.checksum",
    "tcp.checksum.status",
    "tcp.payload",
    "tcp.len",
    "_ws.malformed",
    "ip.opt.type",
    "frame.protocols",
];

type Fields = BTreeMap<&'static str, String>;

fn tshark(capture: &Path) -> Vec<Fields> {
    let mut command = Command::new("tshark");
    command
        .arg("-n")
        .arg("-r")
        .arg(capture)
        .args(["-T", "fields", "-E", "separator=|"]);
    command.args(["-E", "occurrence=f"]);
    for preference in [
        "ip.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
        "tcp.check_checksum:TRUE",
        "ip.defragment:FALSE",
        "tcp.desegment_tcp_streams:FALSE",
        "eth.fcs:Never",
    ] {
        command.args(["-o", preference]);
    }
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "tshark {}: {errors}",
        capture.display()
    );
    let text = String::from_utf8(output.stdout).expect("tshark prints UTF-8");
    let row = |line: &str| {
        FIELDS
            .iter()
            .copied()
            .zip(line.split('|').map(String::from))
            .collect()
    };
    text.lines().map(row).collect()
}

/// What the solution says of a frame: each line's words after its name.
struct Peeled {
    head: String,
    lines: Vec<String>,
}

impl Peeled {
    fn line(&self, name: &str) -> Option<&str> {
        let line = self
            .lines
            .iter()
            .find(|line| line.split(' ').next() == Some(name))?;
        Some(&line[name.len() + 1..])
    }
}

/// The word that follows `key`.
fn after<'a>(line: &'a str, key: &str) -> &'a str {
    let mut words = line.split(' ');
    words.find(|word| *word == key);
    words.next().unwrap_or_default()
}

fn solution(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_layers-solution"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the solution starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(input)
        .expect("it reads its input");
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "layers {args:?}: {}",
        output.status
    );
    output.stdout
}

fn peel(capture: &Path) -> Vec<Peeled> {
    let path = capture.to_str().expect("a path in UTF-8");
    let text = String::from_utf8(solution(&["peel", path], b"")).expect("it prints ASCII");
    let mut frames: Vec<Peeled> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("frame ") {
            Some(head) => frames.push(Peeled {
                head: head.to_string(),
                lines: Vec::new(),
            }),
            None => {
                let frame = frames.last_mut().expect("a frame's line comes first");
                frame.lines.push(line.trim_start().to_string());
            }
        }
    }
    frames
}

/// Counts what was compared, so that a test that compares nothing fails.
#[derive(Default)]
struct Comparison {
    place: String,
    compared: usize,
}

impl Comparison {
    fn same(&mut self, what: &str, tshark: &str, ours: &str) {
        assert_eq!(
            tshark, ours,
            "{what}, {}: tshark on the left, the solution on the right",
            self.place
        );
        self.compared += 1;
    }

    fn number(&mut self, what: &str, tshark: &str, ours: &str) {
        let value = |text: &str| match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        let (left, right) = (value(tshark), value(ours));
        assert!(
            left.is_some() && left == right,
            "{what}, {}: tshark says {tshark:?}, the solution {ours:?}",
            self.place
        );
        self.compared += 1;
    }

    /// tshark's states: 0 bad, 1 good, 2 unverified, 3 not present, 4 illegal.
    fn checksum(&mut self, what: &str, status: &str, ours: &str) {
        let agree = match ours {
            "ok" => status == "1",
            // tshark only guesses at offload; to it such a checksum is wrong.
            "bad" | "partial" => status == "0" || status == "4",
            "none" => status == "3",
            "unknown" => status == "2",
            _ => false,
        };
        assert!(
            agree,
            "{what}, {}: tshark says {status:?}, the solution {ours:?}",
            self.place
        );
        self.compared += 1;
    }

    fn frame(&mut self, theirs: &Fields, ours: &Peeled) {
        let field = |name: &str| theirs[name].as_str();
        // "1 at 0.5 60 of 70 bytes" or "1 at 0.5 60 bytes"
        let words: Vec<&str> = ours.head.split(' ').collect();
        self.number("frame number", field("frame.number"), words[0]);
        let (seconds, fraction) = words[2].split_once('.').expect("a time");
        self.same(
            "time",
            field("frame.time_epoch"),
            &format!("{seconds}.{fraction:0<9}"),
        );
        self.number("captured length", field("frame.cap_len"), words[3]);
        self.number("length", field("frame.len"), words[words.len() - 2]);

        let Some(ethernet) = ours.line("ethernet") else {
            return;
        };
        let (source, rest) = ethernet.split_once(" > ").expect("two addresses");
        self.same("source", field("eth.src"), source);
        self.same(
            "destination",
            field("eth.dst"),
            rest.split(' ').next().unwrap_or_default(),
        );
        // Below 0x0600 it is a length, and tshark then has no type.
        if !field("eth.type").is_empty() {
            self.number("ethertype", field("eth.type"), after(ethernet, "type"));
        }

        if let Some(ip) = ours.line("ipv4") {
            let (source, rest) = ip.split_once(" > ").expect("two addresses");
            self.same("source", field("ip.src"), source);
            self.same(
                "destination",
                field("ip.dst"),
                rest.split(' ').next().unwrap_or_default(),
            );
            self.number("protocol", field("ip.proto"), after(ip, "protocol"));
            self.number("ttl", field("ip.ttl"), after(ip, "ttl"));
            self.number("header", field("ip.hdr_len"), after(ip, "header"));
            self.number("total", field("ip.len"), after(ip, "total"));
            self.number("id", field("ip.id"), after(ip, "id"));
            let flags = after(ip, "flags");
            self.same(
                "DF",
                field("ip.flags.df"),
                if flags.contains("DF") { "1" } else { "0" },
            );
            self.same(
                "MF",
                field("ip.flags.mf"),
                if flags.contains("MF") { "1" } else { "0" },
            );
            let offset: usize = after(ip, "offset").parse().expect("a number");
            // tshark before 3.6 has the offset in bytes, later ones in units of 8.
            let theirs: usize = field("ip.frag_offset").parse().expect("a number");
            assert!(
                theirs == offset || theirs * 8 == offset,
                "offset, {}: {theirs} and {offset}",
                self.place
            );
            self.number("checksum", field("ip.checksum"), after(ip, "checksum"));
            self.checksum(
                "checksum",
                field("ip.checksum.status"),
                ip.rsplit(' ').next().unwrap_or_default(),
            );
            if let Some(option) = ours.line("option") {
                self.number(
                    "option",
                    field("ip.opt.type"),
                    option.split(' ').next().unwrap_or_default(),
                );
            }
        }
        if let Some(ip) = ours.line("ipv6") {
            let (source, rest) = ip.split_once(" > ").expect("two addresses");
            self.same("source", field("ipv6.src"), source);
            self.same(
                "destination",
                field("ipv6.dst"),
                rest.split(' ').next().unwrap_or_default(),
            );
            self.number("next header", field("ipv6.nxt"), after(ip, "next"));
            self.number("hop limit", field("ipv6.hlim"), after(ip, "hop"));
            self.number("payload length", field("ipv6.plen"), after(ip, "payload"));
        }
        if let Some(udp) = ours.line("udp") {
            let (source, rest) = udp.split_once(" > ").expect("two ports");
            self.number("source port", field("udp.srcport"), source);
            self.number(
                "destination port",
                field("udp.dstport"),
                rest.split(' ').next().unwrap_or_default(),
            );
            self.number("length", field("udp.length"), after(udp, "length"));
            self.number("checksum", field("udp.checksum"), after(udp, "checksum"));
            self.checksum(
                "checksum",
                field("udp.checksum.status"),
                udp.rsplit(' ').next().unwrap_or_default(),
            );
            self.payload(field("udp.payload"), ours);
        }
        if let Some(tcp) = ours.line("tcp") {
            let (source, rest) = tcp.split_once(" > ").expect("two ports");
            self.number("source port", field("tcp.srcport"), source);
            self.number(
                "destination port",
                field("tcp.dstport"),
                rest.split(' ').next().unwrap_or_default(),
            );
            self.number("sequence number", field("tcp.seq_raw"), after(tcp, "seq"));
            self.number(
                "acknowledgment number",
                field("tcp.ack_raw"),
                after(tcp, "ack"),
            );
            self.number("header", field("tcp.hdr_len"), after(tcp, "header"));
            let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
            let set = after(tcp, "flags").split(',').filter(|name| *name != "-");
            let bits: u32 = set
                .map(|name| 1 << names.iter().position(|n| *n == name).expect("a flag"))
                .sum();
            self.number("flags", field("tcp.flags"), &bits.to_string());
            self.number(
                "window",
                field("tcp.window_size_value"),
                after(tcp, "window"),
            );
            self.number("checksum", field("tcp.checksum"), after(tcp, "checksum"));
            self.checksum(
                "checksum",
                field("tcp.checksum.status"),
                tcp.rsplit(' ').next().unwrap_or_default(),
            );
            self.payload(field("tcp.payload"), ours);
            let payload: Vec<&str> = ours.line("payload").expect("one").split(' ').collect();
            let length = if payload[1] == "of" {
                payload[2]
            } else {
                payload[0]
            };
            self.number("payload length", field("tcp.len"), length);
        }
        if ours.line("ipv4").or(ours.line("ipv6")).is_some()
            && ours.line("padding").is_some()
            && words.len() == 5
        {
            let bytes = (field("eth.padding").len() + field("eth.trailer").len()) / 2;
            let padding = ours
                .line("padding")
                .and_then(|line| line.split(' ').next())
                .unwrap_or("0");
            self.number("padding", &bytes.to_string(), padding);
        }
    }

    /// `theirs` is in hex, and what was captured of the payload.
    fn payload(&mut self, theirs: &str, ours: &Peeled) {
        let line = ours.line("payload").expect("a payload, if an empty one");
        self.number(
            "captured payload",
            &(theirs.len() / 2).to_string(),
            line.split(' ').next().unwrap_or_default(),
        );
        let bytes: Vec<u8> = (0..theirs.len().min(64))
            .step_by(2)
            .map(|at| u8::from_str_radix(&theirs[at..at + 2], 16).expect("hex"))
            .collect();
        let text = line.split_once('"').map_or("", |(_, rest)| {
            rest.trim_end_matches("...").trim_end_matches('"')
        });
        self.same("payload", &bytes.escape_ascii().to_string(), text);
    }

    fn capture(&mut self, path: &Path) {
        let (theirs, ours) = (tshark(path), peel(path));
        assert_eq!(theirs.len(), ours.len(), "frames in {}", path.display());
        for (theirs, ours) in theirs.iter().zip(&ours) {
            self.place = format!("frame {} of {}", theirs["frame.number"], path.display());
            self.frame(theirs, ours);
        }
    }
}

/// Every capture below `folder`.
fn captures(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder)
        .expect("a folder of the repository")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            captures(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "pcap")
        {
            found.push(path);
        }
    }
}

#[test]
fn agrees_with_tshark_about_every_capture_of_the_repository() {
    if !need(Need::Tshark) {
        return;
    }
    let mut found = Vec::new();
    captures(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs"),
        &mut found,
    );
    assert!(found.len() >= 10, "{} captures", found.len());
    let mut comparison = Comparison::default();
    for capture in &found {
        comparison.capture(capture);
    }
    println!(
        "{} captures, {} comparisons",
        found.len(),
        comparison.compared
    );
    assert!(comparison.compared > 1000);
}

#[test]
fn agrees_with_tshark_about_crafted_frames() {
    if !need(Need::Tshark) {
        return;
    }
    let from: SocketAddr = "10.0.0.1:40000".parse().expect("an address");
    let to: SocketAddr = "10.0.0.2:9999".parse().expect("an address");
    let six: SocketAddr = "[2001:db8::1]:40000".parse().expect("an address");
    let eight: SocketAddr = "[2001:db8::2]:9999".parse().expect("an address");
    let segment = |payload: &[u8]| {
        Segment::new(Flags::PSH)
            .seq(u32::MAX)
            .ack(1 << 31)
            .payload(payload)
    };
    let mut options = segment(b"with options");
    options.options = vec![
        TcpOption::Noop,
        TcpOption::WindowScale(7),
        TcpOption::MaximumSegmentSize(1460),
    ];
    let mut all = segment(b"");
    all.flags = Flags::from_bits(0xff);
    let frames = [
        Frame::udp(from, to, b"odd"),
        Frame::udp(from, to, b"even").padded(),
        Frame::udp(from, to, b"").trailer(b"behind it"),
        Frame::udp(from, to, vec![0xff; 1400]),
        Frame::udp(from, to, b"x").damage(Damage::WrongChecksum),
        Frame::udp(from, to, b"x").damage(Damage::NoChecksum),
        Frame::udp(from, to, b"x").damage(Damage::PartialChecksum),
        Frame::udp(from, to, b"x").damage(Damage::WrongIpChecksum),
        Frame::udp(from, to, b"x").ip_options([1, 1, 1]),
        Frame::udp(from, to, b"x").ip_options([148, 4, 0, 0]),
        Frame::udp(from, to, b"a later fragment").fragment(100, false),
        Frame::ip(from.ip(), to.ip(), 1, b"\x08\x00\xf7\xff\x00\x00\x00\x00").padded(),
        Frame::ip(from.ip(), to.ip(), 200, b"nobody's protocol"),
        Frame::tcp(from, to, segment(b"data")),
        Frame::tcp(from, to, options),
        Frame::tcp(from, to, all).padded(),
        Frame::tcp(from, to, segment(b"x")).damage(Damage::WrongChecksum),
        Frame::tcp(from, to, segment(b"x")).damage(Damage::PartialChecksum),
        Frame::udp(six, eight, b"over six"),
        Frame::udp(six, eight, b"over six").damage(Damage::NoChecksum),
        Frame::tcp(six, eight, segment(b"over six")).trailer(b"\0\0"),
        Frame::ethernet(0x88b5, b"an experiment"),
    ];
    let packets: Vec<Packet> = frames
        .iter()
        .enumerate()
        .map(|(n, frame)| {
            Packet::new(
                Duration::new(1_767_225_600, n as u32 * 1_001_000),
                frame.bytes().expect("it can be built"),
            )
        })
        .collect();
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut comparison = Comparison::default();
    let whole = 262_144;
    for (order, resolution, snap_length) in [
        (ByteOrder::Little, Resolution::Microseconds, whole),
        (ByteOrder::Big, Resolution::Microseconds, 96),
        (ByteOrder::Little, Resolution::Nanoseconds, 60),
        (ByteOrder::Big, Resolution::Nanoseconds, 54),
        (ByteOrder::Little, Resolution::Microseconds, 42),
    ] {
        let mut capture = Capture::new(packets.clone()).cut(snap_length);
        (capture.byte_order, capture.resolution) = (order, resolution);
        let path = folder.path().join("crafted.pcap");
        capture.write(&path).expect("it can be written");
        comparison.capture(&path);
    }
    println!("{} comparisons", comparison.compared);
    assert!(comparison.compared > 1000);
}

#[test]
fn tshark_finds_nothing_wrong_with_what_wrap_makes() {
    if !need(Need::Tshark) {
        return;
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    for transport in ["udp", "tcp"] {
        for payload in [&b""[..], b"x", b"hello", &[0xff; 999], &[0x5a; 1460]] {
            let capture = solution(
                &[
                    "wrap",
                    transport,
                    "192.0.2.1:40000",
                    "198.51.100.2:9999",
                    "--pcap",
                ],
                payload,
            );
            let path = folder.path().join("wrapped.pcap");
            std::fs::write(&path, &capture).expect("it can be written");
            let rows = tshark(&path);
            assert_eq!(rows.len(), 1);
            let field = |name: &str| rows[0][name].as_str();
            assert_eq!(field("_ws.malformed"), "");
            assert_eq!(
                field("ip.checksum.status"),
                "1",
                "{transport}: the IPv4 checksum"
            );
            assert_eq!(
                field(&format!("{transport}.checksum.status")),
                "1",
                "{transport}: its checksum"
            );
            let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(field(&format!("{transport}.payload")), hex);
            assert_eq!(
                field("frame.len").parse(),
                Ok(payload.len().max(if transport == "udp" { 18 } else { 6 })
                    + if transport == "udp" { 42 } else { 54 })
            );
        }
    }
}
