//! The checks of chapter 11. Each runs the program and looks at its sockets from outside: as their peer,
//! and as somebody who wants the same address.
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};
use testkit::{Check, Need, Peer, Program, check};

/// A TCP socket of ours, with or without SO_REUSEADDR, bound to `addr`.
fn bound(addr: SocketAddr, reuse: bool) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(reuse)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

fn address(socket: &Socket) -> SocketAddr {
    let addr = socket.local_addr().ok().and_then(|addr| addr.as_socket());
    addr.expect("a bound socket has an address")
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What follows `word` in the next line of the program's output.
fn value(check: &Check, program: &Program, word: &str, why: &str) -> String {
    let expected = format!("\"{word} …\"");
    let line = program.read_line(&expected, why);
    match line
        .strip_prefix(word)
        .and_then(|rest| rest.strip_prefix(' '))
    {
        Some(value) => value.to_string(),
        None => check.fail(expected, line, why),
    }
}

/// The next block of five lines that `inspect` prints: family, type, fileno, local, peer.
fn description(check: &Check, program: &Program, why: &str) -> [String; 5] {
    ["family", "type", "fileno", "local", "peer"].map(|word| value(check, program, word, why))
}

fn number(check: &Check, text: &str, why: &str) -> u64 {
    match text.parse() {
        Ok(number) => number,
        Err(_) => check.fail("a number", text, why),
    }
}

mod step_1 {
    use super::*;

    const WHY: &str =
        "Each of the five lines is what the socket itself says: ask the one that you are given.";

    #[test]
    fn a_listening_socket_has_no_peer() {
        let check = check!();
        let server = check.start(["inspect", "listen"]);
        let why = "A listening socket stands for no connection: getpeername fails with `NotConnected`. That is an answer, `None`, and no failure of `describe`.";
        let [.., local, peer] = description(&check, &server, why);
        check.require(server.addr(), &local, local == server.addr().to_string(), "The listening socket's own address is the one that its clients connect to: getsockname.");
        check.require("none", &peer, peer == "none", why);
    }

    #[test]
    fn a_connection_has_two_names() {
        let check = check!();
        let server = check.start(["inspect", "listen"]);
        description(&check, &server, WHY);
        let peer = check.connect(&server);
        let [_, _, _, local, other] = description(&check, &server, WHY);
        let why = "`local` is our end (getsockname), `peer` is the other one (getpeername). Seen from the server, the client is the peer.";
        check.require(
            server.addr(),
            &local,
            local == server.addr().to_string(),
            why,
        );
        check.require(
            peer.local_addr(),
            &other,
            other == peer.local_addr().to_string(),
            why,
        );
        server
            .finish()
            .expect_success("Both sockets were described: that is all.");
    }

    #[test]
    fn a_client_has_an_address_too() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["inspect", "connect", &listener.addr().to_string()]);
        let peer = listener.accept(&client);
        let [family, kind, _, local, other] = description(&check, &client, WHY);
        let why = "Nobody has called bind for this socket. `connect` has chosen a port for it, and getsockname says which.";
        check.require(
            peer.peer_addr(),
            &local,
            local == peer.peer_addr().to_string(),
            why,
        );
        check.require(
            listener.addr(),
            &other,
            other == listener.addr().to_string(),
            "The other end is the address that it connected to.",
        );
        check.require(
            "AF_INET SOCK_STREAM",
            format!("{family} {kind}"),
            family == "AF_INET" && kind == "SOCK_STREAM",
            WHY,
        );
        client
            .finish()
            .expect_success("The socket was described: that is all.");
    }

    #[test]
    fn tells_family_and_type() {
        let check = check!();
        let udp = check.spawn(["inspect", "udp"]);
        let [family, kind, _, _, peer] = description(
            &check,
            &udp,
            "A UDP socket that was not connected is a socket like another: it has a family, a type, a number, an address, and no peer.",
        );
        check.require("AF_INET SOCK_DGRAM, peer none", format!("{family} {kind}, peer {peer}"), family == "AF_INET" && kind == "SOCK_DGRAM" && peer == "none", "The type of this socket is SOCK_DGRAM: `socket.r#type()` asks for it (the option SO_TYPE). Not every socket is a stream.");
        udp.finish().expect_success(WHY);
    }

    #[test]
    fn tells_ipv6_from_ipv4() {
        let check = check!();
        if !check.has(Need::Ipv6) {
            return;
        }
        let server = check.start(["inspect", "listen", "--listen", "[::1]:0"]);
        let why = "The family is a property of the socket: its addresses show it, `socket.local_addr()?.domain()`.";
        let [family, _, _, local, _] = description(&check, &server, why);
        check.require("AF_INET6", &family, family == "AF_INET6", why);
        check.require(
            server.addr(),
            &local,
            local == server.addr().to_string(),
            why,
        );
    }

    #[test]
    #[cfg_attr(not(unix), ignore = "needs Unix: elsewhere a socket is no descriptor")]
    fn the_number_is_the_lowest_that_was_free() {
        let check = check!();
        let mut numbers = Vec::new();
        for hold in ["0", "5"] {
            let server = check.start(["inspect", "listen", "--hold", hold]);
            let [_, _, listening, ..] = description(&check, &server, WHY);
            let _peer = check.connect(&server);
            let [_, _, connected, ..] = description(&check, &server, WHY);
            let why = "`fileno::of` gives a socket's number.";
            numbers.push((
                number(&check, &listening, why),
                number(&check, &connected, why),
            ));
        }
        let [(first, next), (later, after)] = numbers[..] else {
            unreachable!("two runs")
        };
        let why = "The kernel gives out the lowest number that is free. With five sockets open before, both numbers are larger by five, and the connected socket always has another one than the listening one. Ask the socket that you are given, with `fileno::of`.";
        check.require(
            format!("{} and {}, larger by 5 each", first + 5, next + 5),
            format!("{later} and {after}"),
            (later, after) == (first + 5, next + 5) && first != next,
            why,
        );
    }
}

