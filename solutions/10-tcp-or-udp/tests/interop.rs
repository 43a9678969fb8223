//! The reference against Python's socket and zlib modules: as its receiver and as its sender.
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tcp-or-udp-solution");

/// Receives a transfer, losing every third datagram, and prints whether it was right.
const PYTHON_RECEIVER: &str = r#"
import socket, struct, zlib
sockfd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
print("%s:%d" % sockfd.getsockname(), flush=True)
blocks, count = {}, 0
while True:
    data, addr = sockfd.recvfrom(2000)
    crc, kind, transfer, number = struct.unpack(">IBII", data[:13])
    assert crc == zlib.crc32(data[4:])
    count += 1
    if count % 3 == 0:
        continue
    if kind == 1:
        blocks[number] = data[13:]
    rest = struct.pack(">BII", 2, transfer, number)
    sockfd.sendto(struct.pack(">I", zlib.crc32(rest)) + rest, addr)
    if kind == 3:
        assert number == len(blocks)
        break
content = b"".join(blocks[n] for n in sorted(blocks))
print("right" if content == bytes(n % 251 for n in range(5000)) else "wrong", flush=True)
"#;

/// Sends 5000 bytes, each block twice.
const PYTHON_SENDER: &str = r#"
import socket, struct, sys, zlib
host, port = sys.argv[1].rsplit(":", 1)
sockfd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sockfd.settimeout(30)
content = bytes(n % 251 for n in range(5000))
blocks = [content[at:at + 1024] for at in range(0, 5000, 1024)]
datagrams = [(1, n, block) for n, block in enumerate(blocks)] + [(3, len(blocks), b"")]
for kind, number, block in datagrams:
    rest = struct.pack(">BII", kind, 77, number) + block
    for attempt in range(2 if kind == 1 else 1):
        sockfd.sendto(struct.pack(">I", zlib.crc32(rest)) + rest, (host, int(port)))
        answer, addr = sockfd.recvfrom(2000)
        ack = struct.pack(">BII", 2, 77, number)
        assert answer == struct.pack(">I", zlib.crc32(ack)) + ack
"#;

/// A program that ends with this value, whatever becomes of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(command: &mut Command) -> (Running, BufReader<ChildStdout>) {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        (Running(child), out)
    }
}

fn line(out: &mut impl BufRead) -> String {
    let mut line = String::new();
    out.read_line(&mut line).expect("a line of text");
    line.trim_end().to_string()
}

fn content() -> Vec<u8> {
    (0..251).cycle().take(5000).collect()
}

/// The name of Python here; says SKIPPED where there is none, and fails where it is required.
fn python() -> Option<&'static str> {
    let found = ["python3", "python"].into_iter().find(|name| {
        let version = Command::new(name).arg("--version").output();
        version.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
    });
    if found.is_none() {
        let required = std::env::var("WIRELAB_REQUIRE").unwrap_or_default();
        let is_required = required.split(',').any(|need| need.trim() == "python");
        assert!(
            !is_required,
            "WIRELAB_REQUIRE names python, and there is no python3 here"
        );
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("interop");
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED  {name}: there is no python3 here"
        );
    }
    found
}

/// A folder that vanishes with this value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("wirelab-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn sends_to_python_although_every_third_datagram_is_lost() {
    let Some(python) = python() else { return };
    let folder = Folder::new("sends-to-python");
    let file = folder.0.join("in");
    std::fs::write(&file, content()).expect("written");
    for window in ["1", "8"] {
        let (_python, mut out) = Running::start(Command::new(python).args(["-c", PYTHON_RECEIVER]));
        let addr = line(&mut out);
        let mut send = Command::new(PROGRAM);
        send.args(["send", &addr]).arg(&file);
        let (mut sender, _said) =
            Running::start(send.args(["--window", window, "--timeout", "50"]));
        assert_eq!(line(&mut out), "right");
        assert!(sender.0.wait().expect("it has ended").success());
    }
}

#[test]
fn receives_from_python_which_sends_everything_twice() {
    let Some(python) = python() else { return };
    let folder = Folder::new("receives-from-python");
    let file = folder.0.join("out");
    let mut receive = Command::new(PROGRAM);
    receive
        .args(["receive", "--linger", "20", "--out"])
        .arg(&file);
    let (mut receiver, mut out) = Running::start(&mut receive);
    let first = line(&mut out);
    let addr = first.strip_prefix("listening ").expect("its first line");
    let (mut sender, _) = Running::start(Command::new(python).args(["-c", PYTHON_SENDER, addr]));
    assert!(sender.0.wait().expect("it has ended").success());
    assert_eq!(line(&mut out), "received 5000 bytes");
    assert!(receiver.0.wait().expect("it has ended").success());
    assert!(std::fs::read(&file).expect("it is there") == content());
}
