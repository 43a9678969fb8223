//! What a browser loads for a page that it has never seen: from here only, and little.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Book, Findings, Page};

/// Bytes on the wire, compressed, for a page and all that it loads.
const MOST: usize = 120_000;

pub(super) fn check(book: &Book, page: &Page, findings: &mut Findings) {
    let folder = page.file.parent().unwrap_or(Path::new(""));
    let mut load = Load::default();
    let mut icon = false;
    for element in page.html.all() {
        match element.name.as_str() {
            "link" => {
                let rel = element.attr("rel").unwrap_or_default();
                // Of several icons a browser takes one.
                let needless = rel.contains("icon") && icon;
                icon |= rel.contains("icon");
                if !needless
                    && ["stylesheet", "icon", "preload"]
                        .iter()
                        .any(|r| rel.contains(r))
                {
                    load.add(folder, element.attr("href"));
                }
            }
            // Without JavaScript the contents are a frame; with it they are a script.
            "iframe" if element.has_class("sidebar-iframe-outer") => {}
            "script" | "img" | "iframe" | "video" | "audio" | "source" | "embed" | "track" => {
                load.add(folder, element.attr("src"));
                if let Some(set) = element.attr("srcset") {
                    for one in set.split(',') {
                        load.add(folder, one.split_whitespace().next());
                    }
                }
            }
            "object" => load.add(folder, element.attr("data")),
            "use" | "image" => load.add(folder, element.attr("href")),
            // mdBook's script would ask the playground which crates it has.
            "pre" if element.has_class("playground") => {
                load.outside.insert("the Rust playground".to_owned());
            }
            _ => {}
        }
    }

    let mut weight = packed(&fs::read(book.built.join(&page.file)).unwrap_or_default());
    let mut heaviest: Vec<(usize, String)> = vec![(weight, "the page itself".to_owned())];
    let mut seen = BTreeSet::new();
    while let Some(file) = load.files.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        let Ok(bytes) = fs::read(book.built.join(&file)) else {
            findings.add(
                &page.name,
                None,
                "link",
                format!("the page loads {}, which is not there", file.display()),
            );
            continue;
        };
        if file.extension().is_some_and(|ending| ending == "css") {
            let folder = file.parent().unwrap_or(Path::new("")).to_owned();
            for target in targets_of_css(&String::from_utf8_lossy(&bytes)) {
                load.add(&folder, Some(&target));
            }
        }
        let bytes = packed(&bytes);
        weight += bytes;
        heaviest.push((bytes, file.display().to_string()));
    }
    for target in &load.outside {
        findings.add(
            &page.name,
            None,
            "outside",
            format!("the page loads {target}: a book loads nothing from elsewhere"),
        );
    }
    if weight > MOST {
        heaviest.sort();
        let largest: Vec<_> = heaviest
            .iter()
            .rev()
            .take(3)
            .map(|(bytes, name)| format!("{name} {bytes}"))
            .collect();
        findings.add(
            &page.name,
            None,
            "weight",
            format!(
                "{weight} bytes compressed, {MOST} at most; most of them: {}",
                largest.join(", ")
            ),
        );
    }
}

#[derive(Default)]
struct Load {
    /// Relative to the built folder.
    files: Vec<PathBuf>,
    outside: BTreeSet<String>,
}

impl Load {
    fn add(&mut self, folder: &Path, target: Option<&str>) {
        let Some(target) = target else { return };
        let target = target.trim();
        if target.is_empty() || target.starts_with("data:") || target.starts_with('#') {
            return;
        }
        if target.contains("://") || target.starts_with("//") {
            self.outside.insert(target.to_owned());
            return;
        }
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let mut file = PathBuf::new();
        for part in folder.join(path).components() {
            match part {
                std::path::Component::ParentDir => {
                    file.pop();
                }
                std::path::Component::CurDir => {}
                part => file.push(part),
            }
        }
        self.files.push(file);
    }
}

/// What a style sheet loads: fonts, images, other sheets.
fn targets_of_css(css: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in ["url(", "@import"] {
        for (at, _) in css.match_indices(word) {
            let rest = css[at + word.len()..].trim_start();
            let (rest, ends): (&str, &[char]) = match rest.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    (&rest[1..], if quote == '"' { &['"'] } else { &['\''] })
                }
                _ => (rest, &[')', ';', ' ']),
            };
            let target = rest.split(ends).next().unwrap_or_default();
            // `@import url(…)` is found by its url.
            if !target.starts_with("url(") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

fn packed(bytes: &[u8]) -> usize {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::new(6));
    // Writing into memory does not fail.
    let _ = gzip.write_all(bytes);
    gzip.finish().map_or(bytes.len(), |packed| packed.len())
}
