//! The third tier where it is meant for: root in a container with Docker's default capabilities, whose profile forbids
//! namespaces. Here that is a mount namespace of the test's own, and a changed root in it, from which the kernel makes
//! no user namespace (clone(2), EPERM).
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use testkit::Need;

#[path = "support/class.rs"]
mod class;
#[path = "support/gradescope.rs"]
mod gradescope;

use class::{Class, ECHO, FIRST, echo_after, open_scratch, root, table};
use gradescope::{Harness, image};

/// What Docker leaves to root (moby, `oci/caps/defaults.go`).
const CAPABILITIES: &str = "-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid,+setuid,+setfcap,+setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write";

/// Starts its arguments as if the kernel had Landlock switched off: landlock_create_ruleset(2) fails with EOPNOTSUPP, by a
/// filter of four instructions (seccomp(2)).
const WITHOUT_LANDLOCK: &str = r#"
import ctypes, os, struct, sys
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x5005F), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
for call in [(38, 1, 0, 0, 0), (22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0)]:
    if libc.prctl(*call) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"#;

/// Whether a container can be made here.
fn is_possible(place: &Path) -> bool {
    let is_one = |output: &Output| output.status.success();
    let possible = rustix::process::geteuid().is_root()
        && contained(place, "", "true")
            .output()
            .as_ref()
            .is_ok_and(is_one);
    if !possible {
        testkit::skipped(
            Need::Root,
            "only root of this machine can make a container without namespaces",
        );
    }
    possible
}

/// Runs a command in such a container, whose root is at `place`, after these mounts.
fn contained(place: &Path, mounts: &str, command: &str) -> Command {
    let script = format!(
        "mount --make-rprivate / && {mounts} mount --rbind / {place} && \
         exec chroot {place} setpriv --inh-caps=-all --bounding-set={CAPABILITIES} sh -c 'cd {root} && exec {command}'",
        place = place.display(),
        root = root().display(),
    );
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", &script])
        .env("WIRELAB_PATIENCE", "0.6");
    command
}

#[test]
fn root_in_a_container_grades_what_can_be_judged_there() {
    let scratch = tempfile::tempdir().unwrap();
    fs::set_permissions(scratch.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let place = scratch.path().join("container");
    fs::create_dir(&place).unwrap();
    if !is_possible(&place) {
        return;
    }

    let class = Class::new(scratch.path().join("class"));
    class.solution("ada", ECHO);
    // Their checks change limits of a program that is another user's here, and make folders for one to write into.
    for lab in ["05-waiting", "15-file-transfer"] {
        class.solution("ada", lab);
    }
    class.solution("grace", ECHO);
    let wrong = "solutions/04-tcp-echo/wrong/asks-the-listening-socket/src";
    for file in fs::read_dir(root().join(wrong)).unwrap() {
        let file = file.unwrap();
        let path = format!("labs/{ECHO}/src/{}", file.file_name().display());
        class.put("grace", &path, fs::read(file.path()).unwrap());
    }
    let out = scratch.path().join("out");
    let run = format!(
        "{} run {} --out {} --labs tcp-echo,waiting,file-transfer",
        env!("CARGO_BIN_EXE_grader"),
        class.dir.display(),
        out.display()
    );
    let output = contained(&place, "", &run).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Sandbox  uid"), "{said}");
    let note = "note: tcp-echo: names_the_address_that_the_client_connected_to was not judged, and counts for nobody (points: 1)";
    assert!(said.contains(note), "{said}");

    // Both earn all that is left: what grace got wrong cannot be told here, and counts for nobody.
    let course = course::Course::load(root()).unwrap();
    let lab = course.lab("tcp-echo").unwrap();
    let hidden = course::Hidden::of(lab).unwrap().unwrap();
    let core = lab.max_points().core.0 + hidden.max_points().core.0;
    let grades = table(&out.join("grades.csv"));
    for student in ["ada", "grace"] {
        let row = &grades[student];
        let page = fs::read_to_string(out.join(format!("feedback/{student}.md"))).unwrap();
        assert_eq!(
            row["tcp-echo"],
            (core - 1).to_string(),
            "{row:?}\n{said}\n{page}"
        );
        let missing = if student == "ada" {
            ""
        } else {
            "missing:waiting missing:file-transfer"
        };
        assert_eq!(row["flags"], missing);
    }
    let page = fs::read_to_string(out.join("feedback/ada.md")).unwrap();
    let mut most = core - 1;
    for topic in ["waiting", "file-transfer"] {
        let points = course.lab(topic).unwrap().max_points();
        let all = (points.core.0 + points.bonus.0).to_string();
        assert_eq!(grades["ada"][topic], all, "{page}");
        most += points.core.0;
    }
    assert_eq!(grades["ada"]["max"], most.to_string());
    assert!(page.contains("counts for nobody"), "{page}");
}

/// What an echo looks for that is not to be found. HERE is the harness's folder, and submissions are graded in TEMPORARY;
/// what another grader does on this machine meanwhile is nothing of ours.
const LOOKS: &str = r#"
    let found = |path: &std::path::Path| {
        eprintln!("found {}", path.display());
        std::process::exit(3);
    };
    for path in ["source/course/course.toml", "source/secret", "source/course/labs/02-names/tests/checks.rs", "source/target/grade/target/debug"] {
        let path = std::path::Path::new("HERE").join(path);
        if path.exists() { found(&path); }
    }
    // Whatever others are called with.
    let own = std::env::current_exe().unwrap();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        for word in words.split(|byte| *byte == 0) {
            let word = String::from_utf8_lossy(word).into_owned();
            let path = std::path::Path::new(&word);
            let ours = word.starts_with("HERE/source") || word.starts_with("TEMPORARY/wirelab-grade-");
            if ours && path != own && !word.ends_with("/wirelab-launch") && std::fs::read(path).is_ok() { found(path); }
        }
    }
