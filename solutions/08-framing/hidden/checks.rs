//! Chapter 8's hidden checks: what no learner has seen beforehand. The grader adds them to the lab's own.
use testkit::{Check, check};

/// A message with its length in front, from this side.
fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = (message.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(message);
    out
}

/// Letters, so that what is printed is what was sent.
fn letters(check: &Check, length: usize) -> Vec<u8> {
    let random = check.random(length);
    random.into_iter().map(|byte| b'a' + byte % 26).collect()
}

mod step_2 {
    use super::*;

    #[test]
    fn a_prefix_that_looks_like_text_is_a_number() {
        let check = check!(lab = "hidden.toml");
        let ten = letters(&check, 10);
        let stream = [frame(&ten), b"GET / HTTP/1.1\r\n\r\n".to_vec()].concat();
        let text = String::from_utf8_lossy(&ten).into_owned();
        for chunk in ["1", "3", "64"] {
            let done = check.run_with_input(["decode", "--chunk", chunk], &stream);
            let why = "The first prefix is 00 00 00 0a, and its last byte is no end of a line. The second one reads \"GET \" where somebody speaks another protocol: as a number that is 1195725856, far too long.";
            done.expect_exit(1, why)
                .expect_error(&["after 1 message", "1195725856 bytes"], why);
            done.expect_stdout_lines(&[&format!("10 \"{text}\"")], why);
        }
    }
}

mod step_3 {
    use super::*;

    #[test]
    fn puts_many_random_messages_together() {
        let check = check!(lab = "hidden.toml");
        let lengths = check.random(40);
        let messages: Vec<Vec<u8>> = lengths
            .iter()
            .map(|length| letters(&check, usize::from(*length)))
            .collect();
        let stream = messages.iter().flat_map(|message| frame(message));
        let stream: Vec<u8> = stream.collect();
        let program = check.start(["receive", "--chunk", "97"]);
        let mut peer = check.connect(&program);
        // Cut without regard to where a frame begins.
        let mut rest = &stream[..];
        for step in check.random(30) {
            let (piece, after) = rest.split_at(usize::from(step).min(rest.len()));
            peer.send(piece);
            rest = after;
        }
        peer.send(rest).half_close();
        for message in &messages {
            let text = String::from_utf8_lossy(message);
            program.expect_line(
                &format!("{} \"{text}\"", message.len()),
                "Forty messages of random lengths, in pieces of random lengths: each comes out once, whole, and in order.",
            );
        }
        let why = "The stream has ended behind the fortieth frame.";
        program.expect_line("end after 40 messages", why);
        program.finish().expect_success(why);
    }
}

mod step_4 {
    use super::*;

    #[test]
    fn a_message_of_nothing_but_delimiter_halves() {
        let check = check!(lab = "hidden.toml");
        for chunk in ["1", "2", "5", "100"] {
            let words = ["decode", "--cure", "delimiter", "--chunk", chunk];
            let done = check.run_with_input(words, b"\r\r\r\r\n\n\n\r\n\r\n");
            let why = "Only CR and LF together, in this order, end a message: the last CR of four belongs to the delimiter, the three before it to the message, and so do two LFs alone.";
            done.expect_stdout_lines(
                &[
                    r#"3 "\r\r\r""#,
                    r#"2 "\n\n""#,
                    r#"0 """#,
                    "end after 3 messages",
                ],
                why,
            );
            done.expect_success(why);
        }
    }
}

mod step_6 {
    use super::*;

    /// Every third byte is one that means something to this cure.
    fn message(check: &Check) -> Vec<u8> {
        let special = [0xc0, 0xdb, 0xdc, 0xdd];
        let random = check.random(120);
        let bytes = random.iter().enumerate();
        bytes
            .map(|(n, byte)| match n % 3 {
                0 => special[usize::from(*byte) % special.len()],
                _ => *byte,
            })
            .collect()
    }

    #[test]
    fn carries_whatever_bytes_there_are() {
        let check = check!(lab = "hidden.toml");
        let message = message(&check);
        let mut line: String = message
            .iter()
            .map(|byte| format!("\\x{byte:02x}"))
            .collect();
        line.push('\n');
        let mut expected = Vec::new();
        for byte in &message {
            match byte {
                0xc0 => expected.extend([0xdb, 0xdc]),
                0xdb => expected.extend([0xdb, 0xdd]),
                other => expected.push(*other),
            }
        }
        expected.push(0xc0);
        let done = check.run_with_input(["encode", "--cure", "escape"], line);
        let why = "c0 and db are escaped wherever they stand, also next to each other, and nothing else is.";
        done.expect_stdout(&expected, why);
        done.expect_success(why);
        let words = ["decode", "--cure", "escape", "--max", "120", "--chunk", "7"];
        let done = check.run_with_input(words, &expected);
        done.expect_success("The message has 120 bytes, escapes not counted, and 120 are allowed.");
    }
}
