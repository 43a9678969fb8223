//! The checks of chapter 13. Each runs the program and is its server: one that cuts a response anywhere,
//! lies about lengths, talks too much, falls silent, leads in circles, and hangs up in the middle.

use testkit::{Check, Listener, Peer, Program, Why, check};

/// The request that a client sent.
struct Request {
    line: String,
    fields: Vec<(String, String)>,
}

impl Request {
    /// Takes a request apart; what is none fails the check.
    fn read(check: &Check, bytes: &[u8]) -> Request {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let why = "A request is lines, each of which ends with a carriage return and a line feed, and the last one is empty.";
        let Some(head) = text.strip_suffix("\r\n\r\n") else {
            check.fail("an empty line at the end", format!("{text:?}"), why)
        };
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default().to_string();
        let fields = lines
            .map(|line| match line.split_once(':') {
                // The blank behind the colon is a habit, and one before it is a mistake.
                Some((name, value)) if !line.contains(['\r', '\n']) && !name.contains(' ') => {
                    (name.to_ascii_lowercase(), value.trim().to_string())
                }
                _ => check.fail("lines `Name: value`", format!("{line:?}"), why),
            })
            .collect();
        Request { line, fields }
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(other, _)| other == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// Whether Accept-Encoding is there and offers this coding, and none but it and `identity`, however
    /// that is written: `gzip;q=1.0, identity;q=0.5` is `gzip`, and `*;q=0` offers nothing.
    fn accepts_only(&self, coding: &str) -> bool {
        let values = self.values("accept-encoding");
        let elements = values.iter().flat_map(|value| value.split(','));
        let offers: Vec<String> = elements
            .filter_map(|element| {
                let (name, weight) = element.split_once(';').unwrap_or((element, ""));
                let weight = weight.trim().trim_start_matches("q=");
                let is_offered =
                    weight.is_empty() || weight.contains(|digit| ('1'..='9').contains(&digit));
                is_offered.then(|| name.trim().to_ascii_lowercase())
            })
            .filter(|name| !name.is_empty() && name != "identity")
            .collect();
        match coding {
            "identity" => !values.is_empty() && offers.is_empty(),
            coding => offers == [coding],
        }
    }
}

/// What `request` prints for these words.
fn printed(check: &Check, words: &[&str]) -> Request {
    let done = check.run([&["request"], words].concat());
    done.expect_success("This URL can be fetched.");
    Request::read(check, &done.stdout)
}

/// The program connects and sends its request, which is read to its end.
fn asked<'p>(check: &Check, listener: &Listener, program: &'p Program) -> (Peer<'p>, Request) {
    let mut peer = listener.accept(program);
    // Byte by byte, so that nothing behind the empty line is taken.
    let wants = |got: &[u8]| usize::from(!got.ends_with(b"\r\n\r\n"));
    let bytes = peer.read_while(
        "a request with an empty line at its end",
        wants,
        "A server answers when the empty line has come. Send all of the request before you wait for the answer.",
    );
    let request = Request::read(check, &bytes);
    (peer, request)
}

/// `http://ADDR/PATH` of a server of ours.
fn url(listener: &Listener, path: &str) -> String {
    format!("http://{}{path}", listener.addr())
}

/// `body` with `response` on its standard input prints exactly `body`.
fn expect_body(check: &Check, words: &[&str], response: &[u8], body: &[u8], why: impl Why + Copy) {
    let done = check.run_with_input([&["body"], words].concat(), response);
    done.expect_stdout(body, why);
    done.expect_success(why);
}

/// The head of `n` bytes more: `HTTP/1.1 200 OK` and these fields.
fn ok(fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{fields}\r\n").into_bytes()
}

/// A response with a chunk of each of these, an extension and a trailer.
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
    4\r\nwire\r\n3;a=\"b\"\r\nlab\r\n00\r\nSum: 7\r\n\r\n";

const COMPLETE: &str = "The body is complete, and the program has nothing more to wait for.";

mod step_1 {
    use super::*;

    #[test]
    fn asks_for_the_path_and_the_query() {
        let check = check!();
        for (url, target) in [
            (
                "http://example.org/a/page.html?x=1&y=2",
                "/a/page.html?x=1&y=2",
            ),
            ("http://example.org", "/"),
            ("HTTP://example.org?q=a/b", "/?q=a/b"),
            ("http://example.org/a#part?no", "/a"),
            ("http://example.org#part/no?no", "/"),
            ("http://example.org/a@b:c", "/a@b:c"),
            ("http://example.org/a%20b/", "/a%20b/"),
        ] {
            let request = printed(&check, &[url]);
            check.require(
                format!("GET {target} HTTP/1.1"),
                &request.line,
                request.line == format!("GET {target} HTTP/1.1"),
                "The request line is the method, the target and the version, with one blank between them. The target is the path and the query as they were written: an empty path is a slash, the host stands elsewhere, and the fragment is not sent at all.",
            );
        }
    }

    #[test]
    fn asks_with_head_when_it_shall() {
        let check = check!();
        let request = printed(&check, &["http://example.org/a", "--head"]);
        check.require(
            "HEAD /a HTTP/1.1",
            &request.line,
            request.line == "HEAD /a HTTP/1.1",
            "The method is `wish.method`; it is written in capitals, and differs from `Head`.",
        );
    }

    #[test]
    fn names_the_host_once() {
        let check = check!();
        for (url, hosts) in [
            (
                "http://example.org/",
                &["example.org", "example.org:80"][..],
            ),
            ("http://example.org:8080/", &["example.org:8080"]),
            ("http://example.org:/", &["example.org", "example.org:80"]),
            ("http://127.0.0.1:1?q", &["127.0.0.1:1"]),
            ("http://[::1]:8080/a:b", &["[::1]:8080"]),
            ("http://[::1]", &["[::1]", "[::1]:80"]),
        ] {
            let request = printed(&check, &[url]);
            let values = request.values("host");
            check.require(
                format!("one field Host with {}", hosts[0]),
                format!("{values:?}"),
                values.len() == 1 && hosts.contains(&values[0]),
                "One address may be home to many sites: Host says which one is meant, as it stands in the URL. The port belongs to it when it is not 80, and the brackets of an IPv6 address too. Without exactly one Host a server answers 400 (RFC 9112 §3.2).",
            );
        }
    }

    #[test]
    fn ends_with_an_empty_line_and_has_no_body() {
        let check = check!();
        let done = check.run(["request", "http://example.org/a"]);
        done.expect_success("This URL can be fetched.");
        let ends = done.stdout.windows(4).position(|four| four == b"\r\n\r\n");
        check.require(
            "an empty line, and nothing behind it",
            testkit::Bytes(&done.stdout),
            ends.is_some_and(|at| at + 4 == done.stdout.len()),
            "The empty line is how the server knows that there are no more fields. Every line ends with \\r\\n, also the last one: without it the server waits, and so do you. GET has no body here.",
        );
        let request = Request::read(&check, &done.stdout);
        let lengths = request.values("content-length").len();
        check.require(
            "no Content-Length",
            format!("{lengths}"),
            lengths == 0 && request.values("transfer-encoding").is_empty(),
            "These two fields announce a body, and this request has none.",
        );
    }

    #[test]
    fn says_that_it_asks_once() {
        let check = check!();
        let request = printed(&check, &["http://example.org/"]);
        let values = request.values("connection");
        check.require(
            "Connection: close",
            format!("{values:?}"),
            values.len() == 1 && values[0].eq_ignore_ascii_case("close"),
            "In HTTP/1.1 a connection stays open unless somebody says otherwise. This program sends one request over it: say `close`, or the server keeps a connection that nobody uses.",
        );
    }

    #[test]
    fn asks_for_no_coding_it_cannot_decode() {
        let check = check!();
        for (words, coding) in [
            (&["http://example.org/"][..], "identity"),
            (&["http://example.org/", "--gzip"], "gzip"),
        ] {
            let request = printed(&check, words);
            let values = request.values("accept-encoding");
            check.require(
                format!("Accept-Encoding: {coding}"),
                format!("{values:?}"),
                request.accepts_only(coding),
                "What you say that you accept, you get. Without this field a server may choose any coding it likes: say `identity`, or `gzip` where `wish.gzip`, and nothing more (RFC 9110 §12.5.3).",
            );
        }
    }

