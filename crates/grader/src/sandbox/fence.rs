//! The second and the third tier, for machines without bubblewrap's namespaces: Landlock, and another user's id.
//!
//! Neither has a process namespace, so what a submission leaves behind is looked for, and ended, when it has been
//! judged. Files it can only leave in folders that everybody may write to, and only where there is no Landlock; they are
//! removed with it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use course::Course;
use launch::{Fence, Limits, User, Wall};
use testkit::folder;

use crate::{files, scratch};

use super::{
    ALTERNATIVES, DEVICES, LIBRARIES, PROGRAMS, RESOLVER, Sight, Tier, Trial, apart, in_role,
    ports, rustc, there, watch,
};

/// The folders in which everybody may write.
pub(super) const EVERYBODYS: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/run/lock"];
/// How long the end of a submission's processes is waited for.
const END: Duration = Duration::from_secs(30);
/// How long it is waited for ports: twice as long as a connection keeps its port when it has ended.
const PORTS: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub(super) struct Walls {
    /// Whether each submission gets another user's id.
    other_ids: bool,
    /// Whether Landlock is enforced.
    landlock: bool,
    /// Whether each judge has a network of its own.
    network: bool,
    roles: PathBuf,
    ids: apart::Ids,
}

impl Walls {
    pub(super) fn set_up(
        other_ids: bool,
        course: &Course,
        roles: &Path,
    ) -> anyhow::Result<(Walls, Vec<String>)> {
        ensure!(
            other_ids == apart::is_root(),
            "{}",
            if other_ids {
                "only root can give another user's id to a program"
            } else {
                "it does not hold root; root takes the tier uid"
            }
        );
        // Asked of a process of its own: whoever asks is bound by the answer.
        let landlock = in_role(roles, launch::PROBE)
            .arg(launch::IS_ENFORCED)
            .output()
            .is_ok_and(|output| output.status.success());
        ensure!(
            landlock || other_ids,
            "this kernel has no Landlock, or it is switched off (Linux 5.13, `lsm=` on its command line)"
        );
        let network = !other_ids && apart::has_networks();
        let mut notes = Vec::new();
        if !network {
            notes.push("Programs share the machine's network: they reach what it reaches, and a port may be taken. So one submission is graded at a time, unless --jobs says otherwise. Checks that need a network of their own are not judged, and count for nobody.".to_owned());
        }
        if !landlock {
            notes.push(
                "There is no Landlock here: programs read what everybody on the machine may read."
                    .to_owned(),
            );
        }
        notes.push("There is no process namespace: programs see the machine's other processes, and are ended one by one.".to_owned());
        let walls = Walls {
            other_ids,
            landlock,
            network,
            roles: roles.to_owned(),
            ids: apart::Ids::default(),
        };
        // The solutions' programs are in the target folder.
        let target = course.target_dir();
        walls.hides(course.root())?;
        if target.exists() {
            walls.hides(&target)?;
        }
        Ok((walls, notes))
    }

    /// Makes sure that submissions cannot read what lies at `path`, where Landlock does not. A folder in which everybody
    /// may write is no place for anything but scratch folders, which are closed.
    ///
    /// # Errors
    /// They could.
    pub(super) fn hides(&self, path: &Path) -> anyhow::Result<()> {
        let scratch = || std::env::temp_dir().canonicalize();
        ensure!(
            self.landlock
                || scratch().is_ok_and(|scratch| path == scratch)
                || apart::is_readable_by_others(path).is_err(),
            "submissions could read {}, and there is no Landlock to keep them from it: take everybody's rights from it (`chmod go-rwx`)",
            path.display()
        );
        Ok(())
    }

    pub(super) fn has_networks(&self) -> bool {
        self.network
    }

    pub(super) fn tier(&self) -> Tier {
        if self.other_ids {
            Tier::Uid
        } else {
            Tier::Landlock
        }
    }

    /// Whom a submission's programs become.
    fn user(&self, scratch: &Path) -> Option<User> {
        let uid = self.other_ids.then(|| self.ids.of(scratch))?;
        uid.map(|uid| User { uid })
    }

    fn fence(&self, user: Option<User>) -> Fence {
        let read = there(LIBRARIES).chain(there(RESOLVER)).map(PathBuf::from);
        Fence {
            user,
            landlock: self.landlock,
            read: read.chain([own_process()]).collect(),
            write: there(DEVICES).map(PathBuf::from).collect(),
            network: true,
            // Another user's id has no files but what it was given.
            by_path: user.is_some(),
        }
    }

