//! The checks of chapter 12. Each runs the program and is a beacon, a listener or an asker beside it.
//! Nothing here leaves the machine: the only broadcast address is 127.255.255.255.
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};
use testkit::{Check, Need, Program, check};
#[cfg(target_os = "linux")]
use wire::netns::{Host, Veth};

const ALL: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket of ours that may broadcast, and waits for a while when it receives. It shares the port that is
/// named, and has one for itself where none is.
///
/// Whoever asks for any port *and* shares it (`SO_REUSEADDR`) may be given one that another sharer already has.
fn socket(ip: Ipv4Addr, port: u16) -> std::io::Result<UdpSocket> {
    let addr = SocketAddr::from((ip, port));
    let ours = Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
    ours.set_read_timeout(Some(PATIENCE))?;
    ours.set_broadcast(true)?;
    if port != 0 {
        share(&ours)?;
    }
    ours.bind(&addr.into())?;
    Ok(ours.into())
}

fn share(ours: &Socket) -> std::io::Result<()> {
    ours.set_reuse_address(true)?;
    #[cfg(all(unix, not(target_os = "linux")))]
    ours.set_reuse_port(true)?;
    Ok(())
}

/// A port that no other check uses. What keeps them away is a socket with this port at 127.0.0.1, which hears
/// no broadcast: whoever asks for a port of its own gets another one.
struct Port(UdpSocket);

impl Port {
    fn find() -> Port {
        let port = mouth();
        // From now on it is shared with a program that shares it, whatever address that is bound to.
        share(&SockRef::from(&port)).expect("a socket may share its port");
        Port(port)
    }

    /// 127.255.255.255 with this port.
    fn all(&self) -> SocketAddr {
        (ALL, addr(&self.0).port()).into()
    }
}

/// A socket that hears what is broadcast on its port.
struct Ear {
    socket: UdpSocket,
    _port: Port,
}

impl std::ops::Deref for Ear {
    type Target = UdpSocket;

    fn deref(&self) -> &UdpSocket {
        &self.socket
    }
}

fn ear() -> Ear {
    let port = Port::find();
    let socket = socket(ALL, port.all().port());
    Ear {
        socket: socket.expect("a socket on 127.255.255.255: the probe had one"),
        _port: port,
    }
}

/// A socket that sends, and gets the answers: bound to 127.0.0.1.
fn mouth() -> UdpSocket {
    socket(Ipv4Addr::LOCALHOST, 0).expect("a UDP socket on 127.0.0.1")
}

fn addr(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("a bound socket has an address")
}

/// Two hosts with a cable between them, 10.0.0.1 and 10.0.0.2, whose network has this mask; says SKIPPED
/// where they cannot be had.
#[cfg(target_os = "linux")]
fn two_hosts(check: &Check, mask: Ipv4Addr) -> Option<Veth> {
    match Veth::with_mask(mask) {
        Ok(veth) => {
            if !carries(&veth.client, &veth.server) || !carries(&veth.server, &veth.client) {
                check.skip(Need::Netns, "the cable between two hosts carries nothing");
                return None;
            }
            let hosts = format!("{} and {}", veth.client.address, veth.server.address);
            check.note("connected", hosts, format!("two hosts, netmask {mask}"));
            Some(veth)
        }
        Err(error) => {
            check.skip(Need::Netns, &format!("no two hosts can be had: {error}"));
            None
        }
    }
}

/// Whether what one host broadcasts comes to the other: tried until it does. A new cable drops what is sent
/// until the kernel has noticed it, and says nothing.
#[cfg(target_os = "linux")]
fn carries(from: &Host, to: &Host) -> bool {
    let open = || socket(Ipv4Addr::UNSPECIFIED, 0).expect("a socket on 0.0.0.0");
    let (mouth, ear) = (on(from, open), on(to, open));
    ear.set_read_timeout(Some(Duration::from_millis(10)))
        .expect("a socket may have a timeout");
    let all = Ipv4Addr::from(u32::from(to.address) | !u32::from(to.mask));
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        // Refused while there is no way yet.
        let _ = mouth.send_to(b"probe", (all, addr(&ear).port()));
        if ear.recv(&mut [0; 8]).is_ok() {
            return true;
        }
    }
    false
}

/// Does something on one of the two hosts.
#[cfg(target_os = "linux")]
fn on<T: Send>(host: &Host, act: impl FnOnce() -> T + Send) -> T {
    match host.within(act) {
        Ok(done) => done,
        Err(error) => panic!("the host's network cannot be entered: {error}"),
    }
}

/// Sends one datagram.
fn send(check: &Check, from: &UdpSocket, bytes: &[u8], to: SocketAddr) {
    let shown = String::from_utf8_lossy(bytes);
    let shown: String = shown.chars().take(40).collect();
    match from.send_to(bytes, to) {
        Ok(n) if n > 40 => check.note(
            "sent",
            format!("{shown:?} …"),
            format!("{n} bytes, to {to}"),
        ),
        Ok(_) => check.note("sent", format!("{shown:?}"), format!("to {to}")),
        Err(error) => panic!("a datagram to {to} cannot be sent: {error}"),
    }
}

