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
mod support;

use support::{Class, ECHO, root, table};

/// What Docker leaves to root (moby, `oci/caps/defaults.go`).
const CAPABILITIES: &str = "-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid,+setuid,+setfcap,+setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write";

/// Runs a command in such a container, whose root is at `place`.
fn contained(place: &Path, command: &str) -> Option<Output> {
    let script = format!(
        "mount --make-rprivate / && mount --rbind / {place} && \
         exec chroot {place} setpriv --inh-caps=-all --bounding-set={CAPABILITIES} sh -c 'cd {root} && exec {command}'",
        place = place.display(),
        root = root().display(),
    );
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .env("WIRELAB_PATIENCE", "0.6")
        .output();
    output.ok()
}

#[test]
fn root_in_a_container_grades_what_can_be_judged_there() {
    let scratch = tempfile::tempdir().unwrap();
    fs::set_permissions(scratch.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let place = scratch.path().join("container");
    fs::create_dir(&place).unwrap();
    let is_one = |output: &Output| output.status.success();
    if !rustix::process::geteuid().is_root()
        || !contained(&place, "true").as_ref().is_some_and(is_one)
    {
        return testkit::skipped(
            Need::Root,
            "only root of this machine can make a container without namespaces",
        );
    }

    let class = Class::new(scratch.path().join("class"));
    class.solution("ada", ECHO);
    // Its checks change limits of a program that is another user's here.
    class.solution("ada", "05-waiting");
    class.solution("grace", ECHO);
    let wrong = "solutions/04-tcp-echo/wrong/asks-the-listening-socket/src";
    for file in fs::read_dir(root().join(wrong)).unwrap() {
        let file = file.unwrap();
        let path = format!("labs/{ECHO}/src/{}", file.file_name().display());
        class.put("grace", &path, fs::read(file.path()).unwrap());
    }
    let out = scratch.path().join("out");
    let run = format!(
        "{} run {} --out {} --labs tcp-echo,waiting",
        env!("CARGO_BIN_EXE_grader"),
        class.dir.display(),
        out.display()
    );
    let output = contained(&place, &run).unwrap();
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
            "missing:waiting"
        };
        assert_eq!(row["flags"], missing);
    }
    let waiting = course.lab("waiting").unwrap().max_points();
    let all = (waiting.core.0 + waiting.bonus.0).to_string();
    let page = fs::read_to_string(out.join("feedback/ada.md")).unwrap();
    assert_eq!(grades["ada"]["waiting"], all, "{page}");
    let most = (core - 1 + waiting.core.0).to_string();
    assert_eq!(grades["ada"]["max"], most);
    let page = fs::read_to_string(out.join("feedback/ada.md")).unwrap();
    assert!(page.contains("counts for nobody"), "{page}");
}
