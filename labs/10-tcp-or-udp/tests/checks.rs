//! The checks of chapter 10. Each runs one end of a transfer and is the other end: one that loses,
//! repeats, reorders and corrupts what it likes.
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{Check, Direction, Loss, Lossy, Program, UdpPeer, Why, check};

const DATA: u8 = 1;
const ACK: u8 = 2;
const FIN: u8 = 3;
/// The transfer of our sender.
const OURS: u32 = 0x0102_0304;

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, bit: u32| {
        let odd = (crc ^ bit) & 1 == 1;
        if odd {
            (crc >> 1) ^ 0xedb8_8320
        } else {
            crc >> 1
        }
    };
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |n| u32::from(byte >> n & 1)));
    !bits.fold(u32::MAX, step)
}

fn datagram(kind: u8, transfer: u32, number: u32, block: &[u8]) -> Vec<u8> {
    let mut rest = vec![kind];
    rest.extend(transfer.to_be_bytes());
    rest.extend(number.to_be_bytes());
    rest.extend(block);
    [&crc32(&rest).to_be_bytes()[..], &rest].concat()
}

fn corrupted(mut bytes: Vec<u8>) -> Vec<u8> {
    let last = bytes.len() - 1;
    bytes[last] ^= 0x20;
    bytes
}

/// What the program sent, taken apart.
struct Came {
    kind: u8,
    transfer: u32,
    number: u32,
    block: Vec<u8>,
}

impl Came {
    /// What these bytes hold, where they are a datagram of the lab's with the right checksum.
    fn of(bytes: &[u8]) -> Option<Came> {
        if bytes.len() < 13 || bytes[..4] != crc32(&bytes[4..]).to_be_bytes() {
            return None;
        }
        let number_at = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|n| bytes[at + n]));
        Some(Came {
            kind: bytes[4],
            transfer: number_at(5),
            number: number_at(9),
            block: bytes[13..].to_vec(),
        })
    }
}

fn take_apart(check: &Check, bytes: &[u8]) -> Came {
    Came::of(bytes).unwrap_or_else(|| {
        check.fail(
            "four bytes of CRC-32, kind, transfer, number, block",
            testkit::Bytes(bytes),
            "Every datagram is to be made by `encode`, with the right checksum.",
        )
    })
}

mod step_1 {
    use super::*;

    const FORMAT: &str = "Four bytes of CRC-32 over all that follows, one of the kind, four of the transfer, four of the number, then the block; each number most significant byte first (`to_be_bytes`).";

    #[test]
    fn encodes_as_the_format_says() {
        let check = check!();
        for (word, kind, block) in [
            ("data", DATA, &b"hello"[..]),
            ("ack", ACK, b""),
            ("fin", FIN, b""),
        ] {
            check
                .run_with_input(["encode", word, "16909060", "7"], block)
                .expect_success(FORMAT)
                .expect_stdout(datagram(kind, OURS, 7, block), FORMAT);
        }
    }

    #[test]
    fn decodes_what_the_format_says() {
        let check = check!();
        check
            .run_with_input(["decode"], datagram(DATA, OURS, 70_000, &[9; 1024]))
            .expect_success(FORMAT)
            .expect_stdout("data 16909060 70000 1024\n", FORMAT);
    }

    #[test]
    fn refuses_a_wrong_checksum() {
        let check = check!();
        let why = "One bit is different from what was sent. Compute `crc32` over everything behind the first four bytes and compare, before anything else is believed.";
        check
            .run_with_input(["decode"], corrupted(datagram(DATA, OURS, 7, b"hello")))
            .expect_exit(1, why);
    }

    #[test]
    fn refuses_lengths_that_cannot_be() {
        let check = check!();
        let why = "Whatever arrives must be looked at for its length first: 13 bytes at least, 1 to 1024 bytes of a block in DATA, none in ACK and FIN. Everything else is `None`, and never a panic.";
        let whole = datagram(DATA, OURS, 7, b"");
        let mut wrong: Vec<Vec<u8>> = (0..13).map(|n| whole[..n].to_vec()).collect();
        wrong.extend([
            whole,
            datagram(DATA, OURS, 7, &[1; 1025]),
            datagram(ACK, OURS, 7, b"x"),
            datagram(FIN, OURS, 7, b"x"),
            datagram(4, OURS, 7, b""),
        ]);
        for bytes in wrong {
            check.run_with_input(["decode"], bytes).expect_exit(1, why);
        }
    }
}

/// The file at `path` is `bytes`.
fn require_file(check: &Check, path: &Path, bytes: &[u8], why: &str) {
    let got = check.files().read(path).unwrap_or_default();
    let differs = got.iter().zip(bytes).position(|(one, other)| one != other);
    /// A file that can be shown whole.
    const SHORT: usize = 40;
    let got_text = match differs {
        _ if got.len() <= SHORT && bytes.len() <= SHORT => testkit::Bytes(&got).to_string(),
        Some(at) => format!("{} bytes, and the one at {at} is another", got.len()),
        None => format!("{} bytes", got.len()),
    };
    let expected = if bytes.len() <= SHORT {
        format!("a file of {}", testkit::Bytes(bytes))
    } else {
        format!("a file of {} bytes, as it was sent", bytes.len())
    };
    check.require(expected, got_text, got == bytes, why);
}

/// A socket of somebody else, which waits for nothing.
fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0")
        .and_then(|socket| socket.set_nonblocking(true).map(|()| socket))
        .expect("a UDP socket on 127.0.0.1")
}

/// Does `act` again and again, a fifth of a second apart, for so many milliseconds.
fn lasting(milliseconds: u64, act: impl Fn()) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(milliseconds) {
        act();
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What a stranger sends.
fn say(check: &Check, stranger: &UdpSocket, bytes: &[u8], to: SocketAddr) {
    check.note("a stranger", testkit::Bytes(bytes), format!("to {to}"));
    if let Err(error) = stranger.send_to(bytes, to) {
        panic!("a datagram to {to} cannot be sent: {error}");
    }
}

/// No datagram has come to the stranger. For when the program has answered what came later.
fn require_no_answer(check: &Check, stranger: &UdpSocket, why: &str) {
    let answer = stranger.recv(&mut [0; 64]);
    check.require(
        "no answer to the stranger",
        match answer {
            Ok(n) => format!("a datagram of {n} bytes"),
            Err(_) => "none".into(),
        },
        answer.is_err(),
        why,
    );
}

/// How long a stranger talks at most.
const TALKING: Duration = Duration::from_secs(4);

/// A stranger says the same every 5 ms, until `act` is done or `TALKING` is over. What `act`
/// returns, and whether the stranger still talked then.
fn while_a_stranger_talks<T>(
    check: &Check,
    bytes: &[u8],
    to: SocketAddr,
    act: impl FnOnce() -> T,
) -> (T, bool) {
    let stranger = socket();
    say(check, &stranger, bytes, to);
    check.note("", "and again, every 5 ms", "");
    let silent = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let began = Instant::now();
            while began.elapsed() < TALKING && !silent.load(Ordering::Relaxed) {
                // The program may have ended.
                let _ = stranger.send_to(bytes, to);
                std::thread::sleep(Duration::from_millis(5));
            }
            silent.store(true, Ordering::Relaxed);
        });
        let result = act();
        (result, !silent.swap(true, Ordering::Relaxed))
    })
}

