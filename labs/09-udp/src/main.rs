//! Given: reads the command line, calls your modules and prints what they return.
mod datagram;
mod ping;
mod probe;
mod request;
mod serve;
mod tally;

use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datagram::Received;
use ping::Plan;
use tally::Tally;

const USAGE: &str = "udp receive [--listen ADDR] [--size N] [--count N]
       udp send    ADDR
       udp serve   [--listen ADDR]
       udp probe   ADDR [--wait MS]
       udp tally   SENT
       udp ping    ADDR [--count N] [--interval MS] [--wait MS] [--size N]
ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let task = match Task::parse(words) {
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
    Receive {
        listen: SocketAddr,
        size: usize,
        count: Option<u32>,
    },
    Send {
        to: SocketAddr,
    },
    Serve {
        listen: SocketAddr,
    },
    Probe {
        addr: SocketAddr,
        wait: Duration,
    },
    Tally {
        sent: u32,
    },
    Ping(Plan),
}

impl Task {
    fn parse(mut words: Vec<String>) -> Result<Task, String> {
        if words.is_empty() {
            return Err("a subcommand is missing".into());
        }
        let name = words.remove(0);
        let mut line = Line { name, words };
        let task = match line.name.as_str() {
            "receive" => Task::Receive {
                listen: line.listen()?,
                size: line.number("--size", 1..=65_535)?.unwrap_or(65_535) as usize,
                count: line.number("--count", 1..=1_000_000)?,
            },
            "serve" => Task::Serve {
                listen: line.listen()?,
            },
            "probe" => Task::Probe {
                wait: line.time("--wait")?.unwrap_or(Duration::from_secs(1)),
                addr: line.addr()?,
            },
            "ping" => Task::Ping(Plan {
                run: a_number(),
                count: line.number("--count", 1..=100_000)?.unwrap_or(5),
                interval: line
                    .time("--interval")?
                    .unwrap_or(Duration::from_millis(200)),
                wait: line.time("--wait")?.unwrap_or(Duration::from_secs(1)),
                size: line.number("--size", 16..=65_507)?.unwrap_or(32) as usize,
                to: line.addr()?,
            }),
            "send" => Task::Send { to: line.addr()? },
            "tally" => {
                let text = line.next("a number of requests")?;
                let sent = text.parse();
                Task::Tally {
                    sent: sent.map_err(|_| format!("{text} is no number of requests"))?,
                }
            }
            other => return Err(format!("there is no subcommand {other}")),
        };
        match line.words.first() {
            Some(word) => Err(format!("{} does not know {word} here", line.name)),
            None => Ok(task),
        }
    }

    fn run(self) -> Result<(), String> {
        match self {
            Task::Receive {
                listen,
                size,
                count,
            } => {
                let socket = open(listen)?;
                announce(&socket)?;
                let mut came = 0;
                while count.is_none_or(|count| came < count) {
                    let Received { bytes, from, cut } = datagram::receive(&socket, size)
                        .map_err(|error| format!("cannot receive: {error}"))?;
                    came += 1;
                    let rest = if cut { ", the rest is gone" } else { "" };
                    print(&format!(
                        "{} \"{}\" from {from}{rest}",
                        bytes.len(),
                        bytes.escape_ascii()
                    ))?;
                }
                Ok(())
            }
            Task::Send { to } => {
                let socket = open(any(to))?;
                each_line(|line| {
                    let sent = socket.send_to(line, to);
                    let n = sent.map_err(|error| format!("cannot send to {to}: {error}"))?;
                    print(&format!("sent {n} bytes"))
                })
            }
            Task::Serve { listen } => {
                let socket = open(listen)?;
                announce(&socket)?;
                serve::serve(&socket).map_err(|error| format!("cannot go on serving: {error}"))
            }
            Task::Probe { addr, wait } => {
                let socket = open(any(addr))?;
                let finding = probe::probe(&socket, addr, wait)
                    .map_err(|error| format!("cannot probe {addr}: {error}"))?;
                print(&finding.to_string())
            }
            Task::Tally { sent } => {
                let mut tally = Tally::of(sent);
                each_line(|line| {
                    let (number, in_time) = match line.strip_suffix(b" late") {
                        Some(number) => (number, false),
                        None => (line, true),
                    };
                    let number = str::from_utf8(number).unwrap_or_default();
                    let parsed = number.parse();
                    let parsed =
                        parsed.map_err(|_| "a line is a number, or a number and \"late\"")?;
                    print(&format!("{number} {}", tally.reply(parsed, in_time)))
                })?;
                print(&tally.to_string())
            }
            Task::Ping(plan) => {
                let socket = open(any(plan.to))?;
                let mut printed = Ok(());
                let tally = ping::ping(&socket, &plan, &mut |number, reply, after| {
                    let ms = after.as_secs_f64() * 1000.0;
                    let line = print(&format!("{number} {reply} after {ms:.3} ms"));
                    if printed.is_ok() {
                        printed = line;
                    }
                })
                .map_err(|error| format!("cannot ping {}: {error}", plan.to))?;
                printed?;
                print(&tally.to_string())?;
                match tally.received {
                    0 => Err(format!("no reply came in time from {}", plan.to)),
                    _ => Ok(()),
                }
            }
        }
    }
}

