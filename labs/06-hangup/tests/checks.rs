//! The checks of chapter 6. Each runs the program and is a peer that leaves, in one way or another.
use std::time::{Duration, Instant};

use testkit::{Peer, Program, check};

/// Lets `drive` make one call and expects the event it prints.
fn drive(program: &Program, command: &str, event: &str, why: &str) {
    program.type_in(format!("{command}\n"));
    program.expect_line(event, why);
}

const CONNECTED: &str = "connect succeeded: that is the first thing that happened.";
const GONE: &str = "`wait` is given: it waits until the kernel has given the connection up. The call before it decides whether that happens.";

const QUIET: &str = "Only the command `write` sends bytes, and only `half-close` ends the stream. A read closes nothing, whatever it comes to, and a timeout least of all: the connection is as good as before.";

mod step_1 {
    use super::*;

    #[test]
    fn says_that_it_is_connected() {
        let check = check!();
        let listener = check.listen();
        let addr = listener.addr().to_string();
        let why = "Somebody listens there: connect succeeds. Hand the socket to the caller with `Ok(socket)`.";
        check
            .run(["knock", &addr])
            .expect_stdout_lines(&["connected"], why)
            .expect_success(why);
        let why = "Somebody listens there: connect succeeds long before the timeout is over. With a timeout the call is `connect_timeout`.";
        check
            .run(["knock", &addr, "--timeout", "60"])
            .expect_stdout_lines(&["connected"], why)
            .expect_success(why);
    }

    #[test]
    fn says_refused_where_nobody_listens() {
        let check = check!();
        let nobody = check.refusing();
        let why = "The port is there and nobody listens: connect fails with ErrorKind::ConnectionRefused. That is `Event::Refused`, an answer, and no reason to end with an error.";
        check
            .run(["knock", &nobody.addr().to_string()])
            .expect_stdout_lines(&["refused"], why)
            .expect_success(why);
        // Elsewhere such an address may be refused as a peer is.
        if cfg!(target_os = "linux") {
            let why = "255.255.255.255 is the address of everybody, and there is no connection to everybody: connect fails, and nobody was asked. That is none of the events, so it is no news about a peer: `outcome` returns the error as it is.";
            check
                .run(["knock", "255.255.255.255:9"])
                .expect_exit(1, why)
                .expect_error(&["255.255.255.255:9"], why);
        }
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: each system fills its queue differently"
    )]
    fn says_timeout_where_nobody_answers() {
        let check = check!();
        let full = check.full();
        let why = "The queue is full: the SYN is dropped, and nothing comes back. `connect` waits for minutes, `connect_timeout` as long as it is told to. Its error is ErrorKind::TimedOut, and that is `Event::Timeout`.";
        check
            .spawn(["knock", &full.addr().to_string(), "--timeout", "0.3"])
            .expect_ends(why)
            .expect_stdout_lines(&["timeout"], why)
            .expect_success(why);
    }
}

mod step_2 {
    use super::*;

    const LAST: &str = "Each event is one line. `watch` reports what was received and returns the last event; its caller prints that one, so it is not reported as well.";
    const TIMEOUT: &str = "A read on a socket with `set_read_timeout` fails when the time is over, with ErrorKind::WouldBlock on Unix and ErrorKind::TimedOut on Windows. Both are `Event::Timeout`. `connect` in calls.rs sets it, after connecting.";

