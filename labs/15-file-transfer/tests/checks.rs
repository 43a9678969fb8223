//! The checks of chapter 15. Each runs one half of the program and is the other half: one that cuts,
//! lies, refuses, keeps still, and would like to write outside of the folder.
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::{Buffers, Check, Finished, Listener, Peer, Program, check};

/// What each byte does to a CRC-32.
const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// The CRC-32 of chapter 10, a byte at a time.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc = (crc >> 8) ^ CRC[usize::from(crc as u8 ^ byte)];
    }
    !crc
}

/// A message in its frame, made here and not by the program.
fn frame(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let rest = parts.concat();
    let length = u32::try_from(rest.len() + 1).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &[kind], &rest].concat()
}

fn offer(size: u64, name: impl AsRef<[u8]>) -> Vec<u8> {
    frame(1, &[&size.to_be_bytes(), name.as_ref()])
}

fn have(offset: u64, crc: u32) -> Vec<u8> {
    frame(2, &[&offset.to_be_bytes(), &crc.to_be_bytes()])
}

fn data(offset: u64) -> Vec<u8> {
    frame(3, &[&offset.to_be_bytes()])
}

fn done(size: u64, crc: u32) -> Vec<u8> {
    frame(4, &[&size.to_be_bytes(), &crc.to_be_bytes()])
}

fn no(reason: &str) -> Vec<u8> {
    frame(5, &[reason.as_bytes()])
}

/// What follows a HAVE of nothing: DATA from the beginning, the content, its checksum.
fn whole(content: &[u8]) -> Vec<u8> {
    let crc = crc32(content).to_be_bytes();
    [&data(0), content, &crc].concat()
}

/// What is sent without a real content: zero bytes, a piece at a time.
const PIECE: usize = 1 << 20;
/// How many pieces a large file has: more than the memory that is allowed.
const PIECES: usize = 24;
/// The CRC-32 of all of them.
const LARGE_CRC: u32 = 0x4bd2_9f71;

/// `--idle` of a program whose peer is slow and does not keep still.
const IDLE: Duration = Duration::from_millis(900);

/// Whether a slow peer was not slower than it wanted to be. On a crowded machine it may come near the
/// limit, and then the check says nothing.
fn is_in_time(check: &Check, last: Instant, limit: Duration) -> bool {
    let is_in_time = last.elapsed() < limit;
    if !is_in_time {
        check.note("gave up", "this machine is too busy to be slow", "");
    }
    is_in_time
}

/// After a large file, and before the program has ended.
fn require_little_memory(check: &Check, program: &Program, why: &str) {
    let peak = program.peak_memory();
    check.require(
        "at most 16 MiB of memory, for a file of 24 MiB",
        peak.map_or("a system that does not tell".into(), |bytes| {
            format!("{} MiB at the most", bytes >> 20)
        }),
        peak.is_none_or(|bytes| bytes <= 16 << 20),
        why,
    );
}

mod step_1 {
    use super::*;

    #[test]
    fn writes_an_offer_byte_by_byte() {
        let check = check!();
        let file = check.file("hello.txt", "hello");
        let done = check.run([Path::new("header"), &file]);
        done.expect_stdout(
            b"\0\0\0\x12\x01\0\0\0\0\0\0\0\x05hello.txt",
            |got: &[u8]| match got {
                [1, ..] => "The message is there, and its length in front is missing: four bytes, as in chapter 8.",
                [0x12, ..] => "The length comes with its most significant byte first: `to_be_bytes`.",
                [0, 0, 0, 0x16, ..] => "The length counts the message: the kind, the size, the name. It does not count itself.",
                [0, 0, 0, 0x11, ..] => "The length counts all of the message, and the kind is its first byte.",
                [0, 0, 0, 0x0e, ..] => "The size takes eight bytes and not four: there are files of more than 4 GiB.",
                [0, 0, 0, 0x12, 1, 5, ..] => "The size comes with its most significant byte first too.",
                _ => "An OFFER: the length of what follows (4 bytes), the kind 1, the size of the file (8 bytes), and the name, which is the last part of its path and has no end of its own: the length says where it ends.",
            },
        );
        done.expect_success("An offer can be made for every file.");
    }

    #[test]
    fn offers_an_empty_file_and_counts_the_name_in_bytes() {
        let check = check!();
        let file = check.file("图.png", "");
        let done = check.run([Path::new("header"), &file]);
        let why = "`图.png` has five characters and seven bytes. What goes into the stream are bytes, so the length counts bytes. And a file of no bytes is a file: its size is 0.";
        done.expect_stdout(offer(0, "图.png"), why);
        done.expect_success(why);
    }

    #[test]
    fn reads_each_of_the_five_messages() {
        let check = check!();
        let stream = [
            offer(0x0102_0304_0506_0708, "图.png"),
            have(0x0a0b, 0x3610_a686),
            data(3),
            done(5, 1),
            no("because"),
        ];
        let done = check.run_with_input(["decode"], stream.concat());
        let why = "All five messages stand one behind the other. `read_message` takes the length, then exactly as many bytes, and leaves the rest to the next call. The stream ends behind the last one: `Ok(None)`.";
        done.expect_stdout_lines(
            &[
                "OFFER 72623859790382856 bytes, \"图.png\"",
                "HAVE 2571 bytes, crc32 3610a686",
                "DATA from 3",
                "DONE 5 bytes, crc32 00000001",
                "NO \"because\"",
            ],
            why,
        );
        done.expect_success(why);
    }

    #[test]
    fn refuses_a_length_before_the_bytes_come() {
        let check = check!();
        let program = check.spawn(["decode"]);
        program.type_in([&no("first"), &b"GET "[..]].concat());
        program.expect_line("NO \"first\"", "The first message is a good one.");
        let why = "`GET ` is the length 1195725856, and no byte of that message has come. No message has more than 1024 bytes: say so as soon as the length is there. Whoever makes room for it, or waits for it, does what a stranger likes (chapter 8).";
        let done = program.expect_ends(why);
        done.expect_exit(1, why)
            .expect_error(&["1195725856 bytes"], why);
        let longest = check.run_with_input(["decode"], no(&"n".repeat(1023)));
        longest.expect_success("A message of 1024 bytes is allowed.");
        for (length, stream) in [("1025", no(&"n".repeat(1024))), ("0", vec![0; 4])] {
            let done = check.run_with_input(["decode"], stream);
            let why = "A message has 1 to 1024 bytes. One of none has no kind.";
            done.expect_exit(1, why)
                .expect_error(&[&format!("{length} bytes")], why);
        }
    }

    #[test]
    fn refuses_what_is_no_message() {
        let check = check!();
        let eight = [0; 8];
        for (what, bytes) in [
            ("kind 0", frame(0, &[])),
            ("kind 6", frame(6, &[&eight])),
            ("an OFFER with half a size", frame(1, &[&eight[..7]])),
            (
                "a HAVE without all of its checksum",
                frame(2, &[&eight, &eight[..3]]),
            ),
            (
                "a HAVE that goes on behind its checksum",
                frame(2, &[&eight, &eight[..5]]),
            ),
            ("a DATA with half an offset", frame(3, &[&eight[..4]])),
            (
                "a DATA that goes on behind its offset",
                frame(3, &[&eight, b"x"]),
            ),
            ("a DONE without a checksum", frame(4, &[&eight])),
        ] {
            check.note("next", what, "");
            let done = check.run_with_input(["decode"], bytes);
            let why = "The length is allowed, and the bytes are none of the five messages: Fault::Malformed. An index into them that is not checked is a panic that a stranger can cause.";
            done.expect_exit(1, why).expect_error(&["no message"], why);
        }
    }

    #[test]
    fn an_end_within_a_message_is_an_error() {
        let check = check!();
        let message = offer(5, "hello.txt");
        for at in [1, 3, 4, 12] {
            let done = check.run_with_input(["decode"], &message[..at]);
            let why = "The stream ends within a message, also when it ends within its length. Only before the first byte of a message is an end in order.";
            done.expect_exit(1, why)
                .expect_error(&["ended too early"], why);
        }
        check
            .run_with_input(["decode"], b"")
            .expect_success("A stream without a message ends in order.");
    }
}

mod step_2 {
    use super::*;

    fn expect_refused(check: &Check, name: &[u8], words: &[&str], why: &str) {
        let done = check.run_with_input(["name"], name);
        done.expect_exit(1, why).expect_error(words, why);
    }

    #[test]
    fn accepts_names_as_they_are() {
        let check = check!();
        let longest = "n".repeat(200);
        for name in [
            "hello.txt",
            "图.png",
            "a b",
            ".profile",
            "...",
            "..a",
            "a..",
            "-rf",
            "part",
            "a.part.txt",
            "CON",
            "*",
            &longest,
        ] {
            let done = check.run_with_input(["name"], name);
            let why = "This name is unusual at most. A file of this name lies in the folder and nowhere else, and so it is accepted, as it is.";
            done.expect_stdout_lines(&[format!("accepted {name:?}")], why);
            done.expect_success(why);
        }
    }

