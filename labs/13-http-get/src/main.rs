//! Given: reads the command line, calls your modules and prints what they return.
mod bits;
mod body;
mod client;
mod delivery;
mod fault;
mod framing;
mod gzip;
mod head;
mod message;
mod net;
mod request;
mod url;

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Stdin, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use fault::Fault;
use framing::{Coding, Framing};
use message::{Head, Method, Wish};
use net::Trace;
use url::Url;

const USAGE: &str = "http-get request URL [--head] [--gzip]
       http-get head    [--chunk N]
       http-get framing [--chunk N] [--head] [--gzip]
       http-get body    [--chunk N] [--head] [--gzip]
       http-get join    URL REFERENCE
       http-get gunzip
       http-get get     URL [-o FILE] [--head] [--gzip] [--max-redirects N] [-v]
head, framing and body read a response from standard input, at most N bytes at a time, N from 1 to
65536. gunzip reads compressed data. get follows at most N redirects, N from 0 to 1000.";

/// The server has answered, and not with a success.
const NOT_A_SUCCESS: u8 = 3;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let job = match Job::parse(words) {
        Ok(job) => job,
        Err(reason) => {
            eprintln!("error: {reason}\nusage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    job.run().unwrap_or_else(|fault| {
        eprintln!("error: {fault}");
        ExitCode::FAILURE
    })
}

/// What the command line asks for.
enum Task {
    Request(Url),
    Head,
    Framing,
    Body,
    Join(Url, String),
    Gunzip,
    Get { url: Url, file: Option<PathBuf> },
}

/// A task, and what goes with several of them.
struct Job {
    task: Task,
    wish: Wish,
    chunk: usize,
    trace: Trace,
}

impl Job {
    fn parse(mut words: Vec<String>) -> Result<Job, String> {
        if words.is_empty() {
            return Err("a subcommand is missing".into());
        }
        let name = words.remove(0);
        let mut words = Words { name, words };
        let is = |names: &[&str]| names.contains(&words.name.as_str());
        let (asks, reads, gets) = (
            is(&["request", "framing", "body", "get"]),
            is(&["head", "framing", "body"]),
            is(&["get"]),
        );
        let wish = Wish {
            method: match asks && words.flag("--head") {
                true => Method::Head,
                false => Method::Get,
            },
            gzip: asks && words.flag("--gzip"),
            max_redirects: words.number("--max-redirects", gets, 5, 0..=1000)?,
        };
        let chunk = words.number("--chunk", reads, 8192, 1..=65536)?;
        let trace = match gets && words.flag("-v") {
            true => Trace::On,
            false => Trace::Off,
        };
        let file = match gets {
            true => words.value("-o")?.map(PathBuf::from),
            false => None,
        };
        let task = match words.name.as_str() {
            "request" => Task::Request(words.url()?),
            "head" => Task::Head,
            "framing" => Task::Framing,
            "body" => Task::Body,
            "join" => Task::Join(words.url()?, words.next("REFERENCE")?),
            "gunzip" => Task::Gunzip,
            "get" => Task::Get {
                url: words.url()?,
                file,
            },
            name => return Err(format!("there is no subcommand {name}")),
        };
        match words.words.first() {
            Some(word) => Err(format!("{} does not know {word} here", words.name)),
            None => Ok(Job {
                task,
                wish,
                chunk,
                trace,
            }),
        }
    }

