//! The checks of chapter 4. Each runs the program and talks to it as a peer would.
use testkit::{Need, check};

mod step_1 {
    use super::*;

    #[test]
    fn binds_an_address_and_does_not_listen_yet() {
        let check = check!();
        let bound = check.start_saying("bound", ["bind"]);
        check.expect_refused(
            &bound,
            "`bind` only gives the socket its address. A socket from `TcpListener::bind` listens already: std makes three calls in one. Make the socket with `Socket::new` and call its `bind`, and nothing else.",
        );
    }

    #[test]
    fn takes_the_family_from_the_address() {
        let check = check!();
        if !check.has(Need::Ipv6) {
            return;
        }
        let bound = check.spawn(["bind", "--listen", "[::1]:0"]);
        let why = "A socket is of one family, and an address of another cannot be bound to it. `Domain::for_address` gives the family of an address; `Domain::IPV4` is right for half of them.";
        let line = bound.read_line("\"bound [::1]:PORT\"", why);
        check.require(
            "bound [::1]:PORT",
            &line,
            line.starts_with("bound [::1]:"),
            why,
        );
    }
}

mod step_2 {
    use super::*;
    use std::io::ErrorKind;
    use std::net::{SocketAddr, TcpStream};
    use std::time::Duration;

    #[test]
    fn completes_a_connect_before_accept() {
        let check = check!();
        let server = check.spawn(["listen"]);
        let line = server.read_line(
            "\"listening ADDR\"",
            "This step listens, and no more. Nobody has to be in `accept` for a client to connect: from `listen` on, the kernel performs the handshake by itself.",
        );
        let addr: Option<SocketAddr> = line
            .strip_prefix("listening ")
            .and_then(|addr| addr.parse().ok());
        let Some(addr) = addr else {
            check.fail(
                "\"listening ADDR\"",
                line,
                "The line is printed by `main`, which is given.",
            )
        };
        match TcpStream::connect_timeout(&addr, Duration::from_secs(5)) {
            Ok(_) => check.note("connected", format!("to {addr}"), "and nobody has called accept"),
            Err(error) => check.fail(
                format!("to connect to {addr}"),
                error,
                "The socket has an address and refuses connections: it is bound, and does not listen. Call `listen` on it.",
            ),
        }
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: each system fills its queue differently"
    )]
    fn lets_the_next_client_wait_when_the_queue_is_full() {
        let check = check!();
        let server = check.start(["listen", "--backlog", "2"]);
        let mut queued: Vec<_> = (0..3).map(|_| check.connect(&server)).collect();
        for peer in &mut queued {
            // What is acknowledged has reached a connection, which therefore is in the queue.
            peer.send(b"x")
                .expect_nothing_yet("Nobody has called accept: nobody can have answered.");
        }
        let patience = Duration::from_millis(120);
        match TcpStream::connect_timeout(&server.addr(), patience) {
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                check.note("waited", "a fourth client, in connect", "neither connected nor refused");
            }
            Err(error) => check.fail(
                "a fourth client waits in connect",
                error,
                "Does the socket still listen? A full queue refuses nobody: the kernel drops the SYN, and the client sends it again.",
            ),
            Ok(_) => check.fail(
                "a fourth client waits in connect",
                "it is connected",
                "The queue is longer than `--backlog` says: hand the number that you are given to `listen`, as it is. A short queue refuses no client, and it does not limit how many can be served.",
            ),
        }
    }
}

mod step_3 {
    use super::*;
    #[cfg(target_os = "linux")]
    use std::net::TcpStream;

    #[test]
    fn names_both_ends_of_the_connection() {
        let check = check!();
        let server = check.start(["accept"]);
        let mut peer = check.connect(&server);
        let (client, here) = (peer.local_addr(), server.addr());
        server.expect_line(
            &format!("accepted {client} on {here}"),
            "First the client's address, which comes back from `accept` beside the socket; then the address of our own end, which `address::of` asks the new socket for.",
        );
        peer.expect_end("`accept` is all that this subcommand does. Return the connection, and `main` drops it.");
        peer.close();
        server
            .finish()
            .expect_success("One client was accepted: the program ends.");
    }