    #[test]
    fn refuses_what_is_no_http_url() {
        let check = check!();
        for url in [
            "",
            "example.org",
            "/a",
            "https://example.org/",
            "ftp://example.org/",
            "http:/example.org/",
            "http://",
            "http:///a",
            "http://?q",
            "http://:80/",
            "http://[::1/",
            "http://user:secret@example.org/",
            "http://example.org:0/",
            "http://example.org:65536/",
            "http://example.org:+80/",
            "http://example.org:80x/",
            "http://example.org:http/",
            "http://example.org:80:90/",
            "http://::1/",
            "http://[::1]8080/",
        ] {
            let done = check.run(["request", url]);
            let why = "This is no URL that the program can fetch. Say so before anything is sent: Fault::Url. (A number is digits: Rust's `parse` also takes a plus sign. A host has colons only within brackets, and behind a bracket comes a colon or the path.)";
            done.expect_exit(2, why).expect_error::<&str>(&[], why);
            done.expect_stdout("", why);
        }
    }

    #[test]
    fn a_line_end_in_a_url_makes_no_header() {
        let check = check!();
        for url in [
            "http://example.org/a HTTP/1.1\r\nX-Forged: yes\r\n\r\n",
            "http://example.org/\nX-Forged: yes",
            "http://example.org\r\nX-Forged: yes/",
            "http://example.org/a b",
            "http://example.org/\u{7c98}",
            "http://example.org/\u{1b}[2J",
            "http://example.org/\u{7f}",
        ] {
            let done = check.run(["request", url]);
            let why = "A blank, a line end or another control character from outside would go into the request as it is: a line end ends your line, and the rest becomes a header that you did not write. Only visible characters of ASCII may be in a URL.";
            done.expect_exit(2, why).expect_error::<&str>(&[], why);
            done.expect_stdout("", why);
        }
    }
}

mod step_2 {
    use super::*;

    fn expect_head(check: &Check, head: &[u8], lines: &[&str], why: &str) {
        let done = check.run_with_input(["head"], head);
        done.expect_stdout_lines(lines, why);
        done.expect_success(why);
    }

    fn refused(check: &Check, head: &[u8], why: &str) {
        let done = check.run_with_input(["head"], head);
        done.expect_exit(1, why).expect_error::<&str>(&[], why);
        done.expect_stdout("", why);
    }

    #[test]
    fn reads_the_status_line_and_the_fields() {
        let check = check!();
        let why = "The status line holds the version, the status and the reason, which may have blanks in it, or be empty. Then comes a field in each line, in their order, up to the empty line.";
        expect_head(
            &check,
            b"HTTP/1.1 404 Not Found Here\r\nserver: wirelab\r\nvary: a\r\nvary: b\r\n\r\n",
            &[
                "HTTP/1.1 404 Not Found Here",
                "server: wirelab",
                "vary: a",
                "vary: b",
            ],
            why,
        );
        expect_head(&check, b"HTTP/1.0 200 \r\n\r\n", &["HTTP/1.0 200"], why);
        expect_head(&check, b"HTTP/1.1 299\r\n\r\n", &["HTTP/1.1 299"], why);
        for minor in ["2", "9"] {
            expect_head(
                &check,
                format!("HTTP/1.{minor} 200 OK\r\n\r\n").as_bytes(),
                &[&format!("HTTP/1.{minor} 200 OK")],
                "Behind `HTTP/1.` stands a digit, any one. A later version of HTTP/1 is read like this one.",
            );
        }
        expect_head(
            &check,
            b"HTTP/1.1 200 caf\xe9\r\nserver: \xff lab\r\n\r\n",
            &["HTTP/1.1 200 caf\u{fffd}", "server: \u{fffd} lab"],
            "A reason or a value may have bytes that are no UTF-8: older servers write other codes. Read the head as bytes; what is no UTF-8 becomes U+FFFD, and is no fault.",
        );
        expect_head(
            &check,
            b"HTTP/1.1 200 OK\nserver: a\r\nvary: b\n\n",
            &["HTTP/1.1 200 OK", "server: a", "vary: b"],
            "A line feed ends a line, also where a careless server has left out the carriage return (RFC 9112 §2.2).",
        );
    }

    #[test]
    fn names_are_the_same_in_capitals() {
        let check = check!();
        expect_head(
            &check,
            b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 5\r\neTag: \"Q\"\r\n\r\n",
            &["HTTP/1.1 200 OK", "content-length: 5", "etag: \"Q\""],
            "The name of a field means the same in capitals and in small letters: keep it in small ones, or you will look for it in vain. The value is kept as it is.",
        );
        expect_head(
            &check,
            b"HTTP/1.1 200 OK\r\nX_Y: 1\r\nx-2: a\r\n!#$%&'*+-.^_`|~9Z: b\r\n\r\n",
            &[
                "HTTP/1.1 200 OK",
                "x_y: 1",
                "x-2: a",
                "!#$%&'*+-.^_`|~9z: b",
            ],
            "A name may have more than letters and hyphens in it: digits, and the signs of a token (RFC 9110 §5.6.2).",
        );
    }

    #[test]
    fn a_value_is_what_follows_the_first_colon() {
        let check = check!();
        expect_head(
            &check,
            b"HTTP/1.1 200 OK\r\na: http://x:80/\r\nb:\r\nc:\t one  two \t\r\nd:e\r\n\r\n",
            &[
                "HTTP/1.1 200 OK",
                "a: http://x:80/",
                "b:",
                "c: one  two",
                "d: e",
            ],
            "The first colon ends the name, and later ones belong to the value. Blanks and tabs around the value do not count, those within it do, and there need not be any. A value may be empty.",
        );
    }

    #[test]
    fn takes_the_pieces_as_they_come() {
        let check = check!();
        let head = b"HTTP/1.1 200 OK\r\nserver: a\r\nvary: b\r\n\r\n";
        for chunk in (1..=12).chain([head.len()]) {
            let done = check.run_with_input(["head", "--chunk", &chunk.to_string()], head);
            let why = "A read brings some bytes, and where it stops means nothing: within a name, between two lines, between the carriage return and the line feed. Read on until the line is complete.";
            done.expect_stdout_lines(&["HTTP/1.1 200 OK", "server: a", "vary: b"], why);
            done.expect_success(why);
        }
    }

    #[test]
    fn passes_over_interim_responses() {
        let check = check!();
        expect_head(
            &check,
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 199 \r\n\r\nHTTP/1.1 200 OK\r\nserver: a\r\n\r\n",
            &["HTTP/1.1 200 OK", "server: a"],
            "A status of 1xx is an interim answer: it has a head and no body, and the real one follows it. There may be several, and their fields are not those of the final one.",
        );
        refused(
            &check,
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "101 is the exception: what follows it is no HTTP any more. Nobody has asked for that: Fault::Switched.",
        );
    }

    #[test]
    fn replaces_folded_lines_by_a_blank() {
        let check = check!();
        let why = "A line that begins with a blank or a tab goes on with the value of the field before it: replace the line end, and the blanks and tabs around it, by one blank (RFC 9112 §5.2). An empty value has nothing in front of that blank, and it goes as well.";
        expect_head(
            &check,
            b"HTTP/1.1 200 OK\r\na: one\r\n two\r\n\t three: 3\r\nContent-Length:\r\n  5\r\nb: c\r\n\r\n",
            &["HTTP/1.1 200 OK", "a: one two three: 3", "content-length: 5", "b: c"],
            why,
        );
        expect_head(
            &check,
            b"HTTP/1.1 200 OK\r\na: one \t\r\n\t two\t \r\n three\r\n\r\n",
            &["HTTP/1.1 200 OK", "a: one two three"],
            "The blanks and tabs around the line end go with it, those before it and those behind it.",
        );
        expect_head(
            &check,
            b"HTTP/1.1 200 OK\r\na: b\r\n \t\r\nc: d\r\n\r\n",
            &["HTTP/1.1 200 OK", "a: b", "c: d"],
            "A line of blanks is not empty: it goes on with the value before it, and adds nothing. Whoever takes it for the end of the head takes the fields behind it for the body.",
        );
        refused(
            &check,
            b"HTTP/1.1 200 OK\r\n folded: into nothing\r\n\r\n",
            "There is no field before this line that it could go on with.",
        );
    }

    #[test]
    fn refuses_what_is_no_head() {
        let check = check!();
        let why = "This is no status line of HTTP/1: a version `HTTP/1.` with a digit, a blank, three digits, and then nothing or a blank and the reason. It is another protocol, or an old server's bare file; whatever is made of it would be wrong.";
        for line in [
            "hello",
            "",
            "HTTP/1.1",
            "HTTP/1.1 ",
            "HTTP/1.1 20",
            "HTTP/1.1 2000 OK",
            "HTTP/1.1 200OK",
            "HTTP/1.1 +20 OK",
            "HTTP/1.1 two OK",
            "HTTP/2 200 OK",
            "HTTP/1.12 200 OK",
            "http/1.1 200 OK",
            "HTTP/x.1 200 OK",
            "ICY 200 OK",
            "SSH-2.0-OpenSSH_9.2",
        ] {
            refused(&check, format!("{line}\r\na: b\r\n\r\n").as_bytes(), why);
        }
        let why = "This line is no field: a name of letters, digits and some signs, then at once a colon, then the value. Nobody can say what it means, so do not guess.";
        for line in [
            "no colon",
            ": no name",
            "two words: a",
            "blank : a",
            "a(b): c",
        ] {
            refused(&check, &ok(&format!("{line}\r\n")), why);
        }
    }

