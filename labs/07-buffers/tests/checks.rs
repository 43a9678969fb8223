//! The checks of chapter 7. Each runs the program and talks to it as a peer would: one that does not
//! read, one that reads slowly, one that sends byte by byte, and a writer that takes what its script
//! says.
use testkit::{Buffers, Check, check};

mod step_1 {
    use super::*;

    /// The two numbers of `accepted N bytes in M writes`.
    fn accepted(check: &Check, line: &str) -> (u64, u64) {
        let words: Vec<&str> = line.split(' ').collect();
        let numbers = match words[..] {
            ["accepted", bytes, "bytes", "in", writes, "writes"] => {
                bytes.parse().ok().zip(writes.parse().ok())
            }
            _ => None,
        };
        let Some(numbers) = numbers else {
            check.fail(
                "\"accepted N bytes in M writes\"",
                line,
                "The line is printed by `main`, which is given.",
            )
        };
        numbers
    }

    const RETURNS: &str = "The path is full: that is what `fill` looks for, not a failure and no reason to wait. On a non-blocking socket (`set_nonblocking(true)`) such a `write` fails with ErrorKind::WouldBlock; then return what was counted.";

    /// What the program says that it has put into a path to a reader of ours, which reads when the program has ended.
    /// Nobody but the reader can say that it was so much.
    fn put_in(check: &Check, size: usize, chunk: usize, why: &str) -> (u64, u64) {
        let reader = check.listen_with(Buffers::of(size));
        let addr = reader.addr().to_string();
        let (size, chunk) = (size.to_string(), chunk.to_string());
        let program = check.spawn(["capacity", &addr, "--sndbuf", &size, "--chunk", &chunk]);
        let mut peer = reader.accept(&program);
        let line = program.read_line("\"accepted N bytes in M writes\"", RETURNS);
        let (bytes, writes) = accepted(check, &line);
        program.finish().expect_success(RETURNS);
        let came = peer.read_to_end(
            64 << 20,
            "The program has ended: what it wrote can be read.",
        );
        check.require(
            format!("{bytes} bytes to read, as it said"),
            format!("{} bytes", came.len()),
            came.len() as u64 == bytes,
            why,
        );
        (bytes, writes)
    }

    const ADD_UP: &str = "What the kernel has accepted is what the reader gets in the end, not more and not less. Add up what each `write` returned.";

    #[test]
    fn comes_back_when_the_path_is_full() {
        let check = check!();
        let (bytes, writes) = put_in(&check, 65_536, 1000, ADD_UP);
        check.require(
            "more than one write of 1000 bytes",
            format!("{bytes} bytes in {writes} writes"),
            bytes > 1000 && writes > 1 && writes * 1000 >= bytes,
            "Nobody reads, and both buffers hold 64 KiB and more: a single piece of 1000 bytes does not fill them. Write on until a `write` says that it would block, and count every one that took something.",
        );
    }

    #[test]
    fn counts_what_was_taken_and_not_what_was_offered() {
        let check = check!();
        put_in(
            &check,
            4096,
            3_000_000,
            "A piece of 3,000,000 bytes does not fit into buffers of 4 KiB: `write` takes a part of it and returns how much. Count that number, not the size of the piece.",
        );
    }

    /// How many writes of a large piece find room in a path of our own with small buffers: whether
    /// there is room again after a short one is the business of the system.
    fn writes_of_our_own() -> std::io::Result<u32> {
        use socket2::{Domain, Socket, Type};
        use std::io::Write as _;
        let [listening, writer] = [(); 2].map(|()| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.set_send_buffer_size(4096)?;
            socket.set_recv_buffer_size(4096)?;
            std::io::Result::Ok(socket)
        });
        let (listening, writer) = (listening?, writer?);
        listening.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        listening.listen(1)?;
        writer.connect(&listening.local_addr()?)?;
        let (_reader, _) = listening.accept()?;
        writer.set_nonblocking(true)?;
        let piece = vec![b'.'; 3_000_000];
        let mut writes = 0;
        while (&writer).write(&piece).is_ok() {
            writes += 1;
        }
        Ok(writes)
    }

    #[test]
    fn fills_on_after_a_short_write() {
        /// Once would do; on a crowded machine the room may come a moment too late.
        const TRIES: usize = 5;
        let check = check!();
        let has_room_again = || writes_of_our_own().is_ok_and(|writes| writes > 1);
        if !(0..TRIES).any(|_| has_room_again()) {
            check.note("found", "no room after a short write", "on this system");
            return;
        }
        let goes_on = || put_in(&check, 4096, 3_000_000, ADD_UP).1 > 1;
        let went_on = (0..TRIES).any(|_| goes_on());
        check.require(
            "at least once more than one write",
            format!("one write, {TRIES} times"),
            went_on,
            "The first `write` was short: there was no room for all of the piece at that moment. Meanwhile the kernels have moved bytes on, and the next `write` would have found room. A short write is not the end: only WouldBlock says that the path is full.",
        );
    }

    #[test]
    fn finds_more_room_where_the_buffers_are_larger() {
        let check = check!();
        let [small, large] = [4096, 131_072].map(|size| put_in(&check, size, 4096, ADD_UP).0);
        check.require(
            "at least four times as much with 32 times the buffers",
            format!("{small} bytes, then {large} bytes"),
            large >= 4 * small && small > 0,
            "Write until the path is full, whatever its size. A loop with a fixed number of writes measures the loop.",
        );
    }
}

