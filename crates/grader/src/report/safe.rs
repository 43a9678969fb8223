//! Text from submissions, made harmless for where it is written.

use std::collections::BTreeSet;

/// How long a file's name may be without its ending, in bytes: a system takes 255, and ours have something before and
/// behind.
const LONGEST_NAME: usize = 160;

/// Plain text: no terminal's escape sequences, no control characters but line feeds and tabs, nothing that turns the
/// direction of writing or that nobody sees.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Nothing reaches from one line into the next, and most lines are plain by themselves.
    for line in text.split_inclusive('\n') {
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
        if line.as_bytes().iter().all(is_plain) {
            out.push_str(line);
        } else {
            make_plain(line, &mut out);
        }
    }
    out
}

fn make_plain(line: &str, out: &mut String) {
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                // CSI: parameters, then one final byte (ECMA-48 §5.4).
                Some('[') => {
                    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                    chars.next_if(|c| matches!(c, '@'..='~'));
                }
                // OSC and its like: up to the string's terminator, or the line's end.
                Some(']' | 'P' | '^' | '_' | 'X') => {
                    while let Some(c) = chars.next_if(|c| *c != '\n') {
                        if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            // Directions (UAX #9), and what is shown as nothing at all; the joiners that scripts need stay.
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {}
            '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' => {}
            '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => {}
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            c => out.push(c),
        }
    }
}

/// How many words of a list are named in a message.
const MOST_NAMED: usize = 10;

/// The words, in one line with commas between; of many the first ones, and how many more there are.
pub fn list<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<String> = words
        .map(|word| plain(word).replace(['\n', '\t'], " "))
        .collect();
    let more = words.len().saturating_sub(MOST_NAMED);
    let mut list = words[..words.len() - more].join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

/// Plain text in HTML, between tags and in quoted attributes.
#[must_use]
pub fn html(text: &str) -> String {
    plain(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// A block of text in Markdown, in a fence that the text cannot close.
#[must_use]
pub fn fenced(text: &str) -> String {
    let text = plain(text);
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// A few words in Markdown, that stay words.
#[must_use]
pub fn inline(text: &str) -> String {
    let text = plain(text).replace(['\n', '\t'], " ");
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A cell of a CSV file, that no spreadsheet takes for a formula; nor a part of it, where a spreadsheet takes semicolons
/// or tabs for what stands between cells.
#[must_use]
pub fn cell(text: &str) -> String {
    let text = plain(text).replace('\n', " ");
    if text.starts_with('\t') {
        return format!("'{text}");
    }
    let parts = text.split_inclusive([';', '\t']);
    let parts = parts.map(|part| {
        let first = part.trim_start();
        // The full-width ones are taken for their plain twins by some.
        let is_formula = first.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
        if is_formula {
            format!("'{part}")
        } else {
            part.to_owned()
        }
    });
    parts.collect()
}

/// A file's name without its ending, for somebody's id, that nobody else in `taken` has on any system.
pub fn file_name(id: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut name = String::new();
    for c in id.chars().map(|c| if plain(c) { c } else { '_' }) {
        // Small letters may be longer than capital ones.
        let longest = c.len_utf8().max(c.to_lowercase().map(char::len_utf8).sum());
        if name.len() + longest > LONGEST_NAME {
            break;
        }
        name.push(c);
    }
    let plain = name.trim_matches('.');
    let plain = if plain.is_empty() { "student" } else { plain };
    let mut name = plain.to_owned();
    let mut number = 1;
    while !taken.insert(name.to_lowercase()) {
        number += 1;
        name = format!("{plain}-{number}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_colours_and_controls() {
        assert_eq!(
            plain("a\u{1b}[31;1mb\u{1b}]0;title\u{7}c\r\u{8}\n\u{202e}d"),
            "abc\nd"
        );
        assert_eq!(plain("\u{1b}"), "");
        assert_eq!(
            plain("\u{61c}a\u{200b}b\u{feff}\u{e0041}\u{2028}c"),
            "ab\nc"
        );
    }

    #[test]
    fn a_fence_holds_what_it_encloses() {
        assert_eq!(fenced("a\n```\nb"), "````text\na\n```\nb\n````\n");
        assert_eq!(fenced("a"), "```text\na\n```\n");
    }

    #[test]
    fn words_stay_words() {
        assert_eq!(inline("<img> [x](y)"), "&lt;img&gt; \\[x\\](y)");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell(" @x"), "' @x");
        assert_eq!(cell("a=b"), "a=b");
        assert_eq!(cell("x;=1+1; -2\t@3"), "x;'=1+1;' -2\t'@3");
        assert_eq!(cell("\t=1"), "'\t=1");
        assert_eq!(cell("a; b;"), "a; b;");
        assert_eq!(cell("\u{a0}=1"), "'\u{a0}=1");
        assert_eq!(cell("＝1"), "'＝1");
    }

    #[test]
    fn every_student_has_a_file() {
        let mut taken = BTreeSet::new();
        assert_eq!(file_name("../Ada", &mut taken), "_Ada");
        assert_eq!(file_name("ada", &mut taken), "ada");
        assert_eq!(file_name("ADA", &mut taken), "ADA-2");
        assert_eq!(file_name("..", &mut taken), "student");
        for id in ["\u{20000}", "\u{10400}", "\u{10428}", "a"] {
            let name = file_name(&id.repeat(300), &mut taken);
            assert!((100..200).contains(&name.len()), "{name}");
        }
    }
}
