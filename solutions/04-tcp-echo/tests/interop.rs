//! The reference against Python's socket module, in both directions.
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tcp-echo-solution");

/// Connects, sends every byte value many times while it receives, half-closes, and compares.
const PYTHON_CLIENT: &str = r#"
import socket, sys, threading
host, port = sys.argv[1].rsplit(":", 1)
data = bytes(range(256)) * 4001
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.settimeout(30)
sockfd.connect((host, int(port)))
def send():
    sockfd.sendall(data)
    sockfd.shutdown(socket.SHUT_WR)
sender = threading.Thread(target=send)
sender.start()
echo = b""
while True:
    piece = sockfd.recv(10000)
    if not piece:
        break
    echo += piece
sender.join()
sockfd.close()
print("same" if echo == data else "different: %d of %d bytes" % (len(echo), len(data)))
"#;

/// Accepts one client, reads to the end of its stream, and only then answers with the reverse.
const PYTHON_SERVER: &str = r#"
import socket
sockfd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
sockfd.settimeout(30)
sockfd.bind(("127.0.0.1", 0))
sockfd.listen(1)
print("%s:%d" % sockfd.getsockname(), flush=True)
connfd, addr = sockfd.accept()
connfd.settimeout(30)
data = b""
while True:
    piece = connfd.recv(10000)
    if not piece:
        break
    data += piece
connfd.sendall(data[::-1])
connfd.close()
sockfd.close()
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
fn echoes_to_pythons_client() {
    let Some(python) = python() else { return };
    let mut server = Running::start(Command::new(PROGRAM).arg("serve"));
    let line = server.first_line();
    let addr = line.strip_prefix("listening ").expect("its first line");
    for _ in 0..2 {
        let mut client = Running::start(Command::new(python).args(["-c", PYTHON_CLIENT, addr]));
        let output = client.output();
        assert_eq!(String::from_utf8_lossy(&output).trim_end(), "same");
    }
}

#[test]
fn hears_the_answer_of_pythons_server_after_its_half_close() {
    let Some(python) = python() else { return };
    let mut server = Running::start(Command::new(python).args(["-c", PYTHON_SERVER]));
    let addr = server.first_line();
    let data: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut client = Running::start(Command::new(PROGRAM).args(["connect", &addr]));
    let mut input = client.0.stdin.take().expect("piped");
    input.write_all(&data).expect("the client takes its input");
    drop(input);
    let reversed: Vec<u8> = data.into_iter().rev().collect();
    assert!(
        client.output() == reversed,
        "the answer differs from what the server sent"
    );
    assert!(client.0.wait().expect("it has ended").success());
}
