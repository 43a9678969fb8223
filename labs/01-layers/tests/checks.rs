//! The checks of chapter 1. Each hands the program bytes, in hex or in a capture, and reads what it
//! prints. What is right is said by `wire`, which does not share a line with the lab.
use std::net::SocketAddr;
use std::time::Duration;

use testkit::{Check, Finished, check};
use wire::capture::{Capture, Packet};
use wire::craft::{Damage, Flags, Frame, Segment};
use wire::read::{self, Ipv4, Ipv6, Net, Transport, Verdict};

mod step_1 {
    use super::*;

    #[test]
    fn reads_destination_source_and_ethertype() {
        let check = check!();
        let [from, to] = macs(&check);
        let bytes = frame(Frame::ethernet(0x0806, []).macs(from, to));
        let done = run(&check, ["ethernet", &hex(&bytes)]);
        done.expect_stdout_lines(&[ethernet_line(&bytes)], |got: &[u8]| {
            let got = String::from_utf8_lossy(got);
            let swapped = format!("{} > {}", mac(to), mac(from));
            if got.contains(&swapped) {
                "Source and destination are exchanged. A frame begins with its destination; the line \
                 that is printed begins with its source."
            } else if got.contains("0x0608") {
                "The ethertype came out backwards: 08 06 is 0x0806. On the wire the most significant \
                 byte comes first: from_be_bytes."
            } else {
                "Bytes 0 to 5 are the destination, 6 to 11 the source, 12 and 13 the ethertype, most \
                 significant byte first."
            }
        });
        done.expect_success("A frame of 14 bytes is a whole header.");
    }

    #[test]
    fn names_ethernet_when_its_header_is_cut() {
        let check = check!();
        let bytes = frame(Frame::ethernet(0x0800, []));
        let done = check.run(["ethernet", &hex(&bytes)]);
        done.expect_success("These 14 bytes are a whole header, without anything after it.");
        for length in [0, 1, 6, 12, 13] {
            names_the_layer(&check, "ethernet", &bytes[..length]);
        }
    }
}

mod step_2 {
    use super::*;

    #[test]
    fn folds_every_carry_of_the_checksum() {
        let check = check!();
        let done = run(&check, ["checksum", "00 01 f2 03 f4 f5 f6 f7"]);
        done.expect_stdout_lines(&["sum 0xddf2 checksum 0x220d"], |got: &[u8]| {
            let got = String::from_utf8_lossy(got);
            if got.contains("0xddf0") {
                "This is the example of RFC 1071. The numbers add up to 0x2ddf0: the 2 does not fit \
                 into 16 bits, and is added at the low end, 0xddf0 + 2."
            } else if got.contains("0xf2dd") {
                "The bytes were paired the wrong way round: 00 01 is 0x0001 here, most significant \
                 byte first."
            } else {
                "This is the example of RFC 1071: 0x0001 + 0xf203 + 0xf4f5 + 0xf6f7 = 0x2ddf0, and \
                 0xddf0 + 2 = 0xddf2."
            }
        });
        let done = run(&check, ["checksum", "ff ff ff ff 00 01"]);
        done.expect_stdout_lines(
            &["sum 0x0001 checksum 0xfffe"],
            "0xffff + 0xffff + 1 = 0x1ffff. Adding the carry gives 0xffff + 1 = 0x10000, which has a \
             carry again: fold until nothing is left above 16 bits.",
        );
    }

    #[test]
    fn counts_an_odd_last_byte_as_the_upper_half() {
        let check = check!();
        let done = run(&check, ["checksum", "12 34 ab"]);
        done.expect_stdout_lines(&["sum 0xbd34 checksum 0x42cb"], |got: &[u8]| {
            let got = String::from_utf8_lossy(got);
            if got.contains("0x12df") {
                "The last byte, ab, was counted as 0x00ab. It counts as if a zero byte followed it: \
                 0xab00."
            } else if got.contains("0x1234") {
                "The last byte is missing from the sum: `chunks(2)` gives it as a chunk of one byte, \
                 `chunks_exact(2)` leaves it out."
            } else {
                "An odd last byte counts as if a zero byte followed it: 0x1234 + 0xab00 = 0xbd34."
            }
        });
    }

    #[test]
    fn reads_every_field_of_an_ipv4_header() {
        let check = check!();
        let random = check.random(5);
        let inside = check.random(24);
        let (from, to) = (
            "198.51.100.7".parse().unwrap(),
            "203.0.113.90".parse().unwrap(),
        );
        let whole = Frame::ip(from, to, random[0], &inside)
            .ttl(random[1] | 1)
            .identification(u16::from_be_bytes([random[2], random[3]]));
        for packet in [
            whole.clone(),
            whole.clone().fragment(185, true),
            whole.clone().fragment(7411, false),
            whole.damage(Damage::WrongIpChecksum),
        ] {
            let bytes = frame(packet);
            let ip = ipv4(&bytes);
            let done = run(&check, ["ipv4", &hex(&bytes[14..])]);
            done.expect_stdout_lines(&[ipv4_line(&ip)], |got: &[u8]| {
                let got = String::from_utf8_lossy(got);
                let units = format!("offset {} ", ip.fragment_offset / 8);
                if ip.fragment_offset > 0 && got.contains(&units) {
                    "The fragment offset is printed in bytes; the field counts in units of 8."
                } else if ip.fragment_offset > 0 && !got.contains(&format!("offset {} ", ip.fragment_offset)) {
                    "The offset is the lower thirteen bits of bytes 6 and 7 (mask 0x1fff), most \
                     significant byte first, times 8. The three bits above it are flags."
                } else if got.contains(&format!("total {} ", ip.total_length.swap_bytes())) {
                    "The total length came out backwards: most significant byte first."
                } else if got.contains(&format!("header {} ", ip.header_length / 4)) {
                    "The header length is printed in bytes; IHL counts in units of 4."
                } else if got.contains("checksum") && got.trim_end().ends_with("bad") && is_right(&ip) {
                    "The header's checksum is right, but was called bad: sum the header as it stands, \
                     its checksum included, and compare with 0xffff."
                } else if got.trim_end().ends_with("ok") && !is_right(&ip) {
                    "The header's checksum is wrong (its bits are inverted), but was called ok."
                } else {
                    "Compare with the table at the top of ipv4.rs, byte by byte. Numbers of two bytes \
                     have the most significant first."
                }
            });
            done.expect_success("A wrong checksum is reported in the line; it is no error.");
        }
    }

    #[test]
    fn takes_the_header_length_from_the_header() {
        let check = check!();
        for words in [6, 15] {
            // Options of kind 1 do nothing.
            let bytes = frame(udp(b"x").ip_options(vec![1; (words - 5) * 4]));
            let done = run(&check, ["ipv4", &hex(&bytes[14..])]);
            let expected = with_options(&done, &[ipv4_line(&ipv4(&bytes))], "");
            done.expect_stdout_lines(&expected, |got: &[u8]| {
                let got = String::from_utf8_lossy(got);
                if got.contains("header 20 ") {
                    "This header has options and is longer than 20 bytes: IHL, the lower four bits of \
                     the first byte, times 4."
                } else if got.lines().next().is_some_and(|line| line.ends_with("bad")) {
                    "The checksum covers the whole header, options included, not its first 20 bytes."
                } else {
                    "The header length is IHL times 4; all else stands where it stands without options."
                }
            });
        }
    }

    #[test]
    fn refuses_ipv4_lengths_that_cannot_be() {
        let check = check!();
        let lies = [
            (
                Damage::Version(6),
                "version",
                "The upper four bits of the first byte say 6: no IPv4 header.",
            ),
            (
                Damage::HeaderLength(4),
                "header length",
                "IHL is 4, so that the header would have 16 bytes, less than its fixed part. Trust it, and \
                 the payload begins inside the header.",
            ),
            (
                Damage::IpLength(19),
                "total length",
                "The total length is 19: less than the header. Trust it, and subtracting one from the \
                 other overflows.",
            ),
            (
                Damage::IpLength(34),
                "total length",
                "The total length is one byte more than there is. Trust it, and the slice panics.",
            ),
        ];
        for (damage, word, why) in lies {
            let bytes = frame(udp(b"hello").damage(damage));
            let done = check.run(["ipv4", &hex(&bytes[14..])]);
            done.expect_error(&["ipv4", word], why);
            done.expect_exit(1, why);
        }
        let mut bytes = frame(udp(b"hello").damage(Damage::HeaderLength(4)));
        bytes[16..18].copy_from_slice(&u16::MAX.to_be_bytes());
        let why = "Both lengths cannot be. The header length is looked at first: where the payload begins, and then where it ends.";
        let done = check.run(["ipv4", &hex(&bytes[14..])]);
        done.expect_error(&["ipv4", "header length"], why);
        done.expect_exit(1, why);
        let bytes = frame(udp(b"hello").padded());
        let done = check.run(["ipv4", &hex(&bytes[14..])]);
        done.expect_success(
            "The total length is less than what the frame carries: the rest is padding, and no error.",
        );
    }

