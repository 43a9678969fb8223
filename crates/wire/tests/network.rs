//! A network of one's own, and recording in it. Where there is none, these say SKIPPED with the reason, and fail if
//! `WIRELAB_REQUIRE` names `netns`.
#![cfg(target_os = "linux")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use wire::capture::Packet;
use wire::craft::Flags;
use wire::netns::{self, Ending, Path, Quality, Side, Unavailable, Veth};
use wire::read::{self, Net, Transport, Verdict};
use wire::record::{RecordError, Recorder};

/// Generous: nothing here takes a second.
const SOON: Duration = Duration::from_secs(20);

/// Whether to go on: inside. Otherwise the test has been done inside, or is skipped.
fn is_inside(test: &str) -> bool {
    match netns::inside(test) {
        Ok(Side::Inside) => true,
        Ok(Side::Outside(finished)) => {
            assert!(finished.success(), "{finished}");
            false
        }
        Err(unavailable) => skip(&unavailable),
    }
}

fn skip(unavailable: &Unavailable) -> bool {
    let required = std::env::var("WIRELAB_REQUIRE").unwrap_or_default();
    assert!(
        !required.contains("netns"),
        "required by WIRELAB_REQUIRE: {unavailable}"
    );
    // Written past libtest, which would keep it to itself: a skip is to be seen.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {unavailable}");
    false
}

fn flags(packets: &[Packet]) -> Vec<Flags> {
    packets
        .iter()
        .filter_map(|packet| Some(read::frame(&packet.data).tcp()?.flags))
        .collect()
}

fn fins(packets: &[Packet]) -> usize {
    flags(packets)
        .iter()
        .filter(|flags| flags.contains(Flags::FIN))
        .count()
}

/// One connection: open, five bytes each way, and a close that the client begins.
fn echo_once(listener: &TcpListener) -> SocketAddr {
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, addr) = listener.accept().unwrap();
    let mut bytes = [0; 5];
    client.write_all(b"hello").unwrap();
    server.read_exact(&mut bytes).unwrap();
    server.write_all(&bytes).unwrap();
    client.read_exact(&mut bytes).unwrap();
    drop(client);
    assert_eq!(server.read(&mut bytes).unwrap(), 0);
    addr
}

#[test]
fn records_every_packet_on_lo_once() {
    if !is_inside("records_every_packet_on_lo_once") {
        return;
    }
    // Port 80 is ours in here, as every port is.
    let listener = TcpListener::bind("127.0.0.1:80").unwrap();
    for _ in 0..200 {
        let mut recorder = Recorder::start("lo").unwrap();
        let client = echo_once(&listener);
        recorder
            .wait_for(SOON, |packets| {
                fins(packets) == 2 && flags(packets).last() == Some(&Flags::ACK)
            })
            .unwrap();
        let capture = recorder.stop().unwrap();
        let (psh, fin, ack) = (Flags::PSH | Flags::ACK, Flags::FIN | Flags::ACK, Flags::ACK);
        assert_eq!(
            flags(&capture.packets),
            [
                Flags::SYN,
                Flags::SYN | ack,
                ack,
                psh,
                ack,
                psh,
                ack,
                fin,
                fin,
                ack
            ],
            "{client}"
        );
        assert!(capture.packets.is_sorted_by_key(|packet| packet.time));
        let sent: Vec<u8> = capture
            .packets
            .iter()
            .flat_map(|packet| read::frame(&packet.data).payload)
            .copied()
            .collect();
        assert_eq!(sent, b"hellohello");
        assert!(capture.packets.iter().all(|packet| !packet.is_cut()));
    }
}

#[test]
fn records_ipv6_and_udp() {
    if !is_inside("records_ipv6_and_udp") {
        return;
    }
    let mut recorder = Recorder::start("lo").unwrap();
    let (here, there) = (
        UdpSocket::bind("[::1]:4000").unwrap(),
        UdpSocket::bind("[::1]:4001").unwrap(),
    );
    here.send_to(b"ping", there.local_addr().unwrap()).unwrap();
    let packets = recorder
        .wait_for(SOON, |packets| packets.len() == 1)
        .unwrap();
    let layers = read::frame(&packets[0].data);
    assert_eq!(layers.payload, b"ping");
    assert_eq!(
        layers.ends(),
        Some((here.local_addr().unwrap(), there.local_addr().unwrap()))
    );
    assert_eq!(layers.udp().unwrap().checksum.verdict, Verdict::Offloaded);
}

