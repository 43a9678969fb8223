//! The checks of chapter 5. Each runs the program and talks to it as a peer would.
use testkit::{Buffers, check};

mod step_1 {
    use super::*;
    use std::io::ErrorKind;
    use std::net::{SocketAddr, TcpStream, UdpSocket};
    use std::time::Duration;

    #[test]
    fn finds_a_server_that_listens() {
        let check = check!();
        let listener = check.listen();
        let addr = listener.addr();
        let probe = check.spawn(["probe", &addr.to_string()]);
        probe.expect_line(
            &format!("open {addr}"),
            "A TCP socket listens there, and its kernel completes the handshake: connect succeeds. Nobody has to call accept for that, and the server says nothing first: there is nothing to receive.",
        );
        probe
            .expect_ends("The question was whether a connect succeeds. Return then, and wait for nothing else.")
            .expect_success("A finding is no failure.");
        listener
            .accept(&probe)
            .expect_end("Send nothing, and close the connection: drop it.");
    }

    #[test]
    fn is_refused_where_only_udp_listens() {
        let check = check!();
        // The number is UDP's and, while this runs, nobody else's: a TCP socket is bound to it as well
        // and does not listen.
        let (nobody, _udp) = loop {
            let nobody = check.refusing();
            if let Ok(udp) = UdpSocket::bind(nobody.addr()) {
                break (nobody, udp);
            }
        };
        let addr = nobody.addr();
        check.note("bound", format!("a UDP socket to {addr}"), "");
        let done = check.run(["probe", &addr.to_string()]);
        let why = "A UDP socket has this port, and it is no end for TCP: each of the two protocols has ports of its own. The kernel answers the SYN with RST, and connect fails with ConnectionRefused, which is a finding and not a failure.";
        done.expect_stdout_lines(&[&format!("refused {addr}")], why)
            .expect_success(why);
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: each system treats a full queue differently"
    )]
    fn gives_up_on_a_port_that_stays_silent() {
        let check = check!();
        // A queue of listen(0) that is full: the next SYN is dropped, and nothing comes back.
        let listening = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)
            .expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        listening.bind(&any.into()).expect("a port");
        listening.listen(0).expect("a listening socket");
        let addr = listening
            .local_addr()
            .ok()
            .and_then(|addr| addr.as_socket());
        let addr = addr.expect("an address");
        let mut queued = Vec::new();
        loop {
            match TcpStream::connect_timeout(&addr, Duration::from_millis(150)) {
                Ok(client) => queued.push(client),
                Err(error) if error.kind() == ErrorKind::TimedOut => break,
                Err(error) => panic!("the queue cannot be filled: {error}"),
            }
        }
        check.note(
            "filled",
            format!("the queue of {addr}"),
            "no further SYN is answered",
        );
        let probe = check.spawn(["probe", &addr.to_string(), "--patience", "50"]);
        let why = "The SYN is not answered, and a plain `connect` waits for one or two minutes. `TcpStream::connect_timeout` takes your patience as an argument and fails with TimedOut.";
        probe.expect_line(&format!("silent {addr}"), why);
        probe
            .expect_ends(why)
            .expect_success("A finding is no failure.");
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: each system has errors of its own for such an address"
    )]
    fn hands_on_an_error_that_is_no_finding() {
        let check = check!();
        // The broadcast address of loopback: TCP has no connection to many. The kernel says so itself,
        // and sends nothing.
        let addr = SocketAddr::from(([127, 255, 255, 255], 9));
        let done = check.run(["probe", &addr.to_string()]);
        let why = "No machine answered, and nobody waited: this kernel has no way to that address, and connect fails with NetworkUnreachable at once. That is neither \"refused\" nor \"silent\". Only the kinds ConnectionRefused and TimedOut are findings; hand every other error on.";
        done.expect_stdout(b"", why)
            .expect_exit(1, why)
            .expect_error(&["probe"], why);
    }
}

mod step_2 {
    use super::*;