    #[test]
    fn names_ipv4_when_its_header_is_cut() {
        let check = check!();
        let (from, to) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let bytes = frame(Frame::ip(from, to, 1, []));
        let done = check.run(["ipv4", &hex(&bytes[14..])]);
        done.expect_success("These 20 bytes are a whole packet that carries nothing.");
        for length in [0, 1, 3, 10, 16, 19] {
            names_the_layer(&check, "ipv4", &bytes[14..14 + length]);
        }
    }

    #[test]
    fn lists_ipv4_options() {
        let check = check!();
        // Router alert (RFC 2113), two that do nothing, a record route with room for one address;
        // then the list ends, and what follows is filling.
        let options = [148, 4, 0, 0, 1, 1, 7, 7, 4, 0, 0, 0, 0, 0, 7, 7];
        let bytes = frame(udp(b"x").ip_options(options));
        let done = run(&check, ["ipv4", &hex(&bytes[14..])]);
        let expected = [
            ipv4_line(&ipv4(&bytes)),
            "option 148 00 00".into(),
            "option 1".into(),
            "option 1".into(),
            "option 7 04 00 00 00 00".into(),
        ];
        done.expect_stdout_lines(
            &expected,
            "Kind 0 ends the list, kind 1 is one byte alone; every other one has a length byte that \
             counts kind and length too.",
        );
    }

    #[test]
    fn refuses_an_option_whose_length_lies() {
        let check = check!();
        for (options, why) in [
            (
                [148, 0, 0, 0],
                "The option says that it has 0 bytes. Going on by 0 bytes is not going on: a program that \
                 trusts it never ends.",
            ),
            (
                [148, 1, 0, 0],
                "The option says that it has 1 byte, but its kind and its length are two already.",
            ),
            (
                [148, 5, 0, 0],
                "The option says that it has 5 bytes, of which the header holds 4.",
            ),
            (
                [1, 1, 1, 148],
                "The last byte is a kind that has a length, and the header ends before it.",
            ),
        ] {
            let bytes = frame(udp(b"x").ip_options(options));
            let done = check.run(["ipv4", &hex(&bytes[14..])]);
            done.expect_error(&["ipv4", "option"], why);
            done.expect_exit(1, why);
        }
    }
}

mod step_3 {
    use super::*;

    #[test]
    fn reads_a_udp_header() {
        let check = check!();
        let bytes = frame(udp(check.random(9)));
        let done = run(&check, ["udp", &hex(&bytes[34..])]);
        let expected = transport_line(&read::frame(&bytes).transport.unwrap(), false);
        let backwards = "The numbers came out backwards: 9c 40 is 40000. What crosses the network has the most \
             significant byte first, whatever the machine that reads it: from_be_bytes.";
        // 17 bytes, 0x0011, are 4352 the wrong way round: then the length is refused first.
        done.expect_success(|_: &[u8]| {
            if done.stderr.contains("4352") {
                backwards
            } else {
                "This is a right header: 8 bytes, then a payload of 9, and a length of 17, which is what there \
                 is. Above stands what the program has against it."
            }
        });
        done.expect_stdout_lines(&[expected], |got: &[u8]| {
            let got = String::from_utf8_lossy(got);
            if got.contains("udp 16540 > 13568") {
                backwards
            } else if got.contains("udp 53 > 40000") {
                "The source port comes first, then the destination port; Ethernet's addresses have the \
                 other order."
            } else if got.contains("length 9 ") {
                "The length counts the 8 bytes of the header too; it is printed as it stands."
            } else {
                "Four numbers of two bytes: source port, destination port, length, checksum."
            }
        });
    }

    #[test]
    fn refuses_a_udp_length_that_cannot_be() {
        let check = check!();
        for (length, why) in [
            (0, "The length is 0, less than the header's own 8 bytes."),
            (
                7,
                "The length is 7, less than the header's own 8 bytes. Trust it, and the payload's length is 7 - 8.",
            ),
            (
                14,
                "The length is one byte more than there is: 8 of the header and 5 of the payload make 13.",
            ),
            (
                65535,
                "The length is 65535, and 13 bytes are there. A length that a peer sends is a claim.",
            ),
        ] {
            let bytes = frame(udp(b"hello").damage(Damage::UdpLength(length)));
            let done = check.run(["udp", &hex(&bytes[34..])]);
            done.expect_error(&["udp", "length"], why);
            done.expect_exit(1, why);
        }
        for length in [8, 12] {
            let bytes = frame(udp(b"hello").damage(Damage::UdpLength(length)));
            let done = check.run(["udp", &hex(&bytes[34..])]);
            done.expect_success(
                "The length is less than there is, but covers the header: UDP says where its payload ends.",
            );
        }
        let bytes = frame(udp(b""));
        for length in [0, 1, 7] {
            names_the_layer(&check, "udp", &bytes[34..34 + length]);
        }
    }

    #[test]
    fn reads_a_tcp_header() {
        let check = check!();
        for (flags, options) in [
            (Flags::SYN | Flags::ACK, 3),
            (Flags::FIN | Flags::URG, 0),
            (Flags::NONE, 10),
            (Flags::ECE | Flags::CWR, 0),
        ] {
            let random = check.random(10);
            let number = |at: usize| {
                u32::from_be_bytes([random[at], random[at + 1], random[at + 2], random[at + 3]])
            };
            let mut segment = Segment::new(Flags::NONE)
                .seq(number(0))
                .ack(number(4))
                .payload(b"x");
            segment.flags = flags;
            segment.window = u16::from_be_bytes([random[8], random[9]]);
            segment.options = vec![wire::craft::TcpOption::Noop; options * 4];
            let bytes = frame(Frame::tcp(client(), server(), segment.clone()));
            let done = run(&check, ["tcp", &hex(&bytes[34..])]);
            done.expect_success(
                "This is a right header, and its length is not more than there is. Above stands what the program \
                 has against it.",
            );
            let expected = transport_line(&read::frame(&bytes).transport.unwrap(), false);
            done.expect_stdout_lines(&[expected], |got: &[u8]| {
                let got = String::from_utf8_lossy(got);
                if got.contains(&format!("seq {} ", segment.seq.swap_bytes())) {
                    "The sequence number came out backwards: its four bytes have the most significant first."
                } else if got.contains(&format!("header {} ", 5 + options)) {
                    "The header length is printed in bytes; the data offset counts in units of 4."
                } else if !got.contains(&format!("header {} ", 20 + options * 4)) {
                    "The data offset is the upper four bits of byte 12, in units of 4 bytes."
                } else {
                    "Compare with the table at the top of tcp.rs. The control bits are byte 13 as it stands."
                }
            });
        }
    }

    #[test]
    fn refuses_a_tcp_data_offset_that_cannot_be() {
        let check = check!();
        for (offset, why) in [
            (
                0,
                "The data offset is 0. Trust it, and the header is its own payload.",
            ),
            (
                4,
                "The data offset is 4, so that the header would have 16 bytes, less than its fixed part.",
            ),
            (
                7,
                "The data offset is 7, 28 bytes, and 25 are there: 20 of the header, 5 of the payload.",
            ),
            (15, "The data offset is 15, 60 bytes, and 25 are there."),
        ] {
            let bytes = frame(tcp(b"hello").damage(Damage::DataOffset(offset)));
            let done = check.run(["tcp", &hex(&bytes[34..])]);
            done.expect_error(&["tcp", "data offset"], why);
            done.expect_exit(1, why);
        }
        let bytes = frame(tcp(b"hello"));
        for length in [0, 12, 19] {
            names_the_layer(&check, "tcp", &bytes[34..34 + length]);
        }
        let done = check.run(["tcp", &hex(&bytes[34..54])]);
        done.expect_success(
            "20 bytes with a data offset of 5 are a whole segment without payload.",
        );
    }
}

mod step_4 {
    use super::*;

