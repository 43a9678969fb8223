//! The solution reads anything: every truncation and every damaged byte, without a panic.
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use wire::capture::{Capture, Packet};
use wire::craft::{Flags, Frame, Segment};

fn peel(file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_layers-solution"));
    command
        .arg("peel")
        .arg(file)
        .output()
        .expect("the solution runs")
}

fn frames() -> Vec<Vec<u8>> {
    let four: [SocketAddr; 2] =
        ["10.0.0.1:40000", "10.0.0.2:9999"].map(|text| text.parse().expect("an address"));
    let six: [SocketAddr; 2] =
        ["[2001:db8::1]:40000", "[2001:db8::2]:9999"].map(|text| text.parse().expect("an address"));
    let segment = Segment::new(Flags::PSH).seq(1).ack(1).payload(b"hello");
    let frames = [
        Frame::udp(four[0], four[1], b"hello").padded(),
        Frame::udp(four[0], four[1], b"hello").ip_options([148, 4, 0, 0, 1, 7, 7, 4, 0, 0, 0, 0]),
        Frame::tcp(four[0], four[1], segment.clone()),
        Frame::udp(six[0], six[1], b"hello"),
        Frame::tcp(six[0], six[1], segment),
        Frame::arp_request(
            "10.0.0.1".parse().expect("an address"),
            "10.0.0.2".parse().expect("an address"),
        ),
    ];
    frames
        .iter()
        .map(|frame| frame.bytes().expect("it can be built"))
        .collect()
}

#[test]
fn survives_every_damaged_byte_and_every_truncation() {
    let mut packets = Vec::new();
    for frame in frames() {
        for at in 0..frame.len() {
            for value in [
                0x00,
                0xff,
                frame[at] ^ 0x01,
                frame[at] ^ 0x80,
                frame[at].wrapping_add(1),
            ] {
                let mut damaged = frame.clone();
                damaged[at] = value;
                // Whole, and as a capture that was cut in the middle of it.
                packets.push(Packet::new(Duration::ZERO, damaged.clone()));
                packets.push(Packet::new(Duration::ZERO, damaged).cut(frame.len() as u32 / 2));
            }
            // Cut by the capture, and cut before it was sent.
            packets.push(Packet::new(Duration::ZERO, frame.clone()).cut(at as u32));
            packets.push(Packet::new(Duration::ZERO, &frame[..at]));
        }
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("damaged.pcap");
    let count = packets.len();
    Capture::new(packets)
        .write(&file)
        .expect("it can be written");
    let output = peel(&file);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    let text = String::from_utf8(output.stdout).expect("it prints ASCII");
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("frame "))
            .count(),
        count
    );
}

#[test]
fn survives_a_file_that_ends_at_any_byte() {
    let packets = frames()
        .into_iter()
        .take(2)
        .map(|frame| Packet::new(Duration::ZERO, frame))
        .collect();
    let bytes = Capture::new(packets).to_bytes().expect("it can be built");
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("cut.pcap");
    let ends = [24, 24 + 16 + 60, bytes.len()];
    for length in 0..=bytes.len() {
        std::fs::write(&file, &bytes[..length]).expect("it can be written");
        let output = peel(&file);
        let code = if ends.contains(&length) { 0 } else { 1 };
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{length} bytes: {errors}");
        assert_eq!(
            errors.lines().count(),
            usize::try_from(code).expect("0 or 1"),
            "{length} bytes: {errors}"
        );
    }
}
