//! Capture files, crafted frames and reading them: round trips, damage, and every committed capture.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use wire::capture::{
    ByteOrder, Capture, CaptureError, FILE_HEADER, PACKET_HEADER, Packet, Resolution,
};
use wire::craft::{
    Conversation, CraftError, Damage, Flags, Frame, LEAST_FRAME, START, Segment, TcpOption,
};
use wire::read::{self, Net, Transport, Verdict};

const ACK: Flags = Flags::ACK;

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn v4() -> (SocketAddr, SocketAddr) {
    (addr("10.0.0.1:40000"), addr("10.0.0.2:53"))
}

fn v6() -> (SocketAddr, SocketAddr) {
    (addr("[fd00::1]:40000"), addr("[fd00::2]:53"))
}

fn example() -> Capture {
    let (client, server) = v4();
    let frame = |text: &str| Frame::udp(client, server, text).bytes().unwrap();
    Capture::new(vec![
        Packet::new(Duration::new(1, 999_999_000), frame("one")),
        Packet::new(Duration::new(u64::from(u32::MAX), 0), frame("two")).cut(20),
        Packet::new(Duration::ZERO, Vec::new()),
    ])
}

// ---- capture files

#[test]
fn a_capture_survives_all_four_formats() {
    let formats = [
        (
            ByteOrder::Little,
            Resolution::Microseconds,
            [0xd4, 0xc3, 0xb2, 0xa1],
        ),
        (
            ByteOrder::Big,
            Resolution::Microseconds,
            [0xa1, 0xb2, 0xc3, 0xd4],
        ),
        (
            ByteOrder::Little,
            Resolution::Nanoseconds,
            [0x4d, 0x3c, 0xb2, 0xa1],
        ),
        (
            ByteOrder::Big,
            Resolution::Nanoseconds,
            [0xa1, 0xb2, 0x3c, 0x4d],
        ),
    ];
    for (byte_order, resolution, magic) in formats {
        let mut capture = Capture {
            byte_order,
            resolution,
            ..example()
        };
        if resolution == Resolution::Nanoseconds {
            capture.packets[0].time = Duration::new(1, 999_999_999);
        }
        let bytes = capture.to_bytes().unwrap();
        assert_eq!(bytes[..4], magic);
        assert_eq!(Capture::from_bytes(&bytes).unwrap(), capture);
    }
}

#[test]
fn a_file_survives_and_errors_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("example.pcap");
    example().write(&path).unwrap();
    assert_eq!(Capture::read(&path).unwrap(), example());
    std::fs::write(&path, b"GIF89a, and no capture at all").unwrap();
    let error = Capture::read(&path).unwrap_err().to_string();
    assert!(
        error.starts_with(&path.display().to_string()) && error.contains("begins with 47 49 46 38"),
        "{error}"
    );
    let missing = folder.path().join("missing.pcap");
    let error = Capture::read(&missing).unwrap_err().to_string();
    assert!(error.contains("missing.pcap: cannot read it"), "{error}");
}

#[test]
fn truncated_anywhere_it_gives_the_packets_before() {
    let capture = example();
    let bytes = capture.to_bytes().unwrap();
    let mut ends = vec![FILE_HEADER];
    for packet in &capture.packets {
        ends.push(ends.last().unwrap() + PACKET_HEADER + packet.data.len());
    }
    for length in 0..=bytes.len() {
        let result = Capture::from_bytes(&bytes[..length]);
        let whole = ends.iter().skip(1).filter(|end| **end <= length).count();
        if length < FILE_HEADER {
            assert!(
                matches!(result, Err(CaptureError::TooShort { length: there }) if there == length),
                "{length}"
            );
        } else if ends.contains(&length) {
            assert_eq!(result.unwrap().packets, capture.packets[..whole]);
        } else {
            let error = result.unwrap_err();
            assert_eq!(error.before().unwrap().packets, capture.packets[..whole]);
            let CaptureError::Truncated {
                packet,
                needed,
                left,
                ..
            } = error
            else {
                panic!("{error}")
            };
            assert_eq!((packet, left), (whole + 1, length - ends[whole]));
            assert!(needed > left as u64);
        }
    }
}

