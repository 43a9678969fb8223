//! Chapter 14: one stream, and two programs that read it. They disagree about one field.
use std::process::ExitCode;

const STREAM: &str = "\
POST / HTTP/1.1\r\n\
Host: a\r\n\
Content-Length: 0\r\n\
Content-Length: 47\r\n\
\r\n\
GET /private HTTP/1.1\r\n\
Host: inside.example\r\n\
\r\n\
GET / HTTP/1.1\r\n\
Host: a\r\n\
\r\n";

// ANCHOR: readers
/// Which of several Content-Length fields a program goes by.
type Choice = fn(&[usize]) -> Option<usize>;

/// The request lines that a program finds in a stream.
fn requests(mut stream: &str, choose: Choice) -> Vec<&str> {
    let mut found = Vec::new();
    while let Some((head, rest)) = stream.split_once("\r\n\r\n") {
        let mut lines = head.lines();
        found.extend(lines.next());
        let lengths: Vec<usize> = lines
            .filter_map(|line| line.strip_prefix("Content-Length: "))
            .filter_map(|digits| digits.parse().ok())
            .collect();
        stream = rest.get(choose(&lengths).unwrap_or(0)..).unwrap_or("");
    }
    found
}
// ANCHOR_END: readers

fn main() -> ExitCode {
    let proxy: Choice = |lengths| lengths.last().copied();
    let server: Choice = |lengths| lengths.first().copied();
    println!(
        "the proxy, which goes by the last:   {:?}",
        requests(STREAM, proxy)
    );
    println!(
        "the server, which goes by the first: {:?}",
        requests(STREAM, server)
    );
    ExitCode::SUCCESS
}
