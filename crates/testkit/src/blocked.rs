//! Where a program waits, and whether anything can ever wake it (Linux).
//!
//! That a program hangs can be *proved*: every thread of it sleeps in a call without a timeout,
//! nothing that it waits for is ready, nothing is on its way in either direction, and the check
//! waits too. What cannot be proved is left to the deadline.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

use crate::check::{Check, lock};
use crate::sys;

/// How often the same picture must be seen before it counts as a proof.
const TIMES: u32 = 4;
/// Over how long.
const SPAN: Duration = Duration::from_millis(60);
/// Over how long when bytes stay unacknowledged: a lost segment is sent again after 200 ms or more.
const SPAN_IN_FLIGHT: Duration = Duration::from_millis(1200);
/// How long after a close or a reset of ours, whose segments no socket of ours shows any more.
const AFTERMATH: Duration = Duration::from_millis(150);

/// One thread of the program, as proc(5) shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Thread {
    pid: u32,
    tid: u32,
    state: u8,
    /// Context switches so far: unchanged means it has not run.
    switches: u64,
    /// Number and arguments of the system call it sleeps in.
    call: Option<(i64, [u64; 6])>,
}

/// All threads of a program at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Picture {
    threads: Vec<Thread>,
    /// Unacknowledged bytes per socket, the program's and ours.
    in_flight: Vec<u32>,
}

/// The ids of a process's threads.
fn threads(pid: u32) -> Vec<u32> {
    std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| task.file_name().to_str()?.parse().ok())
        .collect()
}

/// The processes that `pid` has started, or inherited from those.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    threads(pid)
        .into_iter()
        .flat_map(|tid| children_of(pid, tid))
        .collect()
}

/// Those of one of its threads (proc_pid_task(5)).
fn children_of(pid: u32, tid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/children"));
    text.unwrap_or_default()
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// The processes that this one has inherited, or started in its first thread: what loses its parent comes to the first
/// thread of its next subreaper that lives (PR_SET_CHILD_SUBREAPER(2const)). It spares a look at every thread.
pub(crate) fn inherited() -> Vec<u32> {
    let own = std::process::id();
    children_of(own, own)
}

/// Whether no thread of these processes runs: each was stopped by a signal, or has ended.
pub(crate) fn all_stopped(tree: &[u32]) -> bool {
    tree.iter().all(|pid| {
        let at = |tid| state(&format!("/proc/{pid}/task/{tid}/stat"));
        let mut threads = threads(*pid).into_iter();
        threads.all(|tid| matches!(at(tid), b'T' | b't' | b'Z' | b'X' | b'?'))
    })
}

/// `root` and all its descendants.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    with_descendants(vec![root])
}

/// The program that was started as `root`, and all its descendants. Where a launcher has put a sandbox around it,
/// whatever runs inside: the two processes that are the launcher's wait, and say nothing of the program.
pub(crate) fn program(root: u32) -> Vec<u32> {
    with_descendants(outermost(root))
}

/// Those processes of it whose parents are not of it.
fn outermost(root: u32) -> Vec<u32> {
    match sandbox(root).map(children) {
        Some(inside) if !inside.is_empty() => inside,
        _ => vec![root],
    }
}

/// The process that is the first one inside the sandbox of `root`, where there is a sandbox.
fn sandbox(root: u32) -> Option<u32> {
    /// By the process that was started. Looked for once: programs are looked at often.
    static KNOWN: Mutex<BTreeMap<u32, u32>> = Mutex::new(BTreeMap::new());
    std::env::var_os("WIRELAB_LAUNCHER")?;
    if crate::process::is_lent(root) {
        return None;
    }
    let is_parent = |pid: u32| {
        let parent = Stat::of(&format!("/proc/{pid}/stat"))?.field::<u32>(1);
        Some(parent? == root)
    };
    let known = lock(&KNOWN).get(&root).copied();
    if let Some(first) = known.filter(|first| is_parent(*first).unwrap_or(false)) {
        return Some(first);
    }
    let first = children(root).into_iter().find(|pid| is_sandbox(*pid))?;
    // Until it has a child it is not done.
    (is_sandbox(root) && !children(first).is_empty()).then(|| {
        lock(&KNOWN).insert(root, first);
        first
    })
}

