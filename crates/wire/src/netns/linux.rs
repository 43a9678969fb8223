#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Ending, Finished, INSIDE, MOST_OUTPUT, REACHED, Side, Unavailable};

/// What is done between fork and exec, so that a failure can say which it was.
#[derive(Clone, Copy)]
enum Step {
    Parent,
    Unshare,
    Groups,
    Users,
    Loopback,
    Inherit,
    /// Not a failure: the probe got this far, and must not go on to exec.
    Probed,
}

impl Step {
    const ALL: [(Step, &str); 7] = [
        (Step::Parent, "tying the child's life to ours"),
        (Step::Unshare, "unshare(CLONE_NEWUSER | CLONE_NEWNET)"),
        (Step::Groups, "writing /proc/self/setgroups and gid_map"),
        (Step::Users, "writing /proc/self/uid_map"),
        (Step::Loopback, "raising the loopback interface"),
        (Step::Inherit, "passing descriptors on"),
        (Step::Probed, "probing"),
    ];

    /// The number of an error does reach the parent from between fork and exec, and nothing else does: the step
    /// travels in it, above the range of the system's own.
    fn failed(self) -> io::Error {
        self.with(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    fn with(self, number: i32) -> io::Error {
        io::Error::from_raw_os_error((self as i32 + 1) << 16 | number & 0xffff)
    }

    fn of(error: &io::Error) -> Option<(Step, &'static str, io::Error)> {
        let number = error.raw_os_error()?;
        let (step, name) = *Step::ALL.get(usize::try_from(number >> 16).ok()?.checked_sub(1)?)?;
        Some((step, name, io::Error::from_raw_os_error(number & 0xffff)))
    }
}

fn forbidden(step: &'static str, error: &io::Error) -> Unavailable {
    let advice = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => {
            "this system keeps user namespaces from ordinary users (Ubuntu: sysctl \
             kernel.apparmor_restrict_unprivileged_userns; Debian: kernel.unprivileged_userns_clone; in a container: \
             its seccomp profile)"
        }
        Some(libc::ENOSPC) => {
            "no more namespaces are allowed: see /proc/sys/user/max_user_namespaces and max_net_namespaces"
        }
        Some(libc::EINVAL | libc::ENOSYS) => {
            "this kernel was built without user or network namespaces"
        }
        _ => "this system does not permit it",
    };
    Unavailable::Forbidden {
        step,
        reason: error.to_string(),
        advice,
    }
}

/// What is needed to write the maps, made while allocating is still allowed.
#[derive(Clone)]
struct Maps {
    users: String,
    groups: String,
    parent: libc::pid_t,
}

impl Maps {
    fn new() -> Maps {
        // SAFETY: these take no arguments and cannot fail.
        let (user, group, parent) = unsafe { (libc::geteuid(), libc::getegid(), libc::getpid()) };
        Maps {
            users: format!("0 {user} 1\n"),
            groups: format!("0 {group} 1\n"),
            parent,
        }
    }

    /// Takes the calling process, which must have one thread, into fresh namespaces. Neither allocates nor locks:
    /// it is called between fork and exec.
    fn enter(&self) -> io::Result<()> {
        // SAFETY: unshare takes flags only.
        if unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) } != 0 {
            return Err(Step::Unshare.failed());
        }
        // A group map may be written without privilege only once setgroups is denied (user_namespaces(7)).
        put(c"/proc/self/setgroups", b"deny").map_err(|_| Step::Groups.failed())?;
        put(c"/proc/self/gid_map", self.groups.as_bytes()).map_err(|_| Step::Groups.failed())?;
        put(c"/proc/self/uid_map", self.users.as_bytes()).map_err(|_| Step::Users.failed())?;
        raise(c"lo").map_err(|_| Step::Loopback.failed())
    }

    /// As [`Maps::enter`], in a child, whose life is tied to its parent's first.
    fn enter_as_child(&self) -> io::Result<()> {
        // SAFETY: prctl with PR_SET_PDEATHSIG takes a signal's number; getppid takes nothing.
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(Step::Parent.failed());
            }
            // The parent may have died before the call.
            if libc::getppid() != self.parent {
                return Err(Step::Parent.with(libc::ESRCH));
            }
        }
        self.enter()
    }
}

