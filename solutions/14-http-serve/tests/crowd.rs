//! More clients than usual, and more than there are descriptors. Each test has a server of its own, and
//! both are one after the other: a thousand sockets of ours are many.
#![cfg(target_os = "linux")]
#[path = "support/server.rs"]
mod server;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Instant;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use server::{answer, connect, say, serve};

const CLIENTS: usize = 1000;
const REQUEST: &[u8] = b"GET /notes.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn limit_open_files(running: &server::Running, n: u64) {
    let pid = i32::try_from(running.0.id()).ok().and_then(Pid::from_raw);
    let limit = Rlimit {
        current: Some(n),
        maximum: Some(n),
    };
    prlimit(pid, Resource::Nofile, limit).expect("its limit can be lowered");
}

fn site() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a scratch folder");
    std::fs::write(root.path().join("notes.txt"), "a note\n").expect("a file");
    root
}

#[test]
fn serves_a_thousand_connections_at_once_and_goes_on_when_descriptors_run_out() {
    // The sockets of this end.
    let own = getrlimit(Resource::Nofile);
    let enough = own.maximum.unwrap_or(u64::MAX).min(4096);
    if own.current.is_some_and(|current| current < enough) {
        let raised = Rlimit {
            current: Some(enough),
            maximum: own.maximum,
        };
        let _ = setrlimit(Resource::Nofile, raised);
    }
    assert!(
        getrlimit(Resource::Nofile).current.is_none_or(|n| n > 1100),
        "this test needs more than 1100 descriptors of its own: ulimit -n 4096"
    );
    thousand();
    shortage();
}

/// The server has the usual 1024 descriptors: 1000 for the clients, and 20 for the files.
fn thousand() {
    let root = site();
    let (running, addr) = serve(root.path(), &["--patience", "60000"]);
    limit_open_files(&running, 1024);
    let mut clients: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(addr)).collect();
    let began = Instant::now();
    for _ in 0..3 {
        // All of them ask before any of them reads.
        for client in &mut clients {
            client.write_all(REQUEST).expect("it can be sent");
        }
        for (number, client) in clients.iter_mut().enumerate().rev() {
            let got = answer(client, "GET");
            let got = got.unwrap_or_else(|| panic!("client {number} has got no answer"));
            assert_eq!((got.status, &got.body[..]), (200, &b"a note\n"[..]));
        }
    }
    let took = began.elapsed().as_secs_f64();
    say(&format!(
        "{CLIENTS} connections kept open, 3 requests on each: none failed, {took:.2} s"
    ));
}

fn shortage() {
    let root = site();
    let (mut running, addr) = serve(root.path(), &["--patience", "60000"]);
    limit_open_files(&running, 32);
    let mut first = connect(addr);
    first.write_all(REQUEST).expect("it can be sent");
    assert_eq!(answer(&mut first, "GET").map(|got| got.status), Some(200));
    let crowd: Vec<TcpStream> = (0..60).map(|_| connect(addr)).collect();
    // It says that descriptors have run out; a test that waits for the line needs no clock.
    let log = running.0.stderr.take().expect("piped");
    let line = BufReader::new(log).lines().map_while(Result::ok);
    let line = line.into_iter().find(|line| line.starts_with("accept: "));
    let line = line.expect("a line about the shortage");
    // Who is connected is served on: with the file, or with the news that it cannot be opened.
    first.write_all(REQUEST).expect("it can be sent");
    let got = answer(&mut first, "GET").map(|got| got.status);
    assert!(matches!(got, Some(200 | 503)), "{got:?}");
    drop(crowd);
    let mut last = connect(addr);
    last.write_all(REQUEST).expect("it can be sent");
    assert_eq!(answer(&mut last, "GET").map(|got| got.status), Some(200));
    say(&format!(
        "60 clients on 32 descriptors: \"{line}\"; served again when they had left"
    ));
}
