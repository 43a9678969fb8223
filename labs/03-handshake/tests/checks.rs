//! The checks of chapter 3. Each gives the program a list of segments and reads what it makes of it.
//!
//! Lists are written with `A`, `B` and `C` for addresses and with numbers counted from each end's
//! SYN, as the chapter does; what the program gets has real addresses and other initial numbers.
use std::fmt::Write;
use std::time::Duration;

use testkit::{Check, Finished, check};

const A: &str = "10.0.0.1:40000";
const B: &str = "10.0.0.2:80";
const C: &str = "10.0.0.1:40001";

mod step_1 {
    use super::*;

    #[test]
    fn reads_the_flags_of_a_segment() {
        let check = check!();
        for (written, printed) in [
            ("SYN", "SYN"),
            ("SYN,ACK", "SYN,ACK"),
            ("ACK,SYN", "SYN,ACK"),
            ("ACK,FIN,PSH", "FIN,PSH,ACK"),
            ("RST", "RST"),
            (
                "CWR,ECE,URG,ACK,PSH,RST,SYN,FIN",
                "FIN,SYN,RST,PSH,ACK,URG,ECE,CWR",
            ),
            ("ACK,ACK", "ACK"),
            ("-", "-"),
        ] {
            let ack = if written.contains("ACK") {
                " ack=9"
            } else {
                ""
            };
            let done = run(
                &check,
                "segments",
                &format!("{A} > {B} {written} seq=5{ack}\n"),
            );
            let line = format!("{A} > {B} {printed} seq=5{ack} # next=");
            let got = String::from_utf8_lossy(&done.stdout);
            let first = got.lines().next().unwrap_or_default();
            check.require(
                format!("a line that begins {line:?}"),
                format!("{first:?}"),
                first.starts_with(&line),
                "Each of the eight names sets the field of the same name, wherever it stands between the \
                 commas; - sets none.",
            );
        }
    }

    #[test]
    fn refuses_a_flag_it_does_not_know() {
        for word in ["SNY", "syn", "SYN,", "SYN ACK", "SYN,ACK,NS", "SYN,-"] {
            let check = check!();
            let text = format!("{A} > {B} SYN seq=5\n{A} > {B} {word} seq=5 ack=5\n");
            let file = check.file("list.txt", &text);
            let done = check.run(["segments".as_ref(), file.as_os_str()]);
            done.expect_exit(
                1,
                "A name that is none of the eight is an error, however close it comes: a misspelt flag that \
                 is passed over makes another segment of the line.",
            );
            done.expect_error(&["line 2"], "The error stands in the second line.");
        }
    }

    #[test]
    fn counts_data_syn_and_fin() {
        let check = check!();
        for (what, next, why) in [
            (
                "SYN seq=1000",
                1001,
                "A SYN takes up one sequence number, though it carries no byte.",
            ),
            (
                "SYN,ACK seq=1000 ack=1",
                1001,
                "A SYN takes up one sequence number; an ACK takes up none.",
            ),
            (
                "ACK seq=1000 ack=1",
                1000,
                "A segment with neither data nor SYN nor FIN takes up nothing.",
            ),
            (
                "PSH,ACK seq=1000 ack=1 len=5",
                1005,
                "Every byte of data takes up one number; PSH and ACK none.",
            ),
            (
                "FIN,ACK seq=1000 ack=1",
                1001,
                "A FIN takes up one sequence number, as a SYN does.",
            ),
            (
                "FIN,PSH,ACK seq=1000 ack=1 len=5",
                1006,
                "Data and FIN in one segment: five bytes and then the FIN.",
            ),
            (
                "SYN seq=1000 len=5",
                1006,
                "A SYN may carry data: the SYN comes first, then five bytes.",
            ),
            ("RST seq=1000", 1000, "A RST takes up no sequence number."),
        ] {
            counts(&check, what, next, why);
        }
    }

    #[test]
    fn counts_on_from_the_largest_number_to_0() {
        let check = check!();
        let why = "After 4294967295 comes 0. Plain addition panics there in a debug build; wrapping_add goes round.";
        counts(&check, "SYN seq=4294967295", 0, why);
        counts(&check, "FIN,ACK seq=4294967295 ack=1", 0, why);
        counts(&check, "PSH,ACK seq=4294967290 ack=1 len=10", 4, why);
        counts(&check, "FIN,PSH,ACK seq=4294967294 ack=1 len=1", 0, why);
    }

    fn counts(check: &Check, what: &str, next: u32, why: &str) {
        let done = run(check, "segments", &format!("{A} > {B} {what}\n"));
        done.expect_stdout_lines(&[format!("{A} > {B} {what} # next={next}")], why);
    }
}

mod step_2 {
    use super::*;

    #[test]
    fn orders_numbers_by_the_shorter_way_round() {
        let check = check!();
        let base = base(&check);
        for (a, steps, word) in [
            (base, 1, "before"),
            (base, 0x7fff_ffff, "before"),
            (base, 0, "neither before nor after"),
            (u32::MAX, 1, "before"),
            (u32::MAX - 5, 10, "before"),
            (u32::MAX - 5, 0x7fff_ffff, "before"),
            (5, u32::MAX - 10, "after"),
            (base, 0x8000_0000, "neither before nor after"),
            (base, 0x8000_0001, "after"),
        ] {
            let b = a.wrapping_add(steps);
            let done = check.run(["order".to_string(), a.to_string(), b.to_string()]);
            done.expect_success("`order` calls before(a, b) and before(b, a), which have an answer for any two numbers.");
            let why = format!(
                "The steps forward from {a} to {b}, round past 4294967295 where need be: {steps}. Fewer than \
                 2^31, and at least one, mean before. `a < b` knows nothing of the round."
            );
            done.expect_stdout_lines(&[format!("{a} is {word} {b}")], why);
        }
    }

    #[test]
    fn joins_both_directions_of_a_connection() {
        let check = check!();
        let other_host = "10.0.0.3:40000";
        let lines = [
            (1, format!("{A} > {B} SYN seq=100")),
            (2, format!("{C} > {B} SYN seq=200")),
            (1, format!("{B} > {A} SYN,ACK seq=300 ack=101")),
            (3, format!("{other_host} > {B} SYN seq=400")),
            (2, format!("{B} > {C} SYN,ACK seq=500 ack=201")),
            (1, format!("{A} > {B} ACK seq=101 ack=301")),
            (3, format!("{B} > {other_host} RST,ACK seq=0 ack=401")),
            (4, "10.0.0.2:40000 > 10.0.0.1:80 SYN seq=600".to_string()),
            (2, format!("{C} > {B} ACK seq=201 ack=501")),
        ];
        groups(&check, &lines, |got| match got {
            got if got > 4 => {
                "One connection came out as several: the segments of both directions belong to it, so source \
                 and destination may be exchanged."
            }
            got if got < 4 => {
                "Several connections came out as one. Both ends count, each with its address and its port: \
                 the same port at another host, or at the other end, is another connection."
            }
            _ => "A connection is known by its two ends, each an address and a port.",
        });
    }

