//! The checks of chapter 9. Each runs the program and sends it datagrams: too long, empty, twice, out of
//! order, too late, damaged, from strangers, or none at all.
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use testkit::{Check, Loss, Program, UdpPeer, Why, check};

mod step_1 {
    use super::*;

    /// The line for a datagram.
    fn line(bytes: &str, peer: &UdpPeer) -> String {
        format!("{} \"{bytes}\" from {}", bytes.len(), peer.addr())
    }

    #[test]
    fn prints_a_datagram_and_its_sender() {
        let check = check!();
        let program = check.start(["receive", "--count", "1"]);
        let peer = check.udp();
        peer.send_to("hello", program.addr());
        program.expect_line(
            &line("hello", &peer),
            |got: &[u8]| if got.is_empty() {
                "A datagram came, and nothing was printed. A datagram socket neither listens nor accepts: after `bind`, `recv_from` waits for whoever sends."
            } else {
                "`recv_from` returns how many bytes came and who sent them. Return these n bytes, and not all of the room that they were received into."
            },
        );
        program
            .expect_ends("With `--count 1`, `main` ends after one datagram.")
            .expect_success("The datagram was printed.");
        let Ok(peer) = UdpSocket::bind("[::1]:0") else {
            return check.note("not tried", "[::1]", "this machine has no IPv6");
        };
        let why = "A socket has a family from the beginning, and bind wants an address of that family: `Domain::for_address(addr)`.";
        let words = ["receive", "--listen", "[::1]:0", "--count", "1"];
        let program = check.start_explaining(words, why);
        check.note("sent", "\"hello\"", format!("to {}", program.addr()));
        if let Err(error) = peer.send_to(b"hello", program.addr()) {
            panic!("nothing can be sent to {}: {error}", program.addr());
        }
        let from = peer.local_addr().expect("it is bound");
        program.expect_line(&format!("5 \"hello\" from {from}"), why);
    }

    #[test]
    fn keeps_datagrams_apart() {
        let check = check!();
        let program = check.start(["receive"]);
        let (one, other) = (check.udp(), check.udp());
        one.send_to("one", program.addr());
        one.send_to("two", program.addr());
        other.send_to("three", program.addr());
        one.send_to("four", program.addr());
        let why = "Each send is one datagram, and each receive takes one out of the queue, whoever sent it. Receive once for each: a loop that goes on to fill the room joins what was separate.";
        for (word, peer) in [
            ("one", &one),
            ("two", &one),
            ("three", &other),
            ("four", &one),
        ] {
            program.expect_line(&line(word, peer), why);
        }
    }

    #[test]
    #[cfg_attr(
        windows,
        ignore = "needs a system that cuts without an error: Windows reports one"
    )]
    fn the_rest_of_a_longer_datagram_is_gone() {
        let check = check!();
        let program = check.start(["receive", "--size", "4"]);
        let peer = check.udp();
        let why = "The room is for 4 bytes, and the datagram had 10. recv_from brings the first 4 and throws the other 6 away: no later receive gets them. Say that it was cut, and take what comes next for what it is, the next datagram. (How to see it: offer one byte more than `size`.)";
        peer.send_to("0123456789", program.addr());
        program.expect_line(&format!("{}, the rest is gone", line("0123", &peer)), why);
        peer.send_to("ab", program.addr());
        program.expect_line(&line("ab", &peer), why);
        peer.send_to("vwxyz", program.addr());
        program.expect_line(&format!("{}, the rest is gone", line("vwxy", &peer)), why);
    }

    #[test]
    fn a_datagram_that_just_fits_is_whole() {
        let check = check!();
        let program = check.start(["receive", "--size", "4"]);
        let peer = check.udp();
        let why = "The datagram has exactly as many bytes as may be taken. Nothing of it is missing: a full room does not prove that something was cut.";
        for word in ["abcd", "abc", "efgh"] {
            peer.send_to(word, program.addr());
            program.expect_line(&line(word, &peer), why);
        }
    }

    #[test]
    fn an_empty_datagram_is_no_end() {
        let check = check!();
        let program = check.start(["receive"]);
        let peer = check.udp();
        let why = "A datagram of 0 bytes was sent, and it is one: `0 \"\"`, with its sender. Nothing has ended. A datagram socket has no connection that could end, so for it 0 bytes mean 0 bytes.";
        for word in ["", "a", "", ""] {
            peer.send_to(word, program.addr());
            program.expect_line(&line(word, &peer), why);
        }
    }

    #[test]
    #[cfg_attr(
        target_os = "macos",
        ignore = "needs datagrams of 65,507 bytes: macOS sends 9,216 at most"
    )]
    fn takes_the_longest_datagram() {
        let check = check!();
        let program = check.start(["receive"]);
        let peer = check.udp();
        let longest = "x".repeat(65_507);
        for word in [longest.as_str(), "short"] {
            peer.send_to(word, program.addr());
            program.expect_line(
                &line(word, &peer),
                "The longest datagram over IPv4 carries 65,507 bytes, and `size` is 65,535: make the room as large as `size` says. The next one is as long as itself, and not as the one before.",
            );
        }
    }
}

mod step_2 {
    use super::*;

