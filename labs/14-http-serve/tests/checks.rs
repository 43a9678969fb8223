//! The checks of chapter 14. Each runs the program and talks to it as a client would, in bytes.
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use testkit::{Check, Finished, Peer, Program, check};

const HELLO: &[u8] = b"hello, world\n";
const SECRET: &[u8] = b"what nobody outside may read";
const INDEX: &[u8] = b"<!doctype html><title>wirelab</title><p>an index\n";

/// A folder to serve, and around it what is not to be served.
fn site(check: &Check) -> PathBuf {
    let root = check.folder().join("root");
    for folder in ["root/pics", "root/docs", "root/empty", "root-private"] {
        made(check.files().make_folder(folder));
    }
    for (name, bytes) in [
        ("root/index.html", INDEX),
        ("root/hello.txt", HELLO),
        ("root/nothing.txt", b""),
        ("root/a b.txt", b"a blank\n"),
        ("root/a+b.txt", b"a plus\n"),
        ("root/a..b.txt", b"two points\n"),
        ("root/.well-known", b"a point first\n"),
        ("root/粘包.txt", b"two characters\n"),
        ("root/style.css", b"p { color: navy }\n"),
        ("root/pics/dot.png", &dot()),
        ("root/docs/index.html", b"<p>the other index\n"),
        ("secret.txt", SECRET),
        ("root-private/secret.txt", SECRET),
    ] {
        check.file(name, bytes);
    }
    check.note("made", "a folder to serve", "hello.txt, pics/dot.png, …");
    root
}

/// Not really a picture, but bytes of every value.
fn dot() -> Vec<u8> {
    (0..5000_u32).map(|n| (n * 7 % 256) as u8).collect()
}

fn made<T>(result: std::io::Result<T>) -> T {
    result.expect("the system lets a check make files and connections")
}

/// The words of a command line about this folder.
fn words<'w>(name: &'w str, root: &'w Path, more: &[&'w str]) -> Vec<&'w str> {
    let root = root.to_str().expect("the scratch folder's name is text");
    [&[name, "--root", root], more].concat()
}

/// A server of this folder.
fn serve(check: &Check, root: &Path, more: &[&str]) -> Program {
    check.start(words("serve", root, more))
}

/// A request without a body.
fn request(method: &str, target: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// A request with a body whose length it says.
fn with_body(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// An answer, taken apart.
struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// Reads a head: in whatever case the names, in whatever order the fields, with whatever reason.
    fn of_head(check: &Check, head: &[u8], why: &str) -> Answer {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let parts: Vec<&str> = first.splitn(3, ' ').collect();
        let status = match parts[..] {
            ["HTTP/1.1" | "HTTP/1.0", digits, _] if digits.len() == 3 => digits.parse().ok(),
            _ => None,
        };
        let Some(status) = status else {
            let expected = "a status line, like HTTP/1.1 200 OK";
            check.fail(expected, format!("{first:?}"), why)
        };
        let fields = lines
            .filter(|line| !line.is_empty())
            .map(|line| match line.split_once(':') {
                Some((name, value)) if !name.is_empty() && !name.contains([' ', '\t']) => {
                    (name.to_ascii_lowercase(), value.trim().to_string())
                }
                _ => check.fail("a field, like Date: …", format!("{line:?}"), why),
            })
            .collect();
        Answer {
            status,
            fields,
            body: Vec::new(),
        }
    }

    /// Takes apart what `answer` printed.
    fn printed(check: &Check, done: &Finished, why: &str) -> Answer {
        done.expect_success("Whatever the status is, an answer was found and written.");
        let end = done.stdout.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            let expected = "lines that end with CRLF, and an empty one after the last field";
            let got = String::from_utf8_lossy(&done.stdout);
            check.fail(expected, format!("{got:?}"), why)
        };
        let mut answer = Answer::of_head(check, &done.stdout[..end], why);
        answer.body = done.stdout[end + 4..].to_vec();
        answer
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let field = fields.find(|(other, _)| *other == name.to_ascii_lowercase());
        field.map(|(_, value)| value.as_str())
    }

    /// Whether this field, a list, has this word.
    fn lists(&self, name: &str, word: &str) -> bool {
        let members = self.field(name).unwrap_or_default().split(',');
        members
            .map(str::trim)
            .any(|member| member.eq_ignore_ascii_case(word))
    }

    fn expect(&self, check: &Check, statuses: &[u16], why: &str) -> &Self {
        let expected: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let expected = format!("status {}", expected.join(" or "));
        let got = format!("status {}", self.status);
        check.require(expected, got, statuses.contains(&self.status), why);
        self
    }

    fn expect_field(&self, check: &Check, name: &str, value: &str, why: &str) -> &Self {
        let got = self.field(name);
        let shown = got.map_or(format!("no {name}"), |got| format!("{name}: {got}"));
        check.require(format!("{name}: {value}"), shown, got == Some(value), why);
        self
    }

    fn expect_body(&self, check: &Check, body: &[u8], why: &str) -> &Self {
        check.require(
            format!("the body {}", testkit::Bytes(body)),
            testkit::Bytes(&self.body),
            self.body == body,
            why,
        );
        self
    }
}

/// Receives the answer to a request with this method, to its last byte and no further.
fn receive(check: &Check, peer: &mut Peer<'_>, method: &str, why: &str) -> Answer {
    loop {
        let answer = receive_any(check, peer, method, why);
        // An interim response is none; any number of them may come first.
        if answer.status >= 200 {
            return answer;
        }
    }
}

/// Receives the next response, which may be an interim one.
fn receive_any(check: &Check, peer: &mut Peer<'_>, method: &str, why: &str) -> Answer {
    let is_over = |got: &[u8]| got.ends_with(b"\r\n\r\n") || got.len() > 64 << 10;
    let head = peer.read_while("an answer", |got| usize::from(!is_over(got)), why);
    let mut answer = Answer::of_head(check, &head, why);
    if method == "HEAD" || matches!(answer.status, 100..=199 | 204 | 304) {
        return answer;
    }
    if answer.lists("transfer-encoding", "chunked") {
        let line = |peer: &mut Peer<'_>| {
            let is_line = |got: &[u8]| got.ends_with(b"\r\n");
            let line = peer.read_while("a line of chunks", |got| usize::from(!is_line(got)), why);
            String::from_utf8_lossy(&line).trim_end().to_string()
        };
        loop {
            let first = line(peer);
            let digits = first.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(digits, 16);
            let Some(size) = size.ok().filter(|size| *size < 1 << 24) else {
                check.fail("the size of a chunk", format!("{digits:?}"), why)
            };
            if size == 0 {
                // Trailer fields may follow, up to an empty line.
                while !line(peer).is_empty() {}
                return answer;
            }
            let end = size + 2;
            let chunk = peer.read_while("a chunk and its CRLF", |got| end - got.len(), why);
            answer.body.extend_from_slice(&chunk[..size]);
        }
    }
    answer.body = match answer.field("content-length").map(str::parse::<usize>) {
        Some(Ok(length)) => {
            let what = format!("the {length} bytes of the body that Content-Length announces");
            peer.read_while(&what, |got| length - got.len(), why)
        }
        Some(Err(_)) => {
            let got = answer.field("content-length").unwrap_or_default();
            check.fail("a Content-Length that is a number", got, why)
        }
        None => peer.read_to_end(1 << 20, why),
    };
    answer
}

/// Sends a request and receives its answer.
fn ask(check: &Check, peer: &mut Peer<'_>, method: &str, target: &str, why: &str) -> Answer {
    peer.send(request(method, target));
    receive(check, peer, method, why)
}

const CLOSES: &str = "After this answer the connection is over: `converse` returns End::Ours, and it is closed. The client waits for that.";

mod step_1 {
    use super::*;

    /// Runs `parse` with these words besides, and this on its standard input.
    fn parse(check: &Check, more: &[&str], input: impl AsRef<[u8]>) -> Finished {
        check.run_with_input([&["parse"], more].concat(), input)
    }

    /// `parse` refuses this head with one of these.
    fn refused(check: &Check, head: &[u8], statuses: &[u16], why: &str) {
        for words in [&[][..], &["--chunk", "1"]] {
            let done = parse(check, words, head);
            done.expect_exit(1, why);
            let line = done.stderr.lines().find(|line| line.starts_with("error: "));
            let line = line.unwrap_or_default();
            let is_one = |status: &u16| line.starts_with(&format!("error: {status}: "));
            let expected: Vec<String> = statuses.iter().map(u16::to_string).collect();
            check.require(
                format!("error: {}: …", expected.join(" or ")),
                line,
                statuses.iter().any(is_one),
                why,
            );
        }
    }

    fn head(first: &str, fields: &str) -> Vec<u8> {
        format!("{first}\r\n{fields}\r\n").into_bytes()
    }

    #[test]
    fn takes_a_head_apart() {
        let check = check!();
        let input = b"GET /a/b.html?x=1&y=%20 HTTP/1.1\r\nhOST:example.com:80\r\nX-Empty:\r\nAccept: \t text/html, */*  \r\nX-Colon: a:b\r\n\r\n";
        let why = "Method, target and version are what stands between the blanks of the request line. A field's name ends at the first colon; blanks and tabs around its value are no part of it; a value may be empty, and have colons. Names are the same in whatever case: hOST is the Host.";
        let used = format!("used {}", input.len());
        let lines = [
            "method GET",
            "target /a/b.html?x=1&y=%20",
            "version HTTP/1.1",
            "field host: example.com:80",
            "field x-empty: ",
            "field accept: text/html, */*",
            "field x-colon: a:b",
            "body none",
            &used,
        ];
        let done = parse(&check, &[], input);
        done.expect_success(why).expect_stdout_lines(&lines, why);
        let why = "An empty line before the request line is skipped: some clients send one too many after a body (RFC 9112 §2.2). It counts in `used`, since it has been used up.";
        let used = format!("used {}", input.len() + 2);
        let lines = [&lines[..lines.len() - 1], &[&used]].concat();
        let done = parse(&check, &[], [&b"\r\n"[..], input].concat());
        done.expect_success(why).expect_stdout_lines(&lines, why);
    }

    #[test]
    fn looks_no_further_than_the_empty_line() {
        let check = check!();
        let head = b"POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n";
        let why = "The head ends with its empty line, and `used` is where that ends. What follows is a body, here with bytes that look like a head's, and it is none of `parse`'s business: neither its bytes nor whether they are there.";
        let used = format!("used {}", head.len());
        for rest in [&b""[..], b"\n:\0\r\n\r\n"] {
            let done = parse(&check, &[], [&head[..], rest].concat());
            let lines = [
                "method POST",
                "target /form",
                "version HTTP/1.1",
                "field host: localhost",
                "field content-length: 7",
                "body 7",
                &used,
            ];
            done.expect_success(why).expect_stdout_lines(&lines, why);
        }
    }

    #[test]
    fn waits_until_the_empty_line_is_there() {
        let check = check!();
        let head = request("GET", "/");
        let why = "While the empty line is not there, the head may go on with the next byte: `parse` returns None, for any beginning of a head. In whatever pieces it comes, the answer is the same.";
        let used = format!("used {}", head.len());
        for chunk in ["1", "2", "3", "5"] {
            let done = parse(&check, &["--chunk", chunk], &head);
            let lines = [
                "method GET",
                "target /",
                "version HTTP/1.1",
                "field host: localhost",
                "body none",
                &used,
            ];
            done.expect_success(why).expect_stdout_lines(&lines, why);
        }
        for cut in [0, 1, 15, 16, head.len() - 3, head.len() - 2, head.len() - 1] {
            let done = parse(&check, &[], &head[..cut]);
            done.expect_exit(1, why)
                .expect_error(&["not complete"], why);
        }
    }

