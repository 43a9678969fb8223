//! nginx as a child of a test: in the foreground, on a port of its own on loopback, with all of its
//! files in a scratch folder. It needs no rights.
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts it with its files in `folder`. `server` is what its one server is to do: `root …;` and more.
pub fn start(folder: &Path, server: &str) -> (Child, SocketAddr) {
    fs::create_dir_all(folder).expect("a folder");
    let place = |name: &str| folder.join(name).display().to_string();
    // nginx cannot be asked for any free port: one is chosen, and another if it is gone by then.
    for _ in 0..10 {
        let free =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
        let addr = free.expect("a port");
        let config = format!(
            "daemon off; master_process off; pid {}; error_log {};
             events {{ worker_connections 256; }}
             http {{
               access_log off; keepalive_timeout 30s; client_max_body_size 1m;
               client_body_temp_path {}; proxy_temp_path {}; fastcgi_temp_path {};
               uwsgi_temp_path {}; scgi_temp_path {};
               types {{ text/html html; text/css css; image/png png; text/plain txt; }}
               server {{ listen {addr}; absolute_redirect off; {server} }}
             }}",
            place("pid"),
            place("log"),
            place("a"),
            place("b"),
            place("c"),
            place("d"),
            place("e"),
        );
        fs::write(folder.join("nginx.conf"), config).expect("a file");
        let mut command = Command::new("nginx");
        command.args([
            "-e",
            &place("log"),
            "-p",
            &place(""),
            "-c",
            &place("nginx.conf"),
        ]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("nginx can be run");
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until && child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if TcpStream::connect(addr).is_ok() {
                return (child, addr);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    panic!("nginx does not start: {log}");
}
