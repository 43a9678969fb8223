//! The small tables that an instructor keeps: submission times, extensions, adjustments. CSV with a line of headings,
//! or TOML with a list of tables; the words are the same in both.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use course::{Course, DueDate};

/// One line of a table.
#[derive(Debug)]
pub struct Record {
    file: PathBuf,
    /// Its line in the file, or its number in the list.
    number: usize,
    fields: BTreeMap<String, String>,
}

/// Reads the table at `path`: CSV, or, where the name ends in `.toml`, the tables `[[list]]`. Each line has `columns`
/// and no others; the first of them is never empty.
///
/// # Errors
/// It cannot be read, or a column is unknown.
pub fn read(path: &Path, list: &str, columns: &[&str]) -> anyhow::Result<Vec<Record>> {
    let is_toml = path.extension().is_some_and(|ending| ending == "toml");
    let records = if is_toml {
        from_toml(path, list)
    } else {
        from_csv(path).and_then(|(headings, records)| {
            each_once(&headings, columns)?;
            Ok(records)
        })
    };
    let records = records.with_context(|| format!("{} cannot be read", path.display()))?;
    for record in &records {
        for name in record.fields.keys() {
            ensure!(
                columns.contains(&name.as_str()),
                "{}: there is no column `{name}`; they are {}",
                path.display(),
                columns.join(",")
            );
        }
        if let Some(first) = columns.first() {
            record.text(first).with_context(|| {
                format!("{}: every line needs the column `{first}`", record.place())
            })?;
        }
    }
    Ok(records)
}

/// Reads a CSV file of another program's where it has all the headings of `names`, each with our word for it; other
/// columns, and lines in which one of these is empty, are passed over. None where it has not.
///
/// # Errors
/// It cannot be read.
pub fn read_foreign(path: &Path, names: &[(&str, &str)]) -> anyhow::Result<Option<Vec<Record>>> {
    if path.extension().is_none_or(|ending| ending != "csv") {
        return Ok(None);
    }
    let (headings, mut records) = rows(path)?;
    if !names
        .iter()
        .all(|(theirs, _)| headings.iter().any(|heading| heading == theirs))
    {
        return Ok(None);
    }
    for record in &mut records {
        let ours = names.iter().filter_map(|(theirs, ours)| {
            let text = record.fields.remove(*theirs)?;
            Some(((*ours).to_owned(), text))
        });
        record.fields = ours.collect();
    }
    records.retain(|record| record.fields.len() == names.len());
    Ok(Some(records))
}

/// The headings of a CSV file, in small letters, and its lines. Semicolons or tabs between the columns are as good as
/// commas: so some spreadsheets write it. Lines that begin with `#` are comments.
///
/// # Errors
/// It cannot be read.
pub fn rows(path: &Path) -> anyhow::Result<(Vec<String>, Vec<Record>)> {
    from_csv(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// That none of these columns stands there twice: which of them counts, nobody could tell.
///
/// # Errors
/// One does.
pub fn each_once(headings: &[String], columns: &[&str]) -> anyhow::Result<()> {
    for column in columns {
        let times = headings.iter().filter(|heading| heading == column).count();
        ensure!(
            times < 2,
            "there are {times} columns `{column}`; take one away"
        );
    }
    Ok(())
}

/// A cell as it is meant: `="00123"` keeps a spreadsheet from taking the text for a number.
fn meant(cell: &str) -> &str {
    let text = cell
        .strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'));
    text.unwrap_or(cell)
}

/// A comment behind the last line, which is in a cell where a quotation mark was opened before and not closed.
const END: &str = "\n# the end of the file";

fn from_csv(path: &Path) -> anyhow::Result<(Vec<String>, Vec<Record>)> {
    let bytes = std::fs::read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        anyhow::anyhow!("line {line} is not UTF-8; save it as \"CSV UTF-8\"")
    })?;
    // What some spreadsheets put before the first word.
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let first = lines.next().unwrap_or_default();
    let delimiter = *[b',', b';', b'\t']
        .iter()
        .find(|delimiter| first.as_bytes().contains(delimiter))
        .unwrap_or(&b',');
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .comment(Some(b'#'))
        .delimiter(delimiter)
        .from_reader(text.as_bytes().chain(END.as_bytes()));
    let is_one_line = |line: &csv::StringRecord| {
        let number = line.position().map_or(1, csv::Position::line);
        ensure!(
            !line.iter().any(|cell| cell.contains(['\n', '\r'])),
            "line {number}: a quotation mark is opened there and not closed in the same line; close it, or write two of them where one is meant"
        );
        Ok(number)
    };
    let headings = reader.headers()?;
    is_one_line(headings)?;
    let headings = headings.iter().map(str::to_lowercase);
    let headings: Vec<String> = headings.collect();
    let mut records = Vec::new();
    for line in reader.records() {
        let line = line?;
        let number = is_one_line(&line)?;
        if line.iter().all(str::is_empty) {
            continue;
        }
        ensure!(
            line.len() <= headings.len(),
            "line {number} has more cells than there are headings: {}",
            line.iter().collect::<Vec<_>>().join(",")
        );
        let cells = line.iter().map(|cell| meant(cell).to_owned());
        let cells = headings.iter().cloned().zip(cells);
        records.push(Record {
            file: path.to_owned(),
            number: usize::try_from(number).unwrap_or(usize::MAX),
            fields: cells.filter(|(_, cell)| !cell.is_empty()).collect(),
        });
    }
    Ok((headings, records))
}

