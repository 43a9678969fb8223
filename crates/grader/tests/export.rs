//! What is carried elsewhere, tried in a copy of where it goes.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;
use testkit::Need;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../..").canonicalize().unwrap()
}

fn grader() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command.current_dir(root());
    command
}

/// Gradescope's folders.
struct Harness {
    dir: tempfile::TempDir,
}

impl Harness {
    /// Unpacks the autograder as Gradescope does, and makes the image.
    fn set_up(zip: &Path) -> Harness {
        let dir = tempfile::tempdir().unwrap();
        // As in an image: anybody can get there.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let harness = Harness { dir };
        let mut archive = zip::ZipArchive::new(fs::File::open(zip).unwrap()).unwrap();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).unwrap();
            let path = harness.path("source").join(&*file.name().unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            fs::write(&path, bytes).unwrap();
            let mode = file.unix_mode().unwrap() & 0o777;
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        fs::copy(
            harness.path("source/run_autograder"),
            harness.path("run_autograder"),
        )
        .unwrap();
        fs::create_dir_all(harness.path("results")).unwrap();
        let done = harness.script("source/setup.sh");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        harness
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn script(&self, script: &str) -> Output {
        std::process::Command::new(self.path(script))
            .current_dir(self.dir.path())
            .env("AUTOGRADER_ROOT", self.dir.path())
            .env("GRADER", env!("CARGO_BIN_EXE_grader"))
            // What was compiled for the last of these images serves this one.
            .env("CARGO_TARGET_DIR", root().join("target/export/image"))
            .output()
            .unwrap()
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.path("submission").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn solution(&self) {
        let solution = root().join("solutions/00-first-contact/src");
        for file in ["echo.rs", "greet.rs"] {
            self.put(
                &format!("labs/00-first-contact/src/{file}"),
                &fs::read(solution.join(file)).unwrap(),
            );
        }
    }

    /// Judges what lies there, and takes it away again.
    fn judge(&self) -> Value {
        let done = self.script("run_autograder");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        fs::remove_dir_all(self.path("submission")).unwrap();
        serde_json::from_slice(&fs::read(self.path("results/results.json")).unwrap()).unwrap()
    }
}

/// By test: its score, and what can be had.
fn scores(results: &Value) -> BTreeMap<String, (u64, u64)> {
    let tests = results["tests"].as_array().unwrap();
    let test = |test: &Value| {
        let text = |key: &str| test[key].as_str().unwrap().to_owned();
        let number = |key: &str| test[key].as_u64().unwrap();
        assert_eq!(text("visibility"), "visible");
        assert_eq!(
            text("status") == "passed",
            number("score") == number("max_score")
        );
        (text("name"), (number("score"), number("max_score")))
    };
    tests.iter().map(test).collect()
}

#[test]
fn an_autograder_judges_in_gradescopes_folders() {
    if !testkit::need(Need::Sandbox) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let zip = scratch.path().join("autograder.zip");
    grader()
        .args(["export", "gradescope", "first-contact", "--out"])
        .arg(&zip)
        .assert()
        .success();
    let harness = Harness::set_up(&zip);
    assert!(!harness.path("source/course/solutions").exists());

    harness.solution();
    let metadata =
        r#"{"id": 1, "users": [{"email": "../ada@example.org", "id": 2, "name": "Ada"}]}"#;
    fs::write(harness.path("submission_metadata.json"), metadata).unwrap();
    let results = harness.judge();
    let all = scores(&results);
    assert_eq!(all.len(), 6, "{all:?}");
    assert!(all.values().all(|(score, max)| score == max), "{all:?}");
    assert_eq!(results["tests"][1]["number"], "2.1");

    // One that sends its whole buffer back.
    harness.solution();
    let wrong = "solutions/00-first-contact/wrong/sends-the-whole-buffer/src/echo.rs";
    harness.put(
        "labs/00-first-contact/src/echo.rs",
        &fs::read(root().join(wrong)).unwrap(),
    );
    let results = harness.judge();
    let failed = scores(&results);
    assert_eq!(failed["first-contact: sends back what it received"], (0, 2));
    assert_eq!(
        failed["first-contact: greets each line"],
        all["first-contact: greets each line"]
    );
    let test = &results["tests"][0];
    assert!(
        test["output"]
            .as_str()
            .unwrap()
            .contains("FAILED  sends_back"),
        "{test}"
    );

    // What does not compile, and what is not taken, earns nothing and says why.
    harness.solution();
    harness.put("labs/00-first-contact/src/echo.rs", b"fn broken( {");
    let results = harness.judge();
    assert!(
        scores(&results)
            .values()
            .all(|(score, max)| *score == 0 && *max > 0)
    );
    assert!(
        results["output"]
            .as_str()
            .unwrap()
            .contains("labs/00-first-contact/src/echo.rs")
    );

    harness.solution();
    let echo = harness.path("submission/labs/00-first-contact/src/echo.rs");
    fs::remove_file(&echo).unwrap();
    symlink("/etc/passwd", &echo).unwrap();
    let results = harness.judge();
    assert!(
        results["output"]
            .as_str()
            .unwrap()
            .contains("symbolic link"),
        "{results}"
    );

    // Where the machine is at fault there are no results, not even those of before.
    harness.solution();
    fs::remove_dir_all(harness.path("source/course/labs/00-first-contact/tests")).unwrap();
    let done = harness.script("run_autograder");
    assert!(!done.status.success());
    assert!(!harness.path("results/results.json").exists());
}

#[test]
fn a_handout_gets_a_workflow_that_guards_what_was_given() {
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("class");
    grader()
        .args(["handout", "--no-verify"])
        .arg(&copy)
        .assert()
        .success();
    let export = |handout: &Path| {
        let mut command = grader();
        command
            .args(["export", "classroom", "first-contact", "--handout"])
            .arg(handout);
        command.assert()
    };
    export(&copy).success();
    let workflow = fs::read_to_string(copy.join(".github/workflows/classroom.yml")).unwrap();
    assert!(workflow.contains(
        "--package first-contact --test checks -- --exact step_1::sends_back_what_it_received"
    ));
    let holds = || {
        let mut command = Command::new("sha256sum");
        command
            .current_dir(&copy)
            .args(["--check", "--quiet", ".github/given.sha256"]);
        command.assert()
    };
    holds().success();
    // The learner's own files may change; the checks may not.
    fs::write(copy.join("labs/00-first-contact/src/echo.rs"), "// mine").unwrap();
    holds().success();
    fs::write(
        copy.join("labs/00-first-contact/tests/checks.rs"),
        "#[test] fn all() {}",
    )
    .unwrap();
    holds().failure();
    export(&root())
        .failure()
        .stderr(predicates::str::contains("is no handout"));
}
