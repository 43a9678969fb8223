//! Given: reads the command line, calls your modules and prints what they return.
mod crc;
mod datagram;
mod partial;
mod receiver;
mod sender;
mod socket;
mod tcp;
mod window;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datagram::{Datagram, Kind};
use partial::Partial;
use sender::Plan;

const USAGE: &str = "tcp-or-udp encode  KIND TRANSFER NUMBER
       tcp-or-udp decode
       tcp-or-udp receive --out FILE [--listen ADDR] [--idle MS] [--linger MS] [--tcp]
       tcp-or-udp send    ADDR FILE [--window N] [--timeout MS] [--tries N] [--tcp]
KIND is data, ack or fin. ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000.";

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
    Encode {
        kind: Kind,
        transfer: u32,
        number: u32,
    },
    Decode,
    Receive {
        listen: SocketAddr,
        out: PathBuf,
        idle: Duration,
        linger: Duration,
        tcp: bool,
    },
    Send {
        file: PathBuf,
        plan: Plan,
        tcp: bool,
    },
}

impl Task {
    fn parse(mut words: Vec<String>) -> Result<Task, String> {
        let tcp = words.iter().position(|word| word == "--tcp");
        let tcp = tcp.map(|at| words.remove(at)).is_some();
        let out = take(&mut words, "--out")?;
        let listen = take(&mut words, "--listen")?;
        let mut number = |flag, default: u64| match take(&mut words, flag)? {
            Some(text) => parse_number(&text),
            None => Ok(default),
        };
        let idle = Duration::from_millis(number("--idle", 5000)?);
        let linger = Duration::from_millis(number("--linger", 1000)?);
        let timeout = Duration::from_millis(number("--timeout", 200)?);
        let window = number("--window", 1)?.min(64) as usize;
        let tries = number("--tries", 20)?.min(1000) as u32;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["encode", kind, transfer, number] => Ok(Task::Encode {
                kind: match kind {
                    "data" => Kind::Data,
                    "ack" => Kind::Ack,
                    "fin" => Kind::Fin,
                    _ => return Err(format!("{kind} is no kind of datagram")),
                },
                transfer: transfer
                    .parse()
                    .map_err(|_| format!("{transfer} is no number"))?,
                number: number
                    .parse()
                    .map_err(|_| format!("{number} is no number"))?,
            }),
            ["decode"] => Ok(Task::Decode),
            ["receive"] => Ok(Task::Receive {
                listen: parse_addr(listen.as_deref().unwrap_or("127.0.0.1:0"))?,
                out: out.ok_or("--out is missing")?.into(),
                idle,
                linger,
                tcp,
            }),
            ["send", to, file] => Ok(Task::Send {
                file: file.into(),
                plan: Plan {
                    to: parse_addr(to)?,
                    transfer: a_number(),
                    timeout,
                    tries,
                    window,
                },
                tcp,
            }),
            _ => Err("that is no command line of this program".into()),
        }
    }

    fn run(self) -> Result<(), String> {
        match self {
            Task::Encode {
                kind,
                transfer,
                number,
            } => {
                let mut block = Vec::new();
                let read = io::stdin().lock().read_to_end(&mut block);
                read.map_err(|error| format!("cannot read standard input: {error}"))?;
                let datagram = Datagram {
                    kind,
                    transfer,
                    number,
                    block,
                };
                show(&datagram.encode())
            }
            Task::Decode => {
                let mut bytes = Vec::new();
                let read = io::stdin().lock().read_to_end(&mut bytes);
                read.map_err(|error| format!("cannot read standard input: {error}"))?;
                let datagram = Datagram::decode(&bytes).ok_or("that is no datagram of ours")?;
                let kind = match datagram.kind {
                    Kind::Data => "data",
                    Kind::Ack => "ack",
                    Kind::Fin => "fin",
                };
                show(
                    format!(
                        "{kind} {} {} {}\n",
                        datagram.transfer,
                        datagram.number,
                        datagram.block.len()
                    )
                    .as_bytes(),
                )
            }
            Task::Receive {
                listen,
                out,
                idle,
                linger,
                tcp: true,
            } => {
                let _ = (idle, linger);
                let listener = TcpListener::bind(listen).map_err(cannot("listen on", listen))?;
                let addr = listener.local_addr().map_err(cannot("name", listen))?;
                show(format!("listening {addr}\n").as_bytes())?;
                into_file(&out, |file| tcp::receive(&listener, file))?;
                Ok(())
            }
            Task::Receive {
                listen,
                out,
                idle,
                linger,
                tcp: false,
            } => {
                let socket = UdpSocket::bind(listen).map_err(cannot("listen on", listen))?;
                let addr = socket.local_addr().map_err(cannot("name", listen))?;
                show(format!("listening {addr}\n").as_bytes())?;
                let ended = into_file(&out, |file| receiver::receive(&socket, file, idle))?;
                let lingered = receiver::linger(&socket, ended, linger);
                lingered.map_err(|error| format!("cannot linger: {error}"))
            }
            Task::Send { file, plan, tcp } => {
                let bytes = std::fs::read(&file)
                    .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
                if tcp {
                    tcp::send(plan.to, &bytes).map_err(cannot("send to", plan.to))?;
                    return show(format!("sent {} bytes\n", bytes.len()).as_bytes());
                }
                let any = match plan.to {
                    SocketAddr::V4(_) => "0.0.0.0:0",
                    SocketAddr::V6(_) => "[::]:0",
                };
                let socket = UdpSocket::bind(any)
                    .map_err(|error| format!("cannot open a socket: {error}"))?;
                let result = if plan.window > 1 {
                    window::send(&socket, &bytes, &plan)
                } else {
                    sender::send(&socket, &bytes, &plan)
                };
                let sent = result.map_err(cannot("send to", plan.to))?;
                show(
                    format!(
                        "sent {} bytes in {} datagrams, {} of them again\n",
                        bytes.len(),
                        sent.datagrams,
                        sent.again
                    )
                    .as_bytes(),
                )
            }
        }
    }
}