    #[test]
    fn takes_a_repeated_syn_for_the_same_connection() {
        let check = check!();
        let lines = [
            (1, format!("{A} > {B} SYN seq=100")),
            (1, format!("{A} > {B} SYN seq=100")),
            (1, format!("{B} > {A} SYN,ACK seq=300 ack=101")),
            (1, format!("{A} > {B} SYN seq=100")),
            (1, format!("{B} > {A} SYN,ACK seq=300 ack=101")),
            (1, format!("{A} > {B} ACK seq=101 ack=301")),
        ];
        groups(&check, &lines, |_| {
            "A SYN that gets lost, or whose answer does, is sent again with the same sequence number. Only \
             another number makes another connection; a SYN,ACK makes none."
        });
    }

    #[test]
    fn takes_a_new_syn_for_a_new_connection() {
        let check = check!();
        let lines = [
            (1, format!("{A} > {B} SYN seq=100")),
            (1, format!("{B} > {A} SYN,ACK seq=300 ack=101")),
            (1, format!("{A} > {B} ACK seq=101 ack=301")),
            (1, format!("{A} > {B} FIN,ACK seq=101 ack=301")),
            (1, format!("{B} > {A} FIN,ACK seq=301 ack=102")),
            (1, format!("{A} > {B} ACK seq=102 ack=302")),
            (2, format!("{A} > {B} SYN seq=64100")),
            (2, format!("{B} > {A} SYN,ACK seq=64300 ack=64101")),
            (3, format!("{B} > {A} SYN seq=128000")),
        ];
        groups(&check, &lines, |_| {
            "A port may be used again. A SYN with a sequence number that this end has not used for a SYN \
             before begins another connection between the same two ends, whichever of them it is."
        });
        check.note("listed", "anew", "the other end sends a SYN");
        let lines = [
            (1, format!("{A} > {B} SYN seq=100")),
            (1, format!("{B} > {A} SYN,ACK seq=300 ack=101")),
            (1, format!("{A} > {B} ACK seq=101 ack=301")),
            (2, format!("{B} > {A} SYN seq=100")),
        ];
        groups(&check, &lines, |_| {
            "A SYN is sent again by the end that has sent it. The other end counts from a number of its own: that \
             its SYN has the same one is chance, and the SYN is a new one."
        });
        check.note("listed", "anew", "data had the number of the new SYN");
        let lines = [
            (1, format!("{A} > {B} SYN seq=100")),
            (1, format!("{B} > {A} SYN,ACK seq=300 ack=101")),
            (1, format!("{A} > {B} PSH,ACK seq=101 ack=301 len=5")),
            (2, format!("{A} > {B} SYN seq=101")),
        ];
        groups(&check, &lines, |_| {
            "This end has used the number, but not for a SYN. Only a SYN with the same number is the same SYN once \
             more."
        });
        check.note(
            "listed",
            "anew",
            "the list begins in the middle of a connection",
        );
        let lines = [
            (1, format!("{A} > {B} PSH,ACK seq=101 ack=301 len=5")),
            (2, format!("{B} > {A} SYN seq=64300")),
        ];
        groups(&check, &lines, |_| {
            "B's SYN is the first thing that B sends here, but there is no SYN of A that it could cross: the \
             connection was open already, and this is a new one. That is the third rule of begins_another."
        });
        check.note("listed", "anew", "the list begins with a SYN,ACK");
        let lines = [
            (1, format!("{B} > {A} SYN,ACK seq=300 ack=101")),
            (2, format!("{A} > {B} SYN seq=64100")),
        ];
        groups(&check, &lines, |_| {
            "A's SYN could cross a SYN without ACK alone. B's has one: it answers an older SYN, which this list does \
             not show."
        });
    }

    #[test]
    fn takes_two_syns_that_cross_for_one_connection() {
        let check = check!();
        let lines = [
            (1, format!("{A} > {B} SYN seq=100")),
            (1, format!("{B} > {A} SYN seq=300")),
            (1, format!("{A} > {B} SYN,ACK seq=100 ack=301")),
            (1, format!("{B} > {A} SYN,ACK seq=300 ack=101")),
        ];
        groups(&check, &lines, |_| {
            "B's SYN is the first thing that B sends, and A has sent one too: the two crossed, and open one \
             connection. That is the third rule of begins_another."
        });
    }

    /// `lines`: the number of the connection, and the segment.
    fn groups(check: &Check, lines: &[(usize, String)], why: impl Fn(usize) -> &'static str) {
        let text = lines
            .iter()
            .fold(String::new(), |text, (_, line)| text + line + "\n");
        for (place, (_, line)) in lines.iter().enumerate() {
            check.note("listed", format!("{}  {line}", place + 1), "");
        }
        let done = run(check, "connections", &text);
        let mut expected = Vec::new();
        for number in 1..=lines.iter().map(|(number, _)| *number).max().unwrap_or(0) {
            let own = || lines.iter().zip(1..).filter(|((of, _), _)| *of == number);
            let ends = own().next().map(|((_, line), _)| {
                match line.split(' ').collect::<Vec<_>>()[..] {
                    // It answers the end that opened.
                    [from, ">", to, "SYN,ACK", ..] => format!("{to} > {from}"),
                    [from, ">", to, ..] => format!("{from} > {to}"),
                    _ => panic!("{line:?} is no segment"),
                }
            });
            expected.push(format!("connection {number}: {}", ends.unwrap_or_default()));
            expected.extend(own().map(|((_, line), place)| format!("{place:>6}  {line}")));
        }
        done.expect_stdout_lines(&expected, |got: &[u8]| {
            why(String::from_utf8_lossy(got)
                .lines()
                .filter(|line| line.starts_with("connection "))
                .count())
        });
    }
}

mod step_3 {
    use super::*;

    #[test]
    fn follows_a_three_way_open() {
        let check = check!();
        follows(
            &check,
            &[
                ("A > B SYN seq=0", "SYN-SENT LISTEN"),
                ("B > A SYN,ACK seq=0 ack=1", "ESTABLISHED SYN-RECEIVED"),
                ("A > B ACK seq=1 ack=1", "ESTABLISHED ESTABLISHED"),
                ("A > B PSH,ACK seq=1 ack=1 len=5", "ESTABLISHED ESTABLISHED"),
                ("B > A ACK seq=1 ack=6", "ESTABLISHED ESTABLISHED"),
            ],
            |line| match line {
                1 => {
                    "The SYN puts its sender into SYN-SENT. Whether anybody listens at the other end, only the \
                     answer tells: it stays in LISTEN."
                }
                2 => {
                    "B has answered the SYN: SYN-RECEIVED. A gets the acknowledgment of its own SYN together with \
                     B's: for A the connection is open."
                }
                _ => {
                    "The third segment covers B's SYN, and only then is B sure that A has got it: ESTABLISHED."
                }
            },
        );
    }

