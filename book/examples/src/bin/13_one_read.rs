//! Chapter 13: a client that takes one read for the whole response.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

// ANCHOR: client
/// Reads once, and takes what stands behind the empty line for the body.
fn body(socket: &mut TcpStream) -> String {
    let mut buffer = [0; 4096];
    let n = socket.read(&mut buffer).expect("a response");
    let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
    match text.split_once("\r\n\r\n") {
        Some((_head, body)) => body.to_string(),
        None => "no empty line".to_string(),
    }
}
// ANCHOR_END: client

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n";

fn main() {
    // ANCHOR: main
    let servers = [
        ("A", vec![format!("{HEAD}hello world")]),
        ("B", vec![HEAD.to_string(), "hello world".to_string()]),
        ("C", vec![format!("{HEAD}hello"), " world".to_string()]),
        ("D", vec![format!("{HEAD}hello worldHTTP/1.1 200 OK\r\n")]),
    ];
    for (name, writes) in servers {
        println!("{name}: {:?}", ask(writes));
    }
    // ANCHOR_END: main
}

/// What the client gets from a server that writes this, and pauses after the first write until the
/// client has read once.
fn ask(writes: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("its address");
    let (has_read, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let (mut client, _) = listener.accept().expect("a client");
            for (n, write) in writes.iter().enumerate() {
                if n > 0 {
                    // The channel's end is as good as a message.
                    let _ = wait.recv();
                }
                client.write_all(write.as_bytes()).expect("it is there");
            }
        });
        let mut socket = TcpStream::connect(addr).expect("it listens");
        let body = body(&mut socket);
        drop(has_read);
        // To the end, so that nobody hears of a reset.
        let _ = socket.read_to_end(&mut Vec::new());
        body
    })
}
