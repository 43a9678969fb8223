//! The reference asks real servers: Python's http.server and nginx. What it brings home is compared,
//! byte for byte, with the file on the server and with what curl brings.
//!
//! Each is looked for on PATH and said to be SKIPPED where it is missing, unless WIRELAB_REQUIRE names
//! it: `python`, `nginx`, `curl`. What was tried is printed as a table.
#[path = "../../14-http-serve/tests/support/nginx.rs"]
mod nginx;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{Need, need};

/// A handler of Python's, with two pages that its own do not have: one that comes after interim
/// responses and without a length, and one that comes in chunks.
const PYTHON_HANDLER: &str = r#"
import functools, http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = sys.argv[2]
    def do_GET(self):
        way, _, name = self.path[1:].partition("/")
        if way not in ("close", "chunks"):
            return super().do_GET()
        data = open(sys.argv[1] + "/" + name, "rb").read()
        if way == "close":
            self.send_response_only(103)
            self.send_header("Link", "</style.css>")
            self.end_headers()
        self.send_response(200)
        self.send_header("Transfer-Encoding" if way == "chunks" else "Connection", "chunked" if way == "chunks" else "close")
        self.end_headers()
        if way == "close":
            return self.wfile.write(data)
        for at in range(0, len(data), 1000):
            piece = data[at:at + 1000]
            self.wfile.write(b"%x;at=%d\r\n%s\r\n" % (len(piece), at, piece))
        self.wfile.write(b"0\r\nSum: none\r\n\r\n")