    #[test]
    fn refuses_what_is_no_request_line() {
        let check = check!();
        let host = "Host: localhost\r\n";
        let why = "A request line is a method, a target and a version, with one blank between them. The method is a token, the version is HTTP/, a digit, a point and a digit, in capitals. All else is 400.";
        for line in [
            "hello",
            "GET /",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET /a b HTTP/1.1",
            "G,T / HTTP/1.1",
            " GET / HTTP/1.1",
            "GET / HTTP/1.10",
            "GET / http/1.1",
            "GET / HTTP/x.1",
            "GET /\u{1} HTTP/1.1",
        ] {
            refused(&check, &head(line, host), &[400], why);
        }
        let why = "A target has the bytes from 0x21 to 0x7e, and no others: what is not ASCII comes in percent-encoding. Two readers who guess what such a byte means may guess differently: 400.";
        for line in ["GET /\u{7f} HTTP/1.1", "GET /\u{e4}.txt HTTP/1.1"] {
            refused(&check, &head(line, host), &[400], why);
        }
        let why = "The first digit of a version says which rules hold, and this server knows those of 1: anything else is 505.";
        refused(&check, &head("GET / HTTP/2.0", host), &[505], why);
        refused(&check, &head("GET / HTTP/3.1", host), &[505], why);
        let why = "The second digit says what the sender knows besides. HTTP/1.2 is served as the highest 1.x that is known: HTTP/1.1.";
        let input = head("GET / HTTP/1.2", host);
        let done = parse(&check, &[], &input);
        let used = format!("used {}", input.len());
        let lines = [
            "method GET",
            "target /",
            "version HTTP/1.1",
            "field host: localhost",
            "body none",
            &used,
        ];
        done.expect_success(why).expect_stdout_lines(&lines, why);
    }

    #[test]
    fn wants_exactly_one_host() {
        let check = check!();
        let line = "GET / HTTP/1.1";
        let why = "A request of HTTP/1.1 has exactly one Host, and everything else is 400 (RFC 9112 §3.2): none, two, also two that are the same, also in other capitals. Who served one of two might serve what a proxy in front of it, looking at the other, would have forbidden.";
        for fields in [
            "",
            "Hosts: a\r\n",
            "Host: a\r\nHost: b\r\n",
            "Host: a\r\nHost: a\r\n",
            "host: a\r\nAccept: */*\r\nHOST: b\r\n",
        ] {
            refused(&check, &head(line, fields), &[400], why);
        }
        let why = "This is no host: `is_host` tells. What follows a blank or a slash would be something else to another reader.";
        for fields in ["Host: a b\r\n", "Host: a/b\r\n", "Host: a,b\r\n"] {
            refused(&check, &head(line, fields), &[400], why);
        }
        let why = "HTTP/1.0 was made before there was a Host: none is right there.";
        let done = parse(&check, &[], head("GET / HTTP/1.0", ""));
        done.expect_success(why);
        let why = "Two Host fields are 400 in any version.";
        let two = head("GET / HTTP/1.0", "Host: a\r\nHost: b\r\n");
        refused(&check, &two, &[400], why);
    }

    #[test]
    fn refuses_a_head_that_is_too_long() {
        let check = check!();
        let host = "Host: localhost\r\n";
        let why = "8192 bytes of request line are taken, and not one more: 414. As soon as so many are there and no CRLF is among them, there is no use in waiting for it.";
        let line = |length: usize| format!("GET /{} HTTP/1.1", "a".repeat(length - 14));
        let done = parse(&check, &[], head(&line(8192), host));
        done.expect_success(why);
        let status = [414];
        let statuses = |input: Vec<u8>, status: &[u16], why: &str| {
            for words in [&[][..], &["--chunk", "700"]] {
                let done = parse(&check, words, &input);
                done.expect_exit(1, why);
                done.expect_error(&[&format!("error: {}: ", status[0])], why);
            }
        };
        statuses(head(&line(8193), host), &status, why);
        statuses(line(9000).into_bytes(), &status, why);
        statuses(
            format!("GET /{}", "a".repeat(9000)).into_bytes(),
            &status,
            why,
        );
        let why = "16384 bytes of head are taken, request line and empty line included: 431 for more. As soon as so many are there and no empty line is among them, there is no use in waiting for it: one field without an end, or fields without number.";
        // GET / HTTP/1.1, Host: localhost, X: …, each with CRLF, and the empty line.
        let of_length = |length: usize| {
            let filler = "a".repeat(length - 16 - host.len() - 5 - 2);
            head("GET / HTTP/1.1", &format!("{host}X: {filler}\r\n"))
        };
        let done = parse(&check, &[], of_length(16384));
        done.expect_success(why);
        statuses(of_length(16385), &[431], why);
        let one = format!("{host}X-Long: {}\r\n", "a".repeat(20_000));
        let many = host.to_string() + &"X-Many: again\r\n".repeat(1200);
        for fields in [one, many] {
            let whole = head("GET / HTTP/1.1", &fields);
            statuses(whole[..17000].to_vec(), &[431], why);
            statuses(whole, &[431], why);
        }
    }

    #[test]
    fn reads_the_length_of_the_body() {
        let check = check!();
        let why = "A Content-Length is decimal digits and nothing else. What is no number is 400: nobody knows where the next request begins. `str::parse` takes more than digits.";
        for value in ["abc", "-1", "+5", "0x5", "5 5", "5;", "", "1.0", "٥"] {
            let fields = format!("Host: localhost\r\nContent-Length: {value}\r\n");
            refused(&check, &head("POST / HTTP/1.1", &fields), &[400], why);
        }
        let why = "A number is not wrong because it is large: 413, the body is too long. 400 would do, an overflow would not.";
        let fields = "Host: localhost\r\nContent-Length: 99999999999999999999\r\n";
        refused(&check, &head("POST / HTTP/1.1", fields), &[413, 400], why);
        let why = "Digits are a number, whatever zeros stand before them.";
        let fields = "Host: localhost\r\ncontent-length:  007 \r\n";
        let done = parse(&check, &[], head("POST / HTTP/1.1", fields));
        done.expect_success(why);
        let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
        check.require("body 7", &stdout, stdout.contains("\nbody 7\n"), why);
    }

    #[test]
    fn refuses_fields_that_two_readers_read_differently() {
        let check = check!();
        let why = "Between a field's name and its colon there is nothing, and a server must refuse a blank there with 400 (RFC 9112 §5.1). Who trims it sees a Content-Length where a proxy in front of it saw none.";
        for fields in [
            "Host: localhost\r\nContent-Length : 5\r\n",
            "Host: localhost\r\nContent-Length\t: 5\r\n",
            "Host : localhost\r\n",
        ] {
            refused(&check, &head("POST / HTTP/1.1", fields), &[400], why);
        }
        let why = "A line without a colon, an empty name, a name with a blank inside, a control character in a value: none of it is a field.";
        for fields in [
            "Host: localhost\r\nno colon\r\n",
            "Host: localhost\r\n: nothing\r\n",
            "Host: localhost\r\nX Y: z\r\n",
            "Host: localhost\r\nX: a\0b\r\n",
            "Host: localhost\r\nX: a\rb\r\n",
        ] {
            refused(&check, &head("GET / HTTP/1.1", fields), &[400], why);
        }
        let why = "A LF or CR that stands alone ends no line, and what it makes of the head is seen differently by two readers: 400, at once (`has_lone_end`). Who looks only for CRLF waits for more.";
        for lone in [
            "GET / HTTP/1.1\nHost: localhost\n\n",
            "GET / HTTP/1.1\r\nHost: localhost\n",
            "GET / HTTP/1.1\r\nHost: localhost\rX",
        ] {
            refused(&check, lone.as_bytes(), &[400], why);
        }
        let why =
            "Before the first field there is nothing, and a line that begins with a blank is none.";
        let fields = " X: y\r\nHost: localhost\r\n";
        refused(&check, &head("GET / HTTP/1.1", fields), &[400], why);
        // Folding may be replaced by blanks, too (§5.2).
        let fields = "X: a\r\n Host: evil\r\nHost: localhost\r\n";
        let done = parse(&check, &[], head("GET / HTTP/1.1", fields));
        let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
        check.require(
            "400, or the folded line as part of X",
            format!("{stdout}{}", done.stderr.trim_end()),
            match done.code {
                Some(0) => !stdout.contains("field host: evil"),
                _ => done.stderr.contains("error: 400: "),
            },
            "A line that begins with a blank once continued the field before it. Refuse it, or replace the line end by blanks; it is never a field of its own.",
        );
    }

    #[test]
    fn refuses_two_lengths_that_differ() {
        let check = check!();
        let why = "Two lengths, and each is somebody's truth: a proxy in front of this server may have believed the other one, and takes for a body what this server takes for a request. That is request smuggling: 400 (RFC 9112 §6.3).";
        for fields in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nHost: a\r\ncontent-length: 50\r\n",
            "Content-Length: 5, 6\r\n",
            "Content-Length: 5\r\nContent-Length: x\r\n",
        ] {
            let host = if fields.contains("Host") {
                ""
            } else {
                "Host: a\r\n"
            };
            let input = head("POST / HTTP/1.1", &format!("{host}{fields}"));
            refused(&check, &input, &[400], why);
        }
    }

    #[test]
    fn knows_chunked_and_no_other_coding() {
        let check = check!();
        let why =
            "Transfer-Encoding: chunked, in whatever case, says that the body ends by itself.";
        let fields = "Host: localhost\r\nTransfer-Encoding: Chunked\r\n";
        let done = parse(&check, &[], head("POST / HTTP/1.1", fields));
        done.expect_success(why);
        let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
        check.require(
            "body chunked",
            &stdout,
            stdout.contains("\nbody chunked\n"),
            why,
        );
        let why = "A coding that is not known is 501; where chunked is not the last, nobody can say where the body ends: 400 (RFC 9112 §6.1, §6.3).";
        for value in [
            "gzip",
            "gzip, chunked",
            "chunked, gzip",
            "xchunked",
            "chunked, chunked",
        ] {
            let fields = format!("Host: localhost\r\nTransfer-Encoding: {value}\r\n");
            refused(&check, &head("POST / HTTP/1.1", &fields), &[400, 501], why);
        }
        let why = "HTTP/1.0 has no Transfer-Encoding, and somebody on the way may have passed over it: 400 (RFC 9112 §6.1).";
        let fields = "Host: localhost\r\nTransfer-Encoding: chunked\r\n";
        refused(&check, &head("POST / HTTP/1.0", fields), &[400], why);
        let fields = "Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n";
        let done = parse(&check, &[], head("POST / HTTP/1.1", fields));
        let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
        check.require(
            "400, or body chunked",
            format!("{stdout}{}", done.stderr.trim_end()),
            match done.code {
                Some(0) => stdout.contains("\nbody chunked\n"),
                _ => done.stderr.contains("error: 400: "),
            },
            "Content-Length and Transfer-Encoding in one head: refuse it, or serve it by the latter and close (RFC 9112 §6.1). The length must not win.",
        );
    }
}

mod step_2 {
    use super::*;

