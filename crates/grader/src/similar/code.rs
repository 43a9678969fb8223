//! What is left of a program when its author's taste is taken away: comments, layout, names, the order of items.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::handout::leaks::{LEAST, Run, Token, runs, tokens};

/// How deep modules and `impl`s are looked into; what lies deeper is taken in the order in which it stands.
const DEPTH: usize = 8;

/// How many bytes of a file there are to a token at most, where it is a program.
const THIN: usize = 100;

/// The words that mean the same in every program.
const KEYWORDS: [&str; 39] = [
    "_", "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum",
    "extern", "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move",
    "mut", "pub", "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true",
    "type", "unsafe", "use", "where", "while",
];

/// The items of a file, each as a number that does not depend on comments, layout and names, in order of the numbers.
pub fn items(text: &str) -> Vec<u64> {
    sorted(&tokens(&bare(text).0), DEPTH)
}

/// The runs of tokens in each of a file's items, without comments and names.
pub fn shingles(text: &str) -> HashSet<Run> {
    let (text, _) = bare(text);
    let nameless: Vec<Token<'_>> = tokens(&text)
        .into_iter()
        .map(|(line, word)| (line, if is_name(word) { "_" } else { word }))
        .collect();
    let mut parts = Vec::new();
    take_apart(&nameless, DEPTH, &mut parts);
    let all = parts.into_iter().flat_map(|part| runs(part, LEAST));
    all.map(|(_, run)| run).collect()
}

/// The items, and in the place of those that have items of their own, these.
fn take_apart<'s, 't>(tokens: &'s [Token<'t>], depth: usize, parts: &mut Vec<&'s [Token<'t>]>) {
    for item in split(tokens) {
        match members(item) {
            Some(at) if depth > 0 => {
                parts.push(&item[..at]);
                take_apart(&item[at + 1..item.len() - 1], depth - 1, parts);
            }
            _ => parts.push(item),
        }
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !KEYWORDS.contains(&word)
}

fn sorted(tokens: &[Token<'_>], depth: usize) -> Vec<u64> {
    let mut all: Vec<u64> = split(tokens)
        .into_iter()
        .map(|item| number(item, depth))
        .collect();
    all.sort_unstable();
    all
}

/// Cuts tokens into items: each ends with a semicolon or a brace that closes, outside of all others. What a file says
/// to the compiler's lints, `#![…]`, is none.
fn split<'s, 't>(tokens: &'s [Token<'t>]) -> Vec<&'s [Token<'t>]> {
    let mut items = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, (_, word)) in tokens.iter().enumerate() {
        match *word {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_inner = matches!(tokens[start..=at], [(_, "#"), (_, "!"), (_, "["), ..]);
        if depth == 0 && *word == "]" && is_inner {
            start = at + 1;
            continue;
        }
        let goes_on = tokens.get(at + 1).is_some_and(|(_, next)| *next == ";");
        if depth == 0 && (*word == ";" || *word == "}" && !goes_on) {
            items.push(&tokens[start..=at]);
            start = at + 1;
        }
    }
    if start < tokens.len() {
        items.push(&tokens[start..]);
    }
    items
}

/// An item as a number: its names count only by where they stand in it again.
fn number(item: &[Token<'_>], depth: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    let (head, members) = match members(item) {
        Some(at) if depth > 0 => (
            &item[..at],
            sorted(&item[at + 1..item.len() - 1], depth - 1),
        ),
        _ => (item, Vec::new()),
    };
    let mut names = HashMap::new();
    for (_, word) in head {
        if is_name(word) {
            let next = names.len();
            names.entry(*word).or_insert(next).hash(&mut hasher);
        } else {
            word.hash(&mut hasher);
        }
    }
    members.hash(&mut hasher);
    hasher.finish()
}

/// Where the brace is that opens the items of a module, an `impl` or a trait.
fn members(item: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut has_members = false;
    for (at, (_, word)) in item.iter().enumerate() {
        match *word {
            "{" if depth == 0 => {
                let closed = at + 1 < item.len() && item.last().is_some_and(|last| last.1 == "}");
                return Some(at).filter(|_| has_members && closed);
            }
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "impl" | "mod" | "trait" if depth == 0 => has_members = true,
            "fn" | "struct" | "enum" | "use" | "type" | "const" | "static" if depth == 0 => {
                return None;
            }
            _ => {}
        }
    }
    None
}