mod step_2 {
    use super::*;
    use std::time::Duration;

    /// Sets an option that is off to one value after the other, and expects to find each.
    fn expect(check: &Check, option: &str, values: &[&str], why: &str) {
        let mut lines = vec!["before off".to_string()];
        for value in values {
            lines.extend([format!("asked {value}"), format!("after {value}")]);
        }
        let words = [&["set", option][..], values].concat();
        let done = check.run(words);
        done.expect_success(why).expect_stdout_lines(&lines, why);
    }

    /// Sets an option that is off to a value that it can have, and then to one that is refused.
    fn expect_refused(check: &Check, option: &str, value: &str, refused: &str, why: &str) {
        let lines = [
            "before off".to_string(),
            format!("asked {value}"),
            format!("after {value}"),
            format!("asked {refused}"),
            format!("still {value}"),
        ];
        check
            .run(["set", option, value, refused])
            .expect_exit(1, why)
            .expect_stdout_lines(&lines, why);
    }

    /// The value that an option has after it was set.
    fn after(check: &Check, option: &str, value: &str, why: &str) -> u64 {
        let done = check.run(["set", option, value]);
        done.expect_success(why);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let after = text.lines().find_map(|line| line.strip_prefix("after "));
        match after {
            Some(after) => number(check, after, why),
            None => check.fail("a line \"after …\"", text, why),
        }
    }

    #[test]
    fn switches_on_and_off() {
        let check = check!();
        let why = "An option that is on or off: set the very option that is named, to what was asked, off as well as on, and ask for the same one afterwards.";
        for option in [
            "SOL_SOCKET/SO_REUSEADDR",
            "SOL_SOCKET/SO_KEEPALIVE",
            "IPPROTO_TCP/TCP_NODELAY",
        ] {
            expect(&check, option, &["on", "off", "on"], why);
        }
    }

    #[test]
    fn sets_a_number() {
        let check = check!();
        let why = "IP_TTL is a number, of the level IPPROTO_IP: `set_ttl_v4` and `ttl_v4`.";
        let ttl = after(&check, "IPPROTO_IP/IP_TTL", "77", why);
        check.require("after 77", format!("after {ttl}"), ttl == 77, why);
    }

    #[test]
    fn returns_what_the_kernel_has_made_of_it() {
        let check = check!();
        let option = "SOL_SOCKET/SO_RCVBUF";
        let why = "To set an option is a request. `set` returns what `get` finds afterwards, and not what was asked for: Linux doubles the size of a buffer, because its own bookkeeping is counted in (socket(7)).";
        // What this system makes of it is seen on a socket of ours: each has its own least size.
        let ours = bound(loopback(), false).expect("a socket on 127.0.0.1");
        for asked in [20_000, 1] {
            let made = ours
                .set_recv_buffer_size(asked)
                .and_then(|()| ours.recv_buffer_size());
            let made = made.expect("a socket has a receive buffer") as u64;
            let size = after(&check, option, &asked.to_string(), why);
            check.require(
                format!("after {made}, as with a socket of ours"),
                format!("after {size}"),
                size == made,
                why,
            );
        }
        let why = "A time is a request, too: the kernel rounds it up to its own clock, and `get` finds what it has made of it.";
        let made = ours
            .set_read_timeout(Some(Duration::from_millis(1)))
            .and_then(|()| ours.read_timeout());
        let made = made.expect("a socket may have a timeout");
        let made = made.map_or(0, |time| time.as_millis()) as u64;
        let time = after(&check, "SOL_SOCKET/SO_RCVTIMEO", "1", why);
        check.require(
            format!("after {made}, as with a socket of ours"),
            format!("after {time}"),
            time == made,
            why,
        );
    }

    #[test]
    fn a_linger_time_is_in_whole_seconds() {
        let check = check!();
        let option = "SOL_SOCKET/SO_LINGER";
        let why = "SO_LINGER is off, or a number of seconds. To be off is a value as well: `set_linger(None)`.";
        expect(&check, option, &["3000", "off"], why);
        let why = "Half a second cannot be said: setsockopt takes whole seconds, and the rest would be cut off without a word. From 500 ms it would make 0, and 0 means that close sends a reset. Refuse it with `ErrorKind::InvalidInput` before anything is set.";
        for time in ["500", "1500"] {
            expect_refused(&check, option, "3000", time, why);
        }
    }