    #[test]
    fn answers_every_sender() {
        let check = check!();
        let server = check.start(["serve"]);
        let peers = [check.udp(), check.udp(), check.udp()];
        let why = "One socket hears all clients. Each datagram comes with its sender's address, and the answer goes there: not to the first client for ever, and not to the last one.";
        for round in ["one", "two"] {
            for (n, peer) in peers.iter().enumerate() {
                peer.send_to(format!("{round} of {n}"), server.addr());
            }
            for (n, peer) in peers.iter().enumerate() {
                peer.expect(&server, format!("{round} of {n}"), why);
            }
        }
        peers[0]
            .send_to("only me", server.addr())
            .expect(&server, "only me", why);
        for peer in &peers {
            peer.expect_nothing_yet(
                &server,
                "Each datagram is answered once, and to its sender only.",
            );
        }
    }

    #[test]
    fn answers_from_the_port_that_was_asked() {
        let check = check!();
        let server = check.start(["serve"]);
        let peer = check.udp();
        let why = "The answer must come from the address that the client has asked: a client that looks at the sender, or has connected its socket, hears nothing else. Send it from the socket on which the question came.";
        for word in ["one", "two"] {
            peer.send_to(word, server.addr());
            let from = peer.expect(&server, word, why);
            check.require(server.addr(), from, from == server.addr(), why);
        }
    }

    #[test]
    fn sends_back_the_same_bytes() {
        let check = check!();
        let server = check.start(["serve"]);
        let peer = check.udp();
        let why = "The answer has the bytes that came, all of them and no others. They need not be text, and a short datagram after a long one is as long as itself: `&room[..n]`.";
        for size in [1400, 3, 1, 512, 16] {
            let bytes = check.random(size);
            peer.send_to(&bytes, server.addr());
            peer.expect(&server, &bytes, why);
        }
        peer.expect_nothing_yet(&server, "One datagram, one answer.");
    }

    #[test]
    fn answers_datagrams_one_by_one() {
        let check = check!();
        let server = check.start(["serve"]);
        let peer = check.udp();
        for word in ["one", "two", "three"] {
            peer.send_to(word, server.addr());
        }
        let why = "Three datagrams are three answers, each with the bytes of one of them. Answer each one when it is there; nothing tells that another one follows.";
        // In whatever order: UDP promises none, and nor must a server with threads.
        let mut answers = BTreeSet::new();
        for _ in 0..3 {
            let (bytes, _) = peer.receive(&server, "an answer to each of the three", why);
            answers.insert(bytes);
        }
        let shown: Vec<String> = answers
            .iter()
            .map(|bytes| testkit::Bytes(bytes).to_string())
            .collect();
        check.require(
            r#""one", "three", "two""#,
            shown.join(", "),
            answers.iter().eq([&b"one"[..], b"three", b"two"]),
            why,
        );
    }

    #[test]
    fn answers_an_empty_datagram_and_goes_on() {
        let check = check!();
        let server = check.start(["serve"]);
        let peer = check.udp();
        let why = "`recv_from` returned 0: an empty datagram, which gets an empty answer. Nobody has hung up, since nobody was connected. A server that ends here can be switched off by anybody.";
        for word in ["", "still there?", "", ""] {
            peer.send_to(word, server.addr());
            peer.expect(&server, word, why);
        }
    }

    #[test]
    #[cfg_attr(
        target_os = "macos",
        ignore = "needs datagrams of 65,507 bytes: macOS sends 9,216 at most"
    )]
    fn sends_back_the_longest_datagram() {
        let check = check!();
        let server = check.start(["serve"]);
        let peer = check.udp();
        let bytes = check.random(65_507);
        peer.send_to(&bytes, server.addr());
        peer.expect(
            &server,
            &bytes,
            "A datagram may carry up to 65,507 bytes over IPv4. What does not fit into your room is thrown away by `recv_from`, so the room must be that large.",
        );
    }

    #[test]
    #[cfg_attr(
        windows,
        ignore = "needs a port that can be held closed: not on Windows"
    )]
    fn a_client_that_is_gone_ends_nothing() {
        let check = check!();
        let server = check.start(["serve"]);
        let (gone, peer) = (check.udp_refusing(), check.udp());
        for round in ["one", "two"] {
            gone.send_to("and away", server.addr());
            peer.send_to(round, server.addr());
            peer.expect(
                &server,
                round,
                "A client has sent a datagram, and its port refuses the answer. That is one lost answer, and no reason to end, to stop listening to others, or to fail at the next client.",
            );
        }
    }
}

mod step_3 {
    use super::*;

    /// `probe` at `addr`, for no longer than `wait` milliseconds.
    fn probe(check: &Check, addr: SocketAddr, wait: &str) -> Program {
        check.spawn(["probe", &addr.to_string(), "--wait", wait])
    }

    /// Takes the probe, and gives the address that it came from.
    fn take(peer: &UdpPeer, program: &Program) -> SocketAddr {
        peer.expect(
            program,
            "anybody?",
            "A probe is one datagram with the bytes of WORD.",
        )
    }

    fn expect(program: &Program, finding: &str, why: impl Why) {
        program.expect_line(finding, why);
        program.finish().expect_success("Each finding is a result.");
    }