/// The program as receiver, and our sender.
struct Receiving {
    check: Check,
    program: Program,
    peer: UdpPeer,
    out: PathBuf,
    /// The numbers of the blocks that were sent whole.
    blocks: RefCell<BTreeSet<u32>>,
    /// The numbers of the FINs that were sent.
    fins: RefCell<BTreeSet<u32>>,
    /// What was acknowledged.
    acknowledged: RefCell<BTreeSet<u32>>,
}

impl Receiving {
    /// It ends with exit code `code` 500 ms after the last of `what`, and not only when a stranger has fallen silent
    /// who says `bytes` meanwhile.
    fn expect_end_while_a_stranger_talks(&self, bytes: &[u8], what: &str, code: i32, why: &str) {
        let act = || self.program.expect_ends(why);
        let (ended, before) = while_a_stranger_talks(&self.check, bytes, self.program.addr(), act);
        ended.expect_exit(code, why);
        self.check.require(
            format!("an end after 500 ms without {what}, while the stranger talks"),
            if before {
                "that".into()
            } else {
                format!(
                    "it came when the stranger had fallen silent, after {} s",
                    TALKING.as_secs()
                )
            },
            before,
            why,
        );
    }

    fn start(check: &Check, idle: &str, linger: &str) -> Receiving {
        Receiving::start_with(check, "out", idle, linger)
    }

    /// One more, with a file of its own.
    fn start_another(check: &Check, idle: &str, linger: &str) -> Receiving {
        Receiving::start_with(check, "out-2", idle, linger)
    }

    fn start_with(check: &Check, name: &str, idle: &str, linger: &str) -> Receiving {
        let out = check.folder().join(name);
        let path = out.display().to_string();
        let program = check.start([
            "receive", "--out", &path, "--idle", idle, "--linger", linger,
        ]);
        Receiving {
            check: check.clone(),
            program,
            peer: check.udp(),
            out,
            blocks: RefCell::default(),
            fins: RefCell::default(),
            acknowledged: RefCell::default(),
        }
    }

    fn send(&self, kind: u8, number: u32, block: &[u8]) {
        let sent = if kind == DATA {
            &self.blocks
        } else {
            &self.fins
        };
        sent.borrow_mut().insert(number);
        self.peer
            .send_to(datagram(kind, OURS, number, block), self.program.addr());
    }

    /// Whether a receiver can have this number: a block that was sent whole, or the end with all
    /// before it.
    fn can_have(&self, number: u32) -> bool {
        let blocks = self.blocks.borrow();
        let all_before = || (0..number).all(|before| blocks.contains(&before));
        blocks.contains(&number) || self.fins.borrow().contains(&number) && all_before()
    }

    /// Waits for the acknowledgement of `number`. Others that are true may come before it: a
    /// receiver may repeat itself, and answer late.
    fn expect_ack(&self, number: u32, why: impl Why) {
        loop {
            let expected = format!("an ACK of number {number}");
            let (bytes, _) = self
                .peer
                .receive(&self.program, &expected, |got: &[u8]| why.explain(got));
            let came = take_apart(&self.check, &bytes);
            self.check.require(
                "an ACK of this transfer, without a block",
                format!("kind {}, transfer {}, {} bytes", came.kind, came.transfer, came.block.len()),
                came.kind == ACK && came.transfer == OURS && came.block.is_empty(),
                if came.kind == ACK && came.transfer != OURS {
                    "This answers a datagram of another transfer. The transfer is the one that began first, also when its own sender sends a number 0 with another transfer: pass over that, without an answer."
                } else {
                    "A receiver sends acknowledgements, each with the transfer and the number of what it acknowledges, and no block."
                },
            );
            self.check.require(
                format!("{expected}, or of another number that the receiver has"),
                format!("an ACK of number {}", came.number),
                self.can_have(came.number),
                if self.fins.borrow().contains(&came.number) {
                    "A FIN that comes before all blocks does not end the transfer: pass over it, without an answer, until its number is the one that comes next."
                } else {
                    "An ACK of number n says that n itself is here: a block that arrived whole, or the FIN when all blocks are here. It does not say what is expected next, and what was passed over gets none."
                },
            );
            self.acknowledged.borrow_mut().insert(came.number);
            if came.number == number {
                return;
            }
        }
    }

    /// Sends what has not been acknowledged, and nothing else: a sender forgets the rest.
    fn send_unless_acknowledged(&self, number: u32, block: &[u8], why: &str) {
        if !self.acknowledged.borrow().contains(&number) {
            self.send(DATA, number, block);
            self.expect_ack(number, why);
        }
    }

    /// The program has ended with a failure, and nothing was acknowledged.
    fn expect_failure_without_an_answer(&self, why: &str) {
        self.program
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error::<&str>(&[], why);
        self.peer.expect_nothing_yet(&self.program, why);
    }

    /// The transfer has ended, and the file is `bytes`.
    fn expect_file(&self, bytes: &[u8], why: &str) {
        let line = format!("received {} bytes", bytes.len());
        self.program.expect_line(&line, why);
        require_file(&self.check, &self.out, bytes, why);
    }
}

mod step_2 {
    use super::*;

    const ANSWER: &str = "DATA with the number that comes next is to be appended to the file, and then acknowledged with its own number.";
    const END: &str = "FIN with the number of blocks says that all is there: `complete` the file, acknowledge the FIN with its number, return.";

    #[test]
    fn receives_blocks_and_acknowledges_each() {
        let check = check!();
        let all = check.random(1024 + 10);
        let it = Receiving::start(&check, "5000", "20");
        it.send(DATA, 0, &all[..1024]);
        it.expect_ack(0, ANSWER);
        it.send(DATA, 1, &all[1024..]);
        it.expect_ack(1, ANSWER);
        it.send(FIN, 2, b"");
        it.expect_ack(2, END);
        it.expect_file(&all, END);
        it.program.finish().expect_success(END);
    }