    #[test]
    fn a_linger_time_of_zero_is_a_reset() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn([
            "set",
            "SOL_SOCKET/SO_LINGER",
            "0",
            "--connect",
            &listener.addr().to_string(),
        ]);
        let mut peer = listener.accept(&client);
        client.close_input();
        let why = "A linger time of 0 is not \"off\": the close throws away what is unsent and sends RST. `Some(Duration::ZERO)` goes to `set_linger` as it is.";
        peer.expect_reset(why);
        client.finish().expect_success(why).expect_stdout_lines(
            &[
                "before off".to_string(),
                "asked 0".into(),
                "after 0".into(),
                format!("connected {}", listener.addr()),
            ],
            why,
        );
    }

    #[test]
    fn a_timeout_of_zero_is_none() {
        let check = check!();
        let option = "SOL_SOCKET/SO_RCVTIMEO";
        let why = "SO_RCVTIMEO is off, or a time: seconds and microseconds. The kernel may round it up to its own clock.";
        let time = after(&check, option, "1500", why);
        check.require(
            "after 1500, or a little more",
            format!("after {time}"),
            (1500..1600).contains(&time),
            why,
        );
        let why =
            "No timeout is a value as well, and not the absence of one: `set_read_timeout(None)`.";
        expect(&check, option, &["1000", "off"], why);
        expect_refused(
            &check,
            option,
            "1000",
            "0",
            "For the kernel, a timeout of zero is none: recv would wait for ever, and not at all is what was meant. Refuse it with `ErrorKind::InvalidInput`; \"for ever\" is `None`.",
        );
    }

    #[test]
    fn an_option_belongs_to_its_protocol() {
        let check = check!();
        let why = "A UDP socket knows no options of the level IPPROTO_TCP. The kernel says so, and you return its error.";
        check
            .run(["set", "IPPROTO_TCP/TCP_NODELAY", "on", "--udp"])
            .expect_exit(1, why)
            .expect_error(&[""], why);
        let keepalive = check.run(["set", "SOL_SOCKET/SO_KEEPALIVE", "on", "--udp"]);
        keepalive.expect_success("The level SOL_SOCKET is about sockets of all kinds.");
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: each system has its own limits"
    )]
    fn what_the_kernel_refuses_is_an_error() {
        let check = check!();
        let why = "setsockopt has failed: there is no TTL of 300 (it is one byte of the packet, chapter 1). The error of a `set_…` is returned, with `?`.";
        check
            .run(["set", "IPPROTO_IP/IP_TTL", "300"])
            .expect_exit(1, why)
            .expect_error(&[""], why);
    }
}

mod step_3 {
    use super::*;
    use std::io::ErrorKind;
    use std::time::Duration;

    /// Lets the program open a socket: its number and its address.
    fn open(check: &Check, program: &Program, why: &str) -> (String, SocketAddr) {
        program.type_in("open\n");
        let opened = value(check, program, "opened", why);
        let (number, addr) = opened.split_once(' ').unwrap_or_default();
        match addr.parse() {
            Ok(addr) => (number.to_string(), addr),
            Err(_) => check.fail("\"opened NUMBER ADDR\"", format!("opened {opened}"), why),
        }
    }

    fn close(program: &Program, number: &str, why: &str) {
        program.type_in(format!("close {number}\n"));
        program.expect_line(&format!("closed {number}"), why);
    }

    /// A client of a socket that the program has opened. Nobody accepts it: it waits in the queue.
    fn connect(check: &Check, addr: SocketAddr) -> TcpStream {
        match TcpStream::connect(addr) {
            Ok(client) => {
                check.note("connected", format!("to {addr}"), "and waits in its queue");
                client
            }
            Err(error) => check.fail(format!("to connect to {addr}"), error, "The socket listens for as long as it is in the table: keep it there. A socket that goes out of scope is closed."),
        }
    }

