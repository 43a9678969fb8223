//! The reference against a sender and a receiver in Python, written from the chapter's byte table alone.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Partner, python};

const PROGRAM: &str = env!("CARGO_BIN_EXE_file-transfer-solution");

/// What both Python programs begin with: messages in and out.
const PYTHON_MESSAGES: &str = r#"
import os, socket, struct, sys, zlib
def exactly(sock, n):
    data = b""
    while len(data) < n:
        piece = sock.recv(n - len(data))
        if not piece:
            raise SystemExit("the stream ended after %d of %d bytes" % (len(data), n))
        data += piece
    return data
def message(sock):
    (n,) = struct.unpack(">I", exactly(sock, 4))
    return exactly(sock, n)
def say(sock, message):
    sock.sendall(struct.pack(">I", len(message)) + message)
"#;

/// Sends the content `argv[3]` random-looking bytes long under the name `argv[2]`, and prints the DONE.
const PYTHON_SENDER: &str = r#"
host, port = sys.argv[1].rsplit(":", 1)
name, size = sys.argv[2].encode(), int(sys.argv[3])
content = bytes(i * i % 251 for i in range(size))
sock = socket.create_connection((host, int(port)), timeout=30)
say(sock, struct.pack(">BQ", 1, size) + name)
answer = message(sock)
if answer[0] == 5:
    print("NO", answer[1:].decode())
else:
    assert answer == struct.pack(">BQI", 2, 0, 0), answer
    say(sock, struct.pack(">BQ", 3, 0))
    for at in range(0, size, 777):
        sock.sendall(content[at:at + 777])
    sock.sendall(struct.pack(">I", zlib.crc32(content)))
    kind, had, crc = struct.unpack(">BQI", message(sock))
    print(kind, had, crc == zlib.crc32(content))
sock.close()
"#;

/// Accepts one sender, takes one file into `argv[1]`, confirms it, and prints its name.
const PYTHON_RECEIVER: &str = r#"
listening = socket.create_server(("127.0.0.1", 0))
listening.settimeout(30)
print("%s:%d" % listening.getsockname(), flush=True)
sock, addr = listening.accept()
sock.settimeout(30)
offer = message(sock)
kind, size = struct.unpack(">BQ", offer[:9])
assert kind == 1, offer
say(sock, struct.pack(">BQI", 2, 0, 0))
assert message(sock) == struct.pack(">BQ", 3, 0)
content = exactly(sock, size)
(crc,) = struct.unpack(">I", exactly(sock, 4))
assert crc == zlib.crc32(content)
with open(sys.argv[1], "xb") as f:
    f.write(content)
say(sock, struct.pack(">BQI", 4, size, crc))
assert sock.recv(1) == b"", "more than a file came"
print(offer[9:].decode("utf-8").encode("unicode_escape").decode(), size)
"#;

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("file-transfer-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// The content that the Python sender makes.
fn content(size: u64) -> Vec<u8> {
    (0..size).map(|i| (i * i % 251) as u8).collect()
}

/// Receives from Python what it sends under `name`; what Python says of it, and whether we succeed.
fn receive_from_python(python: &str, dir: &Path, name: &str, size: u64) -> (String, bool) {
    let mut receiver = Partner::start(
        Command::new(PROGRAM)
            .args(["receive", "--once", "--dir"])
            .arg(dir),
    );
    let addr = receiver.address();
    let script = format!("{PYTHON_MESSAGES}{PYTHON_SENDER}");
    let mut sender = Partner::start(Command::new(python).env("PYTHONUTF8", "1").args([
        "-c",
        &script,
        &addr,
        name,
        &size.to_string(),
    ]));
    let said = sender.output();
    assert!(sender.succeeds());
    (said, receiver.succeeds())
}

#[test]
fn receives_what_python_sends() {
    let Some(python) = python() else { return };
    for (name, size) in [("图.png", 100_000), ("empty", 0)] {
        let dir = folder(&format!("in-{size}"));
        let (said, success) = receive_from_python(python, &dir, name, size);
        assert_eq!(said, format!("4 {size} True\n"));
        assert!(success);
        let stored = fs::read(dir.join(name)).expect("the file is there");
        assert!(stored == content(size), "{name}: other bytes were stored");
        assert_eq!(fs::read_dir(&dir).expect("readable").count(), 1);
    }
}

#[test]
fn python_hears_why_it_is_refused() {
    let Some(python) = python() else { return };
    let dir = folder("refused");
    let (said, success) = receive_from_python(python, &dir, "../x", 5);
    assert_eq!(said, "NO the name holds the separator /\n");
    assert!(!success);
    assert_eq!(fs::read_dir(&dir).expect("readable").count(), 0);
}

#[test]
fn sends_what_python_receives() {
    let Some(python) = python() else { return };
    let dir = folder("out");
    let (from, to) = (dir.join("from"), dir.join("to"));
    fs::write(&from, content(300_000)).expect("a file can be written");
    let script = format!("{PYTHON_MESSAGES}{PYTHON_RECEIVER}");
    let mut receiver = Partner::start(Command::new(python).args(["-c", &script]).arg(&to));
    let addr = receiver.line();
    let sender = Command::new(PROGRAM)
        .args(["send", &addr])
        .arg(&from)
        .args(["--as", "图.png"])
        .output()
        .expect("the program starts");
    assert!(sender.status.success());
    assert!(String::from_utf8_lossy(&sender.stdout).starts_with("sent \"图.png\", 300000 bytes"));
    assert_eq!(receiver.output(), "\\u56fe.png 300000\n");
    assert!(receiver.succeeds());
    assert!(fs::read(&to).expect("the file is there") == content(300_000));
}
