//! Which submissions are alike, and which are not.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

#[path = "support/class.rs"]
mod support;

use support::{Class, ECHO, cargo_grade, root, sources};

const SERVER: &str = "labs/04-tcp-echo/src/server.rs";

fn text(from: &str) -> String {
    fs::read_to_string(root().join(from).join(ECHO).join("src/server.rs")).unwrap()
}

/// The solution's server as somebody hands it in who would not be found out.
fn disguised() -> String {
    let solution = text("solutions");
    let (head, steps) = solution.split_once("\n/// Step 1").unwrap();
    let mut steps: Vec<&str> = steps.split("\n/// Step ").collect();
    steps.reverse();
    let mut disguised = format!("{head}\n// All my own.\n{}", steps.join("\n/// Step "));
    disguised = disguised.replacen("5.", "/// 5.", 1);
    let names = [
        ("error", "problem"),
        ("buffer", "store"),
        ("peer", "far_end"),
        ("connected", "line"),
    ];
    for (name, other) in names {
        disguised = disguised.replace(name, other);
    }
    disguised.replace("    ", "\t/* so */ ")
}

/// The starter with its open places filled, in order.
fn filled(bodies: [&str; 5]) -> String {
    let mut bodies = bodies.into_iter();
    let lines = text("labs");
    let lines = lines.lines().map(|line| {
        let open = line.trim_start().starts_with("todo!");
        if open { bodies.next().unwrap() } else { line }
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// Another author's server.
fn other_author() -> String {
    filled([
        "let family = if addr.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
        let made = Socket::new(family, Type::STREAM, None)?;
        let address = socket2::SockAddr::from(addr);
        match made.bind(&address) { Ok(()) => Ok(made), Err(why) => Err(why) }",
        "socket.listen(backlog).map(|()| socket)",
        "let taken = listening.accept()?;
        Ok(Connection { local: address::of(&taken.0)?, peer: address::internet(taken.1)?, socket: taken.0 })",
        "let mut room = vec![0u8; 100];
        while let Ok(length @ 1..) = connected.read(&mut room) {
            let mut sent = 0;
            while sent < length { sent += connected.write(&room[sent..length])?; }
        }
        Ok(())",
        "for round in 0u64.. {
            let next = accept(listening);
            if let Ok(next) = next { let _ = echo(&next.socket); }
            else if let Err(why) = next {
                let gone = why.kind() == ErrorKind::ConnectionAborted;
                if !gone { eprintln!(\"round {round}\"); return Err(why); }
            }
        }
        unreachable!()",
    ])
}

/// A third one's.
fn third_author() -> String {
    filled([
        "let s = match addr {
            SocketAddr::V4(_) => Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)),
            SocketAddr::V6(_) => Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP)),
        }?;
        let bound = s.bind(&addr.into());
        bound.and(Ok(s))",
        "if let Err(e) = socket.listen(backlog) { return Err(e); }
        return Ok(socket);",
        "listening.accept().and_then(|(socket, from)| {
            let local = address::of(&socket)?;
            address::internet(from).map(|peer| Connection { socket, peer, local })
        })",
        "io::copy(&mut &*connected, &mut &*connected).map(drop)",
        "loop {
            match accept(listening).map(|c| echo(&c.socket)) {
                Ok(Ok(())) => {}
                Ok(Err(e)) => eprintln!(\"lost one: {e}\"),
                Err(e) if e.kind() == ErrorKind::ConnectionAborted => (),
                Err(e) if e.kind() == ErrorKind::ConnectionReset => (),
                Err(e) => break Err(e),
            }
        }",
    ])
}

struct Compared {
    scratch: tempfile::TempDir,
    class: Class,
}

impl Compared {
    fn new() -> Compared {
        let scratch = tempfile::tempdir().unwrap();
        let class = Class::new(scratch.path().join("class"));
        Compared { scratch, class }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.scratch.path().join(name)
    }

