//! How checks end: each check of `mod checks` is run in a process of its own, as a learner would
//! run it, and its verdict is read from the file that it writes.
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The checks themselves; run by the tests below.
mod checks {
    use testkit::{Bytes, check};

    macro_rules! checks {
        ($($name:ident $check:ident $body:block)*) => {$(
            #[test]
            #[ignore = "run by a test of its own"]
            fn $name() {
                let $check = check!(lab = "data/lab.toml");
                $body
            }
        )*};
    }

    checks! {
        hangs check {
            let server = check.start(["hangs-in-recv"]);
            let mut peer = check.connect(&server);
            peer.send("hello");
            peer.expect("hello", "It never answers.");
        }
        exits check {
            check.start(["exits"]);
        }
        never_listens check {
            check.start(["waits"]);
        }
        says_something_else check {
            check.start(["says", "ready"]);
        }
        panics check {
            let server = check.start(["panics"]);
            let mut peer = check.connect(&server);
            peer.send([9]);
            peer.expect([9], "");
        }
        unwritten check {
            let server = check.start(["unwritten"]);
            let mut peer = check.connect(&server);
            peer.send("x");
            peer.expect("x", "");
        }
        unwritten_and_looked_at check {
            let server = check.start(["unwritten"]);
            let mut peer = check.connect(&server);
            let all = peer.read_to_end(100, "");
            check.require("a reply", format!("{} bytes", all.len()), !all.is_empty(), "It is to reply.");
        }
        leaves_much_unread check {
            check.spawn(["waits"]).feed(vec![0; 8 << 20]);
        }
        floods check {
            check.run(["floods"]);
        }
        spins check {
            let server = check.start(["spins"]);
            let mut peer = check.connect(&server);
            peer.expect("x", "");
        }
        reads_nothing check {
            // More than a pipe holds.
            check.run_with_input(["hangs-in-recv"], vec![b'x'; 1 << 20]);
        }
        resets check {
            let server = check.start(["resets"]);
            let mut peer = check.connect(&server);
            peer.expect_end("It is to close, not to reset.");
        }
        differs check {
            let server = check.start(["echo"]);
            let mut peer = check.connect(&server);
            peer.send(b"hello world, hello world, hello world");
            peer.expect(b"hello world, hello_world, hello world", |got: &[u8]| format!("It sent {}.", Bytes(got)));
        }
        leaves_a_daemon check {
            let tag = std::env::var("WIRELAB_TEST_TAG").expect("set by the test");
            check.run(["leaves-a-daemon", &tag]).expect_success("");
        }
        hides_the_judge check {
            check.run(["shows-environment"]).expect_stdout("", "The judge's variables are none of its business.");
        }
        passes check {
            for how in ["echo", "sleeps", "has-a-timeout", "waits-for-a-thread", "polls-without-blocking"] {
                let server = check.start([how]);
                let mut peer = check.connect(&server);
                peer.send("hello").expect("hello", "");
                peer.send_one_by_one("ab").expect("ab", "");
                peer.half_close().expect_end("");
            }
        }
        exchanges check {
            let server = check.start(["echo"]);
            let bytes = check.random(3_000_000);
            let mut peer = check.connect_with(&server, testkit::Buffers::small());
            peer.exchange(&bytes, &bytes, "");
        }
        is_echoed_to check {
            let bytes = check.random(1_000_000);
            let listener = check.listen_with(testkit::Buffers::small());
            let client = check.spawn(["copies", &listener.addr().to_string()]);
            let mut peer = listener.accept(&client);
            client.feed(&bytes);
            let n = peer.echo_to_end("");
            check.require(bytes.len(), n, n == bytes.len(), "");
            client.finish().expect_success("").expect_stdout(&bytes, "");
        }
        never_takes_the_echo check {
            let listener = check.listen_with(testkit::Buffers::small());
            let client = check.spawn(["copies-afterwards", &listener.addr().to_string()]);
            let mut peer = listener.accept(&client);
            client.feed(check.random(1_000_000));
            peer.echo_to_end("It writes everything, then it reads.");
        }
        fills_the_buffers check {
            let server = check.start(["hangs-in-recv"]);
            let mut peer = check.connect(&server);
            let n = peer.send_until_full(check.random(100_000));
            check.require("all of it", n, n == 100_000, "It reads, and answers nothing.");
            peer.half_close();
            let listener = check.listen_with(testkit::Buffers::small());
            let client = check.spawn(["copies", &listener.addr().to_string()]);
            let mut peer = listener.accept(&client);
            // It prints all that comes, so its output has to be less than is kept of it.
            let n = peer.send_until_full(check.random(10_000));
            check.require("all of it", n, n == 10_000, "It takes what comes.");
        }
        rests_without_descriptors check {
            let server = check.start(["echo"]);
            #[cfg(target_os = "linux")]
            server.limit_open_files(5);
            let mut peer = check.connect(&server);
            peer.send("a").expect("a", "");
            server.expect_rest("It waits for its client.");
        }
        spins_without_descriptors check {
            let server = check.start(["threads"]);
            #[cfg(target_os = "linux")]
            server.limit_open_files(5);
            let mut peers: Vec<_> = (0..3).map(|_| check.connect(&server)).collect();
            peers[0].send("a").expect("a", "");
            server.expect_rest("It tries accept again and again.");
        }
        leaves_unread check {
            let server = check.start(["echo"]);
            let mut peer = check.connect(&server);
            peer.send("hello").expect_unread(5, "").expect_unread(5, "").expect("hello", "");
        }
        never_sends check {
            let server = check.start(["hangs-in-recv"]);
            check.connect(&server).expect_unread(3, "It sends nothing.");
        }
        finds_no_room check {
            let full = check.full();
            let knock = std::net::TcpStream::connect_timeout(&full.addr(), std::time::Duration::from_millis(50));
            check.require("no connection", format!("{knock:?}"), knock.is_err(), "The queue is full.");
        }
        fills check {
            let bytes = vec![7; 8 << 20];
            let echo = check.start(["echo"]);
            let mut peer = check.connect_with(&echo, testkit::Buffers::of(4096));
            let sent = peer.send_until_full(&bytes[..100]);
            check.require("100 bytes", sent, sent == 100, "They have room.");
            // An echo whose answer nobody reads takes no more at some time, and goes on once it is read.
            let sent = sent + peer.send_until_full(&bytes[100..]);
            peer.expect(&bytes[..sent], "");
            #[cfg(target_os = "linux")]
            check.require("some memory", "", echo.peak_memory() > Some(4096), "");
        }
        stands_still check {
            #[cfg(target_os = "linux")]
            {
                use std::io::{Read, Write};
                let server = check.start(["echo"]);
                let client = std::net::TcpStream::connect(server.addr()).expect("a connection");
                let mut answer = [0];
                server.while_stopped(|| {
                    client.set_read_timeout(Some(std::time::Duration::from_millis(50))).expect("a timeout");
                    (&client).write_all(b"a").expect("it is sent");
                    let early = (&client).read(&mut answer);
                    check.require("no answer", format!("{early:?}"), early.is_err(), "It stands still.");
                });
                client.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a timeout");
                let late = (&client).read(&mut answer);
                check.require("an answer", format!("{late:?}"), answer == *b"a", "It goes on.");
            }
        }
        waits_to_be_read check {
            #[cfg(target_os = "linux")]
            {
                let program = check.spawn(["repeats-lines"]);
                let line = "x".repeat(31);
                let typed = std::cell::Cell::new(0);
                let type_one = || {
                    program.type_in(format!("{line}\n"));
                    typed.set(typed.get() + 1);
                };
                program.while_unread(|| (0..8).for_each(|_| type_one()), type_one);
                let lines = typed.get();
                check.require("more than a page", lines, lines * 32 > 4096, "It was not filled.");
                let lines = vec![line.as_str(); lines];
                program.finish().expect_success("").expect_stdout_lines(&lines, "");
            }
        }
        ends_before_its_sandbox check {
            check.run(["exits"]).expect_exit(3, "");
        }
        does_much check {
            for n in 0..30 {
                check.note("counted", n, "");
            }
            check.fail("an end", "none", "");
        }
        reads_the_rest_of_a_program_that_has_ended check {
            let server = check.start(["leaves-much-behind"]);
            let mut peer = check.connect_with(&server, testkit::Buffers::small());
            server.expect_ends("");
            let all = peer.read_to_end(1 << 20, "");
            check.require("60000 bytes", all.len(), all.len() == 60_000, "");
        }
        reads_its_input check {
            let program = check.spawn(["reads-input"]);
            program.type_in("one\n").type_in("two\n");
            program.finish().expect_success("").expect_stdout_lines(&["one", "two"], "");
        }
        answers_no_datagram check {
            let server = check.start(["answers-datagrams", "0"]);
            let peer = check.udp();
            for datagram in ["a", "", "bc"] {
                peer.send_to(datagram, server.addr()).expect_nothing_yet(&server, "");
            }
        }
        answers_datagrams_twice check {
            let server = check.start(["answers-datagrams", "2"]);
            let (peer, other) = (check.udp(), check.udp());
            peer.send_to("", server.addr()).expect(&server, "", "");
            other.expect_nothing_yet(&server, "It did not ask.");
            peer.expect_nothing_yet(&server, "It answers twice.");
        }
        refuses_datagrams check {
            let server = check.start(["answers-datagrams", "1"]);
            let closed = check.udp_refusing();
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
            socket.connect(closed.addr()).expect("an address");
            socket.send(b"a").expect("it is sent");
            let refused = socket.recv(&mut [0; 4]);
            check.require("an error", format!("{refused:?}"), refused.is_err(), "The port is closed.");
            closed.send_to("b", server.addr()).expect_nothing_yet(&server, "It refuses the answer, too.");
        }
        answers_the_first_only check {
            let server = check.start(["answers-the-first-only"]);
            let (first, second) = (check.udp(), check.udp());
            first.send_to("a", server.addr()).expect(&server, "a", "");
            second.send_to("", server.addr()).expect(&server, "", "It is connected.");
        }
        shows_what_a_terminal_would_obey check {
            check.note("got", "\u{1b}[2J", "");
            check.require("a word", format!("{}\nb\0c", "\u{7}".repeat(2000)), false, "");
        }
        skips check {
            check.skip(testkit::Need::Tshark, "it is missing here");
        }
    }
}

