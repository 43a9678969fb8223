//! Trouble with the machine is an error that a second run mends, and never a grade.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use assert_cmd::Command;
use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{Class, FIRST, echo_after, grade, table};

/// What takes all memory may take it from the others here, where the kernel counts for the whole machine alone.
static MACHINE: RwLock<()> = RwLock::new(());

fn with_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// A class of one, whose work is right, in a folder that everybody may read.
fn class() -> (tempfile::TempDir, Class) {
    let scratch = tempfile::tempdir().unwrap();
    open(scratch.path());
    let class = Class::new(scratch.path().join("submissions"));
    class.solution("honest", FIRST);
    (scratch, class)
}

fn open(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a shell does in bubblewrap's place that fails as it does without memory.
const NO_MEMORY: &str =
    "echo 'bwrap: Creating new namespace failed: Cannot allocate memory' >&2; exit 1";
/// What a shell does to bubblewrap's arguments, so that programs find a root without a place for /proc.
const NO_PROC: &str = r#"n=$#
while [ $n -gt 0 ]; do
    case "$1 $2" in
        "--dir "*/root/proc) shift 2; n=$((n - 2));;
        *) set -- "$@" "$1"; shift; n=$((n - 1));;
    esac
done"#;

/// bubblewrap, but where its arguments hold `word`, a shell does `trouble` first.
fn failing(dir: &Path, word: &str, trouble: &str) -> PathBuf {
    let bin = dir.join("bin");
    fs::create_dir(&bin).unwrap();
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("bwrap"))
        .find(|path| path.is_file())
        .unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *{word}*)\n{trouble}\n;; esac\nexec {} \"$@\"\n",
        real.display()
    );
    fs::write(bin.join("bwrap"), script).unwrap();
    for path in [&bin, &bin.join("bwrap")] {
        open(path);
    }
    bin
}

/// The first run says `reason` and gives no grade; the second, on a machine that is well again, gives all points.
fn is_mended(scratch: &Path, class: &Class, mut first: Command, reason: &str) {
    let out = scratch.join("out");
    let done = first.assert().code(3);
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    let row = table(&out.join("grades.csv")).remove("honest").unwrap();
    assert!(
        row["flags"].contains("error:first-contact"),
        "{row:?}\n{said}"
    );
    assert!(!row["flags"].contains("does-not-compile"), "{row:?}");
    let json = fs::read_to_string(out.join("grades.json")).unwrap();
    assert!(json.contains(reason), "{json}");

    grade(&class.dir, &out, &["--resume"]).assert().success();
    let row = table(&out.join("grades.csv")).remove("honest").unwrap();
    assert!(!row["flags"].contains("error"), "{row:?}");
    assert_eq!(row["first-contact"], "9", "{row:?}");
}

fn with_path(class: &Class, out: &Path, bin: &Path) -> Command {
    let path = std::env::var("PATH").unwrap();
    let mut command = grade(&class.dir, out, &[]);
    command.env("PATH", format!("{}:{path}", bin.display()));
    command
}

#[test]
fn a_program_whose_sandbox_does_not_start_has_no_grade_yet() {
    let _machine = with_others();
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let (scratch, class) = class();
    let bin = failing(scratch.path(), "/root/program/first-contact", NO_PROC);
    let first = with_path(&class, &scratch.path().join("out"), &bin);
    is_mended(scratch.path(), &class, first, "the sandbox did not start");
}

#[test]
fn a_compiler_whose_sandbox_does_not_start_has_no_grade_yet() {
    let _machine = with_others();
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let (scratch, class) = class();
    let bin = failing(scratch.path(), "/toolchain/bin/rustc", NO_MEMORY);
    let first = with_path(&class, &scratch.path().join("out"), &bin);
    is_mended(scratch.path(), &class, first, "the compiler did not start");
}

#[test]
fn a_full_disk_is_no_grade() {
    let _machine = with_others();
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let (scratch, class) = class();
    // A program that is larger than the disk below, whatever else lies there.
    let items = "#[used]\nstatic LARGE: [u8; 8 << 20] = [1; 8 << 20];";
    class.with_echo("honest", &echo_after(items, ""));
    let out = scratch.path().join("out");
    let temporary = scratch.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    open(&temporary);
    // A disk with room for the sources, and not for the program.
    let graded = grade(&class.dir, &out, &[]);
    let mut first = Command::new("bwrap");
    first
        .args(["--dev-bind", "/", "/", "--cap-add", "ALL"])
        .args(["--size", "3145728", "--tmpfs"])
        .arg(&temporary)
        .arg("--")
        .arg(graded.get_program())
        .args(graded.get_args())
        .current_dir(support::root())
        .env("TMPDIR", &temporary);
    is_mended(scratch.path(), &class, first, "MiB are free in");
}

/// A control group whose processes have so much memory together, and no more; it ends with the value.
struct Group(PathBuf);

impl Group {
    /// In version 1 or 2 of control groups (cgroups(7)); none where this machine lets us make none.
    fn with_memory(bytes: u64) -> Option<Group> {
        let name = format!("wirelab-{}", std::process::id());
        [
            (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.swappiness",
            ),
            ("/sys/fs/cgroup", "memory.max", "memory.swap.max"),
        ]
        .into_iter()
        .find_map(|(parent, limit, swap)| {
            let group = Group(Path::new(parent).join(&name));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(limit), bytes.to_string()).ok()?;
            // What could be swapped out would not run out; many a system has nothing to swap to.
            let _ = fs::write(group.0.join(swap), "0");
            Some(group)
        })
    }

    /// The command, within.
    fn of(&self, command: &Command) -> Command {
        let mut inside = Command::new("sh");
        inside
            .args(["-c", "echo $$ > \"$0\" && exec \"$@\""])
            .arg(self.0.join("cgroup.procs"))
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(support::root());
        for (name, value) in command.get_envs() {
            inside.env(name, value.unwrap_or_default());
        }
        inside
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn no_memory_is_no_grade() {
    let _machine = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let Some(group) = Group::with_memory(600 << 20) else {
        return testkit::skipped(
            Need::Root,
            "no control group with a limit of memory can be made",
        );
    };
    let (scratch, class) = class();
    let out = scratch.path().join("out");
    // Once without the limit: it may have to build the checks.
    grade(&class.dir, &scratch.path().join("warm"), &[])
        .assert()
        .success();
    // Each of its programs may have as much, but all checks' together are more than there is.
    let act = "let memory = vec![1_u8; 400 << 20];
    std::thread::sleep(std::time::Duration::from_secs(1));
    std::hint::black_box(memory);";
    class.with_echo("greedy", &echo_after("", act));

    group.of(&grade(&class.dir, &out, &[])).assert().code(3);
    let rows = table(&out.join("grades.csv"));
    assert!(
        rows["greedy"]["flags"].contains("error:first-contact"),
        "{rows:?}"
    );
    assert_eq!(rows["greedy"]["first-contact"], "", "{rows:?}");
    // Whoever was graded beside it was tried once more, alone.
    assert_eq!(rows["honest"]["first-contact"], "9", "{rows:?}");
    let json = fs::read_to_string(out.join("grades.json")).unwrap();
    assert!(json.contains("ran out of memory"), "{json}");

    grade(&class.dir, &out, &["--resume"]).assert().success();
    let rows = table(&out.join("grades.csv"));
    assert!(!rows["greedy"]["flags"].contains("error"), "{rows:?}");
    assert_eq!(rows["honest"]["first-contact"], "9", "{rows:?}");
}