    /// The answer is not there as a line: `usual`, unless all that is missing is its newline.
    fn explain(answer: &str, usual: &str) -> impl Fn(&[u8]) -> String {
        move |got| {
            match got == answer.as_bytes() {
            true => "The answer is printed, but not as a line: `read_line` takes the newline off, and who prints a line puts it back.".into(),
            false => usual.into(),
        }
        }
    }

    #[test]
    fn asks_first_where_nobody_greets() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["ask", &listener.addr().to_string(), " what is the time? "]);
        let mut server = listener.accept(&client);
        server.expect(b" what is the time? \n", |got: &[u8]| match got {
            [] => "Without `--greeted` it is the client who speaks first, and the server waits in recv for the question. A client that waits in recv as well waits for ever: both read first, and nobody is left to send.",
            b" what is the time? " => "The question is a line, and a line ends with its newline. The server waits in recv for the rest of it; a client that waits in recv for the answer by now waits for ever.",
            [b'w', ..] => "The question has blanks at both ends, and they are part of it: its text is sent as it is, with nothing trimmed off, and a newline behind it.",
            _ => "The question is sent as one line: its text, unchanged, and a newline.",
        });
        server.send(b" dix heures pass\xe9es \r\n");
        client.expect_output(b" dix heures pass\xe9es \r\n", |got: &[u8]| match got {
            [] => "The answer is one line, and is printed when its newline has come. It is bytes, whatever they are: a `String` cannot hold this one, because its `\\xe9` is not UTF-8.",
            b" dix heures pass\xe9es \r" => "The answer is printed, but not as a line: `read_line` takes the newline off, and who prints a line puts it back.",
            _ => "The answer is printed as it came, byte for byte. `\\xe9` is an é in an encoding other than UTF-8, and `String::from_utf8_lossy` puts another character there. The blanks and the `\\r` before the newline are part of the line: `trim` takes them off.",
        });
        client
            .expect_ends("One question, one answer: then the conversation is over for the client.")
            .expect_success("The question was answered.");
    }

    #[test]
    fn waits_for_the_greeting_of_a_server_that_speaks_first() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn([
            "ask",
            &listener.addr().to_string(),
            "what is the time?",
            "--greeted",
        ]);
        let mut server = listener.accept(&client);
        server.expect_nothing_yet(|got: &[u8]| match got {
            [] => "The client has left. With `--greeted` the server speaks first: receive its line.",
            _ => "With `--greeted` it is the server's turn first. A server of this kind may take what comes before its greeting for an attack, or throw it away, and then both sides wait.",
        });
        server.send_split(b"welcome to the clock\n", &[3, 20]);
        client.expect_line(
            "welcome to the clock",
            explain("welcome to the clock", "The greeting is a line, printed when its newline has come, and before the question is asked."),
        );
        server.expect(
            b"what is the time?\n",
            "The greeting has come, with its newline. Now it is the client's turn: a client that goes on receiving waits for a server that waits too.",
        );
        server.send_one_by_one(b"ten past nine\n");
        client.expect_line(
            "ten past nine",
            explain(
                "ten past nine",
                "The answer is one line, and is printed when its newline has come.",
            ),
        );
        client
            .expect_ends("One question, one answer: then the conversation is over for the client.")
            .expect_success("The question was answered.");
    }

    #[test]
    fn ends_after_the_answer_although_the_server_waits() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["ask", &listener.addr().to_string(), "one"]);
        let mut server = listener.accept(&client);
        server.expect(
            b"one\n",
            "Without `--greeted` the client speaks first: its question, and a newline.",
        );
        server.send(b"an answer\n");
        // The server keeps the connection open: there may be another question.
        client.expect_line(
            "an answer",
            explain("an answer", "The whole answer is there. The server keeps the connection open for another question: a `read_to_end`, a `read_to_string` or a loop until 0 waits for an end that the server will not send before the client has ended."),
        );
        client
            .expect_ends("The answer is here, and nothing more is wanted. The server waits in recv for another question: who waits for it to close waits for ever. Return, and the connection is dropped.")
            .expect_success("The question was answered.");
        server.expect_end("The client has its answer: it closes, and sends nothing more.");
    }

    #[test]
    fn says_when_there_is_no_answer() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["ask", &listener.addr().to_string(), "one"]);
        let mut server = listener.accept(&client);
        server.expect(
            b"one\n",
            "Without `--greeted` the client speaks first: its question, and a newline.",
        );
        server.send(b"an ans");
        server.close();
        let why = "The server ended its stream in the middle of its answer. `read_line` fails with UnexpectedEof; hand that on with `?`. Half an answer that is printed as a whole one is worse than none.";
        client
            .finish()
            .expect_exit(1, why)
            .expect_error(&["answer"], why)
            .expect_stdout(b"", why);
    }
}