    #[test]
    fn reports_what_comes_and_the_end() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["watch", &listener.addr().to_string()]);
        program.expect_line("connected", CONNECTED);
        let mut peer = listener.accept(&program);
        for text in ["hello", "again!"] {
            peer.send(text);
            program.expect_line(
                &format!("received {} bytes", text.len()),
                "Report what one read brought at once, and how many bytes that were: `report(Event::Received(n))`. Reading until a buffer is full, or to the end, waits for what has not come.",
            );
        }
        peer.close();
        program.expect_line(
            "end",
            "The peer has closed, having read all that there was: read returns 0. That is the end of its stream, and not \"nothing yet\"; the next read would return 0 again at once, and a loop around it uses a whole processor core.",
        );
        program
            .expect_ends("After the end nothing can come: `watch` returns the event.")
            .expect_stdout_lines(
                &["connected", "received 5 bytes", "received 6 bytes", "end"],
                LAST,
            )
            .expect_success("The program could say what happened: that is a success.");
    }

    #[test]
    fn counts_every_byte() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["watch", &listener.addr().to_string()]);
        program.expect_line("connected", CONNECTED);
        let mut peer = listener.accept(&program);
        let bytes = check.random(100_003);
        peer.send(&bytes);
        peer.close();
        let why = "Each line names the bytes of one read: the n that it returned, neither the buffer's size nor a total. All of them together are all that was sent, and then comes the end.";
        let mut sum = 0;
        let last = loop {
            let line = program.read_line("\"received N bytes\", or \"end\"", why);
            let n = line
                .strip_prefix("received ")
                .and_then(|rest| rest.split(' ').next())
                .and_then(|n| n.parse::<usize>().ok());
            match n {
                Some(n) => sum += n,
                None => break line,
            }
        };
        check.require("\"end\"", &last, last == "end", why);
        check.require("100003 bytes in all", sum, sum == 100_003, why);
    }

    #[test]
    fn tells_a_reset_from_an_end() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["watch", &listener.addr().to_string()]);
        program.expect_line("connected", CONNECTED);
        listener.accept(&program).reset();
        program.expect_line(
            "reset",
            "The peer's last segment was an RST and no FIN: read fails with ErrorKind::ConnectionReset. An error is no end of the stream: what the peer still wanted to say may be lost.",
        );
        program
            .expect_ends("After a reset nothing can come: `watch` returns the event.")
            .expect_stdout_lines(&["connected", "reset"], LAST)
            .expect_success(
                "The program could say what happened: that is a success, whatever happened.",
            );
    }

    #[test]
    fn gives_up_a_silent_peer() {
        let check = check!();
        let listener = check.listen();
        let addr = listener.addr().to_string();
        let program = check.spawn(["watch", &addr, "--timeout", "0.3"]);
        program.expect_line("connected", CONNECTED);
        let _peer = listener.accept(&program);
        let why = format!("The peer says nothing. {TIMEOUT}");
        let why = why.as_str();
        program.expect_line("timeout", why);
        program
            .expect_ends("`watch` returns the first event that is no `Received`.")
            .expect_stdout_lines(&["connected", "timeout"], LAST)
            .expect_success(why);
    }

    #[test]
    fn a_timeout_is_not_the_end() {
        let check = check!();
        let listener = check.listen();
        let addr = listener.addr().to_string();
        let program = check.spawn(["drive", &addr, "--timeout", "0.3"]);
        program.expect_line("connected", CONNECTED);
        let mut peer = listener.accept(&program);
        drive(
            &program,
            "read",
            "timeout",
            &format!(
                "The peer has said nothing yet, and has not left: this is a timeout, and no end. {TIMEOUT}"
            ),
        );
        peer.send("hello").expect_nothing_yet(QUIET);
        drive(
            &program,
            "read",
            "received 5 bytes",
            "A read's timeout changes nothing on the connection: what comes later can be read as ever.",
        );
    }
}

mod step_3 {
    use super::*;
    use testkit::{Check, Listener};