    #[test]
    fn receives_an_empty_file() {
        let check = check!();
        let it = Receiving::start(&check, "5000", "20");
        let why = "An empty file has no block: its transfer is one FIN of number 0, and the file is there and empty.";
        it.send(FIN, 0, b"");
        it.expect_ack(0, why);
        it.expect_file(b"", why);
        let is_there = check.files().exists(&it.out);
        check.require("the file is there", is_there, is_there, why);
    }

    #[test]
    fn writes_a_duplicate_once_and_acknowledges_it_again() {
        let check = check!();
        let it = Receiving::start(&check, "5000", "20");
        let why = "The block is here already, and comes again because its acknowledgement was lost or late. Acknowledge it again, or the sender never goes on; do not write it again.";
        it.send(DATA, 0, b"one,");
        it.expect_ack(0, ANSWER);
        it.send(DATA, 0, b"one,");
        it.expect_ack(0, why);
        it.send(DATA, 1, b"two");
        it.expect_ack(1, ANSWER);
        it.send(DATA, 0, b"one,");
        it.expect_ack(0, why);
        it.send(FIN, 2, b"");
        it.expect_ack(2, END);
        it.expect_file(b"one,two", why);
    }

    #[test]
    fn puts_blocks_in_order() {
        let check = check!();
        let it = Receiving::start(&check, "5000", "20");
        let why = "A block that comes before its turn must not be written behind the wrong one, and a FIN that comes before all blocks does not end the transfer.";
        let kept = "Number 2 was acknowledged when it came early, so its sender has forgotten it, and the FIN came after. What is acknowledged must be kept; what is passed over gets no answer.";
        it.send(DATA, 0, b"one,");
        it.expect_ack(0, ANSWER);
        it.send(DATA, 2, b"three");
        it.send(FIN, 3, b"");
        it.send(DATA, 1, b"two,");
        it.expect_ack(1, "DATA with the number that comes next is to be acknowledged. Number 2 and the FIN came before their turn: a FIN that comes before all blocks does not end the transfer.");
        // Nor does one whose number is past.
        it.send(FIN, 0, b"");
        it.send(DATA, 1, b"two,");
        it.expect_ack(1, "A FIN ends the transfer when its number is the one that comes next: no higher, and no lower. This one had number 0, and is to be passed over.");
        it.send_unless_acknowledged(2, b"three", ANSWER);
        it.send(FIN, 3, b"");
        it.expect_ack(3, kept);
        it.expect_file(b"one,two,three", why);
    }

    #[test]
    fn passes_over_what_is_corrupt() {
        let check = check!();
        let it = Receiving::start(&check, "5000", "20");
        let why = "A datagram with a wrong checksum counts as lost: it is not written and not acknowledged.";
        it.send(DATA, 0, b"one,");
        it.expect_ack(0, ANSWER);
        let bad = corrupted(datagram(DATA, OURS, 1, b"two"));
        it.peer.send_to(bad, it.program.addr());
        // The answer to this one comes after any answer to the one before.
        it.send(DATA, 0, b"one,");
        it.expect_ack(0, ANSWER);
        it.send(DATA, 1, b"two");
        it.expect_ack(1, ANSWER);
        it.send(FIN, 2, b"");
        it.expect_ack(2, END);
        it.expect_file(b"one,two", why);
    }

    #[test]
    fn passes_over_strangers_and_other_transfers() {
        let check = check!();
        let it = Receiving::start(&check, "5000", "20");
        let stranger = socket();
        let why = "The transfer belongs to the address and the transfer number it began with. A datagram from another address, or of another transfer, is not part of it.";
        it.send(DATA, 0, b"one,");
        it.expect_ack(0, ANSWER);
        for (kind, block) in [(DATA, &b"bad"[..]), (FIN, b"")] {
            say(
                &check,
                &stranger,
                &datagram(kind, OURS, 1, block),
                it.program.addr(),
            );
        }
        // Number 0 begins a transfer only where none has begun.
        for number in [1, 0] {
            let other = datagram(DATA, OURS + 1, number, b"old");
            it.peer.send_to(other, it.program.addr());
        }
        it.peer
            .send_to(datagram(ACK, OURS, 1, b""), it.program.addr());
        // The answer to this one comes after any answer to those before.
        it.send(DATA, 0, b"one,");
        it.expect_ack(0, ANSWER);
        it.send(DATA, 1, b"two");
        it.expect_ack(1, ANSWER);
        it.send(FIN, 2, b"");
        it.expect_ack(2, END);
        it.expect_file(b"one,two", why);
        require_no_answer(
            &check,
            &stranger,
            "Its datagrams were not written, and yet acknowledged: two senders would each believe that their file is here. Pass over them, without an answer.",
        );
    }

    #[test]
    fn begins_with_number_0() {
        let check = check!();
        let it = Receiving::start(&check, "5000", "20");
        let stranger = socket();
        let why = "A transfer begins with DATA or FIN of number 0. What comes before that, of whatever kind and number, is left over from an earlier transfer, perhaps: it is passed over, and its sender does not own this receiver.";
        for (kind, number, block) in [(FIN, 3, &b""[..]), (DATA, 1, b"old"), (ACK, 0, b"")] {
            let old = datagram(kind, OURS - 1, number, block);
            say(&check, &stranger, &old, it.program.addr());
        }
        it.send(DATA, 0, b"one");
        it.expect_ack(0, why);
        it.send(FIN, 1, b"");
        it.expect_ack(1, END);
        it.expect_file(b"one", why);
        require_no_answer(&check, &stranger, why);
    }

    #[test]
    fn answers_no_fin_before_the_file_has_its_name() {
        let check = check!();
        // A file cannot take the name of a folder: `complete` fails.
        let out = check.folder().join("out");
        if let Err(error) = check.files().make_folder(&out) {
            panic!("{} cannot be made: {error}", out.display());
        }
        check.note(
            "made",
            "a folder named out",
            "so `complete` is going to fail",
        );
        let it = Receiving::start(&check, "5000", "20");
        let why = "An acknowledgement is a promise. The file could not get its name, and the sender of a FIN that is acknowledged reports success. So `complete` the file first, return its error where it fails, and acknowledge only then.";
        it.send(FIN, 0, b"");
        it.expect_failure_without_an_answer(why);
    }

