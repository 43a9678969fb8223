//! The solution against the system's own resolver: Python's socket module, which calls the C
//! library, and `getent`.
//!
//! Where one of them is not installed, the comparison says SKIPPED with the reason.
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every Python process ends by itself, whatever it waits for.
const PYTHON_BEGINS: &str = "import signal, socket, sys
signal.alarm(30) if hasattr(signal, 'alarm') else None
";

/// Asks for every word of a services file as a name, and for every port in it, and prints what the
/// C library answers: one line `question<TAB>answer` each.
const PYTHON_ASKS_FOR_EVERYTHING: &str = r#"
import re
text = open('/etc/services', 'rb').read().decode('latin-1')
words = sorted({w for w in re.split(r'[\s#]+', text) if re.fullmatch(r'[A-Za-z0-9][A-Za-z0-9._+-]*', w)})
ports = sorted({int(p) for p in re.findall(r'\b(\d+)/', text) if int(p) < 65536} | {1, 4464, 65535})
for proto in (None, 'tcp', 'udp'):
    extra = (proto,) if proto else ()
    # A question without a protocol costs as much and tells less: some of them.
    few = 1 if proto or len(words) < 100 else 8
    for word in words[::few]:
        try: answer = str(socket.getservbyname(word, *extra))
        except OSError: answer = '-'
        print(f'port {word} {proto or ""}'.strip(), answer, sep='\t')
    for port in ports[::few]:
        try: answer = socket.getservbyport(port, *extra)
        except OSError: answer = '-'
        print(f'service {port} {proto or ""}'.strip(), answer, sep='\t')
"#;

/// A file with everything that makes parsing hard, but for what glibc takes on purpose or by mistake:
/// it reads `half 80` as a port without a protocol, and port 70000 as 4464.
const HARD: &[u8] = b"# a comment\n\n  # another\n\
    first\t1001/tcp\tone uno # first two\n\
    first 1001/udp#comment first-alias\n\
    crlf 1002/tcp again\r\n\r\n\
      indented   \t 1003/tcp\n\
    shell 514/tcp cmd\nsyslog 514/udp\n\
    http-alt 8080/tcp\nhttp 80/tcp www\n\
    coffee 1004/tcp # caf\xe9\n\
    lonely\n\
    both 1005/tcp\nboth 1006/udp\n\
    other 1007/sctp\n\
    high 65535/tcp\n\
    last 1008/udp final";

#[test]
fn the_host_name_is_the_one_that_python_gives() {
    let Some(theirs) = python("print(socket.gethostname())") else {
        return;
    };
    assert_eq!(ours(&["host"]).lines, [theirs.trim_end()]);
}

#[test]
fn addresses_are_those_that_python_gives_in_the_same_order() {
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "0:0:0:0:0:0:0:1",
        "127.1",
        "::ffff:127.0.0.1",
    ] {
        let Some(theirs) = python(&format!(
            "for answer in socket.getaddrinfo({name:?}, None, type=socket.SOCK_STREAM): print(answer[4][0])"
        )) else {
            return;
        };
        let mut expected: Vec<&str> = theirs.lines().collect();
        let mut seen = Vec::new();
        expected.retain(|address| {
            let new = !seen.contains(address);
            seen.push(*address);
            new
        });
        assert_eq!(ours(&["resolve", name]).lines, expected, "{name}");
    }
}

#[test]
fn services_are_those_that_python_finds() {
    if !Path::new("/etc/services").exists() {
        return skipped("there is no /etc/services");
    }
    if let Some(theirs) = python(PYTHON_ASKS_FOR_EVERYTHING) {
        compare(&theirs, Path::new("/etc/services"));
    }
}