/// The next datagram on a socket of ours, which `program` is to bring about.
fn receive(
    check: &Check,
    program: Option<&Program>,
    socket: &UdpSocket,
    expected: &str,
    why: &str,
) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2048];
    let began = Instant::now();
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a socket may have a timeout");
    loop {
        // Looked at first: what an ended program sent has arrived.
        let ended = program.is_some_and(Program::has_ended);
        match socket.recv_from(&mut buffer) {
            Ok((n, from)) => {
                let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
                check.note("received", format!("{text:?}"), format!("from {from}"));
                return (buffer[..n].to_vec(), from);
            }
            Err(_) if !ended && began.elapsed() < PATIENCE => {}
            Err(_) => {
                if let Some(program) = program
                    && ended
                {
                    // Says how it ended, and what is not yet written.
                    program.read_line(expected, why);
                }
                check.fail(
                    expected,
                    format!("no datagram in {} s", PATIENCE.as_secs()),
                    why,
                )
            }
        }
    }
}

/// The query that `discover` has broadcast: its ID and its sender.
fn query(check: &Check, program: &Program, ear: &UdpSocket) -> (u32, SocketAddr) {
    let why = "`discover` sends one datagram, `Message::Query(id)`, to the address that it is given. To a broadcast address it may only send with SO_BROADCAST.";
    let (bytes, from) = receive(check, Some(program), ear, "\"wirelab query ID\"", why);
    let id = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.strip_prefix("wirelab query "))
        .and_then(|id| id.parse().ok());
    match id {
        Some(id) => (id, from),
        None => check.fail("\"wirelab query ID\"", String::from_utf8_lossy(&bytes), why),
    }
}

/// Lets the program hear an announcement, so that all that was sent before has been dealt with.
fn heard(
    check: &Check,
    program: &Program,
    from: &UdpSocket,
    to: SocketAddr,
    name: &str,
    why: &str,
) {
    send(
        check,
        from,
        format!("wirelab announce {name}").as_bytes(),
        to,
    );
    program.expect_line(&format!("announced {name} from {}", addr(from)), why);
}

mod step_1 {
    use super::*;

    fn expect(check: &Check, text: &str, lines: [&str; 4], why: &str) {
        let names = ["network", "broadcast", "first", "last"];
        let lines: Vec<String> = names
            .iter()
            .zip(lines)
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        check
            .run(["address", text])
            .expect_stdout_lines(&lines, why)
            .expect_success(why);
    }

    #[test]
    fn finds_the_broadcast_address() {
        let check = check!();
        let why = "The mask's ones are the network's bits and stay. Its zeros are the host's: all 0 is the network, all 1 is its broadcast address. Work with the 32 bits, not with the four numbers.";
        for (text, lines) in [
            (
                "192.168.5.17/24",
                [
                    "192.168.5.0",
                    "192.168.5.255",
                    "192.168.5.1",
                    "192.168.5.254",
                ],
            ),
            (
                "192.168.5.17/20",
                [
                    "192.168.0.0",
                    "192.168.15.255",
                    "192.168.0.1",
                    "192.168.15.254",
                ],
            ),
            (
                "127.0.0.1/8",
                [
                    "127.0.0.0",
                    "127.255.255.255",
                    "127.0.0.1",
                    "127.255.255.254",
                ],
            ),
            (
                "10.9.8.7/30",
                ["10.9.8.4", "10.9.8.7", "10.9.8.5", "10.9.8.6"],
            ),
        ] {
            expect(&check, text, lines, why);
        }
    }

    #[test]
    fn a_broadcast_address_need_not_end_in_255() {
        let check = check!();
        let why = "Only where the mask ends with eight zeros or more is the last number 255. This mask has fewer: its zeros end inside the last number.";
        expect(
            &check,
            "192.168.1.70/26",
            [
                "192.168.1.64",
                "192.168.1.127",
                "192.168.1.65",
                "192.168.1.126",
            ],
            why,
        );
        expect(
            &check,
            "172.16.5.255/255.255.254.0",
            ["172.16.4.0", "172.16.5.255", "172.16.4.1", "172.16.5.254"],
            why,
        );
        expect(
            &check,
            "172.16.4.255/23",
            ["172.16.4.0", "172.16.5.255", "172.16.4.1", "172.16.5.254"],
            "172.16.4.255 is an ordinary host here, in the middle of its network.",
        );
    }

    #[test]
    fn two_hosts_or_one_have_no_broadcast_address() {
        let check = check!();
        let why = "With 31 ones there are two addresses, and both are hosts; with 32 there is one. None is left to mean all of them (RFC 3021): `broadcast` returns None, and `hosts` all addresses.";
        expect(
            &check,
            "10.0.0.7/31",
            ["10.0.0.6", "none", "10.0.0.6", "10.0.0.7"],
            why,
        );
        expect(
            &check,
            "10.0.0.7/32",
            ["10.0.0.7", "none", "10.0.0.7", "10.0.0.7"],
            why,
        );
        expect(
            &check,
            "10.0.0.7/255.255.255.254",
            ["10.0.0.6", "none", "10.0.0.6", "10.0.0.7"],
            why,
        );
        expect(
            &check,
            "10.0.0.7/255.255.255.255",
            ["10.0.0.7", "none", "10.0.0.7", "10.0.0.7"],
            "All ones are a netmask too: no one follows a zero, because there is none.",
        );
    }