    #[test]
    fn waits_for_the_answer_to_its_own_syn() {
        let check = check!();
        follows(
            &check,
            &[
                ("A > B SYN seq=0", "SYN-SENT LISTEN"),
                ("B > A SYN,ACK seq=0 ack=-9", "SYN-SENT SYN-RECEIVED"),
                ("B > A SYN,ACK seq=0 ack=7", "SYN-SENT SYN-RECEIVED"),
                ("B > A SYN,ACK seq=0 ack=0", "SYN-SENT SYN-RECEIVED"),
                ("A > B SYN seq=0", "SYN-SENT SYN-RECEIVED"),
                ("B > A SYN,ACK seq=0 ack=1", "ESTABLISHED SYN-RECEIVED"),
                ("A > B ACK seq=1 ack=0", "ESTABLISHED SYN-RECEIVED"),
                ("A > B ACK seq=1 ack=1", "ESTABLISHED ESTABLISHED"),
            ],
            |line| match line {
                2 => {
                    "This acknowledges a number from before A's SYN: it answers another, older SYN that was long \
                     under way. A's own SYN is still unanswered."
                }
                3 => {
                    "This acknowledges what A has never sent: A's SYN was all so far. It covers nothing."
                }
                4 => {
                    "An acknowledgment number is the next number expected. The number of the SYN itself says that \
                     the SYN has not arrived."
                }
                7 => "ACK is set, but the number does not cover B's SYN: B stays in SYN-RECEIVED.",
                _ => {
                    "A repeated SYN changes nothing; the SYN,ACK that covers A's SYN opens for A, A's ACK for B."
                }
            },
        );
    }

    #[test]
    fn follows_two_syns_that_cross() {
        let check = check!();
        follows(
            &check,
            &[
                ("A > B SYN seq=0", "SYN-SENT LISTEN"),
                ("B > A SYN seq=0", "SYN-RECEIVED SYN-RECEIVED"),
                ("A > B SYN,ACK seq=0 ack=1", "SYN-RECEIVED ESTABLISHED"),
                ("B > A SYN,ACK seq=0 ack=1", "ESTABLISHED ESTABLISHED"),
            ],
            |line| match line {
                2 => {
                    "B opens too: its SYN acknowledges nothing, so it was sent in SYN-SENT. Now each end has sent \
                     a SYN and got one: SYN-RECEIVED at both (RFC 9293, figure 7)."
                }
                _ => {
                    "In SYN-RECEIVED an end waits for one thing, the acknowledgment of its SYN. The SYN,ACK from \
                     the other side brings it; sending one's own brings nothing."
                }
            },
        );
    }

    #[test]
    fn takes_up_a_connection_in_the_middle() {
        let check = check!();
        follows(
            &check,
            &[
                ("A > B PSH,ACK seq=1 ack=1 len=5", "ESTABLISHED ESTABLISHED"),
                ("B > A ACK seq=1 ack=6", "ESTABLISHED ESTABLISHED"),
            ],
            |_| {
                "There is no SYN in this list: it begins when the connection is open already. An end that speaks \
                 without SYN, and an end that is spoken to so, are in ESTABLISHED."
            },
        );
        let check = check!();
        follows(
            &check,
            &[
                ("B > A SYN,ACK seq=0 ack=1", "ESTABLISHED SYN-RECEIVED"),
                ("A > B ACK seq=1 ack=1", "ESTABLISHED ESTABLISHED"),
            ],
            |_| "The list begins with the second segment. A SYN,ACK proves the SYN that it answers: A has sent one.",
        );
        let check = check!();
        follows(
            &check,
            &[
                ("A > B SYN seq=0", "SYN-SENT LISTEN"),
                ("A > B ACK seq=1 ack=1", "ESTABLISHED ESTABLISHED"),
                ("A > B PSH,ACK seq=1 ack=1 len=5", "ESTABLISHED ESTABLISHED"),
            ],
            |_| {
                "The SYN,ACK is missing from this list, but A goes on without SYN: it must have got one. In \
                 SYN-SENT, too, a segment without SYN tells that the connection is open."
            },
        );
    }
}

mod step_4 {
    use super::*;

