//! The checks of chapter 8. Each runs the program and is the other end of its stream: one that cuts it
//! anywhere, joins what it likes, lies about lengths, and leaves in the middle. A few give it a writer or
//! a reader that does what a script says.
use std::time::{Duration, Instant};

use testkit::{Check, check};

/// A frame with a length prefix, made here and not by the program.
fn prefixed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], message].concat()
}

/// `receive` with these words more gets `stream` cut in two, at each place in turn, and must print
/// `lines`, whatever the place.
fn at_every_split(check: &Check, words: &[&str], stream: &[u8], lines: &str, why: &str) {
    for at in 1..stream.len() {
        let program = check.start([&["receive"], words].concat());
        let mut peer = check.connect(&program);
        peer.send_split(stream, &[at]).half_close();
        program.expect_output(lines, why);
        program.finish().expect_success(END);
    }
}

const END: &str = "The stream has ended behind the last byte of a frame: that is a good place to end, `Ok(None)`.";

/// For a line after the last message.
fn no_more(got: &[u8]) -> &'static str {
    if got.is_empty() {
        END
    } else {
        "More came out than was sent. `read` says how many bytes it has brought, and that may be fewer than there was room for: only those n are the peer's, `&piece[..n]`. And what a frame has used up is gone, and not decoded again."
    }
}

mod step_1 {
    use super::*;

    #[test]
    fn puts_the_length_in_front() {
        let check = check!();
        let done = check.run_with_input(["encode"], b"hello\nstruct.pack\n");
        done.expect_stdout(
            [prefixed(b"hello"), prefixed(b"struct.pack")].concat(),
            |got: &[u8]| match got {
                [5, 0, 0, 0, ..] => "The length is there, and its least significant byte comes first. Network byte order has the most significant one first: `to_be_bytes`.",
                [b'h', ..] => "The message came without a length. Its length comes first, as four bytes.",
                [0, 0, 0, 9, ..] => "The length counts the message alone, and not the four bytes in which it stands.",
                [0, 0, 0, 6, ..] => "The length counts the message, and no end of the line: `message` holds exactly what is to be sent.",
                [0, 0, 0, 11, ..] => "The first frame is gone. `stream` may hold frames already: `encode` appends to it, and clears nothing.",
                [0, 5, ..] | [5, b'h', ..] => "The length takes up four bytes, also when one would do: the receiver must know how many to read.",
                _ => "A frame is the length of the message as four bytes, the most significant first, and then the message.",
            },
        );
        done.expect_success("Both messages could be encoded.");
    }

    #[test]
    fn counts_bytes_and_not_characters() {
        let check = check!();
        let done = check.run_with_input(["encode"], "粘包\n\\xff\\x00\n");
        done.expect_stdout(
            [prefixed("粘包".as_bytes()), prefixed(b"\xff\0")].concat(),
            |got: &[u8]| match got {
                [0, 0, 0, 2, ..] => "Two characters, and six bytes. What goes over the wire are bytes, and the receiver counts bytes: the length is `message.len()`.",
                _ => "A message is bytes, whatever they mean: six for two Chinese characters in UTF-8, and two that are no text at all. They go into the frame as they are.",
            },
        );
        done.expect_success("A message need not be text.");
    }

    #[test]
    fn frames_an_empty_message_too() {
        let check = check!();
        let done = check.run_with_input(["encode"], b"\na\n\n");
        done.expect_stdout(
            [prefixed(b""), prefixed(b"a"), prefixed(b"")].concat(),
            "A message of no bytes is a message: its frame is four zero bytes. Leave it out, and the receiver gets fewer messages than were sent.",
        );
        done.expect_success("All three could be encoded.");
    }

    #[test]
    fn refuses_a_message_longer_than_it_may_be() {
        let check = check!();
        let done = check.run_with_input(["encode", "--max", "5"], b"hello\nhello!\n");
        let why = "`max` is 5: a message of 5 bytes may be sent, one of 6 may not, because no receiver would take it. Look before anything is written to `stream`, and return Fault::TooLong: `stream` is left as it was, with the frames of the messages before.";
        done.expect_stdout(prefixed(b"hello"), why);
        done.expect_exit(1, why)
            .expect_error(&["message 2", "6 bytes", "at most 5"], why);
    }
}

mod step_2 {
    use super::*;