#[test]
fn a_mask_decides_which_address_is_a_broadcast() {
    if !is_inside("a_mask_decides_which_address_is_a_broadcast") {
        return;
    }
    for (mask, all) in [
        ([255, 255, 255, 192], [10, 0, 0, 63]),
        ([255, 255, 252, 0], [10, 0, 3, 255]),
    ] {
        let veth = Veth::with_mask(mask.into()).unwrap();
        let bind = || UdpSocket::bind("0.0.0.0:4000").unwrap();
        let ear = veth.server.within(bind).unwrap();
        let mouth = veth.client.within(bind).unwrap();
        // A send to a broadcast address is refused without the option, and any other is not.
        let refused = mouth.send_to(b"hello", (Ipv4Addr::from(all), 4000));
        assert_eq!(
            refused.map_err(|error| error.kind()),
            Err(ErrorKind::PermissionDenied)
        );
        mouth.set_broadcast(true).unwrap();
        mouth
            .send_to(b"hello", (Ipv4Addr::from(all), 4000))
            .unwrap();
        ear.set_read_timeout(Some(SOON)).unwrap();
        assert_eq!(ear.recv_from(&mut [0; 9]).unwrap().0, 5);
    }
}

/// What arrives of `n` datagrams that a client sends over a path of this quality.
fn arrives(quality: Quality, n: u8) -> Option<Vec<u8>> {
    let _path = match Path::new(quality) {
        Ok(path) => path,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED: no TUN device: {error}");
            return None;
        }
    };
    let server = UdpSocket::bind((Path::SERVER, 0)).unwrap();
    let port = server.local_addr().unwrap().port();
    let client = UdpSocket::bind("0.0.0.0:0").unwrap();
    for number in 0..n {
        client.send_to(&[number], (Path::CLIENT_TO, port)).unwrap();
    }
    // What comes last overtakes nothing: when it is here, or the time is up, all are here.
    server
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let mut came = Vec::new();
    let mut byte = [0];
    while let Ok((_, from)) = server.recv_from(&mut byte) {
        assert_eq!(from.ip(), Path::CLIENT_TO);
        came.push(byte[0]);
    }
    Some(came)
}

