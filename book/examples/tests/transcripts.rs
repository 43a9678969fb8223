//! Runs every transcript of the book again and compares.
//!
//! A file of `book/transcripts/` is a session at a shell: lines `$ command`, each
//! followed by what the command printed. The page includes the file as it is; this
//! test runs the commands and fails where the output differs. Nobody types output:
//! write the commands alone, then let the test fill in the rest:
//!
//! ```text
//! WIRELAB_BLESS=1 WIRELAB_ONLY=04- cargo test -p examples --test transcripts
//! ```
//!
//! `WIRELAB_ONLY` limits the run to the files whose name begins so. Read what was
//! written before you keep it.
//!
//! # Commands
//!
//! | line | does |
//! |---|---|
//! | `$ cargo run -q -p examples --bin 04_one_read -- ARG…` | runs a program of `book/examples`, as it was built for this test, without cargo |
//! | `$ tcp-echo ARG…`, `$ cargo run -q -p tcp-echo -- ARG…` | runs a lab's program: the reference's, shown under the lab's name |
//! | `$ COMMAND &` | starts job 1, 2, … and shows the first line it prints (`listening ADDR`) |
//! | `$ wait` | waits until every job has ended, and shows what they have printed since, each line as `[1] …` |
//! | `[1]` | a line of its own: waits for the next line of job 1 and shows it as `[1] …`; as many lines as stand there |
//! | `$ kill %1` | ends job 1. Every job is ended with its transcript anyway |
//! | `$ printf 'GET /\r\n' \| COMMAND` | gives it these bytes as its input, then the end of input. `\n \r \t \NNN \\ \xHH %%` as in a shell; octal `\NNN` in every shell, `\xHH` not in dash |
//! | `$ echo hello \| COMMAND`, `$ COMMAND <<< 'hello'` | the same with a line end |
//! | `$ COMMAND > name`, later `name` as an argument | keeps standard output in a scratch file of the transcript's own |
//! | `$ echo $?` | the exit code of the last command |
//! | `# words` | a remark, shown to the reader |
//!
//! Commands start in the root of the workspace, so that `labs/…/tests/data/x.pcap`
//! can be named as a reader would. Standard output and standard error appear in the
//! order in which they were written. Without `|` or `<<<` the input is empty. There
//! is no other shell syntax; quotes work as usual. Each command has 20 seconds
//! (times `WIRELAB_PATIENCE`).
//!
//! # What only one system prints
//!
//! A first line `# on Linux` says that the output is Linux's: a state out of `/proc`, say,
//! or the number of an error. So do `# on Linux with glibc`, for the answers of its C library, and
//! `# on Unix`. The reader sees the line; elsewhere the transcript is not run, and the test
//! says SKIPPED.
//!
//! # What may differ from run to run
//!
//! - **Once in a thousand times, anything.** Segments overtake each other on a busy machine, and TIME-WAIT
//!   ends early (RFC 1337). A transcript that differs is run once more, and the test says TWICE where that
//!   helped; what is wrong differs each time.
//! - **Ports.** `40001` to `40099` stand for ports that the system chose, in the order
//!   of their appearance: the first server is `127.0.0.1:40001`, and so it is written
//!   in the commands after it. Blessing runs everything twice to tell a chosen port
//!   from one that is always the same (in a capture, say).
//! - **Anything else**, times above all: write `…` by hand for the part of a line that
//!   varies. A line that is only `…` stands for any number of lines. Blessing keeps a
//!   passage that still matches, so this needs writing once.

#[path = "transcripts/run.rs"]
mod run;
#[path = "transcripts/script.rs"]
mod script;
#[path = "transcripts/text.rs"]
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use run::Session;
use script::Script;
use text::Names;

#[test]
fn every_transcript_is_what_its_commands_print() {
    let folder = workspace().join("book/transcripts");
    let only = std::env::var("WIRELAB_ONLY").unwrap_or_default();
    let bless = std::env::var_os("WIRELAB_BLESS").is_some_and(|value| value != "0");

    assert!(
        transcripts(&folder).into_iter().any(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&only)
        }),
        "WIRELAB_ONLY={only} names no transcript: write the two digits of its chapter, as in 04-"
    );
    let mut wrong = Vec::new();
    let mut skipped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in transcripts(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with(&only) {
            continue;
        }
        let outcome = if bless {
            bless_one(&path)
        } else {
            check_one(&path).or_else(|first| {
                let outcome = check_one(&path)?;
                say(&format!(
                    "TWICE    {name}: as written when run again; at first\n{first}"
                ));
                Ok(outcome)
            })
        };
        match outcome {
            Ok(Outcome::Same) => {}
            Ok(Outcome::Written) => eprintln!("wrote {}", path.display()),
            Ok(Outcome::Skipped(reason)) => skipped.entry(reason).or_default().push(name),
            Err(problem) => wrong.push(format!("{name}: {problem}")),
        }
    }
    for (reason, names) in skipped {
        say(&format!(
            "SKIPPED  {} transcripts, {reason}: {}",
            names.len(),
            names.join(", ")
        ));
    }
    assert!(
        wrong.is_empty(),
        "\n{}\nWhere the book should follow the program:\n  \
         WIRELAB_BLESS=1 cargo test -p examples --test transcripts\n",
        wrong.join("\n")
    );
}

/// Not `eprintln!`: of a test that passes nobody would see it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

enum Outcome {
    Same,
    Written,
    Skipped(String),
}

fn check_one(path: &Path) -> Result<Outcome, String> {
    let written = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let script = Script::parse(&written)?;
    if let Some(reason) = run::missing(&script) {
        return Ok(Outcome::Skipped(reason));
    }
    let mut names = Names::default();
    let mut session = Session::new()?;
    for entry in &script.entries {
        let place = format!("line {}: $ {}", entry.line, entry.command);
        let got = session
            .perform(entry, &names)
            .map_err(|e| format!("{place}\n  {e}"))?;
        names
            .match_lines(&entry.output, &got)
            .map_err(|difference| format!("{place}\n{difference}"))?;
    }
    Ok(Outcome::Same)
}

fn bless_one(path: &Path) -> Result<Outcome, String> {
    let written = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let mut script = Script::parse(&written)?;
    if let Some(reason) = run::missing(&script) {
        return Ok(Outcome::Skipped(reason));
    }

    // Two runs, side by side: what differs between them is not worth printing.
    let mut first = Session::new()?;
    let mut second = Session::new()?;
    let (mut first_names, mut second_names) = (Names::default(), Names::default());
    for entry in &mut script.entries {
        let place = format!("line {}: $ {}", entry.line, entry.command);
        let one = first
            .perform(entry, &first_names)
            .map_err(|e| format!("{place}\n  {e}"))?;
        let two = second
            .perform(entry, &second_names)
            .map_err(|e| format!("{place}\n  {e}"))?;
        text::name_ports(&one, &two, &mut first_names, &mut second_names);
        if first_names
            .clone()
            .match_lines(&entry.output, &one)
            .is_err()
        {
            entry.output = first_names.replace(&one);
            if let Err(difference) = second_names.clone().match_lines(&entry.output, &two) {
                eprintln!(
                    "{}: {place}\n  two runs differ; write … for what varies:\n{difference}",
                    path.display()
                );
            }
        }
    }
    let fresh = script.to_string();
    if fresh == written {
        return Ok(Outcome::Same);
    }
    fs::write(path, fresh).map_err(|e| e.to_string())?;
    Ok(Outcome::Written)
}

fn transcripts(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("cannot read {}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    found.sort();
    found
}

/// The root of the workspace.
fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
