//! TOML with places: every complaint knows its file, line and key.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::Problem;
use crate::{CourseError, VERSION, files};

/// The text of one TOML file.
pub(crate) struct Document {
    /// As complaints show it.
    shown: PathBuf,
    text: String,
}

impl Document {
    /// Reads the file at `path`, which complaints show relative to `root`.
    pub(crate) fn read(
        root: &Path,
        path: &Path,
        advice: &'static str,
    ) -> Result<Document, CourseError> {
        let text = files::read(path, advice)?;
        Ok(Document {
            shown: path.strip_prefix(root).unwrap_or(path).to_owned(),
            text,
        })
    }

    /// A document whose text is here already.
    pub(crate) fn given(shown: impl Into<PathBuf>, text: &str) -> Document {
        Document {
            shown: shown.into(),
            text: text.to_owned(),
        }
    }

    /// The text.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Calls `read` with the file's table, whose version must be ours, and complains about the
    /// keys that `read` did not ask for.
    pub(crate) fn parse<T>(
        &self,
        read: impl FnOnce(&Table<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.parse_any(|table| {
            let version = table.required("version", format_args!("add `version = {VERSION}`"))?;
            let number = version.whole(0..=u64::MAX)?;
            if number != u64::from(VERSION) {
                return Err(version.problem(format!(
                    "version {number} is not supported, only {VERSION}; get the tools that belong to this file, or write `version = {VERSION}`"
                )));
            }
            read(table)
        })
    }

    /// As [`parse`](Document::parse), for a file without a version.
    pub(crate) fn parse_any<T>(
        &self,
        read: impl FnOnce(&Table<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let parsed = DeTable::parse(&self.text).map_err(|error| {
            let message = error.message().trim();
            self.problem(
                error.span(),
                None,
                format!("this is not TOML: {message}; mend the line"),
            )
        })?;
        let entries = parsed.get_ref();
        let table = Table {
            document: self,
            place: String::new(),
            at: None,
            entries,
            known: RefCell::default(),
        };
        let value = read(&table)?;
        table.finish()?;
        Ok(value)
    }

    fn problem(&self, at: Option<Range<usize>>, place: Option<String>, reason: String) -> Problem {
        let line = at.map(|at| {
            self.text
                .bytes()
                .take(at.start)
                .filter(|byte| *byte == b'\n')
                .count()
                + 1
        });
        Problem {
            file: self.shown.clone(),
            line,
            place,
            reason,
        }
    }
}

/// A table of a [`Document`].
pub(crate) struct Table<'d> {
    document: &'d Document,
    /// `step 2, check 1`; empty at the top.
    place: String,
    at: Option<Range<usize>>,
    entries: &'d DeTable<'d>,
    /// The keys that were asked for, and so exist.
    known: RefCell<Vec<&'static str>>,
}

impl<'d> Table<'d> {
    /// The value of `key`, where there is one.
    pub(crate) fn get(&self, key: &'static str) -> Option<Value<'d>> {
        self.known.borrow_mut().push(key);
        let value = self.entries.get(key)?;
        Some(Value {
            document: self.document,
            place: self.place_of(key),
            value,
        })
    }

    /// The value of `key`; `advice` says what to do where there is none.
    pub(crate) fn required(
        &self,
        key: &'static str,
        advice: impl Display,
    ) -> Result<Value<'d>, Problem> {
        if let Some(value) = self.get(key) {
            return Ok(value);
        }
        // A key that is nearly the one that is missing is what is wrong.
        self.finish_nearly(key)?;
        Err(self.document.problem(
            self.at.clone(),
            Some(self.place_of(key)),
            format!("is missing; {advice}"),
        ))
    }

    /// The tables `[[key]]`, in order; each is read by `read` with its number, from 1.
    pub(crate) fn tables<T>(
        &self,
        key: &'static str,
        mut read: impl FnMut(usize, &Table<'d>) -> Result<T, Problem>,
    ) -> Result<Vec<T>, Problem> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let wrong = || {
            value.problem(format!(
                "must be tables, each under `[[{}]]`",
                self.header(key)
            ))
        };
        let items = value.value.get_ref().as_array().ok_or_else(wrong)?;
        let mut out = Vec::new();
        for (n, item) in items.iter().enumerate() {
            let entries = item.get_ref().as_table().ok_or_else(wrong)?;
            let place = self.joined(&format!("{key} {}", n + 1));
            let at = Some(item.span());
            let table = Table {
                document: self.document,
                place,
                at,
                entries,
                known: RefCell::default(),
            };
            out.push(read(n + 1, &table)?);
            table.finish()?;
        }
        Ok(out)
    }

    /// The table `[key]`, where there is one.
    pub(crate) fn table<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Table<'d>) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let wrong = || value.problem(format!("must be a table, under `[{key}]`"));
        let entries = value.value.get_ref().as_table().ok_or_else(wrong)?;
        let place = self.joined(&format!("table `{key}`"));
        let at = Some(value.value.span());
        let table = Table {
            document: self.document,
            place,
            at,
            entries,
            known: RefCell::default(),
        };
        let out = read(&table)?;
        table.finish()?;
        Ok(Some(out))
    }

    /// A complaint about the table as a whole.
    pub(crate) fn problem(&self, reason: impl Into<String>) -> Problem {
        let place = (!self.place.is_empty()).then(|| self.place.clone());
        self.document.problem(self.at.clone(), place, reason.into())
    }

