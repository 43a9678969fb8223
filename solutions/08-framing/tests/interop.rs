//! The reference against Python's socket and struct modules, in both directions.
use std::process::Command;

use testkit::{Partner, python};

const PROGRAM: &str = env!("CARGO_BIN_EXE_framing-solution");

/// Connects, frames each argument with `struct.pack`, and sends the stream in pieces of 3 bytes.
const PYTHON_SENDER: &str = r#"
import socket, struct, sys
host, port = sys.argv[1].rsplit(":", 1)
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.settimeout(30)
sockfd.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
sockfd.connect((host, int(port)))
messages = [b"hello", b"", "\u7c98\u5305".encode(), b"\x00\xff", b"x" * 65536]
stream = b"".join(struct.pack(">I", len(m)) + m for m in messages)
for at in range(0, 60, 3):
    sockfd.sendall(stream[at:at + 3])
sockfd.sendall(stream[60:])
sockfd.close()
"#;

/// Accepts one client, and prints each framed message: its length and its bytes in hexadecimal.
const PYTHON_RECEIVER: &str = r#"
import socket, struct
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
sockfd.listen(1)
print("%s:%d" % sockfd.getsockname(), flush=True)
connfd, addr = sockfd.accept()
connfd.settimeout(30)
def exactly(n):
    data = b""
    while len(data) < n:
        piece = connfd.recv(n - len(data))
        if not piece:
            return None
        data += piece
    return data
while True:
    prefix = exactly(4)
    if prefix is None:
        break
    (n,) = struct.unpack(">I", prefix)
    print(n, exactly(n).hex())
print("end")
"#;

/// Accepts one client, and prints what `readline` says of each line.
const PYTHON_LINES: &str = r#"
import socket
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
sockfd.listen(1)
print("%s:%d" % sockfd.getsockname(), flush=True)
connfd, addr = sockfd.accept()
connfd.settimeout(30)
for line in connfd.makefile("rb"):
    print(line)
"#;

#[test]
fn receives_what_python_has_packed() {
    let Some(python) = python() else { return };
    let mut receiver = Partner::start(Command::new(PROGRAM).arg("receive"));
    let addr = receiver.address();
    let mut sender = Partner::start(Command::new(python).args(["-c", PYTHON_SENDER, &addr]));
    let expected = format!(
        "5 \"hello\"\n0 \"\"\n6 \"粘包\"\n2 \"\\x00\\xff\"\n65536 \"{}\"\nend after 5 messages\n",
        "x".repeat(65536)
    );
    assert!(receiver.output() == expected, "other messages came");
    assert!(receiver.succeeds());
    assert!(sender.succeeds());
}

#[test]
fn sends_what_python_unpacks() {
    let Some(python) = python() else { return };
    let mut receiver = Partner::start(Command::new(python).args(["-c", PYTHON_RECEIVER]));
    let addr = receiver.line();
    let mut sender = Partner::start(Command::new(PROGRAM).args(["send", &addr]));
    sender.say("hello\n\n粘包\n\\x00\\xff\\n\n");
    assert_eq!(
        receiver.output(),
        "5 68656c6c6f\n0 \n6 e7b298e58c85\n3 00ff0a\nend\n"
    );
    assert!(sender.succeeds());
}

#[test]
fn sends_lines_that_python_reads() {
    let Some(python) = python() else { return };
    let mut receiver = Partner::start(Command::new(python).args(["-c", PYTHON_LINES]));
    let addr = receiver.line();
    let mut sender =
        Partner::start(Command::new(PROGRAM).args(["send", &addr, "--cure", "delimiter"]));
    sender.say("hello\n\nbye\n");
    assert_eq!(
        receiver.output(),
        "b'hello\\r\\n'\nb'\\r\\n'\nb'bye\\r\\n'\n"
    );
    assert!(sender.succeeds());
}
