//! The checks of chapter 2. Each runs the program once or a few times and reads what it prints.
//!
//! No check asks the network: names are `localhost`, addresses in text, and one name that no
//! resolver may send anywhere. Every services file is one that the check made or that ships here.
use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use testkit::{Check, Finished, Why, check};

/// Runs the program to its end. A panic is shown at once: it is neither an answer nor an error.
fn run<A: AsRef<OsStr>>(check: &Check, args: impl IntoIterator<Item = A>) -> Finished {
    let done = check.run(args);
    if done.stderr.contains("panicked at") && done.code == Some(101) {
        if done.stderr.contains("not yet implemented") {
            // It says itself what is to be written.
            done.expect_success("");
        }
        let panic = done.stderr.split("panicked at").nth(1).unwrap_or_default();
        let panic: Vec<&str> = panic.trim().lines().take(2).collect();
        check.fail(
            "an answer, or one line \"error: …\"",
            format!("a panic at {}", panic.join(" ")),
            "What the program is asked, and what stands in a file, may be wrong: no `unwrap` there, and no index that \
             was not looked at. An `Err` is an answer too; return it.",
        );
    }
    done
}

/// Runs the program with these words and this services file.
fn ask(check: &Check, words: &[&str], services: &Path) -> Asked {
    let mut args: Vec<OsString> = words.iter().map(Into::into).collect();
    args.push("--services".into());
    args.push(services.into());
    Asked {
        done: run(check, args),
        has_crlf: std::fs::read(services)
            .is_ok_and(|bytes| bytes.windows(2).any(|pair| pair == b"\r\n")),
    }
}

/// What the program said to a question about a services file.
struct Asked {
    done: Finished,
    /// Whether the file has a line that ends in CRLF. A copy of the lab may have been made with them.
    has_crlf: bool,
}

impl Asked {
    /// Its standard output was exactly this.
    fn expect_stdout(&self, expected: impl AsRef<[u8]>, why: impl Why) {
        let expected = expected.as_ref();
        self.done.expect_stdout(expected, |got: &[u8]| {
            let without: Vec<u8> = got.iter().copied().filter(|byte| *byte != b'\r').collect();
            if without == expected {
                "All that is wrong is a \"\\r\", the first half of a CRLF line end: it was taken for a part of the last \
                 word. `lines()` and split_whitespace both take it off."
                    .to_string()
            } else if got.is_empty() && self.has_crlf {
                format!(
                    "The lines of this file end in CRLF. A \"\\r\" that is left at the end of a word makes it another \
                     word, which nobody asks for: `lines()` and split_whitespace both take it off. If it is taken \
                     off: {}",
                    why.explain(got)
                )
            } else {
                why.explain(got)
            }
        });
    }

    /// Its exit code was this one.
    fn expect_exit(&self, code: i32, why: impl Why) -> &Finished {
        self.done.expect_exit(code, why)
    }

    /// One line of its standard error begins with `error: ` and has these words.
    fn expect_error(&self, words: &[&str], why: impl Why) {
        self.done.expect_error(words, why);
    }
}

/// Writes a services file and shows its lines in the transcript.
fn services(check: &Check, bytes: &[u8]) -> PathBuf {
    let path = check.file("services", bytes);
    let ends = bytes.split_inclusive(|byte| *byte == b'\n');
    for (n, line) in ends.enumerate() {
        check.note(
            "wrote",
            format!("b\"{}\"", line.escape_ascii()),
            format!("line {} of services", n + 1),
        );
    }
    path
}

mod step_1 {
    use super::*;

    #[test]
    fn prints_the_name_of_this_host() {
        let check = check!();
        let done = run(&check, ["host"]);
        done.expect_success("`names host` needs one call, get_hostname(), and no network.");
        match dns_lookup::get_hostname() {
            Ok(name) => {
                done.expect_stdout_lines(
                    &[name],
                    "Print what gethostname gives, unchanged: nothing looked up, nothing cut off at a dot.",
                );
            }
            Err(error) => panic!("this system does not tell its own name: {error}"),
        }
    }

