//! Chapter 13: a small server of pages that go wrong in every way, for a client to be tried on. It
//! answers whatever asks, and ends with a signal.
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening {}", listener.local_addr()?);
    for client in listener.incoming() {
        // A client that hangs up is not the end of the server.
        let _ = serve(client?);
    }
    Ok(())
}

// ANCHOR: serve
fn serve(client: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    println!("{}", line.trim_end());
    // The fields are read to the empty line, and forgotten.
    let mut field = String::new();
    while reader.read_line(&mut field)? > 2 {
        field.clear();
    }
    let mut words = line.split(' ');
    let is_head = words.next() == Some("HEAD");
    let (head, body) = page(words.next().unwrap_or_default());
    let mut client = reader.into_inner();
    client.write_all(head.as_bytes())?;
    client.write_all(b"\r\n")?;
    if !is_head {
        client.write_all(body.as_bytes())?;
    }
    Ok(())
}
// ANCHOR_END: serve

/// The head, without the empty line, and the body.
fn page(path: &str) -> (&'static str, &'static str) {
    match path {
        "/" => (
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n",
            "hello\n",
        ),
        "/chunked" => (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
            "2;note=first\r\nhe\r\n4\r\nllo\n\r\n0\r\nChecked: yes\r\n\r\n",
        ),
        "/close" => ("HTTP/1.0 200 OK\r\n", "hello\n"),
        "/early" => (
            "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 6\r\n",
            "hello\n",
        ),
        "/folded" => (
            "HTTP/1.1 200 OK\r\nWarning: this line\r\n   goes on\r\nContent-Length:\r\n 6\r\n",
            "hello\n",
        ),
        "/more" => (
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n",
            "hello\nand more\n",
        ),
        "/cut" => ("HTTP/1.1 200 OK\r\nContent-Length: 600\r\n", "hello\n"),
        "/two" => (
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 5\r\n",
            "hello\n",
        ),
        "/packed" => (
            "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 9\r\n",
            "\x0b\x02\0hello\n",
        ),
        "/empty" => ("HTTP/1.1 204 No Content\r\n", ""),
        "/old/moved" => (
            "HTTP/1.1 302 Found\r\nLocation: ../\r\nContent-Length: 0\r\n",
            "",
        ),
        "/circle" => (
            "HTTP/1.1 302 Found\r\nLocation: circle\r\nContent-Length: 0\r\n",
            "",
        ),
        "/away" => (
            "HTTP/1.1 301 Moved Permanently\r\nLocation: https://example.org/\r\n",
            "",
        ),
        _ => (
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n",
            "There is no page\n",
        ),
    }
}