    #[test]
    fn refuses_a_name_that_leads_out_of_the_folder() {
        let check = check!();
        for (name, words) in [
            ("../evil", "separator /"),
            ("/etc/passwd", "separator /"),
            ("a/../../evil", "separator /"),
            ("a/b", "separator /"),
            ("evil/", "separator /"),
            ("..\\evil", "separator \\"),
            ("a\\b/c", "separator \\"),
            ("C:evil", "separator :"),
            ("..", "a folder"),
            (".", "a folder"),
        ] {
            expect_refused(
                &check,
                name.as_bytes(),
                &[words],
                "A name is a name and no path. Whatever holds `/`, `\\` or `:` is refused, on every system, wherever in the name it stands; and so are `.` and `..`, which are folders. To cut off what stands before the separator would store a file that nobody has offered.",
            );
        }
    }

    #[test]
    fn refuses_a_name_that_no_file_should_have() {
        let check = check!();
        let too_long = "图".repeat(67);
        for (name, words) in [
            (&b""[..], "empty"),
            (too_long.as_bytes(), "201 bytes"),
            (b"a\0b", "control"),
            (b"a\nreceived \"b\"", "control"),
            (b"\x1b[2J", "control"),
            ("a\u{85}".as_bytes(), "control"),
            (b"a\xff", "UTF-8"),
            (&[0xff; 201], "201 bytes"),
            (b"/\xff", "UTF-8"),
            (b"a/\n", "separator /"),
            (b"a\n.part", "control"),
            (b"a.part", ".part"),
            (b".PaRt", ".part"),
        ] {
            expect_refused(
                &check,
                name,
                &[words],
                "In the order of the documentation comment: no bytes; more than 200 bytes (bytes, not characters); no UTF-8; a separator; a control character; a folder; the end `.part`, in capital letters too. The first that holds is the reason.",
            );
        }
    }
}

mod step_3 {
    use super::*;

    /// A sender of ours to be, at the moment at which its offer has come.
    pub(super) fn offered<'p>(
        listener: &Listener,
        program: &'p Program,
        size: u64,
        name: &str,
    ) -> Peer<'p> {
        let mut peer = listener.accept(program);
        peer.expect(
            offer(size, name),
            "First comes the OFFER, in its frame, with the size and the name as `send` gets them.",
        );
        peer
    }

    /// `send` for one file of ours, by its name.
    pub(super) fn send(check: &Check, listener: &Listener, file: &Path) -> Program {
        let addr = listener.addr().to_string();
        check.spawn([Path::new("send"), Path::new(&addr), file])
    }

    /// It has failed, and has not said that it sent anything.
    fn expect_not_sent(done: &Finished, words: &[&str], why: &str) {
        done.expect_stdout("", why);
        done.expect_exit(1, why)
            .expect_error(&[&["hello.txt"], words].concat(), why);
    }

    #[test]
    fn sends_a_file_and_says_so_when_it_is_confirmed() {
        let check = check!();
        let file = check.file("hello.txt", "hello");
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, 5, "hello.txt");
        peer.send(have(0, 0));
        peer.expect(
            whole(b"hello"),
            "After HAVE come DATA with the offset 0, the content as it is, and the CRC-32 of the content as four bytes, most significant first. The content and the checksum are no messages: they have no length in front.",
        );
        peer.send(done(5, 0x3610_a686));
        peer.expect_end("There is no other file: `main` closes the connection.");
        let ended = program.finish();
        let why = "The receiver has confirmed all five bytes and their checksum.";
        ended.expect_success(why);
        ended.expect_stdout_lines(&["sent \"hello.txt\", 5 bytes, crc32 3610a686"], why);
        let line = "\"hello.txt\": 5 of 5 bytes, 100 %";
        check.require(
            format!("the line {line} on its standard error"),
            format!("{:?}", ended.stderr),
            ended.stderr.lines().any(|shown| shown == line),
            "`progress.at` hears of every piece, with the number of bytes so far. Whoever waits for a large file wants to see that it goes on.",
        );
    }

    #[test]
    fn sends_nothing_before_somebody_wants_it() {
        let check = check!();
        let file = check.file("hello.txt", "hello");
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, 5, "hello.txt");
        let why = "After the OFFER the sender waits. The receiver may say NO, and then the content is of no use to anybody: gigabytes of it, perhaps.";
        peer.expect_nothing_yet(why);
        peer.send(no("the folder is full"));
        peer.expect_end(why);
        let why = "The receiver has said NO, and why: Fault::Refused, with its reason.";
        expect_not_sent(&program.finish(), &["the folder is full"], why);
    }

    #[test]
    fn does_not_say_success_before_the_receiver_does() {
        let check = check!();
        let file = check.file("hello.txt", "hello");
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, 5, "hello.txt");
        peer.send(have(0, 0))
            .expect(whole(b"hello"), "The content and its checksum.");
        let why = "Every write has returned Ok: the kernel has taken the bytes. TCP may even have delivered them, to the peer's kernel. Whether its program has stored them, only that program can say, and it has not said DONE. Wait for it.";
        peer.expect_nothing_yet(why);
        peer.close();
        let why = "The receiver has left without a DONE. The end of the stream confirms nothing: a receiver that was killed looks the same.";
        expect_not_sent(&program.finish(), &[], why);
    }

    #[test]
    fn takes_a_no_for_a_no() {
        let check = check!();
        let file = check.file("hello.txt", "hello");
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, 5, "hello.txt");
        peer.send(have(0, 0))
            .expect(whole(b"hello"), "The content and its checksum.");
        peer.send(no("the checksum is wrong")).half_close();
        let why = "All of it was sent, an answer has come, and the answer is NO. Look at which message it is.";
        expect_not_sent(&program.finish(), &["the checksum is wrong"], why);
    }

    #[test]
    fn hears_a_no_in_the_middle_of_the_content() {
        let check = check!();
        let file = check.file("hello.txt", vec![0; 4 << 20]);
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, 4 << 20, "hello.txt");
        peer.send(have(0, 0));
        peer.expect(data(0), "After HAVE comes DATA.");
        peer.send(no("no space left")).half_close();
        let why = "The receiver has given up within the content, said why, and takes what is still on its way. Its NO lies in the receive buffer when the sender next looks.";
        peer.read_to_end(8 << 20, why);
        expect_not_sent(&program.finish(), &["no space left"], why);

        // What has arrived before a reset can be read on Linux, and not everywhere.
        if cfg!(target_os = "linux") {
            let file = check.file("hello.txt", vec![0; 16 << 20]);
            for (what, ends_first) in [
                ("a reset right behind the NO", false),
                ("an end behind the NO, and a reset", true),
            ] {
                check.note("next", what, "");
                let listener = check.listen_with(Buffers::small());
                let program = send(&check, &listener, &file);
                let mut peer = offered(&listener, &program, 16 << 20, "hello.txt");
                peer.send(have(0, 0));
                peer.expect(data(0), "After HAVE comes DATA.");
                peer.send(no("disk is full"));
                // Linux says ECONNRESET where the stream was still open, and EPIPE where it had ended.
                if ends_first {
                    peer.half_close();
                }
                peer.reset();
                let why = "The receiver has said NO and is gone, with content unread: a reset. So a write fails, with a reset or with a broken pipe, and that is not all there is to say. The NO came before it, and lies in the receive buffer: look there whenever a write fails.";
                expect_not_sent(&program.finish(), &["disk is full"], why);
            }
        }
    }

    #[test]
    fn believes_no_other_confirmation() {
        let check = check!();
        let file = check.file("hello.txt", "hello");
        for (what, answer) in [
            ("DONE with 4 bytes", done(4, 0x3610_a686)),
            ("DONE with another checksum", done(5, 0x3610_a687)),
            ("HAVE in place of DONE", have(5, 0x3610_a686)),
        ] {
            check.note("next", what, "");
            let listener = check.listen();
            let program = send(&check, &listener, &file);
            let mut peer = offered(&listener, &program, 5, "hello.txt");
            peer.send(have(0, 0))
                .expect(whole(b"hello"), "The content and its checksum.");
            peer.send(answer).half_close();
            let why = "DONE says what the receiver has: compare both numbers with what was sent. Anything else is no confirmation.";
            expect_not_sent(&program.finish(), &[], why);
        }
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, 5, "hello.txt");
        peer.send(done(5, 0x3610_a686)).half_close();
        let why = "DONE before a byte of the content was sent: HAVE was due.";
        expect_not_sent(&program.finish(), &[], why);
    }

    #[test]
    fn gives_up_on_a_receiver_that_keeps_still() {
        let check = check!();
        let file = check.file("hello.txt", "hello");
        let listener = check.listen();
        let addr = listener.addr().to_string();
        let program = check.spawn([
            Path::new("send"),
            Path::new(&addr),
            &file,
            Path::new("--idle"),
            Path::new("200"),
        ]);
        let mut peer = offered(&listener, &program, 5, "hello.txt");
        let why = "The receiver does not answer. `main` has set a time limit on the socket, 200 ms here: a read that fails is an error of this file, and no reason to try again.";
        peer.expect_end(why);
        expect_not_sent(&program.expect_ends(why), &["kept still"], why);

        check.note("next", "a receiver that is slow", "and does not keep still");
        let file = check.file("large", "");
        let size = (PIECES * PIECE) as u64;
        if let Err(error) = check.files().zeros(&file, size) {
            panic!("a file of {size} bytes cannot be had: {error}");
        }
        let listener = check.listen_with(Buffers::of(256 << 10));
        let addr = listener.addr().to_string();
        let idle = IDLE.as_millis().to_string();
        let began = Instant::now();
        let program = check.spawn([
            Path::new("send"),
            Path::new(&addr),
            &file,
            Path::new("--idle"),
            Path::new(&idle),
        ]);
        let mut peer = offered(&listener, &program, size, "large");
        if !is_in_time(&check, began, IDLE) {
            return;
        }
        peer.send(have(0, 0))
            .expect(data(0), "After HAVE comes DATA.");
        // So many at a time that the kernel has room again for what the sender writes.
        let pieces = vec![0; 3 * PIECE];
        for _ in (0..PIECES).step_by(3) {
            let last = Instant::now();
            std::thread::sleep(IDLE / 6);
            if !is_in_time(&check, last, IDLE / 2) {
                return;
            }
            peer.expect(
                &pieces,
                "The receiver takes something again and again, only slowly. `--idle` is the limit of each wait, and not of the whole file: the file may take as long as it takes.",
            );
        }
        peer.expect(LARGE_CRC.to_be_bytes(), "The checksum of all of it.");
        peer.send(done(size, LARGE_CRC));
        program.finish().expect_success("It was confirmed.");
    }

    #[test]
    fn sends_several_files_over_one_connection() {
        let check = check!();
        let listener = check.listen();
        let addr = listener.addr().to_string();
        let files = [
            ("one", &b"first"[..]),
            ("empty", b""),
            ("two", b"\0\xff\r\n"),
        ];
        let paths = files.map(|(name, content)| check.file(name, content));
        let words = [vec![PathBuf::from("send"), addr.into()], paths.to_vec()].concat();
        let program = check.spawn(words);
        let mut peer = offered(&listener, &program, 5, "one");
        for (at, (name, content)) in files.iter().enumerate() {
            if at > 0 {
                peer.expect(
                    offer(content.len() as u64, name),
                    "After DONE comes the next OFFER, on the same connection.",
                );
            }
            peer.send(have(0, 0));
            peer.expect(
                whole(content),
                "DATA, the content, the checksum. A file of no bytes has all of this but the content; its checksum is 0.",
            );
            peer.send(done(content.len() as u64, crc32(content)));
        }
        peer.expect_end("All three are sent: `main` closes the connection.");
        let ended = program.finish();
        ended.expect_success("All three were confirmed.");
        check.require(
            "the line \"empty\": 0 of 0 bytes, 100 % on its standard error",
            format!("{:?}", ended.stderr),
            ended.stderr.contains("\"empty\": 0 of 0 bytes, 100 %"),
            "A file of no bytes has no piece. Call `progress.at` before the first one too.",
        );
    }

    #[test]
    fn sends_what_it_has_offered() {
        let check = check!();
        let file = check.file("hello.txt", "hello");
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, 5, "hello.txt");
        check.file("hello.txt", "hello, and more");
        check.note("appended", "to the file that is being sent", "");
        peer.send(have(0, 0));
        peer.expect(
            whole(b"hello"),
            "The file has become longer since it was offered. Five bytes were offered, and five are sent: the sixth would be taken for the first byte of the checksum.",
        );
        peer.send(done(5, 0x3610_a686));
        program.finish().expect_success("It was confirmed.");

        let file = check.file("hello.txt", vec![0; 1 << 20]);
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, 1 << 20, "hello.txt");
        check.file("hello.txt", "he");
        check.note("cut off", "the file that is being sent", "");
        peer.send(have(0, 0));
        let why = "The file has become shorter since it was offered: Fault::Shrunk. What is missing cannot be sent, and nothing may stand in for it. The connection ends, and the receiver sees that it was cut.";
        let got = peer.read_to_end(2 << 20, why);
        check.require(
            "less than was offered",
            format!("{} bytes", got.len()),
            got.len() < (1 << 20) + data(0).len(),
            why,
        );
        let content = got.get(data(0).len()..).unwrap_or_default();
        let sum = content.split_last_chunk::<4>();
        let sum = sum.filter(|(content, sum)| crc32(content).to_be_bytes() == **sum);
        check.require(
            "no checksum at the end",
            match sum {
                Some((content, _)) => format!("the checksum of {} bytes", content.len()),
                None => "no checksum at the end".into(),
            },
            sum.is_none(),
            "The file has become shorter, and the sender breaks off, without a checksum. A checksum says: this was all of it.",
        );
        expect_not_sent(&program.finish(), &[], why);
    }

    #[test]
    fn sends_a_large_file_in_little_memory() {
        let check = check!();
        let file = check.file("large", "");
        let size = (PIECES * PIECE) as u64;
        if let Err(error) = check.files().zeros(&file, size) {
            panic!("a file of {size} bytes cannot be had: {error}");
        }
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, size, "large");
        peer.send(have(0, 0))
            .expect(data(0), "After HAVE comes DATA.");
        let piece = vec![0; PIECE];
        for _ in 0..PIECES {
            peer.expect(&piece, "The content, piece after piece.");
        }
        peer.expect(LARGE_CRC.to_be_bytes(), "The checksum of all of it.");
        require_little_memory(
            &check,
            &program,
            "The memory grows with the file. Read a piece into a buffer of fixed size, send it, add it to the checksum, and use the same buffer for the next one.",
        );
        peer.send(done(size, LARGE_CRC));
        program.finish().expect_success("It was confirmed.");
    }
}

