//! A process that ends with its check, and all that it started with it.
use std::collections::HashSet;
use std::path::Path;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

#[cfg(windows)]
use process_wrap::std::JobObject;
#[cfg(unix)]
use process_wrap::std::ProcessGroup;
use process_wrap::std::{ChildWrapper, CommandWrap};

use crate::check::lock;

#[cfg(target_os = "linux")]
mod fork_server;
#[cfg(target_os = "linux")]
pub(crate) use fork_server::{Servers, is_lent};

/// Of those there are none elsewhere.
#[cfg(not(target_os = "linux"))]
#[derive(Default)]
pub(crate) struct Servers;

#[cfg(not(target_os = "linux"))]
impl Servers {
    pub(crate) fn close(&self) {}
}

/// The processes that checks of this test binary have started and not yet ended.
///
/// Written while a process is started or reaped, so that the sweep for orphans never takes another
/// check's program for one.
static OURS: RwLock<Option<HashSet<u32>>> = RwLock::new(None);

/// The registry, to be changed.
fn registry() -> RwLockWriteGuard<'static, Option<HashSet<u32>>> {
    OURS.write().unwrap_or_else(PoisonError::into_inner)
}

/// The processes of [`OURS`] that have not been seen in their program yet.
#[cfg(target_os = "linux")]
static YOUNG: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Whether a process is being started right now. Until exec is through it holds copies of other
/// programs' pipes and of our sockets, so that an end of input may not have arrived yet.
#[cfg(target_os = "linux")]
pub(crate) fn is_starting() -> bool {
    if OURS.try_read().is_err() {
        return true;
    }
    let mut young = lock(&YOUNG);
    young.retain(|pid| !crate::blocked::is_in_its_program(*pid));
    !young.is_empty()
}

/// The three pipes to a process.
pub(crate) type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// A running process, killed with its whole tree at the latest when this value is dropped.
pub(crate) struct Running {
    process: Process,
    pid: u32,
    pipes: Mutex<Pipes>,
    ended: Mutex<Option<ExitStatus>>,
}

/// Who has started it.
enum Process {
    We(Own),
    #[cfg(target_os = "linux")]
    Server(fork_server::Lent),
}

/// A child of this process, killed with its whole tree at the latest when this value is dropped.
struct Own {
    child: Mutex<Box<dyn ChildWrapper>>,
    pid: u32,
}