mod step_2 {
    use super::*;

    #[test]
    fn sends_the_rest_after_a_short_write() {
        let check = check!();
        let done = check.run_with_input(["send-all", "--script", "3,1,4"], b"hello world");
        done.expect_stdout(b"hello world\n", |got: &[u8]| match got {
            b"hel\n" => "The first `write` took 3 of 11 bytes and said so: `Ok(3)`. That is a success, and not all. Write again, from the first byte that was not taken, until none is left.",
            got if got.len() > 12 => "Bytes were sent twice. After a `write` that took n, the next one begins n bytes later: offer `&bytes[sent..]`.",
            _ => "Each `write` takes a part, and the next one has to begin exactly behind it: offer `&bytes[sent..]`, and add up what each one returned.",
        });
        done.expect_success("All was taken in the end: that is a success.");
    }

    #[test]
    fn goes_on_after_an_interrupted_write() {
        let check = check!();
        let script = "interrupted,3,interrupted,interrupted,2";
        let done = check.run_with_input(["send-all", "--script", script], b"hello world");
        let why = "A signal interrupted the call before it took anything. Nothing is lost and nothing is wrong: make the same call again. `Ok(0)` and every other error are different.";
        done.expect_stdout(b"hello world\n", why)
            .expect_success(why);
    }

    #[test]
    fn gives_up_on_a_writer_that_takes_nothing() {
        let check = check!();
        let done = check.run_with_input(["send-all", "--script", "3,0,0,0,0"], b"hello world");
        let why = "The second `write` was offered 8 bytes and returned `Ok(0)`. To call again would go round for ever; to return Ok would lose 8 bytes silently. The error for this is `ErrorKind::WriteZero.into()`.";
        done.expect_exit(1, why)
            .expect_error(&["sent 3 of 11", "took nothing"], why);
    }

    #[test]
    fn does_not_write_when_there_is_nothing_to_write() {
        let check = check!();
        let done = check.run_with_input(["send-all", "--script", "0"], b"");
        let why = "All of nothing is sent at once. Look whether anything is left before each `write`: a `write` of 0 bytes returns `Ok(0)`, which is no error then.";
        done.expect_success(why).expect_stdout(b"\n", why);
        check.require(
            "no call of `write`",
            done.stderr.trim_end(),
            !done.stderr.contains("write of "),
            why,
        );
    }

    #[test]
    fn leaves_the_waiting_to_its_caller() {
        let check = check!();
        let done = check.run_with_input(["send-all", "--script", "4,would-block"], b"hello world");
        let why = "`WouldBlock` says that there is no room now. Return it, with how much was sent. To call again at once burns a whole core until the reader moves; only the caller knows how long it wants to wait.";
        done.expect_exit(1, why)
            .expect_error(&["sent 4 of 11", "no room"], why);
    }

    #[test]
    fn says_how_much_was_sent_before_an_error() {
        let check = check!();
        let script = "2,interrupted,3,broken-pipe";
        let done = check.run_with_input(["send-all", "--script", script], b"hello world");
        let why = "The writer took 2 bytes, then 3, then the pipe broke. `Unsent::sent` is the sum of all that was taken before the error, not the last `write` alone; `write_all` cannot say it.";
        done.expect_exit(1, why)
            .expect_error(&["sent 5 of 11", "broken pipe"], why);
        done.expect_stdout(
            b"hello\n",
            "What was taken before the error are the first 5 bytes, each once.",
        );
    }
}

