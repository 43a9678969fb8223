//! A wall without namespaces: another user's id, Landlock, and a system call filter, in the midst of the machine.
//!
//! It is for machines that allow no namespaces. What it cannot do is said in the results: the program shares the
//! machine's network and sees its own processes among all others.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use crate::filter::{self, Family, Others};
use crate::inside::drop_capabilities;

/// The newest rules that are asked for. Of older kernels' rules as many are used as there are.
const RULES: ABI = ABI::V6;

/// What a process may still do once the fence is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// Whom it becomes first; it stays who it is where there is none.
    pub user: Option<User>,
    /// Whether Landlock has to be there.
    pub landlock: bool,
    /// What it may read and run.
    pub read: Vec<PathBuf>,
    /// What it may write as well.
    pub write: Vec<PathBuf>,
    /// Whether it may have sockets.
    pub network: bool,
    /// Whether it may change modes, owners and times of files by their paths, of all files of the user that it is.
    pub by_path: bool,
}

/// An id that is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's and the group's.
    pub uid: u32,
}

impl Fence {
    /// Closes it around this process, which has one thread, for good. `seen` may be read too, and `here` written.
    ///
    /// # Errors
    /// A part of it does not hold.
    pub(crate) fn close(&self, seen: &[PathBuf], here: Option<&Path>) -> anyhow::Result<()> {
        if let Some(user) = self.user {
            user.become_it()?;
        }
        let read = self.read.iter().chain(seen).map(PathBuf::as_path);
        let write = self.write.iter().map(PathBuf::as_path).chain(here);
        let status = restrict(read, write, self.network)
            .context("Landlock cannot be set up (see `dmesg | grep -i landlock`)")?;
        ensure!(
            !self.landlock || status.ruleset != RulesetStatus::NotEnforced,
            "this kernel has no Landlock, or it is switched off (Linux 5.13; `lsm=` on its command line)"
        );
        drop_capabilities().context("rights cannot be dropped")?;
        let families: &[Family] = if self.network {
            &[Family::Internet]
        } else {
            &[]
        };
        // All the rules hold, that of signals too (Linux 6.12).
        let others = if status.ruleset == RulesetStatus::FullyEnforced {
            Others::OutOfReach
        } else {
            Others::Near
        };
        if !self.by_path {
            // The other one allows no more filters.
            seccompiler::apply_filter(&filter::by_path()?)
                .context("the filter of what changes files cannot be set")?;
        }
        seccompiler::apply_filter(&filter::program(families, others)?)
            .context("the system call filter cannot be set")?;
        Ok(())
    }

    /// Whether the kernel enforces Landlock's rules. It is asked by a process of its own, which has them then.
    ///
    /// # Errors
    /// They could not be set up.
    pub fn is_enforced() -> anyhow::Result<bool> {
        let status = restrict([Path::new("/")].into_iter(), std::iter::empty(), true)?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }
}

impl User {
    /// Takes the id for good: no group of before is left.
    fn become_it(self) -> anyhow::Result<()> {
        let parent = rustix::process::getppid();
        take(self.uid).with_context(|| {
            format!(
                "root cannot become another user ({}): it needs CAP_SETUID and CAP_SETGID",
                self.uid
            )
        })?;
        // A change of the id forgets it (PR_SET_PDEATHSIG(2const)).
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if rustix::process::getppid() != parent {
            // The check has ended, and this ends with it.
            std::process::exit(1);
        }
        Ok(())
    }
}

