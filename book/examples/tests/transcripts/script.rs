//! A transcript as text: commands and what they printed.

use std::fmt;

/// A whole transcript.
#[derive(Debug)]
pub struct Script {
    /// The system whose output it is; `None` where every system prints the same.
    pub system: Option<System>,
    /// Lines before the first command, the one that names the system among them.
    pub opening: Vec<String>,
    /// The commands, in order.
    pub entries: Vec<Entry>,
}

/// A system that a transcript's first line names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum System {
    Unix,
    Linux,
    LinuxWithGlibc,
    LinuxWithTun,
}

impl System {
    /// The system of a line `# on SYSTEM`; `None` where it is some other remark.
    fn named_by(line: &str) -> Result<Option<System>, String> {
        let Some(name) = line.strip_prefix("# on ") else {
            return Ok(None);
        };
        let all = [
            System::Unix,
            System::Linux,
            System::LinuxWithGlibc,
            System::LinuxWithTun,
        ];
        match all.into_iter().find(|system| system.to_string() == name) {
            Some(system) => Ok(Some(system)),
            None => Err(format!(
                "`# on {name}`: write Unix, Linux, Linux with glibc or Linux with a TUN device"
            )),
        }
    }

    pub fn is_this_one(self) -> bool {
        match self {
            System::Unix => cfg!(unix),
            System::Linux => cfg!(target_os = "linux"),
            System::LinuxWithGlibc => cfg!(all(target_os = "linux", target_env = "gnu")),
            System::LinuxWithTun => wire::netns::can_make_a_path(),
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            System::Unix => "Unix",
            System::Linux => "Linux",
            System::LinuxWithGlibc => "Linux with glibc",
            System::LinuxWithTun => "Linux with a TUN device",
        })
    }
}

/// One command, or one wait for a job's line, with the output that stands below it.
#[derive(Debug)]
pub struct Entry {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// As written, without the `$ `; empty where this only waits for lines of a job.
    pub command: String,
    /// What it means.
    pub action: Action,
    /// The lines that the transcript shows for it.
    pub output: Vec<String>,
    /// Remarks that follow it.
    pub remarks: Vec<String>,
}

/// What a line asks for.
#[derive(Debug, PartialEq)]
pub enum Action {
    Run(Command),
    Start(Command),
    Wait,
    Kill(usize),
    ShowCode,
    /// A scratch file of this name, with these bytes.
    Write(String, Vec<u8>),
    /// An empty scratch folder of this name.
    MakeFolder(String),
    /// What is in it, a name a line.
    List(String),
    /// The next line of each of these jobs, in this order.
    Lines(Vec<usize>),
}

/// A program to run.
#[derive(Debug, PartialEq)]
pub struct Command {
    pub program: Program,
    pub args: Vec<String>,
    pub input: Vec<u8>,
    /// The scratch file that takes its standard output.
    pub keep: Option<String>,
}

/// Whose program it is.
#[derive(Debug, PartialEq)]
pub enum Program {
    Example(String),
    Lab(String),
}

