//! What is taken, and what is refused with which reason.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::unstable::write::FileOptionsExt as _;
use zip::write::{FullFileOptions, SimpleFileOptions};

use super::*;
use crate::roster::Student;

const LAB: &str = "00-first-contact";
const ECHO: &str = "labs/00-first-contact/src/echo.rs";

/// A folder with entries, read into submissions.
struct Inbox {
    dir: TempDir,
    course: Course,
}

impl Inbox {
    fn new() -> Inbox {
        Inbox {
            dir: tempfile::tempdir().unwrap(),
            course: Course::find(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap(),
        }
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn zip(&self, name: &str, files: &[(&str, &[u8])]) {
        self.zip_with(name, |zip| {
            for (path, bytes) in files {
                zip.start_file(*path, SimpleFileOptions::default()).unwrap();
                zip.write_all(bytes).unwrap();
            }
        });
    }

    fn zip_with(&self, name: &str, fill: impl FnOnce(&mut ZipWriter<File>)) {
        let mut zip = ZipWriter::new(File::create(self.dir.path().join(name)).unwrap());
        fill(&mut zip);
        zip.finish().unwrap();
    }

    /// A .tar.gz of one entry whose name is written as it is.
    fn tar(&self, name: &str, path: &[u8], kind: EntryType, bytes: &[u8]) {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if matches!(kind, EntryType::Link | EntryType::Symlink) {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        let file = File::create(self.dir.path().join(name)).unwrap();
        let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::best()));
        tar.append(&header, bytes).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
    }

    fn read(&self, roster: &[Student]) -> Vec<Submission> {
        let roster = Roster::new(roster.to_vec());
        take_in(&self.course, self.dir.path(), Some(&roster), &[]).unwrap()
    }

    /// The only submission.
    #[track_caller]
    fn one(&self) -> Submission {
        let mut all = self.read(&[]);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Asserts that the whole entry is refused, beside one that is not.
    #[track_caller]
    fn refused(&self, reason: &str) {
        self.put(&format!("zz-other/{ECHO}"), "other");
        let all = self.read(&[]);
        assert_eq!(all.len(), 2, "{all:?}");
        let said = all[0].refused.clone().unwrap_or_default();
        assert!(said.contains(reason), "{said}");
        assert!(all[0].labs.is_empty());
        assert_eq!(echo(&all[1]), Some("other"), "the next one goes on");
    }

    /// Asserts that the lab alone is refused.
    #[track_caller]
    fn lab_refused(&self, reason: &str) {
        let one = self.one();
        assert_eq!(one.refused, None);
        let said = one.refused_labs.get(LAB).cloned().unwrap_or_default();
        assert!(said.contains(reason), "{one:?}");
        assert_eq!(echo(&one), None);
    }
}

fn echo(submission: &Submission) -> Option<&str> {
    let file = submission.labs.get(LAB)?.get(Path::new("src/echo.rs"))?;
    Some(file)
}

fn student(student: &str, name: &str, email: &str) -> Student {
    Student {
        student: student.to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
        ..Student::default()
    }
}

#[test]
fn a_folder_of_submissions_is_none() {
    let inbox = Inbox::new();
    fs::create_dir(inbox.dir.path().join("down\u{1b}[31m")).unwrap();
    inbox.zip("down\u{1b}[31m/adasmith_1_2_labs.zip", &[(ECHO, b"hers")]);
    inbox.put("people.csv", "Student,ID\n");
    // One student's archive in a folder is how many sort them.
    assert_eq!(echo(&inbox.one()), Some("hers"));
    inbox.zip("down\u{1b}[31m/bobrown_3_4_labs.zip", &[(ECHO, b"his")]);
    let error = take_in(&inbox.course, inbox.dir.path(), None, &[]).unwrap_err();
    let meant = inbox.dir.path().join("down").display().to_string();
    assert!(error.to_string().contains(&meant), "{error}");
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
    // What a harness judges is one student's, whatever is in it; and so is what has a lab beside.
    let alone = take_in_all(&inbox.course, &[inbox.dir.path()], None, &[], true).unwrap();
    assert_eq!(alone[0].len(), 1);
    inbox.put(&format!("down\u{1b}[31m/{ECHO}"), "hers");
    assert_eq!(inbox.one().refused, None);
    fs::remove_dir_all(inbox.dir.path().join("down\u{1b}[31m/labs")).unwrap();
    // Beside what is a submission it is one that cannot be taken.
    inbox.put(&format!("zz-other/{ECHO}"), "other");
    assert_eq!(inbox.read(&[]).len(), 2);
}

#[test]
fn a_table_is_a_submission_where_a_student_is_called_so() {
    let inbox = Inbox::new();
    inbox.put(&format!("ada/{ECHO}"), "hers");
    for table in ["times.csv", "Bo.XLSX", "cybrown_1_2_data.csv"] {
        inbox.put(table, "a,b\n");
    }
    let found = |roster: &[Student]| -> Vec<String> {
        let all = inbox.read(roster);
        all.into_iter().map(|one| one.who.key).collect()
    };
    assert_eq!(found(&[]), ["1", "ada"]);
    assert_eq!(found(&[student("bo", "", "")]), ["1", "ada", "Bo"]);
}

#[test]
fn only_the_learners_files_are_taken_from_wherever_they_are() {
    let inbox = Inbox::new();
    inbox.put(&format!("a/wirelab-main/{ECHO}"), "folder");
    for (path, text) in [
        ("Cargo.toml", "[package]"),
        ("build.rs", "fn main() {}"),
        (".cargo/config.toml", "[build]"),
        ("src/main.rs", "fn main() {}"),
        ("tests/checks.rs", ""),
        ("src/other.rs", ""),
    ] {
        inbox.put(&format!("a/wirelab-main/labs/{LAB}/{path}"), text);
    }
    inbox.put(&format!("a/target/{ECHO}"), "built");
    inbox.put(&format!("a/solutions/{LAB}/src/echo.rs"), "reference");
    inbox.zip("b.zip", &[("00-first-contact/src/echo.rs", b"zip")]);
    let windows = r"labs\00-First-Contact\src\Echo.rs";
    inbox.zip("c.zip", &[(windows, b"windows")]);
    inbox.tar("d.tar.gz", ECHO.as_bytes(), EntryType::Regular, b"tar");
    inbox.tar("e.tgz", ECHO.as_bytes(), EntryType::Regular, b"tgz");
    let all = inbox.read(&[]);
    let taken: Vec<_> = all.iter().map(|one| echo(one).unwrap_or("none")).collect();
    assert_eq!(taken, ["folder", "zip", "windows", "tar", "tgz"]);
    for one in &all {
        assert_eq!(one.labs.len(), 1);
        assert_eq!(one.labs[LAB].len(), 1, "{:?}", one.labs);
    }
}

#[test]
fn the_files_of_the_only_lab_that_is_graded_may_lie_anywhere() {
    let inbox = Inbox::new();
    let own: [(&str, &[u8]); 2] = [("src/echo.rs", b"own"), ("src/greet.rs", b"own")];
    inbox.zip("bare.zip", &own);
    inbox.zip("nested.zip", &[("work/bare.zip", b"PK"), ("readme", b"")]);
    inbox.zip_with("locked.zip", |zip| {
        let locked = SimpleFileOptions::default()
            .with_deprecated_encryption(b"secret")
            .unwrap();
        zip.start_file("echo.rs", locked).unwrap();
        zip.write_all(b"own").unwrap();
    });
    inbox.tar("flat.tar.gz", b"echo.rs", EntryType::Regular, b"own");
    inbox.put("copy/my lab (1)/src/Echo (2).rs", "own");
    inbox.put("marked/echo.rs", "\u{feff}own");
    inbox.put("both/00-first-contact/src/echo.rs", "own");
    inbox.put("both/draft/echo.rs", "draft");
    inbox.put("both/greet.rs", "draft");
    inbox.put("other/04-tcp-echo/src/echo.rs", "another lab's");
    inbox.put("two/a/echo.rs", "one");
    inbox.put("two/b/echo.rs", "two");
    inbox.put("link/greet.rs", "own");
    std::os::unix::fs::symlink("/etc/passwd", inbox.dir.path().join("link/echo.rs")).unwrap();
    // Canvas numbers every file, and Moodle puts single ones beside each other.
    inbox.put("lovelaceada_LATE_1_70_echo-1.rs", "own");
    inbox.put("lovelaceada_LATE_1_71_greet.rs", "own");
    inbox.put("Grace Hopper_2_assignsubmission_file_echo.rs", "own");
    inbox.put("zz_3_72_notes.rs", "");

    let lab = inbox.course.lab(LAB).unwrap();
    let all = take_in(&inbox.course, inbox.dir.path(), None, &[lab]).unwrap();
    let one = |key: &str| all.iter().find(|one| one.who.key == key).unwrap();
    for (key, files) in [
        ("bare", 2),
        ("flat", 1),
        ("copy", 1),
        ("marked", 1),
        ("both", 1),
        ("1", 2),
        ("2", 1),
    ] {
        let one = one(key);
        assert_eq!(echo(one), Some("own"), "{one:?}");
        assert_eq!(one.labs[LAB].len(), files, "{one:?}");
    }
    let note = "00-first-contact: my lab (1)/src/Echo (2).rs was taken for src/echo.rs.";
    assert_eq!(one("copy").notes, [note]);
    assert_eq!(one("both").notes, [""; 0]);
    let refused = format!("{NO_LAB}; hand in echo.rs and greet.rs, or the folder {LAB}");
    assert_eq!(one("other").refused.as_deref(), Some(&*refused));
    let said = one("nested").refused.as_deref().unwrap();
    assert!(
        said.contains("work/bare.zip within it is not opened"),
        "{said}"
    );
    let said = one("locked").refused.as_deref().unwrap();
    assert!(said.contains("has a password"), "{said}");
    for (key, reason) in [("two", "in two places"), ("link", "a symbolic link")] {
        let said = &one(key).refused_labs[LAB];
        assert!(said.contains(reason), "{said}");
    }
    let said = one("3").refused.as_ref().unwrap();
    let reason = "notes.rs: is none of the lab's files, which are echo.rs and greet.rs";
    assert_eq!(said, reason);
    // Where it is one of several, nobody knows whose they are.
    let several = inbox.read(&[]);
    let found = several.iter().filter(|one| echo(one).is_some());
    let found: Vec<_> = found.map(|one| one.who.key.as_str()).collect();
    assert_eq!(found, ["both"]);
}

#[test]
fn every_layout_is_joined_with_the_roster() {
    let inbox = Inbox::new();
    let file: [(&str, &[u8]); 1] = [(ECHO, b"x")];
    inbox.zip("lovelaceada_LATE_1001_77_labs.zip", &file);
    inbox.put(
        &format!("Grace Hopper_1002_assignsubmission_file_/{ECHO}"),
        "x",
    );
    inbox.zip("Alan Turing_1003_assignsubmission_file_labs.zip", &file);
    inbox.put(&format!("wirelab-edsger/{ECHO}"), "x");
    inbox.put("wirelab-edsger/.git/HEAD", "ref: refs/heads/main");
    inbox.put(&format!("donald@example.org/{ECHO}"), "x");
    inbox.zip("stranger.zip", &file);
    let roster = [
        student("ada", "Ada Lovelace", ""),
        student("grace", "Grace Hopper", ""),
        student("alan", "Alan Turing", ""),
        student("edsger", "", ""),
        student("don", "", "donald@example.org"),
        student("absent", "", ""),
    ];
    let taken = inbox.read(&roster);
    let roster = Roster::new(roster.to_vec());
    let keys: Vec<_> = taken
        .into_iter()
        .map(|one| {
            let found = roster.find(&one.who);
            let key = found.map_or(one.who.key.clone(), |student| student.student.clone());
            (key, one.who.late)
        })
        .collect();
    let late = |who: &str| (who.to_owned(), true);
    let in_time = |who: &str| (who.to_owned(), false);
    assert_eq!(
        keys,
        [
            late("ada"),
            in_time("alan"),
            in_time("don"),
            in_time("edsger"),
            in_time("grace"),
            in_time("stranger")
        ]
    );
}

#[test]
fn of_several_attempts_the_latest_is_taken() {
    let inbox = Inbox::new();
    inbox.zip("lovelaceada_1_900_labs.zip", &[(ECHO, b"first")]);
    inbox.zip("lovelaceada_LATE_1_1000_labs-1.zip", &[(ECHO, b"second")]);
    inbox.zip("hopper (2).zip", &[(ECHO, b"third")]);
    inbox.zip("hopper (1).zip", &[(ECHO, b"second")]);
    inbox.zip("hopper.zip", &[(ECHO, b"first")]);
    let all = inbox.read(&[]);
    assert_eq!(all.len(), 2);
    assert_eq!((echo(&all[0]), all[0].who.late), (Some("second"), true));
    assert!(all[0].notes[0].contains("labs-1.zip"), "{:?}", all[0].notes);
    assert_eq!(echo(&all[1]), Some("third"));
    assert_eq!(
        all[1].entries,
        ["hopper.zip", "hopper (1).zip", "hopper (2).zip"]
    );
}

/// Whom the entries of folders are of, by the roster, with the flags and the text of each.
fn whose(inbox: &Inbox, folders: &[&str], roster: &[Student]) -> Vec<String> {
    let roster = Roster::new(roster.to_vec());
    let dirs: Vec<PathBuf> = folders
        .iter()
        .map(|name| inbox.dir.path().join(name))
        .collect();
    let all = take_in_all(&inbox.course, &dirs, Some(&roster), &[], false).unwrap();
    let said = all.into_iter().flatten().map(|one| {
        let student = roster.find(&one.who).map(|found| found.student.clone());
        let student = student.unwrap_or(format!("not {}", one.who.key));
        format!(
            "{student} {} {}",
            one.flags.join(" "),
            echo(&one).unwrap_or("nothing")
        )
    });
    said.collect()
}

#[test]
fn two_numbers_are_not_one_student() {
    let inbox = Inbox::new();
    for folder in ["first", "second", "moodle", "again"] {
        fs::create_dir(inbox.dir.path().join(folder)).unwrap();
    }
    inbox.zip("second/lovelaceada_7_100_labs.zip", &[(ECHO, b"hers")]);
    inbox.zip("second/hoppergrace_9_300_labs.zip", &[(ECHO, b"grace's")]);
    inbox.zip("second/ada.zip", &[(ECHO, b"mailed")]);
    let names = [
        student("s1", "Ada Lovelace", "ada@example.org"),
        student("s2", "Grace Hopper", ""),
    ];
    // A name is enough where one number has it.
    assert_eq!(
        whose(&inbox, &["second"], &names),
        ["s1  hers", "s2  grace's"]
    );
    inbox.zip(
        "second/lovelaceada_LATE_8_200_labs.zip",
        &[(ECHO, b"a namesake's")],
    );
    let both = ["not 7 whose hers", "not 8 whose a namesake's"];
    assert_eq!(
        whose(&inbox, &["second"], &names),
        [both[0], both[1], "s1  mailed", "s2  grace's"]
    );
    // Whose number is on the roster is known, and the other is somebody else.
    let numbers = [
        student("7", "Ada Lovelace", ""),
        student("s2", "Grace Hopper", ""),
    ];
    assert_eq!(
        whose(&inbox, &["second"], &numbers),
        ["7  hers", both[1], "not ada  mailed", "s2  grace's"]
    );
    // Canvas's numbers are the same in each folder, and Moodle's are not.
    inbox.zip(
        "first/lovelaceada_8_50_labs.zip",
        &[(ECHO, b"a namesake's")],
    );
    assert_eq!(whose(&inbox, &["first"], &names), ["s1  a namesake's"]);
    fs::remove_file(
        inbox
            .dir
            .path()
            .join("second/lovelaceada_LATE_8_200_labs.zip"),
    )
    .unwrap();
    assert_eq!(
        whose(&inbox, &["first", "second"], &names),
        [both[1], both[0], "s1  mailed", "s2  grace's"]
    );
    let moodle = "Ada Lovelace_7_assignsubmission_file_";
    inbox.put(&format!("moodle/{moodle}/{ECHO}"), "one");
    inbox.put(&format!("again/{}/{ECHO}", moodle.replace('7', "8")), "two");
    assert_eq!(
        whose(&inbox, &["moodle", "again"], &names),
        ["s1  one", "s1  two"]
    );
    inbox.put(
        &format!("again/{}/{ECHO}", moodle.replace('7', "9")),
        "three",
    );
    assert_eq!(
        whose(&inbox, &["moodle", "again"], &names),
        ["not 7 whose one", "not 8 whose two", "not 9 whose three"]
    );
}

#[test]
fn a_copys_number_is_nobodys_id() {
    let inbox = Inbox::new();
    fs::create_dir(inbox.dir.path().join("in")).unwrap();
    inbox.zip("in/2.zip", &[(ECHO, b"bob's")]);
    inbox.zip("in/ada-2.zip", &[(ECHO, b"ada's")]);
    let numbers = [
        student("1", "Ada Lovelace", "ada@example.org"),
        student("2", "Bob", ""),
    ];
    assert_eq!(
        whose(&inbox, &["in"], &numbers),
        ["2  bob's", "not ada-2 whose ada's"]
    );
    // It is a copy where nobody has the number, and a number where nobody has the name.
    assert_eq!(
        whose(&inbox, &["in"], &numbers[..1]),
        ["1  ada's", "not 2  bob's"]
    );
    fs::remove_file(inbox.dir.path().join("in/2.zip")).unwrap();
    assert_eq!(whose(&inbox, &["in"], &numbers[1..]), ["2  ada's"]);
}

#[test]
fn the_end_of_a_login_is_nobodys_login() {
    let inbox = Inbox::new();
    let put = |name: &str| inbox.put(&format!("in/{name}/{ECHO}"), name);
    put("wire-lab-ada");
    let roster = [
        student("ada", "", ""),
        student("bob", "", ""),
        student("a-b", "", ""),
    ];
    assert_eq!(whose(&inbox, &["in"], &roster), ["ada  wire-lab-ada"]);
    put("wire-lab-evil-ada");
    let evil = "not wire-lab-evil-ada whose wire-lab-evil-ada";
    assert_eq!(whose(&inbox, &["in"], &roster), ["ada  wire-lab-ada", evil]);
    // The name of the assignment is what all have before the login.
    fs::rename(
        inbox.dir.path().join("in/wire-lab-ada"),
        inbox.dir.path().join("in/ada"),
    )
    .unwrap();
    put("wire-lab-bob");
    put("wire-lab-a-b");
    assert_eq!(
        whose(&inbox, &["in"], &roster),
        [
            "a-b  wire-lab-a-b",
            "ada  wire-lab-ada",
            "bob  wire-lab-bob",
            evil
        ]
    );
    // Of two assignments nobody knows which is meant.
    put("first-bob");
    let all = whose(&inbox, &["in"], &roster);
    assert!(
        all.contains(&"not wire-lab-bob whose wire-lab-bob".to_owned()),
        "{all:?}"
    );
    assert!(
        all.contains(&"not first-bob whose first-bob".to_owned()),
        "{all:?}"
    );
}

#[test]
fn an_attempt_that_cannot_be_read_leaves_the_one_before() {
    let inbox = Inbox::new();
    inbox.zip("lovelaceada_1_900_labs.zip", &[(ECHO, b"first")]);
    inbox.put("lovelaceada_1_1000_labs.rar", b"Rar!\x1a\x07\x00");
    let one = inbox.one();
    assert_eq!((echo(&one), &one.refused), (Some("first"), &None));
    assert_eq!(one.flags, ["refused-in-part"]);
    assert!(one.notes[0].contains(".rar"), "{:?}", one.notes);
}

#[test]
fn what_is_no_file_of_the_lab_takes_nothing_from_the_rest() {
    let inbox = Inbox::new();
    for name in ["70_echo.rs", "71_helper.rs", "70_report.pdf", "72_readme"] {
        inbox.put(&format!("lovelaceada_1_{name}"), "own");
    }
    inbox.zip("hoppergrace_2_80_labs.zip", &[(ECHO, b"own")]);
    inbox.put("hoppergrace_2_80_report.pdf", "%PDF");
    inbox.put("turingalan_3_90_a.txt", "");
    inbox.put("turingalan_3_91_b.txt", "");
    let lab = inbox.course.lab(LAB).unwrap();
    let all = take_in(&inbox.course, inbox.dir.path(), None, &[lab]).unwrap();
    for one in &all[..2] {
        assert_eq!((echo(one), &one.refused), (Some("own"), &None), "{one:?}");
        assert_eq!(one.flags, ["refused-in-part"]);
    }
    let notes = all[0].notes.join("\n");
    for name in ["helper.rs", "report.pdf", "readme"] {
        assert!(
            notes.contains(&format!("Not taken: {name}: is n")),
            "{notes}"
        );
    }
    assert!(all[2].refused.as_ref().unwrap().starts_with("b.txt: is n"));
    assert!(all[2].notes[0].contains("a.txt: is n"), "{:?}", all[2]);
}

#[test]
fn files_of_one_lab_are_together_whatever_lies_between() {
    let inbox = Inbox::new();
    for name in ["98_echo.rs", "99_README.md", "100_greet.rs"] {
        inbox.put(&format!("lovelaceada_1_{name}"), "own");
    }
    let lab = inbox.course.lab(LAB).unwrap();
    let all = take_in(&inbox.course, inbox.dir.path(), None, &[lab]).unwrap();
    assert_eq!((all.len(), all[0].labs[LAB].len()), (1, 2), "{all:?}");
    let note =
        "Not taken: README.md: is neither a folder nor an archive; hand in a .zip or a .tar.gz.";
    assert_eq!(all[0].notes, [note]);
}

#[test]
fn an_archive_that_is_not_opened_is_named() {
    let inbox = Inbox::new();
    let within: [(&str, &[u8]); 3] = [
        (ECHO, b"own"),
        ("04-tcp-echo.zip", b"PK"),
        ("target/debug/deps.zip", b"PK"),
    ];
    inbox.zip("a.zip", &within);
    inbox.put(&format!("b/{ECHO}"), "own");
    inbox.put("b/labs/04-tcp-echo.tar.gz", "");
    inbox.put("b/labs/00-first-contact/tests/data/all.gz", "");
    for (one, name) in inbox
        .read(&[])
        .iter()
        .zip(["04-tcp-echo.zip", "labs/04-tcp-echo.tar.gz"])
    {
        assert_eq!(echo(one), Some("own"));
        assert_eq!(one.flags, ["refused-in-part"]);
        let note = format!("Not taken: {name} is not opened, hand in what it holds.");
        assert_eq!(one.notes, [note]);
    }
}

#[test]
fn a_labs_folder_may_have_its_topics_name_or_be_a_copy() {
    let inbox = Inbox::new();
    for folder in [
        "first-contact",
        "00-First-Contact (1)",
        "00-first-contact-2",
        "mine/first-contact-main",
    ] {
        inbox.put(&format!("{}/{folder}/src/echo.rs", folder.len()), "own");
    }
    inbox.put("both/first-contact/src/echo.rs", "draft");
    inbox.put("both/labs/00-first-contact/src/echo.rs", "own");
    for one in inbox.read(&[]) {
        assert_eq!(echo(&one), Some("own"), "{one:?}");
    }
    for link in ["links/first-contact", "more/first-contact/src"] {
        let path = inbox.dir.path().join(link);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/etc", path).unwrap();
    }
    inbox.put("two/first-contact/src/echo.rs", "one");
    inbox.put("two/first-contact (1)/src/echo.rs", "two");
    inbox.put("within/04-tcp-echo/first-contact/src/echo.rs", "own");
    let all = inbox.read(&[]);
    let one = |key: &str| all.iter().find(|one| one.who.key == key).unwrap();
    let said = &one("two").refused_labs[LAB];
    assert!(said.contains("in two places"), "{said}");
    for key in ["links", "more"] {
        assert!(one(key).refused_labs[LAB].contains("a symbolic link"));
    }
    let said = one("within").refused.as_deref().unwrap();
    assert!(said.starts_with(NO_LAB), "{said}");
}

#[test]
fn files_that_somebody_may_miss_are_named() {
    let inbox = Inbox::new();
    let put = |path: &str| drop(inbox.put(path, "own"));
    put("helped/00-first-contact/src/echo.rs");
    put("helped/00-first-contact/src/main.rs");
    put("helped/00-first-contact/src/helper.rs");
    put("helped/00-first-contact/tests/checks.rs");
    put("helped/crates/testkit/src/echo.rs");
    put("astray/00-first-contact/src/echo.rs");
    put("astray/lab four/src/server.rs");
    put("astray/target/src/client.rs");
    put("astray/other/src/echo.rs");
    put("lost/my work/src/echo.rs");
    let labs = [LAB, "tcp-echo"].map(|lab| inbox.course.lab(lab).unwrap());
    let all = take_in(&inbox.course, inbox.dir.path(), None, &labs).unwrap();
    let notes = |key: &str| &all.iter().find(|one| one.who.key == key).unwrap().notes;
    let helper = "00-first-contact: 00-first-contact/src/helper.rs was not taken; of this lab src/echo.rs and src/greet.rs are, and nothing else.";
    assert_eq!(*notes("helped"), [helper]);
    let stray = |path: &str| {
        format!(
            "{path} was not taken, though a lab's file is called so: it lies in no folder of a lab, as in 04-tcp-echo/src/server.rs."
        )
    };
    assert_eq!(*notes("astray"), [stray("lab four/src/server.rs")]);
    assert_eq!(*notes("lost"), [stray("my work/src/echo.rs")]);

    // Of one lab alone, whatever lies beside what may lie anywhere.
    for path in [
        "echo.rs",
        "main.rs",
        "helper.rs",
        "labs/04-tcp-echo/src/more.rs",
        "book/examples/a.rs",
    ] {
        inbox.put(&format!("flat/{path}"), "own");
    }
    inbox.put("misnamed/my_echo.rs", "own");
    let all = take_in(&inbox.course, inbox.dir.path(), None, &labs[..1]).unwrap();
    for (key, file) in [("flat", "helper.rs"), ("misnamed", "my_echo.rs")] {
        let one = all.iter().find(|one| one.who.key == key).unwrap();
        let note = format!(
            "{LAB}: {file} was not taken; of this lab src/echo.rs and src/greet.rs are, and nothing else."
        );
        assert_eq!(one.notes, [note]);
    }
}

#[test]
fn two_forms_of_one_attempt_must_agree() {
    let inbox = Inbox::new();
    inbox.zip("a.zip", &[(ECHO, b"one")]);
    inbox.tar("a.tar.gz", ECHO.as_bytes(), EntryType::Regular, b"other");
    inbox.lab_refused("the same file twice, with different content");
}

#[test]
fn an_archive_of_another_kind_is_refused() {
    for (name, bytes, reason) in [
        (
            "a.rar",
            b"Rar!\x1a\x07\x00".as_slice(),
            "a .rar file cannot be read here; hand in a .zip",
        ),
        (
            "a.zip",
            b"Rar!\x1a\x07\x01\x00",
            "a .rar file cannot be read",
        ),
        (
            "a.tar.gz",
            b"7z\xbc\xaf\x27\x1c",
            "a .7z file cannot be read",
        ),
        ("a.tar.xz", b"x", "a .xz file"),
        ("a.pdf", b"%PDF", "neither a folder nor an archive"),
        ("a.zip", b"", "is empty"),
        ("a.zip", b"PK\x03\x04", "the .zip cannot be read"),
        (
            "a.tar.gz",
            b"\x1f\x8b\x08\x00",
            "the .tar.gz cannot be read",
        ),
        ("a.tar", b"not a tar at all", "cannot be read"),
    ] {
        let inbox = Inbox::new();
        inbox.put(name, bytes);
        inbox.refused(reason);
    }
}

#[test]
fn an_archive_that_was_cut_off_is_refused() {
    let inbox = Inbox::new();
    let noise: Vec<u8> = (0..40_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes())
        .collect();
    inbox.tar("a.tar.gz", b"noise", EntryType::Regular, &noise);
    let path = inbox.dir.path().join("a.tar.gz");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    inbox.refused("the .tar.gz cannot be read");
}

#[test]
fn an_archive_under_another_archives_name_is_read() {
    let inbox = Inbox::new();
    inbox.zip("a.tar.gz", &[(ECHO, b"zip")]);
    assert_eq!(echo(&inbox.one()), Some("zip"));
}

#[test]
fn a_path_that_leads_out_is_refused() {
    for path in [
        "../../etc/cron.d/x",
        "/etc/x",
        "labs/../../x",
        "C:/x",
        r"..\x",
    ] {
        let inbox = Inbox::new();
        inbox.zip("a.zip", &[(ECHO, b"good"), (path, b"x")]);
        inbox.refused("leads out of the folder");
    }
    for path in ["../x", "/etc/x", "labs/../../x"] {
        let inbox = Inbox::new();
        inbox.tar("a.tar.gz", path.as_bytes(), EntryType::Regular, b"x");
        inbox.refused("leads out of the folder");
    }
}

#[test]
fn a_name_longer_than_any_path_is_refused() {
    let long = "a/".repeat(30_000) + "b";
    let inbox = Inbox::new();
    inbox.zip("a.zip", &[(ECHO, b"good"), (&long, b"x")]);
    inbox.refused("is a name of 60001 bytes");
    let inbox = Inbox::new();
    let file = File::create(inbox.dir.path().join("a.tar.gz")).unwrap();
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    let mut header = Header::new_gnu();
    header.set_size(1);
    tar.append_data(&mut header, &long, &b"x"[..]).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    inbox.refused("is a name of 60001 bytes");

    // Its reader would take all of it into memory.
    let inbox = Inbox::new();
    let file = File::create(inbox.dir.path().join("a.tar.gz")).unwrap();
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(100_000);
    header.set_cksum();
    tar.append(&header, &vec![b'a'; 100_000][..]).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    inbox.refused("takes 100000 bytes");
}

#[test]
fn a_zip_that_has_a_file_twice_leaves_nobody_to_choose() {
    let inbox = Inbox::new();
    let other = ECHO.replace("echo", "ecXX");
    inbox.zip("a.zip", &[(ECHO, b"one"), (&other, b"two")]);
    let path = inbox.dir.path().join("a.zip");
    // Its writer makes none with a name twice.
    let mut bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() - 4 {
        if bytes[at..].starts_with(b"ecXX") {
            bytes[at..at + 4].copy_from_slice(b"echo");
        }
    }
    fs::write(&path, bytes).unwrap();
    inbox.lab_refused("it is in the .zip twice");
}

#[test]
fn a_zip_that_gives_two_files_one_name_in_unicode_leaves_nobody_to_choose() {
    let inbox = Inbox::new();
    inbox.zip_with("a.zip", |zip| {
        for (path, text) in [("a", b"one"), ("b", b"two")] {
            let mut options = FullFileOptions::default();
            let mut name = vec![1];
            let mut crc = flate2::Crc::new();
            crc.update(path.as_bytes());
            name.extend(crc.sum().to_le_bytes());
            name.extend(ECHO.as_bytes());
            options.add_extra_field(0x7075, name, false).unwrap();
            zip.start_file(path, options).unwrap();
            zip.write_all(text).unwrap();
        }
    });
    inbox.refused("two files in the .zip have one name");
}

#[test]
fn copies_are_kept_once_and_other_texts_within_a_bound() {
    let inbox = Inbox::new();
    let text = "a".repeat(1 << 20);
    for n in 0..70 {
        inbox.put(&format!("a/{n}/{ECHO}"), &text);
    }
    assert_eq!(echo(&inbox.one()), Some(&*text));
    for n in 0..70 {
        inbox.put(&format!("a/{n}/{ECHO}"), format!("{n}{}", &text[2..]));
    }
    inbox.lab_refused("longer than 64 MiB together");
}

#[test]
fn a_tar_gz_may_be_of_several_pieces() {
    let inbox = Inbox::new();
    let tar = |path: &str, end: bool| {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
        let mut header = Header::new_gnu();
        header.set_size(1);
        tar.append_data(&mut header, path, &b"x"[..]).unwrap();
        if end {
            return tar.into_inner().unwrap().finish().unwrap();
        }
        // Without the end of the archive, so that it goes on.
        let blocks = [&header.as_bytes()[..], b"x", &[0; 511]].concat();
        let mut piece = GzEncoder::new(Vec::new(), Compression::best());
        std::io::Write::write_all(&mut piece, &blocks).unwrap();
        piece.finish().unwrap()
    };
    let greet = ECHO.replace("echo", "greet");
    let bytes = [tar(ECHO, false), tar(&greet, true)].concat();
    fs::write(inbox.dir.path().join("a.tar.gz"), bytes).unwrap();
    assert_eq!(inbox.one().labs[LAB].len(), 2);
}

#[test]
fn sparse_files_are_refused() {
    let inbox = Inbox::new();
    let path = ECHO.replace("echo", "GNUSparseFile.0/echo");
    inbox.tar("a.tar.gz", path.as_bytes(), EntryType::Regular, b"");
    inbox.lab_refused("it is packed as a sparse file");

    // One of so many pieces that their list goes on behind the header.
    let inbox = Inbox::new();
    let mut header = Header::new_gnu();
    header.set_path("target/holes").unwrap();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(0);
    header.as_gnu_mut().unwrap().isextended = [1];
    header.set_cksum();
    let file = File::create(inbox.dir.path().join("a.tar")).unwrap();
    let mut tar = tar::Builder::new(file);
    tar.append(&header, &b""[..]).unwrap();
    tar.finish().unwrap();
    inbox.refused("it is packed as a sparse file");
}

/// Its reader would skip another length than the look before it, and find other entries.
#[test]
fn a_tar_that_gives_a_length_twice_is_refused() {
    let inbox = Inbox::new();
    let said = b"10 size=0\n";
    inbox.tar("a.tar.gz", b"pax", EntryType::XHeader, said);
    inbox.refused("gives the length of a file twice");
    let inbox = Inbox::new();
    let said = b"18 comment=size=0\n";
    inbox.tar("a.tar.gz", b"pax", EntryType::XGlobalHeader, said);
    assert_eq!(echo(&inbox.one()), None);
}

#[test]
fn links_and_devices_are_refused() {
    let inbox = Inbox::new();
    inbox.tar("a.tar.gz", ECHO.as_bytes(), EntryType::Symlink, b"");
    inbox.lab_refused("it is a symbolic link");
    inbox.tar("a.tar.gz", ECHO.as_bytes(), EntryType::Link, b"");
    inbox.lab_refused("it is a hard link");
    inbox.tar(
        "a.tar.gz",
        b"labs/00-first-contact/src",
        EntryType::Symlink,
        b"",
    );
    inbox.lab_refused("it is a symbolic link");
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let inbox = Inbox::new();
        inbox.tar("a.tar.gz", b"anything", kind, b"");
        inbox.refused("is a device or a pipe");
    }
    let inbox = Inbox::new();
    inbox.zip_with("a.zip", |zip| {
        zip.add_symlink(ECHO, "/etc/passwd", SimpleFileOptions::default())
            .unwrap();
    });
    inbox.lab_refused("it is a symbolic link");
}

#[cfg(unix)]
#[test]
fn links_and_pipes_of_a_folder_are_not_followed() {
    use std::os::unix::fs::symlink;
    let inbox = Inbox::new();
    let path = inbox.put(&format!("a/{ECHO}"), "x");
    fs::remove_file(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    inbox.lab_refused("it is a symbolic link");

    let inbox = Inbox::new();
    fs::create_dir_all(inbox.dir.path().join("a/labs")).unwrap();
    let other = inbox.course.root().join("solutions").join(LAB);
    symlink(other, inbox.dir.path().join("a/labs").join(LAB)).unwrap();
    inbox.lab_refused("it is a symbolic link");

    let inbox = Inbox::new();
    symlink("/etc", inbox.dir.path().join("a")).unwrap();
    inbox.refused("is a link or a device");

    // A pipe would keep whoever opens it waiting.
    let inbox = Inbox::new();
    let path = inbox.put(&format!("a/{ECHO}"), "x");
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    inbox.lab_refused("it is a device, a pipe or a socket");
}

#[test]
fn bombs_are_refused() {
    let inbox = Inbox::new();
    inbox.zip("a.zip", &[("zeros", &vec![0; 20 << 20])]);
    inbox.refused("as an archive bomb does");

    let inbox = Inbox::new();
    inbox.tar("a.tar.gz", b"zeros", EntryType::Regular, &vec![0; 20 << 20]);
    inbox.refused("as an archive bomb does");

    // Its ratio is that of source text, but it is too much.
    let inbox = Inbox::new();
    let mut meter = archive::Meter::new(100 << 20);
    assert_eq!(meter.item(1 << 30), Ok(()));
    assert!(meter.item(1).unwrap_err().contains("more than 1024 MiB"));
    let nothing: Vec<String> = (0..50_001).map(|n| format!("{n}")).collect();
    inbox.zip_with("a.zip", |zip| {
        for name in &nothing {
            let options =
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            zip.start_file(name.as_str(), options).unwrap();
        }
    });
    inbox.refused("more than 50000 files");
}

#[test]
fn a_zip_cannot_hide_how_many_entries_it_has() {
    // The directory's own count stands in its last record; a lie about it is an archive that cannot be read.
    let inbox = Inbox::new();
    inbox.zip("a.zip", &[(ECHO, b"x")]);
    let path = inbox.dir.path().join("a.zip");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 22;
    bytes[at + 8..at + 12].copy_from_slice(&[0xff; 4]);
    fs::write(&path, bytes).unwrap();
    inbox.refused("more than 50000 files");
}

#[test]
fn names_that_differ_by_case_must_not_differ_in_content() {
    let inbox = Inbox::new();
    let other = "labs/00-first-contact/src/Echo.rs";
    inbox.zip("a.zip", &[(ECHO, b"one"), (other, b"two")]);
    inbox.lab_refused("the same file twice, with different content");
    inbox.zip("a.zip", &[(ECHO, b"one"), (other, b"one")]);
    assert_eq!(echo(&inbox.one()), Some("one"));
}

#[test]
fn a_name_that_is_not_utf_8_is_refused() {
    let inbox = Inbox::new();
    inbox.tar(
        "a.tar.gz",
        b"labs/00-first-contact/src/ech\xf6.rs",
        EntryType::Regular,
        b"x",
    );
    inbox.lab_refused("its name is not UTF-8");
    // Elsewhere it is nobody's file.
    inbox.tar("a.tar.gz", b"holidays/\xf6.jpg", EntryType::Regular, b"x");
    let one = inbox.one();
    assert!(one.notes[0].contains("its name is not UTF-8"), "{one:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_entry_whose_name_is_not_utf_8_is_nobody_elses() {
    use std::os::unix::ffi::OsStrExt as _;
    let inbox = Inbox::new();
    for name in [b"J\xe9".as_slice(), b"J\xe8"] {
        let lab = inbox.dir.path().join(OsStr::from_bytes(name)).join(ECHO);
        fs::create_dir_all(lab.parent().unwrap()).unwrap();
        fs::write(lab, "x").unwrap();
    }
    let all = inbox.read(&[]);
    let keys: Vec<_> = all.iter().map(|one| one.who.key.as_str()).collect();
    assert_eq!(keys, [r"J\xe8", r"J\xe9"]);
    for one in &all {
        assert!(
            one.refused
                .as_deref()
                .unwrap_or_default()
                .contains("not UTF-8"),
            "{one:?}"
        );
    }
}

#[test]
fn a_file_that_is_too_long_or_no_text_refuses_its_lab() {
    let inbox = Inbox::new();
    let long = vec![b' '; (LONGEST_FILE + 1) as usize];
    inbox.put(&format!("a/{ECHO}"), &long);
    inbox.lab_refused("it is longer than 1024 KiB");
    inbox.put(&format!("a/{ECHO}"), &long[1..]);
    assert_eq!(echo(&inbox.one()).map(str::len), Some(1 << 20));
    inbox.put(&format!("a/{ECHO}"), b"\xff\xfe");
    inbox.lab_refused("it is not UTF-8");
}

#[test]
fn an_entry_without_a_lab_is_refused() {
    let inbox = Inbox::new();
    inbox.put("a/README.md", "sorry");
    inbox.refused("no file of any lab in it");
}

#[test]
fn archives_that_lie_in_a_folder_are_read() {
    let inbox = Inbox::new();
    inbox.put("Ada_7_assignsubmission_file_/note.txt", "hello");
    let name = "Ada_7_assignsubmission_file_/labs.zip";
    inbox.zip(name, &[(ECHO, b"moodle")]);
    assert_eq!(echo(&inbox.one()), Some("moodle"));
    inbox.put("Ada_7_assignsubmission_file_/more.rar", b"Rar!\x1a\x07\x00");
    let one = inbox.one();
    assert!(
        one.refused
            .unwrap_or_default()
            .contains("more.rar: a .rar file")
    );
}