/// The folder for what is received, empty.
fn inbox(check: &Check) -> PathBuf {
    let folder = check.folder().join("inbox");
    if let Err(error) = check.files().make_folder(&folder) {
        panic!("{} cannot be made: {error}", folder.display());
    }
    folder
}

/// The names of what is in the folder.
fn names_in(check: &Check, folder: &Path) -> Vec<String> {
    check.files().names(folder).unwrap_or_default()
}

/// Nothing is in the folder but these.
fn expect_only(check: &Check, folder: &Path, expected: &[&str], why: &str) {
    let names = names_in(check, folder);
    let words = |names: &[String]| match names {
        [] => "nothing".to_string(),
        names => names.join(", "),
    };
    let expected: Vec<String> = expected.iter().map(|name| (*name).to_string()).collect();
    check.require(
        format!("{} in the folder", words(&expected)),
        format!("{} in the folder", words(&names)),
        names == expected,
        why,
    );
}

/// The file is there, with exactly this content.
fn expect_file(check: &Check, path: &Path, content: &[u8], why: &str) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let got = check.files().read(path);
    check.require(
        format!("{name} with {} bytes", content.len()),
        match &got {
            Ok(bytes) if bytes == content => format!("{name} with {} bytes", bytes.len()),
            Ok(bytes) if bytes.len() == content.len() => format!("{name} with other bytes"),
            Ok(bytes) => format!("{name} with {} bytes", bytes.len()),
            Err(error) => format!("no {name}: {error}"),
        },
        got.is_ok_and(|bytes| bytes == content),
        why,
    );
}

/// The next message, whatever it is.
fn next_message(peer: &mut Peer<'_>, why: &str) -> Vec<u8> {
    let mut message = peer.take(4, why);
    let length = message
        .iter()
        .fold(0, |n, byte| n << 8 | usize::from(*byte));
    message.extend(peer.take(length.min(1024), why));
    message
}

/// What a message is, for a transcript.
fn kind(message: &[u8]) -> String {
    match message.get(4) {
        Some(1) => "an OFFER".into(),
        Some(2) => "a HAVE".into(),
        Some(3) => "a DATA".into(),
        Some(4) => "a DONE".into(),
        Some(5) => "a NO".into(),
        _ => testkit::Bytes(message).to_string(),
    }
}

mod step_4 {
    use super::*;