    #[test]
    fn finds_somebody_who_answers() {
        let check = check!();
        for answer in ["yes", "a longer answer than anybody needs"] {
            let peer = check.udp();
            let program = probe(&check, peer.addr(), "60000");
            peer.send_to(answer, take(&peer, &program));
            expect(
                &program,
                "answered",
                "A datagram has come back from that address, whatever is in it. Do not wait any longer.",
            );
        }
    }

    #[test]
    #[cfg_attr(
        windows,
        ignore = "needs a port that can be held closed: not on Windows"
    )]
    fn finds_a_closed_port() {
        let check = check!();
        let closed = check.udp_refusing();
        let program = probe(&check, closed.addr(), "5000");
        expect(
            &program,
            "refused",
            "No socket receives at that port, and the other kernel has said so: an ICMP message. The system tells it to a socket that is connected, as the error ConnectionRefused of a later call. The send that caused it had returned Ok.",
        );
    }

    #[test]
    fn silence_is_neither_yes_nor_no() {
        let check = check!();
        let peer = check.udp();
        let mut shortest = Duration::MAX;
        // A busy machine makes one of them long, and not all.
        for _ in 0..5 {
            let began = Instant::now();
            let program = probe(&check, peer.addr(), "60");
            take(&peer, &program);
            expect(&program, "silent", |got: &[u8]| match got {
                [b'a', ..] => {
                    "Nobody has answered. That `send` returned Ok says that the datagram is with the own kernel, and nothing of the other end."
                }
                _ => {
                    "A socket is there, it has the datagram, and it does not answer. After `wait` there is neither an answer nor a refusal, and no more is known. (A receive whose time is up fails: with WouldBlock on Unix, where the system's words are \"Resource temporarily unavailable\", and with TimedOut on Windows. For a probe that is a finding.)"
                }
            });
            shortest = shortest.min(began.elapsed());
            if shortest < Duration::from_millis(950) {
                return;
            }
        }
        check.fail(
            "\"silent\" after 60 ms",
            format!("after {} ms, the shortest of five", shortest.as_millis()),
            "Nobody has answered, and the finding is due when `wait` is over: all of `wait`, with its milliseconds, and nothing more.",
        );
    }

    #[test]
    fn an_empty_answer_is_an_answer() {
        let check = check!();
        let peer = check.udp();
        let program = probe(&check, peer.addr(), "5000");
        peer.send_to("", take(&peer, &program));
        expect(
            &program,
            "answered",
            "The answer is a datagram of 0 bytes: `recv` returns Ok(0). Somebody has sent it. It is neither an end nor an error, and not silence.",
        );
    }

    #[test]
    fn a_stranger_does_not_answer_for_another() {
        let check = check!();
        let (peer, stranger) = (check.udp(), check.udp());
        let program = probe(&check, peer.addr(), "1000");
        stranger.send_to("yes", take(&peer, &program));
        expect(
            &program,
            "silent",
            "The only datagram that came back was from another address. Whoever knows a port can send to it: connect the socket, and the kernel keeps others away, or compare the sender.",
        );
    }
}

mod step_4 {
    use super::*;

    /// `tally` of so many requests says this of these replies.
    fn expect(check: &Check, sent: &str, replies: &[(&str, &str)], statistics: &str, why: &str) {
        let input: String = replies
            .iter()
            .map(|(line, _)| format!("{line}\n"))
            .collect();
        let lines: Vec<String> = replies
            .iter()
            .map(|(line, what)| format!("{} {what}", line.trim_end_matches(" late")))
            .chain([statistics.to_string()])
            .collect();
        check
            .run_with_input(["tally", sent], input)
            .expect_stdout_lines(&lines, why)
            .expect_success(why);
    }

    #[test]
    fn counts_what_came_and_what_did_not() {
        let check = check!();
        expect(
            &check,
            "5",
            &[("1", "received"), ("2", "received"), ("4", "received")],
            "sent 5, received 3, lost 2, duplicates 0, out of order 0, late 0",
            "Replies 1, 2 and 4 came in time, and each came after those before it. A gap is no disorder: 3 is lost, and so is 5.",
        );
        expect(
            &check,
            "3",
            &[],
            "sent 3, received 0, lost 3, duplicates 0, out of order 0, late 0",
            "No reply at all: every request is lost.",
        );
    }

    #[test]
    fn a_duplicate_is_not_received_again() {
        let check = check!();
        expect(
            &check,
            "2",
            &[
                ("1", "received"),
                ("1", "duplicate"),
                ("1", "duplicate"),
                ("2", "received"),
                ("1", "duplicate"),
            ],
            "sent 2, received 2, lost 0, duplicates 3, out of order 0, late 0",
            "The second reply to a request is a duplicate, and so is the third. It is not counted as received: otherwise three replies to one request would hide that two others were lost. Nor is it out of order.",
        );
    }

    #[test]
    fn a_duplicate_hides_no_loss() {
        let check = check!();
        expect(
            &check,
            "3",
            &[
                ("3", "received"),
                ("3", "duplicate"),
                ("3", "duplicate"),
                ("3", "duplicate"),
            ],
            "sent 3, received 1, lost 2, duplicates 3, out of order 0, late 0",
            "Four datagrams came, and two requests have no reply. What is lost follows from the requests that had a reply in time, and not from the number of datagrams.",
        );
    }