/// The C library reads /etc/services and nothing else, so the file is put there, in a mount
/// namespace that only the Python process sees.
#[test]
fn a_hard_file_is_read_as_the_c_library_reads_it() {
    if !Path::new("/etc/services").exists() {
        return skipped("there is no /etc/services");
    }
    let file = scratch("hard");
    std::fs::write(&file, HARD).expect("a scratch file can be written");
    let python = format!("{PYTHON_BEGINS}{PYTHON_ASKS_FOR_EVERYTHING}");
    let script = "mount --bind \"$1\" /etc/services && exec python3 -c \"$2\"";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(&file)
        .arg(&python)
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            compare(&String::from_utf8_lossy(&output.stdout), &file);
        }
        Ok(output) => skipped(&format!(
            "no mount namespace with python3 in it: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => skipped(&format!("unshare cannot be run: {error}")),
    }
    let _ = std::fs::remove_file(&file);
}

#[test]
fn entries_are_those_that_getent_prints() {
    if !Path::new("/etc/services").exists() {
        return skipped("there is no /etc/services");
    }
    let Some(all) = output(Command::new("getent").arg("services")) else {
        return;
    };
    let mut questions = BTreeSet::new();
    for line in all.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some((_, protocol))) = (
            words.next(),
            words.next().and_then(|word| word.split_once('/')),
        ) else {
            continue;
        };
        questions.insert((name.to_owned(), protocol.to_owned()));
        questions.extend(words.map(|alias| (alias.to_owned(), protocol.to_owned())));
    }
    assert!(!questions.is_empty(), "getent prints no services");
    for (name, protocol) in questions {
        let question = format!("{name}/{protocol}");
        let Some(theirs) = output(Command::new("getent").args(["services", &question])) else {
            return;
        };
        let theirs = theirs.split_whitespace().collect::<Vec<_>>().join(" ");
        let answer = ours(&["port", &name, "--proto", &protocol]);
        assert_eq!(answer.lines, [theirs], "{question}");
    }
}

/// Puts every question of Python's to the solution.
fn compare(theirs: &str, file: &Path) {
    let file = file.to_str().expect("a path of ours is text");
    let mut found = 0;
    for line in theirs.lines() {
        let (question, expected) = line.split_once('\t').expect("our script prints a tab");
        let mut words: Vec<&str> = question.split(' ').collect();
        if words.len() == 3 {
            words.insert(2, "--proto");
        }
        words.extend(["--services", file]);
        let answer = ours(&words);
        if expected == "-" {
            assert_eq!(answer.code, Some(3), "{question}: {answer:?}");
            continue;
        }
        found += 1;
        let entry: Vec<&str> = answer
            .lines
            .first()
            .map(|line| line.split(' ').collect())
            .unwrap_or_default();
        let got = match words[0] {
            "port" => entry
                .get(1)
                .and_then(|word| word.split_once('/'))
                .map(|(port, _)| port),
            _ => entry.first().copied(),
        };
        assert_eq!(got, Some(expected), "{question}: {answer:?}");
    }
    assert!(found > 0, "no question had an answer:\n{theirs}");
}

#[derive(Debug)]
struct Answer {
    code: Option<i32>,
    lines: Vec<String>,
}

fn ours(args: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_names-solution"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the solution runs");
    Answer {
        code: output.status.code(),
        lines: String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect(),
    }
}

/// What a Python script prints; `None` where there is no Python.
fn python(script: &str) -> Option<String> {
    output(
        Command::new("python3")
            .arg("-c")
            .arg(format!("{PYTHON_BEGINS}{script}")),
    )
}

/// What a command prints; `None`, and SKIPPED, where it is not installed.
fn output(command: &mut Command) -> Option<String> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{command:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            skipped(&format!(
                "{} cannot be run: {error}",
                command.get_program().to_string_lossy()
            ));
            None
        }
    }
}

/// Says so past libtest's capture, which knows no skips at run time.
fn skipped(reason: &str) {
    let name = std::thread::current()
        .name()
        .unwrap_or("a comparison")
        .to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED  {name}: {reason}");
}

fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("wirelab-names-{}-{name}", std::process::id()))
}