    /// 0.0.0.0 is every address of the host, those that others reach too. So this check runs once
    /// more, in a network that has nothing but a loopback interface.
    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: a network of its own, in which 0.0.0.0 is out of reach"
    )]
    fn names_the_address_that_the_client_connected_to() {
        #[cfg(target_os = "linux")]
        {
            let test = "step_3::names_the_address_that_the_client_connected_to";
            let Some(check) = wire::own_network(test, || check!()) else {
                return;
            };
            for host in ["127.0.0.1", "127.0.0.2"] {
                let server = check.start(["accept", "--listen", "0.0.0.0:0"]);
                let here = format!("{host}:{}", server.addr().port());
                let peer = match TcpStream::connect(&here) {
                    Ok(peer) => peer,
                    Err(error) => check.fail(
                        format!("to connect to {here}"),
                        error,
                        "The server is bound to 0.0.0.0, every address of this host, and this is one of them. Does `listen` use the address that it is given?",
                    ),
                };
                let client = match peer.local_addr() {
                    Ok(client) => client,
                    Err(error) => panic!("a connected socket has no address: {error}"),
                };
                check.note("connected", format!("to {here}"), format!("from {client}"));
                server.expect_line(&format!("accepted {client} on {here}"), |got: &[u8]| {
                    let got = String::from_utf8_lossy(got);
                    if got.contains(" on 0.0.0.0:") {
                        "This is the address of the listening socket: 0.0.0.0, \"any of mine\". A connection has one address at each end, and the client chose this one. Ask the new socket, the one that `accept` returned."
                    } else if got.contains(&format!(" on {client}")) {
                        "This is the client's address twice. The address of our own end comes from `address::of`, asked of the new socket."
                    } else {
                        "First the client's address, then the address at which the client reached this server: the new socket knows it."
                    }
                });
                server
                    .finish()
                    .expect_success("One client was accepted: the program ends.");
            }
        }
    }
}

mod step_4 {
    use super::*;

    #[test]
    fn answers_what_it_was_sent() {
        let check = check!();
        let server = check.start(["once"]);
        let mut peer = check.connect(&server);
        peer.send(b"hello");
        peer.expect(b"hello", |got: &[u8]| match got {
            [] => "The five bytes are there, and nothing came back. If the program waits, it waits for more: answer what one `read` brought before you read again. `read_to_end` waits for an end that has not come.",
            got if got.starts_with(b"hello") => "More came back than was sent. `read` says how many bytes it brought; the rest of the buffer is not part of them: write `&buffer[..n]`.",
            _ => "An echo sends back the bytes that came, unchanged.",
        });
        peer.expect_nothing_yet(|got: &[u8]| match got {
            [] => "The client is not done: it may send more. Only a `read` that returns 0 says that it will not.",
            _ => "More came back than was sent. `read` says how many bytes it brought; the rest of the buffer is not part of them: write `&buffer[..n]`.",
        });
    }

    #[test]
    fn answers_one_byte_at_a_time() {
        let check = check!();
        let server = check.start(["once"]);
        let mut peer = check.connect(&server);
        peer.send_one_by_one(b"hello");
        peer.expect(b"hello", |got: &[u8]| match got {
            [] => "Five bytes were sent, each by itself, and nothing came back. What one `read` brought is to be answered at once, and be it a single byte.",
            got if b"hello".starts_with(got) => "The first bytes came back, and then no more. Each byte needs a `read` of its own. That a `read` brings little, or less than the buffer holds, does not mean that it was the last: go on until one returns 0.",
            got if got.starts_with(b"h\0") => "More came back than was sent. Each `read` brought one byte; the rest of the buffer is not part of it: write `&buffer[..n]`.",
            got if got.starts_with(b"hh") => "A byte came back twice. Each answer is what this one `read` brought, `&buffer[..n]`, and nothing of the reads before it.",
            _ => "Other bytes came back than were sent. Each answer is what this one `read` brought, unchanged: the first n bytes of the buffer, and nothing before or after them.",
        });
    }