mod step_3 {
    use super::*;
    use testkit::Check;

    #[test]
    fn prints_what_comes_back_while_its_input_is_open() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["pump", &listener.addr().to_string()]);
        let mut server = listener.accept(&client);
        server.send(b"I speak first: ");
        client.expect_output(
            b"I speak first: ",
            "The server has sent something, and nothing is on standard input yet. A thread that waits for the one does not see the other: receive in one thread, send in another. Print what each `read` brought, and flush: standard output keeps back what does not end in a newline.",
        );
        for word in ["one", " two\n", "three"] {
            client.type_in(word);
            server.expect(
                word,
                "What is on standard input is sent as it comes, before the end of it.",
            );
            server.send(word);
            client.expect_output(
                word,
                "What comes back is printed as it comes, while standard input is still open, and flushed.",
            );
        }
        #[cfg(target_os = "linux")]
        holds_little_of_what_is_to_be_printed(&check);
    }

    #[test]
    fn carries_more_than_both_ends_hold() {
        let check = check!();
        let listener = check.listen_with(Buffers::small());
        let addr = listener.addr().to_string();
        let client = check.spawn(["pump", &addr, "--buffers", "4096"]);
        let mut server = listener.accept(&client);
        let much = check.random(1_000_003);
        client.feed(&much);
        let echoed = server.echo_to_end(
            "The echo sends back what it received before it receives more. If the program receives nothing meanwhile, its receive buffer and the echo's send buffer are soon full, and the echo waits in send. Then the program's send buffer is full too, and it waits in send as well: for ever. Nobody may write everything and then read. Receive while you send, in a second thread.",
        );
        check.require(
            format!("{} bytes sent", much.len()),
            format!("{echoed} bytes"),
            echoed == much.len(),
            "All of standard input is sent before the half-close: `write_all` each piece, and go on until a read of standard input brings 0.",
        );
        client
            .expect_ends("Both streams have ended: so does the program.")
            .expect_success("Everything was sent, and everything came back.")
            .expect_stdout(
                &much,
                "What came back is printed unchanged, all of it: receive until a read brings 0, also after standard input has ended.",
            );
        holds_little_of_what_is_to_be_sent(&check);
    }

    /// More than any program that has a few buffers can hold of either stream.
    fn much(check: &Check) -> Vec<u8> {
        check.random(64 << 10).repeat(24 << 4)
    }

    /// Standard input has much, and the server reads nothing: the program waits, and keeps little.
    fn holds_little_of_what_is_to_be_sent(check: &Check) {
        let listener = check.listen_with(Buffers::small());
        let addr = listener.addr().to_string();
        let client = check.spawn(["pump", &addr, "--buffers", "4096"]);
        let _reads_nothing = listener.accept(&client);
        client.feed(much(check));
        let peak = client.peak_memory_at_rest();
        check.require(
            "at most 16 MiB of memory, while the server reads nothing and standard input has 24 MiB",
            peak.map_or("a system that does not tell".into(), |bytes| {
                format!("{} MiB, and growing", bytes >> 20)
            }),
            peak.is_none_or(|bytes| bytes <= 16 << 20),
            "The server takes nothing, and the program goes on reading standard input: it keeps all of it in memory. Read a piece, `write_all` it, and read the next one only then: where the send waits, the reading waits as well. A channel or a list between the two has no bound of its own.",
        );
    }

    /// Nobody takes what is printed: the program waits, and so does the server.
    #[cfg(target_os = "linux")]
    fn holds_little_of_what_is_to_be_printed(check: &Check) {
        // Small ones would have the two take turns at every few KiB: on a crowded machine too slow to be told from a refusal.
        let listener = check.listen_with(Buffers::of(128 << 10));
        let addr = listener.addr().to_string();
        let client = check.spawn(["pump", &addr, "--buffers", "131072"]);
        let mut server = listener.accept(&client);
        let much = much(check);
        let mut sent = 0;
        let send = || {
            if sent == 0 {
                sent = server.send_until_full(&much);
            }
        };
        client.while_unread(send, || ());
        check.require(
            "a program that takes no more, while nobody takes what it prints",
            format!("{sent} bytes taken"),
            sent < much.len(),
            "Nobody reads the program's standard output, and it goes on receiving: it keeps the whole answer in memory. Print each piece before the next one is received: where the print waits, the receiving waits as well, and then the server does. A channel or a list between the two has no bound of its own.",
        );
        server.close();
        client
            .expect_ends("The server has ended its stream: so does the program.")
            .expect_success("Standard output was read again, and everything could be printed.")
            .expect_stdout(
                &much[..sent],
                "What came is printed, all of it, also when somebody takes it late.",
            );
    }

    #[test]
    fn waits_for_an_answer_that_comes_late() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["pump", &listener.addr().to_string()]);
        let mut server = listener.accept(&client);
        let question: Vec<u8> = (0..20_000).map(|n: u32| (n % 251) as u8).collect();
        client.type_in(&question).close_input();
        server.expect(
            &question,
            "Not every server answers piece by piece: this one wants to hear all of it first. Who sends a piece and waits for its echo waits for a server that waits for the next piece.",
        );
        server.expect_end(
            "Standard input is at its end, and the server cannot know: it waits in recv for more. `shutdown(Shutdown::Write)` tells it, and leaves the way back open.",
        );
        server.send(b"and this is what I think of it");
        server.close();
        client
            .expect_ends("The server has ended its stream: so does the program.")
            .expect_success("Both ends said that they are done.")
            .expect_stdout(
                b"and this is what I think of it",
                "The answer came after the half-close. Only the end of the server's stream ends the receiving.",
            );
    }

    #[test]
    fn ends_when_the_server_does() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["pump", &listener.addr().to_string()]);
        let mut server = listener.accept(&client);
        server.send(b"closing time");
        server.close();
        client.expect_output(
            b"closing time",
            "The server has sent this and closed the connection, and standard input is still open. What came is to be printed: a program that sends all of its input before it receives anything waits for the end of input, and receives nothing meanwhile. Send in one thread, receive in another.",
        );
        client
            .expect_ends("The server has closed the connection, and standard input is still open. A thread that waits for input may wait for ever. Nothing wakes a thread from that: do not join it, and use no `thread::scope`, which joins it for you. Return from `pump`, and the program ends with all its threads.")
            .expect_success("The server ended its stream in order.");
    }

    #[test]
    fn says_when_the_connection_is_reset() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["pump", &listener.addr().to_string()]);
        let mut server = listener.accept(&client);
        server.send(b"so far");
        client.expect_output(b"so far", "What comes is printed as it comes, and flushed.");
        server.reset();
        let why = "The server reset the connection: `read` fails with ConnectionReset. That is not the end of the stream, after which the answer is complete. Hand the error on with `?`: a loop that ends at the first error as it does at 0 says that all is well.";
        client
            .expect_ends("The connection is gone, and standard input is still open: return the error, and do not wait for the thread that sends.")
            .expect_exit(1, why)
            .expect_error(&["talking"], why);
    }
}