    #[test]
    fn out_of_order_is_behind_a_later_one() {
        let check = check!();
        expect(
            &check,
            "6",
            &[
                ("3", "received"),
                ("1", "received, out of order"),
                ("2", "received, out of order"),
                ("4", "received"),
                ("6", "received"),
                ("5", "received, out of order"),
            ],
            "sent 6, received 6, lost 0, duplicates 0, out of order 3, late 0",
            "A reply is out of order when one with a greater number has come before it. Compare with the greatest number so far, and not with the last: 2 comes after 1, and still behind the 3.",
        );
        expect(
            &check,
            "7",
            &[("7", "received"), ("3", "received, out of order")],
            "sent 7, received 2, lost 5, duplicates 0, out of order 1, late 0",
            "3 came after 7, and so it is out of order, although it is greater than the number of replies. Compare with the greatest number so far, and not with how many have come.",
        );
    }

    #[test]
    fn a_late_reply_leaves_its_request_lost() {
        let check = check!();
        expect(
            &check,
            "4",
            &[
                ("2", "received"),
                ("1 late", "late"),
                ("1", "duplicate"),
                ("2 late", "duplicate"),
                ("4 late", "late"),
                ("3", "received"),
            ],
            "sent 4, received 2, lost 2, duplicates 2, out of order 0, late 2",
            "Who waited for it has given up: a late reply is counted as late, and its request stays lost. It is a reply all the same, so that another one is a duplicate. And as it was not received, nothing is out of order because of it.",
        );
    }

    #[test]
    fn nobody_can_answer_what_was_not_asked() {
        let check = check!();
        expect(
            &check,
            "2",
            &[
                ("0", "foreign"),
                ("3", "foreign"),
                ("4294967295", "foreign"),
                ("3 late", "foreign"),
                ("1", "received"),
                ("2", "received"),
            ],
            "sent 2, received 2, lost 0, duplicates 0, out of order 0, late 0",
            "Requests 1 and 2 were sent. A reply to another number is no reply: it is `Foreign`, and counted nowhere. Look at that first, or `received` becomes more than `sent`.",
        );
    }
}

/// Any wait that no check comes to the end of.
const LONG: &str = "60000";

/// The program as `ping`, and its responder.
struct Pinging {
    check: Check,
    program: Program,
    peer: UdpPeer,
    /// How many bytes a request has.
    size: u32,
}

/// A request that came.
struct Request {
    bytes: Vec<u8>,
    number: u32,
    from: SocketAddr,
}

fn number_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([0, 1, 2, 3].map(|n| bytes.get(at + n).copied().unwrap_or_default()))
}

/// Whether these bytes are a request of `size` bytes, with the filling that its number asks for.
fn is_whole(bytes: &[u8], size: u32) -> bool {
    let filling = (8..size).map(|place| (number_at(bytes, 4).wrapping_add(place) & 0xff) as u8);
    bytes.len() == size as usize && filling.eq(bytes[8..].iter().copied())
}

/// The next line of `ping` says this of the reply to `number`.
fn expect_reply(check: &Check, program: &Program, number: u32, what: &str, why: &str) {
    let line = program.read_line(&format!("{number} {what} after … ms"), why);
    let begins = format!("{number} {what} after ");
    let ended = "These are the statistics: `ping` has returned before it reported this reply. It receives until every request has had its reply, or `wait` after the last request is over, and that is not over yet.";
    let why = if line.starts_with("sent ") {
        format!("{ended} {why}")
    } else {
        why.to_string()
    };
    check.require(
        format!("{begins}… ms"),
        &line,
        line.starts_with(&begins) && line.ends_with(" ms"),
        why,
    );
}

impl Pinging {
    fn start(check: &Check, count: &str, interval: &str, wait: &str) -> Pinging {
        let words = ["--count", count, "--interval", interval, "--wait", wait];
        Pinging::start_with(check, &words, 32)
    }

    fn start_with(check: &Check, words: &[&str], size: u32) -> Pinging {
        let peer = check.udp();
        let addr = peer.addr().to_string();
        Pinging {
            check: check.clone(),
            program: check.spawn([&["ping", &addr], words].concat()),
            peer,
            size,
        }
    }

    /// The next request has this number.
    fn take(&self, number: u32, why: &str) -> Request {
        let (bytes, from) = self
            .peer
            .receive(&self.program, &format!("request {number}"), why);
        if !is_whole(&bytes, self.size) || number_at(&bytes, 4) != number {
            let size = self.size;
            let expected = format!("request {number}, of {size} bytes, as `request` makes it");
            self.check.fail(expected, testkit::Bytes(&bytes), why);
        }
        Request {
            bytes,
            number,
            from,
        }
    }

    /// Takes requests 1 to `last`, and answers none.
    fn take_all(&self, last: u32) -> Vec<Request> {
        let why = "Requests are numbered 1, 2, 3 … and made by `request`. Each is sent when the interval is over, whether or not there was a reply to the one before.";
        (1..=last).map(|number| self.take(number, why)).collect()
    }