mod step_3 {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn sends_all_to_a_reader_that_reads_in_little_pieces() {
        let check = check!();
        let reader = check.listen_with(Buffers::small());
        let addr = reader.addr().to_string();
        let program = check.spawn(["send", &addr, "--sndbuf", "4096", "--timeout", "600000"]);
        let mut peer = reader.accept(&program);
        let bytes = check.random(60_000);
        program.type_in(&bytes).close_input();
        let why = "The reader is slow, not gone: it takes 6,000 bytes at a time. Hand all of the input to `send_all`; each `write` waits for room. On a non-blocking socket `write` does not wait at all: use `set_write_timeout(Some(patience))`.";
        for piece in bytes.chunks(6_000) {
            peer.expect(piece, why);
        }
        peer.expect_end(
            "All is sent, and the reader cannot know: `shutdown(Shutdown::Write)` says it.",
        );
        peer.close();
        program
            .finish()
            .expect_success("All was sent: that is a success.")
            .expect_stdout(b"sent 60000 bytes\n", "The line is printed by `main`.");

        let timeout = Duration::from_secs(2);
        let millis = timeout.as_millis().to_string();
        let program = check.spawn(["send", &addr, "--sndbuf", "4096", "--timeout", &millis]);
        let mut peer = reader.accept(&program);
        let bytes = check.random(240_000);
        program.type_in(&bytes).close_input();
        let why = "The reader takes 6,000 bytes at a time and rests a little in between: all in all that takes longer than `--timeout`, and no single `write` has waited so long. The time is not for the whole: `set_write_timeout(Some(patience))` once, and it counts anew with each `write`.";
        let began = Instant::now();
        for piece in bytes.chunks(6_000) {
            if began.elapsed() < timeout.mul_f64(1.1) {
                std::thread::sleep(timeout / 20);
            }
            peer.expect(piece, why);
        }
        peer.expect_end(why);
        peer.close();
        program.finish().expect_success(why);
    }

    #[test]
    #[cfg_attr(
        windows,
        ignore = "needs a send that is cut short by its timeout, which Windows does not have"
    )]
    fn gives_up_on_a_reader_that_has_stalled() {
        let check = check!();
        let reader = check.listen_with(Buffers::small());
        let addr = reader.addr().to_string();
        let program = check.spawn(["send", &addr, "--sndbuf", "4096", "--timeout", "200"]);
        let mut peer = reader.accept(&program);
        let bytes = check.random(2_000_000);
        program.type_in(&bytes).close_input();
        let done = program.expect_ends("Nobody reads, and buffers of 4 KiB cannot hold 2,000,000 bytes. Without a timeout on the socket, `write` waits for ever: `set_write_timeout(Some(patience))`. Is it set? Then do not call again after WouldBlock, in `send_all` or around it: it says that the time is up.");
        let why = "Nobody has read a byte, and far more was to be sent than the buffers hold. A `write` with a timeout takes a part and returns how much, with Ok: that is not the end of it. Go on with the rest, and the next `write`, which can place nothing, reports the timeout: hand that on.";
        done.expect_exit(1, why)
            .expect_error(&["sent ", " of 2000000 bytes", "no room"], why);
        let said: Option<usize> = done
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("error: sent "))
            .and_then(|rest| rest.split(' ').next()?.parse().ok());
        let came = peer.read_to_end(4 << 20, "The program has ended: what it wrote can be read.");
        check.require(
            "as many bytes to read as it said were sent, and the right ones",
            format!(
                "{} bytes, and it said {}",
                came.len(),
                said.map_or("nothing".into(), |n| n.to_string())
            ),
            said == Some(came.len()) && bytes.starts_with(&came) && !came.is_empty(),
            "What the kernel has taken comes to the reader sooner or later. A count that differs was not made of what each `write` returned.",
        );
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: elsewhere a reset may hide the end that came before it"
    )]
    fn ends_its_stream_before_the_process_ends() {
        let check = check!();
        let reader = check.listen();
        let addr = reader.addr().to_string();
        let program = check.spawn(["send", &addr, "--timeout", "600000"]);
        let mut peer = reader.accept(&program);
        // Nobody reads it there: a connection that is closed with this in its buffer is reset.
        peer.send(b"?");
        program.close_input();
        peer.expect_end("All is sent, and `send` has to say so itself, with `shutdown(Shutdown::Write)`. The end of the process closes the connection too, but not in order: a byte from the reader lies there unread, so the close is a reset.");
        program
            .finish()
            .expect_success("All was sent: that is a success.");
    }

    #[test]
    fn sends_nothing_but_the_end_when_there_is_no_input() {
        let check = check!();
        let reader = check.listen();
        let addr = reader.addr().to_string();
        let program = check.spawn(["send", &addr, "--timeout", "600000"]);
        let mut peer = reader.accept(&program);
        program.close_input();
        peer.expect_end("There was no input: all that is left to say is the end, with `shutdown(Shutdown::Write)`.");
        program
            .finish()
            .expect_success("Nothing was to be sent, and nothing was: that is a success.");

        // Elsewhere a half-close of a connection that was reset may succeed.
        if cfg!(target_os = "linux") {
            let program = check.spawn(["send", &addr, "--timeout", "600000"]);
            reader.accept(&program).reset();
            program.close_input();
            let why = "The reader has reset the connection before the input ended. There is no byte to be sent that could fail, but the end comes to nobody either: `shutdown(Shutdown::Write)` fails. Its error is an `Unsent` too, with all bytes sent.";
            program
                .finish()
                .expect_exit(1, why)
                .expect_error(&["sent 0 of 0 bytes"], why);
        }
    }
}