    #[test]
    fn lists_the_records_of_a_capture() {
        let check = check!();
        let mut capture = Capture::new(vec![
            Packet::new(
                Duration::new(1_767_225_600, 7_000),
                frame(udp(b"first").padded()),
            ),
            Packet::new(
                Duration::new(1_767_225_600, 250_000_000),
                frame(udp(check.random(300))),
            )
            .cut(96),
            Packet::new(Duration::new(1_767_225_601, 999_999_000), frame(tcp(b""))),
        ]);
        capture.snap_length = 96;
        let file = check.file("three.pcap", capture.to_bytes().unwrap());
        let done = run(&check, ["pcap".as_ref(), file.as_os_str()]);
        done.expect_stdout_lines(
            &[
                "pcap little-endian microseconds snap 96",
                "frame 1 at 1767225600.000007 60 bytes",
                "frame 2 at 1767225600.250000 96 of 342 bytes",
                "frame 3 at 1767225601.999999 54 bytes",
            ],
            |got: &[u8]| {
                let got = String::from_utf8_lossy(got);
                if got.contains("snap 1610612736") {
                    "The snap length came out backwards. The file's own numbers have the byte order of \
                     the machine that wrote it, here little-endian: format.order.number(…)."
                } else if got.lines().count() == 2 {
                    "Only the first record came. next_record leaves in `rest` what follows the record: \
                     its header of 16 bytes, and as many bytes as were captured."
                } else if got.contains("frame 2") && got.contains("342 of 342") || got.contains("1767225600.250000 342 bytes") {
                    "Bytes 8 to 11 of a record's header say how many bytes follow, bytes 12 to 15 how many \
                     the frame had on the wire."
                } else {
                    "Compare with the tables at the top of pcap.rs. A record's header is 16 bytes: seconds, \
                     microseconds, captured length, length on the wire."
                }
            },
        );
        done.expect_success("The file ends where its last record ends: that is its ordinary end.");

        let time = Duration::from_secs(1_767_225_600);
        let mut longest = Capture::new(vec![Packet::new(time, vec![0; 262_144])]);
        longest.snap_length = 262_144;
        let longest = check.file("longest.pcap", longest.to_bytes().unwrap());
        let done = run(&check, ["pcap".as_ref(), longest.as_os_str()]);
        done.expect_success(
            "A record may have LONGEST_RECORD bytes, 262144; only one that has more cannot be. 65535 are the most of an \
             IPv4 packet, and a capture may hold other ones.",
        );

        let empty = check.file("empty.pcap", Capture::new(Vec::new()).to_bytes().unwrap());
        let done = check.run(["pcap".as_ref(), empty.as_os_str()]);
        done.expect_success(
            "A capture without records is a capture: its header, and then the end.",
        );
    }

    #[test]
    fn says_where_a_capture_breaks_off() {
        let check = check!();
        // Two records of different lengths, so that every boundary has its own place.
        let small = |length| Packet::new(Duration::from_secs(1), vec![0; length]);
        let bytes = Capture::new(vec![small(15), small(22)]).to_bytes().unwrap();
        let (header, first, end) = (24, 24 + 16 + 15, bytes.len());
        let mut cuts = vec![header, first, end, 0, 1, 4, 23, 25, 39, 40, 54, 56, 71, 92];
        cuts.extend((0..6).map(|_| 1 + usize::from(check.random(1)[0]) % (end - 1)));
        for length in cuts {
            let file = check.file(&format!("first-{length}-bytes.pcap"), &bytes[..length]);
            let done = check.run(["pcap".as_ref(), file.as_os_str()]);
            let whole = if length == end {
                2
            } else {
                usize::from(length >= first)
            };
            let text = String::from_utf8_lossy(&done.stdout);
            let frames = text
                .lines()
                .filter(|line| line.starts_with("frame "))
                .count();
            let breaks_off = ![header, first, end].contains(&length);
            // What is as expected leaves no step behind: only the cut that matters is explained.
            let said = done
                .stderr
                .lines()
                .any(|line| line.starts_with("error: pcap"));
            if breaks_off && !(said && done.code == Some(1)) {
                let why = format!(
                    "The file ends after byte {length}, inside {}. That is an error that names pcap, \
                     never a panic and never an ordinary end.",
                    if length < header {
                        "its header"
                    } else {
                        "a record"
                    }
                );
                done.expect_error(&["pcap"], why.as_str());
                done.expect_exit(1, why);
            }
            if !breaks_off && done.code != Some(0) {
                done.expect_success(
                    "The file ends exactly behind a record, or behind its header: nothing is missing.",
                );
            }
            if frames != whole {
                check.fail(
                    format!("{whole} frames listed"),
                    frames,
                    "The records before the place where the file breaks off are whole, and are listed; \
                     the broken one is not.",
                );
            }
        }
    }

    #[test]
    fn refuses_what_is_no_capture() {
        let check = check!();
        let good = Capture::new(vec![Packet::new(Duration::ZERO, frame(udp(b"x")))])
            .to_bytes()
            .unwrap();
        let changed = |at: usize, bytes: [u8; 4]| {
            let mut file = good.clone();
            file[at..at + 4].copy_from_slice(&bytes);
            file
        };
        for (name, bytes, word, why) in [
            (
                "letter.txt",
                b"Dear reader, this is a letter and no capture.".to_vec(),
                "magic number",
                "The first four bytes are none of the magic numbers: say so, and read no further.",
            ),
            (
                "raw-ip.pcap",
                changed(20, [101, 0, 0, 0]),
                "link type",
                "The link type is 101: the frames begin with an IP header. Read as Ethernet they would \
                 give nonsense, and nobody would know why.",
            ),
            (
                "huge.pcap",
                changed(32, [0xff; 4]),
                "record",
                "The record claims 4,294,967,295 bytes. Compare a length with LONGEST_RECORD before you \
                 use it.",
            ),
        ] {
            let file = check.file(name, bytes);
            let done = check.run(["pcap".as_ref(), file.as_os_str()]);
            done.expect_error(&["pcap", word], why);
            done.expect_exit(1, why);
        }
    }

    #[test]
    fn reads_both_byte_orders_and_nanoseconds() {
        use wire::capture::{ByteOrder, Resolution};
        let check = check!();
        for (order, resolution, first, time) in [
            (
                ByteOrder::Big,
                Resolution::Microseconds,
                "big-endian microseconds",
                "1767225600.012345",
            ),
            (
                ByteOrder::Little,
                Resolution::Nanoseconds,
                "little-endian nanoseconds",
                "1767225600.012345678",
            ),
            (
                ByteOrder::Big,
                Resolution::Nanoseconds,
                "big-endian nanoseconds",
                "1767225600.012345678",
            ),
        ] {
            let packet = Packet::new(
                Duration::new(1_767_225_600, 12_345_678),
                frame(udp(b"x").padded()),
            );
            let mut capture = Capture::new(vec![packet]);
            (capture.byte_order, capture.resolution, capture.snap_length) =
                (order, resolution, 65_535);
            let file = check.file(
                &format!("{}.pcap", first.replace(' ', "-")),
                capture.to_bytes().unwrap(),
            );
            let done = run(&check, ["pcap".as_ref(), file.as_os_str()]);
            done.expect_stdout_lines(
                &[format!("pcap {first} snap 65535"), format!("frame 1 at {time} 60 bytes")],
                "The magic number says both: the order of the bytes in the file's numbers, and what the \
                 second half of a time counts.",
            );
        }
    }
}

mod step_5 {
    use super::*;

    #[test]
    fn peels_a_frame_down_to_its_payload() {
        let check = check!();
        for bytes in [
            frame(udp(b"What is the time?")),
            frame(tcp(b"GET / HTTP/1.1\r\n\r\n")),
        ] {
            expect_layers(&check, &bytes, |got: &[u8]| {
                let got = String::from_utf8_lossy(got);
                if got.contains("0x0800\n  payload") {
                    "Peeling stopped after Ethernet: its type is 0x0800, so that the payload is an IPv4 packet."
                } else if !got.contains("  udp") && !got.contains("  tcp") {
                    "Peeling stopped after IPv4: protocol 17 is UDP, 6 is TCP."
                } else if got.contains("unknown") {
                    "Every byte of this frame was captured, and its checksums are right: `ok`. Does a Piece lose \
                     its length, or its captured bytes, on the way?"
                } else {
                    "From the outside inwards, a line each: Ethernet, IPv4, UDP or TCP, payload."
                }
            });
        }
    }

