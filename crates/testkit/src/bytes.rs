//! Bytes as a reader can see them.
use std::fmt;

/// How many bytes are shown as hex on one line.
const HEX: usize = 16;
/// How many bytes are shown as text on one line.
const TEXT: usize = 64;
/// How many bytes tell whether all of them are text: more than are shown.
const TELLING: usize = 1024;

/// Bytes as text where they are text, else as hex; control characters always visible.
///
/// ```text
/// "hello\n"            00 00 00 05            nothing
/// ```
#[derive(Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    /// The first of them, where they are many.
    fn telling(&self) -> &[u8] {
        &self.0[..self.0.len().min(TELLING)]
    }

    fn is_text(&self) -> bool {
        let telling = self.telling();
        let text = match std::str::from_utf8(telling) {
            Ok(text) => Some(text),
            // A character may be cut where we have stopped to look.
            Err(cut) if cut.error_len().is_none() && telling.len() < self.0.len() => {
                std::str::from_utf8(&telling[..cut.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        text.is_some_and(|text| {
            text.chars()
                .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
        })
    }

    fn text(&self) -> String {
        let shown = String::from_utf8_lossy(self.telling());
        let shown: String = shown.chars().take(TEXT).collect();
        let more = if shown.len() < self.0.len() && self.0.len() > TEXT {
            "…"
        } else {
            ""
        };
        let mut out = String::from("\"");
        out += &visible(&shown.replace('\\', "\\\\").replace('"', "\\\""));
        out + "\"" + more
    }

    fn hex(&self) -> String {
        let mut out: Vec<String> = self
            .0
            .iter()
            .take(HEX)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if self.0.len() > HEX {
            out.push("…".into());
        }
        out.join(" ")
    }
}

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match () {
            () if self.0.is_empty() => f.pad("nothing"),
            () if self.is_text() => f.pad(&self.text()),
            () => f.pad(&self.hex()),
        }
    }
}

/// A line of a program's output with its control characters made visible, and nothing else changed.
pub(crate) fn visible(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// How many characters of a line are shown where nothing shorter is made of it.
const LINE: usize = 400;

/// Text of several lines, each of them [`visible`] and none without an end.
pub(crate) fn visible_lines(text: &str) -> String {
    let line = |line: &str| {
        let end = line.char_indices().nth(LINE).map(|(at, _)| at);
        match end {
            Some(end) => visible(&line[..end]) + "…",
            None => visible(line),
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// `1 byte`, `2 bytes`
pub(crate) fn count(bytes: usize) -> String {
    count_of(bytes, "byte")
}

/// `1 line`, `2 lines`
pub(crate) fn count_of(n: usize, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}

/// Where two byte strings part: the surroundings of the first difference, as text and as hex.
/// Empty when one is a beginning of the other and short enough to be seen at a glance.
pub(crate) fn difference(expected: &[u8], got: &[u8]) -> String {
    let at = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    if got.is_empty() || (at == expected.len() && at == got.len()) {
        return String::new();
    }
    if expected.len() <= HEX && got.len() <= HEX && at == got.len() {
        return String::new();
    }
    let from = at.saturating_sub(4);
    let window = |bytes: &[u8]| -> String {
        let end = bytes.len().min(from + HEX);
        let part = bytes.get(from..end).unwrap_or_default();
        let hex: Vec<String> = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = part
            .iter()
            .map(|b| {
                if (0x20..0x7f).contains(b) {
                    char::from(*b)
                } else {
                    '.'
                }
            })
            .collect();
        format!("{:<47}  {text}", hex.join(" "))
    };
    let mut out = format!("first difference at byte {at}\n");
    out += &format!("       expected  {}\n", window(expected));
    out += &format!("       got       {}\n", window(got));
    out += &format!("                 {}^^", "   ".repeat(at - from));
    match (expected.get(at), got.get(at)) {
        (Some(_), None) => {
            out += &format!(" it ends here, {} bytes too early", expected.len() - at)
        }
        (None, Some(_)) => out += &format!(" {} bytes too many", got.len() - at),
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_text_as_text_and_control_characters_as_escapes() {
        assert_eq!(Bytes(b"hel\"lo\r\n").to_string(), "\"hel\\\"lo\\r\\n\"");
        assert_eq!(Bytes("粘包".as_bytes()).to_string(), "\"粘包\"");
    }

    #[test]
    fn shows_other_bytes_as_hex() {
        assert_eq!(Bytes(&[0, 0, 0, 5]).to_string(), "00 00 00 05");
        assert!(Bytes(&[0; 40]).to_string().ends_with("00 …"));
        assert_eq!(Bytes(b"").to_string(), "nothing");
    }

    #[test]
    fn a_long_text_ends_with_an_ellipsis() {
        assert!(Bytes(&[b'x'; 100]).to_string().ends_with("xxx\"…"));
        assert!(Bytes(&[b'x'; 64]).to_string().ends_with("xxx\""));
    }

    #[test]
    fn of_much_the_beginning_tells_what_it_is() {
        let text = |before: usize| [&b"x".repeat(before), "粘".as_bytes(), b"\0"].concat();
        // The character lies across the place up to which is looked.
        let shown = Bytes(&text(TELLING - 1)).to_string();
        assert!(shown.starts_with("\"xxx"), "{shown}");
        let shown = Bytes(&text(TELLING - 4)).to_string();
        assert!(shown.starts_with("78 78"), "{shown}");
        assert!(
            Bytes(&b"\xff".repeat(2 * TELLING))
                .to_string()
                .starts_with("ff ff")
        );
    }

    #[test]
    fn points_at_the_first_difference() {
        let text = difference(b"hello world, how do you do", b"hello_world, how do you do");
        assert!(text.contains("byte 5"), "{text}");
        assert!(
            text.lines()
                .nth(1)
                .expect("a window")
                .contains("65 6c 6c 6f 20"),
            "{text}"
        );
        assert_eq!(difference(b"same", b"same"), "");
        assert!(difference(&[7; 40], &[7; 20]).contains("20 bytes too early"));
        assert!(difference(&[7; 20], &[7; 40]).contains("20 bytes too many"));
    }
}
