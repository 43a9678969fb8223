//! Given: parses the command line, calls your modules and prints what they return.
//!
//! What each subcommand prints is described in chapter 1, "The program".
mod checksum;
mod ethernet;
mod hex;
mod ipv4;
mod ipv6;
mod layer;
mod pcap;
mod peel;
mod piece;
mod tcp;
mod udp;
mod wrap;

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::SocketAddrV4;
use std::process::ExitCode;

use layer::Layer;
use piece::{Fault, Piece};

const USAGE: &str = "usage: layers ethernet|ipv4|ipv6|udp|tcp|checksum|frame HEX \
                     | pcap|peel FILE | wrap udp|tcp SOURCE:PORT DESTINATION:PORT [--pcap]";

/// Why the program ends without success.
enum Failure {
    /// The command line is wrong: exit code 2.
    Usage(String),
    /// Anything else: exit code 1.
    Other(String),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::Other(fault.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Other(format!("standard output: {error}"))
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (message, code) = match run(&arguments) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => (message, 2),
        Err(Failure::Other(message)) => (message, 1),
    };
    eprintln!("error: {message}");
    ExitCode::from(code)
}

fn run(arguments: &[&str]) -> Result<(), Failure> {
    match *arguments {
        ["ethernet", hex] => one_layer(hex, ethernet::parse),
        ["ipv4", hex] => one_layer(hex, ipv4::parse),
        ["ipv6", hex] => one_layer(hex, ipv6::parse),
        ["udp", hex] => one_layer(hex, udp::parse),
        ["tcp", hex] => one_layer(hex, tcp::parse),
        ["checksum", hex] => {
            let sum = checksum::sum(&bytes_of(hex)?);
            writeln!(io::stdout(), "sum 0x{sum:04x} checksum 0x{:04x}", !sum)?;
            Ok(())
        }
        ["frame", hex] => {
            let bytes = bytes_of(hex)?;
            print_layers(&mut io::stdout().lock(), &peel::peel(Piece::whole(&bytes)))
        }
        ["pcap", file] => list(&read(file)?),
        ["peel", file] => peel_file(&read(file)?),
        ["wrap", transport, source, destination] => {
            let frame = wrap_input(transport, source, destination)?;
            writeln!(io::stdout(), "{}", hex::encode(&frame))?;
            Ok(())
        }
        ["wrap", transport, source, destination, "--pcap"] => {
            let frame = wrap_input(transport, source, destination)?;
            let mut out = io::stdout().lock();
            out.write_all(&pcap::one_record(&frame))?;
            out.flush()?;
            Ok(())
        }
        _ => Err(Failure::Usage(USAGE.to_string())),
    }
}

/// Prints the one line of a layer whose bytes are given in hex.
fn one_layer<T: Display>(
    hex: &str,
    parse: impl FnOnce(Piece) -> Result<T, Fault>,
) -> Result<(), Failure> {
    let bytes = bytes_of(hex)?;
    let layer = parse(Piece::whole(&bytes))?;
    writeln!(io::stdout(), "{layer}")?;
    Ok(())
}

/// The records of a capture, without a look inside.
fn list(file: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let format = pcap::read_format(file)?;
    writeln!(out, "{format}")?;
    each_record(file, format, |number, record| {
        writeln!(out, "frame {number} {record}")?;
        Ok(())
    })
}

/// The records of a capture, and the layers of each.
fn peel_file(file: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let format = pcap::read_format(file)?;
    each_record(file, format, |number, record| {
        writeln!(out, "frame {number} {record}")?;
        print_layers(&mut out, &peel::peel(record.frame))
    })
}

fn each_record(
    file: &[u8],
    format: pcap::Format,
    mut visit: impl FnMut(usize, pcap::Record) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut rest = file.get(pcap::FILE_HEADER..).unwrap_or_default();
    let mut number = 0;
    while let Some(record) = pcap::next_record(format, &mut rest)? {
        number += 1;
        visit(number, record)?;
    }
    Ok(())
}

fn print_layers(out: &mut impl Write, layers: &[Layer]) -> Result<(), Failure> {
    for layer in layers {
        for line in layer.to_string().lines() {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// Wraps what standard input holds.
fn wrap_input(transport: &str, source: &str, destination: &str) -> Result<Vec<u8>, Failure> {
    let wrap: fn(_, _, &[u8]) -> _ = match transport {
        "udp" => wrap::udp,
        "tcp" => wrap::tcp,
        _ => {
            let message = format!("wrap: `{transport}` is neither udp nor tcp; {USAGE}");
            return Err(Failure::Usage(message));
        }
    };
    let source = address(source)?;
    let destination = address(destination)?;
    let mut payload = Vec::new();
    io::stdin()
        .read_to_end(&mut payload)
        .map_err(|error| Failure::Other(format!("standard input: {error}")))?;
    Ok(wrap(source, destination, &payload)?)
}

fn address(text: &str) -> Result<SocketAddrV4, Failure> {
    text.parse().map_err(|_| {
        Failure::Usage(format!(
            "`{text}` is no IPv4 address with a port; write it like 192.0.2.1:5000"
        ))
    })
}

/// The bytes that an argument spells in hex; `-` reads the digits from standard input.
fn bytes_of(text: &str) -> Result<Vec<u8>, Failure> {
    let mut input = String::new();
    let text = if text == "-" {
        io::stdin()
            .read_to_string(&mut input)
            .map_err(|error| Failure::Other(format!("standard input: {error}")))?;
        &input
    } else {
        text
    };
    hex::decode(text).map_err(Failure::Usage)
}

/// A whole file; `-` is standard input.
fn read(file: &str) -> Result<Vec<u8>, Failure> {
    let bytes = if file == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    bytes.map_err(|error| Failure::Other(format!("{file}: {error}")))
}
