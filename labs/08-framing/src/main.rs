//! Given: reads the command line, calls your modules and prints what they return.
mod delay;
mod delimiter;
mod escape;
mod fixed;
mod framing;
mod prefix;
mod script;
mod stream;
mod text;

use std::io::{self, BufRead, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use delay::Delay;
use delimiter::Delimiter;
use escape::Escape;
use fixed::Fixed;
use framing::{Fault, Framing};
use prefix::Prefix;
use script::{Script, Scripted};
use stream::Receiver;

const USAGE: &str = "framing encode  [CURE]
       framing decode  [CURE] [--chunk N]
       framing send    ADDR [CURE]
       framing send    --script SCRIPT [CURE]
       framing receive [--listen ADDR] [CURE] [--chunk N] [--quiet]
       framing receive --script SCRIPT [CURE] [--chunk N] [--quiet]
CURE is --cure prefix|delimiter|escape [--max N], --cure fixed [--size N] or --cure delay [--pause MS].
ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000. N is a number from 1 to 16777216, MS one
from 0 to 60000. SCRIPT is words with commas between them, each a number of bytes or interrupted. encode
and send take a message from each line of standard input.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let job = match Job::parse(words) {
        Ok(job) => job,
        Err(reason) => {
            eprintln!("error: {reason}\nusage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    match job.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
enum Task {
    Encode,
    Decode {
        chunk: usize,
    },
    Send {
        to: End,
    },
    Receive {
        from: End,
        chunk: usize,
        quiet: bool,
    },
}

/// What is at the other end of the stream.
enum End {
    /// Somebody there, or who comes there.
    Addr(SocketAddr),
    /// Nobody: standard input or output, a call at a time as the script says.
    Script(Script),
}

/// A task, and the cure to do it with.
struct Job {
    task: Task,
    cure: Box<dyn Framing>,
}

impl Job {
    fn parse(mut words: Vec<String>) -> Result<Job, String> {
        if words.is_empty() {
            return Err("a subcommand is missing".into());
        }
        let name = words.remove(0);
        let mut words = Words(words);
        let task = match name.as_str() {
            "encode" => Task::Encode,
            "decode" => Task::Decode {
                chunk: words.number("--chunk", 1)?,
            },
            "send" => Task::Send {
                to: match words.value("--script")? {
                    Some(text) => End::Script(Script::parse(&text)?),
                    None => End::Addr(words.addr()?),
                },
            },
            "receive" => Task::Receive {
                from: match (words.value("--script")?, words.value("--listen")?) {
                    (Some(_), Some(_)) => {
                        return Err("--script and --listen exclude each other".into());
                    }
                    (Some(text), None) => End::Script(Script::parse(&text)?),
                    (None, Some(text)) => End::Addr(parse_addr(&text)?),
                    (None, None) => End::Addr((Ipv4Addr::LOCALHOST, 0).into()),
                },
                chunk: words.number("--chunk", 4096)?,
                quiet: words.flag("--quiet"),
            },
            _ => return Err(format!("there is no subcommand {name}")),
        };
        let cure = words.cure()?;
        match words.0.first() {
            Some(word) => Err(format!("{name} does not know {word} here")),
            None => Ok(Job { task, cure }),
        }
    }

    fn run(self) -> Result<(), String> {
        let cure = &*self.cure;
        match self.task {
            Task::Encode => {
                // All frames go into one stream, each behind the one before.
                let mut frames = Vec::new();
                let encoded = each_message(|message| cure.encode(message, &mut frames));
                show(&frames).map_err(|error| format!("cannot print: {error}"))?;
                encoded
            }
            Task::Decode { chunk } => decode(cure, chunk),
            Task::Send {
                to: End::Addr(addr),
            } => {
                let mut socket = connect(addr).map_err(cannot("connect to", addr))?;
                each_message(|message| stream::send(cure, message, &mut socket))?;
                let ended = socket.shutdown(Shutdown::Write);
                ended.map_err(|error| format!("cannot end the stream: {error}"))
            }
            Task::Send {
                to: End::Script(script),
            } => {
                let mut writer = Scripted::new(script, io::stdout());
                let sent = each_message(|message| stream::send(cure, message, &mut writer));
                let flushed = writer.flush();
                flushed.map_err(|error| format!("cannot print: {error}"))?;
                sent
            }
            Task::Receive {
                from: End::Addr(listen),
                chunk,
                quiet,
            } => {
                let listening = open(listen).map_err(cannot("listen on", listen))?;
                let addr = own_addr(&listening).map_err(cannot("listen on", listen))?;
                print(&format!("listening {addr}"))?;
                let (client, _) = listening.accept().map_err(cannot("accept on", addr))?;
                print_messages(Receiver::new(cure, client, chunk), quiet)
            }
            Task::Receive {
                from: End::Script(script),
                chunk,
                quiet,
            } => {
                let reader = Scripted::new(script, io::stdin());
                print_messages(Receiver::new(cure, reader, chunk), quiet)
            }
        }
    }
}

/// Prints each message that `receiver` returns, unless `quiet`, and at the end how many those were.
fn print_messages(mut receiver: Receiver<'_, impl Read>, quiet: bool) -> Result<(), String> {
    let mut count = 0_u64;
    loop {
        match receiver.receive() {
            Ok(Some(message)) => {
                count += 1;
                if !quiet {
                    print(&text::show(&message))?;
                }
            }
            Ok(None) => return print(&end_after(count)),
            Err(fault) => return Err(format!("after {}: {fault}", messages(count))),
        }
    }
}

/// Hands each line of standard input, as the message that it stands for, to `act`, as soon as the line
/// is there.
fn each_message(mut act: impl FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), String> {
    let mut input = io::stdin().lock();
    for number in 1.. {
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|error| format!("cannot read standard input: {error}"))? == 0 {
            break;
        }
        // Windows' shells end a line with two bytes.
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let message = text::read(line).map_err(|reason| format!("line {number}: {reason}"))?;
        act(&message).map_err(|fault| format!("message {number}: {fault}"))?;
    }
    Ok(())
}

// ANCHOR: decode
/// Shows `cure.decode` more and more of standard input: always all that is
/// not used up yet, `chunk` bytes longer each time.
fn decode(cure: &dyn Framing, chunk: usize) -> Result<(), String> {
    let mut input = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut input);
    read.map_err(|error| format!("cannot read standard input: {error}"))?;
    let (mut start, mut end, mut count) = (0, 0, 0);
    loop {
        let fault = match cure.decode(&input[start..end]) {
            Ok(Some(frame)) if frame.used == 0 || frame.used > end - start => {
                let shown = end - start;
                return Err(format!("decode used {} of {shown} bytes", frame.used));
            }
            Ok(Some(frame)) => {
                print(&text::show(&frame.message))?;
                start += frame.used;
                count += 1;
                continue;
            }
            Ok(None) if end < input.len() => {
                end = input.len().min(end + chunk);
                continue;
            }
            Ok(None) if start == end => return print(&end_after(count)),
            Ok(None) => Fault::EndWithin { bytes: end - start },
            Err(fault) => fault,
        };
        return Err(format!("after {}: {fault}", messages(count)));
    }
}
// ANCHOR_END: decode

/// What is left of the command line.
struct Words(Vec<String>);

impl Words {
    fn flag(&mut self, name: &str) -> bool {
        let at = self.0.iter().position(|word| word == name);
        at.map(|at| self.0.remove(at)).is_some()
    }

    fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(at) = self.0.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 == self.0.len() {
            return Err(format!("nothing follows {name}"));
        }
        self.0.remove(at);
        Ok(Some(self.0.remove(at)))
    }

    fn number(&mut self, name: &str, usual: usize) -> Result<usize, String> {
        let Some(text) = self.value(name)? else {
            return Ok(usual);
        };
        let number = text.parse().ok().filter(|n| (1..=1 << 24).contains(n));
        number.ok_or_else(|| format!("{text} is no number from 1 to 16777216"))
    }

    fn addr(&mut self) -> Result<SocketAddr, String> {
        if self.0.first().is_none_or(|word| word.starts_with("--")) {
            return Err("send wants an address".into());
        }
        parse_addr(&self.0.remove(0))
    }

    fn cure(&mut self) -> Result<Box<dyn Framing>, String> {
        let name = self.value("--cure")?.unwrap_or_else(|| "prefix".into());
        Ok(match name.as_str() {
            "prefix" => Box::new(Prefix { max: self.max()? }),
            "delimiter" => Box::new(Delimiter { max: self.max()? }),
            "escape" => Box::new(Escape { max: self.max()? }),
            "fixed" => Box::new(Fixed {
                size: self.number("--size", 16)?,
            }),
            "delay" => {
                let text = self.value("--pause")?.unwrap_or_else(|| "20".into());
                let pause = text.parse().ok().filter(|ms| *ms <= 60_000);
                let pause = pause.ok_or_else(|| format!("{text} is no number up to 60000"))?;
                Box::new(Delay {
                    pause: Duration::from_millis(pause),
                })
            }
            _ => return Err(format!("there is no cure {name}")),
        })
    }

    fn max(&mut self) -> Result<usize, String> {
        self.number("--max", 65536)
    }
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text} is no address with a port, like 127.0.0.1:4000"))
}

fn connect(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.connect(&addr.into())?;
    Ok(socket)
}

fn open(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&addr.into())?;
    socket.listen(128)?;
    Ok(socket)
}

fn own_addr(socket: &Socket) -> io::Result<SocketAddr> {
    let addr = socket.local_addr()?.as_socket();
    addr.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

fn cannot(what: &str, addr: SocketAddr) -> impl FnOnce(io::Error) -> String {
    move |error| format!("cannot {what} {addr}: {error}")
}

fn messages(count: u64) -> String {
    match count {
        1 => "1 message".into(),
        n => format!("{n} messages"),
    }
}

fn end_after(count: u64) -> String {
    format!("end after {}", messages(count))
}

/// Prints a line at once: whoever waits for it shall not have to wait for a full buffer.
fn print(line: &str) -> Result<(), String> {
    show(format!("{line}\n").as_bytes()).map_err(|error| format!("cannot print: {error}"))
}

fn show(bytes: &[u8]) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}
