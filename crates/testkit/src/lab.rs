//! What a failing check shows of its lab; the model proper is the crate `course`.
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use toml::de::{DeTable, DeValue};

/// A check's place in its lab's `lab.toml`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1; 0 when the check is not listed.
    pub(crate) step: usize,
    pub(crate) steps: usize,
    /// Its number among all checks of the lab, from 1; 0 when the check is not listed.
    pub(crate) number: usize,
    pub(crate) points: u32,
    pub(crate) bonus: bool,
    /// Whether it is listed in a `hidden.toml`, which no learner has.
    pub(crate) hidden: bool,
    /// How many core checks the lab has.
    pub(crate) core: usize,
    /// `page.md#id`
    pub(crate) section: Option<String>,
}

/// The places of all checks of a `lab.toml` or `hidden.toml`, by their names.
type Places = HashMap<String, Place>;

/// The texts that were read: they are compiled into the checks, and each check asks for its place.
static READ: Mutex<Vec<(&'static str, Places)>> = Mutex::new(Vec::new());

impl Place {
    /// Finds `check` in the text of a `lab.toml`; an unreadable file gives an empty place, because a
    /// failing check must still be able to explain itself (a test of `course` reports the file).
    pub(crate) fn find(lab: &'static str, check: &str) -> Place {
        let mut known = READ.lock().unwrap_or_else(PoisonError::into_inner);
        let this = |(text, _): &(&str, Places)| std::ptr::eq(*text, lab);
        if !known.iter().any(this) {
            let table = DeTable::parse(lab).ok();
            let places = table.and_then(|table| Self::all(table.get_ref()));
            known.push((lab, places.unwrap_or_default()));
        }
        let places = known.iter().find(|known| this(known));
        places
            .and_then(|(_, places)| places.get(check).cloned())
            .unwrap_or_default()
    }

    fn all(lab: &DeTable<'_>) -> Option<Places> {
        if let Some(checks) = array(lab, "check") {
            return Some(Self::all_hidden(checks));
        }
        let steps = array(lab, "step")?;
        let (mut number, mut core) = (0, 0);
        let mut places = Places::new();
        for (n, step) in steps.iter().enumerate() {
            let DeValue::Table(step) = step.get_ref() else {
                continue;
            };
            let entries = array(step, "check").unwrap_or_default();
            for entry in entries {
                let DeValue::Table(entry) = entry.get_ref() else {
                    continue;
                };
                number += 1;
                let bonus = text(entry, "kind").as_deref() == Some("bonus");
                core += usize::from(!bonus);
                let place = Place {
                    step: n + 1,
                    steps: steps.len(),
                    number,
                    points: whole(entry, "points").unwrap_or(1),
                    bonus,
                    hidden: false,
                    core: 0,
                    section: text(entry, "section").or_else(|| text(step, "section")),
                };
                places.extend(text(entry, "name").map(|name| (name, place)));
            }
        }
        for place in places.values_mut() {
            place.core = core;
        }
        Some(places)
    }

    /// A `hidden.toml` has its checks in one list, each with the number of its step.
    fn all_hidden(checks: &[toml::Spanned<DeValue<'_>>]) -> Places {
        let place = |(n, entry): (usize, &toml::Spanned<DeValue<'_>>)| {
            let DeValue::Table(entry) = entry.get_ref() else {
                return None;
            };
            let place = Place {
                step: whole(entry, "step").unwrap_or(1) as usize,
                number: n + 1,
                points: whole(entry, "points").unwrap_or(1),
                bonus: text(entry, "kind").as_deref() == Some("bonus"),
                hidden: true,
                section: text(entry, "section"),
                ..Place::default()
            };
            Some((text(entry, "name")?, place))
        };
        checks.iter().enumerate().filter_map(place).collect()
    }

    /// `step 2 of 4 · 2 points`
    pub(crate) fn heading(&self) -> String {
        if self.step == 0 {
            return "not listed in lab.toml".into();
        }
        let points = crate::bytes::count_of(self.points as usize, "point");
        let bonus = if self.bonus { " · bonus" } else { "" };
        if self.hidden {
            return format!("hidden, step {} · {points}{bonus}", self.step);
        }
        format!("step {} of {} · {points}{bonus}", self.step, self.steps)
    }

    /// The line that says where to read on. The heading's words are looked up in the book's source
    /// where that is beside the lab.
    pub(crate) fn reading(&self, package_dir: &Path) -> Option<String> {
        let section = self.section.as_deref()?;
        let (page, id) = section.split_once('#').unwrap_or((section, ""));
        let path = format!("book/src/{section}");
        let chapter = page
            .split('-')
            .next()
            .and_then(|number| number.parse::<u32>().ok());
        let heading = package_dir
            .ancestors()
            .nth(2)
            .and_then(|root| std::fs::read_to_string(root.join("book/src").join(page)).ok())
            .and_then(|text| heading(&text, id));
        let words = match (heading, chapter) {
            (Some(heading), Some(chapter)) => format!("\"{heading}\", chapter {chapter}"),
            (Some(heading), None) => format!("\"{heading}\""),
            (None, Some(chapter)) => format!("chapter {chapter}"),
            (None, None) => String::new(),
        };
        Some(format!("Read  {words:<48}  {path}"))
    }
}

/// The text of the heading with the explicit id `id`.
fn heading(page: &str, id: &str) -> Option<String> {
    let mark = format!("{{#{id}}}");
    let line = page
        .lines()
        .find(|line| line.starts_with('#') && line.trim_end().ends_with(&mark))?;
    Some(
        line.trim_start_matches('#')
            .replace(&mark, "")
            .trim()
            .to_string(),
    )
}

fn array<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t [toml::Spanned<DeValue<'i>>]> {
    match table.get(key)?.get_ref() {
        DeValue::Array(array) => Some(array),
        _ => None,
    }
}

fn text(table: &DeTable<'_>, key: &str) -> Option<String> {
    match table.get(key)?.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    }
}

fn whole(table: &DeTable<'_>, key: &str) -> Option<u32> {
    match table.get(key)?.get_ref() {
        DeValue::Integer(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAB: &str = r#"
version = 1
[[step]]
title = "One"
section = "04-tcp-echo.md#step-1"
[[step.check]]
name = "first"
points = 2
[[step]]
title = "Two"
section = "04-tcp-echo.md#step-2"
[[step.check]]
name = "second"
kind = "bonus"
section = "04-tcp-echo.md#half-close"
"#;

    #[test]
    fn finds_a_check_in_its_step() {
        let place = Place::find(LAB, "first");
        assert_eq!(place.heading(), "step 1 of 2 · 2 points");
        assert_eq!(place.section.as_deref(), Some("04-tcp-echo.md#step-1"));
        assert_eq!((place.number, place.core), (1, 1));
        let place = Place::find(LAB, "second");
        assert_eq!(place.heading(), "step 2 of 2 · 1 point · bonus");
        assert_eq!(place.section.as_deref(), Some("04-tcp-echo.md#half-close"));
    }

    #[test]
    fn a_hidden_check_has_a_place_too() {
        let hidden = "version = 1\n[[check]]\nname = \"third\"\nstep = 2\npoints = 3\n";
        let place = Place::find(hidden, "third");
        assert_eq!(place.heading(), "hidden, step 2 · 3 points");
        assert!(place.hidden && place.section.is_none());
    }

    #[test]
    fn a_check_that_is_not_listed_and_a_broken_file_still_have_a_place() {
        assert_eq!(
            Place::find(LAB, "third").heading(),
            "not listed in lab.toml"
        );
        assert_eq!(Place::find("version = ", "first"), Place::default());
    }

    #[test]
    fn reads_the_words_of_a_heading() {
        assert_eq!(
            heading("# A\n\n## Half-close {#half-close}\n", "half-close").as_deref(),
            Some("Half-close")
        );
        assert_eq!(heading("## Other {#other}\n", "half-close"), None);
    }
}
