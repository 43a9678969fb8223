//! The reference as a child of a test, and connections to it.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A program that ends with this value, whatever becomes of the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the reference, and reads the address from its first line.
pub fn serve(root: &Path, more: &[&str]) -> (Running, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_http-serve-solution"));
    command.arg("serve").arg("--root").arg(root).args(more);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(child.spawn().expect("the program starts"));
    let mut line = String::new();
    let out = running.0.stdout.take().expect("piped");
    let mut reader = BufReader::new(out);
    reader.read_line(&mut line).expect("a line of text");
    let addr = line.trim_end().strip_prefix("listening ");
    let addr = addr.expect("its first line").parse().expect("an address");
    (running, addr)
}

/// Connects, for a test that never waits longer than half a minute.
pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("it listens");
    let patience = Some(Duration::from_secs(30));
    stream.set_read_timeout(patience).expect("a timeout");
    stream
}

/// An answer: its head as text, and its body.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let mut fields = lines.filter_map(|line| line.split_once(':'));
        let field = fields.find(|(other, _)| other.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.trim())
    }
}

/// Reads one answer to a request with this method, and no byte behind it; `None` when the stream has
/// ended, in whatever way.
pub fn answer(stream: &mut TcpStream, method: &str) -> Option<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut answer = Answer {
        status,
        head,
        body: Vec::new(),
    };
    let length = answer.field("Content-Length").map(str::parse::<usize>);
    let has_body = method != "HEAD" && !matches!(status, 100..=199 | 204 | 304);
    if has_body {
        answer.body = vec![0; length?.ok()?];
        stream.read_exact(&mut answer.body).ok()?;
    }
    Some(answer)
}

/// Past libtest's capture: what was tried, for whoever reads the log.
pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "TRIED  {what}");
}