    #[test]
    fn a_mask_may_have_no_ones() {
        let check = check!();
        let why = "0 ones are 32 zeros: every bit is the host's. A shift by 32, the width of the number, is an overflow in Rust: see `checked_shl`.";
        let lines = ["0.0.0.0", "255.255.255.255", "0.0.0.1", "255.255.255.254"];
        expect(&check, "192.0.2.1/0", lines, why);
        expect(&check, "192.0.2.1/0.0.0.0", lines, why);
        check
            .run(["address", "10.0.0.1/33"])
            .expect_exit(
                1,
                "A netmask has at most 32 ones: `mask_of` returns None for more.",
            )
            .expect_error(
                &["33"],
                "The error names the number of bits: `parse` does so where `mask_of` returns None.",
            );
    }

    #[test]
    fn refuses_a_mask_with_holes() {
        let check = check!();
        for mask in [
            "255.0.255.0",
            "0.255.255.255",
            "255.255.253.0",
            "0.0.0.1",
            "255.254.128.0",
        ] {
            let why = "A netmask is ones, then zeros: it cuts the address in two. Where a one follows a zero, `is_mask` returns false. Look at all 32 bits in a row: 254 and 128 may each stand in a mask, and not one after the other.";
            check
                .run(["address", &format!("10.0.0.1/{mask}")])
                .expect_exit(1, why)
                .expect_error(&[mask], why);
        }
    }
}

mod step_2 {
    use super::*;

    #[test]
    fn announces_to_a_broadcast_address() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let ear = ear();
        let why = "A socket may send to a broadcast address only with SO_BROADCAST: without it sendto fails, with EACCES on Linux. `set_broadcast(true)` in `sender`, before the send.";
        check
            .run([
                "announce",
                "--to",
                &addr(&ear).to_string(),
                "--name",
                "kitchen",
            ])
            .expect_success(why);
        let (bytes, _) = receive(&check, None, &ear, "\"wirelab announce kitchen\"", why);
        check.require(
            "\"wirelab announce kitchen\"",
            String::from_utf8_lossy(&bytes),
            bytes == b"wirelab announce kitchen",
            "One datagram holds the text of `Message::Announce`, and nothing after it.",
        );
    }

    /// The address comes from the program's own `address`, and the network decides whether it is right:
    /// two hosts with a cable between them, once in a subnet of 64 addresses and once in one of 1024.
    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: two hosts in a network of their own"
    )]
    fn a_subnet_hears_what_is_sent_to_its_broadcast_address() {
        #[cfg(target_os = "linux")]
        {
            let name = "step_2::a_subnet_hears_what_is_sent_to_its_broadcast_address";
            let Some(check) = wire::own_network(name, || check!()) else {
                return;
            };
            for (bits, mask) in [(26, [255, 255, 255, 192]), (22, [255, 255, 252, 0])] {
                let Some(hosts) = two_hosts(&check, mask.into()) else {
                    return;
                };
                let ear = on(&hosts.server, || socket(Ipv4Addr::UNSPECIFIED, 0))
                    .expect("a socket on 0.0.0.0");
                let here = format!("{}/{bits}", hosts.client.address);
                let said = check.run(["address", &here]);
                said.expect_success("`address` says where to send: step 1.");
                let text = String::from_utf8_lossy(&said.stdout);
                let all = text
                    .lines()
                    .find_map(|line| line.strip_prefix("broadcast "));
                let all = all.unwrap_or("none");
                check.note(
                    "chose",
                    all,
                    format!("the program's broadcast address of {here}"),
                );
                let to = format!("{all}:{}", addr(&ear).port());
                let why = "The program's own `address` has named the broadcast address of this network, and `announce` has sent to it from one host; the other host is to hear it. An address outside the network cannot be reached, and one of an ordinary host wakes nobody else. Where does the mask cut the last numbers?";
                on(&hosts.client, || {
                    check.run(["announce", "--to", &to, "--name", "cable"])
                })
                .expect_success(why);
                let expected = "\"wirelab announce cable\"";
                let (bytes, from) = receive(&check, None, &ear, expected, why);
                check.require(
                    format!("{expected} from {}", hosts.client.address),
                    format!("{:?} from {}", String::from_utf8_lossy(&bytes), from.ip()),
                    bytes == b"wirelab announce cable" && from.ip() == hosts.client.address,
                    why,
                );
            }
        }
    }

    #[test]
    fn announces_to_one_address_and_once() {
        let check = check!();
        let ear = mouth();
        let why = "The address may be that of one host: the same send, the same datagram.";
        let to = addr(&ear).to_string();
        for name in ["one", "two"] {
            check
                .run(["announce", "--to", &to, "--name", name])
                .expect_success(why);
        }
        for name in ["one", "two"] {
            let expected = format!("wirelab announce {name}");
            let (bytes, _) = receive(&check, None, &ear, &expected, why);
            check.require(
                format!("{expected:?}"),
                String::from_utf8_lossy(&bytes),
                bytes == expected.as_bytes(),
                "Each run sends one datagram, to the address that `--to` names, as it is.",
            );
        }
    }

    #[test]
    fn says_when_it_cannot_announce() {
        let check = check!();
        let why = "Nobody can send to port 0: the kernel refuses, and nothing has been sent. `announce` returns the error of its send, so that whoever started the program is told.";
        check
            .run(["announce", "--to", "127.0.0.1:0", "--name", "kitchen"])
            .expect_exit(1, why)
            .expect_error(&["cannot send"], why);
    }
}

