//! Given: reads the command line, calls your modules and prints what they return.
mod capacity;
mod gather;
mod path;
mod receive;
mod relay;
mod script;
mod send;
mod trace;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use socket2::Socket;

use gather::Gather;
use path::Sizes;
use script::Scripted;
use send::Unsent;

const USAGE: &str =
    "buffers capacity [ADDR] [--sndbuf N] [--rcvbuf N] [--chunk N]
       buffers trace    [--sizes N,N,…] [--chunk N]
       buffers stall    [--listen ADDR] [--rcvbuf N]
       buffers send-all --script SCRIPT
       buffers send     ADDR [--sndbuf N] [--timeout MS] [--bytes N]
       buffers drain    [--listen ADDR] [--rcvbuf N] [--chunk N]
       buffers relay    --to ADDR [--listen ADDR] [--rcvbuf N] [--sndbuf N] [--chunk N]
       buffers gather   --size N [--script SCRIPT]
ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000. N and MS are numbers from 1 on.
SCRIPT is a list of what each write does: a number of bytes, interrupted, would-block, broken-pipe.";

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
enum Task {
    Capacity {
        addr: Option<SocketAddr>,
        sizes: Sizes,
        chunk: usize,
    },
    Trace {
        sizes: Vec<usize>,
        chunk: usize,
    },
    Stall {
        listen: SocketAddr,
        sizes: Sizes,
    },
    SendAll {
        script: Scripted,
    },
    Send {
        addr: SocketAddr,
        sizes: Sizes,
        patience: Duration,
        made: Option<usize>,
    },
    Drain {
        listen: SocketAddr,
        sizes: Sizes,
        chunk: usize,
    },
    Relay {
        listen: SocketAddr,
        to: SocketAddr,
        sizes: Sizes,
        chunk: usize,
    },
    Gather {
        size: usize,
        script: Scripted,
    },
}

impl Task {
    fn parse(words: &[String]) -> Result<Task, String> {
        let (name, rest) = words.split_first().ok_or("a subcommand is missing")?;
        let mut flags = Flags::split(name, rest)?;
        let task = match name.as_str() {
            "capacity" => {
                let addr = flags.addr();
                Task::Capacity {
                    sizes: Sizes {
                        send: flags.number("--sndbuf")?,
                        // At the other end of ADDR it is the reader's own business.
                        receive: match addr {
                            Some(_) => None,
                            None => flags.number("--rcvbuf")?,
                        },
                    },
                    addr: addr.map(|text| parse_addr(&text)).transpose()?,
                    chunk: flags.number("--chunk")?.unwrap_or(4096),
                }
            }
            "trace" => Task::Trace {
                sizes: match flags.value("--sizes") {
                    Some(text) => text
                        .split(',')
                        .map(parse_number)
                        .collect::<Result<_, _>>()?,
                    None => vec![16 << 10, 64 << 10, 128 << 10],
                },
                chunk: flags.number("--chunk")?.unwrap_or(4096),
            },
            "stall" => Task::Stall {
                listen: flags.listen()?,
                sizes: flags.sizes()?,
            },
            "send-all" => Task::SendAll {
                script: Scripted::parse(&flags.value("--script").ok_or("--script is missing")?)?,
            },
            "send" => Task::Send {
                addr: parse_addr(&flags.addr().ok_or("send wants an address")?)?,
                sizes: Sizes {
                    send: flags.number("--sndbuf")?,
                    receive: None,
                },
                patience: Duration::from_millis(flags.number("--timeout")?.unwrap_or(5000)),
                made: flags.number("--bytes")?,
            },
            "drain" => Task::Drain {
                listen: flags.listen()?,
                sizes: flags.sizes()?,
                chunk: flags.number("--chunk")?.unwrap_or(4096),
            },
            "relay" => Task::Relay {
                listen: flags.listen()?,
                to: parse_addr(&flags.value("--to").ok_or("--to is missing")?)?,
                sizes: Sizes {
                    send: flags.number("--sndbuf")?,
                    receive: flags.number("--rcvbuf")?,
                },
                chunk: flags.number("--chunk")?.unwrap_or(16 << 10),
            },
            "gather" => Task::Gather {
                size: flags.number("--size")?.ok_or("--size is missing")?,
                script: Scripted::parse(&flags.value("--script").unwrap_or_default())?,
            },
            _ => return Err(format!("there is no subcommand {name}")),
        };
        flags.none_left()?;
        Ok(task)
    }

