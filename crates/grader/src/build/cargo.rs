//! Cargo's part: the checks and the dependencies of a lab, in a target folder of the grader's own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use anyhow::{Context as _, bail, ensure};
use course::{Course, Lab};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::sandbox::apart;
use crate::scratch::{self, Scratch};

/// What the folders are called that hold the dependencies of a run, below `target/grade`.
pub const SCRATCH: &str = "dependencies";
/// The same, in the system's folder for temporary files.
pub const ELSEWHERE: &str = "wirelab-dependencies";

/// What the folders are called, beside those, in which compilers and linkers of ours have their temporary files.
pub const BUILDING: &str = "building";

/// What a linker that looks for GCC's shared unwinder finds among the dependencies: a script that names the static one.
/// A program then has one shared library less to load, which is an eighth of its start, and it is started hundreds of
/// times.
const UNWINDER: &str = "libgcc_s.so";

/// What cargo made of a lab.
#[derive(Debug)]
pub(super) struct Ready {
    /// The checks' executable.
    pub(super) checks: PathBuf,
    /// A folder with the lab's compiled dependencies, theirs included, and nothing else; removed with this.
    pub(super) dependencies: Scratch,
    /// What the program may name: the crate, and its file in `dependencies`.
    pub(super) externs: BTreeMap<String, String>,
    /// What the checks may name: the crate, and its file.
    pub(super) checks_externs: BTreeMap<String, PathBuf>,
    /// The package's edition.
    pub(super) edition: String,
    /// The package's version.
    pub(super) version: String,
}

/// Builds the checks with everything they need. Of the solution where there is one: the folder in `labs` may be in
/// use.
pub(super) fn prepare(
    course: &Course,
    lab: &Lab,
    packages: &mut Packages,
) -> anyhow::Result<Ready> {
    let manifest = lab
        .solution_dir()
        .unwrap_or_else(|| lab.dir())
        .join("Cargo.toml");
    let manifest = manifest.canonicalize().unwrap_or(manifest);
    let home = home(course);
    let artifacts = build(course, &manifest, &target(course))
        .with_context(|| format!("the checks of {} cannot be built", lab.topic))?;
    let checks = artifacts
        .iter()
        .find(|made| {
            made.target.kind.iter().any(|kind| kind == "test") && made.target.name == "checks"
        })
        .and_then(|made| made.executable.clone())
        .with_context(|| format!("cargo built no test `checks` of {}", lab.topic))?;

    let (metadata, package) = packages.find(course, &manifest)?;
    let nodes: HashMap<&str, &Node> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node))
        .collect();
    // Beside the target folder, so that the files need not be copied; but where that is closed to everybody, root's
    // compilers could not read them there.
    let closed = apart::is_readable(&home).is_err();
    let dependencies = if closed {
        scratch::make(&std::env::temp_dir(), ELSEWHERE)?
    } else {
        scratch::make(&home, SCRATCH)?
    };
    let mut kept = HashMap::new();
    for id in closure(&package.id, &nodes) {
        // A build script is compiled too, and is no library.
        for made in artifacts
            .iter()
            .filter(|made| made.package_id == id && made.is_library())
        {
            if let Some(file) = made.library() {
                let name = file.file_name().unwrap_or_default();
                let to = dependencies.path().join(name);
                if closed {
                    scratch::copy_with_mode(file, &to, 0o644)?;
                } else {
                    link(file, &to)?;
                }
                kept.insert(id, name.to_string_lossy().into_owned());
            }
        }
    }
    if has_static_unwinder() {
        let script = dependencies.path().join(UNWINDER);
        fs::write(&script, "INPUT(-lgcc_eh)\n")
            .and_then(|()| fs::set_permissions(&script, Permissions::from_mode(0o644)))
            .with_context(|| format!("{} cannot be written", script.display()))?;
    }
    if closed {
        fs::set_permissions(dependencies.path(), Permissions::from_mode(0o755))?;
    }
    let checks_externs = for_tests(&package.id, &nodes)
        .filter_map(|dependency| {
            let mut made = artifacts.iter();
            let made = made.find(|made| made.package_id == dependency.pkg && made.is_library())?;
            Some((dependency.name.clone(), made.library()?.clone()))
        })
        .collect();
    let externs = direct(&package.id, &nodes)
        .filter_map(|dependency| {
            let file = kept.get(dependency.pkg.as_str())?;
            Some((dependency.name.clone(), file.clone()))
        })
        .collect();
    Ok(Ready {
        checks,
        dependencies,
        externs,
        checks_externs,
        edition: package.edition.clone(),
        version: package.version.clone(),
    })
}

/// What cargo knows of packages. It is asked once for all packages of a workspace, which takes it longer than to find
/// that a lab's checks are built.
#[derive(Debug, Default)]
pub struct Packages(Vec<Metadata>);

impl Packages {
    /// The package of a manifest, in its workspace.
    fn find(&mut self, course: &Course, manifest: &Path) -> anyhow::Result<(&Metadata, &Package)> {
        if !self.0.iter().any(|known| known.package(manifest).is_some()) {
            self.0.push(metadata(course, manifest)?);
        }
        let mut known = self.0.iter();
        known
            .find_map(|known| Some((known, known.package(manifest)?)))
            .with_context(|| format!("{} is no package of the course", manifest.display()))
    }
}

/// The folder of what is built for grading.
pub(crate) fn home(course: &Course) -> PathBuf {
    course.target_dir().join("grade")
}