    #[test]
    fn an_address_is_its_own_answer() {
        let check = check!();
        let why = |got: &[u8]| match got.split(|byte| *byte == b'\n').count() {
            0..=2 => {
                "getaddrinfo takes an address in text as well as a name, and answers with the address. \
                 Print its IP address alone; the port of a SocketAddr is not part of it."
            }
            _ => REPEATED,
        };
        run(&check, ["resolve", "127.0.0.1"])
            .expect_success("getaddrinfo takes an address in text as well as a name.")
            .expect_stdout("127.0.0.1\n", why);
        run(&check, ["resolve", "0:0:0:0:0:0:0:1"])
            .expect_success(
                "An IPv6 address is an address too. Does a hint ask for one family only?",
            )
            .expect_stdout("::1\n", why);
    }

    #[test]
    fn gives_each_address_once() {
        let check = check!();
        let done = run(&check, ["resolve", "localhost"]);
        done.expect_success("localhost is in every system's hosts file or built in.");
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let mut addresses = Vec::new();
        for line in &lines {
            match line.parse::<IpAddr>() {
                Ok(address) => addresses.push(address),
                Err(_) => check.fail(
                    "one IP address a line",
                    format!("{line:?}"),
                    "Collect IpAddr: `sockaddr.ip()` of each answer. main.rs prints them.",
                ),
            }
        }
        check.require(
            "at least one address",
            format!("{} lines", addresses.len()),
            !addresses.is_empty(),
            "The resolver gave addresses, and none of them was returned.",
        );
        let mut once = addresses.clone();
        once.sort();
        once.dedup();
        check.require(
            "every address once",
            lines.join(", "),
            once.len() == addresses.len(),
            REPEATED,
        );
        check.require(
            "loopback addresses",
            lines.join(", "),
            addresses.iter().all(IpAddr::is_loopback),
            "localhost means this host: 127.0.0.1, ::1 or both. Was another name asked for?",
        );
    }

    const REPEATED: &str = "getaddrinfo answers once for every socket type: stream, datagram, raw. Set the hint \
         `socktype` to SockType::Stream, and leave out an address that you already have.";

    #[test]
    fn an_unknown_host_has_no_address() {
        let check = check!();
        // `.invalid` exists nowhere (RFC 6761), and a label has at most 63 characters: the resolver
        // says no by itself and at once, also where a DNS server would be slow or make answers up.
        let name = format!("{}.invalid.", "no-such-host".repeat(6));
        let done = run(&check, ["resolve", &name]);
        done.expect_exit(3, |got: &[u8]| {
            if got.is_empty() {
                "An error of getaddrinfo means that there is no address, and no address is exit code 3. Turn \
                 every error into NamesError::no_address, whether it says \"unknown\" or \"try again\"."
            } else {
                "No host has this name, and yet the program printed an address."
            }
        });
        done.expect_error(
            &["no-such-host"],
            "The message names what was asked for: give NamesError::no_address the name.",
        );
    }
}

mod step_2 {
    use super::*;

    fn line(check: &Check, text: &str) -> Finished {
        run(check, ["line", text])
    }

    #[test]
    fn reads_name_port_protocol_and_aliases() {
        let check = check!();
        line(&check, "ssh 22/tcp").expect_stdout(
            "ssh 22/tcp\n",
            "The first word is the name. The second is the port, a slash and the protocol.",
        );
        line(&check, "kerberos 88/udp kerberos5 krb5").expect_stdout(
            "kerberos 88/udp kerberos5 krb5\n",
            "Every word after the second is an alias, and there may be any number of them.",
        );
        line(&check, "discard 9/sctp").expect_stdout(
            "discard 9/sctp\n",
            "A protocol is whatever stands after the slash: TCP and UDP are not the only ones that have ports.",
        );
        line(&check, "odd 80/tcp/y").expect_stdout(
            "odd 80/tcp/y\n",
            "The first slash ends the port. A further one belongs to the protocol, which is `tcp/y` here: split_once \
             cuts once.",
        );
    }

