//! Given: reads the command line, calls your modules and prints what they return.
mod address;
mod description;
mod fileno;
mod queue;
mod reuse;
mod server;
mod setting;
mod sockopt;
mod table;

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use description::describe;
use reuse::{First, Reuse};
use setting::{Name, Setting};
use table::Table;

const USAGE: &str = "options inspect listen [--listen ADDR] [--hold N]
       options inspect connect ADDR
       options inspect udp
       options set LEVEL/OPTION VALUE… [--udp | --connect ADDR]
       options descriptors
       options leave  [--listen ADDR] [--reuse on|off] [--first server|client]
       options rebind ADDR [--reuse on|off]
       options reuse  [--first server|client] [--old on|off] [--new on|off]
       options serve  [--listen ADDR] [--backlog N]
       options backlog N [--at-most N] [--patience MS]
ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000.";

fn main() -> ExitCode {
    let words = Words(std::env::args().skip(1).collect());
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
    InspectListen {
        addr: SocketAddr,
        hold: usize,
    },
    InspectConnect {
        addr: SocketAddr,
    },
    InspectUdp,
    Set {
        name: Name,
        settings: Vec<Setting>,
        on: On,
    },
    Descriptors,
    Leave {
        addr: SocketAddr,
        reuse: Reuse,
        first: First,
    },
    Rebind {
        addr: SocketAddr,
        reuse: Reuse,
    },
    Reuse {
        first: Option<First>,
        old: Option<Reuse>,
        new: Option<Reuse>,
    },
    Serve {
        addr: SocketAddr,
        backlog: i32,
    },
    Backlog {
        backlog: i32,
        at_most: usize,
        patience: Duration,
    },
}

/// The socket whose option is set.
enum On {
    Tcp,
    Udp,
    Connected(SocketAddr),
}

impl Task {
    fn parse(mut words: Words) -> Result<Task, String> {
        let task = match words.next("a subcommand")?.as_str() {
            "inspect" => match words.next("what to inspect")?.as_str() {
                "listen" => Task::InspectListen {
                    addr: words.listen()?,
                    hold: words.number("--hold", 0)?,
                },
                "connect" => Task::InspectConnect {
                    addr: address::parse(&words.next("an address")?)?,
                },
                "udp" => Task::InspectUdp,
                other => return Err(format!("there is no {other} to inspect")),
            },
            "set" => {
                let udp = words.flag("--udp");
                let on = match words.value("--connect")? {
                    Some(_) if udp => return Err("--udp does not connect".into()),
                    Some(addr) => On::Connected(address::parse(&addr)?),
                    None if udp => On::Udp,
                    None => On::Tcp,
                };
                let name = Name::parse(&words.next("LEVEL/OPTION")?)?;
                let mut settings = vec![Setting::parse(name, &words.next("a value")?)?];
                while let Ok(value) = words.next("another value") {
                    settings.push(Setting::parse(name, &value)?);
                }
                Task::Set { name, settings, on }
            }
            "descriptors" => Task::Descriptors,
            "leave" => Task::Leave {
                addr: words.listen()?,
                reuse: words.reuse("--reuse")?.unwrap_or(Reuse::Off),
                first: words.first()?.unwrap_or(First::Server),
            },
            "rebind" => Task::Rebind {
                reuse: words.reuse("--reuse")?.unwrap_or(Reuse::Off),
                addr: address::parse(&words.next("an address")?)?,
            },
            "reuse" => Task::Reuse {
                first: words.first()?,
                old: words.reuse("--old")?,
                new: words.reuse("--new")?,
            },
            "serve" => Task::Serve {
                addr: words.listen()?,
                backlog: words.number("--backlog", 128)?,
            },
            "backlog" => Task::Backlog {
                at_most: words.number("--at-most", 500)?,
                patience: Duration::from_millis(words.number("--patience", 1000)?),
                backlog: number(&words.next("a backlog")?)?,
            },
            other => return Err(format!("there is no subcommand {other}")),
        };
        match words.0.first() {
            Some(word) => Err(format!("{word} is one word too many")),
            None => Ok(task),
        }
    }