handler = functools.partial(Handler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print("Serving HTTP on 127.0.0.1 port %d" % server.server_port, flush=True)
server.serve_forever()
"#;

/// A program that ends with this value, whatever becomes of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a program has printed, and its exit code.
struct Done {
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

/// Runs a program to its end, which is not farther than a minute away.
fn run(scratch: &Path, program: &str, args: &[&str]) -> Done {
    let (out, err) = (scratch.join("out"), scratch.join("err"));
    let file = |path: &Path| File::create(path).expect("a file");
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    command.stdout(file(&out)).stderr(file(&err));
    let mut running = Running(command.spawn().expect("it can be run"));
    let until = Instant::now() + Duration::from_secs(60);
    let status = loop {
        match running.0.try_wait().expect("a child") {
            Some(status) => break status,
            None => assert!(
                Instant::now() < until,
                "{program} {args:?} has not ended: {}",
                String::from_utf8_lossy(&fs::read(&err).expect("a file"))
            ),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Done {
        code: status.code(),
        stdout: fs::read(&out).expect("a file"),
        stderr: String::from_utf8_lossy(&fs::read(&err).expect("a file")).into_owned(),
    }
}

/// The first line of what a program says of itself.
fn version(program: &str, flag: &str) -> String {
    let output = Command::new(program).arg(flag).output();
    let output = output.expect("it can be run");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().next().unwrap_or_default().trim().to_string()
}

/// A site in a scratch folder: what is empty, small, long, not text, and has a name that needs escapes.
struct Site {
    scratch: tempfile::TempDir,
    /// Where curl is missing, what came is compared with the files alone.
    has_curl: bool,
}

/// Each file of the site: its name in a URL, and what is in it.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let lines = |n: u32| -> Vec<u8> {
        (1..=n)
            .flat_map(|n| format!("line {n}\r\n").into_bytes())
            .collect()
    };
    // No byte is like the one before, and every pair of bytes comes: empty lines and chunks' ends, too.
    let bytes = (0..3_000_000_u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 37) as u8);
    vec![
        ("empty.txt", Vec::new()),
        ("one.txt", b"\n".to_vec()),
        ("page.txt", lines(40)),
        ("long.txt", lines(60_000)),
        ("picture.bin", bytes.collect()),
        ("%E7%B2%98%20%23.txt", b"sticky".to_vec()),
        ("folder/index.html", b"<p>within</p>\n".to_vec()),
    ]
}

impl Site {
    fn new() -> Site {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let root = scratch.path().join("root");
        fs::create_dir_all(root.join("folder")).expect("a folder");
        for (name, bytes) in files() {
            let name = name.replace("%E7%B2%98%20%23", "\u{7c98} #");
            fs::write(root.join(name), bytes).expect("a file");
        }
        Site {
            scratch,
            has_curl: need(Need::Curl),
        }
    }

    fn root(&self) -> String {
        self.scratch.path().join("root").display().to_string()
    }

    fn ours(&self, args: &[&str]) -> Done {
        let args = [&["get"], args].concat();
        run(
            self.scratch.path(),
            env!("CARGO_BIN_EXE_http-get-solution"),
            &args,
        )
    }

    /// What curl prints; nothing where there is none.
    fn curl(&self, args: &[&str]) -> Option<Done> {
        let common = [
            "-q",
            "-sS",
            "--noproxy",
            "*",
            "--max-time",
            "30",
            "--path-as-is",
        ];
        self.has_curl
            .then(|| run(self.scratch.path(), "curl", &[&common[..], args].concat()))
    }

    /// Fetches `url` into a file, which holds `expected` then, as what curl fetches does. Returns how
    /// the body was framed and coded, in the words of `-v`.
    fn fetches(&self, url: &str, words: &[&str], expected: &[u8]) -> String {
        let file = self.scratch.path().join("fetched");
        let path = file.display().to_string();
        let done = self.ours(&[&[url, "-v", "-o", &path], words].concat());
        assert_eq!(done.code, Some(0), "{url}: {}", done.stderr);
        let got = fs::read(&file).expect("the file that was asked for");
        assert!(
            got == expected,
            "{url} {words:?}: {} bytes, and others",
            got.len()
        );
        assert_eq!(done.stdout, b"", "{url}: the body goes to the file alone");
        fs::remove_file(&file).expect("it is there");
        let compressed: &[&str] = match words.contains(&"--gzip") {
            true => &["--compressed"],
            false => &[],
        };
        if let Some(curl) = self.curl(&[&["-L", url], compressed].concat()) {
            assert!(curl.stdout == expected, "{url}: curl has other bytes");
        }
        let body = done
            .stderr
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("* body: "));
        body.expect("-v says how the body was framed").to_string()
    }

    /// Every file, and what a server that serves a folder has to answer beside.
    fn fetches_all(&self, base: &str) -> String {
        let mut framings = Vec::new();
        for (name, bytes) in files() {
            framings.push(self.fetches(&format!("{base}/{name}"), &[], &bytes));
        }
        // A folder without its slash leads to the one with it, and that to its index.
        framings.push(self.fetches(&format!("{base}/folder"), &[], b"<p>within</p>\n"));
        let dotted = format!("{base}/folder/../page.txt?x=1#part");
        framings.push(self.fetches(&dotted, &[], &files()[2].1));
        self.heads(&format!("{base}/page.txt"));
        self.is_missing(&format!("{base}/missing"));
        let lengths = framings
            .iter()
            .all(|framing| framing.starts_with("length "));
        assert!(lengths, "{framings:?}");
        format!("{} files by length, HEAD, redirect, 404", framings.len())
    }

    /// The fields that HEAD brings are those that curl prints.
    fn heads(&self, url: &str) {
        let done = self.ours(&[url, "--head"]);
        assert_eq!(done.code, Some(0), "{url}: {}", done.stderr);
        let fields = |text: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(text).into_owned();
            let fields = text.lines().skip(1).filter_map(|line| line.split_once(':'));
            let fields =
                fields.map(|(name, value)| format!("{}: {}", name.to_lowercase(), value.trim()));
            // The date may be another second's; the connection is as the client asked.
            fields
                .filter(|line| !line.starts_with("date:") && !line.starts_with("connection:"))
                .collect()
        };
        let own = fields(&done.stdout);
        let length = format!("content-length: {}", files()[2].1.len());
        assert!(own.contains(&length), "{own:?}");
        if let Some(curl) = self.curl(&["-I", url]) {
            assert_eq!(own, fields(&curl.stdout), "{url}: ours, curl's");
        }
    }

    /// A page that is not there: its body is printed, and the exit code says that it is no page.
    fn is_missing(&self, url: &str) {
        let done = self.ours(&[url]);
        assert_eq!(done.code, Some(3), "{url}: {}", done.stderr);
        assert!(done.stderr.contains("404"), "{}", done.stderr);
        if let Some(curl) = self.curl(&[url]) {
            assert!(done.stdout == curl.stdout, "{url}: curl has another body");
        }
    }

    /// One row of the table, past libtest's capture.
    fn tried(&self, server: &str, what: &str) {
        let beside = match self.has_curl {
            true => version("curl", "--version"),
            false => "no curl".into(),
        };
        let beside = beside.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let mut row = String::new();
        let _ = write!(row, "TRIED  {server:<28}  {beside:<12}  {what}");
        let _ = writeln!(std::io::stderr(), "{row}");
    }
}

fn python() -> &'static str {
    let runs = |name: &&str| {
        let output = Command::new(name).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = ["python3", "python"].into_iter().find(runs);
    found.expect("need() has found one")
}

