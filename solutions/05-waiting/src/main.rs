//! Given: reads the command line, opens the sockets, calls your modules and prints what they return.
mod ask;
mod error;
mod line;
mod probe;
mod pump;
mod serve;
mod socket;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use ask::First;

const USAGE: &str = "waiting probe ADDR [--patience MILLISECONDS]
       waiting ask ADDR QUESTION [--greeted]
       waiting pump ADDR [--buffers BYTES]
       waiting serve [--listen ADDR] [--limit CLIENTS] [--buffers BYTES]
ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000. The others are numbers from 1 on.";

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
    Probe {
        addr: SocketAddr,
        patience: Duration,
    },
    Ask {
        addr: SocketAddr,
        question: String,
        first: First,
    },
    Pump {
        addr: SocketAddr,
        buffers: Option<usize>,
    },
    Serve {
        addr: SocketAddr,
        limit: Option<usize>,
        buffers: Option<usize>,
    },
}

/// The words of a command line, told apart: flags with a value, flags without, and the rest.
#[derive(Default)]
struct Words {
    patience: Option<usize>,
    limit: Option<usize>,
    buffers: Option<usize>,
    listen: Option<SocketAddr>,
    greeted: bool,
    rest: Vec<String>,
}

impl Words {
    fn read(name: &str, words: &[String]) -> Result<Words, String> {
        let mut read = Words::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("nothing follows {word}"));
            match (name, word.as_str()) {
                ("probe", "--patience") => read.patience = Some(parse_number(value()?)?),
                ("serve", "--limit") => read.limit = Some(parse_number(value()?)?),
                ("serve" | "pump", "--buffers") => read.buffers = Some(parse_number(value()?)?),
                ("serve", "--listen") => read.listen = Some(parse_addr(value()?)?),
                ("ask", "--greeted") => read.greeted = true,
                (_, flag) if flag.starts_with("--") => {
                    return Err(format!("{name} does not know {flag}"));
                }
                _ => read.rest.push(word.clone()),
            }
        }
        Ok(read)
    }
}

impl Task {
    fn parse(words: &[String]) -> Result<Task, String> {
        let (name, rest) = words.split_first().ok_or("a subcommand is missing")?;
        let words = Words::read(name, rest)?;
        match (name.as_str(), &words.rest[..]) {
            ("probe", [addr]) => Ok(Task::Probe {
                addr: parse_addr(addr)?,
                patience: Duration::from_millis(words.patience.unwrap_or(1000) as u64),
            }),
            ("ask", [addr, question]) => Ok(Task::Ask {
                addr: parse_addr(addr)?,
                question: question.clone(),
                first: match words.greeted {
                    true => First::Server,
                    false => First::Client,
                },
            }),
            ("pump", [addr]) => Ok(Task::Pump {
                addr: parse_addr(addr)?,
                buffers: words.buffers,
            }),
            ("serve", []) => Ok(Task::Serve {
                addr: words.listen.unwrap_or(([127, 0, 0, 1], 0).into()),
                limit: words.limit,
                buffers: words.buffers,
            }),
            ("probe" | "pump", _) => Err(format!("{name} takes one address")),
            ("ask", _) => Err("ask takes an address and a question".into()),
            ("serve", _) => Err("serve takes no address but that of --listen".into()),
            _ => Err(format!("there is no subcommand {name}")),
        }
    }

    fn run(self) -> Result<(), String> {
        match self {
            Task::Probe { addr, patience } => {
                let finding = probe::probe(addr, patience).map_err(cannot("probe", addr))?;
                print(format!("{finding} {addr}"))
            }
            Task::Ask {
                addr,
                question,
                first,
            } => {
                let connected = socket::connect(addr, None).map_err(cannot("connect to", addr))?;
                ask::ask(&connected, &question, first, &mut io::stdout())
                    .map_err(cannot("get an answer from", addr))
            }
            Task::Pump { addr, buffers } => {
                let connected =
                    socket::connect(addr, buffers).map_err(cannot("connect to", addr))?;
                pump::pump(connected, io::stdin(), &mut io::stdout())
                    .map_err(cannot("go on talking to", addr))
            }
            Task::Serve {
                addr,
                limit,
                buffers,
            } => {
                let listening = socket::listen(addr, buffers).map_err(cannot("listen on", addr))?;
                let addr = listening
                    .local_addr()
                    .map_err(|error| format!("the socket has no address: {error}"))?;
                print(format!("listening {addr}"))?;
                match limit {
                    None => serve::serve(&listening),
                    Some(limit) => serve::serve_at_most(&listening, limit),
                }
                .map_err(cannot("go on serving on", addr))
            }
        }
    }
}

/// Prints a line at once: whoever waits for it shall not have to wait for a full buffer.
fn print(line: String) -> Result<(), String> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot print: {error}"))
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text} is no address with a port, like 127.0.0.1:4000"))
}

fn parse_number(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or(format!("{text} is no number from 1 on"))
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
