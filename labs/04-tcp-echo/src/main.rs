//! Given: reads the command line, calls your modules and prints what they return.
mod address;
mod client;
mod server;

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;

use socket2::Socket;

const USAGE: &str = "tcp-echo bind    [--listen ADDR]
       tcp-echo listen  [--listen ADDR] [--backlog N]
       tcp-echo accept  [--listen ADDR] [--backlog N]
       tcp-echo once    [--listen ADDR] [--backlog N]
       tcp-echo serve   [--listen ADDR] [--backlog N]
       tcp-echo connect ADDR
ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000. N is a number from 0 on.";

fn main() -> ExitCode {
    end_with_any_thread();
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
enum Task {
    Bind { addr: SocketAddr },
    Listen { addr: SocketAddr, backlog: i32 },
    Accept { addr: SocketAddr, backlog: i32 },
    Once { addr: SocketAddr, backlog: i32 },
    Serve { addr: SocketAddr, backlog: i32 },
    Connect { addr: SocketAddr },
}

impl Task {
    fn parse(words: &[String]) -> Result<Task, String> {
        let (name, rest) = words.split_first().ok_or("a subcommand is missing")?;
        if name == "connect" {
            let [addr] = rest else {
                return Err("connect takes one address".into());
            };
            return Ok(Task::Connect {
                addr: parse_addr(addr)?,
            });
        }
        let mut addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut backlog = 128;
        let mut rest = rest.iter();
        while let Some(flag) = rest.next() {
            let value = rest.next().ok_or(format!("nothing follows {flag}"))?;
            match flag.as_str() {
                "--listen" => addr = parse_addr(value)?,
                "--backlog" if name != "bind" => {
                    backlog = value
                        .parse()
                        .ok()
                        .filter(|n| *n >= 0)
                        .ok_or(format!("{value} is no backlog"))?;
                }
                _ => return Err(format!("{name} does not know {flag}")),
            }
        }
        match name.as_str() {
            "bind" => Ok(Task::Bind { addr }),
            "listen" => Ok(Task::Listen { addr, backlog }),
            "accept" => Ok(Task::Accept { addr, backlog }),
            "once" => Ok(Task::Once { addr, backlog }),
            "serve" => Ok(Task::Serve { addr, backlog }),
            _ => Err(format!("there is no subcommand {name}")),
        }
    }

    fn run(self) -> Result<(), String> {
        match self {
            Task::Bind { addr } => {
                let bound = server::bind(addr).map_err(cannot("bind to", addr))?;
                say("bound", &bound)?;
                stay()
            }
            Task::Listen { addr, backlog } => {
                let (_listening, _) = open(addr, backlog)?;
                stay()
            }
            Task::Accept { addr, backlog } => {
                let (listening, addr) = open(addr, backlog)?;
                let connection = server::accept(&listening).map_err(cannot("accept on", addr))?;
                print(format!(
                    "accepted {} on {}",
                    connection.peer, connection.local
                ))?;
            }
            Task::Once { addr, backlog } => {
                let (listening, addr) = open(addr, backlog)?;
                let connection = server::accept(&listening).map_err(cannot("accept on", addr))?;
                server::echo(&connection.socket).map_err(cannot("echo to", connection.peer))?;
            }
            Task::Serve { addr, backlog } => {
                let (listening, addr) = open(addr, backlog)?;
                server::serve(&listening).map_err(cannot("go on serving on", addr))?;
            }
            Task::Connect { addr } => {
                let connected = client::connect(addr).map_err(cannot("connect to", addr))?;
                converse(connected).map_err(cannot("go on talking to", addr))?;
            }
        }
        Ok(())
    }
}

/// Binds and listens, and says where.
fn open(addr: SocketAddr, backlog: i32) -> Result<(Socket, SocketAddr), String> {
    let listening = server::listen(addr, backlog).map_err(cannot("listen on", addr))?;
    let addr = say("listening", &listening)?;
    Ok((listening, addr))
}

/// Sends standard input in a thread of its own, while this one prints what comes back, so that
/// neither has to wait for the other (chapter 5 says what happens otherwise).
fn converse(connected: Socket) -> io::Result<()> {
    let sending = connected.try_clone()?;
    thread::spawn(move || {
        if let Err(error) = client::send_input(&mut io::stdin().lock(), &sending) {
            match error.kind() {
                // The server is gone. The thread that receives sees that too, and says how.
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::NotConnected => {}
                _ => {
                    eprintln!("error: cannot send: {error}");
                    std::process::exit(1);
                }
            }
        }
    });
    client::print_answer(&connected, &mut io::stdout().lock())
}

/// Prints `VERB ADDR` with the address that `socket` has now, and returns it.
fn say(verb: &str, socket: &Socket) -> Result<SocketAddr, String> {
    let addr =
        address::of(socket).map_err(|error| format!("the socket has no address: {error}"))?;
    print(format!("{verb} {addr}"))?;
    Ok(addr)
}

/// Prints a line at once: whoever waits for it shall not have to wait for a full buffer.
fn print(line: String) -> Result<(), String> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot print: {error}"))
}

/// Keeps the socket open, and does nothing with it, until the program is ended from outside (Ctrl-C).
fn stay() -> ! {
    loop {
        thread::park();
    }
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text} is no address with a port, like 127.0.0.1:4000"))
}

fn cannot(what: &str, addr: SocketAddr) -> impl FnOnce(io::Error) -> String {
    move |error| format!("cannot {what} {addr}: {error}")
}

/// A panic in any thread ends the program. By default it would end that thread alone, and the others
/// would go on waiting for it.
fn end_with_any_thread() {
    let print_message = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print_message(panic);
        std::process::exit(101);
    }));
}