    #[test]
    #[cfg_attr(
        not(target_os = "linux"),
        ignore = "needs Linux, where a file can be kept from growing"
    )]
    fn answers_no_block_that_could_not_be_written() {
        let check = check!();
        let it = Receiving::start(&check, "5000", "20");
        #[cfg(target_os = "linux")]
        it.program.limit_file_size(0);
        let why = "An acknowledgement is a promise. The disk is full, the block could not be written, and the sender of a block that is acknowledged forgets it. So `append` the block first, return its error where it fails, and acknowledge only then.";
        it.send(DATA, 0, b"no room");
        it.expect_failure_without_an_answer(why);
    }

    #[test]
    fn waits_for_a_start_without_an_end() {
        let check = check!();
        let it = Receiving::start(&check, "50", "20");
        let why = "`--idle` limits the wait for more of a transfer. Before the transfer has begun, the receiver waits for as long as it takes.";
        check.note("waited", "for ten times `--idle`", "");
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(500) && !it.program.has_ended() {
            std::thread::sleep(Duration::from_millis(5));
        }
        it.send(FIN, 0, b"");
        it.expect_ack(0, why);
        it.expect_file(b"", why);
    }

    #[test]
    fn waits_anew_with_each_datagram_of_the_transfer() {
        let check = check!();
        let it = Receiving::start(&check, "2000", "20");
        let other = Receiving::start_another(&check, "2000", "20");
        let why = "The sender has never been silent for the time of `idle`, though the transfer takes longer than that. Each datagram of the transfer starts the wait anew.";
        let passed_over = "For longer than the time of `idle` came nothing that this receiver could use: a FIN, again and again, before all blocks were there. It is passed over, and yet it says that the sender is still there: each datagram of the transfer starts the wait anew.";
        other.send(DATA, 0, b"one");
        other.expect_ack(0, why);
        lasting(2400, || {
            it.send(DATA, 0, b"one");
            it.expect_ack(0, why);
            other.send(FIN, 7, b"");
        });
        it.send(FIN, 1, b"");
        it.expect_ack(1, why);
        it.expect_file(b"one", why);
        other.send(FIN, 1, b"");
        other.expect_ack(1, passed_over);
        other.expect_file(b"one", passed_over);
    }

    #[test]
    fn a_stranger_does_not_make_the_receiver_wait_longer() {
        let check = check!();
        let it = Receiving::start(&check, "500", "20");
        let why = "The sender has fallen silent; somebody else has not. Only a datagram of this transfer, from its sender's address, starts the time of `idle` anew.";
        it.send(DATA, 0, b"half");
        it.expect_ack(0, ANSWER);
        let bytes = datagram(DATA, OURS, 0, b"half");
        it.expect_end_while_a_stranger_talks(&bytes, "the sender", 1, why);

        let it = Receiving::start_another(&check, "5000", "500");
        let why = "The transfer has ended, and somebody else is not silent. Who lingers waits since the last FIN that it answered, which nothing else puts off: work out the moment once, and anew after each answer.";
        it.send(DATA, 0, b"one");
        it.expect_ack(0, ANSWER);
        it.send(FIN, 1, b"");
        it.expect_ack(1, END);
        it.expect_end_while_a_stranger_talks(&bytes, "a FIN", 0, why);
    }

    #[test]
    fn answers_the_fin_again() {
        let check = check!();
        let it = Receiving::start(&check, "5000", "2000");
        let why = "The acknowledgement of the FIN was lost, and the sender asks again. Only a receiver that lingers can answer it: `linger`.";
        it.send(DATA, 0, b"one");
        it.expect_ack(0, ANSWER);
        it.send(FIN, 1, b"");
        it.expect_ack(1, END);
        it.expect_file(b"one", END);
        lasting(2400, || {
            it.send(FIN, 1, b"");
            it.expect_ack(1, |_: &[u8]| if it.program.has_ended() {
                "The receiver has ended, although the sender asked again and again: it lingers for the time of `--linger` since the last FIN, and not since the first one. Each FIN that is answered starts the time anew."
            } else {
                why
            });
        });
        // Its number is not the one that ended the transfer.
        it.send(FIN, 7, b"");
        let stranger = socket();
        let fin = datagram(FIN, OURS, 1, b"");
        say(&check, &stranger, &fin, it.program.addr());
        it.peer
            .send_to(datagram(FIN, OURS + 1, 1, b""), it.program.addr())
            .send_to(datagram(DATA, OURS, 5, b"five"), it.program.addr());
        it.send(FIN, 1, b"");
        it.expect_ack(1, why);
        require_no_answer(
            &check,
            &stranger,
            "A FIN that somebody else sends is not answered: who lingers answers the FIN of this transfer, from its sender's address, and nothing else.",
        );
    }

    #[test]
    fn leaves_no_file_when_the_sender_falls_silent() {
        let check = check!();
        let it = Receiving::start(&check, "100", "20");
        let why = "Half of a file must not look like a file. When nothing of the transfer has come for the time of `idle`, return the error TimedOut without `complete`.";
        it.send(DATA, 0, b"half");
        it.expect_ack(0, ANSWER);
        it.program
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error::<&str>(&[], why);
        let is_there = it.check.files().exists(&it.out);
        check.require("no file", is_there, !is_there, why);
    }
}

/// The program as sender, and our receiver.
struct Sending {
    check: Check,
    program: Program,
    peer: UdpPeer,
    /// How often each number came.
    came: RefCell<BTreeMap<u32, u64>>,
}

impl Sending {
    fn start(check: &Check, bytes: &[u8], more: &[&str]) -> Sending {
        let peer = check.udp();
        let file = check.file("in", bytes).display().to_string();
        let addr = peer.addr().to_string();
        let mut args = vec!["send", &addr, &file];
        args.extend(more);
        Sending {
            check: check.clone(),
            program: check.spawn(args),
            peer,
            came: RefCell::default(),
        }
    }

    fn next(&self, why: &str) -> (Came, SocketAddr) {
        let (bytes, from) = self.peer.receive(&self.program, "a datagram", why);
        let came = take_apart(&self.check, &bytes);
        *self.came.borrow_mut().entry(came.number).or_default() += 1;
        (came, from)
    }

    /// The program has succeeded, and has counted rightly. How many datagrams came again.
    fn expect_success(&self, size: usize) -> u64 {
        let why = "M counts every datagram that was sent, DATA and FIN, each time; K those among them that had been sent before.";
        let finished = self.program.finish();
        finished.expect_success("All is acknowledged.");
        let count = || self.came.borrow().values().sum::<u64>();
        let words = String::from_utf8_lossy(&finished.stdout);
        let said = words.split(' ').nth(4).and_then(|word| word.parse().ok());
        // What it sent after the datagram that was acknowledged lies here unread.
        while said.is_some_and(|said| count() < said) {
            self.next(why);
        }
        self.peer.expect_nothing_yet(&self.program, why);
        let again = count() - self.came.borrow().len() as u64;
        let line = format!(
            "sent {size} bytes in {} datagrams, {again} of them again\n",
            count()
        );
        finished.expect_stdout(line, why);
        again
    }

