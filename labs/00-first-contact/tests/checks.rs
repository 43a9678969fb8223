//! The checks of chapter 0. Each runs the program and talks to it as a client would.
use testkit::check;

mod step_1 {
    use super::*;

    #[test]
    fn sends_back_what_it_received() {
        let check = check!();
        let server = check.start(["serve"]);
        let mut peer = check.connect(&server);
        peer.send("hello\n");
        peer.expect("hello\n", "An echo sends back the bytes that it received.");
        peer.expect_no_more(
            "The reply is longer than what was sent: only the first n bytes of the buffer came from the client.",
        );
        let server = check.start(["serve"]);
        let mut peer = check.connect(&server);
        peer.send(b"a\0b\0");
        peer.expect(
            b"a\0b\0",
            "A client may send zeros too: a zero in the buffer does not say that the client's bytes are over. How many they are says n, and only n.",
        );
    }
}

mod step_2 {
    use super::*;

    #[test]
    fn closes_when_the_client_sends_no_more() {
        let check = check!();
        let server = check.start(["serve"]);
        let mut peer = check.connect(&server);
        peer.send("bye\n");
        peer.expect("bye\n", "An echo sends back the bytes that it received.");
        peer.send("and bye\n");
        peer.expect(
            "and bye\n",
            "The conversation goes on until the client ends it. A read that does not fill the buffer is not the last one.",
        );
        peer.half_close();
        peer.expect_end(
            "The client has said that it sends no more: read returns 0, at once and every time. Leave the loop then, and the connection is closed.",
        );
    }

    #[test]
    fn serves_a_second_client_after_the_first() {
        let check = check!();
        let server = check.start(["serve"]);
        for words in ["first", "second"] {
            let mut peer = check.connect(&server);
            peer.send(words);
            peer.expect(
                words,
                "The server takes its next client when the conversation with the one before is over.",
            );
            peer.close();
        }
    }
}

mod step_3 {
    use super::*;

    #[test]
    fn greets_each_line() {
        let check = check!();
        let server = check.start(["greet"]);
        let mut peer = check.connect(&server);
        peer.send("Ada\nGrace\n");
        peer.expect(
            "hello Ada\nhello Grace\n",
            "Each line is one name and gets one greeting, however many lines a read brings; the line's end is not part of the name.",
        );
        peer.send(" Ada Lovelace \n");
        peer.expect(
            "hello  Ada Lovelace \n",
            "Only the line's end, `\\n`, is taken off. The blanks before and after the name are part of it: `trim` takes too much.",
        );
        peer.send(b"Ren\xe9\r\n");
        peer.expect(
            b"hello Ren\xe9\r\n",
            "A name is bytes, whatever they are. `\\xe9` is an é in an encoding other than UTF-8: a `String` cannot hold it, and `String::from_utf8_lossy` puts another character there. And only the `\\n` is taken off: a `\\r` before it is part of the name.",
        );
    }

    #[test]
    fn greets_until_the_client_sends_no_more() {
        let check = check!();
        let server = check.start(["greet"]);
        let mut peer = check.connect(&server);
        peer.send("Ada\n\nGrace\n");
        peer.half_close();
        peer.expect(
            "hello Ada\nhello \nhello Grace\n",
            "An empty line is a line too: its name is empty.",
        );
        peer.expect_end(
            "After its last line the client sends no more: `read_until` returns 0 then, at once and every time. That is the time for `None`.",
        );
    }

    #[test]
    fn greets_a_name_that_arrives_byte_by_byte() {
        let check = check!();
        let server = check.start(["greet"]);
        let mut peer = check.connect(&server);
        peer.send_one_by_one("Ada\n");
        peer.expect(
            "hello Ada\n",
            "The name came in four reads. A read gives what has arrived so far, not a whole line: read on until the line's end.",
        );
    }
}