    fn run(self) -> Result<(), String> {
        match self {
            Task::Capacity { addr, sizes, chunk } => {
                // The reading end, where it is ours, stays open and unread until all is counted.
                let (writer, _reader) = match addr {
                    Some(addr) => {
                        let connected = path::connect(addr, sizes);
                        (connected.map_err(cannot("connect to", addr))?, None)
                    }
                    None => {
                        let pair = path::to_myself(sizes);
                        let (writer, reader) =
                            pair.map_err(|error| format!("cannot make a path: {error}"))?;
                        (writer, Some(reader))
                    }
                };
                let filled = capacity::fill(&writer, chunk);
                let filled = filled.map_err(|error| format!("cannot fill the path: {error}"))?;
                print(format!(
                    "accepted {} bytes in {} writes",
                    filled.bytes, filled.writes
                ))?;
            }
            Task::Trace { sizes, chunk } => {
                trace::run(&sizes, chunk, &mut io::stdout().lock())
                    .map_err(|error| format!("cannot trace: {error}"))?;
            }
            Task::Stall { listen, sizes } => {
                let (listening, addr) = open(listen, sizes)?;
                let _client = listening.accept().map_err(cannot("accept on", addr))?;
                stay();
            }
            Task::SendAll { mut script } => {
                let bytes = input()?;
                let result = send::send_all(&mut script, &bytes);
                show_line(&script.taken)?;
                result.map_err(|unsent| describe(&unsent, bytes.len()))?;
            }
            Task::Send {
                addr,
                sizes,
                patience,
                made,
            } => {
                let socket = path::connect(addr, sizes).map_err(cannot("connect to", addr))?;
                let bytes = match made {
                    Some(n) => vec![b'x'; n],
                    None => input()?,
                };
                send::send(&socket, &bytes, patience)
                    .map_err(|unsent| describe(&unsent, bytes.len()))?;
                print(format!("sent {} bytes", bytes.len()))?;
            }
            Task::Drain {
                listen,
                sizes,
                chunk,
            } => {
                let (listening, addr) = open(listen, sizes)?;
                let (client, _) = listening.accept().map_err(cannot("accept on", addr))?;
                let received = receive::receive(&client, chunk, &mut io::stdout().lock())
                    .map_err(|error| format!("cannot go on receiving: {error}"))?;
                eprintln!(
                    "received {} bytes in {} reads",
                    received.bytes, received.reads
                );
            }
            Task::Relay {
                listen,
                to,
                sizes,
                chunk,
            } => {
                let (listening, addr) = open(listen, sizes)?;
                let (from, _) = listening.accept().map_err(cannot("accept on", addr))?;
                let to = path::connect(to, sizes).map_err(cannot("connect to", to))?;
                let copied = relay::copy(&from, &to, chunk)
                    .map_err(|error| format!("cannot go on copying: {error}"))?;
                print(format!("copied {copied} bytes"))?;
            }
            Task::Gather { size, mut script } => {
                let bytes = input()?;
                let mut gather = Gather::new(&mut script, size);
                // Each line is one piece, with its end.
                let put = bytes
                    .split_inclusive(|byte| *byte == b'\n')
                    .try_for_each(|line| gather.put(line));
                // Here nobody waits for room: a flush that would block is simply made once more.
                let result = put.and_then(|()| match gather.flush() {
                    Err(unsent) if unsent.error.kind() == ErrorKind::WouldBlock => gather.flush(),
                    done => done,
                });
                show(&script.taken)?;
                result.map_err(|unsent| format!("cannot write: {}", reason(&unsent.error)))?;
                eprintln!("{} writes", script.calls);
            }
        }
        Ok(())
    }
}

