//! The live book.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::course::{Course, DEADLINE, Running, SOLVED};

struct Served {
    running: Running,
    address: SocketAddr,
}

fn serve(course: &Course, args: &[&str]) -> Served {
    let mut all = vec!["--no-open"];
    all.extend_from_slice(args);
    let mut running = Running::start(course.spawn(&all));
    let line = running.line("address", |line| line.contains("http://"));
    let address = line
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .unwrap()
        .parse()
        .unwrap();
    Served { running, address }
}

/// The answer to a request for exactly this target.
fn ask(address: SocketAddr, method: &str, target: &str, host: &str) -> String {
    let mut stream = TcpStream::connect_timeout(&address, DEADLINE).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(address: SocketAddr, target: &str) -> String {
    ask(address, "GET", target, &address.to_string())
}

/// The events of an open page.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(address: SocketAddr) -> Events {
        let mut stream = TcpStream::connect_timeout(&address, DEADLINE).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(
            stream,
            "GET /_wirelab/events HTTP/1.1\r\nHost: {address}\r\n\r\n"
        )
        .unwrap();
        Events(BufReader::new(stream))
    }

    fn next(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "no event came");
            if let Some(data) = line.strip_prefix("data:") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }
}

#[test]
fn it_shows_the_book_and_where_the_learner_stands() {
    let course = Course::new();
    course.edit(SOLVED);
    course.lab(&["check", "one"]).assert().success();
    let mut served = serve(&course, &[]);
    served
        .running
        .line("standing", |line| line.contains("1 of 2 labs done"));
    served
        .running
        .line("next step", |line| line.contains("cargo lab watch two"));
    let page = get(served.address, "/");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("The first page."));
    assert!(page.contains("<script src=\"/_wirelab/live.js\"></script>"));
    assert!(get(served.address, "/_wirelab/live.js").contains("EventSource"));
    let head = ask(served.address, "HEAD", "/one.html", "localhost");
    assert!(
        head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let missing = get(served.address, "/nowhere.html");
    assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
}

fn rebuilds(args: &[&str]) {
    let course = Course::new();
    let served = serve(&course, args);
    let mut events = Events::open(served.address);
    let first = events.next();
    assert!(first["trouble"].is_null());

    course.write("book/src/one.md", "# One {#one}\n\nThe second page.\n");
    let second = events.next();
    assert_ne!(second["number"], first["number"]);
    assert!(get(served.address, "/one.html").contains("The second page."));

    // A mistake: the former pages stay, and say so.
    course.write(
        "book/src/SUMMARY.md",
        "# Summary\n\n- [One](one.md)\n- [Two](two.md)\n",
    );
    let third = events.next();
    assert_eq!(third["number"], second["number"]);
    assert!(
        third["trouble"].as_str().unwrap().contains("two.md"),
        "{third}"
    );
    assert!(get(served.address, "/one.html").contains("The second page."));

    course.write("book/src/two.md", "# Two {#two}\n\nThe third page.\n");
    let fourth = events.next();
    assert!(fourth["trouble"].is_null());
    assert!(get(served.address, "/two.html").contains("The third page."));
}

#[test]
fn a_changed_source_is_built_and_open_pages_reload() {
    rebuilds(&[]);
}

#[test]
fn changes_are_seen_where_notifications_do_not_work() {
    rebuilds(&["--poll"]);
}

#[test]
fn nothing_outside_of_the_book_is_served() {
    let course = Course::new();
    let served = serve(&course, &[]);
    for target in [
        "/../../../course.toml",
        "/..%2f..%2f..%2fcourse.toml",
        "/%2e%2e/%2e%2e/%2e%2e/course.toml",
        "//etc/passwd",
        "/..\\..\\..\\course.toml",
        "/%00",
        "http://127.0.0.1/../course.toml",
    ] {
        let answer = get(served.address, target);
        assert!(!answer.starts_with("HTTP/1.1 200"), "{target}: {answer}");
        assert!(!answer.contains("A small course"), "{target}: {answer}");
    }
}

