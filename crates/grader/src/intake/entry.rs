//! How learning management systems name the entries that they hand out.

/// Who handed an entry in, as far as its name tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// What tells this student from all others: the roster's `student`, where it fits.
    pub key: String,
    /// The words by which a roster may name the same student.
    pub aliases: Vec<String>,
    /// The name, where it is in the entry's.
    pub name: String,
    /// Whether the entry's name says that it came late; it does not say how late.
    pub late: bool,
}

/// Reads an entry's name: Canvas's `{sortablename}_[LATE_]{userid}_{attachmentid}_{file}`, Moodle's
/// `Full Name_{id}_assignsubmission_file[_]`, or else a plain name.
pub fn read(name: &str, is_folder: bool) -> Who {
    moodle(name)
        .or_else(|| canvas(name).filter(|_| !is_folder))
        .unwrap_or_else(|| {
            let key = if is_folder { name } else { stem(name) };
            Who {
                key: key.to_owned(),
                ..Who::default()
            }
        })
}

fn number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn moodle(name: &str) -> Option<Who> {
    let (head, _) = name.split_once("_assignsubmission_")?;
    let (full, id) = head.rsplit_once('_')?;
    (number(id) && !full.is_empty()).then(|| Who {
        key: id.to_owned(),
        aliases: vec![full.to_owned()],
        name: full.to_owned(),
        late: false,
    })
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
        name: String::new(),
        late,
    })
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
        assert_eq!(read("wirelab-ada_99_1_x", true).key, "wirelab-ada_99_1_x");
    }
}