    fn reply(&self, request: &Request) {
        self.peer.send_to(&request.bytes, request.from);
    }

    /// The next line says this of the reply to `number`.
    fn expect(&self, number: u32, what: &str, why: &str) {
        expect_reply(&self.check, &self.program, number, what, why);
    }

    /// The last line is this, and the program ends by itself.
    fn expect_statistics(&self, statistics: &str, why: &str) {
        self.program.expect_line(statistics, why);
        self.program.expect_ends(why).expect_success(why);
    }
}

mod step_5 {
    use super::*;

    #[test]
    fn sends_numbered_requests_and_counts_the_replies() {
        let check = check!();
        let it = Pinging::start(&check, "3", "5", LONG);
        let why = "Each request was answered with the same bytes, in order. A reply is reported as soon as it is there. When every request has its reply, there is nothing left to wait for, however long `wait` is.";
        let mut runs = BTreeSet::new();
        for number in 1..=3 {
            let request = it.take(
                number,
                "Requests are numbered 1, 2, 3 … and made by `request`, and each is due when the interval is over: a receive may wait until then, and no longer.",
            );
            it.reply(&request);
            it.expect(number, "received", why);
            runs.insert(number_at(&request.bytes, 0));
        }
        check.require(
            "one run",
            format!("{} runs", runs.len()),
            runs.len() == 1,
            "`plan.run` is the same for all requests of this run.",
        );
        it.expect_statistics(
            "sent 3, received 3, lost 0, duplicates 0, out of order 0, late 0",
            why,
        );
        let why = "`plan.size` says how many bytes a request has, and so its reply: make the request with it, and the room for replies larger than it.";
        // macOS sends 9,216 bytes at most.
        let large = if cfg!(target_os = "macos") {
            9_000
        } else {
            60_000
        };
        for size in [16, large] {
            let words = ["--count", "1", "--size", &size.to_string(), "--wait", LONG];
            let it = Pinging::start_with(&check, &words, size);
            it.reply(&it.take(1, why));
            it.expect(1, "received", why);
            it.expect_statistics(
                "sent 1, received 1, lost 0, duplicates 0, out of order 0, late 0",
                why,
            );
        }
    }

    #[test]
    fn ends_with_the_last_reply() {
        let check = check!();
        let it = Pinging::start(&check, "2", "1", LONG);
        let requests = it.take_all(2);
        it.reply(&requests[1]);
        it.reply(&requests[0]);
        let why = "Every request has its reply. There is nothing left to wait for, however long `wait` is.";
        for _ in 0..2 {
            it.program.read_line("a line for each reply", why);
        }
        it.expect_statistics(
            "sent 2, received 2, lost 0, duplicates 0, out of order 1, late 0",
            why,
        );
    }

    #[test]
    fn does_not_wait_for_a_reply_to_go_on() {
        let check = check!();
        let it = Pinging::start(&check, "4", "5", LONG);
        for number in 1..=4 {
            it.take(
                number,
                "Nothing has been answered yet, and the interval is over: the next request is due. A ping that waits for each reply first stops at the first one that is lost, and can see no disorder at all.",
            );
        }
    }

    #[test]
    fn a_reply_belongs_to_its_number() {
        let check = check!();
        let it = Pinging::start(&check, "3", "1", LONG);
        let requests = it.take_all(3);
        let why = "The replies came in the order 3, 1, 2. Which request a reply belongs to stands in it, and does not follow from what was sent last or from what is missing.";
        for (at, what) in [
            (2, "received"),
            (0, "received, out of order"),
            (1, "received, out of order"),
        ] {
            it.reply(&requests[at]);
            it.expect(requests[at].number, what, why);
        }
        it.expect_statistics(
            "sent 3, received 3, lost 0, duplicates 0, out of order 2, late 0",
            why,
        );
        a_number_has_four_bytes(&check);
    }

    /// A reply to a request beyond 255, and then one to the first.
    fn a_number_has_four_bytes(check: &Check) {
        let why = "The number of a request has four bytes, and after request 255 the last of them begins anew: look at all four, in the reply as in what you remember.";
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a UDP socket on loopback");
        let timeout = Some(Duration::from_millis(20));
        socket.set_read_timeout(timeout).expect("a timeout");
        let addr = socket.local_addr().expect("it is bound").to_string();
        let program = check.spawn([
            "ping",
            &addr,
            "--count",
            "100000",
            "--interval",
            "1",
            "--wait",
            LONG,
        ]);
        let began = Instant::now();
        let mut room = [0; 64];
        let mut first = Vec::new();
        // Whether some of them do not fit into the socket's buffer is no matter.
        let (last, from) = loop {
            if let Ok((n, from)) = socket.recv_from(&mut room) {
                let bytes = room[..n].to_vec();
                if number_at(&bytes, 4) > 256 {
                    break (bytes, from);
                }
                if first.is_empty() {
                    first = bytes;
                }
            }
            if began.elapsed() > Duration::from_secs(8) {
                let number = number_at(&room, 4);
                check.fail(
                    "257 requests, 1 ms apart",
                    format!("request {number} after 8 s"),
                    why,
                )
            }
        };
        let (one, other) = (number_at(&first, 4), number_at(&last, 4));
        check.note(
            "received",
            format!("requests {one} to {other}"),
            "and answers two",
        );
        for (bytes, number, what) in [
            (last, other, "received"),
            (first, one, "received, out of order"),
        ] {
            let _ = socket.send_to(&bytes, from);
            expect_reply(check, &program, number, what, why);
        }
    }