    fn run(self) -> Result<(), String> {
        match self {
            Task::InspectListen { addr, hold } => inspect_listen(addr, hold),
            Task::InspectConnect { addr } => {
                let socket = tcp(addr).map_err(cannot("make a socket for", addr))?;
                let connected = socket.connect(&addr.into());
                connected.map_err(cannot("connect to", addr))?;
                print_description(&socket)
            }
            Task::InspectUdp => {
                let socket = UdpSocket::bind(address::free());
                print_description(&socket.map_err(plain)?.into())
            }
            Task::Set { name, settings, on } => set(name, settings, on),
            Task::Descriptors => descriptors(),
            Task::Leave { addr, reuse, first } => leave(addr, reuse, first),
            Task::Rebind { addr, reuse } => {
                let found = reuse::can_bind(addr, reuse).map_err(cannot("bind to", addr))?;
                print(found_word(found))
            }
            Task::Reuse { first, old, new } => reuse_table(first, old, new),
            Task::Serve { addr, backlog } => {
                let listening = server::listen(addr, backlog).map_err(cannot("listen on", addr))?;
                let addr = say_listening(&listening)?;
                server::serve(&listening).map_err(cannot("go on serving on", addr))
            }
            Task::Backlog {
                backlog,
                at_most,
                patience,
            } => {
                let count = queue::connects(backlog, at_most, patience).map_err(plain)?;
                print(&format!("backlog {backlog}: {count} connected"))
            }
        }
    }
}

/// Describes the listening socket, and then the connection of its first client.
fn inspect_listen(addr: SocketAddr, hold: usize) -> Result<(), String> {
    // What is open already has its number, and the listening socket gets the next one.
    let held: Result<Vec<UdpSocket>, _> = (0..hold)
        .map(|_| UdpSocket::bind(address::free()))
        .collect();
    let _held = held.map_err(plain)?;
    let listening = listen_on(addr)?;
    say_listening(&listening)?;
    print_description(&listening)?;
    let (connected, _) = listening.accept().map_err(plain)?;
    print_description(&connected)
}

/// Sets an option of a new socket, before it is connected, to one value after the other, and prints
/// its values before and after. When one is refused, prints what the option still is, and ends.
fn set(name: Name, settings: Vec<Setting>, on: On) -> Result<(), String> {
    let socket = match on {
        On::Tcp => tcp(address::free()),
        On::Udp => Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)),
        On::Connected(addr) => tcp(addr),
    }
    .map_err(plain)?;
    print(&format!(
        "before {}",
        sockopt::get(&socket, name).map_err(plain)?
    ))?;
    for setting in settings {
        print(&format!("asked {setting}"))?;
        match sockopt::set(&socket, setting) {
            Ok(made) => print(&format!("after {made}"))?,
            Err(error) => {
                let still = sockopt::get(&socket, name).map_err(plain)?;
                print(&format!("still {still}"))?;
                return Err(plain(error));
            }
        }
    }
    if let On::Connected(addr) = on {
        let connected = socket.connect(&addr.into());
        connected.map_err(cannot("connect to", addr))?;
        print(&format!("connected {addr}"))?;
        // Until standard input ends. Then the socket is dropped, and so closed.
        io::copy(&mut io::stdin().lock(), &mut io::sink()).map_err(plain)?;
    }
    Ok(())
}

/// Carries out the lines of standard input on a [`Table`].
fn descriptors() -> Result<(), String> {
    let mut table = Table::default();
    for (at, line) in io::stdin().lock().lines().enumerate() {
        let line = line.map_err(plain)?;
        let mut words = line.splitn(3, ' ');
        let (verb, number, text) = (words.next(), words.next(), words.next());
        let number = number.map(number_of).transpose()?;
        let answer = match (verb, number, text) {
            (Some("open"), None, None) => match table.open() {
                Ok((number, addr)) => format!("opened {number} {addr}"),
                Err(error) => format!("not opened: {error}"),
            },
            (Some("close"), Some(number), None) => match table.close(number) {
                true => format!("closed {number}"),
                false => format!("no descriptor {number}"),
            },
            (Some("label"), Some(number), Some(text)) => match table.label(number, text) {
                true => format!("labelled {number}"),
                false => format!("no descriptor {number}"),
            },
            (Some("show"), Some(number), None) => match table.label_of(number) {
                Some(Some(label)) => format!("{number} is {label}"),
                Some(None) => format!("{number} has no label"),
                None => format!("no descriptor {number}"),
            },
            _ => return Err(format!("line {}: {line} is no command", at + 1)),
        };
        print(&answer)?;
    }
    Ok(())
}

/// The old half of the experiment, alone: one client, whose connection ends as it was asked.
fn leave(addr: SocketAddr, reuse: Reuse, first: First) -> Result<(), String> {
    let listening = reuse::bind(addr, reuse).map_err(cannot("bind to", addr))?;
    listening.listen(1).map_err(cannot("listen on", addr))?;
    say_listening(&listening)?;
    let (connected, _) = listening.accept().map_err(plain)?;
    reuse::part(connected, first).map_err(plain)
}