"#;

/// What an echo does that has all the room it wants in a folder which is everybody's.
const FILLS: &str = r#"
    let block = vec![1_u8; 32 << 20];
    for n in 0..20 {
        let _ = std::fs::write(format!("/var/tmp/wirelab-fills-{n}"), &block);
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
"#;

#[test]
fn without_landlock_either_a_submission_reads_nothing_of_the_course_and_fills_no_disk() {
    let (scratch, temporary) = open_scratch();
    let place = scratch.path().join("container");
    fs::create_dir(&place).unwrap();
    if !is_possible(&place) || !testkit::need(Need::Python) {
        return;
    }
    let labs = ["first-contact", "names"];
    let harness = Harness::of(&labs);
    let here = harness.path("");
    let here = here.to_str().unwrap().trim_end_matches('/');
    for lab in [FIRST, "02-names"] {
        harness.solution(lab);
    }
    let looks = LOOKS.replace("TEMPORARY", temporary.to_str().unwrap());
    let looks = echo_after("", &looks.replace("HERE", here));
    harness.put("labs/00-first-contact/src/echo.rs", looks.as_bytes());

    // What was compiled lies within the course there, and the toolchain where everybody may read it.
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = String::from_utf8(sysroot.unwrap().stdout).unwrap();
    let toolchains = Path::new(sysroot.trim()).ancestors().nth(2).unwrap();
    let mut mounts = String::new();
    for (from, to) in [(image().as_path(), "source/target"), (toolchains, "rust")] {
        let to = harness.path(to);
        fs::create_dir(&to).unwrap();
        mounts += &format!("mount --bind {} {} && ", from.display(), to.display());
    }
    let python = scratch.path().join("without-landlock.py");
    fs::write(&python, WITHOUT_LANDLOCK).unwrap();
    let run = format!("python3 {} {here}/run_autograder", python.display());
    let again = || {
        let mut command = contained(&place, &mounts, &run);
        harness.environment(&mut command);
        command
            .env("TMPDIR", &temporary)
            .env("CARGO_TARGET_DIR", harness.path("source/target"))
            .env("RUSTUP_HOME", harness.path("rust"));
        command
    };
    let output = again().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("There is no Landlock here"), "{said}");
    let results = harness.results();
    for test in results["tests"].as_array().unwrap() {
        assert_eq!(test["status"], "passed", "{test:#}\n{said}");
    }

    // Where everybody may write there is no room without end, and nothing stays.
    harness.solution(FIRST);
    let fills = echo_after("", FILLS);
    harness.put("labs/00-first-contact/src/echo.rs", fills.as_bytes());
    let output = again().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let results = harness.results().to_string();
    assert!(results.contains("signal 9"), "{results}");
    assert!(!Path::new("/var/tmp/wirelab-fills-0").exists());

    // A course that everybody may read is not graded there.
    let class = Class::new(scratch.path().join("class"));
    class.solution("ada", FIRST);
    let run = format!(
        "python3 {} {} run {} --out {} --labs first-contact --sandbox uid",
        python.display(),
        env!("CARGO_BIN_EXE_grader"),
        class.dir.display(),
        scratch.path().join("out").display()
    );
    let output = contained(&place, "", &run).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("take everybody's rights from it"), "{said}");
}
