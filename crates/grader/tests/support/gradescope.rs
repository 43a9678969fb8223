//! An autograder in a copy of Gradescope's folders.
#![allow(dead_code, reason = "each test uses a part")]

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::class::{cargo_grade, root, sources};

/// Where what an image needs is compiled.
pub fn image() -> PathBuf {
    root().join("target/export/image")
}

/// Gradescope's folders.
pub struct Harness {
    dir: tempfile::TempDir,
}

impl Harness {
    /// Has an autograder made for these labs, unpacks it as Gradescope does, and makes the image.
    pub fn of(labs: &[&str]) -> Harness {
        let scratch = tempfile::tempdir().unwrap();
        let zip = scratch.path().join("autograder.zip");
        cargo_grade(&root())
            .args(["export", "gradescope"])
            .args(labs)
            .arg("--out")
            .arg(&zip)
            .assert()
            .success();
        let dir = tempfile::tempdir().unwrap();
        // As in an image: anybody can get there.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let harness = Harness { dir };
        let mut archive = zip::ZipArchive::new(fs::File::open(&zip).unwrap()).unwrap();
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
        harness.put_apt();
        let done = harness.script("source/setup.sh");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let path = std::env::var_os("PATH").unwrap();
        let has_bwrap = std::env::split_paths(&path).any(|folder| folder.join("bwrap").is_file());
        let asked = harness.asked_for();
        assert_ne!(asked.contains("bubblewrap"), has_bwrap, "{asked}");
        harness
    }

    /// Stands in for the system's packages.
    fn put_apt(&self) {
        let apt = self.path("bin/apt-get");
        fs::create_dir_all(apt.parent().unwrap()).unwrap();
        fs::write(&apt, "#!/bin/sh\necho \"$@\" >>\"$0.asked\"\n").unwrap();
        fs::set_permissions(&apt, Permissions::from_mode(0o755)).unwrap();
    }

    /// What the system was asked to install.
    fn asked_for(&self) -> String {
        fs::read_to_string(self.path("bin/apt-get.asked")).unwrap_or_default()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub fn script(&self, script: &str) -> Output {
        let mut command = Command::new(self.path(script));
        self.environment(&mut command);
        // What was compiled for the last of these images serves this one.
        command.env("CARGO_TARGET_DIR", image());
        command.output().unwrap()
    }

    /// What Gradescope sets, and where our grader is. Packages are an image's business: a test installs none on this
    /// machine, and says what would have been.
    pub fn environment(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap();
        command
            .current_dir(self.dir.path())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("AUTOGRADER_ROOT", self.dir.path())
            .env("GRADER", env!("CARGO_BIN_EXE_grader"));
    }

    pub fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.path("submission").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn solution(&self, lab: &str) {
        for (path, text) in sources("solutions", lab) {
            self.put(&format!("labs/{path}"), &text);
        }
    }

    /// Judges what lies there, and takes it away again.
    pub fn judge(&self) -> Value {
        let done = self.script("run_autograder");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        self.results()
    }

    /// What was written, and takes away what was judged.
    pub fn results(&self) -> Value {
        fs::remove_dir_all(self.path("submission")).unwrap();
        serde_json::from_slice(&fs::read(self.path("results/results.json")).unwrap()).unwrap()
    }
}
