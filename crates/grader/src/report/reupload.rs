//! Feedback under the names by which a learning management system hands it to its students: a zip to upload as it is.

use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Row;
use crate::intake::entry;

/// Writes `canvas.zip` and `moodle.zip` into the folder of the feedback, each where the class came from there.
pub(super) fn write(pages: &[(&Row, String)], feedback: &Path) -> anyhow::Result<()> {
    for (name, place) in [
        (
            "canvas.zip",
            entry::canvas_feedback as fn(&str) -> Option<String>,
        ),
        ("moodle.zip", entry::moodle_feedback),
    ] {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let mut written = BTreeSet::new();
        for (row, page) in pages {
            // Of several attempts the last one is the one that is open for feedback.
            let path = row.entries.iter().rev().find_map(|entry| place(entry));
            if let Some(path) = path.filter(|path| written.insert(path.clone())) {
                zip.start_file(path, SimpleFileOptions::default())?;
                zip.write_all(page.as_bytes())?;
            }
        }
        let path = feedback.join(name);
        if !written.is_empty() {
            super::put(&path, zip.finish()?.get_ref())?;
        } else if path.exists() {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}