fn open(addr: SocketAddr) -> Result<std::net::UdpSocket, String> {
    datagram::open(addr).map_err(|error| format!("cannot open a socket on {addr}: {error}"))
}

fn announce(socket: &std::net::UdpSocket) -> Result<(), String> {
    let addr = socket.local_addr();
    let addr = addr.map_err(|error| format!("the socket has no address: {error}"))?;
    print(&format!("listening {addr}"))
}

/// Any address of this machine, and any free port, to send to `to` from.
fn any(to: SocketAddr) -> SocketAddr {
    match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Hands each line of standard input, without its end, to `act`, as soon as the line is there.
fn each_line(mut act: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), String> {
    for line in io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| format!("cannot read standard input: {error}"))?;
        // Windows' shells end a line with two bytes.
        act(line.strip_suffix(b"\r").unwrap_or(&line))?;
    }
    Ok(())
}

/// What is left of the command line of a subcommand.
struct Line {
    name: String,
    words: Vec<String>,
}

impl Line {
    /// Takes `flag` and the word behind it out of the line.
    fn value(&mut self, flag: &str) -> Result<Option<String>, String> {
        let Some(at) = self.words.iter().position(|word| word == flag) else {
            return Ok(None);
        };
        let mut taken = self.words.drain(at..self.words.len().min(at + 2));
        let value = taken.nth(1);
        value
            .map(Some)
            .ok_or_else(|| format!("nothing follows {flag}"))
    }

    fn number(&mut self, flag: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, String> {
        let Some(text) = self.value(flag)? else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|n| range.contains(n));
        let (least, most) = range.into_inner();
        let wrong = || format!("{flag} is a number from {least} to {most}, and {text} is not");
        number.ok_or_else(wrong).map(Some)
    }

    fn time(&mut self, flag: &str) -> Result<Option<Duration>, String> {
        let ms = self.number(flag, 1..=3_600_000)?;
        Ok(ms.map(|ms| Duration::from_millis(ms.into())))
    }

    fn next(&mut self, what: &str) -> Result<String, String> {
        match self.words.first() {
            Some(word) if !word.starts_with("--") => Ok(self.words.remove(0)),
            _ => Err(format!("{} wants {what}", self.name)),
        }
    }

    fn addr(&mut self) -> Result<SocketAddr, String> {
        parse_addr(&self.next("an address")?)
    }

    fn listen(&mut self) -> Result<SocketAddr, String> {
        match self.value("--listen")? {
            Some(text) => parse_addr(&text),
            None => Ok((Ipv4Addr::LOCALHOST, 0).into()),
        }
    }
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text} is no address with a port, like 127.0.0.1:4000"))
}

/// A number that two runs hardly ever share.
fn a_number() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.subsec_nanos());
    nanos ^ std::process::id().rotate_left(16)
}

/// Prints a line at once: whoever waits for it shall not have to wait for a full buffer.
fn print(line: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot print: {error}"))
}