    /// Compares; what the terminal shows, and the pairs as `left right kind share from`.
    fn run(&self, path: &Path, more: &[&str]) -> (String, Vec<String>) {
        let mut command = cargo_grade(&root());
        command.arg("similar").arg(&self.class.dir).args(more);
        command.arg("--out").arg(self.path("out")).env("PATH", path);
        let done = command.assert().success();
        let shown = String::from_utf8(done.get_output().stdout.clone()).unwrap();
        let json = fs::read(self.path("out/similar.json")).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert!(json["note"].as_str().unwrap().contains("no verdict"));
        let labs = json["labs"].as_array().unwrap();
        let pairs = labs.iter().flat_map(|lab| lab["pairs"].as_array().unwrap());
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let pairs = pairs.map(|pair| {
            let (left, right) = (&pair["left"], &pair["right"]);
            assert_eq!(left["from"], Value::Null);
            format!(
                "{} {} {} {} {}",
                word(&left["student"]),
                word(&right["student"]),
                word(&pair["kind"]),
                pair["share"],
                word(&right["from"])
            )
        });
        (shown, pairs.collect())
    }
}

#[test]
fn three_who_have_the_very_same_are_said_to() {
    let compared = Compared::new();
    for student in ["ada", "bob", "cy"] {
        compared.class.put(student, SERVER, text("solutions"));
    }
    let (shown, pairs) = compared.run(&compared.path("nothing"), &[]);
    assert_eq!(pairs.len(), 3, "{pairs:?}");
    assert!(shown.contains("  all exact: ada; bob; cy\n"), "{shown}");
}

#[test]
fn duplicates_are_found_however_they_are_disguised_and_packed() {
    let compared = Compared::new();
    let class = &compared.class;
    class.put("=ada", SERVER, text("solutions"));
    let mut server = sources("solutions", ECHO);
    server.retain(|(path, _)| path.ends_with("server.rs"));
    class.zip("lovelace_LATE_77_5_labs.zip", &server);
    class.put("grace", SERVER, disguised());
    class.put("someone", SERVER, other_author());
    class.put("third", SERVER, third_author());
    class.put("shebang", SERVER, "#!r#\"\n".to_owned() + &disguised());
    class.put("open", SERVER, "/*".to_owned() + &text("solutions"));
    class.put("empty", "notes.txt", "nothing");
    let (shown, pairs) = compared.run(&compared.path("nothing"), &[]);
    assert_eq!(
        pairs,
        [
            "77 =ada exact 1.0 -",
            "77 grace normalised 1.0 -",
            "77 shebang normalised 1.0 -",
            "=ada grace normalised 1.0 -",
            "=ada shebang normalised 1.0 -",
            "grace shebang normalised 1.0 -",
        ],
        "{shown}"
    );
    assert!(
        contains("the same but for layout and names: 77; =ada; grace; shebang\n")
            .and(contains("    of these exact: 77; =ada\n"))
            .and(contains("no verdict"))
            .and(contains("Not compared: empty"))
            .and(contains(
                "Not compared: open: 04-tcp-echo/src/server.rs: a quotation"
            ))
            .and(contains("Dolos is not installed"))
            .and(contains("dolos run -f csv -l rust"))
            .eval(&shown),
        "{shown}"
    );
    let csv = fs::read_to_string(compared.path("out/similar.csv")).unwrap();
    assert!(
        csv.contains("04-tcp-echo,exact,1,") && csv.contains(",'=ada,"),
        "{csv}"
    );
}

#[test]
fn a_part_that_was_taken_over_is_ranked_by_its_share() {
    let compared = Compared::new();
    let class = &compared.class;
    let solution = text("solutions");
    let (_, serve) = solution.split_once("pub fn serve(").unwrap();
    let other = other_author();
    let (before, _) = other.split_once("pub fn serve(").unwrap();
    let (most, _) = solution.split_once("pub fn bind(").unwrap();
    let (_, most_of) = solution.split_once("/// Step 2").unwrap();
    let (_, bind) = other.split_once("pub fn bind(").unwrap();
    let (bind, _) = bind.split_once("/// Step 2").unwrap();
    class.put("whole", SERVER, &solution);
    class.put("one-step", SERVER, format!("{before}pub fn serve({serve}"));
    class.put(
        "four-steps",
        SERVER,
        format!("{most}pub fn bind({bind}/// Step 2{most_of}"),
    );
    let (shown, pairs) = compared.run(&compared.path("nothing"), &[]);
    let kinds: Vec<&str> = pairs
        .iter()
        .map(|pair| pair.split(' ').nth(2).unwrap())
        .collect();
    assert_eq!(kinds, ["similar"; 3], "{shown}");
    assert!(pairs[0].starts_with("four-steps whole "), "{pairs:?}");
}