    fn resolve(check: &Check, root: &Path, target: &str) -> Finished {
        check.run(words("resolve", root, &[target]))
    }

    fn finds(check: &Check, root: &Path, target: &str, file: &str, why: &str) {
        let done = resolve(check, root, target);
        done.expect_success(why);
        done.expect_stdout_lines(&[format!("file {file}")], why);
    }

    /// It is refused with one of these, in order.
    fn refuses(check: &Check, root: &Path, target: &str, statuses: &[u16], why: &str) {
        let done = resolve(check, root, target);
        done.expect_exit(1, why);
        let line = done.stderr.lines().find(|line| line.starts_with("error: "));
        let line = line.unwrap_or_default();
        let expected: Vec<String> = statuses.iter().map(u16::to_string).collect();
        check.require(
            format!("error: {}: …", expected.join(" or ")),
            line,
            statuses
                .iter()
                .any(|status| line.starts_with(&format!("error: {status}: "))),
            why,
        );
    }

    #[test]
    fn finds_files_and_the_index_of_a_folder() {
        let check = check!();
        let root = site(&check);
        let why = "The names between the slashes lead from the root to the file. What stands behind the first ? is for programs, and says nothing about the file.";
        finds(&check, &root, "/hello.txt", "hello.txt", why);
        finds(&check, &root, "/pics/dot.png", "pics/dot.png", why);
        finds(&check, &root, "/hello.txt?a=../b%00", "hello.txt", why);
        let why =
            "Two points within a name lead nowhere: only the name .. as a whole leads upwards.";
        finds(&check, &root, "/a..b.txt", "a..b.txt", why);
        let why = "An empty name and the name . lead nowhere: they are left out, and the rest of the path is followed.";
        finds(&check, &root, "/./hello.txt", "hello.txt", why);
        finds(&check, &root, "//hello.txt", "hello.txt", why);
        finds(&check, &root, "/pics//./dot.png", "pics/dot.png", why);
        let why = "A name may begin with a point: only . and .. as a whole mean something else. `/.well-known/` is where many protocols look (RFC 8615).";
        finds(&check, &root, "/.well-known", ".well-known", why);
        let why = "A path that ends with / names a folder, and the file is its index.html.";
        finds(&check, &root, "/", "index.html", why);
        finds(&check, &root, "/docs/", "docs/index.html", why);
        finds(&check, &root, "/docs/?page=2", "docs/index.html", why);
    }

    #[test]
    fn sends_a_folder_to_its_slash() {
        let check = check!();
        let root = site(&check);
        let why = "docs is a folder, and the path does not end with /: 301, with the same path and a slash as Location, which `moved` makes. A browser that got the index at /docs would look for its pictures beside docs, and not in it.";
        for target in ["/docs", "/pics", "/docs?page=2", "/d%6fcs"] {
            refuses(&check, &root, target, &[301, 302, 307, 308], why);
        }
    }

    #[test]
    #[cfg_attr(not(unix), ignore = "needs a socket that has a name in a folder")]
    fn names_nothing_but_files() {
        let check = check!();
        let root = site(&check);
        #[cfg(unix)]
        {
            // The name that a socket is bound to must be short, and the root's may not be. No program has run yet that could
            // lead this elsewhere.
            let short = std::env::temp_dir().join(format!("wirelab-14-{}", std::process::id()));
            let _ = fs::remove_file(&short);
            made(std::os::unix::fs::symlink(&root, &short));
            let socket = std::os::unix::net::UnixListener::bind(short.join("socket.txt"));
            made(fs::remove_file(&short));
            made(socket);
        }
        check.note("made", "socket.txt", "a socket, and no file");
        made(check.files().make_folder("root/odd/index.html"));
        let why = "The index of this folder is a folder itself: there is no file to send.";
        refuses(&check, &root, "/odd/", &[403, 404], why);
        let why = "Not everything in a folder is a file or a folder: there are sockets, devices, and FIFOs, whose open waits until somebody writes. Ask what it is (`is_file`) before it is opened.";
        refuses(&check, &root, "/socket.txt", &[403, 404], why);
    }

    #[test]
    fn decodes_each_name_once() {
        let check = check!();
        let root = site(&check);
        let why = "% and two hexadecimal digits stand for a byte, in either case; the bytes together are UTF-8. A + is a plus: it stands for a blank in forms alone.";
        finds(&check, &root, "/a%20b.txt", "a b.txt", why);
        finds(&check, &root, "/h%65llo%2etxt", "hello.txt", why);
        finds(&check, &root, "/%E7%B2%98%e5%8c%85.txt", "粘包.txt", why);
        finds(&check, &root, "/a+b.txt", "a+b.txt", why);
        // The file that a program finds which takes +5 for two digits.
        #[cfg(unix)]
        check.file("root/\u{5}", "no digits");
        let why = "A % without two digits stands for nothing. A sign is no digit, whatever `from_str_radix` takes.";
        for target in ["/%", "/%4", "/%zz", "/%+5", "/hello.txt%"] {
            refuses(&check, &root, target, &[400, 404], why);
        }
        let why = "%25 is a percent sign, and what has been decoded once is not decoded again: /h%2565llo.txt names a file called h%65llo.txt, which is not there.";
        refuses(&check, &root, "/h%2565llo.txt", &[404], why);
    }

    #[test]
    fn says_what_is_not_there() {
        let check = check!();
        let root = site(&check);
        let why = "Nothing has this name.";
        refuses(&check, &root, "/missing.txt", &[404], why);
        refuses(&check, &root, "/missing/hello.txt", &[404], why);
        refuses(
            &check,
            &root,
            &format!("/{}", "a".repeat(2000)),
            &[404, 400, 403, 414],
            why,
        );
        let why = "hello.txt is a file: nothing is in it, and it is no folder.";
        refuses(&check, &root, "/hello.txt/more", &[404], why);
        refuses(&check, &root, "/hello.txt/", &[404], why);
        let why = "This folder has no index.html. What else is in it is not shown.";
        refuses(&check, &root, "/empty/", &[404, 403], why);
        let why = "This target is no path: it does not begin with a slash.";
        refuses(&check, &root, "hello.txt", &[400, 404], why);
        refuses(&check, &root, "*", &[400, 404], why);
    }

    #[test]
    fn stays_in_the_root_in_every_encoding() {
        let check = check!();
        let root = site(&check);
        let outside = check.folder().join("secret.txt");
        let absolute = outside.to_string_lossy().replace('\\', "/");
        let whole = absolute.trim_start_matches('/');
        let encoded = whole.replace('/', "%2f");
        let targets = [
            "/../secret.txt".to_string(),
            "/pics/../../secret.txt".into(),
            "/pics/./../../secret.txt".into(),
            "/missing/../../secret.txt".into(),
            "/%2e%2e/secret.txt".into(),
            "/%2E./secret.txt".into(),
            "/.%2e/secret.txt".into(),
            "/..%2fsecret.txt".into(),
            "/%2e%2e%2fsecret.txt".into(),
            "/pics%2f..%2f..%2fsecret.txt".into(),
            "/%252e%252e/secret.txt".into(),
            "/%252e%252e%252fsecret.txt".into(),
            "/..\\secret.txt".into(),
            "/..%5csecret.txt".into(),
            "/%2e%2e%5Csecret.txt".into(),
            "//../secret.txt".into(),
            "/../root-private/secret.txt".into(),
            "/%c0%ae%c0%ae/secret.txt".into(),
            "/../secret.txt%00.png".into(),
            format!("//{whole}"),
            format!("/%2f{encoded}"),
            format!("/pics//{whole}"),
        ];
        for target in targets {
            let done = resolve(&check, &root, &target);
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            check.require(
                format!("{target} is refused with 400, 403 or 404"),
                match done.code {
                    Some(0) => said.trim_end().to_string(),
                    _ => done.stderr.trim_end().to_string(),
                },
                done.code == Some(1)
                    && ["400", "403", "404"].iter().any(|status| {
                        done.stderr.lines().any(|line| line.starts_with(&format!("error: {status}: ")))
                    }),
                "This names something outside of the root, written in one of its many ways. Look at the names *after* they are decoded, once, and let no name be `..` or have a slash, a backslash or NUL in it. `Path::join` with a path that begins with / throws the root away.",
            );
        }
        // Within the root, it may be refused or found.
        for target in ["/pics/../hello.txt", "/hello.txt%00.png", "/pics%2fdot.png"] {
            let done = resolve(&check, &root, target);
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            check.require(
                format!("{target} is refused with a 4xx, or leads where it says"),
                format!("{}{}", said.trim_end(), done.stderr.trim_end()),
                match done.code {
                    Some(0) => !target.contains("%00") && matches!(said.trim_end(), "file hello.txt" | "file pics/dot.png"),
                    Some(1) => done.stderr.contains("error: 40"),
                    _ => false,
                },
                "NUL ends a name for the system, and is no part of one: it must be refused before the system sees it. The other two may be refused as well.",
            );
        }
    }

    #[test]
    #[cfg_attr(not(unix), ignore = "needs symbolic links that anybody may make")]
    fn follows_no_link_out_of_the_root() {
        let check = check!();
        let root = site(&check);
        #[cfg(unix)]
        {
            let files = check.files();
            let private = root.join("../root-private");
            made(files.link("../secret.txt", "root/link.txt"));
            made(files.link("..", "root/up"));
            made(files.link(private, "root/private"));
            made(files.link("link.txt", "root/twice.txt"));
            made(files.link("circle", "root/circle"));
            made(files.make_folder("root/folder"));
            made(files.link("../../secret.txt", "root/folder/index.html"));
            made(files.link("hello.txt", "root/greeting.txt"));
            made(files.link("pics", "root/pictures"));
            made(files.link("../pics/dot.png", "root/docs/dot.png"));
        }
        check.note(
            "linked",
            "link.txt, up, private, …",
            "to files outside of the root",
        );
        let why = "A symbolic link leads out of the root. Its name is harmless, and only the file system knows where it leads: resolve all links (`canonicalize`), and then look whether the result is below the root. Compare paths name by name, as `Path::starts_with` does: as text, root-private begins with root.";
        for target in [
            "/link.txt",
            "/up/secret.txt",
            "/private/secret.txt",
            "/twice.txt",
            "/folder/",
            "/circle",
            "/up/",
            "/up",
            "/private",
        ] {
            refuses(&check, &root, target, &[403, 404], why);
        }
        #[cfg(unix)]
        {
            let why = "This symbolic link leads to something below the root, and is as good as what it leads to. What counts is where the path ends once all links are followed, and not whether there was one on the way.";
            finds(&check, &root, "/greeting.txt", "hello.txt", why);
            finds(&check, &root, "/pictures/dot.png", "pics/dot.png", why);
            finds(&check, &root, "/docs/dot.png", "pics/dot.png", why);
        }
    }

    #[test]
    fn takes_the_absolute_form() {
        let check = check!();
        let root = site(&check);
        let why = "A client that talks to a proxy writes the whole address into the request line, and every server has to accept that (RFC 9112 §3.2.2). The path begins after the host.";
        finds(
            &check,
            &root,
            "http://localhost/hello.txt",
            "hello.txt",
            why,
        );
        finds(
            &check,
            &root,
            "HTTP://example.com:80/pics/dot.png?x",
            "pics/dot.png",
            why,
        );
        finds(&check, &root, "http://localhost", "index.html", why);
        refuses(
            &check,
            &root,
            "http://localhost/../secret.txt",
            &[400, 403, 404],
            why,
        );
    }
}