    #[test]
    fn no_line_end_hides_in_a_value() {
        let check = check!();
        for bad in ["\r", "\0"] {
            let done = check.run_with_input(["head"], ok(&format!("a: b{bad}c\r\n")));
            let text = String::from_utf8_lossy(&done.stdout).into_owned();
            let replaced =
                done.code == Some(0) && !text.contains(['\0']) && text.contains("a: b c");
            check.require(
                "a fault, or a blank in its place",
                format!("{text:?}, exit code {:?}", done.code),
                done.code == Some(1) || replaced,
                "A carriage return or a zero byte within a value is dangerous where the value is used: refuse it (RFC 9110 §5.5).",
            );
        }
        let done = check.run_with_input(["head"], ok("a: b\r\n\r\r\nc: d\r\n"));
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        // A blank in its place makes it a folded line (RFC 9112 §2.2).
        if done.code != Some(0) || !text.contains("c: d") {
            let why = "One carriage return before the line feed belongs to the end of the line, and no more. A line with another one is not empty: whoever takes it for the end of the head takes the fields behind it for the body. Refuse it.";
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
            done.expect_stdout("", why);
        }
    }

    #[test]
    fn an_end_within_the_head_is_an_error() {
        let check = check!();
        let head = b"HTTP/1.1 200 OK\r\na: b\r\n\r\n";
        // Within the status line at every fourth place; at each place where a line ends.
        for n in (0..15).step_by(4).chain(15..head.len()) {
            refused(
                &check,
                &head[..n],
                "The stream ended before the empty line: the head is not complete, and what is missing may have been the field that matters. Without the empty line there is no head.",
            );
        }
        refused(
            &check,
            b"HTTP/1.1 100 Continue\r\n\r\n",
            "An interim response is no answer: the real one has not come.",
        );
    }

    #[test]
    fn gives_up_a_head_without_end() {
        let check = check!();
        let lines = "a: b\r\n".repeat(20_000);
        let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(4_000);
        for (name, text) in [
            ("a line without end", "a".repeat(100_000)),
            ("fields without end", format!("HTTP/1.1 200 OK\r\n{lines}")),
            ("interim responses without end", interim),
        ] {
            check.note("next", name, "");
            let program = check.spawn(["head"]);
            program.feed(text);
            let why = "More than 64 KiB have come, and the head has no end. A server that never ends it would fill your memory: count the bytes of all heads together, and stop reading at MAX_HEAD.";
            let done = program.expect_ends(why);
            done.expect_exit(1, why).expect_error(&["too long"], why);
        }
        // An interim response and the final one, together of so many bytes.
        let heads = |length: usize| {
            let interim = b"HTTP/1.1 103 Early Hints\r\n\r\n";
            let others = interim.len() + ok("a: \r\n").len();
            let last = ok(&format!("a: {}\r\n", "b".repeat(length - others)));
            [&interim[..], &last].concat()
        };
        let done = check.run_with_input(["head"], heads(65_536));
        done.expect_success("These heads have 65,536 bytes, with all line ends and both empty lines. MAX_HEAD is what they may have: it is within the limit.");
        let done = check.run_with_input(["head"], heads(65_537));
        let why = "These heads have 65,537 bytes, with all line ends and both empty lines: that is one more than MAX_HEAD. Every byte counts that comes before the body.";
        done.expect_exit(1, why).expect_error(&["too long"], why);
    }
}

mod step_3 {
    use super::*;

    /// `framing` says this of a response with these fields.
    fn expect_framing(check: &Check, words: &[&str], head: &[u8], line: &str, why: &str) {
        let done = check.run_with_input([&["framing"], words].concat(), head);
        done.expect_stdout_lines(&[line], why);
        done.expect_success(why);
    }

    fn refused(check: &Check, words: &[&str], head: &[u8], why: &str) {
        let done = check.run_with_input([&["framing"], words].concat(), head);
        done.expect_exit(1, why).expect_error::<&str>(&[], why);
        done.expect_stdout("", why);
    }

    #[test]
    fn a_length_says_where_the_body_ends() {
        let check = check!();
        let why = "Content-Length says how many bytes the body has. It may be nothing, and it may be more than fits into 32 bits.";
        for (value, line) in [
            ("5", "length 5, identity"),
            ("0", "length 0, identity"),
            ("007", "length 7, identity"),
            (
                "18446744073709551615",
                "length 18446744073709551615, identity",
            ),
        ] {
            let head = ok(&format!("Content-Length: {value}\r\n"));
            expect_framing(&check, &[], &head, line, why);
        }
        expect_framing(
            &check,
            &[],
            &ok(
                "X-Content-Length: 6\r\nNote: content-length: 7\r\nContent-Length: 5\r\nContent-Length-Was: 8\r\n",
            ),
            "length 5, identity",
            "The field is the one of this name: not one whose name ends or begins like it, and not a value in which it stands. Take the head apart into fields, and compare whole names.",
        );
    }

    #[test]
    fn without_a_length_the_body_ends_with_the_stream() {
        let check = check!();
        let why = "Nothing says how long the body is, so it is all that comes. That is how HTTP/1.0 did it, and some servers still do.";
        expect_framing(&check, &[], &ok(""), "close, identity", why);
        expect_framing(
            &check,
            &[],
            b"HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n",
            "close, identity",
            why,
        );
    }

    #[test]
    fn some_answers_have_no_body() {
        let check = check!();
        let fields = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
        let why = "An answer to HEAD has the fields of the page and not the page: the length is that of what GET would bring. It ends with its head.";
        expect_framing(&check, &["--head"], &ok(fields), "none", why);
        expect_framing(&check, &["--head"], &ok(""), "none", why);
        let why = "204 and 304 never have a body, whatever their fields say. The fields of a 304 are those of the page that you have already.";
        for status in ["204 No Content", "304 Not Modified"] {
            for fields in [
                "",
                "Content-Length: 5\r\n",
                "Transfer-Encoding: chunked\r\n",
            ] {
                let head = format!("HTTP/1.1 {status}\r\n{fields}\r\n");
                expect_framing(&check, &[], head.as_bytes(), "none", why);
            }
        }
        let head = b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n";
        expect_framing(
            &check,
            &[],
            head,
            "length 0, identity",
            "205 is none of the two: here the length counts.",
        );
    }

    #[test]
    fn chunked_is_the_one_transfer_coding() {
        let check = check!();
        for fields in [
            "Transfer-Encoding: chunked\r\n",
            "transfer-encoding:\tCHUNKED \r\n",
            "Transfer-Encoding:\r\n Chunked\r\n",
        ] {
            expect_framing(
                &check,
                &[],
                &ok(fields),
                "chunked, identity",
                "The body comes in chunks. Names of codings mean the same in capitals.",
            );
        }
        expect_framing(
            &check,
            &[],
            b"HTTP/1.2 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "chunked, identity",
            "Every HTTP/1 has chunks, except for HTTP/1.0.",
        );
        for value in [
            "gzip, chunked",
            "chunked, gzip",
            "chunked, chunked",
            "identity",
            "xchunked",
        ] {
            refused(
                &check,
                &[],
                &ok(&format!("Transfer-Encoding: {value}\r\n")),
                "This program knows how to read chunks, and nothing else. Do not guess where such a body ends: Fault::Coding.",
            );
        }
        for fields in [
            "Transfer-Encoding:\r\n",
            "Transfer-Encoding:\r\nContent-Length: 5\r\n",
        ] {
            refused(
                &check,
                &[],
                &ok(fields),
                "The field Transfer-Encoding is there, and does not say `chunked`. An empty one is no missing one: where it is there, neither the length nor the end of the stream counts. Fault::Coding.",
            );
        }
        refused(
            &check,
            &[],
            &ok("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
            "The values of two fields of one name are one list: look at all of it.",
        );
        refused(
            &check,
            &[],
            b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.0 has no chunks: something on the way has mixed up two messages (RFC 9112 §6.1).",
        );
    }

    #[test]
    fn chunks_count_more_than_a_length() {
        let check = check!();
        for fields in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: five\r\n",
        ] {
            let done = check.run_with_input(["framing"], ok(fields));
            // To refuse both together is as right (RFC 9112 §6.3).
            if done.code == Some(1) && done.stdout.is_empty() {
                continue;
            }
            let why = "A response with both is served by the chunks, and the length does not count (RFC 9112 §6.3). Look at Transfer-Encoding first.";
            done.expect_stdout_lines(&["chunked, identity"], why);
            done.expect_success(why);
        }
    }