impl Script {
    pub fn parse(text: &str) -> Result<Script, String> {
        let mut script = Script {
            system: System::named_by(text.lines().next().unwrap_or_default())?,
            opening: Vec::new(),
            entries: Vec::new(),
        };
        for (number, line) in text.lines().enumerate() {
            let number = number + 1;
            if let Some(command) = line.strip_prefix("$ ") {
                let action = parse_command(command).map_err(|e| format!("line {number}: {e}"))?;
                script.entries.push(Entry {
                    line: number,
                    command: command.to_owned(),
                    action,
                    output: Vec::new(),
                    remarks: Vec::new(),
                });
                continue;
            }
            let Some(last) = script.entries.last_mut() else {
                if !line.is_empty() && !line.starts_with("# ") {
                    return Err(format!(
                        "line {number}: output before the first command: begin with `$ …`"
                    ));
                }
                script.opening.push(line.to_owned());
                continue;
            };
            if line.starts_with("# ") || (line.is_empty() && !last.remarks.is_empty()) {
                last.remarks.push(line.to_owned());
                continue;
            }
            // `$ wait` shows lines of jobs too: those belong to it.
            match job_of(line) {
                Some(job) if last.action != Action::Wait => {
                    if let Action::Lines(jobs) = &mut last.action
                        && last.remarks.is_empty()
                    {
                        jobs.push(job);
                        last.output.push(line.to_owned());
                    } else {
                        script.entries.push(Entry {
                            line: number,
                            command: String::new(),
                            action: Action::Lines(vec![job]),
                            output: vec![line.to_owned()],
                            remarks: Vec::new(),
                        });
                    }
                }
                _ if !last.remarks.is_empty() => {
                    return Err(format!("line {number}: output after a remark"));
                }
                _ => last.output.push(line.to_owned()),
            }
        }
        if script.entries.is_empty() {
            return Err("there is no command in it: write lines `$ command`".to_owned());
        }
        Ok(script)
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.opening {
            writeln!(f, "{line}")?;
        }
        for entry in &self.entries {
            if !matches!(entry.action, Action::Lines(_)) {
                writeln!(f, "$ {}", entry.command)?;
            }
            for line in entry.output.iter().chain(&entry.remarks) {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

/// The job of a line `[1]` or `[1] text`.
fn job_of(line: &str) -> Option<usize> {
    let (number, rest) = line.strip_prefix('[')?.split_once(']')?;
    (rest.is_empty() || rest.starts_with(' '))
        .then(|| number.parse().ok())
        .flatten()
}

fn parse_command(line: &str) -> Result<Action, String> {
    let mut words = split(line)?;
    match words.iter().map(Word::as_str).collect::<Vec<_>>()[..] {
        ["wait"] => return Ok(Action::Wait),
        ["echo", "$?"] => return Ok(Action::ShowCode),
        ["mkdir", name] => return plain(name).map(Action::MakeFolder),
        ["ls", name] => return plain(name).map(Action::List),
        ["kill", job] => {
            return job
                .strip_prefix('%')
                .and_then(|number| number.parse().ok())
                .map(Action::Kill)
                .ok_or_else(|| format!("`kill {job}`: which job? write `kill %1`"));
        }
        _ => {}
    }

    if let [
        Word::Text(printf),
        Word::Text(text),
        Word::Operator(">"),
        Word::Text(name),
    ] = &words[..]
        && printf == "printf"
    {
        return Ok(Action::Write(plain(name)?, unescape(text)?));
    }

    let background = words.last().is_some_and(|word| word.is_operator("&"));
    if background {
        words.pop();
    }
    let mut input = Vec::new();
    if let Some(pipe) = words.iter().position(|word| word.is_operator("|")) {
        let source: Vec<_> = words.drain(..=pipe).collect();
        input = match &source[..source.len() - 1] {
            [Word::Text(printf), Word::Text(text)] if printf == "printf" => unescape(text)?,
            [Word::Text(echo), rest @ ..] if echo == "echo" => {
                let text: Vec<_> = rest.iter().map(Word::as_str).collect();
                format!("{}\n", text.join(" ")).into_bytes()
            }
            _ => return Err("only `printf 'text' |` and `echo text |` may give input".to_owned()),
        };
    }
    if let Some(at) = words.iter().position(|word| word.is_operator("<<<")) {
        if at + 2 != words.len() {
            return Err("`<<<` takes one word, the last: `<<< 'text'`".to_owned());
        }
        let text = words.pop().map(Word::into_text).unwrap_or_default();
        words.pop();
        input = format!("{text}\n").into_bytes();
    }
    let mut keep = None;
    if let Some(at) = words.iter().position(|word| word.is_operator(">")) {
        if at + 2 != words.len() {
            return Err("`>` takes one word, the last: `> name`".to_owned());
        }
        let name = words.pop().map(Word::into_text).unwrap_or_default();
        words.pop();
        keep = Some(plain(&name)?);
    }
    if let Some(word) = words.iter().find(|word| matches!(word, Word::Operator(_))) {
        return Err(format!(
            "`{}` is shell syntax that transcripts do not have",
            word.as_str()
        ));
    }
    let (program, args) = program_of(words.into_iter().map(Word::into_text).collect())?;
    let command = Command {
        program,
        args,
        input,
        keep,
    };
    Ok(if background {
        Action::Start(command)
    } else {
        Action::Run(command)
    })
}

/// The name of something in the scratch folder.
fn plain(name: &str) -> Result<String, String> {
    if name.is_empty() || name.starts_with(['.', '-']) || name.contains(['/', '\\']) {
        return Err(format!("`{name}`: a plain file name, please"));
    }
    Ok(name.to_owned())
}

fn program_of(words: Vec<String>) -> Result<(Program, Vec<String>), String> {
    let mut words = words.into_iter();
    let first = words.next().ok_or("an empty command")?;
    if first != "cargo" {
        return Ok((Program::Lab(first), words.collect()));
    }
    let (mut package, mut binary) = (None, None);
    if words.next().as_deref() != Some("run") {
        return Err("of cargo's commands, transcripts know only `cargo run`".to_owned());
    }
    while let Some(word) = words.next() {
        match word.as_str() {
            "-q" | "--quiet" => {}
            "-p" | "--package" => package = words.next(),
            "--bin" => binary = words.next(),
            "--" => break,
            other => return Err(format!("`cargo run … {other}`: put `--` before arguments")),
        }
    }
    let args = words.collect();
    match (package.as_deref(), binary) {
        (Some("examples"), Some(binary)) => Ok((Program::Example(binary), args)),
        (Some("examples"), None) => Err("which program? add `--bin NAME`".to_owned()),
        (Some(lab), None) => Ok((Program::Lab(lab.to_owned()), args)),
        _ => Err("write `cargo run -q -p examples --bin NAME` or `cargo run -q -p LAB`".to_owned()),
    }
}

#[derive(Debug)]
enum Word {
    Text(String),
    Operator(&'static str),
}

impl Word {
    fn as_str(&self) -> &str {
        match self {
            Word::Text(text) => text,
            Word::Operator(operator) => operator,
        }
    }

    fn into_text(self) -> String {
        self.as_str().to_owned()
    }

    fn is_operator(&self, which: &str) -> bool {
        matches!(self, Word::Operator(operator) if *operator == which)
    }
}

/// Splits a line into words as a shell does, as far as transcripts go.
fn split(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut current: Option<String> = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' | '"' => {
                let word = current.get_or_insert_default();
                loop {
                    match rest.next() {
                        None => return Err(format!("a {c} is not closed")),
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' && matches!(rest.peek(), Some('"' | '\\')) => {
                            word.extend(rest.next());
                        }
                        Some(inner) => word.push(inner),
                    }
                }
            }
            '\\' => current.get_or_insert_default().extend(rest.next()),
            ' ' | '\t' => words.extend(current.take().map(Word::Text)),
            '|' | '&' | '>' | ';' | '<' => {
                words.extend(current.take().map(Word::Text));
                let mut operator = String::from(c);
                while rest.peek() == Some(&c) {
                    operator.extend(rest.next());
                }
                words.push(Word::Operator(match operator.as_str() {
                    "|" => "|",
                    "&" => "&",
                    ">" => ">",
                    "<<<" => "<<<",
                    other => {
                        return Err(format!(
                            "`{other}` is shell syntax that transcripts do not have"
                        ));
                    }
                }));
            }
            _ => current.get_or_insert_default().push(c),
        }
    }
    words.extend(current.map(Word::Text));
    Ok(words)
}

/// What `printf` makes of its only argument.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => match rest.next() {
                Some('%') => bytes.push(b'%'),
                _ => return Err("printf takes text only: write %% for a %".to_owned()),
            },
            '\\' => match rest.next() {
                Some('n') => bytes.push(b'\n'),
                Some('r') => bytes.push(b'\r'),
                Some('t') => bytes.push(b'\t'),
                Some(first @ '0'..='7') => {
                    // One to three octal digits: the only numbers that every shell's printf knows.
                    let mut digits = String::from(first);
                    while digits.len() < 3
                        && let Some(next) = rest.clone().next().filter(|c| c.is_digit(8))
                    {
                        digits.push(next);
                        rest.next();
                    }
                    let byte = u8::from_str_radix(&digits, 8)
                        .map_err(|_| format!("\\{digits} is no byte: at most \\377"))?;
                    bytes.push(byte);
                }
                Some('\\') => bytes.push(b'\\'),
                Some('x') => {
                    let digits: String = rest.by_ref().take(2).collect();
                    let byte = u8::from_str_radix(&digits, 16)
                        .map_err(|_| format!("\\x{digits} is no byte: two hexadecimal digits"))?;
                    bytes.push(byte);
                }
                other => {
                    return Err(format!(
                        "printf: unknown escape \\{}",
                        other.map(String::from).unwrap_or_default()
                    ));
                }
            },
            _ => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Ok(bytes)
}

