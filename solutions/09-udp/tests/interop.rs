//! The reference against Python's socket module: as its client and as its server.
use std::process::Command;

use testkit::{Partner, python};

const PROGRAM: &str = env!("CARGO_BIN_EXE_udp-solution");

/// Receives with room for four bytes, and prints what `recvmsg` says: the length, whether it was cut,
/// and the bytes. Ends after as many datagrams as it is told.
const PYTHON_RECEIVER: &str = r#"
import socket, sys
sockfd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
print("%s:%d" % sockfd.getsockname(), flush=True)
for _ in range(int(sys.argv[1])):
    data, _, flags, addr = sockfd.recvmsg(4)
    print(len(data), bool(flags & socket.MSG_TRUNC), data, flush=True)
"#;

/// Sends an empty datagram, a binary one, one that is too long and one that is not.
const PYTHON_SENDER: &str = r#"
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
sockfd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for data in [b"", b"\x00\xff", b"abcdefgh", b"abcd"]:
    assert sockfd.sendto(data, (host, int(port))) == len(data)
print(sockfd.getsockname()[1])
sockfd.close()
"#;

/// A responder: the first request is lost, the second one's reply comes after the third's, the third's
/// comes twice, and somebody else answers everything as well.
const PYTHON_RESPONDER: &str = r#"
import socket
sockfd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
print("%s:%d" % sockfd.getsockname(), flush=True)
requests = []
for n in range(3):
    data, addr = sockfd.recvfrom(65535)
    requests.append(data)
    stranger.sendto(data, addr)
    sockfd.sendto(b"", addr)
for n in [2, 2, 1]:
    sockfd.sendto(requests[n], addr)
"#;

/// Answers one datagram with an empty one.
const PYTHON_ANSWER: &str = r#"
import socket
sockfd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
print("%s:%d" % sockfd.getsockname(), flush=True)
data, addr = sockfd.recvfrom(100)
assert data == b"anybody?"
sockfd.sendto(b"", addr)
"#;

/// Asks a server with `sendto`, and again with a connected socket: an empty datagram and the longest.
const PYTHON_CLIENT: &str = r#"
import os, socket, sys
host, port = sys.argv[1].rsplit(":", 1)
server = (host, int(port))
sockfd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sockfd.settimeout(30)
for data in [b"hello", b"", os.urandom(9000)]:
    sockfd.sendto(data, server)
    answer, addr = sockfd.recvfrom(65535)
    assert answer == data and addr == server, (answer, addr)
connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
connected.settimeout(30)
connected.connect(server)
for data in [b"hello", b""]:
    connected.send(data)
    assert connected.recv(65535) == data
print("right")
"#;

#[test]
fn receives_what_python_sends() {
    let Some(python) = python() else { return };
    let mut receiver =
        Partner::start(Command::new(PROGRAM).args(["receive", "--size", "4", "--count", "4"]));
    let addr = receiver.address();
    let port = Partner::start(Command::new(python).args(["-c", PYTHON_SENDER, &addr])).rest();
    let from = format!("127.0.0.1:{}", port.trim());
    assert_eq!(
        receiver.rest(),
        format!(
            "0 \"\" from {from}\n2 \"\\x00\\xff\" from {from}\n\
             4 \"abcd\" from {from}, the rest is gone\n4 \"abcd\" from {from}\n"
        )
    );
}

#[test]
fn sends_what_python_receives() {
    let Some(python) = python() else { return };
    let mut receiver = Partner::start(Command::new(python).args(["-c", PYTHON_RECEIVER, "3"]));
    let addr = receiver.address();
    let mut sender = Partner::start(Command::new(PROGRAM).args(["send", &addr]));
    sender.say("butterfly\n\ncat\n");
    assert_eq!(sender.rest(), "sent 9 bytes\nsent 0 bytes\nsent 3 bytes\n");
    assert_eq!(
        receiver.rest(),
        "4 True b'butt'\n0 False b''\n3 False b'cat'\n"
    );
}

#[test]
fn answers_python() {
    let Some(python) = python() else { return };
    let mut server = Partner::start(Command::new(PROGRAM).args(["serve"]));
    let addr = server.address();
    let mut client = Partner::start(Command::new(python).args(["-c", PYTHON_CLIENT, &addr]));
    assert_eq!(client.rest(), "right\n");
}

#[test]
fn pings_python() {
    let Some(python) = python() else { return };
    let mut responder = Partner::start(Command::new(python).args(["-c", PYTHON_RESPONDER]));
    let addr = responder.address();
    let args = ["ping", &addr, "--count", "3", "--interval", "20"];
    let mut ping = Partner::start(Command::new(PROGRAM).args(args).args(["--wait", "3000"]));
    let said = ping.rest();
    let lines: Vec<&str> = said
        .lines()
        .map(|line| line.split(" after ").next().unwrap_or(line))
        .collect();
    assert_eq!(
        lines,
        [
            "3 received",
            "3 duplicate",
            "2 received, out of order",
            "sent 3, received 2, lost 1, duplicates 1, out of order 1, late 0",
        ]
    );
    assert_eq!(responder.rest(), "");
}

#[test]
fn a_probe_is_answered_by_python() {
    let Some(python) = python() else { return };
    let mut responder = Partner::start(Command::new(python).args(["-c", PYTHON_ANSWER]));
    let addr = responder.address();
    let mut probe = Partner::start(Command::new(PROGRAM).args(["probe", &addr, "--wait", "30000"]));
    assert_eq!(probe.rest(), "answered\n");
    assert_eq!(responder.rest(), "");
}
