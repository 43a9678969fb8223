//! Given: reads the command line, calls your modules and prints what they return.
mod accept;
mod answer;
mod body;
mod capability;
mod change;
mod chunked;
mod condition;
mod connection;
mod date;
mod farewell;
mod file;
mod head;
mod message;
mod serve;
mod target;

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use answer::Site;
use message::{After, Framing, Head, Refusal, Response};

const USAGE: &str = "http-serve parse   [--chunk N]
       http-serve resolve --root DIR TARGET
       http-serve answer  --root DIR [--writable]
       http-serve serve   --root DIR [--listen ADDR] [--patience MS] [--max-body BYTES] [--writable]
ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000. N is a number from 1 on, MS one from 1 to
3600000, BYTES one up to 1073741824. parse and answer take a request from standard input.";

/// How a run ends that is not a success.
enum Stop {
    /// The command line is wrong.
    Usage(String),
    /// Something else is.
    Failure(String),
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Stop::Failure(reason)
    }
}

fn main() -> ExitCode {
    end_with_any_thread();
    let words = Words(std::env::args().skip(1).collect());
    match run(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Usage(reason)) => {
            eprintln!("error: {reason}\nusage: {USAGE}");
            ExitCode::from(2)
        }
        Err(Stop::Failure(reason)) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut words: Words) -> Result<(), Stop> {
    let Some(name) = words.next() else {
        return Err(Stop::Usage("a subcommand is missing".into()));
    };
    match name.as_str() {
        "parse" => {
            let chunk = words.number("--chunk", usize::MAX as u64, 1..=u64::MAX)?;
            words.end(&name)?;
            parse(usize::try_from(chunk).unwrap_or(usize::MAX))
        }
        "resolve" => {
            let site = words.site()?;
            let target = words.next();
            words.end(&name)?;
            let target = target.ok_or_else(|| Stop::Usage("resolve wants a target".into()))?;
            let found = target::resolve(&site.root, &target).map_err(refused)?;
            print(format!("file {}\n", shown(&site.root, &found)))
        }
        "answer" => {
            let site = words.site()?;
            words.end(&name)?;
            answer_one(&site)
        }
        "serve" => {
            let listen = words.value("--listen")?;
            let addr = listen.unwrap_or_else(|| "127.0.0.1:0".into());
            let addr: SocketAddr = addr.parse().map_err(|_| {
                Stop::Usage(format!(
                    "{addr} is no address with a port, like 127.0.0.1:4000"
                ))
            })?;
            let patience = words.number("--patience", 10_000, 1..=3_600_000)?;
            let site = words.site()?;
            words.end(&name)?;
            let cannot = |what| move |error| format!("cannot {what} {addr}: {error}");
            let listening = serve::listen(addr).map_err(cannot("listen on"))?;
            let own = listening.local_addr().map_err(cannot("listen on"))?;
            print(format!("listening {own}\n"))?;
            let served = serve::serve(&listening, site, Duration::from_millis(patience));
            Ok(served.map_err(cannot("go on serving on"))?)
        }
        _ => Err(Stop::Usage(format!("there is no subcommand {name}"))),
    }
}

// ANCHOR: parse
/// Shows `head::parse` more and more of standard input, `chunk` bytes longer
/// each time, until it has an answer.
fn parse(chunk: usize) -> Result<(), Stop> {
    let input = read_input()?;
    let mut end = 0;
    let head = loop {
        match head::parse(&input[..end]).map_err(refused)? {
            Some(head) => break head,
            None if end == input.len() => {
                return Err(format!("the head is not complete after {end} bytes").into());
            }
            None => end = input.len().min(end.saturating_add(chunk)),
        }
    };
    let framing = head::framing(&head).map_err(refused)?;
    print(describe(&head, framing))
}
// ANCHOR_END: parse