    fn store(check: &Check, inbox: &Path, crc: &str) -> Finished {
        let dir = inbox.to_string_lossy();
        check.run_with_input(["store", "--dir", &dir, "hello.txt", crc], "hello")
    }

    #[test]
    fn stores_a_file_under_its_name() {
        let check = check!();
        let inbox = inbox(&check);
        let done = store(&check, &inbox, "3610a686");
        let why = "`create` makes `hello.txt.part`, `append` writes into it and counts, `complete` gives it the name `hello.txt`.";
        done.expect_success(why);
        done.expect_stdout_lines(&["stored \"hello.txt\", 5 bytes, crc32 3610a686"], why);
        expect_file(&check, &inbox.join("hello.txt"), b"hello", why);
        expect_only(
            &check,
            &inbox,
            &["hello.txt"],
            "The part has become the file: a rename, and no copy.",
        );
    }

    #[test]
    fn leaves_nothing_behind_when_it_is_dropped() {
        let check = check!();
        let inbox = inbox(&check);
        let done = store(&check, &inbox, "3610a687");
        let why = "The checksum is another one, so `main` drops the part without `complete`. Then `drop` removes it: neither the name nor the part may stay.";
        done.expect_exit(1, why)
            .expect_error(&["checksum", "3610a686"], why);
        expect_only(&check, &inbox, &[], why);
    }

    #[test]
    fn overwrites_nothing() {
        let check = check!();
        let inbox = inbox(&check);
        let name = inbox.join("hello.txt");
        let why = "Something has this name already. It stays as it is: Fault::Exists. A rename would replace it without a word, and somebody else's file would be gone.";
        check.file("inbox/hello.txt", "precious");
        let done = store(&check, &inbox, "3610a686");
        done.expect_exit(1, why)
            .expect_error(&["file of this name"], why);
        expect_file(&check, &name, b"precious", why);
        let _ = check.files().remove(&name);
        if let Err(error) = check.files().make_folder(&name) {
            panic!("{} cannot be made: {error}", name.display());
        }
        let done = store(&check, &inbox, "3610a686");
        done.expect_exit(1, why)
            .expect_error(&["file of this name"], why);
        expect_only(
            &check,
            &inbox,
            &["hello.txt"],
            "And nothing is left behind.",
        );
        #[cfg(unix)]
        {
            let _ = check.files().remove_folder(&name);
            if let Err(error) = check.files().link("nowhere", &name) {
                panic!("{} cannot be made: {error}", name.display());
            }
            check.note("made", "hello.txt, a link that leads nowhere", "");
            let why = "A link that leads nowhere has the name as well, and a rename would replace it. `exists` follows the link and finds nothing; `symlink_metadata` looks at the link itself.";
            store(&check, &inbox, "3610a686")
                .expect_exit(1, why)
                .expect_error(&["file of this name"], why);
            expect_only(&check, &inbox, &["hello.txt"], why);
        }
    }

    #[test]
    fn begins_anew_over_a_part_that_was_left_behind() {
        let check = check!();
        let inbox = inbox(&check);
        check.file(
            "inbox/hello.txt.part",
            "what a crash has left, longer than the file",
        );
        let why = "An earlier receiver was killed, and nobody removed its part. It must not stop this transfer, and none of its bytes may be in the file.";
        store(&check, &inbox, "3610a686").expect_success(why);
        expect_file(&check, &inbox.join("hello.txt"), b"hello", why);
        expect_only(&check, &inbox, &["hello.txt"], why);
    }

    #[test]
    fn says_so_when_the_folder_is_not_there() {
        let check = check!();
        let missing = check.folder().join("missing");
        let done = store(&check, &missing, "3610a686");
        let why = "What the file system says is an error like any other: `map_err(Fault::Disk)`. `create_dir` is no answer, since nobody asked for another folder.";
        done.expect_exit(1, why).expect_error(&["file system"], why);
        check.require(
            "no such folder",
            if check.files().exists(&missing) {
                "a folder"
            } else {
                "no such folder"
            },
            !check.files().exists(&missing),
            why,
        );
    }
}

mod step_5 {
    use super::*;

    /// A receiver of one sender.
    pub(super) fn start(check: &Check, inbox: &Path, words: &[&str]) -> Program {
        let dir = inbox.to_string_lossy();
        check.start([&["receive", "--once", "--dir", &*dir], words].concat())
    }

    /// Offers a file, which the receiver wants.
    pub(super) fn wanted(peer: &mut Peer<'_>, size: u64, name: &str) {
        peer.send(offer(size, name)).expect(
            have(0, 0),
            "The name is a good one, it is free, and the size is allowed: HAVE, with 0 bytes and their checksum, which is 0.",
        );
    }

    /// What stands in a NO.
    const WORDS: &str =
        "What stands in a NO is for a person: the words of the fault, `fault.to_string()`.";

    /// The receiver says NO, with a reason, and then nothing more. Gives the reason.
    pub(super) fn expect_no(check: &Check, peer: &mut Peer<'_>, why: &str) -> String {
        let reason = expect_reason(check, peer, why);
        peer.expect_end("After a NO the receiver ends its half: nothing of this follows.");
        reason
    }

    /// The receiver says NO. Gives the reason.
    fn expect_reason(check: &Check, peer: &mut Peer<'_>, why: &str) -> String {
        let message = next_message(peer, why);
        check.require("a NO", kind(&message), message.get(4) == Some(&5), why);
        let reason = std::str::from_utf8(message.get(5..).unwrap_or_default());
        check.require(
            "a reason, in UTF-8",
            format!("{reason:?}"),
            reason.is_ok_and(|reason| !reason.is_empty()),
            WORDS,
        );
        reason.unwrap_or_default().to_string()
    }

    /// The program ends, and says what went wrong.
    pub(super) fn expect_failure(program: &Program, words: &[&str], why: &str) -> Finished {
        let done = program.expect_ends(why);
        done.expect_exit(1, why).expect_error(words, why);
        done
    }

    /// The sender has heard the words that the receiver has printed, `error: from ADDR: …`.
    fn expect_same_words(check: &Check, reason: &str, done: &Finished) {
        let lines = done.stderr.lines();
        let mut said =
            lines.filter_map(|line| Some(line.strip_prefix("error: from ")?.split_once(": ")?.1));
        if let Some(words) = said.next() {
            check.require(
                format!("a NO with the words {words:?}"),
                format!("a NO with {reason:?}"),
                reason.contains(words),
                WORDS,
            );
        }
    }

    const END: &str =
        "The stream has ended between two files: that is a good place to end, `Ok(())`.";