    #[test]
    fn peels_a_real_capture() {
        let check = check!();
        for name in ["udp", "hello", "arp", "unreachable", "offloaded"] {
            expect_capture(&check, &format!("{name}.pcap"), |got: &[u8]| {
                if got.is_empty() {
                    "Nothing was printed. `layers pcap FILE` has to work before `layers peel FILE` can."
                } else {
                    "This is traffic as Linux sent it: TCP options, acknowledgments without payload, \
                     checksums that were left to the card, a packet inside an ICMP message. Look at the \
                     frame alone with tshark, or find the check above that is about it."
                }
            });
        }
    }

    #[test]
    fn keeps_padding_out_of_the_payload() {
        let check = check!();
        for inner in [tcp(b""), tcp(b"hi"), udp(b"hello")] {
            let bytes = frame(inner.padded());
            expect_layers(&check, &bytes, |got: &[u8]| {
                if got.windows(2).any(|pair| pair == b"\\x") {
                    "The zeros after the packet were taken for payload. A short frame is filled up to 60 \
                     bytes; where the packet ends says IPv4's total length, not the frame's end."
                } else {
                    "What the frame has beyond IPv4's total length is padding, and is a line of its own."
                }
            });
        }
        // Padding need not be zeros, nor end at 60 bytes.
        let bytes =
            frame(udp(b"a longer payload, so that the frame is over sixty").trailer(b"SECRETS"));
        expect_layers(
            &check,
            &bytes,
            "Behind this packet stand seven bytes of something else, in a frame of more than 60 bytes. \
             Padding is whatever lies beyond IPv4's total length.",
        );
    }

    #[test]
    fn finds_the_ports_behind_ip_options() {
        let check = check!();
        for inner in [udp(b"behind options"), tcp(b"behind options")] {
            let bytes = frame(inner.ip_options([1; 12]));
            expect_layers(&check, &bytes, |got: &[u8]| {
                if String::from_utf8_lossy(got).contains("257") {
                    "257 is 01 01: these are IPv4's options, read as a header of UDP or TCP. What IPv4 carries begins \
                     after the header length that the header says, not after 20 bytes."
                } else {
                    "What IPv4 carries begins after its options: at header_length, not at 20."
                }
            });
        }
    }

    #[test]
    fn finds_the_payload_behind_tcp_options() {
        let check = check!();
        for (options, payload) in [
            (1, &b"behind options"[..]),
            (3, b"behind options"),
            (10, b""),
        ] {
            let segment = Segment::new(Flags::PSH)
                .seq(1000)
                .ack(2000)
                .options(&vec![wire::craft::TcpOption::Noop; options * 4])
                .payload(payload);
            let bytes = frame(Frame::tcp(client(), server(), segment));
            expect_layers(&check, &bytes, |got: &[u8]| {
                if String::from_utf8_lossy(got).contains("\"\\x01") {
                    "The payload begins with 01 01: these are TCP's options. The header is as long as its data offset \
                     says, here more than 20 bytes, and the payload begins after it."
                } else {
                    "A TCP header may have options: it is as long as its data offset says, and the payload begins \
                     after it."
                }
            });
        }
    }

    #[test]
    fn leaves_what_it_cannot_read_as_a_payload() {
        let check = check!();
        let (from, to) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let arp = frame(Frame::arp_request(
            "10.0.0.1".parse().unwrap(),
            "10.0.0.2".parse().unwrap(),
        ));
        expect_layers(
            &check,
            &arp,
            "The ethertype is 0x0806, ARP: there is no IP packet in this frame. All 28 bytes after the \
             Ethernet header are its payload.",
        );
        let echo = frame(Frame::ip(from, to, 1, b"\x08\x00\xf7\xff\x00\x00\x00\x00").padded());
        expect_layers(
            &check,
            &echo,
            "The protocol is 1, ICMP: it has no ports. What IPv4 carries is a payload of 8 bytes; IPv4's \
             total length still decides where it ends.",
        );
    }

    #[test]
    fn reads_no_ports_from_a_fragment() {
        let check = check!();
        // The later fragment's bytes would make perfect ports.
        for (offset, more) in [(3, false), (3, true), (0, true)] {
            let bytes = frame(udp(b"part of something larger").fragment(offset, more));
            expect_layers(
                &check,
                &bytes,
                match (offset, more) {
                    (0, _) => {
                        "More fragments are to come: this is the first piece of a datagram. Its length and its \
                         checksum speak of the whole, so that it is left as a payload."
                    }
                    _ => {
                        "The fragment offset is 24: this piece is from the middle of a datagram. The header with \
                         the ports was in the first one; what stands here is somewhere in the payload."
                    }
                },
            );
        }
    }

    #[test]
    fn says_what_a_checksum_is_worth() {
        let check = check!();
        let cases = [
            (
                udp(b"odd"),
                "This checksum is right, over a payload with an odd number of bytes.",
            ),
            (
                udp(b"even"),
                "This checksum is right, over a payload with an even number of bytes.",
            ),
            (
                udp(b"damaged").damage(Damage::WrongChecksum),
                "This checksum is wrong: `bad`. The frame is peeled all the same.",
            ),
            (
                udp(b"none").damage(Damage::NoChecksum),
                "A UDP checksum of 0x0000 says that the sender computed none: `none`, neither right nor wrong.",
            ),
            (
                tcp(b"damaged").damage(Damage::WrongChecksum),
                "This checksum is wrong: `bad`. The frame is peeled all the same.",
            ),
            (
                tcp(b"offloaded").damage(Damage::PartialChecksum),
                "The field holds the sum of the pseudo-header alone: the kernel left the rest to the network card. \
                 checksum::judge calls it `partial`, when the pseudo-header that you build is right.",
            ),
            (
                tcp(b"not computed").damage(Damage::NoChecksum),
                "Zero means \"not computed\" in UDP only; in TCP it is a number like any other, and here a wrong one.",
            ),
        ];
        for (inner, why) in cases {
            expect_layers(&check, &frame(inner), why);
        }
    }