    #[test]
    fn answers_every_byte_value() {
        let check = check!();
        let server = check.start(["once"]);
        let mut peer = check.connect(&server);
        let all: Vec<u8> = (0..=255).rev().chain(0..=255).collect();
        peer.send(&all);
        peer.expect(
            &all,
            "A stream carries bytes: all 256 values, and no lines. Text functions (`read_line`, `String`, `from_utf8`) wait for a newline, or stop at what is not UTF-8. Keep to `[u8]`.",
        );
    }

    #[test]
    fn answers_more_than_one_buffer_holds() {
        let check = check!();
        let server = check.start(["once"]);
        let mut peer = check.connect(&server);
        let much = check.random(200_003);
        peer.exchange(
            &much,
            &much,
            "One `read` brings at most what the buffer holds. Read and write in turns until a `read` returns 0, and write with `write_all`.",
        );
    }

    #[test]
    fn answers_the_rest_after_a_half_close() {
        let check = check!();
        let server = check.start(["once"]);
        let mut peer = check.connect(&server);
        peer.send(b"the last words").half_close();
        peer.expect(
            b"the last words",
            "The client will send no more, and still listens: its end closes one direction only. Answer what was read before you look at the end.",
        );
        peer.expect_end(
            "A `read` of 0 bytes is the end of the client's stream, not \"nothing yet\": return from `echo`, and `main` drops the socket, which closes it.",
        );
        peer.close();
        server
            .finish()
            .expect_success("The conversation ended as it should: that is no error.");
    }
}

mod step_5 {
    use super::*;

    #[test]
    fn serves_more_clients_than_its_backlog() {
        let check = check!();
        let server = check.start(["serve", "--backlog", "1"]);
        for n in 1..=5 {
            let mut peer = check.connect(&server);
            let text = format!("client {n}");
            peer.send(&text);
            peer.expect(
                &text,
                "Each client gets its turn, one after the other, for ever: `accept` stands in the loop. The backlog limits how many wait at a time, not how many are served.",
            );
            peer.half_close().expect_end(
                "This client is done: close its connection before the next one is accepted. A socket is closed when its last owner drops it; one that is kept in a list, or forgotten, stays open.",
            );
        }
    }

    #[test]
    fn serves_the_clients_that_waited() {
        let check = check!();
        let server = check.start(["serve"]);
        let mut first = check.connect(&server);
        first
            .send(b"first")
            .expect(b"first", "The first client is accepted and answered.");
        let mut second = check.connect(&server);
        let mut third = check.connect(&server);
        second.send(b"second");
        third.send(b"third").half_close();
        first
            .half_close()
            .expect_end("The first client is done: close its connection.");
        let why = "This client connected and sent while another was served. It is in the queue, and what it sent is in its socket's buffer: the next `accept` and the next `read` find both.";
        second.expect(b"second", why);
        second
            .half_close()
            .expect_end("The second client is done: close its connection.");
        third.expect(b"third", why);
        third.expect_end("The third client is done: close its connection.");
    }

    #[test]
    fn serves_on_after_a_client_that_leaves_without_a_word() {
        let check = check!();
        let server = check.start(["serve"]);
        check.connect(&server).close();
        let mut peer = check.connect(&server);
        peer.send(b"hello").expect(
            b"hello",
            "The client before this one connected and left. Its first `read` returned 0: the end of an empty conversation, and no error.",
        );
    }

