//! The reference against Python's socket module, in both directions.
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hangup-solution");

/// Sends a request and much that nobody asked for, reads the answer to its end, and half-closes.
const PYTHON_CLIENT: &str = r#"
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.settimeout(30)
sockfd.connect((host, int(port)))
sockfd.sendall(b"hello\n" + b"x" * 300000)
answer = b""
while True:
    piece = sockfd.recv(10000)
    if not piece:
        break
    answer += piece
sockfd.sendall(b"more")
sockfd.shutdown(socket.SHUT_WR)
print(answer.decode(), end="")
print(sockfd.recv(10))
sockfd.close()
"#;

/// Accepts three clients: closes the first one's connection, leaves a byte of the second unread and
/// closes, and half-closes to the third and prints what it sends.
const PYTHON_SERVER: &str = r#"
import socket
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
sockfd.listen(3)
print("%s:%d" % sockfd.getsockname(), flush=True)
connfd, addr = sockfd.accept()
connfd.close()
connfd, addr = sockfd.accept()
connfd.settimeout(30)
connfd.recv(1, socket.MSG_PEEK)
connfd.close()
connfd, addr = sockfd.accept()
connfd.settimeout(30)
connfd.shutdown(socket.SHUT_WR)
data = b""
while True:
    piece = connfd.recv(100)
    if not piece:
        break
    data += piece
print(data)
connfd.close()
sockfd.close()
"#;

/// Connects to a server, does what Python's names for the errors are asked for, and prints them.
const PYTHON_ERRORS: &str = r#"
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.settimeout(30)
sockfd.connect((host, int(port)))
sockfd.shutdown(socket.SHUT_WR)
print(sockfd.recv(10))
try:
    sockfd.send(b"hello")
except OSError as error:
    print(type(error).__name__)
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

    fn line(&mut self) -> String {
        let mut line = String::new();
        // Byte by byte, so that nothing after the line is lost in a buffer.
        let out = self.0.stdout.take().expect("piped");
        let mut reader = BufReader::with_capacity(1, out);
        reader.read_line(&mut line).expect("a line of text");
        self.0.stdout = Some(reader.into_inner());
        line.trim_end().to_string()
    }

    /// All lines to the end of its output.
    fn lines(&mut self) -> Vec<String> {
        let mut all = String::new();
        let mut out = self.0.stdout.take().expect("piped");
        out.read_to_string(&mut all).expect("text to its end");
        all.lines().map(String::from).collect()
    }

    /// Types all of it, ends its input, and returns what it prints.
    fn told(&mut self, input: &str) -> Vec<String> {
        let mut stdin = self.0.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        self.lines()
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
fn pythons_client_gets_the_whole_answer_and_no_reset() {
    let Some(python) = python() else { return };
    let mut server = Running::start(Command::new(PROGRAM).args(["serve", "--timeout", "60"]));
    let line = server.line();
    let addr = line.strip_prefix("listening ").expect("its first line");
    for _ in 0..3 {
        let mut client = Running::start(Command::new(python).args(["-c", PYTHON_CLIENT, addr]));
        assert_eq!(client.lines(), ["your request has 6 bytes", "b''"]);
        assert!(server.line().starts_with("client "));
        for line in [
            "request 6 bytes",
            "sent 25 bytes",
            "half-closed",
            "drained 300004 bytes",
            "end",
        ] {
            assert_eq!(server.line(), line);
        }
    }
}

#[test]
fn pythons_names_for_an_end_and_a_broken_pipe() {
    let Some(python) = python() else { return };
    let mut server = Running::start(Command::new(PROGRAM).arg("answer"));
    let line = server.line();
    let addr = line.strip_prefix("listening ").expect("its first line");
    let mut client = Running::start(Command::new(python).args(["-c", PYTHON_ERRORS, addr]));
    assert_eq!(client.lines(), ["b''", "BrokenPipeError"]);
    assert_eq!(server.lines(), ["end"]);
}

#[test]
fn says_how_pythons_server_leaves() {
    let Some(python) = python() else { return };
    let mut server = Running::start(Command::new(python).args(["-c", PYTHON_SERVER]));
    let addr = server.line();
    let drive = || Running::start(Command::new(PROGRAM).args(["drive", &addr]));
    let mut program = Running::start(Command::new(PROGRAM).args(["watch", &addr]));
    assert_eq!(program.lines(), ["connected", "end"]);
    assert_eq!(
        drive().told("write a\nread\nread\n"),
        ["connected", "sent 2 bytes", "reset", "end"]
    );
    assert_eq!(
        drive().told("read\nwrite a\nwrite b\n"),
        ["connected", "end", "sent 2 bytes", "sent 2 bytes"]
    );
    assert_eq!(server.lines(), ["b'a\\nb\\n'"]);
    assert!(server.0.wait().expect("it has ended").success());
    let mut program = Running::start(Command::new(PROGRAM).args(["knock", &addr]));
    assert_eq!(program.lines(), ["refused"]);
}