/// Whether a process is the launcher, outside or inside.
fn is_sandbox(pid: u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    name.is_ok_and(|name| name.trim_end() == LAUNCHER)
}

fn with_descendants(mut all: Vec<u32>) -> Vec<u32> {
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        next += 1;
        all.extend(children(pid));
    }
    all
}

/// What `/proc/PID/stat` has behind the name, which may hold anything: state, ppid, pgrp, session …
pub(crate) struct Stat {
    text: String,
    /// Where the name ends.
    begins: usize,
}

impl Stat {
    pub(crate) fn of(path: &str) -> Option<Stat> {
        let text = std::fs::read_to_string(path).ok()?;
        let begins = text.rfind(')')? + 1;
        Some(Stat { text, begins })
    }

    /// A field, counted from the state, which is 0.
    pub(crate) fn field<T: std::str::FromStr>(&self, number: usize) -> Option<T> {
        let mut fields = self.text.get(self.begins..)?.split_ascii_whitespace();
        fields.nth(number)?.parse().ok()
    }

    /// A letter: proc_pid_stat(5) has them all.
    pub(crate) fn state(&self) -> Option<u8> {
        self.text.get(self.begins..)?.trim_start().bytes().next()
    }
}

fn state(path: &str) -> u8 {
    Stat::of(path).and_then(|stat| stat.state()).unwrap_or(b'?')
}

/// Whether a process that was started a moment ago has come back from exec.
///
/// What it had of its parent's is closed only on that way back, and its parent may be running again
/// before that: the two meet at exec, not after it.
pub(crate) fn is_in_its_program(pid: u32) -> bool {
    let Some(stat) = Stat::of(&format!("/proc/{pid}/stat")) else {
        return true;
    };
    // The time it has spent in user mode, in clock ticks (proc_pid_stat(5), field 14).
    if stat.field::<u64>(11).is_some_and(|ticks| ticks != 0) {
        return true;
    }
    match stat.state() {
        Some(b'Z' | b'X') => true,
        // A launcher that has lent its memory to what it has started waits as if for a disk (vfork(2)).
        Some(b'S' | b'D') => std::fs::read_to_string(format!("/proc/{pid}/syscall"))
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse().ok())
            .is_none_or(|call: i64| call != libc::SYS_execve && call != libc::SYS_execveat),
        _ => false,
    }
}

/// Whether every thread of the program and its descendants sleeps. It is asked again and again while most of the time
/// one of them does not: the first of those that is found ends the look.
pub(crate) fn all_asleep(root: u32) -> bool {
    let mut all = outermost(root);
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        next += 1;
        for tid in threads(pid) {
            if !matches!(state(&format!("/proc/{pid}/task/{tid}/stat")), b'S' | b'Z') {
                return false;
            }
            all.extend(children_of(pid, tid));
        }
    }
    true
}

/// The most memory that the program and its descendants have had at a time, in bytes.
pub(crate) fn peak_memory(root: u32) -> Option<usize> {
    let peak = |pid: u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    };
    program(root)
        .into_iter()
        .filter_map(peak)
        .reduce(|a, b| a + b)
}

/// How long the program and its descendants have run on a processor, in user mode and in the kernel
/// (proc_pid_stat(5), fields 14 and 15).
pub(crate) fn processor_time(root: u32) -> Duration {
    let ticks = |pid: u32| -> Option<u64> {
        let stat = Stat::of(&format!("/proc/{pid}/stat"))?;
        Some(stat.field::<u64>(11)? + stat.field::<u64>(12)?)
    };
    let ticks: u64 = program(root).into_iter().filter_map(ticks).sum();
    Duration::from_secs(ticks)
        / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

/// How long these programs and their descendants have run on a processor or were ready to
/// (`run_delay`, the second number of `/proc/PID/task/TID/schedstat`). None where the kernel does not say.
pub(crate) fn processor_time_wanted(programs: &[u32]) -> Option<Duration> {
    let delay = |pid: u32, tid: u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/schedstat")).ok()?;
        let nanoseconds = text.split_whitespace().nth(1)?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    };
    let of = |root: u32| {
        let delays = program(root).into_iter().flat_map(|pid| {
            let delay = move |tid| delay(pid, tid);
            threads(pid).into_iter().filter_map(delay)
        });
        let waited = delays.reduce(|one, other| one + other)?;
        Some(waited + processor_time(root))
    };
    programs.iter().map(|root| of(*root)).sum()
}