    /// The socket in whose queue this client waits was closed. Its kernel resets those that wait.
    fn expect_closed(check: &Check, mut client: TcpStream, why: &str) {
        client
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a socket may have a timeout");
        match client.read(&mut [0]) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                check.fail(
                    "the client in its queue is reset",
                    "nothing in 5 s: the socket is open",
                    why,
                )
            }
            _ => check.note("reset", "the client in its queue", ""),
        }
    }

    const OPEN: &str = "`open` makes a socket, binds it to 127.0.0.1 and port 0, lets it listen, keeps it in `sockets` under its number, and returns the number and the address.";
    const CLOSE: &str =
        "A number that is in the table is closed, and it is in the table no longer.";

    #[test]
    fn opens_and_closes() {
        let check = check!();
        let program = check.spawn(["descriptors"]);
        let (number, addr) = open(&check, &program, OPEN);
        check.require(
            "an address of 127.0.0.1",
            addr,
            addr.ip() == Ipv4Addr::LOCALHOST,
            OPEN,
        );
        let client = connect(&check, addr);
        close(&program, &number, CLOSE);
        expect_closed(
            &check,
            client,
            "`close` said that the socket is closed, and it still listens. It is closed when it is dropped: take it out of the table, and keep it nowhere else.",
        );
        program.type_in(format!("close {number}\n"));
        program.expect_line(
            &format!("no descriptor {number}"),
            "It was closed before: there is nothing in the table under this number.",
        );
        program.finish().expect_success("Its input has ended.");
    }

    #[test]
    #[cfg_attr(not(unix), ignore = "needs Unix: elsewhere a socket is no descriptor")]
    fn the_lowest_number_is_given_out_again() {
        let check = check!();
        let program = check.spawn(["descriptors"]);
        let [(a, _), (b, _), (c, _)] = [(); 3].map(|()| open(&check, &program, OPEN));
        close(&program, &b, CLOSE);
        close(&program, &a, CLOSE);
        let why = "Both numbers are free again, and the kernel gives out the lower one first, in whatever order they were closed. If a socket that was closed still has its number, it was not closed: something keeps it.";
        let (first, _) = open(&check, &program, why);
        check.require(
            format!("number {a}"),
            format!("number {first}"),
            first == a,
            why,
        );
        let (second, _) = open(&check, &program, why);
        check.require(
            format!("number {b}"),
            format!("number {second}"),
            second == b,
            why,
        );
        let (third, _) = open(&check, &program, why);
        check.require(
            "a number that is not taken",
            format!("number {third}"),
            ![a, b, c].contains(&third),
            why,
        );
    }

    #[test]
    #[cfg_attr(not(unix), ignore = "needs Unix: elsewhere a socket is no descriptor")]
    fn a_number_that_is_used_again_is_another_socket() {
        let check = check!();
        let program = check.spawn(["descriptors"]);
        let (number, _) = open(&check, &program, OPEN);
        close(&program, &number, CLOSE);
        let (again, addr) = open(&check, &program, OPEN);
        check.require(
            format!("number {number}"),
            format!("number {again}"),
            again == number,
            "The number was free again, and the lowest.",
        );
        let client = connect(&check, addr);
        close(
            &program,
            &again,
            "It was closed before, opened again, and is to be closed again: the number stands for the second socket now. Whoever remembers numbers that were closed believes that they are unique.",
        );
        expect_closed(
            &check,
            client,
            "The second socket under this number is still open: what was closed is an old entry under the same number.",
        );
    }

    #[test]
    fn what_is_known_about_a_number_ends_with_it() {
        let check = check!();
        let program = check.spawn(["descriptors"]);
        let (number, _) = open(&check, &program, OPEN);
        let (other, _) = open(&check, &program, OPEN);
        for (number, name) in [(&number, "ann"), (&other, "bob")] {
            program.type_in(format!("label {number} {name}\n"));
            program.expect_line(
                &format!("labelled {number}"),
                "`label` is given. It asks whether the number is in `sockets`.",
            );
        }
        close(&program, &number, CLOSE);
        program.type_in(format!("show {number}\n"));
        program.expect_line(&format!("no descriptor {number}"), CLOSE);
        let (again, _) = open(&check, &program, OPEN);
        program.type_in(format!("show {again}\n"));
        program.expect_line(&format!("{again} has no label"), "A new socket has got the number of one that was closed, and with it that one's label: as a server that knows its users by descriptor lets the next client be the last one. A descriptor is unique only while it is open. What is kept under it has to go when it is closed.");
        program.type_in(format!("show {other}\n"));
        program.expect_line(
            &format!("{other} is bob"),
            "The other socket was not touched, and keeps its label.",
        );
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: the limit of another process is set from outside"
    )]
    fn a_failed_open_costs_nothing() {
        let check = check!();
        let program = check.spawn(["descriptors"]);
        let (first, _) = open(&check, &program, OPEN);
        #[cfg(target_os = "linux")]
        program.limit_open_files(16);
        let why = "There are more sockets to be opened than there are descriptors. `Socket::new` fails with \"too many open files\" (EMFILE): return the error, and the program goes on.";
        let mut last = first;
        let mut failed = 0;
        for _ in 0..24 {
            program.type_in("open\n");
            let line = program.read_line("\"opened …\" or \"not opened: …\"", why);
            match line
                .strip_prefix("opened ")
                .and_then(|rest| rest.split_once(' '))
            {
                Some((number, _)) => last = number.to_string(),
                None if line.starts_with("not opened: ") => failed += 1,
                None => check.fail("\"opened …\" or \"not opened: …\"", line, why),
            }
        }
        check.require("some opens fail", format!("{failed} of 24 failed"), failed > 0, "It was allowed 16 open files. If none of 24 opens fails, the sockets do not stay open.");
        close(&program, &last, CLOSE);
        open(
            &check,
            &program,
            "One socket was closed, so there is a descriptor again, and the next `open` gets it.",
        );
    }
}