mod step_4 {
    use super::*;

    const NOTHING_CAME: &str = "Bytes went in, and nothing came out. Has the program ended? Then a `read` returned 0, perhaps because its buffer had no room: `read` fills a slice as far as its length reaches. `Vec::with_capacity(n)` has memory for n bytes and the length 0; `vec![0; n]` has the length n. Does it still wait? Then write what each `read` brought at once, and flush: `read_to_end`, `read_exact` and a loop that fills the buffer wait for more than is there.";

    #[test]
    fn has_room_for_what_arrives() {
        let check = check!();
        let server = check.start(["drain"]);
        let mut peer = check.connect(&server);
        for piece in [&b"hello"[..], b" ", b"and more \0\xff"] {
            peer.send(piece);
            server.expect_output(piece, |got: &[u8]| {
                if got.is_empty() {
                    NOTHING_CAME
                } else {
                    "Every byte is to be written once and unchanged, and no other: the first n bytes of the buffer, `&buffer[..n]`."
                }
            });
        }
        let long = [&b"a line\n"[..], &[b'x'; 3000]].concat();
        peer.send(&long);
        server.expect_output(&long, |got: &[u8]| {
            if got.is_empty() {
                NOTHING_CAME
            } else {
                "The rest of it was read from the socket and is not in the output. `write` may take less than it is given, and returns how much it took; standard output does so where much follows a newline. `write_all` calls it again for the rest."
            }
        });
        peer.half_close();
        server.finish().expect_success(
            "The sender has ended its stream: a `read` of 0 bytes. Return what was counted.",
        );

        let server = check.start(["drain"]);
        let mut peer = check.connect(&server);
        peer.send(b"hello");
        server.expect_output(b"hello", NOTHING_CAME);
        peer.reset();
        let why = "The sender has reset the connection: `read` fails with ConnectionReset. That is not the end of the stream, and nobody knows how much is missing. Return the error: only a `read` of 0 bytes says that all is there.";
        server
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error::<&str>(&[], why);
    }

    #[test]
    fn receives_one_byte_at_a_time() {
        let check = check!();
        let server = check.start(["drain"]);
        let mut peer = check.connect(&server);
        peer.send_one_by_one(b"hello");
        server.expect_output(b"hello", |got: &[u8]| {
            if got.is_empty() {
                "Five bytes were sent, one by one, and none came out. Is there a `flush` after each `write_all`? Without it they wait in `output`. Does the program collect? A `read` that brings one byte is complete: write it, flush, and read again."
            } else {
                "The sender sent each byte by itself. A `read` that brings one byte is complete: write it, flush, and read again. Only a `read` of 0 bytes into a buffer with room is the end."
            }
        });
        peer.half_close();
        let done = server.finish();
        done.expect_success("The sender has ended its stream in order.");
        check.require(
            "\"received 5 bytes in 5 reads\" on standard error",
            &done.stderr,
            done.stderr.contains("received 5 bytes in 5 reads"),
            "Each byte came by itself, and needed a `read` of its own: five reads that brought something. The last one, of 0 bytes, does not count.",
        );
    }

