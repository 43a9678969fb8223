//! Chapter 13: a page request in six steps, with the bytes of each. The client and the server are two
//! threads, and only the sockets between them carry anything.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

fn main() {
    let by_target = |host: &str| {
        format!("GET /list?page=2&size=3 HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n")
    };
    let by_body = |host: &str| {
        let body = "page=2&size=3";
        let length = body.len();
        format!(
            "POST /list HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    match std::env::args().nth(1).as_deref() {
        Some("post") => request(by_body),
        _ => request(by_target),
    }
}

/// The six steps, one after the other.
fn request(make: impl Fn(&str) -> String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("its address");
    let (done, server_is_done) = mpsc::channel();
    thread::spawn(move || {
        let (client, _) = listener.accept().expect("a client");
        serve(client);
        // So that the lines of the two threads do not mix.
        done.send(()).expect("the client waits for it");
    });

    let request = make(&addr.to_string());
    println!("1  The client makes a request:");
    show(&request);
    println!(
        "2  The client connects and sends it: {} bytes over TCP.",
        request.len()
    );
    let mut socket = TcpStream::connect(addr).expect("it listens");
    socket.write_all(request.as_bytes()).expect("it is there");

    server_is_done.recv().expect("the server answers");
    let mut response = String::new();
    socket.read_to_string(&mut response).expect("text");
    let (head, body) = response.split_once("\r\n\r\n").expect("an empty line");
    let mut lines = head.split("\r\n");
    println!("6  The client takes the response apart, and shows it:");
    println!("     status line   {}", lines.next().unwrap_or_default());
    for line in lines {
        println!("     field         {line}");
    }
    println!("     body          {} bytes, without its tags:", body.len());
    for line in body
        .lines()
        .map(without_tags)
        .filter(|line| !line.is_empty())
    {
        println!("                   {line}");
    }
}

fn serve(client: TcpStream) {
    let mut reader = BufReader::new(client);
    let (mut parameters, mut length) = (String::new(), 0);
    println!("3  The server receives it and takes it apart:");
    for n in 0.. {
        let mut line = String::new();
        reader.read_line(&mut line).expect("text");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if n > 0 {
            println!("     field         {line}");
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.parse().expect("a number");
            }
            continue;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let (path, query) = words[1].split_once('?').unwrap_or((words[1], ""));
        parameters = query.to_string();
        println!(
            "     request line  method {}, path {path}, version {}",
            words[0], words[2]
        );
    }
    if length > 0 {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the body");
        parameters = String::from_utf8_lossy(&body).into_owned();
        println!("     body          {length} bytes");
    }
    println!("     parameters    {}", parameters.replace('&', ", "));

    let number = |name: &str| -> u32 {
        let mut pairs = parameters
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(key, _)| *key == name);
        found.and_then(|(_, value)| value.parse().ok()).unwrap_or(1)
    };
    let (page, size) = (number("page"), number("size"));
    let items: Vec<u32> = ((page - 1) * size + 1..=page * size).collect();
    println!("4  The server fetches what is asked for: items {items:?}.");
    let mut html = format!("<h1>Page {page}</h1>\n<ul>\n");
    for item in items {
        html += &format!("<li>item {item}</li>\n");
    }
    html += "</ul>\n";
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{html}",
        html.len()
    );
    println!(
        "5  The server makes a response of it and sends it: {} bytes.",
        response.len()
    );
    show(&response);
    let mut client = reader.into_inner();
    client.write_all(response.as_bytes()).expect("it is there");
}

/// Bytes of text, with the ends of the lines to be seen.
fn show(text: &str) {
    for line in text.split_inclusive('\n') {
        println!("     {}", line.replace('\r', "\\r").replace('\n', "\\n"));
    }
}

fn without_tags(line: &str) -> String {
    let parts = line
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect()
}
