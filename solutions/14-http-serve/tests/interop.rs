//! The reference beside real programs: curl asks it, nginx answers the same requests, and a browser
//! loads a page with a style sheet and a picture.
//!
//! Each is looked for on PATH and said to be SKIPPED where it is missing, unless WIRELAB_REQUIRE names
//! it: `curl`, `nginx`, `browser`.
#[path = "support/nginx.rs"]
mod nginx;
#[path = "support/server.rs"]
mod server;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use server::{Answer, Running, answer, connect, say, serve};
use testkit::{Need, need};

/// The site of the chapter, in a scratch folder of its own, and what only these tests want.
fn site() -> tempfile::TempDir {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let from =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs/14-http-serve/tests/data/site");
    let root = scratch.path().join("root");
    fs::create_dir_all(root.join("pictures")).expect("a folder");
    for name in [
        "index.html",
        "style.css",
        "notes.txt",
        "pictures/square.png",
    ] {
        fs::copy(from.join(name), root.join(name)).expect("the chapter's site");
    }
    fs::write(scratch.path().join("secret.txt"), "secret\n").expect("a file");
    scratch
}

/// The first line of what a program says of itself.
fn version(program: &str, flag: &str) -> String {
    let output = Command::new(program).arg(flag).output();
    let output = output.expect("it can be run");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().next().unwrap_or_default().trim().to_string()
}

/// Runs curl, and returns what it wrote.
fn curl(args: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["-q", "-sS", "--noproxy", "*", "--max-time", "30"]);
    let output = command.args(args).output().expect("curl can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn curl_gets_puts_and_asks_for_news() {
    if !need(Need::Curl) {
        return;
    }
    let scratch = site();
    let root = scratch.path().join("root");
    let (_running, addr) = serve(&root, &["--writable"]);
    let at = |path: &str| format!("http://{addr}{path}");
    let notes = fs::read_to_string(root.join("notes.txt")).expect("a file");

    assert_eq!(curl(&[&at("/notes.txt")]), notes);
    let head = curl(&["-I", &at("/style.css")]);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("Content-Type: text/css"), "{head}");
    // The second URL goes over the connection of the first.
    let counts = curl(&[
        "-w",
        "%{stderr}\n%{stdout}%{num_connects} ",
        "-o",
        "/dev/null",
        "-o",
        "/dev/null",
        &at("/"),
        &at("/notes.txt"),
    ]);
    assert_eq!(counts.split_whitespace().collect::<Vec<_>>(), ["1", "0"]);
    assert_eq!(curl(&["--http1.0", &at("/notes.txt")]), notes);

    let status = |args: &[&str]| {
        let all = [&["-o", "/dev/null", "-w", "%{http_code}"], args].concat();
        curl(&all)
    };
    assert_eq!(status(&["--path-as-is", &at("/../secret.txt")]), "404");
    assert_eq!(status(&["--path-as-is", &at("/%2e%2e/secret.txt")]), "404");
    assert_eq!(status(&["-X", "CONNECT", &at("/")]), "501");
    // A body of two megabytes is more than the server takes; curl asks before it sends that much.
    let large = scratch.path().join("large");
    fs::write(&large, vec![b'x'; 2 << 20]).expect("a file");
    let large = large.to_str().expect("text");
    assert_eq!(status(&["-T", large, &at("/large.bin")]), "413");
    assert_eq!(
        status(&["-H", "Expect:", "-T", large, &at("/large.bin")]),
        "413"
    );

    let small = scratch.path().join("small");
    fs::write(&small, vec![b'y'; 900_000]).expect("a file");
    let small = small.to_str().expect("text");
    assert_eq!(
        status(&["-H", "Expect: 100-continue", "-T", small, &at("/new.bin")]),
        "201"
    );
    assert_eq!(status(&["-T", small, &at("/new.bin")]), "204");
    assert_eq!(
        status(&[
            "-H",
            "Transfer-Encoding: chunked",
            "-T",
            small,
            &at("/chunks.bin")
        ]),
        "201"
    );
    let expected = fs::read(small).expect("a file");
    for name in ["new.bin", "chunks.bin"] {
        assert!(
            fs::read(root.join(name)).is_ok_and(|got| got == expected),
            "{name}"
        );
    }
    assert_eq!(status(&["-d", "a note", &at("/pictures/")]), "201");
    assert_eq!(
        fs::read_to_string(root.join("pictures/1")).expect("a file"),
        "a note"
    );
    assert_eq!(status(&["-X", "DELETE", &at("/new.bin")]), "204");
    let allowed = curl(&["-i", "-X", "OPTIONS", "--request-target", "*", &at("/")]);
    assert!(
        allowed.contains("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE"),
        "{allowed}"
    );

    let tag = scratch.path().join("tag");
    let tag = tag.to_str().expect("text");
    assert_eq!(status(&["--etag-save", tag, &at("/notes.txt")]), "200");
    assert_eq!(status(&["--etag-compare", tag, &at("/notes.txt")]), "304");
    let copy = root.join("notes.txt");
    assert_eq!(
        status(&["-z", copy.to_str().expect("text"), &at("/notes.txt")]),
        "304"
    );
    say(&version("curl", "--version"));
}