    #[test]
    fn a_length_is_digits() {
        let check = check!();
        for value in [
            "five",
            "",
            "+5",
            "-5",
            "0x5",
            "5.0",
            "5 5",
            "5 bytes",
            "18446744073709551616",
            "99999999999999999999999999",
            "5,",
        ] {
            refused(
                &check,
                &[],
                &ok(&format!("Content-Length: {value}\r\n")),
                "A length is digits, and nothing else, and it fits into 64 bits. Nobody knows where this body ends: Fault::Length. (Rust's `parse` also takes a plus sign.)",
            );
        }
    }

    #[test]
    fn two_lengths_that_differ_are_an_error() {
        let check = check!();
        for fields in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 6\r\nServer: a\r\ncontent-length: 5\r\n",
            "Content-Length: 5, 6\r\n",
        ] {
            refused(
                &check,
                &[],
                &ok(fields),
                "Two lengths, and at most one of them is right. Whoever takes the other one finds another response behind the body: look at all of them, and refuse what does not agree.",
            );
        }
        for fields in [
            "Content-Length: 5, 5\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
        ] {
            let done = check.run_with_input(["framing"], ok(fields));
            // A recipient may refuse these, too (RFC 9110 §8.6).
            if done.code != Some(1) {
                let why = "The same length, said twice, is one length.";
                done.expect_stdout_lines(&["length 5, identity"], why);
                done.expect_success(why);
            }
        }
    }

    #[test]
    fn a_coding_that_nobody_asked_for_is_an_error() {
        let check = check!();
        let why = "The body is coded, and this program cannot decode it, or has not said that it can. To save the coded bytes under the name of the page would be a lie: Fault::Coding.";
        for (words, value) in [
            (&[][..], "gzip"),
            (&[], "br"),
            (&["--gzip"], "br"),
            (&["--gzip"], "gzip, gzip"),
            (&["--gzip"], "deflate"),
        ] {
            let head = ok(&format!(
                "Content-Length: 5\r\nContent-Encoding: {value}\r\n"
            ));
            refused(&check, words, &head, why);
        }
        refused(
            &check,
            &["--gzip"],
            &ok("Content-Encoding: gzip\r\nServer: a\r\nContent-Encoding: br\r\n"),
            "The values of two fields of one name are one list: this body was coded twice.",
        );
        for (words, value, line) in [
            (&[][..], "identity", "length 5, identity"),
            (&[], "", "length 5, identity"),
            (&["--gzip"], "Identity, gzip", "length 5, gzip"),
            (&["--gzip"], "gzip", "length 5, gzip"),
            (&["--gzip"], "X-GZip", "length 5, gzip"),
        ] {
            let head = ok(&format!(
                "Content-Length: 5\r\nContent-Encoding: {value}\r\n"
            ));
            expect_framing(
                &check,
                words,
                &head,
                line,
                "`gzip` was asked for with --gzip; `identity` is no coding at all, and neither is an element with nothing in it.",
            );
        }
        expect_framing(
            &check,
            &["--gzip"],
            &ok("Content-Length: 5\r\n"),
            "length 5, identity",
            "Accept-Encoding is an offer. The server need not take it.",
        );
    }
}

mod step_4 {
    use super::*;

    #[test]
    fn copies_as_many_bytes_as_were_announced() {
        let check = check!();
        let why = "The body has as many bytes as Content-Length says, and begins right behind the empty line. What comes behind it is not body.";
        let head = ok("Content-Length: 5\r\n");
        expect_body(&check, &[], &[&head[..], b"hello"].concat(), b"hello", why);
        expect_body(
            &check,
            &[],
            &[&head[..], b"hello, world"].concat(),
            b"hello",
            why,
        );
        let empty = [&ok("Content-Length: 0\r\n")[..], b"hello"].concat();
        expect_body(&check, &[], &empty, b"", why);
    }

    #[test]
    fn copies_all_that_comes_where_nothing_is_announced() {
        let check = check!();
        let why = "Without a length the body goes to the end of the stream, through empty lines and whatever looks like another response.";
        let body = b"hello\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        expect_body(&check, &[], &[&ok("")[..], body].concat(), body, why);
        expect_body(&check, &[], &ok(""), b"", why);
    }

