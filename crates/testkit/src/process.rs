//! A process that ends with its check, and all that it started with it.
use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

#[cfg(windows)]
use process_wrap::std::JobObject;
#[cfg(unix)]
use process_wrap::std::ProcessGroup;
use process_wrap::std::{ChildWrapper, CommandWrap};

use crate::check::lock;

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
    let mut young = YOUNG.lock().unwrap_or_else(PoisonError::into_inner);
    young.retain(|pid| !crate::blocked::is_in_its_program(*pid));
    !young.is_empty()
}

/// A running process, killed with its whole tree at the latest when this value is dropped.
pub(crate) struct Running {
    child: Mutex<Box<dyn ChildWrapper>>,
    pid: u32,
    ended: Mutex<Option<ExitStatus>>,
}

impl Running {
    /// Starts `program` with `args` in the folder `cwd`, all three streams piped (standard input
    /// empty unless `input`), free of the variables that belong to the judge.
    pub(crate) fn start(
        program: &Path,
        args: &[std::ffi::OsString],
        cwd: &Path,
        input: bool,
    ) -> std::io::Result<Self> {
        let launcher = std::env::var_os("WIRELAB_LAUNCHER");
        #[cfg(target_os = "linux")]
        let is_launched = launcher.is_some();
        let mut command = match launcher {
            Some(launcher) => {
                let mut command = Command::new(launcher);
                command.arg(program);
                command
            }
            None => Command::new(program),
        };
        command
            .args(args)
            .current_dir(cwd)
            .env("RUST_BACKTRACE", "0")
            .stdin(if input { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
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
        // A launcher does both by itself: with nothing to be done between fork and exec there is no need
        // to copy this process for each start (vfork(2)).
        #[cfg(target_os = "linux")]
        if !is_launched {
            crate::sys::die_with_parent(&mut command);
            crate::sys::survive_full_files(&mut command);
        }
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
        YOUNG
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(pid);
        Ok(Running {
            child: Mutex::new(child),
            pid,
            ended: Mutex::new(None),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The three pipes; each can be taken once.
    pub(crate) fn pipes(
        &self,
    ) -> (
        Option<std::process::ChildStdin>,
        Option<std::process::ChildStdout>,
        Option<std::process::ChildStderr>,
    ) {
        let mut child = lock(&self.child);
        (
            child.stdin().take(),
            child.stdout().take(),
            child.stderr().take(),
        )
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        let mut ended = lock(&self.ended);
        if ended.is_none() {
            // The leader alone: a grandchild must not hide that the program itself has ended.
            *ended = lock(&self.child).inner_mut().try_wait().ok().flatten();
        }
        *ended
    }

    /// Waits until it has ended, for so long at most; less where nothing tells the end, and it has to be looked for.
    pub(crate) fn wait(&self, time: Duration) {
        #[cfg(target_os = "linux")]
        if crate::blocked::wait_for_exit(self.pid, time).is_some() {
            return;
        }
        std::thread::sleep(time.min(Duration::from_millis(1)));
    }

    /// Ends it and all its descendants.
    pub(crate) fn kill(&self) {
        #[cfg(target_os = "linux")]
        let tree = crate::blocked::tree(self.pid);
        {
            let mut child = lock(&self.child);
            let _ = child.start_kill();
            #[cfg(target_os = "linux")]
            tree.iter().skip(1).for_each(|pid| kill(*pid));
            let mut ended = lock(&self.ended);
            if ended.is_none() {
                *ended = child.inner_mut().wait().ok();
            }
        }
        #[cfg(target_os = "linux")]
        sweep(self.pid);
        if let Some(ours) = registry().as_mut() {
            ours.remove(&self.pid);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
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
