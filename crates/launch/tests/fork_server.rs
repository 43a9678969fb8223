//! The launcher as a fork server: what it is asked, what it answers, and that nothing of one program is left for the next.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{IoSlice, IoSliceMut, PipeReader, Read as _, pipe};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use launch::{Family, Inside, LAUNCHER, Limits, Orders, Others, Record, Wall, filter};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use testkit::{Need, skipped};

const SHELL: &str = "/bin/sh";

/// A fork server whose program is a shell, alone in its root with its libraries.
struct Server {
    scratch: tempfile::TempDir,
    launcher: Child,
    socket: OwnedFd,
}

/// A program's end.
struct Ended {
    status: ExitStatus,
    stdout: String,
    another_may_follow: bool,
}

impl Server {
    /// None where no namespaces can be had here.
    fn open() -> Option<Server> {
        // A /proc of its own is what containers refuse that allow the rest.
        let unshare = Command::new("unshare")
            .args([
                "--user",
                "--map-root-user",
                "--pid",
                "--fork",
                "--mount-proc",
                "true",
            ])
            .status();
        if !unshare.is_ok_and(|status| status.success()) {
            skipped(Need::Sandbox, "no namespaces can be had here");
            return None;
        }
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        let libraries = Command::new("ldd").arg(SHELL).output().unwrap();
        let libraries = String::from_utf8(libraries.stdout).unwrap();
        let libraries = libraries
            .split_whitespace()
            .filter(|word| word.starts_with('/'));
        for file in libraries.chain([SHELL]) {
            let place = root.join(&file[1..]);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(file, place).unwrap();
        }
        for folder in ["proc", "tmp", "dev"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        // What a shell has its processes in the background read.
        fs::write(root.join("dev/null"), "").unwrap();
        let calls = scratch.path().join("filter");
        fs::write(&calls, filter(&[Family::Unix], Others::Unseen).unwrap()).unwrap();
        let launcher = scratch.path().join(LAUNCHER);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_launch"), &launcher).unwrap();
        let inside = Inside {
            root,
            tmp_size: 1 << 20,
            filter: calls,
            around: Limits::sandbox(),
            program: SHELL.into(),
            data: None,
        };
        let orders = Orders {
            program: SHELL.into(),
            record: scratch.path().join("record"),
            limits: Limits::program(),
            wall: Wall::Namespaces(inside),
        };
        orders.write(&launcher).unwrap();
        let (ours, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        set_socket_timeout(&ours, Timeout::Recv, Some(Duration::from_secs(60))).unwrap();
        let launcher = Command::new(launcher)
            .args(["--fork-server", SHELL])
            // No check's folder.
            .current_dir("/")
            .env_clear()
            .env("HOME", "/secret")
            .stdin(theirs)
            .spawn()
            .unwrap();
        Some(Server {
            scratch,
            launcher,
            socket: ours,
        })
    }

    fn record(&self) -> PathBuf {
        self.scratch.path().join("record")
    }

    /// Asks for a start.
    fn ask(&self, args: &[&str]) -> PipeReader {
        let mut request = vec![b'p'];
        for arg in args {
            request.extend(arg.as_bytes());
            request.push(0);
        }
        let (stdout, theirs) = pipe().unwrap();
        let nothing = File::open("/dev/null").unwrap();
        let streams = [nothing.as_fd(), theirs.as_fd(), theirs.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&streams)));
        let parts = [IoSlice::new(&request)];
        sendmsg(&self.socket, &parts, &mut ancillary, SendFlags::NOSIGNAL).unwrap();
        stdout
    }