/// A lab whose core passes and whose bonus is open.
mod core {
    use testkit::check;

    #[test]
    #[ignore = "run by a test of its own"]
    fn is_core() {
        check!(lab = "data/core.toml")
            .run(["shows-environment"])
            .expect_success("");
    }

    #[test]
    #[ignore = "run by a test of its own"]
    fn is_a_bonus() {
        check!(lab = "data/core.toml").fail("more", "less", "It is open.");
    }
}

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Runs one check; its verdict file and what it wrote to standard error.
fn run(check: &str, variables: &[(&str, &str)]) -> (String, String) {
    let folder: PathBuf = std::env::temp_dir().join(format!(
        "testkit-verdicts-{}-{}",
        std::process::id(),
        RUNS.fetch_add(1, Ordering::Relaxed)
    ));
    std::fs::create_dir_all(&folder).expect("a folder");
    let output = Command::new(std::env::current_exe().expect("a path"))
        .args([
            &format!("checks::{check}"),
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env("WIRELAB_VERDICTS", &folder)
        .env_remove("WIRELAB_REQUIRE")
        .envs(variables.iter().copied())
        .output()
        .expect("the test binary runs");
    let verdict = std::fs::read_to_string(folder.join(format!("{check}.json"))).unwrap_or_default();
    let left: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(
        left.len(),
        1,
        "{left:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    (
        verdict,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[track_caller]
fn fails(check: &str, words: &[&str]) -> String {
    let (verdict, _) = run(check, &[]);
    assert!(verdict.contains("\"verdict\":\"failed\""), "{verdict}");
    for word in words {
        assert!(verdict.contains(word), "{word:?} is not in {verdict}");
    }
    verdict
}

#[track_caller]
fn passes(check: &str) {
    let (verdict, stderr) = run(check, &[]);
    assert!(
        verdict.contains("\"verdict\":\"passed\""),
        "{verdict}\n{stderr}"
    );
}

#[test]
fn an_early_exit_is_noticed() {
    fails(
        "exits",
        &["listening ADDR", "the program ended (exit code 3)"],
    );
}

#[test]
fn a_wrong_first_line_is_shown() {
    fails("says_something_else", &["\\\"ready\\\\n\\\""]);
}

#[test]
fn a_panic_is_shown_with_its_place() {
    fails(
        "panics",
        &["It panicked at ", "misbehave.rs:", "index out of bounds"],
    );
}

#[test]
fn what_is_not_written_yet_is_said_so() {
    fails("unwritten", &["NOT WRITTEN  unwritten", "write: the reply"]);
    fails(
        "unwritten_and_looked_at",
        &["NOT WRITTEN  unwritten_and_looked_at", "write: the reply"],
    );
}

#[test]
fn the_verdict_falls_with_the_test_and_not_with_a_thread_of_ours() {
    for _ in 0..60 {
        passes("leaves_much_unread");
    }
}

#[test]
fn an_endless_output_ends_the_check() {
    fails("floods", &["printed more than 8 MiB"]);
}

#[test]
fn a_reset_is_told_from_an_end() {
    fails(
        "resets",
        &["a reset of the connection", "It is to close, not to reset."],
    );
}

#[test]
fn differing_bytes_are_pointed_at() {
    fails(
        "differs",
        &[
            "first difference at byte 18",
            "It sent \\\"hello world, hello world",
        ],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_hang_is_proved_and_located() {
    let verdict = fails(
        "hangs",
        &[
            "waiting in recv() on the accepted connection",
            "nothing more can come",
        ],
    );
    let seconds: f64 = verdict
        .split("\"seconds\":")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .and_then(|text| text.parse().ok())
        .expect("a number");
    assert!(seconds < 8.0, "it took {seconds} s, as long as a deadline");
    fails(
        "never_listens",
        &["listening ADDR", "nothing more can come"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_loop_without_end_is_named_at_the_deadline() {
    let (verdict, _) = run("spins", &[("WIRELAB_PATIENCE", "0.1")]);
    assert!(verdict.contains("uses a whole processor core"), "{verdict}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_nobody_reads_keeps_no_check_from_its_end() {
    let (verdict, _) = run("reads_nothing", &[("WIRELAB_PATIENCE", "0.1")]);
    assert!(verdict.contains("the program ends"), "{verdict}");
}

#[test]
fn slow_but_right_programs_pass() {
    passes("passes");
}

#[test]
fn more_than_the_buffers_hold_can_be_exchanged() {
    passes("exchanges");
}

#[test]
fn unread_bytes_are_waited_for_and_stay() {
    passes("leaves_unread");
    fails("never_sends", &["3 bytes to arrive", "It sends nothing."]);
}

#[test]
fn an_echo_of_ours_does_one_thing_at_a_time() {
    passes("is_echoed_to");
    passes("fills_the_buffers");
}

#[cfg(target_os = "linux")]
#[test]
fn two_ends_that_both_send_are_seen() {
    fails(
        "never_takes_the_echo",
        &[
            "the program is waiting in send() on the connection to",
            "its peer, an echo, waits in send() too",
        ],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_without_descriptors_may_rest_and_may_not_spin() {
    passes("rests_without_descriptors");
    fails(
        "spins_without_descriptors",
        &["it is running", "again and again"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_queue_lets_nobody_in() {
    passes("finds_no_room");
}

#[test]
fn a_datagram_more_than_expected_is_seen() {
    passes("answers_no_datagram");
    fails(
        "answers_datagrams_twice",
        &["nothing yet", "a datagram of 0 bytes", "It answers twice."],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_connected_datagram_socket_is_no_accepted_connection() {
    fails(
        "answers_the_first_only",
        &[
            "an empty datagram",
            "waiting in recv() on the datagram socket that is connected to",
        ],
    );
}

#[test]
fn control_characters_are_shown_and_not_obeyed() {
    let (verdict, stderr) = run("shows_what_a_terminal_would_obey", &[]);
    assert!(stderr.contains("\\u{1b}[2J"), "{stderr:?}");
    assert!(stderr.contains("b\\u{0}c"), "{stderr:?}");
    assert!(stderr.len() < 4000, "{} bytes", stderr.len());
    for text in [&verdict, &stderr] {
        let raw = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(raw, None, "{text:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_refusing_port_refuses_datagrams() {
    passes("refuses_datagrams");
}

#[test]
fn a_path_can_be_filled_and_emptied() {
    passes("fills");
}

#[cfg(target_os = "linux")]
#[test]
fn a_stopped_program_does_nothing_until_it_goes_on() {
    passes("stands_still");
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_nobody_reads_waits_in_its_write() {
    passes("waits_to_be_read");
}

/// What is left of a program that has ended is no program that waits for ever.
#[cfg(target_os = "linux")]
#[test]
fn an_end_that_its_sandbox_has_yet_to_tell_is_no_hang() {
    let folder = std::env::temp_dir().join(format!("testkit-sandbox-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let sandbox = folder.join("wirelab-launch");
    std::fs::copy(env!("CARGO_BIN_EXE_testkit"), &sandbox).expect("a copy");
    let launcher = sandbox.to_str().expect("a path of text");
    let (verdict, stderr) = run("ends_before_its_sandbox", &[("WIRELAB_LAUNCHER", launcher)]);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    assert!(
        verdict.contains("\"verdict\":\"passed\""),
        "{verdict}\n{stderr}"
    );
}

#[test]
fn the_middle_of_many_steps_of_a_kind_is_counted() {
    let transcript = fails(
        "does_much",
        &[
            "6  counted    5\\n",
            "18 more of them",
            "25  counted    24\\n",
        ],
    );
    assert!(!transcript.contains("counted    6"), "{transcript}");
}

#[test]
fn what_a_program_sent_before_it_ended_is_read() {
    passes("reads_the_rest_of_a_program_that_has_ended");
}

#[test]
fn standard_input_can_be_typed() {
    passes("reads_its_input");
}

#[test]
fn the_program_sees_nothing_of_the_judge() {
    passes("hides_the_judge");
}

#[test]
fn a_skip_is_said_past_the_capture_and_fails_where_it_is_required() {
    let (verdict, stderr) = run("skips", &[]);
    assert!(verdict.contains("\"verdict\":\"skipped\""), "{verdict}");
    assert!(
        stderr.contains("SKIPPED  skips: it is missing here"),
        "{stderr}"
    );
    assert!(
        stderr.contains("1 SKIPPED, which is not passed"),
        "{stderr}"
    );
    let (verdict, _) = run("skips", &[("WIRELAB_REQUIRE", "browser,tshark")]);
    assert!(verdict.contains("\"verdict\":\"failed\""), "{verdict}");
}

#[test]
fn an_open_bonus_is_told_from_an_open_core() {
    let said = |filter: &str| {
        let output = Command::new(std::env::current_exe().expect("a path"))
            .args([filter, "--ignored"])
            .env_remove("WIRELAB_VERDICTS")
            .output()
            .expect("the test binary runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let complete = "The core is complete: all 1 of its checks pass. 1 bonus check is open";
    let all = said("core::");
    assert!(all.contains(complete), "{all}");
    let bonus_alone = said("core::is_a_bonus");
    assert!(!bonus_alone.contains("complete"), "{bonus_alone}");
}

/// Where the session's leader cannot be seen its id reads as 0, which no library takes for a process.
#[cfg(target_os = "linux")]
#[test]
fn checks_run_in_a_pid_namespace_of_their_own() {
    let unshare = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
    ];
    let inside = |program: &std::path::Path| {
        let mut command = Command::new("unshare");
        command.args(unshare).arg(program);
        command
    };
    match inside("true".as_ref()).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            return testkit::skipped(testkit::Need::Netns, reason.trim());
        }
        Err(error) => return testkit::skipped(testkit::Need::Netns, &format!("unshare: {error}")),
    }
    let output = inside(&std::env::current_exe().expect("a path"))
        .args(["checks::passes", "--exact", "--ignored"])
        .env_remove("WIRELAB_VERDICTS")
        .output()
        .expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn no_descendant_outlives_its_check() {
    let tag = format!("tag-{}", std::process::id());
    let (verdict, _) = run("leaves_a_daemon", &[("WIRELAB_TEST_TAG", &tag)]);
    assert!(verdict.contains("\"verdict\":\"passed\""), "{verdict}");
    let alive: Vec<String> = std::fs::read_dir("/proc")
        .expect("proc")
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok())
        .filter(|line| line.contains(&tag))
        .collect();
    assert_eq!(alive, [] as [String; 0]);
}