    /// A driven program and the peer it is connected to.
    fn connect<'p>(check: &Check, listener: &Listener, program: &'p Program) -> Peer<'p> {
        check.note("driving", "one call for each line that is typed", "");
        program.expect_line("connected", CONNECTED);
        listener.accept(program)
    }

    #[test]
    fn sends_what_it_is_told_to() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["drive", &listener.addr().to_string()]);
        let mut peer = connect(&check, &listener, &program);
        drive(
            &program,
            "write hello",
            "sent 6 bytes",
            "Five letters and a newline. `write` returns how many bytes the send buffer took: hand that number on.",
        );
        peer.expect(
            b"hello\n",
            "`sent` means that the send buffer has it, so that it is on its way.",
        );
    }

    #[test]
    fn after_a_clean_close_the_first_write_is_sent() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["drive", &listener.addr().to_string()]);
        connect(&check, &listener, &program).close();
        let end = "The peer has closed, and everything it got was read: a FIN came, and read returns 0, as often as it is called.";
        drive(&program, "read", "end", end);
        drive(&program, "read", "end", end);
        drive(
            &program,
            "write hello",
            "sent 6 bytes",
            "The peer's FIN ended the peer's stream. It does not say whether the peer still reads, so the kernel takes the bytes and sends them. Do not look first, only write: the answer to this write is what tells.",
        );
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: which error a dead connection gives differs from system to system"
    )]
    fn after_the_reset_a_write_is_a_broken_pipe() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["drive", &listener.addr().to_string()]);
        connect(&check, &listener, &program).close();
        drive(
            &program,
            "read",
            "end",
            "The peer has closed: read returns 0.",
        );
        drive(
            &program,
            "write hello",
            "sent 6 bytes",
            "The first write after the peer's close is still sent.",
        );
        drive(&program, "wait", "gone", GONE);
        let broken = "The peer's kernel answered the first write with an RST: nobody reads there any more. From now on every write fails with ErrorKind::BrokenPipe. That is `Event::BrokenPipe`; a panic, or a line `sent`, would hide it.";
        drive(&program, "write again", "broken pipe", broken);
        drive(&program, "write again", "broken pipe", broken);
        drive(
            &program,
            "read",
            "end",
            "The FIN came before the RST: the peer's stream is at its end, and read goes on returning 0.",
        );
        program
            .finish()
            .expect_success("A broken pipe is news about the connection, and no reason to end. Rust programs ignore SIGPIPE, so no signal ends them either.");
    }

    #[test]
    fn a_close_with_unread_bytes_reads_as_a_reset() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["drive", &listener.addr().to_string()]);
        let mut peer = connect(&check, &listener, &program);
        drive(
            &program,
            "write hello",
            "sent 6 bytes",
            "The peer is there and has room.",
        );
        peer.expect_unread(6, "`sent 6 bytes` means that they are on their way.");
        peer.close();
        drive(
            &program,
            "read",
            "reset",
            "The peer called close, nothing worse. But it left bytes unread, so its kernel sent an RST in place of a FIN, and read fails with ErrorKind::ConnectionReset. Not every close reads as 0 bytes.",
        );
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: how often a reset is reported differs from system to system"
    )]
    fn a_reset_is_told_once() {
        let check = check!();
        let listener = check.listen();
        let why = "The kernel tells a reset to one call, the first that asks, be it a read or a write. It is ErrorKind::ConnectionReset there.";
        let then_read = "The reset has been told. From then on a read returns 0: a program that ignores the first error takes this for an ordinary end.";
        let then_write =
            "The reset has been told. From then on a write fails with ErrorKind::BrokenPipe.";
        for (first, after) in [("read", then_read), ("write hello", then_write)] {
            let program = check.spawn(["drive", &listener.addr().to_string()]);
            connect(&check, &listener, &program).reset();
            drive(&program, "wait", "gone", GONE);
            drive(&program, first, "reset", why);
            let then = if first == "read" {
                "end"
            } else {
                "broken pipe"
            };
            drive(&program, first, then, after);
            drive(&program, "read", "end", then_read);
            drive(&program, "write again", "broken pipe", then_write);
            drive(
                &program,
                "half-close",
                "not connected",
                "There is no connection left whose stream could be ended: shutdown fails with ErrorKind::NotConnected.",
            );
            program.finish().expect_success(
                "Every one of these is news about the connection, and no reason to end.",
            );
        }
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: elsewhere a reset may throw away what had arrived"
    )]
    fn what_came_before_a_reset_is_still_there() {
        let check = check!();
        let listener = check.listen();
        let bytes = "On Linux a reset leaves the receive buffer as it is: what had arrived can still be read.";
        let reset = "The reset is told to the first call that finds no bytes to bring: ErrorKind::ConnectionReset.";

        let program = check.spawn(["drive", &listener.addr().to_string()]);
        let mut peer = connect(&check, &listener, &program);
        peer.send("hello").expect_nothing_yet(QUIET);
        peer.reset();
        drive(&program, "wait", "gone", GONE);
        drive(&program, "read", "received 5 bytes", bytes);
        drive(&program, "read", "reset", reset);
        drive(
            &program,
            "read",
            "end",
            "The reset has been told. From then on a read returns 0.",
        );

        let program = check.spawn(["drive", &listener.addr().to_string()]);
        let mut peer = connect(&check, &listener, &program);
        peer.send("hello").expect_nothing_yet(QUIET);
        peer.reset();
        drive(&program, "wait", "gone", GONE);
        drive(
            &program,
            "write hello",
            "reset",
            "The reset is told to the first call that can fail of it: a write, here.",
        );
        drive(&program, "read", "received 5 bytes", bytes);
        drive(
            &program,
            "read",
            "end",
            "The reset has been told, to the write. A read returns 0 now.",
        );
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: elsewhere a reset may throw away what had arrived"
    )]
    fn a_reply_and_then_a_reset() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["drive", &listener.addr().to_string()]);
        let mut peer = connect(&check, &listener, &program);
        peer.send("the reply").expect_nothing_yet(QUIET);
        drive(
            &program,
            "write request",
            "sent 8 bytes",
            "The peer is there and has room.",
        );
        peer.expect_unread(8, "`sent 8 bytes` means that they are on their way.");
        peer.close();
        drive(&program, "wait", "gone", GONE);
        drive(
            &program,
            "read",
            "received 9 bytes",
            "The reply had arrived before the reset, and on loopback it has: it can be read. One read, and what it brought.",
        );
        drive(
            &program,
            "read",
            "reset",
            "The peer replied and closed without reading the request: its kernel sent an RST. It is told after the reply: ErrorKind::ConnectionReset.",
        );
    }

    #[test]
    fn after_the_peers_half_close_a_write_arrives() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["drive", &listener.addr().to_string()]);
        let mut peer = connect(&check, &listener, &program);
        peer.half_close();
        drive(
            &program,
            "read",
            "end",
            "The peer has ended its stream: read returns 0.",
        );
        drive(
            &program,
            "write hello",
            "sent 6 bytes",
            "The peer has ended its own stream and no other. It still reads: write to it as before. Do not close anything when a read returns 0.",
        );
        peer.expect(
            b"hello\n",
            "The peer has ended its own stream and no other. It waits for this.",
        );
    }

    #[test]
    fn after_its_own_half_close_it_still_reads() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["drive", &listener.addr().to_string()]);
        let mut peer = connect(&check, &listener, &program);
        drive(
            &program,
            "half-close",
            "half-closed",
            "`shutdown` succeeds on a connection that stands. The event is `HalfClosed`.",
        );
        peer.expect_end("A half-close sends a FIN, so that the peer's read returns 0: `shutdown` with `Shutdown::Write`.");
        program.type_in("read\n");
        peer.expect_no_more("The program has ended its stream.");
        peer.send("an answer");
        program.expect_line(
            "received 9 bytes",
            "The half-close ended our stream; the peer's goes on, and an answer may come at any time. `Shutdown::Both` closes our ears as well: a read returns 0 at once.",
        );
        peer.close();
        drive(
            &program,
            "read",
            "end",
            "Now the peer has ended its stream, too.",
        );
    }

    #[test]
    fn a_write_after_its_own_half_close_is_a_broken_pipe() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["drive", &listener.addr().to_string()]);
        let mut peer = connect(&check, &listener, &program);
        drive(
            &program,
            "half-close",
            "half-closed",
            "`shutdown` succeeds on a connection that stands. The event is `HalfClosed`.",
        );
        peer.expect_end("A half-close sends a FIN: `shutdown` with `Shutdown::Write`.");
        drive(
            &program,
            "write hello",
            "broken pipe",
            "We have ended our stream ourselves: nothing can follow the FIN, and write fails with ErrorKind::BrokenPipe. The peer is there and well.",
        );
    }
}

