//! `watch`: a verdict for every save, a terminal as it was, no process left behind.

use crate::course::{BEGUN, BROKEN, CORE, Course, Running, SOLVED};

fn watch(course: &Course, args: &[&str]) -> Running {
    let mut all = vec!["watch", "--json"];
    all.extend_from_slice(args);
    Running::start(course.spawn(&all))
}

/// Waits until the check that `hold` stops has been started.
#[cfg(target_os = "linux")]
fn wait_for_checks(course: &Course) {
    crate::course::wait_until("the checks run", || {
        crate::course::processes_of(course.root())
            .iter()
            .any(|words| words.contains("checks-"))
    });
}

fn checks_a_save(args: &[&str]) {
    let course = Course::new();
    let mut watch = watch(&course, args);
    assert_eq!(watch.event("report")["report"]["passed"], 0);
    course.edit(BEGUN);
    assert_eq!(watch.event("report")["report"]["passed"], 1);
    course.edit(BROKEN);
    let report = watch.event("report");
    assert_eq!(report["report"]["build"]["ok"], false);
    assert_eq!(report["version"], 1);
}

#[test]
fn a_save_is_checked() {
    checks_a_save(&["one"]);
}

#[test]
fn a_save_is_checked_where_notifications_do_not_work() {
    checks_a_save(&["one", "--poll"]);
}

#[test]
fn when_a_lab_is_done_the_next_one_follows() {
    let course = Course::new();
    let mut watch = watch(&course, &[]);
    assert_eq!(watch.event("report")["lab"], "one");
    course.edit(CORE);
    let done = watch.event("done");
    assert_eq!(done["lab"], "one");
    assert_eq!(done["next"], "two");
    assert_eq!(watch.event("started")["lab"], "two");
    assert_eq!(watch.event("report")["lab"], "two");
    course.write("labs/02-two/src/words.rs", SOLVED);
    let done = watch.event("done");
    assert_eq!(done["lab"], "two");
    assert!(done["next"].is_null());
    assert_eq!(course.standing("two")["state"], "complete");
}

#[test]
fn it_follows_the_learner_to_another_lab() {
    let course = Course::new();
    let mut watch = watch(&course, &["one"]);
    watch.event("report");
    course.write("labs/02-two/src/words.rs", BEGUN);
    assert_eq!(watch.event("report")["lab"], "two");
}

