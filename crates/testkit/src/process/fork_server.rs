//! Programs that a launcher starts one after the other behind one wall.
//!
//! Most of what a start behind a launcher costs is its wall. Where `WIRELAB_FORK_SERVER` says that the launcher can, a
//! check has it keep its wall for the next start: `LAUNCHER --fork-server PROGRAM FILES…`, FILES being what the arguments
//! may name. What is asked and answered on its standard input stands with the launcher, in `launch/src/fork_server.rs`.
//! The launcher sees to it that one program leaves nothing for the next. Whatever goes wrong here, the program is
//! started by itself, and that says what is wrong.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{IoSlice, IoSliceMut, PipeReader, PipeWriter, pipe};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{Signal, pidfd_send_signal};

use super::{Own, Pipes, command};
use crate::check::lock;

/// What the launcher is told first to be such a server.
const FORK_SERVER: &str = "--fork-server";
const START: u8 = b'p';
const STARTED: u8 = b's';
const ENDED: u8 = b'e';
/// The longest request, in bytes.
const LONGEST: usize = 32 << 10;
/// How long a start, or an end, may take to be told of.
const PATIENCE: Duration = Duration::from_secs(60);
/// The number of a process that ended before anybody could ask for it: no process has this one (proc_sys_kernel(5),
/// `pid_max`).
const NOBODY: u32 = i32::MAX.unsigned_abs();

/// The programs that are lent, and not started by us: around them is no launcher of their own.
static LENT: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Whether a program was started by a launcher's server.
pub(crate) fn is_lent(pid: u32) -> bool {
    lock(&LENT).contains(&pid)
}

/// The servers of one check that have nothing to do.
#[derive(Default)]
pub(crate) struct Servers(Mutex<Vec<Server>>);

/// What a program's wall shows of where it was asked for: no other start may use it.
#[derive(PartialEq)]
struct Place {
    /// A launcher ends with the thread that has started it.
    thread: ThreadId,
    /// The network namespace.
    network: Option<u64>,
    /// The files that are named to the program, as they are now.
    files: Vec<(PathBuf, u64, u64)>,
}

struct Server {
    place: Place,
    _launcher: Own,
    socket: Arc<OwnedFd>,
}

/// A program that a server has started; it and all that it started end with this value.
pub(super) struct Lent {
    server: Mutex<Option<Server>>,
    /// The server's.
    socket: Arc<OwnedFd>,
    process: OwnedFd,
    number: u32,
    /// Whose servers it goes back to.
    home: Arc<Servers>,
}

impl Place {
    fn here(args: &[OsString], cwd: &Path) -> Place {
        let named = args.iter().map(Path::new).filter_map(|path| {
            let is_named = path.is_absolute() && !path.starts_with(cwd);
            let file = is_named.then(|| fs::metadata(path).ok())??;
            let place = (path.to_owned(), file.dev(), file.ino());
            file.is_file().then_some(place)
        });
        let network = fs::metadata("/proc/thread-self/ns/net");
        Place {
            thread: thread::current().id(),
            network: network.ok().map(|network| network.ino()),
            files: named.collect(),
        }
    }
}

impl Servers {
    /// Starts a program by a server: by one that has nothing to do, or a new one. None where that cannot be.
    pub(super) fn start(
        self: &Arc<Servers>,
        program: &Path,
        args: &[OsString],
        cwd: &Path,
        input: bool,
    ) -> Option<(Lent, u32, Pipes)> {
        let launcher = std::env::var_os("WIRELAB_LAUNCHER")?;
        std::env::var_os("WIRELAB_FORK_SERVER")?;
        let mut request = vec![START];
        for arg in args {
            request.extend(arg.as_bytes());
            request.push(0);
        }
        let words = request.iter().filter(|byte| **byte == 0).count();
        if request.len() > LONGEST || words != args.len() {
            return None;
        }
        let place = Place::here(args, cwd);
        let idle = {
            let mut idle = lock(&self.0);
            let at = idle.iter().position(|server| server.place == place);
            at.map(|at| idle.swap_remove(at))
        };
        let server = match idle {
            Some(server) => server,
            None => Server::open(launcher, program, place, cwd).ok()?,
        };
        let (process, pipes) = server.start(&request, input)?;
        let number = number(&process).unwrap_or(NOBODY);
        let lent = Lent {
            socket: server.socket.clone(),
            server: Mutex::new(Some(server)),
            process,
            number,
            home: self.clone(),
        };
        lock(&LENT).insert(number);
        Some((lent, number, pipes))
    }