mod step_4 {
    use super::*;

    const REPORT: &str = "`report` is called for the request and for the answer, with the number of bytes of each. The last event is returned and not reported: the caller prints it.";

    #[test]
    fn answers_and_ends_its_stream() {
        let check = check!();
        let server = check.start(["answer"]);
        let mut peer = check.connect(&server);
        peer.send("hello\n");
        peer.expect(
            "your request has 6 bytes\n",
            "A request ends with its newline: answer it then. `reply` makes the answer; send all of it.",
        );
        peer.expect_end("The answer has come and its end has not, so the client waits. Dropping `writer` closes nothing: `reader` is another handle of the same socket, and the kernel sends a FIN when the last one is closed. `shutdown(Shutdown::Write)` works on the connection, however many handles it has.");
        for line in ["request 6 bytes", "sent 25 bytes", "half-closed"] {
            server.expect_line(line, REPORT);
        }
        peer.send_one_by_one("more");
        peer.expect_end("The client goes on sending, and the server's kernel answers with a reset. Only our own stream ends here, with `Shutdown::Write`: `Shutdown::Both` ends our reading as well.");
        peer.close();
        let lines = [
            &format!("listening {}", server.addr()),
            "request 6 bytes",
            "sent 25 bytes",
            "half-closed",
        ];
        server
            .finish()
            .expect_success("The client was answered and has left.")
            .expect_stdout_lines(&lines, REPORT);
    }