mod step_3 {
    use super::*;
    const HEARD: &str = "The datagram was sent to 127.255.255.255 and to the port that the program printed. A socket bound to that address, or to 0.0.0.0, gets it; one bound to 127.0.0.1 does not. Bind to the address that `receiver` is given.";

    #[test]
    fn hears_a_broadcast() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let port = Port::find();
        let program = check.start(["listen", "--listen", &port.all().to_string()]);
        let mouth = mouth();
        let to = port.all();
        heard(&check, &program, &mouth, to, "kitchen", HEARD);
        heard(
            &check,
            &program,
            &mouth,
            to,
            "cellar-2",
            "After one announcement comes the next: receive in a loop.",
        );
        heard(
            &check,
            &program,
            &super::mouth(),
            to,
            "kitchen",
            "Each announcement is reported: also one whose name has been heard before, and from whatever address it comes.",
        );
    }

    #[test]
    fn several_listeners_get_a_copy_each() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let ear = ear();
        let to = addr(&ear);
        let listen = ["listen", "--listen", &to.to_string()];
        check.note("bound", to, "a listener of the check's, with SO_REUSEADDR");
        let (first, second) = (check.start(listen), check.start(listen));
        let mouth = mouth();
        send(&check, &mouth, b"wirelab announce hall", to);
        let line = format!("announced hall from {}", addr(&mouth));
        let why = "Every socket that is bound to this address and port gets a copy of its own. They can only be bound together if each has set SO_REUSEADDR before its bind.";
        first.expect_line(&line, why);
        second.expect_line(&line, why);
        receive(&check, None, &ear, "the check's own copy", why);
    }

    #[test]
    fn bound_to_one_address_it_hears_no_broadcast() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let program = check.start(["listen", "--listen", "127.0.0.1:0"]);
        let port = program.addr().port();
        let mouth = mouth();
        send(
            &check,
            &mouth,
            b"wirelab announce everybody",
            (ALL, port).into(),
        );
        let why = "The program was told to bind to 127.0.0.1. Such a socket gets what is sent to 127.0.0.1 and no broadcast: the first announcement that it can print is the second that was sent. Bind to the address that is given, not to 0.0.0.0.";
        heard(
            &check,
            &program,
            &mouth,
            (Ipv4Addr::LOCALHOST, port).into(),
            "you",
            why,
        );
    }

    /// 0.0.0.0 is every address of the host. So this check runs once more, in a network that has
    /// nothing but a loopback interface.
    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: a network of its own, in which 0.0.0.0 is out of reach"
    )]
    fn bound_to_every_address_it_hears_both() {
        #[cfg(target_os = "linux")]
        {
            let name = "step_3::bound_to_every_address_it_hears_both";
            let Some(check) = wire::own_network(name, || check!()) else {
                return;
            };
            if !check.has(Need::Broadcast) {
                return;
            }
            let program = check.start(["listen", "--listen", "0.0.0.0:0"]);
            let port = program.addr().port();
            let mouth = mouth();
            let why = "0.0.0.0 is every address of this host, its broadcast addresses too.";
            heard(&check, &program, &mouth, (ALL, port).into(), "all", why);
            heard(
                &check,
                &program,
                &mouth,
                (Ipv4Addr::LOCALHOST, port).into(),
                "one",
                why,
            );
            // In 127.0.0.0/8 this is an ordinary address.
            heard(
                &check,
                &program,
                &mouth,
                ([127, 0, 0, 255], port).into(),
                "last-255",
                why,
            );
        }
    }

    #[test]
    fn ignores_what_is_no_announcement() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let port = Port::find();
        let program = check.start(["listen", "--listen", &port.all().to_string()]);
        let mouth = mouth();
        let to = port.all();
        let long = format!("wirelab announce a{}", " ".repeat(1000));
        let cut = format!("wirelab announce {}{}", "a".repeat(32), "b".repeat(400));
        for bytes in [
            &b""[..],
            b"hello",
            b"wirelab announce ",
            b"wirelab announce \xff\xfe",
            b"wirelab announce two words",
            b"wirelab answer 7 kitchen",
            long.as_bytes(),
            cut.as_bytes(),
        ] {
            send(&check, &mouth, bytes, to);
        }
        heard(
            &check,
            &program,
            &mouth,
            to,
            "kitchen",
            "Anybody can send anything to an open port. An empty datagram is no end, and one that is no `Announce` is no reason to stop: `Message::parse` returns None or another message, and the loop goes on.",
        );
    }
}