mod step_4 {
    use super::*;

    /// What all of this step's failures come down to.
    const ONE_AT_A_TIME: &str = "This client is connected and has sent its bytes. A server that waits in a call for another client, who says nothing, does not come to read them: one thread can wait for one thing. Give each connection a thread of its own, and do not wait for its end (`join`) before the next `accept`.";

    const DONE: &str = "This client is done: when `echo` has returned, its connection is closed. A clone or a list that still holds the socket keeps it open.";

    #[test]
    fn serves_the_others_while_one_is_silent() {
        let check = check!();
        let server = check.start(["serve"]);
        let mut silent = check.connect(&server);
        let mut talker = check.connect(&server);
        talker.send(b"hello").expect(b"hello", ONE_AT_A_TIME);
        // Two more, one of them after a conversation of its own.
        talker.half_close().expect_end(DONE);
        let mut last = check.connect(&server);
        last.send(b"hello again")
            .expect(b"hello again", ONE_AT_A_TIME);
        silent.send(b"at last").expect(
            b"at last",
            "This client said nothing for a while, and now it does. It is to be served like the others: its thread has waited in recv all the time.",
        );
    }

    #[test]
    fn serves_clients_in_the_reverse_order_of_their_coming() {
        let check = check!();
        let server = check.start(["serve"]);
        let mut peers: Vec<_> = (0..100).map(|_| check.connect(&server)).collect();
        while let Some(mut peer) = peers.pop() {
            let number = peers.len() + 1;
            let why = format!(
                "100 clients are connected, and number {number} speaks before those that came earlier. {} A pool of few threads serves as many clients as it has threads, and lets the others wait.",
                ONE_AT_A_TIME
            );
            let text = format!("client {number}");
            peer.send(&text).expect(&text, why);
            peer.half_close().expect_end(DONE);
        }
    }