    /// The next datagram is `number`, DATA or FIN.
    fn expect(&self, kind: u8, number: u32, why: &str) -> (Came, SocketAddr) {
        let (came, from) = self.next(why);
        self.check.require(
            format!("kind {kind}, number {number}"),
            format!("kind {}, number {}", came.kind, came.number),
            came.kind == kind && came.number == number,
            why,
        );
        (came, from)
    }

    fn ack(&self, transfer: u32, number: u32, to: SocketAddr) {
        self.peer.send_to(datagram(ACK, transfer, number, b""), to);
    }

    /// Receives everything as a right receiver; the bytes of the file.
    fn receive_all(&self) -> Vec<u8> {
        self.receive_the_rest(BTreeMap::new())
    }

    /// As [`Sending::receive_all`], when these blocks are here.
    fn receive_the_rest(&self, mut blocks: BTreeMap<u32, Vec<u8>>) -> Vec<u8> {
        loop {
            let (came, from) = self.next(
                "The transfer is not complete: after all blocks comes a FIN with their number.",
            );
            self.ack(came.transfer, came.number, from);
            if came.kind == FIN {
                self.check.require(
                    "FIN after every block, with the number of blocks",
                    format!("FIN of number {} after {} blocks", came.number, blocks.len()),
                    came.number as usize == blocks.len(),
                    "The FIN's number is the number of blocks, and it goes out when all of them are acknowledged.",
                );
                return blocks.into_values().flatten().collect();
            }
            if !(1..=1024).contains(&came.block.len()) {
                self.check.fail(
                    "a block of 1 to 1024 bytes",
                    format!("{} bytes in number {}", came.block.len(), came.number),
                    "DATA holds 1 to 1024 bytes. A file of 2048 bytes has two blocks, and no third one without a byte.",
                );
            }
            blocks.insert(came.number, came.block);
        }
    }

    /// Sends five datagrams that look like the acknowledgement of number 0 and are not, and then number
    /// 0 comes three times more.
    fn lie_about_number_0(&self, why: &str) {
        let (came, from) = self.next(why);
        let right = datagram(ACK, came.transfer, 0, b"");
        say(&self.check, &socket(), &right, from);
        self.peer
            .send_to(corrupted(right), from)
            .send_to(datagram(ACK, came.transfer ^ 1, 0, b""), from)
            .send_to(datagram(FIN, came.transfer, 0, b""), from)
            .send_to(b"", from);
        let mut zeros = 0;
        while zeros < 3 {
            let (came, _) = self.next(why);
            self.check.require(
                "number 0 again; with a window, 1 or 2 as well",
                format!("kind {}, number {}", came.kind, came.number),
                came.kind == DATA && came.number <= 2,
                why,
            );
            zeros += u32::from(came.number == 0);
        }
    }

    /// A stranger who keeps talking does not put off the moment at which number 0 is sent again.
    fn expect_number_0_while_a_stranger_talks(&self) {
        let why = "Somebody who sends now and then must not put the timeout off. Fix the moment at which the wait ends when the datagram goes out, and do not fix it anew with each datagram that comes.";
        let (came, from) = self.next(why);
        // A right acknowledgement, but for its sender.
        let bytes = datagram(ACK, came.transfer, 0, b"");
        // A machine on which the stranger, or the program, has to wait may make a timeout expire. Not twice running.
        let (came, before) = while_a_stranger_talks(&self.check, &bytes, from, || {
            [(); 2].map(|()| self.next(why).0.number)
        });
        self.check.require(
            "number 0 twice more, each time after its timeout of 300 ms, while the stranger talks",
            if before {
                format!("numbers {} and {}", came[0], came[1])
            } else {
                format!(
                    "it came when the stranger had fallen silent, after {} s",
                    TALKING.as_secs()
                )
            },
            before && came == [0, 0],
            why,
        );
    }

    /// The program ends with a failure, after four datagrams and no more: of number 0, and of this kind.
    fn expect_four_tries(&self, kind: u8) {
        let why = match kind {
            FIN => {
                "The FIN was sent four times and never answered: return the error TimedOut. It is a datagram like the others, with as many tries. Nobody has said that the file has its name: the receiver may have failed in `complete`, and a sender that reports success deletes its own copy, perhaps."
            }
            _ => {
                "Four tries, four times no answer: return the error TimedOut. Without a limit the sender asks for ever."
            }
        };
        let four = "`--tries 4`: the datagram is sent four times in all.";
        self.program
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error::<&str>(&[], why);
        for _ in 0..4 {
            self.expect(kind, 0, four);
        }
        self.peer.expect_nothing_yet(&self.program, four);
    }
}

/// Since `before` three quarters of these milliseconds are over at least: the sender waited. How much
/// longer it took says nothing.
fn require_at_least(check: &Check, before: Instant, milliseconds: u64, what: &str) {
    let took = before.elapsed();
    check.require(
        format!("{milliseconds} ms of waiting at least"),
        format!("{} ms since the program was started", took.as_millis()),
        took >= Duration::from_millis(milliseconds) * 3 / 4,
        format!("{what}, sooner than `--timeout` allows: after each try the sender waits for that long. Whoever asks again too soon sends what is on its way already, or is here, and fills a network that is slow with copies."),
    );
}

mod step_3 {
    use super::*;

    const QUICK: [&str; 2] = ["--timeout", "30"];
    const AGAIN: &str = "No acknowledgement that counts has come in time: send the same datagram again, and nothing else.";

    #[test]
    fn sends_a_file_in_numbered_blocks() {
        let check = check!();
        for size in [0, 1, 1024, 2048, 3000] {
            let bytes = check.random(size);
            let it = Sending::start(&check, &bytes, &["--timeout", "5000"]);
            let got = it.receive_all();
            check.require(
                format!("the {size} bytes of the file"),
                format!("{} bytes", got.len()),
                got == bytes,
                "Block n holds the 1024 bytes from 1024 times n on; the last one what is left, and there is no block without a byte.",
            );
            let again = it.expect_success(size);
            check.require(
                "nothing again",
                format!("{again} again"),
                again == 0,
                "Every datagram was acknowledged at once, and the timeout is 5 s: nothing had to be sent again.",
            );
        }
    }

    #[test]
    fn sends_again_what_was_lost() {
        let check = check!();
        let bytes = check.random(1500);
        let before = Instant::now();
        let it = Sending::start(&check, &bytes, &["--timeout", "250"]);
        for _ in 0..4 {
            it.expect(DATA, 0, AGAIN);
        }
        require_at_least(&check, before, 3 * 250, "Number 0 came four times");
        let got = it.receive_all();
        check.require(
            "the file",
            format!("{} bytes", got.len()),
            got == bytes,
            AGAIN,
        );
        it.expect_success(bytes.len());
    }

