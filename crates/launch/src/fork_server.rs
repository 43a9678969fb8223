//! Many starts of a program behind one wall.
//!
//! Most of what a start costs is the wall: a launcher, namespaces, mounts, and their end. A check that starts a program
//! again and again has the launcher keep its wall, and asks on a socket, the launcher's standard input, for each start.
//! What is asked for is one datagram (unix(7), SOCK_SEQPACKET): [`START`] and the arguments, a zero byte after each, and
//! with it the program's three standard streams. The answers are a byte and what belongs to it:
//!
//! - [`STARTED`], with a descriptor of the process (pidfd_open(2)), once the program runs;
//! - [`ENDED`] when it has ended, with how it did in four bytes (wait(2)) and one that is 1 if another may be started;
//! - [`FAILED`] and why, where it could not be started: that is the last of them.
//!
//! Nothing of one program is left for the next but what lies in the check's folder, which is the same for all of them
//! anyway. Where one leaves a process behind, or anything in a folder in memory, or lowers the limits of process 1, all of
//! it ends with that program, and the next one gets another wall.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command};

use anyhow::{Context as _, ensure};
use rustix::fs::statvfs;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::process::{Pid, PidfdFlags, Rlimit, getpid, getpriority_process, pidfd_open};

use crate::Limits;
use crate::inside::end_of;
use crate::tree::end_others;

/// What the launcher is told first to be such a server.
pub(crate) const FORK_SERVER: &str = "--fork-server";

const START: u8 = b'p';
const STARTED: u8 = b's';
const ENDED: u8 = b'e';
const FAILED: u8 = b'f';

/// The longest request, in bytes: whoever has a longer one starts the program by itself.
const LONGEST: usize = 64 << 10;

/// Serves whoever has the other end of standard input, until that is closed; the exit code. This process is process 1 of
/// its namespace. `rooms` are the folders in memory.
///
/// # Errors
/// The socket is none, or a program cannot be waited for.
pub(crate) fn serve(command: impl Fn() -> Command, rooms: &[&Path]) -> anyhow::Result<i32> {
    ensure!(getpid().is_init(), "a fork server is process 1");
    let stdin = io::stdin();
    let socket = stdin.as_fd();
    let mut buffer = vec![0; LONGEST];
    let at_first = State::now(rooms);
    while let Some((words, streams)) = receive(socket, &mut buffer)? {
        let mut command = command();
        command.args(words.map(OsStr::from_bytes));
        let [stdin, stdout, stderr] = streams;
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        // Not noted where it fails: a program that ran before may have brought that about (prlimit(2)). Whoever asks
        // starts the program by itself then, and that is noted.
        let started = command.spawn();
        // Our copies of the streams go with it.
        drop(command);
        let started = started.context("the program cannot be started");
        let started = started.and_then(|program| Ok((program.id(), descriptor(&program)?)));
        let program = match started {
            Ok((program, descriptor)) => {
                answer(socket, STARTED, &[], &[descriptor.as_fd()])?;
                program
            }
            Err(error) => {
                answer(socket, FAILED, format!("{error:#}").as_bytes(), &[])?;
                return Ok(1);
            }
        };
        let [a, b, c, d] = end_of(program)?.as_raw().to_ne_bytes();
        let nothing_is_left = end_others()? && State::now(rooms) == at_first;
        answer(socket, ENDED, &[a, b, c, d, nothing_is_left.into()], &[])?;
        if !nothing_is_left {
            break;
        }
    }
    Ok(0)
}

/// The next request: its arguments and streams. None where there will be no more.
fn receive<'b>(
    socket: BorrowedFd<'_>,
    buffer: &'b mut [u8],
) -> anyhow::Result<Option<(impl Iterator<Item = &'b [u8]>, [OwnedFd; 3])>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(buffer)];
    let got = recvmsg(socket, &mut into, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
        .context("the socket of the check cannot be read")?;
    let streams = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    let streams: Vec<OwnedFd> = streams.collect();
    let [START, words @ ..] = &buffer[..got.bytes] else {
        return Ok(None);
    };
    ensure!(
        !got.flags.contains(ReturnFlags::TRUNC),
        "a request is too long"
    );
    let streams = streams
        .try_into()
        .ok()
        .context("a request has not three streams")?;
    let words = words.split_inclusive(|byte| *byte == 0);
    Ok(Some((words.map(|word| &word[..word.len() - 1]), streams)))
}

fn answer(
    socket: BorrowedFd<'_>,
    what: u8,
    more: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> anyhow::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let what = [what];
    let parts = [IoSlice::new(&what), IoSlice::new(more)];
    sendmsg(socket, &parts, &mut ancillary, SendFlags::NOSIGNAL)
        .context("the check cannot be told of a program")?;
    Ok(())
}

/// What names a program's process for good.
fn descriptor(program: &Child) -> anyhow::Result<OwnedFd> {
    pidfd_open(Pid::from_child(program), PidfdFlags::empty())
        .context("a program cannot be watched (pidfd_open(2): Linux 5.3)")
}

/// What a program could leave behind it.
#[derive(PartialEq)]
struct State {
    /// How many files and folders there are in each folder in memory, and how much lies there: what has been made there
    /// and removed again counts no more.
    taken: Vec<Option<(u64, u64)>>,
    /// This process's own limits and its priority, which its children inherit.
    limits: [Rlimit; 7],
    nice: Option<i32>,
}

impl State {
    fn now(rooms: &[&Path]) -> State {
        let taken = |room: &&Path| {
            let room = statvfs(*room).ok()?;
            Some((
                room.f_files.wrapping_sub(room.f_ffree),
                room.f_blocks.wrapping_sub(room.f_bfree),
            ))
        };
        State {
            taken: rooms.iter().map(taken).collect(),
            limits: Limits::now(),
            nice: getpriority_process(None).ok(),
        }
    }
}