    /// What `decode` finds when it is shown `chunk` bytes more each time.
    fn expect(check: &Check, chunk: &str, stream: &[u8], lines: &[&str], why: &str) {
        let done = check.run_with_input(["decode", "--chunk", chunk], stream);
        done.expect_stdout_lines(lines, why);
        done.expect_success(why);
    }

    #[test]
    fn waits_until_all_of_it_is_there() {
        let check = check!();
        let stream = [prefixed(b"hello"), prefixed(b"a")].concat();
        expect(
            &check,
            "1",
            &stream,
            &["5 \"hello\"", "1 \"a\"", "end after 2 messages"],
            "`decode` is shown one byte more each time. With fewer than four there is no length yet, and with fewer than the length announces there is no message yet: both are `Ok(None)`. Then `used` is all of the frame, the prefix and the message.",
        );
    }

    #[test]
    fn leaves_what_follows_to_the_next_call() {
        let check = check!();
        let stream = [prefixed(b"one"), prefixed(b"two"), prefixed(b"three")].concat();
        expect(
            &check,
            "1000",
            &stream,
            &[
                "3 \"one\"",
                "3 \"two\"",
                "5 \"three\"",
                "end after 3 messages",
            ],
            "All three frames are there at once. One call returns the first message, as long as its prefix says, and in `used` the bytes of that frame alone: the rest is shown to the next call.",
        );
    }

    #[test]
    fn decodes_an_empty_message() {
        let check = check!();
        let stream = [prefixed(b""), prefixed(b"a"), prefixed(b"")].concat();
        let why = "Four zero bytes are a whole frame: a message of 0 bytes that takes up 4. \"Nothing is there yet\" and \"a message with nothing in it\" are different answers: `Ok(None)` and `Ok(Some(…))`.";
        let lines = ["0 \"\"", "1 \"a\"", "0 \"\"", "end after 3 messages"];
        expect(&check, "1", &stream, &lines, why);
        expect(&check, "1000", &stream, &lines, why);
    }

    #[test]
    fn refuses_a_length_before_the_bytes_come() {
        let check = check!();
        let why = "The prefix announces more than a message may have, and it may be a lie: no byte of it has come. Compare the length with `max` as soon as you know it, before you wait for the bytes or make room for them.";
        let stream = [&prefixed(b"hello")[..], &[0xff; 4]].concat();
        let done = check.run_with_input(["decode"], stream);
        done.expect_exit(1, why).expect_error(
            &["after 1 message", "4294967295 bytes", "at most 65536"],
            why,
        );
        done.expect_stdout_lines(&["5 \"hello\""], "The first frame was whole and right.");
        let stream = [&prefixed(b"hello")[..], &[0, 0, 0, 6]].concat();
        let done = check.run_with_input(["decode", "--max", "5"], stream);
        let why = "`max` is 5: a message of 5 bytes is taken, and an announced one of 6 is refused at once.";
        done.expect_stdout_lines(&["5 \"hello\""], why);
        done.expect_exit(1, why)
            .expect_error(&["after 1 message", "6 bytes", "at most 5"], why);
    }
}

mod step_3 {
    use super::*;