    #[test]
    fn a_body_is_any_bytes() {
        let check = check!();
        // Rust's standard output passes on the short line of the second body at once, and then takes no
        // more in that call.
        for (body, what) in [
            (
                [&b"\x89PNG\r\n\x1a\n\r\n\r\n\0"[..], &check.random(20_000)].concat(),
                "A body may be a picture: any bytes, also those that are no text, and empty lines among them. Read it as bytes, and write them as they came.",
            ),
            (
                [&b"x\n"[..], &[b'y'; 20_000]].concat(),
                "This body is a short line and a long one, and some of it is missing. `write` may take fewer bytes than it is given, and says how many: the rest must be written as well. `write_all` does that.",
            ),
        ] {
            let why = |got: &[u8]| {
                if got.len() > body.len() && got.starts_with(&body) {
                    "All of the body is there, and behind it what is not body. Never read more than is left of the body, or of the chunk: a read takes all that there is room for."
                } else {
                    what
                }
            };
            let head = ok(&format!("Content-Length: {}\r\n", body.len()));
            expect_body(&check, &[], &[&head[..], &body].concat(), &body, why);
            expect_body(&check, &[], &[&ok("")[..], &body].concat(), &body, why);
            let size = format!("{:X}\r\n", body.len());
            let chunk = [size.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
            let head = ok("Transfer-Encoding: chunked\r\n");
            expect_body(&check, &[], &[&head[..], &chunk].concat(), &body, why);
        }
    }

    #[test]
    fn some_answers_end_with_their_head() {
        let check = check!();
        let why = "This answer has no body: what follows its head is the next response's.";
        let fields = "Content-Length: 5\r\n";
        let response = [&ok(fields)[..], b"hello"].concat();
        expect_body(&check, &["--head"], &response, b"", why);
        let response = format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\nhello");
        expect_body(&check, &[], response.as_bytes(), b"", why);
    }

    #[test]
    fn puts_the_chunks_together() {
        let check = check!();
        let head = ok("Transfer-Encoding: chunked\r\n");
        for (chunks, body, why) in [
            (
                "5\r\nhello\r\n0\r\n\r\n",
                "hello",
                "A chunk is its size, a line end, as many bytes, a line end. The sizes and line ends are no part of the body.",
            ),
            (
                "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
                "hello",
                "Where one chunk ends and the next begins means nothing: the body is all their bytes in a row.",
            ),
            (
                "00b\r\nhello world\r\n000\r\n\r\n",
                "hello world",
                "The size is hexadecimal, and may have zeros in front: b is 11. The last chunk is the one of size 0, however that is written.",
            ),
            (
                "C\r\nhello\r\n\r\n0\r\n\r\n0\r\n\r\n",
                "hello\r\n\r\n0\r\n",
                "The bytes of a chunk may look like anything, also like the end. Only the size says where they end.",
            ),
            (
                "5;a=b;c=\"d\"\r\nhello\r\n5 \t ;e\r\nagain\r\n0;f\r\n\r\n",
                "helloagain",
                "Behind the size there may be extensions, after a semicolon. They are for those who know them: pass over them.",
            ),
            (
                "5 \r\nhello\r\n5\t \r\nagain\r\n0 \r\n\r\n",
                "helloagain",
                "Blanks and tabs behind a size do not count, whether a semicolon follows them or the end of the line.",
            ),
            (
                "5\r\nhello\r\n0\r\nSum: 5\r\nX: y\r\n\r\n",
                "hello",
                "Behind the last chunk there may be a trailer: fields, up to an empty line. They are no part of the body.",
            ),
            (
                "0\r\n\r\n",
                "",
                "A body of no bytes is one chunk of size 0.",
            ),
        ] {
            expect_body(
                &check,
                &[],
                &[&head[..], chunks.as_bytes()].concat(),
                body.as_bytes(),
                why,
            );
        }
    }

    #[test]
    fn chunks_may_be_many() {
        let check = check!();
        let head = ok("Transfer-Encoding: chunked\r\n");
        // The lines with the sizes have more bytes than a head may have.
        let chunks = format!("1;a={}\r\nx\r\n", "b".repeat(60)).repeat(1200) + "0\r\n\r\n";
        expect_body(
            &check,
            &[],
            &[&head[..], chunks.as_bytes()].concat(),
            &[b'x'; 1200],
            "A page of any length may come in chunks of any size. MAX_CHUNK_LINE is for each line with a size, and not for all of them together.",
        );
    }

    #[test]
    fn takes_chunks_in_whatever_pieces() {
        let check = check!();
        for chunk in (1..=8).chain([11, 13, 16, 24, CHUNKED.len()]) {
            expect_body(
                &check,
                &["--chunk", &chunk.to_string()],
                CHUNKED,
                b"wirelab",
                "A read may end anywhere: within the size, between \\r and \\n, within the bytes. A read is no chunk, and a chunk no read.",
            );
        }
    }

    #[test]
    fn what_follows_the_last_chunk_is_no_body() {
        let check = check!();
        let response = [CHUNKED, b"5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"].concat();
        expect_body(
            &check,
            &[],
            &response,
            b"wirelab",
            "After the last chunk and the empty line of its trailer the body is complete, whatever comes behind it.",
        );
    }

    #[test]
    fn a_body_that_is_cut_is_an_error() {
        let check = check!();
        let why = "The stream ended before the body did. What came is not the page, and \"it has ended, so it is complete\" is how half a file gets a whole file's name: Fault::CutBody, or Fault::Cut.";
        let head = ok("Content-Length: 10\r\n");
        for body in ["", "hello", "hello wor"] {
            let done = check.run_with_input(["body"], [&head[..], body.as_bytes()].concat());
            done.expect_exit(1, why)
                .expect_error(&["ended", &format!("{} of 10", body.len())], why);
        }
        let body = CHUNKED
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap_or(0)
            + 4;
        for n in body..CHUNKED.len() {
            let done = check.run_with_input(["body"], &CHUNKED[..n]);
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
        }
    }

    #[test]
    fn refuses_what_is_no_chunk() {
        let check = check!();
        let head = ok("Transfer-Encoding: chunked\r\n");
        let why = "A size is hexadecimal digits and nothing else, and below 2^64. If it is not, nobody knows where the chunk ends: Fault::Chunk. (Rust's `from_str_radix` also takes a plus sign.)";
        for size in [
            "",
            "+5",
            "-5",
            "0x5",
            "5h",
            "five",
            ";a",
            "10000000000000005",
            "\u{ff15}",
        ] {
            let chunks = format!("{size}\r\nhello\r\n0\r\n\r\n");
            let done = check.run_with_input(["body"], [&head[..], chunks.as_bytes()].concat());
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
        }
        let why = "Behind the bytes of a chunk is the end of a line, and nothing else. Here is something else: the size was wrong, and so would be all that follows.";
        for chunks in [
            "4\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello..0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "3\r\nhello\r\n0\r\n\r\n",
        ] {
            let done = check.run_with_input(["body"], [&head[..], chunks.as_bytes()].concat());
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
        }
    }

    #[test]
    fn gives_up_chunks_that_only_talk() {
        let check = check!();
        let head = ok("Transfer-Encoding: chunked\r\n");
        for (name, chunks) in [
            (
                "an extension without end",
                format!("5;a={}", "b".repeat(100_000)),
            ),
            (
                "a trailer without end",
                format!("0\r\n{}", "a: b\r\n".repeat(20_000)),
            ),
        ] {
            check.note("next", name, "");
            let program = check.spawn(["body"]);
            program.feed([&head[..], chunks.as_bytes()].concat());
            let why = "A line with a size has at most MAX_CHUNK_LINE bytes, and a trailer MAX_HEAD: whatever a server may say without end needs a limit.";
            let done = program.expect_ends(why);
            done.expect_exit(1, why).expect_error(&["too long"], why);
        }
        // A line of so many bytes, with its end, and a chunk.
        let line = |length| {
            let others = "5;a=\r\n".len();
            format!("5;a={}\r\nhello\r\n", "b".repeat(length - others))
        };
        for length in [5000, 4097] {
            let why = format!(
                "This line with a size has {length} bytes, with its end. MAX_CHUNK_LINE is 4096, and much less than what a head may have."
            );
            let response = [&head[..], line(length).as_bytes(), b"0\r\n\r\n"].concat();
            let done = check.run_with_input(["body"], response);
            done.expect_exit(1, why.as_str())
                .expect_error(&["too long"], why.as_str());
        }
        let trailer = "a: b\r\n".repeat(10_000);
        let chunks = format!("{}0\r\n{trailer}\r\n", line(4096));
        expect_body(
            &check,
            &[],
            &[&head[..], chunks.as_bytes()].concat(),
            b"hello",
            "This line with a size has 4096 bytes, with its end, and the trailer less than 64 KiB: that is within the limits.",
        );
    }

    #[test]
    fn makes_no_room_for_what_is_only_announced() {
        let check = check!();
        let why = "The response announces more bytes than there are on earth, and sends five. Make no room for what has not come: copy what comes, a piece at a time, and count.";
        let most = ok("Content-Length: 18446744073709551615\r\n");
        let chunk = ok("Transfer-Encoding: chunked\r\n");
        for response in [
            [&most[..], b"hello"].concat(),
            [&chunk[..], b"ffffffffffffffff\r\nhello"].concat(),
        ] {
            let done = check.run_with_input(["body"], response);
            let is_size_refused =
                done.stderr.contains("no chunk") || done.stderr.contains("no length");
            let fault = match is_size_refused {
                true => {
                    "This size is right: sizes and lengths go up to 2^64 - 1. Take them as numbers of 64 bits. What is wrong here is that the stream ends after five bytes."
                }
                false => why,
            };
            done.expect_exit(1, fault).expect_error(&["ended"], fault);
            // Whether the last piece goes out before the fault is said is the program's choice.
            check.require(
                "\"hello\", or less of it",
                testkit::Bytes(&done.stdout),
                b"hello".starts_with(&done.stdout),
                why,
            );
        }
    }

    #[test]
    fn survives_whatever_comes() {
        let check = check!();
        let noise = check.random(3 * 48);
        for three in noise.chunks_exact(3) {
            // A good response with a byte that is another one, or is missing, or comes twice.
            let mut response = CHUNKED.to_vec();
            let at = usize::from(three[0]) % response.len();
            match three[1] % 4 {
                0 => drop(response.remove(at)),
                1 => response.insert(at, response[at]),
                _ => response[at] = three[2],
            }
            let done = check.run_with_input(["body"], &response);
            check.require(
                "exit code 0 or 1",
                format!("{:?}", done.code),
                matches!(done.code, Some(0 | 1)),
                "Whatever arrives, the program reads it or says `error: …`. It never panics: no index without a look at the length, no `unwrap`, no sum that may be too large.",
            );
        }
    }
}

mod step_5 {
    use super::*;

    const LENGTH: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length:\r\n 7\r\n\r\nwirelab";

    /// The program ends with success and has printed `body`, while the server keeps the connection.
    fn complete(program: &Program, body: &str, why: &str) {
        let done = program.expect_ends(why);
        done.expect_stdout(body, why);
        done.expect_success(why);
    }

    fn get(check: &Check, listener: &Listener, words: &[&str]) -> Program {
        let url = url(listener, "/");
        check.spawn([&["get", &url], words].concat())
    }

    /// A redirect to `location`.
    fn found(location: &str) -> String {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {location}\r\nConnection: close\r\nContent-Length: 5\r\n\r\nmoved"
        )
    }

    #[test]
    fn the_body_comes_with_the_head_or_after_it() {
        let check = check!();
        let listener = check.listen();
        for at in [None, Some(38), Some(41), Some(45)] {
            let response = [&ok("Content-Length: 7\r\n")[..], b"wirelab"].concat();
            let program = get(&check, &listener, &[]);
            let (mut peer, _) = asked(&check, &listener, &program);
            match at {
                None => peer.send(&response),
                Some(at) => peer.send_split(&response, &[at]),
            };
            complete(
                &program,
                "wirelab",
                "The body is not what came with the head: it may come in the same read, in part, or much later. The bytes behind the empty line are its beginning, and Content-Length says how many it has. Keep what one read has brought beyond the head, and read on until all is there.",
            );
        }
    }

