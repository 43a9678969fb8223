//! A program's own namespaces, laid out as bubblewrap does it: a start takes a prepared root as it is, and so costs two
//! clones that copy nothing and a handful of mounts, where bubblewrap itself would be two programs more to start before
//! each program.
//!
//! Three processes: the launcher waits outside, the first one inside is what process 1 has to be, and the program is its
//! child, or as a [`fork_server`] one child after another. Neither of the two that wait has a right, or anything else
//! that a program would gain from.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use rustix::fs::StatVfsMountFlags;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, mount_remount, unmount,
};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    DumpableBehavior, Signal, WaitOptions, WaitStatus, pivot_root, set_dumpable_behavior,
    set_parent_process_death_signal, setsid, wait,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};
use seccompiler::BpfProgram;
use serde::{Deserialize, Serialize};

use crate::limits::{close_all, inherit_nothing};
use crate::orders::{kept_variables, named_files, scratch_folder};
use crate::{Limits, Record, filter, fork_server};

/// The id that a program has inside, of user and group: nobody's (the kernel's overflow id).
const NOBODY: u32 = 65_534;
/// Every namespace but the network's, which is the check's as well (namespaces(7)).
const NAMESPACES: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;
/// The exit code of a process that a signal has ended begins here, by the shells' habit.
pub(crate) const SIGNALLED: i32 = 128;
/// How many files and folders may lie in a folder in memory: no size counts those that are empty.
const FILES: u32 = 4096;
/// Room for what a check names to a program, in bytes: names, and nothing behind them.
const NAMES: u64 = 1 << 20;

/// Where a program finds itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Inside {
    /// Its root, laid out by whoever gives the orders, with room at /proc and /tmp; none of it can be written to.
    pub root: PathBuf,
    /// How much it may write to its /tmp, in bytes.
    pub tmp_size: u64,
    /// The system call filter, as the kernel reads it.
    pub filter: PathBuf,
    /// Limits around it, which hold for all programs of a lab together where the kernel counts by user.
    pub around: Limits,
    /// The program's path inside.
    pub program: PathBuf,
    /// Of this folder of the course, files that a check names to the program are shown to it.
    pub data: Option<PathBuf>,
}

impl Inside {
    /// Goes inside, and starts the program there. The process that called this waits outside, and then ends as the
    /// program did: by its exit code, or by its signal.
    ///
    /// # Errors
    /// Why there is no way in, which stands in the record then.
    pub(crate) fn run(
        &self,
        limits: &Limits,
        args: &[OsString],
        record: &Record,
    ) -> anyhow::Result<Infallible> {
        let mut command = self.command();
        command.args(args);
        let start = &mut || self.start(&mut command, record);
        let first = record.heed(self.lead_in(limits, args, record, start))?;
        end_alike(exit_code(end_of(first)?))
    }

    /// Goes inside, and starts the program there as often as it is asked to on standard input, one after the other: see
    /// [`fork_server`]. `files` are what the arguments may name.
    ///
    /// # Errors
    /// Why there is no way in, which stands in the record then.
    pub(crate) fn serve(
        &self,
        limits: &Limits,
        files: &[OsString],
        record: &Record,
    ) -> anyhow::Result<Infallible> {
        let scratch = std::env::temp_dir();
        let rooms = [
            Some(Path::new("/tmp")),
            Some(&scratch),
            self.data.as_deref(),
        ];
        let rooms: Vec<&Path> = rooms.into_iter().flatten().collect();
        let serve = &mut || fork_server::serve(|| self.command(), &rooms);
        let first = record.heed(self.lead_in(limits, files, record, serve))?;
        std::process::exit(exit_code(end_of(first)?))
    }