/// Receives into a part, and says how much; takes the part away where that fails.
fn into_file<T>(
    out: &Path,
    receive: impl FnOnce(&mut Partial) -> io::Result<T>,
) -> Result<T, String> {
    let mut file =
        Partial::create(out).map_err(|error| format!("cannot write {}: {error}", out.display()))?;
    match receive(&mut file) {
        Ok(value) => {
            show(format!("received {} bytes\n", file.bytes).as_bytes())?;
            Ok(value)
        }
        Err(error) => {
            file.discard();
            Err(format!("cannot go on receiving: {}", reason(&error)))
        }
    }
}

/// Takes `flag` and its value out of the words.
fn take(words: &mut Vec<String>, flag: &str) -> Result<Option<String>, String> {
    let Some(at) = words.iter().position(|word| word == flag) else {
        return Ok(None);
    };
    if at + 1 == words.len() {
        return Err(format!("nothing follows {flag}"));
    }
    words.remove(at);
    Ok(Some(words.remove(at)))
}

fn parse_number(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    number.ok_or_else(|| format!("{text} is no number from 1 to 1000000"))
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text} is no address with a port, like 127.0.0.1:4000"))
}

/// A number that two transfers hardly ever share.
fn a_number() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.subsec_nanos());
    nanos ^ std::process::id().rotate_left(16)
}

fn show(bytes: &[u8]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot print: {error}"))
}

fn cannot(what: &str, addr: SocketAddr) -> impl FnOnce(io::Error) -> String {
    move |error| format!("cannot {what} {addr}: {}", reason(&error))
}

/// An error in words that are the same on every system.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::TimedOut => "no answer came in time".into(),
        _ => error.to_string(),
    }
}