    #[test]
    fn ends_when_the_body_is_complete() {
        let check = check!();
        let listener = check.listen();
        let why = "The body is complete, and the server keeps the connection open, as it may. Whoever waits for the end of the stream waits for the server's patience: end when the framing says so.";
        let program = get(&check, &listener, &[]);
        let (mut peer, _) = asked(&check, &listener, &program);
        peer.send(LENGTH);
        complete(&program, "wirelab", why);
        let program = get(&check, &listener, &[]);
        let (mut peer, _) = asked(&check, &listener, &program);
        peer.send(CHUNKED);
        complete(&program, "wirelab", why);
        let program = get(&check, &listener, &[]);
        let (mut peer, _) = asked(&check, &listener, &program);
        peer.send(b"HTTP/1.1 204 No Content\r\n\r\n");
        complete(&program, "", why);
        let program = get(&check, &listener, &["--head"]);
        let (mut peer, request) = asked(&check, &listener, &program);
        check.require(
            "HEAD / HTTP/1.1",
            &request.line,
            request.line == "HEAD / HTTP/1.1",
            "With --head the method is HEAD.",
        );
        peer.send(ok("Content-Length: 7\r\n"));
        complete(&program, "HTTP/1.1 200 OK\ncontent-length: 7\n", why);
    }

    #[test]
    fn reads_a_response_at_every_split() {
        let check = check!();
        let listener = check.listen();
        for response in [LENGTH, CHUNKED] {
            // Six cuts, far from each other, so that a sixth of the programs meet all of them.
            let far = response.len().div_ceil(6);
            for first in 1..=far {
                let cuts: Vec<usize> = (first..response.len()).step_by(far).collect();
                let program = get(&check, &listener, &[]);
                let (mut peer, _) = asked(&check, &listener, &program);
                peer.send_split(response, &cuts);
                complete(
                    &program,
                    "wirelab",
                    "The same response, cut at other places, is the same response: a cut between \\r and \\n, within a size, before a folded line, anywhere. Look for the end of a line in all that has come, not in what the last read has brought.",
                );
            }
            let program = get(&check, &listener, &[]);
            let (mut peer, _) = asked(&check, &listener, &program);
            peer.send_one_by_one(response);
            complete(
                &program,
                "wirelab",
                "The same response, byte by byte: the line end, the empty line and the size come in more than two reads. All that has come counts, not the last read and the one before it.",
            );
        }
    }

    #[test]
    fn a_body_without_a_length_ends_with_the_stream() {
        let check = check!();
        let listener = check.listen();
        let program = get(&check, &listener, &[]);
        let (mut peer, _) = asked(&check, &listener, &program);
        let response = [&ok("")[..], b"wirelab"].concat();
        peer.send_split(&response, &[response.len() - 3])
            .half_close();
        complete(
            &program,
            "wirelab",
            "The server has closed: that is where this body ends.",
        );
    }