    /// The program, with the variables that are its own.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(kept_variables());
        command
    }

    /// Starts the first process inside, which does `work` there, and gives its number when it has ended.
    fn lead_in(
        &self,
        limits: &Limits,
        args: &[OsString],
        record: &Record,
        work: &mut dyn FnMut() -> anyhow::Result<i32>,
    ) -> anyhow::Result<u32> {
        let here = scratch_folder()?;
        let files: Vec<PathBuf> = named_files(args, here.as_deref()).collect();
        let filter = filter::read(&self.filter)?;
        let ids = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        inherit_nothing()?;
        self.around.apply()?;
        // Its other end is open as long as the launcher lives.
        let (launcher, alive) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let mut alive = Some(alive);
        let mut first = || -> anyhow::Result<i32> {
            drop(alive.take());
            record.heed(set_parent_process_death_signal(Some(Signal::KILL)).map_err(Into::into))?;
            if rustix::io::read(&launcher, &mut [0]) != Err(rustix::io::Errno::AGAIN) {
                // The check has ended, and the launcher with it.
                return Ok(1);
            }
            record.heed(self.go_in(ids, here.as_deref(), &files, limits, &filter))?;
            record.reached()?;
            work()
        };
        let mut first = || first().unwrap_or_else(|error| crate::failed(&error));
        lend(NAMESPACES, &mut first).context("no namespaces can be had")
    }

    /// Makes this process what the first one inside has to be.
    fn go_in(
        &self,
        ids: (u32, u32),
        here: Option<&Path>,
        files: &[PathBuf],
        limits: &Limits,
        filter: &BpfProgram,
    ) -> anyhow::Result<()> {
        become_nobody(ids).context("the program's user cannot be set")?;
        self.enter(here, files)
            .context("the program's root cannot be entered")?;
        setsid()?;
        limits.apply()?;
        drop_rights().context("rights cannot be dropped")?;
        seccompiler::apply_filter(filter).context("the system call filter cannot be set")
    }

    /// Starts the program and waits for its end: the exit code that says how it ended.
    fn start(&self, command: &mut Command, record: &Record) -> anyhow::Result<i32> {
        // This process is not copied for it (vfork(2)).
        let program = match command.spawn() {
            // Where no process can be had, it is not the program that has failed.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                record.heed(Err(error.into()))
            }
            program => program.map_err(anyhow::Error::from),
        };
        let program =
            program.with_context(|| format!("{} cannot be started", self.program.display()))?;
        close_all()?;
        Ok(exit_code(end_of(program.id())?))
    }

    /// The path inside, as seen from outside.
    fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Makes the prepared root this process's, with a /proc and a /tmp of its own, the check's folder and the files that
    /// are named to the program; nothing else of the machine is left in it.
    fn enter(&self, here: Option<&Path>, files: &[PathBuf]) -> anyhow::Result<()> {
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )?;
        // A mount of this namespace's own, which is what a root has to be (pivot_root(2)).
        mount_bind_recursive(&self.root, &self.root)?;
        let plain = MountFlags::NOSUID | MountFlags::NODEV;
        mount(
            "proc",
            self.at(Path::new("/proc")),
            "proc",
            plain | MountFlags::NOEXEC,
            None,
        )
        .context("/proc")?;
        self.room(Path::new("/tmp"), self.tmp_size)?;
        let scratch = std::env::temp_dir();
        let below = |folder: &Path| files.iter().any(|file| file.starts_with(folder));
        let data = self.data.as_deref().filter(|data| below(data));
        let scratch = Some(scratch.as_path()).filter(|scratch| here.is_some() || below(scratch));
        for folder in data.into_iter().chain(scratch) {
            if !folder.starts_with("/tmp") {
                self.room(folder, NAMES)?;
            }
        }
        for file in files {
            let place = self.at(file);
            let shown = || file.display().to_string();
            fs::create_dir_all(place.parent().unwrap_or(&place)).with_context(shown)?;
            File::create(&place).with_context(shown)?;
            show(file, &place, MountFlags::RDONLY).with_context(shown)?;
        }
        if let Some(here) = here {
            let place = self.at(here);
            fs::create_dir_all(&place)?;
            show(here, &place, MountFlags::empty()).context("the check's folder")?;
        }
        rustix::process::chdir(&self.root)?;
        // The old root comes to lie on the new one, and is taken away.
        pivot_root(".", ".")?;
        unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir(here.unwrap_or(Path::new("/tmp")))?;
        Ok(())
    }

    /// An empty folder in memory, at this path inside.
    fn room(&self, folder: &Path, size: u64) -> anyhow::Result<()> {
        let options = format!("mode=0755,size={size},nr_inodes={FILES}");
        let options = std::ffi::CString::new(options)?;
        mount(
            "tmpfs",
            self.at(folder),
            "tmpfs",
            MountFlags::NOSUID | MountFlags::NODEV,
            options.as_c_str(),
        )
        .with_context(|| folder.display().to_string())
    }
}

