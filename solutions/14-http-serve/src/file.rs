//! Given: opening files, and what is said about them besides their bytes.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::message::Refusal;
use crate::{accept, date};

/// The refusal that an error of the file system stands for.
pub fn refuse(error: &io::Error) -> Refusal {
    match error.kind() {
        ErrorKind::PermissionDenied => Refusal::new(403, "the system does not allow it"),
        _ if accept::is_shortage(error) => {
            Refusal::new(503, "too many files are open").with("Retry-After", "1")
        }
        // Not there, a file where a folder should be, a name that is too long, links in a circle.
        _ => Refusal::new(404, "there is no such file"),
    }
}

/// Opens a file to read. When no descriptor is free it tries again for a second: files are closed all
/// the time.
pub fn open(path: &Path) -> Result<(File, Metadata), Refusal> {
    let until = Instant::now() + Duration::from_secs(1);
    loop {
        match File::open(path).and_then(|file| file.metadata().map(|about| (file, about))) {
            Err(error) if accept::is_shortage(&error) && Instant::now() < until => {
                thread::sleep(Duration::from_millis(5));
            }
            opened => return opened.map_err(|error| refuse(&error)),
        }
    }
}

/// What tells one state of a file from another.
pub struct Validators {
    /// In quotation marks, as in the field ETag.
    pub etag: String,
    /// Whole seconds, as in the field Last-Modified.
    pub modified: SystemTime,
}

impl Validators {
    /// Those of a file as it is now. The tag is made of its length and the time of its last change.
    pub fn of(about: &Metadata) -> Self {
        let now = SystemTime::now();
        let modified = about.modified().unwrap_or(now);
        let since = modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs());
        Validators {
            etag: format!("\"{:x}-{:x}\"", since.as_nanos(), about.len()),
            // A time in the future is none that a client may compare with (RFC 9110 §8.8.2.1).
            modified: whole.min(now),
        }
    }

    /// As fields of a response.
    pub fn fields(&self) -> [(&'static str, String); 2] {
        [
            ("Last-Modified", date::format(self.modified)),
            ("ETag", self.etag.clone()),
        ]
    }
}

/// The media type that the end of a file's name stands for.
pub fn media_type(path: &Path) -> &'static str {
    let end = path.extension().unwrap_or_default().to_string_lossy();
    match end.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "txt" | "md" => "text/plain; charset=utf-8",
        "json" => "application/json",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}