    #[test]
    fn receives_a_file_and_confirms_it() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        wanted(&mut peer, 5, "hello.txt");
        peer.send(whole(b"hello"));
        let why = "The content is complete and its checksum is right. Then the part gets its name, the line is printed, and DONE goes to the sender, with the size and the checksum.";
        peer.expect(done(5, 0x3610_a686), why);
        program.expect_line("received \"hello.txt\", 5 bytes, crc32 3610a686", why);
        expect_file(
            &check,
            &inbox.join("hello.txt"),
            b"hello",
            "DONE has come: the file must be there by now, whole and under its name. A DONE before that is a promise.",
        );
        peer.half_close();
        peer.expect_end(END);
        program.finish().expect_success(END);
        expect_only(
            &check,
            &inbox,
            &["hello.txt"],
            "The part has become the file.",
        );
    }

    #[test]
    fn receives_several_files_and_an_empty_one() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        let random = check.random(300_000);
        for (name, content) in [("one", &b"first"[..]), ("empty", b""), ("图.png", &random)] {
            let size = content.len() as u64;
            wanted(&mut peer, size, name);
            peer.send(whole(content));
            peer.expect(
                done(size, crc32(content)),
                "One file after the other comes over this connection. Read exactly as many bytes of content as were offered, and exactly four of checksum: what follows is the next OFFER.",
            );
            expect_file(&check, &inbox.join(name), content, "DONE has come.");
        }
        peer.half_close();
        program.finish().expect_success(END);
    }

    #[test]
    fn receives_byte_by_byte() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        let why = "Each byte came by itself, also those of the lengths, of the numbers and of the checksum. A `read` of one byte is complete: read on until all of it is there.";
        peer.send_one_by_one(offer(5, "hello.txt"));
        peer.expect(have(0, 0), why);
        peer.send_one_by_one(whole(b"hello"));
        peer.expect(done(5, 0x3610_a686), why);
        expect_file(&check, &inbox.join("hello.txt"), b"hello", why);
        peer.half_close();
        program.finish().expect_success(END);
    }

    #[test]
    fn receives_at_every_split() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        let why =
            "The same bytes, cut in two at another place. Where a `read` stops means nothing.";
        let rest = whole(b"hello");
        // Every seventh place at a time, so that it is seven files and not one for each place.
        let cuts =
            |bytes: &[u8], from: usize| -> Vec<usize> { (from..bytes.len()).step_by(7).collect() };
        for from in 1..=7 {
            let name = from.to_string();
            let first = offer(5, &name);
            peer.send_split(&first, &cuts(&first, from))
                .expect(have(0, 0), why);
            peer.send_split(&rest, &cuts(&rest, from))
                .expect(done(5, 0x3610_a686), why);
            expect_file(&check, &inbox.join(&name), b"hello", why);
        }
        peer.half_close();
        program.finish().expect_success(END);
    }

    #[test]
    fn the_name_appears_only_when_all_is_there() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        wanted(&mut peer, 5, "hello.txt");
        let rest = whole(b"hello");
        let (all_but_sum, sum) = rest.split_at(rest.len() - 4);
        let (half, other_half) = all_but_sum.split_at(all_but_sum.len() - 2);
        for (bytes, what) in [
            (half, "Half of the content"),
            (other_half, "Everything but the checksum"),
        ] {
            peer.send(bytes);
            let why = format!(
                "{what} is there, and the name already. Whoever looks into the folder now takes it for the file. Write into a `Part`, and let it have its name when the checksum has been compared."
            );
            peer.expect_nothing_yet("Nothing is confirmed before the checksum has come.");
            let name = inbox.join("hello.txt");
            check.require(
                "no hello.txt yet",
                if check.files().exists(&name) {
                    "hello.txt in the folder"
                } else {
                    "no hello.txt yet"
                },
                !check.files().exists(&name),
                why,
            );
        }
        peer.send(sum)
            .expect(done(5, 0x3610_a686), "Now all is there.");
        expect_file(&check, &inbox.join("hello.txt"), b"hello", "DONE has come.");
        peer.half_close();
        program.finish().expect_success(END);
    }

    #[test]
    fn leaves_nothing_behind_after_a_cut() {
        let check = check!();
        let inbox = inbox(&check);
        let rest = whole(b"hello");
        for (what, n, words) in [
            ("after the OFFER", 0, &[][..]),
            ("behind DATA", data(0).len(), &[]),
            ("within the content", data(0).len() + 3, &["3 of 5"]),
            ("within the checksum", rest.len() - 2, &[]),
        ] {
            check.note("next", "a stream that ends", what);
            let program = start(&check, &inbox, &[]);
            let mut peer = check.connect(&program);
            wanted(&mut peer, 5, "hello.txt");
            peer.send(&rest[..n]).half_close();
            let why = "The stream has ended, and the file is not complete: a `read` of 0 bytes is no end of the file. It is an error, within the content Fault::CutContent, and nothing stays in the folder, neither under its name nor as a part.";
            expect_failure(&program, words, why);
            expect_only(&check, &inbox, &[], why);
        }
        check.note("next", "a reset", "within the content");
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        wanted(&mut peer, 5, "hello.txt");
        peer.send(&rest[..rest.len() - 6]);
        peer.reset();
        let why = "The connection was reset within the content: an error from `read`, which ends this file like any other.";
        expect_failure(&program, &[], why);
        expect_only(&check, &inbox, &[], why);
    }

    #[test]
    fn refuses_a_wrong_checksum() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        wanted(&mut peer, 5, "hello.txt");
        let mut rest = whole(b"hello");
        let at = rest.len() - 6;
        rest[at] ^= 1;
        peer.send(rest);
        let why = "One bit of the content is another than it was when the sender computed the checksum. The sender must hear NO and not DONE, and nothing of the file may stay.";
        let reason = expect_no(&check, &mut peer, why);
        peer.close();
        let ended = expect_failure(&program, &["checksum", "3610a686"], why);
        expect_same_words(&check, &reason, &ended);
        expect_only(&check, &inbox, &[], why);
    }

    #[test]
    fn refuses_a_size_that_lies() {
        let check = check!();
        let inbox = inbox(&check);
        for (size, what) in [(10, "Fewer bytes"), (3, "More bytes")] {
            check.note("next", format!("an offer of {size} bytes"), "and then 5");
            let program = start(&check, &inbox, &[]);
            let mut peer = check.connect(&program);
            wanted(&mut peer, size, "hello.txt");
            peer.send(whole(b"hello")).half_close();
            let why = format!(
                "{what} came than were offered, with a checksum that is right for those that came. The receiver believes the size: it takes so many for the content and the next four for the checksum. Then either the stream is over too early, or the checksum is wrong."
            );
            expect_failure(&program, &[], &why);
            expect_only(&check, &inbox, &[], &why);
        }
    }

    #[test]
    fn refuses_a_name_that_leads_out_of_the_folder_before_the_content() {
        let check = check!();
        let inbox = inbox(&check);
        let absolute = check.folder().join("evil");
        for (name, words) in [
            (&b"../evil"[..], "separator"),
            (absolute.as_os_str().as_encoded_bytes(), "separator"),
            (b"..\\evil", "separator"),
            (b"..", "folder"),
            (b"", "empty"),
            (b"a\0b", "control"),
            (b"a\xff", "UTF-8"),
            (b"hello.txt.part", ".part"),
        ] {
            let program = start(&check, &inbox, &[]);
            let mut peer = check.connect(&program);
            peer.send(offer(5, name));
            let why = "The name comes from a stranger: ask `name::check` before anything else is done with it, and say NO before the content comes.";
            let reason = expect_no(&check, &mut peer, why);
            peer.close();
            let ended = expect_failure(&program, &[words], why);
            expect_same_words(&check, &reason, &ended);
            expect_only(&check, &check.folder(), &["inbox"], why);
            expect_only(&check, &inbox, &[], why);
        }
    }

    #[test]
    fn refuses_a_size_over_the_limit_before_the_content() {
        let check = check!();
        let inbox = inbox(&check);
        for size in [6, u64::MAX] {
            let program = start(&check, &inbox, &["--max", "5"]);
            let mut peer = check.connect(&program);
            peer.send(offer(size, "hello.txt"));
            let why = "5 bytes are allowed. An offer of more is refused while it is still an offer: before anything is made, and before a byte of it comes.";
            expect_no(&check, &mut peer, why);
            peer.close();
            expect_failure(&program, &[&format!("{size} bytes")], why);
            expect_only(&check, &inbox, &[], why);
        }
        let name = check.file("inbox/hello.txt", "precious");
        let program = start(&check, &inbox, &["--max", "5"]);
        let mut peer = check.connect(&program);
        peer.send(offer(6, "hello.txt"));
        let why = "The size is too large, and the name is taken too. The size is looked at first, and then whether the name is free.";
        expect_no(&check, &mut peer, why);
        peer.close();
        expect_failure(&program, &["6 bytes"], why);
        let _ = check.files().remove(&name);
        let program = start(&check, &inbox, &["--max", "5"]);
        let mut peer = check.connect(&program);
        wanted(&mut peer, 5, "hello.txt");
        peer.send(whole(b"hello")).expect(
            done(5, 0x3610_a686),
            "A file of exactly as many bytes is allowed.",
        );
        peer.half_close();
        program.finish().expect_success(END);
    }

    #[test]
    fn a_no_arrives_though_content_is_on_its_way() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &["--max", "5"]);
        let mut peer = check.connect(&program);
        // An impatient sender. It looks for the answer only when the receiver has gone.
        peer.send([offer(6, "hello.txt"), whole(&[b'x'; 10_000])].concat())
            .half_close();
        let why = "The content was on its way when the NO was said. A close with unread bytes in the receive buffer is a reset, and it takes the NO along. End your half, read for about a second what still comes, and close then.";
        expect_failure(&program, &["6 bytes"], why);
        expect_no(&check, &mut peer, why);

        check.note("next", "a sender that stays", "when it has heard NO");
        let program = start(&check, &inbox, &["--max", "5"]);
        // Room for all of it on the way, so that it does not matter how late this is.
        let mut peer = check.connect_with(&program, Buffers::of(1 << 20));
        peer.send([offer(6, "hello.txt"), whole(&[b'x'; 200_000])].concat());
        expect_no(&check, &mut peer, why);
        expect_failure(
            &program,
            &["6 bytes"],
            "The sender has heard NO, and keeps its half open. Read for about a second what still comes, and no longer: otherwise a stranger keeps the connection, and you with it.",
        );
        // A reset that has come by now is one for the bytes before. Other systems may answer these few
        // with a reset of their own, before the end of the stream is read.
        if cfg!(target_os = "linux") {
            peer.send(b"x").expect_end(why);
        }

        check.note("next", "a sender that goes on", "when it has heard NO");
        let program = start(&check, &inbox, &["--max", "5"]);
        let mut peer = check.connect(&program);
        peer.send(offer(6, "hello.txt"));
        expect_no(&check, &mut peer, why);
        let why = "The sender has heard NO, and goes on sending, a byte at a time. The second is one for all that is read, and not one for each read: a time limit of the socket begins anew with every byte.";
        peer.trickle_until_closed(b'x', why);
        expect_failure(&program, &["6 bytes"], why);

        ends_its_half_first(&check, &inbox);
    }

    /// The end of the stream comes with the NO, and not when the program has read for its second: nearer
    /// to the one than to the other. On a crowded machine one try may say nothing, and there are some.
    fn ends_its_half_first(check: &Check, inbox: &Path) {
        let why = "After the NO the receiver ends its half, `shutdown(Shutdown::Write)`, and only then reads what still comes. The sender need not wait for the end of that.";
        let mut seen = String::new();
        for _ in 0..4 {
            let program = start(check, inbox, &["--max", "5"]);
            let mut peer = check.connect(&program);
            peer.send(offer(6, "hello.txt"));
            expect_reason(check, &mut peer, why);
            let heard = Instant::now();
            peer.expect_end(why);
            let end = Instant::now();
            expect_failure(&program, &["6 bytes"], why);
            let (before, after) = (end - heard, end.elapsed());
            if before < after {
                return;
            }
            seen = format!(
                "the end of the stream {} ms after the NO, and that of the program {} ms later",
                before.as_millis(),
                after.as_millis()
            );
        }
        check.fail(
            "the end of the stream with the NO, and that of the program about a second later",
            seen,
            why,
        );
    }

    #[test]
    fn overwrites_no_file() {
        let check = check!();
        let inbox = inbox(&check);
        let name = check.file("inbox/hello.txt", "precious");
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        peer.send(offer(5, "hello.txt"));
        let why = "There is a file of this name. A stranger must not be able to replace it: NO, while it is still an offer.";
        expect_no(&check, &mut peer, why);
        peer.close();
        expect_failure(&program, &["file of this name"], why);
        expect_file(&check, &name, b"precious", why);

        let _ = check.files().remove(&name);
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        wanted(&mut peer, 5, "hello.txt");
        check.file("inbox/hello.txt", "precious");
        check.note("wrote", "a file of that name", "while it is being received");
        peer.send(whole(b"hello"));
        let why = "When the file was offered, its name was free. Now it is not: somebody has written a file of that name meanwhile. It stays, and the sender hears NO.";
        expect_no(&check, &mut peer, why);
        peer.close();
        expect_failure(&program, &["file of this name"], why);
        expect_file(&check, &name, b"precious", why);
        expect_only(
            &check,
            &inbox,
            &["hello.txt"],
            "And nothing else is left behind.",
        );
    }

    #[test]
    fn tells_the_sender_when_the_folder_is_gone() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        if let Err(error) = check.files().remove_folder(&inbox) {
            panic!("{} cannot be removed: {error}", inbox.display());
        }
        check.note("removed", "the folder", "");
        peer.send(offer(5, "hello.txt"));
        let why = "The folder is gone, or may not be written to. That is the receiver's trouble, and the sender must hear of it all the same: NO, with what the file system said. And the receiver says it on its own side too. Make the part before you say HAVE: HAVE promises that there is a place for the content.";
        expect_no(&check, &mut peer, why);
        peer.close();
        expect_failure(&program, &["file system"], why);
    }

    #[test]
    fn refuses_what_comes_out_of_turn() {
        let check = check!();
        let inbox = inbox(&check);
        let browser = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec();
        for (what, first, words) in [
            ("a browser", browser, "1195725856 bytes"),
            ("DATA without an offer", whole(b"hello"), "OFFER was due"),
            ("a DONE", done(5, 0x3610_a686), "OFFER was due"),
        ] {
            check.note("next", what, "");
            let program = start(&check, &inbox, &[]);
            let mut peer = check.connect(&program);
            peer.send(first).half_close();
            let why = "That is no OFFER, so nothing can be received: an error, and no panic.";
            expect_failure(&program, &[words], why);
        }
        for (what, next, words) in [
            ("a second OFFER", offer(5, "hello.txt"), "DATA was due"),
            ("DATA from the middle", data(3), "DATA begins at 3"),
        ] {
            check.note("next", what, "");
            let program = start(&check, &inbox, &[]);
            let mut peer = check.connect(&program);
            wanted(&mut peer, 5, "hello.txt");
            peer.send(next).half_close();
            let why = "After HAVE comes DATA, from the beginning. Anything else is an error, and nothing of the file stays.";
            expect_failure(&program, &[words], why);
            expect_only(&check, &inbox, &[], why);
        }
    }

    #[test]
    fn gives_up_on_a_sender_that_keeps_still() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &["--idle", "200"]);
        let mut peer = check.connect(&program);
        let rest = whole(b"hello");
        // All at once, so that it does not matter how late this is.
        peer.send([&offer(5, "hello.txt"), &rest[..rest.len() - 6]].concat());
        let why = "The sender has stopped within the content and keeps the connection open. `main` has set a time limit on the socket, 200 ms here: a read that fails ends this file. The sender is told, and nothing stays in the folder.";
        // HAVE comes first, unless all of this was too late already.
        let message = next_message(&mut peer, why);
        if message == have(0, 0) {
            expect_no(&check, &mut peer, why);
        } else {
            check.require("a NO", kind(&message), message.get(4) == Some(&5), why);
        }
        peer.close();
        expect_failure(&program, &["kept still"], why);
        expect_only(&check, &inbox, &[], why);

        check.note("next", "a sender that is slow", "and does not keep still");
        let idle = IDLE.as_millis().to_string();
        let program = start(&check, &inbox, &["--idle", &idle]);
        let mut last = Instant::now();
        let mut peer = check.connect(&program);
        let content = b"slowness";
        let why = "The sender sends something again and again, only slowly. `--idle` is the limit of each wait, and not of the whole file: the file may take as long as it takes.";
        peer.send(offer(8, "slow.txt")).expect(have(0, 0), why);
        let crc = crc32(content).to_be_bytes();
        let bytes = content.chunks(1).chain([&crc[..]]);
        for piece in [&data(0)[..]].into_iter().chain(bytes) {
            if !is_in_time(&check, last, IDLE / 2) {
                return;
            }
            last = Instant::now();
            peer.send(piece);
            std::thread::sleep(IDLE / 6);
        }
        peer.expect(done(8, crc32(content)), why);
        peer.half_close();
        program.finish().expect_success(END);
    }

    #[test]
    fn receives_a_large_file_in_little_memory() {
        let check = check!();
        let inbox = inbox(&check);
        let program = start(&check, &inbox, &[]);
        let mut peer = check.connect(&program);
        let size = (PIECES * PIECE) as u64;
        wanted(&mut peer, size, "large");
        peer.send(data(0));
        let piece = vec![0; PIECE];
        for _ in 0..PIECES {
            peer.send(&piece);
        }
        peer.send(LARGE_CRC.to_be_bytes())
            .expect(done(size, LARGE_CRC), "All of it has come.");
        require_little_memory(
            &check,
            &program,
            "The memory grows with the file. Read a piece into a buffer of fixed size, append it to the part, and use the same buffer for the next one.",
        );
        peer.half_close();
        program.finish().expect_success(END);
        let stored = check.files().length(inbox.join("large")).unwrap_or(0);
        check.require(
            format!("{size} bytes in the file"),
            format!("{stored} bytes in the file"),
            stored == size,
            "DONE has come: all of it is in the file.",
        );
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux, where a file can be kept from growing"
    )]
    fn leaves_nothing_behind_on_a_full_disk() {
        let check = check!();
        let inbox = inbox(&check);
        // Of the second, only the last byte has no room: the last write takes all but this one.
        for size in [100_000, 50_001] {
            let program = start(&check, &inbox, &[]);
            #[cfg(target_os = "linux")]
            program.limit_file_size(50_000);
            let mut peer = check.connect(&program);
            wanted(&mut peer, size as u64, "hello.txt");
            peer.send(whole(&vec![b'x'; size])).half_close();
            let why = "The file system takes no more: `write_all` fails within the content. It is an error like any other. The part goes, which also makes room again, and the sender is told why. A `write` may take fewer bytes than it was given, and says how many: that is no error, and no reason to count all of them.";
            expect_no(&check, &mut peer, why);
            peer.close();
            expect_failure(&program, &["file system"], why);
            expect_only(&check, &inbox, &[], why);
        }
    }
}

