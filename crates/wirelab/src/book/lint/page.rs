//! What a reader gets: links that lead somewhere, ids that mean one thing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Book, Findings, Page};

pub(super) fn check(book: &Book, page: &Page, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for element in page.html.all() {
        if let Some(id) = element.attr("id")
            && !seen.insert(id)
        {
            findings.add(
                &page.name,
                None,
                "id",
                format!("the id `{id}` stands twice on the page"),
            );
        }
    }
    for element in page.main().all() {
        for key in ["href", "src"] {
            let Some(target) = element.attr(key) else {
                continue;
            };
            // A heading's link to itself is mdBook's.
            if !element.has_class("header") {
                check_link(book, page, target, findings);
            }
        }
    }
}

fn check_link(book: &Book, page: &Page, target: &str, findings: &mut Findings) {
    let mut complain = |message: String| findings.add(&page.name, None, "link", message);
    if target.starts_with("https://") || target.starts_with("http://") {
        return;
    }
    if target.starts_with('/') {
        complain(format!(
            "the link to {target} begins with a slash, which works on a server only"
        ));
        return;
    }
    if target.contains(':') {
        complain(format!(
            "the link to {target} is of a kind the book does not use"
        ));
        return;
    }
    let (path, fragment) = match target.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment)),
        None => (target, None),
    };
    let path = decode(path);
    let file = if path.is_empty() {
        page.file.clone()
    } else {
        let folder = page.file.parent().unwrap_or(Path::new(""));
        match within(&folder.join(path)) {
            Some(file) => file,
            None => {
                complain(format!("the link to {target} leads out of the book"));
                return;
            }
        }
    };
    if !book.built.join(&file).is_file() {
        complain(format!("the link to {target} leads nowhere"));
        return;
    }
    let Some(fragment) = fragment else {
        return;
    };
    let fragment = decode(fragment);
    let Some(ids) = book.ids.get(&file) else {
        return;
    };
    if !ids.contains(&fragment) {
        complain(format!("the link to {target}: there is nothing of that id"));
        return;
    }
    if let Some(other) = book.pages.iter().find(|other| other.file == file)
        && !has_explicit_id(other, &fragment)
    {
        complain(format!(
            "the link to {target} depends on the heading's words: give the heading an id, {{#{fragment}}}"
        ));
    }
}

/// An id that mdBook made of a heading's words changes with them.
fn has_explicit_id(page: &Page, id: &str) -> bool {
    let heading = page.main().all().into_iter().any(|element| {
        element.attr("id") == Some(id)
            && matches!(
                element.name.as_str(),
                "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dt"
            )
    });
    !heading
        || page.source.contains(&format!("{{#{id}}}"))
        || page.source.contains(&format!("id=\"{id}\""))
}

/// The path without `..`, or nothing where it leaves the folder.
fn within(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => inside.push(name),
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                if !inside.pop() {
                    return None;
                }
            }
            _ => return None,
        }
    }
    Some(inside)
}

/// Resolves `%20` and the like.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