/// Sends a descriptor of the calling process's network namespace (`unix(7)`, SCM_RIGHTS). Allocates nothing.
fn send_network(to: RawFd) -> Result<(), ()> {
    let mut byte = 0_u8;
    let mut control = [0_u64; 8];
    let mut piece = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    // SAFETY: a msghdr may be all zeros. Every pointer in it is to something that lives here; the control data has
    // room for one descriptor, is aligned for its header, and the length says so.
    unsafe {
        let network = libc::open(
            c"/proc/self/ns/net".as_ptr(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        );
        if network < 0 {
            return Err(());
        }
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut piece;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of::<RawFd>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        libc::CMSG_DATA(header)
            .cast::<RawFd>()
            .write_unaligned(network);
        if libc::sendmsg(to, &message, 0) < 0 {
            return Err(());
        }
        libc::close(network);
    }
    Ok(())
}

/// Writes a file of /proc. Allocates nothing.
fn put(path: &CStr, text: &[u8]) -> Result<(), ()> {
    // SAFETY: the path ends in a zero byte; the buffer's length is passed; the descriptor is closed once, and
    // `close` is not called between the failure and the caller's look at errno.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd < 0 || libc::write(fd, text.as_ptr().cast(), text.len()) < 0 {
            return Err(());
        }
        libc::close(fd);
    }
    Ok(())
}

/// Sets an interface up. Allocates nothing.
pub(super) fn raise(interface: &CStr) -> Result<(), ()> {
    set_flags(interface, libc::IFF_UP | libc::IFF_RUNNING)
}

/// Sets an interface down.
pub(super) fn lower(interface: &CStr) -> Result<(), ()> {
    set_flags(interface, 0)
}

fn set_flags(interface: &CStr, flags: libc::c_int) -> Result<(), ()> {
    // SAFETY: an ifreq may be all zeros; the name is copied within its bounds, its last byte left zero; the
    // descriptor is closed once.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if fd < 0 {
            return Err(());
        }
        let mut request: libc::ifreq = std::mem::zeroed();
        for (slot, byte) in request
            .ifr_name
            .iter_mut()
            .take(libc::IFNAMSIZ - 1)
            .zip(interface.to_bytes())
        {
            *slot = *byte as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = flags as libc::c_short;
        if libc::ioctl(fd, libc::SIOCSIFFLAGS, &request) != 0 {
            return Err(());
        }
        libc::close(fd);
    }
    Ok(())
}

pub(super) fn available() -> Result<(), Unavailable> {
    static KNOWN: OnceLock<Result<(), Unavailable>> = OnceLock::new();
    KNOWN.get_or_init(probe).clone()
}

/// A child that enters and then gives up before it would run anything.
fn probe() -> Result<(), Unavailable> {
    let maps = Maps::new();
    let mut command = Command::new("/proc/self/exe");
    // SAFETY: between fork and exec the closure only makes system calls, on data made before.
    unsafe {
        command.pre_exec(move || {
            maps.enter_as_child()?;
            Err(Step::Probed.with(0))
        });
    }
    match command.spawn() {
        Ok(mut child) => {
            // It cannot have got this far; should it have, it must not stay.
            let _ = child.kill();
            let _ = child.wait();
            Ok(())
        }
        Err(error) => match Step::of(&error) {
            Some((Step::Probed, ..)) => Ok(()),
            Some((_, name, error)) => Err(forbidden(name, &error)),
            None => Err(forbidden("fork", &error)),
        },
    }
}

pub(super) fn enter() -> Result<(), Unavailable> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        return Err(Unavailable::Threads { threads });
    }
    Maps::new().enter().map_err(|error| match Step::of(&error) {
        Some((_, name, error)) => forbidden(name, &error),
        None => forbidden("entering", &error),
    })
}