fn from_toml(path: &Path, list: &str) -> anyhow::Result<Vec<Record>> {
    let text = std::fs::read_to_string(path)?;
    let mut table: toml::Table = text.parse()?;
    let version = table.remove("version");
    ensure!(
        version == Some(toml::Value::Integer(i64::from(course::VERSION))),
        "it needs `version = {}`",
        course::VERSION
    );
    let entries = match table.remove(list) {
        Some(toml::Value::Array(entries)) => entries,
        None => Vec::new(),
        Some(_) => bail!("`{list}` must be tables, each under `[[{list}]]`"),
    };
    if let Some(other) = table.keys().next() {
        bail!("there is no `{other}` in it; each entry stands under `[[{list}]]`");
    }
    let mut records = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let toml::Value::Table(entry) = entry else {
            bail!("`{list}` must be tables, each under `[[{list}]]`");
        };
        let fields = entry.into_iter().map(|(name, value)| {
            let text = match value {
                toml::Value::String(text) => text,
                other => other.to_string(),
            };
            (name, text)
        });
        records.push(Record {
            file: path.to_owned(),
            number: index + 1,
            fields: fields.collect(),
        });
    }
    Ok(records)
}

impl Record {
    /// Where it stands, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.number)
    }

    /// What stands in the column, where anything does.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<&str> {
        self.fields.get(column).map(String::as_str)
    }

    /// As [`Record::number`], where it is one of these.
    ///
    /// # Errors
    /// It is none of them.
    pub fn number_within(
        &self,
        column: &str,
        range: RangeInclusive<f64>,
    ) -> anyhow::Result<Option<f64>> {
        let number = self.number(column)?;
        if let Some(number) = number {
            ensure!(
                range.contains(&number),
                "{}: {number} in `{column}` is not from {} to {}",
                self.place(),
                range.start(),
                range.end()
            );
        }
        Ok(number)
    }

    /// A number.
    ///
    /// # Errors
    /// It is none.
    pub fn number(&self, column: &str) -> anyhow::Result<Option<f64>> {
        let Some(text) = self.text(column) else {
            return Ok(None);
        };
        let number = text.trim_start_matches('+').parse::<f64>().ok();
        let number = number.filter(|number| number.is_finite());
        let number = number.with_context(|| {
            format!(
                "{}: `{text}` in `{column}` is no number, such as 2 or 1.5",
                self.place()
            )
        })?;
        Ok(Some(number))
    }

    /// A moment (RFC 3339).
    ///
    /// # Errors
    /// It is none, or has no offset from UTC.
    pub fn moment(&self, column: &str) -> anyhow::Result<Option<DueDate>> {
        let Some(text) = self.text(column) else {
            return Ok(None);
        };
        let moment = moment(text)
            .map_err(|reason| anyhow::anyhow!("{}: {column}: {reason}", self.place()))?;
        Ok(Some(moment))
    }

    /// The lab of the column `lab`, as its topic; none where nothing is said, which means every lab.
    ///
    /// # Errors
    /// There is no such lab.
    pub fn lab(&self, course: &Course) -> anyhow::Result<Option<String>> {
        let Some(name) = self.text("lab") else {
            return Ok(None);
        };
        let lab = course.lab(name).with_context(|| self.place())?;
        Ok(Some(lab.topic.clone()))
    }
}