mod step_4 {
    use super::*;
    #[cfg(target_os = "linux")]
    use std::time::{Duration, Instant};

    /// Whether `addr` is in use for a socket without SO_REUSEADDR. An address that is in TIME-WAIT is,
    /// and stays so for a while; nobody else gets it meanwhile.
    #[cfg(target_os = "linux")]
    fn expect_in_use(check: &Check, addr: SocketAddr, why: &str) {
        match bound(addr, false) {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                check.note("found", format!("{addr} in use"), "in TIME-WAIT");
            }
            Err(error) => panic!("a socket cannot be bound to {addr}: {error}"),
            Ok(_) => check.fail(format!("{addr} in TIME-WAIT"), "nothing is there", why),
        }
    }

    /// Waits until the FIN of this end, `local`, was acknowledged. Whoever sends its own FIN before may
    /// have the two overtake each other, and the acknowledgment then meets an end that is in TIME-WAIT
    /// and answers it. That answer finds nobody any more, and is answered with a reset, which ends
    /// TIME-WAIT (RFC 1337).
    #[cfg(target_os = "linux")]
    fn until_acknowledged(local: SocketAddr, peer: SocketAddr) {
        const FIN_WAIT_1: &str = "04";
        let port = |addr: SocketAddr| format!(":{:04X}", addr.port());
        let waits = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            matches!(words[..], [_, here, there, FIN_WAIT_1, ..]
                if here.ends_with(&port(local)) && there.ends_with(&port(peer)))
        };
        let began = Instant::now();
        let table = || std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        while table().lines().any(waits) && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn the_server_closes_first() {
        let check = check!();
        let program = check.start(["leave", "--first", "server"]);
        let mut peer = check.connect(&program);
        peer.expect_end("`First::Server`: the server's FIN goes out first. The client has not closed, and waits for it.");
        #[cfg(target_os = "linux")]
        until_acknowledged(program.addr(), peer.local_addr());
        peer.close();
        program.finish().expect_success("Both ends have closed.");
        #[cfg(target_os = "linux")]
        expect_in_use(
            &check,
            program.addr(),
            "The server closed first, so the server's end is in TIME-WAIT. If it is not, the connection did not end in order, with a FIN from each end.",
        );
    }

    #[test]
    fn the_client_closes_first() {
        let check = check!();
        let program = check.start(["leave", "--first", "client"]);
        let mut peer = check.connect(&program);
        let why = "`First::Client`: nothing is to be sent, no FIN either, before the client has closed. Receive until the client's end, and only then close.";
        peer.send(b"hello").expect_nothing_yet(why);
        #[cfg(target_os = "linux")]
        let client = peer.local_addr();
        #[cfg(target_os = "linux")]
        program.while_stopped(|| {
            peer.close();
            until_acknowledged(client, program.addr());
        });
        #[cfg(not(target_os = "linux"))]
        peer.close();
        program
            .finish()
            .expect_success("The client has closed, and the server closes as well.");
        #[cfg(target_os = "linux")]
        expect_in_use(
            &check,
            client,
            "The client closed first, so the client's end is in TIME-WAIT. If it is not, the server has sent a reset: a close with bytes unread does that.",
        );
    }

    #[test]
    fn ends_with_a_fin_whatever_was_sent() {
        let check = check!();
        let program = check.start(["leave", "--first", "server"]);
        let mut peer = check.connect(&program);
        let why = "The client has sent something that the server does not want. A close with bytes unread is a reset (chapter 6), and a reset leaves no TIME-WAIT behind. Send the FIN with `shutdown(Shutdown::Write)`, receive until the client's end, and then close.";
        peer.send(vec![b'x'; 100_000]);
        peer.expect_end(why);
        #[cfg(target_os = "linux")]
        until_acknowledged(program.addr(), peer.local_addr());
        peer.send(b"and more");
        peer.close();
        program.finish().expect_success(why);
        #[cfg(target_os = "linux")]
        expect_in_use(&check, program.addr(), why);
    }

    #[test]
    fn a_reset_is_no_end_in_order() {
        let check = check!();
        let why = "The client has reset the connection: no FIN came from it. `part` is to end the connection in order, and could not. Return the error, whoever closes first; only a read of 0 bytes is the client's FIN.";
        for first in ["client", "server"] {
            let program = check.start(["leave", "--first", first]);
            let mut peer = check.connect(&program);
            if first == "client" {
                peer.expect_nothing_yet(why);
            } else {
                peer.expect_end("`First::Server`: the server's FIN goes out first.");
            }
            peer.reset();
            program
                .finish()
                .expect_exit(1, why)
                .expect_error(&[""], why);
        }
    }

    #[test]
    fn an_ipv6_address_is_an_address_too() {
        let check = check!();
        if !check.has(Need::Ipv6) {
            return;
        }
        let why = "A socket has a family from the beginning, and bind wants an address of that family: `Domain::for_address(addr)`.";
        check
            .run(["rebind", "[::1]:0"])
            .expect_success(why)
            .expect_stdout_lines(&["bound"], why);
    }

    /// A server of ours, with one client, that closed first and is gone: its address is in TIME-WAIT.
    #[cfg(target_os = "linux")]
    fn left_behind(check: &Check, reuse: bool) -> SocketAddr {
        let leave = || -> std::io::Result<SocketAddr> {
            let listening = bound(loopback(), reuse)?;
            listening.listen(1)?;
            let addr = address(&listening);
            let mut client = TcpStream::connect(addr)?;
            drop(listening.accept()?);
            client.read_to_end(&mut Vec::new())?;
            until_acknowledged(addr, client.local_addr()?);
            drop((client, listening));
            // A process that another check is just starting may still have them, until its exec.
            let began = Instant::now();
            while reuse && bound(addr, true).is_err() && began.elapsed() < Duration::from_secs(10) {
                std::thread::yield_now();
            }
            Ok(addr)
        };
        match leave() {
            Ok(addr) => {
                let had = if reuse { "with" } else { "without" };
                check.note(
                    "left",
                    format!("{addr} in TIME-WAIT"),
                    format!("a server of ours, {had} SO_REUSEADDR"),
                );
                addr
            }
            Err(error) => panic!("a server and a client on 127.0.0.1: {error}"),
        }
    }

    /// The program binds to an address that is in TIME-WAIT, and finds this.
    #[cfg(target_os = "linux")]
    fn rebind(check: &Check, old: bool, new: bool, found: &str, why: &str) {
        let addr = left_behind(check, old);
        check
            .run(["rebind", &addr.to_string(), "--reuse", on_off(new)])
            .expect_success(why)
            .expect_stdout_lines(&[found], why);
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: elsewhere the old socket's option does not count"
    )]
    fn the_option_on_one_of_the_two_is_not_enough() {
        #[cfg(target_os = "linux")]
        {
            let check = check!();
            rebind(
                &check,
                false,
                true,
                "in use",
                "The new socket has the option, and the old one had not: on Linux that is not enough. `can_bind` is false when bind says `AddrInUse`.",
            );
            rebind(
                &check,
                true,
                false,
                "in use",
                "The old socket had the option, and the new one is not to have it. std's `TcpListener::bind` sets it without being asked; `Reuse::Off` needs a socket of `socket2`.",
            );
            rebind(&check, false, false, "in use", "Neither has the option.");
        }
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: an address in TIME-WAIT that nobody else can get"
    )]
    fn the_option_on_both_is_enough() {
        #[cfg(target_os = "linux")]
        {
            let check = check!();
            rebind(
                &check,
                true,
                true,
                "bound",
                "Both sockets have the option. It has to be set *before* bind: bind is the call that looks at it.",
            );
        }
    }

    #[test]
    #[cfg_attr(
        not(unix),
        ignore = "needs Unix: elsewhere the option lets two servers listen"
    )]
    fn the_option_does_not_let_two_listen() {
        let check = check!();
        let ours = Socket::new(Domain::IPV4, Type::STREAM, None).and_then(|socket| {
            socket.set_reuse_address(true)?;
            // For whoever takes SO_REUSEPORT for the same thing.
            #[cfg(unix)]
            socket.set_reuse_port(true)?;
            socket.bind(&loopback().into())?;
            socket.listen(1)?;
            Ok(socket)
        });
        let ours = ours.expect("a socket on 127.0.0.1");
        let addr = address(&ours);
        check.note(
            "listening",
            format!("on {addr}"),
            "a server of ours, with SO_REUSEADDR",
        );
        let why = "Somebody listens on this address. SO_REUSEADDR is about what is left of earlier connections, and never about a socket that listens: that stays in use. (SO_REUSEPORT is another option, with another purpose.)";
        check
            .run(["rebind", &addr.to_string(), "--reuse", "on"])
            .expect_success(why)
            .expect_stdout_lines(&["in use"], why);
    }

    #[test]
    fn another_error_is_no_finding() {
        let check = check!();
        let why = "192.0.2.1 is no address of this machine (RFC 5737 keeps it for examples). bind says that it is not available, which is another thing than in use: return the error.";
        check
            .run(["rebind", "192.0.2.1:0", "--reuse", "on"])
            .expect_exit(1, why)
            .expect_error(&["192.0.2.1"], why);
    }

    /// Where the client closes first nobody keeps the server's address, and another program could get
    /// it in between. So this runs once more, in a network of its own.
    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: a network of its own, where nobody else takes a port"
    )]
    fn fills_the_whole_table() {
        #[cfg(target_os = "linux")]
        {
            let Some(check) = wire::own_network("step_4::fills_the_whole_table", || check!())
            else {
                return;
            };
            check.leave_alone();
            // An acknowledgment that is overtaken by the FIN after it makes the client's kernel reset
            // what it has just ended, and with it TIME-WAIT (RFC 1337). Not here.
            if let Err(error) = std::fs::write("/proc/sys/net/ipv4/tcp_rfc1337", "1") {
                check.note("not set", "net.ipv4.tcp_rfc1337", error);
            }
            let lines = [
                ("server", false, false, "in use"),
                ("server", false, true, "in use"),
                ("server", true, false, "in use"),
                ("server", true, true, "bound"),
                ("client", false, false, "bound"),
                ("client", false, true, "bound"),
                ("client", true, false, "bound"),
                ("client", true, true, "bound"),
            ];
            let lines = lines.map(|(first, old, new, found)| {
                format!(
                    "first {first}, old {}, new {}: {found}",
                    on_off(old),
                    on_off(new)
                )
            });
            let why = "Your `bind`, `part` and `can_bind`, put together by `experiment` in `main.rs`. TIME-WAIT is with the end that closed first. At the server's end it keeps the address, unless both sockets have the option; at the client's end it keeps nothing that a server needs.";
            // On a busy machine the last ACK may be late. Until then the server's end is in LAST-ACK,
            // and has the address, though the client closed first: once in some thousand tables. A
            // program that is wrong says the same each time.
            let mut said = check.run(["reuse"]);
            for _ in 0..2 {
                let text = String::from_utf8_lossy(&said.stdout);
                if text.lines().eq(lines.iter().map(String::as_str)) {
                    break;
                }
                said = check.run(["reuse"]);
            }
            said.expect_success(why).expect_stdout_lines(&lines, why);
        }
    }
}