    #[test]
    fn a_reply_that_comes_twice_is_a_duplicate() {
        let check = check!();
        let it = Pinging::start(&check, "2", "1", LONG);
        let requests = it.take_all(2);
        let why = "A network may deliver a datagram twice. The second copy is a duplicate, and the reply to request 2 is still to come.";
        for what in ["received", "duplicate", "duplicate"] {
            it.reply(&requests[0]);
            it.expect(1, what, why);
        }
        it.reply(&requests[1]);
        it.expect(2, "received", why);
        it.expect_statistics(
            "sent 2, received 2, lost 0, duplicates 2, out of order 0, late 0",
            why,
        );
    }

    #[test]
    fn a_reply_after_its_time_is_late() {
        let check = check!();
        // Between request 1 and request 30 at least 580 ms pass at the program's end.
        let it = Pinging::start(&check, "100000", "20", "50");
        let requests = it.take_all(30);
        it.reply(&requests[0]);
        it.expect(
            1,
            "late",
            "The reply to request 1 came after more than 50 ms, long after the time of that request was over. When each request was sent has to be remembered: a clock for the newest one does not do.",
        );
    }

    #[test]
    fn a_late_reply_is_a_reply_too() {
        let check = check!();
        let it = Pinging::start(&check, "2", "1100", "1000");
        // When request 2 is there, the time of request 1 has been over for 100 ms.
        let requests = it.take_all(2);
        it.reply(&requests[0]);
        it.expect(
            1,
            "late",
            "The reply to request 1 came after more than 1000 ms.",
        );
        it.reply(&requests[1]);
        let why = "Request 1 has had a late reply, and request 2 has one: nothing is left to wait for. `ping` returns as soon as every request has had its reply, in time or late, and does not wait until the time of the last request is over.";
        it.program
            .read_line("a line for the reply to request 2", why);
        // Whoever goes on receives these, for nearly a second.
        let mut copies = 0_u32;
        while !it.program.has_ended() && copies < 200 {
            it.reply(&requests[1]);
            copies += 1;
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut duplicates = 0_u32;
        let last = loop {
            let line = it.program.read_line("the statistics", why);
            if !line.starts_with("2 duplicate after ") {
                break line;
            }
            duplicates += 1;
            // One who receives in another thread may take a few before all threads have ended.
            check.require(
                "the end, right after the last reply",
                format!("{duplicates} duplicates after it, sent 10 ms apart"),
                duplicates < 10,
                why,
            );
        };
        check.require(
            "\"sent 2, …\" with \"late 1\" (or 2, on a slow machine) at its end",
            &last,
            last.starts_with("sent 2, ")
                && (last.ends_with(", late 1") || last.ends_with(", late 2")),
            why,
        );
    }

    #[test]
    fn a_stranger_knows_the_right_answer() {
        let check = check!();
        let it = Pinging::start(&check, "2", "1", LONG);
        let stranger = check.udp();
        let requests = it.take_all(2);
        // The second one, so that it would show as the first.
        stranger.send_to(&requests[1].bytes, requests[1].from);
        let why = "A datagram with the right bytes came from another address, before the true reply. Whoever is not `plan.to` has no say: connect the socket, or compare the sender of each datagram.";
        for request in &requests {
            it.reply(request);
            it.expect(request.number, "received", why);
        }
        it.expect_statistics(
            "sent 2, received 2, lost 0, duplicates 0, out of order 0, late 0",
            why,
        );
    }

    #[test]
    fn an_empty_datagram_is_neither_reply_nor_end() {
        let check = check!();
        let it = Pinging::start(&check, "1", "1", LONG);
        let requests = it.take_all(1);
        for _ in 0..3 {
            it.peer.send_to(b"", requests[0].from);
        }
        it.reply(&requests[0]);
        let why = "Three datagrams of 0 bytes came from the responder, and then the reply. An empty datagram ends nothing, holds no number, and must not cause a panic. Pass over it.";
        it.expect(1, "received", why);
        it.expect_statistics(
            "sent 1, received 1, lost 0, duplicates 0, out of order 0, late 0",
            why,
        );
    }

    #[test]
    fn passes_over_what_is_no_reply() {
        let check = check!();
        let it = Pinging::start(&check, "2", "1", LONG);
        let requests = it.take_all(2);
        let (whole, from) = (&requests[0].bytes, requests[0].from);
        let changed = |at: usize, bit: u8| {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            bytes
        };
        let mut wrong = vec![
            // Another run, a damaged number, a damaged filling.
            changed(0, 1),
            changed(3, 1),
            changed(7, 2),
            changed(31, 0x80),
            [&whole[..], b"x"].concat(),
            vec![0; 32],
            vec![0xff; 32],
        ];
        wrong.extend([1, 4, 7, 8, 16, 31].map(|n| whole[..n].to_vec()));
        for bytes in &wrong {
            it.peer.send_to(bytes, from);
        }
        let why = "A reply is equal to its request, byte for byte: as long, of this run, with the number and its filling. What is shorter, longer (offer one byte more than a reply has, or it is cut to the right length), damaged or of another run is passed over.";
        for request in &requests {
            it.reply(request);
            it.expect(request.number, "received", why);
        }
        it.expect_statistics(
            "sent 2, received 2, lost 0, duplicates 0, out of order 0, late 0",
            why,
        );
    }

    #[test]
    fn a_reply_to_a_request_that_is_yet_to_come_is_none() {
        let check = check!();
        // The second request is sent when this check is long over.
        let it = Pinging::start(&check, "2", LONG, LONG);
        let first = it.take(1, "The first request is sent at once.");
        for number in [2, 0, 3, 200] {
            let header = [&first.bytes[..4], &u32::to_be_bytes(number)].concat();
            let filling = (8..32).map(|place| (place + number) as u8);
            let forged: Vec<u8> = header.into_iter().chain(filling).collect();
            it.peer.send_to(forged, first.from);
        }
        it.reply(&first);
        it.expect(
            1,
            "received",
            "The responder has answered requests that were not sent: number 2 yet, the others ever. That is no reply: look at the number before it is counted, and before it is looked up anywhere.",
        );
    }

    #[test]
    fn ends_in_time_whatever_keeps_coming() {
        let check = check!();
        // So long that no pause of ours between two datagrams is taken for silence.
        let it = Pinging::start(&check, "1", "1", "1000");
        let requests = it.take_all(1);
        let began = Instant::now();
        while !it.program.has_ended() && began.elapsed() < Duration::from_secs(8) {
            it.peer.send_to(&requests[0].bytes[..9], requests[0].from);
            std::thread::sleep(Duration::from_millis(2));
        }
        let why = "Datagrams keep coming that are no reply. The time of the last request is over all the same: it ends `wait` after that request was sent, and each receive may only have what is left of it.";
        check.require(
            "the end, a second after the request",
            format!("after {} ms", began.elapsed().as_millis()),
            it.program.has_ended(),
            why,
        );
        let done = it.program.expect_ends(why);
        done.expect_exit(1, "The datagrams that came were the first 9 bytes of a reply, and no reply: compare all of it with the request. So no reply came in time: exit code 1.")
            .expect_stdout(
                "sent 1, received 0, lost 1, duplicates 0, out of order 0, late 0\n",
                why,
            );
    }

    #[test]
    #[cfg_attr(
        windows,
        ignore = "needs a port that can be held closed: not on Windows"
    )]
    fn a_closed_port_loses_every_request() {
        let check = check!();
        let closed = check.udp_refusing();
        let addr = closed.addr().to_string();
        let done = check.run([
            "ping",
            &addr,
            "--count",
            "4",
            "--interval",
            "5",
            "--wait",
            "50",
        ]);
        let why = "Nobody receives there. A connected socket is told so, by an error of the next `recv` or `send`: a lost request, and no reason to stop, since somebody may be there for the next one. All four were sent, and all four are lost.";
        done.expect_stdout(
            "sent 4, received 0, lost 4, duplicates 0, out of order 0, late 0\n",
            why,
        );
        done.expect_exit(1, "No reply came in time: exit code 1.")
            .expect_error(&["no reply"], why);
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: a refusal from the network, at a moment of our choice"
    )]
    fn a_refusal_told_by_a_send_leaves_that_request_unsent() {
        #[cfg(target_os = "linux")]
        {
            let name = "step_5::a_refusal_told_by_a_send_leaves_that_request_unsent";
            let Some(check) = wire::own_network(name, || check!()) else {
                return;
            };
            check.allow(Duration::from_secs(20));
            // On a busy machine the time for request 2 may come before the refusal can: then it is sent, and nothing was
            // tried.
            let tries = [500, 2000, 4000].map(Duration::from_millis);
            let is_too_late = tries.iter().all(|interval| refused_send(&check, *interval));
            if is_too_late {
                check.note("given up", "this machine is too busy for it", "");
            }
        }
    }

    /// A refusal of request 1 waits in the program's socket when request 2 is due, which is `interval` after it. Whether
    /// request 2 had been sent before that could be.
    #[cfg(target_os = "linux")]
    fn refused_send(check: &Check, interval: Duration) -> bool {
        let it = Pinging::start(check, "2", &interval.as_millis().to_string(), "3000");
        let first = it.take(1, "The first request is sent at once.");
        let (SocketAddr::V4(program), SocketAddr::V4(peer)) = (first.from, it.peer.addr()) else {
            unreachable!("both are of 127.0.0.1")
        };
        let mut is_too_late = false;
        // It waits in `report` meanwhile, so that the next call on its socket is the send that is due by then.
        it.program.while_unread(
            || (0..8).for_each(|_| it.reply(&first)),
            || {
                is_too_late = it.peer.has_more();
                if is_too_late {
                    check.note("sent", "request 2, by now", "tried again, with more time");
                    return;
                }
                wire::refuse(program, peer).expect("ICMP may be sent in a network of our own");
                check.note("refused", "request 1", "by ICMP: \"port unreachable\"");
                std::thread::sleep(interval);
            },
        );
        if is_too_late {
            return true;
        }
        let second = it.take(2, "When the time for request 2 had come, a refusal of request 1 was waiting in the socket. A connected socket tells it with the next call: here that was the `send` of request 2, which returned ConnectionRefused and has sent nothing. So request 2 is still to be sent: send it again. Whoever only passes over the error counts a request that never went out.");
        it.reply(&second);
        it.program
            .expect_ends("Both requests have had a reply.")
            .expect_success("Both requests have had a reply.");
        false
    }

    #[test]
    fn counts_what_a_lossy_network_leaves() {
        let check = check!();
        check.allow(Duration::from_secs(10));
        let echo = Echo::start();
        let proxy = check.lossy_with(
            echo.addr,
            Loss::everything(0.15),
            Loss::none(),
            seed(&check),
        );
        let addr = proxy.addr().to_string();
        let done = check.run([
            "ping",
            &addr,
            "--count",
            "60",
            "--interval",
            "4",
            "--wait",
            "1500",
        ]);
        let why = "The network has dropped, doubled, delayed and damaged some of the requests. What reached the responder came back, and the statistics have to say exactly that.";
        done.expect_success(why);
        let text = String::from_utf8_lossy(&done.stdout);
        let last = text.lines().last().unwrap_or_default();
        let expected = echo.finish(60);
        // Where the machine was busy, a reply was late. It was counted there, then.
        let counts: Vec<u32> = last
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|word| word.parse().ok())
            .collect();
        let late = counts.last().copied().unwrap_or_default();
        let differs = match counts[..] {
            [sent, received, lost, duplicates, out_of_order, late] => [
                ("sent", sent == 60),
                ("received", received + late == expected.distinct),
                ("lost", sent.checked_sub(received) == Some(lost)),
                ("duplicates", duplicates == expected.duplicates),
                (
                    "out of order",
                    late > 0 || out_of_order == expected.out_of_order,
                ),
            ]
            .iter()
            .filter(|(_, met)| !met)
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", "),
            _ => "everything".to_string(),
        };
        let why = &format!("{why} Here differs: {differs}.");
        check.require(
            format!(
                "sent 60, received {}, lost {}, duplicates {}, out of order {}, late {late}",
                expected.distinct - late.min(expected.distinct),
                60 - expected.distinct + late.min(expected.distinct),
                expected.duplicates,
                expected.out_of_order,
            ),
            last,
            differs.is_empty(),
            why.as_str(),
        );
    }

    fn seed(check: &Check) -> u64 {
        check
            .random(8)
            .iter()
            .fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }
}