    #[test]
    fn serves_on_after_a_reset_in_mid_conversation() {
        let check = check!();
        let server = check.start(["serve"]);
        let why = "The client before this one reset its connection: `read` failed with ConnectionReset. That ends this conversation, not the server. No `?` and no `unwrap` on what `echo` returns.";
        let mut rude = check.connect(&server);
        rude.send(b"hello")
            .expect(b"hello", "The first client is accepted and answered.");
        rude.reset();
        let mut peer = check.connect_explaining(&server, why);
        peer.send(b"hello").expect(b"hello", why);
        peer.close();
        #[cfg(target_os = "linux")]
        server.limit_open_files(16);
        let why = "Twenty clients come, one after the other, and each resets its connection. The server may have 16 files open, so it has to close its end of each: `echo` has failed, and that conversation is over all the same. A socket that stays in a list, or is forgotten, keeps its descriptor, and when there is none left `accept` fails.";
        for _ in 0..20 {
            let mut rude = check.connect_explaining(&server, why);
            rude.send(b"hello").expect(b"hello", why);
            rude.reset();
        }
        let mut peer = check.connect_explaining(&server, why);
        peer.send(b"hello").expect(b"hello", why);
    }

    #[test]
    fn serves_on_after_a_reset_before_accept() {
        let check = check!();
        let server = check.start(["serve"]);
        let mut first = check.connect(&server);
        first
            .send(b"first")
            .expect(b"first", "The first client is accepted and answered.");
        // These wait in the queue while the first is served, and one of them is gone before its turn.
        check.connect(&server).reset();
        let mut next = check.connect(&server);
        next.send(b"next");
        first
            .half_close()
            .expect_end("The first client is done: close its connection.");
        next.expect(
            b"next",
            "The client before this one reset its connection while it waited in the queue. On Linux `accept` hands it over all the same, and the first `read` fails with ConnectionReset; elsewhere `accept` itself may fail. Neither is a reason to end the server.",
        );
    }
}

mod step_6 {
    use super::*;
    use socket2::{Domain, Socket, Type};
    use std::io::ErrorKind;
    use std::net::{Ipv6Addr, SocketAddr};