    /// What stands around each program.
    pub(super) fn wall(&self, trial: &Trial<'_>) -> Wall {
        Wall::Fence(self.fence(self.user(trial.scratch)))
    }

    /// What the judge has to watch.
    pub(super) fn watched(&self, trial: &Trial<'_>, alone: bool) -> watch::Open {
        let ender = self.roles.join(launch::END);
        watch::Open {
            folder: trial.temporary(),
            user: self.user(trial.scratch).map(|user| (user.uid, ender)),
            network: self.network,
            alone,
            elsewhere: !self.landlock,
        }
    }

    /// The limits of a program: the kernel counts its processes together with all others of the same user.
    pub(super) fn limits(&self) -> Limits {
        let limits = Limits::fenced();
        let others = if self.other_ids {
            0
        } else {
            watch::processes(apart::user())
        };
        Limits {
            processes: limits.processes + others,
            ..limits
        }
    }

    /// Lets the program's user through to the program, and to no more.
    pub(super) fn open(&self, trial: &Trial<'_>) -> anyhow::Result<()> {
        if !self.other_ids {
            return Ok(());
        }
        let program = trial.program.ancestors().skip(1);
        let folders = program.take_while(|folder| folder.starts_with(trial.scratch));
        for folder in folders.chain([trial.temporary().as_path()]) {
            fs::set_permissions(folder, Permissions::from_mode(0o711))
                .with_context(|| format!("{} cannot be opened", folder.display()))?;
        }
        // Where several are graded at a time, no other's.
        self.show(trial.scratch, trial.program)?;
        if trial.request().exists() {
            fs::set_permissions(trial.request(), Permissions::from_mode(0o600))?;
        }
        apart::is_readable(trial.scratch)
    }