/// `2026-10-05T23:59:00+02:00`, and as some systems write it `2026-10-05 21:59:00 UTC`.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub fn moment(text: &str) -> Result<DueDate, String> {
    let plain = text.trim();
    let plain = plain
        .strip_suffix(" UTC")
        .map_or_else(|| plain.to_owned(), |head| format!("{head}Z"));
    let datetime = plain.parse::<toml::value::Datetime>().map_err(|_| {
        format!(
            "`{text}` is no moment; write date, time and offset from UTC, as in 2026-10-05T23:59:00+02:00"
        )
    })?;
    DueDate::try_from(datetime)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn csv_and_toml_say_the_same() {
        let columns = ["student", "lab", "due", "days"];
        let csv = "student,lab,due,days\nada,,2026-10-05 21:59:00 UTC,\n# nobody\ngrace,8,,2\n";
        let (_dir, path) = written("x.csv", csv);
        let from_csv = read(&path, "extension", &columns).unwrap();
        let toml = "version = 1\n[[extension]]\nstudent = \"ada\"\ndue = 2026-10-05T23:59:00+02:00\n[[extension]]\nstudent = \"grace\"\nlab = \"8\"\ndays = 2\n";
        let (_dir, path) = written("x.toml", toml);
        let from_toml = read(&path, "extension", &columns).unwrap();
        for records in [from_csv, from_toml] {
            assert_eq!(records[0].text("student"), Some("ada"));
            let due = records[0].moment("due").unwrap().unwrap();
            assert_eq!(due.unix_seconds(), 1_791_237_540);
            assert_eq!(records[1].number("days").unwrap(), Some(2.0));
            assert_eq!(records[1].text("lab"), Some("8"));
        }
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_takes_no_other_line_with_it() {
        let columns = ["student", "reason"];
        for (text, place) in [
            ("student,reason\nada,\"late\nbob,cheated\n", "line 2"),
            ("student,reason\nada,ill\nbob,\"cheated", "line 3"),
            ("student,reason\nada,\"late\nbob,\"ill\"\n", "line 2"),
            ("student,\"reason\nada,late\n", "line 1"),
        ] {
            let (_dir, path) = written("x.csv", text);
            let error = read(&path, "adjustment", &columns).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(place), "{text:?}: {error}");
        }
        let text = "student,reason\nada,\"late, \"\"ill\"\"\"\n=\"007\",15\" screen\n# \"\n";
        let (_dir, path) = written("x.csv", text);
        let records = read(&path, "adjustment", &columns).unwrap();
        assert_eq!(records[0].text("reason"), Some("late, \"ill\""));
        assert_eq!(records[1].text("student"), Some("007"));
        assert_eq!(records[1].text("reason"), Some("15\" screen"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (_dir, path) = written("x.csv", "student,points,points\nada,1,2\n");
        let error = read(&path, "adjustment", &["student", "points"]).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("2 columns `points`"), "{error}");
        let (_dir, path) = written("x.csv", "student,dew\nada,1\n");
        let error = read(&path, "extension", &["student", "due"]).unwrap_err();
        assert!(error.to_string().contains("no column `dew`"), "{error}");
        let (_dir, path) = written("x.csv", "student,due\nada,tomorrow\n");
        let records = read(&path, "extension", &["student", "due"]).unwrap();
        let error = records[0].moment("due").unwrap_err().to_string();
        assert!(error.contains(":2: due: `tomorrow`"), "{error}");
    }
}
