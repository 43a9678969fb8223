//! Step 2: from the target of a request to a file below the root, and to no other.
use std::path::{Path, PathBuf};

use crate::file;
use crate::message::Refusal;

/// Given: the part of a target that names the file: what stands before the first `?`. In absolute form,
/// `http://host/path`, which every server has to accept (RFC 9112 §3.2.2), host and scheme are left out.
pub fn path_of(target: &str) -> &str {
    let absolute = target
        .split_once("://")
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("http"));
    let rest = match absolute {
        Some((_, rest)) => &rest[rest.find(['/', '?']).unwrap_or(rest.len())..],
        None => target,
    };
    let path = rest.split('?').next().unwrap_or_default();
    match path {
        "" if absolute.is_some() => "/",
        path => path,
    }
}

/// Step 2. The names in `path`, which begins with `/`, decoded: what stands between the slashes, without
/// those that are empty or `.`.
///
/// `%` and two hexadecimal digits stand for a byte, and are decoded exactly once. The bytes of a name
/// are UTF-8. Everything else is left as it is: `+` is a plus.
///
/// Refusals: 400 for a path that does not begin with `/`, for a `%` without two digits, and for a
/// decoded name with NUL, `/` or `\` in it. 404 for a decoded name that is `..`, is no UTF-8, or would
/// not be one plain name of a file on this system.
pub fn names(path: &str) -> Result<Vec<String>, Refusal> {
    // write: "the names of the path, each decoded once, or why they cannot name a file"
    let path = path.strip_prefix('/');
    let path = path.ok_or_else(|| Refusal::new(400, "the target is no path"))?;
    let mut names = Vec::new();
    // First the slashes, then the decoding. The other way round, an encoded slash would become one
    // that separates.
    for part in path.split('/') {
        let name = decode(part).ok_or_else(|| Refusal::new(400, "a % has no two digits"))?;
        if name.iter().any(|byte| matches!(byte, 0 | b'/' | b'\\')) {
            return Err(Refusal::new(400, "a name has NUL or a slash in it"));
        }
        let missing = || Refusal::new(404, "there is no such file");
        let name = String::from_utf8(name).map_err(|_| missing())?;
        if name.is_empty() || name == "." {
            continue;
        }
        // The system's own opinion: `..` and `C:` are no plain names.
        let mut components = Path::new(&name).components();
        match (components.next(), components.next()) {
            (Some(std::path::Component::Normal(_)), None) => names.push(name),
            _ => return Err(missing()),
        }
    }
    Ok(names)
    // end
}

// only:
/// Each `%` and two digits as the byte that they stand for; `None` where they are no two digits.
fn decode(part: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    Some(decoded)
}
// end

/// Step 2. The file that `target` names: a regular file below `root`, its path with all links resolved.
///
/// `root` has all its links resolved ([`Path::canonicalize`]). A path that ends with `/` names a folder,
/// and the file is `index.html` in it.
///
/// Refusals: those of [`names`]. 404 for what is not there, and for what lies outside of the root once
/// its symbolic links are followed. 301 with a Location for a folder whose path does not end with `/`:
/// [`moved`]. 403 for what is neither a file nor a folder, and for what the system does not let us reach.
/// [`file::refuse`] knows what an error of the system stands for. A file that may not be read shows when it is
/// opened, in [`file::open`].
pub fn resolve(root: &Path, target: &str) -> Result<PathBuf, Refusal> {
    // write: "the file that the target names, if it is below the root"
    let path = path_of(target);
    let mut wanted = root.to_path_buf();
    wanted.extend(names(path)?);
    let names_a_folder = path.ends_with('/');
    if names_a_folder {
        wanted.push("index.html");
    }
    // After this there is no link and no `..` left in it. Paths are compared name by name, and not as
    // text: /srv/www-private begins with /srv/www only as text.
    let found = wanted
        .canonicalize()
        .map_err(|error| file::refuse(&error))?;
    if !found.starts_with(root) {
        return Err(Refusal::new(404, "there is no such file"));
    }
    if found.is_dir() {
        return match names_a_folder {
            true => Err(Refusal::new(404, "its index is a folder")),
            false => Err(Refusal::new(301, "that is a folder")),
        };
    }
    // To open a FIFO waits for whoever writes to it.
    match found.is_file() {
        true => Ok(found),
        false => Err(Refusal::new(403, "that is no file")),
    }
    // end
}

/// Given: the refusal that sends a client to the folder that it meant, so that relative links in its
/// index lead where they should.
pub fn moved(target: &str) -> Refusal {
    // Two slashes at the front would name another host.
    let path = path_of(target).trim_start_matches('/');
    let query = target.split_once('?').map(|(_, query)| format!("?{query}"));
    let location = format!("/{path}/{}", query.unwrap_or_default());
    Refusal::new(301, "that is a folder").with("Location", location)
}