    #[test]
    fn a_hang_up_is_no_answer() {
        let check = check!();
        let listener = check.listen();
        let why = "The server hung up before the response was complete. It is an error, whatever has come until then.";
        for response in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\nwirelab",
            &CHUNKED[..CHUNKED.len() - 2],
        ] {
            let program = get(&check, &listener, &[]);
            let (mut peer, _) = asked(&check, &listener, &program);
            peer.send(response).half_close();
            let done = program.expect_ends(why);
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
        }
        let program = get(&check, &listener, &[]);
        let (mut peer, _) = asked(&check, &listener, &program);
        peer.send([&ok("")[..], b"wire"].concat());
        peer.expect_nothing_yet("A client that has sent its request waits for the answer.");
        peer.reset();
        let why = "The connection was reset, and not ended: of a body without a length nobody knows what is missing. Only a `read` of 0 bytes is the end.";
        let done = program.expect_ends(why);
        done.expect_exit(1, why).expect_error::<&str>(&[], why);
    }

    #[test]
    fn stops_at_the_limit_while_the_server_stays() {
        let check = check!();
        let listener = check.listen();
        let chunked = ok("Transfer-Encoding: chunked\r\n");
        let (fields, line) = ("a: b\r\n".repeat(12_000), "a".repeat(72_000));
        for (name, head, rest) in [
            ("fields", &b"HTTP/1.1 200 OK\r\n"[..], &fields),
            ("a line", b"HTTP/1.1 200 OK\r\na: ", &line),
            ("a status line", b"HTTP/1.1 200 ", &line),
            ("an extension", &[&chunked[..], b"5;a="].concat(), &line),
            ("a trailer", &[&chunked[..], b"0\r\n"].concat(), &fields),
        ] {
            check.note("next", name, "without end");
            let program = get(&check, &listener, &[]);
            let (mut peer, _) = asked(&check, &listener, &program);
            peer.send(head).send(rest);
            let why = "72,000 bytes have come, no end of it is in sight, and the server stays. Stop at the limit, and do not wait for the rest, nor for the end of the line: it may never come.";
            let done = program.expect_ends(why);
            done.expect_exit(1, why).expect_error(&["too long"], why);
        }
    }

    #[test]
    fn says_what_the_server_answered() {
        let check = check!();
        let listener = check.listen();
        for status in [
            "404 Not Found",
            "500 Internal Server Error",
            "304 Not Modified",
            "300 Multiple Choices",
        ] {
            let program = get(&check, &listener, &[]);
            let (mut peer, _) = asked(&check, &listener, &program);
            peer.send(format!(
                "HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\noops"
            ));
            let why = "The response is complete, and it is no success: exit code 3, and the status in the error. That is the head which `fetch` returns, whatever its status; the body is delivered as any other.";
            let done = program.expect_ends(why);
            done.expect_exit(3, why).expect_error(&[&status[..3]], why);
            let body = if status.starts_with("304") {
                ""
            } else {
                "oops"
            };
            done.expect_stdout(body, why);
        }
    }

    #[test]
    fn follows_a_redirect_to_another_server() {
        let check = check!();
        for status in ["301", "302", "303", "307", "308"] {
            let (first, second) = (check.listen(), check.listen());
            let program = get(&check, &first, &["--head"]);
            let (mut peer, _) = asked(&check, &first, &program);
            let location = url(&second, "/there?a=b#c");
            peer.send(format!(
                "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nConnection: close\r\n\r\n"
            ));
            let (mut peer, request) = asked(&check, &second, &program);
            check.require(
                "HEAD /there?a=b HTTP/1.1",
                &request.line,
                request.line == "HEAD /there?a=b HTTP/1.1",
                "The server says where the page is now: ask there, by the same method.",
            );
            let host = second.addr().to_string();
            check.require(
                format!("Host: {host}"),
                format!("{:?}", request.values("host")),
                request.values("host") == [host.as_str()],
                "Another server, and so another Host: the request is made anew from the new URL.",
            );
            peer.send(ok("Content-Length: 7\r\n"));
            complete(&program, "HTTP/1.1 200 OK\ncontent-length: 7\n", COMPLETE);
        }
    }

    #[test]
    fn follows_a_path_on_the_same_server() {
        let check = check!();
        let listener = check.listen();
        let url = url(&listener, "/a/b/c?q");
        let program = check.spawn(["get", &url]);
        for (line, location) in [
            ("GET /a/b/c?q HTTP/1.1", "/login"),
            ("GET /login HTTP/1.1", "in/here?x=/y/"),
            ("GET /in/here?x=/y/ HTTP/1.1", "../out"),
            ("GET /out HTTP/1.1", "/map?at=52.5,13.4"),
            ("GET /map?at=52.5,13.4 HTTP/1.1", "?z"),
        ] {
            let (mut peer, request) = asked(&check, &listener, &program);
            check.require(
                line,
                &request.line,
                request.line == line,
                "A Location may be relative: to the URL that was asked, which is the last one and not the first. `Url::join` says what it means. All of the value is one reference: it is no list, and a comma in it is a part of it.",
            );
            peer.send(found(location));
        }
        let (mut peer, request) = asked(&check, &listener, &program);
        check.require(
            "GET /map?z HTTP/1.1",
            &request.line,
            request.line == "GET /map?z HTTP/1.1",
            "A question mark in front: another query of the same path.",
        );
        peer.send(LENGTH);
        complete(
            &program,
            "wirelab",
            "The bodies of the redirects are not the page: only the last response is delivered.",
        );
    }

    #[test]
    fn does_not_wait_for_the_body_of_a_redirect() {
        let check = check!();
        let listener = check.listen();
        let program = get(&check, &listener, &[]);
        let mut kept = Vec::new();
        for (path, rest) in [
            ("/", "Content-Length: 70\r\n\r\nmoved"),
            ("/1", "Transfer-Encoding: chunked\r\n\r\n5\r\nmo"),
            ("/2", "\r\nmoved"),
        ] {
            let (mut peer, request) = asked(&check, &listener, &program);
            let line = format!("GET {path} HTTP/1.1");
            check.require(
                &line,
                &request.line,
                request.line == line,
                "The head of a redirect says all that is needed to follow it. Its body may be long, or never come: ask the next server at once.",
            );
            let next = kept.len() + 1;
            peer.send(format!("HTTP/1.1 302 Found\r\nLocation: /{next}\r\n{rest}"));
            // The server waits for its own reasons, and keeps the connection.
            kept.push(peer);
        }
        let (mut peer, _) = asked(&check, &listener, &program);
        peer.send(LENGTH);
        complete(&program, "wirelab", COMPLETE);
    }

    #[test]
    fn resolves_a_reference() {
        let check = check!();
        let base = "http://a:8080/b/c/d;p?q=/x";
        for (reference, url) in [
            ("http://g/h", "http://g/h"),
            ("HTTP://g:80", "http://g/"),
            ("//g", "http://g/"),
            ("/g", "http://a:8080/g"),
            ("g", "http://a:8080/b/c/g"),
            ("g/", "http://a:8080/b/c/g/"),
            ("./g", "http://a:8080/b/c/g"),
            ("g?y=./z", "http://a:8080/b/c/g?y=./z"),
            ("?y", "http://a:8080/b/c/d;p?y"),
            ("#s", "http://a:8080/b/c/d;p?q=/x"),
            ("", "http://a:8080/b/c/d;p?q=/x"),
            ("g#s/../x", "http://a:8080/b/c/g"),
            (".", "http://a:8080/b/c/"),
            ("..", "http://a:8080/b/"),
            ("../g", "http://a:8080/b/g"),
            ("../../../g", "http://a:8080/g"),
            ("/./g/../h", "http://a:8080/h"),
            ("g?a:b", "http://a:8080/b/c/g?a:b"),
            ("g/a:b", "http://a:8080/b/c/g/a:b"),
            ("g#a:b", "http://a:8080/b/c/g"),
            ("g?y/../z", "http://a:8080/b/c/g?y/../z"),
            ("http://g/h/../i", "http://g/i"),
            ("//g/h/./i/..", "http://g/h/"),
        ] {
            let done = check.run(["join", base, reference]);
            let why = "What a reference means depends on how it begins: a scheme, two slashes, one slash, a question mark, or anything else, which stands in place of what is behind the last slash of the path. The fragment is dropped first. Dots are done in each path, and in no query. (RFC 3986 §5.4 has a list like this one.)";
            done.expect_stdout_lines(&[url], why);
            done.expect_success(why);
        }
    }

    #[test]
    fn gives_up_a_circle() {
        let check = check!();
        for (words, requests) in [(&[][..], 6), (&["--max-redirects", "0"], 1)] {
            let listener = check.listen();
            let program = get(&check, &listener, words);
            for _ in 0..requests {
                let (mut peer, _) = asked(&check, &listener, &program);
                peer.send(found("/"));
            }
            let why = "Each page leads to the next one, and there is no last one. Follow as many redirects as were wished for, 5 where nothing was said, and then give up: Fault::TooManyRedirects.";
            let done = program.expect_ends(why);
            done.expect_exit(1, why)
                .expect_error(&["redirects", &(requests - 1).to_string()], why);
            done.expect_stdout("", why);
        }
        let listener = check.listen();
        let program = get(&check, &listener, &["--max-redirects", "3"]);
        for n in 0..4 {
            let (mut peer, _) = asked(&check, &listener, &program);
            peer.send(found(&format!("/{n}")));
        }
        let why = "Each page leads to one that was never asked: to look for a URL that comes again is not enough, there may be none. Count.";
        let done = program.expect_ends(why);
        done.expect_exit(1, why).expect_error(&["redirects"], why);
        let listener = check.listen();
        let program = get(&check, &listener, &["--max-redirects", "1"]);
        let (mut peer, _) = asked(&check, &listener, &program);
        peer.send(found("/there"));
        let (mut peer, _) = asked(&check, &listener, &program);
        peer.send(LENGTH);
        complete(
            &program,
            "wirelab",
            "One redirect was wished for, and one is followed: the limit is what may be, not what may not.",
        );
    }

    #[test]
    fn follows_nothing_but_redirects() {
        let check = check!();
        let listener = check.listen();
        for (status, location, code) in [
            ("201 Created", "Location: /new\r\n", 0),
            ("200 OK", "Location: /new\r\n", 0),
            ("300 Multiple Choices", "Location: /new\r\n", 3),
            ("304 Not Modified", "Location: /new\r\n", 3),
            ("404 Not Found", "Location: /new\r\n", 3),
            ("302 Found", "", 3),
        ] {
            let program = get(&check, &listener, &[]);
            let (mut peer, _) = asked(&check, &listener, &program);
            peer.send(format!(
                "HTTP/1.1 {status}\r\n{location}Content-Length: 0\r\n\r\n"
            ));
            let why = "Location leads on only with the status 301, 302, 303, 307 or 308. With 201 it names what was created, and without it a redirect leads nowhere: such a response is the final one.";
            program.expect_ends(why).expect_exit(code, why);
        }
    }

    #[test]
    fn a_redirect_leads_only_where_the_program_can_go() {
        let check = check!();
        let listener = check.listen();
        for location in [
            "https://example.invalid/",
            "ftp://example.invalid/",
            "file:///etc/passwd",
            "mailto:a",
            "http://user@example.invalid/",
            "/a b",
        ] {
            let program = get(&check, &listener, &[]);
            let (mut peer, _) = asked(&check, &listener, &program);
            peer.send(found(location));
            let why = "What a server writes into Location is looked at like what a person types: whatever is no http URL is Fault::Url, and nobody is asked.";
            let done = program.expect_ends(why);
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
            done.expect_stdout("", why);
        }
    }

    #[test]
    fn leaves_no_half_file() {
        let check = check!();
        let listener = check.listen();
        let file = check.folder().join("page");
        let path = file.to_string_lossy().into_owned();
        for (response, code) in [
            (
                &b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\nwirelab"[..],
                1,
            ),
            (&CHUNKED[..CHUNKED.len() - 4], 1),
            (
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\noops",
                3,
            ),
        ] {
            let program = get(&check, &listener, &["-o", &path]);
            let (mut peer, _) = asked(&check, &listener, &program);
            peer.send(response).half_close();
            let why = "Not all of the page has come, or it is not the page. `fetch` says so, and `main` leaves no file behind.";
            program.expect_ends(why).expect_exit(code, why);
            let left = check.files().read(&file).ok();
            check.require(
                "no file",
                left.as_ref().map_or("no file".into(), |bytes| {
                    format!("a file of {} bytes", bytes.len())
                }),
                left.is_none(),
                why,
            );
        }
        let body = check.random(100_000);
        let program = get(&check, &listener, &["-o", &path]);
        let (mut peer, _) = asked(&check, &listener, &program);
        peer.send(ok("Content-Length: 100000\r\n")).send(&body);
        let why = "Every byte of the body goes to `out`, and nothing else does.";
        complete(&program, "", why);
        let same = check.files().read(&file).is_ok_and(|bytes| bytes == body);
        check.require(
            "a file with the body",
            if same { "that" } else { "another one" },
            same,
            why,
        );
    }

    #[test]
    fn holds_a_piece_at_a_time() {
        const PIECES: usize = 24;
        const MIB: usize = 1 << 20;
        let check = check!();
        let listener = check.listen();
        let path = check.folder().join("large").to_string_lossy().into_owned();
        // No text: a transcript says so after a look at the first byte.
        let piece = vec![0xff; MIB];
        for (head, end) in [
            (ok(&format!("Content-Length: {}\r\n", PIECES * MIB)), ""),
            (
                [&ok("Transfer-Encoding: chunked\r\n")[..], b"1800000\r\n"].concat(),
                "\r\n0\r\n\r\n",
            ),
            (ok(""), ""),
        ] {
            let program = get(&check, &listener, &["-o", &path]);
            let (mut peer, _) = asked(&check, &listener, &program);
            peer.send(head);
            for _ in 0..PIECES - 1 {
                peer.send(&piece);
            }
            peer.expect_nothing_yet("A client that has asked sends nothing more.");
            let peak = program.peak_memory();
            check.require(
                "at most 16 MiB of memory, after 23 MiB of a body",
                peak.map_or("a system that does not tell".into(), |bytes| {
                    format!("{} MiB at the most", bytes >> 20)
                }),
                peak.is_none_or(|bytes| bytes <= 16 << 20),
                "The memory grows with the body. Write each piece to `out` as it comes, and keep none of it: a body may be larger than the memory, and so may a chunk.",
            );
            peer.send(&piece).send(end);
            if end.is_empty() {
                peer.half_close();
            }
            complete(&program, "", COMPLETE);
            let length = check.files().length(&path).unwrap_or(0);
            check.require(
                "a file of 24 MiB",
                format!("{length} bytes"),
                length == (PIECES * MIB) as u64,
                "All of it was sent.",
            );
        }
    }
}