    #[test]
    fn sends_each_message_in_its_frame() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["send", &listener.addr().to_string()]);
        let mut peer = listener.accept(&program);
        for message in ["hello", "", "粘包"] {
            program.type_in(format!("{message}\n"));
            peer.expect(prefixed(message.as_bytes()), |got: &[u8]| {
                if got.is_empty() {
                    "A message is sent when it is there, and not when there are more: encode it, write all of the frame, flush."
                } else {
                    "What goes into the stream is the frame, as `encode` makes it, and nothing else."
                }
            });
        }
        program.close_input();
        peer.expect_end("There are no more messages: `main` ends the stream.");
        program.finish().expect_success("All messages were sent.");
    }

    #[test]
    fn sends_the_longest_message_and_no_longer_one() {
        let check = check!();
        let listener = check.listen();
        let addr = listener.addr().to_string();
        let program = check.spawn(["send", &addr, "--max", "100000"]);
        let mut peer = listener.accept(&program);
        let longest = vec![b'm'; 100_000];
        program.feed([&longest[..], b"\n", &longest, b"m\n"].concat());
        peer.expect(
            prefixed(&longest),
            "A message of exactly `max` bytes may be sent, and all of it: one `write` may take a part only, so use `write_all` or your own `send_all`.",
        );
        let why = "The second message is a byte too long, and `encode` says so. Of a message that cannot be encoded not a byte goes into the stream, its prefix neither.";
        peer.expect_end(why);
        let done = program.expect_ends(why);
        done.expect_exit(1, why)
            .expect_error(&["message 2", "100001 bytes", "at most 100000"], why);
    }

    #[test]
    fn sends_a_frame_in_one_write() {
        let check = check!();
        let done = check.run_with_input(["send", "--script", "1000"], "hello\n\n粘包\n");
        let frames = ["hello", "", "粘包"].map(|message| prefixed(message.as_bytes()));
        done.expect_stdout(
            frames.concat(),
            "The writer takes all that it is offered: the three frames, and nothing else.",
        );
        done.expect_success("All messages were sent.");
        let writes = done.stderr.matches("write of ").count();
        check.require(
            "3 writes for 3 messages",
            format!("{writes} writes"),
            writes == 3,
            "A frame goes out in one `write`: `encode` has put it into one Vec, and all of that is offered at once. In parts, the second one may wait for the acknowledgement of the first.",
        );
    }

    #[test]
    fn sends_what_a_write_has_left() {
        let check = check!();
        let script = ["send", "--script", "3,interrupted,1,interrupted,2"];
        let done = check.run_with_input(script, b"hello\nbye\n");
        let why = "A `write` may take a part and say how many bytes that were, and one that a signal interrupts takes none. Both are no failure: the rest of the frame goes into the next `write`. `write_all` does it, and so does your `send_all` of chapter 7.";
        done.expect_stdout([prefixed(b"hello"), prefixed(b"bye")].concat(), why);
        done.expect_success(why);
    }

    #[test]
    fn prints_a_message_as_soon_as_it_is_complete() {
        let check = check!();
        let program = check.start(["receive"]);
        let mut peer = check.connect(&program);
        for (message, line) in [(&b"hello"[..], "5 \"hello\""), (b"", "0 \"\"")] {
            peer.send(prefixed(message));
            program.expect_line(line, |got: &[u8]| match got {
                [b'5', ..] if message.is_empty() => "The first message came once more. What its frame has used is used up: remove those bytes from `arrived` before you return the message.",
                [] if message.is_empty() => "The frame of an empty message has come, all four bytes of it, and the connection stays open. That is a message too, and is returned as one: `Ok(Some(…))` with an empty Vec.",
                _ => "All of the frame has come, and the connection stays open. Decode after each `read`: a loop that reads until the end, or until a buffer is full, waits for what may never come.",
            });
        }
        peer.half_close();
        program.expect_line("end after 2 messages", no_more);
        program.finish().expect_success(END);
    }

    #[test]
    fn separates_messages_that_came_together() {
        let check = check!();
        let program = check.start(["receive"]);
        let mut peer = check.connect(&program);
        peer.send([prefixed(b"one"), prefixed(b"two"), prefixed(b"three")].concat());
        let why = "Three messages came in one piece, and one `read` may bring all of them. Keep what is behind the first frame, and look there for the next one before you read again: only `frame.used` bytes are used up.";
        for line in ["3 \"one\"", "3 \"two\"", "5 \"three\""] {
            program.expect_line(line, why);
        }
        peer.half_close();
        program.expect_line("end after 3 messages", no_more);
        program.finish().expect_success(END);
    }

    #[test]
    fn puts_messages_together_at_every_split() {
        let check = check!();
        let stream = [prefixed(b"one"), prefixed(b""), prefixed(b"three")].concat();
        at_every_split(
            &check,
            &[],
            &stream,
            "3 \"one\"\n0 \"\"\n5 \"three\"\nend after 3 messages\n",
            "The same stream, cut in two at another place, holds the same messages. A `read` returns the bytes that are there, and where it stops means nothing: append the n bytes that came to what is left of the last `read`, and try again.",
        );
    }

    #[test]
    fn reads_byte_by_byte() {
        let check = check!();
        let program = check.start(["receive"]);
        let mut peer = check.connect(&program);
        let message = check.random(30);
        peer.send_one_by_one(prefixed(b"hello"));
        program.expect_line(
            "5 \"hello\"",
            "Each byte came by itself, also those of the prefix. A `read` of one byte is complete: keep it, and read on until `decode` finds a frame.",
        );
        peer.send_split(prefixed(&message), &[10]).half_close();
        let line = program.read_line(
            "30 and a message in quotation marks",
            "A second message follows.",
        );
        check.require(
            "a message of 30 bytes",
            &line,
            line.starts_with("30 \""),
            "The message came in two pieces, and only the two together are it.",
        );
        program.expect_line("end after 2 messages", no_more);
        program.finish().expect_success(END);
    }

    #[test]
    fn keeps_a_character_that_is_cut_in_two() {
        let check = check!();
        let stream = prefixed("粘é😀".as_bytes());
        at_every_split(
            &check,
            &[],
            &stream,
            "9 \"粘é😀\"\nend after 1 message\n",
            "A character of UTF-8 may take two to four bytes, and a `read` may bring the first of them only. Collect bytes, and not text: only a whole message can be read as UTF-8, and `main` does that.",
        );
    }

    #[test]
    fn an_end_between_frames_is_a_success() {
        let check = check!();
        for (stream, line) in [
            (vec![], "end after 0 messages"),
            (prefixed(b""), "end after 1 message"),
        ] {
            let program = check.start(["receive", "--quiet"]);
            let mut peer = check.connect(&program);
            peer.send(&stream).half_close();
            program.expect_line(line, no_more);
            program.finish().expect_success(END);
        }
    }

    #[test]
    fn an_end_within_a_frame_is_an_error() {
        let check = check!();
        for (at, place) in [
            (2, "the prefix"),
            (4, "the prefix and the message"),
            (7, "the message"),
        ] {
            check.note("next", "a stream that ends early", format!("at {place}"));
            let program = check.start(["receive"]);
            let mut peer = check.connect(&program);
            peer.send(prefixed(b"hello"))
                .send(&prefixed(b"again")[..at])
                .half_close();
            let why = "The peer left within a frame: it was cut off, or gave up, and the message is not what it wanted to say. A `read` of 0 bytes is an end in order only when nothing is left over; otherwise it is Fault::EndWithin.";
            program.expect_line("5 \"hello\"", "The first frame was complete.");
            let done = program.finish();
            done.expect_exit(1, why).expect_error(
                &["after 1 message", "within a frame", &format!("{at} bytes")],
                why,
            );
        }
    }

    #[test]
    fn a_connection_that_breaks_is_an_error() {
        let check = check!();
        let program = check.start(["receive"]);
        let mut peer = check.connect(&program);
        peer.send(prefixed(b"hello"));
        program.expect_line("5 \"hello\"", "The first frame was complete.");
        peer.reset();
        let why = "The peer has reset the connection: this `read` fails, and did not return 0. What was still to come is lost, and only an end of the stream is an end in order. Return the error: Fault::Io.";
        let done = program.expect_ends(why);
        done.expect_exit(1, why)
            .expect_error(&["after 1 message"], why);
    }

    #[test]
    fn reads_again_after_an_interruption() {
        let check = check!();
        let stream = [prefixed(b"hello"), prefixed(b"bye")].concat();
        let script = "interrupted,1,interrupted,interrupted,6,interrupted,2,interrupted";
        let done = check.run_with_input(["receive", "--script", script], stream);
        let why = "A signal interrupted the `read` before it brought anything (`ErrorKind::Interrupted`). Nothing is lost and nothing has ended: make the same call again. Every other error is returned.";
        done.expect_stdout_lines(&["5 \"hello\"", "3 \"bye\"", "end after 2 messages"], why);
        done.expect_success(why);
    }

    #[test]
    fn refuses_a_hostile_length_while_the_peer_waits() {
        let check = check!();
        let program = check.start(["receive"]);
        let mut peer = check.connect(&program);
        peer.send([&prefixed(b"hello")[..], &[0xff; 4]].concat());
        program.expect_line("5 \"hello\"", "The first frame was complete.");
        let why = "The prefix announces 4 GiB, the peer sends none of it and stays. What `decode` says against it ends the work at once: return its error, and read no more.";
        program.expect_ends(why).expect_exit(1, why).expect_error(
            &["after 1 message", "4294967295 bytes", "at most 65536"],
            why,
        );
    }

    #[test]
    fn holds_no_more_than_a_message() {
        const MESSAGES: usize = 400;
        let check = check!();
        let program = check.start(["receive", "--quiet"]);
        let mut peer = check.connect(&program);
        let frames = prefixed(&[b'x'; 65536]).repeat(10);
        for _ in 0..MESSAGES / 10 {
            peer.send(&frames);
        }
        peer.expect_nothing_yet("A receiver sends nothing.");
        let peak = program.peak_memory();
        check.require(
            "at most 16 MiB of memory, after 25 MiB of messages",
            peak.map_or("a system that does not tell".into(), |bytes| {
                format!("{} MiB at the most", bytes >> 20)
            }),
            peak.is_none_or(|bytes| bytes <= 16 << 20),
            "No message is longer than 64 KiB, and yet the memory grows with the stream. What is used up must go: remove the bytes of each frame that was decoded.",
        );
        peer.half_close();
        program.expect_line(
            "end after 400 messages",
            "Each frame is as long as a message may be: 65536 bytes. All of them are to be taken.",
        );
        program.finish().expect_success(END);
    }
}

