//! Given: reads the command line, calls your modules and prints what they return.
mod beacon;
mod discovery;
mod message;
mod sockets;
mod subnet;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "broadcast address  ADDRESS/BITS | ADDRESS/MASK
       broadcast listen   [--listen ADDR] [--name NAME]
       broadcast announce --to ADDR --name NAME
       broadcast discover --to ADDR [--wait SECONDS] [--want N]
ADDR is an IPv4 address and a port: 127.255.255.255:4000.";

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
    Address(String),
    Listen(SocketAddrV4, Option<String>),
    Announce(SocketAddrV4, String),
    Discover(SocketAddrV4, Duration, usize),
}

impl Task {
    fn parse(words: &[String]) -> Result<Task, String> {
        let (name, rest) = words.split_first().ok_or("a subcommand is missing")?;
        if name == "address" {
            return match rest {
                [text] => Ok(Task::Address(text.clone())),
                _ => Err("address takes one argument, like 192.168.5.17/20".into()),
            };
        }
        let (mut listen, mut to, mut who) = (None, None, None);
        let mut wait = Duration::from_secs(1);
        let mut want = usize::MAX;
        let mut rest = rest.iter();
        while let Some(flag) = rest.next() {
            let value = rest.next().ok_or(format!("nothing follows {flag}"))?;
            match (name.as_str(), flag.as_str()) {
                ("listen", "--listen") => listen = Some(parse_addr(value)?),
                ("announce" | "discover", "--to") => to = Some(parse_addr(value)?),
                ("listen" | "announce", "--name") => who = Some(parse_name(value)?),
                ("discover", "--wait") => wait = parse_seconds(value)?,
                ("discover", "--want") => want = parse_want(value)?,
                _ => return Err(format!("{name} does not know {flag}")),
            }
        }
        let to = to.ok_or(format!("{name} needs --to ADDR"));
        match name.as_str() {
            "listen" => {
                let default = SocketAddrV4::new(Ipv4Addr::new(127, 255, 255, 255), 0);
                Ok(Task::Listen(listen.unwrap_or(default), who))
            }
            "announce" => Ok(Task::Announce(
                to?,
                who.ok_or("announce needs --name NAME")?,
            )),
            "discover" => Ok(Task::Discover(to?, wait, want)),
            _ => Err(format!("there is no subcommand {name}")),
        }
    }

    fn run(self) -> Result<(), String> {
        match self {
            Task::Address(text) => {
                let subnet = subnet::Subnet::parse(&text)?;
                let broadcast = match subnet.broadcast() {
                    Some(address) => address.to_string(),
                    None => "none".into(),
                };
                let (first, last) = subnet.hosts();
                say(format_args!(
                    "network {}\nbroadcast {broadcast}\nfirst {first}\nlast {last}",
                    subnet.network()
                ));
                Ok(())
            }
            Task::Listen(addr, name) => {
                let socket = sockets::receiver(addr).map_err(cannot("listen on", addr))?;
                let local = socket.local_addr().map_err(cannot("listen on", addr))?;
                say(format_args!("listening {local}"));
                beacon::listen(&socket, name.as_deref(), &mut |name, from| {
                    say(format_args!("announced {name} from {from}"));
                })
                .map_err(cannot("go on listening on", addr))
            }
            Task::Announce(to, name) => {
                allowed(to)?;
                let socket = sockets::sender().map_err(cannot("send to", to))?;
                beacon::announce(&socket, to, &name).map_err(cannot("send to", to))
            }
            Task::Discover(to, wait, want) => {
                allowed(to)?;
                let socket = sockets::sender().map_err(cannot("send to", to))?;
                let id = std::process::id();
                let found = discovery::discover(&socket, to, id, wait, want)
                    .map_err(cannot("discover at", to))?;
                for answer in found {
                    say(format_args!("found {} at {}", answer.name, answer.from));
                }
                Ok(())
            }
        }
    }
}

/// 255.255.255.255 is every host on every cable of this machine: no lab sends there.
fn allowed(to: SocketAddrV4) -> Result<(), String> {
    if *to.ip() == Ipv4Addr::BROADCAST {
        return Err(
            "255.255.255.255 leaves this machine: name a subnet's broadcast address".into(),
        );
    }
    Ok(())
}

/// Prints a line at once: whoever waits for it shall not have to wait for a full buffer.
fn say(line: std::fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

fn parse_addr(text: &str) -> Result<SocketAddrV4, String> {
    text.parse()
        .map_err(|_| format!("{text} is no IPv4 address with a port, like 127.255.255.255:4000"))
}

fn parse_name(text: &str) -> Result<String, String> {
    if message::is_name(text) {
        Ok(text.into())
    } else {
        Err(format!(
            "{text:?} is no name: 1 to 32 letters, digits and hyphens"
        ))
    }
}

/// A number of answers.
fn parse_want(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(want) if want > 0 => Ok(want),
        _ => Err(format!("{text} is no number of answers: it is 1 or more")),
    }
}

/// A time in seconds, more than 0 and at most a minute.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| (0.001..=60.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or(format!("{text} is no time: from 0.001 to 60 seconds"))
}

fn cannot(what: &str, addr: SocketAddrV4) -> impl FnOnce(io::Error) -> String {
    move |error| format!("cannot {what} {addr}: {error}")
}