    #[test]
    fn an_acknowledgement_that_comes_twice_counts_once() {
        let check = check!();
        let it = Sending::start(&check, &check.random(3000), &QUICK);
        let (came, from) = it.expect(DATA, 0, AGAIN);
        it.ack(came.transfer, 0, from);
        it.ack(came.transfer, 0, from);
        let why = "The second ACK of number 0 says nothing about number 1. Compare the number of each acknowledgement with the one that is waited for.";
        let mut ones = 0;
        while ones < 3 {
            let (came, _) = it.next(why);
            check.require(
                "number 1, again and again; or number 0, sent before",
                format!("number {}", came.number),
                came.number <= 1,
                why,
            );
            ones += u32::from(came.number == 1);
        }
    }

    #[test]
    fn believes_no_other_acknowledgement() {
        let check = check!();
        let it = Sending::start(&check, &check.random(3000), &QUICK);
        let (came, from) = it.expect(DATA, 0, AGAIN);
        it.ack(came.transfer, 1, from);
        it.lie_about_number_0("None of these is the acknowledgement of number 0: of number 1, from another address, corrupt, of another transfer, no ACK at all. Number 0 is still unacknowledged. (An ACK of 1 says nothing about 0: it counts what is here, and not all before it.)");
    }

    #[test]
    fn a_stranger_who_keeps_talking_puts_nothing_off() {
        let check = check!();
        let it = Sending::start(&check, b"hello", &["--timeout", "300"]);
        it.expect_number_0_while_a_stranger_talks();
    }

    #[test]
    fn keeps_every_byte_through_losses() {
        let check = check!();
        transfer_through_losses(&check, 4, 3, "1");
    }

    #[test]
    fn gives_up_on_a_receiver_that_never_answers() {
        let check = check!();
        let few = ["--timeout", "10", "--tries", "4"];
        Sending::start(&check, b"hello", &few).expect_four_tries(DATA);
        // An empty file is a FIN alone.
        Sending::start(&check, b"", &few).expect_four_tries(FIN);
    }

    #[test]
    fn listens_after_the_last_try() {
        let check = check!();
        let tries = ["--timeout", "2000", "--tries", "2"];
        let it = Sending::start(&check, b"hello", &tries);
        it.expect(DATA, 0, AGAIN);
        let (came, from) = it.expect(DATA, 0, AGAIN);
        it.ack(came.transfer, 0, from);
        it.expect(
            FIN,
            1,
            "The last try was answered in time. Give up when the wait after the last try is over, and not before it.",
        );
    }
}

/// Both ends, the program's, with a network between them that loses, repeats, reorders and corrupts.
struct Through {
    proxy: Lossy,
    receiver: Program,
    sender: Program,
    bytes: Vec<u8>,
    out: PathBuf,
}

impl Through {
    fn start(check: &Check, name: &str, bytes: Vec<u8>, window: &str) -> Through {
        let out = check.folder().join(format!("{name}-out"));
        let path = out.display().to_string();
        // As patient as a check may be: what is judged is the file, however long it takes.
        let receiver = check.start([
            "receive", "--out", &path, "--idle", "60000", "--linger", "60000",
        ]);
        let proxy = check.lossy(receiver.addr(), Loss::everything(0.1));
        let file = check.file(name, &bytes).display().to_string();
        let sender = check.spawn([
            "send",
            &proxy.addr().to_string(),
            &file,
            "--window",
            window,
            "--timeout",
            "30",
            "--tries",
            "1000",
        ]);
        Through {
            proxy,
            receiver,
            sender,
            bytes,
            out,
        }
    }

    fn finish(self, check: &Check) {
        let why = "The network loses, repeats, reorders and corrupts a tenth of all datagrams, on both ways. What was not acknowledged is sent again, what is corrupt is passed over, what comes twice is written once.";
        // When all goes well the sender ends first: the receiver lingers for a minute.
        let began = Instant::now();
        let has_ended = || self.sender.has_ended() || self.receiver.has_ended();
        while !has_ended() && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let heard = "The sender ended with a failure, although it may send each datagram 1000 times. A datagram or an answer that is lost is no error: it is a timeout, and after it the datagram is sent again.";
        if self.sender.has_ended() {
            self.sender.finish().expect_success(heard);
        } else if self.receiver.has_ended() {
            self.receiver.finish().expect_success(
                "The receiver ended with a failure, although its sender goes on and `--idle` is a minute. What is lost, corrupt or out of order is no error: pass over it, and wait for the next datagram.",
            );
        }
        self.receiver
            .expect_line(&format!("received {} bytes", self.bytes.len()), why);
        require_file(check, &self.out, &self.bytes, why);
        self.sender.finish().expect_success(|_: &[u8]| if self.receiver.has_ended() {
            "The file is there, and the receiver has ended too soon: it is to answer each FIN again while it lingers, or the sender never hears of it."
        } else {
            heard
        });
        self.require_by_network(check);
    }

    /// Every block and the FIN came to the receiver by the network, and were acknowledged after that. The file alone
    /// does not say so: the sender's lies on the same disk.
    fn require_by_network(&self, check: &Check) {
        let blocks = self.bytes.chunks(1024).map(|block| (DATA, block));
        let sent: Vec<(u8, &[u8])> = blocks.chain([(FIN, &b""[..])]).collect();
        let fin = sent.len() - 1;
        let mut transfer = None;
        let mut arrived = BTreeSet::new();
        let mut acknowledged = BTreeSet::new();
        for (direction, bytes) in self.proxy.handed_on() {
            // What was corrupted counts as lost.
            let Some(came) = Came::of(&bytes) else {
                continue;
            };
            let number = came.number as usize;
            let ours = *transfer.get_or_insert(came.transfer) == came.transfer;
            match direction {
                Direction::There => {
                    let right = sent.get(number) == Some(&(came.kind, &came.block[..]));
                    // The FIN goes out when all blocks are acknowledged.
                    let in_turn = number < fin || acknowledged.len() == fin;
                    if ours && right && in_turn {
                        arrived.insert(number);
                    }
                }
                Direction::Back => {
                    if ours && came.kind == ACK && arrived.contains(&number) {
                        acknowledged.insert(number);
                    }
                }
            }
        }
        for (number, (_, block)) in sent.iter().enumerate() {
            let what = if number == fin {
                format!("the FIN of number {number}, when all blocks were acknowledged")
            } else {
                format!(
                    "DATA of number {number} with its {} bytes of the file",
                    block.len()
                )
            };
            let (got, why) = if arrived.contains(&number) {
                (
                    "it came to the receiver, and no ACK of it came back after that".into(),
                    "The sender has ended with success, and cannot know that this arrived: only an ACK of this very number says so.",
                )
            } else {
                (
                    format!(
                        "no datagram with that came to the receiver, of {} from the sender",
                        self.proxy.there().came
                    ),
                    if number == fin {
                        "The FIN says that all blocks are there. It goes out when each of them is acknowledged, and the transfer has succeeded when its own ACK has come."
                    } else {
                        "The file is there, and has not come over the network: what the sender is given is a file on another machine, as far as the receiver is concerned. Each block goes in a datagram, with its number, and is acknowledged when it has come."
                    },
                )
            };
            check.require(
                format!("{what}, and then an ACK of it"),
                got,
                acknowledged.contains(&number),
                why,
            );
        }
    }
}