    #[test]
    fn follows_a_close_in_four_segments() {
        let why = |line: usize| match line {
            4 => {
                "The FIN puts its sender into FIN-WAIT-1. It arrives at an end that has not closed: CLOSE-WAIT, \
                 which waits for the program there to close."
            }
            5 => {
                "The FIN is acknowledged: FIN-WAIT-2. The other end has only acknowledged and stays in CLOSE-WAIT, \
                 as long as its program likes."
            }
            6 => {
                "The second FIN: LAST-ACK for its sender, which closes second; TIME-WAIT for the end that closed \
                 first."
            }
            _ => {
                "The last acknowledgment covers the second FIN: that end is done, CLOSED. The one that closed \
                 first stays in TIME-WAIT."
            }
        };
        let check = check!();
        check.note("closes", "A first, then B", "");
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("A > B FIN,ACK seq=1 ack=1", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A ACK seq=1 ack=2", "FIN-WAIT-2 CLOSE-WAIT"),
            ("B > A FIN,ACK seq=1 ack=2", "TIME-WAIT LAST-ACK"),
            ("A > B ACK seq=2 ack=2", "TIME-WAIT CLOSED"),
        ]);
        follows(&check, &lines, why);
        let check = check!();
        check.note("closes", "B first, then A", "");
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("B > A FIN,ACK seq=1 ack=1", "CLOSE-WAIT FIN-WAIT-1"),
            ("A > B ACK seq=1 ack=2", "CLOSE-WAIT FIN-WAIT-2"),
            ("A > B FIN,ACK seq=1 ack=2", "LAST-ACK TIME-WAIT"),
            ("B > A ACK seq=2 ack=2", "CLOSED TIME-WAIT"),
        ]);
        follows(&check, &lines, why);
    }

    #[test]
    fn closes_before_the_handshake_is_done() {
        let check = check!();
        let mut lines = OPEN[..2].to_vec();
        lines.extend([
            ("B > A FIN,ACK seq=1 ack=1", "CLOSE-WAIT FIN-WAIT-1"),
            ("A > B ACK seq=1 ack=2", "CLOSE-WAIT FIN-WAIT-2"),
        ]);
        follows(&check, &lines, |line| match line {
            3 => {
                "B closes while it still waits for the third segment of the open. From SYN-RECEIVED, too, a FIN \
                 leads to FIN-WAIT-1."
            }
            _ => "This covers B's SYN and its FIN at once; what counts in FIN-WAIT-1 is the FIN.",
        });
    }

    #[test]
    fn follows_a_half_close_that_lasts() {
        let check = check!();
        let mut lines = OPEN.to_vec();
        lines.extend([
            (
                "A > B FIN,PSH,ACK seq=1 ack=1 len=5",
                "FIN-WAIT-1 CLOSE-WAIT",
            ),
            ("B > A PSH,ACK seq=1 ack=7 len=100", "FIN-WAIT-2 CLOSE-WAIT"),
            ("A > B ACK seq=7 ack=101", "FIN-WAIT-2 CLOSE-WAIT"),
            (
                "B > A PSH,ACK seq=101 ack=7 len=100",
                "FIN-WAIT-2 CLOSE-WAIT",
            ),
            (
                "B > A FIN,PSH,ACK seq=201 ack=7 len=10",
                "TIME-WAIT LAST-ACK",
            ),
            ("A > B ACK seq=7 ack=212", "TIME-WAIT CLOSED"),
        ]);
        follows(&check, &lines, |line| match line {
            5 => {
                "The data from B carries an acknowledgment as every segment does, and this one covers A's FIN."
            }
            6 | 7 => {
                "A FIN ends one direction. B goes on sending, A goes on receiving, and no state changes."
            }
            _ => {
                "A FIN may come with the last data: its number is the one after the data, 211 here."
            }
        });
    }

    #[test]
    fn follows_a_close_in_three_segments() {
        let check = check!();
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("A > B FIN,ACK seq=1 ack=1", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A FIN,ACK seq=1 ack=2", "TIME-WAIT LAST-ACK"),
            ("A > B ACK seq=2 ack=2", "TIME-WAIT CLOSED"),
        ]);
        follows(&check, &lines, |line| match line {
            5 => {
                "B's FIN brings the acknowledgment of A's FIN with it. A takes two arrows of the diagram at once: \
                 by the acknowledgment to FIN-WAIT-2, by the FIN on to TIME-WAIT."
            }
            _ => {
                "Three segments close as well as four do: B leaves LAST-ACK when its FIN is acknowledged."
            }
        });
    }

    #[test]
    fn waits_for_the_ack_that_covers_the_fin() {
        let check = check!();
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("A > B PSH,ACK seq=1 ack=1 len=5", "ESTABLISHED ESTABLISHED"),
            ("A > B FIN,ACK seq=6 ack=1", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A ACK seq=1 ack=6", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A PSH,ACK seq=1 ack=6 len=4", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A ACK seq=5 ack=7", "FIN-WAIT-2 CLOSE-WAIT"),
            ("B > A FIN,ACK seq=5 ack=7", "TIME-WAIT LAST-ACK"),
            ("A > B ACK seq=7 ack=5", "TIME-WAIT LAST-ACK"),
            ("B > A FIN,ACK seq=5 ack=7", "TIME-WAIT LAST-ACK"),
            ("A > B ACK seq=7 ack=6", "TIME-WAIT CLOSED"),
        ]);
        follows(&check, &lines, |line| match line {
            6 | 7 => {
                "An ACK that comes after the FIN does not acknowledge it for that: 6 is the number of the FIN, so \
                 B still waits for it. Only 7 covers it."
            }
            10 => {
                "A acknowledges B's data here, up to 5. B's FIN has the number 5: it is not covered yet."
            }
            11 => {
                "The FIN comes once more, because nobody acknowledged it. A repeated FIN changes nothing."
            }
            _ => "A FIN is acknowledged by a number that lies after its own, and by nothing else.",
        });
    }

    #[test]
    fn follows_two_fins_that_cross() {
        let check = check!();
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("A > B FIN,ACK seq=1 ack=1", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A FIN,ACK seq=1 ack=1", "CLOSING CLOSING"),
            ("A > B ACK seq=2 ack=2", "CLOSING TIME-WAIT"),
            ("B > A ACK seq=2 ack=2", "TIME-WAIT TIME-WAIT"),
        ]);
        follows(&check, &lines, |line| match line {
            5 => {
                "B's FIN does not cover A's: it was sent before A's came. So neither end has its FIN acknowledged, \
                 and both have got the other's: CLOSING at both (RFC 9293, figure 13)."
            }
            _ => {
                "In CLOSING an end waits for the acknowledgment of its own FIN, and then goes to TIME-WAIT."
            }
        });
    }

    #[test]
    fn waits_for_data_that_a_fin_overtook() {
        let check = check!();
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("A > B FIN,ACK seq=11 ack=1", "FIN-WAIT-1 ESTABLISHED"),
            ("B > A ACK seq=1 ack=1", "FIN-WAIT-1 ESTABLISHED"),
            ("A > B PSH,ACK seq=6 ack=1 len=5", "FIN-WAIT-1 ESTABLISHED"),
            ("A > B PSH,ACK seq=1 ack=1 len=5", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A FIN,ACK seq=1 ack=12", "TIME-WAIT LAST-ACK"),
        ]);
        follows(&check, &lines, |line| match line {
            4..=6 => {
                "The FIN has overtaken data: ten bytes before it are still missing. B cannot tell its program \
                 that the stream has ended, and stays in ESTABLISHED. has_got_the_fin_of knows about the gap."
            }
            _ => "The last gap is filled: now the FIN counts, though this segment carries none.",
        });
        let check = check!();
        check.note("misses", "a segment that B got and the list lacks", "");
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("A > B FIN,ACK seq=6 ack=1", "FIN-WAIT-1 ESTABLISHED"),
            ("B > A FIN,ACK seq=1 ack=7", "TIME-WAIT LAST-ACK"),
        ]);
        follows(&check, &lines, |_| {
            "The list lacks five bytes of data, but B's own acknowledgment shows that it has got them, and the FIN: \
             what after_sending says about arrival comes before its FIN is looked at."
        });
    }

    #[test]
    fn closes_across_the_end_of_the_numbers() {
        let check = check!();
        check.note("counts", "A from 4294967294, B from 4294967295", "");
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("A > B PSH,ACK seq=1 ack=1 len=5", "ESTABLISHED ESTABLISHED"),
            ("A > B FIN,ACK seq=6 ack=1", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A ACK seq=1 ack=1", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A FIN,ACK seq=1 ack=7", "TIME-WAIT LAST-ACK"),
            ("A > B ACK seq=7 ack=2", "TIME-WAIT CLOSED"),
        ]);
        follows_from(&check, [u32::MAX - 1, u32::MAX, 0], &lines, |_| {
            "The numbers pass 4294967295 in this list. Compare sequence numbers with before and covers only: < and \
             == and + know nothing of the round."
        });
    }
}

mod step_5 {
    use super::*;

    #[test]
    fn follows_a_refusal() {
        let check = check!();
        follows(
            &check,
            &[
                ("A > B SYN seq=0", "SYN-SENT LISTEN"),
                ("B > A RST seq=0", "SYN-SENT LISTEN"),
                ("B > A RST,ACK seq=0 ack=0", "SYN-SENT LISTEN"),
                ("B > A RST,ACK seq=0 ack=1", "CLOSED CLOSED"),
            ],
            |line| match line {
                2 => {
                    "In SYN-SENT a reset counts only as an answer to the SYN; this one acknowledges nothing."
                }
                3 => "This reset does not cover A's SYN: it answers something else.",
                _ => {
                    "The reset covers A's SYN: nobody listens there. Its sequence number is 0 and means nothing, \
                     since B has no connection and no numbers of its own."
                }
            },
        );
        let check = check!();
        check.note("tries", "once more, with the same SYN", "");
        follows(
            &check,
            &[
                ("A > B SYN seq=0", "SYN-SENT LISTEN"),
                ("A > B RST seq=1", "SYN-SENT LISTEN"),
                ("B > A RST,ACK seq=0 ack=1", "CLOSED CLOSED"),
                ("A > B SYN seq=0", "SYN-SENT LISTEN"),
                ("B > A SYN,ACK seq=0 ack=1", "ESTABLISHED SYN-RECEIVED"),
                ("A > B ACK seq=1 ack=1", "ESTABLISHED ESTABLISHED"),
            ],
            |line| match line {
                2 => "B has nothing yet that could be reset: in LISTEN a reset changes nothing.",
                4 => {
                    "Some systems try again after a refusal, with the same SYN. From CLOSED that is SYN-SENT \
                     again, and at the other end LISTEN: somebody may be listening by now. src/open.rs has both \
                     rules."
                }
                _ => "The second try opens like any other.",
            },
        );
    }