fn pidfd_of(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Waits until a process that nobody has collected yet has ended, for so long at most (pidfd_open(2)). None where that
/// cannot be waited for.
pub(crate) fn wait_for_exit(pid: u32, time: Duration) -> Option<()> {
    let pidfd = pidfd_of(pid)?;
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    poll(&mut fds, Some(&time.try_into().ok()?)).ok().map(drop)
}

/// A copy of a descriptor of another process, to be dropped at once: it keeps the socket open.
fn borrow(pid: u32, fd: u64) -> Option<OwnedFd> {
    let pidfd = pidfd_of(pid)?;
    rustix::process::pidfd_getfd(pidfd, i32::try_from(fd).ok()?, PidfdGetfdFlags::empty()).ok()
}

/// No wait at all.
const NOW: rustix::event::Timespec = rustix::event::Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

fn is_ready(fd: &OwnedFd, events: PollFlags) -> bool {
    let mut fds = [PollFd::new(fd, events)];
    poll(&mut fds, Some(&NOW)).is_ok_and(|n| n > 0)
}

/// What a descriptor is: `socket:[…]`, `pipe:[…]`, a path.
fn kind(pid: u32, fd: u64) -> String {
    std::fs::read_link(format!("/proc/{pid}/fd/{fd}"))
        .map(|to| to.display().to_string())
        .unwrap_or_default()
}

/// The numbers of a process's descriptors whose kind begins with `prefix`.
fn descriptors(pid: u32, prefix: &str) -> Vec<u64> {
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| kind(pid, *fd).starts_with(prefix))
        .collect()
}

impl Thread {
    fn of(pid: u32, tid: u32) -> Option<Thread> {
        Thread::in_state(pid, tid, state(&format!("/proc/{pid}/task/{tid}/stat")))
    }

    /// That thread if it sleeps, or has ended.
    fn asleep(pid: u32, tid: u32) -> Option<Thread> {
        let state = state(&format!("/proc/{pid}/task/{tid}/stat"));
        matches!(state, b'S' | b'Z').then(|| Thread::in_state(pid, tid, state))?
    }

    fn in_state(pid: u32, tid: u32, state: u8) -> Option<Thread> {
        let base = format!("/proc/{pid}/task/{tid}");
        let switches = std::fs::read_to_string(format!("{base}/status"))
            .ok()?
            .lines()
            .filter(|line| line.contains("ctxt_switches"))
            .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
            .sum();
        let call = std::fs::read_to_string(format!("{base}/syscall"))
            .ok()
            .and_then(|text| {
                let mut words = text.split_whitespace();
                let number = words.next()?.parse().ok()?;
                let mut args = [0; 6];
                for arg in &mut args {
                    *arg = u64::from_str_radix(words.next()?.trim_start_matches("0x"), 16).ok()?;
                }
                Some((number, args))
            });
        Some(Thread {
            pid,
            tid,
            state,
            switches,
            call,
        })
    }

