//! Requests per second: the solution of chapter 14 beside Python's http.server and nginx.
//!
//! All three serve one file of a kilobyte to the same clients, in turns, in one run. Every client keeps
//! its connection and asks again when it has its answer.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::copy::Copy;
use crate::table::Table;

const CLIENTS: usize = 16;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

/// http.server with HTTP/1.1, without a log, on a port of its own, and without Nagle's algorithm: it sends
/// head and body in two writes, and the second would wait for the client's delayed acknowledgement.
const PYTHON: &str = r#"
import http.server, os, sys
os.chdir(sys.argv[1])
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("listening 127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
"#;

struct Server {
    name: &'static str,
    child: Child,
    addr: SocketAddr,
    /// Requests per second, a number for each round.
    rates: Vec<u64>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a program whose first line is `listening ADDR`.
    fn start(name: &'static str, command: &mut Command) -> anyhow::Result<Server> {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let out = child.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let addr = line.trim_end().strip_prefix("listening ");
        let addr = addr.with_context(|| format!("{name} does not listen"))?;
        let addr = addr.parse()?;
        Ok(Server {
            name,
            child,
            addr,
            rates: Vec::new(),
        })
    }

    /// Starts nginx, which says nothing: it listens when somebody can connect.
    fn nginx(folder: &Path, root: &Path) -> anyhow::Result<Server> {
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let shown = folder.display();
        let user = match fs::metadata("/root") {
            Ok(_) if fs::read_dir("/root").is_ok() => "user root;",
            _ => "",
        };
        let config = format!(
            "daemon off; {user} worker_processes auto; pid {shown}/pid; error_log {shown}/log;
             events {{ worker_connections 256; }}
             http {{
               access_log off; keepalive_requests 1000000000; client_body_temp_path {shown}/1;
               proxy_temp_path {shown}/2; fastcgi_temp_path {shown}/3; uwsgi_temp_path {shown}/4;
               scgi_temp_path {shown}/5; sendfile on; tcp_nopush on;
               server {{ listen {addr}; root {}; }}
             }}",
            root.display()
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config)?;
        let mut command = Command::new("nginx");
        command
            .arg("-e")
            .arg(folder.join("log"))
            .arg("-p")
            .arg(folder);
        let command = command.arg("-c").arg(&file).stderr(Stdio::null());
        let mut server = Server {
            name: "nginx",
            child: command.spawn().context("cannot start nginx")?,
            addr,
            rates: Vec::new(),
        };
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(addr).is_err() {
            if Instant::now() > until || server.child.try_wait()?.is_some() {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                bail!("nginx does not start: {log}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// One round: how many answers all clients have had per second.
    fn round(&mut self) -> anyhow::Result<()> {
        let (addr, began) = (self.addr, Instant::now());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| thread::spawn(move || ask_until(addr, began + ROUND)))
            .collect();
        let mut answers = 0;
        for client in clients {
            let counted = client.join().ok().context("a client panicked")?;
            answers += counted.with_context(|| format!("a client of {} failed", self.name))?;
        }
        let seconds = began.elapsed().as_secs_f64();
        self.rates.push((f64::from(answers) / seconds) as u64);
        Ok(())
    }

    fn median(&mut self) -> u64 {
        self.rates.sort_unstable();
        self.rates[self.rates.len() / 2]
    }
}

/// Asks for the file again and again on one connection; how many answers came.
fn ask_until(addr: SocketAddr, end: Instant) -> anyhow::Result<u32> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(&stream);
    let mut body = Vec::new();
    let mut answers = 0;
    while Instant::now() < end {
        (&stream).write_all(b"GET /file.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut length = 0;
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if !line.contains(" 200 ") {
            bail!("the answer begins with {line:?}");
        }
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                bail!("the stream ended within a head");
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        answers += 1;
    }
    Ok(answers)
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    let tried = command
        .arg("-h")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    tried.status().is_ok()
}

pub fn measure(copy: &Copy, folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    let root = folder.join("root");
    fs::create_dir_all(&root)?;
    fs::write(root.join("file.txt"), [b'x'; 1024])?;
    let mut build = copy.cargo(&["build", "--quiet", "--release", "-p", "http-serve-solution"]);
    if !build.status()?.success() {
        bail!("http-serve-solution cannot be built");
    }
    let program = copy.root().join("target/release/http-serve-solution");
    let mut ours = Command::new(program);
    let mut servers = vec![Server::start(
        "http-serve",
        ours.args(["serve", "--root"]).arg(&root),
    )?];
    let mut missing = Vec::new();
    if is_installed("python3") {
        let mut python = Command::new("python3");
        let python = python.args(["-c", PYTHON]).arg(&root);
        servers.push(Server::start("http.server", python)?);
    } else {
        missing.push("python3");
    }
    if is_installed("nginx") {
        servers.push(Server::nginx(folder, &root)?);
    } else {
        missing.push("nginx");
    }
    for _ in 0..ROUNDS {
        for server in &mut servers {
            server.round()?;
        }
    }
    let rates: Vec<(&str, u64)> = servers
        .iter_mut()
        .map(|server| (server.name, server.median()))
        .collect();
    let shown: Vec<String> = rates
        .iter()
        .map(|(name, rate)| format!("{name} {rate}"))
        .collect();
    let absent = match missing[..] {
        [] => String::new(),
        _ => format!(" (not installed: {})", missing.join(", ")),
    };
    let python = rates.iter().find(|(name, _)| *name == "http.server");
    table.row(
        &format!("requests per second, {CLIENTS} clients, 1 KiB"),
        "more than http.server",
        shown.join(", ") + &absent,
        python.is_none_or(|(_, rate)| rates[0].1 > *rate),
    );
    Ok(())
}