mod step_6 {
    use super::*;
    use step_3::{offered, send};
    use step_5::{expect_failure, expect_no, start, wanted};

    /// A receiver that keeps parts gets the first half of `helloworld`, and is cut off.
    fn cut_off(check: &Check, inbox: &Path) {
        let program = start(check, inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        wanted(&mut peer, 10, "hello.txt");
        peer.send([&data(0)[..], b"hello"].concat()).half_close();
        let why = "The stream ended within the content: Fault::CutContent, with 5 of 10 bytes. With `--keep` the part stays; the name may not be there.";
        expect_failure(&program, &["5 of 10"], why);
        expect_no_name(check, inbox, why);
    }

    /// As [`cut_off`], by a reset.
    fn reset(check: &Check, inbox: &Path) {
        let program = start(check, inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        wanted(&mut peer, 10, "hello.txt");
        let why = "The connection was reset within the content. With `--keep` the part stays; the name may not be there.";
        peer.send([&data(0)[..], b"hello"].concat())
            .expect_nothing_yet(why);
        peer.reset();
        expect_failure(&program, &[], why);
        expect_no_name(check, inbox, why);
    }

    /// As [`cut_off`], by a sender that keeps still. Whether the receiver has heard of it at all: on a
    /// crowded machine this may be too late to be heard.
    fn keep_still(check: &Check, inbox: &Path, idle: &str) -> bool {
        let program = start(check, inbox, &["--keep", "--idle", idle]);
        let mut peer = check.connect(&program);
        // All at once, so that it is all of it that is late, or nothing.
        peer.send([&offer(10, "hello.txt")[..], &data(0), b"hello"].concat());
        let why = "The sender keeps still within the content. With `--keep` the part stays; the name may not be there.";
        let was_heard = next_message(&mut peer, why) == have(0, 0);
        if was_heard {
            expect_no(check, &mut peer, why);
        }
        peer.close();
        expect_failure(&program, &["kept still"], why);
        expect_no_name(check, inbox, why);
        was_heard
    }

    fn expect_no_name(check: &Check, inbox: &Path, why: &str) {
        let name = inbox.join("hello.txt");
        check.require(
            "no hello.txt",
            if check.files().exists(&name) {
                "hello.txt in the folder"
            } else {
                "no hello.txt"
            },
            !check.files().exists(&name),
            why,
        );
    }

    /// Offers the file again, and expects that the receiver has its first half.
    fn offered_again(peer: &mut Peer<'_>) {
        peer.send(offer(10, "hello.txt")).expect(
            have(5, 0x3610_a686),
            "Five bytes of it were received before the cut, and kept. HAVE says so, with the checksum of these five, computed from what is in the part now.",
        );
    }

    #[test]
    fn resumes_where_it_was_cut() {
        let check = check!();
        let inbox = inbox(&check);
        cut_off(&check, &inbox);
        let program = start(&check, &inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        offered_again(&mut peer);
        peer.send(
            [
                &data(3)[..],
                b"loworld",
                &crc32(b"helloworld").to_be_bytes(),
            ]
            .concat(),
        )
        .half_close();
        let why = "HAVE said 5. DATA may begin at 5 or at 0, and this one begins at 3: Fault::Offset. The five bytes that are there are as good as before, and the part is kept.";
        expect_no(&check, &mut peer, why);
        peer.close();
        expect_failure(&program, &["DATA begins at 3"], why);
        let program = start(&check, &inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        offered_again(&mut peer);
        let crc = crc32(b"helloworld");
        peer.send([&data(5)[..], b"world", &crc.to_be_bytes()].concat());
        let why = "DATA begins at 5, so its bytes belong behind the five that are there. The checksum is that of the whole file.";
        peer.expect(done(10, crc), why);
        peer.half_close();
        program.finish().expect_success(why);
        expect_file(&check, &inbox.join("hello.txt"), b"helloworld", why);
        expect_only(
            &check,
            &inbox,
            &["hello.txt"],
            "The part has become the file.",
        );
        let _ = check.files().remove(inbox.join("hello.txt"));
        resumes_after_other_cuts(&check, &inbox);
        resumes_a_large_part(&check, &inbox);
    }

    fn resumes_after_other_cuts(check: &Check, inbox: &Path) {
        let offer_again = || {
            let program = start(check, inbox, &["--keep"]);
            let mut peer = check.connect(&program);
            offered_again(&mut peer);
            peer.half_close();
            expect_failure(&program, &[], "The stream ended where DATA was due.");
            let _ = check.files().remove(inbox.join("hello.txt.part"));
        };
        check.note("next", "a sender that keeps still", "");
        if ["200", "1000", "5000"]
            .iter()
            .any(|idle| keep_still(check, inbox, idle))
        {
            offer_again();
        }
        // What has arrived before a reset can be read on Linux, and not everywhere.
        if cfg!(target_os = "linux") {
            check.note("next", "a reset", "");
            reset(check, inbox);
            offer_again();
        }

        check.note("next", "an end", "before the checksum");
        let content = check.random(300_000);
        let (size, crc) = (content.len() as u64, crc32(&content));
        let program = start(check, inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        wanted(&mut peer, size, "random");
        peer.send([&data(0)[..], &content].concat()).half_close();
        expect_failure(
            &program,
            &[],
            "All of the content has come, and the stream ended before its checksum: an error. With `--keep` the part stays.",
        );
        let program = start(check, inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        peer.send(offer(size, "random")).expect(
            have(size, crc),
            "All bytes of the content were received before the cut, and kept. HAVE says so. Only a part that is longer than the offer is begun anew. And one `read` of the part need not bring all of it: read until it gives 0.",
        );
        let why = "DATA begins at the end of the content: nothing is missing but the checksum.";
        peer.send([data(size), crc.to_be_bytes().to_vec()].concat())
            .expect(done(size, crc), why);
        peer.half_close();
        program.finish().expect_success(why);
        expect_file(check, &inbox.join("random"), &content, why);
    }

    fn resumes_a_large_part(check: &Check, inbox: &Path) {
        check.note("next", "a part of 24 MiB", "that was kept");
        let kept = (PIECES * PIECE) as u64;
        if let Err(error) = check.files().zeros(inbox.join("large.part"), kept) {
            panic!("a file of {kept} bytes cannot be had: {error}");
        }
        let program = start(check, inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        peer.send(offer(kept + 5, "large")).expect(
            have(kept, LARGE_CRC),
            "24 MiB of it are there. HAVE says so, with their checksum, computed from what is in the part now.",
        );
        require_little_memory(
            check,
            &program,
            "The memory grows with the part. Read a piece into a buffer of fixed size, add it to the checksum, and use the same buffer for the next one.",
        );
        peer.half_close();
        expect_failure(&program, &[], "The stream ended where DATA was due.");
    }

    #[test]
    fn begins_anew_when_the_sender_says_so() {
        let check = check!();
        let inbox = inbox(&check);
        cut_off(&check, &inbox);
        let program = start(&check, &inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        offered_again(&mut peer);
        let content = b"a new text";
        peer.send(whole(content));
        let why = "DATA begins at 0: the sender's file is another one now. What was kept is of no use, and none of it may be in the file.";
        peer.expect(done(10, crc32(content)), why);
        peer.half_close();
        program.finish().expect_success(why);
        expect_file(&check, &inbox.join("hello.txt"), content, why);

        let _ = check.files().remove(inbox.join("hello.txt"));
        cut_off(&check, &inbox);
        let program = start(&check, &inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        let why = "Five bytes were kept, and the file that is offered now has three. It cannot be the same one: begin anew.";
        peer.send(offer(3, "hello.txt")).expect(have(0, 0), why);
        peer.send(whole(b"new")).expect(done(3, crc32(b"new")), why);
        peer.half_close();
        program.finish().expect_success(why);
        expect_file(&check, &inbox.join("hello.txt"), b"new", why);
    }

    #[test]
    fn a_wrong_checksum_ends_a_resumed_file_too() {
        let check = check!();
        let inbox = inbox(&check);
        cut_off(&check, &inbox);
        let program = start(&check, &inbox, &["--keep"]);
        let mut peer = check.connect(&program);
        offered_again(&mut peer);
        let crc = crc32(b"helloearth");
        peer.send([&data(5)[..], b"world", &crc.to_be_bytes()].concat());
        let why = "The checksum is wrong, and nobody knows which bytes are. A part like this must not be kept: every later try would go on with the same wrong bytes.";
        expect_no(&check, &mut peer, why);
        peer.close();
        expect_failure(&program, &["checksum"], why);
        expect_only(&check, &inbox, &[], why);
    }

    #[test]
    fn sends_only_what_is_missing() {
        let check = check!();
        let file = check.file("hello.txt", "helloworld");
        let crc = crc32(b"helloworld");
        for (has, its_crc, rest, why) in [
            (
                5,
                0x3610_a686,
                &b"world"[..],
                "The receiver has the first five bytes, and their checksum is that of the first five bytes of the file. DATA begins at 5, and only the rest is sent. The checksum at the end is that of the whole file.",
            ),
            (
                10,
                crc,
                b"",
                "The receiver has all ten bytes, and their checksum is that of the file: only the last checksum was cut off. DATA begins at 10, and no byte of the content is sent.",
            ),
        ] {
            let listener = check.listen();
            let program = send(&check, &listener, &file);
            let mut peer = offered(&listener, &program, 10, "hello.txt");
            peer.send(have(has, its_crc));
            peer.expect([&data(has)[..], rest, &crc.to_be_bytes()].concat(), why);
            peer.send(done(10, crc));
            program.finish().expect_success("It was confirmed.");
        }

        let file = check.file("large", "");
        let size = (PIECES * PIECE) as u64;
        if let Err(error) = check.files().zeros(&file, size) {
            panic!("a file of {size} bytes cannot be had: {error}");
        }
        let listener = check.listen();
        let program = send(&check, &listener, &file);
        let mut peer = offered(&listener, &program, size, "large");
        peer.send(have(size, LARGE_CRC)).expect(
            [data(size), LARGE_CRC.to_be_bytes().to_vec()].concat(),
            "The receiver has 24 MiB, and they are those of the file. To know that, the sender reads as many bytes as HAVE says, piece after piece: one `read` brings the first of them only.",
        );
        require_little_memory(
            &check,
            &program,
            "The memory grows with the offset in HAVE. Read a piece into a buffer of fixed size, add it to the checksum, and use the same buffer for the next one.",
        );
        peer.send(done(size, LARGE_CRC));
        program.finish().expect_success("It was confirmed.");
    }

    #[test]
    fn sends_all_of_it_when_the_file_has_changed() {
        let check = check!();
        let file = check.file("hello.txt", "helloworld");
        for (answer, why) in [
            (
                have(5, crc32(b"hallo")),
                "The receiver has five bytes, and their checksum is not that of the first five bytes of the file: they are those of an older one. To send the rest would make a file that has never been. DATA begins at 0.",
            ),
            (
                have(11, crc32(b"helloworld")),
                "The receiver says that it has more bytes than the file. DATA begins at 0.",
            ),
        ] {
            let listener = check.listen();
            let program = send(&check, &listener, &file);
            let mut peer = offered(&listener, &program, 10, "hello.txt");
            peer.send(answer).expect(whole(b"helloworld"), why);
            peer.send(done(10, crc32(b"helloworld")));
            program.finish().expect_success("It was confirmed.");
        }
    }

    /// A receiver of as many senders as may come.
    fn serve(check: &Check, inbox: &Path) -> Program {
        let dir = inbox.to_string_lossy();
        check.start(["receive", "--dir", &*dir])
    }

    #[test]
    fn a_sender_that_stalls_blocks_no_other() {
        let check = check!();
        let inbox = inbox(&check);
        let server = serve(&check, &inbox);
        let mut stalled = check.connect(&server);
        wanted(&mut stalled, 5, "slow.txt");
        let rest = whole(b"hello");
        stalled.send(&rest[..rest.len() - 6]);
        let mut silent = check.connect(&server);
        let mut other = check.connect(&server);
        let why = "One sender has stopped within its file, and another has not said a word. Neither may keep a third from being served: a thread for each connection (chapter 5).";
        other.send(offer(4, "fast.txt")).expect(have(0, 0), why);
        other
            .send(whole(b"fast"))
            .expect(done(4, crc32(b"fast")), why);
        expect_file(&check, &inbox.join("fast.txt"), b"fast", why);
        let why = "The sender that had stopped goes on where it was, and so does the receiver.";
        stalled
            .send(&rest[rest.len() - 6..])
            .expect(done(5, 0x3610_a686), why);
        expect_file(&check, &inbox.join("slow.txt"), b"hello", why);
        wanted(&mut silent, 0, "last.txt");
    }

    #[test]
    fn an_error_of_one_sender_does_not_end_the_server() {
        let check = check!();
        let inbox = inbox(&check);
        let server = serve(&check, &inbox);
        check
            .connect(&server)
            .send(b"GET / HTTP/1.1\r\n\r\n")
            .half_close();
        check
            .connect(&server)
            .send(offer(5, "../evil"))
            .half_close();
        let why = "A browser, a bad name, a cut, and one that left at once: each ends its own connection, and not the server.";
        let mut cut = check.connect_explaining(&server, why);
        cut.send(offer(5, "hello.txt")).expect(have(0, 0), why);
        cut.send(data(0));
        cut.reset();
        check.connect_explaining(&server, why).reset();
        let mut peer = check.connect_explaining(&server, why);
        peer.send(offer(5, "good.txt")).expect(have(0, 0), why);
        peer.send(whole(b"hello")).expect(done(5, 0x3610_a686), why);
        expect_file(&check, &inbox.join("good.txt"), b"hello", why);
    }

    #[test]
    fn a_name_is_free_again_after_a_cut() {
        let check = check!();
        let inbox = inbox(&check);
        let server = serve(&check, &inbox);
        let why = "The first sender of this name was cut, and the same server is asked again. The name is being received no longer, so it must leave the set on every way out, errors too: a `drop` does that.";
        let mut cut = check.connect(&server);
        wanted(&mut cut, 5, "hello.txt");
        cut.send(data(0)).half_close();
        expect_no(&check, &mut cut, why);
        cut.close();
        offered_until_wanted(&check, &server, "hello.txt", why)
            .send(whole(b"hello"))
            .expect(done(5, 0x3610_a686), why);

        let name = check.file("inbox/taken.txt", "precious");
        let mut refused = check.connect(&server);
        refused.send(offer(5, "taken.txt"));
        let why = "There was a file of this name, so an offer of it was refused. Now the file is gone, and the name is free: where no part could be made nothing is being received either, and the name must leave the set there too.";
        expect_no(&check, &mut refused, why);
        refused.close();
        let _ = check.files().remove(&name);
        check.note("removed", "taken.txt", "");
        offered_until_wanted(&check, &server, "taken.txt", why)
            .send(whole(b"hello"))
            .expect(done(5, 0x3610_a686), why);
    }

    /// Offers a file to a server that may still be busy with one of this name: a NO may be said a moment before
    /// the name is given back.
    fn offered_until_wanted<'p>(
        check: &Check,
        server: &'p Program,
        name: &str,
        why: &str,
    ) -> Peer<'p> {
        let mut peer = check.connect(server);
        let mut answer = next_message(peer.send(offer(5, name)), why);
        for _ in 0..200 {
            if answer == have(0, 0) {
                break;
            }
            peer.close();
            peer = check.connect(server);
            answer = next_message(peer.send(offer(5, name)), why);
        }
        check.require("a HAVE", kind(&answer), answer == have(0, 0), why);
        peer
    }

    #[test]
    fn one_of_two_senders_of_a_name_is_refused() {
        let check = check!();
        let inbox = inbox(&check);
        let server = serve(&check, &inbox);
        let mut first = check.connect(&server);
        let mut second = check.connect(&server);
        wanted(&mut first, 5, "hello.txt");
        second.send(offer(7, "hello.txt"));
        let why = "Two senders send a file of the same name at the same time. Exactly one of them may hear DONE, and its file is what must be there, with no byte of the other's in it. The other hears NO: at once, or at the latest when its own is complete. Claim the name before the part is made: `create` removes the other's.";
        // Whether it is refused now or at its end is the receiver's own choice.
        let rest = whole(b"goodbye");
        let mut answers = vec![];
        match next_message(&mut second, why) {
            answer if answer == have(0, 0) => {
                let (one, other) = rest.split_at(data(0).len() + 3);
                second.send(one);
                first.send(whole(b"hello"));
                answers.push(next_message(&mut first, why));
                second.send(other);
                answers.push(next_message(&mut second, why));
            }
            answer => {
                first.send(whole(b"hello"));
                answers.extend([next_message(&mut first, why), answer]);
            }
        }
        let confirmed = [done(5, 0x3610_a686), done(7, crc32(b"goodbye"))];
        let contents = [&b"hello"[..], b"goodbye"];
        let kinds: Vec<_> = answers.iter().map(|answer| answer.get(4)).collect();
        let winner = (0..2).find(|n| answers[*n] == confirmed[*n] && kinds[1 - *n] == Some(&5));
        check.require(
            "one DONE and one NO",
            match winner {
                Some(_) => "one DONE and one NO".to_string(),
                None => answers
                    .iter()
                    .map(|answer| kind(answer))
                    .collect::<Vec<_>>()
                    .join(" and "),
            },
            winner.is_some(),
            why,
        );
        expect_file(
            &check,
            &inbox.join("hello.txt"),
            contents[winner.unwrap_or(0)],
            why,
        );
        expect_only(&check, &inbox, &["hello.txt"], why);
    }
}