    #[test]
    fn resets_only_with_the_expected_number() {
        let check = check!();
        let mut lines = OPEN.to_vec();
        lines.extend([
            (
                "B > A PSH,ACK seq=1 ack=1 len=10",
                "ESTABLISHED ESTABLISHED",
            ),
            ("B > A RST seq=1", "ESTABLISHED ESTABLISHED"),
            ("B > A RST,ACK seq=12 ack=1", "ESTABLISHED ESTABLISHED"),
            ("B > A RST seq=11", "CLOSED CLOSED"),
        ]);
        follows(&check, &lines, |line| match line {
            5 => {
                "A has had everything up to 11. A reset with a number from before is old, or made up by somebody \
                 who guesses: nothing changes."
            }
            6 => {
                "Close is not enough: A expects 11. RFC 9293 takes the reset only if the number is exactly that; \
                 the acknowledgment in it proves nothing."
            }
            _ => {
                "This is the number that A expects next. The reset ends the connection at both ends at once."
            }
        });
        let check = check!();
        check.note("resets", "a connection whose other end has closed", "");
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("A > B FIN,ACK seq=1 ack=1", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A PSH,ACK seq=1 ack=2 len=10", "FIN-WAIT-2 CLOSE-WAIT"),
            ("A > B RST seq=1", "FIN-WAIT-2 CLOSE-WAIT"),
            ("A > B RST seq=2", "CLOSED CLOSED"),
        ]);
        follows(&check, &lines, |line| match line {
            6 => "The FIN took up the number 1, so B expects 2 by now.",
            _ => {
                "A reset ends the connection in every synchronized state, CLOSE-WAIT and FIN-WAIT-2 among them."
            }
        });
        let check = check!();
        check.note("resets", "a connection that is not yet open at B", "");
        let mut lines = OPEN[..2].to_vec();
        lines.extend([
            ("A > B RST seq=5", "ESTABLISHED SYN-RECEIVED"),
            ("A > B RST seq=1", "CLOSED CLOSED"),
        ]);
        follows(&check, &lines, |line| match line {
            3 => {
                "B has had A's SYN and expects 1. In SYN-RECEIVED, too, a reset with any other number changes nothing."
            }
            _ => {
                "This is the number that B expects next: the reset ends the connection at both ends."
            }
        });
        let check = check!();
        check.note("resets", "a connection in TIME-WAIT", "");
        let mut lines = OPEN.to_vec();
        lines.extend([
            ("A > B FIN,ACK seq=1 ack=1", "FIN-WAIT-1 CLOSE-WAIT"),
            ("B > A ACK seq=1 ack=2", "FIN-WAIT-2 CLOSE-WAIT"),
            ("B > A FIN,ACK seq=1 ack=2", "TIME-WAIT LAST-ACK"),
            ("B > A RST seq=1", "TIME-WAIT LAST-ACK"),
            ("B > A RST seq=2", "CLOSED CLOSED"),
        ]);
        follows(&check, &lines, |line| match line {
            7 => "The FIN took up the number 1, so A expects 2 by now.",
            _ => {
                "LISTEN and CLOSED have nothing to reset, and SYN-SENT has a rule of its own. TIME-WAIT is one of \
                 \"every other state\": the exact number ends it."
            }
        });
    }

    #[test]
    fn reports_how_connections_opened() {
        let cases: &[(&str, &[&str], &str)] = &[
            (
                "three-way",
                &OPEN_LINES,
                "SYN, SYN,ACK, ACK: both ends open, and only one was in SYN-RECEIVED.",
            ),
            (
                "three-way",
                &["B > A SYN,ACK seq=0 ack=1", "A > B ACK seq=1 ack=1"],
                "The first segment is missing, but SYN-RECEIVED shows that the list begins within the handshake.",
            ),
            (
                "refused",
                &["A > B SYN seq=0", "B > A RST,ACK seq=0 ack=1"],
                "A went from SYN-SENT to CLOSED: its SYN was answered with a reset.",
            ),
            (
                "simultaneous",
                &[
                    "A > B SYN seq=0",
                    "B > A SYN seq=0",
                    "A > B SYN,ACK seq=0 ack=1",
                    "B > A SYN,ACK seq=0 ack=1",
                ],
                "Both ends were in SYN-RECEIVED, and both came to ESTABLISHED.",
            ),
            (
                "already open",
                &["A > B PSH,ACK seq=1 ack=1 len=5", "B > A ACK seq=1 ack=6"],
                "Neither end was in SYN-SENT or SYN-RECEIVED: the list begins when all of that is over.",
            ),
            (
                "unfinished",
                &["A > B SYN seq=0", "A > B SYN seq=0"],
                "A SYN without an answer: it may still come. No reset came either, so it is not refused.",
            ),
            (
                "unfinished",
                &[
                    "A > B SYN seq=0",
                    "B > A SYN,ACK seq=0 ack=1",
                    "A > B RST seq=1",
                ],
                "A hangs up in place of the third segment, as a port scanner does. B never came to ESTABLISHED, \
                 and A did not go from SYN-SENT to CLOSED: the handshake stayed unfinished.",
            ),
            (
                "unfinished",
                &["A > B SYN seq=0", "B > A SYN seq=0"],
                "Both ends are in SYN-RECEIVED, but neither has come further.",
            ),
        ];
        for (expected, lines, why) in cases {
            let check = check!();
            reports(&check, "opened", expected, lines, why);
        }
    }

    #[test]
    fn reports_how_connections_closed() {
        let by_the_way = "The way into TIME-WAIT tells: over CLOSING, over FIN-WAIT-2, or from FIN-WAIT-1 directly.";
        let cases: &[(&str, &[&str], &str)] = &[
            (
                "four-way",
                &[
                    "A > B FIN,ACK seq=1 ack=1",
                    "B > A ACK seq=1 ack=2",
                    "B > A FIN,ACK seq=1 ack=2",
                    "A > B ACK seq=2 ack=2",
                ],
                by_the_way,
            ),
            (
                "three-packet",
                &[
                    "B > A FIN,ACK seq=1 ack=1",
                    "A > B FIN,ACK seq=1 ack=2",
                    "B > A ACK seq=2 ack=2",
                ],
                "B never was in FIN-WAIT-2: the acknowledgment of its FIN came together with A's FIN. A close is \
                 not always four packets.",
            ),
            (
                "four-way",
                &[
                    "A > B FIN,ACK seq=1 ack=1",
                    "B > A PSH,ACK seq=1 ack=2 len=3",
                    "B > A FIN,ACK seq=4 ack=2",
                    "A > B ACK seq=2 ack=5",
                ],
                "Data brought the acknowledgment of the first FIN, before the second FIN: A passed FIN-WAIT-2. What \
                 counts is that, not the number of segments.",
            ),
            (
                "simultaneous",
                &[
                    "A > B FIN,ACK seq=1 ack=1",
                    "B > A FIN,ACK seq=1 ack=1",
                    "B > A ACK seq=2 ack=2",
                    "A > B ACK seq=2 ack=2",
                ],
                by_the_way,
            ),
            (
                "unfinished",
                &["A > B FIN,ACK seq=1 ack=1", "B > A ACK seq=1 ack=2"],
                "One end has closed and the other has not: a half-closed connection, not an open one.",
            ),
            (
                "unfinished",
                &["A > B FIN,ACK seq=1 ack=1", "B > A FIN,ACK seq=1 ack=2"],
                "Both have closed, but B is in LAST-ACK: it waits for the last acknowledgment.",
            ),
            (
                "still open",
                &["A > B PSH,ACK seq=1 ack=1 len=5"],
                "No FIN and no reset: the connection is still open.",
            ),
            (
                "reset, by 10.0.0.1:40000",
                &[
                    "A > B PSH,ACK seq=1 ack=1 len=5",
                    "A > B RST,ACK seq=6 ack=1",
                ],
                "track.reset_by names the end whose reset was accepted.",
            ),
            (
                "reset, by 10.0.0.1:40000",
                &[
                    "A > B FIN,ACK seq=1 ack=1",
                    "B > A PSH,ACK seq=1 ack=2 len=3",
                    "A > B RST seq=2",
                ],
                "It began with a FIN, but it ended with a reset: that rule comes first.",
            ),
            (
                "three-packet",
                &[
                    "A > B FIN,ACK seq=1 ack=1",
                    "B > A FIN,ACK seq=1 ack=2",
                    "A > B ACK seq=2 ack=2",
                    "A > B RST seq=2",
                ],
                "The reset came when everything was over: track.reset_by is None, and both ends are over.",
            ),
            (
                "still open",
                &["A > B RST seq=900"],
                "A reset with a wrong number changes nothing: track.reset_by stays None.",
            ),
        ];
        for (expected, close, why) in cases {
            let check = check!();
            let lines: Vec<&str> = OPEN_LINES.iter().chain(*close).copied().collect();
            reports(&check, "closed", expected, &lines, why);
        }
        let check = check!();
        reports(
            &check,
            "closed",
            "never open",
            &["A > B SYN seq=0", "B > A RST,ACK seq=0 ack=1"],
            "A connection that was refused was never there to be closed, although a reset ended the attempt.",
        );
    }

    #[test]
    fn says_who_came_to_time_wait() {
        let cases: &[(&str, &[&str], &str)] = &[
            (
                "10.0.0.1:40000",
                &[
                    "A > B FIN,ACK seq=1 ack=1",
                    "B > A FIN,ACK seq=1 ack=2",
                    "A > B ACK seq=2 ack=2",
                ],
                "A closed first, so A waits.",
            ),
            (
                "10.0.0.2:80",
                &[
                    "B > A FIN,ACK seq=1 ack=1",
                    "A > B FIN,ACK seq=1 ack=2",
                    "B > A ACK seq=2 ack=2",
                ],
                "Here the server closed first, so the server holds TIME-WAIT: who opened does not matter.",
            ),
            (
                "10.0.0.1:40000 and 10.0.0.2:80",
                &[
                    "B > A FIN,ACK seq=1 ack=1",
                    "A > B FIN,ACK seq=1 ack=1",
                    "A > B ACK seq=2 ack=2",
                    "B > A ACK seq=2 ack=2",
                ],
                "The FINs crossed: both ends closed first, and both wait.",
            ),
            (
                "nobody",
                &["A > B RST,ACK seq=1 ack=1"],
                "A reset leaves nothing behind: no FIN to acknowledge, no TIME-WAIT.",
            ),
            (
                "nobody",
                &["A > B FIN,ACK seq=1 ack=1", "B > A ACK seq=1 ack=2"],
                "A is in FIN-WAIT-2: nobody has come to TIME-WAIT yet.",
            ),
        ];
        for (expected, close, why) in cases {
            let check = check!();
            let lines: Vec<&str> = OPEN_LINES.iter().chain(*close).copied().collect();
            reports(&check, "TIME-WAIT", expected, &lines, why);
        }
    }

    #[test]
    fn finds_a_half_open_connection() {
        let check = check!();
        // RFC 9293 figure 9: A has crashed and starts anew, B knows nothing of it.
        let mut lines = OPEN_LINES.to_vec();
        lines.extend([
            "A > B SYN seq=64000",
            "B > A ACK seq=1 ack=1",
            "A > B RST seq=1",
        ]);
        reports(
            &check,
            "closed",
            "half-open",
            &lines,
            "A sends a new SYN from a port whose connection it has not closed: it has lost the connection, and B \
             still holds it. track.followed says that another connection follows.",
        );
        let check = check!();
        reports(
            &check,
            "closed",
            "half-open",
            &["A > B SYN seq=64000", "B > A ACK seq=1 ack=1"],
            "B answers a SYN with a plain ACK: it still holds an older connection, in ESTABLISHED, while A is in \
             SYN-SENT.",
        );
        let check = check!();
        let mut lines = OPEN_LINES.to_vec();
        lines.extend([
            "A > B FIN,ACK seq=1 ack=1",
            "B > A FIN,ACK seq=1 ack=2",
            "A > B ACK seq=2 ack=2",
            "A > B SYN seq=64000",
        ]);
        reports(
            &check,
            "closed",
            "three-packet",
            &lines,
            "The port is used again after an orderly close: both ends were over, and nothing is half-open.",
        );
    }

    #[test]
    fn reports_recorded_traffic() {
        let cases: &[(&str, &[&str])] = &[
            (
                "interleaved.txt",
                &[
                    "opened three-way",
                    "closed three-packet",
                    "TIME-WAIT 10.0.0.1:40000",
                    "opened three-way",
                    "closed three-packet",
                    "TIME-WAIT 10.0.0.2:7",
                    "opened three-way",
                    "closed still open",
                    "TIME-WAIT nobody",
                    "opened refused",
                    "closed never open",
                    "TIME-WAIT nobody",
                ],
            ),
            (
                "four-packet-close.txt",
                &[
                    "opened three-way",
                    "closed four-way",
                    "TIME-WAIT 10.0.0.1:40000",
                ],
            ),
            (
                "half-open-reconnect.txt",
                &[
                    "opened three-way",
                    "closed half-open",
                    "TIME-WAIT nobody",
                    "opened three-way",
                    "closed still open",
                    "TIME-WAIT nobody",
                ],
            ),
            (
                "unread-data-reset.txt",
                &[
                    "opened three-way",
                    "closed reset, by 10.0.0.2:7",
                    "TIME-WAIT nobody",
                ],
            ),
            (
                "simultaneous-open.txt",
                &[
                    "opened simultaneous",
                    "closed three-packet",
                    "TIME-WAIT 10.0.0.1:40000",
                ],
            ),
            (
                "under-way.txt",
                &[
                    "opened already open",
                    "closed three-packet",
                    "TIME-WAIT 10.0.0.1:40000",
                ],
            ),
            (
                "unanswered.txt",
                &["opened unfinished", "closed never open", "TIME-WAIT nobody"],
            ),
        ];
        for (name, expected) in cases {
            let check = check!();
            let file = check.data(name);
            let done = check.run(["report".as_ref(), file.as_os_str()]);
            done.expect_success("Every line of this list is a valid one.");
            let output = String::from_utf8_lossy(&done.stdout).into_owned();
            let told = ["opened", "closed", "TIME-WAIT"];
            let got: Vec<String> = output
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .filter(|line| told.iter().any(|key| line.starts_with(key)))
                .collect();
            check.require(
                expected.join("\n"),
                got.join("\n"),
                got == *expected,
                format!(
                    "tests/data/{name}: README.md beside it says how it was made, in most cases by real kernels. Follow it \
                     with `handshake states` and find the first line that your diagram does not have."
                ),
            );
        }
    }
}