fn describe(head: &Head, framing: Framing) -> String {
    let mut text = format!(
        "method {}\ntarget {}\nversion {}\n",
        head.method, head.target, head.version
    );
    for field in &head.fields {
        let name = field.name.to_ascii_lowercase();
        text += &format!("field {name}: {}\n", field.value);
    }
    let body = match framing {
        Framing::None => "none".into(),
        Framing::Length(length) => length.to_string(),
        Framing::Chunked => "chunked".into(),
    };
    text + &format!("body {body}\nused {}\n", head.used)
}

/// Answers the request on standard input as if it had come on a connection.
fn answer_one(site: &Site) -> Result<(), Stop> {
    let input = read_input()?;
    let mut method = String::new();
    let response = match head::parse(&input) {
        Err(refusal) => refusal.into(),
        Ok(None) => {
            let reason = format!("the head is not complete after {} bytes", input.len());
            return Err(reason.into());
        }
        Ok(Some(head)) => {
            method.clone_from(&head.method);
            let body = input.get(head.used..).filter(|rest| !rest.is_empty());
            answer::answer(site, &head, body).unwrap_or_else(Response::from)
        }
    };
    let sent = answer::send(response, &method, After::KeepOpen, &mut io::stdout());
    Ok(sent.map_err(|error| format!("cannot send the answer: {error}"))?)
}

fn refused(refusal: Refusal) -> Stop {
    Stop::Failure(format!("{}: {}", refusal.status, refusal.reason))
}

/// The path below the root, with slashes; all of it where it is not below the root.
fn shown(root: &Path, path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let inside = real.strip_prefix(root).unwrap_or(&real);
    inside.display().to_string().replace('\\', "/")
}

fn read_input() -> Result<Vec<u8>, Stop> {
    let mut input = Vec::new();
    match io::stdin().lock().read_to_end(&mut input) {
        Ok(_) => Ok(input),
        Err(error) => Err(format!("cannot read standard input: {error}").into()),
    }
}

/// Prints at once: whoever waits for a line shall not have to wait for a full buffer.
fn print(text: String) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Ok(printed.map_err(|error| format!("cannot print: {error}"))?)
}

/// What is left of the command line.
struct Words(Vec<String>);

impl Words {
    fn next(&mut self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    fn flag(&mut self, name: &str) -> bool {
        let at = self.0.iter().position(|word| word == name);
        at.map(|at| self.0.remove(at)).is_some()
    }

    fn value(&mut self, name: &str) -> Result<Option<String>, Stop> {
        let Some(at) = self.0.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 == self.0.len() {
            return Err(Stop::Usage(format!("nothing follows {name}")));
        }
        self.0.remove(at);
        Ok(Some(self.0.remove(at)))
    }

    fn number(
        &mut self,
        name: &str,
        usual: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Stop> {
        let Some(text) = self.value(name)? else {
            return Ok(usual);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (from, to) = range.into_inner();
            Stop::Usage(format!("{text} is no number from {from} to {to}"))
        })
    }

    fn site(&mut self) -> Result<Site, Stop> {
        let root = self.value("--root")?;
        let root = root.ok_or_else(|| Stop::Usage("--root DIR is missing".into()))?;
        let max_body = self.number("--max-body", 1 << 20, 0..=1 << 30)?;
        let writable = self.flag("--writable");
        let real = PathBuf::from(&root).canonicalize();
        let real = real.map_err(|error| format!("cannot serve {root}: {error}"))?;
        match real.is_dir() {
            true => Ok(Site {
                root: real,
                writable,
                max_body,
            }),
            false => Err(format!("cannot serve {root}: it is no folder").into()),
        }
    }

    fn end(&self, name: &str) -> Result<(), Stop> {
        match self.0.first() {
            Some(word) => Err(Stop::Usage(format!("{name} does not know {word} here"))),
            None => Ok(()),
        }
    }
}

/// A panic in any thread ends the program. By default it would end that thread alone, and a client
/// would wait for an answer that nobody writes.
fn end_with_any_thread() {
    let print_message = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print_message(panic);
        std::process::exit(101);
    }));
}
