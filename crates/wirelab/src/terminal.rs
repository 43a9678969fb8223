//! Where the words go: colour and links on a terminal that has them, plain text in a pipe.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a piece of text means; the colour follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It passed.
    Good,
    /// It failed.
    Bad,
    /// It deserves a look: skipped, changed, open.
    Notice,
    /// It can be skipped by the eye.
    Quiet,
    /// A heading.
    Strong,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Notice => "33",
            Tone::Quiet => "2",
            Tone::Strong => "1",
        }
    }
}

/// Standard output, and what it can show.
#[derive(Debug)]
pub struct Terminal {
    colour: bool,
    links: bool,
    interactive: bool,
    /// It finds `file:line:column` by itself, and opens it at the line, which a link cannot say.
    finds_positions: bool,
    status_shown: AtomicBool,
}

/// True while the keyboard is read key by key: the terminal then wants `\r\n`.
static RAW: AtomicBool = AtomicBool::new(false);

impl Terminal {
    /// Looks at standard output and the environment: `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`,
    /// `TERM=dumb` and `FORCE_HYPERLINK` are respected.
    #[must_use]
    pub fn detect() -> Terminal {
        let stdout = io::stdout();
        let colour = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        // The console of Windows has to be asked to read escape sequences.
        #[cfg(windows)]
        let dumb = dumb || !crossterm::ansi_support::supports_ansi();
        Terminal {
            colour: colour && !dumb,
            links: !dumb && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
            interactive: stdout.is_terminal() && !dumb,
            finds_positions: std::env::var_os("TERM_PROGRAM").is_some_and(|name| name == "vscode"),
            status_shown: AtomicBool::new(false),
        }
    }

    /// A terminal that shows plain text.
    #[must_use]
    pub fn plain() -> Terminal {
        Terminal {
            colour: false,
            links: false,
            interactive: false,
            finds_positions: false,
            status_shown: AtomicBool::new(false),
        }
    }

    /// A terminal that shows colour, and nothing else beyond text.
    #[must_use]
    pub fn coloured() -> Terminal {
        Terminal {
            colour: true,
            ..Terminal::plain()
        }
    }

    /// Whether a person looks at it: lines may be rewritten, the screen may be cleared.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Whether text is coloured.
    #[must_use]
    pub fn has_colour(&self) -> bool {
        self.colour
    }

    /// Whether text can be a link.
    #[must_use]
    pub fn has_links(&self) -> bool {
        self.links
    }

    /// The number of columns; 100 where nobody knows.
    #[must_use]
    pub fn width(&self) -> usize {
        if !self.interactive {
            return 100;
        }
        crossterm::terminal::size().map_or(100, |(columns, _)| usize::from(columns).max(40))
    }

    /// `text` in the colour of `tone`, or as it is.
    #[must_use]
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{}m{text}\u{1b}[0m", tone.code())
        } else {
            text.to_string()
        }
    }

    /// `text` as a link to `target` (OSC 8), or as it is.
    #[must_use]
    pub fn link(&self, text: &str, target: &str) -> String {
        if self.links {
            format!("\u{1b}]8;;{target}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
        } else {
            text.to_string()
        }
    }

    /// Makes every path in `text` that names a file below `root` a link. Pages of the book lead to
    /// `book`, the address at which it is served, where there is one.
    #[must_use]
    pub fn with_links(&self, text: &str, root: &Path, book: Option<&str>) -> String {
        if !self.links {
            return text.to_string();
        }
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive(is_boundary) {
            // The compiler's colours begin and end in the middle of a word.
            let mut rest = piece;
            while let Some(at) = rest.find('\u{1b}') {
                out.push_str(&self.linked_word(&rest[..at], root, book));
                let end = rest[at..].find('m').map_or(rest.len(), |end| at + end + 1);
                out.push_str(&rest[at..end]);
                rest = &rest[end..];
            }
            out.push_str(&self.linked_word(rest, root, book));
        }
        out
    }

    fn linked_word(&self, piece: &str, root: &Path, book: Option<&str>) -> String {
        let end = piece
            .trim_end_matches(|c: char| is_boundary(c) || c == '.')
            .len();
        let (word, rest) = piece.split_at(end);
        if self.finds_positions && without_position(word) != word {
            return piece.to_string();
        }
        match target(word, root, book) {
            Some(target) => self.link(word, &target) + rest,
            None => piece.to_string(),
        }
    }

    /// Writes `text` and ends the line.
    ///
    /// # Errors
    /// When standard output takes no more, as when the reader of a pipe has left.
    pub fn line(&self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }

    /// Writes `text` as it is.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub fn write(&self, text: &str) -> io::Result<()> {
        let mut out = String::with_capacity(text.len() + 8);
        if self.status_shown.swap(false, Ordering::Relaxed) {
            out.push_str("\r\u{1b}[K");
        }
        out.push_str(&for_terminal(text));
        let mut stdout = io::stdout().lock();
        stdout.write_all(out.as_bytes())?;
        stdout.flush()
    }

    /// Shows a line that the next one replaces; nothing in a pipe.
    pub fn status(&self, text: &str) {
        if !self.interactive {
            return;
        }
        let room = self.width().saturating_sub(1);
        let text: String = text.chars().take(room).collect();
        let mut out = String::from("\r\u{1b}[K");
        let _ = write!(out, "{}", self.paint(Tone::Quiet, &text));
        // Nothing is lost where this cannot be written.
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(out.as_bytes());
        let _ = stdout.flush();
        self.status_shown.store(true, Ordering::Relaxed);
    }

    /// Takes the status line away.
    pub fn clear_status(&self) {
        if self.status_shown.load(Ordering::Relaxed) {
            let _ = self.write("");
        }
    }

    /// An empty screen, where there is one.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub fn clear(&self) -> io::Result<()> {
        if self.interactive {
            self.write("\u{1b}[2J\u{1b}[H")
        } else {
            Ok(())
        }
    }
}