    #[test]
    fn answers_after_the_clients_half_close() {
        let check = check!();
        let server = check.start(["answer"]);
        let mut peer = check.connect(&server);
        peer.send("hello").half_close();
        peer.expect(
            "your request has 5 bytes\n",
            "The client has ended its stream, and with it the request: no newline comes any more. It has not left. It waits for the answer, in the other direction.",
        );
        peer.expect_end("The answer is complete: end our stream with `shutdown(Shutdown::Write)`.");
        for line in ["request 5 bytes", "sent 25 bytes", "half-closed"] {
            server.expect_line(line, REPORT);
        }
    }

    #[test]
    fn has_no_answer_where_there_is_no_request() {
        let check = check!();
        let server = check.start(["answer"]);
        let mut peer = check.connect(&server);
        peer.half_close();
        server.expect_line(
            "end",
            "The client ended its stream before its first byte: `read_request` returns nothing at all. That is `Event::End`, and there is nothing to answer.",
        );
        peer.expect_end("A client without a request gets no answer.");
        let server = check.start(["answer"]);
        let mut peer = check.connect(&server);
        let why = "An empty line is a request, of one byte: its newline. There is no request where `read_request` returns nothing at all.";
        peer.send("\n").expect("your request has 1 bytes\n", why);
        server.expect_line("request 1 byte", why);
    }

    #[test]
    fn says_that_the_client_has_reset_the_connection() {
        let check = check!();
        let server = check.start(["answer"]);
        let mut peer = check.connect(&server);
        peer.send("hel");
        peer.reset();
        let why = "The client began a request and reset the connection. `read_request` fails with ErrorKind::ConnectionReset: `outcome` makes an event of it, and the event is returned.";
        server.expect_line("reset", why);
        server.finish().expect_success(why);
    }