    fn run(&self) -> Result<ExitCode, Fault> {
        let wish = &self.wish;
        let mut out = io::stdout();
        match &self.task {
            Task::Request(url) => print(&request::bytes(url, wish))?,
            Task::Head => {
                let head = head::read(&mut self.input())?;
                print(head.to_string().as_bytes())?;
            }
            Task::Framing => {
                let head = head::read(&mut self.input())?;
                let framing = Framing::of(wish.method, &head)?;
                let line = match framing {
                    Framing::None => format!("{framing}\n"),
                    _ => format!("{framing}, {}\n", Coding::of(wish, &head)?),
                };
                print(line.as_bytes())?;
            }
            Task::Body => {
                let mut input = self.input();
                let head = head::read(&mut input)?;
                delivery::deliver(&head, wish, self.trace, &mut input, &mut out)?;
            }
            Task::Join(url, reference) => {
                print(format!("{}\n", url.join(reference)?).as_bytes())?;
            }
            Task::Gunzip => {
                gzip::decode(&mut self.input(), &mut out)?;
                out.flush()?;
            }
            Task::Get { url, file } => return self.get(url, file.as_ref(), &mut out),
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Standard input, at most `chunk` bytes at a time.
    fn input(&self) -> BufReader<Stdin> {
        BufReader::with_capacity(self.chunk, io::stdin())
    }

    /// Fetches into `file`, which is made only when all of a success has come, or to `out`.
    fn get(
        &self,
        url: &Url,
        file: Option<&PathBuf>,
        out: &mut dyn Write,
    ) -> Result<ExitCode, Fault> {
        let head = match file {
            None => {
                let head = client::fetch(url.clone(), &self.wish, self.trace, out)?;
                if self.wish.method == Method::Head {
                    print(head.to_string().as_bytes())?;
                }
                head
            }
            Some(file) => {
                // Beside it, and under its name only when it is complete.
                let mut name = file.clone().into_os_string();
                name.push(".part");
                let part = PathBuf::from(name);
                let fetched = self.save(url, &part);
                match &fetched {
                    Ok(head) if is_success(head) => fs::rename(&part, file)?,
                    // What is left of it is of no use; should it not go away, the fault says enough.
                    _ => drop(fs::remove_file(&part)),
                }
                fetched?
            }
        };
        if is_success(&head) {
            return Ok(ExitCode::SUCCESS);
        }
        let answer = format!("{} {}", head.status, head.reason);
        eprintln!("error: the server answered {}", answer.trim_end());
        Ok(ExitCode::from(NOT_A_SUCCESS))
    }

    /// Fetches into the file `part`.
    fn save(&self, url: &Url, part: &PathBuf) -> Result<Head, Fault> {
        let mut out = BufWriter::new(File::create(part)?);
        let head = client::fetch(url.clone(), &self.wish, self.trace, &mut out)?;
        out.flush()?;
        Ok(head)
    }
}

fn is_success(head: &Head) -> bool {
    (200..300).contains(&head.status)
}

/// What is left of the command line.
struct Words {
    name: String,
    words: Vec<String>,
}

impl Words {
    fn flag(&mut self, name: &str) -> bool {
        let at = self.words.iter().position(|word| word == name);
        at.map(|at| self.words.remove(at)).is_some()
    }

    fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(at) = self.words.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 == self.words.len() {
            return Err(format!("nothing follows {name}"));
        }
        self.words.remove(at);
        Ok(Some(self.words.remove(at)))
    }

    /// The number behind `name`, where this subcommand knows it; otherwise the usual one.
    fn number(
        &mut self,
        name: &str,
        is_known: bool,
        usual: usize,
        range: std::ops::RangeInclusive<usize>,
    ) -> Result<usize, String> {
        let text = match is_known {
            true => self.value(name)?,
            false => None,
        };
        let Some(text) = text else {
            return Ok(usual);
        };
        let number = text.parse().ok().filter(|n| range.contains(n));
        number.ok_or_else(|| {
            format!(
                "{text} is no number from {} to {}",
                range.start(),
                range.end()
            )
        })
    }

    fn next(&mut self, what: &str) -> Result<String, String> {
        match self.words.first() {
            Some(word) if !word.starts_with('-') => Ok(self.words.remove(0)),
            _ => Err(format!("{} wants a {what}", self.name)),
        }
    }

    fn url(&mut self) -> Result<Url, String> {
        Url::parse(&self.next("URL")?).map_err(|fault| fault.to_string())
    }
}

fn print(bytes: &[u8]) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}