    /// Whether nothing but an event on what it waits for can end its call.
    fn waits_for_ever(&self) -> bool {
        match self.state {
            b'Z' => return true,
            b'S' => {}
            _ => return false,
        }
        let Some((number, args)) = self.call else {
            return false;
        };
        let quiet = |events| {
            let kind = kind(self.pid, args[0]);
            let socket = kind.starts_with("socket:");
            (socket || kind.starts_with("pipe:"))
                && borrow(self.pid, args[0])
                    .is_some_and(|fd| !is_ready(&fd, events) && (!socket || !sys::has_timeout(&fd)))
        };
        // A poll without a timeout may still be woken by a timer that it watches.
        let no_timers = || descriptors(self.pid, "anon_inode:[timerfd]").is_empty();
        match number {
            libc::SYS_accept
            | libc::SYS_accept4
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg
            | libc::SYS_read
            | libc::SYS_readv => quiet(PollFlags::IN),
            libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_write | libc::SYS_writev => {
                quiet(PollFlags::OUT)
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_poll => args[2] as i32 == -1 && no_timers(),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_epoll_wait => args[3] as i32 == -1 && no_timers(),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_select => args[4] == 0 && no_timers(),
            libc::SYS_epoll_pwait => args[3] as i32 == -1 && no_timers(),
            libc::SYS_ppoll => args[2] == 0 && no_timers(),
            libc::SYS_pselect6 => args[4] == 0 && no_timers(),
            // FUTEX_WAIT and FUTEX_WAIT_BITSET (futex(2)) without a timeout.
            libc::SYS_futex => matches!(args[1] & 0x7f, 0 | 9) && args[3] == 0,
            libc::SYS_wait4 | libc::SYS_waitid => true,
            _ => false,
        }
    }

    fn describe(&self, listening: Option<SocketAddr>) -> String {
        let Some((number, args)) = self.call else {
            return match self.state {
                b'R' => {
                    "running without a pause, in a loop that uses a whole processor core".into()
                }
                b'T' => "stopped by a signal".into(),
                other => format!("in state {}", char::from(other)),
            };
        };
        let on = || match borrow(self.pid, args[0]) {
            Some(fd) if kind(self.pid, args[0]).starts_with("socket:") => name(&fd, listening),
            _ => match args[0] {
                0 => "its standard input".into(),
                1 => "its standard output".into(),
                2 => "its standard error".into(),
                n => format!("descriptor {n}"),
            },
        };
        match number {
            libc::SYS_accept | libc::SYS_accept4 => format!("waiting in accept() on {}", on()),
            libc::SYS_recvfrom | libc::SYS_recvmsg => format!("waiting in recv() on {}", on()),
            libc::SYS_read | libc::SYS_readv => format!("waiting in read() on {}", on()),
            libc::SYS_sendto | libc::SYS_sendmsg => {
                format!("waiting in send() on {}, whose buffers are full", on())
            }
            libc::SYS_write | libc::SYS_writev => {
                format!("waiting in write() on {}, which takes no more", on())
            }
            libc::SYS_connect => format!("waiting in connect() on {}", on()),
            libc::SYS_futex => "waiting for another of its threads".into(),
            libc::SYS_clock_nanosleep | libc::SYS_nanosleep => {
                "sleeping (a sleep in the program)".into()
            }
            libc::SYS_ppoll | libc::SYS_pselect6 | libc::SYS_epoll_pwait => {
                "waiting in poll()".into()
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_poll | libc::SYS_select | libc::SYS_epoll_wait => "waiting in poll()".into(),
            libc::SYS_wait4 | libc::SYS_waitid => "waiting for a child process".into(),
            other => format!("waiting in system call {other}"),
        }
    }
}

/// A socket in the chapter's words.
fn name(fd: &OwnedFd, listening: Option<SocketAddr>) -> String {
    let socket = socket2::SockRef::from(fd);
    let local = socket.local_addr().ok().and_then(|addr| addr.as_socket());
    let peer = socket.peer_addr().ok().and_then(|addr| addr.as_socket());
    let local_text = local.map_or("an unbound address".into(), |addr| addr.to_string());
    if is_datagram(fd) {
        return match peer {
            Some(peer) => format!("the datagram socket that is connected to {peer}"),
            None => format!("the datagram socket bound to {local_text}"),
        };
    }
    match (sockopt::socket_acceptconn(fd), peer) {
        (Ok(true), _) => format!("the listening socket {local_text}"),
        (_, Some(peer)) if local.map(|a| a.port()) == listening.map(|a| a.port()) => {
            format!("the accepted connection from {peer}")
        }
        (_, Some(peer)) => format!("the connection to {peer}"),
        _ => format!("the socket bound to {local_text}"),
    }
}

impl Picture {
    /// None where a thread does not wait for ever: whoever finds that looks no further.
    fn take(check: &Check) -> Option<Picture> {
        let mut threads = Vec::new();
        let mut in_flight = Vec::new();
        for program in lock(&check.inner.programs)
            .iter()
            .filter_map(std::sync::Weak::upgrade)
        {
            let before = threads.len();
            for pid in self::program(program.pid()) {
                let tasks = match std::fs::read_dir(format!("/proc/{pid}/task")) {
                    Ok(tasks) => tasks,
                    Err(_) if program.ended().is_some() => continue,
                    Err(_) => return None,
                };
                for task in tasks.flatten() {
                    let thread = Thread::asleep(pid, task.file_name().to_str()?.parse().ok()?);
                    threads.push(thread.filter(Thread::waits_for_ever)?);
                }
                for fd in descriptors(pid, "socket:") {
                    in_flight.push(sys::unacknowledged(&borrow(pid, fd)?));
                }
            }
            // It has ended, and whoever is to say so, its launcher or a sandbox's first process, has not had its turn
            // yet: that is no wait for ever.
            let own = &threads[before..];
            if !own.is_empty() && own.iter().all(|thread| thread.state == b'Z') {
                return None;
            }
        }
        for socket in lock(&check.inner.sockets)
            .iter()
            .filter_map(std::sync::Weak::upgrade)
        {
            in_flight.push(sys::unacknowledged(&*socket));
        }
        Some(Picture { threads, in_flight })
    }
}

/// Where every thread of the program waits, in words.
pub(crate) fn whereabouts(root: u32, listening: Option<SocketAddr>) -> String {
    let mut places: Vec<String> = program(root)
        .into_iter()
        .filter(|pid| !is_sandbox(*pid))
        .flat_map(|pid| {
            threads(pid)
                .into_iter()
                .filter_map(move |tid| Thread::of(pid, tid))
        })
        .filter(|thread| thread.state != b'Z')
        .map(|thread| thread.describe(listening))
        .collect();
    places.sort();
    places.dedup();
    let more = places.len().saturating_sub(MOST_PLACES);
    places.truncate(MOST_PLACES);
    if more > 0 {
        places.push(format!("{more} more of its threads elsewhere"));
    }
    places.join("; and ")
}

/// The name of what stands before a program where it is graded, and stays around it.
const LAUNCHER: &str = "wirelab-launch";
/// How many of a program's threads are told of, where each waits in a place of its own.
const MOST_PLACES: usize = 4;

/// Says that a check's programs are stuck after several pictures in a row that do not differ and in
/// which everything waits for ever.
#[derive(Default)]
pub(crate) struct Watch {
    last: Option<(Picture, Instant, u32)>,
}

impl Watch {
    /// Whether at the last look everything waited for ever.
    pub(crate) fn sees_sleep(&self) -> bool {
        self.last.is_some()
    }

    /// Call it only when what the check itself waits for has not come.
    pub(crate) fn is_stuck(&mut self, check: &Check) -> bool {
        if check.inner.alone.load(std::sync::atomic::Ordering::SeqCst) {
            return false;
        }
        let picture = Picture::take(check).filter(|picture| !picture.threads.is_empty());
        let Some(picture) = picture.filter(|_| !crate::process::is_starting()) else {
            self.last = None;
            return false;
        };
        let still = picture.in_flight.iter().all(|bytes| *bytes == 0);
        let besides = &check.inner.besides;
        if still && besides.is_acting() {
            // A thread of ours has not come to its sending yet.
            self.last = None;
            return false;
        }
        let span = if still { SPAN } else { SPAN_IN_FLIGHT };
        match &mut self.last {
            Some((last, since, times)) if *last == picture => {
                *times += 1;
                *times >= TIMES && since.elapsed() >= span && besides.quiet_for() >= AFTERMATH
            }
            _ => {
                self.last = Some((picture, Instant::now(), 1));
                false
            }
        }
    }
}

/// Waits until the program has taken what was sent on `ours` and sleeps again. False when it does
/// not: it reads something else, or works.
pub(crate) fn settle(root: u32, ours: &impl AsFd, patience: Duration) -> bool {
    const LONGEST: Duration = Duration::from_micros(400);
    // Who works, or has no processor, is left alone for longer.
    const LONGEST_AT_WORK: Duration = Duration::from_micros(1500);
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_micros(50);
    let mut unread_but_asleep = 0;
    while Instant::now() < deadline {
        // In this order: what was sent has arrived; what arrived has been read, or its reader has
        // been woken and so is not asleep. (Whether it is asleep is asked first as well, because that is
        // soon said, and most of the time it is not.)
        if sys::unacknowledged(ours) == 0 && all_asleep(root) {
            let read = unread(root).all(|(_, unread)| unread == 0);
            if all_asleep(root) {
                if read {
                    return true;
                }
                // It leaves something unread and does nothing: it serves another connection.
                unread_but_asleep += 1;
                if unread_but_asleep >= 20 {
                    return false;
                }
            } else {
                unread_but_asleep = 0;
            }
        } else {
            unread_but_asleep = 0;
        }
        std::thread::sleep(pause);
        let longest = if unread_but_asleep > 0 {
            LONGEST
        } else {
            LONGEST_AT_WORK
        };
        pause = (pause * 3 / 2).min(longest);
    }
    false
}

/// How many bytes the program and its descendants have left unread of what has arrived on each of their connections,
/// with the address of its other end.
fn unread(root: u32) -> impl Iterator<Item = (Option<SocketAddr>, u64)> {
    let sockets = program(root).into_iter().flat_map(|pid| {
        let sockets = descriptors(pid, "socket:").into_iter();
        sockets.filter_map(move |fd| borrow(pid, fd))
    });
    sockets.filter_map(|fd| {
        let peer = rustix::net::getpeername(&fd).ok().flatten()?;
        let unread = rustix::io::ioctl_fionread(&fd).ok()?;
        Some((SocketAddr::try_from(peer).ok(), unread))
    })
}

/// Whether nothing is left unread on the program's connection with this address. False where there is none: nobody has
/// accepted it, or it cannot be seen.
pub(crate) fn has_read_all_from(root: u32, address: SocketAddr) -> bool {
    let same = |peer: SocketAddr| {
        (peer.ip().to_canonical(), peer.port()) == (address.ip().to_canonical(), address.port())
    };
    unread(root)
        .find(|(peer, _)| peer.is_some_and(same))
        .is_some_and(|(_, unread)| unread == 0)
}

/// Waits until the program has taken every datagram that arrived for it and sleeps. False when it does
/// not within `patience`.
///
/// Nothing tells when a datagram has arrived: with UDP nobody acknowledges. On loopback it has as soon
/// as it is sent, save under load. So the same must be seen a few times in a row.
pub(crate) fn settle_datagrams(root: u32, patience: Duration) -> bool {
    const IN_A_ROW: u32 = 4;
    let deadline = Instant::now() + patience;
    let mut seen = 0;
    while Instant::now() < deadline {
        // In this order, as in `settle`: what arrived has been taken, or its reader has been woken.
        let taken = program(root).iter().all(|pid| {
            descriptors(*pid, "socket:")
                .iter()
                .all(|fd| borrow(*pid, *fd).is_none_or(|fd| !holds_a_datagram(&fd)))
        });
        seen = if taken && all_asleep(root) {
            seen + 1
        } else {
            0
        };
        if seen == IN_A_ROW {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// Whether a datagram lies in a socket's receive buffer. FIONREAD would say 0 for an empty one.
fn holds_a_datagram(fd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    is_datagram(fd)
        && poll(&mut fds, Some(&NOW)).is_ok()
        && fds[0].revents().contains(PollFlags::IN)
}

fn is_datagram(fd: &OwnedFd) -> bool {
    sockopt::socket_type(fd).is_ok_and(|kind| kind == rustix::net::SocketType::DGRAM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    #[test]
    fn what_is_left_unread_is_told_by_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let address = ours.local_addr().unwrap();
        let read_all = || has_read_all_from(std::process::id(), address);
        assert!(!read_all(), "nobody has accepted it");
        let (mut accepted, _) = listener.accept().unwrap();
        assert!(read_all());
        ours.write_all(b"x").unwrap();
        accepted.peek(&mut [0]).unwrap();
        assert!(!read_all());
        accepted.read_exact(&mut [0]).unwrap();
        assert!(read_all());
    }

    /// Polls until it holds; ten seconds at most.
    fn comes_true(condition: impl Fn() -> bool) -> bool {
        let since = Instant::now();
        while !condition() {
            if since.elapsed() > Duration::from_secs(10) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    #[test]
    fn a_child_that_sleeps_or_works_or_is_gone_has_come_back_from_exec() -> std::io::Result<()> {
        let mut sleeps = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let mut works = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()?;
        let seen = [&sleeps, &works].map(|child| comes_true(|| is_in_its_program(child.id())));
        for child in [&mut sleeps, &mut works] {
            child.kill()?;
            assert!(comes_true(|| is_in_its_program(child.id())));
            child.wait()?;
            assert!(is_in_its_program(child.id()));
        }
        assert_eq!(seen, [true, true]);
        Ok(())
    }
}
