//! Step 6, bonus: the methods that change what is served.
use crate::answer::Site;
use crate::message::{Head, Refusal, Response};
// only:
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::capability;
use crate::condition::{self, Outcome};
use crate::file::{self, Validators};
use crate::message::Payload;
use crate::target;
// end

/// Step 6. PUT: the body becomes the file that the target names. 201 if there was none, 204 if there was
/// one, which is replaced. Nobody ever sees half of it: it is written to a file of its own in the same
/// folder, which then takes the name.
///
/// Refusals: those of `target::names`; 411 without a body that is announced (an empty one may be); 400 for
/// a request with Content-Range; 404 when the folder lies outside of the root; 409 when there is no such
/// folder, and when the target is a folder itself or ends with `/`; 412 as `condition::evaluate` says. When
/// a write fails, what `file::refuse` makes of it, but 500 in place of its 404; nothing is left of it then.
pub fn put(site: &Site, head: &Head, body: Option<&[u8]>) -> Result<Response, Refusal> {
    // write: "create the file, or replace it"
    let body = body.ok_or_else(|| Refusal::new(411, "PUT needs a Content-Length"))?;
    if head.value("Content-Range").is_some() {
        // Part of a file would replace all of it.
        return Err(Refusal::new(400, "a file is not replaced in parts"));
    }
    let path = locate(&site.root, &head.target)?;
    if path.is_dir() {
        return Err(Refusal::new(409, "that is a folder"));
    }
    let exists = precondition(head, &path)?;
    let folder = path.parent().unwrap_or(&site.root);
    write(folder, body, |written| fs::rename(written, &path))?;
    Ok(match exists {
        true => Response {
            status: 204,
            fields: Vec::new(),
            payload: Payload::Nothing,
        },
        false => Response::text(201, "created"),
    })
    // end
}

/// Step 6. POST to a folder, a target that ends with `/`: the body becomes a new file in it, whose name the
/// server chooses: the first of `1`, `2`, … that is free. 201, and the field Location with its path. The
/// same request twice makes two files.
///
/// Refusals: those of `target::names`; 405, with the Allow of `capability::allowed`, for a target that does
/// not end with `/`; 411 without a body that is announced; 404 for a folder that is not there, or lies
/// outside of the root; when a write fails, as for PUT.
pub fn post(site: &Site, head: &Head, body: Option<&[u8]>) -> Result<Response, Refusal> {
    // write: "a new file in the folder"
    let path = target::path_of(&head.target);
    let names = target::names(path)?;
    if !path.ends_with('/') {
        let refusal = Refusal::new(405, "POST adds a file to a folder");
        return Err(refusal.with("Allow", capability::allowed(site)));
    }
    let body = body.ok_or_else(|| Refusal::new(411, "POST needs a Content-Length"))?;
    let folder =
        folder(&site.root, &names)?.ok_or_else(|| Refusal::new(404, "there is no such folder"))?;
    let mut name = 0_u64;
    let take_free_name = |written: &Path| loop {
        name += 1;
        // Fails where the name is taken, so that of two requests at the same time each gets its own.
        match fs::hard_link(written, folder.join(name.to_string())) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            done => {
                fs::remove_file(written)?;
                return done;
            }
        }
    };
    write(&folder, body, take_free_name)?;
    let location = format!("/{}/{name}", path.trim_matches('/'));
    let location = location.replacen("//", "/", 1);
    let mut response = Response::text(201, &location);
    response.fields.push(("Location", location));
    Ok(response)
    // end
}

/// Step 6. DELETE: the file is removed, 204.
///
/// Refusals: those of `target::names`; 404 for what is not there, or lies in a folder outside of the root;
/// 409 for a folder, and for a target that ends with `/`, whatever is there; 412 as `condition::evaluate`
/// says, which comes before the 404 of a file that is not there.
pub fn delete(site: &Site, head: &Head) -> Result<Response, Refusal> {
    // write: "remove the file"
    let path = locate(&site.root, &head.target).map_err(|refusal| match refusal.status {
        // Nothing is in a folder that is not there.
        409 if !head.target.ends_with('/') => Refusal::new(404, "there is no such file"),
        _ => refusal,
    })?;
    if path.is_dir() {
        return Err(Refusal::new(409, "that is a folder"));
    }
    // A symbolic link is removed itself, and not what it leads to.
    fs::remove_file(&path).map_err(|error| file::refuse(&error))?;
    Ok(Response {
        status: 204,
        fields: Vec::new(),
        payload: Payload::Nothing,
    })
    // end
}

// only:
/// The folder with these names, all links resolved; `None` where there is none.
fn folder(root: &Path, names: &[String]) -> Result<Option<PathBuf>, Refusal> {
    let mut wanted = root.to_path_buf();
    wanted.extend(names);
    let Ok(found) = wanted.canonicalize() else {
        return Ok(None);
    };
    if !found.starts_with(root) {
        return Err(Refusal::new(404, "there is no such folder"));
    }
    Ok(found.is_dir().then_some(found))
}

/// Where the file of this target is or would be. Its folder exists, below the root.
fn locate(root: &Path, target: &str) -> Result<PathBuf, Refusal> {
    let path = target::path_of(target);
    let mut names = target::names(path)?;
    let conflict = |reason| Refusal::new(409, reason);
    let name = names.pop().ok_or_else(|| conflict("that is a folder"))?;
    if path.ends_with('/') {
        return Err(conflict("that would be a folder"));
    }
    let folder = folder(root, &names)?.ok_or_else(|| conflict("there is no such folder"))?;
    Ok(folder.join(name))
}

/// Whether the file exists now, if the request's conditions hold for it.
fn precondition(head: &Head, path: &Path) -> Result<bool, Refusal> {
    let about = fs::symlink_metadata(path).ok();
    let validators = about.as_ref().map(Validators::of);
    match condition::evaluate(head, validators.as_ref()) {
        Outcome::Proceed => Ok(about.is_some()),
        // Not modified: that is an answer to GET and HEAD alone (RFC 9110 §13.1.2).
        Outcome::NotModified | Outcome::Failed => {
            Err(Refusal::new(412, "the file is not as the client thinks"))
        }
    }
}

/// Writes `body` to a file in `folder` that nobody else uses, and hands it to `finish`, which gives it
/// its name. Whatever fails, the file does not stay.
fn write(
    folder: &Path,
    body: &[u8],
    finish: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), Refusal> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".http-serve-{}-{number}", std::process::id()));
    let opened = OpenOptions::new().write(true).create_new(true).open(&path);
    let filled = opened.and_then(|mut file: File| file.write_all(body));
    filled.and_then(|()| finish(&path)).map_err(|error| {
        let _ = fs::remove_file(&path);
        match (error.kind(), file::refuse(&error)) {
            (ErrorKind::InvalidFilename, _) => Refusal::new(400, "no file can have that name"),
            (_, refusal) if refusal.status != 404 => refusal,
            _ => Refusal::new(500, "the file cannot be written"),
        }
    })
}
// end