#[test]
fn a_packet_that_claims_four_gigabytes_is_truncated_not_allocated() {
    let mut bytes = Capture::new(Vec::new()).to_bytes().unwrap();
    bytes.extend([
        0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ]);
    let error = Capture::from_bytes(&bytes).unwrap_err();
    assert!(
        matches!(
            error,
            CaptureError::Truncated {
                packet: 1,
                needed: 4_294_967_311,
                left: 16,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn impossible_packet_headers_are_named() {
    let bytes = example().to_bytes().unwrap();
    let mut late = bytes.clone();
    late[FILE_HEADER + 4..FILE_HEADER + 8].copy_from_slice(&1_000_000_u32.to_le_bytes());
    let mut more = bytes;
    more[FILE_HEADER + 12..FILE_HEADER + 16].copy_from_slice(&3_u32.to_le_bytes());
    for (bytes, words) in [
        (late, "a whole second or more"),
        (more, "only 3 were on the wire"),
    ] {
        let error = Capture::from_bytes(&bytes).unwrap_err();
        assert!(
            error.to_string().starts_with("packet 1: ") && error.to_string().contains(words),
            "{error}"
        );
        assert!(error.before().unwrap().packets.is_empty());
    }
}

#[test]
fn what_no_file_can_hold_is_refused() {
    let too_late = Capture::new(vec![Packet::new(Duration::from_secs(1 << 32), vec![1])]);
    assert!(
        too_late
            .to_bytes()
            .unwrap_err()
            .to_string()
            .contains("2106")
    );
    let mut more = Packet::new(START, vec![1, 2, 3]);
    more.original_length = 2;
    assert!(matches!(
        Capture::new(vec![more]).to_bytes(),
        Err(CaptureError::Unwritable { packet: 1, .. })
    ));
}

#[test]
fn the_newer_format_is_recognised() {
    let error = Capture::from_bytes(&[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0]).unwrap_err();
    assert!(matches!(error, CaptureError::PcapNg));
}

// ---- frames

#[test]
fn a_udp_frame_is_these_bytes() {
    let (client, server) = v4();
    let expected = "020000000002 020000000001 0800 \
         4500 001f 0000 4000 40 11 26cc 0a000001 0a000002 \
         9c40 0035 000b 8afd 61 62 63";
    assert_eq!(
        hex(&Frame::udp(client, server, b"abc").bytes().unwrap()),
        expected.replace([' ', '\n'], "")
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_was_crafted_is_read_again() {
    let segment = Segment::new(Flags::PSH | Flags::URG | Flags::CWR)
        .seq(0xffff_fff0)
        .ack(77)
        .window(1_024)
        .options(&[
            TcpOption::MaximumSegmentSize(1_460),
            TcpOption::WindowScale(7),
            TcpOption::Noop,
        ])
        .payload(b"odd");
    for (client, server) in [v4(), v6()] {
        let bytes = Frame::tcp(client, server, segment.clone()).bytes().unwrap();
        let layers = read::frame(&bytes);
        let (from, to, read) = layers.segment().unwrap();
        // The header's length is a multiple of four bytes, so the options may come back with an end.
        assert_eq!((from, to, read), (client, server, segment.clone()));
        assert_eq!(layers.tcp().unwrap().checksum.verdict, Verdict::Right);
        assert_eq!(layers.stopped, None);

        let bytes = Frame::udp(client, server, b"").bytes().unwrap();
        let layers = read::frame(&bytes);
        assert_eq!(
            (layers.ends(), layers.payload),
            (Some((client, server)), &b""[..])
        );
        assert_eq!(layers.udp().unwrap().checksum.verdict, Verdict::Right);
    }
}

#[test]
fn every_payload_has_a_right_checksum() {
    let mut random = fastrand::Rng::with_seed(7);
    for length in (0..1_500).step_by(7) {
        let mut payload = vec![0; length];
        random.fill(&mut payload);
        for (client, server) in [v4(), v6()] {
            for frame in [
                Frame::udp(client, server, &payload),
                Frame::tcp(
                    client,
                    server,
                    Segment::new(ACK).seq(random.u32(..)).payload(&payload),
                ),
            ] {
                let bytes = frame.bytes().unwrap();
                let layers = read::frame(&bytes);
                let verdict = match layers.transport.as_ref().unwrap() {
                    Transport::Tcp(tcp) => tcp.checksum.verdict,
                    Transport::Udp(udp) => udp.checksum.verdict,
                    Transport::Icmp { .. } => unreachable!(),
                };
                assert_eq!((verdict, layers.payload), (Verdict::Right, &payload[..]));
            }
        }
    }
}

#[test]
fn a_udp_checksum_of_zero_is_sent_as_all_ones() {
    // A payload whose sum comes to 0: the complement of what the rest sums to.
    let (client, server) = v4();
    let bytes = Frame::udp(client, server, [0, 0]).bytes().unwrap();
    let checksum = [bytes[40], bytes[41]];
    let bytes = Frame::udp(client, server, checksum).bytes().unwrap();
    assert_eq!(bytes[40..42], [0xff, 0xff]);
    assert_eq!(
        read::frame(&bytes).udp().unwrap().checksum.verdict,
        Verdict::Right
    );
}

#[test]
fn options_padding_and_trailers_keep_to_their_layers() {
    let (client, server) = v4();
    let frame = Frame::udp(client, server, b"x")
        .ip_options([7, 7, 4, 0, 0, 0, 0])
        .padded();
    let bytes = frame.bytes().unwrap();
    let layers = read::frame(&bytes);
    let Some(Net::V4(ip)) = &layers.net else {
        panic!("{layers:?}")
    };
    assert_eq!(
        (
            ip.header_length,
            ip.options.len(),
            usize::from(ip.total_length)
        ),
        (28, 8, 28 + 8 + 1)
    );
    assert_eq!(ip.checksum.verdict, Verdict::Right);
    assert_eq!(
        (layers.payload, layers.trailer.len(), bytes.len()),
        (&b"x"[..], LEAST_FRAME - 14 - 37, LEAST_FRAME)
    );

    let bytes = Frame::udp(client, server, b"x")
        .trailer(b"behind")
        .bytes()
        .unwrap();
    assert_eq!(
        (read::frame(&bytes).payload, read::frame(&bytes).trailer),
        (&b"x"[..], &b"behind"[..])
    );
}

#[test]
fn arp_icmp_and_fragments_are_read() {
    let ip = |addr: SocketAddr| match addr.ip() {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => unreachable!(),
    };
    let (client, server) = v4();
    let request = Frame::arp_request(ip(client), ip(server))
        .padded()
        .bytes()
        .unwrap();
    let Some(Net::Arp(arp)) = read::frame(&request).net else {
        panic!()
    };
    assert_eq!(
        (arp.operation, arp.sender.1, arp.target),
        (1, ip(client), ([0; 6], ip(server)))
    );
    assert_eq!(read::frame(&request).trailer.len(), LEAST_FRAME - 42);

    let ping = Frame::ip(client.ip(), server.ip(), 1, [8, 0, 0, 0, 0, 1, 0, 1])
        .bytes()
        .unwrap();
    assert_eq!(
        read::frame(&ping).transport,
        Some(Transport::Icmp { kind: 8, code: 0 })
    );

    let second = Frame::udp(client, server, b"12345678")
        .fragment(1, true)
        .bytes()
        .unwrap();
    let layers = read::frame(&second);
    let Some(Net::V4(header)) = &layers.net else {
        panic!()
    };
    assert_eq!(
        (
            header.fragment_offset,
            header.more_fragments,
            &layers.transport
        ),
        (8, true, &None)
    );
}

// ---- damage

#[test]
fn each_damage_is_seen_as_what_it_is() {
    let (client, server) = v4();
    let udp = || Frame::udp(client, server, b"hello");
    let tcp = || {
        Frame::tcp(
            client,
            server,
            Segment::new(Flags::SYN).seq(1).payload(b"hello"),
        )
    };
    let transport = |frame: Frame| {
        let bytes = frame.bytes().unwrap();
        let layers = read::frame(&bytes);
        layers
            .udp()
            .map(|udp| udp.checksum.verdict)
            .or(layers.tcp().map(|tcp| tcp.checksum.verdict))
            .unwrap()
    };
    for frame in [udp(), tcp()].map(|frame| frame.damage(Damage::WrongChecksum)) {
        assert!(matches!(transport(frame), Verdict::Wrong { .. }));
    }
    assert_eq!(transport(udp().damage(Damage::NoChecksum)), Verdict::Absent);
    assert!(matches!(
        transport(tcp().damage(Damage::NoChecksum)),
        Verdict::Wrong { .. }
    ));
    assert_eq!(
        transport(tcp().damage(Damage::PartialChecksum)),
        Verdict::Offloaded
    );
    assert_eq!(
        transport(udp().damage(Damage::PartialChecksum)),
        Verdict::Offloaded
    );
    let (from, to) = v6();
    assert_eq!(
        transport(Frame::udp(from, to, b"x").damage(Damage::PartialChecksum)),
        Verdict::Offloaded
    );
    assert!(matches!(
        transport(Frame::udp(from, to, b"x").damage(Damage::NoChecksum)),
        Verdict::Wrong { .. }
    ));

    let net = |damage| {
        let bytes = udp().damage(damage).bytes().unwrap();
        let Some(Net::V4(ip)) = read::frame(&bytes).net else {
            panic!()
        };
        ip.checksum.verdict
    };
    assert!(matches!(
        net(Damage::WrongIpChecksum),
        Verdict::Wrong { .. }
    ));
    // A lie about a length or protocol leaves the header's own checksum right.
    for damage in [
        Damage::IpLength(2_000),
        Damage::IpLength(21),
        Damage::Protocol(6),
    ] {
        assert_eq!(net(damage), Verdict::Right, "{damage:?}");
    }
}

#[test]
fn lies_stop_the_reading_and_say_where() {
    let (client, server) = v4();
    let udp = Frame::udp(client, server, b"hello");
    let tcp = Frame::tcp(client, server, Segment::new(ACK));
    for (frame, words) in [
        (
            udp.clone().damage(Damage::IpLength(2_000)),
            "more bytes than there are",
        ),
        (
            udp.clone().damage(Damage::UdpLength(500)),
            "states a length of 500",
        ),
        (
            udp.clone().damage(Damage::UdpLength(3)),
            "states a length of 3",
        ),
        (udp.clone().damage(Damage::Version(5)), "version"),
        (udp.clone().damage(Damage::HeaderLength(4)), "IP"),
        (udp.clone().damage(Damage::HeaderLength(15)), "IP"),
        (udp.damage(Damage::Truncate(37)), "UDP header"),
        (tcp.clone().damage(Damage::DataOffset(4)), "TCP"),
        (tcp.damage(Damage::DataOffset(15)), "TCP"),
    ] {
        let stopped = read::frame(&frame.bytes().unwrap()).stopped;
        assert!(
            stopped.as_ref().is_some_and(|why| why.contains(words)),
            "{stopped:?} says nothing of {words:?}"
        );
    }
}

#[test]
fn no_truncation_and_no_byte_makes_reading_panic() {
    let (client, server) = v4();
    let (from, to) = v6();
    let segment = Segment::new(ACK)
        .options(&[TcpOption::Timestamp(1, 2)])
        .payload(b"data");
    for frame in [
        Frame::udp(client, server, b"hello").ip_options([1; 8]),
        Frame::tcp(client, server, segment.clone()),
        Frame::tcp(from, to, segment),
    ] {
        let bytes = frame.bytes().unwrap();
        for length in 0..bytes.len() {
            let cut = frame
                .clone()
                .damage(Damage::Truncate(length))
                .bytes()
                .unwrap();
            assert_eq!(cut, bytes[..length]);
            assert!(read::frame(&cut).stopped.is_some(), "{length}");
        }
        for at in 0..bytes.len() {
            for value in 0..=255 {
                read::frame(
                    &frame
                        .clone()
                        .damage(Damage::Byte { at, value })
                        .bytes()
                        .unwrap(),
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_built_says_why() {
    let ((client, server), (from, to)) = (v4(), v6());
    let mixed = Frame::udp(client, to, b"").bytes();
    assert!(matches!(mixed, Err(CraftError::MixedFamilies { .. })));
    let long = Frame::udp(client, server, b"").ip_options([1; 41]).bytes();
    assert!(matches!(
        long,
        Err(CraftError::OptionsTooLong {
            protocol: "IPv4",
            length: 41,
            most: 40
        })
    ));
    let options = vec![TcpOption::Timestamp(0, 0); 5];
    let long = Frame::tcp(client, server, Segment::new(ACK).options(&options)).bytes();
    assert!(
        matches!(
            long,
            Err(CraftError::OptionsTooLong {
                protocol: "TCP",
                ..
            })
        ),
        "{long:?}"
    );
    for payload in [65_508, 65_536, 100_000] {
        let long = Frame::udp(client, server, vec![0; payload]).bytes();
        assert!(
            matches!(long, Err(CraftError::PayloadTooLong { .. })),
            "{payload}"
        );
    }
    assert_eq!(
        Frame::udp(client, server, vec![0; 65_507])
            .bytes()
            .unwrap()
            .len(),
        14 + 65_535
    );
    let nothing = Frame::udp(from, to, b"")
        .damage(Damage::WrongIpChecksum)
        .bytes();
    assert!(nothing.unwrap_err().to_string().contains("no IPv4 header"));
    let nothing = Frame::udp(client, server, b"")
        .damage(Damage::DataOffset(5))
        .bytes();
    assert!(nothing.unwrap_err().to_string().contains("no TCP header"));
    let nothing = Frame::udp(client, server, b"")
        .damage(Damage::Byte { at: 42, value: 0 })
        .bytes();
    assert!(nothing.unwrap_err().to_string().contains("no such byte"));
}

#[test]
fn ip_options_on_ipv6_are_refused() {
    let (from, to) = v6();
    let error = Frame::udp(from, to, b"")
        .ip_options([1; 4])
        .bytes()
        .unwrap_err();
    assert_eq!(
        error,
        CraftError::NotIpv4 {
            what: "IPv4 options"
        }
    );
}

// ---- conversations

/// `client SYN 0 0`: relative to the initial numbers.
fn story(talk: &Conversation) -> Vec<String> {
    let sent = talk.sent();
    let client = sent[0].from;
    let initial = |from: SocketAddr| {
        sent.iter()
            .find(|sent| sent.from == from)
            .map_or(0, |sent| sent.segment.seq)
    };
    let told = sent.iter().map(|sent| {
        let (who, seq) = (
            if sent.from == client {
                "client"
            } else {
                "server"
            },
            sent.segment.seq,
        );
        let ack = if sent.segment.flags.contains(ACK) {
            sent.segment.ack.wrapping_sub(initial(sent.to))
        } else {
            0
        };
        let length = sent.segment.payload.len();
        format!(
            "{who} {} {} {ack} {length}",
            sent.segment.flags,
            seq.wrapping_sub(initial(sent.from))
        )
    });
    told.collect()
}

#[test]
fn open_data_close_counts_right() {
    let talk = Conversation::new();
    let (client, server) = talk.connection(v4().0, v4().1);
    client.open(&server);
    client.data(b"hello");
    server.ack();
    server.data_fin(b"bye");
    client.fin();
    server.ack();
    assert_eq!(
        story(&talk),
        [
            "client SYN 0 0 0",
            "server SYN,ACK 0 1 0",
            "client ACK 1 1 0",
            "client PSH,ACK 1 1 5",
            "server ACK 1 6 0",
            "server FIN,PSH,ACK 1 6 3",
            "client FIN,ACK 6 5 0",
            "server ACK 5 7 0",
        ]
    );
}

#[test]
fn simultaneous_open_and_close_count_right() {
    let talk = Conversation::new();
    let (client, server) = talk.connection(v4().0, v4().1);
    for both in [
        wire::craft::End::syn,
        wire::craft::End::syn_ack,
        wire::craft::End::fin,
        wire::craft::End::ack,
    ] {
        talk.crossing(|| {
            both(&client);
            both(&server);
        });
    }
    assert_eq!(
        story(&talk),
        [
            "client SYN 0 0 0",
            "server SYN 0 0 0",
            "client SYN,ACK 0 1 0",
            "server SYN,ACK 0 1 0",
            "client FIN,ACK 1 1 0",
            "server FIN,ACK 1 1 0",
            "client ACK 2 2 0",
            "server ACK 2 2 0",
        ]
    );
}

#[test]
fn resets_carry_the_numbers_of_the_rfc() {
    let talk = Conversation::new();
    let (client, server) = talk.connection(v4().0, v4().1);
    client.syn();
    let refusal = server.rst_reply().segment;
    assert_eq!(
        (refusal.flags, refusal.seq, refusal.ack),
        (Flags::RST | ACK, 0, client.send_next())
    );

    let talk = Conversation::new();
    let (client, server) = talk.connection(v4().0, v4().1);
    client.open(&server);
    server.forget();
    let data = client.data(b"anyone?").segment;
    let answer = server.rst_reply().segment;
    assert_eq!(
        (answer.flags, answer.seq, answer.ack),
        (Flags::RST, data.ack, 0)
    );
    let abort = client.rst().segment;
    assert_eq!((abort.flags, abort.seq), (Flags::RST | ACK, data.seq + 7));
}

#[test]
fn a_host_that_forgot_and_connects_anew_is_discovered() {
    // RFC 9293 figure 9.
    let talk = Conversation::new();
    let (client, server) = talk.connection(v4().0, v4().1);
    client.open(&server);
    let expected = server.receive_next().unwrap();
    client.forget();
    let syn = client.syn().segment;
    assert_ne!(syn.seq, expected);
    let challenge = server.ack().segment;
    assert_eq!((challenge.flags, challenge.ack), (ACK, expected));
    assert_eq!(client.rst_reply().segment.seq, expected);
}

#[test]
fn loss_reordering_and_retransmission_count_right() {
    let talk = Conversation::new();
    let (client, server) = talk.connection(v4().0, v4().1);
    talk.unseen(|| client.open(&server));
    let first = talk.lost(|| client.data(b"12"));
    let held = client.hold(b"34");
    client.data(b"56");
    assert_eq!(server.ack().segment.ack, first.segment.seq);
    client.release(held);
    client.retransmit(&first);
    assert_eq!(server.ack().segment.ack, client.send_next());
    client.retransmit(&first);
    assert_eq!(server.ack().segment.ack, client.send_next());
    assert_eq!(talk.sent()[0], first);
}

#[test]
fn sequence_numbers_wrap() {
    let talk = Conversation::new();
    let (client, server) = talk.connection(v4().0, v4().1);
    client.initial(u32::MAX);
    client.open(&server);
    assert_eq!((client.send_next(), server.receive_next()), (0, Some(0)));
    client.data(vec![0; 10]);
    assert_eq!(server.ack().segment.ack, 10);
}

#[test]
fn a_conversation_becomes_a_capture() {
    let talk = Conversation::new();
    let (client, server) = talk.connection(v6().0, v6().1);
    let (other, _nobody) = talk.connection(addr("[fd00::1]:40001"), v6().1);
    client.open(&server);
    talk.wait(Duration::from_secs(1));
    other.syn();
    let capture = talk.capture().unwrap();
    let read: Vec<_> = capture
        .packets
        .iter()
        .map(|packet| read::frame(&packet.data).segment().unwrap())
        .collect();
    let sent: Vec<_> = talk
        .sent()
        .into_iter()
        .map(|sent| (sent.from, sent.to, sent.segment))
        .collect();
    assert_eq!(read, sent);
    assert_eq!(capture.packets[0].time, START);
    assert!(capture.packets[3].time > START + Duration::from_secs(1));
    assert!(capture.packets.is_sorted_by_key(|packet| packet.time));
}

// ---- the committed captures

fn committed() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for lab in ["01-layers", "03-handshake"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../labs")
            .join(lab)
            .join("tests/data");
        let page = std::fs::read_to_string(folder.join("README.md")).unwrap();
        let mut listed: Vec<_> = page
            .split('`')
            .filter(|word| word.ends_with(".pcap"))
            .collect();
        let mut there: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "pcap")
            })
            .collect();
        there.sort();
        listed.sort_unstable();
        let names: Vec<_> = there
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(listed, names, "{} lists what is there", folder.display());
        found.extend(there);
    }
    found
}

#[test]
fn every_committed_capture_is_small_and_reads_to_its_last_byte() {
    for path in committed() {
        let length = std::fs::metadata(&path).unwrap().len();
        assert!(length < 4_096, "{}: {length} bytes", path.display());
        let capture = Capture::read(&path).unwrap();
        assert_eq!(
            capture.to_bytes().unwrap(),
            std::fs::read(&path).unwrap(),
            "{}",
            path.display()
        );
        assert_eq!(capture.packets[0].time, START);
        let snapped = path.ends_with("snap-length.pcap");
        let loopback = ["offloaded.pcap", "ipv6.pcap", "connects-to-itself.pcap"]
            .iter()
            .any(|name| path.ends_with(name));
        for packet in &capture.packets {
            let layers = read::frame(&packet.data);
            let cut = packet.is_cut();
            assert!(snapped || !cut, "{}", path.display());
            assert_eq!(
                layers.stopped.is_some(),
                cut,
                "{}: {:?}",
                path.display(),
                layers.stopped
            );
            if let Some(Net::V4(ip)) = &layers.net {
                assert_eq!(ip.checksum.verdict, Verdict::Right, "{}", path.display());
            }
            let expected = match (cut, loopback) {
                (true, _) => Verdict::Unverifiable,
                (_, true) => Verdict::Offloaded,
                _ => Verdict::Right,
            };
            let verdict = layers
                .tcp()
                .map(|tcp| tcp.checksum.verdict)
                .or(layers.udp().map(|udp| udp.checksum.verdict));
            assert!(
                verdict.is_none_or(|verdict| verdict == expected),
                "{}: {verdict:?}",
                path.display()
            );
        }
    }
}
