//! The reference against Python's socket module: as its reader, as its sender, and between the two.
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_buffers-solution");

/// How much passes: far more than the buffers that are asked for.
const BYTES: usize = 3_000_000;

/// Accepts one client, reads a little at a time, and prints how much came and whether it was right.
const PYTHON_READER: &str = r#"
import socket
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
sockfd.listen(1)
print("%s:%d" % sockfd.getsockname(), flush=True)
connfd, addr = sockfd.accept()
connfd.settimeout(30)
room = bytearray(5000)
total, right = 0, True
while True:
    n = connfd.recv_into(room)
    if n == 0:
        break
    right = right and all(room[i] == (total + i) % 251 for i in range(n))
    total += n
connfd.close()
print(total, "right" if right else "wrong", flush=True)
"#;

/// Accepts one client and never reads; ends when its own input does.
const PYTHON_STALLED: &str = r#"
import socket, sys
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
sockfd.listen(1)
print("%s:%d" % sockfd.getsockname(), flush=True)
connfd, addr = sockfd.accept()
sys.stdin.read()
connfd.settimeout(30)
total = 0
while True:
    piece = connfd.recv(65536)
    if not piece:
        break
    total += len(piece)
print(total, flush=True)
"#;

/// Connects, sends a known pattern with sendall, and closes.
const PYTHON_SENDER: &str = r#"
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
sockfd.settimeout(30)
sockfd.connect((host, int(port)))
pattern = bytes(range(251))
count = int(sys.argv[2])
sockfd.sendall((pattern * (count // 251 + 1))[:count])
sockfd.close()
"#;

fn pattern() -> Vec<u8> {
    (0..251).cycle().take(BYTES).collect()
}

/// A program that ends with this value, whatever becomes of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(command: &mut Command) -> Running {
        let command = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running(command.spawn().expect("the program starts"))
    }

    fn first_line(&mut self) -> String {
        let mut line = String::new();
        // Byte by byte, so that nothing after the line is lost in a buffer.
        let out = self.0.stdout.take().expect("piped");
        let mut reader = BufReader::with_capacity(1, out);
        reader.read_line(&mut line).expect("a line of text");
        self.0.stdout = Some(reader.into_inner());
        line.trim_end().to_string()
    }

    fn output(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut out = self.0.stdout.take().expect("piped");
        out.read_to_end(&mut all).expect("readable to its end");
        all
    }

    fn text(&mut self) -> String {
        let output = self.output();
        String::from_utf8_lossy(&output).trim_end().to_string()
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        let mut out = self.0.stderr.take().expect("piped");
        out.read_to_string(&mut text).expect("text");
        text
    }
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

fn listening(program: &mut Running) -> String {
    let line = program.first_line();
    let addr = line.strip_prefix("listening ").expect("its first line");
    addr.to_string()
}

#[test]
fn sends_all_to_pythons_reader() {
    let Some(python) = python() else { return };
    let mut reader = Running::start(Command::new(python).args(["-c", PYTHON_READER]));
    let addr = reader.first_line();
    let mut sender = Running::start(Command::new(PROGRAM).args([
        "send",
        &addr,
        "--sndbuf",
        "65536",
        "--timeout",
        "30000",
    ]));
    let mut input = sender.0.stdin.take().expect("piped");
    input.write_all(&pattern()).expect("it reads its input");
    drop(input);
    assert_eq!(sender.text(), format!("sent {BYTES} bytes"));
    assert_eq!(reader.text(), format!("{BYTES} right"));
}

#[test]
fn says_how_much_a_stalled_python_reader_will_get() {
    let Some(python) = python() else { return };
    let mut reader = Running::start(Command::new(python).args(["-c", PYTHON_STALLED]));
    let addr = reader.first_line();
    let mut sender = Running::start(Command::new(PROGRAM).args([
        "send",
        &addr,
        "--sndbuf",
        "4096",
        "--timeout",
        "200",
        "--bytes",
        "3000000",
    ]));
    let error = sender.errors();
    let sent = error
        .strip_prefix("error: sent ")
        .and_then(|rest| rest.split(' ').next())
        .unwrap_or_else(|| panic!("{error}"));
    drop(reader.0.stdin.take());
    assert_eq!(reader.text(), sent);
}

#[test]
fn receives_all_from_pythons_sendall() {
    let Some(python) = python() else { return };
    let mut drain = Running::start(Command::new(PROGRAM).args(["drain", "--rcvbuf", "65536"]));
    let addr = listening(&mut drain);
    let count = BYTES.to_string();
    let mut sender =
        Running::start(Command::new(python).args(["-c", PYTHON_SENDER, &addr, &count]));
    assert!(
        drain.output() == pattern(),
        "what came differs from what was sent"
    );
    assert!(sender.0.wait().expect("it has ended").success());
}

#[test]
fn relays_between_pythons_sendall_and_its_reader() {
    let Some(python) = python() else { return };
    let mut reader = Running::start(Command::new(python).args(["-c", PYTHON_READER]));
    let to = reader.first_line();
    let mut relay = Running::start(Command::new(PROGRAM).args([
        "relay", "--to", &to, "--rcvbuf", "65536", "--sndbuf", "65536",
    ]));
    let addr = listening(&mut relay);
    let count = BYTES.to_string();
    let mut sender =
        Running::start(Command::new(python).args(["-c", PYTHON_SENDER, &addr, &count]));
    assert_eq!(reader.text(), format!("{BYTES} right"));
    assert_eq!(relay.text(), format!("copied {BYTES} bytes"));
    assert!(sender.0.wait().expect("it has ended").success());
}