mod step_6 {
    use wire::capture::{ByteOrder, Capture, Packet, Resolution};
    use wire::craft::{Conversation, Flags, Frame, Segment};

    use super::*;

    #[test]
    fn reads_the_segments_of_a_capture() {
        let check = check!();
        let talk = conversation();
        let file = check.file("talk.pcap", bytes(&talk.capture()));
        let done = check.run(["segments".as_ref(), file.as_os_str()]);
        done.expect_success("The file is a classic pcap file of Ethernet frames.");
        let start = talk
            .sent()
            .first()
            .map(|sent| sent.time)
            .unwrap_or_default();
        let expected: Vec<String> = talk
            .sent()
            .iter()
            .map(|sent| line(sent.time - start, sent.from, sent.to, &sent.segment))
            .collect();
        done.expect_stdout_lines(
            &expected,
            "24 bytes of file header, then for every packet 16 bytes of header and the frame: chapter 1 peels \
             it down to the TCP header. Times count from the first packet.",
        );
    }

    #[test]
    fn reads_both_byte_orders_and_nanoseconds() {
        for (order, resolution) in [
            (ByteOrder::Big, Resolution::Microseconds),
            (ByteOrder::Little, Resolution::Nanoseconds),
            (ByteOrder::Big, Resolution::Nanoseconds),
        ] {
            let check = check!();
            let mut capture = conversation().capture().expect("a capture");
            capture.byte_order = order;
            capture.resolution = resolution;
            let file = check.file("talk.pcap", bytes(&Ok::<_, std::io::Error>(capture)));
            check.note(
                "wrote",
                format!("{order:?} endian, {resolution:?}"),
                "talk.pcap",
            );
            let done = check.run(["segments".as_ref(), file.as_os_str()]);
            done.expect_success("This is a classic pcap file of Ethernet frames.");
            let talk = conversation();
            let start = talk
                .sent()
                .first()
                .map(|sent| sent.time)
                .unwrap_or_default();
            let lines: Vec<String> = talk
                .sent()
                .iter()
                .map(|sent| line(sent.time - start, sent.from, sent.to, &sent.segment))
                .collect();
            done.expect_stdout_lines(
                &lines,
                "The magic number comes in two byte orders, and each with two values: 0xa1b2c3d4 counts \
                 microseconds, 0xa1b23c4d nanoseconds. The order is that of the numbers in the file's and the \
                 packets' headers; the frames are always in network order.",
            );
        }
    }