    #[test]
    fn serves_the_others_while_one_takes_no_answer() {
        let check = check!();
        let server = check.start(["serve", "--buffers", "4096"]);
        let mut stalled = check.connect_with(&server, Buffers::small());
        stalled.send_until_full(check.random(1_000_000));
        let mut talker = check.connect(&server);
        talker.send(b"hello").expect(
            b"hello",
            "Another client sends and takes no answer: its buffers are full, and the server's send to it waits. That may stop that one conversation, and no other. Not only recv waits: a server that looks for readable sockets and then calls a send that waits stands still as well.",
        );
    }

    #[test]
    fn serves_on_after_a_reset() {
        let check = check!();
        let server = check.start(["serve"]);
        let mut rude = check.connect(&server);
        rude.send(b"hello")
            .expect(b"hello", "The first client is accepted and answered.");
        rude.reset();
        let why = "A client reset its connection: its `echo` failed with ConnectionReset. That ends one conversation. Print the error and let the thread end: an `unwrap` makes a panic of it, and in this program a panic in any thread ends all.";
        server.expect_rest(why);
        let mut peer = check.connect_explaining(&server, why);
        peer.send(b"hello").expect(b"hello", why);
        // Each of those that follow has a descriptor of the server's for a moment only.
        #[cfg(target_os = "linux")]
        server.limit_open_files(64);
        for number in 1..=80 {
            let why = format!(
                "The server may have 64 open files, and this is client {number} of those that were answered and then reset their connection, one after the other. A conversation that ended with an error is over like any other: its connection is to be closed, or it keeps its descriptor for ever, and at last there is none for the next client.",
            );
            let mut rude = check.connect_explaining(&server, &*why);
            rude.send(b"hello").expect(b"hello", &*why);
            rude.reset();
        }
    }
}

/// A server that has room for a dozen clients, and two dozen of them.
mod shortage {
    use testkit::{Check, Peer, Program};

    /// Standard input, output and error, the listening socket, and room for a dozen.
    #[cfg(target_os = "linux")]
    const OPEN_FILES: u64 = 16;

    /// How many of the crowd are served in any case: a server may have two descriptors for a client.
    pub const SERVED: usize = 4;

    /// What a server that has ended should have survived.
    pub const ENDED: &str = "There are more clients than descriptors: `accept` fails with \"too many open files\" (EMFILE). That is no reason to end: the clients that are connected are served as before, and each that leaves makes room for another. `after_error` returns Ok for a shortage.";