    /// Waits until a reset has arrived at the program's end, accepted or not: then the kernel has no
    /// connection between these two ports any more (proc_pid_net(5)).
    fn wait_until_gone(server: u16, client: u16) {
        let (local, remote) = (format!(":{server:04X}"), format!(":{client:04X}"));
        let is_there = || {
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
            table.lines().any(|line| {
                let mut words = line.split_whitespace().skip(1);
                words.next().is_some_and(|word| word.ends_with(&local))
                    && words.next().is_some_and(|word| word.ends_with(&remote))
            })
        };
        let until = Instant::now() + Duration::from_secs(5);
        while is_there() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: elsewhere a reset may throw away the request"
    )]
    fn reports_no_answer_that_was_not_written() {
        let check = check!();
        let server = check.start(["answer"]);
        let ask_and_reset = || {
            let mut peer = check.connect(&server);
            let ports = (server.addr().port(), peer.local_addr().port());
            peer.send("hello\n");
            peer.reset();
            wait_until_gone(ports.0, ports.1);
        };
        // The client is gone before its request is read.
        #[cfg(target_os = "linux")]
        server.while_stopped(ask_and_reset);
        #[cfg(not(target_os = "linux"))]
        ask_and_reset();
        let why = "The client sent its request and reset the connection, so the answer could not be written: `write_all` fails with ErrorKind::ConnectionReset. `outcome` makes an event of it, which is returned. `Sent` is reported once `write_all` has returned Ok, and not before.";
        let finished = server.finish();
        finished.expect_success(why);
        let text = String::from_utf8_lossy(&finished.stdout);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        let met = lines.last() == Some(&"reset") && !lines.iter().any(|line| line.contains("sent"));
        check.require(
            "\"request 6 bytes\", \"reset\"",
            format!("{lines:?}"),
            met,
            why,
        );
    }
}

mod step_5 {
    use super::*;
    use std::io::Write;
    use std::net::TcpStream;

