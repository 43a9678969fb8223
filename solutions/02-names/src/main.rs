//! Given: reads the command line, calls your modules, prints what they answer.
mod endpoint;
mod error;
mod resolver;
mod services;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use error::NamesError;

const USAGE: &str = "names host | resolve NAME | line TEXT | port SERVICE | service PORT | endpoint HOST:PORT \
    [--proto PROTOCOL] [--services FILE]";

/// Where the system keeps its services file.
const SERVICES: &str = if cfg!(windows) {
    r"C:\Windows\System32\drivers\etc\services"
} else {
    "/etc/services"
};

fn main() -> ExitCode {
    match answer(std::env::args().skip(1)) {
        Ok(lines) => print(&lines),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// The lines that answer the question on the command line.
fn answer(args: impl Iterator<Item = String>) -> Result<Vec<String>, NamesError> {
    let asked = Asked::read(args)?;
    let protocol = asked.protocol.as_deref();
    let file = asked.services.as_path();
    let words: Vec<&str> = asked.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["host"] => Ok(vec![resolver::host_name()?]),
        ["resolve", name] => Ok(strings(resolver::addresses(name)?)),
        ["line", text] => Ok(strings(services::parse_line(text)?)),
        ["port", service] => {
            let entries = services::read(file)?;
            match services::by_name(&entries, service, protocol) {
                Some(entry) => Ok(vec![entry.to_string()]),
                None => Err(NamesError::unknown_service(service, protocol)),
            }
        }
        ["service", port] => {
            let port: u16 = port
                .parse()
                .map_err(|_| NamesError::NotAPort((*port).to_owned()))?;
            let entries = services::read(file)?;
            match services::by_port(&entries, port, protocol) {
                Some(entry) => Ok(vec![entry.to_string()]),
                None => Err(NamesError::unknown_service(&port.to_string(), protocol)),
            }
        }
        ["endpoint", endpoint] => Ok(strings(endpoint::resolve(endpoint, file, protocol)?)),
        _ => Err(NamesError::Usage(format!("usage: {USAGE}"))),
    }
}

/// The command line, taken apart.
struct Asked {
    words: Vec<String>,
    protocol: Option<String>,
    services: PathBuf,
}

impl Asked {
    /// Reads words and options in any order.
    fn read(mut args: impl Iterator<Item = String>) -> Result<Self, NamesError> {
        let mut asked = Asked {
            words: Vec::new(),
            protocol: None,
            services: Path::new(SERVICES).to_owned(),
        };
        while let Some(arg) = args.next() {
            let mut value = || {
                args.next()
                    .ok_or_else(|| NamesError::Usage(format!("{arg} needs a value: {USAGE}")))
            };
            match arg.as_str() {
                "--proto" => asked.protocol = Some(value()?),
                "--services" => asked.services = value()?.into(),
                option if option.starts_with("--") => {
                    return Err(NamesError::Usage(format!(
                        "unknown option {option}: {USAGE}"
                    )));
                }
                _ => asked.words.push(arg),
            }
        }
        Ok(asked)
    }
}

fn strings(answers: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    answers.into_iter().map(|one| one.to_string()).collect()
}

/// Prints one answer a line.
fn print(lines: &[String]) -> ExitCode {
    let mut out = io::stdout().lock();
    let printed = lines
        .iter()
        .try_for_each(|line| writeln!(out, "{line}"))
        .and_then(|()| out.flush());
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write the answer: {error}");
            ExitCode::FAILURE
        }
    }
}
