//! The file by which a check tells a tool how it ended.
use std::path::Path;

use crate::Need;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Skipped,
    /// The program could not be started at all, so nothing is known of it.
    Unjudged,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Skipped => "skipped",
            Verdict::Unjudged => "unjudged",
        }
    }
}

/// Writes `CHECK.json` into the folder that `WIRELAB_VERDICTS` names: whole or not at all. `need` is what a
/// check was skipped for.
pub(crate) fn write(
    check: &str,
    verdict: Verdict,
    seconds: f64,
    message: &str,
    seed: &str,
    need: Option<Need>,
) {
    let Some(folder) = std::env::var_os("WIRELAB_VERDICTS") else {
        return;
    };
    let folder = Path::new(&folder);
    let text = format!(
        "{{\"version\":1,\"check\":{},\"verdict\":\"{}\",\"seconds\":{seconds:.6},\"message\":{},\"seed\":{},\"need\":{}}}\n",
        json(check),
        verdict.name(),
        json(message),
        json(seed),
        json(need.map_or("", Need::name)),
    );
    let unfinished = folder.join(format!(".{check}.{}", std::process::id()));
    let written = std::fs::write(&unfinished, text)
        .and_then(|()| std::fs::rename(&unfinished, folder.join(format!("{check}.json"))));
    if let Err(error) = written {
        eprintln!(
            "the verdict of {check} could not be written into {}: {error}",
            folder.display()
        );
    }
}

/// A JSON string (RFC 8259 §7).
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    #[test]
    fn escapes_what_json_does_not_allow_in_a_string() {
        assert_eq!(super::json("a\"b\\c\n\u{1b}é"), r#""a\"b\\c\n\u001bé""#);
    }
}