/// Why a file cannot be compared, or not all of it.
pub fn gap(text: &str) -> Option<String> {
    let (bare, open) = bare(text);
    if let Some(line) = open {
        return Some(format!(
            "a quotation or a comment begins in line {line} and never ends, so nothing from there on was compared"
        ));
    }
    let is_thin = text.len() > THIN * (1 + tokens(&bare).len());
    is_thin.then(|| "next to nothing in it is code, so next to nothing was compared".to_owned())
}

/// The text without comments, and with one word for each text or character that is quoted in it: it begins with a digit,
/// as no name does. Beside it the line where something begins that never ends.
fn bare(text: &str) -> (String, Option<usize>) {
    let mut out = String::with_capacity(text.len());
    let mut open = None;
    // What goes up to the last line feed never ends.
    let text = format!("{}\n", without_shebang(text));
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let length = if let Some(length) = comment(rest) {
            out.push(' ');
            length
        } else if let Some(length) = quoted(rest) {
            let mut hasher = DefaultHasher::new();
            for (nth, piece) in rest[..length].split('{').enumerate() {
                // What is named in a format's braces is a name as well.
                let names = |c| nth > 0 && is_word(c);
                piece.trim_start_matches(names).hash(&mut hasher);
            }
            out.push_str(&format!(" 0q{:x} ", hasher.finish()));
            length
        } else {
            let length = name(rest, &mut out);
            if length == 0 {
                out.push(if is_space(first) { ' ' } else { first });
            }
            length.max(first.len_utf8())
        };
        if length == rest.len() && length > 1 {
            open = Some(1 + text[..text.len() - length].matches('\n').count());
        }
        rest = &rest[length..];
    }
    (out, open)
}

/// Writes the name, number or lifetime that stands here, and says how long it is: 0 where there is none. `r#name` is
/// another way to write a name.
fn name(text: &str, out: &mut String) -> usize {
    let plain = text.strip_prefix('\'').unwrap_or(text);
    let raw = plain.strip_prefix("r#");
    let raw = raw.filter(|raw| raw.starts_with(is_word));
    let name = raw.unwrap_or(plain);
    let end = name.find(|c| !is_word(c)).unwrap_or(name.len());
    if text.starts_with('\'') {
        out.push('\'');
    }
    if raw.is_some() && KEYWORDS.contains(&&name[..end]) {
        out.push('_');
    }
    let letters = name[..end].chars();
    out.extend(letters.map(|c| if c.is_alphanumeric() { c } else { '_' }));
    text.len() - name.len() + end
}

/// Whether a name may have it; outside of ASCII the compiler knows nothing but names and white space.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || !c.is_ascii() && !is_space(c)
}

/// What is white space to the compiler.
fn is_space(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r' | ' ' | '\u{85}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
    )
}

/// The text without its first line where that is for a shell: it begins with `#!`, and no attribute does so. The
/// compiler passes such a line over in every file.
fn without_shebang(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(mut rest) = text.strip_prefix("#!") else {
        return text;
    };
    loop {
        rest = rest.trim_start_matches(is_space);
        match comment(rest).filter(|_| !is_doc(rest)) {
            Some(length) => rest = &rest[length..],
            None if rest.starts_with('[') => return text,
            None => return &text[text.find('\n').unwrap_or(text.len())..],
        }
    }
}

/// Whether the comment that stands here is documentation.
fn is_doc(text: &str) -> bool {
    let begins = |with: &[&str]| with.iter().any(|with| text.starts_with(with));
    begins(&["//!", "/*!", "///", "/**"]) && !begins(&["////", "/***", "/**/"])
}

/// How long the comment is that stands here, if one does, with those within it.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        if text[at..].starts_with("/*") {
            depth += 1;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
        } else {
            at += 1;
            continue;
        }
        at += 2;
        if depth == 0 {
            return Some(at);
        }
    }
    Some(text.len())
}