/// Several transfers at a time, each with a seed of its own.
fn transfer_through_losses(check: &Check, count: usize, blocks: usize, window: &str) {
    let transfers: Vec<Through> = (0..count)
        .map(|n| {
            let bytes = check.random(blocks * 1024 + 100 * n);
            Through::start(check, &format!("file-{n}"), bytes, window)
        })
        .collect();
    for transfer in transfers {
        transfer.finish(check);
    }
}

mod step_4 {
    use super::*;
    use testkit::{Listener, Peer};

    fn length(bytes: &[u8]) -> [u8; 8] {
        (bytes.len() as u64).to_be_bytes()
    }

    /// The program as sender over TCP, to our listener.
    fn sending(check: &Check, bytes: &[u8]) -> (Program, Listener) {
        let listener = check.listen();
        let file = check.file("in", bytes).display().to_string();
        let program = check.spawn(["send", &listener.addr().to_string(), &file, "--tcp"]);
        (program, listener)
    }

    /// The connection of the sender, when all of the file has come.
    fn take_all<'a>(program: &'a Program, listener: &Listener, bytes: &[u8]) -> Peer<'a> {
        let mut peer = listener.accept(program);
        peer.expect(
            [&length(bytes)[..], bytes].concat(),
            "Over TCP the stream begins with the length of the file as eight bytes, most significant first; then comes the file.",
        );
        peer
    }

    /// The program as receiver over TCP, and its file.
    fn receiving(check: &Check) -> (Program, PathBuf) {
        let out = check.folder().join("out");
        let program = check.start(["receive", "--tcp", "--out", &out.display().to_string()]);
        (program, out)
    }

    #[test]
    fn sends_the_length_and_then_the_file_over_tcp() {
        let check = check!();
        let bytes = check.random(100_000);
        let (program, listener) = sending(&check, &bytes);
        let mut peer = take_all(&program, &listener, &bytes);
        peer.send_split(length(&bytes), &[3]);
        let why = "The receiver has answered with the length, in two pieces: it has the whole file, and the transfer has succeeded. One `read` need not bring all eight bytes.";
        program
            .finish()
            .expect_success(why)
            .expect_stdout("sent 100000 bytes\n", why);
    }

    #[test]
    fn a_write_that_returned_is_no_delivery() {
        let check = check!();
        let bytes = check.random(3000);
        let why = "Every byte was written, acknowledged by the receiver's kernel, and even read. Then the receiver failed: its disk was full, perhaps. It closed without the answer, or with another one, and so the file is not there. TCP's promise ends in the kernel; only the program's answer says more.";
        let more = (bytes.len() as u64 + 1).to_be_bytes();
        let turned = (bytes.len() as u64).to_le_bytes();
        for answer in [&b""[..], &[0; 7], &[0; 8], &more, &turned] {
            let (program, listener) = sending(&check, &bytes);
            let mut peer = take_all(&program, &listener, &bytes);
            if !answer.is_empty() {
                peer.send(answer);
            }
            peer.close();
            program
                .expect_ends(why)
                .expect_exit(1, why)
                .expect_error::<&str>(&[], why);
        }
    }

    #[test]
    fn receives_over_tcp_in_any_pieces() {
        let check = check!();
        for (size, pieces) in [(0, &[1, 4][..]), (40, &[3, 7, 9, 30]), (2000, &[8, 1000])] {
            let bytes = check.random(size);
            let (program, out) = receiving(&check);
            let mut peer = check.connect(&program);
            let why = "A stream comes in any pieces: the length may be cut, and the file is rarely there in one read. Read until all eight bytes of the length are there, then as many as it says; complete the file, and answer with the length.";
            peer.send_split([&length(&bytes)[..], &bytes].concat(), pieces);
            peer.expect(length(&bytes), why);
            program.expect_line(&format!("received {size} bytes"), why);
            require_file(&check, &out, &bytes, why);
            peer.close();
            program.finish().expect_success(why);
        }
    }

    #[test]
    fn reads_no_further_than_the_length() {
        let check = check!();
        let (program, out) = receiving(&check);
        let mut peer = check.connect(&program);
        let why = "The length says where the file ends. What the stream brings behind that is not the file's: read no more than is missing.";
        peer.send([&length(b"hello")[..], b"hello, and more"].concat());
        program.expect_line("received 5 bytes", why);
        require_file(&check, &out, b"hello", why);
        program.finish().expect_success(why);
    }

    #[test]
    fn answers_over_tcp_when_the_file_has_its_name() {
        let check = check!();
        // A file cannot take the name of a folder: `complete` fails.
        let folder = check.folder().join("out");
        if let Err(error) = check.files().make_folder(&folder) {
            panic!("{} cannot be made: {error}", folder.display());
        }
        check.note(
            "made",
            "a folder named out",
            "so `complete` is going to fail",
        );
        let (program, _) = receiving(&check);
        let mut peer = check.connect(&program);
        let why = "The answer is a promise. The file could not get its name, and a sender that reads the answer reports success. So `complete` the file first, return its error where it fails, and answer only then.";
        peer.send([&length(b"hello")[..], b"hello"].concat());
        peer.expect_end(why);
        program
            .expect_ends(why)
            .expect_exit(1, why)
            .expect_error::<&str>(&[], why);
    }

    #[test]
    fn a_stream_that_breaks_off_leaves_no_file() {
        let check = check!();
        let why = "The length says that more is to come, and the stream has ended: half of a file must not look like a file. Return an error, without `complete` and without an answer.";
        // The last of these lengths is a lie: a program that makes room for it has no memory left.
        for stream in [
            &b"\0\0\0"[..],
            b"\0\0\0\0\0\0\x03\xe8half of it",
            b"\xff\xff\xff\xff\xff\xff\xff\xffhalf of it",
        ] {
            let (program, out) = receiving(&check);
            let mut peer = check.connect(&program);
            peer.send(stream).half_close();
            program
                .expect_ends(why)
                .expect_exit(1, why)
                .expect_error::<&str>(&[], why);
            check.require("no file", "a file", !check.files().exists(&out), why);
        }
    }
}