/// Runs the experiment for each combination that was not excluded, and prints a line for each.
fn reuse_table(first: Option<First>, old: Option<Reuse>, new: Option<Reuse>) -> Result<(), String> {
    let both = [Reuse::Off, Reuse::On];
    for closes in [First::Server, First::Client] {
        for had in both {
            for has in both {
                let wanted = |asked: Option<Reuse>, here| asked.is_none_or(|asked| asked == here);
                if first.is_none_or(|first| first == closes) && wanted(old, had) && wanted(new, has)
                {
                    let found = experiment(closes, had, has).map_err(plain)?;
                    print(&format!(
                        "first {}, old {}, new {}: {}",
                        match closes {
                            First::Server => "server",
                            First::Client => "client",
                        },
                        on_off(had),
                        on_off(has),
                        found_word(found)
                    ))?;
                }
            }
        }
    }
    Ok(())
}

// ANCHOR: experiment
/// A server with one client, that is gone again; and then a new socket on
/// the same address. Whether it could be bound.
fn experiment(first: First, old: Reuse, new: Reuse) -> io::Result<bool> {
    let listening = reuse::bind(address::free(), old)?;
    listening.listen(1)?;
    let addr = address::of(&listening)?;
    let client = thread::spawn(move || -> io::Result<()> {
        let mut client = TcpStream::connect(addr)?;
        if first == First::Server {
            // Waits for the server's FIN before it sends its own.
            client.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    });
    let (connected, _) = listening.accept()?;
    reuse::part(connected, first)?;
    client.join().map_err(|_| ErrorKind::Other)??;
    drop(listening);
    reuse::can_bind(addr, new)
}
// ANCHOR_END: experiment

fn found_word(bound: bool) -> &'static str {
    if bound { "bound" } else { "in use" }
}

fn on_off(reuse: Reuse) -> &'static str {
    match reuse {
        Reuse::On => "on",
        Reuse::Off => "off",
    }
}

/// What is left of the command line.
struct Words(Vec<String>);

impl Words {
    fn next(&mut self, what: &str) -> Result<String, String> {
        match self.0.first() {
            Some(word) if !word.starts_with("--") => Ok(self.0.remove(0)),
            _ => Err(format!("{what} is missing")),
        }
    }

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

    fn listen(&mut self) -> Result<SocketAddr, String> {
        let addr = self.value("--listen")?;
        addr.map_or(Ok(address::free()), |addr| address::parse(&addr))
    }

    fn number<T: TryFrom<i32>>(&mut self, name: &str, usual: T) -> Result<T, String> {
        self.value(name)?.map_or(Ok(usual), |text| number(&text))
    }

    fn reuse(&mut self, name: &str) -> Result<Option<Reuse>, String> {
        Ok(match self.value(name)?.as_deref() {
            Some("on") => Some(Reuse::On),
            Some("off") => Some(Reuse::Off),
            Some(other) => return Err(format!("{other} is neither on nor off")),
            None => None,
        })
    }

    fn first(&mut self) -> Result<Option<First>, String> {
        Ok(match self.value("--first")?.as_deref() {
            Some("server") => Some(First::Server),
            Some("client") => Some(First::Client),
            Some(other) => return Err(format!("{other} is neither server nor client")),
            None => None,
        })
    }
}

fn number<T: TryFrom<i32>>(text: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|n| (0..=1_000_000).contains(n));
    let number = number.and_then(|n: i32| T::try_from(n).ok());
    number.ok_or_else(|| format!("{text} is no number from 0 to 1000000"))
}

fn number_of(text: &str) -> Result<fileno::Fileno, String> {
    text.parse().map_err(|_| format!("{text} is no descriptor"))
}

fn tcp(addr: SocketAddr) -> io::Result<Socket> {
    Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))
}

fn listen_on(addr: SocketAddr) -> Result<Socket, String> {
    let socket = tcp(addr).map_err(cannot("make a socket for", addr))?;
    socket.bind(&addr.into()).map_err(cannot("bind to", addr))?;
    socket.listen(128).map_err(cannot("listen on", addr))?;
    Ok(socket)
}

/// Prints `listening ADDR` with the address that the socket has now, and returns it.
fn say_listening(socket: &Socket) -> Result<SocketAddr, String> {
    let addr = address::of(socket).map_err(plain)?;
    print(&format!("listening {addr}"))?;
    Ok(addr)
}

fn print_description(socket: &Socket) -> Result<(), String> {
    print(&describe(socket).map_err(plain)?.to_string())
}

/// Prints a line at once: whoever waits for it shall not have to wait for a full buffer.
fn print(line: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot print: {error}"))
}

fn cannot(what: &str, addr: SocketAddr) -> impl FnOnce(io::Error) -> String {
    move |error| format!("cannot {what} {addr}: {error}")
}

fn plain(error: io::Error) -> String {
    error.to_string()
}