    #[test]
    fn any_run_of_blanks_separates_words() {
        let check = check!();
        let why = "Columns are lined up with tabs, with spaces, or with both. `split(' ')` cuts at every single \
             space and at no tab; split_whitespace takes a whole run of either for one separator.";
        line(&check, "http    80/tcp   www").expect_stdout("http 80/tcp www\n", why);
        line(&check, "http\t\t80/tcp\twww").expect_stdout("http 80/tcp www\n", why);
        line(&check, " \thttp \t 80/tcp\t www \t").expect_stdout("http 80/tcp www\n", why);
    }

    #[test]
    fn a_comment_ends_the_line() {
        let check = check!();
        line(&check, "http 80/tcp www # the web").expect_stdout(
            "http 80/tcp www\n",
            "What follows a `#` is no alias. Cut the comment off before you split the line.",
        );
        line(&check, "mysql 3306/tcp#both of them").expect_stdout(
            "mysql 3306/tcp\n",
            "A `#` needs no blank before it: cut the line at the first one, wherever it stands.",
        );
        for text in ["# ssh 22/tcp", "   # nothing", "", "  \t "] {
            line(&check, text)
                .expect_success("A line without words is no mistake: it is Ok(None).")
                .expect_stdout(
                    "",
                    "A line that is empty or all comment has no entry: Ok(None).",
                );
        }
    }

    #[test]
    fn a_port_is_a_number_of_sixteen_bits() {
        let check = check!();
        for port in ["32768", "65535"] {
            line(&check, &format!("highest {port}/udp")).expect_stdout(
                format!("highest {port}/udp\n"),
                "Ports go up to 65535. An i16 ends at 32767; a port is a u16.",
            );
        }
        line(&check, "lowest 0/udp").expect_stdout(
            "lowest 0/udp\n",
            "A port is a number from 0 to 65535: what u16 parses. That nobody is ever at port 0 is no business of a line.",
        );
        for (text, word) in [
            ("impossible 65536/tcp", "65536"),
            ("impossible 70000/tcp", "70000"),
            ("impossible -1/tcp", "-1"),
            ("impossible many/tcp", "many"),
        ] {
            line(&check, text)
                .expect_exit(1, |got: &[u8]| if got.is_empty() {
                    "That is no port: return BadLine::BadPort. A parse that fails is an answer, so look at its Result."
                } else {
                    "That is no port, and yet it became one. A wider number cast with `as u16` loses its upper \
                     bits: 70000 turns into 4464. Parse a u16, which refuses."
                })
                .expect_error(&[word], "Put what stands before the slash into BadLine::BadPort.");
        }
    }

    #[test]
    fn says_what_a_line_lacks() {
        let check = check!();
        for (text, word, why) in [
            (
                "lonely",
                "lonely",
                "There is a name and no second word: BadLine::NoPort.",
            ),
            (
                "80/tcp",
                "80/tcp",
                "The first word is the name, whatever it looks like, and no second one follows: BadLine::NoPort.",
            ),
            (
                "http 80",
                "slash",
                "The second word has no slash in it: BadLine::NoSlash.",
            ),
            (
                "http 80/",
                "protocol",
                "Nothing stands after the slash: BadLine::NoProtocol.",
            ),
        ] {
            line(&check, text)
                .expect_exit(1, why)
                .expect_error(&[word], why);
        }
    }
}

mod step_3 {
    use super::*;

    #[test]
    fn finds_a_service_by_name_and_by_port() {
        let check = check!();
        let file = check.data("services");
        let why = "Look through the entries from the first on, and return the first that fits.";
        ask(&check, &["port", "mysql"], &file).expect_stdout("mysql 3306/tcp\n", why);
        ask(&check, &["service", "3306"], &file).expect_stdout("mysql 3306/tcp\n", why);
        ask(&check, &["service", "7"], &file).expect_stdout(
            "echo 7/tcp\n",
            "Two lines have port 7. Without --proto the first one in the file is the answer.",
        );
        let done = ask(&check, &["service", "3307"], &file);
        done.expect_exit(3, |got: &[u8]| {
            if got.is_empty() {
                "No entry has port 3307: by_port is None, and main.rs makes that exit code 3."
            } else {
                "3307 stands in a comment only. A comment says nothing about ports."
            }
        });
    }