mod step_5 {
    use super::*;

    /// Connects, and is greeted.
    fn visit(check: &Check, server: &Program, why: &str) {
        stay(check, server, why).close();
    }

    /// Connects, is greeted, and stays.
    fn stay<'p>(check: &'p Check, server: &'p Program, why: &str) -> Peer<'p> {
        let mut peer = check.connect_explaining(server, why);
        let greeting = format!("you are {}\n", peer.local_addr());
        peer.expect(greeting, why).expect_end(why);
        peer
    }

    const GREET: &str = "Each client gets `you are ADDR` with its own address, a newline, and then the end of the stream: the server closes first, with a FIN.";

    #[test]
    fn greets_each_client_and_closes() {
        let check = check!();
        let server = check.start(["serve"]);
        visit(&check, &server, GREET);
        visit(&check, &server, GREET);
        let come_and_go = || check.connect(&server).reset();
        // It is gone before the server can greet it.
        #[cfg(target_os = "linux")]
        server.while_stopped(come_and_go);
        #[cfg(not(target_os = "linux"))]
        come_and_go();
        visit(
            &check,
            &server,
            "A client has reset its connection before it was greeted. That is an error of one connection, and no reason to end the server; the next client gets its turn.",
        );
        #[cfg(target_os = "linux")]
        a_queue_is_as_long_as_it_was_told(&check);
    }

