//! Chapter 5: the same echo in three designs, each with as many clients as you say (1000), of which
//! the first says nothing. What do the others get, and what does it cost the server?
//!
//! Each server runs in a process of its own, so that what is measured is its alone.
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    raise_limit();
    match words.first().map(String::as_str) {
        Some("one-at-a-time") => one_at_a_time(listen()?),
        Some("threads") => a_thread_for_each(listen()?),
        #[cfg(unix)]
        Some("poll") => poll_all(listen()?),
        other => {
            let clients = other.and_then(|word| word.parse().ok()).unwrap_or(1000);
            println!("{clients} clients; the first says nothing");
            for design in ["one-at-a-time", "threads", "poll"] {
                measure(design, clients)?;
            }
            Ok(())
        }
    }
}

// ANCHOR: one
/// Serves one client to its end, then the next.
fn one_at_a_time(listener: TcpListener) -> io::Result<()> {
    for client in listener.incoming() {
        let _ = echo(client?);
    }
    Ok(())
}
// ANCHOR_END: one

// ANCHOR: threads
/// A thread for each client: all of them wait at the same time.
fn a_thread_for_each(listener: TcpListener) -> io::Result<()> {
    for client in listener.incoming() {
        let client = client?;
        thread::spawn(move || echo(client));
    }
    Ok(())
}

fn echo(mut client: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let n = client.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..n])?;
    }
}
// ANCHOR_END: threads

// ANCHOR: poll
/// One client of the server below, and what is still to be sent to it.
#[cfg(unix)]
struct Client {
    stream: TcpStream,
    unsent: Vec<u8>,
}

/// One thread for all. It waits in poll, and in no other call.
#[cfg(unix)]
fn poll_all(listener: TcpListener) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};

    listener.set_nonblocking(true)?;
    let mut clients: Vec<Client> = Vec::new();
    loop {
        let mut sockets = vec![PollFd::new(&listener, PollFlags::IN)];
        for client in &clients {
            // While there is something to send, nothing more is received: a
            // client that takes no answer would fill our memory.
            let ready_for = match client.unsent.is_empty() {
                true => PollFlags::IN,
                false => PollFlags::OUT,
            };
            sockets.push(PollFd::new(&client.stream, ready_for));
        }
        poll(&mut sockets, None)?;

        let is_ready = |fd: &PollFd| !fd.revents().is_empty();
        let mut ready: Vec<bool> = sockets.iter().map(is_ready).collect();
        if ready.remove(0) {
            while let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(true)?;
                let unsent = Vec::new();
                clients.push(Client { stream, unsent });
            }
        }
        // The new ones come after those that poll has looked at.
        let mut ready = ready.into_iter();
        clients.retain_mut(|client| match ready.next() {
            Some(true) => match step(client) {
                Ok(stays) => stays,
                Err(error) => error.kind() == io::ErrorKind::WouldBlock,
            },
            _ => true,
        });
    }
}

/// Does with one client what can be done now, and says whether it stays.
#[cfg(unix)]
fn step(client: &mut Client) -> io::Result<bool> {
    if client.unsent.is_empty() {
        let mut buffer = [0; 4096];
        let n = client.stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(false);
        }
        client.unsent.extend_from_slice(&buffer[..n]);
    }
    let n = client.stream.write(&client.unsent)?;
    client.unsent.drain(..n);
    Ok(true)
}
// ANCHOR_END: poll

/// A socket that listens, with a long queue; says where.
fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4096)?;
    let listener: TcpListener = socket.into();
    println!("{}", listener.local_addr()?);
    Ok(listener)
}

/// A server in a process of its own, which ends with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn measure(design: &str, clients: usize) -> io::Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(design)
        .stdout(Stdio::piped())
        .spawn()?;
    let out = child.stdout.take();
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(out.expect("piped")).read_line(&mut line)?;
    let Ok(addr) = line.trim().parse::<SocketAddr>() else {
        println!("{design}: not on this system");
        return Ok(());
    };
    let before = Cost::of(&server.0);

    let began = Instant::now();
    let mut silent = Vec::new();
    let mut talkers = Vec::new();
    for n in 0..clients {
        let client = TcpStream::connect(addr)?;
        client.set_read_timeout(Some(Duration::from_millis(500)))?;
        match n {
            0 => silent.push(client),
            _ => talkers.push(client),
        }
    }
    for mut client in &talkers {
        client.write_all(b"hello")?;
    }
    let mut served = 0;
    for mut client in &talkers {
        if client.read_exact(&mut [0; 5]).is_err() {
            // Nobody is served here: there is no use in waiting for each of the others as well.
            break;
        }
        served += 1;
    }
    let took = began.elapsed();

    println!("{design}");
    println!("   served         {served} of the other {}", talkers.len());
    if served == talkers.len() {
        println!("   in             {} ms", took.as_millis());
    }
    let (Some(before), Some(after)) = (before, Cost::of(&server.0)) else {
        println!("   its cost is not shown on this system");
        return Ok(());
    };
    println!("   threads        {}", after.threads);
    let each = |kib: u64| kib as f64 / clients as f64;
    let resident = each(after.resident.saturating_sub(before.resident));
    let reserved = each(after.reserved.saturating_sub(before.reserved));
    println!("   memory in use  {resident:.1} KiB a client");
    println!("   addresses      {reserved:.1} KiB a client");
    Ok(())
}

/// What a process has at a moment, as Linux shows it (proc_pid_status(5)). Memory is in KiB.
struct Cost {
    threads: u64,
    resident: u64,
    reserved: u64,
}

impl Cost {
    fn of(process: &Child) -> Option<Cost> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
        let value = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some(Cost {
            threads: value("Threads")?,
            resident: value("VmRSS")?,
            reserved: value("VmSize")?,
        })
    }
}

/// As many descriptors as this process may have: a thousand clients need more than some systems allow
/// at first.
fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let maximum = getrlimit(Resource::Nofile).maximum;
        let limit = Rlimit {
            current: maximum,
            maximum,
        };
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