mod step_4 {
    use super::*;

    #[test]
    fn answers_a_query_to_the_asker_alone() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let ear = ear();
        let to = addr(&ear);
        let program = check.start(["listen", "--listen", &to.to_string(), "--name", "kitchen"]);
        let asker = mouth();
        send(&check, &asker, b"wirelab query 4711", to);
        let why = "The answer goes to the asker's address, which `recv_from` returns beside the bytes. It has the query's ID and the name of `--name`.";
        let (bytes, _) = receive(
            &check,
            Some(&program),
            &asker,
            "\"wirelab answer 4711 kitchen\"",
            why,
        );
        check.require(
            "\"wirelab answer 4711 kitchen\"",
            String::from_utf8_lossy(&bytes),
            bytes == b"wirelab answer 4711 kitchen",
            why,
        );
        heard(
            &check,
            &program,
            &asker,
            to,
            "later",
            "After an answer the program listens on, and with a name it still reports what it hears.",
        );
        // The program has heard what came last, so all that it sends for the query is sent.
        ear.set_nonblocking(true)
            .expect("a socket may be non-blocking");
        let mut buffer = [0; 2048];
        let mut answers = Vec::new();
        while let Ok(n) = ear.recv(&mut buffer) {
            if buffer[..n].starts_with(b"wirelab answer") {
                answers.push(String::from_utf8_lossy(&buffer[..n]).into_owned());
            }
        }
        check.require(
            format!("no answer on {to}"),
            answers.join(", "),
            answers.is_empty(),
            "The answer was sent to everybody. Who asked wants to know; all others would be disturbed, once for each listener.",
        );
    }

    #[test]
    fn answers_each_query() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let port = Port::find();
        let program = check.start([
            "listen",
            "--listen",
            &port.all().to_string(),
            "--name",
            "kitchen",
        ]);
        let to = port.all();
        let (one, two) = (mouth(), mouth());
        for (asker, id, why) in [
            (
                &one,
                7,
                "The answer goes to the asker, from the socket that listens.",
            ),
            (
                &two,
                7,
                "Another asker may have chosen the same ID, and wants an answer as well. A socket that was connected to the first asker hears nobody else.",
            ),
            (
                &one,
                7,
                "The first answer may have been lost, so the asker asks again. Each query is answered.",
            ),
            (&one, 0, "0 is an ID like any other."),
            (
                &two,
                u32::MAX,
                "The ID has 32 bits, and the answer repeats it.",
            ),
        ] {
            send(&check, asker, format!("wirelab query {id}").as_bytes(), to);
            let expected = format!("wirelab answer {id} kitchen");
            let shown = format!("{expected:?} from port {}", to.port());
            let (bytes, from) = receive(&check, Some(&program), asker, &shown, why);
            check.require(
                shown,
                format!(
                    "{:?} from port {}",
                    String::from_utf8_lossy(&bytes),
                    from.port()
                ),
                bytes == expected.as_bytes() && from.port() == to.port(),
                why,
            );
        }
        heard(
            &check,
            &program,
            &two,
            to,
            "kitchen",
            "An announcement with the listener's own name is one like any other.",
        );
    }

    #[test]
    fn ignores_what_is_no_query() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let port = Port::find();
        let program = check.start([
            "listen",
            "--listen",
            &port.all().to_string(),
            "--name",
            "kitchen",
        ]);
        let to = port.all();
        let asker = mouth();
        // Their first 64 bytes would be queries.
        let long = format!("wirelab query {:0>70}", 1);
        let longer = format!("wirelab query {:0>50}{}", 2, "x".repeat(400));
        for bytes in [
            "wirelab query",
            "wirelab query ",
            "wirelab query kitchen",
            "wirelab query 4294967296",
            "wirelab query 3 4",
            &long,
            &longer,
        ] {
            send(&check, &asker, bytes.as_bytes(), to);
        }
        send(&check, &asker, b"wirelab query 5", to);
        let answers = |expected: &str, why: &str| {
            let (bytes, _) = receive(
                &check,
                Some(&program),
                &asker,
                &format!("{expected:?}"),
                why,
            );
            check.require(
                format!("{expected:?}"),
                format!("{:?}", String::from_utf8_lossy(&bytes)),
                bytes == expected.as_bytes(),
                why,
            );
        };
        answers(
            "wirelab answer 5 kitchen",
            "What is no query gets no answer. A datagram of more than 64 bytes is none, even if its first 64 look like one: what does not fit into the buffer is thrown away. So give the buffer one byte more: a datagram that fills it was too long.",
        );
        let longest = format!("wirelab query {:0>50}", 7);
        send(&check, &asker, longest.as_bytes(), to);
        // Whoever answers this one alone has ignored the one before.
        send(&check, &asker, b"wirelab query 8", to);
        let why = "A datagram of exactly 64 bytes is not too long: `MAX` is the most that one may have. The buffer has room for one byte more, and only a datagram that fills that one too is too long. `Message::parse` looks at the length itself.";
        answers("wirelab answer 7 kitchen", why);
        answers("wirelab answer 8 kitchen", why);
    }

    /// Nothing can be sent to port 0, and a datagram that claims to come from there can be made with a raw
    /// socket. That takes a privilege, which the check has in a network of its own.
    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: a raw socket in a network of its own"
    )]
    fn an_answer_that_cannot_be_sent_ends_nothing() {
        #[cfg(target_os = "linux")]
        {
            let name = "step_4::an_answer_that_cannot_be_sent_ends_nothing";
            let Some(check) = wire::own_network(name, || check!()) else {
                return;
            };
            let raw = match Socket::new(Domain::IPV4, Type::RAW, Some(socket2::Protocol::UDP)) {
                Ok(raw) => raw,
                Err(error) => {
                    check.skip(Need::Netns, &format!("no raw socket can be had: {error}"));
                    return;
                }
            };
            let program = check.start(["listen", "--listen", "127.0.0.1:0", "--name", "kitchen"]);
            let to = program.addr();
            let query = b"wirelab query 1";
            // Source port 0, destination port, length, no checksum (RFC 768); the kernel adds the IP header.
            let mut packet = vec![0, 0];
            packet.extend(to.port().to_be_bytes());
            packet.extend((8 + query.len() as u16).to_be_bytes());
            packet.extend([0, 0]);
            packet.extend(query);
            raw.send_to(&packet, &to.into())
                .expect("a raw socket may send on loopback");
            check.note(
                "sent",
                "\"wirelab query 1\"",
                format!("to {to}, as if from port 0"),
            );
            heard(
                &check,
                &program,
                &mouth(),
                to,
                "later",
                "Somebody has asked whom no answer can be sent to: the datagram claimed to come from port 0. The send fails, and that answer is lost, nothing more. Return the error, and anybody can end the listener with one datagram.",
            );
        }
    }

    #[test]
    fn without_a_name_it_does_not_answer() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let port = Port::find();
        let program = check.start(["listen", "--listen", &port.all().to_string()]);
        let to = port.all();
        let asker = mouth();
        send(&check, &asker, b"wirelab query 1", to);
        let why = "Without `--name` a listener has nothing to answer. It hears the query, does nothing, and listens on.";
        heard(&check, &program, &asker, to, "kitchen", why);
        asker
            .set_nonblocking(true)
            .expect("a socket may be non-blocking");
        let mut buffer = [0; 64];
        let got = asker.recv(&mut buffer);
        check.require(
            "no answer",
            format!("{got:?}"),
            matches!(&got, Err(error) if error.kind() == ErrorKind::WouldBlock),
            why,
        );
    }
}