impl Running {
    /// Starts `program` with `args` in the folder `cwd`, all three streams piped (standard input
    /// empty unless `input`), free of the variables that belong to the judge.
    pub(crate) fn start(
        program: &Path,
        args: &[std::ffi::OsString],
        cwd: &Path,
        input: bool,
        servers: &Arc<Servers>,
    ) -> std::io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some((lent, pid, pipes)) = servers.start(program, args, cwd, input) {
            lock(&YOUNG).push(pid);
            return Ok(Running::of(Process::Server(lent), pid, pipes));
        }
        #[cfg(not(target_os = "linux"))]
        let _ = servers;
        let mut command = match std::env::var_os("WIRELAB_LAUNCHER") {
            Some(launcher) => {
                let mut command = command(Path::new(&launcher), cwd);
                command.arg(program);
                command
            }
            None => {
                let mut command = command(program, cwd);
                // A launcher does both by itself: with nothing to be done between fork and exec there is no
                // need to copy this process for each start (vfork(2)).
                #[cfg(target_os = "linux")]
                {
                    crate::sys::die_with_parent(&mut command);
                    crate::sys::survive_full_files(&mut command);
                }
                command
            }
        };
        command
            .args(args)
            .stdin(if input { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let own = Own::start(command)?;
        let pid = own.pid;
        let pipes = {
            let mut child = lock(&own.child);
            let stdin = child.stdin().take();
            (stdin, child.stdout().take(), child.stderr().take())
        };
        Ok(Running::of(Process::We(own), pid, pipes))
    }

    fn of(process: Process, pid: u32, pipes: Pipes) -> Self {
        Running {
            process,
            pid,
            pipes: Mutex::new(pipes),
            ended: Mutex::new(None),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The three pipes; each can be taken once.
    pub(crate) fn pipes(&self) -> Pipes {
        std::mem::take(&mut lock(&self.pipes))
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        let mut ended = lock(&self.ended);
        if ended.is_none() {
            *ended = match &self.process {
                // The leader alone: a grandchild must not hide that the program itself has ended.
                Process::We(own) => lock(&own.child).inner_mut().try_wait().ok().flatten(),
                #[cfg(target_os = "linux")]
                Process::Server(lent) => lent.try_wait(),
            };
        }
        *ended
    }

    /// Waits until it has ended, for so long at most; less where nothing tells the end, and it has to be looked for.
    pub(crate) fn wait(&self, time: Duration) {
        #[cfg(target_os = "linux")]
        match &self.process {
            Process::We(own) => {
                if crate::blocked::wait_for_exit(own.pid, time).is_some() {
                    return;
                }
            }
            Process::Server(lent) => return lent.wait(time),
        }
        std::thread::sleep(time.min(Duration::from_millis(1)));
    }
}

impl Own {
    fn start(command: Command) -> std::io::Result<Own> {
        let mut wrap = CommandWrap::from(command);
        #[cfg(unix)]
        wrap.wrap(ProcessGroup::leader());
        #[cfg(windows)]
        wrap.wrap(JobObject);

        let mut ours = registry();
        #[cfg(target_os = "linux")]
        if ours.is_none() {
            // What a program leaves behind when it daemonizes comes to us, and is ended.
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        }
        let child = spawn(&mut wrap)?;
        let pid = child.id();
        ours.get_or_insert_default().insert(pid);
        // Still under the lock of the registry, so that it is never missing from both.
        #[cfg(target_os = "linux")]
        lock(&YOUNG).push(pid);
        Ok(Own {
            child: Mutex::new(child),
            pid,
        })
    }
}

impl Drop for Own {
    /// Ends it and all its descendants.
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        let tree = crate::blocked::tree(self.pid);
        {
            let mut child = lock(&self.child);
            let _ = child.start_kill();
            #[cfg(target_os = "linux")]
            tree.iter().skip(1).for_each(|pid| kill(*pid));
            let _ = child.inner_mut().wait();
        }
        #[cfg(target_os = "linux")]
        sweep(self.pid);
        if let Some(ours) = registry().as_mut() {
            ours.remove(&self.pid);
        }
    }
}

/// `program` in the folder `cwd`, free of the variables that belong to the judge.
fn command(program: &Path, cwd: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(cwd).env("RUST_BACKTRACE", "0");
    let foreign = [
        "WIRELAB_",
        "CARGO",
        "NEXTEST",
        "RUST_TEST",
        "RUSTUP",
        "RUSTC",
        "LD_LIBRARY_PATH",
    ];
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| foreign.iter().any(|prefix| name.starts_with(prefix)))
        {
            command.env_remove(name);
        }
    }
    command
}

/// A binary that was written a moment ago may still be open for writing in a process that another
/// thread is forking (ETXTBSY); that passes by itself.
fn spawn(wrap: &mut CommandWrap) -> std::io::Result<Box<dyn ChildWrapper>> {
    let mut tries = 0;
    loop {
        match wrap.spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy && tries < 100 => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

#[cfg(target_os = "linux")]
fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// Ends what left the program's process group: children that called setsid(2), daemons that forked
/// twice and so became ours.
#[cfg(target_os = "linux")]
fn sweep(group: u32) {
    use crate::blocked::Stat;
    use rustix::process::{Pid, WaitOptions, waitpid};
    let ours = registry();
    // Read where the strays' is read: the session's leader may live outside of our pid namespace,
    // where getsid(2) gives 0, which is no process id.
    let session = |stat: Stat| stat.field::<i64>(3);
    let own = Stat::of("/proc/self/stat").and_then(session);
    for _ in 0..100 {
        let strays: Vec<u32> = crate::blocked::inherited()
            .into_iter()
            .filter(|pid| ours.as_ref().is_none_or(|ours| !ours.contains(pid)))
            .filter(|pid| {
                let Some(stat) = Stat::of(&format!("/proc/{pid}/stat")) else {
                    return false;
                };
                // pgrp and session (proc_pid_stat(5)).
                stat.field(2) == Some(group) || session(stat) != own
            })
            .collect();
        if strays.is_empty() {
            return;
        }
        for stray in strays {
            crate::blocked::tree(stray).into_iter().for_each(kill);
            if let Some(pid) = i32::try_from(stray).ok().and_then(Pid::from_raw) {
                let _ = waitpid(Some(pid), WaitOptions::empty());
            }
        }
    }
}
