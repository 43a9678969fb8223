//! What a check does to a running program by the kernel's means.
use std::time::Duration;

use super::Program;
use crate::wait::TICK;

impl Program {
    /// Lets it have no more than `n` open files at a time, standard streams included (setrlimit(2),
    /// RLIMIT_NOFILE): the next socket it asks for fails with EMFILE. Linux only.
    pub fn limit_open_files(&self, n: u64) -> &Self {
        self.limit(rustix::process::Resource::Nofile, n);
        self.check
            .note("limited", format!("it to {n} open files"), "");
        self
    }

    /// Lets no file of it grow beyond `n` bytes (setrlimit(2), RLIMIT_FSIZE): a write beyond that fails
    /// with EFBIG, as one on a full disk fails with ENOSPC. Linux only.
    pub fn limit_file_size(&self, n: u64) -> &Self {
        self.limit(rustix::process::Resource::Fsize, n);
        self.check
            .note("limited", format!("its files to {n} bytes"), "");
        self
    }

    /// Does `act` while it stands still (SIGSTOP) and accepts and reads nothing: what `act` has done with
    /// its connections has all happened when it goes on. Linux only.
    pub fn while_stopped(&self, act: impl FnOnce()) -> &Self {
        use rustix::process::{Pid, Signal, kill_process};
        let tree = crate::blocked::program(self.pid());
        let send = |signal| {
            for pid in &tree {
                let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw);
                // One that has ended meanwhile stands still, too.
                let _ = pid.map(|pid| kill_process(pid, signal));
            }
        };
        send(Signal::STOP);
        let began = std::time::Instant::now();
        while !crate::blocked::all_stopped(&tree) && self.ended().is_none() {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "the program cannot be stopped"
            );
            std::thread::yield_now();
        }
        self.check.note("stopped", "it, for a moment", "");
        act();
        send(Signal::CONT);
        self.check.note("continued", "it", "");
        self
    }

    /// Does `act` while nobody reads its standard output and it waits in a `write` of a line that finds
    /// no room: not in `recv`, and not in `send`. `print` makes it print a line or more, and is called
    /// until it sleeps though there is more to print; a program that prints nothing for it is left alone
    /// after a while. Linux only.
    pub fn while_unread(&self, mut print: impl FnMut(), act: impl FnOnce()) -> &Self {
        /// No line that makes it wait is longer, in bytes.
        const LINE: usize = 256;
        /// How long nothing may come from a program that sleeps, and from one that may have had no processor.
        const QUIET: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
        self.check.note("left", "its standard output unread", "");
        self.stdout.while_uncollected(|look| {
            let (mut before, mut since) = (look().0, std::time::Instant::now());
            loop {
                print();
                std::thread::sleep(TICK);
                let (waiting, size) = look();
                if waiting != before {
                    (before, since) = (waiting, std::time::Instant::now());
                } else if waiting + LINE > size && self.is_asleep()
                    || since.elapsed() > QUIET[usize::from(!self.is_asleep())]
                    || self.ended().is_some()
                {
                    break;
                }
            }
            act();
        });
        self.check.note("read on", "its standard output", "");
        self
    }

    /// Sets a resource limit for it and all that it started.
    fn limit(&self, resource: rustix::process::Resource, n: u64) {
        use rustix::io::Errno;
        use rustix::process::{Pid, Rlimit, prlimit};
        let limit = Rlimit {
            current: Some(n),
            maximum: Some(n),
        };
        for pid in crate::blocked::program(self.pid()) {
            let of = i32::try_from(pid).ok().and_then(Pid::from_raw);
            match prlimit(of, resource, limit) {
                // One that has ended meanwhile has no more.
                Ok(_) | Err(Errno::SRCH) => {}
                Err(Errno::PERM) if limit_as_its_user(pid, resource, n) => {}
                Err(error) => panic!("the program's limit of {resource:?} cannot be set: {error}"),
            }
        }
    }
}

/// Sets a limit of another user's process as that user, which root may become where it may not do this itself: in a
/// container, without CAP_SYS_RESOURCE. Whether that was done, by prlimit(1).
fn limit_as_its_user(pid: u32, resource: rustix::process::Resource, n: u64) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;
    let name = match resource {
        rustix::process::Resource::Nofile => "nofile",
        rustix::process::Resource::Fsize => "fsize",
        _ => return false,
    };
    let Ok(process) = std::fs::metadata(format!("/proc/{pid}")) else {
        return false;
    };
    let mut command = std::process::Command::new("prlimit");
    // The program's user may read the environment of whatever is started as that user.
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .arg(format!("--pid={pid}"))
        .arg(format!("--{name}={n}:{n}"))
        .uid(process.uid())
        .gid(process.gid());
    command.output().is_ok_and(|output| output.status.success())
}