#[expect(
    unsafe_code,
    reason = "the ids of a process have no safe setters that take the whole of it"
)]
fn take(id: u32) -> std::io::Result<()> {
    // SAFETY: these change the ids of this process, which has one thread, and touch no memory.
    let done = unsafe {
        libc::setgroups(0, std::ptr::null()) == 0
            && libc::setresgid(id, id, id) == 0
            && libc::setresuid(id, id, id) == 0
    };
    if done {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}

fn restrict<'p>(
    read: impl Iterator<Item = &'p Path>,
    write: impl Iterator<Item = &'p Path>,
    network: bool,
) -> anyhow::Result<RestrictionStatus> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RULES))?
        .scope(Scope::from_all(RULES))?;
    if !network {
        rules = rules.handle_access(AccessNet::from_all(RULES))?;
    }
    let mut rules = rules.create()?;
    let rights = [
        (read.collect::<Vec<_>>(), AccessFs::from_read(RULES)),
        (write.collect(), AccessFs::from_all(RULES)),
    ];
    for (paths, rights) in rights {
        for path in paths {
            // What is not there needs no rule.
            let Ok(fd) = PathFd::new(path) else { continue };
            let rights = if path.is_dir() {
                rights
            } else {
                rights & AccessFs::from_file(RULES)
            };
            rules = rules
                .add_rule(PathBeneath::new(fd, rights))
                .with_context(|| format!("no rule can be made for {}", path.display()))?;
        }
    }
    Ok(rules.restrict_self()?)
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::fs::{self, FileTimes, OpenOptions, Permissions};
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::time::SystemTime;

    use rustix::process::{Pid, WaitOptions, waitpid};

    use super::*;
    use crate::inside::lend;

    /// Does `act` behind a fence, in a process of its own that stays who it is and writes in `here` only.
    fn behind_a_fence(here: &Path, act: &mut dyn FnMut()) {
        let fence = Fence {
            user: None,
            landlock: false,
            read: Vec::new(),
            write: vec![here.to_owned()],
            network: false,
            by_path: false,
        };
        let child = lend(0, &mut || {
            if let Err(error) = fence.close(&[], None) {
                eprintln!("{error:#}");
                return 1;
            }
            act();
            0
        });
        let child = i32::try_from(child.unwrap()).ok().and_then(Pid::from_raw);
        let (_, status) = waitpid(child, WaitOptions::empty()).unwrap().unwrap();
        assert_eq!(status.exit_status(), Some(0));
    }

    /// What a call answers: nothing, or the error's number.
    #[expect(unsafe_code, reason = "calls that std does not make")]
    fn call(number: i64, arguments: [i64; 6]) -> Option<i32> {
        let [a, b, c, d, e, f] = arguments;
        // SAFETY: what the arguments point to outlives the call, and nothing is written there.
        let done = unsafe { libc::syscall(number, a, b, c, d, e, f) };
        (done < 0)
            .then(std::io::Error::last_os_error)
            .and_then(|error| error.raw_os_error())
    }

    #[test]
    fn a_file_outside_is_not_changed_by_its_path() {
        let (outside, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = outside.path().join("file");
        fs::write(&path, "secret").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let before = || {
            let file = fs::metadata(&path).unwrap();
            let owner = (file.uid(), file.gid());
            (file.mode(), owner, file.len(), file.modified().unwrap())
        };
        let seen = before();
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        let (name, attribute) = (name.as_ptr() as i64, c"user.a".as_ptr() as i64);
        let at = i64::from(libc::AT_FDCWD);
        let owner = i64::from(rustix::process::geteuid().as_raw());
        // Times, a value and its size, and attributes, as zeroes are read.
        let zeroes = [0_u64; 8];
        let zeroes = zeroes.as_ptr() as i64;
        // 463, 466 and 469 are setxattrat(2), removexattrat(2) and file_setattr(2).
        let mut calls = vec![
            // For ioctl(2) alone: Landlock asks for no right then.
            (libc::SYS_openat, [at, name, 3, 0, 0, 0]),
            (libc::SYS_openat2, [at, name, zeroes, 24, 0, 0]),
            (libc::SYS_fchownat, [at, name, owner, owner, 0, 0]),
            (libc::SYS_utimensat, [at, name, 0, 0, 0, 0]),
            (libc::SYS_utimensat, [at, name, zeroes, 0, 0, 0]),
            (libc::SYS_setxattr, [name, attribute, zeroes, 1, 0, 0]),
            (libc::SYS_lsetxattr, [name, attribute, zeroes, 1, 0, 0]),
            (libc::SYS_removexattr, [name, attribute, 0, 0, 0, 0]),
            (libc::SYS_lremovexattr, [name, attribute, 0, 0, 0, 0]),
            (463, [at, name, 0, attribute, zeroes, 16]),
            (466, [at, name, 0, attribute, 0, 0]),
            (469, [at, name, zeroes, 24, 0, 0]),
            (libc::SYS_truncate, [name, 1, 0, 0, 0, 0]),
            (libc::SYS_fchmodat, [at, name, 0, 0, 0, 0]),
            (452, [at, name, 0, 0, 0, 0]),
        ];
        #[cfg(target_arch = "x86_64")]
        calls.extend([
            (libc::SYS_chmod, [name, 0, 0, 0, 0, 0]),
            (libc::SYS_chown, [name, owner, owner, 0, 0, 0]),
            (libc::SYS_lchown, [name, owner, owner, 0, 0, 0]),
            (libc::SYS_utime, [name, 0, 0, 0, 0, 0]),
            (libc::SYS_utimes, [name, 0, 0, 0, 0, 0]),
            (libc::SYS_futimesat, [at, name, 0, 0, 0, 0]),
            (libc::SYS_open, [name, 3, 0, 0, 0, 0]),
        ]);
        let mut answers = Vec::new();
        behind_a_fence(here.path(), &mut || {
            let each = calls
                .iter()
                .map(|(number, arguments)| call(*number, *arguments));
            answers = each.collect();
        });
        let numbers = calls.iter().map(|(number, _)| *number);
        let let_through: Vec<_> = numbers
            .zip(answers)
            .filter(|(_, answer)| *answer != Some(libc::EPERM))
            .collect();
        assert_eq!(let_through, []);
        assert_eq!(before(), seen);
    }

    #[test]
    fn files_of_ones_own_are_changed_by_their_descriptors() {
        let here = tempfile::tempdir().unwrap();
        let path = here.path().join("file");
        let change = || -> std::io::Result<Option<i32>> {
            fs::write(&path, "text")?;
            let file = OpenOptions::new().write(true).truncate(true).open(&path)?;
            file.set_len(3)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH))?;
            std::os::unix::fs::fchown(&file, None, None)?;
            fs::copy(&path, here.path().join("copy"))?;
            fs::rename(here.path().join("copy"), here.path().join("moved"))?;
            let flags = i64::from(libc::O_RDONLY | libc::O_TRUNC);
            let name = CString::new(path.as_os_str().as_bytes())?;
            let arguments = [
                i64::from(libc::AT_FDCWD),
                name.as_ptr() as i64,
                flags,
                0,
                0,
                0,
            ];
            // Without the rules of Linux 6.2, Landlock takes it for reading.
            Ok(call(libc::SYS_openat, arguments))
        };
        let mut done = None;
        behind_a_fence(here.path(), &mut || done = Some(change()));
        let truncated = done.unwrap().unwrap();
        assert_eq!(truncated, Some(libc::EPERM));
        let file = fs::metadata(&path).unwrap();
        assert_eq!((file.mode() & 0o777, file.len()), (0o600, 3));
        assert_eq!(file.modified().unwrap(), SystemTime::UNIX_EPOCH);
    }
}