mod step_4 {
    use super::*;

    const CURE: [&str; 2] = ["--cure", "delimiter"];

    #[test]
    fn ends_each_message_with_the_delimiter() {
        let check = check!();
        let done = check.run_with_input(["encode", "--cure", "delimiter"], b"one\n\ntwo\n");
        done.expect_stdout(
            b"one\r\n\r\ntwo\r\n",
            "Behind each message come the two bytes of the delimiter, also behind the empty one and the last one.",
        );
        done.expect_success("All three could be encoded.");
    }

    #[test]
    fn refuses_a_message_that_holds_the_delimiter() {
        let check = check!();
        let listener = check.listen();
        let addr = listener.addr().to_string();
        let program = check.spawn([&["send", &addr], &CURE[..]].concat());
        let mut peer = listener.accept(&program);
        program
            .type_in(b"one\ntwo\\r\\nthree\\r\\nfour\nfive\n")
            .close_input();
        let why = "The second message holds the delimiter itself. In the stream it would be two messages, and nobody could tell: `encode` returns Fault::HoldsDelimiter, and nothing of the message is sent.";
        peer.expect(b"one\r\n", "The first message holds no delimiter.");
        peer.expect_end(why);
        let done = program.expect_ends(why);
        done.expect_exit(1, why)
            .expect_error(&["message 2", "holds the delimiter"], why);
        done.expect_error(
            &["message 2", "at byte 3"],
            "The message holds the delimiter twice, and the place to tell is that of the first: how many bytes come before it.",
        );
    }