    /// Ends those that have nothing to do.
    pub(crate) fn close(&self) {
        lock(&self.0).clear();
    }
}

impl Server {
    fn open(
        launcher: OsString,
        program: &Path,
        place: Place,
        cwd: &Path,
    ) -> std::io::Result<Server> {
        let (ours, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let mut command = command(Path::new(&launcher), cwd);
        command.arg(FORK_SERVER).arg(program);
        command.args(place.files.iter().map(|(path, ..)| path));
        command
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(Server {
            place,
            _launcher: Own::start(command)?,
            socket: Arc::new(ours),
        })
    }

    /// Has it start a program, and gives that with its streams. None where it has not.
    fn start(&self, request: &[u8], input: bool) -> Option<(OwnedFd, Pipes)> {
        let (stdin, ours) = if input {
            let (theirs, ours) = pipe().ok()?;
            (OwnedFd::from(theirs), Some(ours))
        } else {
            (fs::File::open("/dev/null").ok()?.into(), None)
        };
        let [(stdout, their_stdout), (stderr, their_stderr)]: [(PipeReader, PipeWriter); 2] =
            [pipe().ok()?, pipe().ok()?];
        let streams = [stdin.as_fd(), their_stdout.as_fd(), their_stderr.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&streams));
        let parts = [IoSlice::new(request)];
        sendmsg(&self.socket, &parts, &mut ancillary, SendFlags::NOSIGNAL).ok()?;
        wait_for(self.socket.as_fd(), PATIENCE);
        let Told::Answer(answer, process) = receive(self.socket.as_fd()) else {
            return None;
        };
        let process = process.filter(|_| answer == [STARTED])?;
        let ours = ours.map(|pipe| OwnedFd::from(pipe).into());
        let [stdout, stderr] = [stdout, stderr].map(OwnedFd::from);
        Some((process, (ours, Some(stdout.into()), Some(stderr.into()))))
    }
}

impl Lent {
    /// How it ended, once it has and the server has seen to what it left. Killed, where the server was.
    pub(super) fn try_wait(&self) -> Option<ExitStatus> {
        let mut held = lock(&self.server);
        held.as_ref()?;
        let (status, server) = match receive(self.socket.as_fd()) {
            Told::NothingYet => return None,
            Told::NothingMore => (libc::SIGKILL, None),
            Told::Answer(answer, _) => match answer[..] {
                [ENDED, a, b, c, d, nothing_is_left] => {
                    let server = held.take().filter(|_| nothing_is_left == 1);
                    (i32::from_ne_bytes([a, b, c, d]), server)
                }
                _ => (libc::SIGKILL, None),
            },
        };
        // One that is of no more use ends here.
        *held = None;
        lock(&self.home.0).extend(server);
        Some(ExitStatus::from_raw(status))
    }

    /// Waits until it has ended, for so long at most.
    pub(super) fn wait(&self, time: Duration) {
        wait_for(self.socket.as_fd(), time);
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if lock(&self.server).is_some() {
            let _ = pidfd_send_signal(&self.process, Signal::KILL);
            self.wait(PATIENCE);
            // Where nothing was told in all that time, it ends with its server.
            let _ = self.try_wait();
        }
        lock(&LENT).remove(&self.number);
    }
}

/// What has come on the socket of a server.
enum Told {
    Answer(Vec<u8>, Option<OwnedFd>),
    NothingYet,
    /// It has ended.
    NothingMore,
}

fn receive(socket: BorrowedFd<'_>) -> Told {
    let mut bytes = [0; 256];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let mut into = [IoSliceMut::new(&mut bytes)];
    let got = match recvmsg(socket, &mut into, &mut ancillary, flags) {
        Err(Errno::AGAIN | Errno::INTR) => return Told::NothingYet,
        Ok(got) if got.bytes > 0 => got.bytes,
        _ => return Told::NothingMore,
    };
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Told::Answer(bytes[..got].to_vec(), descriptor)
}

/// Waits until something has come on the socket of a server, or it is closed, for so long at most.
fn wait_for(socket: BorrowedFd<'_>, time: Duration) {
    let mut ends = [PollFd::from_borrowed_fd(socket, PollFlags::IN)];
    let _ = poll(&mut ends, time.try_into().ok().as_ref());
}

/// The process's number in our own namespace (proc_pid_fdinfo(5)).
fn number(process: &OwnedFd) -> Option<u32> {
    let about = fs::read_to_string(format!("/proc/self/fdinfo/{}", process.as_raw_fd())).ok()?;
    let line = about.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    line.trim().parse().ok().filter(|number| *number != 0)
}