mod step_5 {
    use super::*;

    /// Longer than any check: it ends with the answers that it wants.
    const WAIT: &str = "60";
    const ENOUGH: &str = "With `--want N`, `discover` returns as soon as N have answered, and does not wait for the rest of its time.";

    #[test]
    fn finds_those_that_answer() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let ear = ear();
        let to = addr(&ear).to_string();
        let program = check.spawn(["discover", "--to", &to, "--wait", WAIT, "--want", "2"]);
        let (id, asker) = query(&check, &program, &ear);
        let (one, two) = (mouth(), mouth());
        send(
            &check,
            &two,
            format!("wirelab answer {id} kitchen").as_bytes(),
            asker,
        );
        program.expect_rest("One answer has come, and another is wanted. Until it comes, a receive waits: a loop that asks again and again without a pause keeps a processor core busy.");
        send(
            &check,
            &one,
            format!("wirelab answer {id} cellar").as_bytes(),
            asker,
        );
        let why = "A query has as many answers as there are listeners. Receive on after the first, and collect what comes.";
        program.expect_ends(ENOUGH).expect_stdout_lines(
            &[
                format!("found cellar at {}", addr(&one)),
                format!("found kitchen at {}", addr(&two)),
            ],
            why,
        );
    }

    /// Asker and listeners on two hosts, in a subnet whose broadcast address is 10.0.0.63: one listener
    /// hears it, and one that is bound to its host's own address does not.
    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: two hosts in a network of their own"
    )]
    fn finds_a_listener_on_another_host() {
        #[cfg(target_os = "linux")]
        {
            let name = "step_5::finds_a_listener_on_another_host";
            let Some(check) = wire::own_network(name, || check!()) else {
                return;
            };
            let Some(hosts) = two_hosts(&check, [255, 255, 255, 192].into()) else {
                return;
            };
            let why = "The query went to the subnet's broadcast address, 10.0.0.63, over a cable to another host. There a listener on 0.0.0.0 hears it, and its answer comes from its host's own address. One that is bound to 10.0.0.2 gets what is sent to 10.0.0.2, and no broadcast.";
            // A program ends with the thread that has started it: all of it happens on the server's.
            on(&hosts.server, || {
                let listen =
                    |at: String, name| check.start(["listen", "--listen", &at, "--name", name]);
                let deaf = listen(format!("{}:0", hosts.server.address), "deaf");
                let port = deaf.addr().port();
                let _hears = listen(format!("0.0.0.0:{port}"), "kitchen");
                let to = format!("10.0.0.63:{port}");
                let found = on(&hosts.client, || {
                    check.run(["discover", "--to", &to, "--wait", "60", "--want", "1"])
                });
                found
                    .expect_stdout_lines(&[format!("found kitchen at 10.0.0.2:{port}")], why)
                    .expect_success(why);
            });
        }
    }

    #[test]
    fn names_each_that_answers_once() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let ear = ear();
        let to = addr(&ear).to_string();
        let program = check.spawn(["discover", "--to", &to, "--wait", WAIT, "--want", "2"]);
        let (id, asker) = query(&check, &program, &ear);
        let one = mouth();
        for _ in 0..3 {
            send(
                &check,
                &one,
                format!("wirelab answer {id} hall").as_bytes(),
                asker,
            );
        }
        let other = mouth();
        send(
            &check,
            &other,
            format!("wirelab answer {id} cellar").as_bytes(),
            asker,
        );
        program
            .expect_ends(ENOUGH)
            .expect_stdout_lines(
                &[
                    format!("found cellar at {}", addr(&other)),
                    format!("found hall at {}", addr(&one)),
                ],
                "A datagram may come twice, and it is still one listener: the same name and the same address count once.",
            );
    }

    #[test]
    fn names_all_that_differ_in_name_or_address() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let ear = ear();
        let to = addr(&ear).to_string();
        let program = check.spawn(["discover", "--to", &to, "--wait", WAIT, "--want", "3"]);
        let (id, asker) = query(&check, &program, &ear);
        let (one, two) = (mouth(), mouth());
        for (from, name) in [(&two, "hall"), (&one, "hall"), (&one, "cellar")] {
            send(
                &check,
                from,
                format!("wirelab answer {id} {name}").as_bytes(),
                asker,
            );
        }
        let mut halls = [addr(&one), addr(&two)];
        halls.sort();
        program
            .expect_ends("Three have answered, if one is a name *and* an address. Two hosts may call themselves the same, and two listeners may share a port.")
            .expect_stdout_lines(
                &[
                    format!("found cellar at {}", addr(&one)),
                    format!("found hall at {}", halls[0]),
                    format!("found hall at {}", halls[1]),
                ],
                "One that answered is a name and an address together: the same name elsewhere is another one, and so is another name at the same address.",
            );
        #[cfg(target_os = "linux")]
        {
            let program = check.spawn(["discover", "--to", &to, "--wait", WAIT, "--want", "3"]);
            let (id, asker) = query(&check, &program, &ear);
            let three = three_hosts(&check);
            for from in &three {
                let answer = format!("wirelab answer {id} hall");
                send(&check, from, answer.as_bytes(), asker);
            }
            let [first, second, third] = [&three[0], &three[1], &three[2]].map(addr);
            program
                .expect_ends("Three hosts have answered, from the same port. An address is a host's address and a port, and both count.")
                .expect_stdout_lines(
                    &[
                        format!("found hall at {first}"),
                        format!("found hall at {second}"),
                        format!("found hall at {third}"),
                    ],
                    "Addresses are numbers, and 2 comes before 10. Compare the SocketAddr, not its text.",
                );
        }
    }

    /// Sockets at 127.0.0.1, 127.0.0.2 and 127.0.0.10, which have the same port.
    #[cfg(target_os = "linux")]
    fn three_hosts(check: &Check) -> [UdpSocket; 3] {
        for _ in 0..20 {
            let first = mouth();
            let at = |host| UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), addr(&first).port()));
            // Somebody else may have it.
            if let (Ok(second), Ok(third)) = (at(2), at(10)) {
                check.note(
                    "bound",
                    "127.0.0.1, 127.0.0.2 and 127.0.0.10",
                    format!("port {}", addr(&first).port()),
                );
                return [first, second, third];
            }
        }
        panic!("no port is free at three addresses of loopback")
    }

    #[test]
    fn says_when_it_cannot_ask() {
        let check = check!();
        let why = "Nobody can send to port 0, so nobody has been asked. To say that nobody was found would be wrong: `discover` returns the error of its send.";
        check
            .run(["discover", "--to", "127.0.0.1:0", "--wait", "1"])
            .expect_exit(1, why)
            .expect_error(&["cannot discover"], why);
    }

    #[test]
    fn ignores_answers_to_other_questions() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let ear = ear();
        let to = addr(&ear).to_string();
        let program = check.spawn(["discover", "--to", &to, "--wait", WAIT, "--want", "1"]);
        let (id, asker) = query(&check, &program, &ear);
        let stranger = mouth();
        for text in [
            format!("wirelab answer {} stranger", id.wrapping_add(1)),
            format!("wirelab answer {id}"),
            format!("wirelab answer {id} two names"),
            format!("wirelab announce {id}"),
            String::new(),
            "x".repeat(1500),
            // Its first 64 bytes would be an answer.
            format!("wirelab answer {id:040} {}", "a".repeat(30)),
        ] {
            send(&check, &stranger, text.as_bytes(), asker);
        }
        let one = mouth();
        send(
            &check,
            &one,
            format!("wirelab answer {id} hall").as_bytes(),
            asker,
        );
        program
            .expect_ends(ENOUGH)
            .expect_stdout_lines(
                &[format!("found hall at {}", addr(&one))],
                "Anybody can send to this port. An answer counts if it is well formed, has at most 64 bytes and the ID of this very query; whatever else comes is ignored, and the receiving goes on.",
            );
    }

    #[test]
    fn asks_once_and_ends_though_nobody_answers() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let ear = ear();
        let to = addr(&ear).to_string();
        let began = Instant::now();
        let program = check.spawn(["discover", "--to", &to, "--wait", "0.6"]);
        let (id, _) = query(&check, &program, &ear);
        let why = "Nobody answers, and that is no error: when the time is over, the set is returned as it is, empty.";
        let finished = program.expect_ends(
            "`discover` ends when its time is over, also if nothing has come at all. A receive without a timeout waits for ever.",
        );
        let took = began.elapsed();
        finished
            .expect_success(why)
            .expect_stdout_lines::<&str>(&[], why);
        // A timer of the kernel may be some milliseconds early.
        check.require(
            "the end after 0.6 s",
            format!("the end after {:.2} s", took.as_secs_f64()),
            took >= Duration::from_millis(500),
            "An answer that comes within the time of `--wait` still counts: wait so long, and no other time.",
        );
        ear.set_nonblocking(true)
            .expect("a socket may be non-blocking");
        let mut buffer = [0; 2048];
        let mut more = Vec::new();
        while let Ok(n) = ear.recv(&mut buffer) {
            more.push(format!("{:?}", String::from_utf8_lossy(&buffer[..n])));
        }
        check.require(
            format!("one query, \"wirelab query {id}\""),
            format!("after it {}", more.join(", ")),
            more.is_empty(),
            "`discover` sends one query. A real program may ask again; this one leaves that to whoever runs it.",
        );
    }

    /// The stranger falls silent before the time is over. A program that then waits once more for the whole
    /// time is late by most of it, each time; a right one may be late on a busy machine, but not thrice.
    #[test]
    fn the_time_is_counted_from_the_call() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        check.allow(Duration::from_secs(20));
        let why = "A stranger sent for a while and then fell silent. `--wait` counts from the call of `discover`: each receive may wait for what is left of it, and not for the whole once more.";
        for (tries, wait) in [0.8, 1.6, 3.2].into_iter().enumerate() {
            let wait = Duration::from_secs_f64(wait);
            let ear = ear();
            let program = check.spawn([
                "discover",
                "--to",
                &addr(&ear).to_string(),
                "--wait",
                &wait.as_secs_f64().to_string(),
            ]);
            let (_, asker) = query(&check, &program, &ear);
            let began = Instant::now();
            let stranger = mouth();
            check.note("sending", "\"hello\"", format!("to {asker}, for a while"));
            while began.elapsed() < wait.mul_f64(0.8) {
                // The port may be closed by now.
                let _ = stranger.send_to(b"hello", asker);
                std::thread::sleep(Duration::from_millis(20));
            }
            program.expect_ends(why).expect_success(why);
            let took = began.elapsed();
            if took < wait.mul_f64(1.5) {
                return;
            }
            let late = format!("after {:.1} s", took.as_secs_f64());
            if tries == 2 {
                let expected = format!("the end after {:.1} s", wait.as_secs_f64());
                check.fail(
                    expected,
                    format!("the end {late}; too late for the third time"),
                    why,
                );
            }
            check.note("ended", late, "too late: tried again, with more time");
        }
    }

    #[test]
    fn the_time_is_for_all_answers_together() {
        let check = check!();
        if !check.has(Need::Broadcast) {
            return;
        }
        let ear = ear();
        let to = addr(&ear).to_string();
        let program = check.spawn(["discover", "--to", &to, "--wait", "0.5"]);
        let (_, asker) = query(&check, &program, &ear);
        let stranger = mouth();
        check.note(
            "sending",
            "\"hello\"",
            format!("to {asker}, again and again"),
        );
        let began = Instant::now();
        let stop = std::sync::atomic::AtomicBool::new(false);
        let ended = std::thread::scope(|scope| {
            scope.spawn(|| {
                while began.elapsed() < PATIENCE && !stop.load(std::sync::atomic::Ordering::Relaxed)
                {
                    // The port may be closed by now.
                    let _ = stranger.send_to(b"hello", asker);
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            program.expect_ends("`discover` ends when its time is over.");
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            began.elapsed()
        });
        check.require(
            "the end, while the stranger still sends",
            format!("the end after {:.1} s, when the stranger was silent", ended.as_secs_f64()),
            ended < PATIENCE,
            "A read timeout counts anew with each receive: somebody who sends now and then keeps the program for ever. Fix a deadline at the start, and give each receive what is left.",
        );
    }
}