/// Says something that is no result (a warning, a question) on standard error.
pub fn tell(text: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = io::stderr().write_all(for_terminal(&format!("{text}\n")).as_bytes());
}

/// Asks a question whose answer is yes or no; anything but yes is no.
///
/// # Errors
/// When the terminal cannot be read.
pub fn confirm(question: &str) -> io::Result<bool> {
    let mut stderr = io::stderr();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

/// Whether a person can be asked something.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn for_terminal(text: &str) -> String {
    if RAW.load(Ordering::Relaxed) {
        text.replace('\n', "\r\n")
    } else {
        text.to_string()
    }
}

/// Reads the keyboard key by key for as long as it lives, and then gives the terminal back.
#[derive(Debug)]
pub struct RawMode(());

impl RawMode {
    /// Starts reading key by key; `None` when standard input is no terminal.
    #[must_use]
    pub fn start() -> Option<RawMode> {
        if !io::stdin().is_terminal() || crossterm::terminal::enable_raw_mode().is_err() {
            return None;
        }
        RAW.store(true, Ordering::Relaxed);
        Some(RawMode(()))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        RAW.store(false, Ordering::Relaxed);
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// What ends a path in running text.
fn is_boundary(c: char) -> bool {
    c.is_whitespace() || "()\"'`,".contains(c)
}

/// Where the path `word` leads, if it is one: `labs/04-tcp-echo/src/serve.rs:12:5`,
/// `book/src/04-tcp-echo.md#step-1`.
fn target(word: &str, root: &Path, book: Option<&str>) -> Option<String> {
    if !word.contains(['/', '\\']) || word.contains("://") {
        return None;
    }
    let (path, fragment) = word.split_once('#').unwrap_or((word, ""));
    let path = without_position(path);
    let file = root.join(path);
    if path.is_empty() || !file.is_file() {
        return None;
    }
    if let (Some(book), Some(page)) = (book, path.strip_prefix("book/src/"))
        && let Some(page) = page.strip_suffix(".md")
    {
        let page = page.strip_suffix("README").map_or_else(
            || format!("{page}.html"),
            |folder| format!("{folder}index.html"),
        );
        let hash = if fragment.is_empty() { "" } else { "#" };
        return Some(format!("{book}{page}{hash}{fragment}"));
    }
    Some(file_url(&std::path::absolute(&file).ok()?))
}

/// `src/main.rs:12:5` without the line and the column.
fn without_position(path: &str) -> &str {
    let mut path = path;
    for _ in 0..2 {
        if let Some((rest, number)) = path.rsplit_once(':')
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            path = rest;
        }
    }
    path
}

/// The URL of a file (RFC 8089), what is not plain ASCII percent-encoded.
#[must_use]
pub fn file_url(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    let mut url = String::from("file://");
    if !text.starts_with('/') {
        url.push('/');
    }
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~:".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_no_part_of_a_path() {
        assert_eq!(without_position("src/main.rs:12:5"), "src/main.rs");
        assert_eq!(without_position("src/main.rs:12"), "src/main.rs");
        assert_eq!(without_position("src/main.rs"), "src/main.rs");
        assert_eq!(without_position("C:/src/main.rs:1:2"), "C:/src/main.rs");
    }

    #[test]
    fn a_page_of_the_book_leads_to_where_it_is_served() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("book/src")).unwrap();
        std::fs::write(root.path().join("book/src/04-tcp-echo.md"), "").unwrap();
        let word = "book/src/04-tcp-echo.md#step-1";
        assert_eq!(
            target(word, root.path(), Some("http://127.0.0.1:8000/")).unwrap(),
            "http://127.0.0.1:8000/04-tcp-echo.html#step-1"
        );
        assert!(
            target(word, root.path(), None)
                .unwrap()
                .starts_with("file:///")
        );
        assert_eq!(target("book/src/none.md", root.path(), None), None);
        assert_eq!(target("and/or", root.path(), None), None);
    }

    #[test]
    fn a_url_has_no_spaces() {
        assert_eq!(file_url(Path::new("/a b/c.rs")), "file:///a%20b/c.rs");
    }

    #[test]
    fn a_path_between_colours_becomes_a_link() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("Cargo.toml"), "").unwrap();
        std::fs::create_dir(root.path().join("src")).unwrap();
        std::fs::write(root.path().join("src/main.rs"), "").unwrap();
        let terminal = Terminal {
            links: true,
            ..Terminal::plain()
        };
        let text = terminal.with_links(
            "\u{1b}[94m--> \u{1b}[0msrc/main.rs:1:2\u{1b}[0m, (src/none.rs)\n",
            root.path(),
            None,
        );
        assert!(text.starts_with("\u{1b}[94m--> \u{1b}[0m\u{1b}]8;;file:///"));
        assert!(
            text.ends_with("\u{1b}\\src/main.rs:1:2\u{1b}]8;;\u{1b}\\\u{1b}[0m, (src/none.rs)\n")
        );
    }

    #[test]
    fn plain_text_stays_plain() {
        let plain = Terminal::plain();
        assert_eq!(plain.paint(Tone::Bad, "FAILED"), "FAILED");
        assert_eq!(plain.link("here", "http://127.0.0.1/"), "here");
    }
}