    /// A client that has sent its request, has the answer and the server's end, and has not left.
    fn answered<'p>(peer: &mut Peer<'p>, server: &'p Program) {
        answered_with(peer, server, "");
    }

    /// The same, with bytes that come together with the request and are no part of it.
    fn answered_with<'p>(peer: &mut Peer<'p>, server: &'p Program, more: &str) {
        peer.send(format!("hello\n{more}")).expect(
            "your request has 6 bytes\n",
            |got: &[u8]| {
                if got.is_empty() {
                    "The next client is due as soon as the one before is done with: when it has left, or when its bounds are reached."
                } else {
                    "This is the answer of step 4, and another one came: look at that step's checks first."
                }
            },
        );
        peer.expect_end("The answer is complete: end our stream with `shutdown(Shutdown::Write)`.");
        expect_client(peer, server);
        for line in ["request 6 bytes", "sent 25 bytes", "half-closed"] {
            server.expect_line(line, "This is step 4: the request, the answer, our end.");
        }
    }

    fn expect_client(peer: &Peer<'_>, server: &Program) {
        let line = format!("client {}", peer.local_addr());
        server.expect_line(
            &line,
            "Each client gets its turn. The line before it was the last one about the client before.",
        );
    }

    /// N of the line `drained N bytes`, which must be met.
    fn drained(server: &Program, check: &testkit::Check, why: &str) -> u64 {
        let line = server.read_line("\"drained N bytes\"", why);
        let n = line
            .strip_prefix("drained ")
            .and_then(|rest| rest.split(' ').next())
            .and_then(|n| n.parse().ok());
        n.unwrap_or_else(|| check.fail("\"drained N bytes\"", &line, why))
    }

    /// What a client sends together with its request, where that is to be drained.
    const MORE: &str = "and more";

    fn expect_more(server: &Program, why: &str) {
        server.expect_line("drained 8 bytes", |got: &[u8]| {
            if got == b"drained 0 bytes\n" {
                "8 bytes came together with the request. `reader` holds them: read through it. They count whatever ends the draining, an error too: it returns the number of bytes so far, and the event.".to_string()
            } else {
                why.to_string()
            }
        });
    }

    #[test]
    fn the_answer_survives_what_was_not_read() {
        let check = check!();
        let server = check.start(["serve", "--timeout", "60"]);
        let mut peer = check.connect(&server);
        let much = check.random(60_000);
        peer.send([b"hello\n", &much[..]].concat());
        let why = "The connection was closed while bytes of the client lay unread, or were still to come: the server's kernel answers with an RST. Over a network it can overtake the answer and destroy it. Read what the client still sends, until it ends its stream, and only then let the connection go.";
        peer.expect("your request has 6 bytes\n", why);
        peer.expect_end(why);
        peer.send_one_by_one("and more");
        peer.expect_end(why);
        peer.half_close();
        expect_client(&peer, &server);
        for line in ["request 6 bytes", "sent 25 bytes", "half-closed"] {
            server.expect_line(line, "This is step 4: the request, the answer, our end.");
        }
        server.expect_line(
            "drained 60008 bytes",
            "Read through `reader`, which holds bytes that came together with the request, and count what each read brought, until one brings 0.",
        );
        server.expect_line("end", "The client has ended its stream: a read of 0 bytes.");
    }

    #[test]
    fn a_silent_client_has_a_bounded_time() {
        let check = check!();
        let server = check.start(["serve", "--timeout", "0.2"]);
        let why = "This client has its answer, says nothing more, and does not leave. It gets `bounds.time`, and then it is the next one's turn: `set_read_timeout` with what is left of the time, before each read. The read that has waited so long fails: its error goes through `outcome`.";
        let mut shortest = Duration::MAX;
        // A busy machine makes one of them long, and not all.
        for _ in 0..5 {
            let began = Instant::now();
            let mut silent = check.connect(&server);
            answered_with(&mut silent, &server, MORE);
            expect_more(&server, why);
            server.expect_line("timeout", |got: &[u8]| {
                if got == b"end\n" {
                    "The client has not ended its stream, and a read says that it has: was it `Shutdown::Both` in `answer`? That ends our own reading, too.".to_string()
                } else {
                    why.to_string()
                }
            });
            shortest = shortest.min(began.elapsed());
            if shortest < Duration::from_millis(950) {
                break;
            }
        }
        check.require(
            "the timeout after 200 ms",
            format!("after {} ms, the shortest of five", shortest.as_millis()),
            shortest < Duration::from_millis(950),
            "`bounds.time` is 200 ms, and the read lasts until it is over and no longer: give `set_read_timeout` what is left, with its milliseconds.",
        );
        let mut next = check.connect(&server);
        answered(&mut next, &server);
    }

    #[test]
    fn a_client_without_end_has_a_bounded_number_of_bytes() {
        let check = check!();
        let server = check.start(["serve", "--timeout", "60", "--drain", "20000"]);
        let mut peer = check.connect_with(&server, testkit::Buffers::of(65536));
        answered(&mut peer, &server);
        let why = "This client goes on sending whatever it is told. To read on for ever is no better than not to leave: stop when `bounds.bytes` have come, return `Event::Limit`, and the connection is closed.";
        peer.send(vec![b'.'; 16 << 20]).half_close();
        peer.expect_reset(why);
        let n = drained(&server, &check, why);
        if !(20_000..1_000_000).contains(&n) {
            check.fail("20000 bytes drained, or a few more", n, why);
        }
        server.expect_line("limit", why);
    }

    #[test]
    fn serves_on_after_a_reset_while_it_drains() {
        let check = check!();
        let server = check.start(["serve", "--timeout", "60"]);
        let mut rude = check.connect(&server);
        answered_with(&mut rude, &server, MORE);
        rude.reset();
        let why = "The client reset the connection when it had its answer. A read fails with ErrorKind::ConnectionReset: `outcome` makes an event of it, which is returned with the number of bytes so far.";
        expect_more(&server, why);
        server.expect_line("reset", why);
        let mut next = check.connect(&server);
        answered(&mut next, &server);
    }

    #[test]
    fn serves_on_after_a_reset_before_accept() {
        let check = check!();
        let server = check.start(["serve", "--timeout", "60"]);
        let mut first = check.connect(&server);
        answered(&mut first, &server);
        // These wait in the queue while the first is drained, and one of them is gone before its turn.
        let gone = check.connect(&server);
        let there = format!("client {}", gone.local_addr());
        gone.reset();
        let mut next = check.connect(&server);
        first.half_close();
        server.expect_line(
            "drained 0 bytes",
            "The first client sent its request and nothing else.",
        );
        server.expect_line("end", "The first client has ended its stream.");
        if cfg!(target_os = "linux") {
            let why = "This client reset its connection while it waited in the queue. Linux hands it over all the same, and the first read says so.";
            server.expect_line(&there, why);
            server.expect_line("reset", why);
        }
        answered(&mut next, &server);
    }

    #[test]
    fn a_drip_does_not_keep_the_server() {
        let check = check!();
        let server = check.start(["serve", "--timeout", "0.4", "--drain", "1000000000"]);
        // On a crowded machine we may have paused for too long; not each time.
        for _ in 0..3 {
            let mut drip = check.connect(&server);
            answered(&mut drip, &server);
            let why = "This client sends a byte again and again, so that no single read has to wait for long. `bounds.time` is for all of them together: before each read, what is left of it.";
            drip.trickle_until_closed(b'.', why);
            drained(&server, &check, why);
            server.expect_line("timeout", why);
        }
    }

    #[test]
    fn a_flood_does_not_keep_the_server() {
        /// How long the flood lasts at most.
        const FLOOD: Duration = Duration::from_secs(3);
        /// How many send, so that one of them has a processor.
        const SENDERS: usize = 4;
        let check = check!();
        let server = check.start(["serve", "--timeout", "0.03", "--drain", "1000000000000000"]);
        // On a crowded machine the flood may have ebbed just when the time was over; not each time.
        for _ in 0..3 {
            let Ok(mut flood) = TcpStream::connect(server.addr()) else {
                check.fail(
                    "a connection",
                    "none",
                    "The program said that it listens there.",
                )
            };
            check.note(
                "connected",
                "a client of its own",
                "it asks, sends without a pause for 3 s or until it cannot, and stays",
            );
            let _ = flood.write_all(b"hello\n");
            let began = Instant::now();
            let sender = |mut stream: TcpStream| {
                move || {
                    while began.elapsed() < FLOOD && stream.write_all(&[b'.'; 1 << 16]).is_ok() {}
                }
            };
            for _ in 0..SENDERS {
                if let Ok(stream) = flood.try_clone() {
                    std::thread::spawn(sender(stream));
                }
            }
            let step_4 = "This is step 4: the request, the answer, our end.";
            server.read_line("\"client ADDR\"", step_4);
            for line in ["request 6 bytes", "sent 25 bytes", "half-closed"] {
                server.expect_line(line, step_4);
            }
            let why = "This client sends so much that bytes always lie ready: no read waits, and none runs out of time. When nothing is left of `bounds.time`, return `Event::Timeout` before the next read. A read timeout of zero is none at all: such a read waits for ever.";
            drained(&server, &check, why);
            server.expect_line("timeout", why);
        }
    }

    #[test]
    fn a_late_byte_buys_no_time() {
        let check = check!();
        let why = "This client is silent for most of `bounds.time`, sends one byte, and is silent again. The time is counted from the call of `drain`: that byte buys no more of it. Each read gets what is *left*; a read that gets all of `bounds.time` again may last until twice the time is over.";
        // In the first round `drain` has begun for certain. In the second nothing has come by then.
        for early in [true, false] {
            expect_no_more_time(&check, early, why);
        }
    }

    /// A program that had no processor in time gets a longer time, and so a larger margin.
    fn expect_no_more_time(check: &testkit::Check, early: bool, why: &str) {
        let mut too_long = None;
        for time in [500, 1000, 2000].map(Duration::from_millis) {
            let seconds = time.as_secs_f64().to_string();
            let server = check.start(["serve", "--timeout", &seconds]);
            let mut late = check.connect(&server);
            answered(&mut late, &server);
            if early {
                // When the program has read this and sleeps, `drain` has begun.
                late.send_one_by_one(".");
            }
            let silent = time.mul_f64(0.8);
            check.note("waited", format!("{} ms", silent.as_millis()), "silent");
            let began = Instant::now();
            std::thread::sleep(silent);
            let last = Instant::now();
            late.send(".");
            // Where we slept for longer, the time was over before that byte.
            let in_time = began.elapsed() < time;
            drained(&server, check, why);
            server.expect_line("timeout", why);
            too_long = Some(last.elapsed()).filter(|took| *took >= time);
            if in_time && too_long.is_none() {
                return;
            }
        }
        if let Some(took) = too_long {
            check.fail(
                "the timeout sooner after the last byte than `bounds.time`",
                format!("after {} ms of 2000", took.as_millis()),
                why,
            );
        }
    }
}
