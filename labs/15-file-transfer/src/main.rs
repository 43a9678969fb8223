//! Given: reads the command line, calls your modules and prints what they return.
mod crc;
mod fault;
mod inbox;
mod message;
mod name;
mod part;
mod progress;
mod receive;
mod report;
mod send;
mod serve;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use fault::Fault;
use inbox::Inbox;
use message::Message;
use part::Part;
use progress::Progress;

const USAGE: &str = "file-transfer header  FILE
       file-transfer decode
       file-transfer name
       file-transfer store   --dir DIR NAME CRC
       file-transfer send    ADDR FILE… [--as NAME] [--idle MS]
       file-transfer receive --dir DIR [--listen ADDR] [--once] [--max BYTES] [--idle MS] [--keep]
ADDR is an address and a port: 127.0.0.1:4000 or [::1]:4000. CRC has eight hexadecimal digits. decode, name
and store take standard input: messages, a name, a content.";

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let task = match Task::parse(words) {
        Ok(task) => task,
        Err(reason) => {
            eprintln!("error: {reason}\nusage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    match task.run() {
        Ok(true) => ExitCode::SUCCESS,
        // It has been said already.
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            report::failed(&reason);
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
enum Task {
    Header {
        file: PathBuf,
    },
    Decode,
    Name,
    Store {
        dir: PathBuf,
        name: String,
        crc: u32,
    },
    Send {
        addr: SocketAddr,
        files: Vec<PathBuf>,
        name: Option<OsString>,
        idle: Duration,
    },
    Receive {
        listen: SocketAddr,
        once: bool,
        inbox: Inbox,
    },
}

impl Task {
    fn parse(words: Vec<OsString>) -> Result<Task, String> {
        let mut words = Words(words);
        let subcommand = words.next("a subcommand")?;
        let task = match &*subcommand.to_string_lossy() {
            "header" => Task::Header {
                file: words.next("FILE")?.into(),
            },
            "decode" => Task::Decode,
            "name" => Task::Name,
            "store" => Task::Store {
                dir: words.value("--dir")?.ok_or("--dir is missing")?.into(),
                name: text(words.next("NAME")?)?,
                crc: parse_crc(&text(words.next("CRC")?)?)?,
            },
            "send" => {
                let (idle, name) = (words.idle()?, words.value("--as")?);
                let addr = parse_addr(&text(words.next("ADDR")?)?)?;
                let mut files = vec![words.next("FILE")?.into()];
                files.extend(words.0.drain(..).map(PathBuf::from));
                if name.is_some() && files.len() > 1 {
                    return Err("--as names one file, and there are several".into());
                }
                Task::Send {
                    addr,
                    files,
                    name,
                    idle,
                }
            }
            "receive" => Task::Receive {
                listen: match words.value("--listen")? {
                    Some(word) => parse_addr(&text(word)?)?,
                    None => (Ipv4Addr::LOCALHOST, 0).into(),
                },
                once: words.flag("--once"),
                inbox: Inbox {
                    dir: words.value("--dir")?.ok_or("--dir is missing")?.into(),
                    max: words.number("--max", 4 << 30, 0..=u64::MAX)?,
                    idle: words.idle()?,
                    keep: words.flag("--keep"),
                    busy: Mutex::new(HashSet::new()),
                },
            },
            other => return Err(format!("there is no subcommand {other}")),
        };
        match words.0.first() {
            Some(word) => Err(format!("what is {word:?} doing here?")),
            None => Ok(task),
        }
    }

    fn run(self) -> Result<bool, String> {
        match self {
            Task::Header { file } => {
                let (_, size) = open(&file)?;
                let name = own_name(&file)?;
                print(&Message::Offer { size, name }.encode())?;
            }
            Task::Decode => decode()?,
            Task::Name => {
                let mut name = Vec::new();
                read_input(|input| input.read_to_end(&mut name))?;
                let name = name::check(&name).map_err(|bad| bad.to_string())?;
                report::say(&format!("accepted {name:?}"));
            }
            Task::Store { dir, name, crc } => {
                let (size, crc) = store(&dir, &name, crc).map_err(|fault| fault.to_string())?;
                report::say(&format!("stored {}", report::receipt(&name, size, crc)));
            }
            Task::Send {
                addr,
                files,
                name,
                idle,
            } => send_all(addr, &files, name, idle)?,
            Task::Receive {
                listen,
                once,
                inbox,
            } => {
                if !inbox.dir.is_dir() {
                    return Err(format!("{} is no folder", inbox.dir.display()));
                }
                let listener = TcpListener::bind(listen).map_err(cannot("listen on", listen))?;
                let addr = listener.local_addr().map_err(cannot("listen on", listen))?;
                print(format!("listening {addr}\n").as_bytes())?;
                if once {
                    let (stream, from) = listener.accept().map_err(cannot("accept on", addr))?;
                    return Ok(report::handle(&stream, from, &inbox));
                }
                serve::serve(&listener, &inbox).map_err(cannot("serve on", addr))?;
            }
        }
        Ok(true)
    }
}

// ANCHOR: decode
/// Prints the messages that stand on standard input, one behind the other.
fn decode() -> Result<(), String> {
    let mut input = io::stdin().lock();
    while let Some(message) =
        message::read_message(&mut input).map_err(|fault| fault.to_string())?
    {
        report::say(&match message {
            Message::Offer { size, name } => {
                format!("OFFER {size} bytes, {:?}", String::from_utf8_lossy(&name))
            }
            Message::Have { offset, crc } => format!("HAVE {offset} bytes, crc32 {crc:08x}"),
            Message::Data { offset } => format!("DATA from {offset}"),
            Message::Done { size, crc } => format!("DONE {size} bytes, crc32 {crc:08x}"),
            Message::No { reason } => format!("NO {reason:?}"),
        });
    }
    Ok(())
}
// ANCHOR_END: decode

// ANCHOR: store
/// Stores standard input as a file, if its checksum is `crc`. What a receiver does, without a network.
fn store(dir: &Path, name: &str, crc: u32) -> Result<(u64, u32), Fault> {
    let mut part = Part::create(dir, name::check(name.as_bytes())?)?;
    let mut input = io::stdin().lock();
    let mut room = [0; 4096];
    loop {
        match input.read(&mut room).map_err(Fault::Disk)? {
            0 => break,
            n => part.append(&room[..n])?,
        }
    }
    let (size, computed) = (part.size, part.crc.value());
    if computed != crc {
        return Err(Fault::Checksum {
            announced: crc,
            computed,
        });
    }
    part.complete()?;
    Ok((size, computed))
}
// ANCHOR_END: store

/// Sends file after file over one connection, and stops at the first that fails.
fn send_all(
    addr: SocketAddr,
    files: &[PathBuf],
    name: Option<OsString>,
    idle: Duration,
) -> Result<(), String> {
    // All of them are opened first, so that a typing mistake is found before anything is sent.
    let mut opened = Vec::new();
    for path in files {
        let name = match &name {
            Some(name) => name.as_encoded_bytes().to_vec(),
            None => own_name(path)?,
        };
        let (file, size) = open(path)?;
        opened.push((name, file, size));
    }
    let stream = TcpStream::connect(addr).map_err(cannot("connect to", addr))?;
    report::limit(&stream, idle).map_err(cannot("limit the connection to", addr))?;
    for (name, mut file, size) in opened {
        let shown = String::from_utf8_lossy(&name).into_owned();
        let mut progress = Progress::new(&shown, size);
        let sent = send::send(&stream, &name, &mut file, size, &mut progress);
        drop(progress);
        let crc = sent.map_err(|fault| format!("{shown:?}: {fault}"))?;
        report::say(&format!("sent {}", report::receipt(&shown, size, crc)));
    }
    Ok(())
}

/// A file, and how many bytes it has now.
fn open(path: &Path) -> Result<(File, u64), String> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = opened.map_err(|error| format!("{}: {error}", path.display()))?;
    if !metadata.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    Ok((file, metadata.len()))
}

/// The last part of a path, as bytes.
fn own_name(path: &Path) -> Result<Vec<u8>, String> {
    let name = path.file_name();
    let name = name.ok_or_else(|| format!("{} has no name", path.display()))?;
    Ok(name.as_encoded_bytes().to_vec())
}

/// The words of the command line that nobody has taken yet.
struct Words(Vec<OsString>);

impl Words {
    fn flag(&mut self, flag: &str) -> bool {
        let at = self.0.iter().position(|word| word == flag);
        at.map(|at| self.0.remove(at)).is_some()
    }

    fn value(&mut self, flag: &str) -> Result<Option<OsString>, String> {
        let Some(at) = self.0.iter().position(|word| word == flag) else {
            return Ok(None);
        };
        self.0.remove(at);
        match at < self.0.len() {
            true => Ok(Some(self.0.remove(at))),
            false => Err(format!("nothing follows {flag}")),
        }
    }

    fn number(
        &mut self,
        flag: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, String> {
        let Some(word) = self.value(flag)? else {
            return Ok(default);
        };
        let number = word.to_str().and_then(|word| word.parse().ok());
        let number = number.filter(|number| range.contains(number));
        number.ok_or_else(|| {
            format!(
                "{flag} takes a number from {} to {}, and not {word:?}",
                range.start(),
                range.end()
            )
        })
    }

    fn idle(&mut self) -> Result<Duration, String> {
        let idle = self.number("--idle", 30_000, 1..=3_600_000)?;
        Ok(Duration::from_millis(idle))
    }

    /// The next word, which is called `what`.
    fn next(&mut self, what: &str) -> Result<OsString, String> {
        match self.0.is_empty() {
            true => Err(format!("{what} is missing")),
            false => Ok(self.0.remove(0)),
        }
    }
}

fn text(word: OsString) -> Result<String, String> {
    word.into_string()
        .map_err(|word| format!("{word:?} is no text"))
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text} is no address with a port, such as 127.0.0.1:4000"))
}

fn parse_crc(text: &str) -> Result<u32, String> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let crc = u32::from_str_radix(text, 16).ok().filter(|_| digits);
    crc.ok_or_else(|| format!("{text} is no checksum, such as cbf43926"))
}

fn read_input<T>(read: impl FnOnce(&mut io::StdinLock<'_>) -> io::Result<T>) -> Result<T, String> {
    read(&mut io::stdin().lock()).map_err(|error| format!("cannot read standard input: {error}"))
}

fn print(bytes: &[u8]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot print: {error}"))
}

fn cannot(what: &str, addr: SocketAddr) -> impl FnOnce(io::Error) -> String {
    move |error| format!("cannot {what} {addr}: {error}")
}