    /// A server that stands still accepts nobody, and so its queue is all the room that there is.
    #[cfg(target_os = "linux")]
    fn a_queue_is_as_long_as_it_was_told(check: &Check) {
        const MANY: usize = 30;
        let server = check.start(["serve", "--backlog", "3"]);
        let mut clients = Vec::new();
        server.while_stopped(|| {
            let patience = std::time::Duration::from_millis(300);
            let connect = || TcpStream::connect_timeout(&server.addr(), patience).ok();
            clients.extend(
                std::iter::repeat_with(connect)
                    .map_while(|it| it)
                    .take(MANY),
            );
        });
        check.require(
            "room for 4 clients that wait, or a few more",
            format!("room for {} and more", clients.len()),
            clients.len() < MANY,
            "The queue is longer than `--backlog 3` says: hand the number that `listen` is given to the socket's `listen`, as it is.",
        );
    }

    #[test]
    fn the_next_client_need_not_wait() {
        let check = check!();
        let server = check.start(["serve"]);
        let why = "A client was greeted, and has the end of the stream. It does not close, for as long as it likes. The server has nothing to wait for: with its close the descriptor is free, and the kernel does the rest. The next client gets its turn.";
        let _first = stay(&check, &server, GREET);
        visit(&check, &server, why);
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: the limit of another process is set from outside"
    )]
    fn accept_without_a_descriptor_ends_it() {
        let check = check!();
        let server = check.start(["serve"]);
        visit(&check, &server, GREET);
        #[cfg(target_os = "linux")]
        server.limit_open_files(3);
        let why = "There is no descriptor left for a connection: accept fails with EMFILE. That is no client's fault, and the next accept would fail as well. Return the error; a loop that goes on does nothing else any more.";
        // Linux takes the number before it waits, so the accept that waits already has one.
        let _client = check.connect(&server);
        server
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error(&[&server.addr().to_string()], why);
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: the limit of another process is set from outside"
    )]
    fn needs_no_more_descriptors_for_many_clients() {
        let check = check!();
        let server = check.start(["serve"]);
        #[cfg(target_os = "linux")]
        server.limit_open_files(16);
        let why = "A hundred clients come, one after the other, and the server may have 16 files open. That is plenty for a server that closes each connection before the next. One that keeps them, in a list or by `mem::forget` or `into_raw_fd`, runs out: accept fails with EMFILE.";
        // They stay: the server's descriptors are no affair of its clients.
        let mut clients = Vec::new();
        for _ in 0..100 {
            clients.push(stay(&check, &server, why));
        }
    }

    /// Ends the server, and waits until nobody listens there any more.
    #[cfg(target_os = "linux")]
    fn kill(check: &Check, server: Program) {
        let addr = server.addr();
        drop(server);
        let began = std::time::Instant::now();
        while TcpStream::connect(addr).is_ok() {
            assert!(
                began.elapsed().as_secs() < 10,
                "a program that was killed still listens"
            );
            std::thread::yield_now();
        }
        check.note("killed", "the server", format!("nobody listens on {addr}"));
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: an address in TIME-WAIT that nobody else can get"
    )]
    fn starts_again_on_the_same_port() {
        #[cfg(target_os = "linux")]
        {
            let check = check!();
            let mut server = check.start(["serve"]);
            let addr = server.addr().to_string();
            for _ in 0..3 {
                visit(&check, &server, GREET);
                kill(&check, server);
                check.note(
                    "in TIME-WAIT",
                    &addr,
                    "the server closed first, and so keeps it",
                );
                let why = "A connection of the run before is in TIME-WAIT. bind gives its address to a new socket only if both have SO_REUSEADDR on Linux, the new one and the old one. So the option is set in every run, the first one too, and before bind. To set it when bind has failed is too late.";
                server = check.start_explaining(["serve", "--listen", &addr], why);
            }
            visit(&check, &server, GREET);
        }
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: an address in TIME-WAIT that nobody else can get"
    )]
    fn starts_again_while_an_old_client_stays() {
        #[cfg(target_os = "linux")]
        {
            let check = check!();
            let server = check.start(["serve"]);
            let addr = server.addr().to_string();
            let client = TcpStream::connect(server.addr());
            let mut client = client.expect("the server listens");
            let mut greeting = [0; 3];
            if let Err(error) = client.read_exact(&mut greeting) {
                check.fail("\"you are …\"", error, GREET);
            }
            check.note("connected", "a client that is greeted and stays", "");
            kill(&check, server);
            let why = "A client of the run before has not closed: the connection's other end, the server's, is in FIN-WAIT-2 and keeps the address. SO_REUSEADDR on both the old and the new socket is the answer here as well.";
            check.start_explaining(["serve", "--listen", &addr], why);
        }
    }

    #[test]
    fn a_second_server_is_refused() {
        let check = check!();
        let server = check.start(["serve"]);
        visit(&check, &server, GREET);
        let addr = server.addr().to_string();
        let why = "A server listens on this address already. On Unix SO_REUSEADDR does not let a second one listen; SO_REUSEPORT would (Linux), and half of the clients would end up at the other one. On Windows it is SO_REUSEADDR that does, so there it stays off.";
        let second = check.spawn(["serve", "--listen", &addr]);
        second
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error(&[&addr], why);
        visit(
            &check,
            &server,
            "The first server has nothing to do with the second one's failure, and goes on.",
        );
    }
}