    #[test]
    fn refuses_a_line_longer_than_it_may_be() {
        let check = check!();
        let words = ["encode", "--cure", "delimiter", "--max", "5"];
        let done = check.run_with_input(words, b"hello\nhello!\n");
        let why = "`max` is 5: a message of 5 bytes may be sent, and its delimiter is not counted. One of 6 bytes no receiver would take: return Fault::TooLong, as the prefix does, and leave `stream` as it was.";
        done.expect_stdout(b"hello\r\n", why);
        done.expect_exit(1, why)
            .expect_error(&["message 2", "6 bytes", "at most 5"], why);
    }

    #[test]
    fn half_a_delimiter_is_a_byte_like_any_other() {
        let check = check!();
        let input = b"a\\rb\nc\\nd\n\\n\\r\n\\r\n";
        let stream = b"a\rb\r\nc\nd\r\n\n\r\r\n\r\r\n";
        let encoded = check.run_with_input(["encode", "--cure", "delimiter"], input);
        let why = "A carriage return without a line feed behind it ends nothing, and a line feed without a carriage return before it neither. The delimiter is the two together.";
        encoded.expect_stdout(stream, why).expect_success(why);
        for chunk in ["1", "2", "1000"] {
            let done =
                check.run_with_input(["decode", "--cure", "delimiter", "--chunk", chunk], stream);
            done.expect_stdout_lines(
                &[
                    "3 \"a\\rb\"",
                    "3 \"c\\nd\"",
                    "2 \"\\n\\r\"",
                    "1 \"\\r\"",
                    "end after 4 messages",
                ],
                |got: &[u8]| {
                    let second = got.strip_prefix(b"3 \"a\\rb\"\n");
                    if second.is_some_and(|rest| !rest.starts_with(b"3 \"c\\nd\"\n")) {
                        "The first message is right, and the next one begins in the wrong place. `used` is all of the frame: the message and both bytes of the delimiter."
                    } else {
                        why
                    }
                },
            );
            done.expect_success(why);
        }
    }

    #[test]
    fn finds_a_delimiter_that_is_cut_in_two() {
        let check = check!();
        at_every_split(
            &check,
            &CURE,
            b"one\r\n\r\nthree\r\n",
            "3 \"one\"\n0 \"\"\n5 \"three\"\nend after 3 messages\n",
            "The delimiter has two bytes, and a `read` may bring the first of them alone: that is no end yet. And one `read` may bring several delimiters: the first one ends this message, and the rest is for the next call.",
        );
    }