    /// Lets `server` have a few descriptors only.
    pub fn limit(server: &Program) {
        #[cfg(target_os = "linux")]
        server.limit_open_files(OPEN_FILES);
        #[cfg(not(target_os = "linux"))]
        let _ = server;
    }

    /// How many clients come at a time, and how many at most.
    const ROUND: usize = 24;
    const MOST: usize = 5 * ROUND;

    /// Clients that have said hello, more than there are descriptors. The first of them have their
    /// answer, and the server has come to where it has no descriptor for the next.
    ///
    /// Linux takes the descriptor before accept waits for the client, so each thread that was in accept
    /// when the limit was set has one beyond it. A server with such threads in store serves more, and
    /// more clients come, until one is not answered. One that serves them all has met no shortage, and
    /// has done nothing wrong.
    pub fn crowd<'p>(check: &Check, server: &'p Program) -> Vec<Peer<'p>> {
        let mut crowd = Vec::new();
        loop {
            let next = crowd.len();
            crowd.extend((0..ROUND).map(|_| check.connect_explaining(server, ENDED)));
            for peer in &mut crowd[next..] {
                peer.send(b"hello");
            }
            if next == 0 {
                expect_answers(server, &mut crowd[..SERVED]);
            }
            let most = crowd.len() >= MOST;
            match crowd.last_mut() {
                Some(last) if last.is_answered() => {
                    if most {
                        return crowd;
                    }
                }
                Some(last) => {
                    last.expect_nothing_yet(ENDED);
                    return crowd;
                }
                None => return crowd,
            }
        }
    }

    fn expect_answers(server: &Program, first: &mut [Peer<'_>]) {
        for peer in first {
            peer.expect(b"hello", |got: &[u8]| match got {
                [] if server.has_ended() => ENDED.to_string(),
                _ => format!("There is room for a dozen clients, and this is one of the first {SERVED} that came: they are served at the same time. A server that waits for the end of one conversation before the next `accept` never meets the shortage that this step is about; one that keeps the connections of those that have left has no room for others."),
            });
        }
    }
}

mod step_5 {
    use super::*;

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: the limit of another process is set from outside"
    )]
    fn serves_again_when_descriptors_are_free() {
        let check = check!();
        let server = check.start(["serve"]);
        shortage::limit(&server);
        let mut first = check.connect(&server);
        first
            .send(b"first")
            .expect(b"first", "The first client is accepted and answered.");
        let mut crowd = shortage::crowd(&check, &server);
        first.send(b"still here").expect(
            b"still here",
            "There is no descriptor for another client. Those that are connected have theirs, and are to be served on: the thread that accepts must not take the others with it.",
        );
        drop(first);
        let waiting = crowd.split_off(12);
        for peer in crowd {
            peer.close();
        }
        for mut peer in waiting {
            peer.expect(b"hello", "Clients have left, and their descriptors are free. The ones that waited in the queue are next: go on calling `accept` after a shortage, and close each connection when its client is done.");
            peer.close();
        }
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: the limit of another process is set from outside"
    )]
    fn rests_while_there_is_no_descriptor() {
        let check = check!();
        let server = check.start(["serve"]);
        shortage::limit(&server);
        let why = "Without a descriptor `accept` fails at once, and so does the next one, and the next: nothing has changed. A loop that tries again at once uses a whole processor core until a client leaves; one that gives up ends the server. Wait some milliseconds before `after_error` returns Ok for a shortage.";
        let crowd = shortage::crowd(&check, &server);
        server.expect_rest(why);
        drop(crowd);
        let mut peer = check.connect(&server);
        peer.send(b"hello").expect(
            b"hello",
            "All the others have left, and there are descriptors again. Go on calling `accept` after a shortage; who waits waits for a moment and not for ever.",
        );
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: the limit of another process is set from outside"
    )]
    fn waits_no_longer_than_a_moment() {
        let check = check!();
        let server = check.start(["serve"]);
        shortage::limit(&server);
        let why = "A shortage came and went, several times, and this client came after it. Whatever `after_error` waits after a shortage, everybody in the queue waits too: a tenth of a second at most. What counts is that it tries again soon, not that it knows when.";
        // Each time the server waits once at least. Together that is too much for a long wait.
        for _ in 0..6 {
            drop(shortage::crowd(&check, &server));
            let mut next = check.connect_explaining(&server, why);
            next.send(b"and now?").expect(b"and now?", why);
            next.half_close().expect_end(
                "This client is done: when `echo` has returned, its connection is closed.",
            );
        }
    }
}