    #[test]
    fn takes_the_length_from_the_packet_and_not_from_the_frame() {
        let check = check!();
        let (a, b) = (
            A.parse().expect("an address"),
            B.parse().expect("an address"),
        );
        let ack = Segment::new(Flags::ACK).seq(7).ack(9);
        let frame = Frame::tcp(a, b, ack.clone())
            .padded()
            .bytes()
            .expect("a frame");
        let data = Segment::new(Flags::ACK | Flags::PSH)
            .seq(7)
            .ack(9)
            .payload([b'x'; 500]);
        let whole = Frame::tcp(a, b, data.clone()).bytes().expect("a frame");
        let other = Frame::udp(a, b, b"no segment").bytes().expect("a frame");
        let packets = vec![
            Packet::new(Duration::from_secs(1), other),
            Packet::new(Duration::from_secs(2), frame),
            Packet::new(Duration::from_millis(2500), whole).cut(100),
        ];
        let capture = Ok::<_, std::io::Error>(Capture::new(packets));
        let file = check.file("padded.pcap", bytes(&capture));
        let done = check.run(["segments".as_ref(), file.as_os_str()]);
        done.expect_success("A UDP datagram among the packets is left out, and is no error.");
        let expected = [
            line(Duration::from_secs(1), a, b, &ack),
            line(Duration::from_millis(1500), a, b, &data),
        ];
        done.expect_stdout_lines(
            &expected,
            "The number of data bytes is what the IP header says, less both headers. The frame may end in padding, \
             and the capture may hold less of it than there was. The first packet counts for the time even though \
             it is no segment.",
        );

        // Chapter 1's packets: a header with options, and fragments.
        let hello = Segment::new(Flags::ACK | Flags::PSH)
            .seq(7)
            .ack(9)
            .payload(b"hello");
        let routed = Frame::tcp(a, b, hello.clone()).ip_options([7, 7, 4, 0, 0, 0, 0]);
        let part = Frame::tcp(a, b, data).fragment(0, true);
        let packets = [ack.clone(), hello.clone()]
            .map(|segment| Frame::tcp(a, b, segment))
            .into_iter()
            .chain([routed, part])
            .zip([5, 4, 6, 7])
            .map(|(frame, time)| {
                Packet::new(Duration::from_secs(time), frame.bytes().expect("a frame"))
            });
        let capture = Ok::<_, std::io::Error>(Capture::new(packets.collect()));
        let file = check.file("odd.pcap", bytes(&capture));
        let done = check.run(["segments".as_ref(), file.as_os_str()]);
        done.expect_success(
            "The second packet is earlier than the first, the third has IP options, the last is a fragment: none of \
             that is an error of the file.",
        );
        let expected = [
            line(Duration::ZERO, a, b, &ack),
            line(Duration::ZERO, a, b, &hello),
            line(Duration::from_secs(1), a, b, &hello),
        ];
        done.expect_stdout_lines(
            &expected,
            "The IP header says itself how long it is: with options it has more than 20 bytes. A packet that is \
             earlier than the first one gets 0.000000. And a fragment is left out, also the first one, which begins \
             with the TCP header: its length is not that of the segment.",
        );
    }

    #[test]
    fn reports_what_a_capture_shows() {
        let check = check!();
        let file = check.file("talk.pcap", bytes(&conversation().capture()));
        let done = check.run(["report".as_ref(), file.as_os_str()]);
        done.expect_success("A capture is reported like a list.");
        done.expect_stdout_lines(
            &[
                "connection 1: 10.0.0.1:40000 > 10.0.0.2:80",
                "  opened     three-way",
                "  closed     three-packet",
                "  TIME-WAIT  10.0.0.2:80",
                "  now        CLOSED TIME-WAIT",
                "connection 2: [2001:db8::1]:40000 > [2001:db8::2]:80",
                "  opened     refused",
                "  closed     never open",
                "  TIME-WAIT  nobody",
                "  now        CLOSED CLOSED",
            ],
            "What the list of `handshake segments` on this file says is what counts: look at that first.",
        );
    }

    #[test]
    fn says_where_a_capture_breaks_off() {
        let check = check!();
        let whole = bytes(&conversation().capture());
        for length in [8, 23, 30, 24 + 16 + 10, whole.len() - 1] {
            let file = check.file("cut.pcap", &whole[..length]);
            check.note("wrote", format!("its first {length} bytes"), "cut.pcap");
            let done = check.run(["report".as_ref(), file.as_os_str()]);
            done.expect_exit(1, "The file ends in the middle of a header or of a packet: an error, and no half report.");
            done.expect_error(&["ends"], "The message says that the file ends too early, in a sentence with the word `ends`.");
        }
    }

