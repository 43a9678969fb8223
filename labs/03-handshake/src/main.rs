//! Given: parses the command line, reads the list and calls your modules.
mod capture;
mod close;
mod connections;
mod open;
mod print;
mod report;
mod segment;
mod sequence;
mod states;

use std::io::Read;
use std::process::ExitCode;

use segment::Segment;

const USAGE: &str = "usage: handshake segments|connections|states|report [--relative] [FILE]   \
                     or   handshake order NUMBER NUMBER";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    match run(&args) {
        Ok(text) => {
            // A reader that has seen enough (`| head`) is no error of ours.
            let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(Failure::Usage(reason)) => {
            eprintln!("error: {reason}; {USAGE}");
            ExitCode::from(2)
        }
        Err(Failure::Other(reason)) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    Usage(String),
    Other(String),
}

fn run(args: &[String]) -> Result<String, Failure> {
    let Some((command, rest)) = args.split_first() else {
        return Err(Failure::Usage("no subcommand given".into()));
    };
    if command == "order" {
        return order(rest);
    }
    let view: fn(&[Segment], bool) -> String = match command.as_str() {
        "segments" => print::segments,
        "connections" => print::connections,
        "states" => print::states,
        "report" => print::report,
        other => return Err(Failure::Usage(format!("no subcommand is called {other:?}"))),
    };
    let relative = rest.iter().any(|word| word == "--relative");
    let files: Vec<&String> = rest.iter().filter(|word| *word != "--relative").collect();
    let segments = match files.as_slice() {
        [] => read("-")?,
        [file] if *file == "-" || !file.starts_with('-') => read(file)?,
        [option] => return Err(Failure::Usage(format!("no option is called {option:?}"))),
        [_, more, ..] => {
            return Err(Failure::Usage(format!(
                "one file at a time, and {more:?} is another"
            )));
        }
    };
    Ok(view(&segments, relative))
}

/// `handshake order A B`: which of two sequence numbers comes first.
fn order(words: &[String]) -> Result<String, Failure> {
    let [a, b] = words else {
        return Err(Failure::Usage("`order` takes two sequence numbers".into()));
    };
    let number = |word: &String| {
        word.parse::<u32>().map_err(|_| {
            Failure::Usage(format!(
                "{word:?} is no sequence number from 0 to {}",
                u32::MAX
            ))
        })
    };
    let (a, b) = (number(a)?, number(b)?);
    let word = match (sequence::before(a, b), sequence::before(b, a)) {
        (true, false) => "before",
        (false, true) => "after",
        (false, false) => "neither before nor after",
        (true, true) => "both before and after",
    };
    Ok(format!("{a} is {word} {b}\n"))
}

/// The segments of a list, or of a capture file, whose first bytes tell it apart.
fn read(file: &str) -> Result<Vec<Segment>, Failure> {
    let mut bytes = Vec::new();
    let (name, done) = if file == "-" {
        (
            "standard input",
            std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
        )
    } else {
        (file, std::fs::read(file).map(|read| bytes = read))
    };
    done.map_err(|error| Failure::Other(format!("{name} cannot be read: {error}")))?;
    if capture::is_capture(&bytes) {
        return capture::segments(&bytes)
            .map_err(|reason| Failure::Other(format!("{name}: {reason}")));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::Other(format!(
            "{name} is neither a list of segments nor a classic pcap file"
        ))
    })?;
    segment::parse_list(&text).map_err(|reason| Failure::Other(format!("{name}, {reason}")))
}