mod step_5 {
    use super::*;

    #[test]
    fn keeps_every_byte_through_a_window_and_losses() {
        let check = check!();
        transfer_through_losses(&check, 4, 12, "8");
    }

    #[test]
    fn fills_the_window_and_no_more() {
        let check = check!();
        let before = Instant::now();
        let it = Sending::start(
            &check,
            &check.random(8000),
            &["--window", "4", "--timeout", "200"],
        );
        let why = "A window of 4 is filled at once, and no further: numbers 0 to 3 are sent before any acknowledgement is waited for, and no other until one of them is acknowledged. What is not acknowledged in time is sent again.";
        let mut seen = [0; 4];
        while seen.iter().any(|times| *times < 2) {
            let (came, _) = it.next(why);
            check.require("a number from 0 to 3", came.number, came.number < 4, why);
            seen[came.number as usize] += 1;
        }
        require_at_least(&check, before, 200, "Each of the four came twice");
    }

    #[test]
    fn believes_no_other_acknowledgement_with_a_window() {
        let check = check!();
        let quick = ["--window", "4", "--timeout", "30"];
        let it = Sending::start(&check, &check.random(3000), &quick);
        it.lie_about_number_0("None of these is the acknowledgement of number 0: from another address, corrupt, of another transfer, no ACK at all. The window looks at an acknowledgement as stop-and-wait does.");
    }

    #[test]
    fn a_stranger_puts_nothing_off_with_a_window() {
        let check = check!();
        let it = Sending::start(&check, b"hello", &["--window", "4", "--timeout", "300"]);
        it.expect_number_0_while_a_stranger_talks();
    }

    #[test]
    fn gives_up_with_a_window() {
        let check = check!();
        let few = ["--window", "4", "--timeout", "10", "--tries", "4"];
        Sending::start(&check, b"hello", &few).expect_four_tries(DATA);
        // An empty file is a FIN alone.
        Sending::start(&check, b"", &few).expect_four_tries(FIN);
    }

    /// Acknowledges everything but number 0, until number 0 alone comes, three times in a row, or too
    /// many `turns` have been made. What came, by number: all that are `within` reach of number 0.
    ///
    /// A busy machine makes timeouts expire before the acknowledgements are read, so blocks may come
    /// again at first. But each turn of number 0 is a wait in which some are read.
    fn lose_number_0(it: &Sending, most: u32, within: u32) -> BTreeMap<u32, Vec<u8>> {
        let mut blocks = BTreeMap::new();
        let (mut turns, mut in_a_row) = (0, 0);
        let missing = |blocks: &BTreeMap<u32, Vec<u8>>| {
            (0..within).find(|number| !blocks.contains_key(number))
        };
        while in_a_row < 3 || missing(&blocks).is_some() && in_a_row < 10 {
            let (came, from) = it.next(
                "All blocks of the window are to come, and number 0 again and again while it is not acknowledged.",
            );
            it.check.require(
                "a number below 64, while number 0 is not acknowledged",
                format!("number {}", came.number),
                came.number < 64,
                "All blocks are acknowledged as they come, but for number 0. The receiver keeps 64 numbers from the missing one on, and throws away what is further ahead: send no block that is 64 or more ahead of the first that is not acknowledged.",
            );
            if came.number == 0 {
                turns += 1;
                in_a_row += 1;
                if turns > most {
                    it.check.fail(
                        "number 0 alone, which is not acknowledged",
                        format!("the others again, {turns} times"),
                        TOO_MUCH,
                    );
                }
            } else {
                in_a_row = 0;
                it.ack(came.transfer, came.number, from);
            }
            blocks.insert(came.number, came.block);
        }
        if let Some(number) = missing(&blocks) {
            it.check.fail(
                format!("number {number}, while number 0 is not acknowledged"),
                format!("number 0 alone, {in_a_row} times"),
                "The window counts what is sent and not acknowledged, wherever that is, and here it is number 0 alone. For each block that is acknowledged the next one goes out, as far as the receiver can keep it: 63 ahead of the missing one.",
            );
        }
        blocks
    }

    /// The sender must not give up before it is told what is wrong.
    fn lossy(window: &str) -> [&str; 6] {
        ["--window", window, "--timeout", "50", "--tries", "200"]
    }

    const TOO_MUCH: &str = "Send again what was not acknowledged, and only that. A block that is acknowledged need not come again because one before it was lost: the receiver keeps it.";

    #[test]
    fn sends_again_only_what_is_missing() {
        let check = check!();
        let bytes = check.random(8 * 1024);
        let it = Sending::start(&check, &bytes, &lossy("4"));
        let blocks = lose_number_0(&it, 20, 8);
        let file = it.receive_the_rest(blocks);
        check.require(
            "the file",
            format!("{} bytes", file.len()),
            file == bytes,
            "The missing block came last, and with it the file is complete.",
        );
        it.expect_success(bytes.len());
    }

    #[test]
    fn stays_within_what_the_receiver_can_keep() {
        let check = check!();
        let bytes = check.random(100 * 1024);
        let it = Sending::start(&check, &bytes, &lossy("8"));
        lose_number_0(&it, 60, 64);
    }

    #[test]
    fn keeps_what_comes_early() {
        let check = check!();
        let it = Receiving::start(&check, "5000", "20");
        let why = "A block that comes early, within 64 numbers of the missing one, is to be kept and acknowledged; when the missing one comes, all that follow it go to the file.";
        it.send(DATA, 0, b"zero,");
        it.expect_ack(0, why);
        let mut all = b"zero,".to_vec();
        for number in [3, 2, 64] {
            it.send(DATA, number, format!("{number},").as_bytes());
            it.expect_ack(number, why);
        }
        let far = "Number 1 is missing, and 64 numbers from it on end with 64. What is further ahead is passed over, without an answer: anybody could fill the memory with it.";
        for number in [65, u32::MAX] {
            it.peer
                .send_to(datagram(DATA, OURS, number, b"far"), it.program.addr());
        }
        // The answer to this one comes after any answer to those before.
        it.send(DATA, 0, b"zero,");
        it.expect_ack(0, far);
        it.send(DATA, 1, b"1,");
        it.expect_ack(1, why);
        for number in 4..64 {
            it.send(DATA, number, format!("{number},").as_bytes());
            it.expect_ack(number, why);
        }
        it.send(FIN, 65, b"");
        it.expect_ack(65, why);
        for number in 1..65 {
            all.extend(format!("{number},").bytes());
        }
        it.expect_file(&all, why);
    }
}