#[test]
fn files_of_editors_start_nothing() {
    let course = Course::new();
    let mut watch = watch(&course, &["one"]);
    watch.event("report");
    course.write("labs/01-one/src/.words.rs.swp", "x");
    course.write("labs/01-one/src/4913", "x");
    course.write("labs/01-one/src/words.rs~", "x");
    course.edit(BEGUN);
    assert_eq!(watch.event("report")["report"]["passed"], 1);
    assert_eq!(watch.kinds(), ["started", "report", "started", "report"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_save_during_a_run_cancels_it() {
    let course = Course::new();
    course.edit(BEGUN);
    course.write("hold", "");
    let mut watch = watch(&course, &["one"]);
    wait_for_checks(&course);
    course.edit(SOLVED);
    watch.event("cancelled");
    watch.event("started");
    std::fs::remove_file(course.path("hold")).unwrap();
    assert_eq!(watch.event("report")["report"]["passed"], 4);
    assert_eq!(watch.kinds(), ["started", "cancelled", "started", "report"]);
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_the_run_and_all_it_started() {
    use nix::sys::signal::Signal;

    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let course = Course::new();
        course.edit(BEGUN);
        course.write("hold", "");
        let mut watch = watch(&course, &["one"]);
        wait_for_checks(&course);
        watch.signal(signal);
        assert!(watch.end().success());
        let left = crate::course::processes_of(course.root());
        assert!(left.is_empty(), "{left:?}");
        let scratch = std::fs::read_dir(course.path(".wirelab")).map_or(0, Iterator::count);
        assert_eq!(scratch, 0, "no probe is left");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_a_check_as_well() {
    let course = Course::new();
    course.edit(BEGUN);
    course.write("hold", "");
    let mut check = Running::start(course.spawn(&["check", "one"]));
    wait_for_checks(&course);
    check.signal(nix::sys::signal::Signal::SIGINT);
    assert_eq!(check.end().code(), Some(130));
    let left = crate::course::processes_of(course.root());
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_broken_lab_toml_is_said_and_the_watch_goes_on() {
    let course = Course::new();
    let mut watch = watch(&course, &["one"]);
    watch.event("report");
    let lab = course.read("labs/01-one/lab.toml");
    course.write("labs/01-one/lab.toml", "version = 1\n");
    let error = watch.event("error");
    assert!(
        error["message"].as_str().unwrap().contains("lab.toml"),
        "{error}"
    );
    course.write("labs/01-one/lab.toml", &lab);
    assert_eq!(watch.event("report")["report"]["failed"], 4);
}

/// In a pseudo-terminal, as a person has it.
#[cfg(target_os = "linux")]
mod terminal {
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    use std::os::fd::OwnedFd;
    use std::process::{Child, Stdio};
    use std::sync::mpsc::{self, Receiver};
    use std::time::Instant;

    use nix::pty::{OpenptyResult, Winsize, openpty};
    use nix::sys::termios::{LocalFlags, tcgetattr};

    use crate::course::{BEGUN, Course, DEADLINE, SOLVED, wait_until};

    struct Terminal {
        keyboard: File,
        // Kept open, so that what is read does not end with the program.
        line: OwnedFd,
        screen: Receiver<Vec<u8>>,
        seen: String,
        child: Child,
    }

    impl Terminal {
        fn run(course: &Course, args: &[&str], environment: &[(&str, &str)]) -> Terminal {
            let size = Winsize {
                ws_row: 50,
                ws_col: 120,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
            let stdio = || Stdio::from(slave.try_clone().unwrap());
            let mut command = course.spawn(args);
            command
                .stdin(stdio())
                .stdout(stdio())
                .stderr(stdio())
                .env("TERM", "xterm-256color")
                .env_remove("NO_COLOR")
                .env_remove("CI")
                .envs(environment.iter().copied());
            let child = command.spawn().unwrap();
            let mut reader = File::from(master.try_clone().unwrap());
            let (send, screen) = mpsc::channel();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(n @ 1..) = reader.read(&mut buffer) {
                    if send.send(buffer[..n].to_vec()).is_err() {
                        return;
                    }
                }
            });
            Terminal {
                keyboard: File::from(master),
                line: slave,
                screen,
                seen: String::new(),
                child,
            }
        }

        fn press(&mut self, keys: &str) {
            self.seen.clear();
            self.keyboard.write_all(keys.as_bytes()).unwrap();
        }

        fn expect(&mut self, text: &str) {
            let deadline = Instant::now() + DEADLINE;
            while !self.seen.contains(text) {
                let left = deadline.saturating_duration_since(Instant::now());
                match self.screen.recv_timeout(left) {
                    Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                    Err(_) => panic!("no {text:?} on the screen:\n{}", self.seen),
                }
            }
        }

        fn is_raw(&self) -> bool {
            !tcgetattr(&self.line)
                .unwrap()
                .local_flags
                .contains(LocalFlags::ICANON)
        }

        fn end(&mut self) -> std::process::ExitStatus {
            let mut status = None;
            wait_until("the program ends", || {
                status = self.child.try_wait().unwrap();
                status.is_some()
            });
            status.unwrap()
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn keys_work_and_the_terminal_is_given_back() {
        let course = Course::new();
        course.edit(BEGUN);
        let mut terminal = Terminal::run(&course, &["watch", "one"], &[]);
        assert!(!terminal.is_raw() || terminal.child.try_wait().unwrap().is_none());
        terminal.expect("q quit");
        assert!(terminal.is_raw());
        terminal.press("h");
        terminal.expect("Look at one.");
        terminal.press("a");
        terminal.expect("FAILED\u{1b}[0m  says_four");
        terminal.press("\r");
        terminal.expect("1 of 4 checks passed");
        terminal.expect("q quit");
        terminal.press("n");
        terminal.expect("Watching labs/02-two");
        terminal.press("q");
        assert!(terminal.end().success());
        assert!(!terminal.is_raw(), "the terminal reads lines again");
    }

    #[test]
    fn ctrl_c_in_a_terminal_quits_also_during_a_run() {
        let course = Course::new();
        course.edit(BEGUN);
        course.write("hold", "");
        let mut terminal = Terminal::run(&course, &["watch", "one"], &[]);
        super::wait_for_checks(&course);
        wait_until("keys are read", || terminal.is_raw());
        terminal.press("\u{3}");
        assert!(terminal.end().success());
        assert!(!terminal.is_raw());
        let left = crate::course::processes_of(course.root());
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn a_terminal_gets_colour_and_links_and_can_do_without() {
        let course = Course::new();
        course.edit(SOLVED);
        let links = [("FORCE_HYPERLINK", "1")];
        let mut terminal = Terminal::run(&course, &["check", "one"], &links);
        terminal.expect("\u{1b}[32m");
        terminal.expect("Complete.");
        terminal.end();

        course.edit("fn\n");
        let mut terminal = Terminal::run(&course, &["check", "one"], &links);
        terminal.expect("\u{1b}]8;;file:///");
        terminal.end();

        course.edit(SOLVED);
        for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let mut terminal = Terminal::run(&course, &["check", "one"], &[plain]);
            terminal.expect("Complete.");
            terminal.end();
            assert!(!terminal.seen.contains("\u{1b}[3"), "{:?}", terminal.seen);
        }
    }

    #[test]
    fn reset_asks() {
        let course = Course::new();
        course.edit(BEGUN);
        let mut terminal = Terminal::run(&course, &["reset", "one"], &[]);
        terminal.expect("[y/N]");
        terminal.press("n\n");
        assert_eq!(terminal.end().code(), Some(1));
        assert_eq!(course.read("labs/01-one/src/words.rs"), BEGUN);
        let mut terminal = Terminal::run(&course, &["reset", "one"], &[]);
        terminal.expect("[y/N]");
        terminal.press("y\n");
        assert!(terminal.end().success());
        assert_ne!(course.read("labs/01-one/src/words.rs"), BEGUN);
    }
}