    #[test]
    fn finds_a_service_by_its_alias() {
        let check = check!();
        let file = check.data("services");
        let why = "A service has one official name and perhaps aliases; any of them finds it. Compare the asked name \
             with entry.name and with each of entry.aliases. The answer begins with the official name.";
        ask(&check, &["port", "www"], &file).expect_stdout("http 80/tcp www\n", why);
        ask(&check, &["port", "kerberos-sec"], &file)
            .expect_stdout("kerberos 88/tcp kerberos5 krb5 kerberos-sec\n", why);
        let file = services(&check, b"one 1001/tcp two\ntwo 1002/tcp\n");
        ask(&check, &["port", "two"], &file).expect_stdout(
            "one 1001/tcp two\n",
            "The answer is the first entry that the name fits, officially or as an alias, and that is the first line. \
             Look at name and aliases of one entry before you go to the next: a first round for official names and a \
             second one for aliases find the second line.",
        );
    }

    #[test]
    fn tells_udp_from_tcp() {
        let check = check!();
        let file = check.data("services");
        let why = "A port belongs to a protocol: 514/tcp and 514/udp are two different doors. Where --proto is given, \
             pass over the entries of every other protocol.";
        ask(&check, &["service", "514", "--proto", "udp"], &file)
            .expect_stdout("syslog 514/udp\n", why);
        ask(&check, &["service", "514", "--proto", "tcp"], &file)
            .expect_stdout("shell 514/tcp cmd\n", why);
        ask(&check, &["port", "domain", "--proto", "udp"], &file)
            .expect_stdout("domain 53/udp\n", why);
        for words in [
            ["port", "mysql", "--proto", "udp"],
            ["service", "22", "--proto", "udp"],
        ] {
            ask(&check, &words, &file)
                .expect_exit(3, "The file has this entry for tcp alone, and the question was about udp. No entry fits.");
        }
        ask(&check, &["service", "514", "--proto", "UDP"], &file).expect_exit(
            3,
            "The file has `udp` and not `UDP`: protocols match letter by letter, as names do.",
        );
    }

    #[test]
    fn a_name_matches_whole() {
        let check = check!();
        let file = check.data("services");
        ask(&check, &["port", "http"], &file).expect_stdout("http 80/tcp www\n",
            "`http-alt` stands before `http` in this file, and is another service. Compare whole names with ==, \
             not with starts_with or contains.",
        );
        for name in ["htt", "ww", "lt"] {
            ask(&check, &["port", name], &file).expect_exit(
                3,
                "That is a piece of a name, and no service. Compare whole names with ==.",
            );
        }
        for name in ["HTTP", "WWW", "web"] {
            ask(&check, &["port", name], &file).expect_exit(
                3,
                "This word stands in a comment or in other letters only. Comments name nothing, and the case of \
                 letters counts, as it does for getservbyname.",
            );
        }
    }

    #[test]
    fn a_bad_line_costs_no_other() {
        let check = check!();
        let file = services(
            &check,
            b"first 1001/tcp\nlonely\ngreedy 70000/tcp\nhalf 80\nlast 1002/tcp\n",
        );
        for (name, answer) in [("first", "first 1001/tcp"), ("last", "last 1002/tcp")] {
            ask(&check, &["port", name], &file).expect_stdout(
                format!("{answer}\n"),
                "A line that parse_line refuses is left out, and the reading goes on with the next one. A `?` in \
                 the loop gives up the whole file for it.",
            );
        }
        let done = ask(&check, &["service", "4464"], &file);
        done.expect_exit(
            3,
            "No line has port 4464. It is 70000 with the bits above the sixteenth cut off: parse a u16.",
        );
    }