/// Shows a file or a folder at another place: no right comes from it, and no device.
fn show(from: &Path, place: &Path, more: MountFlags) -> io::Result<()> {
    mount_bind(from, place)?;
    // What holds already cannot be taken away here, so it is asked for again.
    let holds = rustix::fs::statvfs(place)?.f_flag;
    let mut flags = MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV | more;
    flags.set(
        MountFlags::NOEXEC,
        holds.contains(StatVfsMountFlags::NOEXEC),
    );
    if holds.contains(StatVfsMountFlags::RDONLY) {
        flags |= MountFlags::RDONLY;
    }
    Ok(mount_remount(place, flags, "")?)
}

/// Is nobody inside, and outside still who it was (user_namespaces(7)).
fn become_nobody((user, group): (u32, u32)) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{NOBODY} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{NOBODY} {group} 1"))
}

/// Lets go of every capability for good, and of what others could read of this process: it was started with the check's
/// arguments and variables.
fn drop_rights() -> io::Result<()> {
    clear_ambient_capability_set()?;
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // The kernel has no more.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    drop_capabilities()?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Gives back what root may do, in whatever namespace.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    Ok(set_capabilities(None, sets)?)
}

/// How much room the first process inside has for its stack, in bytes: what it does not use, it does not take.
const STACK: usize = 1 << 20;

/// Has `child` run in a process of its own in new namespaces, which ends with the code that it gives; the process's
/// number once it has ended. It is lent this process's memory, of which nothing is copied, and this process stands still
/// meanwhile (`CLONE_VFORK` and `CLONE_VM` in clone(2)): it ends when it is killed, and hears no other signal.
#[expect(unsafe_code, reason = "clone(2) has no safe name")]
pub(crate) fn lend(namespaces: i32, mut child: &mut dyn FnMut() -> i32) -> io::Result<u32> {
    extern "C" fn run(child: *mut libc::c_void) -> libc::c_int {
        // SAFETY: it is the reference below, which nobody else uses while the process that has it stands still.
        let child = unsafe { &mut *child.cast::<&mut dyn FnMut() -> i32>() };
        child()
    }
    let mut stack: Vec<u128> = Vec::with_capacity(STACK / size_of::<u128>());
    let top = stack.spare_capacity_mut().as_mut_ptr_range().end;
    let flags = namespaces | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack is aligned, grows down from its end, and outlives the child, which this process, of one thread,
    // waits for. The child never returns into this process's own frames: libc ends it with what `run` returns.
    let done = unsafe {
        libc::clone(
            run,
            top.cast(),
            flags,
            std::ptr::from_mut(&mut child).cast(),
        )
    };
    u32::try_from(done).map_err(|_| io::Error::last_os_error())
}

/// Ends as a process did of which process 1 said this exit code: it could not tell a signal otherwise.
#[expect(unsafe_code, reason = "signal(2) and raise(3) have no safe name")]
fn end_alike(code: i32) -> ! {
    if let signal @ 1..=64 = code - SIGNALLED {
        // SAFETY: no handler is set, no memory is touched, and this process has one thread.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
    std::process::exit(code)
}

/// The exit code that says how a process ended.
fn exit_code(status: WaitStatus) -> i32 {
    let signal = status.terminating_signal().map(|signal| SIGNALLED + signal);
    status.exit_status().or(signal).unwrap_or(1)
}

/// Waits for a child, and for whatever else has become one meanwhile; how it ended.
pub(crate) fn end_of(child: u32) -> anyhow::Result<WaitStatus> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if u32::try_from(pid.as_raw_nonzero().get()) == Ok(child) => {
                if status.exited() || status.signaled() {
                    return Ok(status);
                }
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("the program cannot be waited for"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Pid, waitpid};

    use super::*;

    #[test]
    fn what_is_lent_comes_back_changed_with_an_exit_code() {
        let mut lent = 1;
        let first = lend(0, &mut || {
            lent += 1;
            3
        });
        let first = i32::try_from(first.unwrap()).ok().and_then(Pid::from_raw);
        let (_, status) = waitpid(first, WaitOptions::empty()).unwrap().unwrap();
        assert_eq!((lent, status.exit_status()), (2, Some(3)));
        // A thread would have to share the handlers of signals as well (clone(2), EINVAL).
        let none = lend(libc::CLONE_THREAD, &mut || 0);
        assert_eq!(none.unwrap_err().raw_os_error(), Some(libc::EINVAL));
    }
}