/// Starts a server of Python's, and reads its address from its first line.
fn python_server(args: &[&str]) -> (Running, String) {
    let mut command = Command::new(python());
    command.arg("-u").args(args).stdin(Stdio::null());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut running = Running(child.expect("it can be run"));
    let mut line = String::new();
    let mut out = BufReader::new(running.0.stdout.take().expect("piped"));
    out.read_line(&mut line).expect("a line of text");
    let port = line
        .split("port ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    let port = port.unwrap_or_else(|| panic!("no port in {line:?}"));
    (running, format!("http://127.0.0.1:{port}"))
}

#[test]
fn pythons_module_serves_a_folder() {
    if !need(Need::Python) {
        return;
    }
    let site = Site::new();
    let root = site.root();
    let words = [
        "-m",
        "http.server",
        "0",
        "--bind",
        "127.0.0.1",
        "--directory",
        &root,
    ];
    let (_server, base) = python_server(&words);
    let what = site.fetches_all(&base);
    let server = format!("{}, -m http.server", version(python(), "--version"));
    site.tried(&server, &format!("HTTP/1.0: {what}"));
}

#[test]
fn pythons_handler_sends_chunks_interim_responses_and_no_length() {
    if !need(Need::Python) {
        return;
    }
    let site = Site::new();
    let (_server, base) = python_server(&["-c", PYTHON_HANDLER, &site.root(), "HTTP/1.1"]);
    let what = site.fetches_all(&base);
    for (name, bytes) in files() {
        if name.starts_with('%') {
            continue;
        }
        let framing = site.fetches(&format!("{base}/close/{name}"), &[], &bytes);
        assert_eq!(framing, "close, identity");
        let framing = site.fetches(&format!("{base}/chunks/{name}"), &[], &bytes);
        assert_eq!(framing, "chunked, identity");
    }
    let server = format!("{}, handler", version(python(), "--version"));
    let more = "103, close, chunks with extensions and a trailer";
    site.tried(&server, &format!("HTTP/1.1: {what}, {more}"));
}

#[test]
fn nginx_serves_compresses_and_redirects() {
    if !need(Need::Nginx) {
        return;
    }
    let site = Site::new();
    let root = site.root();
    let serves = format!(
        "root {root}; index index.html;
         location /packed/ {{ alias {root}/; gzip on; gzip_types *; gzip_min_length 0; }}
         location /made/ {{ alias {root}/; ssi on; ssi_types *; }}
         location = /nothing {{ return 204; }}
         location = /moved {{ return 301 packed/page.txt; }}
         location = /there {{ return 308 http://$host:$server_port/folder/../moved; }}
         location = /circle {{ return 302 /circle; }}
         location = /broken {{ return 500 oops; }}"
    );
    let (child, addr) = nginx::start(&site.scratch.path().join("nginx"), &serves);
    let (_server, base) = (Running(child), format!("http://{addr}"));
    let what = site.fetches_all(&base);

    let (mut chunked, mut packed) = (0, 0);
    for (name, bytes) in files() {
        // What nginx makes while it sends has no length, and so it comes in chunks.
        let made = site.fetches(&format!("{base}/made/{name}"), &[], &bytes);
        chunked += usize::from(made == "chunked, identity");
        let url = format!("{base}/packed/{name}");
        let plain = site.fetches(&url, &[], &bytes);
        assert_eq!(plain, format!("length {}, identity", bytes.len()), "{name}");
        packed += usize::from(site.fetches(&url, &["--gzip"], &bytes) == "chunked, gzip");
    }
    assert!(
        chunked >= 5 && packed >= 5,
        "{chunked} chunked, {packed} packed"
    );

    let page = &files()[2].1;
    site.fetches(&format!("{base}/there"), &[], page);
    assert_eq!(
        site.fetches(&format!("{base}/there"), &["--gzip"], page),
        "chunked, gzip"
    );
    assert_eq!(
        site.fetches(&format!("{base}/nothing"), &[], b""),
        "none, identity"
    );
    let circle = site.ours(&[&format!("{base}/circle")]);
    assert_eq!(circle.code, Some(1), "{}", circle.stderr);
    assert!(
        circle.stderr.contains("more than 5 redirects"),
        "{}",
        circle.stderr
    );
    if let Some(curl) = site.curl(&["-L", "--max-redirs", "5", &format!("{base}/circle")]) {
        assert_eq!(curl.code, Some(47), "curl gives up, too: {}", curl.stderr);
    }
    let oops = site.ours(&[&format!("{base}/broken")]);
    assert_eq!(
        (oops.code, &oops.stdout[..]),
        (Some(3), &b"oops"[..]),
        "{}",
        oops.stderr
    );
    let more = format!("{chunked} in chunks, {packed} compressed, 204, 301 and 308, a circle, 500");
    site.tried(
        &version("nginx", "-v"),
        &format!("HTTP/1.1: {what}, {more}"),
    );
}