    #[test]
    fn ends_a_udp_payload_where_udp_says() {
        let check = check!();
        // A right datagram of 13 bytes, and the packet goes on after it.
        let datagram = frame(udp(b"hello"))[34..].to_vec();
        let packet = [&datagram[..], b", and more"].concat();
        let bytes = frame(Frame::ip(client().ip(), server().ip(), 17, packet));
        let done = check.run(["frame", &hex(&bytes)]);
        done.expect_success("A datagram that is shorter than its packet is no error.");
        let text = String::from_utf8_lossy(&done.stdout);
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with("udp"));
        let line = line.unwrap_or_default().trim_start();
        check.require(
            "a line of udp, whose checksum is ok",
            line,
            line.ends_with(" ok"),
            "The datagram has 13 bytes, and its checksum covers just those, as many as its length says, with the \
             pseudo-header. What comes after it in the packet was not summed by its sender.",
        );
        let last = text.lines().last().unwrap_or_default().trim_start();
        check.require(
            "payload 5 bytes \"hello\"",
            last,
            last == "payload 5 bytes \"hello\"",
            "IPv4 delivered 23 bytes, but UDP says that the datagram has 13: 8 of its header and 5 of its \
             payload. Both lengths are checked, and the smaller one counts.",
        );
    }

    #[test]
    fn names_the_layer_where_the_capture_was_cut() {
        let check = check!();
        let payload = b"0123456789";
        let segment = Segment::new(Flags::PSH).seq(1).ack(1).payload(payload);
        let bytes = frame(Frame::tcp(client(), server(), segment));
        expect_cuts(&check, "tcp", &bytes, [14, 34, 54]);
        let bytes = frame(udp(payload));
        expect_cuts(&check, "udp", &bytes, [14, 34, 42]);
    }

    #[test]
    fn goes_on_after_a_malformed_frame() {
        let check = check!();
        let good = frame(udp(b"still here"));
        let lies = [
            (udp(b"hello").damage(Damage::HeaderLength(3)), "ipv4"),
            (
                udp(b"hello").damage(Damage::IpLength(1500)).padded(),
                "ipv4",
            ),
            (udp(b"hello").damage(Damage::UdpLength(1000)), "udp"),
            // Inside the frame, but beyond what IPv4 delivered.
            (udp(b"hello").padded().damage(Damage::UdpLength(20)), "udp"),
            (tcp(b"hello").damage(Damage::DataOffset(15)), "tcp"),
            (tcp(b"").padded().damage(Damage::DataOffset(6)), "tcp"),
            // IPv4 says that it carries ten bytes: no TCP header, however long the frame is.
            (tcp(b"").padded().damage(Damage::IpLength(30)), "tcp"),
        ];
        let mut frames = Vec::new();
        let mut expected = Vec::new();
        for (lie, layer) in lies {
            let bytes = frame(lie);
            let mut outline = vec!["ethernet", "ipv4", layer];
            outline.truncate(outline.iter().position(|name| *name == layer).unwrap_or(2));
            let mut outline: Vec<String> = outline.into_iter().map(String::from).collect();
            outline.push(format!("malformed {layer}"));
            expected.push(outline);
            expected.push(
                ["ethernet", "ipv4", "udp", "payload"]
                    .map(String::from)
                    .to_vec(),
            );
            frames.push(bytes);
            frames.push(good.clone());
        }
        let file = check.file("lies.pcap", capture(&frames));
        let done = check.run(["peel".as_ref(), file.as_os_str()]);
        done.expect_success(
            "A malformed frame is something that peel reports in its place, not a failure of peel: it goes \
             on with the next frame.",
        );
        let text = String::from_utf8_lossy(&done.stdout);
        let got: Vec<Vec<String>> = frames_of(&text).iter().map(|lines| names(lines)).collect();
        for (n, want) in expected.iter().enumerate() {
            let none = Vec::new();
            let got = got.get(n).unwrap_or(&none);
            check.require(
                format!("frame {}: {}", n + 1, want.join(" · ")),
                format!("frame {}: {}", n + 1, if got.is_empty() { "missing".into() } else { got.join(" · ") }),
                got == want,
                format!(
                    "Each length is compared with what the layer outside delivered, and not with the frame's \
                     end. Look at it alone:  layers frame {}",
                    hex(&frames[n])
                ),
            );
        }
    }

    #[test]
    fn peels_ipv6_too() {
        let check = check!();
        expect_capture(
            &check,
            "ipv6.pcap",
            "The ethertype of IPv6 is 0x86dd. Its header goes to ipv6::parse; what is inside goes to \
             peel_transport, with Addresses::V6.",
        );
        let from = "[2001:db8::1]:40000".parse().unwrap();
        let to = "[2001:db8::2]:53".parse().unwrap();
        let segment = Segment::new(Flags::PSH).seq(7).ack(9).payload(b"over six");
        for inner in [
            Frame::udp(from, to, b"over six").trailer(b"\0\0\0"),
            Frame::tcp(from, to, segment.clone()),
            Frame::tcp(from, to, segment).damage(Damage::WrongChecksum),
            Frame::ip(from.ip(), to.ip(), 58, b"\x80\x00\x00\x00\x00\x00\x00\x00"),
        ] {
            expect_layers(
                &check,
                &frame(inner),
                "The fixed header has 40 bytes; its length field does not count them. The pseudo-header has \
                 addresses of 16 bytes and a length of 4.",
            );
        }
        let lie = frame(Frame::udp(from, to, b"over six").damage(Damage::IpLength(500)));
        let done = check.run(["ipv6", &hex(&lie[14..])]);
        done.expect_error(
            &["ipv6", "payload length"],
            "The payload length is 500, and 16 bytes follow the header.",
        );
        let none = frame(Frame::udp(from, to, b"x").damage(Damage::NoChecksum));
        let done = check.run(["frame", &hex(&none)]);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        check.require(
            "checksum 0x0000 bad",
            text.lines().nth(2).unwrap_or("nothing"),
            text.contains("checksum 0x0000 bad"),
            "Over IPv6 a UDP checksum of zero is not \"none\": IPv6 has no header checksum of its own, so that \
             UDP's may not be left out (RFC 8200 §8.1).",
        );
    }
}

mod step_6 {
    use super::*;

    #[test]
    fn wraps_a_payload_in_udp_ipv4_and_ethernet() {
        let check = check!();
        let random = check.random(20);
        let from: SocketAddr = format!("192.0.2.{}:{}", random[0], 1024 + u16::from(random[1]) * 7)
            .parse()
            .unwrap();
        let to: SocketAddr = format!("198.51.100.{}:{}", random[2], 256 + u16::from(random[3]))
            .parse()
            .unwrap();
        for payload in [&b"hello"[..], &random, b""] {
            wraps(
                &check,
                "udp",
                from,
                to,
                payload,
                Frame::udp(from, to, payload),
            );
        }
    }

    #[test]
    fn fills_up_short_frames_only() {
        let check = check!();
        for length in [17, 18, 19, 1472] {
            let payload = check.random(length);
            wraps(
                &check,
                "udp",
                client(),
                server(),
                &payload,
                Frame::udp(client(), server(), &payload),
            );
        }
        let done =
            check.run_with_input(["wrap", "udp", "10.0.0.1:40000", "10.0.0.2:53"], [0; 1473]);
        done.expect_error(
            &["udp", "1473"],
            "One Ethernet frame has no room for 1,473 bytes: see `fits`, which is given.",
        );
    }

    #[test]
    fn sends_a_udp_checksum_of_zero_as_all_ones() {
        let check = check!();
        // The checksum of a datagram that carries two zero bytes, sent instead of them, makes the sum
        // come out as 0xffff.
        let zeros = frame(Frame::udp(client(), server(), [0, 0]));
        let payload = &zeros[40..42];
        let bytes = frame(Frame::udp(client(), server(), payload));
        assert_eq!(
            bytes[40..42],
            [0xff, 0xff],
            "the payload does what it is for"
        );
        wraps(
            &check,
            "udp",
            client(),
            server(),
            payload,
            Frame::udp(client(), server(), payload),
        );
    }

    #[test]
    fn wraps_a_payload_in_tcp() {
        let check = check!();
        for payload in [check.random(7), Vec::new(), check.random(1460)] {
            let segment = Segment::new(Flags::PSH).seq(1).ack(1).payload(&payload);
            wraps(
                &check,
                "tcp",
                client(),
                server(),
                &payload,
                Frame::tcp(client(), server(), segment),
            );
        }
    }
}

// ---- the other end: frames, and what is right to say about them ----

fn client() -> SocketAddr {
    "10.0.0.1:40000".parse().unwrap()
}

fn server() -> SocketAddr {
    "10.0.0.2:53".parse().unwrap()
}

fn udp(payload: impl AsRef<[u8]>) -> Frame {
    Frame::udp(client(), server(), payload)
}

fn tcp(payload: &[u8]) -> Frame {
    Frame::tcp(
        client(),
        server(),
        Segment::new(Flags::PSH)
            .seq(1000)
            .ack(2000)
            .payload(payload),
    )
}

fn frame(frame: Frame) -> Vec<u8> {
    frame.bytes().unwrap()
}

fn capture(frames: &[Vec<u8>]) -> Vec<u8> {
    let packet = |bytes: &Vec<u8>| Packet::new(Duration::from_secs(1_767_225_600), bytes.clone());
    Capture::new(frames.iter().map(packet).collect())
        .to_bytes()
        .unwrap()
}