    #[test]
    fn reads_no_more_at_a_time_than_it_is_told() {
        let check = check!();
        let server = check.start(["drain", "--chunk", "7"]);
        let mut peer = check.connect(&server);
        let bytes = check.random(70_001);
        peer.send(&bytes).half_close();
        server.expect_output(&bytes, "Every byte is to be written, in order.");
        let done = server.finish();
        done.expect_success("The sender has ended its stream in order.");
        let numbers: Vec<u64> = done
            .stderr
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|word| word.parse().ok())
            .collect();
        check.require(
            "70001 bytes in 10001 reads or more",
            done.stderr.trim_end(),
            matches!(numbers[..], [70_001, reads] if reads >= 10_001),
            "One `read` brings at most as much as its buffer is long, and `chunk` says how long that is: here 7 bytes. Count the bytes, and the reads that brought some.",
        );
    }
}

mod step_5 {
    use super::*;

    const AT_ONCE: &str = "What one `read` brought is to be sent on at once, before the next `read`. To collect first, or to read until the end, keeps the far reader waiting for a sender that may never end.";

    #[test]
    fn passes_on_what_comes_as_it_comes() {
        let check = check!();
        let far = check.listen();
        let relay = check.start(["relay", "--to", &far.addr().to_string()]);
        let mut sender = check.connect(&relay);
        let mut reader = far.accept(&relay);
        for piece in [&b"hello"[..], b"x", b"and more \0\xff"] {
            sender.send(piece);
            reader.expect(piece, |got: &[u8]| {
                if got.is_empty() {
                    AT_ONCE
                } else {
                    "Every byte is to be sent on once and unchanged, and no other: the first n bytes of the buffer, `&buffer[..n]`."
                }
            });
        }
    }