    #[test]
    fn gives_up_a_message_without_an_end() {
        let check = check!();
        let program = check.start([&["receive", "--max", "1000"], &CURE[..]].concat());
        let mut peer = check.connect(&program);
        peer.send(b"hello\r\n").send([b'a'; 1002]);
        program.expect_line("5 \"hello\"", "The first message has its delimiter.");
        let why = "1002 bytes have come, which is a message of 1000 and its delimiter, and there is no delimiter. Whoever waits for it keeps all that the peer likes to send: return Fault::NoEnd.";
        program
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error(&["after 1 message", "no end", "1000 bytes"], why);
    }

    #[test]
    fn the_limit_does_not_depend_on_the_pieces() {
        let check = check!();
        for chunk in ["1", "7", "1000"] {
            let words = [
                "decode",
                "--cure",
                "delimiter",
                "--max",
                "5",
                "--chunk",
                chunk,
            ];
            let done = check.run_with_input(words, b"hello\r\nhello!\r\n");
            let why = "`max` is 5. \"hello\" is a message, and \"hello!\" is refused, in whatever pieces they come: look for the delimiter only where that of a message of at most `max` bytes can be.";
            done.expect_stdout_lines(&["5 \"hello\""], |got: &[u8]| {
                if got.is_empty() {
                    "`max` is 5, and \"hello\" has 5 bytes: you gave up before its delimiter had room to arrive. A message and its delimiter may take `max` + 2 bytes."
                } else {
                    why
                }
            });
            done.expect_exit(1, why)
                .expect_error(&["after 1 message", "no end", "5 bytes"], why);
        }
    }

    #[test]
    fn an_end_before_the_delimiter_is_an_error() {
        let check = check!();
        for rest in [&b"two"[..], b"two\r", b"\r"] {
            let program = check.start([&["receive"], &CURE[..]].concat());
            let mut peer = check.connect(&program);
            peer.send([b"one\r\n", rest].concat()).half_close();
            program.expect_line("3 \"one\"", "The first message has its delimiter.");
            let why = "A message is complete when its delimiter has come, and not when no more comes: what is left over at the end of the stream may be half of a message.";
            program
                .finish()
                .expect_exit(1, why)
                .expect_error(&["after 1 message", "within a frame"], why);
        }
    }
}

mod step_5 {
    use super::*;

    const CURE: [&str; 4] = ["--cure", "fixed", "--size", "4"];

    #[test]
    fn fills_each_block_to_its_size() {
        let check = check!();
        let done = check.run_with_input([&["encode"], &CURE[..]].concat(), b"ab\n\nfour\n\\x00c\n");
        done.expect_stdout(
            b"ab\0\0\0\0\0\0four\0c\0\0",
            |got: &[u8]| {
                if got.len() == 4 {
                    "Only one block is left. `stream` may hold frames already: this one begins at its end, and is to end `size` bytes behind that."
                } else {
                    "Every frame has exactly 4 bytes: the message, and zero bytes where it is shorter. A message that fills it has none."
                }
            },
        );
        done.expect_success("All four fit.");
    }

    #[test]
    fn refuses_what_a_block_cannot_hold() {
        let check = check!();
        let why = "A message of 5 bytes does not fit into 4. To cut it off would lose a part silently: return Fault::TooLong.";
        let done = check.run_with_input([&["encode"], &CURE[..]].concat(), b"five!\n");
        done.expect_stdout(b"", why);
        done.expect_exit(1, why)
            .expect_error(&["message 1", "5 bytes", "at most 4"], why);
        let why = "The message ends in a zero byte, and so does the padding. The receiver takes all of them away, and gets another message: return Fault::EndsInPadding.";
        let full = "The message fills the block, and its last byte is zero. Padding or not, the receiver takes away every zero byte at the end: return Fault::EndsInPadding.";
        for (line, why) in [(&b"ab\\x00\n"[..], why), (b"abc\\x00\n", full)] {
            let done = check.run_with_input([&["encode"], &CURE[..]].concat(), line);
            done.expect_stdout(b"", why);
            done.expect_exit(1, why)
                .expect_error(&["message 1", "padding"], why);
        }
    }

