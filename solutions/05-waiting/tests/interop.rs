//! The reference against Python's socket module, in both directions.
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_waiting-solution");

/// Twenty clients of one server: the first says nothing, one resets, the others are served in the
/// reverse order of their coming, and one of them pumps a megabyte by means of a selector.
const PYTHON_CLIENTS: &str = r#"
import selectors, socket, struct, sys
host, port = sys.argv[1].rsplit(":", 1)
crowd = [socket.create_connection((host, int(port)), timeout=30) for _ in range(20)]
crowd[7].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
crowd.pop(7).close()
for sockfd in reversed(crowd[2:]):
    sockfd.sendall(b"hello")
    assert sockfd.recv(5, socket.MSG_WAITALL) == b"hello"
data = bytes(range(256)) * 4001
sockfd = crowd[1]
sockfd.setblocking(False)
sel = selectors.DefaultSelector()
sel.register(sockfd, selectors.EVENT_READ | selectors.EVENT_WRITE)
sent, echo = 0, b""
while True:
    events = sel.select(timeout=30)
    assert events, "nothing moves"
    if events[0][1] & selectors.EVENT_READ:
        piece = sockfd.recv(10000)
        if not piece:
            break
        echo += piece
    if events[0][1] & selectors.EVENT_WRITE and sent < len(data):
        sent += sockfd.send(data[sent:sent + 10000])
        if sent == len(data):
            sockfd.shutdown(socket.SHUT_WR)
            sel.modify(sockfd, selectors.EVENT_READ)
print("same" if echo == data else "different: %d of %d bytes" % (len(echo), len(data)))
"#;

/// An echo that does one thing at a time, with small buffers, for one client.
const PYTHON_ECHO: &str = r#"
import socket
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.settimeout(30)
sockfd.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
sockfd.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
sockfd.bind(("127.0.0.1", 0))
sockfd.listen(1)
print("%s:%d" % sockfd.getsockname(), flush=True)
connfd, addr = sockfd.accept()
connfd.settimeout(30)
while True:
    data = connfd.recv(4096)
    if not data:
        break
    connfd.sendall(data)
connfd.close()
sockfd.close()
"#;

/// Answers one question, and greets first where it is told to; keeps the connection open until the
/// client leaves.
const PYTHON_ANSWERS: &str = r#"
import socket, sys
sockfd = socket.create_server(("127.0.0.1", 0))
sockfd.settimeout(30)
print("%s:%d" % sockfd.getsockname(), flush=True)
connfd, addr = sockfd.accept()
connfd.settimeout(30)
lines = connfd.makefile("rw", newline="\n")
if "greets" in sys.argv:
    lines.write("welcome\n")
    lines.flush()
for line in lines:
    lines.write(line.upper())
    lines.flush()
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
    fn start(command: &mut Command) -> Running {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
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
        let name = std::thread::current()
            .name()
            .unwrap_or("interop")
            .to_string();
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED  {name}: there is no python3 here"
        );
    }
    found
}

#[test]
fn serves_pythons_clients_in_any_order() {
    let Some(python) = python() else { return };
    for limit in [None, Some("20")] {
        let mut command = Command::new(PROGRAM);
        command.arg("serve");
        if let Some(limit) = limit {
            command.args(["--limit", limit]);
        }
        let mut server = Running::start(&mut command);
        let line = server.first_line();
        let addr = line.strip_prefix("listening ").expect("its first line");
        let mut clients = Running::start(Command::new(python).args(["-c", PYTHON_CLIENTS, addr]));
        let output = clients.output();
        assert_eq!(String::from_utf8_lossy(&output).trim_end(), "same");
    }
}

#[test]
fn pumps_through_pythons_echo() {
    let Some(python) = python() else { return };
    let mut server = Running::start(Command::new(python).args(["-c", PYTHON_ECHO]));
    let addr = server.first_line();
    let data: Vec<u8> = (0..=255).cycle().take(1_000_003).collect();
    let mut client =
        Running::start(Command::new(PROGRAM).args(["pump", &addr, "--buffers", "4096"]));
    let mut input = client.0.stdin.take().expect("piped");
    let bytes = data.clone();
    let typing = std::thread::spawn(move || input.write_all(&bytes));
    assert!(client.output() == data, "the echo differs from the input");
    typing
        .join()
        .expect("no panic")
        .expect("the client takes its input");
    assert!(client.0.wait().expect("it has ended").success());
}

#[test]
fn asks_pythons_servers_of_both_kinds() {
    let Some(python) = python() else { return };
    for (kind, flags, expected) in [
        ("waits", &[][..], "SOCKET\n"),
        ("greets", &["--greeted"][..], "welcome\nSOCKET\n"),
    ] {
        let mut server = Running::start(Command::new(python).args(["-c", PYTHON_ANSWERS, kind]));
        let addr = server.first_line();
        let mut client = Running::start(
            Command::new(PROGRAM)
                .args(["ask", &addr, "socket"])
                .args(flags),
        );
        assert_eq!(String::from_utf8_lossy(&client.output()), expected);
        assert!(client.0.wait().expect("it has ended").success());
    }
}