pub(super) fn inside(test: &str, deadline: Duration) -> Result<Side, Unavailable> {
    if std::env::var_os(INSIDE).is_some_and(|name| name == test) {
        report_reached();
        return Ok(Side::Inside);
    }
    let failed = |verb, error: io::Error| Unavailable::Program {
        program: "this test binary".to_owned(),
        verb,
        reason: error.to_string(),
    };
    let binary = std::env::current_exe().map_err(|error| failed("find", error))?;
    let (mut reached, report) = io::pipe().map_err(|error| failed("watch", error))?;
    let mut command = Command::new(binary);
    command.args([test, "--exact", "--nocapture", "--include-ignored"]);
    command
        .env(INSIDE, test)
        .env(REACHED, report.as_raw_fd().to_string());
    let finished = run_with(command, deadline, Some(report))?;
    // Nobody holds the other end any more: this does not wait.
    let mut mark = Vec::new();
    let _ = reached.read_to_end(&mut mark);
    if mark.is_empty() && finished.success() {
        return Err(Unavailable::NoSuchTest {
            name: test.to_owned(),
        });
    }
    Ok(Side::Outside(finished))
}

/// Tells the outside that the test was reached, once.
fn report_reached() {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if REPORTED.swap(true, Ordering::Relaxed) {
        return;
    }
    let Some(number) = std::env::var(REACHED)
        .ok()
        .and_then(|number| number.parse().ok())
    else {
        return;
    };
    // SAFETY: fcntl on a number only asks whether it is open. The outside left this descriptor open for this
    // process and named it to nobody else; it is taken once.
    let report = unsafe {
        if libc::fcntl(number, libc::F_GETFD) < 0 {
            return;
        }
        OwnedFd::from_raw_fd(number)
    };
    let _ = PipeWriter::from(report).write_all(b"1");
}

pub(super) fn run(command: Command, deadline: Duration) -> Result<Finished, Unavailable> {
    run_with(command, deadline, None)
}

/// `inherited` stays open in the child; here it is closed as soon as the child runs.
fn run_with(
    mut command: Command,
    deadline: Duration,
    inherited: Option<PipeWriter>,
) -> Result<Finished, Unavailable> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |verb, error: io::Error| Unavailable::Program {
        program: program.clone(),
        verb,
        reason: error.to_string(),
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let maps = Maps::new();
    let keep = inherited.as_ref().map(AsRawFd::as_raw_fd);
    let (ours, theirs) = UnixDatagram::pair().map_err(|error| failed("watch", error))?;
    let sender = theirs.as_raw_fd();
    // SAFETY: between fork and exec the closure only makes system calls, on data made before.
    unsafe {
        command.pre_exec(move || {
            maps.enter_as_child()?;
            send_network(sender).map_err(|()| Step::Inherit.failed())?;
            if let Some(fd) = keep
                && libc::fcntl(fd, libc::F_SETFD, 0) != 0
            {
                return Err(Step::Inherit.failed());
            }
            Ok(())
        });
    }
    let spawned = command.spawn().map_err(|error| match Step::of(&error) {
        Some((_, name, error)) => forbidden(name, &error),
        None => failed("start", error),
    });
    drop(inherited);
    let child = spawned?;
    let mut running = Running {
        child,
        network: None,
    };
    // Spawn returns when exec has succeeded, so the child has sent it by now.
    running.network = Some(Network::received(&ours).map_err(|error| failed("watch", error))?);
    watch(&mut running, deadline).map_err(|error| failed("watch", error))
}

/// A child and everything else in its network; all of it is killed when this goes.
struct Running {
    child: Child,
    network: Option<Network>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The others first: while the child lives, its network cannot become somebody else's.
        if let Some(network) = &self.network {
            network.kill_all();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn watch(running: &mut Running, deadline: Duration) -> io::Result<Finished> {
    let stdout = drain(running.child.stdout.take());
    let stderr = drain(running.child.stderr.take());
    let started = Instant::now();
    // A descriptor for the process becomes readable when it ends: waiting without polling, and with a deadline.
    let ended = pidfd(running.child.id()).ok_or_else(io::Error::last_os_error)?;
    let ending = loop {
        let left = deadline.saturating_sub(started.elapsed());
        let readable = wait_readable(&ended, left)?;
        if readable {
            break Ending::Exited(running.child.wait()?);
        }
        if started.elapsed() >= deadline {
            break Ending::TimedOut(deadline);
        }
    };
    // Whoever still holds the outputs is killed with the network; then both readers come to an end.
    if let Some(network) = &running.network {
        network.kill_all();
    }
    if let Ending::TimedOut(_) = ending {
        let _ = running.child.kill();
        running.child.wait()?;
    }
    Ok(Finished {
        ending,
        stdout: collect(&stdout),
        stderr: collect(&stderr),
    })
}

/// Reads an output to its end, in a thread of its own, keeping the first [`MOST_OUTPUT`] bytes.
fn drain(output: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut output) = output {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = output.read(&mut buffer) {
                let room = MOST_OUTPUT - kept.len();
                kept.extend(&buffer[..n.min(room)]);
            }
        }
        let _ = sender.send(kept);
    });
    receiver
}