/// A responder of ours that writes down what it answers.
struct Echo {
    addr: SocketAddr,
    stop: Arc<AtomicBool>,
    answered: Arc<Mutex<Vec<Vec<u8>>>>,
    thread: Option<JoinHandle<()>>,
}

/// What its answers amount to.
struct Amount {
    distinct: u32,
    duplicates: u32,
    out_of_order: u32,
}

impl Echo {
    fn start() -> Echo {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a UDP socket on loopback");
        let timeout = Some(Duration::from_millis(20));
        socket.set_read_timeout(timeout).expect("a timeout");
        let addr = socket.local_addr().expect("it is bound");
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(Mutex::new(Vec::new()));
        let (stopped, list) = (Arc::clone(&stop), Arc::clone(&answered));
        let thread = std::thread::spawn(move || {
            let mut room = [0; 2048];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((n, from)) = socket.recv_from(&mut room) {
                    // Before it is sent: whoever has the answer finds it in the list.
                    list.lock().expect("nobody panics").push(room[..n].to_vec());
                    let _ = socket.send_to(&room[..n], from);
                }
            }
        });
        Echo {
            addr,
            stop,
            answered,
            thread: Some(thread),
        }
    }

    /// What it answered that is a reply to one of so many requests: to be asked when the program has
    /// ended.
    fn finish(&self, sent: u32) -> Amount {
        let answered = self.answered.lock().expect("nobody panics");
        let mut runs: BTreeMap<u32, u32> = BTreeMap::new();
        for bytes in answered.iter() {
            *runs.entry(number_at(bytes, 0)).or_default() += 1;
        }
        // A damaged run is another one, and rare.
        let run = runs.into_iter().max_by_key(|(_, times)| *times);
        let run = run.map_or(0, |(run, _)| run);
        let mut seen = BTreeSet::new();
        let mut amount = Amount {
            distinct: 0,
            duplicates: 0,
            out_of_order: 0,
        };
        for bytes in answered.iter() {
            if number_at(bytes, 0) != run || !is_whole(bytes, 32) {
                continue;
            }
            let number = number_at(bytes, 4);
            // Damage above the number's last byte leaves the filling right: nobody sent that one.
            if !(1..=sent).contains(&number) {
                continue;
            }
            let behind = seen.last().is_some_and(|greatest| number < *greatest);
            if seen.insert(number) {
                amount.distinct += 1;
                amount.out_of_order += u32::from(behind);
            } else {
                amount.duplicates += 1;
            }
        }
        amount
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