    #[test]
    fn line_ends_are_not_part_of_the_words() {
        let check = check!();
        let file = services(
            &check,
            b"first 1001/tcp\r\nsecond 1002/udp two\r\n\r\nlast 1003/udp",
        );
        let carriage =
            "The first entry that fits is the answer, its words as they stand in the file.";
        ask(&check, &["port", "first", "--proto", "tcp"], &file)
            .expect_stdout("first 1001/tcp\n", carriage);
        ask(&check, &["port", "second", "--proto", "udp"], &file)
            .expect_stdout("second 1002/udp two\n", carriage);
        ask(&check, &["port", "last", "--proto", "udp"], &file).expect_stdout(
            "last 1003/udp\n",
            "The last line of this file has no line end, and is a line all the same.",
        );
    }

    #[test]
    fn bytes_that_are_not_utf_8_cost_no_line() {
        let check = check!();
        // In Latin-1, é is the single byte e9; in UTF-8 that byte may not stand alone.
        let file = services(
            &check,
            b"first 1001/tcp # caf\xe9\nsecond 1002/tcp\n# \xff\xfe\nlast 1003/tcp\n",
        );
        for (name, answer) in [
            ("first", "first 1001/tcp"),
            ("second", "second 1002/tcp"),
            ("last", "last 1003/tcp"),
        ] {
            ask(&check, &["port", name], &file).expect_stdout(
                format!("{answer}\n"),
                "A comment holds bytes that are not UTF-8. read_to_string refuses the whole file for them, and a \
                 loop over lines() of a reader meets an error in the middle. Read bytes with fs::read, then \
                 String::from_utf8_lossy.",
            );
        }
    }

    #[test]
    fn reads_a_file_to_its_end() {
        let check = check!();
        let mut text = String::new();
        for n in 0..20_000 {
            text += &format!("service-{n}\t{}/tcp\talias-{n}\n", 10_000 + n);
        }
        let file = check.file("services", &text);
        check.note(
            "wrote",
            "service-0 to service-19999",
            format!("{} bytes of services", text.len()),
        );
        ask(&check, &["port", "service-19999"], &file).expect_stdout("service-19999 29999/tcp alias-19999\n",
            "The entry asked for is the last one. A single read fills a buffer and stops; the file goes on. \
             Read to the end: fs::read does.",
        );
    }

    #[test]
    fn a_missing_file_is_not_an_unknown_service() {
        let check = check!();
        let file = check.folder().join("missing-services");
        for words in [["port", "http"], ["service", "80"]] {
            let done = ask(&check, &words, &file);
            done.expect_exit(1, |got: &[u8]| if got.is_empty() {
                "There is no such file, so nothing is known about the service: exit code 1, where a file that was \
                 read and has no entry gives 3. unwrap_or_default() turns the one into the other. Return \
                 NamesError::unreadable."
            } else {
                "There is no such file. Where did the answer come from? read() opens the path it is given and no other."
            });
            done.expect_error(
                &["missing-services"],
                "The message names the file: give NamesError::unreadable the path.",
            );
        }
    }
}

mod step_4 {
    use super::*;

    #[test]
    fn resolves_both_halves() {
        let check = check!();
        let file = check.data("services");
        ask(&check, &["endpoint", "127.0.0.1:http"], &file).expect_stdout("127.0.0.1:80\n",
            "The half before the colon goes to the resolver, the half after it to the services file.",
        );
        ask(&check, &["endpoint", "127.0.0.1:krb5"], &file).expect_stdout(
            "127.0.0.1:88\n",
            "A port may be named by an alias too: ask services::by_name.",
        );
        let done = ask(&check, &["endpoint", "127.0.0.1:nosuch"], &file);
        done.expect_exit(
            3,
            "There is no such service in the file: NamesError::unknown_service.",
        );
        done.expect_error(
            &["nosuch"],
            "The message names the service: give NamesError::unknown_service the text after the colon.",
        );
    }

