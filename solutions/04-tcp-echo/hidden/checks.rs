//! Chapter 4's hidden checks: what no learner has seen beforehand. The grader adds them to the lab's own.
use testkit::check;

mod step_4 {
    use super::*;

    #[test]
    fn keeps_pace_with_a_client_that_waits_for_each_answer() {
        let check = check!(lab = "hidden.toml");
        let server = check.start(["once"]);
        let mut client = check.connect(&server);
        // Lengths on both sides of the sizes that people give their buffers, in no order.
        for length in [1, 1025, 3, 512, 4097, 64, 1024, 2] {
            let question = check.random(length);
            client.send(&question).expect(
                &question,
                "A client may wait for the whole answer before it says more. Each `read` is answered in full, however many bytes it brought.",
            );
        }
        client.half_close().expect_end(
            "Nothing more will come. The conversation is over, whatever its lengths were.",
        );
    }
}

mod step_5 {
    use super::*;

    #[test]
    fn two_conversations_do_not_mix() {
        let check = check!(lab = "hidden.toml");
        let server = check.start(["serve", "--backlog", "4"]);
        let long = check.random(3000);
        let short = check.random(10);
        let mut one = check.connect(&server);
        one.exchange(
            &long,
            &long,
            "3000 bytes of random content: all of them come back, in order.",
        );
        one.close();
        let mut other = check.connect(&server);
        other.send(&short).expect(
            &short,
            "The buffer still holds what the client before this one has sent. Only what this `read` brought belongs to this client.",
        );
        other.expect_no_more("Those were all: what is left in the buffer is the other client's.");
    }
}

mod step_6 {
    use super::*;

    #[test]
    fn leaves_the_output_to_the_bytes_that_came() {
        let check = check!(lab = "hidden.toml");
        let ours = check.listen();
        let addr = ours.addr().to_string();
        let words = ["connect".to_owned(), addr];
        let client = check.spawn(words);
        let mut server = ours.accept(&client);
        // No line, no text, and nothing was asked: an answer is whatever comes.
        let bytes = [0x00, 0xff, b'\r', 0x80, b'\n', b'\n', 0x1b];
        server.send(bytes);
        client.expect_output(
            bytes,
            "The server speaks first, and no text. What it sends goes to standard output as it is, and nothing is added.",
        );
        server.close();
        client
            .finish()
            .expect_success("The server has ended the conversation, as it may.");
    }
}