/// How long the quoted text or character is that stands here, if one does.
fn quoted(text: &str) -> Option<usize> {
    let body = text.trim_start_matches(['b', 'c', 'r']);
    let before = text.len() - body.len();
    let ends = |from: usize, end: &str| {
        let found = text[from..].find(end);
        found.map_or(text.len(), |at| from + at + end.len())
    };
    match &text[..before] {
        "r" | "br" | "cr" => {
            let marks = body.len() - body.trim_start_matches('#').len();
            body[marks..]
                .starts_with('"')
                .then(|| ends(before + marks + 1, &format!("\"{}", "#".repeat(marks))))
        }
        "" | "b" | "c" if body.starts_with('"') => {
            let mut escaped = false;
            let end = body[1..].find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            Some(end.map_or(text.len(), |at| before + 1 + at + 1))
        }
        "" | "b" => {
            let mut inside = body.strip_prefix('\'')?.chars();
            let first = inside.next()?;
            if first == '\\' {
                let escaped = inside.next()?.len_utf8();
                return Some(ends(before + 2 + escaped, "'"));
            }
            // Else it is a lifetime.
            (inside.next() == Some('\'')).then(|| before + first.len_utf8() + 2)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r##"#![allow(unused)]
use std::io; // what is needed
/// Says "it".
pub fn say(what: &str) -> io::Result<()> { print(what, "a // {what}", '"', b'\'', r#"c "d" e"#) }
impl<'a> Thing<'a> {
    const LIMIT: [u8; 2] = [1, 2];
    fn one(&self) -> u8 { self.first /* /* no */ comment */ }
    fn two(&self) -> u8 { self.first + 1 }
}
"##;
    const OTHER: &str = r##"
impl<'long> Other<'long> { fn zwei(&self) -> u8 { self.erstes + 1 }
    fn eins(&self) -> u8 { self.erstes }
    const MOST: [u8; 2] = [1, 2]; }
pub fn tell(it: &str) -> io::Result<()> {
    print(it, "a // {it}", '"', b'\'', r#"c "d" e"#)
}
use std::io;
"##;

    #[test]
    fn taste_is_taken_away_and_nothing_else() {
        assert_eq!(items(ONE).len(), 3);
        assert_ne!(items(ONE), items(&OTHER.replace("+ 1", "+ 2")));
        assert_ne!(items(ONE), items(&OTHER.replace("a // ", "b // ")));
        assert_ne!(items(ONE), items(&OTHER.replace("print(it", "it(it")));
        assert_eq!(items(ONE), items(OTHER));
    }

    #[test]
    fn what_the_compiler_passes_over_hides_nothing() {
        let code = "fn f<'a>(of: &'a str) -> &'a str { of.trim() }\n";
        for before in [
            "#!r###\"\n",
            "\u{feff}#!/usr/bin/env x/*\r\n",
            "#! /* a */ /// \"\n",
            "#!/** b\n",
            "#!\u{3000}[\"\n",
            "#![allow(unused)]\n",
            "#!//\n[doc = \"\n\"]\n",
            "#!\u{200e}/* c */ [doc = \"\n\"]",
        ] {
            let text = format!("{before}{code}// */ [");
            assert_eq!(items(&text), items(code), "{before:?}");
            assert_eq!(gap(&text), None, "{before:?}");
        }
        let raw = "fn r#impl<'r#x>(r#of: &'x str) -> &'x str {\u{200f}of\u{200e}.r#trim() }";
        assert_eq!(items(raw), items(code));
        assert_eq!(shingles(raw), shingles(code));
        assert_eq!(items(&code.replace("of", "o\u{301}f")), items(code));
        // None of these is a raw text.
        for name in ["'r", "'o\u{301}r"] {
            let text = format!("a!({name}\"\\\"\"); {code}");
            assert_eq!(gap(&text), None);
            assert_eq!(items(&text).len(), 2, "{text}");
        }
    }

    #[test]
    fn where_little_can_be_compared_it_says_so() {
        for text in ["fn f() {}\n\"", "\nb'\\", "\n/* /* */", "\nr#\"\"\n"] {
            let gap = gap(text).unwrap_or_default();
            assert!(gap.contains("in line 2 and never ends"), "{text}: {gap}");
        }
        for text in [
            "",
            "fn f() {}",
            "\"\"",
            "'a'",
            "/**/",
            "// \"",
            "r#\"\"#",
            "'",
        ] {
            assert_eq!(gap(text), None, "{text}");
        }
        let thin = format!("const A: &str = \"{}\";", "fn f() {} ".repeat(100));
        assert!(gap(&thin).unwrap_or_default().contains("next to nothing"));
    }

    #[test]
    fn whatever_the_text_it_comes_to_an_end() {
        let deep = "mod a {".repeat(20_000);
        for text in [
            "\"", "'", "'\\", "r#\"", "/* /* */", "}}}", ")", "b'", "'é'", "'é", &deep,
        ] {
            items(text);
            shingles(text);
        }
    }
}