#[test]
fn a_line_is_split_as_a_shell_would() {
    let Action::Run(command) =
        parse_command(r#"printf 'a\r\n%%\x41\102\0c' | tcp-echo connect "1 2" 3\ 4 > out"#)
            .unwrap()
    else {
        panic!("a command that is run to its end");
    };
    assert_eq!(command.program, Program::Lab("tcp-echo".to_owned()));
    assert_eq!(command.args, ["connect", "1 2", "3 4"]);
    assert_eq!(command.input, b"a\r\n%AB\0c");
    assert_eq!(command.keep.as_deref(), Some("out"));
}

#[test]
fn an_example_is_named_as_for_cargo() {
    let action = parse_command("cargo run -q -p examples --bin 04_one_read -- -n 3 &").unwrap();
    assert_eq!(
        action,
        Action::Start(Command {
            program: Program::Example("04_one_read".to_owned()),
            args: vec!["-n".to_owned(), "3".to_owned()],
            input: Vec::new(),
            keep: None,
        })
    );
}

#[test]
fn what_is_not_understood_is_refused() {
    for (line, says) in [
        ("tcp-echo serve; ls", "`;`"),
        ("cat x | tcp-echo", "printf"),
        ("tcp-echo 'a", "not closed"),
        ("cargo build", "cargo run"),
        ("cargo run -q -p examples", "--bin"),
        ("printf 'a\\q' | tcp-echo", "\\q"),
        ("printf a > ../b", "plain"),
        ("mkdir ..", "plain"),
    ] {
        let problem = parse_command(line).unwrap_err();
        assert!(problem.contains(says), "{line}: {problem}");
    }
}

#[test]
fn a_first_line_names_the_system() {
    for (line, system) in [
        ("# on Linux", Some(System::Linux)),
        ("# on Linux with glibc", Some(System::LinuxWithGlibc)),
        ("# on Linux with a TUN device", Some(System::LinuxWithTun)),
        ("# on Unix", Some(System::Unix)),
        ("# a remark on Linux", None),
    ] {
        let text = format!("{line}\n$ a\n");
        let script = Script::parse(&text).unwrap();
        assert_eq!(script.system, system);
        assert_eq!(script.to_string(), text);
    }
    let problem = Script::parse("# on Mars\n$ a\n").unwrap_err();
    assert!(problem.contains("Mars"), "{problem}");
    assert_eq!(
        System::Linux.is_this_one(),
        cfg!(target_os = "linux"),
        "elsewhere it is skipped"
    );
}

#[test]
fn a_script_is_written_back_as_it_was_read() {
    let text = "# first\n$ a serve &\nlistening 127.0.0.1:40001\n$ a b\nx\n\n[1] one\n[1]\n# then\n$ wait\n[1] z\n";
    let script = Script::parse(text).unwrap();
    assert_eq!(script.to_string(), text);
    assert_eq!(script.entries.len(), 4);
    assert_eq!(script.entries[2].action, Action::Lines(vec![1, 1]));
}
