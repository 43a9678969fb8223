//! How learning management systems name the entries that they hand out.

/// Who handed an entry in, as far as its name tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// What tells this student from all others: the roster's `student`, where it fits.
    pub key: String,
    /// The words by which a roster may name the same student, the surest first.
    pub aliases: Vec<String>,
    /// The name, where it is in the entry's.
    pub name: String,
    /// Whether the entry's name says that it came late; it does not say how late.
    pub late: bool,
    /// Where one student has several entries: the higher, the later.
    pub attempt: u64,
    /// What kind of a number the key is.
    pub number: Number,
}

/// What a key that is a number tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Number {
    /// Nothing: it is a word that somebody chose.
    #[default]
    None,
    /// Who it is in one assignment: Moodle's.
    InAssignment,
    /// Who it is: Canvas's.
    Everywhere,
}

impl Who {
    /// All words for this student, the surest first.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().map(String::as_str);
        std::iter::once(self.key.as_str()).chain(aliases)
    }
}

/// Reads an entry's name: Canvas's `{sortablename}_[LATE_]{userid}_{attachmentid}_{file}`, Moodle's
/// `Full Name_{id}_assignsubmission_file[_]`, or else a plain name, such as that of a GitHub Classroom repository,
/// `assignment-login`.
pub fn read(name: &str, is_folder: bool) -> Who {
    moodle(name)
        .or_else(|| canvas(name).filter(|_| !is_folder || !is_a_repositorys(name)))
        .unwrap_or_else(|| plain(if is_folder { name } else { stem(name) }))
}

/// Whether a folder's name may be that of a repository, `assignment-login`: Canvas leaves no hyphen in a student's name.
fn is_a_repositorys(name: &str) -> bool {
    let first = name.split('_').next();
    first.is_some_and(|first| first.contains('-'))
}

/// The student's number, where the name is as Canvas or Moodle makes it.
#[must_use]
pub fn numbered(name: &str) -> Option<String> {
    canvas(name).or_else(|| moodle(name)).map(|who| who.key)
}

/// A name that says nothing but who. What follows a hyphen may be the login, as in `wirelab-ada`, or tell a copy from
/// the first one, as in `ada-2`: a roster knows.
fn plain(name: &str) -> Who {
    let (key, attempt) = copy(name, " (", ")").unwrap_or((name, 0));
    let mut aliases: Vec<String> = key
        .match_indices('-')
        .map(|(at, _)| key[at + 1..].to_owned())
        .collect();
    let mut number = attempt;
    if let Some((first, copy)) = first(key) {
        aliases.push(first.to_owned());
        number = number.max(copy);
    }
    Who {
        key: key.to_owned(),
        aliases,
        attempt: number,
        ..Who::default()
    }
}

/// `ada-2` → `ada` and 2, where it may be a copy.
pub(super) fn first(key: &str) -> Option<(&str, u64)> {
    copy(key, "-", "").or_else(|| copy(key, "_", ""))
}

/// `ada (2)` → `ada` and 2, where a copy's number stands between ` (` and `)`.
fn copy<'n>(name: &'n str, before: &str, after: &str) -> Option<(&'n str, u64)> {
    let (first, count) = name.strip_suffix(after)?.rsplit_once(before)?;
    let short = number(count) && count.len() <= 3 && !first.is_empty();
    Some((first, count.parse().ok().filter(|_| short)?))
}

fn number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// What Moodle writes behind a student's name and number.
const MOODLES: &str = "_assignsubmission_";

/// Nobody, where more than one may be meant: full names and files are the students' to choose.
fn moodle(name: &str) -> Option<Who> {
    let mut heads = name.match_indices(MOODLES).map(|(at, _)| &name[..at]);
    let (full, id) = name_and_number(heads.next()?)?;
    let only = heads.all(|other| name_and_number(other).is_none());
    only.then(|| Who {
        key: id.to_owned(),
        aliases: vec![full.to_owned()],
        name: full.to_owned(),
        number: Number::InAssignment,
        ..Who::default()
    })
}

/// The name and the number that stand before [`MOODLES`].
fn name_and_number(head: &str) -> Option<(&str, &str)> {
    let parts = head.rsplit_once('_');
    parts.filter(|(full, id)| number(id) && !full.is_empty())
}

fn canvas(name: &str) -> Option<Who> {
    let mut words = name.splitn(5, '_');
    let sortable = words.next().filter(|word| !word.is_empty())?;
    let mut next = words.next()?;
    let late = next == "LATE";
    if late {
        next = words.next()?;
    }
    let attachment = words.next()?;
    let file = words.next()?;
    (number(next) && number(attachment) && !file.is_empty()).then(|| Who {
        key: next.to_owned(),
        aliases: vec![sortable.to_owned()],
        late,
        // Canvas counts the files of everybody up, so a later one has a higher number.
        attempt: attachment.parse().unwrap_or_default(),
        number: Number::Everywhere,
        ..Who::default()
    })
}