    #[test]
    fn connects_and_sends_what_is_typed() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["connect", &listener.addr().to_string()]);
        let mut peer = listener.accept(&client);
        for text in ["hello", "again\n"] {
            client.type_in(text);
            peer.expect(
                text,
                "What is on standard input is to be sent as it comes. `read_to_end`, `read_to_string` and `lines` wait for more than is there.",
            );
        }
    }

    #[test]
    fn says_why_it_cannot_connect() {
        let check = check!();
        let nobody = check.refusing();
        let addr = nobody.addr().to_string();
        let done = check.run(["connect", &addr]);
        let why = "Nothing listens there. Hand the error to the caller with `?`: `main` prints it and ends with 1. An `unwrap` makes a panic of it, and an ignored error a success.";
        done.expect_exit(1, why)
            .expect_error(&[&addr, "refused"], why);
        if !check.has(Need::Ipv6) {
            return;
        }
        let (_nobody, addr) = nobody_on_ipv6();
        check.note("reserved", &addr, "where nothing listens");
        let done = check.run(["connect", &addr]);
        let why = "Nothing listens there, and that is what the kernel would have said. A socket is of one family, and cannot connect to an address of another: `Domain::for_address` gives the family of an address.";
        done.expect_exit(1, why)
            .expect_error(&[&addr, "refused"], why);
    }

    /// A port on ::1 that refuses connections, for as long as its socket is open.
    fn nobody_on_ipv6() -> (Socket, String) {
        let bind = || {
            let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
            socket.bind(&SocketAddr::from((Ipv6Addr::LOCALHOST, 0)).into())?;
            let addr = socket.local_addr()?.as_socket();
            let addr = addr.ok_or(ErrorKind::AddrNotAvailable)?;
            std::io::Result::Ok((socket, addr.to_string()))
        };
        bind().expect("a port on ::1")
    }

    #[test]
    fn prints_an_answer_as_it_comes() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["connect", &listener.addr().to_string()]);
        let mut peer = listener.accept(&client);
        for piece in [
            &b"an answer "[..],
            b"in pieces,\nthe last one",
            b" \0\xff\xc3 no text at all",
        ] {
            peer.send(piece);
            client.expect_output(
                piece,
                "Write what each `read` brought, and flush: standard output keeps back what does not end in a newline. `read_to_end` would wait for an end that has not come.",
            );
        }
        let long = [&b"a line\n"[..], &[b'x'; 3000]].concat();
        peer.send(&long);
        client.expect_output(&long, |got: &[u8]| match got {
            [] => "This piece is longer than the ones before, and nothing of it was printed. Write what each `read` brought, and flush.",
            _ => "The rest of it is not printed. `write` may take less than it is given, and returns how much it took; standard output does so where much follows a newline. `write_all` calls it again for the rest.",
        });
    }

    #[test]
    fn half_closes_when_its_input_ends() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["connect", &listener.addr().to_string()]);
        let mut peer = listener.accept(&client);
        client.type_in(b"my last words").close_input();
        peer.expect(
            b"my last words",
            "All of standard input is to be sent before the half-close.",
        );
        peer.expect_end(
            "The client has no more to say, and the server cannot know: it waits in recv for the client, and the client for the server. `shutdown(Shutdown::Write)` sends the FIN.",
        );
        peer.send(b"and my answer");
        peer.close();
        let done = client.finish();
        done.expect_stdout(
            b"and my answer",
            "The server answered after the client's half-close. That closes one direction only, with `Shutdown::Write`; `Shutdown::Both` and dropping the socket throw the answer away.",
        );
        done.expect_success("Both ends said that they are done: that is no error.");
    }

    #[test]
    fn half_closes_at_once_on_empty_input() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["connect", &listener.addr().to_string()]);
        let mut peer = listener.accept(&client);
        client.close_input();
        peer.expect_end(
            "Standard input was at its end at once: nothing is to be sent but the end itself, with `shutdown(Shutdown::Write)`.",
        );
        peer.close();
        client
            .finish()
            .expect_success("Nothing was said on either side: that is no error.")
            .expect_stdout(b"", "The server sent nothing.");
    }

    #[test]
    fn ends_when_the_server_does() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["connect", &listener.addr().to_string()]);
        let mut peer = listener.accept(&client);
        peer.send(b"I am closing now");
        peer.close();
        client.expect_output(
            b"I am closing now",
            "What came before the end is to be printed.",
        );
        client
            .expect_ends("The server ended its stream: a `read` of 0 bytes. The client ends then, although nobody has closed its standard input.")
            .expect_success(
                "The server ended its stream in order: a `read` of 0 bytes, and `print_answer` returns Ok. Reading again brings 0 again, for ever.",
            );

        let client = check.spawn(["connect", &listener.addr().to_string()]);
        let mut peer = listener.accept(&client);
        peer.send(b"I am not");
        client.expect_output(b"I am not", "What came before the reset is to be printed.");
        peer.reset();
        let why = "The server reset the connection: `read` fails with ConnectionReset. That is not the end of the stream, after which the answer is complete. Hand the error to the caller with `?`: a loop that ends at an error as it does at 0 says that all is well.";
        client
            .expect_ends("The connection is gone: return the error, although nobody has closed standard input.")
            .expect_exit(1, why)
            .expect_error::<&str>(&[], why);
    }

    #[test]
    fn carries_every_byte_both_ways() {
        let check = check!();
        let listener = check.listen();
        let client = check.spawn(["connect", &listener.addr().to_string()]);
        let mut peer = listener.accept(&client);
        for _ in 0..6 {
            let bytes = check.random(4093);
            client.type_in(&bytes);
            peer.expect(
                &bytes,
                "Every byte of standard input is to be sent, unchanged, and no other.",
            );
            peer.send(&bytes);
            client.expect_output(
                &bytes,
                "Every byte that comes is to be printed, unchanged, and no other.",
            );
        }
    }
}