mod step_3 {
    use super::*;

    fn answer(check: &Check, root: &Path, input: &[u8], why: &str) -> Answer {
        let done = check.run_with_input(words("answer", root, &[]), input);
        Answer::printed(check, &done, why)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, for that many seconds since 1970.
    fn in_words(seconds: i64) -> String {
        let days = seconds.div_euclid(86_400);
        let clock = seconds.rem_euclid(86_400);
        // Years that begin in March: then the leap day is the last.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day = shifted.rem_euclid(146_097);
        let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let of_month = of_year - (153 * month + 2) / 5 + 1;
        let year = era * 400 + year_of_era + i64::from(month >= 10);
        let names = "MarAprMayJunJulAugSepOctNovDecJanFeb";
        let week = "ThuFriSatSunMonTueWed";
        let at = (days.rem_euclid(7) * 3) as usize;
        let name = (month * 3) as usize;
        format!(
            "{}, {of_month:02} {} {year} {:02}:{:02}:{:02} GMT",
            &week[at..at + 3],
            &names[name..name + 3],
            clock / 3600,
            clock / 60 % 60,
            clock % 60
        )
    }

    #[test]
    fn sends_the_file_as_it_is() {
        let check = check!();
        let root = site(&check);
        for (target, body, kind) in [
            ("/", INDEX.to_vec(), "text/html"),
            ("/hello.txt", HELLO.to_vec(), "text/plain"),
            ("/style.css", b"p { color: navy }\n".to_vec(), "text/css"),
            ("/pics/dot.png", dot(), "image/png"),
            ("/nothing.txt", Vec::new(), "text/plain"),
        ] {
            let why = "The answer to GET is 200 and the bytes of the file, all of them and no others: a file is bytes, and not text.";
            let got = answer(&check, &root, &request("GET", target), why);
            got.expect(&check, &[200], why)
                .expect_body(&check, &body, why);
            let why = "Content-Length is how many bytes the body has, also where that is 0. Without it the client cannot know where the body ends, or whether all of it has come.";
            got.expect_field(&check, "Content-Length", &body.len().to_string(), why);
            let said = got.field("content-type").unwrap_or("no Content-Type");
            check.require(
                format!("Content-Type: {kind}"),
                said,
                said.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind),
                "The Content-Type says what the bytes are; the end of the file's name tells. A browser does not apply a style sheet that comes as text/plain.",
            );
        }
    }

    #[test]
    fn says_when_it_answered() {
        let check = check!();
        let root = site(&check);
        let why = "Each answer says when it was made, in GMT and in this form: Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110 §6.6.1). `date::format` writes it.";
        for target in ["/hello.txt", "/missing.txt"] {
            let got = answer(&check, &root, &request("GET", target), why);
            let said = got.field("date").unwrap_or("no Date").to_string();
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let now = now.unwrap_or_default().as_secs() as i64;
            check.require(
                format!("Date: {}, or a minute before", in_words(now)),
                &said,
                (now - 60..=now + 1).any(|second| in_words(second) == said),
                why,
            );
        }
    }

    #[test]
    fn answers_head_without_a_body() {
        let check = check!();
        let root = site(&check);
        for (target, status, length) in [
            ("/pics/dot.png", 200, Some(5000)),
            ("/missing.txt", 404, None),
        ] {
            let why = "The answer to HEAD is that to GET without its body: the same status, the same fields. Also where it is a refusal: the client does not wait for a body, and takes one for the next answer.";
            let got = answer(&check, &root, &request("HEAD", target), why);
            got.expect(&check, &[status], why)
                .expect_body(&check, b"", why);
            if length.is_none() && got.field("content-length").is_some() {
                let why = "The Content-Length in an answer to HEAD is the length that the body of GET would have, also where that is a refusal, and not the 0 bytes that follow.";
                let asked = answer(&check, &root, &request("GET", target), why);
                let length = asked.body.len().to_string();
                got.expect_field(&check, "Content-Length", &length, why);
            }
            if let Some(length) = length {
                let why = "Content-Length in an answer to HEAD is the length that the body of GET would have, and not 0. It may be left out, but it must not be wrong; here the file's length costs nothing, and is asked for.";
                got.expect_field(&check, "Content-Length", &length.to_string(), why);
            }
        }
    }

    #[test]
    fn says_what_it_does_not_do() {
        let check = check!();
        let root = site(&check);
        let why = "The file is not there: 404, and a body that tells a person.";
        let got = answer(&check, &root, &request("GET", "/missing.txt"), why);
        got.expect(&check, &[404], why);
        if let Some(length) = got.field("content-length") {
            let why = "Also the body of a refusal is as long as its Content-Length says.";
            got.expect_field(&check, "Content-Length", &got.body.len().to_string(), why);
            check.note("compared", length, "with the body");
        }
        let why = "This is a folder, and the path does not end with /: the answer says where to go, in the field Location, the same path with a slash behind it. Without that field the client has nowhere to go. What `resolve` found out stands in the fields of its refusal: send them all.";
        for (target, place) in [("/docs", "/docs/"), ("/docs?page=2", "/docs/")] {
            let got = answer(&check, &root, &request("GET", target), why);
            got.expect(&check, &[301, 302, 307, 308], why);
            let said = got.field("location").unwrap_or("no Location");
            let path = said.split('?').next().unwrap_or_default();
            let is_right = path.ends_with(place);
            check.require(format!("Location: {place}"), said, is_right, why);
        }
        let why = "These methods mean something, but not here: 405, or 501 for one that the server does not know at all. Nothing is changed by them.";
        for method in ["POST", "PUT", "DELETE"] {
            let input = with_body(method, "/hello.txt", b"changed");
            let got = answer(&check, &root, &input, why);
            got.expect(&check, &[405, 501], why);
            if got.status == 405 {
                let why = "405 says which methods there are: the field Allow names them, separated by commas (RFC 9110 §15.5.6).";
                let said = got.field("allow").unwrap_or("no Allow").to_string();
                let is_named = |name| got.lists("allow", name);
                check.require(
                    "Allow: GET, HEAD, …",
                    &said,
                    is_named("GET") && is_named("HEAD"),
                    why,
                );
                check.require(format!("no {method} in it"), &said, !is_named(method), why);
            }
        }
        let unchanged = check.files().read("root/hello.txt").unwrap_or_default();
        check.require(
            "the file as it was",
            testkit::Bytes(&unchanged),
            unchanged == HELLO,
            why,
        );
        let why = "CONNECT asks for a tunnel to another host, and this is no proxy: 501, or 405. No path is looked up for it.";
        let connect = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n";
        answer(&check, &root, connect, why).expect(&check, &[405, 501], why);
        let why = "Nobody knows this method: 501. `get` is another word than GET, since methods are case-sensitive.";
        for method in ["BREW", "get"] {
            let got = answer(&check, &root, &request(method, "/hello.txt"), why);
            got.expect(&check, &[501], why);
        }
    }
}

mod step_4 {
    use super::*;

    const KEPT: &str = "After an answer the connection stays open, and the next request may come on it: a loop around receiving and answering. The client knows from Content-Length where the answer ends, and does not wait for a close.";

