//! Chapter 14, find the bug: where a server looks for the file of a target.
use std::path::{Path, PathBuf};

// ANCHOR: bug
/// The file that a target names, below `root`; `None` for one that would
/// lead out of it.
fn file_of(root: &Path, target: &str) -> Option<PathBuf> {
    let target = target.split('?').next()?;
    // Without two points in a row there is no way up.
    if target.contains("..") {
        return None;
    }
    let name = unescape(target);
    Some(root.join(name.strip_prefix('/')?))
}
// ANCHOR_END: bug

/// Puts each character of ASCII where its escape is.
fn unescape(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut plain = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let code = piece
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(code.map_or('%', char::from));
        plain.push_str(piece.get(2..).unwrap_or_default());
    }
    plain
}

fn main() {
    let root = Path::new("/srv/www");
    for (name, target) in [
        ('A', "/notes.txt?page=.."),
        ('B', "/../secret.txt"),
        ('C', "/%2e%2e/secret.txt"),
        ('D', "//etc/passwd"),
        ('E', "/a..b.txt"),
    ] {
        match file_of(root, target) {
            Some(path) => println!("{name}: {}", path.display()),
            None => println!("{name}: refused"),
        }
    }
}
