//! A CSV file of which single cells can be changed, while every other byte stays.

use std::borrow::Cow;

/// A parsed file (RFC 4180); its separator is a comma, a semicolon or a tab, whichever its first line has most of.
pub(super) struct Table<'t> {
    separator: char,
    lines: Vec<Line<'t>>,
}

/// A line: its cells as they are written, and what ends it.
struct Line<'t> {
    cells: Vec<Cow<'t, str>>,
    end: &'t str,
}

impl<'t> Table<'t> {
    pub(super) fn parse(text: &'t str) -> Table<'t> {
        let first = text.lines().next().unwrap_or_default();
        let separator = [',', ';', '\t']
            .into_iter()
            .max_by_key(|c| (first.matches(*c).count(), *c == ','))
            .unwrap_or(',');
        let mut lines = Vec::new();
        let mut cells = Vec::new();
        let (mut start, mut quoted) = (0, false);
        for (at, c) in text.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '\n' if !quoted => {
                    let cell = &text[start..at];
                    let bare = cell.strip_suffix('\r').unwrap_or(cell);
                    cells.push(Cow::Borrowed(bare));
                    lines.push(Line {
                        cells: std::mem::take(&mut cells),
                        end: &text[start + bare.len()..=at],
                    });
                    start = at + 1;
                }
                c if c == separator && !quoted => {
                    cells.push(Cow::Borrowed(&text[start..at]));
                    start = at + c.len_utf8();
                }
                _ => {}
            }
        }
        if start < text.len() || !cells.is_empty() {
            cells.push(Cow::Borrowed(&text[start..]));
            lines.push(Line { cells, end: "" });
        }
        Table { separator, lines }
    }

    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// What the cells of a row say.
    pub(super) fn values(&self, row: usize) -> Vec<String> {
        self.lines[row]
            .cells
            .iter()
            .map(|cell| value(cell))
            .collect()
    }

    /// Writes a number into a cell; the row becomes as long as is needed.
    pub(super) fn set(&mut self, row: usize, column: usize, number: String) {
        let cells = &mut self.lines[row].cells;
        while cells.len() <= column {
            cells.push(Cow::Borrowed(""));
        }
        cells[column] = Cow::Owned(number);
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            for (index, cell) in line.cells.iter().enumerate() {
                if index > 0 {
                    out.push(self.separator);
                }
                out.push_str(cell);
            }
            out.push_str(line.end);
        }
        out
    }
}

fn value(cell: &str) -> String {
    let bare = cell.trim_start_matches('\u{feff}');
    match bare
        .trim()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(inside) => inside.replace("\"\"", "\""),
        None => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_set_stays_byte_for_byte() {
        for text in [
            "",
            "a,b\n",
            "a,b\r\n\"x \"\"y\"\"\n z\",1\r\n",
            "\u{feff}\"a\";b\n;;\n\n1;2",
            "a\tb\n\t",
        ] {
            assert_eq!(Table::parse(text).text(), text);
        }
        let mut table = Table::parse("\u{feff}\"A, b\",c\r\n\"1,\n2\",3\r\nx");
        assert_eq!(table.values(0), ["A, b", "c"]);
        assert_eq!(table.values(1), ["1,\n2", "3"]);
        table.set(1, 1, "7".to_owned());
        table.set(2, 1, "8".to_owned());
        assert_eq!(table.text(), "\u{feff}\"A, b\",c\r\n\"1,\n2\",7\r\nx,8");
    }
}