    /// A connection that the server closes first, and a refused one over IPv6.
    fn conversation() -> Conversation {
        let talk = Conversation::new();
        let (client, server) = talk.connection(
            A.parse().expect("an address"),
            B.parse().expect("an address"),
        );
        client.open(&server);
        client.data(b"hello");
        talk.wait(Duration::from_millis(1234));
        server.data([b'x'; 1000]);
        server.fin();
        client.fin();
        server.ack();
        let six = |text: &str| text.parse().expect("an address");
        let (client, server) = talk.connection(six("[2001:db8::1]:40000"), six("[2001:db8::2]:80"));
        client.syn();
        server.rst_reply();
        talk
    }

    fn bytes<E: std::fmt::Debug>(capture: &Result<Capture, E>) -> Vec<u8> {
        let capture = capture.as_ref().expect("a capture");
        capture.to_bytes().expect("a capture that fits its headers")
    }

    fn line(
        time: Duration,
        from: std::net::SocketAddr,
        to: std::net::SocketAddr,
        segment: &Segment,
    ) -> String {
        let has = |flag| segment.flags.contains(flag);
        let names = [
            (Flags::FIN, "FIN"),
            (Flags::SYN, "SYN"),
            (Flags::RST, "RST"),
            (Flags::PSH, "PSH"),
            (Flags::ACK, "ACK"),
        ];
        let names: Vec<&str> = names
            .into_iter()
            .filter(|(flag, _)| has(*flag))
            .map(|(_, name)| name)
            .collect();
        let mut text = format!(
            "{}.{:06} {from} > {to} ",
            time.as_secs(),
            time.subsec_micros()
        );
        let _ = write!(text, "{} seq={}", names.join(","), segment.seq);
        if has(Flags::ACK) {
            let _ = write!(text, " ack={}", segment.ack);
        }
        if !segment.payload.is_empty() {
            let _ = write!(text, " len={}", segment.payload.len());
        }
        let _ = write!(text, " # next={}", segment.seq.wrapping_add(segment.len()));
        text
    }
}

const OPEN: [(&str, &str); 3] = [
    ("A > B SYN seq=0", "SYN-SENT LISTEN"),
    ("B > A SYN,ACK seq=0 ack=1", "ESTABLISHED SYN-RECEIVED"),
    ("A > B ACK seq=1 ack=1", "ESTABLISHED ESTABLISHED"),
];

const OPEN_LINES: [&str; 3] = [OPEN[0].0, OPEN[1].0, OPEN[2].0];

/// Runs the program on a list, which succeeds.
fn run(check: &Check, command: &str, list: &str) -> Finished {
    let file = check.file("list.txt", list);
    let done = check.run([command.as_ref(), file.as_os_str()]);
    done.expect_success(
        "Every line of this list is a valid one, and so is every order of segments: the program ends with 0. After a \
         panic, begin at the place that it names.",
    );
    done
}

/// An initial sequence number from which nothing goes round, different in every check.
fn base(check: &Check) -> u32 {
    let random = check
        .random(3)
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte));
    1_000_000 + random
}

/// `lines`: a segment, and the states of both ends after it. `why` is asked with the number of the line.
fn follows(check: &Check, lines: &[(&str, &str)], why: impl Fn(usize) -> &'static str) {
    let first = base(check);
    follows_from(
        check,
        [first, first + 20_000_000, first + 40_000_000],
        lines,
        why,
    );
}

fn follows_from(
    check: &Check,
    bases: [u32; 3],
    lines: &[(&str, &str)],
    why: impl Fn(usize) -> &'static str,
) {
    check.note(
        "listed",
        "with numbers from each end's SYN",
        format!("A is {A}, B is {B}"),
    );
    let texts: Vec<&str> = lines.iter().map(|(text, _)| *text).collect();
    let done = run(check, "states", &real(&texts, bases));
    let output = String::from_utf8_lossy(&done.stdout).into_owned();
    // `     2  ESTABLISHED   <--  SYN,ACK seq=…  <--  SYN-RECEIVED`: the second word and the last.
    let got: Vec<String> = output
        .lines()
        .filter(|line| line.starts_with(' '))
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            format!(
                "{} {}",
                words.get(1).unwrap_or(&"?"),
                words.last().unwrap_or(&"?")
            )
        })
        .collect();
    for (place, (text, expected)) in lines.iter().enumerate() {
        let got = got.get(place).map_or("no such line", String::as_str);
        let segment = format!("{}  {text}", place + 1);
        if got != *expected {
            check.note("segment", segment, "");
            check.fail(sides(expected), sides(got), why(place + 1));
        }
        check.note("segment", segment, sides(got));
    }
}

/// `SYN-SENT LISTEN` as `A in SYN-SENT, B in LISTEN`.
fn sides(states: &str) -> String {
    match states.split_once(' ') {
        Some((a, b)) if !b.contains(' ') => format!("A in {a}, B in {b}"),
        _ => states.to_string(),
    }
}

/// The line of the first connection's report that begins with `key` is `expected`.
fn reports(check: &Check, key: &str, expected: &str, lines: &[&str], why: &str) {
    let first = base(check);
    check.note(
        "listed",
        "with numbers from each end's SYN",
        format!("A is {A}, B is {B}"),
    );
    for (place, text) in lines.iter().enumerate() {
        check.note("segment", format!("{}  {text}", place + 1), "");
    }
    let done = run(
        check,
        "report",
        &real(lines, [first, first + 20_000_000, first + 40_000_000]),
    );
    let output = String::from_utf8_lossy(&done.stdout).into_owned();
    let got = output
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(key))
        .map_or("no such line", str::trim);
    check.require(
        format!("{key}: {expected}"),
        format!("{key}: {got}"),
        got == expected,
        why,
    );
}

/// The list with real addresses, and with numbers that count from `bases`.
fn real(lines: &[&str], bases: [u32; 3]) -> String {
    let end = |word: &str| ["A", "B", "C"].iter().position(|name| *name == word);
    let mut list = String::new();
    for line in lines {
        let mut bases_of_ends = Vec::new();
        for (place, word) in line.split(' ').enumerate() {
            let space = if place == 0 { "" } else { " " };
            let number = word
                .split_once('=')
                .and_then(|(key, number)| Some((key, number.parse::<i64>().ok()?)));
            let _ = match (end(word), number) {
                (Some(end), _) if place < 3 => {
                    bases_of_ends.push(bases[end]);
                    write!(list, "{space}{}", [A, B, C][end])
                }
                (_, Some((key @ ("seq" | "ack"), number))) => {
                    let base = bases_of_ends
                        .get(usize::from(key == "ack"))
                        .copied()
                        .unwrap_or(0);
                    // Truncation is the arithmetic of sequence numbers: modulo 2^32.
                    write!(list, "{space}{key}={}", (i64::from(base) + number) as u32)
                }
                _ => write!(list, "{space}{word}"),
            };
        }
        list.push('\n');
    }
    list
}