/// Sends a request, and what is answered to it.
fn exchange(addr: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = connect(addr);
    stream.write_all(request).expect("it can be sent");
    let method = String::from_utf8_lossy(request).into_owned();
    let method = method.split(' ').next().unwrap_or_default();
    answer(&mut stream, method)
}

/// What we answer and what nginx answers, where that is not the same.
type Statuses = Option<(u16, u16)>;

#[test]
fn answers_as_nginx_does() {
    if !need(Need::Nginx) {
        return;
    }
    let scratch = site();
    let (_ours, ours) = serve(&scratch.path().join("root"), &[]);
    let root = scratch.path().join("root").display().to_string();
    let serves = format!("root {root}; index index.html;");
    let (nginx, theirs) = nginx::start(&scratch.path().join("nginx"), &serves);
    let _theirs = Running(nginx);
    let request = |line: &str, fields: &str| format!("{line}\r\n{fields}\r\n");
    let long = format!("GET /{} HTTP/1.1", "a".repeat(9000));
    let wide = format!(
        "Host: a\r\n{}",
        "X-Many: once more and once more\r\n".repeat(1500)
    );
    let host = "Host: localhost\r\n";
    // Where both are right in their own way, the second and third column say how, and why.
    let same: Statuses = None;
    let rows: Vec<(&str, String, Statuses)> = vec![
        ("GET of the index", request("GET / HTTP/1.1", host), same),
        (
            "GET of a style sheet",
            request("GET /style.css HTTP/1.1", host),
            same,
        ),
        (
            "GET of a picture",
            request("GET /pictures/square.png HTTP/1.1", host),
            same,
        ),
        (
            "GET with a query and an escape",
            request("GET /n%6ftes.txt?a=b HTTP/1.1", host),
            same,
        ),
        (
            "GET in absolute form",
            request("GET http://localhost/notes.txt HTTP/1.1", host),
            same,
        ),
        ("HEAD of the index", request("HEAD / HTTP/1.1", host), same),
        (
            "HEAD of what is not there",
            request("HEAD /missing HTTP/1.1", host),
            same,
        ),
        (
            "GET of what is not there",
            request("GET /missing HTTP/1.1", host),
            same,
        ),
        (
            "GET of a folder without its slash",
            request("GET /pictures HTTP/1.1", host),
            same,
        ),
        (
            "GET of a folder without an index",
            request("GET /pictures/ HTTP/1.1", host),
            Some((404, 403)),
        ),
        (
            "GET out of the root",
            request("GET /../secret.txt HTTP/1.1", host),
            Some((404, 400)),
        ),
        (
            "the same, encoded",
            request("GET /%2e%2e/secret.txt HTTP/1.1", host),
            Some((404, 400)),
        ),
        (
            "the same, its slash encoded",
            request("GET /..%2fsecret.txt HTTP/1.1", host),
            same,
        ),
        (
            "the same, encoded twice",
            request("GET /%252e%252e/secret.txt HTTP/1.1", host),
            same,
        ),
        (
            "a NUL",
            request("GET /notes.txt%00.png HTTP/1.1", host),
            same,
        ),
        (
            "a % without digits",
            request("GET /%zz HTTP/1.1", host),
            same,
        ),
        (
            "HTTP/1.0 without Host",
            request("GET /notes.txt HTTP/1.0", ""),
            same,
        ),
        ("HTTP/1.1 without Host", request("GET / HTTP/1.1", ""), same),
        (
            "two Host fields",
            request("GET / HTTP/1.1", "Host: a\r\nHost: b\r\n"),
            same,
        ),
        ("HTTP/3.0", request("GET / HTTP/3.0", host), same),
        ("no request", request("hello", ""), same),
        (
            "POST",
            request(
                "POST /notes.txt HTTP/1.1",
                "Host: a\r\nContent-Length: 0\r\n",
            ),
            same,
        ),
        (
            "PUT",
            request("PUT /x HTTP/1.1", "Host: a\r\nContent-Length: 0\r\n"),
            same,
        ),
        ("DELETE", request("DELETE /notes.txt HTTP/1.1", host), same),
        ("TRACE", request("TRACE / HTTP/1.1", host), Some((200, 405))),
        (
            "an unknown method",
            request("BREW / HTTP/1.1", host),
            Some((501, 405)),
        ),
        (
            "two lengths",
            request(
                "POST / HTTP/1.1",
                "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
            ),
            same,
        ),
        (
            "a length and chunks",
            request(
                "POST / HTTP/1.1",
                "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            ),
            same,
        ),
        (
            "an unknown coding",
            request("POST / HTTP/1.1", "Host: a\r\nTransfer-Encoding: gzip\r\n"),
            Some((400, 501)),
        ),
        (
            "a length that is none",
            request("POST / HTTP/1.1", "Host: a\r\nContent-Length: +1\r\n"),
            same,
        ),
        (
            "a blank before a colon",
            request("GET / HTTP/1.1", "Host : a\r\n"),
            same,
        ),
        (
            "a body that is too long",
            request("GET / HTTP/1.1", "Host: a\r\nContent-Length: 9999999\r\n"),
            same,
        ),
        ("a long request line", request(&long, host), same),
        (
            "a long head",
            request("GET / HTTP/1.1", &wide),
            Some((431, 400)),
        ),
    ];
    for (name, bytes, differs) in &rows {
        let [own, other] = [ours, theirs].map(|addr| exchange(addr, bytes.as_bytes()));
        let (Some(own), Some(other)) = (own, other) else {
            panic!("{name}: one of them has not answered");
        };
        let (expected, got) = (
            differs.unwrap_or((other.status, other.status)),
            (own.status, other.status),
        );
        assert_eq!(got, expected, "{name}: ours, nginx");
        if own.status == 200 && differs.is_none() {
            assert!(own.body == other.body, "{name}: another body");
            assert_eq!(
                own.field("Content-Length"),
                other.field("Content-Length"),
                "{name}"
            );
            let kind = |answer: &Answer| {
                let kind = answer.field("Content-Type").unwrap_or_default();
                kind.split(';').next().unwrap_or_default().to_string()
            };
            assert_eq!(kind(&own), kind(&other), "{name}");
            let date = "Last-Modified";
            assert_eq!(own.field(date), other.field(date), "{name}");
        }
        if own.status == 301 {
            assert_eq!(own.field("Location"), other.field("Location"), "{name}");
        }
    }
    let differ = rows.iter().filter(|row| row.2.is_some()).count();
    say(&format!(
        "{}: {} requests, {} statuses agree, {differ} differ and both are right",
        version("nginx", "-v"),
        rows.len(),
        rows.len() - differ
    ));
}

/// Writes into the title what the browser has made of the page.
const SCRIPT: &str = "<script>onload = () => {
  const colour = getComputedStyle(document.body).color;
  const picture = document.querySelector('img');
  document.title = [colour, picture.naturalWidth, picture.naturalHeight].join(' / ');
};</script>";

#[test]
fn a_browser_loads_a_page_with_style_sheet_and_picture() {
    if !need(Need::Browser) {
        return;
    }
    let scratch = site();
    let root = scratch.path().join("root");
    let page = fs::read_to_string(root.join("index.html")).expect("a file");
    fs::write(root.join("index.html"), page + SCRIPT).expect("a file");
    let (_running, addr) = serve(&root, &[]);
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let browser = names.into_iter().find(runs).expect("need() has found one");
    let profile = scratch.path().join("profile");
    let mut command = Command::new(browser);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
    ]);
    command.args([
        "--disable-quic",
        "--disable-background-networking",
        "--disable-sync",
    ]);
    command.args([
        "--disable-component-update",
        "--no-proxy-server",
        "--disable-dev-shm-usage",
    ]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command
        .args(["--timeout=20000", "--dump-dom"])
        .arg(format!("http://{addr}/"));
    let output = command.output().expect("it can be run");
    let dom = String::from_utf8_lossy(&output.stdout);
    assert!(
        dom.contains("<title>rgb(20, 60, 120) / 64 / 64</title>"),
        "the style sheet or the picture has not arrived:\n{dom}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    say(&format!(
        "{}: page, style sheet and picture",
        version(browser, "--version")
    ));
}