/// Two link-layer addresses without a pattern.
fn macs(check: &Check) -> [[u8; 6]; 2] {
    let random = check.random(12);
    [0, 6].map(|at| std::array::from_fn(|n| random[at + n]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(address: [u8; 6]) -> String {
    address.map(|byte| format!("{byte:02x}")).join(":")
}

/// A header that is too short is an error that names its layer.
fn names_the_layer(check: &Check, layer: &str, bytes: &[u8]) {
    let done = check.run([layer, &hex(bytes)]);
    let why = format!(
        "Only {} bytes came, fewer than the header has. Every parser asks for its header with \
         `header(\"{layer}\", …)?` before it looks at a byte of it.",
        bytes.len()
    );
    done.expect_error(&[layer], why.as_str());
    done.expect_exit(1, why);
}

fn ipv4(bytes: &[u8]) -> Ipv4 {
    match read::frame(bytes).net {
        Some(Net::V4(ip)) => ip,
        _ => panic!("an IPv4 packet was crafted"),
    }
}

fn is_right(ip: &Ipv4) -> bool {
    ip.checksum.verdict == Verdict::Right
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Right => "ok",
        Verdict::Wrong { .. } => "bad",
        Verdict::Offloaded => "partial",
        Verdict::Absent => "none",
        Verdict::Unverifiable => "unknown",
    }
}

fn ethernet_line(bytes: &[u8]) -> String {
    let header = read::frame(bytes).ethernet.unwrap();
    let (from, to) = (mac(header.source), mac(header.destination));
    format!("ethernet {from} > {to} type {:#06x}", header.ether_type)
}

fn ipv4_line(ip: &Ipv4) -> String {
    let flags = match (ip.dont_fragment, ip.more_fragments) {
        (false, false) => "-",
        (true, false) => "DF",
        (false, true) => "MF",
        (true, true) => "DF,MF",
    };
    format!(
        "ipv4 {} > {} protocol {} ttl {} header {} total {} id {:#06x} flags {flags} offset {} checksum {:#06x} {}",
        ip.source,
        ip.destination,
        ip.protocol,
        ip.ttl,
        ip.header_length,
        ip.total_length,
        ip.identification,
        ip.fragment_offset,
        ip.checksum.value,
        word(ip.checksum.verdict),
    )
}

fn ipv6_line(ip: &Ipv6) -> String {
    format!(
        "ipv6 {} > {} next {} hop {} payload {}",
        ip.source, ip.destination, ip.next_header, ip.hop_limit, ip.payload_length
    )
}

fn transport_line(transport: &Transport, judged: bool) -> String {
    let (line, checksum) = match transport {
        Transport::Udp(udp) => (
            format!(
                "udp {} > {} length {}",
                udp.source_port, udp.destination_port, udp.length
            ),
            udp.checksum,
        ),
        Transport::Tcp(tcp) => {
            let flags = if tcp.flags == Flags::NONE {
                "-".to_string()
            } else {
                tcp.flags.to_string()
            };
            let line = format!(
                "tcp {} > {} seq {} ack {} header {} flags {flags} window {}",
                tcp.source_port,
                tcp.destination_port,
                tcp.seq,
                tcp.ack,
                tcp.header_length,
                tcp.window
            );
            (line, tcp.checksum)
        }
        Transport::Icmp { .. } => panic!("ICMP is a payload here"),
    };
    let line = format!("{line} checksum {:#06x}", checksum.value);
    if judged {
        format!("{line} {}", word(checksum.verdict))
    } else {
        line
    }
}

fn payload_line(payload: &[u8]) -> String {
    let shown = payload[..payload.len().min(32)].escape_ascii();
    let more = if payload.len() > 32 { "..." } else { "" };
    format!("payload {} bytes \"{shown}\"{more}", payload.len())
}

/// The lines of a well-formed frame that was captured whole; IPv4 options left out.
fn layers(bytes: &[u8]) -> Vec<String> {
    let parsed = read::frame(bytes);
    let mut lines = vec![ethernet_line(bytes)];
    let (begin, end) = match &parsed.net {
        Some(Net::V4(ip)) => {
            lines.push(ipv4_line(ip));
            (14 + ip.header_length, 14 + usize::from(ip.total_length))
        }
        Some(Net::V6(ip)) => {
            lines.push(ipv6_line(ip));
            (54, 54 + usize::from(ip.payload_length))
        }
        _ => (14, bytes.len()),
    };
    match &parsed.transport {
        Some(transport @ (Transport::Tcp(_) | Transport::Udp(_))) => {
            lines.push(transport_line(transport, true));
            lines.push(payload_line(parsed.payload));
        }
        _ => lines.push(payload_line(&bytes[begin..end])),
    }
    if end < bytes.len() {
        lines.push(format!("padding {} bytes", bytes.len() - end));
    }
    lines.into_iter().map(|line| format!("  {line}")).collect()
}

/// Runs the program to its end. A panic is shown at once: there is no output to compare then.
fn run<A: AsRef<std::ffi::OsStr>>(check: &Check, args: impl IntoIterator<Item = A>) -> Finished {
    let done = check.run(args);
    if done.code == Some(101) {
        // What is not written yet says so itself.
        done.expect_success(
            "The program panicked, at the place above. No input may do that: ask for a header before you index it, \
             and look at a length before you subtract from it or cut by it.",
        );
    }
    done
}

/// A UDP or TCP checksum that is right was called bad, and all else is as expected: finds out which
/// checksum the program takes for right, and says so.
fn takes_for_right(check: &Check, done: &Finished, expected: &[String], bytes: &[u8]) {
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let called_bad = |want: &String, got: &str| {
        let sum = want
            .strip_suffix(" ok")
            .filter(|line| line.trim_start().starts_with(['u', 't']));
        sum.is_some_and(|line| got == format!("{line} bad"))
    };
    let differs = |(want, got): &(&String, &&str)| want.as_str() != **got;
    let differing: Vec<_> = expected.iter().zip(&lines).filter(differs).collect();
    let [(want, got)] = differing[..] else {
        return;
    };
    if lines.len() != expected.len() || !called_bad(want, got) {
        return;
    }
    // Two mistakes may give one number; in a second frame, with unlike addresses, they do not.
    let (from, to) = (
        "198.51.100.7:1234".parse().unwrap(),
        "203.0.113.90:4321".parse().unwrap(),
    );
    let second = frame(match Covered::of(bytes).protocol {
        17 => Frame::udp(from, to, b"another payload"),
        _ => Frame::tcp(
            from,
            to,
            Segment::new(Flags::PSH).payload(b"another payload"),
        ),
    });
    let others = Covered::of(bytes).others();
    let again = Covered::of(&second).others();
    let in_first = others.iter().map(|other| Covered::of(bytes).with(other.1));
    let in_second = again.iter().map(|other| Covered::of(&second).with(other.1));
    let file = check.file(
        "other-checksums.pcap",
        capture(&in_first.chain(in_second).collect::<Vec<_>>()),
    );
    check.note(
        "found",
        got.trim_start(),
        "this checksum is right: which one is right to the program?",
    );
    let tried = check.run(["peel".as_ref(), file.as_os_str()]);
    let text = String::from_utf8_lossy(&tried.stdout).into_owned();
    let is_taken = |lines: &Vec<String>| {
        lines
            .iter()
            .any(|line| line.trim_start().starts_with(['u', 't']) && line.ends_with(" ok"))
    };
    let taken: Vec<bool> = frames_of(&text).iter().map(is_taken).collect();
    let holds = |(n, (mistake, _)): (usize, &(&'static str, u16))| {
        let there = again.iter().position(|(other, _)| other == mistake);
        let in_second = there.is_none_or(|at| taken.get(others.len() + at) == Some(&true));
        (taken.get(n) == Some(&true) && in_second).then_some(*mistake)
    };
    let taken: Vec<&str> = others.iter().enumerate().filter_map(holds).collect();
    check.fail(want.trim_start(), got.trim_start(), mistaken(&taken));
}

/// What to say when these mistakes would each explain a checksum.
fn mistaken(mistakes: &[&str]) -> String {
    if mistakes.is_empty() {
        return "A UDP or TCP checksum covers the pseudo-header, which is source, destination, a zero, the protocol, and \
            the length of the datagram or segment, each in its place and with the most significant byte first; \
            then all of the datagram or segment, header and payload, and nothing behind it. Do the checks of `sum` pass? Then compare the bytes \
            of your pseudo-header with the table above the function."
            .into();
    }
    format!(
        "The program's sum is the one that comes out {}.",
        mistakes.join(", or ")
    )
}

/// What the UDP or TCP checksum of a frame covers.
struct Covered<'a> {
    frame: &'a [u8],
    /// Where the segment begins and ends in the frame.
    begin: usize,
    end: usize,
    /// Where the checksum field stands in the segment.
    field: usize,
    protocol: u8,
    source: Vec<u8>,
    destination: Vec<u8>,
    /// How many bytes the length has in the pseudo-header: 2, or 4 over IPv6.
    width: usize,
}

impl<'a> Covered<'a> {
    fn of(frame: &'a [u8]) -> Self {
        let parsed = read::frame(frame);
        let (begin, end, protocol, addresses) = match &parsed.net {
            Some(Net::V4(ip)) => (
                14 + ip.header_length,
                14 + usize::from(ip.total_length),
                ip.protocol,
                26..34,
            ),
            Some(Net::V6(ip)) => (
                54,
                54 + usize::from(ip.payload_length),
                ip.next_header,
                22..54,
            ),
            _ => panic!("only UDP and TCP have such a checksum"),
        };
        let (source, destination) = frame[addresses.clone()].split_at(addresses.len() / 2);
        Covered {
            frame,
            begin,
            end,
            field: if protocol == 17 { 6 } else { 16 },
            protocol,
            source: source.to_vec(),
            destination: destination.to_vec(),
            width: if source.len() == 4 { 2 } else { 4 },
        }
    }

    /// The datagram or segment, its checksum zero.
    fn segment(&self) -> Vec<u8> {
        let mut segment = self.frame[self.begin..self.end].to_vec();
        segment[self.field..self.field + 2].fill(0);
        segment
    }

    /// The frame with another checksum in it.
    fn with(&self, checksum: u16) -> Vec<u8> {
        let mut frame = self.frame.to_vec();
        let at = self.begin + self.field;
        frame[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
        frame
    }

    fn length(&self, length: usize) -> Vec<u8> {
        let bytes = (length as u32).to_be_bytes();
        bytes[4 - self.width..].to_vec()
    }

    /// The checksums that likely mistakes give: "comes out …", and the number. None is the right one.
    fn others(&self) -> Vec<(&'static str, u16)> {
        let segment = self.segment();
        let (from, to) = (&self.source[..], &self.destination[..]);
        let protocol = &[0, self.protocol][..];
        let length = self.length(segment.len());
        let header = match self.protocol {
            17 => 8,
            _ => usize::from(segment[12] >> 4) * 4,
        };
        let with = |pseudo_header: &[&[u8]]| ones(&[&pseudo_header.concat(), &segment]);
        let mut backwards = length.clone();
        backwards.reverse();
        let to_the_end_of_the_frame = [&segment, &self.frame[self.end..]].concat();
        let to_the_end = self.length(to_the_end_of_the_frame.len());
        let payload_alone = self.length(segment.len() - header);
        let packet = self.length(self.end - 14);
        let right = with(&[from, to, protocol, &length]);
        let zero_behind = [self.protocol, 0];
        let mistakes = [
            (
                "without the pseudo-header: both addresses, a zero, the protocol and the length are summed first",
                ones(&[&segment]),
            ),
            (
                "when the length in the pseudo-header is that of the payload alone: it is that of the whole datagram or segment, its header included",
                with(&[from, to, protocol, &payload_alone]),
            ),
            (
                "when the length is missing in the pseudo-header",
                with(&[from, to, protocol]),
            ),
            (
                "when the length in the pseudo-header is the packet's: it is that of the datagram or segment, without the IP header",
                with(&[from, to, protocol, &packet]),
            ),
            (
                "when the length in the pseudo-header has its least significant byte first: to_be_bytes",
                with(&[from, to, protocol, &backwards]),
            ),
            (
                "when the protocol is missing in the pseudo-header",
                with(&[from, to, &length]),
            ),
            (
                "when the protocol stands before the zero in the pseudo-header: the zero is byte 8, the protocol byte 9",
                with(&[from, to, &zero_behind, &length]),
            ),
            (
                "when the source address is missing in the pseudo-header",
                with(&[to, protocol, &length]),
            ),
            (
                "when the destination address is missing in the pseudo-header",
                with(&[from, protocol, &length]),
            ),
            (
                "when the source address stands twice in the pseudo-header",
                with(&[from, from, protocol, &length]),
            ),
            (
                "when the destination address stands twice in the pseudo-header",
                with(&[to, to, protocol, &length]),
            ),
            (
                "when the padding belongs to the segment: cut the packet down to its total length before you hand it to the next layer",
                ones(&[from, to, protocol, &to_the_end, &to_the_end_of_the_frame]),
            ),
            (
                "when the header alone is summed: the payload belongs to it",
                ones(&[from, to, protocol, &length, &segment[..header]]),
            ),
        ];
        let mut others: Vec<(&'static str, u16)> = Vec::new();
        for (mistake, checksum) in mistakes {
            // Zero would mean "none" in UDP. Where two mistakes give the same number, the likelier
            // one stands first.
            if checksum != right && checksum != 0 && others.iter().all(|other| other.1 != checksum)
            {
                others.push((mistake, checksum));
            }
        }
        others
    }
}

/// The Internet checksum of these bytes, one part behind the other; an odd part is filled up.
fn ones(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let total: u64 = words
        .map(|word| 256 * u64::from(word[0]) + word.get(1).map_or(0, |low| u64::from(*low)))
        .sum();
    // A sum in one's complement is one modulo 65535, which only nothing at all makes 0 (RFC 1071).
    let folded = if total == 0 {
        0
    } else {
        (total - 1) % 0xffff + 1
    };
    0xffff - u16::try_from(folded).unwrap_or_default()
}

/// `layers frame` says of a well-formed frame what [`layers`] says.
fn expect_layers(check: &Check, bytes: &[u8], why: impl testkit::Why) {
    let done = run(check, ["frame", &hex(bytes)]);
    let expected = with_options(&done, &layers(bytes), "  ");
    takes_for_right(check, &done, &expected, bytes);
    done.expect_stdout_lines(&expected, why);
    done.expect_success("The frame is well formed.");
}

/// `layers peel` says of a capture that the lab ships what [`layers`] says of each of its frames.
fn expect_capture(check: &Check, name: &str, why: impl testkit::Why) {
    let path = check.data(name);
    let capture = Capture::read(&path).unwrap();
    let mut expected = Vec::new();
    for (n, packet) in capture.packets.iter().enumerate() {
        let (seconds, micros) = (packet.time.as_secs(), packet.time.subsec_micros());
        let length = packet.data.len();
        expected.push(format!(
            "frame {} at {seconds}.{micros:06} {length} bytes",
            n + 1
        ));
        expected.extend(layers(&packet.data));
    }
    let done = run(check, ["peel".as_ref(), path.as_os_str()]);
    done.expect_stdout_lines(&expected, why);
    done.expect_success("Every frame of this capture can be peeled.");
}

/// Listing IPv4 options is the bonus: where the program does, its lines for the options that do
/// nothing (the only ones used where this is called) are accepted.
fn with_options(done: &Finished, lines: &[String], indent: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&done.stdout);
    let option = format!("{indent}option 1");
    let count = text.lines().filter(|line| **line == option).count();
    let mut expected = lines.to_vec();
    if let Some(at) = expected
        .iter()
        .position(|line| line.trim_start().starts_with("ipv4 "))
    {
        let ihl = expected[at]
            .split(" header ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        let padded = ihl.is_some_and(|length| length - 20 == count);
        if padded {
            expected.splice(at + 1..at + 1, std::iter::repeat_n(option, count));
        }
    }
    expected
}

/// The lines of each frame of `peel`'s output, without the line that begins it.
fn frames_of(text: &str) -> Vec<Vec<String>> {
    let mut frames = Vec::new();
    for line in text.lines() {
        if line.starts_with("frame ") {
            frames.push(Vec::new());
        } else if let Some(last) = frames.last_mut() {
            last.push(line.to_string());
        }
    }
    frames
}

/// The first word of each line; two where peeling stopped (`malformed udp`).
fn names(lines: &[String]) -> Vec<String> {
    let name = |line: &String| {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        match first {
            "malformed" | "cut" => format!(
                "{first} {}",
                words.next().unwrap_or_default().trim_end_matches(':')
            ),
            _ => first.to_string(),
        }
    };
    lines.iter().map(name).collect()
}

/// Captures `bytes` with every snap length there is. `headers` is where Ethernet's, IPv4's and the
/// transport's headers end.
fn expect_cuts(check: &Check, transport: &str, bytes: &[u8], headers: [usize; 3]) {
    let packet = |length: usize| Packet {
        time: Duration::ZERO,
        data: bytes[..length].to_vec(),
        original_length: bytes.len() as u32,
    };
    let packets = (0..bytes.len()).map(packet).collect();
    let name = format!("{transport}-cut-everywhere.pcap");
    let file = check.file(&name, Capture::new(packets).to_bytes().unwrap());
    let done = check.run(["peel".as_ref(), file.as_os_str()]);
    done.expect_success("That a capture kept only the first bytes of a frame is no failure.");
    let text = String::from_utf8_lossy(&done.stdout);
    let frames = frames_of(&text);
    let [ethernet, ipv4, end] = headers;
    for length in 0..bytes.len() {
        let layers = ["ethernet", "ipv4", transport];
        let whole = headers.iter().filter(|end| **end <= length).count();
        let mut expected: Vec<String> = layers[..whole]
            .iter()
            .map(|name| name.to_string())
            .collect();
        expected.push(
            layers
                .get(whole)
                .map_or("payload".into(), |name| format!("cut {name}")),
        );
        let lines = frames.get(length).cloned().unwrap_or_default();
        let got = names(&lines);
        let place = format!(
            "the frame of which {length} of {} bytes were captured",
            bytes.len()
        );
        if got != expected {
            check.fail(
                format!("{}, for {place}", expected.join(" · ")),
                if got.is_empty() { "nothing".into() } else { got.join(" · ") },
                format!(
                    "On the wire the headers ended at {ethernet}, {ipv4} and {end} bytes. Bytes that the capture \
                     did not keep are not missing from the frame: compare lengths with `length`, read bytes \
                     from `captured`, and hand on a Piece, which carries both."
                ),
            );
        }
        if whole == 3 {
            let payload = lines.last().cloned().unwrap_or_default();
            let expected = format!("  payload {} of {} bytes", length - end, bytes.len() - end);
            if !payload.starts_with(&expected) {
                check.fail(
                    format!("{:?}…, for {place}", expected.trim_start()),
                    format!("{:?}", payload.trim_start()),
                    "The payload's length is what it had on the wire; only its captured bytes are fewer.",
                );
            }
            let unknown = lines
                .iter()
                .rev()
                .nth(1)
                .is_some_and(|line| line.ends_with(" unknown"));
            if !unknown {
                check.fail(
                    format!("a checksum that is unknown, for {place}"),
                    format!("{:?}", lines.iter().rev().nth(1).map_or("", |line| line.trim_start())),
                    "The checksum covers bytes that were not captured: nobody can say what it is worth.",
                );
            }
        }
    }
    check.note("found", format!("{} frames as expected", bytes.len()), "");
}

/// Which mistake gives the checksum `have` in a frame that is right otherwise; `begin` is where it stands.
fn wrong_sum(name: &str, right: &[u8], begin: usize, have: &[u8]) -> Option<String> {
    if !name.contains("checksum") {
        return None;
    }
    let [upper, lower] = *have else { return None };
    let want = &right[begin..begin + 2];
    if upper == !want[0] && lower == !want[1] {
        return Some("This is the sum itself; the checksum is its complement, `!sum(…)`.".into());
    }
    if upper == want[1] && lower == want[0] {
        return Some(
            "The number is right and came out backwards: most significant byte first, to_be_bytes."
                .into(),
        );
    }
    if name.contains("IPv4") {
        return None;
    }
    let have = u16::from_be_bytes([upper, lower]);
    let others = Covered::of(right).others();
    let (mistake, _) = others.iter().find(|(_, checksum)| *checksum == have)?;
    Some(mistaken(&[mistake]))
}

/// A field of a frame: its name, where it begins and ends, and what may have gone wrong.
type Field = (&'static str, usize, usize, &'static str);

/// `layers wrap` makes of `payload` what `right` says, filled up where it is short.
fn wraps(
    check: &Check,
    transport: &str,
    from: SocketAddr,
    to: SocketAddr,
    payload: &[u8],
    right: Frame,
) {
    let expected = frame(right.padded());
    let done = check.run_with_input(
        ["wrap", transport, &from.to_string(), &to.to_string()],
        payload,
    );
    done.expect_success("The payload fits into one frame.");
    let text = String::from_utf8_lossy(&done.stdout).trim().to_string();
    let got: Option<Vec<u8>> = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect();
    let Some(got) = got else {
        check.fail(
            "a line of hexadecimal digits",
            format!("{text:?}"),
            "`layers wrap` prints the frame in hex.",
        );
    };
    let udp: [Field; 4] = [
        (
            "the UDP source port",
            34,
            36,
            "Two bytes, most significant first: to_be_bytes.",
        ),
        (
            "the UDP destination port",
            36,
            38,
            "Two bytes, most significant first: to_be_bytes.",
        ),
        (
            "the UDP length",
            38,
            40,
            "It counts the 8 bytes of the header and the payload.",
        ),
        (
            "the UDP checksum",
            40,
            42,
            "The complement of the sum over pseudo-header, UDP header with a checksum of zero, and payload. The \
             pseudo-header's length is that of the datagram, its header included. Zero is sent as 0xffff.",
        ),
    ];
    let tcp: [Field; 8] = [
        (
            "the TCP source port",
            34,
            36,
            "Two bytes, most significant first: to_be_bytes.",
        ),
        (
            "the TCP destination port",
            36,
            38,
            "Two bytes, most significant first: to_be_bytes.",
        ),
        ("the sequence number", 38, 42, "Four bytes: 1."),
        ("the acknowledgment number", 42, 46, "Four bytes: 1."),
        (
            "data offset and control bits",
            46,
            48,
            "Five units of four bytes in the upper half of byte 12; PSH is 0x08, ACK 0x10.",
        ),
        ("the window", 48, 50, "65535."),
        (
            "the TCP checksum",
            50,
            52,
            "The complement of the sum over pseudo-header, TCP header with a checksum of zero, and payload. Zero \
             is an ordinary value here.",
        ),
        ("the urgent pointer", 52, 54, "Zero."),
    ];
    let inner: &[Field] = if transport == "udp" { &udp } else { &tcp };
    let header = if transport == "udp" { 42 } else { 54 };
    let outer: [Field; 10] = [
        (
            "the Ethernet destination",
            0,
            6,
            "A frame begins with its destination: DESTINATION, then SOURCE.",
        ),
        (
            "the Ethernet source",
            6,
            12,
            "A frame begins with its destination: DESTINATION, then SOURCE.",
        ),
        (
            "the ethertype",
            12,
            14,
            "Two bytes, most significant first: 08 00.",
        ),
        (
            "version and IHL",
            14,
            15,
            "Version 4 in the upper four bits, 5 units of four bytes in the lower.",
        ),
        (
            "the total length",
            16,
            18,
            "The IPv4 header's 20 bytes and what it carries; padding does not count.",
        ),
        (
            "identification, flags and offset",
            18,
            22,
            "Identification 0; don't fragment set, which is 0x4000.",
        ),
        (
            "time to live and protocol",
            22,
            24,
            "64, then 17 for UDP or 6 for TCP.",
        ),
        (
            "the IPv4 header checksum",
            24,
            26,
            "The complement of the sum over the 20 bytes of the header alone, while the checksum in it is zero.",
        ),
        ("the source address", 26, 30, "source.octets()."),
        ("the destination address", 30, 34, "destination.octets()."),
    ];
    // The checksums last: when another field is wrong, they are wrong because of it.
    let is_checksum = |field: &&Field| field.0.contains("checksum");
    let fields: Vec<&Field> = outer.iter().chain(inner).collect();
    let ordered = fields
        .iter()
        .filter(|f| !is_checksum(f))
        .chain(fields.iter().filter(|f| is_checksum(f)));
    for (name, begin, end, why) in ordered.map(|field| **field) {
        let want = &expected[begin..end];
        let have = got.get(begin..end).or(got.get(begin..)).unwrap_or_default();
        if have != want {
            let why = if name == "the UDP checksum" && want == [0xff, 0xff] && have == [0, 0] {
                "With this payload the checksum comes out as zero. In UDP's header zero means \
                 \"none\", so that 0xffff is sent instead."
                    .to_string()
            } else {
                wrong_sum(name, &expected, begin, have).unwrap_or_else(|| why.to_string())
            };
            check.fail(
                format!("{} as {name} (bytes {begin} to {})", hex(want), end - 1),
                if have.is_empty() {
                    format!("a frame of {} bytes", got.len())
                } else {
                    hex(have)
                },
                why,
            );
        }
    }
    if got.len() != expected.len() {
        check.fail(
            format!("a frame of {} bytes", expected.len()),
            format!("a frame of {} bytes", got.len()),
            if got.len() == 60 {
                "A frame that was longer than 60 bytes has lost its end: Vec::resize also cuts. Fill up \
                 only what is shorter."
            } else if got.len() < 60 {
                "A frame of fewer than 60 bytes is filled up with zeros to 60."
            } else {
                "Headers and payload, nothing else; only a frame of fewer than 60 bytes is filled up."
            },
        );
    }
    let (inside, filling) = got[header..].split_at(payload.len());
    if inside != payload {
        check.fail(
            format!("{} as the payload (from byte {header} on)", hex(payload)),
            hex(inside),
            "The payload follows the innermost header, byte for byte.",
        );
    }
    if filling.iter().any(|byte| *byte != 0) {
        check.fail(
            "zeros behind the packet",
            hex(filling),
            "What fills a short frame up is zeros, after the packet.",
        );
    }
    check.note("found", format!("a right frame of {} bytes", got.len()), "");
}