    #[test]
    fn answers_one_request_after_the_other() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &[]);
        let mut peer = check.connect(&server);
        let mut other = check.connect(&server);
        for _ in 0..2 {
            let got = ask(&check, &mut peer, "GET", "/hello.txt", KEPT);
            got.expect(&check, &[200], KEPT)
                .expect_body(&check, HELLO, KEPT);
            let got = ask(&check, &mut peer, "HEAD", "/pics/dot.png", KEPT);
            got.expect(&check, &[200], KEPT);
            let why = "Each request is answered by what it says itself, and by nothing that was said before: the protocol has no state. An answer of 404 is an answer, too, and the connection stays open after it.";
            let got = ask(&check, &mut other, "GET", "/missing.txt", why);
            got.expect(&check, &[404], why);
            // Each of them comes on the connection of the one before.
            let why = "The requests before this one were refused, with 404 and the like, and received as they should be: their bytes are used up, and the next request begins where they end. A refusal of what was asked for is an answer like any other, and the connection stays open after it.";
            let got = ask(&check, &mut other, "GET", "/docs", why);
            got.expect(&check, &[301, 302, 307, 308], why);
            other.send(with_body("DELETE", "/hello.txt", b""));
            let got = receive(&check, &mut other, "DELETE", why);
            got.expect(&check, &[405, 501], why);
            let got = ask(&check, &mut peer, "GET", "/pics/dot.png", why);
            got.expect(&check, &[200], why)
                .expect_body(&check, &dot(), why);
            let got = ask(&check, &mut other, "GET", "/nothing.txt", why);
            got.expect(&check, &[200], why)
                .expect_body(&check, b"", why);
        }
        let why = "`close` is a word in a list: x-closed is another one.";
        peer.send("GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-closed\r\n\r\n");
        let got = receive(&check, &mut peer, "GET", why);
        got.expect(&check, &[200], why);
        ask(&check, &mut peer, "GET", "/nothing.txt", why).expect(&check, &[200], why);
        peer.half_close().expect_end(
            "The client sends no more requests, and nothing is left to answer: `read` returns 0, and the conversation is over.",
        );
    }

    #[test]
    fn sends_nothing_before_the_request_is_there() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &[]);
        let mut peer = check.connect(&server);
        let whole = request("GET", "/hello.txt");
        let why = "The head is complete with the last byte of its empty line, and not before.";
        peer.send(&whole[..whole.len() - 1]).expect_nothing_yet(why);
        peer.send(&whole[whole.len() - 1..]);
        let why = "The empty line is there now, and the client waits: it keeps the connection open for the next request. A server that reads until the stream ends waits for what the client does not do.";
        let got = receive(&check, &mut peer, "GET", why);
        got.expect(&check, &[200], why)
            .expect_body(&check, HELLO, why);
        peer.expect_no_more("The answer has exactly as many bytes as its Content-Length says.");
    }

    #[test]
    fn takes_a_request_cut_at_every_place() {
        let check = check!();
        check.allow(Duration::from_secs(10));
        let root = site(&check);
        let server = serve(&check, &root, &[]);
        let mut peer = check.connect(&server);
        let whole = request("GET", "/hello.txt");
        for cut in 1..whole.len() {
            let why = "The head came in two pieces: one `read` is not one request. Collect what arrives, and look again each time whether the empty line is there; it may be cut, too.";
            peer.send_split(&whole, &[cut]);
            let got = receive(&check, &mut peer, "GET", why);
            got.expect(&check, &[200], why)
                .expect_body(&check, HELLO, why);
        }
        let why = "This head came byte by byte.";
        peer.send_one_by_one(&whole);
        let got = receive(&check, &mut peer, "GET", why);
        got.expect(&check, &[200], why)
            .expect_body(&check, HELLO, why);
    }

    #[test]
    fn keeps_what_came_with_the_request_before() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &[]);
        let mut peer = check.connect(&server);
        let first = request("GET", "/hello.txt");
        let second = request("GET", "/nothing.txt");
        let both = [&first[..], &second[..]].concat();
        let why = "The first request has its whole head, and bytes of the second have come along with it.";
        peer.send(&both[..first.len() + 20]);
        let got = receive(&check, &mut peer, "GET", why);
        got.expect(&check, &[200], why)
            .expect_body(&check, HELLO, why);
        let why = "The beginning of this request came with the one before it. What is behind a head stays in `arrived`, and is not thrown away: keep it from one request to the next.";
        peer.send(&both[first.len() + 20..]);
        let got = receive(&check, &mut peer, "GET", why);
        got.expect(&check, &[200], why)
            .expect_body(&check, b"", why);
    }

    #[test]
    fn takes_a_body_for_no_request() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &[]);
        let hidden = request("GET", "/pics/dot.png");
        let asking = with_body("GET", "/hello.txt", &hidden);
        let in_head = asking.len() - hidden.len();
        let why = "The first request has a body, as its Content-Length says, and that body looks like a request. Receive the body also where it is not wanted: what is left of it in the stream is taken for the next request. Somebody writes such bodies on purpose.";
        for cuts in [&[][..], &[in_head], &[in_head + 10]] {
            let mut peer = check.connect(&server);
            peer.send_split(&asking, cuts);
            let got = receive(&check, &mut peer, "GET", why);
            if got.status >= 400 || got.lists("connection", "close") {
                // A body of GET means nothing; who refuses it closes.
                got.expect(&check, &[200, 400, 413], why);
                peer.half_close().expect_end(why);
                continue;
            }
            got.expect(&check, &[200], why)
                .expect_body(&check, HELLO, why);
            let got = ask(&check, &mut peer, "GET", "/nothing.txt", why);
            got.expect(&check, &[200], why)
                .expect_body(&check, b"", why);
            peer.expect_no_more(why);
        }
    }

    #[test]
    fn answers_requests_that_came_together() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &[]);
        let mut peer = check.connect(&server);
        let asked = [
            ("GET", "/hello.txt", 200, HELLO),
            ("HEAD", "/", 200, b""),
            ("GET", "/nothing.txt", 200, b""),
            ("GET", "/a+b.txt", 200, b"a plus\n"),
        ];
        let pipeline: Vec<u8> = asked
            .iter()
            .flat_map(|(method, target, ..)| request(method, target))
            .collect();
        let why = "Several requests came in one piece, which is called pipelining. They are answered all, in their order: before waiting for more, look whether the next head has arrived already.";
        peer.send(&pipeline);
        for (method, _, status, body) in asked {
            let got = receive(&check, &mut peer, method, why);
            got.expect(&check, &[status], why)
                .expect_body(&check, body, why);
        }
        peer.send_one_by_one([&pipeline[..30], b""].concat());
        peer.expect_no_more("Each request has its answer, and no other has come.");
        let mut peer = check.connect(&server);
        let why = "Head, body, and the next request came in one piece. The body ends where its length says, and what is behind it stays in `arrived`.";
        let asking = with_body("GET", "/hello.txt", &request("GET", "/pics/dot.png"));
        peer.send([asking, request("GET", "/a+b.txt")].concat());
        let got = receive(&check, &mut peer, "GET", why);
        if got.status >= 400 || got.lists("connection", "close") {
            // A body of GET means nothing; who refuses it closes.
            got.expect(&check, &[200, 400, 413], why);
            peer.half_close().expect_end(why);
            return;
        }
        got.expect(&check, &[200], why)
            .expect_body(&check, HELLO, why);
        let got = receive(&check, &mut peer, "GET", why);
        got.expect(&check, &[200], why)
            .expect_body(&check, b"a plus\n", why);
    }

    /// Asks again and again on one connection, for longer than the server's patience. When the connection
    /// ends meanwhile: how long after the last request that was answered had been sent.
    fn asks_for_longer_than(
        server: &Program,
        patience: Duration,
    ) -> std::io::Result<Option<Duration>> {
        let began = Instant::now();
        let mut stream = TcpStream::connect(server.addr())?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut before = began;
        while began.elapsed() < patience * 2 {
            std::thread::sleep(patience / 40);
            let sent = Instant::now();
            let mut got = Vec::new();
            // The server may have closed already: then there is no answer to read either.
            let _ = stream.write_all(&request("GET", "/nothing.txt"));
            while !got.ends_with(b"\r\n\r\n") {
                let mut piece = [0; 1024];
                match stream.read(&mut piece) {
                    Ok(n) if n > 0 => got.extend_from_slice(&piece[..n]),
                    _ => return Ok(Some(before.elapsed())),
                }
            }
            if !got.starts_with(b"HTTP/1.1 200") {
                return Ok(Some(before.elapsed()));
            }
            before = sent;
        }
        Ok(None)
    }

    #[test]
    fn gives_each_request_its_own_time() {
        let check = check!();
        check.allow(Duration::from_secs(10));
        let root = site(&check);
        let patience = Duration::from_millis(600);
        let server = serve(&check, &root, &["--patience", "600"]);
        let why = "`patience` is for one request, and not for the connection: the time begins anew when the server begins to wait for the next one. A client that asks again and again keeps its connection.";
        // On a busy machine 600 ms may pass between two requests, and the server is right to leave. Then
        // nothing is known, and it is tried again.
        for _ in 0..3 {
            check.note(
                "asked",
                "GET /nothing.txt, again and again",
                "for 1200 ms, on one connection",
            );
            let over = made(asks_for_longer_than(&server, patience));
            let Some(since) = over else { return };
            check.require(
                "an answer to each of them",
                format!(
                    "the end, or a refusal, {} ms after a request that was answered",
                    since.as_millis()
                ),
                since >= patience,
                why,
            );
        }
    }

    #[test]
    fn sends_more_than_both_ends_hold() {
        let check = check!();
        // There is much to send, and both ends may have to share their processor.
        check.allow(Duration::from_secs(20));
        let root = site(&check);
        let large = check.random(1 << 20).repeat(24);
        check.file("root/large.bin", &large);
        // A connection that ends within the time of the check has not ended for lack of a request.
        let server = serve(&check, &root, &["--patience", "300000"]);
        let mut peer = check.connect(&server);
        let why = "A small file first.";
        ask(&check, &mut peer, "GET", "/hello.txt", why).expect(&check, &[200], why);
        let before = server.peak_memory();
        let why = "The file is larger than all buffers on the way. A write may take only a part: `write_all` and `io::copy` go on.";
        peer.send(request("GET", "/large.bin"));
        let is_over = |got: &[u8]| got.ends_with(b"\r\n\r\n") || got.len() > 64 << 10;
        let head = peer.read_while("a head", |got| usize::from(!is_over(got)), why);
        let mut got = Answer::of_head(&check, &head, why);
        got.expect(&check, &[200], why);
        got.expect_field(&check, "Content-Length", &large.len().to_string(), why);
        // The server is in the middle of its answer: no buffer holds the rest.
        made(
            check
                .files()
                .append("root/large.bin", b"what came too late"),
        );
        check.note("appended", "18 bytes to large.bin", "while it is sent");
        got.body = peer.read_while("24 MiB", |got| large.len() - got.len(), why);
        let same = got.body == large;
        let shown = format!("{} bytes", got.body.len());
        check.require("the 24 MiB of the file", shown, same, why);
        let why = "The file has grown since its length was announced. Send as many bytes as were announced, and no more (`take`): the client takes what follows for the next answer.";
        ask(&check, &mut peer, "GET", "/hello.txt", why)
            .expect(&check, &[200], why)
            .expect_body(&check, HELLO, why);
        let after = server.peak_memory();
        let why = "The file has become shorter while it was sent, and fewer bytes have come than were announced. Nothing but the end of the stream can tell the client: return an error from `send` (UnexpectedEof), and the connection is closed. Where it stays open, the client waits for ever, or takes the next answer for the rest of the file.";
        peer.send(request("GET", "/large.bin"));
        let head = peer.read_while("a head", |got| usize::from(!is_over(got)), why);
        let got = Answer::of_head(&check, &head, why);
        got.expect(&check, &[200], why);
        check.file("root/large.bin", b"a few bytes");
        check.note("cut", "large.bin to 11 bytes", "while it is sent");
        let rest = peer.read_to_end(large.len() + 100, why);
        let shown = format!("{} bytes, and the end", rest.len());
        let is_less = rest.len() < large.len();
        check.require("less than was announced, and the end", shown, is_less, why);
        let (Some(before), Some(after)) = (before, after) else {
            check.note("measured", "no memory", "this system does not tell");
            return;
        };
        let more = after.saturating_sub(before) >> 20;
        check.require(
            "at most 8 MiB of memory more than for a small file",
            format!("{more} MiB more"),
            more <= 8,
            "A file goes out in pieces, and is not read into memory as a whole.",
        );
    }
}

mod step_5 {
    use super::*;