    /// The next answer, and what came with it; empty once there are no more.
    fn answer(&self) -> (Vec<u8>, Option<OwnedFd>) {
        let mut bytes = [0; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut into = [IoSliceMut::new(&mut bytes)];
        let got = recvmsg(
            &self.socket,
            &mut into,
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        );
        let got = got.unwrap().bytes;
        let process = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        (bytes[..got].to_vec(), process)
    }

    /// Runs the shell with these arguments to its end.
    fn run(&self, args: &[&str]) -> Ended {
        let mut output = self.ask(args);
        let (started, process) = self.answer();
        assert_eq!(started, b"s", "{}", String::from_utf8_lossy(&started));
        assert!(process.is_some());
        let mut stdout = String::new();
        output.read_to_string(&mut stdout).unwrap();
        let (ended, _) = self.answer();
        let [b'e', a, b, c, d, another] = ended[..] else {
            panic!("{ended:?}");
        };
        Ended {
            status: ExitStatus::from_raw(i32::from_ne_bytes([a, b, c, d])),
            stdout,
            another_may_follow: another == 1,
        }
    }

    fn script(&self, text: &str) -> Ended {
        self.run(&["-c", text])
    }

    /// Whether it says that it has come to its end, and comes to it.
    fn has_ended(mut self) -> bool {
        assert!(self.answer().0.is_empty());
        let status = self.launcher.wait().unwrap();
        assert_eq!(
            (Record::failed(&self.record()), Record::lost(&self.record())),
            (0, 0)
        );
        status.success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
    }
}

#[test]
fn one_program_follows_another_behind_one_wall() {
    let Some(server) = Server::open() else { return };
    let first = server.script("echo $$; exit 7");
    assert_eq!((first.status.code(), &*first.stdout), (Some(7), "2\n"));
    // The same namespace: numbers go on. Arguments come as they are, also empty ones.
    let args = [
        "-c",
        "echo $$; printf '<%s>' \"$@\"",
        "sh",
        "",
        "a b",
        "\u{e4}\n",
    ];
    let second = server.run(&args);
    assert_eq!(second.stdout, "3\n<><a b><\u{e4}\n>");
    // Not an exit code of more than 128.
    let third = server.script("kill -SEGV $$");
    assert_eq!(third.status.signal(), Some(libc::SIGSEGV));
    let fourth = server.script("exit 139");
    assert_eq!(fourth.status.code(), Some(139));
    // Without any argument the shell reads what it has to do: nothing.
    let fifth = server.run(&[]);
    assert!(fifth.status.success() && fifth.another_may_follow);
}

#[test]
fn nothing_of_the_judge_is_within_a_programs_reach() {
    let Some(server) = Server::open() else { return };
    // Neither descriptors nor variables, and process 1 shows nothing of itself.
    let looks = "echo /proc/self/fd/*; set; read x < /proc/1/environ && echo read; : < /proc/1/fd/0 && echo opened";
    let seen = server.script(looks).stdout;
    let descriptors = seen.lines().next().unwrap().split(' ').count();
    // The three streams, and the one by which the shell looks.
    assert_eq!(descriptors, 4, "{seen}");
    assert!(
        !seen.lines().any(|line| line == "read" || line == "opened"),
        "{seen}"
    );
    assert!(!seen.contains("secret"), "{seen}");
    // Its signals to all, and to process 1, end nobody but itself and its own.
    let kills = server.script("kill -KILL 1; kill -STOP 1; kill -KILL -1; echo alive");
    assert!(kills.stdout.ends_with("alive\n"), "{}", kills.stdout);
    assert!(server.script("exit 0").status.success());
}

#[test]
fn what_a_program_leaves_in_memory_ends_its_wall() {
    let Some(server) = Server::open() else { return };
    let clean = server.script("cd /tmp; echo text > file; : > file; echo made");
    assert_eq!(clean.stdout, "made\n");
    assert!(!clean.another_may_follow);
    assert!(server.has_ended());
}

#[test]
fn a_process_that_a_program_leaves_ends_with_it_and_with_its_wall() {
    let Some(server) = Server::open() else { return };
    // It holds standard output open, and would do so for ever.
    let leaves = server.script("/bin/sh -c 'kill -STOP $$' & echo left");
    assert_eq!(leaves.stdout, "left\n");
    assert!(leaves.status.success() && !leaves.another_may_follow);
    assert!(server.has_ended());
}

#[test]
fn a_program_that_is_killed_from_outside_is_said_to_be() {
    let Some(server) = Server::open() else { return };
    let _output = server.ask(&["-c", "kill -STOP $$"]);
    let (started, process) = server.answer();
    assert_eq!(started, b"s");
    let process = process.unwrap();
    rustix::process::pidfd_send_signal(&process, rustix::process::Signal::KILL).unwrap();
    assert_eq!(server.answer().0, [b'e', 9, 0, 0, 0, 1]);
    assert!(server.script("exit 0").another_may_follow);
}

#[test]
fn it_ends_with_its_check_whatever_runs() {
    let Some(mut server) = Server::open() else {
        return;
    };
    let _output = server.ask(&["-c", "kill -STOP $$"]);
    let (_, process) = server.answer();
    let process = process.unwrap();
    server.launcher.kill().unwrap();
    server.launcher.wait().unwrap();
    let mut ends = [rustix::event::PollFd::new(
        &process,
        rustix::event::PollFlags::IN,
    )];
    let limit = Duration::from_secs(60).try_into().unwrap();
    assert_eq!(rustix::event::poll(&mut ends, Some(&limit)), Ok(1));
}

#[test]
fn it_ends_when_nobody_can_ask_any_more() {
    let Some(mut server) = Server::open() else {
        return;
    };
    assert!(server.script("exit 0").status.success());
    let (nobody, _) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    server.socket = nobody;
    assert!(server.launcher.wait().unwrap().success());
}

#[test]
fn a_program_that_cannot_be_started_is_answered_with_the_reason() {
    let Some(server) = Server::open() else { return };
    fs::remove_file(server.scratch.path().join("root").join(&SHELL[1..])).unwrap();
    let _output = server.ask(&[]);
    let (answer, _) = server.answer();
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.starts_with("fthe program cannot be started: "),
        "{answer}"
    );
}

#[test]
fn no_other_program_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = folder.path().join(LAUNCHER);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_launch"), &launcher).unwrap();
    let fence = Wall::Fence(launch::Fence {
        user: None,
        landlock: false,
        read: Vec::new(),
        write: Vec::new(),
        network: false,
        by_path: false,
    });
    let orders = Orders {
        program: SHELL.into(),
        record: folder.path().join("record"),
        limits: Limits::program(),
        wall: fence,
    };
    orders.write(&launcher).unwrap();
    let said = |program: &str| {
        let mut command = Command::new(&launcher);
        let output = command
            .args(["--fork-server", program])
            .stdin(Stdio::null())
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(125));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said("/bin/true").contains("is not the program that is judged here"));
    assert!(said(SHELL).contains("there is no fork server behind a fence"));
}