    /// Lets the submission in `scratch` read what lies at `path`, and run it where it is a program; nobody else.
    fn show(&self, scratch: &Path, path: &Path) -> anyhow::Result<()> {
        let group = self.user(scratch).map(|user| user.uid);
        chown(path, None, group)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o750)))
            .with_context(|| format!("{} cannot be given away", path.display()))
    }

    /// Where a program finds what its checks name to it, where the course is closed to it.
    pub(super) fn data(&self, trial: &Trial<'_>) -> anyhow::Result<Option<PathBuf>> {
        let closed = |data: &&PathBuf| apart::is_readable(data).is_err();
        let Some(data) = trial.data.as_ref().filter(closed) else {
            return Ok(None);
        };
        let copy = trial.scratch.join("data");
        // For everybody who may go into `copy` itself, whatever the modes are in the course.
        fs::create_dir(&copy)?;
        for file in files::files_below(data)? {
            let to = copy.join(file.strip_prefix(data)?);
            let folder = to.parent().unwrap_or(&copy);
            fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
            for folder in folder.ancestors().take_while(|folder| **folder != copy) {
                fs::set_permissions(folder, Permissions::from_mode(0o755))?;
            }
            scratch::copy_with_mode(&file, &to, 0o644)?;
        }
        self.show(trial.scratch, &copy)?;
        Ok(Some(copy))
    }

    pub(super) fn run(
        &self,
        trial: &Trial<'_>,
        args: &[PathBuf],
        limit: Duration,
    ) -> anyhow::Result<String> {
        let temporary = trial.temporary();
        if self.network {
            return apart::run(&args[0], &args[1..], &temporary, None, limit);
        }
        // Whoever was judged before may have left none of them, and no process to be ended.
        let deadline = Instant::now() + PORTS;
        while ports::taken() > ports::range() / 2 {
            ensure!(
                Instant::now() < deadline,
                "too few ports are free on this machine: half of them wait for their connections' end (`ss --tcp state time-wait`)"
            );
            thread::sleep(Duration::from_millis(200));
        }
        let mut command = Command::new(&args[0]);
        command.args(&args[1..]).env_clear().current_dir("/");
        apart::environment(&mut command, &temporary);
        let said = apart::finish(command, limit);
        self.end(trial)?;
        said
    }

    /// Ends what the submission has left, and removes its files.
    fn end(&self, trial: &Trial<'_>) -> anyhow::Result<()> {
        let Some(User { uid }) = self.user(trial.scratch) else {
            return Ok(());
        };
        let deadline = Instant::now() + END;
        while watch::processes(uid) > 0 {
            ensure!(
                Instant::now() < deadline,
                "processes of user {uid} do not end"
            );
            watch::end_user(&self.roles.join(launch::END), uid);
        }
        for path in EVERYBODYS
            .map(|folder| watch::of_user(folder, uid))
            .concat()
        {
            if fs::remove_file(&path).is_err() {
                folder::remove(&path);
            }
        }
        Ok(())
    }

    /// Whom the compiler becomes. Root's own toolchain only root can read; what it compiles runs nothing, and Landlock
    /// holds root's reading as well.
    fn compilers_user(&self, sight: &Sight<'_>, scratch: &Path) -> anyhow::Result<Option<User>> {
        let Some(user) = self.user(scratch) else {
            return Ok(None);
        };
        let all = [sight.toolchain, sight.dependencies];
        let readable = all.into_iter().try_for_each(apart::is_readable_by_others);
        if self.landlock && readable.is_err() {
            return Ok(None);
        }
        readable.context(
            "the compiler runs as another user; put the toolchain where everybody may read (RUSTUP_HOME)",
        )?;
        Ok(Some(user))
    }

    pub(super) fn compiler(
        &self,
        sight: &Sight<'_>,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Command> {
        let scratch = sight.out.parent().unwrap_or(sight.out);
        let user = self.compilers_user(sight, scratch)?;
        if let Some(User { uid }) = user {
            apart::give_away(&[sight.out], uid)?;
            self.show(scratch, sight.source)?;
            fs::set_permissions(scratch, Permissions::from_mode(0o711))?;
        }
        let system = there(PROGRAMS)
            .chain(there(ALTERNATIVES))
            .map(PathBuf::from);
        let ours = [sight.toolchain, sight.dependencies, sight.source].map(Path::to_owned);
        let fence = Fence {
            read: system.chain(ours).chain([own_process()]).collect(),
            write: there(DEVICES)
                .map(PathBuf::from)
                .chain([sight.out.to_owned()])
                .collect(),
            network: false,
            // Linkers make what they have written executable (GNU ld does it by its path); nothing of a submission runs.
            by_path: true,
            ..self.fence(user)
        };
        let mut command = in_role(&self.roles, launch::FENCED);
        command
            .arg(std::process::id().to_string())
            .arg(serde_json::to_string(&fence)?)
            .arg(serde_json::to_string(&Limits::compiler())?)
            .arg(sight.record)
            .arg(rustc(sight.toolchain))
            .current_dir(sight.source)
            .env("PATH", "/usr/bin:/bin")
            .env("TMPDIR", sight.out)
            .envs(environment.iter().copied());
        Ok(command)
    }
}

/// What a process reads of itself. Opened by the launcher, it is the launcher's, whose place the program takes.
fn own_process() -> PathBuf {
    PathBuf::from("/proc/self")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;

    use super::*;

    #[test]
    fn what_checks_name_is_copied_where_the_course_is_closed() {
        if !apart::is_root() {
            return;
        }
        let walls = Walls {
            other_ids: true,
            landlock: true,
            network: false,
            roles: PathBuf::new(),
            ids: apart::Ids::default(),
        };
        let (course, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data = course.path().join("data");
        fs::create_dir_all(data.join("site/pictures")).unwrap();
        fs::write(data.join("site/pictures/dot"), ".").unwrap();
        fs::set_permissions(data.join("site"), Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o711)).unwrap();
        let trial = Trial {
            scratch: scratch.path(),
            program: Path::new(""),
            data: Some(data),
        };
        fs::set_permissions(course.path(), Permissions::from_mode(0o755)).unwrap();
        assert_eq!(walls.data(&trial).unwrap(), None);
        fs::set_permissions(course.path(), Permissions::from_mode(0o700)).unwrap();
        let copy = walls.data(&trial).unwrap().unwrap();
        let read = Command::new("cat")
            .arg(copy.join("site/pictures/dot"))
            .uid(walls.user(scratch.path()).unwrap().uid)
            .gid(walls.user(scratch.path()).unwrap().uid)
            .output()
            .unwrap();
        assert_eq!(read.stdout, b".", "{read:?}");
    }
}