#[test]
fn a_strange_host_gets_nothing() {
    let course = Course::new();
    let served = serve(&course, &["--host", "box.example"]);
    for host in ["attacker.example", "127.0.0.1.attacker.example", ""] {
        for target in ["/", "/_wirelab/events", "/_wirelab/live.js"] {
            let answer = ask(served.address, "GET", target, host);
            assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
        }
    }
    for host in ["localhost:1234", "127.0.0.1", "[::1]:80", "box.example"] {
        let answer = ask(served.address, "GET", "/", host);
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
}

#[test]
fn a_port_in_use_is_said() {
    let course = Course::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    course
        .lab(&["serve", "--no-open", "--port", &port])
        .assert()
        .code(1)
        .stderr(contains(format!("port {port} of 127.0.0.1 is in use")))
        .stderr(contains("--port"));
}

#[test]
fn a_book_that_cannot_be_built_is_said_on_its_page_until_it_can() {
    let course = Course::new();
    course.write("book/src/SUMMARY.md", "# Summary\n\n- [One](none.md)\n");
    let served = serve(&course, &[]);
    let mut events = Events::open(served.address);
    assert!(
        events.next()["trouble"]
            .as_str()
            .unwrap()
            .contains("none.md")
    );
    assert!(get(served.address, "/").contains("The book cannot be built"));
    course.write("book/src/SUMMARY.md", "# Summary\n\n- [One](one.md)\n");
    assert!(events.next()["trouble"].is_null());
    assert!(get(served.address, "/").contains("The first page."));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_and_leaves_no_pages_behind() {
    let course = Course::new();
    let mut served = serve(&course, &[]);
    let _open_page = Events::open(served.address);
    served.running.signal(nix::sys::signal::Signal::SIGINT);
    assert!(served.running.end().success());
    let left: Vec<_> = fs::read_dir(course.path("target/wirelab"))
        .unwrap()
        .flatten()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_port_is_remembered_and_gives_way_where_it_is_taken() {
    let course = Course::new();
    let first = serve(&course, &[]);
    let port = first.address.port();
    let remembered: Value = serde_json::from_str(&course.read(".wirelab/serve.json")).unwrap();
    assert_eq!(remembered["port"], port);
    let second = serve(&course, &[]);
    assert_ne!(second.address.port(), port);
    assert!(get(second.address, "/").contains("The first page."));
}

#[cfg(target_os = "linux")]
#[test]
fn the_browser_is_opened() {
    use std::os::unix::fs::PermissionsExt as _;

    let course = Course::new();
    course.write(
        "browser",
        "#!/bin/sh\necho \"$1\" > opened.new\nmv opened.new opened\n",
    );
    fs::set_permissions(course.path("browser"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = course.spawn(&[]);
    command.env("BROWSER", course.path("browser"));
    let mut running = Running::start(command);
    let line = running.line("address", |line| line.contains("http://"));
    crate::course::wait_until("the browser is opened", || course.path("opened").exists());
    assert!(line.contains(course.read("opened").trim()));
}

#[test]
fn a_book_is_built_into_a_folder() {
    let course = Course::new();
    course
        .lab(&["book", "--dest", "pages"])
        .assert()
        .success()
        .stdout(contains("1 page in "));
    let page = fs::read_to_string(course.path("pages/one.html")).unwrap();
    assert!(page.contains("The first page."));
    assert!(
        !page.contains("_wirelab"),
        "only a served page has our script"
    );
}

#[test]
fn the_lint_names_a_mistake() {
    let course = Course::new();
    course.write(
        "book/src/one.md",
        "# One {#one}\n\n[nowhere](two.md)\n\n## Step 1 {#step-1}\n\n## Step 2 {#step-2}\n",
    );
    course
        .lab(&["lint"])
        .assert()
        .code(1)
        .stdout(contains("one.md"))
        .stdout(contains("mistake"));
    let findings = course.lab(&["lint", "--json"]).output().unwrap();
    let findings: Value = serde_json::from_slice(&findings.stdout).unwrap();
    assert_eq!(findings["version"], 1);
    assert!(
        findings["findings"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    course
        .lab(&["check", "--help"])
        .assert()
        .success()
        .stdout(contains("0 when all passed").and(contains("Exit codes")));
}
