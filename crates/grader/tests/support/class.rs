//! Classes for tests: put together in a scratch folder, and graded by the program itself.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process;

use assert_cmd::Command;
use grader::sandbox::Tier;

pub const FIRST: &str = "00-first-contact";
pub const ECHO: &str = "04-tcp-echo";

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The class's folder, as it is put together.
pub struct Class {
    pub dir: PathBuf,
}

impl Class {
    /// Writes a file of an entry that is a folder.
    pub fn put(&self, entry: &str, path: &str, text: impl AsRef<[u8]>) {
        let path = self.dir.join(entry).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn solution(&self, entry: &str, lab: &str) {
        for (path, text) in sources("solutions", lab) {
            self.put(entry, &format!("labs/{path}"), text);
        }
    }

    /// A solution of the first lab with another echo.
    pub fn with_echo(&self, entry: &str, text: &str) {
        self.solution(entry, FIRST);
        self.put(entry, &format!("labs/{FIRST}/src/echo.rs"), text);
    }

    /// An empty folder for a class.
    pub fn new(dir: PathBuf) -> Class {
        fs::create_dir_all(&dir).unwrap();
        Class { dir }
    }

    /// A wrong answer of the first lab: the whole buffer goes back, which two checks of two points see.
    pub fn with_a_wrong_echo(&self, entry: &str) {
        let wrong = "solutions/00-first-contact/wrong/sends-the-whole-buffer/src/echo.rs";
        self.with_echo(entry, &fs::read_to_string(root().join(wrong)).unwrap());
    }

    pub fn zip(&self, entry: &str, files: &[(String, Vec<u8>)]) {
        let mut zip = zip::ZipWriter::new(File::create(self.dir.join(entry)).unwrap());
        for (path, bytes) in files {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(path, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
    }
}

/// All that lies in a lab's `src`, by its path from the lab's folder on.
pub fn sources(from: &str, lab: &str) -> Vec<(String, Vec<u8>)> {
    let src = root().join(from).join(lab).join("src");
    let mut files: Vec<_> = fs::read_dir(src)
        .unwrap()
        .map(|file| {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            (format!("{lab}/src/{name}"), fs::read(file.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// A right echo that does something else first.
pub fn echo_after(items: &str, act: &str) -> String {
    format!(
        "use std::io::{{self, Read, Write}};
use std::net::TcpStream;

{items}

pub fn converse(mut client: TcpStream) -> io::Result<()> {{
    {act}
    let mut buffer = [0; 1024];
    loop {{
        let n = client.read(&mut buffer)?;
        if n == 0 {{
            return Ok(());
        }}
        client.write_all(&buffer[..n])?;
    }}
}}
"
    )
}

pub fn grade(submissions: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command
        .current_dir(root())
        .arg("run")
        .arg(submissions)
        .arg("--out")
        .arg(out)
        .args(["--labs", "first-contact,tcp-echo"])
        .args(more)
        .env("WIRELAB_PATIENCE", "0.6")
        .env("SECRET", "not for submissions");
    command
}

/// A course with other words in its `course.toml`, and everything else of ours, in `dir`.
pub fn course_in(dir: &Path, course_toml: &str) -> PathBuf {
    let root = dir.join("course");
    fs::create_dir(&root).unwrap();
    for open in [dir, &root] {
        // Where root grades, the checks run as somebody else.
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(open, everybody).unwrap();
    }
    for name in [
        "labs",
        "solutions",
        "book",
        "target",
        "Cargo.toml",
        "Cargo.lock",
        "crates",
    ] {
        std::os::unix::fs::symlink(self::root().join(name), root.join(name)).unwrap();
    }
    fs::write(root.join("course.toml"), course_toml).unwrap();
    root
}

/// `cargo grade ARGS` in a course.
pub fn cargo_grade(course: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command.current_dir(course);
    command
}

/// Of a `grades.csv`: by student and then by column, what stands there.
pub fn table(csv: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(csv).unwrap();
    let headings = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|line| {
            let line = line.unwrap();
            let cells = headings.iter().zip(line.iter());
            let cells = cells.map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
            (line[0].to_owned(), cells)
        })
        .collect()
}

/// How many lines the journal has.
pub fn journaled(out: &Path) -> usize {
    let text = fs::read(out.join("journal.jsonl")).unwrap();
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// What a run is called with: the first lab, a secret, and these.
pub fn run(submissions: &Path, out: &Path, more: &[&str]) -> process::Command {
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_grader"));
    command
        .current_dir(root())
        .args(["run".as_ref(), submissions.as_os_str()])
        .args(["--out".as_ref(), out.as_os_str()])
        .args(["--labs", "first-contact", "--secret", "once upon a time"])
        .args(more);
    command
}

/// Six students, five programs, and one who handed in what was handed out.
pub fn six(dir: PathBuf) -> Class {
    let class = Class::new(dir);
    class.solution("ada", FIRST);
    class.solution("barbara", FIRST);
    class.with_a_wrong_echo("grace");
    class.with_echo("karen", &echo_after("", "let _ = 1;"));
    class.with_echo("radia", &echo_after("", "let _ = 2;"));
    class.with_echo("broken", "pub fn converse( {");
    for (path, text) in sources("labs", FIRST) {
        class.put("starter", &path, text);
    }
    class
}

/// `grades.json` without what no two runs have in common: how long a check took, the ports of a transcript.
pub fn grades(out: &Path) -> serde_json::Value {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(object) => {
                object.remove("seconds");
                if let Some(serde_json::Value::String(message)) = object.get_mut("message") {
                    let plain: String = message.chars().filter(|c| !c.is_ascii_digit()).collect();
                    *message = plain;
                }
                object.values_mut().for_each(strip);
            }
            serde_json::Value::Array(array) => array.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let text = fs::read(out.join("grades.json")).unwrap();
    let mut value = serde_json::from_slice(&text).unwrap();
    strip(&mut value);
    value
}

/// Every file of a finished run but its journal, its secret and where things lay, by name.
pub fn files(out: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in [out.to_owned(), out.join("feedback")] {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(out).unwrap().to_owned();
            let kept_apart = ["journal.jsonl", "secret", "changes.csv", "run.json"];
            if path.is_file() && !kept_apart.iter().any(|other| name == Path::new(other)) {
                files.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// A folder for a test, and one in it for temporary files. Anybody can get there: where root grades, the checks run as
/// somebody else.
pub fn open_scratch() -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let temporary = scratch.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    for folder in [scratch.path(), &temporary] {
        fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
    (scratch, temporary)
}

/// The tier for a machine without namespaces; none where the kernel has no Landlock, which it then needs.
pub fn fence() -> Option<Tier> {
    let tier = if rustix::process::geteuid().is_root() {
        Tier::Uid
    } else {
        Tier::Landlock
    };
    // Asked of the grader itself: what it starts in its own place is none of this program's.
    let scratch = tempfile::tempdir().unwrap();
    let class = Class::new(scratch.path().join("submissions"));
    class.solution("honest", FIRST);
    let labs = ["--labs", "first-contact", "--sandbox", tier.name()];
    let done = cargo_grade(&root())
        .args(["run".as_ref(), class.dir.as_os_str(), "--out".as_ref()])
        .arg(scratch.path().join("out"))
        .args(labs)
        .output()
        .unwrap();
    if done.status.success() {
        return Some(tier);
    }
    let reason = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(reason.contains("no Landlock"), "{reason}");
    eprintln!("SKIPPED: {reason}");
    None
}