mod step_6 {
    #[cfg(target_os = "linux")]
    use super::*;

    /// Milliseconds. A connect on loopback that has room is done within the call.
    #[cfg(target_os = "linux")]
    const PATIENCE: &str = "300";

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: each system fills its queue differently"
    )]
    fn counts_the_connects_that_complete() {
        #[cfg(target_os = "linux")]
        {
            let check = check!();
            let why = "On Linux one connection more than the backlog says fits into the queue. The next client gets no answer: `connect` waits, and only your patience ends it. Nobody accepts.";
            for (backlog, count) in [("0", 1), ("3", 4), ("16", 17)] {
                check
                    .run(["backlog", backlog, "--patience", PATIENCE])
                    .expect_success(why)
                    .expect_stdout_lines(&[format!("backlog {backlog}: {count} connected")], why);
            }
            let why = "With `--at-most 5` it connects five times and no more: there would be room for others.";
            check
                .run(["backlog", "16", "--at-most", "5"])
                .expect_success(why)
                .expect_stdout_lines(&["backlog 16: 5 connected"], why);
        }
    }

    /// The largest backlog is a setting of the network, which cannot be changed for the machine. So this
    /// runs once more, in a network of its own.
    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: a network of its own, with a limit of its own"
    )]
    fn measures_and_does_not_compute() {
        #[cfg(target_os = "linux")]
        {
            let test = "step_6::measures_and_does_not_compute";
            let Some(check) = wire::own_network(test, || check!()) else {
                return;
            };
            if let Err(error) = std::fs::write("/proc/sys/net/core/somaxconn", "6") {
                return check.skip(
                    Need::Netns,
                    &format!("somaxconn cannot be set here: {error}"),
                );
            }
            check.note("set", "net.core.somaxconn to 6", "the largest backlog here");
            let why = "The program asks for a backlog of 100, and this network allows 6 (net.core.somaxconn): listen cuts it down and says nothing. So seven fit. Only who counts can know.";
            check
                .run(["backlog", "100", "--patience", PATIENCE])
                .expect_success(why)
                .expect_stdout_lines(&["backlog 100: 7 connected"], why);
        }
    }
}