    #[test]
    fn closes_when_it_is_asked_to() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--patience", "60000"]);
        for head in [
            "GET /hello.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "GET /hello.txt HTTP/1.1\r\nHost: localhost\r\nconnection: x-other , Close\r\n\r\n",
            "GET /hello.txt HTTP/1.1\r\nHost: localhost\r\nConnection: x-other\r\nConnection: close\r\n\r\n",
            "GET /hello.txt HTTP/1.0\r\n\r\n",
            "GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            "HEAD /hello.txt HTTP/1.0\r\nHost: localhost\r\n\r\n",
        ] {
            let mut peer = check.connect(&server);
            peer.send(head);
            let method = head.split(' ').next().unwrap_or_default();
            let why = "The request says that it is the last one: by Connection: close, a member of a list in whatever case, or by being of HTTP/1.0. It is answered like any other.";
            let closes = match head {
                _ if head.contains("keep-alive") => {
                    "This request is of HTTP/1.0. Its client may ask to keep the connection; this server need not, and does not: after every request of HTTP/1.0 it half-closes, and drains: `farewell::part`."
                }
                _ if head.contains("x-other\r\n") => {
                    "This request has two fields named Connection, and the second one says close. A field that is a list may come in several lines, and all of them count: `Head::list` goes through them."
                }
                _ => {
                    "The client has said that this was its last request, and waits for the end of the stream. Half-close, and drain: `farewell::part`."
                }
            };
            let got = receive(&check, &mut peer, method, why);
            got.expect(&check, &[200], why);
            if head.contains("HTTP/1.1") {
                let why = match head {
                    _ if head.contains("x-other\r\n") => closes,
                    _ => {
                        "The last answer says that it is the last: Connection: close (RFC 9112 §9.6)."
                    }
                };
                let said = got.field("connection").unwrap_or("no Connection");
                let is_said = got.lists("connection", "close");
                check.require("Connection: close", said, is_said, why);
            }
            peer.expect_end(closes);
        }
    }

    #[test]
    fn answers_nonsense_and_closes() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &[]);
        for nonsense in [
            &b"hello there\r\n\r\n"[..],
            b"GET /hello.txt HTTP/1.1\r\n\r\n",
            b"GET /hello.txt HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        ] {
            let mut peer = check.connect(&server);
            peer.send(nonsense);
            let why = "This is no request: 400. What was refused is answered, and that answer is the last one.";
            let got = receive(&check, &mut peer, "GET", why);
            got.expect(&check, &[400], why);
            let why = "After this answer the connection is closed, and the answer says so, as every last one does: Connection: close (RFC 9112 §9.6). A client that is not told may send its next request into nothing.";
            let said = got.field("connection").unwrap_or("no Connection");
            let is_said = got.lists("connection", "close");
            check.require("Connection: close", said, is_said, why);
            peer.expect_end("Nobody can say where the next request would begin. After a refusal of what was received, the connection is over.");
        }
        let mut peer = check.connect(&server);
        peer.send("HEAD /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n");
        let why = "This Content-Length is no number: 400.";
        receive(&check, &mut peer, "HEAD", why).expect(&check, &[400], why);
        peer.expect_end("An answer to HEAD has no body, also when it is a refusal of what was received: the method is known, since the head was whole. And it is the last answer.");
        let mut peer = check.connect(&server);
        peer.send("GET /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nfour");
        peer.half_close();
        let why = "The stream ends within a body: 4 bytes of 20 have come, and no more will. It is no request: answer 400, or close.";
        let rest = peer.read_to_end(64 << 10, why);
        let text = String::from_utf8_lossy(&rest).to_ascii_lowercase();
        check.require(
            "400, or nothing, and the end",
            testkit::Bytes(&rest),
            // Who answers before the body is there, and closes, does no harm.
            rest.is_empty()
                || text.starts_with("http/1.1 4")
                || text.contains("\r\nconnection: close\r\n"),
            why,
        );
        let mut peer = check.connect(&server);
        let why = "What one client says is nothing to the others.";
        let got = ask(&check, &mut peer, "GET", "/hello.txt", why);
        got.expect(&check, &[200], why)
            .expect_body(&check, HELLO, why);
        peer.send(b"GET /hello.txt HT").half_close();
        let rest = peer.read_to_end(
            64 << 10,
            "The stream ends within a head: no more of it will come. Answer 400, or close.",
        );
        check.require(
            "400, or nothing, and the end",
            testkit::Bytes(&rest),
            rest.is_empty() || rest.starts_with(b"HTTP/1.1 400"),
            "Half a head is no request.",
        );
    }

    /// A client that has sent this as soon as it was connected: the server's time runs from then on, and where
    /// it is over before a byte has come, the server may go without a word. On a busy machine the check may
    /// be that late; then it is tried again.
    fn connect_and_send<'p>(
        check: &Check,
        server: &'p Program,
        bytes: impl AsRef<[u8]>,
    ) -> Peer<'p> {
        const SOON: Duration = Duration::from_millis(200);
        let mut tries = 1;
        loop {
            let began = Instant::now();
            let mut peer = check.connect(server);
            peer.send(&bytes);
            if began.elapsed() < SOON || tries == 10 {
                return peer;
            }
            check.note("left", "the connection", "what was sent came late");
            tries += 1;
        }
    }

    #[test]
    fn gives_up_on_a_request_that_does_not_come() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--patience", "400"]);
        let part =
            b"POST /hello.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello";
        let why = "The client has begun a request and stays silent. A thread that waits for it for ever is a thread lost: when `patience` is over, answer 408. Set a timeout on the socket.";
        // In the head, in the body, and between: the head is all there, and no byte of the body.
        let peers = [20, part.len(), part.len() - 5]
            .map(|length| connect_and_send(&check, &server, &part[..length]));
        for mut peer in peers {
            receive(&check, &mut peer, "POST", why).expect(&check, &[408], why);
            peer.expect_end(CLOSES);
        }
        let mut silent = check.connect(&server);
        let why = "The client is connected and says nothing at all. When `patience` is over, close; an answer is not needed, and does no harm.";
        let rest = silent.read_to_end(64 << 10, why);
        let is_right = rest.is_empty() || rest.starts_with(b"HTTP/1.1 408");
        check.require(
            "the end, or 408 before it",
            testkit::Bytes(&rest),
            is_right,
            why,
        );
    }

    #[test]
    fn gives_up_on_a_request_that_comes_too_slowly() {
        let check = check!();
        check.allow(Duration::from_secs(10));
        let root = site(&check);
        let server = serve(&check, &root, &["--patience", "400"]);
        let why = "The client sends a byte now and then, and would go on until tomorrow. A timeout of 400 ms for each `read` is never reached. `patience` is for the whole request: keep the time at which it has to be there, and give each `read` what is left.";
        for beginning in [
            "GET /hello.txt HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
            "POST /hello.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
        ] {
            let mut peer = connect_and_send(&check, &server, beginning);
            peer.trickle_until_answered(b'a', why);
            receive(&check, &mut peer, "POST", why).expect(&check, &[408], why);
        }
        has_one_time_for_head_and_body(&check, &root);
    }

    /// The head comes when half of the time is over, and of the body nothing: the other half is left for
    /// that. A server that begins to count anew answers no earlier than after a whole time more.
    fn has_one_time_for_head_and_body(check: &Check, root: &Path) {
        const PATIENCE: Duration = Duration::from_millis(1000);
        let why = "The head came when half of `patience` was over, and nothing of the body. `patience` is for the whole request, head and body: the time at which it has to be there is fixed when the server begins to wait for it, and not anew for the body.";
        let server = serve(check, root, &["--patience", "1000"]);
        let mut late = None;
        // On a busy machine the server may be late, or the head. Then it is tried again.
        for _ in 0..5 {
            let began = Instant::now();
            let mut peer = check.connect(&server);
            std::thread::sleep(PATIENCE / 2);
            peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
            let sent = Instant::now();
            if sent.duration_since(began) >= PATIENCE * 3 / 4 {
                continue;
            }
            receive(check, &mut peer, "POST", why).expect(check, &[408], why);
            let took = sent.elapsed();
            if took < PATIENCE {
                return;
            }
            late = Some(took);
        }
        if let Some(late) = late {
            let got = format!("408 after {} ms, and as late each time", late.as_millis());
            check.fail("408 when 500 ms more are over", got, why);
        }
    }

    #[test]
    fn refuses_a_request_that_is_too_large() {
        let check = check!();
        let root = site(&check);
        let bounds = |patience| ["--max-body", "1000", "--patience", patience];
        let server = serve(&check, &root, &bounds("3000"));
        // A program may be slow with long heads: one that takes single bytes, and looks at all after each.
        check.allow(Duration::from_secs(60));
        let patient = serve(&check, &root, &bounds("60000"));
        let long_line = format!("GET /{}", "a".repeat(9000));
        let long_head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "a".repeat(17000));
        let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n".to_string();
        let huge =
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000000000\r\n\r\n".to_string();
        for (bytes, status, why) in [
            (
                long_line,
                414,
                "The request line has more than 8192 bytes, and no end. Refuse it as soon as that is known.",
            ),
            (
                long_head,
                431,
                "The head has more than 16384 bytes, and no end. Refuse it as soon as that is known.",
            ),
            (
                body,
                413,
                "The body is announced with more bytes than are taken: refuse it before anything of it has come. The client waits for a word.",
            ),
            (
                huge,
                413,
                "The body is announced with four terabytes: refuse it before memory is asked for.",
            ),
        ] {
            let is_long = matches!(status, 414 | 431);
            let mut peer = check.connect(if is_long { &patient } else { &server });
            peer.send(bytes);
            receive(&check, &mut peer, "POST", why).expect(&check, &[status], why);
            peer.half_close().expect_end(CLOSES);
        }
        let mut peer = check.connect(&server);
        let why = "1000 bytes are not more than 1000.";
        peer.send(with_body("GET", "/hello.txt", &[b'x'; 1000]));
        receive(&check, &mut peer, "GET", why).expect(&check, &[200, 400], why);
    }

    #[test]
    fn closes_so_that_the_answer_arrives() {
        let check = check!();
        check.allow(Duration::from_secs(10));
        let root = site(&check);
        let server = serve(&check, &root, &["--max-body", "1000"]);
        let more = vec![b'x'; 100_000];
        for (head, status) in [
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
                413,
            ),
            ("this is no request\r\n\r\n", 400),
            (
                "GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                200,
            ),
        ] {
            let mut peer = check.connect(&server);
            let whole = [head.as_bytes(), &more].concat();
            // Each piece is sent when the one before has been taken: a server that has closed by then
            // answers the next with a reset.
            peer.send_split(&whole, &[head.len(), 30_000, 60_000, 90_000]);
            let why = "The client has sent more than the server wanted to read, and is to get its answer all the same. A close with unread bytes is a reset, and a reset may overtake the answer: half-close, read on and throw away, and close when the client has ended.";
            receive(&check, &mut peer, "POST", why).expect(&check, &[status], why);
            peer.half_close().expect_end(why);
        }
    }

    /// How many bytes behind something that is no request go out, of `limit`, before that is an error.
    fn takes(server: &Program, limit: usize) -> std::io::Result<usize> {
        let mut stream = TcpStream::connect(server.addr())?;
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"this is no request\r\n\r\n")?;
        let piece = [b'x'; 64 << 10];
        let mut sent = 0;
        while sent < limit {
            match stream.write(&piece) {
                Ok(n) => sent += n,
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    #[test]
    fn leaves_a_client_that_does_not_leave() {
        let check = check!();
        check.allow(Duration::from_secs(10));
        let root = site(&check);
        let server = serve(&check, &root, &["--patience", "400"]);
        let mut peer = connect_and_send(&check, &server, b"this is no request\r\n\r\n");
        let why = "This is no request: 400.";
        receive(&check, &mut peer, "GET", why).expect(&check, &[400], why);
        let patient = serve(&check, &root, &["--patience", "60000"]);
        let taken = made(takes(&patient, 64 << 20));
        check.note(
            "sent",
            "no request, and bytes without end",
            "64 MiB at most",
        );
        check.require(
            "the connection to be closed",
            format!("{} MiB taken", taken >> 20),
            taken < 64 << 20,
            "The client sends on as fast as it can, and is not done before `patience` is over. A drain has two bounds: a time, and DRAIN_MAX bytes.",
        );
        peer.trickle_until_closed(b'x', "The client has its answer, does not close, and goes on sending. To drain for ever is as bad as to read for ever: when `patience` is over, counted from the beginning, close.");
    }
}

mod step_6 {
    use super::*;

    #[test]
    fn says_what_it_can_do() {
        let check = check!();
        let root = site(&check);
        for (more, changes) in [(&[][..], false), (&["--writable"], true)] {
            let server = serve(&check, &root, more);
            let mut peer = check.connect(&server);
            for target in ["*", "/hello.txt", "/missing.txt"] {
                let why = "OPTIONS asks what can be done, and Allow names it. The target * means the whole server; a file need not exist.";
                let got = ask(&check, &mut peer, "OPTIONS", target, why);
                got.expect(&check, &[204, 200], why);
                if got.status == 204 {
                    let why = "204 has no body, and so no Content-Length either (RFC 9110 §8.6).";
                    let said = got.field("content-length");
                    check.require(
                        "no Content-Length",
                        said.unwrap_or("none"),
                        said.is_none(),
                        why,
                    );
                }
                let said = got.field("allow").unwrap_or("no Allow").to_string();
                for method in ["GET", "HEAD", "OPTIONS"] {
                    check.require(
                        format!("{method} in Allow"),
                        &said,
                        got.lists("allow", method),
                        why,
                    );
                }
                let why =
                    "Allow names the methods that change something where they do, and only there.";
                for method in ["PUT", "POST", "DELETE"] {
                    let named = got.lists("allow", method);
                    let expected = if changes { "in" } else { "not in" };
                    check.require(
                        format!("{method} {expected} Allow"),
                        &said,
                        named == changes,
                        why,
                    );
                }
            }
        }
    }

    #[test]
    fn sends_back_what_it_has_received() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &[]);
        let mut peer = check.connect(&server);
        let why = "TRACE is answered with the head of the request as it was received: the request line, each field on a line, and an empty line. But not with the fields that are secret: a script in a page must not read a cookie in this way. Those are Authorization, Proxy-Authorization and Cookie, in whatever case.";
        peer.send(b"TRACE /any?thing HTTP/1.1\r\nHost: localhost\r\nX-Way: a, b\r\nCookie: id=7391\r\nauthorization: Basic 7391\r\nproxy-authorization: Basic 7391\r\n\r\n");
        let got = receive(&check, &mut peer, "TRACE", why);
        got.expect(&check, &[200], why);
        got.expect_field(&check, "Content-Type", "message/http", why);
        let text = String::from_utf8_lossy(&got.body).into_owned();
        let lower = text.to_ascii_lowercase();
        let has = |line: &str| lower.lines().any(|other| other.replace(' ', "") == line);
        let is_right = text.starts_with("TRACE /any?thing HTTP/1.1\r\n")
            && has("host:localhost")
            && has("x-way:a,b");
        check.require(
            "the request line and two of the fields",
            &text,
            is_right,
            why,
        );
        check.require("none of the secrets", &text, !text.contains("7391"), why);
    }

    #[test]
    fn puts_files_where_they_belong() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--writable"]);
        let mut peer = check.connect(&server);
        for (body, status, why) in [
            (
                &b"first"[..],
                &[201][..],
                "There was no such file: PUT creates it, and says so with 201.",
            ),
            (
                b"the second, which is longer",
                &[200, 204],
                "There was such a file: PUT replaces it, and says so with 204, or with 200 and a body.",
            ),
            (
                b"",
                &[200, 204],
                "An empty file is a file: a body of 0 bytes is no missing body.",
            ),
        ] {
            peer.send(with_body("PUT", "/docs/new.txt", body));
            receive(&check, &mut peer, "PUT", why).expect(&check, status, why);
            let why = "What was put there comes back, byte for byte.";
            let got = ask(&check, &mut peer, "GET", "/docs/new.txt", why);
            got.expect(&check, &[200], why)
                .expect_body(&check, body, why);
        }
        let names = check.files().names("root/docs").unwrap_or_default();
        let why = "The file that was written first, under another name, has taken the name of the target: nothing else is left in the folder.";
        check.require(
            "two files in docs",
            format!("{} files", names.len()),
            names.len() == 2,
            why,
        );
        #[cfg(unix)]
        made(check.files().link("..", "root/up"));
        for target in [
            "/../evil.txt",
            "/%2e%2e/evil.txt",
            "/up/evil.txt",
            "/..%5cevil.txt",
            "/docs/",
            "/",
            "/missing/new.txt",
            "/docs",
        ] {
            let why =
                "Nothing is written outside of the root, where no folder is, or over a folder.";
            peer.send(with_body("PUT", target, b"evil"));
            let got = receive(&check, &mut peer, "PUT", why);
            let is_refused = (400..500).contains(&got.status);
            check.require(
                "a status of 4xx",
                format!("status {} to PUT {target}", got.status),
                is_refused,
                why,
            );
            let outside = check.files().exists("evil.txt");
            check.require(
                "nothing outside of the root",
                if outside { "evil.txt" } else { "nothing" },
                !outside,
                why,
            );
        }
        let why = "Content-Range says that this is a part of a file, and it must not replace the whole: 400 (RFC 9110 §14.5).";
        peer.send("PUT /docs/new.txt HTTP/1.1\r\nHost: a\r\nContent-Range: bytes 0-3/9\r\nContent-Length: 4\r\n\r\npart");
        receive(&check, &mut peer, "PUT", why).expect(&check, &[400], why);
        let mut cut = check.connect(&server);
        cut.send("PUT /docs/new.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nfour");
        let why = "The stream ends within the body: 4 bytes of 20 have come. That is 400, or nothing, and the file stays as it was.";
        let rest = cut.half_close().read_to_end(64 << 10, why);
        let is_refused = rest.is_empty() || rest.starts_with(b"HTTP/1.1 400");
        check.require("400, or nothing", testkit::Bytes(&rest), is_refused, why);
        let is = check.files().read("root/docs/new.txt").unwrap_or_default();
        check.require(
            "an empty file, as before",
            testkit::Bytes(&is),
            is.is_empty(),
            why,
        );
        let why = "Without a Content-Length there is no body: 411, or an empty file.";
        peer.send(request("PUT", "/docs/empty.txt"));
        receive(&check, &mut peer, "PUT", why).expect(&check, &[411, 201], why);
    }

    #[test]
    #[cfg_attr(not(unix), ignore = "needs that an open file may be replaced")]
    fn replaces_a_file_as_a_whole() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--writable"]);
        let mut peer = check.connect(&server);
        let mut open = made(check.files().open("root/hello.txt"));
        check.note("opened", "hello.txt", "as somebody who is reading it");
        let why = "There was such a file: PUT replaces it.";
        peer.send(with_body("PUT", "/hello.txt", b"something else"));
        receive(&check, &mut peer, "PUT", why).expect(&check, &[200, 204], why);
        let mut seen = Vec::new();
        made(open.read_to_end(&mut seen));
        let why = "Who opened the file before goes on reading what was there then. A file that is written over where it stands is, for a moment, part old and part new: write the body to a file of its own in the same folder, and rename that.";
        let expected = format!("{} for who had it open", testkit::Bytes(HELLO));
        check.require(expected, testkit::Bytes(&seen), seen == HELLO, why);
    }

    #[test]
    #[cfg_attr(not(unix), ignore = "needs symbolic links that anybody may make")]
    fn writes_through_no_link() {
        let check = check!();
        let root = site(&check);
        #[cfg(unix)]
        {
            made(check.files().link("../secret.txt", "root/link.txt"));
            made(check.files().link("../evil.txt", "root/nowhere.txt"));
        }
        check.note(
            "linked",
            "link.txt, nowhere.txt",
            "to a file outside of the root, and to none",
        );
        let server = serve(&check, &root, &["--writable"]);
        let mut peer = check.connect(&server);
        let why = "The target is a symbolic link that leads out of the root. The link may be replaced by a file, or the request be refused. What it leads to must not change.";
        for (method, target) in [
            ("PUT", "/link.txt"),
            ("PUT", "/nowhere.txt"),
            ("DELETE", "/link.txt"),
        ] {
            peer.send(with_body(method, target, b"evil"));
            let statuses = [200, 201, 204, 400, 403, 404, 409];
            receive(&check, &mut peer, method, why).expect(&check, &statuses, why);
            let secret = check.files().read("secret.txt").unwrap_or_default();
            let is_new = check.files().exists("evil.txt");
            check.require(
                "nothing changed outside of the root",
                if is_new {
                    "evil.txt".into()
                } else {
                    testkit::Bytes(&secret).to_string()
                },
                secret == SECRET && !is_new,
                why,
            );
        }
    }

    #[test]
    fn replaces_only_what_the_client_has_seen() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--writable"]);
        let mut peer = check.connect(&server);
        let why = "An answer with a file says which state of it this is: ETag.";
        let got = ask(&check, &mut peer, "GET", "/hello.txt", why);
        let Some(tag) = got.field("etag") else {
            check.fail("the field ETag", "no ETag", why)
        };
        let names = check.files().names("root").unwrap_or_default();
        let mut put = |target: &str, condition: &str, statuses: &[u16], body: &[u8], why| {
            peer.send(format!(
                "PUT {target} HTTP/1.1\r\nHost: a\r\n{condition}\r\nContent-Length: 3\r\n\r\nnew"
            ));
            receive(&check, &mut peer, "PUT", why).expect(&check, statuses, why);
            let is = check
                .files()
                .read(root.join(&target[1..]))
                .unwrap_or_default();
            let expected = format!("{} in the file", testkit::Bytes(body));
            check.require(expected, testkit::Bytes(&is), is == body, why);
        };
        let why = "The file is in another state than the client has seen: 412, and it stays as it is. Who wrote it in between would lose what they wrote.";
        put("/hello.txt", "If-Match: \"other\"", &[412], HELLO, why);
        let old = "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT";
        put("/hello.txt", old, &[412], HELLO, why);
        let why = "If-None-Match: * says that there must be no such file yet. There is one: 412.";
        put("/hello.txt", "If-None-Match: *", &[412], HELLO, why);
        let why = "No file has a tag where there is none, not even *: 412.";
        put("/new.txt", "If-Match: *", &[412], b"", why);
        let why = "If-Match wants the very bytes, and a tag with W/ does not promise those: it is nobody's, 412 (RFC 9110 §13.1.1).";
        let weak = format!("If-Match: W/{tag}");
        put("/hello.txt", &weak, &[412], HELLO, why);
        let mut odd = check.files().names("root").unwrap_or_default();
        odd.retain(|name| !names.contains(name));
        let why = "What was written under another name does not stay when the request is refused.";
        check.require("no new file", odd.join(", "), odd.is_empty(), why);
        let why = "The condition holds: the file is written.";
        put("/new.txt", "If-None-Match: *", &[201], b"new", why);
        let matching = format!("If-Match: \"other\", {tag}");
        put("/hello.txt", &matching, &[200, 204], b"new", why);
        let why = "This tag was the file's before it was replaced.";
        put(
            "/hello.txt",
            &format!("If-Match: {tag}"),
            &[412],
            b"new",
            why,
        );
    }

    #[test]
    fn deletes_a_file_once() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--writable"]);
        let mut peer = check.connect(&server);
        let why = "The file is in another state than the client has seen: 412, and it stays. DELETE has conditions as PUT has; look at them before the file is removed.";
        peer.send(b"DELETE /hello.txt HTTP/1.1\r\nHost: a\r\nIf-Match: \"other\"\r\n\r\n");
        receive(&check, &mut peer, "DELETE", why).expect(&check, &[412], why);
        let is = check.files().read("root/hello.txt").unwrap_or_default();
        let expected = format!("{} in hello.txt, as before", testkit::Bytes(HELLO));
        check.require(expected, testkit::Bytes(&is), is == HELLO, why);
        let why = "DELETE removes the file: 204, or 200 with a body. Then it is not there, neither for GET nor for another DELETE.";
        ask(&check, &mut peer, "DELETE", "/hello.txt", why).expect(&check, &[204, 200], why);
        ask(&check, &mut peer, "GET", "/hello.txt", why).expect(&check, &[404], why);
        ask(&check, &mut peer, "DELETE", "/hello.txt", why).expect(&check, &[404], why);
        let why = "A folder is not removed, and nothing outside of the root: not by a link either, so resolve the folder (`canonicalize`), and compare it with the root.";
        #[cfg(unix)]
        made(check.files().link("..", "root/up"));
        for target in [
            "/up/secret.txt",
            "/docs",
            "/docs/",
            "/",
            "/../secret.txt",
            "/..%2fsecret.txt",
            "/%2e%2e/secret.txt",
        ] {
            let got = ask(&check, &mut peer, "DELETE", target, why);
            let is_refused = (400..500).contains(&got.status);
            check.require(
                "a status of 4xx",
                format!("status {} to DELETE {target}", got.status),
                is_refused,
                why,
            );
        }
        let is_left = check.files().exists("secret.txt") && check.files().is_folder("root/docs");
        check.require(
            "both still there",
            if is_left { "both" } else { "not both" },
            is_left,
            why,
        );
    }

    #[test]
    fn posts_make_a_new_file_each() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--writable"]);
        let mut peer = check.connect(&server);
        // As a POST to another run of the server would have left it.
        check.file("root/docs/1", b"precious");
        check.note("made", "the file 1 in docs/", "precious");
        let mut places = vec!["/docs/1".to_string()];
        for _ in 0..2 {
            let why = "POST to a folder makes a new file in it, whose name the server chooses: 201, and Location says where. The same request twice makes two: POST is not idempotent, as PUT is.";
            peer.send(with_body("POST", "/docs/", b"a note"));
            let got = receive(&check, &mut peer, "POST", why);
            let is = check.files().read("root/docs/1").unwrap_or_default();
            let is_left = is == b"precious";
            check.require(
                "\"precious\" in docs/1, as before",
                testkit::Bytes(&is),
                is_left,
                "There was a file 1 in the folder, and POST has written over it. No number is free because this run of the server has not counted it yet, and `rename` replaces what it finds. Take the name in a way that fails where there is such a file (`hard_link`, `create_new`), and then try the next one.",
            );
            got.expect(&check, &[201], why);
            let place = got.field("location").unwrap_or_default().to_string();
            let is_new = place.contains("/docs/") && !places.contains(&place);
            check.require(
                "a Location in /docs/, another one each time, and not /docs/1",
                &place,
                is_new,
                why,
            );
            let path = place.find("/docs/").map_or("", |at| &place[at..]);
            let got = ask(&check, &mut peer, "GET", path, why);
            got.expect(&check, &[200], why)
                .expect_body(&check, b"a note", why);
            places.push(place);
        }
        let why = "POST to a file is not what this server does: 405, and Allow says what is.";
        peer.send(with_body("POST", "/hello.txt", b"a note"));
        let got = receive(&check, &mut peer, "POST", why);
        got.expect(&check, &[405], why);
        let said = got.field("allow").unwrap_or("no Allow");
        check.require("Allow: GET, …", said, got.lists("allow", "GET"), why);
        let around = || check.files().names("").map_or(0, |names| names.len());
        let before = around();
        #[cfg(unix)]
        made(check.files().link("..", "root/up"));
        for target in ["/up/", "/../", "/missing/"] {
            let why = "This is no folder below the root, and nothing is written: resolve the folder with all its links (`canonicalize`), and compare it with the root.";
            peer.send(with_body("POST", target, b"evil"));
            let got = receive(&check, &mut peer, "POST", why);
            let is_refused = (400..500).contains(&got.status);
            let shown = format!("status {} to POST {target}", got.status);
            check.require("a status of 4xx", shown, is_refused, why);
            let new = around().saturating_sub(before);
            check.require("no new file outside", format!("{new} new"), new == 0, why);
        }
    }

    #[test]
    fn puts_chunks_together_at_every_split() {
        let check = check!();
        check.allow(Duration::from_secs(20));
        let root = site(&check);
        let server = serve(&check, &root, &["--writable"]);
        let mut peer = check.connect(&server);
        let head = b"PUT /new.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let whole = [
            &head[..],
            b"5;a=b\r\nhello\r\n00A\r\n, \r\nworld\n\r\n0\r\nX: y\r\n\r\n",
        ]
        .concat();
        let why = "A chunk is a size in hexadecimal digits, perhaps with extensions behind a semicolon, its bytes, and CRLF. Bytes of a chunk may look like the end of one: the size says where it ends. After the chunk of size 0 come trailer fields and an empty line, and then the next request.";
        for cut in head.len() - 2..whole.len() {
            peer.send_split(&whole, &[cut]);
            let got = receive(&check, &mut peer, "PUT", why);
            got.expect(&check, &[201, 200, 204], why);
            let got = ask(&check, &mut peer, "GET", "/new.txt", why);
            got.expect(&check, &[200], why)
                .expect_body(&check, b"hello, \r\nworld\n", why);
        }
    }

    #[test]
    fn refuses_chunks_that_are_none() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--writable", "--max-body", "1000"]);
        let head = "PUT /new.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let long_line = format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(2000));
        let many_trailers = format!("0\r\n{}\r\n", "X: y\r\n".repeat(100));
        for body in [
            "5\r\nhelloXX",
            "g\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "-1\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "\r\nhello",
            "3e9\r\n",
            "ffffffffffffffff\r\n",
            "fffffffffffffffff\r\n",
            "2bc\r\n",
            "5\nhello\r\n0\r\n\r\n",
            &long_line,
            &many_trailers,
        ] {
            let why = "This is no chunked body, or one that becomes too long: 400 for the one, 413 for the other, as soon as that is known, and the connection is over. A size is looked at before it is believed, and before anything is added to it. Lines end with CRLF, have at most 1024 bytes, and at most 64 of them are trailer fields.";
            let mut peer = check.connect(&server);
            let mut sent = format!("{head}{body}");
            if body.starts_with("2bc") {
                // Twice 700 bytes, and each alone would do.
                sent += &format!("{}\r\n2bc\r\n", "x".repeat(700));
            }
            peer.send(sent);
            let got = receive(&check, &mut peer, "PUT", why);
            got.expect(&check, &[400, 413], why);
            peer.half_close().expect_end(CLOSES);
        }
        let written = check.files().exists("root/new.txt");
        let mut peer = check.connect(&server);
        let most = "x".repeat(1000);
        peer.send(format!("{head}3E8\r\n{most}\r\n0\r\n\r\n").replace("/new.txt", "/most.txt"));
        let why =
            "1000 bytes, in one chunk of 3E8, are not more than --max-body 1000: they are taken.";
        receive(&check, &mut peer, "PUT", why).expect(&check, &[201], why);
        let why = "A body that was refused is written nowhere.";
        check.require(
            "no file",
            if written { "new.txt" } else { "no file" },
            !written,
            why,
        );
    }

    #[test]
    fn closes_after_a_request_with_two_lengths() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--writable"]);
        let chunks = "5\r\nhello\r\n0\r\n\r\n";
        let coding = "Transfer-Encoding: chunked\r\n";
        let file = root.join("new.txt");
        for length in [4, chunks.len()] {
            let length = format!("Content-Length: {length}\r\n");
            for fields in [format!("{coding}{length}"), format!("{length}{coding}")] {
                let _ = check.files().remove(&file);
                let mut peer = check.connect(&server);
                let head = format!("PUT /new.txt HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
                let next = request("GET", "/hello.txt");
                peer.send([head.as_bytes(), chunks.as_bytes(), &next].concat());
                let why = "Content-Length and Transfer-Encoding in one head: refuse it with 400, or serve it by the chunks (RFC 9112 §6.1). Who goes by the length keeps other bytes than the proxy in front of it has let through.";
                let got = receive(&check, &mut peer, "PUT", why);
                got.expect(&check, &[400, 501, 200, 201, 204], why);
                let written = check.files().read(&file).unwrap_or_default();
                let expected: &[u8] = if got.status < 300 { b"hello" } else { b"" };
                check.require(
                    format!("{} in the file", testkit::Bytes(expected)),
                    testkit::Bytes(&written),
                    written == expected,
                    why,
                );
                peer.expect_end("In either case the connection is closed after that answer, whatever has come behind it: what follows may be a request to one reader, and part of a body to another.");
            }
        }
    }

    #[test]
    fn tells_a_client_to_go_on() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &["--writable", "--max-body", "1000"]);
        let mut peer = check.connect(&server);
        let head = |length: usize, version: &str| {
            format!(
                "PUT /new.txt {version}\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
            )
        };
        let why = "The client asks whether it may send the body, and waits for 100 (RFC 9110 §10.1.1). Who waits for the body meanwhile waits for a client that waits. Send the status line and an empty line before the first wait.";
        peer.send(head(5, "HTTP/1.1"));
        let interim = receive_any(&check, &mut peer, "PUT", why);
        interim.expect(&check, &[100], why);
        peer.send(b"hello");
        let got = receive(&check, &mut peer, "PUT", why);
        got.expect(&check, &[201, 204, 200], why);
        let why = "The body will be too long: the client gets 413 and no 100 before it, and can spare itself the body. Compare the length before you say go on.";
        peer.send(head(1001, "HTTP/1.1"));
        receive_any(&check, &mut peer, "PUT", why).expect(&check, &[413], why);
        peer.half_close().expect_end(CLOSES);
        let mut peer = check.connect(&server);
        let why = "Nobody knows this expectation: 417.";
        peer.send(
            "PUT /new.txt HTTP/1.1\r\nHost: a\r\nExpect: rain\r\nContent-Length: 5\r\n\r\nhello",
        );
        receive(&check, &mut peer, "PUT", why).expect(&check, &[417], why);
        let mut old = check.connect(&server);
        let why =
            "A client of HTTP/1.0 knows no interim response, and would take 100 for the answer.";
        old.send(head(5, "HTTP/1.0")).expect_nothing_yet(why);
        old.send(b"hello");
        receive(&check, &mut old, "PUT", why).expect(&check, &[201, 204, 200], why);
    }

    #[test]
    fn sends_a_file_only_when_it_has_changed() {
        let check = check!();
        let root = site(&check);
        let server = serve(&check, &root, &[]);
        let mut peer = check.connect(&server);
        let why = "An answer with a file says what tells this state of it from another: Last-Modified and ETag.";
        let got = ask(&check, &mut peer, "GET", "/hello.txt", why);
        let (tag, date) = (got.field("etag"), got.field("last-modified"));
        let (Some(tag), Some(date)) = (tag, date) else {
            check.fail("the fields ETag and Last-Modified", "not both", why)
        };
        let strong = tag.trim_start_matches("W/");
        for (fields, status, why) in [
            (
                format!("If-None-Match: {tag}"),
                304,
                "The client has this very state of the file: 304, and no body.",
            ),
            (
                format!("If-None-Match: \"other\", W/{strong}"),
                304,
                "If-None-Match is a list, and W/ makes no difference to it: one of the tags is the file's.",
            ),
            (
                "If-None-Match: *".into(),
                304,
                "* is every state that exists.",
            ),
            (
                "If-None-Match: \"other\"".into(),
                200,
                "The client has another state of the file: it gets this one.",
            ),
            (
                format!("If-Modified-Since: {date}"),
                304,
                "The file was not modified after this time.",
            ),
            (
                "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".into(),
                200,
                "The file was modified after 1994.",
            ),
            (
                "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT".into(),
                200,
                "An old way to write 1994.",
            ),
            (
                "If-Modified-Since: yesterday".into(),
                200,
                "This is no date, and so no condition.",
            ),
            (
                format!("If-None-Match: \"other\"\r\nIf-Modified-Since: {date}"),
                200,
                "Where there is an If-None-Match, If-Modified-Since is not looked at (RFC 9110 §13.1.3): two changes within one second have the same date, and other tags.",
            ),
        ] {
            peer.send(format!(
                "GET /hello.txt HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"
            ));
            let got = receive(&check, &mut peer, "GET", why);
            got.expect(&check, &[status], why);
            if status == 200 {
                got.expect_body(&check, HELLO, why);
            } else {
                let why = "304 has the ETag that 200 would have had (RFC 9110 §15.4.5).";
                got.expect_field(&check, "ETag", tag, why);
                if let Some(length) = got.field("content-length") {
                    let why =
                        "304 has no body. Its Content-Length may be left out, or is the file's.";
                    check.require("no length, or 13", length, length == "13", why);
                }
            }
        }
        let why = "A file that was changed has another tag.";
        check.file("root/hello.txt", "hello, all of you\n");
        peer.send(format!(
            "GET /hello.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: {tag}\r\n\r\n"
        ));
        let got = receive(&check, &mut peer, "GET", why);
        got.expect(&check, &[200], why)
            .expect_body(&check, b"hello, all of you\n", why);
    }
}