    #[test]
    fn takes_blocks_apart_at_every_split() {
        let check = check!();
        at_every_split(
            &check,
            &CURE,
            b"one\0\0\0\0\0a\0b four\0c\0\0",
            "3 \"one\"\n0 \"\"\n4 \"a\\x00b \"\n4 \"four\"\n2 \"\\x00c\"\nend after 5 messages\n",
            "Every 4 bytes are a message, in whatever pieces they come. Only the zero bytes at the very end of a block are padding: one at the front or in the middle stays, and so does a blank at the end.",
        );
    }

    #[test]
    fn an_end_within_a_block_is_an_error() {
        let check = check!();
        let program = check.start([&["receive"], &CURE[..]].concat());
        let mut peer = check.connect(&program);
        peer.send(b"four\0\0").half_close();
        program.expect_line("4 \"four\"", "The first block was complete.");
        let why = "Two bytes of four are no block, even if both are zero: the stream ends within a frame.";
        program
            .finish()
            .expect_exit(1, why)
            .expect_error(&["after 1 message", "within a frame", "2 bytes"], why);
    }

    #[test]
    fn a_delay_separates_nothing_that_came_together() {
        let check = check!();
        let program = check.start(["receive", "--cure", "delay", "--chunk", "8"]);
        let mut peer = check.connect(&program);
        peer.send(b"onetwo");
        program.expect_line(
            "6 \"onetwo\"",
            |got: &[u8]| {
                if got.starts_with(b"0 ") {
                    "Nothing has come, and a message was made of it. Of no bytes there never is a frame: `Ok(None)`."
                } else if matches!(got, [b'1' | b'2' | b'4' | b'5', b' ', ..]) {
                    "All six bytes were there, and a part of them became a message. Give each `read` room for all of `chunk` bytes, here 8: with less room it brings less, and with this cure that is a message."
                } else {
                    "Nothing in these six bytes says that they were two messages. With this cure all that is there is one message, right or wrong."
                }
            },
        );
        peer.send(b"just one message");
        let why = "A `read` of at most 8 bytes cannot bring 16. With this cure whatever one `read` brings is a message, and this one becomes two.";
        program.expect_line("8 \"just one\"", why);
        program.expect_line("8 \" message\"", why);
        peer.half_close();
        program.expect_line("end after 3 messages", no_more);
        program.finish().expect_success(END);
    }

    #[test]
    fn a_pause_does_not_reach_a_reader_that_is_held_up() {
        const PAUSE: Duration = Duration::from_millis(150);
        let check = check!();
        let listener = check.listen();
        let addr = listener.addr().to_string();
        let program = check.spawn(["send", &addr, "--cure", "delay", "--pause", "150"]);
        let mut peer = listener.accept(&program);
        let began = Instant::now();
        program.type_in(b"one\ntwo\nthree\n");
        program
            .finish()
            .expect_success("All three could be sent, whether anybody reads or not.");
        check.require(
            "at least twice 150 ms for three messages",
            format!("{} ms", began.elapsed().as_millis()),
            began.elapsed() >= 2 * PAUSE,
            "`send` waits after each message for `framing.pause()`: `thread::sleep`. Without it this cure is none at all.",
        );
        peer.expect(
            b"onetwothree",
            "With this cure the bytes of the messages follow each other, and nothing else.",
        );
        peer.expect_end("There are no more messages.");
    }

    #[test]
    fn a_pause_comes_after_the_message() {
        let check = check!();
        let listener = check.listen();
        let addr = listener.addr().to_string();
        let program = check.spawn(["send", &addr, "--cure", "delay", "--pause", "60000"]);
        let mut peer = listener.accept(&program);
        program.type_in(b"one\ntwo\n");
        peer.expect(
            b"one",
            "The pause of a minute comes after the message, and not before it: write first, then sleep.",
        );
        peer.expect_no_more("The pause between the two is a minute, and it has just begun.");
    }

    #[test]
    fn a_delay_cannot_send_an_empty_message() {
        let check = check!();
        let done = check.run_with_input(["encode", "--cure", "delay"], b"a\n\nb\n");
        let why = "An empty message would leave no trace in the stream. To say that it was sent would be a lie: return Fault::Empty.";
        done.expect_stdout(b"a", why);
        done.expect_exit(1, why)
            .expect_error(&["message 2", "empty"], why);
    }
}

mod step_6 {
    use super::*;