fn collect(output: &mpsc::Receiver<Vec<u8>>) -> Vec<u8> {
    // Every holder of the other end has been killed, unless it left for yet another network.
    output
        .recv_timeout(Duration::from_secs(5))
        .unwrap_or_default()
}

fn pidfd(pid: u32) -> Option<OwnedFd> {
    // SAFETY: pidfd_open takes a process id and no flags; a descriptor it returns is ours alone.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0);
        i32::try_from(fd)
            .ok()
            .filter(|fd| *fd >= 0)
            .map(|fd| OwnedFd::from_raw_fd(fd))
    }
}

fn wait_readable(fd: &OwnedFd, timeout: Duration) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let milliseconds = i32::try_from(timeout.as_millis())
        .unwrap_or(i32::MAX)
        .max(1);
    // SAFETY: one pollfd is passed, and said to be one.
    match unsafe { libc::poll(&mut poll, 1, milliseconds) } {
        0 => Ok(false),
        n if n > 0 => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
    }
}

/// A network namespace. A process does not leave it with `setsid` or by forking twice, which is how it leaves a process
/// group.
struct Network {
    /// Open, so that the kernel cannot give the same number to a new namespace while this one is looked for.
    _held: File,
    number: u64,
}

impl Network {
    /// The namespace the child has sent a descriptor of. Asking /proc for it would be too late for a child that has
    /// ended already, and its own children would be left alive.
    fn received(from: &UnixDatagram) -> io::Result<Network> {
        from.set_nonblocking(true)?;
        let mut byte = 0_u8;
        let mut control = [0_u64; 8];
        let mut piece = libc::iovec {
            iov_base: (&raw mut byte).cast(),
            iov_len: 1,
        };
        // SAFETY: a msghdr is numbers and pointers, for which zero is a value.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &raw mut piece;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control) as _;
        // SAFETY: every pointer in the message is to something that lives here, with its length beside it. The kernel
        // sets the length of the control data; a message of this type and length holds one descriptor, now ours.
        let held = unsafe {
            if libc::recvmsg(from.as_raw_fd(), &mut message, libc::MSG_CMSG_CLOEXEC) < 0 {
                return Err(io::Error::last_os_error());
            }
            let header = libc::CMSG_FIRSTHDR(&message);
            if header.is_null()
                || (*header).cmsg_type != libc::SCM_RIGHTS
                || (*header).cmsg_len as usize != libc::CMSG_LEN(size_of::<RawFd>() as u32) as usize
            {
                return Err(io::Error::other("the child sent no namespace"));
            }
            File::from_raw_fd(libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned())
        };
        let number = held.metadata()?.ino();
        Ok(Network {
            _held: held,
            number,
        })
    }

    /// Kills every process in it, until none is left.
    fn kill_all(&self) {
        // Each round kills what the one before may have forked meanwhile; processes take a moment to go.
        for _ in 0..1000 {
            let mut found = false;
            for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
                let Some(pid) = entry
                    .file_name()
                    .to_str()
                    .and_then(|name| name.parse::<u32>().ok())
                else {
                    continue;
                };
                // The descriptor first, then the look: the number cannot pass to another process between them.
                let Some(process) = pidfd(pid) else { continue };
                if std::fs::metadata(format!("/proc/{pid}/ns/net"))
                    .is_ok_and(|network| network.ino() == self.number)
                {
                    found = true;
                    kill(&process);
                }
            }
            if !found {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn kill(process: &OwnedFd) {
    // SAFETY: the descriptor is open; no siginfo is passed.
    unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            process.as_raw_fd(),
            libc::SIGKILL,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        );
    }
}