/// The grader's own target folder.
pub(crate) fn target(course: &Course) -> PathBuf {
    home(course).join("target")
}

/// cargo, in the course's folder.
pub(crate) fn command(course: &Course) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(course.root());
    command
}

/// Runs what builds for us. Linkers remove their temporary files themselves, but not where all of it is killed: so these
/// have a folder of their own, which the next run removes.
pub(crate) fn output(course: &Course, command: &mut Command) -> anyhow::Result<Output> {
    let home = home(course);
    fs::create_dir_all(&home).with_context(|| format!("{} cannot be made", home.display()))?;
    let temporary = scratch::make(&home, BUILDING)?;
    let output = command.env("TMPDIR", temporary.path()).output();
    output.with_context(|| {
        let program = Path::new(command.get_program()).display();
        format!("{program} cannot be started; install Rust from https://rustup.rs")
    })
}

/// Whether the linker would find GCC's static unwinder: its full path is told where it is there.
fn has_static_unwinder() -> bool {
    static HAS: LazyLock<bool> = LazyLock::new(|| {
        let asked = Command::new("cc")
            .arg("-print-file-name=libgcc_eh.a")
            .output();
        asked.is_ok_and(|said| {
            let said = String::from_utf8_lossy(&said.stdout);
            Path::new(said.trim()).is_absolute()
        })
    });
    *HAS
}

fn build(course: &Course, manifest: &Path, target: &Path) -> anyhow::Result<Vec<Artifact>> {
    let mut command = command(course);
    command
        .args([
            "test", "--quiet", "--locked", "--no-run", "--test", "checks",
        ])
        // Compiled once for a class, and then at work in every check of it.
        .args(["--config", "profile.dev.package.testkit.opt-level=2"])
        .arg("--message-format=json-render-diagnostics")
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(target);
    let output = output(course, &mut command)?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let lines = output.stdout.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter_map(|message| match message {
            Message::Artifact(made) => Some(made),
            Message::Other => None,
        })
        .collect())
}

fn metadata(course: &Course, manifest: &Path) -> anyhow::Result<Metadata> {
    let mut command = self::command(course);
    command
        .args(["metadata", "--format-version", "1", "--locked"])
        .arg("--manifest-path")
        .arg(manifest);
    read(&mut command).context("cargo metadata fails")
}

fn read<T: DeserializeOwned>(command: &mut Command) -> anyhow::Result<T> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the package's program itself depends on; what its tests or build scripts do is not for submissions.
fn direct<'m>(
    id: &str,
    nodes: &HashMap<&str, &'m Node>,
) -> impl Iterator<Item = &'m Dependency> + use<'m> {
    let dependencies = nodes.get(id).map_or(&[][..], |node| &node.deps[..]);
    dependencies
        .iter()
        .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none()))
}

/// What the package's tests depend on.
fn for_tests<'m>(
    id: &str,
    nodes: &HashMap<&str, &'m Node>,
) -> impl Iterator<Item = &'m Dependency> + use<'m> {
    let dependencies = nodes.get(id).map_or(&[][..], |node| &node.deps[..]);
    dependencies.iter().filter(|dependency| {
        let mut kinds = dependency.dep_kinds.iter();
        kinds.any(|kind| matches!(kind.kind.as_deref(), None | Some("dev")))
    })
}

fn closure<'m>(id: &'m str, nodes: &HashMap<&str, &'m Node>) -> Vec<&'m str> {
    let mut seen = HashSet::from([id]);
    let (mut open, mut found) = (vec![id], Vec::new());
    while let Some(id) = open.pop() {
        for dependency in direct(id, nodes) {
            if seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
                found.push(dependency.pkg.as_str());
            }
        }
    }
    found
}

fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::hard_link(from, to)
        .or_else(|_| fs::copy(from, to).map(|_| ()))
        .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
}

/// Cargo's messages (<https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>).
#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-artifact")]
    Artifact(Artifact),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Artifact {
    package_id: String,
    target: Target,
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Artifact {
    fn is_library(&self) -> bool {
        let library = |kind: &String| matches!(kind.as_str(), "lib" | "rlib" | "proc-macro");
        self.target.kind.iter().any(library)
    }

    fn library(&self) -> Option<&PathBuf> {
        self.filenames.iter().find(|file| {
            let extension = file.extension().unwrap_or_default();
            extension == "rlib" || extension == std::env::consts::DLL_EXTENSION
        })
    }
}

/// <https://doc.rust-lang.org/cargo/commands/cargo-metadata.html>
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

impl Metadata {
    fn package(&self, manifest: &Path) -> Option<&Package> {
        let mut packages = self.packages.iter();
        packages.find(|package| package.manifest_path == manifest)
    }
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    manifest_path: PathBuf,
    edition: String,
    version: String,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_linker_leaves_behind_is_in_a_folder_that_goes() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let course = Course::load(root.canonicalize().unwrap()).unwrap();
        let mut linker = Command::new("sh");
        linker.args(["-c", "touch \"$TMPDIR/ccleft.o\" && printf %s \"$TMPDIR\""]);
        let said = output(&course, &mut linker).unwrap().stdout;
        let folder = PathBuf::from(String::from_utf8(said).unwrap());
        assert!(folder.starts_with(home(&course)), "{}", folder.display());
        assert!(!folder.exists(), "{}", folder.display());
    }
}