    #[test]
    fn passes_on_the_end() {
        let check = check!();
        let far = check.listen();
        let relay = check.start(["relay", "--to", &far.addr().to_string()]);
        let mut sender = check.connect(&relay);
        let mut reader = far.accept(&relay);
        sender.send(b"the last words").half_close();
        reader.expect(b"the last words", AT_ONCE);
        reader.expect_end("The sender has ended its stream: a `read` of 0 bytes. The far reader knows only what it is told: `shutdown(Shutdown::Write)` on `to`.");
        relay
            .finish()
            .expect_success("The sender ended its stream in order, and all was passed on.")
            .expect_stdout(
                format!("listening {}\ncopied 14 bytes\n", relay.addr()),
                "Return how many bytes were passed on: 14. `main` prints it.",
            );
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: elsewhere a reset may hide the end that came before it"
    )]
    fn passes_on_the_end_before_the_process_ends() {
        let check = check!();
        let far = check.listen();
        let relay = check.start(["relay", "--to", &far.addr().to_string()]);
        let mut sender = check.connect(&relay);
        let mut reader = far.accept(&relay);
        // Nobody reads it there: a connection that is closed with this in its buffer is reset.
        reader.send(b"?");
        sender.send(b"the last words");
        reader.expect(b"the last words", AT_ONCE);
        sender.half_close();
        reader.expect_end("The sender has ended its stream. Pass that on with `shutdown(Shutdown::Write)` on `to`, before you return. The end of the process closes the connection too, but not in order: a byte from the far reader lies there unread, so the close is a reset.");
        relay
            .finish()
            .expect_success("The sender ended its stream in order, and all was passed on.");
    }

    #[test]
    fn stalls_its_sender_while_the_reader_stalls() {
        let check = check!();
        let buffers = Buffers::of(65536);
        let far = check.listen_with(buffers);
        let to = far.addr().to_string();
        let relay = check.start([
            "relay", "--to", &to, "--rcvbuf", "65536", "--sndbuf", "65536", "--chunk", "16384",
        ]);
        let mut sender = check.connect_with(&relay, buffers);
        let mut reader = far.accept(&relay);
        let bytes = check.random(65521).repeat(160);
        let sent = sender.send_until_full(&bytes);
        check.require(
            "fewer than 5,000,000 bytes taken while nobody reads at the far end",
            format!("{sent} bytes taken"),
            sent < 5_000_000,
            "Four buffers of 64 KiB lie on the way, and the program may hold 16 KiB. All the rest is in the program's memory: it reads from one side although the other side takes nothing. Do not read again before `send_all` has returned, and put no queue without a limit between the two.",
        );
        reader.expect(
            &bytes[..sent],
            "The far reader reads again: what waited on the way comes now, all of it and in order.",
        );
        sender.send_through(
            &bytes[sent..],
            &mut reader,
            &bytes[sent..],
            "Once the far reader reads again, the rest passes too, all of it and in order.",
        );
        sender.half_close();
        reader
            .expect_end("All was sent: pass on the end, with `shutdown(Shutdown::Write)` on `to`.");
        relay
            .finish()
            .expect_success("A reader that stalls for a while is no failure.");
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: the memory of another program cannot be seen elsewhere"
    )]
    fn holds_no_more_memory_however_much_passes() {
        let check = check!();
        let buffers = Buffers::of(131_072);
        let far = check.listen_with(buffers);
        let relay = check.start(["relay", "--to", &far.addr().to_string()]);
        let mut sender = check.connect_with(&relay, buffers);
        let mut reader = far.accept(&relay);
        sender.send(b"x");
        reader.expect(b"x", AT_ONCE);
        let before = relay.peak_memory().unwrap_or_default();
        let bytes = check.random(65521).repeat(512);
        sender.send_through(
            &bytes,
            &mut reader,
            &bytes,
            "All of it is to pass, in order.",
        );
        let grown = relay
            .peak_memory()
            .unwrap_or_default()
            .saturating_sub(before);
        check.require(
            "less than 8 MiB of memory more, after 32 MiB have passed",
            format!("{} KiB more", grown / 1024),
            grown < 8 << 20,
            "What was sent on is not needed any more. One buffer of `chunk` bytes is used again for each `read`; a collection that each piece is added to grows for ever.",
        );
    }

    /// Sends until nothing is taken for a while, longer than an acknowledgement is kept back.
    #[cfg(target_os = "linux")]
    fn fill(sender: &socket2::Socket) -> usize {
        use std::io::Write as _;
        use std::time::{Duration, Instant};
        let mut writer = sender;
        let mut taken = 0;
        let mut quiet = Instant::now();
        while quiet.elapsed() < Duration::from_millis(300) && taken < 64 << 20 {
            match writer.write(&[b'x'; 16 << 10]) {
                Ok(n) => {
                    taken += n;
                    quiet = Instant::now();
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        taken
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux: a program cannot be stopped for a moment elsewhere"
    )]
    fn holds_no_more_than_a_chunk() {
        #[cfg(target_os = "linux")]
        {
            let check = check!();
            let far = check.listen_with(Buffers::small());
            let to = far.addr().to_string();
            let relay = check.start([
                "relay", "--to", &to, "--rcvbuf", "131072", "--sndbuf", "4096", "--chunk", "1000",
            ]);
            let domain = socket2::Domain::for_address(relay.addr());
            let sender =
                socket2::Socket::new(domain, socket2::Type::STREAM, None).expect("a socket");
            let _ = sender.set_send_buffer_size(4096);
            let connected = sender.connect(&relay.addr().into());
            connected.expect("the program listens");
            let mut reader = far.accept(&relay);
            let _ = sender.send(b"x");
            reader.expect(b"x", AT_ONCE);
            let _ = sender.set_nonblocking(true);
            let mut full = 0;
            relay.while_stopped(|| full = fill(&sender));
            check.note("sent", format!("{full} bytes"), "until there was no room");
            let more = fill(&sender);
            check.require(
                format!("fewer than {} bytes more that find room", full / 2),
                format!("{more} bytes"),
                more < full / 2,
                "The far reader reads nothing, its buffers are of 4 KiB, and `--chunk` is 1000: so the relay takes little out of its receive buffer, and makes little room for its sender. This one took most of what was there with one `read`. Make the buffer that you read into `chunk` bytes long.",
            );
        }
    }

    #[test]
    fn says_so_when_the_reader_is_gone() {
        let check = check!();
        let far = check.listen_with(Buffers::small());
        let to = far.addr().to_string();
        let relay = check.start(["relay", "--to", &to, "--rcvbuf", "4096", "--sndbuf", "4096"]);
        let mut sender = check.connect_with(&relay, Buffers::small());
        far.accept(&relay).reset();
        // More than fits on the way: whenever the reset arrives, there is something left to write.
        sender.send_until_full(check.random(2_000_000));
        let why = "The far reader has reset its connection, and what is sent there comes to nobody: `write` says ConnectionReset or BrokenPipe. Return that error: the sender shall not go on for nothing, and `main` ends with 1.";
        relay
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error::<&str>(&[], why);

        // The other side.
        let relay = check.start(["relay", "--to", &to]);
        let mut sender = check.connect(&relay);
        let mut reader = far.accept(&relay);
        sender.send(b"hello");
        reader.expect(b"hello", AT_ONCE);
        sender.reset();
        let why = "The sender has reset its connection: `read` fails with ConnectionReset. That is not the end of its stream, and is not passed on as one. Return the error, and `main` ends with 1: only a `read` of 0 bytes says that all was copied.";
        relay
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error::<&str>(&[], why);
    }
}

mod step_6 {
    use super::*;

    const EMPTIES: &str = "The writer takes all in the end, so `put` and `flush` come to an end too. `flush` has to take out of `waiting` what was written: a buffer that stays full has no room, and is written again and again. And a piece that is longer than `size` never fits as a whole: put in what finds room, flush, and go on with the rest.";

    /// Runs `gather` with `lines` on its standard input.
    fn gather(check: &Check, flags: &[&str], lines: &str) -> testkit::Finished {
        let program = check.spawn([&["gather"], flags].concat());
        program.feed(lines);
        program.expect_ends(EMPTIES)
    }

    /// How many bytes were offered in each call of the writer.
    fn offered(done: &testkit::Finished) -> Vec<usize> {
        let calls = done.stderr.lines().filter_map(|line| {
            let rest = line.strip_prefix("write of ")?;
            rest.split(' ').next()?.parse().ok()
        });
        calls.collect()
    }

    #[test]
    fn makes_few_writes_of_many_small_pieces() {
        let check = check!();
        let lines: String = (0..2000).map(|n| format!("line {n:04}\n")).collect();
        let done = gather(&check, &["--size", "4096"], &lines);
        done.expect_success(EMPTIES);
        done.expect_stdout(
            &lines,
            "Every byte is to be written once and in order. What waits at the end is written by `flush`.",
        );
        let calls = offered(&done).len();
        check.require(
            "at most 6 writes for 20,000 bytes with 4,096 waiting",
            format!("{calls} writes"),
            (1..=6).contains(&calls),
            "2,000 pieces of 10 bytes fit into five buffers of 4,096 bytes. Let the pieces wait, and write only when the next one does not fit.",
        );
    }

    #[test]
    fn never_lets_more_wait_than_it_may() {
        let check = check!();
        let lines = "ab\nabcdefghijklmnopqrstuvwxyz\n\n\ncd\nabcdefghijklmnopqrstuvwxy\n";
        let script = ["--size", "8", "--script", "3,interrupted,1"];
        let done = gather(&check, &script, lines);
        done.expect_success(EMPTIES);
        done.expect_stdout(
            lines,
            "Every byte is to be written once and in order, also of a piece that is longer than the buffer, and after a short write.",
        );
        let largest = offered(&done).into_iter().max().unwrap_or(0);
        check.require(
            "no write of more than 8 bytes",
            format!("one of {largest}"),
            (1..=8).contains(&largest),
            "`size` is a limit: 8 bytes may wait, and a piece of 27 is written in pieces of 8. A buffer that grows to fit is a buffer without a bound.",
        );
    }

    #[test]
    fn fills_up_before_it_writes() {
        let check = check!();
        let lines = "abc\nabcdefghijk\n";
        let done = gather(&check, &["--size", "8"], lines);
        done.expect_success(EMPTIES);
        done.expect_stdout(lines, "Every byte is to be written once and in order.");
        let calls = offered(&done);
        check.require(
            "two writes, of 8 bytes each",
            format!("writes of {calls:?} bytes"),
            calls == [8, 8],
            "4 bytes wait, and 12 come: 4 of them find room, and the full buffer of 8 is written. The 8 that are left fit and wait for `flush`. Whoever writes what waits before it is full makes more and smaller writes.",
        );
    }

    #[test]
    fn keeps_the_rest_after_a_flush_that_failed() {
        let check = check!();
        let flags = ["--size", "8", "--script", "3,would-block"];
        let done = gather(&check, &flags, "abcdef\n");
        let why = "The writer took 3 of 7 bytes, and then there was no room. `main` calls `flush` once more: 4 bytes are left to write. What was taken must be gone from `waiting` also after an error, and the rest must still be there: `Unsent::sent` says where to cut.";
        done.expect_stdout("abcdef\n", why).expect_success(why);
    }
}