/// The words after the subcommand: flags with a value, and at most one word that is none.
struct Flags {
    subcommand: String,
    addr: Option<String>,
    pairs: Vec<(String, String)>,
}

impl Flags {
    fn split(subcommand: &str, words: &[String]) -> Result<Flags, String> {
        let mut flags = Flags {
            subcommand: subcommand.to_string(),
            addr: None,
            pairs: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word.starts_with("--") {
                let value = words.next().ok_or(format!("nothing follows {word}"))?;
                flags.pairs.push((word.clone(), value.clone()));
            } else if flags.addr.replace(word.clone()).is_some() {
                return Err(format!("{word} is too much"));
            }
        }
        Ok(flags)
    }

    fn addr(&mut self) -> Option<String> {
        self.addr.take()
    }

    fn value(&mut self, flag: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(name, _)| name == flag)?;
        Some(self.pairs.remove(at).1)
    }

    fn number<N: FromStr + Default + PartialOrd>(
        &mut self,
        flag: &str,
    ) -> Result<Option<N>, String> {
        self.value(flag).map(|text| parse_number(&text)).transpose()
    }

    fn listen(&mut self) -> Result<SocketAddr, String> {
        match self.value("--listen") {
            Some(text) => parse_addr(&text),
            None => Ok((Ipv4Addr::LOCALHOST, 0).into()),
        }
    }

    /// The receive buffer alone.
    fn sizes(&mut self) -> Result<Sizes, String> {
        Ok(Sizes {
            send: None,
            receive: self.number("--rcvbuf")?,
        })
    }

    fn none_left(&self) -> Result<(), String> {
        let left = self
            .pairs
            .first()
            .map(|(name, _)| name)
            .or(self.addr.as_ref());
        match left {
            Some(word) => Err(format!("{} does not know {word} here", self.subcommand)),
            None => Ok(()),
        }
    }
}

fn parse_number<N: FromStr + Default + PartialOrd>(text: &str) -> Result<N, String> {
    let number = text.parse().ok().filter(|n| *n > N::default());
    number.ok_or_else(|| format!("{text} is no number from 1 on"))
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text} is no address with a port, like 127.0.0.1:4000"))
}

/// Listens, and says where.
fn open(addr: SocketAddr, sizes: Sizes) -> Result<(Socket, SocketAddr), String> {
    let listening = path::listen(addr, sizes).map_err(cannot("listen on", addr))?;
    let addr = path::own_addr(&listening).map_err(cannot("name", addr))?;
    print(format!("listening {addr}"))?;
    Ok((listening, addr))
}

/// All of standard input.
fn input() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot read standard input: {error}"))?;
    Ok(bytes)
}

/// Prints a line at once: whoever waits for it shall not have to wait for a full buffer.
fn print(line: String) -> Result<(), String> {
    show_line(line.as_bytes())
}

fn show_line(bytes: &[u8]) -> Result<(), String> {
    show(&[bytes, b"\n"].concat())
}

fn show(bytes: &[u8]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot print: {error}"))
}

/// Keeps the connection open, and does nothing with it, until the program is ended from outside.
fn stay() -> ! {
    loop {
        thread::park();
    }
}

fn cannot(what: &str, addr: SocketAddr) -> impl FnOnce(io::Error) -> String {
    move |error| format!("cannot {what} {addr}: {error}")
}

fn describe(unsent: &Unsent, total: usize) -> String {
    format!(
        "sent {} of {total} bytes: {}",
        unsent.sent,
        reason(&unsent.error)
    )
}

/// An error of a writer in words that are the same on every system.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::WriteZero => "write took nothing".into(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            "there is no room, and none came in time".into()
        }
        _ => error.to_string(),
    }
}