    fn finish(&self) -> Result<(), Problem> {
        let known = self.known.borrow();
        let Some(key) = self
            .entries
            .keys()
            .find(|key| !known.contains(&key.get_ref().as_ref()))
        else {
            return Ok(());
        };
        let name = key.get_ref().as_ref();
        let advice = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let list: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
                format!("the keys here are {}", list.join(", "))
            }
        };
        Err(self.document.problem(
            Some(key.span()),
            Some(self.place_of(name)),
            format!("there is no such key; {advice}"),
        ))
    }

    fn finish_nearly(&self, missing: &'static str) -> Result<(), Problem> {
        let known = self.known.borrow();
        let others = self
            .entries
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()));
        for key in others {
            let name = key.get_ref().as_ref();
            if nearest(name, [missing]).is_some() {
                let reason = format!("there is no such key; did you mean `{missing}`?");
                return Err(self.document.problem(
                    Some(key.span()),
                    Some(self.place_of(name)),
                    reason,
                ));
            }
        }
        Ok(())
    }

    fn place_of(&self, key: &str) -> String {
        self.joined(&format!("key `{key}`"))
    }

    fn joined(&self, what: &str) -> String {
        if self.place.is_empty() {
            what.to_owned()
        } else {
            format!("{}, {what}", self.place)
        }
    }

    /// `step.check` for the checks of a step.
    fn header(&self, key: &str) -> String {
        match self.place.split(' ').next() {
            Some(outer) if !outer.is_empty() => format!("{outer}.{key}"),
            _ => key.to_owned(),
        }
    }
}

/// A value of a [`Document`].
pub(crate) struct Value<'d> {
    document: &'d Document,
    place: String,
    value: &'d Spanned<DeValue<'d>>,
}

impl<'d> Value<'d> {
    /// A complaint about this value.
    pub(crate) fn problem(&self, reason: impl Into<String>) -> Problem {
        self.document.problem(
            Some(self.value.span()),
            Some(self.place.clone()),
            reason.into(),
        )
    }

    /// A text of at least one character, without white space around it.
    pub(crate) fn text(&self) -> Result<&'d str, Problem> {
        let text = self
            .value
            .get_ref()
            .as_str()
            .ok_or_else(|| self.other_type("a text in quotes"))?;
        if text.trim().is_empty() {
            return Err(self.problem("is empty; write something there"));
        }
        if text.trim() != text {
            return Err(self.problem("begins or ends with white space; take it away"));
        }
        Ok(text)
    }

    /// A text for people, which may span lines; the white space around it does not count.
    pub(crate) fn prose(&self) -> Result<&'d str, Problem> {
        let text = self
            .value
            .get_ref()
            .as_str()
            .ok_or_else(|| self.other_type("a text in quotes"))?
            .trim();
        if text.is_empty() {
            return Err(self.problem("is empty; write something there"));
        }
        Ok(text)
    }

    /// A whole number in `range`.
    pub(crate) fn whole(&self, range: RangeInclusive<u64>) -> Result<u64, Problem> {
        let wanted = if *range.end() == u64::MAX {
            format!("a whole number from {}", range.start())
        } else {
            format!("a whole number from {} to {}", range.start(), range.end())
        };
        let DeValue::Integer(number) = self.value.get_ref() else {
            return Err(self.other_type(&wanted));
        };
        u64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.problem(format!("is {}; write {wanted}", number.as_str())))
    }

    /// A number in `range`, with or without a fraction.
    pub(crate) fn number(&self, range: RangeInclusive<f64>) -> Result<f64, Problem> {
        let wanted = if range.end().is_infinite() {
            format!("a number from {}", range.start())
        } else {
            format!("a number from {} to {}", range.start(), range.end())
        };
        let written = match self.value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => return Err(self.other_type(&wanted)),
        };
        written
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite() && range.contains(number))
            .ok_or_else(|| self.problem(format!("is {written}; write {wanted}")))
    }

    /// A date and time.
    pub(crate) fn datetime(&self) -> Result<toml::value::Datetime, Problem> {
        let wanted = "a date, a time and an offset from UTC, as in 2026-10-05T23:59:00+02:00";
        match self.value.get_ref() {
            DeValue::Datetime(datetime) => Ok(*datetime),
            DeValue::String(text) => text
                .parse()
                .map_err(|_| self.problem(format!("is \"{text}\"; write {wanted}"))),
            _ => Err(self.other_type(wanted)),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self) -> Result<Vec<Value<'d>>, Problem> {
        let items = self
            .value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.other_type("a list of texts in quotes"))?;
        let value = |item| Value {
            document: self.document,
            place: self.place.clone(),
            value: item,
        };
        Ok(items.iter().map(value).collect())
    }

    /// A text, or a list of them: always as a list.
    pub(crate) fn text_or_texts(&self) -> Result<Vec<Value<'d>>, Problem> {
        if self.value.get_ref().is_str() {
            return Ok(vec![Value {
                document: self.document,
                place: self.place.clone(),
                value: self.value,
            }]);
        }
        self.texts()
    }

    fn other_type(&self, wanted: &str) -> Problem {
        self.problem(format!(
            "is of type {}; write {wanted}",
            self.value.get_ref().type_str()
        ))
    }
}

/// The candidate that looks most like `wanted`, if one looks like it at all.
pub(crate) fn nearest<'c>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let wanted = wanted.to_lowercase();
    let length = wanted.chars().count();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&wanted, &lower);
            let alike = distance * 5 <= length.max(lower.chars().count()) * 2;
            (alike || (length >= 3 && lower.contains(&wanted))).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