#[test]
fn a_path_loses_by_its_seed_and_takes_its_time() {
    if !is_inside("a_path_loses_by_its_seed_and_takes_its_time") {
        return;
    }
    let quality = |loss, seed| Quality {
        loss,
        delay: Duration::from_millis(20),
        seed,
    };
    let Some(all) = arrives(quality(0.0, 1), 200) else {
        return;
    };
    assert!(all.into_iter().eq(0..200));
    let some = arrives(quality(0.3, 1), 200).unwrap();
    assert!((100..180).contains(&some.len()), "{}", some.len());
    assert!(some.is_sorted());
    assert_eq!(arrives(quality(0.3, 1), 200).unwrap(), some);
    assert_ne!(arrives(quality(0.3, 2), 200).unwrap(), some);

    let _path = Path::new(quality(0.0, 1)).unwrap();
    let listener = TcpListener::bind((Path::SERVER, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let began = Instant::now();
    let client = TcpStream::connect((Path::CLIENT_TO, port)).unwrap();
    assert!(began.elapsed() >= Duration::from_millis(40));
    let (mut server, from) = listener.accept().unwrap();
    assert_eq!(
        from,
        (Path::CLIENT_TO, client.local_addr().unwrap().port()).into()
    );
    (&client)
        .write_all(b"through the kernel's own TCP")
        .unwrap();
    drop(client);
    let mut text = String::new();
    server.read_to_string(&mut text).unwrap();
    assert_eq!(text, "through the kernel's own TCP");
}

#[test]
fn a_veth_pair_shows_real_addresses_arp_and_checksums() {
    if !is_inside("a_veth_pair_shows_real_addresses_arp_and_checksums") {
        return;
    }
    let veth = Veth::new().unwrap();
    let mut recorder = veth
        .server
        .within(|| Recorder::start("eth0"))
        .unwrap()
        .unwrap();
    let server = veth
        .server
        .within(|| UdpSocket::bind((veth.server.address, 4000)))
        .unwrap()
        .unwrap();
    let client = veth
        .client
        .within(|| UdpSocket::bind((veth.client.address, 4001)))
        .unwrap()
        .unwrap();
    client
        .send_to(b"ping", server.local_addr().unwrap())
        .unwrap();
    server.set_read_timeout(Some(SOON)).unwrap();
    let mut bytes = [0; 10];
    let (length, from) = server.recv_from(&mut bytes).unwrap();
    server.send_to(&bytes[..length], from).unwrap();
    let packets = recorder
        .wait_for(SOON, |packets| packets.len() >= 4)
        .unwrap();
    let layers: Vec<_> = packets
        .iter()
        .map(|packet| read::frame(&packet.data))
        .collect();
    let operation = |n: usize| match layers[n].net {
        Some(Net::Arp(arp)) => arp.operation,
        ref other => panic!("{other:?}"),
    };
    assert_eq!((operation(0), operation(1)), (1, 2));
    for (n, from) in [(2, veth.client.mac), (3, veth.server.mac)] {
        assert_eq!(layers[n].ethernet.unwrap().source, from);
        assert_eq!(layers[n].payload, b"ping");
        let Some(Transport::Udp(udp)) = layers[n].transport else {
            panic!("{:?}", layers[n])
        };
        assert_eq!(udp.checksum.verdict, Verdict::Right);
    }
}

#[test]
fn what_does_not_come_is_reported_with_what_did() {
    if !is_inside("what_does_not_come_is_reported_with_what_did") {
        return;
    }
    let mut recorder = Recorder::start("lo").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .send_to(b"one", socket.local_addr().unwrap())
        .unwrap();
    let error = recorder
        .wait_for(Duration::from_millis(20), |packets| packets.len() == 2)
        .unwrap_err();
    assert!(
        matches!(&error, RecordError::TimedOut { packets, .. } if packets.len() == 1),
        "{error}"
    );
}

#[test]
fn a_flood_that_nobody_takes_is_an_error() {
    if !is_inside("a_flood_that_nobody_takes_is_an_error") {
        return;
    }
    let recorder = Recorder::start("lo").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = socket.local_addr().unwrap();
    for _ in 0..4_000 {
        socket.send_to(&[0; 60_000], addr).unwrap();
    }
    assert!(matches!(
        recorder.stop(),
        Err(RecordError::Dropped { dropped: 1.. })
    ));
}

#[test]
fn an_unknown_interface_is_named() {
    let error = Recorder::start("wire7").unwrap_err().to_string();
    assert!(
        error.starts_with("wire7: cannot record: finding the interface: No such device"),
        "{error}"
    );
}

#[test]
fn a_failure_inside_is_a_failure_outside() {
    match netns::inside("a_failure_inside_is_a_failure_outside") {
        Ok(Side::Inside) => panic!("on purpose"),
        Ok(Side::Outside(finished)) => {
            assert!(!finished.success());
            assert!(finished.to_string().contains("on purpose"), "{finished}");
        }
        Err(unavailable) => drop(skip(&unavailable)),
    }
}

#[test]
fn a_name_that_is_no_test_is_an_error() {
    match netns::inside("there_is_no_such_test") {
        Err(Unavailable::NoSuchTest { name }) => assert_eq!(name, "there_is_no_such_test"),
        Err(unavailable) => drop(skip(&unavailable)),
        Ok(side) => panic!("{side:?}"),
    }
}

#[test]
fn a_hang_inside_ends_at_the_deadline_with_its_whole_tree() {
    let test = "a_hang_inside_ends_at_the_deadline_with_its_whole_tree";
    match netns::inside_within(test, Duration::from_secs(3)) {
        Ok(Side::Inside) => {
            // One child leaves the process group and its parent, and keeps the outputs open.
            let script = "setsid sh -c 'echo stray $$; sleep 1000 & sleep 1000' & sleep 1000";
            let _ = Command::new("sh").args(["-c", script]).status();
        }
        Ok(Side::Outside(finished)) => {
            assert_eq!(
                finished.ending,
                Ending::TimedOut(Duration::from_secs(3)),
                "{finished}"
            );
            let stdout = String::from_utf8_lossy(&finished.stdout).into_owned();
            let stray = stdout
                .lines()
                .find_map(|line| line.strip_prefix("stray "))
                .expect("the stray said who it is");
            let started = Instant::now();
            while is_alive(stray) {
                assert!(started.elapsed() < SOON, "process {stray} is still there");
                std::thread::yield_now();
            }
        }
        Err(unavailable) => drop(skip(&unavailable)),
    }
}

/// Whether this process exists and is more than a corpse nobody has collected.
fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.starts_with('Z'))
    })
}

#[test]
fn runs_another_program_and_leaves_nothing_of_it() {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "cat /proc/net/dev; setsid sleep 1000 & echo stray $!; exit 3",
    ]);
    match netns::run(command, SOON) {
        Ok(finished) => {
            let stdout = String::from_utf8_lossy(&finished.stdout).into_owned();
            assert!(
                matches!(finished.ending, Ending::Exited(status) if status.code() == Some(3)),
                "{finished}"
            );
            let interfaces = stdout.lines().filter(|line| line.contains(':')).count();
            assert_eq!(interfaces, 1, "{stdout}");
            let stray = stdout
                .lines()
                .find_map(|line| line.strip_prefix("stray "))
                .unwrap();
            let started = Instant::now();
            while is_alive(stray) {
                assert!(started.elapsed() < SOON, "process {stray} is still there");
                std::thread::yield_now();
            }
        }
        Err(unavailable) => drop(skip(&unavailable)),
    }
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    match netns::run(Command::new("/no/such/program"), SOON) {
        Err(error @ Unavailable::Program { .. }) => {
            assert_eq!(
                error.to_string(),
                "/no/such/program: cannot start it: No such file or directory (os error 2)"
            );
        }
        Err(unavailable) => drop(skip(&unavailable)),
        Ok(finished) => panic!("{finished}"),
    }
}

#[test]
fn a_process_with_threads_cannot_enter() {
    let error = std::thread::spawn(|| netns::enter().unwrap_err())
        .join()
        .unwrap();
    assert!(
        matches!(error, Unavailable::Threads { threads: 2.. }),
        "{error}"
    );
}