#[test]
fn who_wrote_nothing_is_like_nobody() {
    let compared = Compared::new();
    let class = &compared.class;
    let starter = text("labs");
    class.put("a", SERVER, &starter);
    class.put("b", SERVER, &starter);
    class.put("c", SERVER, starter.replace("Step", "step"));
    let (_, without_lints) = starter.split_once("unused_must_use)]").unwrap();
    class.put("d", SERVER, without_lints);
    let (shown, pairs) = compared.run(&compared.path("nothing"), &[]);
    assert!(pairs.is_empty(), "{pairs:?}");
    assert!(contains("Nobody wrote anything").eval(&shown), "{shown}");
}

#[test]
fn past_years_and_solutions_are_the_other_side_only() {
    let compared = Compared::new();
    compared.class.put("now", SERVER, disguised());
    compared.class.put("other", SERVER, other_author());
    let past = Class::new(compared.path("2025"));
    past.put("one", SERVER, text("solutions"));
    past.put("two", SERVER, text("solutions"));
    let solutions = root().join("solutions");
    let past = past.dir.to_str().unwrap();
    let more = ["--against", past, "--against", solutions.to_str().unwrap()];
    let (shown, pairs) = compared.run(&compared.path("nothing"), &more);
    assert_eq!(
        pairs
            .iter()
            .filter(|pair| pair.contains("normalised"))
            .collect::<Vec<_>>(),
        ["now one normalised 1.0 2025", "now two normalised 1.0 2025",]
    );
    // The solutions' folder has the client's file as well.
    assert!(
        pairs
            .iter()
            .any(|pair| pair.starts_with("now solutions similar 1.0")),
        "{shown}"
    );
    assert_eq!(pairs.len(), 3, "{shown}");
}

#[test]
fn dolos_gets_a_folder_and_is_run_where_it_is() {
    let compared = Compared::new();
    let class = &compared.class;
    class.put("-o", SERVER, text("solutions"));
    class.put("grace", SERVER, other_author());
    let bin = compared.path("bin");
    fs::create_dir(&bin).unwrap();
    let dolos = bin.join("dolos");
    fs::write(&dolos, "#!/bin/sh\necho \"$@\" > called\n").unwrap();
    fs::set_permissions(&dolos, fs::Permissions::from_mode(0o755)).unwrap();
    let roster = compared.path("class.csv");
    fs::write(&roster, "student,name\ngrace,\"=Grace, H.\"\n").unwrap();
    let times = compared.path("times.csv");
    fs::write(
        &times,
        "student,submitted\ngrace,2026-10-05T12:00:00+02:00\n",
    )
    .unwrap();
    let more = [
        "--roster",
        roster.to_str().unwrap(),
        "--times",
        times.to_str().unwrap(),
    ];
    // The second time in the same folder.
    for _ in 0..2 {
        let (shown, _) = compared.run(&bin, &more);
        assert!(contains("Dolos has written").eval(&shown), "{shown}");
    }
    let lab = compared.path("out/dolos").join(ECHO);
    let read = |name: &str| fs::read_to_string(lab.join(name)).unwrap();
    assert_eq!(
        read("info.csv"),
        "filename,full_name,label,created_at\n\
         o.rs,'-o,class,\n\
         grace.rs,\"'=Grace, H.\",class,2026-10-05T12:00:00+02:00\n"
    );
    assert_eq!(
        read("called"),
        "run -f csv -l rust -i starter.rs -o report info.csv\n"
    );
    assert!(read("o.rs").starts_with("// src/server.rs\n//! The server's calls"));
    assert!(read("grace.rs").contains("unreachable!()"));
    assert!(read("starter.rs").contains("todo!"));
}

#[test]
fn a_folder_with_other_things_stays_as_it_is() {
    let compared = Compared::new();
    compared.class.put("a", SERVER, text("solutions"));
    let out = compared.path("out");
    fs::create_dir_all(out.join("dolos")).unwrap();
    cargo_grade(&root())
        .arg("similar")
        .arg(&compared.class.dir)
        .arg("--out")
        .arg(&out)
        .assert()
        .failure()
        .stderr(contains("is not empty"));
    assert!(out.join("dolos").is_dir());
}
