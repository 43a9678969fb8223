//! Given: reads the command line, calls your modules and prints the events they report.
mod calls;
mod event;
mod outcome;
mod server;
mod watch;

use std::io::{self, BufReader, ErrorKind, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use event::Event;
use server::Bounds;
use socket2::{Domain, Protocol, Socket, Type};

/// How long `serve` waits for the next bytes of a request.
const REQUEST_TIME: Duration = Duration::from_secs(60);

const USAGE: &str = "hangup knock  ADDR [--timeout SECONDS]
       hangup watch  ADDR [--timeout SECONDS]
       hangup drive  ADDR [--timeout SECONDS]
       hangup answer [--listen ADDR]
       hangup serve  [--listen ADDR] [--timeout SECONDS] [--drain BYTES]
ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let task = match Task::parse(&words) {
        Ok(task) => task,
        Err(reason) => {
            eprintln!("error: {reason}\nusage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    match task.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Task {
    name: String,
    /// Where to connect to, or where to listen.
    addr: SocketAddr,
    timeout: Option<Duration>,
    drain: u64,
}

impl Task {
    fn parse(words: &[String]) -> Result<Task, String> {
        let (name, mut rest) = words.split_first().ok_or("a subcommand is missing")?;
        let mut task = Task {
            name: name.clone(),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            timeout: None,
            drain: 1 << 20,
        };
        match name.as_str() {
            "knock" | "watch" | "drive" => {
                let (addr, flags) = rest
                    .split_first()
                    .ok_or(format!("{name} takes an address"))?;
                task.addr = parse_addr(addr)?;
                rest = flags;
            }
            "answer" | "serve" => {}
            _ => return Err(format!("there is no subcommand {name}")),
        }
        let is_server = matches!(name.as_str(), "answer" | "serve");
        let mut rest = rest.iter();
        while let Some(flag) = rest.next() {
            let value = rest.next().ok_or(format!("nothing follows {flag}"))?;
            match flag.as_str() {
                "--listen" if is_server => task.addr = parse_addr(value)?,
                "--timeout" if name != "answer" => task.timeout = Some(parse_seconds(value)?),
                "--drain" if name == "serve" => {
                    task.drain = value
                        .parse()
                        .map_err(|_| format!("{value} is no number of bytes"))?;
                }
                _ => return Err(format!("{name} does not know {flag}")),
            }
        }
        Ok(task)
    }

    fn run(self) -> Result<(), String> {
        match self.name.as_str() {
            "knock" => self.connect().map(|_| ()),
            "watch" => {
                let Some(connected) = self.connect()? else {
                    return Ok(());
                };
                let last = watch::watch(&connected, &mut print)
                    .map_err(cannot("go on reading from", self.addr))?;
                print(last);
                Ok(())
            }
            "drive" => match self.connect()? {
                Some(connected) => drive(&connected).map_err(cannot("go on with", self.addr)),
                None => Ok(()),
            },
            "answer" => {
                let (listening, addr) = self.listen()?;
                let (connected, _) = listening.accept().map_err(cannot("accept on", addr))?;
                let (mut reader, writer) =
                    two_handles(connected).map_err(cannot("accept on", addr))?;
                let last = server::answer(&mut reader, writer, &mut print)
                    .map_err(cannot("answer on", addr))?;
                print(last);
                // The connection stays until the client has ended its stream.
                let _ = io::copy(&mut reader, &mut io::sink());
                Ok(())
            }
            _ => self.serve(),
        }
    }

    /// Connects and prints how that went. None when it did not succeed.
    fn connect(&self) -> Result<Option<Socket>, String> {
        match calls::connect(self.addr, self.timeout) {
            Ok(connected) => {
                print(Event::Connected);
                Ok(Some(connected))
            }
            Err(error) => {
                print(outcome::outcome(error).map_err(cannot("connect to", self.addr))?);
                Ok(None)
            }
        }
    }

    /// A listening socket, as in chapter 4, and its address, which is printed.
    fn listen(&self) -> Result<(Socket, SocketAddr), String> {
        let listen = || {
            let domain = Domain::for_address(self.addr);
            let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
            socket.bind(&self.addr.into())?;
            socket.listen(128)?;
            let addr = socket.local_addr()?.as_socket();
            Ok((socket, addr.ok_or(ErrorKind::AddrNotAvailable)?))
        };
        let (socket, addr) = listen().map_err(cannot("listen on", self.addr))?;
        say(format_args!("listening {addr}"));
        Ok((socket, addr))
    }

    /// One client after the other, for ever.
    fn serve(&self) -> Result<(), String> {
        let (listening, addr) = self.listen()?;
        let time = self.timeout.unwrap_or(Duration::from_secs(5));
        let bounds = Bounds {
            bytes: self.drain,
            time,
        };
        loop {
            let (connected, peer) = match listening.accept() {
                Ok(accepted) => accepted,
                // A client that was gone before its turn. Linux reports it later, in read.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
                    ) =>
                {
                    continue;
                }
                Err(error) => return Err(cannot("accept on", addr)(error)),
            };
            if let Some(peer) = peer.as_socket() {
                say(format_args!("client {peer}"));
            }
            // What happens to one client ends nothing else.
            if let Err(error) = converse(connected, &bounds) {
                eprintln!("this client: {error}");
            }
        }
    }
}

/// One conversation of `serve`: the answer, our end, the rest of what the client sends, close.
fn converse(connected: Socket, bounds: &Bounds) -> io::Result<()> {
    connected.set_read_timeout(Some(REQUEST_TIME))?;
    let (mut reader, writer) = two_handles(connected)?;
    let event = server::answer(&mut reader, writer, &mut print)?;
    print(event);
    if event == Event::HalfClosed {
        let (bytes, last) = server::drain(&mut reader, bounds)?;
        print(Event::Drained(bytes));
        print(last);
    }
    Ok(())
}

/// Two handles of one socket. `BufReader` wants a handle of its own to read from.
fn two_handles(connected: Socket) -> io::Result<(BufReader<Socket>, Socket)> {
    let writer = connected.try_clone()?;
    Ok((BufReader::new(connected), writer))
}

/// Makes the call that each line of standard input names, and prints what it came to.
fn drive(connected: &Socket) -> io::Result<()> {
    for line in io::stdin().lines() {
        let line = line?;
        let (command, text) = line.split_once(' ').unwrap_or((&line, ""));
        let event = match command {
            "read" => calls::read(connected)?,
            "write" => calls::write(connected, format!("{text}\n").as_bytes())?,
            "half-close" => calls::half_close(connected)?,
            "wait" => wait(connected),
            _ => {
                eprintln!("the commands are: read, write TEXT, half-close, wait");
                continue;
            }
        };
        print(event);
    }
    Ok(())
}

/// Waits until the kernel has given the connection up: then the socket has no peer (getpeername).
fn wait(connected: &Socket) -> Event {
    while connected.peer_addr().is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    Event::Gone
}

fn print(event: Event) {
    say(format_args!("{event}"));
}

/// Prints a line at once: whoever waits for it shall not have to wait for a full buffer.
fn say(line: std::fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        // Nobody reads what happened: there is nobody left to work for.
        std::process::exit(1);
    }
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text} is no address with a port, like 127.0.0.1:4000"))
}

/// A time in seconds, more than 0 and at most a day.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| (0.001..=86_400.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or(format!("{text} is no time: from 0.001 to 86400 seconds"))
}

fn cannot(what: &str, addr: SocketAddr) -> impl FnOnce(io::Error) -> String {
    move |error| format!("cannot {what} {addr}: {error}")
}