    const INPUT: &[u8] = b"a\\xc0b\n\\xdb\\xdc\n\n\\xdb\\xc0\n\\xdd\n";
    const STREAM: &[u8] = b"a\xdb\xdcb\xc0\xdb\xdd\xdc\xc0\xc0\xdb\xdd\xdb\xdc\xc0\xdd\xc0";

    #[test]
    fn escapes_what_would_end_the_message() {
        let check = check!();
        let done = check.run_with_input(["encode", "--cure", "escape"], INPUT);
        done.expect_stdout(
            STREAM,
            "In the message c0 becomes db dc, and db becomes db dd; every other byte stays, dc and dd too. Look at each byte of the message once: to replace every c0 first, and then every db, replaces what has just been written. Then comes c0.",
        );
        done.expect_success("With an escape there is nothing that cannot be sent.");
        let words = ["encode", "--cure", "escape", "--max", "3"];
        let done = check.run_with_input(words, b"\\xc0\\xc0\\xc0\nabcd\n");
        let why = "`max` is 3 and counts the bytes of the message, before any is escaped: three may be sent, four are Fault::TooLong.";
        done.expect_stdout(b"\xdb\xdc\xdb\xdc\xdb\xdc\xc0", why);
        done.expect_exit(1, why)
            .expect_error(&["message 2", "4 bytes", "at most 3"], why);
    }

    #[test]
    fn takes_the_escapes_away_at_every_split() {
        let check = check!();
        at_every_split(
            &check,
            &["--cure", "escape", "--max", "3"],
            STREAM,
            "3 \"a\\xc0b\"\n2 \"\\xdb\\xdc\"\n0 \"\"\n2 \"\\xdb\\xc0\"\n1 \"\\xdd\"\nend after 5 messages\n",
            "db dc is c0, and db dd is db, also when the two bytes come in different pieces; dc and dd without db before them are themselves. `max` counts the bytes of the message, and not those of the stream.",
        );
    }

    #[test]
    fn refuses_an_escape_that_means_nothing() {
        let check = check!();
        for (stream, word) in [(&b"a\xc0b\xdbc\xc0"[..], "63"), (b"a\xc0b\xdb\xc0", "c0")] {
            for chunk in ["1", "1000"] {
                let words = ["decode", "--cure", "escape", "--chunk", chunk];
                let done = check.run_with_input(words, stream);
                let why = "After db come dc or dd, and nothing else means anything: the stream is broken. To guess would give the program above a message that nobody sent: return Fault::WrongEscape.";
                done.expect_stdout_lines(&["1 \"a\""], why);
                done.expect_exit(1, why)
                    .expect_error(&["after 1 message", word, "escape"], why);
            }
        }
    }

    #[test]
    fn gives_up_as_soon_as_it_is_hopeless() {
        let check = check!();
        let program = check.start(["receive", "--cure", "escape"]);
        let mut peer = check.connect(&program);
        peer.send(b"a\xc0b\xdbc");
        program.expect_line("1 \"a\"", "The first message has its end.");
        let why = "An escape has come that means nothing, and the peer sends no more and stays. Whatever comes now, this will not become a message: return Fault::WrongEscape at once, and do not wait for c0.";
        program
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error(&["after 1 message", "63", "escape"], why);
        for stream in [&b"abc\xc0abcd"[..], b"abc\xc0abcd\xc0"] {
            for chunk in ["1", "1000"] {
                let why = "More than `max` bytes of a message have come, escapes not counted: return Fault::NoEnd, also where the end comes with them. The answer must not depend on the pieces.";
                let words = ["decode", "--cure", "escape", "--max", "3", "--chunk", chunk];
                let done = check.run_with_input(words, stream);
                done.expect_stdout_lines(&["3 \"abc\""], why);
                done.expect_exit(1, why)
                    .expect_error(&["after 1 message", "no end", "3 bytes"], why);
            }
        }
        let why = "The message has as many bytes as it may have, and the first half of an escape has come: what it means, only the next byte says. With that one there as well, the answer is to be the same as when it comes later. Do not judge an escape before it is whole, or judge it so in either case.";
        let said = ["1", "1000"].map(|chunk| {
            let words = ["decode", "--cure", "escape", "--max", "3", "--chunk", chunk];
            let done = check.run_with_input(words, b"abc\xdbc");
            done.expect_exit(1, why);
            done.stderr
        });
        check.require(
            format!("whatever the pieces are: {}", said[1].trim_end()),
            format!("byte by byte: {}", said[0].trim_end()),
            said[0] == said[1],
            why,
        );
    }
}