    #[test]
    fn a_number_needs_no_services_file() {
        let check = check!();
        let file = check.folder().join("missing-services");
        ask(&check, &["endpoint", "127.0.0.1:8080"], &file).expect_stdout("127.0.0.1:8080\n",
            "8080 is a port already, and this machine has no services file. Parse a number first; read the file \
             only for what is not one.",
        );
        ask(&check, &["endpoint", "127.0.0.1:0"], &file).expect_stdout(
            "127.0.0.1:0\n",
            "A number is itself, and 0 is one. A server that binds to port 0 gets one that is free.",
        );
        ask(&check, &["endpoint", "127.0.0.1:99999999999999999999"], &file).expect_exit(
            2,
            "Twenty digits are a number, however large, and no name: NamesError::NotAPort. No integer type has room for \
             every number, so ask whether the text is digits alone, and not whether it parses.",
        );
        for file in [&file, &check.data("services")] {
            let done = ask(&check, &["endpoint", "127.0.0.1:70000"], file);
            let why = "70000 is digits alone, so it is a number and no name, and no port either: NamesError::NotAPort. \
                 To look it up would make a wrong question (2) an unknown service (3), or a missing file (1).";
            done.expect_exit(2, |got: &[u8]| {
                if got.is_empty() {
                    why
                } else {
                    "70000 is no port, and yet it became one. A wider number cast with `as u16` loses its upper bits."
                }
            });
            done.expect_error(
                &["70000"],
                "Put the text after the colon into NamesError::NotAPort.",
            );
        }
        ask(&check, &["endpoint", "127.0.0.1:http"], &file).expect_exit(
            1,
            "`http` has to be looked up, and there is no file to look in: pass the error of services::read on with `?`.",
        );
    }

    #[test]
    fn brackets_hold_an_ipv6_address() {
        let check = check!();
        let file = check.data("services");
        let why = "An IPv6 address has colons of its own, so it stands in brackets. With a bracket in front, the host \
             ends at `]`, and the port begins after the colon that follows it.";
        ask(&check, &["endpoint", "[::1]:80"], &file).expect_stdout("[::1]:80\n", why);
        ask(&check, &["endpoint", "[::1]:http"], &file).expect_stdout("[::1]:80\n", why);
    }

    #[test]
    fn asks_for_the_port_of_one_protocol() {
        let check = check!();
        let file = services(
            &check,
            b"game 1001/tcp\ngame 1002/udp\nstream-only 1003/tcp\n",
        );
        let why = "by_name takes the protocol: hand it on. TCP and UDP may keep a service at different ports.";
        ask(
            &check,
            &["endpoint", "127.0.0.1:game", "--proto", "udp"],
            &file,
        )
        .expect_stdout("127.0.0.1:1002\n", why);
        ask(
            &check,
            &["endpoint", "127.0.0.1:stream-only", "--proto", "udp"],
            &file,
        )
        .expect_exit(3, why);
    }

    #[test]
    fn refuses_what_is_no_endpoint() {
        let check = check!();
        let file = check.data("services");
        for (text, why) in [
            (
                "localhost",
                "Without a colon there is no port: BadEndpoint::NoColon.",
            ),
            (
                ":http",
                "Nothing stands before the colon: BadEndpoint::NoHost.",
            ),
            (
                "127.0.0.1:",
                "Nothing stands after the colon: BadEndpoint::NoPort.",
            ),
            (
                "[::1:80",
                "The bracket is never closed: BadEndpoint::OpenBracket.",
            ),
            (
                "[::1]80",
                "After the closing bracket a colon must follow: BadEndpoint::NoColon.",
            ),
            (
                "[::1]",
                "After the closing bracket a colon must follow: BadEndpoint::NoColon.",
            ),
            (
                "[::1]x:80",
                "A colon must follow right after the closing bracket, with nothing in between: BadEndpoint::NoColon.",
            ),
            (
                "[]:80",
                "Nothing stands between the brackets: BadEndpoint::NoHost.",
            ),
            (
                "::1:80",
                "Is it the host ::1 and port 80, or the one address ::1:80? A guess may connect to the wrong \
                 place: without brackets, more than one colon is BadEndpoint::Ambiguous.",
            ),
        ] {
            ask(&check, &["endpoint", text], &file)
                .expect_exit(2, why)
                .expect_error(
                    &[text],
                    "Put the whole endpoint into the BadEndpoint, not a piece of it.",
                );
        }
    }
}