/// What the student called the file that an entry is.
#[must_use]
pub fn file(name: &str) -> &str {
    if let Some(who) = canvas(name) {
        return name
            .splitn(before_the_file(&who) + 1, '_')
            .last()
            .unwrap_or(name);
    }
    moodle(name)
        .and_then(|_| name.split_once("_assignsubmission_file_"))
        .map_or(name, |(_, file)| file)
}

/// How many words stand before the file's own name, in one of Canvas's.
fn before_the_file(who: &Who) -> usize {
    if who.late { 4 } else { 3 }
}

/// Where Canvas looks for feedback on this entry, in the archive that is uploaded again: the entry's own name up to the
/// file's.
#[must_use]
pub fn canvas_feedback(name: &str) -> Option<String> {
    let who = canvas(name)?;
    let (at, _) = name.match_indices('_').nth(before_the_file(&who) - 1)?;
    Some(format!("{}_feedback.md", &name[..at]))
}

/// Where Moodle looks for feedback on this entry, in the archive of feedback files.
#[must_use]
pub fn moodle_feedback(name: &str) -> Option<String> {
    moodle(name)?;
    let (head, _) = name.split_once(MOODLES)?;
    // With an underscore at its end, as older versions want it and newer ones allow it.
    Some(format!("{head}_assignsubmission_file_/feedback.md"))
}

/// The name without what says the kind of archive.
fn stem(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    for ending in [".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst"] {
        if lower.ends_with(ending) && name.len() > ending.len() {
            return &name[..name.len() - ending.len()];
        }
    }
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && (1..=4).contains(&ending.len()) => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feedback_goes_back_under_the_entrys_name() {
        assert_eq!(
            canvas_feedback("lovelaceada_LATE_1234_98765_my_labs.zip").as_deref(),
            Some("lovelaceada_LATE_1234_98765_feedback.md")
        );
        assert_eq!(
            canvas_feedback("hoppergrace_77_98765_a_b.zip").as_deref(),
            Some("hoppergrace_77_98765_feedback.md")
        );
        for entry in [
            "Ada Lovelace_4711_assignsubmission_file",
            "Ada Lovelace_4711_assignsubmission_file_",
            "Ada Lovelace_4711_assignsubmission_file_labs.zip",
        ] {
            assert_eq!(
                moodle_feedback(entry).as_deref(),
                Some("Ada Lovelace_4711_assignsubmission_file_/feedback.md")
            );
        }
        assert_eq!(
            (canvas_feedback("ada.zip"), moodle_feedback("ada")),
            (None, None)
        );
    }

    #[test]
    fn a_files_own_name_is_what_the_student_called_it() {
        for (entry, own) in [
            ("lovelaceada_LATE_1234_98765_my_server.rs", "my_server.rs"),
            ("hoppergrace_77_98765_server-1.rs", "server-1.rs"),
            (
                "Ada Lovelace_4711_assignsubmission_file_server.rs",
                "server.rs",
            ),
            ("server.rs", "server.rs"),
        ] {
            assert_eq!(file(entry), own);
        }
    }

    #[test]
    fn a_later_attempt_has_the_higher_number() {
        let attempt = |name: &str| {
            let who = read(name, false);
            (who.key, who.attempt)
        };
        assert_eq!(attempt("ada.zip"), ("ada".to_owned(), 0));
        assert_eq!(attempt("ada (2).zip"), ("ada".to_owned(), 2));
        // Without a roster this may be somebody's login.
        assert_eq!(attempt("ada-2.zip"), ("ada-2".to_owned(), 2));
        assert_eq!(read("ada-2.zip", false).aliases, ["2", "ada"]);
        assert_eq!(attempt("lovelaceada_7_98_labs-1.zip"), ("7".to_owned(), 98));
        assert_eq!(
            attempt("s2026 (12345).zip"),
            ("s2026 (12345)".to_owned(), 0)
        );
    }

    #[test]
    fn each_layout_tells_who() {
        let who = read("lovelaceada_LATE_1234_98765_lab.zip", false);
        assert_eq!(
            (who.key.as_str(), who.late, who.aliases),
            ("1234", true, vec!["lovelaceada".to_owned()])
        );
        assert_eq!(read("hoppergrace_77_98765_a_b.zip", false).key, "77");
        let who = read("Ada Lovelace_4711_assignsubmission_file_", true);
        assert_eq!(
            (who.key.as_str(), who.name.as_str()),
            ("4711", "Ada Lovelace")
        );
        assert_eq!(
            read("Ada Lovelace_4711_assignsubmission_file", true).key,
            "4711"
        );
        assert_eq!(read("s123.tar.gz", false).key, "s123");
        assert_eq!(read("s123.zip", false).key, "s123");
        let unpacked = read("lovelaceada_LATE_1234_98765_labs", true);
        assert_eq!((unpacked.key.as_str(), unpacked.late), ("1234", true));
        assert_eq!(read("wirelab-ada_99_1_x", true).key, "wirelab-ada_99_1_x");
        let who = read("wirelab-ada-b", true);
        assert_eq!(
            (who.key.as_str(), who.aliases),
            ("wirelab-ada-b", vec!["ada-b".to_owned(), "b".to_owned()])
        );
    }
}