mod step_6 {
    use super::*;

    /// `hello` in a block that is not compressed, with a name, a comment and an extra field.
    const STORED: &[u8] = b"\x1f\x8b\x08\x1c\0\0\0\0\0\x03\x03\0abcname\0a comment\0\
        \x01\x05\0\xfa\xffhello\x86\xa6\x10\x36\x05\0\0\0";

    /// `to be or not to be, ` four times, by the code that needs no table.
    const FIXED: &[u8] =
        b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\x2b\xc9\x57\x48\x4a\x55\xc8\x2f\x52\xc8\xcb\x2f\
        \x51\x28\x01\x71\x74\x20\x14\x99\x62\0\x3b\x68\xe4\xda\x50\0\0\0";

    fn expect_unpacked(check: &Check, packed: &[u8], plain: &[u8], why: &str) {
        let done = check.run_with_input(["gunzip"], packed);
        done.expect_stdout(plain, why);
        done.expect_success(why);
    }

    /// What `page.gz` holds.
    fn page() -> Vec<u8> {
        (1..=3000)
            .flat_map(|n| format!("line {n} of the page\n").into_bytes())
            .collect()
    }

    fn packed_page(check: &Check) -> Vec<u8> {
        let path = check.data("page.gz");
        match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => panic!("{} cannot be read: {error}", path.display()),
        }
    }

    #[test]
    fn unpacks_what_is_only_stored() {
        let check = check!();
        expect_unpacked(
            &check,
            STORED,
            b"hello",
            "Ten bytes of header; then, by its flags, an extra field of 3 bytes, a name and a comment; then a block of kind 0, which is its bytes as they are; then the checksum and the length.",
        );
        expect_unpacked(
            &check,
            b"\x1f\x8b\x08\x02\0\0\0\0\0\x03\xa7\x77\x01\x05\0\xfa\xffhello\x86\xa6\x10\x36\x05\0\0\0",
            b"hello",
            "The flag FHCRC: two bytes of a checksum of the header stand behind it, before the first block.",
        );
    }

    #[test]
    fn unpacks_by_the_fixed_codes() {
        let check = check!();
        let plain = b"to be or not to be, ".repeat(4);
        expect_unpacked(
            &check,
            FIXED,
            &plain,
            "A block of kind 1: the lengths of its codes stand in RFC 1951 §3.2.6. The copy is longer than its distance, and so it repeats what it has just written.",
        );
    }

    #[test]
    fn unpacks_by_codes_that_come_along() {
        let check = check!();
        expect_unpacked(
            &check,
            &packed_page(&check),
            &page(),
            "A block of kind 2 brings its codes along, as lengths in a code of their own. 60,000 bytes come out: more than the window holds, and a copy never reaches farther back than that.",
        );
    }

    #[test]
    fn unpacks_one_member_after_the_other() {
        let check = check!();
        let both = [STORED, FIXED, STORED].concat();
        let plain = [&b"hello"[..], &b"to be or not to be, ".repeat(4), b"hello"].concat();
        let why = "Behind a member there may be another one: header, blocks, checksum, with nothing in between.";
        expect_unpacked(&check, &both, &plain, why);
    }

    #[test]
    fn keeps_what_a_copy_may_reach() {
        const HEADER: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";
        let check = check!();
        // A stored block of 32,768 bytes, and then a copy of its first three.
        let mut plain: Vec<u8> = (0..32_768_u32).map(|n| ((n * n) >> 7) as u8).collect();
        let packed = [
            HEADER,
            b"\0\0\x80\xff\x7f",
            &plain,
            b"\x03\xde\xff\x0f\0",
            b"\x11\xeb\x96\xab\x03\x80\0\0",
        ]
        .concat();
        plain.extend_from_within(..3);
        expect_unpacked(
            &check,
            &packed,
            &plain,
            "A copy may reach back WINDOW bytes, and this one does: the byte that it begins with is the oldest that is kept.",
        );

        // A byte of zero, and copies of 258 bytes with a distance of 1: 6 MiB out of 39 KiB.
        let copies = b"\xa3\x60\x14\x8c\x82\x51\x30\x0a\x46\xc1\x28\x18\x05".repeat(3_049);
        let blocks = [HEADER, b"\x63\x18\x05", &copies, b"\0"].concat();
        let trailer = b"\x8a\x1e\x3c\xb4\x93\x07\x60\0";
        let listener = check.listen();
        let path = check.folder().join("zeros").to_string_lossy().into_owned();
        let program = check.spawn(["get", &url(&listener, "/"), "--gzip", "-o", &path]);
        let (mut peer, _) = asked(&check, &listener, &program);
        let length = blocks.len() + trailer.len();
        let before = program.peak_memory();
        peer.send(ok(&format!(
            "Content-Encoding: gzip\r\nContent-Length: {length}\r\n"
        )));
        // A piece at a time, so that each has been unpacked before the memory is looked at.
        for piece in blocks.chunks(5_000) {
            peer.send(piece);
            peer.expect_nothing_yet("A client that has asked sends nothing more.");
        }
        let more = program.peak_memory().zip(before);
        let more = more.map(|(peak, before)| peak.saturating_sub(before));
        check.require(
            "at most 4 MiB of memory more, after 6 MiB have come out",
            more.map_or("a system that does not tell".into(), |bytes| {
                format!("{} MiB more", bytes >> 20)
            }),
            more.is_none_or(|bytes| bytes <= 4 << 20),
            "The memory grows with what comes out. A copy reaches back 32 KiB and no farther: write what is older to `out`, and forget it.",
        );
        peer.send(trailer);
        let why = "A block of 6 MiB, its checksum and its length.";
        program.expect_ends(why).expect_success(why);
        let length = check.files().length(&path).unwrap_or(0);
        check.require(
            "a file of 6293395 bytes",
            format!("{length} bytes"),
            length == 6_293_395,
            "One byte, and 24,393 copies of 258.",
        );
    }

    #[test]
    fn refuses_what_is_damaged() {
        let check = check!();
        let why = "Data that is cut or damaged is an error. The checksum and the length at the end are there to be compared.";
        // Every second byte of the header and of the blocks, and each of the checksum and the length.
        let trailer = FIXED.len() - 8;
        let places = |from: usize| (from..trailer).step_by(2).chain(trailer..FIXED.len());
        for n in places(0) {
            let done = check.run_with_input(["gunzip"], &FIXED[..n]);
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
        }
        // Behind the header, no bit may be another one; those that fill up the last byte of the blocks
        // mean nothing.
        for at in places(10).filter(|at| at + 1 != trailer) {
            let mut damaged = FIXED.to_vec();
            damaged[at] ^= 1 << (at % 8);
            let done = check.run_with_input(["gunzip"], damaged);
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
        }
        // The length of a stored block stands there twice, the second time with all bits inverted.
        let block = STORED.len() - 18;
        for at in block + 1..STORED.len() {
            let mut damaged = STORED.to_vec();
            damaged[at] ^= 1 << (at % 8);
            let done = check.run_with_input(["gunzip"], damaged);
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
        }
        let garbage = [STORED, b"no member"].concat();
        for data in [&garbage[..], b"", b"\x1f\x8b\x07\0\0\0\0\0\0\x03"] {
            let done = check.run_with_input(["gunzip"], data);
            done.expect_exit(1, why).expect_error::<&str>(&[], why);
        }
    }

    #[test]
    fn fetches_what_was_compressed() {
        let check = check!();
        let listener = check.listen();
        let program = check.spawn(["get", &url(&listener, "/"), "--gzip"]);
        let (mut peer, request) = asked(&check, &listener, &program);
        check.require(
            "Accept-Encoding: gzip",
            format!("{:?}", request.values("accept-encoding")),
            request.accepts_only("gzip"),
            "Nobody compresses for a client that has not asked for it.",
        );
        peer.send(ok(
            "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        ));
        for piece in packed_page(&check).chunks(1000) {
            peer.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
        }
        peer.send(b"0\r\n\r\n");
        let why = "First the chunks are put together, then the result is unpacked: Transfer-Encoding is the wire's business, Content-Encoding the page's.";
        let done = program.expect_ends(why);
        done.expect_stdout(page(), why);
        done.expect_success(why);
    }
}