mod step_6 {
    use super::*;

    #[test]
    fn serves_no_more_than_its_limit() {
        let check = check!();
        let server = check.start(["serve", "--limit", "2"]);
        let mut one = check.connect(&server);
        one.send(b"one").expect(
            b"one",
            "Two clients may be served at a time. This is the first.",
        );
        let mut two = check.connect(&server);
        two.send(b"two").expect(
            b"two",
            "Two clients may be served at a time. This is the second.",
        );
        let mut three = check.connect(&server);
        three.send(b"three").expect_nothing_yet(|got: &[u8]| match got {
            [] => "Two clients are served, and a third has connected. It is to wait for a place, and not to be sent away.",
            _ => "Two clients are served, and a third gets an answer although there is no place for it. Take a place before a client is served, and wait while there is none.",
        });
        server.expect_rest("Both places are taken, and nobody says anything: the server has nothing to do. A loop that looks again and again whether a place is free uses a whole processor core, and takes it from the clients. A Condvar waits, and wakes when a place is given back.");
        one.send(b"more").expect(
            b"more",
            "The first client has its place. That a third one waits makes no difference to it.",
        );
        two.half_close()
            .expect_end("This client is done: when `echo` has returned, its connection is closed.");
        three.expect(
            b"three",
            "One of the two has left: its place is free, and the client that waits is to get it. The thread whose conversation is over has to say so: a Condvar wakes the one that waits.",
        );
    }

    #[test]
    fn a_place_is_free_again_after_a_reset() {
        let check = check!();
        let server = check.start(["serve", "--limit", "1"]);
        for number in 1..=3 {
            let mut rude = check.connect(&server);
            let text = format!("client {number}");
            rude.send(&text).expect(
                &text,
                match number {
                    1 => "There is one place, and nobody has it: this client is served.",
                    _ => "The client before this one had the only place, and reset its connection. A `?` or an early return in its thread skips whatever stands after it: give the place back on every way out. What a `Drop` does happens on all of them.",
                },
            );
            rude.reset();
        }
    }

    #[test]
    fn serves_its_limit_at_the_same_time() {
        let check = check!();
        let server = check.start(["serve", "--limit", "8"]);
        // More clients than places, over time: a place is counted as long as somebody has it.
        for _ in 0..3 {
            let mut peers: Vec<_> = (0..8).map(|_| check.connect(&server)).collect();
            for peer in peers.iter_mut().rev() {
                peer.send(b"hello").expect(
                    b"hello",
                    "There are eight places and eight clients: each of them is served, whoever speaks first. Those of earlier rounds have left, and do not count any more.",
                );
            }
            for peer in &mut peers {
                peer.half_close().expect_end(
                    "This client is done: when `echo` has returned, its connection is closed.",
                );
            }
        }
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: the limit of another process is set from outside"
    )]
    fn meets_a_shortage_below_its_limit() {
        let check = check!();
        let server = check.start(["serve", "--limit", "100"]);
        shortage::limit(&server);
        let why = "There are places enough, and no descriptors: `accept` fails with EMFILE here as it does in `serve`. Hand its errors to `after_error`, and give the place back that no client has got.";
        for _ in 0..2 {
            let crowd = shortage::crowd(&check, &server);
            server.expect_rest(why);
            drop(crowd);
        }
        let mut next = check.connect_explaining(&server, why);
        next.send(b"and now?").expect(b"and now?", why);
    }
}
